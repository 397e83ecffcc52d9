//! A day in the life: what a colleague, the reception, a customer and a rival see of Alice, from
//! seven on a Monday until she is on leave on Tuesday. The agent is real, the time is not: a shard
//! is handed messages and moments, and what it sends is shown.
//!
//! ```text
//! cargo run --example day
//! ```
//!
//! Her calendar, her rules and the policy of her organisation are the files in `examples/day`.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanal::auth::{TrustedPeers, Users};
use fanal::base::flow::{Flow, ListenerId, Transport};
use fanal::base::identity::{Aor, Identity};
use fanal::base::mint::Secret;
use fanal::base::time::{Moment, Now, Wall};
use fanal::base::uri::Uri;
use fanal::calendar::{self, fact};
use fanal::doc::dialog_info::State as CallState;
use fanal::doc::pidf::{Basic, Tuple};
use fanal::doc::{DialogInfo, Namespace, Presence};
use fanal::event::status::feed::{Fact, Said, Span};
use fanal::event::status::{Manual, State};
use fanal::policy::rules::place::Place;
use fanal::policy::{Book, Rules};
use fanal::shard::{Asked, Config, Demand, Door, Founding, Input, Output, Shard};
use fanal::sip::{Message, Request, Status, Writer, parse};

const ALICE: &str = "sip:alice@example.com";

/// Where the proxy stands that everybody's requests come through; it is believed who they are.
const PROXY: [u8; 4] = [192, 0, 2, 5];

/// Monday, 2 March 2026, seven o'clock in Berlin (UTC+1), in milliseconds since 1970.
const MONDAY: u64 = 1_772_431_200_000;

/// Who watches: the name of the column, and as whom.
const WATCHERS: [(&str, &str); 4] = [
    ("bob, a colleague", "bob@example.com"),
    ("the reception", "reception@example.com"),
    ("dave, a customer", "dave@customer.example"),
    ("rita, a rival", "rita@rival.example"),
];

/// What she or others do, in their order: minutes after seven, in words, and what happens.
const DAY: &[(u64, &str, Happens)] = &[
    (0, "nobody is there yet", Happens::Nothing),
    (115, "her softphone starts", Happens::Publishes("open")),
    (120, "working hours begin", Happens::Nothing),
    (150, "the board meets (calendar)", Happens::Nothing),
    (210, "the meeting is over", Happens::Nothing),
    (220, "a call rings", Happens::Call(1, "early")),
    (221, "she answers", Happens::Call(1, "confirmed")),
    (233, "they hang up", Happens::Call(1, "terminated")),
    (240, "not to be disturbed, for 45 min", Happens::Says(State::Dnd, 45)),
    (285, "that is over by itself", Happens::Nothing),
    (300, "lunch (calendar)", Happens::Nothing),
    (360, "back from lunch", Happens::Nothing),
    (480, "she would rather not be seen", Happens::Says(State::Invisible, 30)),
    (490, "a call comes in all the same", Happens::Call(2, "confirmed")),
    (495, "they hang up", Happens::Call(2, "terminated")),
    (510, "she is seen again", Happens::Nothing),
    (630, "working hours are over", Happens::Nothing),
    (640, "her softphone is gone", Happens::Publishes("")),
    (1320, "Tuesday: the phones subscribe anew", Happens::Watched),
    (1560, "on leave; her softphone starts", Happens::Publishes("open")),
    (1740, "lunch, if she were here", Happens::Nothing),
];

/// Characters of a column.
const WIDTH: usize = 41;

