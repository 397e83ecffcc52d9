//! The office: everybody in it, and the one loop in which time passes.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::time::Duration;

use bytes::Bytes;
use fanal::base::flow::{Flow, Hop, ListenerId};
use fanal::base::time::{Moment, Wall};
use fanal::shard::{Input, Output};
use fanal::sip::parse;
use fanal::transaction::{Ticket, Transmit};

use super::agenda::Event;
use super::agent::{Agent, wall};
use super::chance::Chance;
use super::inspector::{Inspector, broken};
use super::lamp::Lamp;
use super::letter::{Draft, Letter};
use super::network::{Fate, Network, Weather};
use super::phone::Phone;
use super::publisher::{Publisher, Trade};
use super::shown::Shown;

/// Turns a shard may ask for at one moment before it is taken for mad.
const TURNS_AT_ONCE: u32 = 50;

/// The address of the inspector's own phone.
const VISITOR: &str = "192.0.2.250:5060";

/// Somebody in the office.
enum Actor {
    Phone(Box<Phone>),
    Publisher(Box<Publisher>),
}

/// One office, from one seed.
pub struct Office {
    net: Network,
    agent: Agent,
    inspector: Inspector,
    actors: Vec<Actor>,
    lines: Vec<String>,
    /// What was sent to the inspector's own phone.
    visitor: Vec<Letter>,
    visits: u32,
    turns_at_once: (Moment, u32),
    /// The agent crashes as soon as it has said something that is not kept yet.
    crash_is_near: bool,
    /// Nobody comes any more, not even the inspector.
    is_closed: bool,
    traces: bool,
}

impl Office {
    pub fn new(seed: u64, traces: bool) -> Office {
        let mut net = Network::new(Chance::new(seed));
        let lines: Vec<String> = (101..=106).map(|number: u32| number.to_string()).collect();
        let mut actors = Vec::new();
        for place in 0..net.chance.within(8, 12) {
            let by_stream = net.chance.percent(30);
            let actor = plug_in(&mut net, actors.len());
            let user = lines.get(place as usize).cloned().unwrap_or(format!("{}", 200 + place));
            let lamps = lamps(&mut net.chance, &lines);
            let phone = Phone::new(&mut net, actor, user, lamps, by_stream);
            actors.push(Actor::Phone(Box::new(phone)));
        }
        let calls = *net.chance.pick(&[Trade::Calls, Trade::Lines, Trade::Extensions]);
        let mut trades = vec![(Trade::Mail, lines.clone()), (calls, lines.clone())];
        for line in lines.iter().take(4) {
            trades.push((Trade::Presence, vec![line.clone()]));
        }
        for (trade, lines) in trades {
            let actor = plug_in(&mut net, actors.len());
            let publisher = Publisher::new(&mut net, actor, trade, lines);
            actors.push(Actor::Publisher(Box::new(publisher)));
        }
        let has_rules = net.chance.percent(30);
        let mut inspector = Inspector::default();
        inspector.ledger.has_rules = has_rules;
        let mut office = Office {
            agent: Agent::new(has_rules),
            inspector,
            actors,
            lines,
            visitor: Vec::new(),
            visits: 0,
            turns_at_once: (Moment::ORIGIN, 0),
            crash_is_near: false,
            is_closed: false,
            traces,
            net,
        };
        office.boot();
        office
    }

    /// A day in the office: faults, then quiet, then everybody goes home.
    pub fn live(&mut self) {
        let now = self.net.now;
        for _ in 0..self.net.chance.below(4) {
            let at = now + self.net.chance.seconds(20, 460);
            self.net.agenda.note(at, Event::Crash);
        }
        self.net.agenda.note(now, Event::Inspection);
        self.pass(Duration::from_secs(480));

        self.net.is_calm = true;
        self.net.weather = Weather::FAIR;
        // Timer F, the first probe and its timer F, and the slowest pace.
        self.pass(Duration::from_secs(32 + 30 + 32 + 6));
        self.compare(false);
        // Everybody has refreshed once.
        self.pass(Duration::from_secs(310));
        self.compare(true);

        for actor in &mut self.actors {
            match actor {
                Actor::Phone(phone) => phone.leave(&mut self.net),
                Actor::Publisher(publisher) => publisher.leave(&mut self.net),
            }
        }
        self.is_closed = true;
        self.pass(Duration::from_secs(900));
        self.look_for_leftovers();
    }

