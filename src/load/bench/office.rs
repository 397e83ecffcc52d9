//! What all phones know, and what they do with a message.

use std::collections::VecDeque;

use super::histogram::Histogram;
use super::plan::Plan;
use super::repeats::Repeats;
use super::scan::{self, Message, Start};
use super::wire::{Dice, Outbox};
use super::write::{Key, Publish, Subscribe, Writer};

/// What is asked for to end something.
const AT_ONCE: u32 = 0;

/// Changes of one presentity that are still awaited; later ones are not told apart any more.
const CHANGES_MAX: usize = 1024;

/// All phones.
pub struct Office {
    writer: Writer,
    expires: u32,
    presentities: u32,
    watchers: u32,
    people: u32,
    watches: Vec<Watch>,
    publications: Vec<Publication>,
    outboxes: Vec<Outbox>,
    /// Links with something to send.
    dirty: Vec<usize>,
    repeats: Repeats<Key>,
    scratch: Vec<u8>,
    dice: Dice,
    /// What was counted since the phase began.
    pub tally: Tally,
    /// SUBSCRIBEs that are not over: unanswered, or without their NOTIFY.
    pub subscribing: usize,
    /// PUBLISHes that are unanswered.
    pub publishing: usize,
    /// Changes that not all watchers have seen.
    pub changing: usize,
}

/// What was counted.
#[derive(Clone, Default)]
pub struct Tally {
    /// SUBSCRIBEs answered with success and followed by a NOTIFY.
    pub subscribed: u64,
    /// PUBLISHes answered with success.
    pub published: u64,
    /// Changes every watcher has seen.
    pub changed: u64,
    /// NOTIFYs, without repeats.
    pub notifies: u64,
    /// Octets of these.
    pub notify_octets: u64,
    /// NOTIFYs that came again.
    pub notify_repeats: u64,
    /// NOTIFYs with a lower number than one before.
    pub out_of_order: u64,
    /// NOTIFYs of conversations nobody has.
    pub strangers: u64,
    /// Requests sent again.
    pub repeats: u64,
    /// Requests that came to nothing: no answer, or no NOTIFY, for 32 seconds.
    pub lost: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// The first refusal.
    pub refusal: Option<String>,
    /// Messages that could not be read.
    pub noise: u64,
    /// From each change to each NOTIFY that shows it.
    pub latency: Histogram,
    /// From the first NOTIFY of a change to the last.
    pub spread: Histogram,
}

#[derive(Default)]
struct Watch {
    cseq: u32,
    /// CSeq of the newest NOTIFY.
    heard: u32,
    /// The newest change ever seen.
    newest: u32,
    /// The change its lamp shows now: of the NOTIFY with the highest CSeq.
    shown: u32,
    /// What it awaits and whether it lives.
    flags: u8,
    /// The server's tag and Contact, a space between.
    dialog: Option<Box<[u8]>>,
}

/// The last SUBSCRIBE is unanswered.
const ASKING: u8 = 1;
/// The last SUBSCRIBE is not followed by a NOTIFY yet.
const OWED: u8 = 2;
/// The subscription lives.
const LIVE: u8 = 4;
/// The last SUBSCRIBE ends it.
const ENDING: u8 = 8;

#[derive(Default)]
struct Publication {
    cseq: u32,
    /// The newest change, published or not.
    wanted: u32,
    /// The change of the last PUBLISH.
    sent: u32,
    /// The newest change the server has accepted.
    accepted: u32,
    is_asking: bool,
    entity_tag: Option<Box<[u8]>>,
    changes: VecDeque<Change>,
}

struct Change {
    number: u32,
    /// When it was to happen.
    at: u64,
    first_seen: Option<u64>,
    /// Watchers that have not seen it.
    left: u32,
}

impl Office {
    /// An office at rest.
    pub fn new(plan: &Plan, writer: Writer, dice: Dice) -> Office {
        let publications = plan.presentities.saturating_add(plan.quiet_people());
        let all = |count: u32| 0..count;
        Office {
            expires: plan.expires,
            presentities: plan.presentities,
            watchers: plan.watchers,
            people: plan.people(),
            watches: all(plan.subscriptions()).map(|_| Watch::default()).collect(),
            publications: all(publications).map(|_| Publication::default()).collect(),
            outboxes: writer.hosts.iter().map(|_| Outbox::default()).collect(),
            dirty: Vec::new(),
            writer,
            repeats: Repeats::default(),
            scratch: Vec::new(),
            dice,
            tally: Tally::default(),
            subscribing: 0,
            publishing: 0,
            changing: 0,
        }
    }

