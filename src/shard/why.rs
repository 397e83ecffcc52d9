//! Why a person is what it is, and why a watcher sees what it sees: every source, every rule, and
//! who was told what came of it.

use super::Shard;
use super::inquiry::Sight;
use super::seat::Seat;
use crate::base::identity::{Aor, Identity};
use crate::base::time::{Now, Wall};
use crate::doc::dialog_info::{self, DialogInfo};
use crate::doc::filter::{self, Hidden};
use crate::doc::permissions::Permissions;
use crate::doc::pidf;
use crate::doc::view::View;
use crate::event::dialog::Dialog;
use crate::event::presence::Presence;
use crate::event::status::{Reason, Status, reasons};
use crate::event::{EventPackage, PackageId, Seen, Source};
use crate::notifier::{Hearing, Owed, PresentityId, Subscription};
use crate::policy::{Asking, Explanation, SubHandling, Verdict};
use crate::presentity::Publication;
use crate::sip::Refusal;

/// Why a person is what it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Why {
    /// The person.
    pub aor: Aor,
    /// What the watcher sees; the refusal if that is nothing.
    pub sight: Result<Sight, Refusal>,
    /// Why the watcher sees that; `None` where none is asked about.
    pub ruled: Option<Box<Ruled>>,
    /// The whole truth.
    pub status: Status,
    /// Everything that is said, the weightiest first.
    pub reasons: Vec<Reason<Source>>,
    /// Everybody who is told.
    pub told: Vec<Told>,
    /// When this was asked.
    pub now: Wall,
}

/// Why a watcher sees what it sees.
#[derive(Clone, PartialEq, Debug)]
pub struct Ruled {
    /// Every rule, every ceiling, and what came of them.
    pub explanation: Explanation,
    /// The rules that applied, the person's before the organisation's.
    pub matched: Vec<String>,
    /// What is there and is not shown. Nothing but the handling counts where that does not allow.
    pub hides: Vec<Hides>,
}

/// Something that is there and is not shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hides {
    /// What, and by which permission it would be.
    pub hidden: Hidden,
    /// Who withholds it: `rules`, which do not provide it; a ceiling by its name; `organisation`.
    pub by: String,
}

/// One watcher and what it was told, as far as is known here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Who watches.
    pub watcher: Identity,
    /// In which package.
    pub package: &'static str,
    /// What the rules say of it.
    pub verdict: Verdict,
    /// By which rules.
    pub rules: Vec<String>,
    /// The sequence number of its last NOTIFY.
    pub cseq: u32,
    /// When that was sent; `None`: not since the start.
    pub sent: Option<Wall>,
    /// What became of it.
    pub outcome: Outcome,
    /// When the subscription ends unless it is refreshed.
    pub until: Wall,
}

/// What became of the last NOTIFY to a watcher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was answered 2xx, and there is nothing newer.
    Answered,
    /// It was refused, and the watcher is sent the next change.
    Refused,
    /// Its answer is not there yet.
    InFlight,
    /// There is something newer, which waits for the pace or for a way to the watcher.
    Waiting,
    /// It was never answered; the watcher is probed now and then.
    Unanswered,
}

impl Shard {
    pub(super) fn why(
        &mut self,
        now: Now,
        seat: PresentityId,
        aor: Aor,
        watcher: Option<Aor>,
    ) -> Why {
        let who = Identity::User(watcher.clone().unwrap_or_else(|| aor.clone()));
        let sight = self.sight(now, seat, &aor, &who).map(|(sight, _)| sight);
        let ruled = watcher.is_some().then(|| Box::new(self.ruled(now, seat, &aor, &who)));
        let Some(place) = self.seats.get(seat) else {
            let (status, reasons) = reasons(&[], &self.config.status, now.wall);
            return Why { aor, sight, ruled, status, reasons, told: Vec::new(), now: now.wall };
        };
        let leases = place.presentity.leases();
        let (status, mut reasons) = reasons(&leases, &self.config.status, now.wall);
        reasons.iter_mut().for_each(|reason| self.ends(place, reason));
        let subscriptions = place.watchers.iter().flatten();
        let told = subscriptions.filter_map(|id| self.notifier.get(*id));
        let is_asked_for = |told: &&Subscription| match &watcher {
            Some(watcher) => told.watcher.aor() == Some(watcher),
            None => true,
        };
        let told = told.filter(is_asked_for).map(|subscription| Told {
            watcher: subscription.watcher.clone(),
            package: self.registry.package(subscription.package).name(),
            verdict: subscription.verdict,
            rules: self.matched(now, seat, &aor, &subscription.watcher),
            cseq: subscription.dialog.cseq,
            sent: subscription.sent_at(now),
            outcome: Outcome::of(subscription),
            until: subscription.until,
        });
        let told = told.collect();
        Why { aor, sight, ruled, status, reasons, told, now: now.wall }
    }

