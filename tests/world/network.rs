//! The network: datagrams that are lost, late, doubled or overtaken; streams that break, with a
//! word or without.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use fanal::base::flow::{ConnectionId, Flow, ListenerId, Transport};
use fanal::base::time::Moment;

use super::agenda::{Agenda, Alarm, Event, Road};
use super::chance::Chance;

/// What a datagram has to fear.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub loss_percent: u64,
    pub double_percent: u64,
    /// Longest delay in milliseconds, far below what would make a repeat look like a new request.
    pub delay_max: u64,
}

impl Weather {
    pub const FAIR: Weather = Weather { loss_percent: 0, double_percent: 0, delay_max: 3 };

    pub fn of(chance: &mut Chance) -> Weather {
        *chance.pick(&[
            Weather { loss_percent: 0, double_percent: 0, delay_max: 5 },
            Weather { loss_percent: 2, double_percent: 2, delay_max: 60 },
            Weather { loss_percent: 10, double_percent: 10, delay_max: 200 },
            Weather { loss_percent: 25, double_percent: 5, delay_max: 350 },
        ])
    }
}

/// Where somebody is plugged in.
#[derive(Clone, Debug)]
pub struct Socket {
    /// The address the agent sees.
    pub address: SocketAddr,
    /// Whether a stream to this address is accepted.
    pub takes_streams: bool,
    /// Nothing passes before this.
    pub cut_until: Moment,
    /// Nobody listens: a datagram may come back as unreachable.
    pub is_off: bool,
}

struct Connection {
    actor: usize,
    peer: SocketAddr,
    state: Stream,
    /// Nothing overtakes on a stream.
    to_agent_at: Moment,
    to_actor_at: Moment,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stream {
    Open,
    /// Broken without a word: what is sent is swallowed.
    Dead,
    Closed,
}

/// The network and what everybody shares: the time, chance, and what is going to happen.
pub struct Network {
    pub now: Moment,
    pub chance: Chance,
    pub agenda: Agenda,
    pub weather: Weather,
    /// Faults are over: nobody misbehaves any more.
    pub is_calm: bool,
    pub sockets: Vec<Socket>,
    connections: BTreeMap<u64, Connection>,
    connection_count: u64,
}

/// What becomes of a message of the agent.
pub enum Fate {
    OnItsWay,
    /// The agent is told so, after a while.
    Undeliverable(Duration),
}

impl Network {
    pub fn new(mut chance: Chance) -> Network {
        Network {
            now: Moment::from_micros(1_000_000),
            weather: Weather::of(&mut chance),
            chance,
            agenda: Agenda::default(),
            is_calm: false,
            sockets: Vec::new(),
            connections: BTreeMap::new(),
            connection_count: 0,
        }
    }

    pub fn plug_in(&mut self, address: SocketAddr, takes_streams: bool) -> usize {
        let cut_until = Moment::ORIGIN;
        self.sockets.push(Socket { address, takes_streams, cut_until, is_off: false });
        self.sockets.len() - 1
    }

    pub fn wake(&mut self, actor: usize, after: Duration, alarm: Alarm) {
        self.agenda.note(self.now + after, Event::Wake { actor, alarm });
    }

    /// A new stream of an actor, from a port of its own.
    pub fn connect(&mut self, actor: usize) -> u64 {
        self.connection_count += 1;
        let port = 30_000 + (self.connection_count % 30_000) as u16;
        let peer = SocketAddr::new(self.sockets[actor].address.ip(), port);
        self.open(actor, peer)
    }

    fn open(&mut self, actor: usize, peer: SocketAddr) -> u64 {
        self.connection_count += 1;
        let (state, at) = (Stream::Open, self.now);
        let connection = Connection { actor, peer, state, to_agent_at: at, to_actor_at: at };
        self.connections.insert(self.connection_count, connection);
        self.connection_count
    }

    pub fn is_open(&self, connection: u64) -> bool {
        self.connections.get(&connection).is_some_and(|known| known.state != Stream::Closed)
    }

    /// Breaks a stream; if nobody is told, what either side sends is swallowed.
    pub fn hang_up(&mut self, connection: u64, tells: bool) {
        if let Some(known) = self.connections.get_mut(&connection) {
            known.state = if tells { Stream::Closed } else { Stream::Dead };
        }
    }

    /// The agent is gone, and with it every stream; the others find out sooner or later.
    pub fn agent_is_gone(&mut self) {
        for (&connection, known) in &mut self.connections {
            if known.state != Stream::Closed {
                known.state = Stream::Closed;
                let at = self.now + self.chance.millis(0, 4000);
                self.agenda.note(at, Event::HungUp { actor: known.actor, connection });
            }
        }
    }

