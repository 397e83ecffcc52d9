//! Publishers: softphones, a voicemail server, and PBXs that publish calls; each keeps its
//! publications alive, loses some of them, and is sometimes restarted.

use std::time::Duration;

use super::agenda::{Alarm, Road};
use super::client::Client;
use super::letter::{Draft, Letter};
use super::network::Network;
use super::shown;

/// What a publisher publishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trade {
    /// Its own presence.
    Presence,
    /// The mailboxes of its lines.
    Mail,
    /// The calls of its lines, one publication for each call.
    Calls,
    /// The calls of its lines, one publication for each line.
    Lines,
    /// As `Lines`, without Call-IDs: the id is the extension, one call after the other.
    Extensions,
}

/// One publication as its publisher knows it.
struct Unit {
    line: String,
    entity_tag: Option<String>,
    body: String,
    expires: u64,
    /// A PUBLISH is on its way.
    asks: bool,
    /// The body was changed since it was last sent.
    is_new: bool,
    /// To be withdrawn.
    is_over: bool,
    /// Nobody looks after it any more.
    is_lost: bool,
    generation: u32,
    calls: Vec<Call>,
}

/// A call: id, Call-ID (`-` without one), state.
type Call = (String, String, String);

/// One publisher.
pub struct Publisher {
    actor: usize,
    trade: Trade,
    lines: Vec<String>,
    contact: String,
    client: Client<(usize, u32)>,
    units: Vec<Unit>,
    calls: u32,
    boot: u32,
    has_left: bool,
}

impl Publisher {
    pub fn new(net: &mut Network, actor: usize, trade: Trade, lines: Vec<String>) -> Publisher {
        let contact = format!("sip:p@{}", net.sockets[actor].address);
        let wait = net.chance.millis(0, 8000);
        net.wake(actor, wait, Alarm::Whim { boot: 0 });
        let client = Client::new(actor);
        let units = Vec::new();
        Publisher {
            actor,
            trade,
            lines,
            contact,
            client,
            units,
            calls: 0,
            boot: 0,
            has_left: false,
        }
    }

    pub fn rang(&mut self, net: &mut Network, alarm: Alarm) {
        match alarm {
            Alarm::Repeat(number) => {
                if let Some((number, generation)) = self.client.repeat(net, number) {
                    self.failed(net, number, generation);
                }
            }
            Alarm::Due { number, generation } if self.units[number].generation == generation => {
                self.publish(net, number);
            }
            Alarm::Step { number } => self.step(net, number),
            Alarm::Whim { boot } if boot == self.boot => self.whim(net),
            _ => {}
        }
    }

    pub fn heard(&mut self, net: &mut Network, letter: &Letter) {
        let Some((number, generation)) = self.client.answered(letter) else { return };
        let unit = &mut self.units[number];
        if unit.generation != generation {
            return;
        }
        unit.asks = false;
        match letter.status() {
            200 if unit.is_over && !unit.is_new => {
                unit.entity_tag = None;
                unit.is_lost = true;
            }
            200 => {
                unit.entity_tag = Some(letter.header("SIP-ETag").to_owned());
                let granted = letter.expires().expect("Expires in a 200");
                // Most refresh in good time, some when it is too late, some not at all.
                let share = match net.chance.below(20) {
                    0 if !net.is_calm => 103,
                    _ => net.chance.within(40, 90),
                };
                let wait = Duration::from_millis(granted * 10 * share);
                let at_once = unit.is_new || unit.is_over;
                self.due(net, number, if at_once { Duration::ZERO } else { wait });
            }
            412 => {
                unit.entity_tag = None;
                unit.is_lost |= unit.is_over;
                self.due(net, number, Duration::ZERO);
            }
            _ => {
                let wait = net.chance.millis(500, 5000);
                self.due(net, number, wait);
            }
        }
    }

