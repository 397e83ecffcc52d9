//! The subscriptions of the phones: SUBSCRIBE out, NOTIFY in, and what each lamp shows.

use super::office::Office;
use super::scan::{self, Message};
use super::write::{Key, Subscribe};

/// What is asked for to end a subscription.
const AT_ONCE: u32 = 0;

/// The last SUBSCRIBE is unanswered.
const ASKING: u8 = 1;
/// The last SUBSCRIBE is not followed by a NOTIFY yet.
const OWED: u8 = 2;
/// The subscription lives.
const LIVE: u8 = 4;
/// The last SUBSCRIBE ends it.
const ENDING: u8 = 8;
/// The last SUBSCRIBE answers a challenge.
const PROVING: u8 = 16;
/// The last SUBSCRIBE is one within the dialog.
const WITHIN: u8 = 32;

/// The phone is gone: it neither asks nor answers.
const GONE: u8 = 64;

/// One subscription.
#[derive(Default)]
pub struct Watch {
    cseq: u32,
    /// CSeq of the newest NOTIFY.
    heard: u32,
    /// The newest change ever seen.
    newest: u32,
    /// The change its lamp shows now: of the NOTIFY with the highest CSeq.
    shown: u32,
    /// What it awaits and whether it lives.
    flags: u8,
    /// Since when the last SUBSCRIBE waits, in microseconds; it wraps around after an hour.
    since: u32,
    /// The server's tag and Contact, a space between.
    dialog: Option<Box<[u8]>>,
    /// The credentials of the last SUBSCRIBE: a header line.
    authorization: Option<Box<[u8]>>,
}

impl Office {
    /// Subscribes, refreshes or ends a subscription; ending one that never began is a fetch
    /// (RFC 6665 §4.4.3).
    pub fn subscribe(&mut self, now: u64, index: u32, ends: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if !watch.is_live() {
            (watch.heard, watch.dialog) = (0, None);
        }
        let within = if watch.is_live() { LIVE | WITHIN } else { 0 };
        watch.flags = within | OWED | if ends { ENDING } else { 0 };
        watch.since = micros(now);
        self.subscribing += 1;
        let authorization = self.credentials(index);
        self.ask(now, index, authorization);
    }

    /// Whether a phone with a password does not know yet what it will be asked.
    pub fn is_unasked(&self, index: u32) -> bool {
        let watcher = self.pair(index).0;
        self.passwords.as_ref().is_some_and(|passwords| !passwords.was_asked(watcher))
    }

    /// Whether nothing of a subscription is under way.
    pub fn is_quiet(&self, index: u32) -> bool {
        let watch = self.watches.get(index as usize);
        watch.is_some_and(|watch| watch.flags & (ASKING | OWED) == 0)
    }

    /// A share of the phones goes away without a word.
    pub fn die(&mut self, share: f64) {
        let mut due = 0.0;
        for watch in self.watches.iter_mut().filter(|watch| watch.is_live()) {
            due += share;
            if due >= 1.0 {
                due -= 1.0;
                watch.flags = GONE;
            }
        }
    }

    /// Whether the phone of a subscription is gone.
    pub(super) fn is_gone(&self, index: u32) -> bool {
        self.watches.get(index as usize).is_some_and(|watch| watch.flags & GONE != 0)
    }

    /// Whether a subscription lives.
    pub fn is_live(&self, index: u32) -> bool {
        self.watches.get(index as usize).is_some_and(Watch::is_live)
    }

    /// Subscriptions that live.
    pub fn live(&self) -> usize {
        self.watches.iter().filter(|watch| watch.is_live()).count()
    }

    /// Lamps that do not show the last change the server accepted.
    pub fn stale(&self) -> u64 {
        let all = self.watches.chunks(self.watchers.max(1) as usize);
        let stale = all.zip(&self.publications).map(|(watches, publication)| {
            let is_stale = |watch: &&Watch| watch.is_live() && watch.shown < publication.accepted;
            watches.iter().filter(is_stale).count() as u64
        });
        stale.sum()
    }

