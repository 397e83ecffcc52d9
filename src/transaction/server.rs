//! Server transactions (RFC 3261 §17.2): a request that comes again gets the answer it got.
//!
//! Non-INVITE: the final response is kept for timer J over datagrams and not at all over
//! streams. INVITE, which this agent always refuses: the refusal is repeated over datagrams
//! until the ACK or timer H.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::Transmit;
use super::answers::{Answers, smaller};
use super::key::{AsIs, MergeKey, Namer, ServerKey};
use super::timers::{H, J, T1, doubled};
use crate::base::alarms::{AlarmId, Alarms};
use crate::base::flow::{Flow, Hop};
use crate::base::limits::{
    SERVER_ANSWER_AGE_MIN, SERVER_OCTETS_MAX, SERVER_REFUSALS_MAX, SERVER_TRANSACTIONS_MAX,
};
use crate::base::mint::Secret;
use crate::base::time::{Moment, Now};
use crate::sip::{Malformed, Method, Own, Request, Writer};

/// What a request is to the transaction layer, if it is no repetition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Never seen; to be handed up.
    New,
    /// The same request by another path (RFC 3261 §8.2.2.2): 482.
    Merged,
}

/// All server transactions of one owner.
pub struct Servers {
    namer: Namer,
    /// Requests that wait for their answer, and refusals of INVITE that wait for their ACK.
    open: HashMap<ServerKey, Open, AsIs>,
    /// Answers that may be asked for again.
    answers: Answers,
    /// What merged requests without a To tag are found by.
    merging: HashSet<MergeKey, AsIs>,
    alarms: Alarms<ServerKey>,
    /// How many are remembered at most.
    most: usize,
}

struct Open {
    merge: Option<MergeKey>,
    refusal: Option<Box<Repeated>>,
}

/// The refusal of an INVITE.
struct Repeated {
    transmit: Transmit,
    until: Moment,
    /// When it is repeated by itself; `None` over streams.
    interval: Option<Duration>,
    alarm: AlarmId,
}

impl Servers {
    /// Knows no transaction yet.
    pub fn new(secret: Secret) -> Servers {
        Servers {
            namer: Namer::new(secret),
            open: HashMap::default(),
            answers: Answers::default(),
            merging: HashSet::default(),
            alarms: Alarms::default(),
            most: SERVER_TRANSACTIONS_MAX,
        }
    }

    /// The name of the transaction a request belongs to. CANCEL and ACK name the one they are
    /// about if `method` is that one's.
    pub fn key(&self, request: &Request, method: &str, flow: Flow) -> Result<ServerKey, Malformed> {
        self.namer.server(request, method, flow)
    }

    /// Whether the transaction is known, answered or not.
    pub fn is_known(&self, key: ServerKey) -> bool {
        self.answers.has(key) || self.open.contains_key(&key)
    }

    /// Answers a request again that was answered: it came from `source`, and the answer goes to
    /// `hop`. True if the request is known.
    pub fn repeat(
        &self,
        request: &Request,
        key: ServerKey,
        source: SocketAddr,
        hop: Hop,
        out: &mut Vec<Transmit>,
    ) -> bool {
        if let Some((said, after)) = self.answers.find(key) {
            let head = Writer::again(request, said, source);
            out.push(Transmit { hop, head, body: Bytes::new(), after, request: None });
            return true;
        }
        let Some(open) = self.open.get(&key) else { return false };
        if let Some(refusal) = &open.refusal {
            out.push(refusal.transmit.clone());
        }
        true
    }

    /// Whether another transaction can be remembered. If there are too many the oldest answers
    /// are forgotten for it, though not so young ones that they will soon be asked for again.
    pub fn has_room(&mut self, now: Now) -> bool {
        while self.len() >= self.most || self.octets() >= SERVER_OCTETS_MAX {
            match self.answers.oldest() {
                Some(since) if since + SERVER_ANSWER_AGE_MIN <= now.instant => self.forget_oldest(),
                _ => return false,
            }
        }
        true
    }

    /// Takes a request that is no repetition. One that is new is remembered from now on.
    pub fn receive(&mut self, request: &Request, key: ServerKey) -> Result<Arrival, Malformed> {
        let merge = self.namer.merge(request)?;
        if merge.is_some_and(|merge| !self.merging.insert(merge)) {
            return Ok(Arrival::Merged);
        }
        self.open.insert(key, Open { merge, refusal: None });
        Ok(Arrival::New)
    }

