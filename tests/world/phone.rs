//! A desk phone: lamps that are subscribed and refreshed, NOTIFYs that are answered, and every
//! bad habit phones have.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fanal::base::time::Moment;

use super::agenda::{Alarm, Event, Road};
use super::client::Client;
use super::lamp::Lamp;
use super::letter::{Draft, Letter, parameter};
use super::network::Network;

/// What a phone does that it should not, in percent of NOTIFYs or by itself.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Answers after half a second to forty.
    pub late: u64,
    /// Answers 500, sometimes with Retry-After.
    pub refuses: u64,
    /// Answers 481 and forgets the dialog.
    pub disowns: u64,
    /// Restarts, goes silent, breaks its stream, drops a lamp: mean seconds between two.
    pub whim_every: u64,
}

/// What a request was for.
pub enum Purpose {
    Lamp { number: usize, generation: u32 },
    Register { generation: u32 },
}

/// One phone.
pub struct Phone {
    actor: usize,
    pub user: String,
    contact: String,
    habits: Habits,
    by_stream: bool,
    connection: Option<u64>,
    client: Client<Purpose>,
    pub lamps: Vec<Lamp>,
    /// Answers given, by branch; `None` while one is thought about.
    answers: BTreeMap<String, Option<Bytes>>,
    boot: u32,
    registers: bool,
    register_generation: u32,
    register_cseq: u32,
    is_leaving: bool,
}

impl Phone {
    pub fn new(
        net: &mut Network,
        actor: usize,
        user: String,
        lamps: Vec<Lamp>,
        by_stream: bool,
    ) -> Phone {
        let address = net.sockets[actor].address;
        // Some sit behind NAT and name an address that means nothing outside.
        let host = match net.chance.percent(25) {
            true => format!("10.0.0.{actor}:5060"),
            false => address.to_string(),
        };
        let transport = if by_stream { ";transport=tcp" } else { "" };
        let is_good = net.chance.percent(40);
        let habits = Habits {
            late: if is_good { 0 } else { net.chance.below(15) },
            refuses: if is_good { 0 } else { net.chance.below(8) },
            disowns: if is_good { 0 } else { net.chance.below(4) },
            whim_every: net.chance.within(60, 400),
        };
        let phone = Phone {
            contact: format!("sip:{user}@{host}{transport}"),
            actor,
            user,
            habits,
            by_stream,
            connection: None,
            client: Client::new(actor),
            lamps,
            answers: BTreeMap::new(),
            boot: 0,
            registers: net.chance.percent(50),
            register_generation: 0,
            register_cseq: 0,
            is_leaving: false,
        };
        let wait = net.chance.millis(0, 5000);
        net.wake(actor, wait, Alarm::Return { boot: 0 });
        phone
    }

    pub fn rang(&mut self, net: &mut Network, alarm: Alarm) {
        match alarm {
            Alarm::Repeat(number) => {
                if let Some(purpose) = self.client.repeat(net, number) {
                    self.failed(net, purpose);
                }
            }
            Alarm::Answer(octets, road) => {
                let letter = Letter::new(octets.clone());
                self.answers.insert(letter.branch().to_owned(), Some(octets.clone()));
                net.send(self.actor, road, octets);
            }
            Alarm::Due { number, generation } if self.lamps[number].generation == generation => {
                self.subscribe(net, number);
            }
            Alarm::Register { generation } if self.register_generation == generation => {
                self.register(net);
            }
            Alarm::Whim { boot } if boot == self.boot => self.whim(net),
            Alarm::Return { boot } if boot == self.boot => self.start(net),
            _ => {}
        }
    }

    pub fn heard(&mut self, net: &mut Network, letter: &Letter, road: Road) {
        let socket = &net.sockets[self.actor];
        if socket.is_off || socket.cut_until > net.now {
            return;
        }
        if !letter.is_request() {
            match self.client.answered(letter) {
                Some(Purpose::Lamp { number, generation })
                    if self.lamps[number].generation == generation =>
                {
                    self.subscribed(net, number, letter);
                }
                Some(Purpose::Register { generation })
                    if self.register_generation == generation =>
                {
                    self.registered(net, letter);
                }
                _ => {}
            }
            return;
        }
        match self.answers.get(letter.branch()) {
            Some(Some(octets)) => net.send(self.actor, road, octets.clone()),
            Some(None) => {}
            None => self.notified(net, letter, road),
        }
    }

