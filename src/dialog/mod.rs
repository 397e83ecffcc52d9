//! Dialogs (RFC 3261 §12) as the side that was asked: sequence numbers, route set, remote target.
//!
//! What never changes in the life of a dialog is kept as the header lines it will be sent as, so
//! that a request in the dialog is mostly a copy.

use std::ops::Range;

use crate::base::mint::LocalTag;
use crate::sip::{Malformed, Refusal, Request};

pub mod route;
pub mod target;

pub use route::Route;
pub use target::{Heard, NextHop, next_hop, route_hop};

/// A dialog that a request of the peer created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    /// Our tag, which also finds the dialog.
    pub tag: LocalTag,
    /// The sequence number of our last request.
    pub cseq: u32,
    /// The sequence number of the peer's last request.
    pub remote_cseq: u32,
    /// The peer's Contact URI: the remote target.
    pub target: Box<str>,
    /// The route set; most phones have none.
    pub route: Option<Box<Route>>,
    /// `From`, `To` and `Call-ID` of our requests, as they are sent.
    lines: Box<[u8]>,
    call_id: Range<u16>,
    remote_tag: Range<u16>,
}

/// What a dialog is made of, for the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialogParts {
    /// Our tag.
    pub tag: LocalTag,
    /// The sequence number of our last request.
    pub cseq: u32,
    /// The sequence number of the peer's last request.
    pub remote_cseq: u32,
    /// The remote target.
    pub target: String,
    /// The route set in order.
    pub route: Vec<String>,
    /// The Call-ID.
    pub call_id: String,
    /// What our requests have in From, tag excluded.
    pub local: Vec<u8>,
    /// What our requests have in To, with the peer's tag, if it had one.
    pub remote: Vec<u8>,
    /// The peer's tag.
    pub remote_tag: String,
}

impl Dialog {
    /// The dialog a request creates once it is accepted (RFC 3261 §12.1.1).
    pub fn accept(request: &Request, tag: LocalTag, target: &str) -> Result<Dialog, Refusal> {
        let headers = request.headers();
        let (from, to) = (headers.from()?, headers.to()?);
        let parts = DialogParts {
            tag,
            cseq: 0,
            remote_cseq: headers.cseq()?.number,
            target: target.to_owned(),
            route: headers.record_routes()?.into_iter().map(str::to_owned).collect(),
            call_id: headers.call_id()?.to_owned(),
            local: to.text().to_vec(),
            remote: from.text().to_vec(),
            remote_tag: from.tag().unwrap_or_default().to_owned(),
        };
        Dialog::from_parts(&parts)
            .ok_or_else(|| Refusal::BadRequest(Malformed::at(0, "dialog headers of a sane length")))
    }

    /// From its parts; `None` if they are longer together than a dialog may be (64 KiB).
    pub fn from_parts(parts: &DialogParts) -> Option<Dialog> {
        let mut lines = Vec::new();
        lines.extend_from_slice(b"From: ");
        lines.extend_from_slice(&parts.local);
        lines.extend_from_slice(format!(";tag={}\r\nTo: ", parts.tag).as_bytes());
        lines.extend_from_slice(&parts.remote);
        lines.extend_from_slice(b"\r\nCall-ID: ");
        let call_id = range(lines.len(), parts.call_id.len())?;
        lines.extend_from_slice(parts.call_id.as_bytes());
        lines.extend_from_slice(b"\r\n");
        let remote_tag = match memchr::memmem::find(&parts.remote, parts.remote_tag.as_bytes()) {
            Some(_) if parts.remote_tag.is_empty() => 0..0,
            // The tag stands at the end of the value, after whatever else resembles it.
            Some(_) => {
                let within = memchr::memmem::rfind(&parts.remote, parts.remote_tag.as_bytes())?;
                let before =
                    "From: ".len() + parts.local.len() + ";tag=".len() + 24 + "\r\nTo: ".len();
                range(before + within, parts.remote_tag.len())?
            }
            None => return None,
        };
        let route = Route::new(&parts.route).map(Box::new);
        Some(Dialog {
            tag: parts.tag,
            cseq: parts.cseq,
            remote_cseq: parts.remote_cseq,
            target: parts.target.as_str().into(),
            route,
            lines: lines.into_boxed_slice(),
            call_id,
            remote_tag,
        })
    }

    /// Taken apart for the store.
    pub fn to_parts(&self) -> DialogParts {
        let tag = format!(";tag={}\r\nTo: ", self.tag);
        let text = &self.lines[..];
        let local_end = memchr::memmem::find(text, tag.as_bytes()).unwrap_or_default();
        let remote_end = self.call_id.start as usize - "\r\nCall-ID: ".len();
        DialogParts {
            tag: self.tag,
            cseq: self.cseq,
            remote_cseq: self.remote_cseq,
            target: self.target.to_string(),
            route: self.route.iter().flat_map(|route| route.values()).map(str::to_owned).collect(),
            call_id: self.call_id().to_owned(),
            local: text.get("From: ".len()..local_end).unwrap_or_default().to_vec(),
            remote: text.get(local_end + tag.len()..remote_end).unwrap_or_default().to_vec(),
            remote_tag: self.remote_tag().to_owned(),
        }
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        self.text(&self.call_id)
    }

    /// The peer's tag; empty if it had none (RFC 2543).
    pub fn remote_tag(&self) -> &str {
        self.text(&self.remote_tag)
    }

    /// Whether a request with our tag is of this dialog (RFC 3261 §12.2.2): Call-ID and both
    /// tags count, URIs do not.
    pub fn owns(&self, request: &Request) -> bool {
        let headers = request.headers();
        let call_id = headers.call_id().is_ok_and(|call_id| call_id == self.call_id());
        let tag =
            headers.from().is_ok_and(|from| from.tag().unwrap_or_default() == self.remote_tag());
        call_id && tag
    }

    /// Takes the sequence number of the peer's next request; one that is not above the last is
    /// refused with 500 (RFC 3261 §12.2.2). It counts as used even if the request is refused
    /// for another reason later.
    pub fn advance(&mut self, number: u32) -> Result<(), Refusal> {
        if number <= self.remote_cseq {
            return Err(Refusal::OutOfOrder);
        }
        self.remote_cseq = number;
        Ok(())
    }

    /// The number of our next request.
    pub fn next_cseq(&mut self) -> u32 {
        self.cseq = self.cseq.wrapping_add(1) & 0x7fff_ffff;
        self.cseq
    }

    /// The Request-URI of our requests: the remote target, or the first route if that hop
    /// routes strictly (RFC 3261 §12.2.1.1).
    pub fn request_uri(&self) -> &str {
        match &self.route {
            Some(route) if route.is_strict() => route.first_uri(),
            _ => &self.target,
        }
    }

    /// Appends `Route`, `From`, `To` and `Call-ID` lines.
    pub fn write_lines(&self, out: &mut Vec<u8>) {
        if let Some(route) = &self.route {
            route.write_lines(&self.target, out);
        }
        out.extend_from_slice(&self.lines);
    }

    /// Octets of `From`, `To` and `Call-ID` lines.
    pub fn lines_octets(&self) -> usize {
        self.lines.len()
    }

    fn text(&self, range: &Range<u16>) -> &str {
        let octets = &self.lines[range.start as usize..range.end as usize];
        std::str::from_utf8(octets).expect("cut from text at its own borders")
    }
}

fn range(start: usize, length: usize) -> Option<Range<u16>> {
    Some(u16::try_from(start).ok()?..u16::try_from(start + length).ok()?)
}
