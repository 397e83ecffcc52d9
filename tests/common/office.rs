//! The office: one shard, a clock that moves when told to, and a wire that keeps what was sent
//! until a phone looks.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanal::auth::{TrustedPeers, Users};
use fanal::base::flow::{ConnectionId, Flow, Hop, ListenerId, Transport};
use fanal::base::mint::Secret;
use fanal::base::time::{Moment, Now, Wall};
use fanal::shard::config::Authentication;
use fanal::shard::{Answer, Change, Config, Door, Founding, Input, Output, Question, Shard};
use fanal::sip::parse;
use fanal::transaction::{ClientKey, Ticket};

use super::message::Got;
use super::phone::{Line, Phone, Req};

/// One message on its way to a phone.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub hop: Hop,
    pub octets: Bytes,
    pub after: Ticket,
    pub request: Option<ClientKey>,
    pub at: Now,
}

pub struct Office {
    pub shard: Shard,
    pub now: Now,
    pub config: Arc<Config>,
    pub wire: VecDeque<Parcel>,
    /// Everything the shard wanted kept, in order.
    pub kept: Vec<Change>,
    /// Names the shard wants looked up.
    pub questions: Vec<Question>,
    /// What was asked by other ways than SIP, answered.
    pub replies: Vec<(Ticket, Answer)>,
    phones: u16,
}

/// The address the agent listens on, by UDP (listener 0) and TCP (listener 1).
pub const AGENT: &str = "192.0.2.1:5060";
/// The agent's IPv6 address, by UDP (listener 2) and TCP (listener 3).
pub const AGENT_V6: &str = "[2001:db8::1]:5060";
/// A PBX at this address is trusted.
pub const PBX: &str = "192.0.2.5:5060";

impl Default for Office {
    fn default() -> Self {
        Office::new()
    }
}

impl Office {
    /// An office that asks nobody for a password, serving example.com and example.net.
    pub fn new() -> Office {
        Office::with(|config| config.server.auth = Authentication::Off)
    }

    /// An office whose users alice, bob and 101 to 110 have the password "secret", and where a
    /// password is asked for.
    pub fn with_passwords() -> Office {
        Office::with_users(|_| {}, users())
    }

    /// An office with settings of its own. Passwords are asked for unless they say otherwise.
    pub fn with(settings: impl FnOnce(&mut Config)) -> Office {
        Office::with_users(settings, Users::default())
    }

    pub fn with_users(settings: impl FnOnce(&mut Config), users: Users) -> Office {
        let mut config = Config { doors: doors(), ..Config::default() };
        config.server.domains = vec!["example.com".to_owned(), "example.net".to_owned()];
        settings(&mut config);
        let config = Arc::new(config);
        let founding = Founding {
            config: Arc::clone(&config),
            users: Arc::new(users),
            secret: Secret::new([7; 16]),
            seed: [1; 32],
        };
        Office {
            shard: Shard::new(founding),
            now: Now {
                instant: Moment::from_micros(1_000_000),
                wall: Wall::from_unix_millis(1_772_444_467_000),
            },
            config,
            wire: VecDeque::new(),
            kept: Vec::new(),
            questions: Vec::new(),
            replies: Vec::new(),
            phones: 0,
        }
    }

    /// A phone of a user, by UDP, at an address of its own.
    pub fn phone(&mut self, user: &str) -> Phone {
        self.phones += 1;
        let address = format!("192.0.2.{}:5060", 100 + self.phones);
        Phone::new(user, Line::udp(&address), self.phones)
    }

    /// A phone of a user, by one TCP connection.
    pub fn tcp_phone(&mut self, user: &str) -> Phone {
        self.phones += 1;
        let address = format!("192.0.2.{}:40000", 100 + self.phones);
        Phone::new(user, Line::tcp(&address, u64::from(self.phones)), self.phones)
    }

    /// A phone of a user, by UDP over IPv6.
    pub fn phone_v6(&mut self, user: &str) -> Phone {
        self.phones += 1;
        let address = format!("[2001:db8::{}]:5060", 100 + self.phones);
        Phone::new(user, Line::udp_v6(&address), self.phones)
    }

    /// The trusted PBX.
    pub fn pbx(&mut self) -> Phone {
        self.phones += 1;
        Phone::new("pbx", Line::udp(PBX), self.phones)
    }

