//! The messages of the phones, written from what few numbers tell them apart.

use std::io::Write;

use super::plan::{Package, Transport};
use super::scan::{Message, hex};

/// What a desk phone can do, as it says in every request.
const ABILITIES: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, MESSAGE, INFO, \
    UPDATE, PRACK\r\nAllow-Events: talk, hold, conference, refer, check-sync, dialog\r\n\
    Supported: replaces, 100rel, timer\r\nUser-Agent: Desk Phone T46 28.82.0.20\r\n";

/// What all messages have in common.
pub struct Writer {
    /// Host and port of each link.
    pub hosts: Vec<String>,
    /// The domain of everybody's address.
    pub domain: String,
    /// How they travel.
    pub transport: Transport,
    /// What they are about.
    pub package: Package,
    /// Tells this run from others before it.
    pub run: u32,
}

/// Which of a phone's conversations a message belongs to: the beginning of its Call-ID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Key {
    /// A subscription, by number.
    Watch(u32),
    /// A publication, by the number of its presentity.
    Publication(u32),
}

/// A SUBSCRIBE.
pub struct Subscribe<'a> {
    /// Of the subscription.
    pub index: u32,
    /// The link of the phone.
    pub link: usize,
    /// The phone.
    pub watcher: u32,
    /// Whom it watches.
    pub whom: u32,
    /// Sequence number.
    pub cseq: u32,
    /// The server's tag and its Contact, once there is a dialog.
    pub dialog: Option<(&'a [u8], &'a [u8])>,
    /// What is asked for.
    pub expires: u32,
    /// Credentials: a whole header line, or nothing.
    pub authorization: &'a [u8],
}

/// A PUBLISH.
pub struct Publish<'a> {
    /// The number of the presentity.
    pub index: u32,
    /// The link of the phone.
    pub link: usize,
    /// The phone.
    pub whom: u32,
    /// Sequence number.
    pub cseq: u32,
    /// The entity-tag of the state before.
    pub entity_tag: Option<&'a [u8]>,
    /// What is asked for.
    pub expires: u32,
    /// The change; `None` takes the publication back.
    pub counter: Option<u32>,
    /// Credentials: a whole header line, or nothing.
    pub authorization: &'a [u8],
}

impl Writer {
    /// The conversation of a Call-ID, if it is of this run.
    pub fn key(&self, call_id: &[u8]) -> Option<Key> {
        let (kind, rest) = call_id.split_first()?;
        let index = hex(rest.get(..8)?)?;
        if hex(rest.get(9..17)?)? != self.run {
            return None;
        }
        match kind {
            b's' => Some(Key::Watch(index)),
            b'p' => Some(Key::Publication(index)),
            _ => None,
        }
    }

    /// What stands before each change counter in the documents of this run.
    pub fn mark(&self) -> String {
        format!("lamp-{:08x}-", self.run)
    }

    /// The address a phone is called by.
    pub fn uri(&self, phone: u32) -> String {
        format!("sip:p{phone:06}@{}", self.domain)
    }

    /// Writes a SUBSCRIBE.
    pub fn subscribe(&self, out: &mut Vec<u8>, subscribe: &Subscribe<'_>) {
        let &Subscribe { index, link, watcher, whom, cseq, dialog, expires, authorization } =
            subscribe;
        let Writer { domain, package, .. } = self;
        let host = self.host(link);
        match dialog {
            Some((_, target)) => {
                out.extend_from_slice(b"SUBSCRIBE ");
                out.extend_from_slice(target);
                out.extend_from_slice(b" SIP/2.0\r\n");
            }
            None => put(out, format_args!("SUBSCRIBE sip:p{whom:06}@{domain} SIP/2.0\r\n")),
        }
        self.via(out, link, 's', index, cseq);
        put(
            out,
            format_args!(
                "From: \"Phone {watcher:06}\" <sip:p{watcher:06}@{domain}>;tag=w{index:08x}\r\n\
                 To: <sip:p{whom:06}@{domain}>"
            ),
        );
        if let Some((tag, _)) = dialog {
            out.extend_from_slice(b";tag=");
            out.extend_from_slice(tag);
        }
        put(out, format_args!("\r\nCall-ID: s{index:08x}-{:08x}\r\n", self.run));
        put(
            out,
            format_args!(
                "CSeq: {cseq} SUBSCRIBE\r\nContact: <sip:p{watcher:06}@{host};transport={}>\
                 ;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0004f2{watcher:06x}>\"\r\n",
                self.parameter()
            ),
        );
        out.extend_from_slice(authorization);
        let (event, media) = (package.name(), package.media());
        put(out, format_args!("Event: {event}\r\nAccept: {media}\r\n"));
        out.extend_from_slice(ABILITIES.as_bytes());
        put(out, format_args!("Expires: {expires}\r\nContent-Length: 0\r\n\r\n"));
    }

