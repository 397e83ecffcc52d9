//! The shard: owns presentities, their watchers and dialogs, and does one thing at a time.
//!
//! The contract, kept here and nowhere else: any number of [`Shard::handle`], one
//! [`Shard::tick`], one [`Shard::settle`], then [`Shard::poll`] until `None`, then sleep until
//! [`Shard::deadline`]. A shard opens no socket, reads no clock and draws no randomness: what
//! goes in decides what comes out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::auth::{self, Digest, Strangers, Users};
use crate::base::alarms::Alarms;
use crate::base::counters::Counters;
use crate::base::identity::Aor;
use crate::base::mint::{Mint, Secret};
use crate::base::time::{Moment, Now};
use crate::doc::filter::Salt;
use crate::event::Pace;
use crate::event::dialog::Dialog;
use crate::event::presence::Presence;
use crate::event::registry::{self, PackageId, Registry};
use crate::event::retention::Retention;
use crate::event::status::settings::InForce;
use crate::notifier::notify::Pen;
use crate::notifier::{Notifier, PresentityId};
use crate::policy::{Book, Pool, Rules};
use crate::transaction::{Clients, Servers, Ticket, Transmit};

mod adopt;
mod answer;
pub mod config;
mod devices;
pub mod doors;
mod drain;
mod exchange;
mod feature;
pub mod inquiry;
mod inspect;
mod judge;
mod lamp;
mod locate;
mod options;
pub mod ports;
mod privacy;
mod publish;
pub mod record;
mod register;
mod restore;
mod said;
mod seat;
pub mod served;
mod settle;
pub mod steer;
mod subscribe;
mod why;
mod winfo;

pub use config::{Config, Door};
pub use inquiry::{Answer, Asked, Demand};
pub use inspect::WatcherView;
pub use ports::{Fault, Input, Output, Question, Store};
pub use record::{Change, Record, RecordKey};

use answer::Notifying;
use devices::Devices;
use doors::Doors;
use locate::Names;
use said::AllSaid;
use seat::Seats;
use served::Served;

/// The owner of some AoRs and of everything known about them.
pub struct Shard {
    config: Arc<Config>,
    registry: Registry,
    doors: Doors,
    served: Served,
    /// What decisions are made by.
    book: Arc<Book>,
    /// How long places are kept.
    retention: Arc<Retention>,
    /// How statuses are composed.
    status: Arc<InForce>,
    /// What watchers may see, the same for all who may see the same.
    pool: Pool,
    /// Presentities somebody waits for whose subscription is over.
    waited_for: usize,
    /// The package that knows what rules may depend on.
    person: PackageId,
    digest: Digest,
    strangers: Strangers,
    secret: Secret,
    mint: Mint,
    servers: Servers,
    clients: Clients<Notifying>,
    notifier: Notifier,
    /// How often each package may tell, by its place in the registry.
    paces: Vec<Pace>,
    pen: Pen,
    seats: Seats,
    names: Names,
    said: AllSaid,
    devices: Devices,
    /// What rings for a presentity: a publication or binding ends, a call waits too long.
    alarms: Alarms<PresentityId>,
    /// Changes of this turn, and the number of the batch they will be.
    changes: Vec<Change>,
    ticket: Ticket,
    out: Vec<Transmit>,
    ready: VecDeque<Output>,
    store_is_well: bool,
    is_draining: bool,
    counters: Counters,
}

/// What a shard needs to begin with.
pub struct Founding {
    /// The settings.
    pub config: Arc<Config>,
    /// The users who may prove who they are.
    pub users: Arc<Users>,
    /// The secret of this installation.
    pub secret: Secret,
    /// Random octets of this shard's own.
    pub seed: [u8; 32],
}

impl Shard {
    /// An empty shard.
    pub fn new(founding: Founding) -> Shard {
        let Founding { config, users, secret, seed } = founding;
        let mut mint = Mint::new(seed);
        let hash =
            ahash::RandomState::with_seeds(mint.bits(), mint.bits(), mint.bits(), mint.bits());
        let served = Served::new(&config.server, &config.doors, Arc::clone(&users));
        let retention = Arc::new(Retention::default());
        let status = Arc::new(InForce::new(Arc::new(config.status.clone())));
        let book = book(&config);
        retention.set(book.retain());
        let registry = registry::agent(
            // Ids of calls stay as opaque, and the same, whoever was told them before a restart.
            Dialog { pre_answer_max: config.presentity.pre_answer_max, salt: salt(secret) },
            Presence { settings: Arc::clone(&status), retention: Arc::clone(&retention) },
        );
        let digest = digest_config(&config, &served);
        let origin = (secret.hash(&[b"origin", &seed]) >> 32) as u32;
        Shard {
            paces: paces(&config, &registry),
            pen: Pen::default(),
            doors: Doors::new(&config.doors),
            book,
            retention,
            status,
            pool: Pool::default(),
            waited_for: 0,
            person: registry.stored("presence").expect("every agent has it"),
            strangers: Strangers::new(&digest, secret),
            digest: Digest::new(digest, secret, origin, users),
            servers: Servers::new(secret),
            clients: Clients::default(),
            notifier: Notifier::new(hash.clone()),
            seats: Seats::new(hash),
            names: Names::default(),
            registry,
            said: AllSaid::default(),
            devices: Devices::new(&config.status),
            alarms: Alarms::default(),
            changes: Vec::new(),
            ticket: Ticket::default(),
            out: Vec::new(),
            ready: VecDeque::new(),
            store_is_well: true,
            is_draining: false,
            counters: Counters::default(),
            served,
            secret,
            mint,
            config,
        }
    }

