//! The agent: shards, the store beneath them, messages that wait for it, and the end of it all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanal::auth::{TrustedPeers, Users};
use fanal::base::flow::{Flow, Transport};
use fanal::base::mint::Secret;
use fanal::base::time::{Moment, Now, Wall};
use fanal::policy::Verdict;
use fanal::policy::rules::Rule;
use fanal::shard::config::Authentication;
use fanal::shard::served::Served;
use fanal::shard::{Change, Config, Door, Founding, Record, RecordKey, Shard, steer};
use fanal::sip::Message;
use fanal::transaction::{Ticket, Transmit};

use super::chance::Chance;
use super::ledger::{AWAY, UNDECIDED};

/// The agent's address.
pub const AGENT: &str = "192.0.2.1:5060";

/// The secret of the installation.
const SECRET: Secret = Secret::new([7; 16]);

/// One shard and what waits around it.
pub struct Desk {
    pub shard: Shard,
    pub inbox: Vec<(Message, Bytes, Flow)>,
    /// Messages that wait for their ticket, in order.
    pub held: VecDeque<Transmit>,
    pub kept: Ticket,
    /// When it takes its next turn because of what is in the inbox.
    pub turn_at: Option<Moment>,
    /// When its shard wants to be called.
    pub deadline: Option<Moment>,
}

/// The whole process.
pub struct Agent {
    pub life: u32,
    pub desks: Vec<Desk>,
    pub store: Store,
    served: Served,
    config: Arc<Config>,
    started: Moment,
}

/// What is kept, and what is on its way to be.
#[derive(Default)]
pub struct Store {
    pub records: BTreeMap<RecordKey, Record>,
    pub queue: VecDeque<(usize, Ticket, Vec<Change>)>,
    pub is_busy: bool,
}

/// The civil time at the world's beginning.
const BEGINNING: Wall = Wall::from_unix_millis(1_772_444_467_000);

/// What the wall clock shows.
pub fn wall(now: Moment) -> Wall {
    BEGINNING + Duration::from_millis(now.as_micros() / 1000)
}

impl Agent {
    pub fn new(has_rules: bool) -> Agent {
        let door = |transport| Door {
            transport,
            local: AGENT.parse().expect("an address"),
            advertise: None,
            primary: None,
            trusted: TrustedPeers::default(),
        };
        let mut config =
            Config { doors: vec![door(Transport::Udp), door(Transport::Tcp)], ..Config::default() };
        config.server.domains = vec!["example.com".to_owned()];
        config.server.auth = Authentication::Off;
        if has_rules {
            let of = |line: &str, verdict| Rule {
                watcher: "*".to_owned(),
                presentity: format!("{line}@example.com"),
                verdict,
            };
            config.policy.rules =
                vec![of(AWAY, Verdict::PoliteBlock), of(UNDECIDED, Verdict::Confirm)];
        }
        Agent {
            life: 0,
            desks: Vec::new(),
            store: Store::default(),
            served: Served::new(&config.server, &config.doors, Arc::new(Users::default())),
            config: Arc::new(config),
            started: Moment::ORIGIN,
        }
    }

    /// Starts over what is kept, with so many shards.
    pub fn boot(&mut self, now: Moment, shards: u64, chance: &mut Chance) {
        // The clock of a process begins where it likes.
        self.started = now - chance.millis(0, 1000);
        self.desks = (0..shards)
            .map(|_| Desk {
                shard: Shard::new(Founding {
                    config: Arc::clone(&self.config),
                    users: Arc::new(Users::default()),
                    secret: SECRET,
                    seed: chance.octets(),
                }),
                inbox: Vec::new(),
                held: VecDeque::new(),
                kept: Ticket::default(),
                turn_at: Some(now),
                deadline: None,
            })
            .collect();
        let now = self.now(now);
        let mut records: Vec<Record> = self.store.records.values().cloned().collect();
        chance.shuffle(&mut records);
        for record in records {
            let home = SECRET.home(record.aor()).shard(self.desks.len());
            self.desks[home].shard.restore(now, record);
        }
        self.desks.iter_mut().for_each(|desk| desk.shard.restored(now));
    }

    /// Stops without a word: what was not kept is gone.
    pub fn crash(&mut self) {
        self.life += 1;
        self.desks.clear();
        self.store.queue.clear();
        self.store.is_busy = false;
    }

    pub fn is_up(&self) -> bool {
        !self.desks.is_empty()
    }

    /// The clock reading of this process.
    pub fn now(&self, now: Moment) -> Now {
        Now { instant: Moment::ORIGIN + now.since(self.started), wall: wall(now) }
    }

    /// The world's time for one of this process.
    pub fn outside(&self, at: Moment) -> Moment {
        self.started + at.since(Moment::ORIGIN)
    }

    /// The shard a message is at home in; any, if nothing of ours is meant.
    pub fn home(&self, message: &Message, chance: &mut Chance) -> usize {
        match steer::home(message, &SECRET, &self.served) {
            Some(home) => home.shard(self.desks.len()),
            None => chance.below(self.desks.len() as u64) as usize,
        }
    }

    /// Which shard does something next because of its inbox or its alarms, and when.
    pub fn next_turn(&self) -> Option<(Moment, usize)> {
        let turns = self.desks.iter().enumerate().filter_map(|(place, desk)| {
            [desk.turn_at, desk.deadline].into_iter().flatten().min().map(|at| (at, place))
        });
        turns.min()
    }
}

impl Store {
    /// Keeps everything given so far; returns the last ticket of each shard.
    pub fn keep(&mut self) -> BTreeMap<usize, Ticket> {
        self.is_busy = false;
        let mut tickets = BTreeMap::new();
        while let Some((shard, ticket, changes)) = self.queue.pop_front() {
            changes.into_iter().for_each(|change| self.apply(change));
            tickets.insert(shard, ticket);
        }
        tickets
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Put(record) => {
                self.records.insert(record.key(), record);
            }
            Change::Remove(key) => {
                self.records.remove(&key);
            }
            Change::Lease { key, tag, until } => {
                if let Some(Record::Publication(record)) = self.records.get_mut(&key) {
                    record.tag = tag;
                    record.until = until;
                }
            }
            Change::Renew { key, until, remote } => {
                if let Some(Record::Subscription(record)) = self.records.get_mut(&key) {
                    record.until = until;
                    record.dialog.remote_cseq = remote;
                }
            }
            Change::Reserve { key, cseq, version } => {
                if let Some(Record::Subscription(record)) = self.records.get_mut(&key) {
                    record.dialog.cseq = cseq;
                    record.version = version;
                }
            }
        }
    }
}
