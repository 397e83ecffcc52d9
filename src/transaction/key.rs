//! The names of server transactions: keyed hashes of what RFC 3261 §17.2.3 compares.

use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip::SipHasher13;

use crate::base::flow::Flow;
use crate::base::mint::{MAGIC_COOKIE, Secret};
use crate::sip::{Malformed, Request};

/// The name of one server transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ServerKey(u64);

/// What the same request has that came by another path (RFC 3261 §8.2.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct MergeKey(u64);

/// For tables of keys, which are keyed hashes already.
pub(super) type AsIs = BuildHasherDefault<Same>;

/// A hash that is the key itself.
#[derive(Default)]
pub(super) struct Same(u64);

/// Reads names from requests. Nobody else can tell which names are alike.
pub(super) struct Namer {
    key: [u8; 16],
    secret: Secret,
}

impl Namer {
    pub fn new(secret: Secret) -> Namer {
        let [a, b] = [&b"table"[..], b"merge"].map(|what| secret.hash(&[what]).to_le_bytes());
        let mut key = [0; 16];
        key[..8].copy_from_slice(&a);
        key[8..].copy_from_slice(&b);
        Namer { key, secret }
    }

    /// The transaction a request belongs to. CANCEL and ACK name the one they are about if
    /// `method` is that one's.
    pub fn server(
        &self,
        request: &Request,
        method: &str,
        flow: Flow,
    ) -> Result<ServerKey, Malformed> {
        let headers = request.headers();
        let via = headers.via()?;
        let branch = via.branch_octets().unwrap_or_default();
        if !is_unique(branch) {
            return self.old(request, method, flow);
        }
        // Branch, sent-by and method are what the RFC compares. Call-ID and number are alike in
        // whatever is repeated, cancelled or acknowledged; where they differ a phone has used one
        // branch twice, and must not be given the answer to another question.
        let (call_id, number) = (headers.call_id_octets()?, headers.cseq_number()?);
        let host = via.sent_by_host_octets();
        let mut hasher = SipHasher13::new_with_key(&self.key);
        let octets = [branch.len(), host.len(), method.len(), call_id.len()];
        hasher.write_u64(octets.iter().fold(0, |all, octets| all << 16 ^ *octets as u64));
        hasher.write_u64(u64::from(via.sent_by_port().unwrap_or(0)) << 32 | u64::from(number));
        write_in_any_case(&mut hasher, branch);
        write_in_any_case(&mut hasher, host);
        hasher.write(method.as_bytes());
        hasher.write(call_id);
        Ok(ServerKey(hasher.finish()))
    }

    /// RFC 2543 peers: everything that names the request, and where it came from.
    fn old(&self, request: &Request, method: &str, flow: Flow) -> Result<ServerKey, Malformed> {
        let headers = request.headers();
        let cseq = headers.cseq()?.number.to_be_bytes();
        Ok(ServerKey(self.secret.hash(&[
            request.uri_text().as_bytes(),
            headers.to()?.tag().unwrap_or_default().as_bytes(),
            headers.from()?.tag().unwrap_or_default().as_bytes(),
            headers.call_id()?.as_bytes(),
            &cseq,
            headers.via()?.text(),
            method.as_bytes(),
            flow.peer().to_string().as_bytes(),
        ])))
    }

    /// From tag, Call-ID and CSeq; `None` in a dialog, where nothing is merged.
    pub fn merge(&self, request: &Request) -> Result<Option<MergeKey>, Malformed> {
        let headers = request.headers();
        if headers.to()?.tag_octets().is_some() {
            return Ok(None);
        }
        let (number, method) = headers.cseq_octets()?;
        let call_id = headers.call_id_octets()?;
        let tag = headers.from()?.tag_octets().unwrap_or_default();
        let mut hasher = SipHasher13::new_with_key(&self.key);
        let octets = (tag.len() as u64) << 48 ^ (call_id.len() as u64) << 32;
        hasher.write_u64(octets | u64::from(number));
        hasher.write(tag);
        hasher.write(call_id);
        hasher.write(method);
        Ok(Some(MergeKey(hasher.finish())))
    }
}