    /// Writes a PUBLISH; `scratch` is emptied and used.
    pub fn publish(&self, out: &mut Vec<u8>, scratch: &mut Vec<u8>, publish: &Publish<'_>) {
        let &Publish { index, link, whom, cseq, entity_tag, expires, counter, authorization } =
            publish;
        let Writer { domain, package, .. } = self;
        scratch.clear();
        match (package, counter) {
            (_, None) => {}
            (Package::Dialog, Some(counter)) => self.dialog_info(scratch, link, whom, counter),
            (Package::Presence, Some(counter)) => self.pidf(scratch, link, whom, counter),
        }
        put(out, format_args!("PUBLISH sip:p{whom:06}@{domain} SIP/2.0\r\n"));
        self.via(out, link, 'p', index, cseq);
        put(
            out,
            format_args!(
                "From: <sip:p{whom:06}@{domain}>;tag=p{index:08x}\r\n\
                 To: <sip:p{whom:06}@{domain}>\r\nCall-ID: p{index:08x}-{:08x}\r\n\
                 CSeq: {cseq} PUBLISH\r\n",
                self.run
            ),
        );
        if let Some(tag) = entity_tag {
            out.extend_from_slice(b"SIP-If-Match: ");
            out.extend_from_slice(tag);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(authorization);
        let (event, media, octets) = (package.name(), package.media(), scratch.len());
        put(out, format_args!("Event: {event}\r\nExpires: {expires}\r\n"));
        if octets > 0 {
            put(out, format_args!("Content-Type: {media}\r\n"));
        }
        put(out, format_args!("Content-Length: {octets}\r\n\r\n"));
        out.extend_from_slice(scratch);
    }

    /// Writes the answer to a NOTIFY.
    pub fn answer(&self, out: &mut Vec<u8>, status: &str, message: &Message<'_>) {
        out.extend_from_slice(b"SIP/2.0 ");
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(b"\r\n");
        for via in message.vias() {
            out.extend_from_slice(via);
        }
        for line in [message.from, message.to, message.call_id_line, message.cseq_line] {
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b"User-Agent: Desk Phone T46 28.82.0.20\r\n");
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    }

    /// Whether messages may get lost on the way.
    pub fn is_unreliable(&self) -> bool {
        self.transport == Transport::Udp
    }

    fn host(&self, link: usize) -> &str {
        self.hosts.get(link).map_or("", String::as_str)
    }

    fn parameter(&self) -> &'static str {
        match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    fn via(&self, out: &mut Vec<u8>, link: usize, kind: char, index: u32, cseq: u32) {
        let (transport, host, run) = (self.transport.name(), self.host(link), self.run);
        put(
            out,
            format_args!(
                "Via: SIP/2.0/{transport} {host};branch=z9hG4bK{run:08x}{kind}{index:08x}{cseq:x}\
                 ;rport\r\nMax-Forwards: 70\r\n"
            ),
        );
    }

    /// One call, its other party another one with every change.
    fn dialog_info(&self, out: &mut Vec<u8>, link: usize, whom: u32, counter: u32) {
        let (domain, host, run) = (&self.domain, self.host(link), self.run);
        let mark = self.mark();
        put(
            out,
            format_args!(
                "<?xml version=\"1.0\"?>\n\
                 <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{counter}\" \
                 state=\"full\" entity=\"sip:p{whom:06}@{domain}\">\n\
                 <dialog id=\"c{whom:06}\" call-id=\"{run:08x}{whom:08x}@{host}\" \
                 local-tag=\"2941466757\" remote-tag=\"1862427723\" direction=\"recipient\">\n\
                 <state>confirmed</state>\n\
                 <local>\n<identity>sip:p{whom:06}@{domain}</identity>\n\
                 <target uri=\"sip:p{whom:06}@{host}\"/>\n</local>\n\
                 <remote>\n<identity>sip:{mark}{counter:08x}@{domain}</identity>\n\
                 <target uri=\"sip:{mark}{counter:08x}@{host}\"/>\n</remote>\n\
                 </dialog>\n</dialog-info>\n"
            ),
        );
    }

    /// One service, its note another one with every change.
    fn pidf(&self, out: &mut Vec<u8>, link: usize, whom: u32, counter: u32) {
        let (domain, host) = (&self.domain, self.host(link));
        let mark = self.mark();
        put(
            out,
            format_args!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                 <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
                 xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
                 xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
                 entity=\"sip:p{whom:06}@{domain}\">\n\
                 <tuple id=\"t{whom:06}\">\n<status><basic>open</basic></status>\n\
                 <contact priority=\"0.8\">sip:p{whom:06}@{host}</contact>\n\
                 <note>{mark}{counter:08x}</note>\n</tuple>\n\
                 <dm:person id=\"p{whom:06}\">\n\
                 <rpid:activities><rpid:meeting/></rpid:activities>\n\
                 </dm:person>\n</presence>\n"
            ),
        );
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a buffer grows as needed");
}
