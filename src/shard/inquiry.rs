//! Questions that come by another way than SIP: what is said of a person, what somebody sees of
//! one, and why.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use super::Shard;
use super::exchange::may_speak_for;
use super::judge::{Judged, tell};
use super::ports::Output;
use super::privacy::Sees;
pub use super::why::{Hides, Outcome, Ruled, Told, Why};
use crate::base::identity::{Aor, Identity};
use crate::base::time::{Now, Wall};
use crate::base::uri::Uri;
use crate::doc::permissions::Permissions;
use crate::doc::rules::Attribute;
use crate::doc::view::View;
use crate::event::dialog::Dialog;
use crate::event::presence::Presence;
use crate::event::status::Lease;
use crate::event::status::feed::Fact;
use crate::event::{EventPackage, PackageId, Seen, Topic};
use crate::notifier::PresentityId;
use crate::policy::Verdict;
use crate::policy::audit::Line;
use crate::sip::Refusal;
use crate::transaction::Ticket;

/// A question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The answer bears it.
    pub number: u64,
    /// Who asks.
    pub who: Identity,
    /// Whom it is about.
    pub uri: Uri,
    /// What is asked for.
    pub demand: Demand,
}

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub enum Demand {
    /// That this be said of the person from now on, in place of what the same channel said.
    /// Time and publisher of what is said are those of the question.
    Say {
        /// What is said.
        fact: Fact,
        /// How long it holds from now on, where it names no end itself.
        lasting: Option<Duration>,
    },
    /// Whether the one who asks may speak for the person.
    Speak,
    /// What the one who asks sees of the person.
    See,
    /// Why the person is what it is, who was told, and what one watcher sees.
    Why {
        /// The watcher; `None` for all of them, and the person's own view.
        watcher: Option<Aor>,
    },
}

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// It is said.
    Said {
        /// Of whom.
        aor: Aor,
        /// When the last of it ends by itself; `None`: when it is taken back.
        until: Option<Wall>,
    },
    /// The one who asks may speak for this person.
    MaySpeak(Aor),
    /// What is seen.
    Seen(Sight),
    /// The reasons.
    Why(Box<Why>),
    /// It cannot be.
    Refused(Refusal),
}

/// What one watcher sees of a person: what the NOTIFYs of its subscriptions would say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sight {
    /// The person.
    pub aor: Aor,
    /// The presence document; `None` while the person has not decided about the watcher.
    pub presence: Option<Bytes>,
    /// The document of the person's calls.
    pub calls: Option<Bytes>,
    /// What of the person it may see; `None`: everything that is shown.
    pub permissions: Option<Arc<Permissions>>,
    /// Since when the person is free, if the watcher may see what the person does; `None`: since
    /// before that is known, or not at all.
    pub free_since: Option<Wall>,
}

/// What is shown of one package.
#[derive(Default)]
struct Shown {
    body: Option<Bytes>,
    /// Only what these show; `None`: everything.
    permissions: Option<Arc<Permissions>>,
    /// What is to be written down of it.
    line: Option<Box<Line>>,
}

/// What is to be written down of what was shown.
type Lines = SmallVec<[Box<Line>; 2]>;

impl Shard {
    /// Somebody asks by another way than SIP.
    pub(super) fn asked(&mut self, now: Now, asked: Asked) {
        let Asked { number, who, uri, demand } = asked;
        let answered = self.answered(now, &who, &uri, demand);
        let (answer, after) =
            answered.unwrap_or_else(|refusal| (Answer::Refused(refusal), Ticket::default()));
        self.ready.push_back(Output::Reply { number, after, answer: Box::new(answer) });
    }

    fn answered(
        &mut self,
        now: Now,
        who: &Identity,
        uri: &Uri,
        demand: Demand,
    ) -> Result<(Answer, Ticket), Refusal> {
        self.takes_requests()?; // 503
        let aor = self.served.resolve(uri)?; // 404, 416
        match demand {
            Demand::Say { fact, lasting } => {
                may_speak_for(who, &aor)?; // 403
                self.can_keep()?; // 503
                let fact = stamped(fact, now.wall, who, lasting);
                let is_past = |lease: &Lease| {
                    lease.end(&self.config.status).is_some_and(|end| end <= now.wall)
                };
                // A calendar is told whole, with what began and ended meanwhile.
                let is_whole =
                    matches!(fact.channel.topic, Topic::Calendar | Topic::Feed | Topic::Hours);
                if !is_whole && fact.says.iter().any(is_past) {
                    return Err(Refusal::BadBody { what: "the end is past".to_owned() });
                }
                let ends = fact.says.iter().map(|lease| lease.end(&self.config.status));
                let until = ends.max_by_key(|end| (end.is_none(), *end)).flatten();
                let seat = self.seat(&aor);
                let ticket = self.say(now, seat, fact)?; // 403
                self.counters.facts_accepted += 1;
                Ok((Answer::Said { aor, until }, ticket))
            }
            Demand::Speak => {
                may_speak_for(who, &aor)?; // 403
                Ok((Answer::MaySpeak(aor), Ticket::default()))
            }
            Demand::See => {
                let seat = self.seat(&aor);
                let (sight, lines) = self.sight(now, seat, &aor, who)?;
                lines.iter().for_each(|line| tell(line));
                Ok((Answer::Seen(sight), Ticket::default()))
            }
            Demand::Why { watcher } => {
                let seat = self.seat(&aor);
                let why = self.why(now, seat, aor, watcher);
                Ok((Answer::Why(Box::new(why)), Ticket::default()))
            }
        }
    }

