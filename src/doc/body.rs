//! A document serialised once and sent many times.

use bytes::{BufMut, Bytes};

use super::write::escape_attribute;
use crate::base::digits::{decimal, decimal_octets};
use crate::base::media::MediaType;

/// A document serialised for one view and media type: shared, with slots for what differs by
/// watcher, which are the version and the entity.
///
/// In order: lead, version, mid, entity, rest. Either slot may be absent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    /// What it is.
    pub media: MediaType,
    lead: Bytes,
    version: bool,
    mid: Bytes,
    entity: bool,
    rest: Bytes,
}

impl Body {
    /// A body that is the same for every watcher.
    pub fn shared(media: MediaType, octets: impl Into<Bytes>) -> Body {
        let rest = octets.into();
        Body { media, lead: Bytes::new(), version: false, mid: Bytes::new(), entity: false, rest }
    }

    /// A body with slots: lead, version, mid, entity, rest.
    pub fn with_slots(
        media: MediaType,
        lead: Bytes,
        version: bool,
        mid: Bytes,
        entity: bool,
        rest: Bytes,
    ) -> Body {
        Body { media, lead, version, mid, entity, rest }
    }

    /// Whether the document counts its versions for each watcher.
    pub fn has_version(&self) -> bool {
        self.version
    }

    /// Whether nothing would be sent.
    pub fn is_empty(&self) -> bool {
        let fixed = self.lead.len().saturating_add(self.mid.len()).saturating_add(self.rest.len());
        fixed == 0 && !self.version && !self.entity
    }

    /// How many octets it has for one watcher.
    pub fn octets(&self, version: u32, entity: &str) -> usize {
        self.octets_around(version, &escape_attribute(entity))
    }

    /// How many octets it has around an entity that is escaped already.
    pub fn octets_around(&self, version: u32, escaped: &str) -> usize {
        let version = if self.version { decimal_octets(version.into()) } else { 0 };
        let entity = if self.entity { escaped.len() } else { 0 };
        let pieces = [self.lead.len(), version, self.mid.len(), entity, self.rest.len()];
        pieces.into_iter().fold(0, usize::saturating_add)
    }

    /// Appends everything before the shared rest.
    pub fn write_lead(&self, version: u32, entity: &str, out: &mut impl BufMut) {
        self.write_around(version, &escape_attribute(entity), out);
    }

    /// Appends everything before the shared rest, with an entity that is escaped already.
    pub fn write_around(&self, version: u32, escaped: &str, out: &mut impl BufMut) {
        out.put_slice(&self.lead);
        if self.version {
            decimal(version.into(), out);
        }
        out.put_slice(&self.mid);
        if self.entity {
            out.put_slice(escaped.as_bytes());
        }
    }

    /// Octets before the shared rest, slots left out.
    pub fn lead_octets(&self) -> usize {
        self.lead.len().saturating_add(self.mid.len())
    }

    /// What is the same for every watcher: shared, not copied.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }

    /// The whole for one watcher.
    pub fn to_bytes(&self, version: u32, entity: &str) -> Bytes {
        let mut out = Vec::with_capacity(self.octets(version, entity));
        self.write_lead(version, entity, &mut out);
        out.extend_from_slice(&self.rest);
        out.into()
    }
}

/// Decimal digits of a number.
#[cfg(test)]
mod tests {
    use super::*;

    fn slotted() -> Body {
        let (lead, mid, rest) = ("<a v=\"".into(), "\" e=\"".into(), "\"/>".into());
        Body::with_slots(MediaType::DialogInfo, lead, true, mid, true, rest)
    }

    #[test]
    fn the_slots_are_filled_for_each_watcher() {
        let body = slotted();
        assert_eq!(body.to_bytes(0, "sip:a@h"), "<a v=\"0\" e=\"sip:a@h\"/>");
        assert_eq!(body.to_bytes(10, "sip:a&b\"@h"), "<a v=\"10\" e=\"sip:a&amp;b&quot;@h\"/>");
    }

    #[test]
    fn the_length_told_is_the_length_sent() {
        for version in [0, 9, 10, 99, 100, u32::MAX] {
            let body = slotted();
            assert_eq!(body.octets(version, "a<b"), body.to_bytes(version, "a<b").len());
        }
    }

    #[test]
    fn a_shared_body_has_no_slots() {
        let body = Body::shared(MediaType::SimpleMessageSummary, "x");
        assert!(!body.has_version() && !body.is_empty());
        assert_eq!(body.to_bytes(7, "ignored"), "x");
        assert!(Body::shared(MediaType::Pidf, "").is_empty());
    }
}
