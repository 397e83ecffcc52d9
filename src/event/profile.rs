//! Profiles: what a device has to be spared, by the name it gives itself in User-Agent.
//!
//! Documents are the same truth in every profile; some devices read only the beginning of one,
//! and some fail on what others need.

use serde::{Deserialize, Serialize};

/// How documents are written for one device.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How much of presence.
    pub documents: Documents,
    /// How calls.
    pub calls: CallProfile,
}

/// How much of presence a device is sent.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Documents {
    /// Everything.
    #[default]
    Full,
    /// One service, one activity, one note: for those that look no further than the first.
    Phone,
}

/// How calls are shown to a device. All of it may be asked for at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<CallTrait>", into = "Vec<CallTrait>")]
pub struct CallProfile {
    /// One call at most: a ringing one before all others.
    pub single: bool,
    /// A line without calls is one ended call: many phones take none at all for no news.
    pub dummy: bool,
    /// A call that rings elsewhere counts as answered: phones that blink for any ringing call
    /// would invite to pick up what their own user dials.
    pub caller_confirmed: bool,
    /// Without the parties and without what a pick-up needs.
    pub no_parties: bool,
}

/// The traits of call profiles, as settings name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallTrait {
    /// RFC 4235 to the letter; of a line without calls nothing is said. Stands alone.
    Rfc,
    /// See [`CallProfile::single`].
    Single,
    /// See [`CallProfile::dummy`].
    Dummy,
    /// See [`CallProfile::caller_confirmed`].
    CallerConfirmed,
    /// See [`CallProfile::no_parties`].
    NoParties,
}

/// One profile as settings have it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRule {
    /// Fits if the value of User-Agent does, in any case; `*` stands for anything.
    pub user_agent: String,
    /// How much of presence; left out: as if this rule were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Documents>,
    /// How calls; left out: as if this rule were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<CallProfile>,
}

impl Profile {
    /// In one octet; 0 is the default.
    pub fn to_octet(self) -> u8 {
        let CallProfile { single, dummy, caller_confirmed, no_parties } = self.calls;
        let traits =
            [self.documents == Documents::Phone, single, !dummy, caller_confirmed, no_parties];
        traits.iter().rev().fold(0, |octet, is| octet << 1 | u8::from(*is))
    }

    /// From [`Profile::to_octet`]; `None` for an octet that is none of its.
    pub fn from_octet(octet: u8) -> Option<Profile> {
        let [phone, single, no_dummy, caller_confirmed, no_parties] =
            [0, 1, 2, 3, 4].map(|bit| octet >> bit & 1 == 1);
        let profile = Profile {
            documents: if phone { Documents::Phone } else { Documents::Full },
            calls: CallProfile { single, dummy: !no_dummy, caller_confirmed, no_parties },
        };
        (profile.to_octet() == octet).then_some(profile)
    }
}

/// Profiles by User-Agent.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    rules: Vec<ProfileRule>,
    default: Documents,
}

const DUMMY: CallProfile =
    CallProfile { single: false, dummy: true, caller_confirmed: false, no_parties: false };

/// The SPA962 restarts on a second call, and its whole family blinks for early calls in either
/// direction.
const SPA: CallProfile = CallProfile { single: true, caller_confirmed: true, ..DUMMY };

/// Devices that are known to need something.
const BUILT_IN: &[(&str, Option<Documents>, Option<CallProfile>)] = &[
    ("Linksys/SPA*", Some(Documents::Phone), Some(SPA)),
    ("Cisco/SPA*", Some(Documents::Phone), Some(SPA)),
    // Desk phones and servers that read the first service and the first activity.
    ("Yealink*", Some(Documents::Phone), None),
    ("snom*", Some(Documents::Phone), None),
    ("Polycom*", Some(Documents::Phone), None),
    ("Grandstream*", Some(Documents::Phone), None),
    ("Fanvil*", Some(Documents::Phone), None),
    ("Aastra*", Some(Documents::Phone), None),
    ("Mitel*", Some(Documents::Phone), None),
    ("Htek*", Some(Documents::Phone), None),
    ("Panasonic*", Some(Documents::Phone), None),
    ("Gigaset*", Some(Documents::Phone), None),
    ("FreeSWITCH*", Some(Documents::Phone), None),
    ("Asterisk*", Some(Documents::Phone), None),
    ("*Zoiper*", Some(Documents::Phone), None),
];

impl Default for CallProfile {
    fn default() -> CallProfile {
        DUMMY
    }
}

impl Profiles {
    /// These rules, then those built in, then `default`.
    pub fn new(rules: &[ProfileRule], default: Documents) -> Profiles {
        Profiles { rules: rules.to_vec(), default }
    }

