//! Header names and their compact forms (RFC 3261 §7.3.3, 6665, 3515, 3841, 3892, 4028, 8224).

/// A header known by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant is the header it is named after")]
pub enum HeaderId {
    Accept,
    AcceptContact,
    AcceptEncoding,
    AcceptLanguage,
    AlertInfo,
    Allow,
    AllowEvents,
    AuthenticationInfo,
    Authorization,
    CallId,
    CallInfo,
    Contact,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    ContentLength,
    ContentType,
    CSeq,
    Date,
    ErrorInfo,
    Event,
    Expires,
    From,
    Identity,
    IdentityInfo,
    InReplyTo,
    MaxForwards,
    MimeVersion,
    MinExpires,
    Organization,
    PAssertedIdentity,
    Path,
    PPreferredIdentity,
    Priority,
    Privacy,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    Reason,
    RecordRoute,
    ReferredBy,
    ReferTo,
    RejectContact,
    ReplyTo,
    RequestDisposition,
    Require,
    RetryAfter,
    Route,
    Server,
    ServiceRoute,
    SessionExpires,
    SipEtag,
    SipIfMatch,
    Subject,
    SubscriptionState,
    Supported,
    SuppressIfMatch,
    Timestamp,
    To,
    Unsupported,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
    /// A header this agent has no business with.
    Other,
}

use HeaderId as Id;

/// Compact names first, then the long ones; among those that look alike at first sight (see
/// [`bucket`]) the most frequent first.
const NAMES: [(&str, HeaderId); 84] = [
    ("v", Id::Via),
    ("f", Id::From),
    ("t", Id::To),
    ("i", Id::CallId),
    ("m", Id::Contact),
    ("l", Id::ContentLength),
    ("c", Id::ContentType),
    ("o", Id::Event),
    ("u", Id::AllowEvents),
    ("k", Id::Supported),
    ("e", Id::ContentEncoding),
    ("s", Id::Subject),
    ("x", Id::SessionExpires),
    ("r", Id::ReferTo),
    ("b", Id::ReferredBy),
    ("a", Id::AcceptContact),
    ("d", Id::RequestDisposition),
    ("j", Id::RejectContact),
    ("y", Id::Identity),
    ("n", Id::IdentityInfo),
    ("To", Id::To),
    ("Via", Id::Via),
    ("From", Id::From),
    ("CSeq", Id::CSeq),
    ("Date", Id::Date),
    ("Path", Id::Path),
    ("Event", Id::Event),
    ("Allow", Id::Allow),
    ("Route", Id::Route),
    ("Accept", Id::Accept),
    ("Server", Id::Server),
    ("Reason", Id::Reason),
    ("Call-ID", Id::CallId),
    ("Contact", Id::Contact),
    ("Expires", Id::Expires),
    ("Require", Id::Require),
    ("Subject", Id::Subject),
    ("Warning", Id::Warning),
    ("Privacy", Id::Privacy),
    ("SIP-ETag", Id::SipEtag),
    ("Refer-To", Id::ReferTo),
    ("Identity", Id::Identity),
    ("Priority", Id::Priority),
    ("Reply-To", Id::ReplyTo),
    ("Supported", Id::Supported),
    ("Timestamp", Id::Timestamp),
    ("Call-Info", Id::CallInfo),
    ("User-Agent", Id::UserAgent),
    ("Alert-Info", Id::AlertInfo),
    ("Error-Info", Id::ErrorInfo),
    ("Min-Expires", Id::MinExpires),
    ("Retry-After", Id::RetryAfter),
    ("Unsupported", Id::Unsupported),
    ("Referred-By", Id::ReferredBy),
    ("In-Reply-To", Id::InReplyTo),
    ("Content-Type", Id::ContentType),
    ("Max-Forwards", Id::MaxForwards),
    ("Record-Route", Id::RecordRoute),
    ("Allow-Events", Id::AllowEvents),
    ("SIP-If-Match", Id::SipIfMatch),
    ("MIME-Version", Id::MimeVersion),
    ("Organization", Id::Organization),
    ("Authorization", Id::Authorization),
    ("Proxy-Require", Id::ProxyRequire),
    ("Service-Route", Id::ServiceRoute),
    ("Identity-Info", Id::IdentityInfo),
    ("Content-Length", Id::ContentLength),
    ("Accept-Contact", Id::AcceptContact),
    ("Reject-Contact", Id::RejectContact),
    ("Accept-Encoding", Id::AcceptEncoding),
    ("Accept-Language", Id::AcceptLanguage),
    ("Session-Expires", Id::SessionExpires),
    ("WWW-Authenticate", Id::WwwAuthenticate),
    ("Content-Encoding", Id::ContentEncoding),
    ("Content-Language", Id::ContentLanguage),
    ("Suppress-If-Match", Id::SuppressIfMatch),
    ("Subscription-State", Id::SubscriptionState),
    ("Proxy-Authenticate", Id::ProxyAuthenticate),
    ("Proxy-Authorization", Id::ProxyAuthorization),
    ("P-Asserted-Identity", Id::PAssertedIdentity),
    ("Authentication-Info", Id::AuthenticationInfo),
    ("Content-Disposition", Id::ContentDisposition),
    ("Request-Disposition", Id::RequestDisposition),
    ("P-Preferred-Identity", Id::PPreferredIdentity),
];

