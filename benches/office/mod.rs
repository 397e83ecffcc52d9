//! A shard with simulated phones around it, in virtual time and without sockets: what the
//! benchmarks and the instruction counts drive.

// Each benchmark uses its part of it.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanal::auth::{TrustedPeers, Users};
use fanal::base::flow::{Flow, Hop, ListenerId, Transport};
use fanal::base::mint::Secret;
use fanal::base::time::{Moment, Now, Wall};
use fanal::shard::config::Authentication;
use fanal::shard::{Config, Door, Founding, Input, Output, Shard};
use fanal::sip::parse;
use fanal::transaction::Transmit;

/// A shard and what it wants sent.
pub struct Office {
    pub shard: Shard,
    pub now: Now,
    pub wire: Vec<Transmit>,
    /// Batches of changes to be kept so far.
    pub batches: u64,
    calls: u32,
}

/// What a phone needs to know of its subscription to go on with it.
#[derive(Clone)]
pub struct Lamp {
    pub watcher: u32,
    pub presentity: u32,
    pub to: String,
}

impl Office {
    /// One that asks for no password and lets every change out at once.
    pub fn new() -> Office {
        let local: SocketAddr = "192.0.2.1:5060".parse().expect("an address");
        let door = Door {
            transport: Transport::Udp,
            local,
            advertise: None,
            primary: None,
            trusted: TrustedPeers::default(),
        };
        let mut config = Config { doors: vec![door], ..Config::default() };
        config.server.domains = vec!["example.com".to_owned()];
        config.server.auth = Authentication::Off;
        config.notifier.paced = false;
        let founding = Founding {
            config: Arc::new(config),
            users: Arc::new(Users::default()),
            secret: Secret::new([7; 16]),
            seed: [1; 32],
        };
        Office {
            shard: Shard::new(founding),
            now: Now {
                instant: Moment::from_micros(1_000_000),
                wall: Wall::from_unix_millis(1_772_444_467_000),
            },
            wire: Vec::new(),
            batches: 0,
            calls: 0,
        }
    }

    pub fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// One message arrives in a turn of its own.
    pub fn turn(&mut self, octets: Bytes, peer: SocketAddr) {
        self.hand_in(octets, peer);
        self.end_turn();
    }

    pub fn hand_in(&mut self, octets: Bytes, peer: SocketAddr) {
        let message = parse::message(octets).expect("a message");
        let flow = Flow::Udp { listener: ListenerId(0), peer };
        self.shard.handle(self.now, Input::Message { message, flow });
    }

    pub fn end_turn(&mut self) {
        self.shard.tick(self.now);
        self.shard.settle(self.now);
        while let Some(output) = self.shard.poll() {
            match output {
                Output::Transmit(transmit) => self.wire.push(transmit),
                Output::Persist { .. } => self.batches += 1,
                Output::Resolve(_) | Output::Reply { .. } => {}
            }
        }
    }

    /// Watchers subscribe to a presentity's calls; each NOTIFY is answered.
    pub fn subscribe(&mut self, presentity: u32, watchers: std::ops::Range<u32>) -> Vec<Lamp> {
        watchers
            .map(|watcher| {
                self.wire.clear();
                self.turn(subscribe(presentity, watcher, 1, None, 3600), phone(watcher));
                let to = self.wire.iter().find_map(|sent| {
                    let text = std::str::from_utf8(&sent.head).ok()?;
                    text.starts_with("SIP/2.0 200").then(|| line(text, "To: ").to_owned())
                });
                self.answer_all();
                Lamp { watcher, presentity, to: to.expect("a 200") }
            })
            .collect()
    }

    /// Every NOTIFY on the wire is answered 200, each in a turn of its own.
    pub fn answer_all(&mut self) -> usize {
        let answers = self.answers();
        let count = answers.len();
        for (octets, peer) in answers {
            self.turn(octets, peer);
        }
        count
    }

    /// The answers to every NOTIFY on the wire, which is empty then.
    pub fn answers(&mut self) -> Vec<(Bytes, SocketAddr)> {
        let sent = std::mem::take(&mut self.wire);
        sent.iter().filter_map(|sent| Some((ok(&sent.head)?, address(sent.hop)))).collect()
    }

    /// A PBX publishes a call of a presentity; `tag` is the entity-tag of an earlier one.
    /// Returns the new entity-tag.
    pub fn publish(&mut self, presentity: u32, tag: Option<&str>, state: &str) -> String {
        self.calls += 1;
        let octets = publish(presentity, self.calls, tag, state);
        self.wire.clear();
        self.turn(octets, "192.0.2.9:5060".parse().expect("an address"));
        let etag = self.wire.iter().find_map(|sent| {
            let text = std::str::from_utf8(&sent.head).ok()?;
            text.contains("SIP-ETag: ").then(|| line(text, "SIP-ETag: ").to_owned())
        });
        etag.expect("an entity-tag")
    }
}

