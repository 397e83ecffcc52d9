//! One subscription (RFC 6665 §4.2): what it watches, what it was told, what it is owed.

use std::fmt;

use super::pace::Account;
use crate::base::alarms::AlarmId;
use crate::base::identity::Identity;
use crate::base::limits;
use crate::base::time::{Moment, Wall};
use crate::dialog::{Dialog, Heard};
use crate::event::{PackageId, Seen};
use crate::policy::Verdict;
use crate::transaction::{ClientKey, Ticket};

/// The name of one subscription; not used again after its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SubscriptionId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// The place of a presentity in its shard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PresentityId(pub u32);

/// One watcher's interest in one package of one presentity.
pub struct Subscription {
    /// What is watched.
    pub presentity: PresentityId,
    /// In which package.
    pub package: PackageId,
    /// The place of the media type written in the package's list.
    pub media: u8,
    /// What the rules say of this watcher.
    pub verdict: Verdict,
    /// The dialog it lives in.
    pub dialog: Dialog,
    /// Who watches.
    pub watcher: Identity,
    /// The Event header of every NOTIFY: the package with the `id` the watcher gave.
    pub event: Box<str>,
    /// The presentity as the watcher wrote it; phones match documents on it.
    pub entity: Box<str>,
    /// The path the watcher was last heard on, and whether it still stands.
    pub heard: Heard,
    /// Whether a stream was refused by this watcher, so that large requests go by datagram.
    pub datagrams_only: bool,
    /// When it ends unless it is refreshed.
    pub until: Wall,
    /// How many versioned documents it was sent: the next one's number.
    pub version: u32,
    /// CSeq numbers below this one are written ahead in the store, and versions with them.
    pub reserved: u32,
    /// How much of the presentity's documents it knows.
    pub seen: Seen,
    /// The fingerprint of the body last sent; 0 if none was.
    pub told: u64,
    /// What it is to be sent next.
    pub owed: Owed,
    /// Whether it is heard of.
    pub hearing: Hearing,
    /// The NOTIFY that waits for its answer: at most one.
    pub in_flight: Option<ClientKey>,
    /// Nothing is sent before this (RFC 3261 §20.33), if the watcher asked for quiet.
    pub quiet_until: Option<Moment>,
    /// Refusals in a row that did not end it.
    pub failures: u8,
    /// Targets of one name tried in a row without reaching it.
    pub detours: u8,
    /// What paces it.
    pub account: Account,
    /// The batch of changes that must be kept before it is sent anything.
    pub after: Ticket,
    /// Its place among the watchers of its presentity and package.
    pub position: u32,
    pub(super) alarm: Option<AlarmId>,
    pub(super) queued: bool,
}

/// What a subscription is to be sent next. More urgent later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Owed {
    /// Nothing: it knows the newest state.
    #[default]
    Nothing,
    /// The newest state, if it differs from what was sent, when the pace allows.
    Change,
    /// A NOTIFY in any case and at once: it subscribed, refreshed, or was let in.
    Answer,
    /// The last NOTIFY.
    End(Reason),
}

/// Whether the watcher is heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hearing {
    /// It answers, as far as we know.
    #[default]
    Live,
    /// A NOTIFY stayed unanswered: it is left alone but for a probe now and then.
    Suspended {
        /// Probes sent since.
        probes: u8,
        /// When the next is due; `None` if there is no path for one.
        next: Option<Moment>,
    },
}

/// Why a subscription ends (RFC 6665 §4.1.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The watcher should subscribe anew at once.
    Deactivated,
    /// It was not refreshed, or it was ended by the watcher.
    Timeout,
    /// The rules changed.
    Rejected,
    /// It failed too often; to be tried again later.
    Probation,
    /// The presentity is gone.
    NoResource,
    /// Nobody ever decided.
    GiveUp,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Deactivated => "deactivated",
            Reason::Timeout => "timeout",
            Reason::Rejected => "rejected",
            Reason::Probation => "probation",
            Reason::NoResource => "noresource",
            Reason::GiveUp => "giveup",
        })
    }
}

/// What an accepted SUBSCRIBE, or a stored record, settles about a subscription.
pub struct Accepted {
    /// What is watched.
    pub presentity: PresentityId,
    /// In which package.
    pub package: PackageId,
    /// The place of the media type written in the package's list.
    pub media: u8,
    /// What the rules say of this watcher.
    pub verdict: Verdict,
    /// The dialog it lives in.
    pub dialog: Dialog,
    /// Who watches.
    pub watcher: Identity,
    /// The Event header of every NOTIFY.
    pub event: String,
    /// The presentity as the watcher wrote it.
    pub entity: String,
    /// The path the watcher was last heard on.
    pub heard: Heard,
    /// When it ends unless it is refreshed.
    pub until: Wall,
}

impl Subscription {
    /// A subscription that has been told nothing yet.
    pub fn new(accepted: Accepted) -> Subscription {
        let Accepted { presentity, package, media, verdict, dialog, watcher, .. } = accepted;
        Subscription {
            presentity,
            package,
            media,
            verdict,
            dialog,
            watcher,
            event: accepted.event.into(),
            entity: accepted.entity.into(),
            heard: accepted.heard,
            datagrams_only: false,
            until: accepted.until,
            version: 0,
            reserved: limits::CSEQ_AHEAD,
            seen: Seen::default(),
            told: 0,
            owed: Owed::Nothing,
            hearing: Hearing::Live,
            in_flight: None,
            quiet_until: None,
            failures: 0,
            detours: 0,
            account: Account::default(),
            after: Ticket::default(),
            position: 0,
            alarm: None,
            queued: false,
        }
    }

    /// The state a NOTIFY names while the subscription lives.
    pub fn substate(&self) -> &'static str {
        if self.verdict == Verdict::Confirm { "pending" } else { "active" }
    }

    /// What an operator is shown: the state on the wire, or that the watcher is not heard of.
    pub fn condition(&self) -> &'static str {
        match self.hearing {
            Hearing::Live => self.substate(),
            Hearing::Suspended { .. } => "suspended",
        }
    }
}
