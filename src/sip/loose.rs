//! The answer to octets that are no message but say enough to be answered.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::sip::header::name_addr::NameAddr;
use crate::sip::header::via::{self, Via};
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;
use crate::sip::status::Status;
use crate::sip::write::Writer;

/// The answer to a request of which these fields could be found; `None` if it says too little.
pub(crate) fn answer(
    fields: &[(HeaderId, &[u8])],
    fault: &Malformed,
    source: SocketAddr,
) -> Option<(Bytes, SocketAddr)> {
    let first = |wanted| fields.iter().find(|(id, _)| *id == wanted);
    let (_, top) = first(HeaderId::Via)?;
    for wanted in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
        first(wanted)?;
    }
    let reason = match fault.status {
        Status::BAD_REQUEST => format!("Bad Request: {} expected", fault.what),
        other => other.reason().to_owned(),
    };
    let mut writer = Writer::status_line(fault.status, &reason);
    let tag = stateless_tag(fields);
    writer.echo_loosely(fields, &tag, source);
    let target = Via::first(top).map_or(source, |(_, via)| via::reply_near(&via, source));
    Some((writer.finish(), target))
}

impl Writer {
    /// As [`Writer::echo`], for values that may hold anything.
    fn echo_loosely(&mut self, fields: &[(HeaderId, &[u8])], tag: &str, source: SocketAddr) {
        let mut repeated = 0;
        for &(id, value) in fields {
            let is_first = repeated & id.bit() == 0;
            match (id, Via::first(value)) {
                // A line end hidden in a value must not leave with it.
                (HeaderId::Via, Ok((rest, via))) if is_first && !has_line_end(via.text()) => {
                    self.top_via(&via, rest, source);
                }
                (HeaderId::Via, _) => self.loose_line("Via", value),
                (HeaderId::From, _) if is_first => self.loose_line("From", value),
                (HeaderId::CallId, _) if is_first => self.loose_line("Call-ID", value),
                (HeaderId::CSeq, _) if is_first => self.loose_line("CSeq", value),
                (HeaderId::To, _) if is_first => {
                    self.loose_line("To", value);
                    if NameAddr::whole(value).is_some_and(|to| to.tag().is_none()) {
                        self.add_tag(tag.as_bytes());
                    }
                }
                _ => continue,
            }
            repeated |= id.bit();
        }
    }

    fn loose_line(&mut self, name: &str, value: &[u8]) {
        self.header(name, value);
    }
}

fn has_line_end(value: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, value).is_some()
}

/// RFC 3261 §8.2.7: the same request is answered with the same tag, without remembering it.
fn stateless_tag(fields: &[(HeaderId, &[u8])]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let octets = fields.iter().flat_map(|(_, value)| value.iter());
    let hash = octets.fold(OFFSET, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