    /// Watchers a presentity has now.
    pub(super) fn live_watchers(&self, presentity: u32) -> u32 {
        if presentity >= self.presentities {
            return 0;
        }
        let first = presentity as usize * self.watchers as usize;
        let watches = self.watches.get(first..first + self.watchers as usize);
        let live = watches.unwrap_or_default().iter().filter(|watch| watch.is_live());
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    /// Takes a NOTIFY; says how it is answered.
    pub(super) fn notified(&mut self, now: u64, index: u32, message: &Message<'_>) -> &'static str {
        let Office { watches, tally, mark, .. } = self;
        let Some(watch) = watches.get_mut(index as usize) else {
            tally.strangers += 1;
            return "481 Subscription Does Not Exist";
        };
        if watch.dialog.is_none() {
            watch.dialog = dialog(message.from, message);
        }
        if message.cseq <= watch.heard {
            match message.cseq == watch.heard {
                true => tally.notify_repeats += 1,
                false => tally.out_of_order += 1,
            }
            return "200 OK";
        }
        watch.heard = message.cseq;
        tally.notifies += 1;
        tally.notify_octets += message.octets.len() as u64;
        if message.is_terminated {
            watch.flags &= !LIVE;
        } else if let Some(shown) = scan::counter(message.body, mark) {
            watch.shown = shown;
            if shown > watch.newest {
                let before = std::mem::replace(&mut watch.newest, shown);
                let presentity = index.checked_div(self.watchers).unwrap_or(0);
                self.seen(now, presentity, before, shown);
            }
        }
        self.not_owed(now, index, message.is_terminated);
        "200 OK"
    }

    /// Takes the answer to a SUBSCRIBE.
    pub(super) fn subscribe_answered(
        &mut self,
        now: u64,
        index: u32,
        status: u16,
        message: &Message<'_>,
    ) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if watch.flags & ASKING == 0 || watch.cseq != message.cseq {
            return;
        }
        if matches!(status, 401 | 407)
            && watch.flags & PROVING == 0
            && let Some(line) = self.proof(index, message)
        {
            self.tally.challenged += 1;
            if let Some(watch) = self.watches.get_mut(index as usize) {
                watch.flags |= PROVING;
            }
            return self.ask(now, index, Some(line));
        }
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if status >= 300 {
            self.tally.refuse(message);
            watch.flags &= !LIVE;
            return self.end_subscribing(now, index, false);
        }
        if let Some(dialog) = dialog(message.to, message) {
            watch.dialog = Some(dialog);
        }
        if let Some(seconds) = message.expires.filter(|seconds| *seconds > 0) {
            self.tally.grant(seconds);
        }
        if watch.flags & ENDING == 0 {
            watch.flags |= LIVE;
        }
        watch.flags &= !ASKING;
        if watch.flags & OWED == 0 {
            self.end_subscribing(now, index, true);
        }
    }

    /// Whether this SUBSCRIBE is not over, and whether it is unanswered.
    pub(super) fn watch_waits(&self, index: u32, cseq: u32) -> (bool, bool) {
        let watch = self.watches.get(index as usize).filter(|watch| watch.cseq == cseq);
        let flags = watch.map_or(0, |watch| watch.flags);
        (flags & (ASKING | OWED) != 0, flags & ASKING != 0)
    }

    /// A SUBSCRIBE is over, well or not.
    pub(super) fn end_subscribing(&mut self, now: u64, index: u32, well: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        if watch.flags & ENDING != 0 {
            watch.flags &= !LIVE;
        }
        watch.flags &= LIVE;
        watch.authorization = None;
        self.subscribing -= 1;
        let is_known = index < self.known;
        if well {
            self.tally.subscribed += 1;
            let waited = u64::from(micros(now).wrapping_sub(watch.since)) * 1000;
            self.tally.answer.record(waited);
            if is_known {
                self.tally.known.record(waited);
            }
        } else if is_known {
            self.tally.known_failed += 1;
        }
    }

    /// The NOTIFY after a SUBSCRIBE has come.
    fn not_owed(&mut self, now: u64, index: u32, is_terminated: bool) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        // One that crossed our end says nothing of it.
        let is_the_one = watch.flags & ENDING == 0 || is_terminated;
        if watch.flags & OWED != 0 && is_the_one {
            watch.flags &= !OWED;
            if watch.flags & ASKING == 0 {
                self.end_subscribing(now, index, true);
            }
        }
    }

