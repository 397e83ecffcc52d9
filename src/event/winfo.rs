//! Watcher information (RFC 3857): who watches one presentity in one package, each subscription by
//! the states of §4.7.1, and what changed since somebody was told.

use std::hash::Hasher;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Wall;
use crate::doc::rules::SubHandling;
use crate::doc::watcher_info::{Event, Status, Watcher};
use crate::event::registry::{Package, PackageId};
use crate::event::state::EventState;
use crate::event::{Observation, Pace};

/// The template every package can be watched under (RFC 3857 §4.1).
const TEMPLATE: &str = ".winfo";

/// The package whose watchers an event type tells; `None` if it tells no watchers. Watchers of
/// watchers are told, a third level is nobody's (RFC 3857 §4.6).
pub fn watched(event: &str) -> Option<&str> {
    let package = event.strip_suffix(TEMPLATE)?;
    let deep = package.strip_suffix(TEMPLATE).is_some_and(|inner| inner.ends_with(TEMPLATE));
    (!package.is_empty() && !deep).then_some(package)
}

/// The package of the watchers of another package.
pub struct Template {
    name: &'static str,
    of: PackageId,
}

/// The names of these packages.
const NAMES: [(&str, &str); 3] = [
    ("presence", "presence.winfo"),
    ("dialog", "dialog.winfo"),
    ("message-summary", "message-summary.winfo"),
];

impl Template {
    /// That of a package by its name and place.
    pub fn of(package: &str, of: PackageId) -> Option<Template> {
        let (_, name) = NAMES.iter().find(|(known, _)| *known == package)?;
        Some(Template { name, of })
    }
}

impl Package for Template {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_named(&self) -> bool {
        true
    }

    fn media(&self) -> &'static [MediaType] {
        &[MediaType::WatcherInfo]
    }

    fn reads(&self) -> &'static [MediaType] {
        &[]
    }

    /// RFC 3857 §4.10: one in five seconds.
    fn pace(&self) -> Pace {
        Pace { interval: Duration::from_secs(5), burst: 1 }
    }

    /// RFC 3857 §4.4.
    fn expires_default(&self) -> Duration {
        limits::EXPIRES_DEFAULT
    }

    fn is_published(&self) -> bool {
        false
    }

    fn event(&self) -> &'static str {
        self.name
    }

    fn takes(&self, _: &Observation) -> bool {
        false
    }

    /// Its state is who watches, which whoever keeps subscriptions knows.
    fn open(&self) -> Option<Box<dyn EventState>> {
        None
    }

    fn template_of(&self) -> Option<PackageId> {
        Some(self.of)
    }
}

/// All watchers of one presentity in one package.
#[derive(Clone, Debug, Default)]
pub struct Watchers {
    entries: Vec<Entry>,
    /// Counts changes; what changed carries the number of its last change.
    changes: u64,
}

/// One subscription.
#[derive(Clone, Debug)]
struct Entry {
    /// `None` once the subscription is over.
    key: Option<u64>,
    id: String,
    asker: Asker,
    status: Status,
    event: Event,
    /// When it began, where that is known.
    begun: Option<Wall>,
    /// When it runs out; for one that is over, when it is forgotten.
    until: Wall,
    changed: u64,
}

/// Who asked for what: the same asker asking again is the same to the person who decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The watcher's address; that of an anonymous one names nobody.
    pub uri: String,
    /// What the watcher calls itself.
    pub display: Option<String>,
    /// The parameters of its Event header and its filter, in any form that is equal for equals.
    pub wish: String,
}

/// Why a subscription is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It ran out, or the watcher ended it, or cannot be reached.
    Timeout,
    /// It was forbidden.
    Rejected,
    /// The server ended it; the watcher may come again at once.
    Deactivated,
    /// The server ended it; the watcher may come again later.
    Probation,
    /// What was watched is no more.
    NoResource,
}

/// Whom a reader may know of (RFC 3857 §4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reader<'a> {
    /// The person watched: everybody.
    Owner,
    /// Somebody else: only of their own subscriptions.
    Watcher(&'a str),
}