    /// A stream is gone. It is opened again at once by some, with the next request by others.
    pub fn hung_up(&mut self, net: &mut Network, connection: u64) {
        if self.connection != Some(connection) {
            return;
        }
        self.connection = None;
        self.lamps.iter_mut().for_each(|lamp| lamp.is_excused = true);
        for purpose in self.client.lost(connection) {
            self.failed(net, purpose);
        }
        if net.chance.percent(60) {
            for number in 0..self.lamps.len() {
                let wait = net.chance.millis(10, 2000);
                self.due(net, number, wait);
            }
        }
    }

    /// Leaves for good: says so, or is just not there any more.
    pub fn leave(&mut self, net: &mut Network) {
        self.is_leaving = true;
        self.boot += 1;
        self.register_generation += 1;
        if net.chance.percent(50) {
            net.sockets[self.actor].is_off = true;
            self.lamps.iter_mut().for_each(|lamp| lamp.generation += 1);
            return self.client.forget();
        }
        for number in 0..self.lamps.len() {
            self.lamps[number].expires = 0;
            if !self.lamps[number].asks {
                self.due(net, number, Duration::ZERO);
            }
        }
    }

    fn start(&mut self, net: &mut Network) {
        net.sockets[self.actor].is_off = false;
        for number in 0..self.lamps.len() {
            self.renew(net, number, Duration::ZERO);
        }
        if self.registers {
            self.register_cseq = 0;
            self.register(net);
        }
        self.plan_whim(net);
    }

    /// A lamp's dialog is given up, and another begun after a while.
    fn renew(&mut self, net: &mut Network, number: usize, wait: Duration) {
        let unique = format!("{}x{}", self.actor, self.client.unique());
        self.lamps[number].forget(unique);
        if !self.is_leaving {
            self.due(net, number, wait);
        }
    }

    fn due(&mut self, net: &mut Network, number: usize, wait: Duration) {
        let lamp = &mut self.lamps[number];
        lamp.generation += 1;
        lamp.asks = false;
        net.wake(self.actor, wait, Alarm::Due { number, generation: lamp.generation });
    }

    fn road(&mut self, net: &mut Network) -> Road {
        if !self.by_stream {
            return Road::Datagram;
        }
        if let Some(connection) = self.connection.filter(|&connection| net.is_open(connection)) {
            return Road::Stream(connection);
        }
        // What the agent had to say meanwhile went nowhere.
        self.lamps.iter_mut().for_each(|lamp| lamp.is_excused = true);
        let connection = net.connect(self.actor);
        self.connection = Some(connection);
        Road::Stream(connection)
    }

    fn subscribe(&mut self, net: &mut Network, number: usize) {
        let road = self.road(net);
        let unique = self.client.unique();
        let branch = self.client.branch(unique);
        let lamp = &mut self.lamps[number];
        lamp.cseq += 1;
        lamp.asks = true;
        let (user, uri) = (&self.user, lamp.uri());
        let to = match &lamp.tag {
            Some(tag) => format!("<{uri}>;tag={tag}"),
            None => format!("<{uri}>"),
        };
        let more = format!(
            "Event: {}\r\nExpires: {}\r\nContact: <{}>\r\n",
            lamp.package, lamp.expires, self.contact
        );
        let octets = Draft {
            method: "SUBSCRIBE",
            uri: &lamp.target,
            via: via(road, &self.contact),
            branch: &branch,
            from: &format!("<sip:{user}@example.com>;tag={}", lamp.own_tag),
            to: &to,
            call_id: &lamp.call_id,
            cseq: lamp.cseq,
            more: &more,
            body: "",
        }
        .write();
        let purpose = Purpose::Lamp { number, generation: lamp.generation };
        self.client.ask(net, unique, road, octets, purpose);
    }