    /// The profile of a device by the value of its User-Agent header, if it sent one.
    pub fn of(&self, user_agent: Option<&str>) -> Profile {
        let name = user_agent.unwrap_or_default();
        let own = self.rules.iter().filter(|rule| fits(&rule.user_agent, name));
        let own = own.map(|rule| (rule.presence, rule.dialog));
        let built_in = BUILT_IN.iter().filter(|(pattern, ..)| fits(pattern, name));
        let built_in = built_in.map(|(_, documents, calls)| (*documents, *calls));
        let all = own.chain(built_in);
        Profile {
            documents: all.clone().find_map(|(documents, _)| documents).unwrap_or(self.default),
            calls: all.clone().find_map(|(_, calls)| calls).unwrap_or_default(),
        }
    }
}

impl TryFrom<Vec<CallTrait>> for CallProfile {
    type Error = &'static str;

    fn try_from(traits: Vec<CallTrait>) -> Result<CallProfile, &'static str> {
        let has = |wanted| traits.contains(&wanted);
        if has(CallTrait::Rfc) && traits.len() > 1 {
            return Err("\"rfc\" stands alone: the others depart from it");
        }
        Ok(CallProfile {
            single: has(CallTrait::Single),
            dummy: has(CallTrait::Dummy),
            caller_confirmed: has(CallTrait::CallerConfirmed),
            no_parties: has(CallTrait::NoParties),
        })
    }
}

impl From<CallProfile> for Vec<CallTrait> {
    fn from(profile: CallProfile) -> Vec<CallTrait> {
        let all = [
            (profile.single, CallTrait::Single),
            (profile.dummy, CallTrait::Dummy),
            (profile.caller_confirmed, CallTrait::CallerConfirmed),
            (profile.no_parties, CallTrait::NoParties),
        ];
        let asked: Vec<CallTrait> =
            all.into_iter().filter(|(is, _)| *is).map(|(_, it)| it).collect();
        if asked.is_empty() { vec![CallTrait::Rfc] } else { asked }
    }
}

/// Whether a text fits a pattern, in any case: `*` stands for any text, also none.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let (middle, last) = match rest.rsplit_once('*') {
        Some((middle, last)) => (middle, last),
        None => ("", rest),
    };
    for piece in middle.split('*') {
        match left.find(piece) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        user_agent: &str,
        presence: Option<Documents>,
        dialog: Option<CallProfile>,
    ) -> ProfileRule {
        ProfileRule { user_agent: user_agent.to_owned(), presence, dialog }
    }

    #[test]
    fn a_pattern_fits_in_any_case_and_a_star_is_anything() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("Yealink*", "yealink SIP-T46G 28.80.0.85"),
            ("*T46*", "Yealink SIP-T46G 28.80.0.85"),
            ("a*b*c", "a-b-b-c"),
            ("a*c", "ac"),
            ("exact", "Exact"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "x"), ("Yealink*", "A Yealink"), ("a*b*c", "a-c"), ("ab*ba", "aba")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_device_nobody_knows_gets_everything_and_an_ended_call_for_none() {
        let profiles = Profiles::default();
        for name in [None, Some(""), Some("Linphone/4.2")] {
            assert_eq!(profiles.of(name), Profile::default());
            assert!(profiles.of(name).calls.dummy);
        }
    }

    #[test]
    fn a_known_phone_is_spared_and_settings_know_better() {
        let spa = Some("Linksys/SPA962-6.1.5(a)");
        let built_in = Profiles::default().of(spa);
        assert!(built_in.calls.single && built_in.documents == Documents::Phone);
        let rules = [
            rule("*SPA962*", Some(Documents::Full), None),
            rule("*SPA*", None, Some(CallProfile { no_parties: true, ..DUMMY })),
        ];
        let own = Profiles::new(&rules, Documents::Full).of(spa);
        assert_eq!(own.documents, Documents::Full, "the first rule that says something counts");
        assert!(own.calls.no_parties && !own.calls.single);
    }

    #[test]
    fn a_profile_fits_into_an_octet() {
        assert_eq!(Profile::default().to_octet(), 0);
        for octet in 0..32 {
            assert_eq!(Profile::from_octet(octet).map(Profile::to_octet), Some(octet));
        }
        assert_eq!(Profile::from_octet(32), None);
    }

    #[test]
    fn the_default_is_for_those_nobody_speaks_of() {
        let profiles = Profiles::new(&[], Documents::Phone);
        assert_eq!(profiles.of(Some("Linphone/4.2")).documents, Documents::Phone);
    }

    #[test]
    fn a_call_profile_is_written_as_a_list_of_traits() {
        let read = |text: &str| serde_json::from_str::<CallProfile>(text);
        let written = r#"["single","caller-confirmed"]"#;
        let profile = read(written).expect("a profile");
        assert!(profile.single && profile.caller_confirmed && !profile.dummy);
        assert_eq!(serde_json::to_string(&profile).expect("text"), written);
        let rfc = read(r#"["rfc"]"#).expect("a profile");
        assert!(!rfc.dummy);
        assert_eq!(serde_json::to_string(&rfc).expect("text"), r#"["rfc"]"#);
        assert!(read(r#"["rfc","single"]"#).is_err());
    }
}