    /// Sends the one final response of a transaction, and keeps it as long as it may be asked
    /// for again.
    pub fn respond(
        &mut self,
        now: Now,
        key: ServerKey,
        method: Method,
        transmit: Transmit,
        own: Own,
        out: &mut Vec<Transmit>,
    ) {
        let is_reliable = transmit.hop.transport().is_reliable();
        if method == Method::Invite {
            self.refuse(now, key, &transmit);
        } else if let Some(open) = self.open.remove(&key) {
            if is_reliable {
                self.unmerge(open.merge);
            } else {
                let said = own.of(&transmit.head);
                self.answers.keep(now.instant, key, open.merge, said, transmit.after);
            }
        }
        out.push(transmit);
    }

    /// The ACK of a refused INVITE: the refusal is not repeated any more.
    pub fn acknowledge(&mut self, key: ServerKey) {
        let Some(open) = self.open.remove(&key) else { return };
        self.unmerge(open.merge);
        if let Some(refusal) = open.refusal {
            self.alarms.cancel(refusal.alarm);
        }
    }

    /// Repeats refusals of INVITE that are due and forgets transactions whose time is over.
    pub fn tick(&mut self, now: Now, out: &mut Vec<Transmit>) {
        while self.answers.oldest().is_some_and(|since| since + J <= now.instant) {
            self.forget_oldest();
        }
        while let Some(key) = self.alarms.due(now.instant) {
            let open = self.open.get_mut(&key).and_then(|open| open.refusal.as_mut());
            match open.map(|refusal| (refusal.interval, refusal)) {
                Some((Some(interval), refusal)) if now.instant < refusal.until => {
                    out.push(refusal.transmit.clone());
                    let interval = doubled(interval);
                    let next = (now.instant + interval).min(refusal.until);
                    refusal.interval = Some(interval);
                    refusal.alarm = self.alarms.set(next, key);
                }
                _ => self.acknowledge(key),
            }
        }
    }

    /// When to call [`Servers::tick`] next.
    pub fn deadline(&self) -> Option<Moment> {
        let answers = self.answers.oldest().map(|since| since + J);
        [answers, self.alarms.deadline()].into_iter().flatten().min()
    }