    fn subscribed(&mut self, net: &mut Network, number: usize, letter: &Letter) {
        if letter.status() >= 300 {
            let wait = net.chance.millis(100, 3000);
            return self.renew(net, number, wait);
        }
        let lamp = &mut self.lamps[number];
        lamp.asks = false;
        match &lamp.tag {
            // The agent may have begun another dialog for a repeated request; one is enough.
            Some(tag) if tag != letter.to_tag() => return self.renew(net, number, Duration::ZERO),
            Some(_) => {}
            None => lamp.tag = Some(letter.to_tag().to_owned()),
        }
        lamp.target = uri_of(letter.header("Contact"));
        let seconds = letter.expires().expect("Expires in a 200");
        lamp.until = net.now + Duration::from_secs(seconds);
        if seconds == 0 {
            if !self.is_leaving {
                // Should the last NOTIFY never come, it is begun anew all the same.
                self.due(net, number, Duration::from_secs(40));
            }
            return;
        }
        // Most refresh in good time, some when it is too late.
        let is_late = !net.is_calm && net.chance.percent(4);
        let share = if is_late { 101 } else { net.chance.within(50, 85) };
        self.due(net, number, Duration::from_millis(seconds * 10 * share));
    }

    fn notified(&mut self, net: &mut Network, letter: &Letter, road: Road) {
        let found = self
            .lamps
            .iter()
            .position(|l| l.call_id == letter.call_id() && l.own_tag == letter.to_tag());
        let Some(number) = found else { return self.answer(net, letter, road, 481) };
        let habits = if net.is_calm { None } else { Some(self.habits) };
        let lamp = &mut self.lamps[number];
        if lamp.tag.as_deref().is_some_and(|tag| tag != letter.sender_tag()) {
            return self.answer(net, letter, road, 481);
        }
        if letter.cseq() <= lamp.notify_cseq {
            return self.answer(net, letter, road, 500); // Overtaken by a newer one.
        }
        lamp.notify_cseq = letter.cseq();
        if let Some(habits) = habits {
            if net.chance.percent(habits.disowns) {
                self.answer(net, letter, road, 481);
                let wait = net.chance.millis(100, 20_000);
                return self.renew(net, number, wait);
            }
            if net.chance.percent(habits.refuses) {
                lamp.is_excused = true;
                return self.answer(net, letter, road, 500);
            }
        }
        lamp.tag = Some(letter.sender_tag().to_owned());
        if lamp.target == lamp.uri() {
            lamp.target = uri_of(letter.header("Contact"));
        }
        let state = letter.header("Subscription-State");
        if state.starts_with("terminated") {
            self.answer(net, letter, road, 200);
            let wait = match parameter(state, "reason") {
                "probation" => net.chance.millis(2000, 20_000),
                _ => net.chance.millis(0, 2000),
            };
            return self.renew(net, number, wait);
        }
        lamp.take(letter.body());
        if habits.is_some_and(|habits| net.chance.percent(habits.late)) {
            let wait = match net.chance.percent(80) {
                true => net.chance.millis(400, 6000),
                false => net.chance.millis(6000, 40_000),
            };
            self.answers.insert(letter.branch().to_owned(), None);
            let octets = letter.answer(200, "");
            return net.wake(self.actor, wait, Alarm::Answer(octets, road));
        }
        self.answer(net, letter, road, 200);
    }

    fn answer(&mut self, net: &mut Network, letter: &Letter, road: Road, status: u16) {
        let more = match status {
            500 if net.chance.percent(40) => {
                format!("Retry-After: {}\r\n", net.chance.within(1, 8))
            }
            _ => String::new(),
        };
        let octets = letter.answer(status, &more);
        self.answers.insert(letter.branch().to_owned(), Some(octets.clone()));
        net.send(self.actor, road, octets);
    }

    /// Nobody answered a request.
    fn failed(&mut self, net: &mut Network, purpose: Purpose) {
        match purpose {
            Purpose::Lamp { number, generation } => {
                if self.lamps[number].generation == generation {
                    let wait = net.chance.millis(100, 5000);
                    self.renew(net, number, wait);
                }
            }
            Purpose::Register { generation } => {
                let wait = net.chance.millis(100, 5000);
                net.wake(self.actor, wait, Alarm::Register { generation });
            }
        }
    }

