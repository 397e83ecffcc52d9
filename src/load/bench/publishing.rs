//! The publications of the phones: changes as they happen, PUBLISH out, and who has seen what.

use std::collections::VecDeque;

use super::office::Office;
use super::scan::Message;
use super::write::{Key, Publish};

/// Changes of one presentity that are awaited at once; more are not told apart any more.
const CHANGES_MAX: usize = 1024;

/// What is asked for to take a publication back.
const AT_ONCE: u32 = 0;

/// One person's state at the server.
#[derive(Default)]
pub struct Publication {
    cseq: u32,
    /// The newest change, published or not.
    wanted: u32,
    /// The change of the last PUBLISH.
    sent: u32,
    /// The newest change the server has accepted.
    pub(super) accepted: u32,
    is_asking: bool,
    /// The last PUBLISH answers a challenge.
    is_proving: bool,
    /// The last PUBLISH takes the publication back.
    is_leaving: bool,
    /// Since when the last PUBLISH waits.
    since: u64,
    entity_tag: Option<Box<[u8]>>,
    /// The credentials of the last PUBLISH: a header line.
    authorization: Option<Box<[u8]>>,
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
    /// A presentity changes. What happened at `at` is published as soon as the change before is
    /// accepted; of several that wait, the newest.
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

    /// Takes a publication back, if there is one.
    pub fn withdraw(&mut self, now: u64, index: u32) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        if publication.entity_tag.is_some() && !publication.is_asking {
            publication.is_leaving = true;
            self.publish(now, index);
        }
    }

    /// Whether a presentity has no change under way.
    pub fn is_settled(&self, index: u32) -> bool {
        let publication = self.publications.get(index as usize);
        publication
            .is_some_and(|publication| publication.changes.is_empty() && !publication.is_asking)
    }

    /// Gives up what a phase has left unfinished; the next begins anew.
    pub fn give_up(&mut self) {
        for publication in &mut self.publications {
            publication.changes.clear();
        }
        self.changing = 0;
    }

    /// A watcher of a presentity shows these changes now, those after `before` up to `shown`.
    pub(super) fn seen(&mut self, now: u64, index: u32, before: u32, shown: u32) {
        let Office { publications, tally, .. } = self;
        let Some(publication) = publications.get_mut(index as usize) else { return };
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
        self.finish_changes(now, index);
    }

    /// Takes the answer to a PUBLISH.
    pub(super) fn publish_answered(
        &mut self,
        now: u64,
        index: u32,
        status: u16,
        message: &Message<'_>,
    ) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        if !publication.is_asking || publication.cseq != message.cseq {
            return;
        }
        if matches!(status, 401 | 407)
            && !publication.is_proving
            && let Some(line) = self.publish_proof(index, message)
        {
            self.tally.challenged += 1;
            if let Some(publication) = self.publications.get_mut(index as usize) {
                publication.is_proving = true;
            }
            return self.ask_publish(now, index, Some(line));
        }
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        publication.is_asking = false;
        self.publishing -= 1;
        match status {
            200..300 => {
                let is_leaving = std::mem::take(&mut publication.is_leaving);
                publication.entity_tag = message.entity_tag.filter(|_| !is_leaving).map(Box::from);
                publication.accepted = publication.sent;
                self.tally.published += 1;
                self.tally.answer.record(now.saturating_sub(publication.since));
                self.finish_changes(now, index);
                self.publish_newer(now, index);
            }
            // A repeat was taken for a new request, or the server forgot: published anew.
            412 if publication.entity_tag.is_some() && !publication.is_leaving => {
                publication.entity_tag = None;
                self.tally.refuse(message);
                self.publish(now, index);
            }
            _ => {
                (publication.entity_tag, publication.is_leaving) = (None, false);
                self.tally.refuse(message);
                let changes = publication.changes.len();
                publication.changes.clear();
                self.changing -= changes;
            }
        }
    }

    /// Whether this PUBLISH is not over, and whether it is unanswered: the same.
    pub(super) fn publication_waits(&self, index: u32, cseq: u32) -> (bool, bool) {
        let publication = self.publications.get(index as usize);
        let waits = publication.is_some_and(|p| p.cseq == cseq && p.is_asking);
        (waits, waits)
    }

    /// Nobody answers a PUBLISH.
    pub(super) fn abandon_publish(&mut self, now: u64, index: u32) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        (publication.is_asking, publication.is_leaving) = (false, false);
        publication.entity_tag = None;
        self.publishing -= 1;
        self.publish_newer(now, index);
    }

    /// Writes the last PUBLISH, for the first time or again.
    pub(super) fn write_publish(&mut self, index: u32) {
        let whom = self.publisher(index);
        let link = self.link(whom);
        let expires = self.expires;
        // Taken out, so that the phones are free while it is written.
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        let (tag, line) = (publication.entity_tag.take(), publication.authorization.take());
        let is_leaving = publication.is_leaving;
        let publish = Publish {
            index,
            link,
            whom,
            cseq: publication.cseq,
            entity_tag: tag.as_deref(),
            expires: if is_leaving { AT_ONCE } else { expires },
            counter: (!is_leaving).then_some(publication.sent),
            authorization: line.as_deref().unwrap_or_default(),
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        self.send(link, |writer, out| writer.publish(out, &mut scratch, &publish));
        self.scratch = scratch;
        if let Some(publication) = self.publications.get_mut(index as usize) {
            (publication.entity_tag, publication.authorization) = (tag, line);
        }
    }

    /// Takes off the changes that everybody has seen and the server has accepted.
    fn finish_changes(&mut self, now: u64, index: u32) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
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

    /// Publishes what changed meanwhile.
    fn publish_newer(&mut self, now: u64, index: u32) {
        let publication = self.publications.get(index as usize);
        if publication.is_some_and(|publication| publication.wanted > publication.sent) {
            self.publish(now, index);
        }
    }

    fn publish(&mut self, now: u64, index: u32) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        publication.sent = publication.wanted;
        publication.since = now;
        (publication.is_asking, publication.is_proving) = (true, false);
        self.publishing += 1;
        let authorization = self.publish_credentials(index);
        self.ask_publish(now, index, authorization);
    }

    /// Sends a PUBLISH under a new number.
    fn ask_publish(&mut self, now: u64, index: u32, authorization: Option<Box<[u8]>>) {
        let Some(publication) = self.publications.get_mut(index as usize) else { return };
        publication.cseq = publication.cseq.wrapping_add(1);
        publication.authorization = authorization;
        let cseq = publication.cseq;
        self.write_publish(index);
        self.repeats.sent(now, Key::Publication(index), cseq);
    }

    /// The phone that publishes: the person's own. Those whom nobody watches come last.
    fn publisher(&self, index: u32) -> u32 {
        match index.checked_sub(self.presentities) {
            None => index,
            Some(quiet) => self.people + quiet,
        }
    }

    /// Credentials for a phone that was challenged before.
    fn publish_credentials(&mut self, index: u32) -> Option<Box<[u8]>> {
        let whom = self.publisher(index);
        let uri = self.passwords.as_ref().map(|_| self.writer.uri(whom))?;
        self.passwords.as_mut()?.again(whom, "PUBLISH", &uri)
    }

    /// Credentials for a phone that is challenged.
    fn publish_proof(&mut self, index: u32, message: &Message<'_>) -> Option<Box<[u8]>> {
        let whom = self.publisher(index);
        let uri = self.passwords.as_ref().map(|_| self.writer.uri(whom))?;
        self.passwords.as_mut()?.answer(whom, message.octets, "PUBLISH", &uri)
    }
}
