//! What is going to happen, in the order of its time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bytes::Bytes;
use fanal::base::flow::Flow;
use fanal::base::time::Moment;
use fanal::transaction::ClientKey;

/// Something that happens.
pub enum Event {
    /// A message reaches the agent.
    ToAgent { octets: Bytes, flow: Flow },
    /// A message reaches somebody in the office.
    ToActor { actor: usize, octets: Bytes, road: Road },
    /// Somebody wanted to be woken.
    Wake { actor: usize, alarm: Alarm },
    /// A stream is found broken by the side that is not the agent.
    HungUp { actor: usize, connection: u64 },
    /// The agent is told that a request of it could not be sent.
    Undeliverable { life: u32, shard: usize, key: ClientKey },
    /// The store has kept everything it was given.
    Kept { life: u32 },
    /// The agent stops without a word.
    Crash,
    /// The agent starts over what it kept.
    Boot,
    /// Somebody looks whether all is well.
    Inspection,
}

/// By which road a message comes or goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Road {
    Datagram,
    Stream(u64),
}

/// What an actor set its alarm for. The number tells one lamp or publication from the other, the
/// generation an alarm that still counts from one that does not.
#[derive(Clone, Debug)]
pub enum Alarm {
    /// A request of ours is to be repeated.
    Repeat(u32),
    /// A late answer is given at last.
    Answer(Bytes, Road),
    /// The next of the one thing: a lamp's SUBSCRIBE, a publication's PUBLISH.
    Due { number: usize, generation: u32 },
    /// The contact is to be registered again.
    Register { generation: u32 },
    /// Something new is to be said, or some mischief done.
    Whim { boot: u32 },
    /// The next step of a call.
    Step { number: usize },
    /// Back after a restart.
    Return { boot: u32 },
}

/// What is going to happen.
#[derive(Default)]
pub struct Agenda {
    order: BinaryHeap<Reverse<(Moment, u64)>>,
    events: BTreeMap<u64, Event>,
    count: u64,
}

impl Agenda {
    /// Something is to happen then; of two things at one moment the one noted first is first.
    pub fn note(&mut self, at: Moment, event: Event) {
        self.count += 1;
        self.order.push(Reverse((at, self.count)));
        self.events.insert(self.count, event);
    }

    /// When the next thing happens.
    pub fn next(&self) -> Option<Moment> {
        self.order.peek().map(|Reverse((at, _))| *at)
    }

    /// The next thing, if it is not later than `now`.
    pub fn take(&mut self, now: Moment) -> Option<Event> {
        self.next().filter(|&at| at <= now)?;
        let Reverse((_, number)) = self.order.pop()?;
        self.events.remove(&number)
    }
}
