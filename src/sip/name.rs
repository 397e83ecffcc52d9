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

/// Names by their length in octets; within one length the most frequent first.
fn candidates(octets: usize) -> &'static [(&'static str, HeaderId)] {
    match octets {
        1 => &[
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
        ],
        2 => &[("To", Id::To)],
        3 => &[("Via", Id::Via)],
        4 => &[("From", Id::From), ("CSeq", Id::CSeq), ("Date", Id::Date), ("Path", Id::Path)],
        5 => &[("Event", Id::Event), ("Allow", Id::Allow), ("Route", Id::Route)],
        6 => &[("Accept", Id::Accept), ("Server", Id::Server), ("Reason", Id::Reason)],
        7 => &[
            ("Call-ID", Id::CallId),
            ("Contact", Id::Contact),
            ("Expires", Id::Expires),
            ("Require", Id::Require),
            ("Subject", Id::Subject),
            ("Warning", Id::Warning),
            ("Privacy", Id::Privacy),
        ],
        8 => &[
            ("SIP-ETag", Id::SipEtag),
            ("Refer-To", Id::ReferTo),
            ("Identity", Id::Identity),
            ("Priority", Id::Priority),
            ("Reply-To", Id::ReplyTo),
        ],
        9 => &[
            ("Supported", Id::Supported),
            ("Timestamp", Id::Timestamp),
            ("Call-Info", Id::CallInfo),
        ],
        10 => &[
            ("User-Agent", Id::UserAgent),
            ("Alert-Info", Id::AlertInfo),
            ("Error-Info", Id::ErrorInfo),
        ],
        11 => &[
            ("Min-Expires", Id::MinExpires),
            ("Retry-After", Id::RetryAfter),
            ("Unsupported", Id::Unsupported),
            ("Referred-By", Id::ReferredBy),
            ("In-Reply-To", Id::InReplyTo),
        ],
        12 => &[
            ("Content-Type", Id::ContentType),
            ("Max-Forwards", Id::MaxForwards),
            ("Record-Route", Id::RecordRoute),
            ("Allow-Events", Id::AllowEvents),
            ("SIP-If-Match", Id::SipIfMatch),
            ("MIME-Version", Id::MimeVersion),
            ("Organization", Id::Organization),
        ],
        13 => &[
            ("Authorization", Id::Authorization),
            ("Proxy-Require", Id::ProxyRequire),
            ("Service-Route", Id::ServiceRoute),
            ("Identity-Info", Id::IdentityInfo),
        ],
        14 => &[
            ("Content-Length", Id::ContentLength),
            ("Accept-Contact", Id::AcceptContact),
            ("Reject-Contact", Id::RejectContact),
        ],
        15 => &[
            ("Accept-Encoding", Id::AcceptEncoding),
            ("Accept-Language", Id::AcceptLanguage),
            ("Session-Expires", Id::SessionExpires),
        ],
        16 => &[
            ("WWW-Authenticate", Id::WwwAuthenticate),
            ("Content-Encoding", Id::ContentEncoding),
            ("Content-Language", Id::ContentLanguage),
        ],
        17 => &[("Suppress-If-Match", Id::SuppressIfMatch)],
        18 => &[
            ("Subscription-State", Id::SubscriptionState),
            ("Proxy-Authenticate", Id::ProxyAuthenticate),
        ],
        19 => &[
            ("Proxy-Authorization", Id::ProxyAuthorization),
            ("P-Asserted-Identity", Id::PAssertedIdentity),
            ("Authentication-Info", Id::AuthenticationInfo),
            ("Content-Disposition", Id::ContentDisposition),
            ("Request-Disposition", Id::RequestDisposition),
        ],
        20 => &[("P-Preferred-Identity", Id::PPreferredIdentity)],
        _ => &[],
    }
}

impl HeaderId {
    /// By long or compact name, in any case.
    pub fn from_name(name: &[u8]) -> HeaderId {
        let Some(first) = name.first() else {
            return HeaderId::Other;
        };
        // Most candidates of one length begin with another letter, and that is told at once.
        candidates(name.len())
            .iter()
            .filter(|(known, _)| known.as_bytes().first().map(|b| b | 0x20) == Some(first | 0x20))
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
            .map_or(HeaderId::Other, |(_, id)| *id)
    }

    /// The long name; empty for [`HeaderId::Other`].
    pub fn name(self) -> &'static str {
        (2..=20).flat_map(candidates).find(|(_, id)| *id == self).map_or("", |(name, _)| name)
    }

    /// The one-letter name, for requests that must fit a datagram.
    pub fn compact(self) -> Option<&'static str> {
        let found = candidates(1).iter().find(|(_, id)| *id == self);
        found.map(|(name, _)| *name)
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
    fn every_name_is_found_in_any_case_and_stands_under_its_length() {
        for octets in 1..=20 {
            for (name, id) in candidates(octets) {
                assert_eq!(name.len(), octets, "{name}");
                assert_eq!(HeaderId::from_name(name.to_uppercase().as_bytes()), *id);
                assert_eq!(HeaderId::from_name(name.to_lowercase().as_bytes()), *id);
            }
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
        assert_eq!(HeaderId::Other.name(), "");
    }
}
