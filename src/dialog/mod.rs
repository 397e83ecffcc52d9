//! Dialogs (RFC 3261 §12) as the side that was asked: sequence numbers, route set, remote target.
//!
//! The texts of a dialog stand in one piece of memory, as its requests will have them: there may
//! be a million of them.

use std::ops::Range;

use bytes::BufMut;

use crate::base::mint::{HomeHash, LocalTag};
use crate::base::packed::Packed;
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
    /// The route set; most phones have none.
    pub route: Option<Box<Route>>,
    texts: Packed<4>,
    /// The peer's tag within what our requests have in To.
    remote_tag: Range<u16>,
}

/// The places of a dialog's texts.
const TARGET: usize = 0;
const LOCAL: usize = 1;
const REMOTE: usize = 2;
const CALL_ID: usize = 3;

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
        let call_id = headers.call_id()?;
        let texts = [target.as_bytes(), to.text(), from.text(), call_id.as_bytes()];
        let remote_tag = from.tag().unwrap_or_default();
        let dialog = Dialog::new(texts, remote_tag, &headers.record_routes()?);
        let dialog = dialog.ok_or_else(|| {
            Refusal::BadRequest(Malformed::at(0, "dialog headers of a sane length"))
        })?;
        Ok(Dialog { tag, remote_cseq: headers.cseq()?.number, ..dialog })
    }

    /// From its parts; `None` if they are longer together than a dialog may be (64 KiB).
    pub fn from_parts(parts: &DialogParts) -> Option<Dialog> {
        let DialogParts { target, local, remote, call_id, .. } = parts;
        let texts = [target.as_bytes(), local, remote, call_id.as_bytes()];
        let dialog = Dialog::new(texts, &parts.remote_tag, &parts.route)?;
        let DialogParts { tag, cseq, remote_cseq, .. } = *parts;
        Some(Dialog { tag, cseq, remote_cseq, ..dialog })
    }

    fn new(texts: [&[u8]; 4], remote_tag: &str, route: &[impl AsRef<str>]) -> Option<Dialog> {
        let remote_tag = match remote_tag.len() {
            0 => 0..0,
            // The tag stands at the end of the value, after whatever else resembles it.
            octets => {
                let start = memchr::memmem::rfind(texts[REMOTE], remote_tag.as_bytes())?;
                u16::try_from(start).ok()?..u16::try_from(start + octets).ok()?
            }
        };
        Some(Dialog {
            tag: LocalTag { home: HomeHash(0), unique: 0 },
            cseq: 0,
            remote_cseq: 0,
            route: Route::new(route).map(Box::new),
            texts: Packed::new(texts)?,
            remote_tag,
        })
    }

    /// Taken apart for the store.
    pub fn to_parts(&self) -> DialogParts {
        DialogParts {
            tag: self.tag,
            cseq: self.cseq,
            remote_cseq: self.remote_cseq,
            target: self.target().to_owned(),
            route: self.route.iter().flat_map(|route| route.values()).map(str::to_owned).collect(),
            call_id: self.call_id().to_owned(),
            local: self.texts.at(LOCAL).to_vec(),
            remote: self.texts.at(REMOTE).to_vec(),
            remote_tag: self.remote_tag().to_owned(),
        }
    }

    /// The peer's Contact URI: the remote target.
    pub fn target(&self) -> &str {
        self.texts.text(TARGET)
    }

    /// Moves the remote target; one that is longer than a dialog may be moves nothing.
    pub fn retarget(&mut self, target: &str) {
        if let Some(texts) = self.texts.with(TARGET, target.as_bytes()) {
            self.texts = texts;
        }
    }

    /// What our requests have in From, tag excluded.
    pub fn local(&self) -> &[u8] {
        self.texts.at(LOCAL)
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        self.texts.text(CALL_ID)
    }

    /// The peer's tag; empty if it had none (RFC 2543).
    pub fn remote_tag(&self) -> &str {
        let range = usize::from(self.remote_tag.start)..usize::from(self.remote_tag.end);
        let octets = &self.texts.at(REMOTE)[range];
        std::str::from_utf8(octets).expect("cut from text at its own borders")
    }

    /// Whether a request with our tag is of this dialog (RFC 3261 §12.2.2): Call-ID and both
    /// tags count, URIs do not.
    pub fn owns(&self, request: &Request) -> bool {
        let headers = request.headers();
        let call_id =
            headers.call_id_octets().is_ok_and(|call_id| call_id == self.call_id().as_bytes());
        let tag = headers.from().is_ok_and(|from| {
            from.tag_octets().unwrap_or_default() == self.remote_tag().as_bytes()
        });
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
    pub fn request_uri(&self) -> &[u8] {
        match &self.route {
            Some(route) if route.is_strict() => route.first_uri().as_bytes(),
            _ => self.texts.at(TARGET),
        }
    }

    /// Appends `Route`, `From`, `To` and `Call-ID` lines.
    pub fn write_lines(&self, out: &mut impl BufMut) {
        if let Some(route) = &self.route {
            route.write_lines(self.target(), out);
        }
        out.put_slice(b"From: ");
        out.put_slice(self.texts.at(LOCAL));
        out.put_slice(b";tag=");
        self.tag.write(out);
        out.put_slice(b"\r\nTo: ");
        out.put_slice(self.texts.at(REMOTE));
        out.put_slice(b"\r\nCall-ID: ");
        out.put_slice(self.texts.at(CALL_ID));
        out.put_slice(b"\r\n");
    }

    /// Octets of the remote target.
    pub fn target_octets(&self) -> usize {
        self.texts.at(TARGET).len()
    }

    /// Octets of the texts, of which each is in a request at most twice.
    pub fn octets(&self) -> usize {
        let route = self.route.iter().flat_map(|route| route.values()).map(str::len);
        (TARGET..=CALL_ID).map(|place| self.texts.at(place).len()).chain(route).sum()
    }
}
