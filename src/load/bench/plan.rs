//! What is simulated: how many phones, what they do, against which server.

use std::net::SocketAddr;
use std::time::Duration;

/// NOTIFYs in flight that a preset aims at when changes follow each other without a pause:
/// enough to keep a server busy, few enough for its socket buffers.
const NOTIFIES_IN_FLIGHT: usize = 512;

/// NOTIFYs a second of the phase with a fixed rate, if none is given.
const NOTIFY_RATE: f64 = 10_000.0;

/// One in so many subscriptions is there before an overload.
const KNOWN_ONE_IN: u32 = 8;

/// An office by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// People who are watched.
    pub presentities: u32,
    /// Watchers of each.
    pub watchers: u32,
    /// In words.
    pub about: &'static str,
}

/// The offices that have a name.
pub const PRESETS: [Preset; 5] = [
    Preset {
        name: "office-200",
        presentities: 200,
        watchers: 20,
        about: "200 phones with 20 colleagues on each: 4,000 subscriptions",
    },
    Preset {
        name: "campus-5k",
        presentities: 5_000,
        watchers: 10,
        about: "5,000 people, 10 watchers each: 50,000 subscriptions",
    },
    Preset {
        name: "hotline",
        presentities: 1,
        watchers: 5_000,
        about: "one lamp that 5,000 phones watch",
    },
    Preset {
        name: "big-50k",
        presentities: 50_000,
        watchers: 4,
        about: "50,000 people, 4 watchers each: 200,000 subscriptions",
    },
    Preset {
        name: "million",
        presentities: 250_000,
        watchers: 4,
        about: "250,000 people, 4 watchers each: a million subscriptions",
    },
];

/// What is measured, in the order it is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Every subscription begins.
    Subscribe,
    /// Changes at a fixed rate, whatever the server does.
    Rate,
    /// Changes as fast as the server follows.
    Max,
    /// Every subscription is refreshed.
    Refresh,
    /// PUBLISHes about people whom nobody watches.
    Publish,
    /// Nothing, until what a server remembers of answered requests is forgotten: then its memory
    /// is that of an idle office.
    Rest,
    /// More SUBSCRIBEs than the server can serve, whatever it does, and some refreshes among them.
    Overload,
    /// A share of the phones goes away without a word: nothing of theirs is answered any more.
    Die,
    /// Every subscription ends.
    Unsubscribe,
}

impl Phase {
    /// All of them.
    pub const ALL: [Phase; 9] = [
        Phase::Subscribe,
        Phase::Rate,
        Phase::Max,
        Phase::Refresh,
        Phase::Publish,
        Phase::Rest,
        Phase::Overload,
        Phase::Die,
        Phase::Unsubscribe,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Subscribe => "subscribe",
            Phase::Rate => "rate",
            Phase::Max => "max",
            Phase::Refresh => "refresh",
            Phase::Publish => "publish",
            Phase::Rest => "rest",
            Phase::Overload => "overload",
            Phase::Die => "die",
            Phase::Unsubscribe => "unsubscribe",
        }
    }
}

/// The event package the phones speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Package {
    /// Busy lamps.
    Dialog,
    /// Presence.
    Presence,
}

impl Package {
    /// The name in Event.
    pub const fn name(self) -> &'static str {
        match self {
            Package::Dialog => "dialog",
            Package::Presence => "presence",
        }
    }

    /// The type of its documents.
    pub const fn media(self) -> &'static str {
        match self {
            Package::Dialog => "application/dialog-info+xml",
            Package::Presence => "application/pidf+xml",
        }
    }
}

/// How the phones reach the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