    /// Messages lost on purpose.
    pub fn lost_on_purpose(&self) -> u64 {
        self.dice.lost
    }

    /// The next link with something to send.
    pub fn outbox(&mut self) -> Option<(usize, &mut Outbox)> {
        let link = self.dirty.pop()?;
        Some((link, self.outboxes.get_mut(link)?))
    }

    /// What could not be sent is tried again.
    pub fn put_off(&mut self, link: usize) {
        self.dirty.push(link);
    }

    /// Subscribes, refreshes or ends a subscription.
    pub fn subscribe(&mut self, now: u64, index: u32, ends: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        watch.cseq = watch.cseq.wrapping_add(1);
        watch.flags = watch.flags & LIVE | ASKING | OWED | if ends { ENDING } else { 0 };
        let cseq = watch.cseq;
        self.subscribing += 1;
        self.write_subscribe(index);
        self.repeats.sent(now, Key::Watch(index), cseq);
    }

    /// A presentity changes; what happened at `at` is published as soon as the change before
    /// is accepted.
    pub fn change(&mut self, now: u64, at: u64, index: u32) {
        let left = self.live_watchers(index);
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        publication.wanted = publication.wanted.wrapping_add(1);
        if publication.changes.len() < CHANGES_MAX {
            let number = publication.wanted;
            publication.changes.push_back(Change { number, at, first_seen: None, left });
            self.changing += 1;
        }
        if !publication.is_asking {
            self.publish(now, index);
        }
    }

    /// Whether a presentity has no change under way.
    pub fn is_settled(&self, index: u32) -> bool {
        let publication = self.publications.get(index as usize);
        publication
            .is_some_and(|publication| publication.changes.is_empty() && !publication.is_asking)
    }

    /// Whether a subscription lives.
    pub fn is_live(&self, index: u32) -> bool {
        self.watches.get(index as usize).is_some_and(|watch| watch.flags & LIVE != 0)
    }

    /// Subscriptions that live.
    pub fn live(&self) -> usize {
        self.watches.iter().filter(|watch| watch.flags & LIVE != 0).count()
    }

    /// Lamps that do not show the last change the server accepted.
    pub fn stale(&self) -> u64 {
        let mut stale = 0;
        let all = self.watches.chunks(self.watchers.max(1) as usize);
        for (watches, publication) in all.zip(&self.publications) {
            let is_stale =
                |watch: &&Watch| watch.flags & LIVE != 0 && watch.shown < publication.accepted;
            stale += watches.iter().filter(is_stale).count() as u64;
        }
        stale
    }

    /// Gives up what a phase has left unfinished; the next begins anew.
    pub fn give_up(&mut self) {
        for publication in &mut self.publications {
            publication.changes.clear();
        }
        self.changing = 0;
    }

    /// Takes a message that came by a link.
    pub fn hear(&mut self, now: u64, link: usize, octets: &[u8]) {
        if self.dice.loses() {
            return;
        }
        let Some(message) = scan::scan(octets) else {
            // Two line ends keep a path open (RFC 5626 §3.5.1).
            self.tally.noise += u64::from(!octets.trim_ascii().is_empty());
            return;
        };
        match (message.start, self.writer.key(message.call_id)) {
            (Start::Notify, Some(Key::Watch(index))) => {
                self.notified(now, link, index, &message, octets.len());
            }
            (Start::Notify, _) => {
                self.tally.strangers += 1;
                self.answer(link, "481 Subscription Does Not Exist", &message);
            }
            (Start::Request, _) => self.answer(link, "200 OK", &message),
            (Start::Response(100..200), _) | (Start::Response(_), None) => {}
            (Start::Response(status), Some(Key::Watch(index))) => {
                self.subscribe_answered(now, index, status, &message);
            }
            (Start::Response(status), Some(Key::Publication(index))) => {
                self.publish_answered(now, index, status, &message);
            }
        }
    }

    /// Repeats what is due.
    pub fn tick(&mut self, now: u64) {
        while let Some(waiting) = self.repeats.due(now) {
            let (is_open, is_asking) = self.waits(waiting.key, waiting.cseq);
            if !is_open {
                continue;
            }
            if !self.repeats.again(now, waiting) {
                self.tally.lost += 1;
                self.abandon(now, waiting.key);
                continue;
            }
            if is_asking {
                self.tally.repeats += 1;
                match waiting.key {
                    Key::Watch(index) => self.write_subscribe(index),
                    Key::Publication(index) => self.write_publish(index),
                }
            }
        }
    }