fn address(hop: Hop) -> SocketAddr {
    hop.address()
}

/// The address of a watcher's phone.
pub fn phone(watcher: u32) -> SocketAddr {
    let [_, b, c, d] = watcher.to_be_bytes();
    SocketAddr::from(([10, b, c, d], 5062))
}

/// A SUBSCRIBE as a desk phone sends it, about 715 octets.
pub fn subscribe(
    presentity: u32,
    watcher: u32,
    cseq: u32,
    to: Option<&str>,
    expires: u32,
) -> Bytes {
    let peer = phone(watcher);
    let uri = format!("sip:{presentity}@example.com");
    let to = to.map_or_else(|| format!("<{uri}>"), str::to_owned);
    let call = watcher.wrapping_mul(2_654_435_761) ^ presentity;
    format!(
        "SUBSCRIBE {uri} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {peer};branch=z9hG4bK{call:08x}{cseq:08x}{watcher:08x};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Extension {watcher}\" <sip:w{watcher}@example.com>;tag=f{call:08x}{watcher:08x}\r\n\
         To: {to}\r\n\
         Call-ID: {call:08x}{watcher:08x}-{presentity:08x}@{ip}\r\n\
         CSeq: {cseq} SUBSCRIBE\r\n\
         Contact: <sip:w{watcher}@{peer}>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, UPDATE\r\n\
         Supported: replaces, eventlist, norefersub\r\n\
         Event: dialog\r\n\
         Accept: application/dialog-info+xml\r\n\
         User-Agent: Example DeskPhone 5.2.1.17 0004f2abcdef\r\n\
         Expires: {expires}\r\n\
         Content-Length: 0\r\n\r\n",
        ip = peer.ip(),
    )
    .into()
}

/// A PUBLISH of one call, about 1,000 octets.
pub fn publish(presentity: u32, number: u32, tag: Option<&str>, state: &str) -> Bytes {
    let uri = format!("sip:{presentity}@example.com");
    let matching = tag.map_or_else(String::new, |tag| format!("SIP-If-Match: {tag}\r\n"));
    let body = format!(
        "<?xml version=\"1.0\"?>\n\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{number}\" \
         state=\"full\" entity=\"{uri}\">\n\
         <dialog id=\"d{presentity}\" call-id=\"call-{presentity}-{number}@192.0.2.9\" \
         local-tag=\"l{number}\" remote-tag=\"r{number}\" direction=\"recipient\">\n\
         <state>{state}</state>\n\
         <local><identity>{uri}</identity><target uri=\"{uri}\"/></local>\n\
         <remote><identity display=\"Caller\">sip:caller@example.org</identity>\
         <target uri=\"sip:caller@192.0.2.9:5060\"/></remote>\n\
         </dialog></dialog-info>\n"
    );
    format!(
        "PUBLISH {uri} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKp{presentity:08x}{number:08x};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <{uri}>;tag=p{number:08x}\r\n\
         To: <{uri}>\r\n\
         Call-ID: pub-{presentity:08x}-{number:08x}@192.0.2.9\r\n\
         CSeq: {number} PUBLISH\r\n\
         {matching}\
         Event: dialog\r\n\
         Expires: 3600\r\n\
         Content-Type: application/dialog-info+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

/// The 200 of a phone to a NOTIFY.
pub fn ok(head: &[u8]) -> Option<Bytes> {
    let text = String::from_utf8_lossy(head);
    if !text.starts_with("NOTIFY ") {
        return None;
    }
    let [via, from, to, call, cseq] =
        ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "].map(|name| line(&text, name));
    let answer = format!(
        "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call}\r\n\
         CSeq: {cseq}\r\nUser-Agent: Example DeskPhone 5.2.1.17\r\nContent-Length: 0\r\n\r\n"
    );
    Some(answer.into())
}

/// The value of a header line.
pub fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text.find(name).expect("the header is there");
    text[at + name.len()..].split("\r\n").next().expect("a line")
}

/// The answer to a NOTIFY that was never sent.
pub fn stray() -> Bytes {
    "SIP/2.0 200 OK\r\n\
     Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0123456789abcdef01234567;rport=5060\r\n\
     From: <sip:1@example.com>;tag=0123456789abcdef01234567\r\n\
     To: \"Extension 0\" <sip:w0@example.com>;tag=f000000010000000\r\n\
     Call-ID: 0000000100000000-00000001@10.0.0.0\r\nCSeq: 7 NOTIFY\r\n\
     User-Agent: Example DeskPhone 5.2.1.17\r\nContent-Length: 0\r\n\r\n"
        .into()
}
