//! The one place where a reason becomes a status and headers.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::base::media::MediaType;
use crate::sip::message::Request;
use crate::sip::parse::Malformed;
use crate::sip::status::Status;
use crate::sip::write::{self, Writer};

/// The methods this agent serves, for Allow.
pub const ALLOW: &str = "SUBSCRIBE, NOTIFY, PUBLISH, REGISTER, OPTIONS, CANCEL, ACK";

/// Why a request that was understood will not be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// 400, with a phrase naming the header (RFC 3261 §21.4.1).
    BadRequest(Malformed),
    /// 400 for a body that is not what its type says, with the place in a Warning.
    BadBody {
        /// Where and why: `line 3, column 7: ...`.
        what: String,
    },
    /// 401, with the challenges, best first (RFC 3261 §22, RFC 8760 §2.4).
    Unauthorized(Vec<String>),
    /// 403, with its phrase (RFC 3903 §6, RFC 5025).
    Forbidden(&'static str),
    /// 404: the domain or the user is not ours.
    NotServed,
    /// 405, with Allow (RFC 3261 §21.4.6).
    MethodNotAllowed,
    /// 406, with what could be sent (RFC 6665 §4.2.1.1).
    NotAcceptable(Vec<MediaType>),
    /// 412: no such entity-tag (RFC 3903 §11.2.1).
    ConditionalRequestFailed,
    /// 413: the body is beyond our bound.
    BodyTooLarge,
    /// 415, with what could be read (RFC 3903 §6).
    UnsupportedMediaType(Vec<MediaType>),
    /// 415, with the only encoding we read.
    UnsupportedEncoding,
    /// 416: a Request-URI of a scheme we do not serve.
    UnsupportedScheme,
    /// 420, with the option tags we do not know (RFC 3261 §8.2.2.3).
    BadExtension(Vec<String>),
    /// 421, with the option tag that is needed (RFC 4662 §4.2).
    ExtensionRequired(&'static str),
    /// 423, with the least interval (RFC 3903 §6, RFC 6665 §4.2.1.1).
    IntervalTooBrief {
        /// The least that is granted.
        min: Duration,
    },
    /// 481: no such dialog or transaction.
    NoSuchSubscription,
    /// 482: the same request came by another way (RFC 3261 §8.2.2.2).
    MergedRequest,
    /// 489, with the packages that are served, comma separated (RFC 6665 §8.3.2).
    BadEvent(String),
    /// 500: a CSeq not above the last one (RFC 3261 §12.2.2).
    OutOfOrder,
    /// 501, with Allow: a method nobody here knows.
    NotImplemented,
    /// 505: not SIP/2.0.
    VersionNotSupported,
    /// 513: the message is beyond our bound.
    MessageTooLarge,
    /// 503, with when to come back (RFC 3261 §21.5.4).
    Busy {
        /// How long to leave us alone.
        after: Duration,
    },
}

impl Refusal {
    /// The status.
    pub fn status(&self) -> Status {
        match self {
            Refusal::BadRequest(malformed) => malformed.status,
            Refusal::BadBody { .. } => Status::BAD_REQUEST,
            Refusal::Unauthorized(_) => Status::UNAUTHORIZED,
            Refusal::Forbidden(_) => Status::FORBIDDEN,
            Refusal::NotServed => Status::NOT_FOUND,
            Refusal::MethodNotAllowed => Status::METHOD_NOT_ALLOWED,
            Refusal::NotAcceptable(_) => Status::NOT_ACCEPTABLE,
            Refusal::ConditionalRequestFailed => Status::CONDITIONAL_REQUEST_FAILED,
            Refusal::BodyTooLarge => Status::REQUEST_ENTITY_TOO_LARGE,
            Refusal::UnsupportedMediaType(_) | Refusal::UnsupportedEncoding => {
                Status::UNSUPPORTED_MEDIA_TYPE
            }
            Refusal::UnsupportedScheme => Status::UNSUPPORTED_URI_SCHEME,
            Refusal::BadExtension(_) => Status::BAD_EXTENSION,
            Refusal::ExtensionRequired(_) => Status::EXTENSION_REQUIRED,
            Refusal::IntervalTooBrief { .. } => Status::INTERVAL_TOO_BRIEF,
            Refusal::NoSuchSubscription => Status::NO_SUCH_DIALOG,
            Refusal::MergedRequest => Status::LOOP_DETECTED,
            Refusal::BadEvent(_) => Status::BAD_EVENT,
            Refusal::OutOfOrder => Status::SERVER_INTERNAL_ERROR,
            Refusal::NotImplemented => Status::NOT_IMPLEMENTED,
            Refusal::VersionNotSupported => Status::VERSION_NOT_SUPPORTED,
            Refusal::MessageTooLarge => Status::MESSAGE_TOO_LARGE,
            Refusal::Busy { .. } => Status::SERVICE_UNAVAILABLE,
        }
    }

    /// The reason phrase: the RFC's, or what tells a person more.
    pub fn reason(&self) -> Cow<'_, str> {
        match self {
            Refusal::BadRequest(Malformed { what, status: Status::BAD_REQUEST, .. }) => {
                format!("Bad Request: {what} expected").into()
            }
            Refusal::BadBody { .. } => "Bad Request: body not readable".into(),
            Refusal::Forbidden(phrase) if !phrase.is_empty() => (*phrase).into(),
            Refusal::NoSuchSubscription => "Subscription Does Not Exist".into(),
            Refusal::MergedRequest => "Request Merged".into(),
            Refusal::OutOfOrder => "CSeq Out of Order".into(),
            other => other.status().reason().into(),
        }
    }

    /// Adds the headers this refusal carries; the status line stands already.
    pub fn write(&self, w: &mut Writer) {
        match self {
            Refusal::BadRequest(malformed) if malformed.status == Status::NOT_IMPLEMENTED => {
                w.header("Allow", ALLOW);
            }
            Refusal::BadBody { what } => {
                w.header("Warning", format!("399 fanal {}", write::quoted(what)));
            }
            Refusal::Unauthorized(challenges) => {
                for challenge in challenges {
                    w.header("WWW-Authenticate", challenge);
                }
            }
            Refusal::MethodNotAllowed | Refusal::NotImplemented => {
                w.header("Allow", ALLOW);
            }
            Refusal::NotAcceptable(accept) | Refusal::UnsupportedMediaType(accept) => {
                let types: Vec<_> = accept.iter().map(MediaType::as_text).collect();
                w.header("Accept", types.join(", "));
            }
            Refusal::UnsupportedEncoding => {
                w.header("Accept-Encoding", "identity");
            }
            Refusal::BadExtension(tags) => {
                w.header("Unsupported", tags.join(", "));
            }
            Refusal::ExtensionRequired(tag) => {
                w.header("Require", tag);
            }
            Refusal::IntervalTooBrief { min } => {
                w.number("Min-Expires", seconds_up(*min));
            }
            Refusal::BadEvent(packages) => {
                w.header("Allow-Events", packages);
            }
            Refusal::Busy { after } => {
                w.number("Retry-After", seconds_up(*after));
            }
            _ => {}
        }
    }

    /// The whole response.
    pub fn answer(&self, request: &Request, to_tag: Option<&str>, source: SocketAddr) -> Bytes {
        let mut writer =
            Writer::response_with_reason(request, self.status(), &self.reason(), to_tag, source);
        self.write(&mut writer);
        writer.finish()
    }
}

