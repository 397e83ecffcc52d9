//! Sequences of messages to one shard, with time passing between them: no panic, every request
//! answered at most once at a time, at most one NOTIFY in flight per subscription, and nothing
//! left behind when everybody has gone.
//!
//! The input is a script: each step is one octet for what happens and, for a message, a length
//! and the octets of a message; `\x00` in a message stands for our newest dialog tag or
//! entity-tag, so that the fuzzer can speak within dialogs.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanal::auth::{TrustedPeers, Users};
use fanal::base::flow::{ConnectionId, Flow, ListenerId, Transport};
use fanal::base::mint::Secret;
use fanal::base::time::{Moment, Now, Wall};
use fanal::shard::config::Authentication;
use fanal::shard::{Config, Door, Founding, Input, Output, Shard};
use fanal::sip::{HeaderId, Message, parse};
use libfuzzer_sys::fuzz_target;

struct World {
    shard: Shard,
    now: Now,
    tags: Vec<Vec<u8>>,
    notifies: Vec<Bytes>,
    requests: Vec<fanal::transaction::ClientKey>,
}

impl World {
    fn new() -> World {
        let door = |transport, local: &str| Door {
            transport,
            local: local.parse().expect("an address"),
            advertise: None,
            primary: None,
            trusted: TrustedPeers::default(),
        };
        let mut config = Config {
            doors: vec![
                door(Transport::Udp, "192.0.2.1:5060"),
                door(Transport::Tcp, "192.0.2.1:5060"),
            ],
            ..Config::default()
        };
        config.server.domains = vec!["b".to_owned()];
        config.server.auth = Authentication::Off;
        World {
            shard: Shard::new(Founding {
                config: Arc::new(config),
                users: Arc::new(Users::default()),
                secret: Secret::new([7; 16]),
                seed: [1; 32],
            }),
            now: Now { instant: Moment::from_micros(1), wall: Wall::from_unix_millis(1_000_000) },
            tags: Vec::new(),
            notifies: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn turn(&mut self) {
        self.shard.tick(self.now);
        self.shard.settle(self.now);
        while let Some(output) = self.shard.poll() {
            let Output::Transmit(transmit) = output else { continue };
            self.requests.extend(transmit.request);
            let octets = transmit.to_bytes();
            match parse::message(octets.clone()).expect("what we send can be read") {
                Message::Request(request) => {
                    request.check().expect("what we send is complete");
                    self.notifies.push(octets);
                }
                Message::Response(response) => {
                    let headers = response.headers();
                    if let Ok(Some(tag)) = headers.to().map(|to| to.tag().map(str::to_owned)) {
                        self.tags.push(tag.into_bytes());
                    }
                    self.tags.extend(headers.sip_etag().map(|tag| tag.as_bytes().to_vec()));
                }
            }
        }
    }

    fn message(&mut self, octets: &[u8], stream: bool) {
        let peer = "192.0.2.7:5060".parse().expect("an address");
        let flow = if stream {
            Flow::Stream {
                transport: Transport::Tcp,
                listener: ListenerId(1),
                connection: ConnectionId(3),
                peer,
            }
        } else {
            Flow::Udp { listener: ListenerId(0), peer }
        };
        let mut text = Vec::with_capacity(octets.len());
        for &octet in octets {
            match self.tags.last() {
                Some(tag) if octet == 0 => text.extend_from_slice(tag),
                _ => text.push(octet),
            }
        }
        if let Ok(message) = parse::message(Bytes::from(text)) {
            self.shard.handle(self.now, Input::Message { message, flow });
        }
    }

    /// A watcher answers the newest NOTIFY.
    fn answer(&mut self, status: u16) {
        let Some(notify) = self.notifies.pop() else { return };
        let Ok(Message::Request(request)) = parse::message(notify) else { return };
        let mut text = format!("SIP/2.0 {status} X\r\n").into_bytes();
        let ids = [HeaderId::Via, HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq];
        for (id, name) in ids.into_iter().zip(["Via", "From", "To", "Call-ID", "CSeq"]) {
            for value in request.headers().values(id) {
                text.extend_from_slice(format!("{name}: ").as_bytes());
                text.extend_from_slice(value);
                text.extend_from_slice(b"\r\n");
            }
        }
        text.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        self.message(&text, false);
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.turn();
    }
}

fuzz_target!(|script: &[u8]| {
    let mut world = World::new();
    let mut rest = script;
    let mut steps = 0;
    while let Some((&step, after)) = rest.split_first() {
        rest = after;
        steps += 1;
        if steps > 64 {
            break;
        }
        match step % 8 {
            0..=2 => {
                let Some((length, after)) = rest.split_first_chunk::<2>() else { break };
                let length = usize::from(u16::from_be_bytes(*length) % 2048).min(after.len());
                let (octets, after) = after.split_at(length);
                rest = after;
                world.message(octets, step % 8 == 2);
                world.turn();
            }
            3 => world.pass(Duration::from_millis(u64::from(step) * 20)),
            4 => world.pass(Duration::from_secs(u64::from(step))),
            5 => world.answer([200, 481, 500, 100, 404][usize::from(step / 8) % 5]),
            6 => {
                if let Some(key) = world.requests.pop() {
                    world.shard.handle(world.now, Input::Undeliverable(key));
                    world.turn();
                }
            }
            _ => world.notifies.clear(),
        }
    }
    // A day later nobody has refreshed anything: memory is what it was.
    for _ in 0..200 {
        world.pass(Duration::from_secs(900));
    }
    assert_eq!(world.shard.subscriptions(), 0, "subscriptions end by themselves");
    assert_eq!(world.shard.publications(), 0, "publications end by themselves");
    assert_eq!(world.shard.presentities(), 0, "presentities are forgotten");
    assert_eq!(world.shard.transactions(), 0, "transactions are forgotten");
});