/// The longest name.
const NAME_OCTETS_MAX: usize = 20;

/// The names of one length that begin with one letter: the place of the first in [`NAMES`],
/// counted from 1, and after each the next one. 0 is none.
struct Buckets {
    first: [u8; 32 * (NAME_OCTETS_MAX + 1)],
    next: [u8; NAMES.len()],
}

const BUCKETS: Buckets = {
    let mut buckets = Buckets { first: [0; 32 * (NAME_OCTETS_MAX + 1)], next: [0; NAMES.len()] };
    let mut place = NAMES.len();
    while place > 0 {
        place -= 1;
        let name = NAMES[place].0.as_bytes();
        let first = &mut buckets.first[bucket(name.len(), name[0])];
        buckets.next[place] = *first;
        *first = place as u8 + 1;
    }
    buckets
};

/// Names differ in their length and first letter, nearly all.
const fn bucket(octets: usize, first: u8) -> usize {
    octets * 32 + (first % 32) as usize
}

impl HeaderId {
    /// By long or compact name, in any case.
    pub fn from_name(name: &[u8]) -> HeaderId {
        let Some(first) = name.first() else {
            return HeaderId::Other;
        };
        let mut next = BUCKETS.first.get(bucket(name.len(), *first));
        while let Some(place) = next.and_then(|next| usize::from(*next).checked_sub(1))
            && let Some((known, id)) = NAMES.get(place)
        {
            let known = known.as_bytes();
            // Nearly everybody writes a name as the RFC does, and that is told by fewer steps.
            if known == name || known.eq_ignore_ascii_case(name) {
                return *id;
            }
            next = BUCKETS.next.get(place);
        }
        HeaderId::Other
    }

    /// The long name; empty for [`HeaderId::Other`].
    pub fn name(self) -> &'static str {
        let long = |(name, id): &&(&str, HeaderId)| *id == self && name.len() > 1;
        NAMES.iter().find(long).map_or("", |(name, _)| name)
    }

    /// The one-letter name, for requests that must fit a datagram.
    pub fn compact(self) -> Option<&'static str> {
        let compact = |(name, id): &&(&str, HeaderId)| *id == self && name.len() == 1;
        NAMES.iter().find(compact).map(|(name, _)| *name)
    }

    /// One bit of 64 for each known name; none for [`HeaderId::Other`].
    pub(crate) const fn bit(self) -> u64 {
        const { assert!(HeaderId::Other as u8 == 64, "a bit for each known name") };
        match self {
            HeaderId::Other => 0,
            known => 1 << known as u8,
        }
    }

    /// Whether a second field of this name makes the message ambiguous (RFC 4475 §3.3.8).
    pub fn is_single(self) -> bool {
        matches!(
            self,
            Id::CallId
                | Id::To
                | Id::From
                | Id::CSeq
                | Id::MaxForwards
                | Id::Event
                | Id::Expires
                | Id::SipIfMatch
                | Id::ContentType
                | Id::SubscriptionState
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (name, id) in NAMES {
            assert_eq!(HeaderId::from_name(name.as_bytes()), id);
            assert_eq!(HeaderId::from_name(name.to_uppercase().as_bytes()), id);
            assert_eq!(HeaderId::from_name(name.to_lowercase().as_bytes()), id);
        }
    }

    #[test]
    fn compact_forms_mean_the_long_ones() {
        assert_eq!(HeaderId::from_name(b"o"), HeaderId::Event);
        assert_eq!(HeaderId::from_name(b"U"), HeaderId::AllowEvents);
        assert_eq!(HeaderId::from_name(b"k"), HeaderId::Supported);
        assert_eq!(HeaderId::Event.compact(), Some("o"));
        assert_eq!(HeaderId::Event.name(), "Event");
        assert_eq!(HeaderId::CSeq.compact(), None);
    }

    #[test]
    fn an_unknown_name_is_other() {
        assert_eq!(HeaderId::from_name(b"X-Foo"), HeaderId::Other);
        assert_eq!(HeaderId::from_name(b""), HeaderId::Other);
        assert_eq!(HeaderId::from_name(b"\xff"), HeaderId::Other);
        assert_eq!(HeaderId::from_name(&[b'v'; 21]), HeaderId::Other);
        assert_eq!(HeaderId::Other.name(), "");
    }
}