    /// Octets arrive on a line and are dealt with in a turn of their own. What cannot be parsed
    /// is answered as the edge would.
    pub fn deliver(&mut self, line: &Line, octets: impl AsRef<[u8]>) {
        let octets = Bytes::copy_from_slice(octets.as_ref());
        match parse::message(octets.clone()) {
            Ok(message) => {
                self.shard.handle(self.now, Input::Message { message, flow: line.flow() });
            }
            Err(fault) => {
                let source = line.flow().peer();
                if let Some((answer, to)) = parse::answer(&octets, &fault, source) {
                    let hop = match line.flow() {
                        Flow::Udp { listener, .. } => Hop::Flow(Flow::Udp { listener, peer: to }),
                        flow => Hop::Flow(flow),
                    };
                    self.wire.push_back(Parcel {
                        hop,
                        octets: answer,
                        after: Ticket::default(),
                        request: None,
                        at: self.now,
                    });
                }
            }
        }
        self.turn();
    }

    /// Something other than a message happens outside.
    pub fn happen(&mut self, input: Input) {
        self.shard.handle(self.now, input);
        self.turn();
    }

    /// The end of a turn: tick, settle, and everything that comes out.
    pub fn turn(&mut self) {
        self.shard.tick(self.now);
        self.shard.settle(self.now);
        while let Some(output) = self.shard.poll() {
            match output {
                Output::Persist { changes, .. } => self.kept.extend(changes),
                Output::Resolve(question) => self.questions.push(question),
                Output::Reply { after, answer, .. } => self.replies.push((after, *answer)),
                Output::Transmit(transmit) => self.wire.push_back(Parcel {
                    hop: transmit.hop,
                    octets: transmit.to_bytes(),
                    after: transmit.after,
                    request: transmit.request,
                    at: self.now,
                }),
            }
        }
    }

    /// Time passes; everything the shard set an alarm for happens at its moment.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(deadline) = self.shard.deadline().filter(|&at| at <= end.instant) {
            let step = deadline.since(self.now.instant);
            self.now = self.now.after(step);
            self.turn();
            if step.is_zero() && self.shard.deadline() == Some(deadline) {
                self.now = self.now.after(Duration::from_millis(1));
            }
        }
        self.now =
            Now { instant: end.instant.max(self.now.instant), wall: end.wall.max(self.now.wall) };
        self.turn();
    }

    pub fn pass_secs(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    pub fn pass_millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// Everything waiting for an address, in order; it is off the wire then.
    pub fn take(&mut self, address: SocketAddr) -> Vec<Got> {
        let (mine, others): (Vec<_>, Vec<_>) =
            self.wire.drain(..).partition(|parcel| parcel.hop.address() == address);
        self.wire = others.into();
        mine.into_iter().map(Got::new).collect()
    }

    /// Everything waiting for a phone, in order.
    pub fn inbox(&mut self, phone: &Phone) -> Vec<Got> {
        self.take(phone.address())
    }

    /// Requests waiting for a phone, responses left aside.
    pub fn notifies(&mut self, phone: &Phone) -> Vec<Got> {
        self.inbox(phone).into_iter().filter(|got| got.is_request()).collect()
    }

    /// Sends a request and takes its one final response; everything else stays on the wire.
    pub fn ask(&mut self, phone: &Phone, request: &Req) -> Got {
        self.deliver(&phone.line, request.to_text());
        self.response_to(phone, request)
            .unwrap_or_else(|| panic!("no response to\n{}", request.to_text()))
    }

    /// Sends octets as they are and takes the responses that went to the phone for them.
    pub fn ask_raw(&mut self, phone: &Phone, octets: impl AsRef<[u8]>) -> Vec<Got> {
        let before = self.inbox(phone);
        self.deliver(&phone.line, octets);
        let (responses, requests): (Vec<_>, Vec<_>) =
            self.inbox(phone).into_iter().partition(|got| !got.is_request());
        self.wire.extend(before.into_iter().chain(requests).map(|got| got.parcel));
        responses
    }

    /// The response to a request that was sent before, if it is there.
    pub fn response_to(&mut self, phone: &Phone, request: &Req) -> Option<Got> {
        let wanted = format!("{} {}", request.cseq, request.cseq_method());
        let place = self.wire.iter().position(|parcel| {
            let got = Got::new(parcel.clone());
            parcel.hop.address() == phone.address()
                && !got.is_request()
                && got.header("CSeq") == wanted
                && got.header("Call-ID") == request.call_id
        })?;
        self.wire.remove(place).map(Got::new)
    }

    /// Answers a NOTIFY.
    pub fn answer(&mut self, phone: &Phone, notify: &Got, status: u16) {
        self.deliver(&phone.line, notify.response(status, &[]));
    }

    /// The one NOTIFY waiting for a phone, answered 200.
    pub fn notified(&mut self, phone: &Phone) -> Got {
        let mut notifies = self.notifies(phone);
        assert_eq!(notifies.len(), 1, "one NOTIFY: {notifies:#?}");
        let notify = notifies.remove(0);
        self.answer(phone, &notify, 200);
        notify
    }

    /// All NOTIFYs that follow each other when each is answered at once.
    pub fn notified_all(&mut self, phone: &Phone) -> Vec<Got> {
        let mut all = Vec::new();
        loop {
            let notifies = self.notifies(phone);
            if notifies.is_empty() {
                return all;
            }
            for notify in notifies {
                self.answer(phone, &notify, 200);
                all.push(notify);
            }
        }
    }

    /// Subscribes and takes the first NOTIFY, answered. The phone remembers the dialog.
    pub fn subscribe(&mut self, phone: &mut Phone, uri: &str, package: &str) -> Got {
        let request = phone.subscribe(uri, package);
        let response = self.ask(phone, &request);
        assert_eq!(response.status(), 200, "{response:?}");
        phone.remember(&request, &response);
        self.notified(phone)
    }

    /// Publishes a body for the first time, and gives the entity-tag.
    pub fn publish(&mut self, phone: &mut Phone, uri: &str, package: &str, body: &str) -> String {
        let request = phone.publish(uri, package, body);
        let response = self.ask(phone, &request);
        assert_eq!(response.status(), 200, "{response:?}");
        response.header("SIP-ETag").to_owned()
    }

    /// The agent stops without a word and starts again over what it kept.
    pub fn restart(&mut self, seed: u8) {
        let records = super::office::replay(&self.kept);
        let founding = Founding {
            config: Arc::clone(&self.config),
            users: Arc::new(users()),
            secret: Secret::new([7; 16]),
            seed: [seed; 32],
        };
        self.shard = Shard::new(founding);
        self.wire.clear();
        for record in records {
            self.shard.restore(self.now, record);
        }
        self.shard.restored(self.now);
        self.turn();
    }
}