    /// Takes something that happened outside.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Message { message, flow } => self.message(now, message, flow),
            Input::Undeliverable(key) => {
                if let Some(ended) = self.clients.undeliverable(key) {
                    self.notify_ended(now, ended);
                }
            }
            Input::Resolved { question, targets, fresh_for } => {
                for id in self.names.answered(now.instant, question, targets, fresh_for) {
                    self.notifier.queue(id);
                }
            }
            Input::StoreHealth(well) => self.store_is_well = well,
            Input::Drain => self.drain(),
            Input::Asked(asked) => self.asked(now, *asked),
            Input::Settings { config, users } => self.adopt(now, config, users),
            Input::Rules { book, of } => self.adopt_rules(now, book, &of),
            Input::Users(users) => {
                self.served.replace_users(Arc::clone(&users));
                self.digest.replace_users(users);
            }
        }
    }

    /// Does what the time demands: repeats, expiries, probes.
    pub fn tick(&mut self, now: Now) {
        self.servers.tick(now, &mut self.out);
        let mut repeated = 0;
        while let Some(ended) = self.clients.tick(now, &mut self.out, &mut repeated) {
            self.notify_ended(now, ended);
        }
        self.counters.notifies_repeated += repeated;
        while let Some(presentity) = self.alarms.due(now.instant) {
            self.seat_rang(now, presentity);
        }
        while let Some(id) = self.notifier.tick(now) {
            self.subscription_rang(now, id);
        }
    }

    /// What the edge should do next; `None` when that was all.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some(output) = self.ready.pop_front() {
            return Some(output);
        }
        if !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            self.ready.push_back(Output::Persist { ticket: self.ticket, changes });
        }
        self.ready.extend(self.out.drain(..).map(Output::Transmit));
        self.ready.pop_front()
    }

    /// When to call [`Shard::tick`] next, if nothing happens before.
    pub fn deadline(&self) -> Option<Moment> {
        [
            self.servers.deadline(),
            self.clients.deadline(),
            self.notifier.deadline(),
            self.alarms.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What happened so far, counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Notes a change to be kept; messages that depend on it carry the ticket returned.
    fn keep(&mut self, change: Change) -> Ticket {
        if self.changes.is_empty() {
            self.ticket = Ticket(self.ticket.0 + 1);
        }
        self.changes.push(change);
        self.ticket
    }

    /// Where a presentity's state is kept; opened if nobody spoke of it before.
    fn seat(&mut self, aor: &Aor) -> PresentityId {
        let secret = self.secret;
        self.seats.open(aor, || secret.home(aor))
    }
}

/// The settings of digest authentication; a realm that is not named is the first domain.
fn digest_config(config: &Config, served: &Served) -> auth::Config {
    let mut digest = config.digest.clone();
    if digest.realm.is_empty() {
        digest.realm = served.first_domain().to_owned();
    }
    digest
}

/// What decisions are made by: the operator's rules where nothing else was read.
fn book(config: &Config) -> Arc<Book> {
    let plain = || Arc::new(Book::new(Rules::new(&config.policy)));
    config.book.clone().unwrap_or_else(plain)
}

/// What makes ids of calls that only this installation can trace back.
fn salt(secret: Secret) -> Salt {
    let half = |name: &[u8]| u128::from(secret.hash(&[b"call", name]));
    Salt(half(b"one") << 64 | half(b"two"))
}

/// How often each package may tell, by its place in the registry.
fn paces(config: &Config, registry: &Registry) -> Vec<Pace> {
    let pace = |id| {
        let package = registry.package(id);
        config.notifier.pace(package.event(), package.pace())
    };
    registry.every_id().map(pace).collect()
}

/// A response of ours, ready to leave.
fn response(hop: crate::base::flow::Hop, head: Bytes, after: Ticket) -> Transmit {
    Transmit { hop, head, body: Bytes::new(), after, request: None }
}
