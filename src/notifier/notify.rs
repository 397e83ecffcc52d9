//! Writing a NOTIFY (RFC 6665 §4.2.2): what differs by watcher in one small buffer, the body
//! shared.

use std::io::Write;

use bytes::Bytes;

use super::subscription::{Reason, Subscription};
use crate::base::flow::Transport;
use crate::base::mint::Branch;
use crate::base::time::Wall;
use crate::doc::body::Body;

/// Our side of the path: what Via and Contact name.
#[derive(Clone, Copy)]
pub struct Ours<'a> {
    /// The transport the NOTIFY travels by.
    pub transport: Transport,
    /// Host and port for Via.
    pub sent_by: &'a str,
    /// The Contact URI: the watcher's next request in the dialog comes there.
    pub contact: &'a str,
}

/// The state a NOTIFY names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It goes on until then.
    Lives(Wall),
    /// It is the last, and why.
    Ends(Reason),
}

/// Head and shared rest of one NOTIFY. The head ends with what of the body is this watcher's.
pub fn write(
    subscription: &Subscription,
    now: Wall,
    standing: Standing,
    branch: Branch,
    ours: Ours<'_>,
    body: Option<&Body>,
) -> (Bytes, Bytes) {
    let dialog = &subscription.dialog;
    let mut out = Vec::with_capacity(1024);
    let via = ours.transport.name();
    line(&mut out, format_args!("NOTIFY {} SIP/2.0", dialog.request_uri()));
    line(&mut out, format_args!("Via: SIP/2.0/{via} {};branch={branch};rport", ours.sent_by));
    out.extend_from_slice(b"Max-Forwards: 70\r\n");
    dialog.write_lines(&mut out);
    line(&mut out, format_args!("CSeq: {} NOTIFY", dialog.cseq));
    line(&mut out, format_args!("Contact: <{}>", ours.contact));
    line(&mut out, format_args!("Event: {}", subscription.event));
    match standing {
        Standing::Lives(until) => {
            // Rounded up: a watcher told 0 would take it for the end.
            let left = until.since(now).as_millis().div_ceil(1000);
            let substate = subscription.substate();
            line(&mut out, format_args!("Subscription-State: {substate};expires={left}"));
        }
        Standing::Ends(reason) => {
            line(&mut out, format_args!("Subscription-State: terminated;reason={reason}"));
        }
    }
    match body {
        None => {
            out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
            (Bytes::from(out), Bytes::new())
        }
        Some(body) => {
            let (version, entity) = (subscription.version, &*subscription.entity);
            let octets = body.octets(version, entity);
            line(&mut out, format_args!("Content-Type: {}", body.media));
            line(&mut out, format_args!("Content-Length: {octets}\r\n"));
            body.write_lead(version, entity, &mut out);
            (Bytes::from(out), body.rest().clone())
        }
    }
}

fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a buffer grows as needed");
    out.extend_from_slice(b"\r\n");
}