/// What a store would hold after these changes.
pub fn replay(changes: &[Change]) -> Vec<fanal::shard::Record> {
    use fanal::shard::{Record, RecordKey};
    let mut records: std::collections::BTreeMap<RecordKey, Record> = Default::default();
    for change in changes.iter().cloned() {
        match change {
            Change::Put(record) => {
                records.insert(record.key(), record);
            }
            Change::Remove(key) => {
                records.remove(&key);
            }
            Change::Lease { key, tag, until } => {
                if let Some(Record::Publication(record)) = records.get_mut(&key) {
                    record.tag = tag;
                    record.until = until;
                }
            }
            Change::Renew { key, until, remote } => {
                if let Some(Record::Subscription(record)) = records.get_mut(&key) {
                    record.until = until;
                    record.dialog.remote_cseq = remote;
                }
            }
            Change::Reserve { key, cseq, version } => {
                if let Some(Record::Subscription(record)) = records.get_mut(&key) {
                    record.dialog.cseq = cseq;
                    record.version = version;
                }
            }
        }
    }
    records.into_values().collect()
}

fn doors() -> Vec<Door> {
    let trusted: TrustedPeers = TrustedPeers::new(vec!["192.0.2.5".parse().expect("an address")]);
    [
        (Transport::Udp, AGENT),
        (Transport::Tcp, AGENT),
        (Transport::Udp, AGENT_V6),
        (Transport::Tcp, AGENT_V6),
    ]
    .into_iter()
    .map(|(transport, local)| Door {
        transport,
        local: local.parse().expect("an address"),
        advertise: None,
        primary: None,
        trusted: trusted.clone(),
    })
    .collect()
}

pub fn users() -> Users {
    use fanal::base::identity::Aor;
    let mut users = Users::default();
    let names = ["alice", "bob", "carol"].map(str::to_owned);
    for name in names.into_iter().chain((101..=110).map(|n| n.to_string())) {
        users.add(&name, "example.com", Aor::from_parts(&name, "example.com"), "secret");
    }
    users
}

/// The flow of a phone's line.
pub fn stream(listener: u16, peer: SocketAddr, connection: u64) -> Flow {
    Flow::Stream {
        transport: Transport::Tcp,
        listener: ListenerId(listener),
        connection: ConnectionId(connection),
        peer,
    }
}
