//! All phones at once: what they share, and who takes which message.

use memchr::memmem::Finder;

use super::outbox::{Dice, Outbox};
use super::passwords::Passwords;
use super::plan::Plan;
use super::publishing::Publication;
use super::repeats::Repeats;
use super::scan::{self, Message, Start};
use super::tally::Tally;
use super::watching::Watch;
use super::write::{Key, Writer};

/// All phones.
pub struct Office {
    pub(super) writer: Writer,
    /// Finds change counters in documents.
    pub(super) mark: Finder<'static>,
    pub(super) expires: u32,
    pub(super) presentities: u32,
    pub(super) watchers: u32,
    pub(super) people: u32,
    pub(super) watches: Vec<Watch>,
    pub(super) publications: Vec<Publication>,
    pub(super) passwords: Option<Passwords>,
    pub(super) repeats: Repeats<Key>,
    pub(super) scratch: Vec<u8>,
    outboxes: Vec<Outbox>,
    /// Links with something to send.
    dirty: Vec<usize>,
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

impl Office {
    /// An office at rest.
    pub fn new(plan: &Plan, writer: Writer, dice: Dice) -> Office {
        let publications = plan.presentities.saturating_add(plan.quiet_people());
        let phones = plan.people().saturating_add(plan.quiet_people());
        let passwords = plan.digest.as_ref().and_then(|text| Passwords::new(text, phones));
        Office {
            mark: Finder::new(writer.mark().as_bytes()).into_owned(),
            expires: plan.expires,
            presentities: plan.presentities,
            watchers: plan.watchers,
            people: plan.people(),
            watches: (0..plan.subscriptions()).map(|_| Watch::default()).collect(),
            publications: (0..publications).map(|_| Publication::default()).collect(),
            passwords,
            repeats: Repeats::default(),
            scratch: Vec::new(),
            outboxes: writer.hosts.iter().map(|_| Outbox::default()).collect(),
            dirty: Vec::new(),
            writer,
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
                let status = self.notified(now, index, &message);
                self.answer(link, status, &message);
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
            let (is_open, is_asking) = match waiting.key {
                Key::Watch(index) => self.watch_waits(index, waiting.cseq),
                Key::Publication(index) => self.publication_waits(index, waiting.cseq),
            };
            if !is_open {
                continue;
            }
            if !self.repeats.again(now, waiting) {
                self.tally.lost += 1;
                match waiting.key {
                    Key::Watch(index) => self.end_subscribing(now, index, false),
                    Key::Publication(index) => self.abandon_publish(now, index),
                }
                continue;
            }
            // Only datagrams get lost (RFC 3261 §17.1.2.2).
            if is_asking && self.writer.is_unreliable() {
                self.tally.repeats += 1;
                match waiting.key {
                    Key::Watch(index) => self.write_subscribe(index),
                    Key::Publication(index) => self.write_publish(index),
                }
            }
        }
    }

    /// The link of a phone.
    pub(super) fn link(&self, phone: u32) -> usize {
        phone as usize % self.outboxes.len().max(1)
    }

    /// Writes a message that is to leave by a link.
    pub(super) fn send(&mut self, link: usize, write: impl FnOnce(&Writer, &mut Vec<u8>)) {
        let Some(outbox) = self.outboxes.get_mut(link) else { return };
        if outbox.is_empty() {
            self.dirty.push(link);
        }
        write(&self.writer, outbox.begin());
        outbox.end(&mut self.dice);
    }

    fn answer(&mut self, link: usize, status: &str, message: &Message<'_>) {
        self.send(link, |writer, out| writer.answer(out, status, message));
    }
}