impl Watchers {
    /// A subscription begins. `key` is the caller's name for it, never used for another one of this
    /// presentity. True if it is something to tell.
    pub fn begin(
        &mut self,
        now: Wall,
        key: u64,
        asker: Asker,
        handling: SubHandling,
        until: Wall,
    ) -> bool {
        self.take(now, key, asker, handling, until, Some(now))
    }

    /// A subscription that began before anybody kept the list. True if it is something to tell.
    pub fn join(
        &mut self,
        now: Wall,
        key: u64,
        asker: Asker,
        handling: SubHandling,
        until: Wall,
    ) -> bool {
        self.take(now, key, asker, handling, until, None)
    }

    fn take(
        &mut self,
        now: Wall,
        key: u64,
        asker: Asker,
        handling: SubHandling,
        until: Wall,
        begun: Option<Wall>,
    ) -> bool {
        let status = match handling {
            SubHandling::Block => return false,
            SubHandling::Confirm => Status::Pending,
            SubHandling::PoliteBlock | SubHandling::Allow => Status::Active,
        };
        // Who asks again is not told of twice.
        self.end_waiting(now, Event::Giveup, |waiting| waiting.asker == asker);
        self.changes = self.changes.saturating_add(1);
        self.entries.push(Entry {
            key: Some(key),
            id: id_of(key),
            asker,
            status,
            event: Event::Subscribe,
            begun,
            until,
            changed: self.changes,
        });
        true
    }

    /// A fetch: allowed, it is over before anybody could be told; not decided, it waits for the
    /// person to come and decide (RFC 3857 §4.7.1). True if it is something to tell.
    pub fn fetch(&mut self, now: Wall, key: u64, asker: Asker, handling: SubHandling) -> bool {
        handling == SubHandling::Confirm
            && self.begin(now, key, asker, handling, now)
            && self.end(now, key, End::Timeout)
    }

