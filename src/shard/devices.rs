//! Which profile a device has, by its User-Agent. An office has few kinds of devices, so each name
//! is looked at once.

use std::collections::HashMap;

use crate::base::limits::DEVICE_NAMES_MAX;
use crate::event::profile::{Profile, Profiles};
use crate::event::status::Settings;

/// The profiles of devices that were heard of.
pub(super) struct Devices {
    profiles: Profiles,
    known: HashMap<Box<str>, Profile>,
}

impl Devices {
    /// By these settings.
    pub(super) fn new(settings: &Settings) -> Devices {
        let profiles = Profiles::new(&settings.profiles, settings.documents);
        Devices { profiles, known: HashMap::new() }
    }

    /// The profile of a device by the name it gave.
    pub(super) fn profile(&mut self, user_agent: Option<&str>) -> Profile {
        let name = user_agent.unwrap_or_default();
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let profile = self.profiles.of(user_agent);
        if self.known.len() >= DEVICE_NAMES_MAX {
            self.known.clear();
        }
        self.known.insert(name.into(), profile);
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::profile::Documents;

    #[test]
    fn names_without_end_take_no_room_without_end() {
        let mut devices = Devices::new(&Settings::default());
        for number in 0..3 * DEVICE_NAMES_MAX {
            devices.profile(Some(&format!("made up {number}")));
        }
        assert!(devices.known.len() <= DEVICE_NAMES_MAX);
        assert_eq!(devices.profile(Some("Yealink T46")).documents, Documents::Phone);
        assert_eq!(devices.profile(None), Profile::default());
    }
}