    /// Leaves for good: withdraws what it published, or is just not there any more.
    pub fn leave(&mut self, net: &mut Network) {
        self.has_left = true;
        let withdraws = net.chance.percent(50);
        for number in 0..self.units.len() {
            let unit = &mut self.units[number];
            unit.is_over = true;
            if !withdraws {
                unit.is_lost = true;
                unit.generation += 1;
            } else if !unit.asks && !unit.is_lost {
                self.due(net, number, Duration::ZERO);
            }
        }
    }

    fn due(&mut self, net: &mut Network, number: usize, wait: Duration) {
        let unit = &mut self.units[number];
        unit.generation += 1;
        unit.asks = false;
        net.wake(self.actor, wait, Alarm::Due { number, generation: unit.generation });
    }

    fn publish(&mut self, net: &mut Network, number: usize) {
        let unit = &mut self.units[number];
        if unit.is_lost || unit.is_over && unit.entity_tag.is_none() {
            return;
        }
        let is_first = unit.entity_tag.is_none();
        let body = if is_first || unit.is_new { unit.body.as_str() } else { "" };
        let expires = if unit.is_over && !unit.is_new { 0 } else { unit.expires };
        let body = if expires == 0 { "" } else { body };
        let (package, media) = match self.trade {
            Trade::Presence => ("presence", "application/pidf+xml"),
            Trade::Mail => ("message-summary", "application/simple-message-summary"),
            _ => ("dialog", "application/dialog-info+xml"),
        };
        let mut more = format!("Event: {package}\r\nExpires: {expires}\r\n");
        if let Some(tag) = &unit.entity_tag {
            more.push_str(&format!("SIP-If-Match: {tag}\r\n"));
        }
        if !body.is_empty() {
            more.push_str(&format!("Content-Type: {media}\r\n"));
        }
        let unique = self.client.unique();
        let branch = self.client.branch(unique);
        let uri = format!("sip:{}@example.com", unit.line);
        let octets = Draft {
            method: "PUBLISH",
            uri: &uri,
            via: super::phone::via(Road::Datagram, &self.contact),
            branch: &branch,
            from: &format!("<{uri}>;tag=p{unique}"),
            to: &format!("<{uri}>"),
            call_id: &format!("p{}x{unique}", self.actor),
            cseq: unique,
            more: &more,
            body,
        }
        .write();
        unit.is_new = false;
        unit.asks = true;
        self.client.ask(net, unique, Road::Datagram, octets, (number, unit.generation));
    }

    /// Says something new in a publication; it is sent when the last PUBLISH is answered.
    fn say(&mut self, net: &mut Network, number: usize, body: String) {
        let unit = &mut self.units[number];
        unit.body = body;
        unit.is_new = true;
        if !unit.asks {
            self.due(net, number, Duration::ZERO);
        }
    }

    fn failed(&mut self, net: &mut Network, number: usize, generation: u32) {
        let unit = &mut self.units[number];
        if unit.generation != generation {
            return;
        }
        // Whether it arrived nobody knows: some try their old name again, some begin anew.
        if net.chance.percent(50) {
            unit.entity_tag = None;
        }
        unit.is_new = true;
        let wait = net.chance.millis(100, 5000);
        self.due(net, number, wait);
    }

