//! The office: phones, a console at the reception and a PBX over real sockets, one task for all.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver as Changes, Sender as ChangeSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rsip::Transport;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::draft::Account;
use super::lamp::{Lamp, Seen};
use super::pbx::{Mark, Pbx};
use super::phone::{News, Package, Phone};
use super::report::{Change, Latencies, Line, Scene, Summary};
use super::script::{self, Event, PEOPLE, Script, extension};
use super::wire::{Arrival, Wire};

/// Colleagues each phone has lamps for. Sixteen keys are what a common desk phone has; half of
/// them for lamps.
const LAMPS_PER_PHONE: usize = 8;

/// Colleagues whose presence each phone watches.
const PRESENCES_PER_PHONE: usize = 3;

/// Every so many phones one speaks TCP, and so does the console.
const STREAM_EVERY: usize = 4;

/// How often the office looks at its clock.
const TICK: Duration = Duration::from_millis(50);

/// How often figures are taken anew.
const FIGURES_EVERY: Duration = Duration::from_millis(500);

/// How long a lamp may lag behind before it counts as wrong: the pace of the dialog package is
/// one NOTIFY a second, after a burst.
const SETTLE: Duration = Duration::from_millis(2500);

/// How long the office waits for all lamps before the first call.
const OPENING_MAX: Duration = Duration::from_secs(3);

/// Messages that wait to be looked at; beyond it the sockets hold them.
const ARRIVALS_MAX: usize = 1024;

/// The same day every time; people like to point at what comes next.
const SEED: u64 = 7;

/// Where the agent is.
#[derive(Clone, Copy, Debug)]
pub struct Agent {
    /// By datagrams.
    pub udp: SocketAddr,
    /// By streams, if it takes any.
    pub tcp: Option<SocketAddr>,
}

/// An office at work on a thread of its own.
pub struct Office {
    scene: Arc<Mutex<Scene>>,
    changes: Changes<Change>,
    stop: Option<oneshot::Sender<()>>,
    thread: JoinHandle<Summary>,
}

impl Office {
    /// Opens the sockets and begins the day.
    pub fn open(agent: Agent) -> io::Result<Office> {
        let began = Instant::now();
        let scene = Arc::new(Mutex::new(Scene::new(began)));
        let (change, changes) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let floor = runtime.block_on(Floor::furnish(agent, Arc::clone(&scene), change))?;
        let thread = thread::Builder::new()
            .name("office".to_owned())
            .spawn(move || runtime.block_on(floor.work(stopped)))?;
        Ok(Office { scene, changes, stop: Some(stop), thread })
    }

    /// What there is to be seen now.
    pub fn scene(&self) -> Scene {
        lock(&self.scene).clone()
    }

    /// The next change of a lamp on the console, waiting for it at most this long.
    pub fn change(&self, patience: Duration) -> Option<Change> {
        self.changes.recv_timeout(patience).ok()
    }

    /// Stops the calls, waits until the lamps have settled, and sums up. Changes that nobody has
    /// looked at are handed back with it.
    pub fn close(mut self) -> (Summary, Vec<Change>) {
        // Who is gone has been stopped.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let summary = self.thread.join().expect("the office does not panic");
        (summary, self.changes.try_iter().collect())
    }
}

/// Everything in the office.
struct Floor {
    scene: Arc<Mutex<Scene>>,
    changes: ChangeSender<Change>,
    began: Instant,
    /// The people's phones, then the console.
    phones: Vec<Phone>,
    pbx: Pbx,
    /// The phones', then the PBX's.
    wires: Vec<Wire>,
    arrivals: mpsc::Receiver<Arrival>,
    script: Script,
    /// Since when the calls of a line are what they are.
    true_since: Vec<Instant>,
    /// When the first call began.
    opened: Option<Instant>,
    latencies: Latencies,
}