    /// Transactions remembered.
    pub fn len(&self) -> usize {
        self.answers.len() + self.open.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory in use for answers, in octets.
    pub fn octets(&self) -> usize {
        self.answers.octets() + self.merging.capacity() * (size_of::<MergeKey>() + 1)
    }

    fn refuse(&mut self, now: Now, key: ServerKey, transmit: &Transmit) {
        if self.open.len() > SERVER_REFUSALS_MAX {
            return self.acknowledge(key);
        }
        let Some(open) = self.open.get_mut(&key) else { return };
        let until = now.instant + H;
        let interval = (!transmit.hop.transport().is_reliable()).then_some(T1);
        let first = interval.map_or(until, |interval| now.instant + interval);
        let alarm = self.alarms.set(first, key);
        let transmit = transmit.clone();
        open.refusal = Some(Box::new(Repeated { transmit, until, interval, alarm }));
    }

    fn forget_oldest(&mut self) {
        let merge = self.answers.forget_oldest();
        self.unmerge(merge);
    }

    fn unmerge(&mut self, merge: Option<MergeKey>) {
        if merge.is_some_and(|merge| self.merging.remove(&merge))
            && let Some(places) = smaller(self.merging.len(), self.merging.capacity())
        {
            self.merging.shrink_to(places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::{ListenerId, Transport};
    use crate::base::time::Wall;
    use crate::sip::{Message, Status, parse};
    use crate::transaction::Ticket;

    /// Transactions and a moment, and phones that ask.
    struct Office {
        servers: Servers,
        now: Now,
        out: Vec<Transmit>,
    }

    fn asked(method: &str, number: u32) -> Request {
        let text = format!(
            "{method} sip:10{number}@example.com SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{number:024x};rport\r\n\
             From: \"Extension {number}\" <sip:w{number}@example.com>;tag=f{number:016x}\r\n\
             To: <sip:10{number}@example.com>\r\nCall-ID: {number:032x}@192.0.2.1\r\n\
             CSeq: 1 {method}\r\n\r\n"
        );
        match parse::message(text.into()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn peer() -> SocketAddr {
        "192.0.2.1:40000".parse().expect("an address")
    }

    fn datagrams() -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: peer() }
    }

    impl Office {
        fn new() -> Office {
            let instant = Moment::from_micros(1_000_000);
            let now = Now { instant, wall: Wall::from_unix_millis(1_772_444_467_000) };
            Office { servers: Servers::new(Secret::new([7; 16])), now, out: Vec::new() }
        }

        fn pass(&mut self, millis: u64) -> usize {
            self.now = self.now.after(Duration::from_millis(millis));
            self.out.clear();
            self.servers.tick(self.now, &mut self.out);
            self.out.len()
        }

        /// A request and its answer.
        fn ask(&mut self, request: &Request, hop: Hop) -> Bytes {
            let key = self.key(request);
            assert!(!self.servers.is_known(key));
            assert_eq!(self.servers.receive(request, key), Ok(Arrival::New));
            let tag = "0123456789abcdef01234567";
            let mut writer = Writer::response(request, Status::OK, Some(tag), peer());
            writer.header("Contact", "<sip:alice@pa.example.com:5060>");
            writer.number("Expires", 3600);
            writer.header("Allow-Events", "presence, presence.winfo, dialog, message-summary");
            let (head, own) = writer.finish_response();
            let transmit =
                Transmit { hop, head, body: Bytes::new(), after: Ticket(3), request: None };
            let method = request.method();
            self.servers.respond(self.now, key, method, transmit, own, &mut self.out);
            self.out.pop().expect("an answer").head
        }

        /// Whether the request is known, and the answer it gets.
        fn again(&mut self, request: &Request) -> (bool, Option<Transmit>) {
            let (key, hop) = (self.key(request), Hop::Flow(datagrams()));
            self.out.clear();
            let known = self.servers.repeat(request, key, peer(), hop, &mut self.out);
            (known, self.out.pop())
        }

        fn key(&self, request: &Request) -> ServerKey {
            let key = self.servers.key(request, request.method_text(), datagrams());
            key.expect("a key")
        }
    }

    #[test]
    fn a_request_that_comes_again_gets_the_same_answer_for_timer_j() {
        let mut office = Office::new();
        let request = asked("SUBSCRIBE", 1);
        assert_eq!(office.again(&request), (false, None));
        let first = office.ask(&request, Hop::Flow(datagrams()));
        assert_eq!(office.servers.deadline(), Some(office.now.instant + J));
        assert_eq!(office.pass(31_999), 0);
        let (known, again) = office.again(&request);
        assert!(known);
        assert_eq!(again.map(|again| (again.head, again.after)), Some((first, Ticket(3))));
        office.pass(1);
        assert_eq!(office.again(&request), (false, None));
        assert!(office.servers.is_empty() && office.servers.deadline().is_none());
    }

    #[test]
    fn a_request_that_waits_for_its_answer_is_known() {
        let mut office = Office::new();
        let request = asked("SUBSCRIBE", 1);
        let key = office.key(&request);
        assert_eq!(office.servers.receive(&request, key), Ok(Arrival::New));
        assert_eq!(office.again(&request), (true, None));
    }

    #[test]
    fn a_request_by_another_path_is_merged_as_long_as_the_first_is_remembered() {
        let mut office = Office::new();
        let first = asked("SUBSCRIBE", 1);
        office.ask(&first, Hop::Flow(datagrams()));
        let text = String::from_utf8(first.raw().to_vec()).expect("ASCII");
        let other = text.replace("z9hG4bK0", "z9hG4bKother0");
        let Ok(Message::Request(other)) = parse::message(other.into()) else {
            panic!("a request");
        };
        let key = office.key(&other);
        assert_eq!(office.servers.receive(&other, key), Ok(Arrival::Merged));
        office.pass(32_000);
        assert_eq!(office.servers.receive(&other, key), Ok(Arrival::New));
    }

    #[test]
    fn over_a_stream_no_answer_is_kept() {
        let mut office = Office::new();
        let address = peer();
        let hop = Hop::Dial { transport: Transport::Tcp, listener: ListenerId(0), address };
        let request = asked("SUBSCRIBE", 1);
        office.ask(&request, hop);
        assert!(office.servers.is_empty());
        office.ask(&request, hop);
    }

    #[test]
    fn the_refusal_of_an_invite_is_repeated_until_its_ack() {
        let mut office = Office::new();
        let request = asked("INVITE", 1);
        office.ask(&request, Hop::Flow(datagrams()));
        assert_eq!(
            [office.pass(499), office.pass(1), office.pass(999), office.pass(1)],
            [0, 1, 0, 1]
        );
        let key = office.key(&request);
        office.servers.acknowledge(key);
        assert_eq!(office.pass(2000), 0);
        assert!(office.servers.is_empty() && office.servers.deadline().is_none());
    }

    #[test]
    fn beyond_their_bound_refusals_are_sent_once() {
        let mut office = Office::new();
        let count = SERVER_REFUSALS_MAX as u32 + 10;
        for number in 0..count {
            office.ask(&asked("INVITE", number), Hop::Flow(datagrams()));
        }
        assert_eq!(office.servers.len(), SERVER_REFUSALS_MAX);
        assert_eq!(office.pass(500), SERVER_REFUSALS_MAX);
    }

    #[test]
    fn at_the_bound_the_oldest_answers_are_forgotten_and_no_young_ones() {
        let mut office = Office::new();
        office.servers.most = 1000;
        for number in 0..1000 {
            assert!(office.servers.has_room(office.now));
            office.ask(&asked("SUBSCRIBE", number), Hop::Flow(datagrams()));
            office.pass(1);
        }
        assert!(!office.servers.has_room(office.now), "all are young");
        office.pass(4_000);
        assert!(office.servers.has_room(office.now));
        assert_eq!(office.servers.len(), 999);
        assert_eq!(office.again(&asked("SUBSCRIBE", 0)), (false, None));
        assert!(office.again(&asked("SUBSCRIBE", 1)).1.is_some());
    }

    #[test]
    fn a_second_of_a_power_cut_costs_300_octets_for_each_answer_and_is_given_back() {
        let mut office = Office::new();
        let count = 20_000;
        for number in 0..count {
            assert!(office.servers.has_room(office.now));
            office.ask(&asked("SUBSCRIBE", number), Hop::Flow(datagrams()));
        }
        let each = office.servers.octets() / count as usize;
        println!("{each} octets for each answer");
        assert!((200..=320).contains(&each), "{each}");
        let all = 320 * SERVER_TRANSACTIONS_MAX;
        assert!(all <= SERVER_OCTETS_MAX, "both bounds are met at about the same number");
        office.pass(32_000);
        assert!(office.servers.is_empty());
        assert!(office.servers.octets() < 300_000, "{}", office.servers.octets());
    }

    #[test]
    fn answers_of_any_size_are_found_again_in_any_block() {
        let mut office = Office::new();
        let mut sent = Vec::new();
        for number in 0..200 {
            let lines = "Record-Route: <sip:p;lr>\r\n".repeat(number * 8 % 999);
            let text = String::from_utf8(asked("PUBLISH", number as u32).raw().to_vec());
            let text = text.expect("ASCII").replace("CSeq", &format!("{lines}CSeq"));
            let Ok(Message::Request(request)) = parse::message(text.into()) else {
                continue; // More header fields than are read.
            };
            let key = office.key(&request);
            assert_eq!(office.servers.receive(&request, key), Ok(Arrival::New));
            let mut writer = Writer::response(&request, Status::OK, Some("t"), peer());
            writer.header("Warning", "x".repeat(number * 1000));
            let (head, own) = writer.finish_response();
            let hop = Hop::Flow(datagrams());
            let transmit =
                Transmit { hop, head, body: Bytes::new(), after: Ticket(9), request: None };
            sent.push((request, transmit.clone()));
            office.servers.respond(
                office.now,
                key,
                Method::Publish,
                transmit,
                own,
                &mut Vec::new(),
            );
            office.pass(100);
        }
        for (request, transmit) in &sent {
            assert_eq!(office.again(request), (true, Some(transmit.clone())));
        }
        while !office.servers.is_empty() {
            office.pass(100);
            let kept = office.servers.len();
            let found = sent.iter().filter(|(request, _)| office.again(request).0).count();
            assert_eq!(found, kept);
        }
    }
}