    /// Sends a SUBSCRIBE under a new number.
    fn ask(&mut self, now: u64, index: u32, authorization: Option<Box<[u8]>>) {
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        watch.cseq = watch.cseq.wrapping_add(1);
        watch.flags |= ASKING;
        watch.authorization = authorization;
        let cseq = watch.cseq;
        self.write_subscribe(index);
        let is_known = self.known == 0 || index < self.known;
        if is_known || !self.asks_once {
            self.repeats.sent(now, Key::Watch(index), cseq);
        }
    }

    /// Writes the last SUBSCRIBE, for the first time or again.
    pub(super) fn write_subscribe(&mut self, index: u32) {
        let (watcher, whom) = self.pair(index);
        let link = self.link(watcher);
        // Taken out, so that the phones are free while it is written.
        let Some(watch) = self.watches.get_mut(index as usize) else { return };
        let (dialog, authorization) = (watch.dialog.take(), watch.authorization.take());
        let ends = watch.flags & ENDING != 0;
        let subscribe = Subscribe {
            index,
            link,
            watcher,
            whom,
            cseq: watch.cseq,
            dialog: watch.in_dialog(dialog.as_deref()),
            expires: if ends { AT_ONCE } else { self.expires },
            authorization: authorization.as_deref().unwrap_or_default(),
        };
        self.send(link, |writer, out| writer.subscribe(out, &subscribe));
        if let Some(watch) = self.watches.get_mut(index as usize) {
            (watch.dialog, watch.authorization) = (dialog, authorization);
        }
    }

    /// Who watches whom.
    fn pair(&self, index: u32) -> (u32, u32) {
        let whom = index.checked_div(self.watchers).unwrap_or(0);
        let number = index.checked_rem(self.watchers).unwrap_or(0);
        ((whom + 1 + number) % self.people.max(1), whom)
    }

    /// Credentials for a phone that was challenged before.
    fn credentials(&mut self, index: u32) -> Option<Box<[u8]>> {
        self.passwords.as_ref()?;
        let (watcher, uri) = (self.pair(index).0, self.request_uri(index)?);
        self.passwords.as_mut()?.again(watcher, "SUBSCRIBE", &uri)
    }

    /// Credentials for a phone that is challenged.
    fn proof(&mut self, index: u32, message: &Message<'_>) -> Option<Box<[u8]>> {
        self.passwords.as_ref()?;
        let (watcher, uri) = (self.pair(index).0, self.request_uri(index)?);
        self.passwords.as_mut()?.answer(watcher, message.octets, "SUBSCRIBE", &uri)
    }

    fn request_uri(&self, index: u32) -> Option<String> {
        let watch = self.watches.get(index as usize)?;
        Some(match watch.in_dialog(watch.dialog.as_deref()) {
            Some((_, target)) => String::from_utf8_lossy(target).into_owned(),
            None => self.writer.uri(self.pair(index).1),
        })
    }
}

impl Watch {
    fn is_live(&self) -> bool {
        self.flags & LIVE != 0
    }

    /// The server's tag and Contact, if the last SUBSCRIBE is one within the dialog: a NOTIFY may
    /// tell them before the first success does.
    fn in_dialog<'a>(&self, dialog: Option<&'a [u8]>) -> Option<(&'a [u8], &'a [u8])> {
        let dialog = dialog.filter(|_| self.flags & WITHIN != 0)?;
        let space = memchr::memchr(b' ', dialog)?;
        Some((dialog.get(..space)?, dialog.get(space + 1..)?))
    }
}

/// The other side's tag and Contact, if both are told.
fn dialog(line: &[u8], message: &Message<'_>) -> Option<Box<[u8]>> {
    let tag = scan::tag(line)?;
    let target = message.contact.and_then(scan::uri)?;
    Some([tag, b" ", target].concat().into())
}

fn micros(nanos: u64) -> u32 {
    ((nanos / 1000) & u64::from(u32::MAX)) as u32
}