    /// Whether this request is not over, and whether it is unanswered.
    fn waits(&self, key: Key, cseq: u32) -> (bool, bool) {
        match key {
            Key::Watch(index) => {
                let watch = self.watches.get(index as usize);
                let flags = watch.filter(|watch| watch.cseq == cseq).map_or(0, |w| w.flags);
                (flags & (ASKING | OWED) != 0, flags & ASKING != 0)
            }
            Key::Publication(index) => {
                let publication = self.publications.get(index as usize);
                let is = publication.is_some_and(|p| p.cseq == cseq && p.is_asking);
                (is, is)
            }
        }
    }

    fn abandon(&mut self, now: u64, key: Key) {
        match key {
            Key::Watch(index) => self.end_subscribing(index, false),
            Key::Publication(index) => {
                let Some(publication) = self.publications.get_mut(index as usize) else { return };
                publication.is_asking = false;
                publication.entity_tag = None;
                self.publishing -= 1;
                self.publish_newer(now, index);
            }
        }
    }

    fn notified(
        &mut self,
        now: u64,
        link: usize,
        index: u32,
        message: &Message<'_>,
        octets: usize,
    ) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if watch.dialog.is_none() {
            watch.dialog = dialog(message.from, message);
        }
        if message.cseq <= watch.heard {
            match message.cseq == watch.heard {
                true => self.tally.notify_repeats += 1,
                false => self.tally.out_of_order += 1,
            }
            return self.answer(link, "200 OK", message);
        }
        watch.heard = message.cseq;
        self.tally.notifies += 1;
        self.tally.notify_octets += octets as u64;
        if message.is_terminated {
            watch.flags &= !LIVE;
        } else if let Some(shown) = scan::counter(message.body) {
            watch.shown = shown;
            if shown > watch.newest {
                let before = std::mem::replace(&mut watch.newest, shown);
                self.seen(now, index, before, shown);
            }
        }
        self.answer(link, "200 OK", message);
        self.not_owed(index, message.is_terminated);
    }

    /// The NOTIFY after a SUBSCRIBE has come.
    fn not_owed(&mut self, index: u32, is_terminated: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        // One that crossed our end says nothing of it.
        let is_the_one = watch.flags & ENDING == 0 || is_terminated;
        if watch.flags & OWED != 0 && is_the_one {
            watch.flags &= !OWED;
            if watch.flags & ASKING == 0 {
                self.end_subscribing(index, true);
            }
        }
    }

    /// A watcher shows these changes now, those after `before` up to `shown`.
    fn seen(&mut self, now: u64, index: u32, before: u32, shown: u32) {
        let Office { publications, tally, watchers, .. } = self;
        let Some(publication) = index
            .checked_div(*watchers)
            .and_then(|presentity| publications.get_mut(presentity as usize))
        else {
            return;
        };
        for change in &mut publication.changes {
            if change.number > shown {
                break;
            }
            if change.number > before {
                tally.latency.record(now.saturating_sub(change.at));
                change.first_seen.get_or_insert(now);
                change.left = change.left.saturating_sub(1);
            }
        }
        self.finish_changes(now, index / self.watchers);
    }

    /// Takes off the changes that everybody has seen and the server has accepted.
    fn finish_changes(&mut self, now: u64, presentity: u32) {
        let Some(publication) = self.publications.get_mut(presentity as usize) else { return };
        while let Some(change) = publication.changes.front() {
            if change.left > 0 || change.number > publication.accepted {
                break;
            }
            if let Some(first) = change.first_seen {
                self.tally.spread.record(now.saturating_sub(first));
            }
            self.tally.changed += 1;
            self.changing -= 1;
            publication.changes.pop_front();
        }
    }

    fn subscribe_answered(&mut self, _now: u64, index: u32, status: u16, message: &Message<'_>) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if watch.flags & ASKING == 0 || watch.cseq != message.cseq {
            return;
        }
        if status >= 300 {
            self.tally.refuse(message);
            watch.flags &= !LIVE;
            return self.end_subscribing(index, false);
        }
        if message.contact.is_some() {
            watch.dialog = dialog(message.to, message).or(watch.dialog.take());
        }
        if watch.flags & ENDING == 0 {
            watch.flags |= LIVE;
        }
        watch.flags &= !ASKING;
        if watch.flags & OWED == 0 {
            self.end_subscribing(index, true);
        }
    }

    fn end_subscribing(&mut self, index: u32, well: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if watch.flags & ENDING != 0 {
            watch.flags &= !LIVE;
        }
        watch.flags &= LIVE;
        self.subscribing -= 1;
        self.tally.subscribed += u64::from(well);
    }

    fn publish_answered(&mut self, now: u64, index: u32, status: u16, message: &Message<'_>) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        if !publication.is_asking || publication.cseq != message.cseq {
            return;
        }
        publication.is_asking = false;
        self.publishing -= 1;
        match status {
            200..300 => {
                publication.entity_tag = message.entity_tag.map(Box::from);
                publication.accepted = publication.sent;
                self.tally.published += 1;
                self.finish_changes(now, index);
                self.publish_newer(now, index);
            }
            // Its own repeat was faster, or the server forgot: the state is published anew.
            412 if publication.entity_tag.is_some() => {
                publication.entity_tag = None;
                self.tally.refuse(message);
                self.publish(now, index);
            }
            _ => {
                publication.entity_tag = None;
                self.tally.refuse(message);
                let changes = publication.changes.len();
                publication.changes.clear();
                self.changing -= changes;
            }
        }
    }

    /// Publishes what changed meanwhile.
    fn publish_newer(&mut self, now: u64, index: u32) {
        let publication = self.publications.get(index as usize);
        if publication.is_some_and(|publication| publication.wanted > publication.sent) {
            self.publish(now, index);
        }
    }

    fn publish(&mut self, now: u64, index: u32) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        publication.cseq = publication.cseq.wrapping_add(1);
        publication.sent = publication.wanted;
        publication.is_asking = true;
        let cseq = publication.cseq;
        self.publishing += 1;
        self.write_publish(index);
        self.repeats.sent(now, Key::Publication(index), cseq);
    }

    /// Watchers a presentity has now.
    fn live_watchers(&self, presentity: u32) -> u32 {
        if presentity >= self.presentities {
            return 0;
        }
        let first = presentity as usize * self.watchers as usize;
        let watches = self.watches.get(first..first + self.watchers as usize);
        let live = watches.unwrap_or_default().iter().filter(|watch| watch.flags & LIVE != 0);
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    fn write_subscribe(&mut self, index: u32) {
        let Some(watch) = self.watches.get(index as usize) else { return };
        let whom = index.checked_div(self.watchers).unwrap_or(0);
        let number = index.checked_rem(self.watchers).unwrap_or(0);
        let watcher = (whom + 1 + number) % self.people;
        let link = watcher as usize % self.outboxes.len();
        let dialog = watch.dialog.as_deref().and_then(|dialog| {
            let space = memchr::memchr(b' ', dialog)?;
            Some((dialog.get(..space)?, dialog.get(space + 1..)?))
        });
        // Before the first answer there is no dialog, whatever a NOTIFY may have told.
        let dialog = dialog.filter(|_| watch.cseq > 1);
        let ends = watch.flags & ENDING != 0;
        let subscribe = Subscribe {
            index,
            link,
            watcher,
            whom,
            cseq: watch.cseq,
            dialog,
            expires: if ends { AT_ONCE } else { self.expires },
            authorization: b"",
        };
        let Some(outbox) = self.outboxes.get_mut(link) else { return };
        if outbox.is_empty() {
            self.dirty.push(link);
        }
        self.writer.subscribe(outbox.begin(), &subscribe);
        outbox.end(&mut self.dice);
    }

    fn write_publish(&mut self, index: u32) {
        let Some(publication) = self.publications.get(index as usize) else { return };
        let whom = match index.checked_sub(self.presentities) {
            None => index,
            Some(quiet) => self.people + quiet,
        };
        let link = whom as usize % self.outboxes.len();
        let publish = Publish {
            index,
            link,
            whom,
            cseq: publication.cseq,
            entity_tag: publication.entity_tag.as_deref(),
            expires: self.expires,
            counter: publication.sent,
            authorization: b"",
        };
        let Some(outbox) = self.outboxes.get_mut(link) else { return };
        if outbox.is_empty() {
            self.dirty.push(link);
        }
        self.writer.publish(outbox.begin(), &mut self.scratch, &publish);
        outbox.end(&mut self.dice);
    }

    fn answer(&mut self, link: usize, status: &str, message: &Message<'_>) {
        let Some(outbox) = self.outboxes.get_mut(link) else { return };
        if outbox.is_empty() {
            self.dirty.push(link);
        }
        self.writer.answer(outbox.begin(), status, message);
        outbox.end(&mut self.dice);
    }
}

impl Tally {
    fn refuse(&mut self, message: &Message<'_>) {
        self.refused += 1;
        self.refusal
            .get_or_insert_with(|| String::from_utf8_lossy(message.start_line).into_owned());
    }
}

/// The other side's tag and Contact, if both are told.
fn dialog(line: &[u8], message: &Message<'_>) -> Option<Box<[u8]>> {
    let tag = scan::tag(line)?;
    let target = message.contact.and_then(scan::uri)?;
    Some([tag, b" ", target].concat().into())
}
