//! What a run has measured, for people and for programs.

use std::fs;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::drops::Drops;
use super::gauge::Memory;
use super::histogram::Histogram;
use super::plan::{Phase, Plan};
use super::tally::Tally;

/// A whole run.
pub struct Report {
    /// What was done.
    pub plan: Plan,
    /// Phase by phase.
    pub outcomes: Vec<Outcome>,
    /// Of the server, before anything.
    pub memory_at_rest: Option<Memory>,
    /// Of the server, everybody published.
    pub memory_before: Option<Memory>,
    /// Of the server, everybody subscribed; after a rest, if there was one.
    pub memory_after: Option<Memory>,
    /// Messages the driver lost.
    pub lost_on_purpose: u64,
    /// Connections the server has ended.
    pub closed: u64,
}

/// One phase.
pub struct Outcome {
    /// Which.
    pub phase: Phase,
    /// How long it was measured.
    pub lasted: Duration,
    /// Time the server's processes spent meanwhile.
    pub server_cpu: Option<Duration>,
    /// Time the driver spent meanwhile.
    pub own_cpu: Duration,
    /// What was counted meanwhile.
    pub(super) measured: Tally,
    /// The same and what came late.
    pub(super) tally: Tally,
    /// Datagrams the kernel threw away.
    pub(super) drops: Drops,
    /// Subscriptions alive at the end.
    pub live: u64,
    /// Of the server, at the end.
    pub memory: Option<Memory>,
    /// Lamps that stayed wrong, if the phase changes any.
    pub stale: Option<u64>,
    /// Changes that not everybody has seen.
    pub unfinished: u64,
    /// First SUBSCRIBEs sent in an overload.
    pub offered: u64,
}

impl Report {
    /// Lamps that stayed wrong, over all phases.
    pub fn stale(&self) -> u64 {
        self.outcomes.iter().filter_map(|outcome| outcome.stale).sum()
    }

    /// Whether the server refused all requests of some phase.
    pub fn has_refused_phase(&self) -> bool {
        let is_refused = |outcome: &Outcome| outcome.operations() == 0 && outcome.tally.refused > 0;
        self.outcomes.iter().any(is_refused)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Plan { preset, presentities, watchers, server, transport, package, .. } = &self.plan;
        let mut phases = Map::new();
        for outcome in &self.outcomes {
            let name = outcome.phase.name();
            let before = phases.keys().filter(|key| key.starts_with(name)).count();
            // One that is done again is another.
            let key = if before == 0 { name.to_owned() } else { format!("{name}-{}", before + 1) };
            phases.insert(key, outcome.json(self));
        }
        let octets = |memory: Option<Memory>| memory.map(|memory| memory.octets);
        let grown = octets(self.memory_after)
            .zip(octets(self.memory_before))
            .map(|(after, before)| after.saturating_sub(before));
        let primed = octets(self.memory_before)
            .zip(octets(self.memory_at_rest))
            .map(|(after, before)| after.saturating_sub(before));
        let people = u64::from(self.plan.presentities);
        let subscriptions = u64::from(self.plan.subscriptions());
        json!({
            "bench": env!("CARGO_PKG_VERSION"),
            "environment": environment(),
            "plan": {
                "preset": preset,
                "presentities": presentities,
                "watchers_each": watchers,
                "subscriptions": subscriptions,
                "server": server.to_string(),
                "transport": transport.name().to_ascii_lowercase(),
                "links": self.plan.links,
                "event": package.name(),
                "changes_in_flight": self.plan.changes_in_flight(),
                "requests_in_flight": self.plan.requests,
                "loss_share": self.plan.loss,
                "digest": self.plan.digest.is_some(),
            },
            "phases": phases,
            "stale_watchers": self.stale(),
            "lost_on_purpose": self.lost_on_purpose,
            "connections_closed_by_server": self.closed,
            "memory": {
                "processes": self.memory_after.or(self.memory_at_rest).map(|m| m.processes),
                "at_rest_octets": octets(self.memory_at_rest),
                "before_subscribe_octets": octets(self.memory_before),
                "after_subscribe_octets": octets(self.memory_after),
                "octets_per_presentity": primed.and_then(|primed| primed.checked_div(people)),
                "octets_per_subscription": grown.and_then(|grown| grown.checked_div(subscriptions)),
            },
        })
    }
}

