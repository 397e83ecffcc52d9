//! Where calls of a person go instead: what the forwarding keys of its phones say and read, in the
//! words that vendors agree on without an RFC (documents of ECMA-323).

use serde::{Deserialize, Serialize};

use crate::base::limits::FORWARD_TO_OCTETS_MAX;
use crate::doc::Element;
use crate::doc::write::escape_text;
use crate::doc::xml::DocumentError;

/// Where calls go in one case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// In which case.
    pub when: When,
    /// Whether they do.
    pub on: bool,
    /// A number or an address, as it was keyed in.
    pub to: String,
    /// After how many rings, where nobody answers; `None`: the PBX knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rings: Option<u8>,
}

/// In which case calls go elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// In any.
    Always,
    /// While the person is in a call.
    Busy,
    /// When nobody answers.
    NoAnswer,
}

impl When {
    /// All of them, in the order in which phones are told.
    pub const ALL: [When; 3] = [When::Always, When::Busy, When::NoAnswer];

    /// In a word.
    pub const fn as_text(self) -> &'static str {
        match self {
            When::Always => "always",
            When::Busy => "busy",
            When::NoAnswer => "no-answer",
        }
    }

    /// From that word.
    pub fn from_text(text: &str) -> Option<When> {
        When::ALL.into_iter().find(|when| when.as_text() == text)
    }

    /// The number of its channel.
    pub const fn number(self) -> u32 {
        match self {
            When::Always => 1,
            When::Busy => 2,
            When::NoAnswer => 3,
        }
    }

    /// As phones have it.
    const fn keyword(self) -> &'static str {
        match self {
            When::Always => "forwardImmediate",
            When::Busy => "forwardBusy",
            When::NoAnswer => "forwardNoAns",
        }
    }

    fn of_keyword(text: &str) -> Option<When> {
        // Some write forwardNoAnswer.
        When::ALL.into_iter().find(|when| text.starts_with(when.keyword()))
    }
}

impl Forward {
    /// No calls go elsewhere in this case.
    pub fn off(when: When) -> Forward {
        Forward { when, on: false, to: String::new(), rings: None }
    }

    /// Whether it can be kept and told: calls that go elsewhere go somewhere.
    pub fn check(&self) -> Result<(), &'static str> {
        let Forward { on, to, rings, .. } = self;
        if *on && to.trim().is_empty() {
            return Err("a forwarding that is on needs a number or an address to go to");
        }
        let fits = to.len() <= FORWARD_TO_OCTETS_MAX && !to.chars().any(char::is_control);
        match fits && rings.is_none_or(|rings| rings <= 99) {
            true => Ok(()),
            false => Err("where calls go has 255 octets at most, and 99 rings at most"),
        }
    }

    /// From the document by which a phone sets it. The order of its elements varies.
    pub(super) fn read(root: &Element) -> Result<Forward, DocumentError> {
        let value = |name: &str| {
            let element = root.elements().find(|element| &*element.name.local == name);
            element.map(Element::token).unwrap_or_default()
        };
        let when = When::of_keyword(&value("forwardingType"));
        let when = when.ok_or_else(|| {
            DocumentError::invalid(
                "forwardingType is forwardImmediate, forwardBusy or forwardNoAns",
            )
        })?;
        let on = match value("activateForward").as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(DocumentError::invalid("activateForward is true or false")),
        };
        // Where rings do not count it may be empty, or 0.
        let rings = value("ringCount").parse().ok().filter(|rings| *rings > 0);
        let rings = rings.filter(|_| when == When::NoAnswer);
        let forward = Forward { when, on, to: value("forwardDN"), rings };
        forward.check().map_err(DocumentError::invalid)?;
        Ok(forward)
    }

    /// The document by which phones are told, `device` escaped already.
    pub(super) fn write(&self, device: &str, namespace: &str) -> String {
        let Forward { when, on, to, rings } = self;
        let (kind, to, rings) = (when.keyword(), escape_text(to), rings.unwrap_or(0));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ForwardingEvent xmlns=\"{namespace}\">\n\
             <device>{device}</device>\n<forwardingType>{kind}</forwardingType>\n\
             <forwardStatus>{on}</forwardStatus>\n<forwardTo>{to}</forwardTo>\n\
             <ringCount>{rings}</ringCount>\n</ForwardingEvent>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::xml;

    fn read(inside: &str) -> Result<Forward, DocumentError> {
        let text = format!("<SetForwarding>{inside}</SetForwarding>");
        Forward::read(&xml::read(text.as_bytes(), None).expect("XML"))
    }

    #[test]
    fn a_key_is_read_in_whatever_order_it_is_written() {
        let text = "<device>1</device><activateForward>true</activateForward>\
                    <forwardingType>forwardNoAns</forwardingType><forwardDN>5799</forwardDN>\
                    <ringCount>4</ringCount>";
        let forward =
            Forward { when: When::NoAnswer, on: true, to: "5799".to_owned(), rings: Some(4) };
        assert_eq!(read(text), Ok(forward));
        let text = "<forwardingType>forwardImmediate</forwardingType><forwardDN></forwardDN>\
                    <ringCount></ringCount><activateForward>false</activateForward>";
        assert_eq!(read(text), Ok(Forward::off(When::Always)));
    }

    #[test]
    fn what_says_not_where_or_when_is_refused() {
        let (on, busy) = (
            "<activateForward>true</activateForward>",
            "<forwardingType>forwardBusy</forwardingType>",
        );
        for text in
            [format!("{on}{busy}"), format!("{busy}<forwardDN>1</forwardDN>"), on.to_owned()]
        {
            assert!(read(&text).is_err(), "{text}");
        }
        let long = "5".repeat(FORWARD_TO_OCTETS_MAX + 1);
        assert!(read(&format!("{on}{busy}<forwardDN>{long}</forwardDN>")).is_err());
    }

    #[test]
    fn a_word_is_read_back() {
        for when in When::ALL {
            assert_eq!(When::from_text(when.as_text()), Some(when));
            assert_eq!(When::of_keyword(when.keyword()), Some(when));
        }
    }
}