    /// A subscription runs longer, or shorter. Nothing to tell.
    pub fn refresh(&mut self, key: u64, until: Wall) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == Some(key)) {
            entry.until = until;
        }
    }

    /// The rules say something else of a live subscription. To forbid it is [`Watchers::end`]. True
    /// if it is something to tell.
    pub fn judge(&mut self, key: u64, handling: SubHandling) -> bool {
        let changes = self.changes.saturating_add(1);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == Some(key)) else {
            return false;
        };
        let (status, event) = match (entry.status, handling) {
            (Status::Pending, SubHandling::Allow | SubHandling::PoliteBlock) => {
                (Status::Active, Event::Approved)
            }
            // No arrow of RFC 3857 leads back; RFC 5025 §3.2.1 does.
            (Status::Active, SubHandling::Confirm) => (Status::Pending, Event::Subscribe),
            _ => return false,
        };
        (entry.status, entry.event, entry.changed) = (status, event, changes);
        self.changes = changes;
        true
    }

    /// A subscription is over. One that ran out undecided waits on. True if it is something to
    /// tell.
    pub fn end(&mut self, now: Wall, key: u64, end: End) -> bool {
        let changes = self.changes.saturating_add(1);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == Some(key)) else {
            return false;
        };
        entry.key = None;
        entry.changed = changes;
        self.changes = changes;
        if entry.status == Status::Pending && end == End::Timeout {
            (entry.status, entry.event) = (Status::Waiting, Event::Timeout);
            entry.until = now + limits::WAITING_WATCHER_MAX;
            let asker = entry.asker.uri.clone();
            self.bound_waiting(now, &asker);
            return true;
        }
        let event = match end {
            End::Timeout => Event::Timeout,
            End::Rejected => Event::Rejected,
            End::Deactivated => Event::Deactivated,
            End::Probation => Event::Probation,
            End::NoResource => Event::Noresource,
        };
        entry.over(now, event);
        self.bound_ended();
        true
    }

    /// The rules changed: whoever waits for a decision has one now, or waits on if it is to
    /// confirm. True if there is something to tell.
    pub fn judge_waiting(
        &mut self,
        now: Wall,
        mut handling: impl FnMut(&Asker) -> SubHandling,
    ) -> bool {
        self.end_each_waiting(now, |entry| match handling(&entry.asker) {
            SubHandling::Confirm => None,
            SubHandling::Block => Some(Event::Rejected),
            SubHandling::PoliteBlock | SubHandling::Allow => Some(Event::Approved),
        })
    }

    /// What is watched is no more: nobody waits for it either. True if there is something to tell.
    pub fn vanish(&mut self, now: Wall) -> bool {
        self.end_waiting(now, Event::Noresource, |_| true)
    }

    /// Time passes: who waited too long gives up, ends that everybody knows are forgotten. True if
    /// there is something to tell.
    pub fn tick(&mut self, now: Wall) -> bool {
        let told = self.end_waiting(now, Event::Giveup, |entry| entry.until <= now);
        self.entries.retain(|entry| entry.status != Status::Terminated || now < entry.until);
        told
    }

    /// When [`Watchers::tick`] has something to do.
    pub fn deadline(&self) -> Option<Wall> {
        self.entries.iter().filter(|entry| entry.key.is_none()).map(|entry| entry.until).min()
    }

    /// The number of the last change: who has the list now has everything up to it.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Everybody who watches or waits: what is told after every SUBSCRIBE (RFC 3857 §4.3).
    pub fn full(&self, now: Wall, reader: Reader<'_>) -> Vec<Watcher> {
        let here = self.entries.iter().filter(|entry| entry.status != Status::Terminated);
        here.filter(|entry| entry.is_for(reader)).map(|entry| entry.told(now)).collect()
    }

    /// Whoever changed since a number of [`Watchers::changes`], those who are gone included.
    pub fn since(&self, changes: u64, now: Wall, reader: Reader<'_>) -> Vec<Watcher> {
        let changed = self.entries.iter().filter(|entry| entry.changed > changes);
        changed.filter(|entry| entry.is_for(reader)).map(|entry| entry.told(now)).collect()
    }

    /// Whether a live subscription is in the list.
    pub fn knows(&self, key: u64) -> bool {
        self.entries.iter().any(|entry| entry.key == Some(key))
    }

    /// Whether somebody waits for a decision.
    pub fn has_waiting(&self) -> bool {
        self.entries.iter().any(|entry| entry.status == Status::Waiting)
    }

    /// Nobody reads the list: only who waits is kept in it.
    pub fn keep_waiting(&mut self) {
        self.entries.retain(|entry| entry.status == Status::Waiting);
    }

    /// Whether nobody watches, waits, or has just gone.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn end_waiting(
        &mut self,
        now: Wall,
        event: Event,
        mut which: impl FnMut(&Entry) -> bool,
    ) -> bool {
        self.end_each_waiting(now, |entry| which(entry).then_some(event))
    }

    /// Ends the waiting of those for whom there is an event that ends it.
    fn end_each_waiting(
        &mut self,
        now: Wall,
        mut ends: impl FnMut(&Entry) -> Option<Event>,
    ) -> bool {
        let changes = self.changes.saturating_add(1);
        let waiting = self.entries.iter_mut().filter(|entry| entry.status == Status::Waiting);
        let mut told = false;
        for entry in waiting {
            let Some(event) = ends(entry) else { continue };
            entry.over(now, event);
            entry.changed = changes;
            told = true;
        }
        if told {
            self.changes = changes;
            self.bound_ended();
        }
        told
    }

    /// RFC 3857 §4.7.1: nobody fills the list with attempts.
    fn bound_waiting(&mut self, now: Wall, uri: &str) {
        let waits = |entry: &&Entry| entry.status == Status::Waiting;
        let all = self.entries.iter().filter(waits).count();
        let own = self.entries.iter().filter(waits).filter(|entry| entry.asker.uri == uri).count();
        let mut excess_of_own = own.saturating_sub(limits::WAITING_OF_ONE_MAX);
        let mut excess = all.saturating_sub(limits::WAITING_WATCHERS_MAX);
        // In the order they came, which is that of how long they wait, nearly.
        self.end_waiting(now, Event::Giveup, |entry| {
            let one_too_many = excess_of_own > 0 && entry.asker.uri == uri;
            excess_of_own = excess_of_own.saturating_sub(usize::from(one_too_many));
            let over = one_too_many || excess > 0;
            excess = excess.saturating_sub(usize::from(over));
            over
        });
    }

    fn bound_ended(&mut self) {
        let ended = |entry: &Entry| entry.status == Status::Terminated;
        let count = self.entries.iter().filter(|entry| ended(entry)).count();
        let mut excess = count.saturating_sub(limits::ENDED_WATCHERS_MAX);
        self.entries.retain(|entry| {
            let forgotten = excess > 0 && ended(entry);
            excess = excess.saturating_sub(usize::from(forgotten));
            !forgotten
        });
    }
}