    /// Everything that left the agent, as one number, and how many messages that was.
    pub fn mark(&self) -> (u64, u64) {
        (self.inspector.mark.finish(), self.inspector.messages)
    }

    fn now(&self) -> (Moment, Wall) {
        (self.net.now, wall(self.net.now))
    }

    fn pass(&mut self, span: Duration) {
        let end = self.net.now + span;
        loop {
            let event = self.net.agenda.next();
            let turn = self.agent.next_turn();
            let next = [event, turn.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|&at| at <= end) else { break };
            self.net.now = self.net.now.max(next);
            match self.net.agenda.take(self.net.now) {
                Some(event) => self.happen(event),
                None => {
                    if let Some((_, place)) = turn {
                        self.watch_turns();
                        self.turn(place);
                    }
                }
            }
        }
        self.net.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToAgent { octets, flow } => self.arrive(octets, flow),
            Event::ToActor { actor, octets, road } => {
                let letter = Letter::new(octets);
                match &mut self.actors[actor] {
                    Actor::Phone(phone) => phone.heard(&mut self.net, &letter, road),
                    Actor::Publisher(publisher) => publisher.heard(&mut self.net, &letter),
                }
            }
            Event::Wake { actor, alarm } => match &mut self.actors[actor] {
                Actor::Phone(phone) => phone.rang(&mut self.net, alarm),
                Actor::Publisher(publisher) => publisher.rang(&mut self.net, alarm),
            },
            Event::HungUp { actor, connection } => {
                if let Actor::Phone(phone) = &mut self.actors[actor] {
                    phone.hung_up(&mut self.net, connection);
                }
            }
            Event::Undeliverable { life, shard, key } => {
                if life == self.agent.life && self.agent.is_up() {
                    let now = self.now();
                    self.trace(|| "the agent is told that a NOTIFY could not be sent".to_owned());
                    self.inspector.undeliverable(now, key);
                    let reading = self.agent.now(now.0);
                    let desk = &mut self.agent.desks[shard];
                    desk.shard.handle(reading, Input::Undeliverable(key));
                    desk.turn_at = Some(now.0);
                }
            }
            Event::Kept { life } if life == self.agent.life => self.keep(),
            Event::Kept { .. } => {}
            Event::Crash if !self.crash_is_near && self.net.chance.percent(60) => {
                self.crash_is_near = true;
            }
            Event::Crash => {
                self.crash_is_near = false;
                if !self.net.is_calm && self.agent.is_up() {
                    self.trace(|| "the agent crashes".to_owned());
                    self.agent.crash();
                    self.net.agent_is_gone();
                    let at = self.net.now + self.net.chance.millis(50, 20_000);
                    self.net.agenda.note(at, Event::Boot);
                }
            }
            Event::Boot => self.boot(),
            Event::Inspection => self.inspect(),
        }
    }

    fn boot(&mut self) {
        let shards = self.net.chance.within(1, 2);
        self.trace(|| format!("the agent starts with {shards} shards"));
        let now = self.now();
        if self.agent.life > 0 {
            self.inspector.restarted(now);
        }
        self.agent.boot(self.net.now, shards, &mut self.net.chance);
    }

    /// A message reaches the agent; the shard it is for deals with it when it has a moment.
    fn arrive(&mut self, octets: Bytes, flow: Flow) {
        if !self.agent.is_up() || !self.net.delivers(&flow) {
            return;
        }
        let message = parse::message(octets.clone()).expect("everybody here writes proper SIP");
        let place = self.agent.home(&message, &mut self.net.chance);
        let at = self.net.now + self.net.chance.millis(0, 3);
        let desk = &mut self.agent.desks[place];
        desk.inbox.push((message, octets, flow));
        desk.turn_at = Some(desk.turn_at.map_or(at, |before| before.min(at)));
    }

    fn turn(&mut self, place: usize) {
        let now = self.now();
        let reading = self.agent.now(now.0);
        let desk = &mut self.agent.desks[place];
        desk.turn_at = None;
        for (message, octets, flow) in std::mem::take(&mut desk.inbox) {
            if self.traces {
                let peer = flow.peer();
                eprintln!("{:>12} {peer} -> {place}\n{}", now.0.as_micros(), indent(&octets));
            }
            self.inspector.arrives(now, octets, &flow);
            desk.shard.handle(reading, Input::Message { message, flow });
        }
        desk.shard.tick(reading);
        desk.shard.settle(reading);
        let mut batch = Ticket::default();
        let mut released = Vec::new();
        while let Some(output) = desk.shard.poll() {
            match output {
                Output::Persist { ticket, changes } => {
                    batch = ticket;
                    if self.crash_is_near {
                        self.net.agenda.note(now.0, Event::Crash);
                    }
                    self.agent.store.queue.push_back((place, ticket, changes));
                    if !std::mem::replace(&mut self.agent.store.is_busy, true) {
                        let slow = self.net.chance.percent(5);
                        let span = self.net.chance.millis(1, if slow { 1500 } else { 20 });
                        let life = self.agent.life;
                        self.net.agenda.note(now.0 + span, Event::Kept { life });
                    }
                }
                Output::Transmit(transmit) => {
                    if self.traces {
                        let (to, after) = (transmit.hop.address(), transmit.after.0);
                        let octets = transmit.to_bytes();
                        let at = now.0.as_micros();
                        eprintln!("{at:>12} {place} -> {to} after {after}\n{}", indent(&octets));
                    }
                    self.inspector.leaves(now, place, batch, &transmit);
                    if transmit.after > desk.kept {
                        desk.held.push_back(transmit);
                    } else {
                        released.push(transmit);
                    }
                }
                Output::Reply { .. } => {}
                Output::Resolve(question) => {
                    broken(now.0, "nobody here has a name to be looked up", question.host)
                }
            }
        }
        let deadline = desk.shard.deadline();
        self.agent.desks[place].deadline =
            deadline.map(|at| self.agent.outside(at).max(self.net.now));
        self.inspector.turned(now);
        released.into_iter().for_each(|transmit| self.send(place, transmit));
    }

    /// The store has kept what it was given: what waited for it leaves.
    fn keep(&mut self) {
        for (place, ticket) in self.agent.store.keep() {
            self.inspector.ledger.kept(place, ticket);
            let desk = &mut self.agent.desks[place];
            desk.kept = ticket;
            let waits = |transmit: &Transmit| transmit.after > ticket;
            let ready = desk.held.iter().position(waits).unwrap_or(desk.held.len());
            let released: Vec<Transmit> = desk.held.drain(..ready).collect();
            released.into_iter().for_each(|transmit| self.send(place, transmit));
        }
    }

    /// A message leaves the agent.
    fn send(&mut self, shard: usize, transmit: Transmit) {
        let now = self.now();
        self.inspector.released(now, &transmit);
        let octets = transmit.to_bytes();
        if transmit.hop.address() == VISITOR.parse().expect("an address") {
            return self.visitor.push(Letter::new(octets));
        }
        let fate = match transmit.hop {
            Hop::Flow(Flow::Udp { peer, .. }) => self.net.send_datagram(peer.ip(), octets),
            Hop::Flow(Flow::Stream { connection, .. }) => {
                self.net.send_stream(connection.0, octets)
            }
            Hop::Dial { address, .. } => self.net.dial(address, octets),
        };
        if let (Fate::Undeliverable(after), Some(key)) = (fate, transmit.request) {
            let life = self.agent.life;
            let event = Event::Undeliverable { life, shard, key };
            self.net.agenda.note(now.0 + after, event);
        }
    }

    /// Looks around, fetches something, and comes again.
    fn inspect(&mut self) {
        let now = self.now();
        if self.is_closed {
            return;
        }
        if self.agent.is_up() {
            self.inspector.sweep(now);
            let line = self.net.chance.pick(&self.lines).clone();
            let package = *self.net.chance.pick(&["dialog", "presence", "message-summary"]);
            self.fetch(&line, package);
        }
        let wait = self.net.chance.millis(1000, 8000);
        self.net.agenda.note(now.0 + wait, Event::Inspection);
    }

    /// What a newcomer is told.
    fn fetch(&mut self, line: &str, package: &'static str) -> (Shown, String) {
        self.visits += 1;
        let visit = self.visits;
        let uri = format!("sip:{line}@example.com");
        let octets = Draft {
            method: "SUBSCRIBE",
            uri: &uri,
            via: ("UDP", VISITOR),
            branch: &format!("z9hG4bKvx{visit}"),
            from: &format!("<sip:visitor@example.com>;tag=v{visit}"),
            to: &format!("<{uri}>"),
            call_id: &format!("v{visit}"),
            cseq: 1,
            more: &format!("Event: {package}\r\nExpires: 0\r\nContact: <sip:v@{VISITOR}>\r\n"),
            body: "",
        }
        .write();
        self.visit(octets);
        let notify = self.visitor.pop().expect("a NOTIFY at once");
        assert!(notify.is_request(), "{notify:?}");
        self.visit(notify.answer(200, ""));
        self.visitor.clear();
        (Shown::read(package, notify.body()), notify.body().to_owned())
    }

    fn visit(&mut self, octets: Bytes) {
        let peer = VISITOR.parse().expect("an address");
        let flow = Flow::Udp { listener: ListenerId(0), peer };
        let message = parse::message(octets.clone()).expect("written above");
        let place = self.agent.home(&message, &mut self.net.chance);
        self.agent.desks[place].inbox.push((message, octets, flow));
        self.turn(place);
    }

    /// Every watcher sees what a newcomer sees.
    fn compare(&mut self, all: bool) {
        let now = self.now();
        (0..self.agent.desks.len()).for_each(|place| self.turn(place));
        self.inspector.sweep(now);
        let published = self.inspector.ledger.publications(now);
        let known: usize = self.agent.desks.iter().map(|desk| desk.shard.publications()).sum();
        if known != published {
            broken(now.0, "a publication is there until it expires, and not longer", {
                format!("{published} were accepted and live, {known} are known")
            });
        }
        let mut fetched: BTreeMap<(String, &str), (Shown, String)> = BTreeMap::new();
        let phones: Vec<usize> = (0..self.actors.len()).collect();
        for actor in phones {
            let Actor::Phone(phone) = &self.actors[actor] else { continue };
            let lamps: Vec<_> = phone
                .lamps
                .iter()
                .map(|l| (l.aor.clone(), l.package, l.shown.clone(), l.is_excused))
                .collect();
            for (aor, package, shown, is_excused) in lamps {
                if !all && (is_excused || shown.is_none()) {
                    continue;
                }
                let key = (aor.clone(), package);
                if !fetched.contains_key(&key) {
                    let found = self.fetch(&aor, package);
                    fetched.insert(key.clone(), found);
                }
                if shown.as_ref() != Some(&fetched[&key].0) {
                    broken(now.0, "every watcher sees what a newcomer sees", {
                        format!(
                            "phone {actor} watches {package} of {aor}\nit shows {shown:?}\n\
                             a newcomer is told {:?}",
                            fetched[&key].0
                        )
                    });
                }
            }
        }
    }

    /// Everybody has gone: nothing of them is left.
    fn look_for_leftovers(&mut self) {
        let now = self.net.now;
        let records = &self.agent.store.records;
        if !records.is_empty() {
            broken(now, "the store is empty when everybody has gone", format!("{records:#?}"));
        }
        for desk in &self.agent.desks {
            let shard = &desk.shard;
            let left = [
                ("subscriptions", shard.subscriptions()),
                ("publications", shard.publications()),
                ("presentities", shard.presentities()),
                ("transactions", shard.transactions()),
                ("alarms", usize::from(shard.deadline().is_some())),
                ("messages held", desk.held.len()),
            ];
            if left.iter().any(|(_, count)| *count > 0) {
                broken(now, "nothing is left when everybody has gone", format!("{left:?}"));
            }
        }
    }

    /// A shard that wants turn after turn at one moment never sleeps.
    fn watch_turns(&mut self) {
        let (at, count) = &mut self.turns_at_once;
        if *at != self.net.now {
            (*at, *count) = (self.net.now, 0);
        }
        *count += 1;
        if *count > TURNS_AT_ONCE {
            broken(self.net.now, "a shard sleeps when there is nothing to do", "");
        }
    }

    fn trace(&self, what: impl FnOnce() -> String) {
        if self.traces {
            eprintln!("{:>12} {}", self.net.now.as_micros(), what());
        }
    }
}

fn plug_in(net: &mut Network, place: usize) -> usize {
    let takes_streams = net.chance.percent(50);
    let address = format!("192.0.2.{}:5060", 10 + place).parse().expect("an address");
    net.plug_in(address, takes_streams)
}

/// The keys of one phone, each another's lamp.
fn lamps(chance: &mut Chance, lines: &[String]) -> Vec<Lamp> {
    let mut keys: BTreeMap<(String, &str), Lamp> = BTreeMap::new();
    for _ in 0..chance.within(1, 4) {
        let line = chance.pick(lines).clone();
        let package = *chance.pick(&["dialog", "dialog", "presence", "message-summary"]);
        let lamp = Lamp::new(line.clone(), package, 60 * chance.within(1, 5));
        keys.insert((line, package), lamp);
    }
    keys.into_values().collect()
}

fn indent(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.lines().map(|line| format!("             | {line}\n")).collect()
}