impl Floor {
    async fn furnish(
        agent: Agent,
        scene: Arc<Mutex<Scene>>,
        changes: ChangeSender<Change>,
    ) -> io::Result<Floor> {
        let began = lock(&scene).began;
        let (into, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let console = PEOPLE.len();
        let (mut wires, mut accounts) = (Vec::new(), Vec::new());
        for device in 0..PEOPLE.len() + 2 {
            let is_stream = device == console || device % STREAM_EVERY == STREAM_EVERY - 1;
            let tcp = agent.tcp.filter(|_| is_stream && device <= console);
            let (wire, at, transport) = match tcp {
                Some(tcp) => (Wire::stream(device, tcp, into.clone()).await?, tcp, Transport::Tcp),
                None => {
                    let wire = Wire::datagrams(device, agent.udp, into.clone()).await?;
                    (wire, agent.udp, Transport::Udp)
                }
            };
            let (user, name) = match PEOPLE.get(device) {
                Some(name) => (extension(device), *name),
                None if device == console => ("100".to_owned(), "Reception"),
                None => ("pbx".to_owned(), "PBX"),
            };
            let (name, own) = (name.to_owned(), wire.own);
            accounts.push(Account { user, name, own, agent: at, transport });
            wires.push(wire);
        }
        let pbx = accounts.pop().expect("the PBX is the last device");
        let mut floor = Floor {
            scene,
            changes,
            began,
            phones: accounts.into_iter().map(Phone::new).collect(),
            pbx: Pbx::new(pbx, (0..PEOPLE.len()).map(extension)),
            wires,
            arrivals,
            script: Script::new(SEED),
            true_since: vec![began; PEOPLE.len()],
            opened: None,
            latencies: Latencies::default(),
        };
        floor.plug_in(began);
        Ok(floor)
    }

    /// Every phone registers, tells its presence and watches its colleagues.
    fn plug_in(&mut self, now: Instant) {
        let console = PEOPLE.len();
        for (own, phone) in self.phones.iter_mut().enumerate() {
            phone.register(now);
            let (lamps, presences) = match own == console {
                true => ((0..PEOPLE.len()).collect(), (0..PEOPLE.len()).collect()),
                false => (next_to(own, LAMPS_PER_PHONE), next_to(own, PRESENCES_PER_PHONE)),
            };
            if own != console {
                phone.publish(now, None);
            }
            for whom in lamps {
                phone.watch(now, Package::Dialog, whom, &extension(whom));
            }
            for whom in presences {
                phone.watch(now, Package::Presence, whom, &extension(whom));
            }
        }
        self.send();
    }

    async fn work(mut self, mut stopped: oneshot::Receiver<()>) -> Summary {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut counted = self.began;
        loop {
            tokio::select! {
                // Messages first: what they are measured by is when they are looked at.
                biased;
                Some(arrival) = self.arrivals.recv() => self.arrived(arrival),
                _ = ticks.tick() => {
                    let now = Instant::now();
                    self.tick(now);
                    self.play(now);
                    if now.saturating_duration_since(counted) >= FIGURES_EVERY {
                        counted = now;
                        self.count(now, SETTLE);
                    }
                }
                _ = &mut stopped => break,
            }
            self.send();
        }
        self.settle().await;
        let figures = lock(&self.scene).figures.clone();
        Summary { lasted: self.began.elapsed(), figures }
    }

    /// No more calls; what is on its way may arrive.
    async fn settle(&mut self) {
        let mut ticks = interval(TICK);
        let until = Instant::now() + SETTLE;
        loop {
            tokio::select! {
                biased;
                Some(arrival) = self.arrivals.recv() => self.arrived(arrival),
                _ = ticks.tick() => self.tick(Instant::now()),
            }
            self.send();
            let now = Instant::now();
            self.count(now, Duration::ZERO);
            let is_settled = {
                let figures = &lock(&self.scene).figures;
                figures.wrong == 0 && figures.lamps_seen == figures.lamps
            };
            if is_settled || now >= until {
                return;
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        let Arrival { device, octets, at } = arrival;
        let Some(octets) = octets else {
            lock(&self.scene).figures.fault(format!("device {device} lost its connection"));
            return;
        };
        match self.phones.get_mut(device) {
            Some(phone) => {
                let news = phone.hear(at, octets);
                self.take_news(at, device, news);
            }
            None => {
                let fault = self.pbx.hear(at, octets);
                fault.into_iter().for_each(|fault| lock(&self.scene).figures.fault(fault));
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        for device in 0..self.phones.len() {
            for news in self.phones[device].tick(now) {
                self.take_news(now, device, Some(news));
            }
        }
        for fault in self.pbx.tick(now) {
            lock(&self.scene).figures.fault(fault);
        }
    }

    /// Lets happen what the script says is due.
    fn play(&mut self, now: Instant) {
        let opened = match self.opened {
            Some(opened) => opened,
            None if self.is_lit() || now >= self.began + OPENING_MAX => {
                self.opened = Some(now);
                lock(&self.scene).is_open = true;
                now
            }
            None => return,
        };
        for event in self.script.step(now.saturating_duration_since(opened)) {
            match event {
                Event::Call(line, call) => {
                    self.true_since[line] = now;
                    // The clock again: what is measured begins when this very PUBLISH leaves.
                    self.pbx.tell(Instant::now(), line, &call);
                    self.send();
                }
                Event::Doing(line, doing) => self.phones[line].publish(now, doing),
            }
        }
    }

    /// Whether every lamp has been told a state.
    fn is_lit(&self) -> bool {
        self.lamps().all(|(_, seen)| seen.is_some())
    }

    /// Every lamp on every phone: whose it is, and what it shows.
    fn lamps(&self) -> impl Iterator<Item = (usize, Option<&Vec<Seen>>)> {
        let watches = self.phones.iter().flat_map(Phone::watches);
        let dialogs = watches.filter(|watch| watch.package == Package::Dialog);
        dialogs.map(|watch| (watch.whom, watch.seen.as_ref()))
    }

    fn take_news(&mut self, at: Instant, device: usize, news: Option<News>) {
        let Some(news) = news else { return };
        let is_console = device == PEOPLE.len();
        let mut scene = lock(&self.scene);
        match news {
            News::Calls { whom, before, now } => {
                scene.figures.notifies += 1;
                for mark in differences(before.as_deref(), &now) {
                    self.latencies.heard(&mark, at);
                }
                let Some(line) = scene.lines.get_mut(whom).filter(|_| is_console) else { return };
                if let Some(change) = line.show(at, whom, &now) {
                    scene.figures.changes += u64::from(before.is_some());
                    let at = at.saturating_duration_since(self.began);
                    // Nobody may be looking.
                    let _ = self.changes.send(Change { at, ..change });
                }
            }
            News::Doing { whom, note } => {
                scene.figures.notifies += 1;
                if let Some(line) = scene.lines.get_mut(whom).filter(|_| is_console) {
                    line.doing = note;
                }
            }
            News::Fault(what) => {
                let who = extension(device);
                scene.figures.fault(if is_console { what } else { format!("{who}: {what}") });
            }
        }
    }

    fn send(&mut self) {
        for (phone, wire) in self.phones.iter_mut().zip(&self.wires) {
            phone.take().into_iter().for_each(|octets| wire.send(octets));
        }
        for (mark, at) in self.pbx.take_told() {
            self.latencies.told(mark, at);
        }
        if let Some(wire) = self.wires.last() {
            self.pbx.take().into_iter().for_each(|octets| wire.send(octets));
        }
    }

    /// Takes the figures; lamps of lines that changed within `grace` are not judged yet.
    fn count(&self, now: Instant, grace: Duration) {
        let is_judged = |line: usize| {
            let since = self.true_since.get(line);
            since.is_none_or(|since| now.saturating_duration_since(*since) >= grace)
        };
        let (mut lamps, mut lamps_seen, mut wrong) = (0, 0, 0);
        for (line, seen) in self.lamps() {
            lamps += 1;
            lamps_seen += usize::from(seen.is_some());
            let is_right = seen.is_some_and(|seen| is_true(seen, self.script.call(line)));
            wrong += usize::from(!is_right && is_judged(line) && self.opened.is_some());
        }
        let watches = self.phones.iter().map(|phone| phone.watches().len()).sum::<usize>();
        let percentiles = self.latencies.percentiles();
        let figures = &mut lock(&self.scene).figures;
        (figures.lamps, figures.lamps_seen, figures.wrong) = (lamps, lamps_seen, wrong);
        figures.phones = self.phones.len();
        figures.presences = watches - lamps;
        figures.publishes = self.pbx.published();
        figures.p50 = percentiles.map(|(p50, _)| p50);
        figures.p99 = percentiles.map(|(_, p99)| p99);
    }
}

impl Line {
    /// Shows the calls of a line; the change if there is one to be seen.
    fn show(&mut self, now: Instant, line: usize, calls: &[Seen]) -> Option<Change> {
        let first = calls.iter().max_by_key(|call| call.lamp);
        let lamp = first.map_or(Lamp::Idle, |call| call.lamp);
        let with = first.and_then(|call| call.with.clone());
        if self.lamp == Some(lamp) && self.with == with {
            return None;
        }
        (self.lamp, self.with, self.since) = (Some(lamp), with.clone(), now);
        Some(Change { at: Duration::ZERO, line, lamp, with })
    }
}

/// The states of calls of the office that one view has and the one before had not.
fn differences(before: Option<&[Seen]>, now: &[Seen]) -> Vec<Mark> {
    // What a first view shows is older than the subscription.
    let Some(before) = before else { return Vec::new() };
    let new = now.iter().filter(|call| {
        before.iter().all(|old| (&old.call_id, old.lamp) != (&call.call_id, call.lamp))
    });
    let over = before.iter().filter(|old| now.iter().all(|call| call.call_id != old.call_id));
    let new = new.map(|call| Mark { call_id: call.call_id.clone(), lamp: call.lamp });
    let over = over.map(|call| Mark { call_id: call.call_id.clone(), lamp: Lamp::Idle });
    new.chain(over).collect()
}

/// Whether a lamp shows what the office does; calls of others are none of its business.
fn is_true(seen: &[Seen], call: Option<&script::Call>) -> bool {
    let mut own = seen.iter().filter(|call| script::is_of_office(&call.call_id));
    match (own.next(), call) {
        (None, None) => true,
        (Some(seen), Some(call)) => {
            seen.call_id == call.call_id && seen.lamp == call.lamp && own.next().is_none()
        }
        _ => false,
    }
}

/// The colleagues at the next desks, round the office.
fn next_to(own: usize, count: usize) -> Vec<usize> {
    (1..=count).map(|step| (own + step) % PEOPLE.len()).collect()
}

fn lock(scene: &Mutex<Scene>) -> MutexGuard<'_, Scene> {
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::script::{End, Party};

    fn seen(call_id: &str, lamp: Lamp) -> Seen {
        Seen { call_id: call_id.to_owned(), lamp, with: None }
    }

    fn call(lamp: Lamp) -> script::Call {
        script::Call {
            call_id: "1@office.invalid".to_owned(),
            lamp,
            is_outgoing: false,
            with: Party { user: "102".to_owned(), name: "Ben".to_owned() },
            end: End::Here,
        }
    }

    #[test]
    fn a_lamp_is_wrong_when_it_shows_another_call_or_state() {
        let own = "1@office.invalid";
        assert!(is_true(&[], None));
        assert!(is_true(&[seen(own, Lamp::Busy)], Some(&call(Lamp::Busy))));
        assert!(!is_true(&[seen(own, Lamp::Busy)], Some(&call(Lamp::Held))));
        assert!(!is_true(&[seen(own, Lamp::Busy)], None));
        assert!(!is_true(&[], Some(&call(Lamp::Busy))));
        assert!(!is_true(&[seen("2@office.invalid", Lamp::Busy)], Some(&call(Lamp::Busy))));
    }

    #[test]
    fn calls_of_others_make_no_lamp_wrong() {
        assert!(is_true(&[seen("x@shell", Lamp::Ringing)], None));
        let both = [seen("x@shell", Lamp::Ringing), seen("1@office.invalid", Lamp::Held)];
        assert!(is_true(&both, Some(&call(Lamp::Held))));
    }

    #[test]
    fn a_view_differs_by_what_is_new_and_what_is_over() {
        let marks = |before: Option<&[Seen]>, now: &[Seen]| -> Vec<(String, Lamp)> {
            let marks = differences(before, now).into_iter();
            marks.map(|mark| (mark.call_id, mark.lamp)).collect()
        };
        assert_eq!(marks(None, &[seen("1", Lamp::Busy)]), []);
        let before = [seen("1", Lamp::Ringing), seen("2", Lamp::Busy)];
        let now = [seen("1", Lamp::Busy)];
        let expected = [("1".to_owned(), Lamp::Busy), ("2".to_owned(), Lamp::Idle)];
        assert_eq!(marks(Some(&before), &now), expected);
    }

    #[test]
    fn colleagues_sit_round_the_office() {
        assert_eq!(next_to(22, 3), [23, 0, 1]);
    }
}