    /// What a watcher sees of a person, by the same steps as a SUBSCRIBE and its NOTIFY.
    pub(super) fn sight(
        &mut self,
        now: Now,
        seat: PresentityId,
        aor: &Aor,
        who: &Identity,
    ) -> Result<(Sight, Lines), Refusal> {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.presentity.wake_all(); // What nobody watches may be out of date.
        }
        self.compose_for(now, seat, true);
        let mut lines = Lines::new();
        let presence = self.registry.named(Presence::NAME);
        let presence = presence.ok_or(Refusal::Forbidden("Forbidden"))?;
        let Shown { body: presence, permissions, line } =
            self.shown(now, seat, aor, who, presence)?;
        lines.extend(line);
        // Of calls alone somebody may be kept who sees the person.
        let calls = self.registry.named(Dialog::NAME);
        let calls = calls.and_then(|calls| self.shown(now, seat, aor, who, calls).ok());
        let Shown { body: calls, line, .. } = calls.unwrap_or_default();
        lines.extend(line);
        let may_know = permissions.as_ref().is_none_or(|it| it.provides(Attribute::Activities));
        let place = self.seats.get(seat).filter(|_| may_know && presence.is_some());
        let free_since = place.and_then(|place| place.presentity.free_since(self.person));
        Ok((Sight { aor: aor.clone(), presence, calls, permissions, free_since }, lines))
    }

    /// What a watcher sees in one package, and what is to be written down of it.
    fn shown(
        &mut self,
        now: Now,
        seat: PresentityId,
        aor: &Aor,
        who: &Identity,
        package: PackageId,
    ) -> Result<Shown, Refusal> {
        let Judged { verdict, sees, line, .. } = self.judge(now, aor, package, who);
        let Shard { seats, registry, pool, counters, .. } = self;
        let nothing = |line| Ok(Shown { line, ..Shown::default() });
        let Some(seat) = seats.get_mut(seat) else { return nothing(line) };
        let permissions = match &sees {
            Sees::Part(permissions) => Some(pool.share((**permissions).clone())),
            Sees::Full | Sees::Own => None,
        };
        let view = match (verdict, &sees, &permissions) {
            (Verdict::Block, ..) => return Err(Refusal::Forbidden("Forbidden")),
            (Verdict::Confirm, ..) => return nothing(line),
            (Verdict::PoliteBlock, ..) => View::Offline,
            (Verdict::Allow, Sees::Own, _) => View::Own,
            (Verdict::Allow, _, Some(permissions)) => View::Part(permissions),
            (Verdict::Allow, ..) => View::Full,
        };
        let media = registry.package(package).media().first();
        let Some(media) = media else { return nothing(line) };
        let kept = permissions.as_ref().map(|shared| seat.privacy().views.take(shared));
        let rendered = seat.presentity.rendered(registry, package, view, media, Seen::default());
        if let Some(kept) = kept {
            seat.give_back(package, kept); // Remembered only if somebody watches by it.
        }
        counters.bodies_serialised += u64::from(rendered.1);
        let permissions = match verdict {
            Verdict::Allow => permissions,
            _ => Some(pool.share(Permissions::nothing())),
        };
        let body = Some(rendered.0.body.to_bytes(0, &aor.to_uri()));
        Ok(Shown { body, permissions, line })
    }
}

/// What is said, said now by this one.
pub(super) fn stamped(
    mut fact: Fact,
    now: Wall,
    who: &Identity,
    lasting: Option<Duration>,
) -> Fact {
    let by: Box<str> = match who {
        Identity::User(aor) | Identity::Peer { asserted: Some(aor), .. } => aor.as_str().into(),
        Identity::Peer { address, asserted: None } => address.to_string().into(),
        Identity::Unasked => Box::default(),
    };
    for lease in &mut fact.says {
        lease.updated = now;
        lease.publisher = by.clone();
        lease.until = lease.until.or_else(|| Some(now + lasting?));
    }
    fact
}
