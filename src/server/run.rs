//! Builds the house and opens its doors.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rand_core::{OsRng, TryRngCore};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tracing::{info, warn};

use super::calendars::Calendars;
use super::clock::Clock;
use super::desk::{self, Desk, Furniture, Slot};
pub use super::drain::Stopper;
use super::drain::{self, Works};
use super::found;
use super::gauges::Gauges;
use super::ledger::Ledger;
use super::pulse::Pulse;
use super::rulebook::Rulebook;
use super::switchboard::Switchboard;
use crate::auth::Users;
use crate::base::counters::Counters;
use crate::base::flow::{ListenerId, Transport};
use crate::base::limits::SHARDS_MAX;
use crate::base::mint::Secret;
use crate::shard::config::Authentication;
use crate::shard::served::Served;
use crate::shard::{self, Door, Fault, Founding, Input, Record, Shard};
use crate::store::keeper::{self, Keeper, Writing};
use crate::transport::bind::{self, Opened, Socketed};
use crate::transport::inbox::{Inbox, Takings, inbox};
use crate::transport::{ConnectionLimits, Listen, Names, Notice, Steering, Streams};
use crate::{calendar, http, store, transport};

/// What a process ends with after a defect (`EX_SOFTWARE`), so that it is started anew.
pub const EXIT_DEFECT: i32 = 70;

/// How often it is said that nobody is asked who they are.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// How long the store is given after a defect.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// How long a look into a shard may take.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// How the work is spread.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many shards, each a thread; 0: as many as there are cores.
    pub shards: usize,
}

impl Config {
    /// What is wrong with these settings, naming the key.
    pub fn check(&self) -> Result<(), String> {
        match self.shards > SHARDS_MAX {
            true => Err(format!("server.shards is above {SHARDS_MAX}")),
            false => Ok(()),
        }
    }

    fn shards(&self) -> usize {
        match self.shards {
            0 => thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX),
            shards => shards,
        }
    }
}

/// Everything the agent is started with.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The agent proper; its doors are filled in when they are open.
    pub agent: shard::Config,
    /// Where to listen.
    pub transport: transport::Config,
    /// Where state is kept.
    pub store: store::Config,
    /// How the work is spread.
    pub run: Config,
    /// The HTTP side; `None`: there is none.
    pub http: Option<http::Config>,
    /// Calendars that are fetched, and hours that recur.
    pub calendar: calendar::Config,
    /// The users who may prove who they are.
    pub users: Arc<Users>,
}

/// A running agent. Dropped, it stops.
pub struct Running {
    listeners: Vec<(Transport, SocketAddr)>,
    inboxes: Vec<Arc<Inbox>>,
    ledger: Arc<Ledger>,
    works: Works,
    doors: Vec<Door>,
    /// Whether nobody is asked who they are.
    is_open_to_all: Arc<AtomicBool>,
    http: Option<SocketAddr>,
    calendars: Option<calendar::Keeper>,
    live: Option<http::api::Live>,
    rulebook: Arc<Rulebook>,
}

/// The HTTP side before it is served: a port that is taken is told before anything else begins.
struct Opening {
    config: http::Config,
    listener: TcpListener,
    address: SocketAddr,
}

impl Opening {
    fn of(config: http::Config) -> Result<Option<Opening>, Fault> {
        config.check().map_err(|what| Fault { what })?;
        let Some(address) = config.address().map_err(|what| Fault { what })? else {
            return Ok(None);
        };
        let listener = http::bind(address)?;
        let address = listener.local_addr().unwrap_or(address);
        Ok(Some(Opening { config, listener, address }))
    }
}