impl Entry {
    fn over(&mut self, now: Wall, event: Event) {
        (self.status, self.event) = (Status::Terminated, event);
        self.key = None;
        self.until = now + limits::ENDED_WATCHER_TOLD;
    }

    fn is_for(&self, reader: Reader<'_>) -> bool {
        match reader {
            Reader::Owner => true,
            Reader::Watcher(uri) => self.asker.uri == uri,
        }
    }

    fn told(&self, now: Wall) -> Watcher {
        let seconds = |span: Duration| Some(span.as_secs());
        let live = self.key.is_some();
        Watcher {
            id: self.id.clone(),
            uri: self.asker.uri.clone(),
            display: self.asker.display.clone(),
            language: None,
            status: self.status,
            event: self.event,
            expiration: if live { seconds(self.until.since(now)) } else { None },
            duration: self.begun.and_then(|begun| seconds(now.since(begun))),
        }
    }
}

/// The id of a subscription: the same for its life, and nothing by which its dialog could be found.
fn id_of(key: u64) -> String {
    let mut hasher = SipHasher13::new_with_keys(0x7769_6e66, 0x6f);
    hasher.write_u64(key);
    format!("w{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn start() -> Wall {
        Wall::from_unix_millis(1_772_444_467_000)
    }

    fn asker(uri: &str) -> Asker {
        Asker { uri: uri.to_owned(), display: None, wish: String::new() }
    }

    fn begin(watchers: &mut Watchers, key: u64, handling: SubHandling) -> bool {
        let until = start() + HOUR;
        watchers.begin(start(), key, asker(&format!("sip:{key}@h")), handling, until)
    }

    /// Status and event of everybody who changed since.
    fn told(watchers: &Watchers, since: u64) -> Vec<(String, &'static str, &'static str)> {
        let changed = watchers.since(since, start(), Reader::Owner);
        let each = changed.into_iter();
        each.map(|one| (one.uri, one.status.as_text(), one.event.as_text())).collect()
    }

    fn last(watchers: &Watchers, since: u64) -> (&'static str, &'static str) {
        let told = told(watchers, since);
        told.last().map_or(("", ""), |(_, status, event)| (status, event))
    }

    // RFC 3857 §4.7.1.
    #[test]
    fn every_arrow_of_the_figure_is_told_under_one_id() {
        type Step = fn(&mut Watchers) -> bool;
        let allow: Step = |list| list.judge(1, SubHandling::Allow);
        let politely: Step = |list| list.judge(1, SubHandling::PoliteBlock);
        let confirm: Step = |list| list.judge(1, SubHandling::Confirm);
        let out: Step = |list| list.end(start(), 1, End::Timeout);
        let reject: Step = |list| list.end(start(), 1, End::Rejected);
        let approve: Step = |list| list.judge_waiting(start(), |_| SubHandling::Allow);
        let refuse: Step = |list| list.judge_waiting(start(), |_| SubHandling::Block);
        let vanish: Step = |list| list.vanish(start());
        let late: Step = |list| list.tick(start() + limits::WAITING_WATCHER_MAX);
        for (first, steps, status, event) in [
            (SubHandling::Allow, &[][..], "active", "subscribe"),
            (SubHandling::PoliteBlock, &[], "active", "subscribe"),
            (SubHandling::Confirm, &[], "pending", "subscribe"),
            (SubHandling::Confirm, &[allow], "active", "approved"),
            (SubHandling::Confirm, &[politely], "active", "approved"),
            (SubHandling::Confirm, &[reject], "terminated", "rejected"),
            (SubHandling::Confirm, &[out], "waiting", "timeout"),
            (SubHandling::Confirm, &[out, approve], "terminated", "approved"),
            (SubHandling::Confirm, &[out, refuse], "terminated", "rejected"),
            (SubHandling::Confirm, &[out, late], "terminated", "giveup"),
            (SubHandling::Confirm, &[out, vanish], "terminated", "noresource"),
            (SubHandling::Confirm, &[allow, out], "terminated", "timeout"),
            (SubHandling::Allow, &[out], "terminated", "timeout"),
            (SubHandling::Allow, &[reject], "terminated", "rejected"),
            (SubHandling::Allow, &[confirm], "pending", "subscribe"),
        ] {
            let mut list = Watchers::default();
            assert!(begin(&mut list, 1, first));
            let id = list.full(start(), Reader::Owner)[0].id.clone();
            for step in steps {
                let before = list.changes();
                assert!(step(&mut list), "{status} {event}");
                assert_eq!(list.changes(), before + 1);
            }
            let before = list.changes() - 1;
            assert_eq!(last(&list, before), (status, event));
            let changed = list.since(before, start(), Reader::Owner);
            assert!(changed.iter().all(|watcher| watcher.id == id), "one id for life");
        }
        for (end, event) in [
            (End::Deactivated, "deactivated"),
            (End::Probation, "probation"),
            (End::NoResource, "noresource"),
        ] {
            for first in [SubHandling::Allow, SubHandling::Confirm] {
                let mut list = Watchers::default();
                begin(&mut list, 1, first);
                assert!(list.end(start(), 1, end));
                assert_eq!(last(&list, 1), ("terminated", event));
            }
        }
    }

    #[test]
    fn what_changes_nothing_is_not_told() {
        let mut list = Watchers::default();
        assert!(!begin(&mut list, 1, SubHandling::Block), "who is refused never watched");
        assert!(!list.fetch(start(), 2, asker("sip:2@h"), SubHandling::Allow));
        assert!(list.is_empty());
        begin(&mut list, 3, SubHandling::Allow);
        let before = list.changes();
        list.refresh(3, start() + HOUR + HOUR);
        assert!(!list.judge(3, SubHandling::PoliteBlock) && !list.judge(3, SubHandling::Allow));
        assert!(!list.judge(9, SubHandling::Confirm) && !list.end(start(), 9, End::Rejected));
        assert!(!list.judge_waiting(start(), |_| SubHandling::Allow) && !list.tick(start()));
        assert_eq!(list.changes(), before);
        let expiration = list.full(start(), Reader::Owner)[0].expiration;
        assert_eq!(expiration, Some(7200), "but the next list knows it");
    }

    // RFC 3857 §4.7.1: the person learns of it when he comes.
    #[test]
    fn a_fetch_nobody_decided_waits() {
        let mut list = Watchers::default();
        assert!(list.fetch(start(), 1, asker("sip:carol@h"), SubHandling::Confirm));
        let full = list.full(start(), Reader::Owner);
        assert_eq!((full[0].status, full[0].event), (Status::Waiting, Event::Timeout));
        assert_eq!(full[0].expiration, None);
        assert_eq!(list.deadline(), Some(start() + limits::WAITING_WATCHER_MAX));
    }

    #[test]
    fn who_waits_and_asks_again_gives_up_and_is_pending_anew() {
        let mut list = Watchers::default();
        let carol = asker("sip:carol@h");
        list.fetch(start(), 1, carol.clone(), SubHandling::Confirm);
        let other_wish = Asker { wish: "id=7".into(), ..carol.clone() };
        list.fetch(start(), 2, other_wish, SubHandling::Confirm);
        let before = list.changes();
        list.begin(start(), 3, carol, SubHandling::Confirm, start() + HOUR);
        let told = list.since(before, start(), Reader::Owner);
        let states: Vec<_> = told.iter().map(|one| (one.status, one.event)).collect();
        let giveup = (Status::Terminated, Event::Giveup);
        assert_eq!(states, [giveup, (Status::Pending, Event::Subscribe)]);
        assert_ne!(told[0].id, told[1].id);
        assert_eq!(list.full(start(), Reader::Owner).len(), 2, "the other wish waits on");
    }

    #[test]
    fn a_partial_list_has_the_last_state_of_each_and_an_end_once() {
        let mut list = Watchers::default();
        assert!((1..=3).all(|key| begin(&mut list, key, SubHandling::Confirm)));
        let before = list.changes();
        list.judge(1, SubHandling::Allow);
        list.end(start(), 1, End::Timeout);
        list.judge(2, SubHandling::Allow);
        assert_eq!(
            told(&list, before),
            [
                ("sip:1@h".to_owned(), "terminated", "timeout"),
                ("sip:2@h".to_owned(), "active", "approved"),
            ]
        );
        assert_eq!(told(&list, list.changes()), []);
        assert_eq!(list.full(start(), Reader::Owner).len(), 2, "nobody gone is in a full list");
    }

    // RFC 3857 §4.6.
    #[test]
    fn others_know_only_of_their_own() {
        let mut list = Watchers::default();
        assert!((1..=3).all(|key| begin(&mut list, key, SubHandling::Allow)));
        let own = list.full(start(), Reader::Watcher("sip:2@h"));
        assert_eq!(own.iter().map(|one| &*one.uri).collect::<Vec<_>>(), ["sip:2@h"]);
        assert_eq!(list.since(0, start(), Reader::Watcher("sip:9@h")), []);
    }

    #[test]
    fn nobody_fills_the_list_by_asking_often() {
        let mut list = Watchers::default();
        for key in 0..10_000 {
            let wish = format!("id={key}");
            let asker = Asker { wish, ..asker("sip:mallory@h") };
            list.fetch(start(), key, asker, SubHandling::Confirm);
        }
        let waiting = list.full(start(), Reader::Owner);
        assert_eq!(waiting.len(), limits::WAITING_OF_ONE_MAX);
        assert_eq!(waiting.last().map(|one| one.id.clone()), Some(id_of(9_999)));
        for key in 0..2_000 {
            list.fetch(start(), key, asker(&format!("sip:{key}@h")), SubHandling::Confirm);
        }
        let waiting = list.full(start(), Reader::Owner).len();
        assert_eq!(waiting, limits::WAITING_WATCHERS_MAX);
        assert!(list.entries.len() <= limits::WAITING_WATCHERS_MAX + limits::ENDED_WATCHERS_MAX);
    }

    #[test]
    fn an_end_is_forgotten_once_it_was_told_long_enough() {
        let mut list = Watchers::default();
        begin(&mut list, 1, SubHandling::Allow);
        assert_eq!(list.deadline(), None);
        list.end(start(), 1, End::Timeout);
        let told = start() + limits::ENDED_WATCHER_TOLD;
        assert_eq!(list.deadline(), Some(told));
        assert!(!list.tick(start()) && !list.is_empty());
        assert!(!list.tick(told) && list.is_empty());
    }

    #[test]
    fn templates_are_two_levels_deep() {
        for (event, package) in [
            ("presence.winfo", Some("presence")),
            ("presence.winfo.winfo", Some("presence.winfo")),
            ("presence.winfo.winfo.winfo", None),
            ("presence", None),
            (".winfo", None),
            ("winfo", None),
        ] {
            assert_eq!(watched(event), package, "{event}");
        }
    }
}