    fn register(&mut self, net: &mut Network) {
        let road = self.road(net);
        let unique = self.client.unique();
        let branch = self.client.branch(unique);
        self.register_cseq += 1;
        self.register_generation += 1;
        let generation = self.register_generation;
        let aor = format!("<sip:{}@example.com>", self.user);
        let expires = 60 * net.chance.within(1, 4);
        let octets = Draft {
            method: "REGISTER",
            uri: "sip:example.com",
            via: via(road, &self.contact),
            branch: &branch,
            from: &format!("{aor};tag=r{unique}"),
            to: &aor,
            call_id: &format!("r{}x{}", self.actor, self.boot),
            cseq: self.register_cseq,
            more: &format!("Contact: <{}>\r\nExpires: {expires}\r\n", self.contact),
            body: "",
        }
        .write();
        self.client.ask(net, unique, road, octets, Purpose::Register { generation });
    }

    fn registered(&mut self, net: &mut Network, letter: &Letter) {
        if letter.status() != 200 {
            let wait = net.chance.millis(500, 2000);
            let generation = self.register_generation;
            return net.wake(self.actor, wait, Alarm::Register { generation });
        }
        let left: u64 = parameter(letter.header("Contact"), "expires").parse().expect("seconds");
        // Some come back too late, and were away for a moment.
        let share = if net.chance.percent(10) { 105 } else { 60 };
        let generation = self.register_generation;
        let wait = Duration::from_millis(left * 10 * share);
        net.wake(self.actor, wait, Alarm::Register { generation });
    }

    fn plan_whim(&mut self, net: &mut Network) {
        let wait = net.chance.seconds(1, 2 * self.habits.whim_every);
        net.wake(self.actor, wait, Alarm::Whim { boot: self.boot });
    }

    fn whim(&mut self, net: &mut Network) {
        if net.is_calm {
            return;
        }
        match net.chance.below(4) {
            0 => {
                // Restarts: everything is forgotten, and nobody is told.
                self.boot += 1;
                net.sockets[self.actor].is_off = true;
                self.client.forget();
                self.answers.clear();
                self.register_generation += 1;
                self.lamps.iter_mut().for_each(|lamp| lamp.generation += 1);
                if let Some(connection) = self.connection.take() {
                    let tells = net.chance.percent(50);
                    net.hang_up(connection, tells);
                }
                let wait = net.chance.seconds(1, 40);
                return net.wake(self.actor, wait, Alarm::Return { boot: self.boot });
            }
            1 => {
                // Out of reach for a while.
                let span = net.chance.seconds(2, 150);
                net.sockets[self.actor].cut_until = net.now + span;
                self.lamps.iter_mut().for_each(|lamp| lamp.is_excused = true);
                self.break_stream(net, span);
            }
            2 => {
                let after = net.chance.millis(0, 20_000);
                self.break_stream(net, after);
            }
            _ => {
                // Ends a subscription, to begin it again when the last NOTIFY has come.
                let number = net.chance.below(self.lamps.len() as u64) as usize;
                let lamp = &mut self.lamps[number];
                if lamp.tag.is_some() && !lamp.asks {
                    let expires = std::mem::take(&mut lamp.expires);
                    lamp.generation += 1;
                    self.subscribe(net, number);
                    self.lamps[number].expires = expires;
                }
            }
        }
        self.plan_whim(net);
    }

    /// The stream breaks, with a word to the agent or without; the phone notices later.
    fn break_stream(&mut self, net: &mut Network, noticed_after: Duration) {
        let Some(connection) = self.connection else { return };
        self.lamps.iter_mut().for_each(|lamp| lamp.is_excused = true);
        let tells = net.chance.percent(50);
        net.hang_up(connection, tells);
        let at: Moment = net.now + noticed_after;
        net.agenda.note(at, Event::HungUp { actor: self.actor, connection });
    }
}

/// Transport and sent-by of a Via, as the phone sees itself.
pub fn via(road: Road, contact: &str) -> (&'static str, &str) {
    let host = contact.rsplit('@').next().and_then(|host| host.split(';').next());
    let transport = if road == Road::Datagram { "UDP" } else { "TCP" };
    (transport, host.unwrap_or_default())
}

/// The URI in angle brackets.
fn uri_of(value: &str) -> String {
    let (_, after) = value.split_once('<').expect("an address in angle brackets");
    after.split('>').next().expect("its end").to_owned()
}