/// Whole seconds, never fewer than asked for.
fn seconds_up(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(rest)
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        match malformed.status {
            Status::NOT_IMPLEMENTED => Refusal::NotImplemented,
            Status::VERSION_NOT_SUPPORTED => Refusal::VersionNotSupported,
            Status::MESSAGE_TOO_LARGE => Refusal::MessageTooLarge,
            _ => Refusal::BadRequest(malformed),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status().code(), self.reason())?;
        match self {
            Refusal::BadRequest(malformed) => write!(f, " at octet {}", malformed.offset),
            Refusal::BadBody { what } => write!(f, ", {what}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::sample::{request_with, response};

    fn told(refusal: Refusal) -> crate::sip::Response {
        let source = "192.0.2.1:5060".parse().unwrap();
        response(refusal.answer(&request_with(""), Some("t"), source))
    }

    #[test]
    fn each_refusal_has_its_status_and_headers() {
        let rows: [(Refusal, u16, &str, &str); 18] = [
            (
                Refusal::Unauthorized(vec!["Digest realm=\"a\"".into()]),
                401,
                "WWW-Authenticate",
                "Digest realm=\"a\"",
            ),
            (Refusal::MethodNotAllowed, 405, "Allow", ALLOW),
            (Refusal::NotAcceptable(vec![MediaType::Pidf]), 406, "Accept", "application/pidf+xml"),
            (
                Refusal::UnsupportedMediaType(vec![MediaType::Pidf, MediaType::DialogInfo]),
                415,
                "Accept",
                "application/pidf+xml, application/dialog-info+xml",
            ),
            (Refusal::UnsupportedEncoding, 415, "Accept-Encoding", "identity"),
            (
                Refusal::BadExtension(vec!["foo".into(), "bar".into()]),
                420,
                "Unsupported",
                "foo, bar",
            ),
            (Refusal::ExtensionRequired("eventlist"), 421, "Require", "eventlist"),
            (Refusal::IntervalTooBrief { min: Duration::from_secs(60) }, 423, "Min-Expires", "60"),
            (Refusal::BadEvent("presence, dialog".into()), 489, "Allow-Events", "presence, dialog"),
            (Refusal::NotImplemented, 501, "Allow", ALLOW),
            (Refusal::Busy { after: Duration::from_millis(1500) }, 503, "Retry-After", "2"),
            (
                Refusal::BadBody { what: "line 3, \"x\"".into() },
                400,
                "Warning",
                "399 fanal \"line 3, \\\"x\\\"\"",
            ),
            (Refusal::NotServed, 404, "Call-ID", "a@b"),
            (Refusal::ConditionalRequestFailed, 412, "Call-ID", "a@b"),
            (Refusal::NoSuchSubscription, 481, "Call-ID", "a@b"),
            (Refusal::MergedRequest, 482, "Call-ID", "a@b"),
            (Refusal::OutOfOrder, 500, "Call-ID", "a@b"),
            (Refusal::MessageTooLarge, 513, "Call-ID", "a@b"),
        ];
        for (refusal, status, name, value) in rows {
            let answer = told(refusal);
            assert_eq!(answer.status(), status);
            let found = answer.headers().named(name).next();
            assert_eq!(found, Some(value.as_bytes()), "{status}");
        }
    }

    #[test]
    fn a_phrase_names_the_fault() {
        let malformed = Malformed::at(7, "a CSeq number");
        let answer = told(Refusal::from(malformed));
        assert_eq!(answer.reason(), b"Bad Request: a CSeq number expected");
        assert_eq!(
            Refusal::from(malformed).to_string(),
            "400 Bad Request: a CSeq number expected at octet 7"
        );
        assert_eq!(
            told(Refusal::Forbidden("Not your presentity")).reason(),
            b"Not your presentity"
        );
        assert_eq!(told(Refusal::Forbidden("")).reason(), b"Forbidden");
    }

    #[test]
    fn a_malformed_message_keeps_its_own_status() {
        let with = |status| Malformed { status, ..Malformed::at(0, "x") };
        assert_eq!(Refusal::from(with(Status(505))), Refusal::VersionNotSupported);
        assert_eq!(Refusal::from(with(Status(513))), Refusal::MessageTooLarge);
        assert_eq!(Refusal::from(with(Status(501))), Refusal::NotImplemented);
    }

    #[test]
    fn several_challenges_stand_in_order() {
        let answer = told(Refusal::Unauthorized(vec!["Digest a=1".into(), "Digest a=2".into()]));
        let values: Vec<_> = answer.headers().named("WWW-Authenticate").collect();
        assert_eq!(values, [&b"Digest a=1"[..], b"Digest a=2"]);
    }
}
