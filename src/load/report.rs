//! What the demo shows and sums up: lamps, figures, the time from PUBLISH to NOTIFY.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lamp::Lamp;
use super::pbx::Mark;
use super::script::PEOPLE;

/// Latencies the percentiles are taken of: the last ones, some minutes of a lively office.
const LATENCIES_KEPT: usize = 10_000;

/// How long a NOTIFY about a published state is waited for.
const MARK_LIFE: Duration = Duration::from_secs(60);

/// Faults kept in words; all are counted.
const FAULTS_KEPT: usize = 20;

/// Everything there is to be seen of the office.
#[derive(Clone, Debug)]
pub struct Scene {
    /// When it began.
    pub began: Instant,
    /// The lamps, as the console at the reception shows them.
    pub lines: Vec<Line>,
    /// The figures.
    pub figures: Figures,
    /// Whether every lamp has been seen once.
    pub is_open: bool,
}

/// One lamp.
#[derive(Clone, Debug)]
pub struct Line {
    /// `None` before the first NOTIFY.
    pub lamp: Option<Lamp>,
    /// With whom, if in a call.
    pub with: Option<String>,
    /// Since when.
    pub since: Instant,
    /// What the person does besides, in their own words.
    pub doing: Option<String>,
}

/// A lamp that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Since the beginning.
    pub at: Duration,
    /// The number of the person.
    pub line: usize,
    /// Now.
    pub lamp: Lamp,
    /// With whom.
    pub with: Option<String>,
}

/// Numbers of the demo, as its phones count and measure them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Phones, the console included.
    pub phones: usize,
    /// Lamps on all phones, each a subscription.
    pub lamps: usize,
    /// Of these, lamps that have been told a state.
    pub lamps_seen: usize,
    /// Subscriptions to presence.
    pub presences: usize,
    /// Changes of the console's lamps.
    pub changes: u64,
    /// NOTIFY requests received.
    pub notifies: u64,
    /// PUBLISH requests sent by the PBX.
    pub publishes: u64,
    /// Half of the NOTIFYs came within this time after their PUBLISH.
    pub p50: Option<Duration>,
    /// All but one of a hundred.
    pub p99: Option<Duration>,
    /// Lamps that do not show what the office does, though nothing changed for a while.
    pub wrong: usize,
    /// What else went wrong.
    pub faults: u64,
    /// The first of them.
    pub fault_texts: Vec<String>,
}

/// How it was.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How long it went.
    pub lasted: Duration,
    /// The figures at the end, all lamps settled.
    pub figures: Figures,
}

/// The time from each PUBLISH to its NOTIFYs.
#[derive(Default)]
pub struct Latencies {
    told: HashMap<Mark, Instant>,
    measured: VecDeque<Duration>,
}

impl Scene {
    /// An office that has just begun.
    pub fn new(began: Instant) -> Scene {
        let line = Line { lamp: None, with: None, since: began, doing: None };
        let lines = vec![line; PEOPLE.len()];
        Scene { began, lines, figures: Figures::default(), is_open: false }
    }
}

impl Figures {
    /// Counts a fault, and keeps the first ones in words.
    pub fn fault(&mut self, text: String) {
        self.faults += 1;
        if self.fault_texts.len() < FAULTS_KEPT {
            self.fault_texts.push(text);
        }
    }
}

impl Summary {
    /// Whether every lamp was right at the end.
    pub fn is_well(&self) -> bool {
        self.figures.wrong == 0 && self.figures.lamps_seen == self.figures.lamps
    }