/// Opens the doors, finds what was kept, starts the shards. Returns when all of them work.
pub fn start(launch: Launch) -> Result<Running, Fault> {
    let Launch { mut agent, transport, store, run, http, calendar, users } = launch;
    run.check().map_err(|what| Fault { what })?;
    let clock = Clock::start();
    let shards = run.shards();
    let opened = bind::open(&transport, shards)?;
    let http = http.map(Opening::of).transpose()?.flatten();
    agent.doors = opened.iter().map(|opened| opened.door.clone()).collect();
    let mut kept = store::open(&store)?;
    let secret = kept.secret();
    let granted =
        [agent.presentity.expires_max, agent.notifier.expires_max, agent.registrar.expires_max];
    let longest = granted.into_iter().max().unwrap_or_default();
    let records = found::load(&mut kept, clock.read().wall, longest, shards)?;
    let runtime = runtime()?;
    let mut house = House::build(&agent, secret, &users, shards, transport.limits(), &runtime)?;
    let inboxes = house.inboxes.clone();
    let wake = inboxes.clone();
    let tell = move |shard: usize| wake.get(shard).into_iter().for_each(|inbox| inbox.wake());
    let (keepers, writing) = keeper::start(&store, kept, shards, tell)?;
    let writing = Arc::new(writing);
    let connections = house.place(opened);

    let listeners: Vec<_> = agent.doors.iter().map(|door| (door.transport, door.local)).collect();
    let ledger = Arc::new(Ledger::new(shards, Arc::clone(&house.streams), &listeners));
    let book = agent.book.clone();
    let rulebook = Arc::new(Rulebook::new(&agent.policy, book, inboxes.clone()));
    let agent = Arc::new(agent);
    let mut running = Running {
        listeners,
        inboxes,
        ledger,
        works: Works { threads: Vec::new(), writing: Arc::clone(&writing), runtime: Some(runtime) },
        doors: agent.doors.clone(),
        is_open_to_all: Arc::new(AtomicBool::new(is_open_to_all(&agent))),
        http: None,
        calendars: None,
        live: None,
        rulebook,
    };
    let (ready, readies) = channel();
    for (index, (keeper, records)) in keepers.into_iter().zip(records).enumerate() {
        let founding = Founding {
            config: Arc::clone(&agent),
            users: Arc::clone(&users),
            secret,
            seed: seed()?,
        };
        let slot = Arc::clone(&running.ledger.slots[index]);
        let furniture = house.furniture(index, clock, keeper, slot);
        let beginning = Beginning { founding, records, furniture, ready: ready.clone() };
        let writing = Arc::clone(&writing);
        let thread = thread::Builder::new().name(format!("shard {index}"));
        let thread = thread.spawn(move || beginning.work(&writing));
        running.works.threads.push(thread.map_err(|fault| no_thread(&fault))?);
    }
    drop(ready);
    all_ready(&readies, shards)?;
    for (listener, socket) in connections {
        let listening = running.ledger.streams.listen(listener, socket);
        listening.map_err(|fault| Fault { what: format!("cannot listen: {fault}") })?;
    }
    if let Some(runtime) = &running.works.runtime {
        let switchboard = Arc::new(Switchboard {
            secret,
            served: Served::new(&agent.server, &agent.doors, Arc::clone(&users)),
            inboxes: running.inboxes.clone(),
            ledger: Arc::clone(&running.ledger),
            clock,
            rulebook: Arc::clone(&running.rulebook),
        });
        if let Some(Opening { config, listener, address }) = http {
            let (api, live) = http::api::router(Arc::clone(&switchboard) as Arc<_>, &config);
            running.live = Some(live);
            runtime.spawn(http::serve(listener, api));
            running.http = Some(address);
            info!(event = "http_listening", %address, tokens = config.tokens.len());
        }
        let calendars = Arc::new(Calendars(switchboard));
        running.calendars = Some(calendar::Keeper::start(runtime.handle(), calendars, calendar));
        runtime.spawn(remind(Arc::clone(&running.is_open_to_all)));
    }
    for (transport, address) in &running.listeners {
        info!(event = "listening", %transport, %address);
    }
    Ok(running)
}

impl Running {
    /// What is listened on, ports filled in, in the order of the settings.
    pub fn listeners(&self) -> &[(Transport, SocketAddr)] {
        &self.listeners
    }

    /// Where the HTTP side listens, if there is one.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// What happened so far, at most a second ago, all shards together.
    pub fn counters(&self) -> Counters {
        self.ledger.counters()
    }

    /// What there is now, all shards together. Each is asked between two turns; one that does
    /// not answer in time is left out.
    pub fn gauges(&self) -> Gauges {
        let mut sum = Gauges::default();
        for gauges in self.look(Gauges::of) {
            sum.add(&gauges);
        }
        sum.waiting = self.inboxes.iter().map(|inbox| inbox.waiting()).sum();
        sum.connections = self.ledger.streams.len();
        sum
    }

