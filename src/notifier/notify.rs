//! Writing a NOTIFY (RFC 6665 §4.2.2): what differs by watcher in one small buffer, the body
//! shared.

use bytes::{BufMut, Bytes, BytesMut};

use super::subscription::{Reason, Subscription};
use crate::base::digits::decimal;
use crate::base::flow::Transport;
use crate::base::mint::Branch;
use crate::base::time::Wall;
use crate::doc::body::Body;
use crate::doc::write::escape_attribute;

/// Heads are cut from pieces of so many octets: one allocation for some thirty of them. A piece is
/// given back when the last request in it is answered.
const PIECE_OCTETS: usize = 16 * 1024;

/// Octets of a head beside what the watcher brought into it, at most.
const FIXED_OCTETS: usize = 640;

/// Our side of the path: what Via and Contact name.
#[derive(Clone, Copy)]
pub struct Ours<'a> {
    /// The transport the NOTIFY travels by.
    pub transport: Transport,
    /// Host and port for Via and Contact, to which the watcher's next request in the dialog comes.
    pub sent_by: &'a str,
    /// The user part of our Contact; may be empty.
    pub user: &'a str,
    /// The name of the package.
    pub package: &'static str,
}

/// The state a NOTIFY names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It goes on until then.
    Lives(Wall),
    /// It is the last, and why.
    Ends(Reason),
}

/// Writes the heads of NOTIFYs.
#[derive(Default)]
pub struct Pen {
    piece: BytesMut,
}

impl Pen {
    /// Head and shared rest of one NOTIFY. The head ends with what of the body is this watcher's.
    pub fn write(
        &mut self,
        subscription: &Subscription,
        now: Wall,
        standing: Standing,
        branch: Branch,
        ours: Ours<'_>,
        body: Option<&Body>,
    ) -> (Bytes, Bytes) {
        let entity = escape_attribute(subscription.entity());
        let needed = octets_at_most(subscription, &entity, ours, body);
        if self.piece.capacity() < needed {
            self.piece = BytesMut::with_capacity(needed.max(PIECE_OCTETS));
        }
        head(
            &mut self.piece,
            subscription,
            now,
            standing,
            branch,
            ours,
            body.map(|b| (b, &*entity)),
        );
        let rest = body.map_or_else(Bytes::new, |body| body.rest().clone());
        (self.piece.split().freeze(), rest)
    }
}

/// More than the head of a NOTIFY can be long.
fn octets_at_most(
    subscription: &Subscription,
    entity: &str,
    ours: Ours<'_>,
    body: Option<&Body>,
) -> usize {
    // Nothing stands in a head more often than twice.
    let lead = body.map_or(0, Body::lead_octets) + entity.len();
    let own = ours.sent_by.len() + ours.user.len() + subscription.event_rest().len();
    FIXED_OCTETS + 2 * (subscription.dialog.octets() + own) + lead
}

fn head(
    out: &mut BytesMut,
    subscription: &Subscription,
    now: Wall,
    standing: Standing,
    branch: Branch,
    ours: Ours<'_>,
    body: Option<(&Body, &str)>,
) {
    let dialog = &subscription.dialog;
    out.put_slice(b"NOTIFY ");
    out.put_slice(dialog.request_uri());
    out.put_slice(b" SIP/2.0\r\nVia: SIP/2.0/");
    out.put_slice(ours.transport.name().as_bytes());
    out.put_u8(b' ');
    out.put_slice(ours.sent_by.as_bytes());
    out.put_slice(b";branch=");
    branch.write(out);
    out.put_slice(b";rport\r\nMax-Forwards: 70\r\n");
    dialog.write_lines(out);
    out.put_slice(b"CSeq: ");
    decimal(dialog.cseq.into(), out);
    out.put_slice(b" NOTIFY\r\nContact: <");
    ours.write_contact(out);
    out.put_slice(b">\r\nEvent: ");
    out.put_slice(ours.package.as_bytes());
    out.put_slice(subscription.event_rest().as_bytes());
    out.put_slice(b"\r\nSubscription-State: ");
    match standing {
        Standing::Lives(until) => {
            out.put_slice(subscription.substate().as_bytes());
            out.put_slice(b";expires=");
            // Rounded up: a watcher told 0 would take it for the end.
            let left = until.since(now).as_millis().div_ceil(1000);
            decimal(u64::try_from(left).unwrap_or(u64::MAX), out);
        }
        Standing::Ends(reason) => {
            out.put_slice(b"terminated;reason=");
            out.put_slice(reason.as_text().as_bytes());
        }
    }
    let Some((body, entity)) = body else { return out.put_slice(b"\r\nContent-Length: 0\r\n\r\n") };
    let version = subscription.version;
    out.put_slice(b"\r\nContent-Type: ");
    out.put_slice(body.media.as_text().as_bytes());
    out.put_slice(b"\r\nContent-Length: ");
    decimal(body.octets_around(version, entity) as u64, out);
    out.put_slice(b"\r\n\r\n");
    body.write_around(version, entity, out);
}

impl Ours<'_> {
    /// Appends the URI of our Contact.
    pub fn write_contact(&self, out: &mut impl BufMut) {
        out.put_slice(b"sip:");
        out.put_slice(self.user.as_bytes());
        if !self.user.is_empty() {
            out.put_u8(b'@');
        }
        out.put_slice(self.sent_by.as_bytes());
        if self.transport != Transport::Udp {
            out.put_slice(b";transport=");
            out.put_slice(self.transport.parameter().as_bytes());
        }
    }
}