    fn whim(&mut self, net: &mut Network) {
        if self.has_left || net.is_calm {
            return;
        }
        let restarts = net.chance.percent(2);
        if restarts {
            // What it published is forgotten, and stays with the agent until it expires.
            self.client.forget();
            self.units.iter_mut().for_each(|unit| {
                unit.is_lost = true;
                unit.generation += 1;
            });
        }
        match self.trade {
            Trade::Presence | Trade::Mail => {
                let line = net.chance.pick(&self.lines).clone();
                let number = self.unit(net, &line);
                self.calls += 1;
                let body = match self.trade {
                    Trade::Presence => {
                        let note = format!("n{}x{}", self.actor, self.calls);
                        let entity = format!("sip:{line}@example.com");
                        shown::presence(&entity, net.chance.percent(60), &note)
                    }
                    _ => {
                        let (new, old) = (net.chance.below(4), net.chance.below(9));
                        shown::mailbox(new as u32, old as u32)
                    }
                };
                self.say(net, number, body);
                // Away for a while: withdrawn, or left to expire.
                match net.chance.below(12) {
                    0 => self.units[number].is_over = true,
                    1 => self.units[number].is_lost = true,
                    _ => {}
                }
            }
            _ => self.call(net),
        }
        let wait = match self.trade {
            Trade::Presence => net.chance.millis(2000, 60_000),
            Trade::Mail => net.chance.millis(2000, 40_000),
            _ => net.chance.millis(500, 20_000),
        };
        net.wake(self.actor, wait, Alarm::Whim { boot: self.boot });
    }

    /// The publication of a line, begun if there is none.
    fn unit(&mut self, net: &mut Network, line: &str) -> usize {
        let known = |unit: &Unit| unit.line == line && !unit.is_lost && !unit.is_over;
        match self.units.iter().position(known) {
            Some(number) if self.trade != Trade::Calls => number,
            _ => {
                self.units.push(Unit {
                    line: line.to_owned(),
                    entity_tag: None,
                    body: String::new(),
                    expires: 60 * net.chance.within(1, 6),
                    asks: false,
                    is_new: false,
                    is_over: false,
                    is_lost: false,
                    generation: 0,
                    calls: Vec::new(),
                });
                self.units.len() - 1
            }
        }
    }

    /// Somebody calls one of the lines.
    fn call(&mut self, net: &mut Network) {
        let line = net.chance.pick(&self.lines).clone();
        let number = self.unit(net, &line);
        if self.trade == Trade::Extensions && !self.units[number].calls.is_empty() {
            return; // The line is busy.
        }
        self.calls += 1;
        let id = match self.trade {
            Trade::Extensions => (line.clone(), "-".to_owned()),
            _ => {
                let id = format!("d{}x{}", self.actor, self.calls);
                (id.clone(), format!("{id}@pbx"))
            }
        };
        let state = if net.chance.percent(20) { "trying" } else { "early" };
        self.units[number].calls.push((id.0, id.1, state.to_owned()));
        self.tell_calls(net, number);
        let wait = net.chance.millis(300, 15_000);
        // A PBX that restarted leaves calls ringing for ever.
        if !net.chance.percent(3) {
            net.wake(self.actor, wait, Alarm::Step { number });
        }
    }

    /// The next step of the oldest call of a publication.
    fn step(&mut self, net: &mut Network, number: usize) {
        let unit = &mut self.units[number];
        let Some((_, _, state)) = unit.calls.first_mut() else { return };
        let next = match state.as_str() {
            "trying" => "early",
            "early" if net.chance.percent(70) => "confirmed",
            _ => "terminated",
        };
        *state = next.to_owned();
        if next == "terminated" {
            // Some say that a call is over, some just say nothing more of it.
            if net.chance.percent(40) {
                unit.calls.remove(0);
            }
            if self.trade == Trade::Calls {
                unit.is_over = true;
            }
            self.tell_calls(net, number);
            self.units[number].calls.retain(|call| call.2 != "terminated");
            return;
        }
        self.tell_calls(net, number);
        let wait = net.chance.millis(300, 60_000);
        net.wake(self.actor, wait, Alarm::Step { number });
    }

    fn tell_calls(&mut self, net: &mut Network, number: usize) {
        let unit = &self.units[number];
        if unit.is_lost {
            return;
        }
        if unit.calls.is_empty() && self.trade == Trade::Calls {
            if !unit.asks {
                self.due(net, number, Duration::ZERO);
            }
            return;
        }
        let entity = format!("sip:{}@example.com", unit.line);
        let body = shown::dialog_info(&entity, &unit.calls);
        self.say(net, number, body);
    }
}