/// What happens outside of the agent.
enum Happens {
    /// Time passes.
    Nothing,
    /// Her softphone publishes this, or takes it back.
    Publishes(&'static str),
    /// Everybody subscribes.
    Watched,
    /// The PBX publishes one of her calls.
    Call(u8, &'static str),
    /// She says so, for so many minutes.
    Says(State, u64),
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", day()?);
    Ok(())
}

/// The whole day as a table: a line for each thing that happens, a column for each watcher. A dot
/// is a watcher who was sent nothing.
pub fn day() -> Result<String, Box<dyn Error>> {
    let mut office = Office::open()?;
    let mut table = String::new();
    write!(table, "{:<43}", "")?;
    for (name, _) in WATCHERS {
        write!(table, "{name:<WIDTH$}")?;
    }
    table = format!("{}\n", table.trim_end());
    office.happen(&Happens::Watched)?;
    for (minutes, words, happens) in DAY {
        office.pass(Duration::from_secs(60 * minutes));
        office.happen(happens)?;
        let clock = (7 * 60 + minutes) % (24 * 60);
        let mut line = format!("{:02}:{:02}  {words:<35} ", clock / 60, clock % 60);
        for seen in office.looks() {
            write!(line, "{seen:<WIDTH$}")?;
        }
        writeln!(table, "{}", line.trim_end())?;
    }
    Ok(table)
}

/// One shard, a clock, and the wire.
struct Office {
    shard: Shard,
    now: Now,
    wire: VecDeque<Bytes>,
    /// What each watcher shows, and whether that is new.
    shown: [Shown; WATCHERS.len()],
    calendar: calendar::Config,
    /// What her softphone published last, and the PBX.
    tags: [String; 2],
    requests: u32,
}

#[derive(Default)]
struct Shown {
    presence: String,
    lamp: String,
    is_new: bool,
}

impl Office {
    fn open() -> Result<Office, Box<dyn Error>> {
        let place = Place::index(Aor::from_canonical("alice@example.com"));
        let rules = [(place, &include_bytes!("day/rules.xml")[..])];
        let policy = include_str!("day/policy.toml");
        let (book, faults) = Book::read(Rules::default(), Some(policy), rules);
        if let Some(fault) = faults.first() {
            return Err(format!("{fault:?}").into());
        }
        let door = Door {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse()?,
            advertise: None,
            primary: None,
            trusted: TrustedPeers::new(vec!["192.0.2.5".parse()?]),
        };
        let mut config =
            Config { doors: vec![door], book: Some(Arc::new(book)), ..Config::default() };
        config.server.domains = vec!["example.com".to_owned()];
        let config = Arc::new(config);
        let users = Arc::new(Users::default());
        let founding = Founding { config, users, secret: Secret::new([7; 16]), seed: [1; 32] };
        let now =
            Now { instant: Moment::from_micros(1_000_000), wall: Wall::from_unix_millis(MONDAY) };
        let mut office = Office {
            shard: Shard::new(founding),
            now,
            wire: VecDeque::new(),
            shown: Default::default(),
            calendar: toml::from_str(include_str!("day/calendar.toml"))?,
            tags: Default::default(),
            requests: 0,
        };
        office.read_calendar()?;
        Ok(office)
    }

    /// What the edges do every now and then: her calendar and her hours become facts.
    fn read_calendar(&mut self) -> Result<(), Box<dyn Error>> {
        let (zone, now) = (self.calendar.zone.clone(), self.now.wall);
        let feed = self.calendar.feeds.first().ok_or("a feed")?;
        let octets = include_bytes!("day/alice.ics");
        let meetings =
            fact::of_feed(feed, &zone, octets, now).map_err(|fault| fault.to_string())?;
        let hours = fact::of_hours(&self.calendar.hours, &zone, now)?;
        self.say(meetings, None)?;
        self.say(hours, None)
    }

    fn happen(&mut self, happens: &Happens) -> Result<(), Box<dyn Error>> {
        match happens {
            Happens::Nothing => {}
            Happens::Publishes(basic) => self.publish(0, "presence", &presence(basic))?,
            Happens::Watched => {
                for (number, (_, who)) in WATCHERS.iter().enumerate() {
                    self.subscribe(number, who);
                }
            }
            Happens::Call(number, state) => self.publish(1, "dialog", &call(*number, state))?,
            Happens::Says(state, minutes) => {
                let fact = Said::WHEN_ASKED.manual(Manual::new(*state), Span::default());
                self.say(fact, Some(Duration::from_secs(60 * minutes)))?;
            }
        }
        self.settle();
        Ok(())
    }

    fn say(&mut self, fact: Fact, lasting: Option<Duration>) -> Result<(), Box<dyn Error>> {
        let who = Identity::User(Aor::from_canonical("alice@example.com"));
        let uri = Uri::parse(ALICE)?;
        let asked = Asked { number: 0, who, uri, demand: Demand::Say { fact, lasting } };
        self.shard.handle(self.now, Input::Asked(Box::new(asked)));
        self.settle();
        Ok(())
    }

    /// A watcher subscribes to her presence and to her calls.
    fn subscribe(&mut self, number: usize, who: &str) {
        self.requests += 1;
        for event in ["presence", "dialog"] {
            let lines = format!(
                "Contact: <sip:w{number}@192.0.2.5:{}>\r\nEvent: {event}\r\nExpires: 86400\r\n",
                port(number)
            );
            self.send(number, "SUBSCRIBE", who, &format!("{}{event}", self.requests), &lines, "");
        }
    }

    fn publish(&mut self, place: usize, event: &str, body: &str) -> Result<(), Box<dyn Error>> {
        let tag = self.tags.get(place).cloned().unwrap_or_default();
        let media = if place == 0 { "pidf+xml" } else { "dialog-info+xml" };
        let mut lines = format!("Event: {event}\r\nExpires: 86400\r\n");
        if !tag.is_empty() {
            lines = format!("SIP-If-Match: {tag}\r\n{lines}");
        }
        match body.is_empty() {
            true => lines = lines.replace("86400", "0"),
            false => write!(lines, "Content-Type: application/{media}\r\n")?,
        }
        self.requests += 1;
        let call_id = format!("publish{}", self.requests);
        let answer = self.send(9, "PUBLISH", "alice@example.com", &call_id, &lines, body);
        let (_, tag) = answer.split_once("SIP-ETag: ").unwrap_or_default();
        let tag = tag.split("\r\n").next().unwrap_or_default();
        *self.tags.get_mut(place).ok_or("a publisher")? =
            if body.is_empty() { String::new() } else { tag.to_owned() };
        Ok(())
    }

    /// Sends a request by way of the proxy; the answer to it.
    fn send(
        &mut self,
        number: usize,
        method: &str,
        who: &str,
        call_id: &str,
        lines: &str,
        body: &str,
    ) -> String {
        let (port, octets) = (port(number), body.len());
        let text = format!(
            "{method} {ALICE} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.5:{port};branch=z9hG4bK{call_id};rport\r\n\
             Max-Forwards: 69\r\nFrom: <sip:{who}>;tag=f{number}\r\nTo: <{ALICE}>\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nP-Asserted-Identity: <sip:{who}>\r\n\
             {lines}Content-Length: {octets}\r\n\r\n{body}"
        );
        self.hand_in(port, text.into());
        let answer = self.wire.front().cloned().unwrap_or_default();
        self.settle();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn hand_in(&mut self, port: u16, octets: Bytes) {
        let peer = SocketAddr::from((PROXY, port));
        let flow = Flow::Udp { listener: ListenerId(0), peer };
        if let Ok(message) = parse::message(octets) {
            self.shard.handle(self.now, Input::Message { message, flow });
        }
        self.turn();
    }

    /// The end of a turn: what leaves is on the wire.
    fn turn(&mut self) {
        self.shard.tick(self.now);
        self.shard.settle(self.now);
        while let Some(output) = self.shard.poll() {
            if let Output::Transmit(transmit) = output {
                self.wire.push_back(transmit.to_bytes());
            }
        }
    }

    /// Every NOTIFY is read and answered, until nothing more is sent.
    fn settle(&mut self) {
        self.turn();
        while let Some(octets) = self.wire.pop_front() {
            let Ok(Message::Request(notify)) = parse::message(octets) else { continue };
            let number = notify.uri_text().split(['w', '@']).nth(1).and_then(|n| n.parse().ok());
            let number: usize = number.unwrap_or_default();
            self.read(number, &notify);
            let source = SocketAddr::from((PROXY, port(number)));
            let answer = Writer::response(&notify, Status(200), None, source).finish();
            self.hand_in(port(number), answer);
        }
    }

    fn read(&mut self, number: usize, notify: &Request) {
        let Some(shown) = self.shown.get_mut(number) else { return };
        let state = notify.headers().subscription_state().ok().flatten();
        if state.is_some_and(|state| state.state == "terminated") {
            return; // The last word of a subscription that another has followed.
        }
        let body = notify.body();
        if let Ok(document) = Presence::read(&body, None) {
            (shown.presence, shown.is_new) = (told(&document), true);
        } else if let Ok(calls) = DialogInfo::read(&body, None) {
            (shown.lamp, shown.is_new) = (lamp(&calls), true);
        }
    }

    /// Time passes until so long after seven; whatever is due happens at its moment.
    fn pass(&mut self, since: Duration) {
        let end = Now {
            instant: Moment::from_micros(1_000_000) + since,
            wall: Wall::from_unix_millis(MONDAY) + since,
        };
        // Phones answer at once, so nothing is sent again.
        while let Some(due) = self.shard.deadline().filter(|due| *due <= end.instant) {
            let step = due.since(self.now.instant).max(Duration::from_millis(1));
            self.now = self.now.after(step);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// What each watcher sees, if it was sent something.
    fn looks(&mut self) -> Vec<String> {
        let look = |shown: &mut Shown| match std::mem::take(&mut shown.is_new) {
            true => [&shown.presence, &shown.lamp].map(|text| &text[..]).join("; "),
            false => "·".to_owned(),
        };
        self.shown.iter_mut().map(look).collect()
    }
}

fn port(number: usize) -> u16 {
    u16::try_from(5060 + number).unwrap_or(5060)
}

/// What her softphone publishes.
fn presence(basic: &str) -> String {
    if basic.is_empty() {
        return String::new();
    }
    format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{ALICE}\">\
         <tuple id=\"soft\"><status><basic>{basic}</basic></status>\
         <contact>sip:alice@192.0.2.77</contact></tuple></presence>"
    )
}

/// What the PBX publishes of her call.
fn call(number: u8, state: &str) -> String {
    format!(
        "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
         entity=\"{ALICE}\"><dialog id=\"d{number}\" call-id=\"c{number}\" local-tag=\"a\" remote-tag=\"b\" \
         direction=\"recipient\"><state>{state}</state><remote><identity>\
         sip:paul@customer.example</identity></remote></dialog></dialog-info>"
    )
}

/// A presence document in a few words.
fn told(document: &Presence) -> String {
    // Whom to turn to instead is a service like any other, under a name of its own.
    let (other, own): (Vec<_>, Vec<_>) =
        document.tuples.iter().partition(|tuple| tuple.id == "svc-alternate");
    let basics: Vec<Basic> = own.iter().filter_map(|tuple| tuple.basic).collect();
    let mut words = vec![match basics.contains(&Basic::Open) {
        true => "open".to_owned(),
        false if basics.is_empty() => "unknown".to_owned(),
        false => "closed".to_owned(),
    }];
    for person in &document.persons {
        let state = person.elements.iter().find(|element| element.is(&Namespace::Fanal, "state"));
        let availability = state.and_then(|state| state.attribute("availability"));
        words.extend(availability.map(str::to_owned));
        let activities = person.activities().map(|activity| activity.local.to_string());
        // What RPID has no word for is `other`, and who is not to be disturbed is busy in it.
        words.extend(activities.filter(|word| !["busy", "away", "other"].contains(&&word[..])));
    }
    let name = |tuple: &&Tuple| {
        let names = tuple.extensions.iter().find(|it| it.is(&Namespace::Cipid, "display-name"));
        names.map(|name| format!("(ask {})", name.token()))
    };
    words.extend(other.iter().filter_map(name));
    words.dedup();
    words.join(" ")
}

/// The lamp of a line: the call that matters most, and with whom it is if that is told.
fn lamp(calls: &DialogInfo) -> String {
    let live = calls.dialogs.iter().find(|call| call.state < CallState::Terminated);
    let Some(call) = live else { return "idle".to_owned() };
    let who = call.remote.as_ref().and_then(|remote| remote.identity.as_ref());
    let name = |uri: &str| uri.trim_start_matches("sip:").split('@').next().map(str::to_owned);
    let with = who.and_then(|identity| name(&identity.uri));
    let with = with.map(|name| format!(" (to {name})")).unwrap_or_default();
    let lamp = if call.state < CallState::Confirmed { "rings" } else { "talks" };
    format!("{lamp}{with}")
}
