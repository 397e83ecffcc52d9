//! The words of a policy file as they stand there, each with its place.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

pub(super) type Word = Spanned<String>;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub policy: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub version: Option<Word>,
    #[serde(default)]
    pub domains: Vec<Word>,
    pub default_inside: Option<Word>,
    pub default_outside: Option<Word>,
    pub dialog_inside: Option<Word>,
    pub dialog_outside: Option<Word>,
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<Word>>,
    #[serde(default)]
    pub ceiling: Vec<CeilingText>,
    #[serde(default)]
    pub attendant: Vec<AttendantText>,
    #[serde(default)]
    pub team: Vec<TeamText>,
    #[serde(default)]
    pub hours: Vec<HoursText>,
    #[serde(default)]
    pub day_off: Vec<DayOffText>,
    pub location: Option<LocationText>,
    pub audit: Option<AuditText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CeilingText {
    pub name: Option<Word>,
    #[serde(default)]
    pub who: WhoText,
    #[serde(default)]
    pub of: WhoText,
    #[serde(default)]
    pub when: WhenText,
    pub most: Option<Word>,
    pub allow: Option<Vec<Word>>,
    #[serde(default)]
    pub hide: Vec<Word>,
    #[serde(default)]
    pub show: Vec<Word>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WhoText {
    pub domain: Words,
    pub user: Words,
    pub group: Words,
    pub except_domain: Words,
    pub except_user: Words,
    pub except_group: Words,
}

/// One word or a list of them, and where they stand.
pub(super) type Words = Option<Spanned<OneOrMany>>;

/// One word or a list of them.
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Word>),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WhenText {
    pub off_work: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttendantText {
    pub who: Spanned<WhoText>,
    #[serde(default)]
    pub of: WhoText,
    pub dialog: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamText {
    pub members: Spanned<WhoText>,
    pub alternate: AlternateText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlternateText {
    pub contact: Word,
    pub name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoursText {
    #[serde(default)]
    pub of: WhoText,
    pub zone: Word,
    #[serde(default)]
    pub monday: Vec<Word>,
    #[serde(default)]
    pub tuesday: Vec<Word>,
    #[serde(default)]
    pub wednesday: Vec<Word>,
    #[serde(default)]
    pub thursday: Vec<Word>,
    #[serde(default)]
    pub friday: Vec<Word>,
    #[serde(default)]
    pub saturday: Vec<Word>,
    #[serde(default)]
    pub sunday: Vec<Word>,
    #[serde(default)]
    pub holidays: Vec<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DayOffText {
    pub of: Spanned<WhoText>,
    pub from: Word,
    pub until: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocationText {
    pub opt_in: Option<bool>,
    pub precision: Option<Word>,
    pub retain: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditText {
    pub enabled: Option<bool>,
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<OneOrMany, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(OneOrMany::Many(words))
            }
        }
        from.deserialize_any(Either)
    }
}