    /// Looks into every shard between two turns.
    pub fn look<T: Send + 'static>(
        &self,
        at: impl Fn(&Shard) -> T + Send + Sync + 'static,
    ) -> Vec<T> {
        let at = Arc::new(at);
        let (found, all) = channel();
        for inbox in &self.inboxes {
            let (found, at) = (found.clone(), Arc::clone(&at));
            inbox.tell(Notice::Look(Box::new(move |shard| {
                // Who stopped waiting needs no answer.
                let _ = found.send(at(shard));
            })));
        }
        drop(found);
        std::iter::from_fn(|| all.recv_timeout(LOOK_MAX).ok()).collect()
    }

    /// Replaces the set of users.
    pub fn replace_users(&self, users: Arc<Users>) {
        for inbox in &self.inboxes {
            inbox.tell(Notice::Input(Input::Users(Arc::clone(&users))));
        }
    }

    /// Takes other settings over: those of the agent, whom the doors trust, and the users. What
    /// the start was built on must be the same; no subscription is lost. True if every shard has
    /// taken them over by now; one that is slow takes them over before its next message.
    pub fn adopt(&self, launch: &Launch) -> bool {
        let mut agent = launch.agent.clone();
        agent.doors = trusting(&self.doors, &launch.transport);
        self.is_open_to_all.store(is_open_to_all(&agent), Ordering::Relaxed);
        self.rulebook.replaced(&agent.policy, agent.book.clone());
        if let (Some(live), Some(config)) = (&self.live, &launch.http) {
            live.replace(config);
        }
        let config = Arc::new(agent);
        for inbox in &self.inboxes {
            let (config, users) = (Arc::clone(&config), Arc::clone(&launch.users));
            inbox.tell(Notice::Input(Input::Settings { config, users }));
        }
        let is_adopted = self.pulse().ask(LOOK_MAX, |_| ()).is_some();
        // Who is new to the shards is known there by now.
        if let Some(calendars) = &self.calendars {
            calendars.adopt(launch.calendar.clone());
        }
        is_adopted
    }

    /// The rules of persons. Who reads them anew from the disk has the turn until [`Running::adopt`]
    /// returns, so that nothing put in place meanwhile is lost.
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// What stops this agent from elsewhere, such as the handler of a signal.
    pub fn stopper(&self) -> Stopper {
        Stopper::new(self.inboxes.clone())
    }

    /// What tells whether every shard turns, from elsewhere.
    pub fn pulse(&self) -> Pulse {
        Pulse::new(self.inboxes.clone())
    }

    /// Refuses what is new, waits for at most `patience` until every watcher who answers knows the
    /// newest state, and stops. True if they all do.
    pub fn drain(self, patience: Duration) -> bool {
        for inbox in &self.inboxes {
            inbox.tell(Notice::Input(Input::Drain));
        }
        let is_settled = drain::wait_until_settled(&self.pulse(), patience);
        self.stop();
        is_settled
    }

    /// Finishes the turns, keeps what is to be kept, closes the doors.
    pub fn stop(self) {
        drop(self);
    }

    /// Waits until somebody stops it.
    pub fn wait(mut self) {
        self.works.finish();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper().stop();
        self.works.finish();
    }
}

/// What all desks share, and what each will have of its own.
struct House {
    inboxes: Vec<Arc<Inbox>>,
    takings: Vec<Option<Takings>>,
    steering: Arc<Steering>,
    streams: Arc<Streams>,
    names: Arc<Names>,
    /// By shard, then by listener.
    sockets: Vec<Vec<Option<UdpSocket>>>,
}

impl House {
    fn build(
        agent: &shard::Config,
        secret: Secret,
        users: &Arc<Users>,
        shards: usize,
        limits: ConnectionLimits,
        runtime: &Runtime,
    ) -> Result<House, Fault> {
        let (mut inboxes, mut takings) = (Vec::new(), Vec::new());
        for _ in 0..shards {
            let pair = inbox().map_err(|fault| Fault { what: format!("no pipe: {fault}") })?;
            inboxes.push(Arc::new(pair.0));
            takings.push(Some(pair.1));
        }
        let served = Served::new(&agent.server, &agent.doors, Arc::clone(users));
        let steering = Arc::new(Steering::new(secret, served, inboxes.clone()));
        let doors = agent.doors.clone();
        let names = Names::new(transports(&doors), Arc::clone(&steering), runtime.handle().clone());
        let streams = Streams::new(Arc::clone(&steering), doors, limits, runtime.handle().clone());
        let sockets = (0..shards).map(|_| Vec::new()).collect();
        Ok(House { inboxes, takings, steering, streams, names, sockets })
    }