    /// What was published ends with its publication, calls at the latest with the last that tells
    /// of any; and somebody published it.
    fn ends(&self, place: &Seat, reason: &mut Reason<Source>) {
        let brought = place.presentity.publications().iter().filter(|one| match reason.source {
            Source::Publication(number) => one.key.0 == number,
            Source::Lines => self.registry.package(one.package).name() == Dialog::NAME,
            _ => false,
        });
        let brought: Vec<&Publication> = brought.collect();
        let until = brought.iter().map(|one| one.until).max();
        reason.end = [reason.end, until].into_iter().flatten().min();
        if reason.lease.publisher.is_empty() {
            let mut by: Vec<&str> = brought.iter().map(|one| &*one.publisher).collect();
            by.sort_unstable();
            by.dedup();
            reason.lease.publisher = by.join(", ").into();
        }
    }

    /// The rules that applied to a watcher.
    fn matched(&self, now: Now, seat: PresentityId, aor: &Aor, who: &Identity) -> Vec<String> {
        self.asking(now, seat, aor, who, |asking| {
            self.book.decide(&asking).matched.iter().map(ToString::to_string).collect()
        })
    }

    fn ruled(&mut self, now: Now, seat: PresentityId, aor: &Aor, who: &Identity) -> Ruled {
        let presence = self.whole(seat, aor, Presence::NAME);
        let presence = presence.and_then(|octets| pidf::Presence::read(&octets, None).ok());
        let presence = presence.unwrap_or_default();
        let calls = self.whole(seat, aor, Dialog::NAME);
        let calls = calls.and_then(|octets| DialogInfo::read(&octets, None).ok());
        let lives = |call: &dialog_info::Dialog| call.state != dialog_info::State::Terminated;
        let has_calls = calls.is_some_and(|calls| calls.dialogs.iter().any(lives));
        let hidden = |permissions: &Permissions| {
            let calls = filter::hidden_of_calls(has_calls, permissions);
            filter::hidden(&presence, permissions).into_iter().chain(calls).collect::<Vec<_>>()
        };
        self.asking(now, seat, aor, who, |asking| {
            let (decision, explanation) = self.book.explain(&asking);
            let matched = decision.matched.iter().map(ToString::to_string).collect();
            let mut hides = Vec::new();
            if decision.handling == SubHandling::Allow {
                let layers = self.book.layers(&asking);
                let each = hidden(&decision.permissions).into_iter().map(|part| {
                    let by = layers.by(|permissions| hidden(permissions).contains(&part));
                    Hides { hidden: part, by }
                });
                hides = each.collect();
            }
            Ruled { explanation, matched, hides }
        })
    }

    /// Everything that rules may depend on.
    fn asking<T>(
        &self,
        now: Now,
        seat: PresentityId,
        aor: &Aor,
        who: &Identity,
        ask: impl FnOnce(Asking<'_>) -> T,
    ) -> T {
        let about = self.seats.get(seat).map(|seat| seat.presentity.circumstances(self.person));
        let about = about.unwrap_or_default();
        ask(Asking {
            sphere: about.sphere.as_deref(),
            invisible: about.invisible,
            day_off: about.day_off,
            ..Asking::new(aor, who, now.wall)
        })
    }

    /// The document of a package as it is, whoever may see it.
    fn whole(&mut self, seat: PresentityId, aor: &Aor, package: &str) -> Option<bytes::Bytes> {
        let package: PackageId = self.registry.named(package)?;
        let Shard { seats, registry, .. } = self;
        let seat = seats.get_mut(seat)?;
        let media = registry.package(package).media().first()?;
        let seen = Seen::default();
        let rendered = seat.presentity.rendered(registry, package, View::Full, media, seen);
        Some(rendered.0.body.to_bytes(0, &aor.to_uri()))
    }
}

impl Outcome {
    fn of(subscription: &Subscription) -> Outcome {
        match (subscription.hearing, subscription.in_flight, subscription.owed) {
            (Hearing::Suspended { .. }, ..) => Outcome::Unanswered,
            (Hearing::Live, Some(_), _) => Outcome::InFlight,
            (Hearing::Live, None, Owed::Nothing) if subscription.failures > 0 => Outcome::Refused,
            (Hearing::Live, None, Owed::Nothing) => Outcome::Answered,
            (Hearing::Live, None, _) => Outcome::Waiting,
        }
    }

    /// In one word.
    pub fn as_text(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Refused => "refused",
            Outcome::InFlight => "in-flight",
            Outcome::Waiting => "waiting",
            Outcome::Unanswered => "unanswered",
        }
    }
}