impl Transport {
    /// The name in Via.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name of the office.
    pub preset: String,
    /// People who are watched.
    pub presentities: u32,
    /// Watchers of each.
    pub watchers: u32,
    /// Where the server listens.
    pub server: SocketAddr,
    /// The domain of everybody's address.
    pub domain: String,
    /// How the phones reach it.
    pub transport: Transport,
    /// Sockets or connections all phones share.
    pub links: usize,
    /// The package.
    pub package: Package,
    /// What requests ask for, in seconds.
    pub expires: u32,
    /// Changes in flight in the phase `max`; `None`: what suits the office.
    pub window: Option<usize>,
    /// Other requests in flight.
    pub requests: usize,
    /// Changes a second in the phase `rate`; `None`: what suits the office.
    pub rate: Option<f64>,
    /// First SUBSCRIBEs a second in the phase `overload`.
    pub offered: f64,
    /// Whether who comes anew in the phase `overload` asks once, instead of again and again.
    pub asks_once: bool,
    /// Share of the phones that the phase `die` takes away, 0 to 1.
    pub dead: f64,
    /// How long the phases go that have no end of their own.
    pub lasts: Duration,
    /// Share of messages that get lost, 0 to 1.
    pub loss: f64,
    /// `user:password` of the phones; an asterisk stands for the name of each.
    pub digest: Option<String>,
    /// The server's process.
    pub pid: Option<u32>,
    /// What is done.
    pub phases: Vec<Phase>,
    /// Nothing is printed before the end.
    pub quiet: bool,
}

impl Plan {
    /// All subscriptions.
    pub fn subscriptions(&self) -> u32 {
        self.presentities.saturating_mul(self.watchers)
    }

    /// People with a phone: whom somebody watches, and who watches.
    pub fn people(&self) -> u32 {
        self.presentities.max(self.watchers.saturating_add(1))
    }

    /// People whom nobody watches, for the phase `publish`.
    pub fn quiet_people(&self) -> u32 {
        match self.phases.contains(&Phase::Publish) {
            true => self.presentities.clamp(1_000, 5_000),
            false => 0,
        }
    }

    /// Subscriptions that begin in the phase `subscribe`: some are left for an overload.
    pub fn known(&self) -> u32 {
        match self.phases.contains(&Phase::Overload) {
            true => self.subscriptions() / KNOWN_ONE_IN,
            false => self.subscriptions(),
        }
    }

    /// Changes in flight in the phase `max`.
    pub fn changes_in_flight(&self) -> usize {
        let suits = NOTIFIES_IN_FLIGHT / self.watchers.max(1) as usize;
        self.window.unwrap_or(suits).clamp(1, self.presentities.max(1) as usize)
    }

    /// Changes a second in the phase `rate`.
    pub fn changes_per_second(&self) -> f64 {
        self.rate.unwrap_or(NOTIFY_RATE / f64::from(self.watchers.max(1)))
    }
}

#[cfg(test)]
impl Plan {
    /// An office for tests: so many people, so many watchers of each, by datagrams.
    pub(super) fn sample(presentities: u32, watchers: u32) -> Plan {
        Plan {
            preset: "own".to_owned(),
            presentities,
            watchers,
            server: SocketAddr::from(([127, 0, 0, 1], 5060)),
            domain: "example.com".to_owned(),
            transport: Transport::Udp,
            links: 2,
            package: Package::Dialog,
            expires: 3600,
            window: None,
            requests: 4,
            rate: None,
            offered: 1000.0,
            asks_once: false,
            dead: 0.0,
            lasts: Duration::from_secs(1),
            loss: 0.0,
            digest: None,
            pid: None,
            phases: vec![Phase::Subscribe, Phase::Max],
            quiet: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_keeps_so_many_notifies_in_flight_as_a_server_can_buffer() {
        for Preset { name, presentities, watchers, .. } in PRESETS {
            let plan = Plan::sample(presentities, watchers);
            let window = plan.changes_in_flight();
            assert!(window >= 1 && window <= presentities as usize, "{name}: {window}");
            assert!(window == 1 || window * watchers as usize <= NOTIFIES_IN_FLIGHT, "{name}");
        }
        let hotline = Plan::sample(1, 5000);
        assert_eq!((hotline.changes_in_flight(), hotline.people()), (1, 5001));
    }

    #[test]
    fn a_rate_gives_ten_thousand_notifies_a_second_unless_it_is_told() {
        let plan = Plan::sample(5000, 10);
        assert_eq!(plan.changes_per_second(), 1000.0);
        assert_eq!(Plan { rate: Some(7.0), ..plan }.changes_per_second(), 7.0);
    }

    #[test]
    fn people_without_watchers_are_there_for_their_phase_only() {
        let plan = Plan::sample(1, 10);
        assert_eq!(plan.quiet_people(), 0);
        let phases = vec![Phase::Publish];
        assert_eq!(Plan { phases, ..plan }.quiet_people(), 1000);
    }
}
