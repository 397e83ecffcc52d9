//! One subscription (RFC 6665 §4.2): what it watches, what it was told, what it is owed.

use memchr::{memchr, memrchr};

use super::pace::Account;
use super::path::Path;
use crate::base::alarms::AlarmId;
use crate::base::identity::Identity;
use crate::base::limits;
use crate::base::slab::Place;
use crate::base::time::{Moment, Now, Wall};
use crate::dialog::{Dialog, Heard};
use crate::event::profile::Profile;
use crate::event::{PackageId, Seen};
use crate::policy::{Verdict, ViewId};
use crate::transaction::{ClientKey, Ticket};

/// The name of one subscription; not used again after its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SubscriptionId(pub(super) Place);

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
    /// The profile of its device, as [`crate::event::profile::Profile::to_octet`] has it.
    pub profile: u8,
    /// What the rules say of this watcher.
    pub verdict: Verdict,
    /// What of the document it is shown, if it is allowed.
    pub view: ViewId,
    /// The dialog it lives in.
    pub dialog: Dialog,
    /// Who watches.
    pub watcher: Identity,
    /// The Event header of every NOTIFY with what the watcher gave beside the package's name;
    /// `None` if it gave nothing.
    event: Option<Box<str>>,
    /// The presentity as the watcher wrote it, on which phones match documents; `None` if that
    /// is what its To said.
    entity: Option<Box<str>>,
    /// The path the watcher was last heard on, and whether it still stands.
    pub path: Path,
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
    /// Nothing is sent before this: when the last NOTIFY was, or until when the watcher asked for
    /// quiet.
    pub not_before: Moment,
    /// Whether the watcher asked for quiet (RFC 3261 §20.33).
    pub is_quiet: bool,
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
    /// Its one alarm, and when that rings.
    pub(super) alarm: Option<(AlarmId, Moment)>,
    pub(super) queued: bool,
    /// Whether it is in the list of those that are not heard of, where it stays when it is.
    pub(super) listed_silent: bool,
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

impl Reason {
    /// As Subscription-State has it.
    pub fn as_text(self) -> &'static str {
        match self {
            Reason::Deactivated => "deactivated",
            Reason::Timeout => "timeout",
            Reason::Rejected => "rejected",
            Reason::Probation => "probation",
            Reason::NoResource => "noresource",
            Reason::GiveUp => "giveup",
        }
    }
}

/// What an accepted SUBSCRIBE, or a stored record, settles about a subscription.
pub struct Accepted<'a> {
    /// What is watched.
    pub presentity: PresentityId,
    /// In which package.
    pub package: PackageId,
    /// The place of the media type written in the package's list.
    pub media: u8,
    /// The profile of its device.
    pub profile: Profile,
    /// What the rules say of this watcher.
    pub verdict: Verdict,
    /// The dialog it lives in.
    pub dialog: Dialog,
    /// Who watches.
    pub watcher: Identity,
    /// What the Event header of every NOTIFY has after the package's name.
    pub event_rest: &'a str,
    /// The presentity as the watcher wrote it.
    pub entity: &'a str,
    /// The path the watcher was last heard on.
    pub heard: Heard,
    /// When it ends unless it is refreshed.
    pub until: Wall,
}

impl Subscription {
    /// A subscription that has been told nothing yet.
    pub fn new(accepted: Accepted<'_>) -> Subscription {
        let Accepted { presentity, package, media, verdict, dialog, watcher, .. } = accepted;
        let Accepted { event_rest, entity, .. } = accepted;
        let event = (!event_rest.is_empty()).then(|| event_rest.into());
        let entity = (uri_within(dialog.local()) != entity.as_bytes()).then(|| entity.into());
        Subscription {
            presentity,
            package,
            media,
            profile: accepted.profile.to_octet(),
            verdict,
            view: ViewId::FULL,
            dialog,
            watcher,
            event,
            entity,
            path: accepted.heard.into(),
            datagrams_only: false,
            until: accepted.until,
            version: 0,
            reserved: limits::CSEQ_AHEAD,
            seen: Seen::default(),
            told: 0,
            owed: Owed::Nothing,
            hearing: Hearing::Live,
            in_flight: None,
            not_before: Moment::ORIGIN,
            is_quiet: false,
            failures: 0,
            detours: 0,
            account: Account::default(),
            after: Ticket::default(),
            position: 0,
            alarm: None,
            queued: false,
            listed_silent: false,
        }
    }

    /// What the Event header of its NOTIFYs has after the package's name: `;id=1`, or nothing.
    pub fn event_rest(&self) -> &str {
        self.event.as_deref().unwrap_or_default()
    }

    /// The presentity as the watcher wrote it.
    pub fn entity(&self) -> &str {
        match &self.entity {
            Some(entity) => entity,
            None => std::str::from_utf8(uri_within(self.dialog.local())).unwrap_or_default(),
        }
    }

    /// Octets of that.
    pub fn entity_octets(&self) -> usize {
        self.entity.as_ref().map_or_else(|| uri_within(self.dialog.local()).len(), |it| it.len())
    }

    /// A NOTIFY is sent.
    pub fn sends(&mut self, now: Moment) {
        if !self.is_quiet {
            self.not_before = now;
        }
    }

    /// When the last NOTIFY was sent; `None` if none was since the start, or the watcher asked for
    /// quiet since.
    pub fn sent_at(&self, now: Now) -> Option<Wall> {
        let was_sent = !self.is_quiet && self.not_before != Moment::ORIGIN;
        let ago = now.instant.since(self.not_before).as_millis();
        let sent = now.wall.as_unix_millis().saturating_sub(u64::try_from(ago).ok()?);
        was_sent.then_some(Wall::from_unix_millis(sent))
    }

    /// The watcher was heard on this path. False if that is nothing new.
    pub(super) fn heard_on(&mut self, heard: Heard) -> bool {
        let is_new = self.path.heard() != heard;
        if is_new {
            self.path = heard.into();
        }
        is_new
    }

    /// The watcher listens there from now on; returns where it listened before.
    pub(super) fn retarget(&mut self, target: &str) -> String {
        let before = self.dialog.target().to_owned();
        self.dialog.retarget(target);
        self.path.forget_course();
        before
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

/// What stands between the angle brackets of a name and address, or all that is before its
/// parameters. Whatever it is of an odd value, it is the same each time.
fn uri_within(value: &[u8]) -> &[u8] {
    if let (Some(open), Some(close)) = (memchr(b'<', value), memrchr(b'>', value))
        && open < close
    {
        return &value[open + 1..close];
    }
    memchr(b';', value).map_or(value, |end| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million of them must fit; whoever makes it larger should want to.
    #[test]
    fn a_subscription_is_small() {
        assert_eq!(std::mem::size_of::<Subscription>(), 336);
    }

    #[test]
    fn the_uri_of_a_name_and_address() {
        for (value, uri) in [
            ("<sip:101@example.com>", "sip:101@example.com"),
            ("\"A <b>\" <sip:101@example.com>;x=1", "b>\" <sip:101@example.com"),
            ("sip:101@example.com;x=1", "sip:101@example.com"),
            ("", ""),
        ] {
            assert_eq!(uri_within(value.as_bytes()), uri.as_bytes(), "{value}");
        }
    }
}
