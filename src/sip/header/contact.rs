//! Contact (RFC 3261 §20.10).

use smallvec::SmallVec;

use crate::base::limits::LIST_VALUES_MAX;
use crate::sip::grammar;
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
        let mut list = SmallVec::new();
        let mut has_star = false;
        for value in self.values(HeaderId::Contact) {
            let mut rest = value;
            loop {
                if list.len() >= LIST_VALUES_MAX {
                    return Err(self.fault(rest, "fewer Contact values"));
                }
                if grammar::trimmed(rest) == b"*" {
                    has_star = true;
                    break;
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
        let stars = self.values(HeaderId::Contact).count();
        match has_star {
            false => Ok(Contacts::List(list)),
            true if list.is_empty() && stars == 1 => Ok(Contacts::Star),
            true => Err(Malformed::at(0, "a Contact of * alone")),
        }
    }
}
