//! Contact (RFC 3261 §20.10).

use smallvec::SmallVec;

use crate::base::limits::LIST_VALUES_MAX;
use crate::sip::header::name_addr::NameAddr;
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// What Contact says, over all its fields.
#[derive(Clone, Debug)]
pub enum Contacts<'a> {
    /// `*` alone: every binding.
    Star,
    /// The contacts in order, perhaps none.
    List(SmallVec<[NameAddr<'a>; 1]>),
}

impl<'a> Contacts<'a> {
    /// The contact of a message that must have exactly one (RFC 3261 §8.1.1.8).
    pub fn only(&self) -> Option<&NameAddr<'a>> {
        match self {
            Contacts::List(list) if list.len() == 1 => list.first(),
            _ => None,
        }
    }
}

impl Headers {
    /// Contact; an empty list if there is none.
    pub fn contacts(&self) -> Result<Contacts<'_>, Malformed> {
        let mut list: SmallVec<[NameAddr<'_>; 1]> = SmallVec::new();
        for value in self.values(HeaderId::Contact) {
            let mut rest = value;
            loop {
                if list.len() >= LIST_VALUES_MAX {
                    return Err(self.fault(rest, "fewer Contact values"));
                }
                let (after, contact) =
                    NameAddr::parse(rest).map_err(|e| self.unread(e, "a Contact value"))?;
                list.push(contact);
                rest = match after {
                    [] => break,
                    [b',', next @ ..] => next,
                    junk => return Err(self.fault(junk, "a comma between Contact values")),
                };
            }
        }
        // RFC 3261 §10.2.2: the star has no company and no parameters.
        match list.iter().find(|contact| contact.uri_text() == "*") {
            None => Ok(Contacts::List(list)),
            Some(star) if list.len() == 1 && star.text() == b"*" => Ok(Contacts::Star),
            Some(star) => Err(self.fault(star.text(), "a Contact of * alone")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::headers;

    fn uris(lines: &str) -> Vec<String> {
        match headers(lines).contacts() {
            Ok(Contacts::List(list)) => list.iter().map(|c| c.uri_text().to_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn contacts_come_from_all_fields_in_order() {
        assert!(uris("").is_empty());
        assert_eq!(
            uris("m: \"A, B\" <sip:a@h;x=1,2>;expires=60 , sip:b@h\r\nContact: <sip:c@h>\r\n"),
            ["sip:a@h;x=1,2", "sip:b@h", "sip:c@h"]
        );
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let h = headers("m: sip:u@h:5070;x=1\r\n");
        let contacts = h.contacts().unwrap();
        let contact = contacts.only().unwrap();
        assert_eq!(contact.uri_text(), "sip:u@h:5070");
        assert_eq!(contact.parameter("X"), Some(Some("1")));
        assert_eq!(uris("m: <sip:u@h;x=1>\r\n"), ["sip:u@h;x=1"]);
    }

    #[test]
    fn a_quoted_parameter_is_read_without_its_quotes() {
        let h = headers("m: <sip:u@h>;+sip.instance=\"<urn:uuid:1,2;3>\";reg-id=1\r\n");
        let contacts = h.contacts().unwrap();
        let contact = contacts.only().unwrap();
        assert_eq!(contact.parameter("+sip.instance"), Some(Some("<urn:uuid:1,2;3>")));
        assert_eq!(contact.parameter("reg-id"), Some(Some("1")));
    }

    #[test]
    fn a_star_stands_alone() {
        assert!(matches!(headers("m: *\r\n").contacts(), Ok(Contacts::Star)));
        for bad in [
            "m: *, <sip:a@h>\r\n",
            "m: <sip:a@h>, *\r\n",
            "m: *\r\nm: *\r\n",
            "m: *\r\nm: <sip:a@h>\r\n",
        ] {
            assert!(headers(bad).contacts().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_that_is_empty_or_followed_by_junk_is_refused() {
        for bad in [
            "m:\r\n",
            "m: <sip:a@h>,\r\n",
            "m: ,<sip:a@h>\r\n",
            "m: <sip:a@h> x\r\n",
            "m: sip:a@h?Route=x\r\n",
        ] {
            assert!(headers(bad).contacts().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_most_contacts_and_one_more() {
        let with = |count| {
            let list = vec!["sip:a@h"; count].join(",");
            headers(&format!("m: {list}\r\n")).contacts().is_ok()
        };
        assert!(with(LIST_VALUES_MAX));
        assert!(!with(LIST_VALUES_MAX + 1));
    }
}
