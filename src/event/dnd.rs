//! The lamp of "do not disturb": a resource beside the extension, `dnd+101` beside `101`, whose
//! lamp is lit while 101 is not to be disturbed. The lamp of 101 itself tells of calls and of
//! nothing else, so nobody is shown a call that is none.

use std::time::Duration;

use super::share::Memory;
use super::{Composed, Entry, EventPackage, Generation, Observation, Octets, Pace, Seen, Wanted};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Now;
use crate::doc::body::Body;
use crate::doc::dialog_info::{Dialog, DialogInfo, State};
use crate::doc::permissions::Permissions;
use crate::doc::rules::Attribute;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// What stands before the user of the extension.
pub const PREFIX: &str = "dnd+";

/// The id of the one dialog of the lamp, lit or not.
const ID: &str = "dnd";

/// The user whose lamp a user part names, if it names one.
pub fn watched(user: &str) -> Option<&str> {
    user.strip_prefix(PREFIX).filter(|user| !user.is_empty())
}

/// Whose state is shown under a name: of a lamp the person it stands beside, else the one named.
pub fn owner(named: &Aor) -> Aor {
    match watched(named.user()) {
        Some(user) => Aor::from_parts(user, named.host()),
        None => named.clone(),
    }
}

/// Whether a person is not to be disturbed: what the lamp beside it and the keys of its phones
/// follow. A part that is not lit says nothing.
pub(super) fn followed(seen: &Observation) -> Option<()> {
    let Observation::Person(brief) = seen else { return None };
    brief.dnd.then_some(())
}

/// Lit if anybody says so.
pub(super) fn composed(parts: &[Entry<()>], previous: bool) -> Composed<bool> {
    let lit = !parts.is_empty();
    Composed { document: lit, changed: lit != previous, again: None }
}

/// The package of these lamps. It is subscribed to as `dialog` of `dnd+101`, and fed by the
/// `presence` package of `101`.
pub struct DndLamp;

impl EventPackage for DndLamp {
    /// Lit; a part that is not says nothing.
    type Part = ();
    type Document = bool;

    const NAME: &'static str = "dialog.dnd";
    const NAMED: bool = false;
    const EVENT: &'static str = super::dialog::Dialog::NAME;
    const MEDIA: &'static [MediaType] = &[MediaType::DialogInfo];
    /// As any other lamp.
    const PACE: Pace = super::dialog::Dialog::PACE;
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;
    const PUBLISHED: bool = false;

    fn parse(&self, _: Octets<'_>, _: Option<&()>) -> Result<(), Refusal> {
        Err(Refusal::UnsupportedMediaType(Vec::new()))
    }

    fn observe(&self, seen: &Observation) -> Option<()> {
        followed(seen)
    }

    fn compose(
        &self,
        _: &Aor,
        parts: &[Entry<()>],
        previous: bool,
        _: Generation,
        _: Now,
    ) -> Composed<bool> {
        composed(parts, previous)
    }

    fn serialise(&self, _: &Aor, lit: &bool, view: View<'_>, _: &MediaType, _: Seen) -> Body {
        let lit = *lit && matches!(view, View::Own | View::Full);
        let state = if lit { State::Confirmed } else { State::Terminated };
        DialogInfo::body([Dialog::new(ID, state)].iter())
    }

    /// The lamp tells what a person does, so it is lit for who may know that.
    fn serialise_part(
        &self,
        aor: &Aor,
        lit: &bool,
        permissions: &Permissions,
        wanted: Wanted<'_>,
        _: Option<&mut Memory>,
    ) -> Body {
        let may_know = permissions.attributes.contains(Attribute::Activities);
        let view = if may_know { View::Full } else { View::Offline };
        self.serialise(aor, lit, view, wanted.media, wanted.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::status::{Availability, Brief};

    #[test]
    fn a_lamp_names_the_user_it_watches() {
        assert_eq!(watched("dnd+101"), Some("101"));
        assert_eq!(watched("dnd+"), None);
        assert_eq!(watched("101"), None);
    }

    #[test]
    fn the_lamp_follows_the_status_and_not_the_calls() {
        let dnd = Brief { availability: Availability::Dnd, dnd: true, invisible: false };
        assert_eq!(DndLamp.observe(&Observation::Person(dnd)), Some(()));
        let busy = Brief { availability: Availability::Busy, ..Brief::default() };
        assert_eq!(DndLamp.observe(&Observation::Person(busy)), None);
    }

    #[test]
    fn lit_is_a_confirmed_dialog_and_dark_an_ended_one_of_the_same_id() {
        let aor = Aor::from_parts("101", "example.com");
        let text = |lit, view| {
            let body = DndLamp.serialise(&aor, &lit, view, &MediaType::DialogInfo, Seen::default());
            String::from_utf8_lossy(&body.to_bytes(0, "sip:dnd+101@example.com")).into_owned()
        };
        let dialog = |state: &str| format!("<dialog id=\"dnd\"><state>{state}</state></dialog>");
        assert!(text(true, View::Full).contains(&dialog("confirmed")));
        assert!(text(false, View::Full).contains(&dialog("terminated")));
        assert!(text(true, View::Offline).contains(&dialog("terminated")));
    }
}