/// Whether a branch is unique across all requests of all peers (RFC 3261 §8.1.1.7).
fn is_unique(branch: &[u8]) -> bool {
    let cookie = MAGIC_COOKIE.as_bytes();
    match branch.split_at_checked(cookie.len()) {
        Some((start, rest)) => start.eq_ignore_ascii_case(cookie) && !rest.is_empty(),
        None => false,
    }
}

/// Branch and host are compared in any case (RFC 3261 §7.3.1).
fn write_in_any_case(hasher: &mut SipHasher13, octets: &[u8]) {
    let mut lower = [0; 64];
    for part in octets.chunks(lower.len()) {
        let Some(lower) = lower.get_mut(..part.len()) else { return };
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        hasher.write(lower);
    }
}

impl Hasher for Same {
    fn write(&mut self, octets: &[u8]) {
        // Keys are written in one piece; anything else would still be some hash.
        octets.iter().for_each(|octet| self.0 = self.0.rotate_left(8) ^ u64::from(*octet));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::ListenerId;
    use crate::sip::{Message, parse};

    fn asked(branch: &str, sent_by: &str, call_id: &str, to: &str) -> Request {
        let text = format!(
            "SUBSCRIBE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by};branch={branch}\r\n\
             From: <sip:b@h>;tag=f\r\nTo: <sip:a@h>{to}\r\nCall-ID: {call_id}\r\n\
             CSeq: 7 SUBSCRIBE\r\n\r\n"
        );
        match parse::message(text.into()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn key(branch: &str, sent_by: &str, call_id: &str, method: &str) -> ServerKey {
        let namer = Namer::new(Secret::new([7; 16]));
        let peer = "192.0.2.1:5060".parse().expect("an address");
        let flow = Flow::Udp { listener: ListenerId(0), peer };
        namer.server(&asked(branch, sent_by, call_id, ""), method, flow).expect("a key")
    }

    #[test]
    fn branch_and_host_are_compared_in_any_case_and_each_counts() {
        let one = key("z9hG4bKab", "phone.test:5060", "c", "SUBSCRIBE");
        assert_eq!(one, key("Z9HG4BKAB", "PHONE.test:5060", "c", "SUBSCRIBE"));
        for (branch, sent_by, method) in [
            ("z9hG4bKac", "phone.test:5060", "SUBSCRIBE"),
            ("z9hG4bKab", "phone.test:5061", "SUBSCRIBE"),
            ("z9hG4bKab", "phone.test", "SUBSCRIBE"),
            ("z9hG4bKab", "fone.test:5060", "SUBSCRIBE"),
            ("z9hG4bKa", "bphone.test:5060", "SUBSCRIBE"),
            ("z9hG4bKab", "phone.test:5060", "INVITE"),
        ] {
            assert_ne!(one, key(branch, sent_by, "c", method), "{branch} {sent_by} {method}");
        }
    }

    #[test]
    fn a_branch_used_for_two_calls_names_two_transactions() {
        let one = key("z9hG4bKab", "h", "c", "SUBSCRIBE");
        assert_ne!(one, key("z9hG4bKab", "h", "C", "SUBSCRIBE"));
    }

    #[test]
    fn a_long_branch_is_read_to_its_end() {
        let long = format!("z9hG4bK{}", "x".repeat(200));
        let other = format!("{long}y");
        assert_ne!(key(&long, "h", "c", "X"), key(&other, "h", "c", "X"));
        assert_eq!(key(&long, "h", "c", "X"), key(&long.to_uppercase(), "h", "c", "X"));
    }

    #[test]
    fn within_a_dialog_nothing_is_merged() {
        let namer = Namer::new(Secret::new([7; 16]));
        let merge = |call_id, to| namer.merge(&asked("z9hG4bKa", "h", call_id, to)).expect("read");
        assert_eq!(merge("c", ";tag=t"), None);
        assert_eq!(merge("c", ""), merge("c", ""));
        assert_ne!(merge("c", ""), merge("d", ""));
    }
}