    /// For people.
    pub fn text(&self) -> String {
        let Figures { phones, lamps, lamps_seen, presences, .. } = self.figures;
        let Figures { changes, notifies, publishes, wrong, faults, .. } = self.figures;
        let mut text = format!(
            "{people} people, {phones} phones, {seconds:.1} s\n\
             lamps          {lamps_seen} of {lamps} seen, and {presences} presences\n\
             lamp changes   {changes} on the console\n\
             requests       {publishes} PUBLISH, {notifies} NOTIFY\n",
            people = PEOPLE.len(),
            seconds = self.lasted.as_secs_f64(),
        );
        if let (Some(p50), Some(p99)) = (self.figures.p50, self.figures.p99) {
            let (p50, p99) = (millis(p50), millis(p99));
            text += &format!("PUBLISH->NOTIFY {p50} half of the time, {p99} at the 99th percent\n");
        }
        if faults > 0 {
            text += &format!("faults         {faults}: {}\n", self.figures.fault_texts.join("; "));
        }
        text + &format!("wrong lamps    {wrong}")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Figures { phones, lamps, lamps_seen, presences, .. } = self.figures;
        let Figures { changes, notifies, publishes, wrong, faults, .. } = self.figures;
        let micros = |span: Option<Duration>| span.map(|span| span.as_micros() as u64);
        json!({
            "people": PEOPLE.len(),
            "phones": phones,
            "seconds": (self.lasted.as_secs_f64() * 1000.0).round() / 1000.0,
            "lamps": lamps,
            "lamps_seen": lamps_seen,
            "presences": presences,
            "lamp_changes": changes,
            "publishes": publishes,
            "notifies": notifies,
            "publish_to_notify_us": { "p50": micros(self.figures.p50), "p99": micros(self.figures.p99) },
            "faults": faults,
            "fault_texts": self.figures.fault_texts,
            "wrong_lamps": wrong,
        })
    }
}

impl Latencies {
    /// A state was published.
    pub fn told(&mut self, mark: Mark, at: Instant) {
        self.told.retain(|_, told| at.saturating_duration_since(*told) < MARK_LIFE);
        self.told.insert(mark, at);
    }

    /// A phone was notified of it.
    pub fn heard(&mut self, mark: &Mark, at: Instant) {
        let Some(told) = self.told.get(mark) else { return };
        if self.measured.len() == LATENCIES_KEPT {
            self.measured.pop_front();
        }
        self.measured.push_back(at.saturating_duration_since(*told));
    }

    /// The median and the 99th percentile.
    pub fn percentiles(&self) -> Option<(Duration, Duration)> {
        let mut sorted: Vec<Duration> = self.measured.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
        };
        Some((at(50)?, at(99)?))
    }
}

/// A short time as people read it.
pub fn millis(span: Duration) -> String {
    let millis = span.as_secs_f64() * 1000.0;
    match millis {
        0.0..10.0 => format!("{millis:.2} ms"),
        10.0..100.0 => format!("{millis:.1} ms"),
        _ => format!("{millis:.0} ms"),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a time to begin at")]
mod tests {
    use super::*;

    fn mark(number: u64) -> Mark {
        Mark { call_id: number.to_string(), lamp: Lamp::Busy }
    }

    #[test]
    fn percentiles_are_those_of_the_last_notifies() {
        let (now, mut latencies) = (Instant::now(), Latencies::default());
        assert_eq!(latencies.percentiles(), None);
        for number in 1..=100 {
            latencies.told(mark(number), now);
            latencies.heard(&mark(number), now + Duration::from_millis(number));
        }
        let (p50, p99) = latencies.percentiles().expect("measured");
        assert_eq!((p50.as_millis(), p99.as_millis()), (50, 99));
    }

    #[test]
    fn what_nobody_published_is_not_measured() {
        let (now, mut latencies) = (Instant::now(), Latencies::default());
        latencies.heard(&mark(1), now);
        assert_eq!(latencies.percentiles(), None);
        latencies.told(mark(1), now);
        latencies.told(mark(2), now + MARK_LIFE);
        latencies.heard(&mark(1), now + MARK_LIFE);
        assert_eq!(latencies.percentiles(), None);
    }

    #[test]
    fn a_lamp_never_seen_is_not_well() {
        let lasted = Duration::from_secs(6);
        let figures = Figures { lamps: 2, lamps_seen: 1, ..Figures::default() };
        assert!(!Summary { lasted, figures }.is_well());
        let figures = Figures { lamps: 2, lamps_seen: 2, wrong: 1, ..Figures::default() };
        assert!(!Summary { lasted, figures }.is_well());
        let figures = Figures { lamps: 2, lamps_seen: 2, ..Figures::default() };
        assert!(Summary { lasted, figures }.is_well());
    }

    #[test]
    fn times_are_as_exact_as_people_need() {
        assert_eq!(millis(Duration::from_micros(412)), "0.41 ms");
        assert_eq!(millis(Duration::from_micros(41_234)), "41.2 ms");
        assert_eq!(millis(Duration::from_millis(1234)), "1234 ms");
    }
}