impl Outcome {
    /// How many of what the phase is about were done while it was measured.
    pub fn operations(&self) -> u64 {
        match self.phase {
            Phase::Subscribe | Phase::Refresh | Phase::Unsubscribe | Phase::Overload => {
                self.measured.subscribed
            }
            Phase::Publish => self.measured.published,
            Phase::Rate | Phase::Max => self.measured.notifies,
            Phase::Rest | Phase::Die => 0,
        }
    }

    fn operation(&self) -> &'static str {
        match self.phase {
            Phase::Subscribe | Phase::Refresh | Phase::Unsubscribe | Phase::Overload => "subscribe",
            Phase::Publish => "publish",
            Phase::Rate | Phase::Max | Phase::Rest | Phase::Die => "notify",
        }
    }

    /// The server's time for one of them, in microseconds.
    pub fn server_micros(&self) -> Option<f64> {
        per(self.server_cpu?, self.operations())
    }

    /// A line for a person.
    pub fn text(&self) -> String {
        let seconds = self.lasted.as_secs_f64();
        let Outcome { measured, tally, .. } = self;
        let mut text = format!("{:<12} ", self.phase.name());
        text += &match (self.phase, self.memory) {
            (Phase::Die, _) => format!("{:>9} left", self.live),
            (Phase::Rest, None) => format!("{seconds:>9.0} s"),
            (Phase::Rest, Some(memory)) => format!("{:>9.0} kB", memory.octets as f64 / 1e3),
            _ => {
                let rate = self.operations() as f64 / seconds.max(1e-9);
                format!("{rate:>9.0} {}/s", self.operation())
            }
        };
        if let Some(micros) = self.server_micros() {
            text += &format!("  server {micros:.2} us each");
        }
        if let Some(micros) = per(self.own_cpu, self.operations()) {
            text += &format!("  driver {micros:.2} us");
        }
        if matches!(self.phase, Phase::Rate | Phase::Max) {
            let changes = measured.changed as f64 / seconds.max(1e-9);
            text += &format!("  {changes:.0} changes/s");
            let spans =
                [("PUBLISH->NOTIFY", &tally.latency), ("first->last NOTIFY", &tally.spread)];
            for (what, spans) in spans {
                let millis = |span: Duration| span.as_secs_f64() * 1e3;
                let [p50, p99] = [500, 990].map(|share| spans.quantile(share).map(millis));
                if let (Some(p50), Some(p99)) = (p50, p99) {
                    text += &format!("  {what} p50 {p50:.2} ms p99 {p99:.2} ms");
                }
            }
        }
        if self.phase == Phase::Overload {
            let offered = self.offered as f64 / seconds.max(1e-9);
            let millis = |share| tally.known.quantile(share).map_or(0.0, |s| s.as_secs_f64() * 1e3);
            text += &format!(
                "  of {offered:.0}/s offered; in the end {} of {}; refreshes {}, {} in vain, p50 {:.2} ms \
                 p99 {:.2} ms",
                tally.subscribed.saturating_sub(tally.known.count()),
                self.offered,
                tally.known_asked,
                tally.known_failed,
                millis(500),
                millis(990),
            );
        }
        if let Some((least, most)) = tally.granted_min.zip(tally.granted_max) {
            text += &format!("  granted {least} to {most} s");
        }
        if let Some(stale) = self.stale {
            text += &format!("  stale {stale}");
        }
        let faults = [
            ("lost", tally.lost),
            ("refused", tally.refused),
            ("repeated", tally.repeats),
            ("NOTIFYs repeated", tally.notify_repeats),
            ("NOTIFYs nobody answers", tally.unanswered),
            ("out of order", tally.out_of_order),
            ("unfinished", self.unfinished),
            ("dropped at the server's socket", self.drops.server),
            ("dropped at the driver's sockets", self.drops.ours),
        ];
        for (what, count) in faults.into_iter().filter(|(_, count)| *count > 0) {
            text += &format!("  {what} {count}");
        }
        if let Some(line) = &tally.refusal {
            text += &format!(" (first: {line})");
        }
        text
    }

    fn json(&self, report: &Report) -> Value {
        let Outcome { measured, tally, .. } = self;
        let seconds = self.lasted.as_secs_f64();
        let rate = |count: u64| round(count as f64 / seconds.max(1e-9));
        let operation = self.operation();
        let mut object = json!({
            "seconds": round(seconds),
            "operations": self.operations(),
            "server_cpu_seconds": self.server_cpu.map(|cpu| round(cpu.as_secs_f64())),
            "driver_cpu_seconds": round(self.own_cpu.as_secs_f64()),
            "driver_cpu_share": round(self.own_cpu.as_secs_f64() / seconds.max(1e-9)),
            "request_to_end_ms": quantiles(&tally.answer),
            "notifies": tally.notifies,
            "notify_octets_mean": tally.notify_octets.checked_div(tally.notifies),
            "live_subscriptions": self.live,
            "memory_octets": self.memory.map(|memory| memory.octets),
            "granted_seconds_min": tally.granted_min,
            "granted_seconds_max": tally.granted_max,
            "lost": tally.lost,
            "challenged": tally.challenged,
            "refused": tally.refused,
            "first_refusal": tally.refusal,
            "retransmitted_by_driver": tally.repeats,
            "notifies_repeated_by_server": tally.notify_repeats,
            "notifies_out_of_order": tally.out_of_order,
            "notifies_of_no_subscription": tally.strangers,
            "unreadable_messages": tally.noise,
            "datagrams_dropped_at_server_socket": self.drops.server,
            "datagrams_dropped_at_driver_sockets": self.drops.ours,
        });
        let mut more = Map::new();
        more.insert(format!("{operation}_per_second"), rate(self.operations()));
        more.insert(
            format!("server_cpu_us_per_{operation}"),
            self.server_micros().map_or(Value::Null, round),
        );
        let own = per(self.own_cpu, self.operations());
        more.insert(format!("driver_cpu_us_per_{operation}"), own.map_or(Value::Null, round));
        if self.phase == Phase::Overload {
            more.insert("offered_per_second".to_owned(), rate(self.offered));
            more.insert("offered".to_owned(), json!(self.offered));
            more.insert("served_in_the_end".to_owned(), json!(tally.subscribed));
            more.insert("refreshes".to_owned(), json!(tally.known_asked));
            more.insert("refreshes_in_vain".to_owned(), json!(tally.known_failed));
            more.insert("refresh_to_end_ms".to_owned(), quantiles(&tally.known));
        }
        if matches!(self.phase, Phase::Rate | Phase::Max) {
            more.insert("changes_per_second".to_owned(), rate(measured.changed));
            more.insert("changes".to_owned(), json!(tally.changed));
            more.insert("publishes".to_owned(), json!(tally.published));
            more.insert("publish_to_notify_ms".to_owned(), quantiles(&tally.latency));
            more.insert("first_to_last_notify_ms".to_owned(), quantiles(&tally.spread));
            more.insert("unfinished_changes".to_owned(), json!(self.unfinished));
            more.insert("stale_watchers".to_owned(), json!(self.stale));
            if let Some(net) = self.net_micros(report) {
                more.insert("server_cpu_us_per_notify_net_of_publish".to_owned(), round(net));
            }
        }
        if let Value::Object(object) = &mut object {
            object.append(&mut more);
        }
        object
    }

    /// The server's time for a NOTIFY without that for the PUBLISH that caused it.
    fn net_micros(&self, report: &Report) -> Option<f64> {
        let publish = report.outcomes.iter().find(|other| other.phase == Phase::Publish)?;
        let publish = publish.server_micros()? * self.measured.published as f64;
        let cpu = self.server_cpu?.as_secs_f64() * 1e6 - publish;
        (self.operations() > 0).then(|| cpu / self.operations() as f64)
    }
}

fn quantiles(histogram: &Histogram) -> Value {
    let millis = |span: Option<Duration>| span.map(|span| round(span.as_secs_f64() * 1e3));
    json!({
        "count": histogram.count(),
        "mean": millis(histogram.mean()),
        "p50": millis(histogram.quantile(500)),
        "p90": millis(histogram.quantile(900)),
        "p99": millis(histogram.quantile(990)),
        "p99_9": millis(histogram.quantile(999)),
        "max": millis(histogram.longest()),
    })
}

fn per(cpu: Duration, count: u64) -> Option<f64> {
    (count > 0).then(|| cpu.as_secs_f64() * 1e6 / count as f64)
}

/// To a thousandth.
fn round(number: f64) -> Value {
    json!((number * 1e3).round() / 1e3)
}

/// The machine.
fn environment() -> Value {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let model = read("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    json!({
        "kernel": read("/proc/sys/kernel/osrelease"),
        "cpus": std::thread::available_parallelism().map(std::num::NonZero::get).ok(),
        "cpu_model": model,
    })
}