    /// Puts every datagram socket where it is read; gives back those that accept connections.
    fn place(&mut self, opened: Vec<Opened>) -> Vec<(ListenerId, TcpListener)> {
        let mut connections = Vec::new();
        for (listener, Opened { sockets, .. }) in (0..).map(ListenerId).zip(opened) {
            match sockets {
                Socketed::Datagrams(sockets) => {
                    for (desk, socket) in self.sockets.iter_mut().zip(sockets) {
                        desk.push(Some(socket));
                    }
                }
                Socketed::Connections(socket) => {
                    self.sockets.iter_mut().for_each(|desk| desk.push(None));
                    connections.push((listener, socket));
                }
            }
        }
        connections
    }

    fn furniture(&mut self, index: usize, clock: Clock, keeper: Keeper, slot: Slot) -> Furniture {
        Furniture {
            index,
            clock,
            sockets: std::mem::take(&mut self.sockets[index]),
            takings: self.takings[index].take().expect("each desk is furnished once"),
            inbox: Arc::clone(&self.inboxes[index]),
            steering: Arc::clone(&self.steering),
            streams: Arc::clone(&self.streams),
            names: Arc::clone(&self.names),
            keeper,
            slot,
        }
    }
}

/// What a shard's thread begins with.
struct Beginning {
    founding: Founding,
    records: Vec<Record>,
    furniture: Furniture,
    ready: Sender<()>,
}

impl Beginning {
    fn work(self, writing: &Writing) {
        let Beginning { founding, records, furniture, ready } = self;
        let (index, now) = (furniture.index, furniture.clock.read());
        let mut shard = Shard::new(founding);
        for record in records {
            shard.restore(now, record);
        }
        shard.restored(now);
        let mut desk = Desk::new(shard, furniture);
        let _ = ready.send(());
        drop(ready);
        // Nothing of the shard is used after a defect but the message it was handling.
        if panic::catch_unwind(AssertUnwindSafe(|| desk.work())).is_err() {
            desk::report_defect(index, desk.in_hand());
            writing.drain(FLUSH_MAX);
            std::process::exit(EXIT_DEFECT);
        }
    }
}

/// The doors as they are, trusting whom the settings say now. Settings name them in the same
/// order; one that this machine cannot have was left out.
fn trusting(doors: &[Door], transport: &transport::Config) -> Vec<Door> {
    let mut named = transport.listen.iter();
    let trusted = |door: &Door| {
        let is_this = |listen: &&Listen| {
            let Listen { transport, address, .. } = listen;
            let is_any_port = address.port() == 0 && address.ip() == door.local.ip();
            *transport == door.transport && (*address == door.local || is_any_port)
        };
        named.find(is_this).map(|listen| transport.trusted(listen))
    };
    let trusted: Vec<_> = doors.iter().map(trusted).collect();
    let renewed = doors.iter().zip(trusted).map(|(door, trusted)| Door {
        trusted: trusted.unwrap_or_else(|| door.trusted.clone()),
        ..door.clone()
    });
    renewed.collect()
}

/// The transports of these doors, each once, in order.
fn transports(doors: &[Door]) -> Vec<Transport> {
    let mut transports: Vec<Transport> = doors.iter().map(|door| door.transport).collect();
    transports.sort();
    transports.dedup();
    transports
}

/// Whether nobody is asked who they are.
fn is_open_to_all(agent: &shard::Config) -> bool {
    agent.server.auth == Authentication::Off
}

fn seed() -> Result<[u8; 32], Fault> {
    let mut seed = [0; 32];
    OsRng
        .try_fill_bytes(&mut seed)
        .map_err(|fault| Fault { what: format!("the system gives no random numbers: {fault}") })?;
    Ok(seed)
}

fn all_ready(readies: &Receiver<()>, shards: usize) -> Result<(), Fault> {
    match readies.iter().take(shards).count() == shards {
        true => Ok(()),
        false => Err(Fault { what: "a shard could not begin; see the log".to_owned() }),
    }
}

/// The background: connections, names, reminders.
fn runtime() -> Result<Runtime, Fault> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(4);
    Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("edge")
        .enable_all()
        .build()
        .map_err(|fault| no_thread(&fault))
}

fn no_thread(fault: &std::io::Error) -> Fault {
    Fault { what: format!("the system starts no thread: {fault}") }
}

#[expect(clippy::disallowed_methods, reason = "a reminder is no part of the agent proper")]
async fn remind(is_open_to_all: Arc<AtomicBool>) {
    loop {
        if is_open_to_all.load(Ordering::Relaxed) {
            warn!(
                event = "auth_off",
                "nobody is asked who they are (auth.mode = \"off\"); fit for a lab only"
            );
        }
        tokio::time::sleep(REMIND_EVERY).await;
    }
}