    /// Somebody in the office sends something.
    pub fn send(&mut self, actor: usize, road: Road, octets: Bytes) {
        match road {
            Road::Datagram => {
                let peer = self.sockets[actor].address;
                let flow = Flow::Udp { listener: ListenerId(0), peer };
                for at in self.arrivals(actor) {
                    self.agenda.note(at, Event::ToAgent { octets: octets.clone(), flow });
                }
            }
            Road::Stream(connection) => {
                let delay = self.chance.millis(1, self.weather.delay_max);
                let Some(known) = self.connections.get_mut(&connection) else { return };
                if known.state != Stream::Open {
                    return;
                }
                known.to_agent_at = known.to_agent_at.max(self.now + delay);
                let (at, flow) = (known.to_agent_at, stream_of(connection, known.peer));
                self.agenda.note(at, Event::ToAgent { octets, flow });
            }
        }
    }

    /// The agent sends something to an address by datagram.
    pub fn send_datagram(&mut self, to: IpAddr, octets: Bytes) -> Fate {
        let Some(actor) = self.actor_at(to) else { return Fate::OnItsWay };
        if self.sockets[actor].is_off {
            let refused = self.chance.percent(30);
            let delay = self.chance.millis(1, 20);
            return if refused { Fate::Undeliverable(delay) } else { Fate::OnItsWay };
        }
        let road = Road::Datagram;
        for at in self.arrivals(actor) {
            self.agenda.note(at, Event::ToActor { actor, octets: octets.clone(), road });
        }
        Fate::OnItsWay
    }

    /// The agent sends something on a stream.
    pub fn send_stream(&mut self, connection: u64, octets: Bytes) -> Fate {
        let delay = self.chance.millis(1, self.weather.delay_max);
        match self.connections.get_mut(&connection) {
            Some(known) if known.state == Stream::Open => {
                known.to_actor_at = known.to_actor_at.max(self.now + delay);
                let (at, actor) = (known.to_actor_at, known.actor);
                let road = Road::Stream(connection);
                self.agenda.note(at, Event::ToActor { actor, octets, road });
                Fate::OnItsWay
            }
            Some(known) if known.state == Stream::Dead => Fate::OnItsWay,
            _ => Fate::Undeliverable(Duration::ZERO),
        }
    }

    /// The agent sends something by a stream that may have to be opened first.
    pub fn dial(&mut self, to: SocketAddr, octets: Bytes) -> Fate {
        let found = self.actor_at(to.ip()).filter(|&actor| {
            let socket = &self.sockets[actor];
            socket.takes_streams && !socket.is_off && socket.cut_until <= self.now
        });
        let Some(actor) = found else {
            return Fate::Undeliverable(self.chance.millis(1, 900));
        };
        let open = self
            .connections
            .iter()
            .find(|(_, known)| known.peer == to && known.state == Stream::Open)
            .map(|(&connection, _)| connection);
        let connection = open.unwrap_or_else(|| self.open(actor, to));
        self.send_stream(connection, octets)
    }

    /// The stream an input came by, if it still stands for the agent.
    pub fn delivers(&self, flow: &Flow) -> bool {
        match flow {
            Flow::Udp { .. } => true,
            Flow::Stream { connection, .. } => {
                self.connections.get(&connection.0).is_some_and(|known| known.state == Stream::Open)
            }
        }
    }

    /// When the copies of one datagram arrive: none, one or two.
    fn arrivals(&mut self, actor: usize) -> Vec<Moment> {
        if self.sockets[actor].cut_until > self.now || self.sockets[actor].is_off {
            return Vec::new();
        }
        let Weather { loss_percent, double_percent, delay_max } = self.weather;
        let copies = 1 + usize::from(self.chance.percent(double_percent));
        (0..copies)
            .filter_map(|_| {
                let at = self.now + self.chance.millis(1, delay_max);
                (!self.chance.percent(loss_percent)).then_some(at)
            })
            .collect()
    }

    fn actor_at(&self, ip: IpAddr) -> Option<usize> {
        self.sockets.iter().position(|socket| socket.address.ip() == ip)
    }
}

fn stream_of(connection: u64, peer: SocketAddr) -> Flow {
    Flow::Stream {
        transport: Transport::Tcp,
        listener: ListenerId(1),
        connection: ConnectionId(connection),
        peer,
    }
}
