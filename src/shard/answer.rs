//! Answers to our NOTIFYs, and their absence.

use tracing::debug;

use super::Shard;
use crate::base::mint::Branch;
use crate::base::time::{Moment, Now};
use crate::notifier::{After, Owed, SubscriptionId};
use crate::sip::{Contacts, HeaderId, Response};
use crate::transaction::{Ended, Outcome};

/// Whose NOTIFY waits for its answer.
#[derive(Clone, Copy)]
pub(super) struct Notifying {
    pub id: SubscriptionId,
    /// When the PUBLISH came of which it tells; the origin: it tells of no such.
    pub since: Moment,
}

impl Shard {
    /// A response arrived: matched by its branch, the rest is looked at only if it is ours.
    pub(super) fn on_response(&mut self, now: Now, response: &Response) {
        let Some(branch) = self.ours(response) else {
            self.counters.stray_responses += 1;
            return;
        };
        if let Some(ended) = self.clients.answer(now, branch, response) {
            self.notify_ended(now, ended);
        }
    }

    /// The branch of a response to a request of ours that still waits for one.
    fn ours(&self, response: &Response) -> Option<Branch> {
        let key = response.headers().answer_key()?;
        let (host, port) = (key.via.sent_by_host_octets(), key.via.sent_by_port());
        if key.has_second_via || !self.doors.is_ours(host, port) {
            return None; // RFC 3261 §8.1.3.3, §18.1.2
        }
        let branch = Branch::from_text(key.via.branch_octets()?)?;
        (key.method == b"NOTIFY" && self.clients.is_waiting(branch)).then_some(branch)
    }

    /// A NOTIFY was answered, or never will be.
    pub(super) fn notify_ended(&mut self, now: Now, ended: Ended<'_, Notifying>) {
        let Ended { owner: Notifying { id, since }, hop, outcome } = ended;
        let mut others = 0;
        match outcome {
            Outcome::Answered(response) if response.status().is_success() => {
                self.counters.notifies_answered += 1;
                if since != Moment::ORIGIN {
                    self.counters.lamp.count(now.instant.since(since));
                }
            }
            Outcome::Answered(_) => self.counters.notifies_refused += 1,
            Outcome::TimedOut | Outcome::Undeliverable => {
                self.counters.notifies_failed += 1;
                others = self.names.demote(hop.address());
            }
        }
        let Some(subscription) = self.notifier.get_mut(id) else { return };
        if matches!(outcome, Outcome::Undeliverable) && subscription.by_another_way(hop, others) {
            subscription.in_flight = None;
            return self.notifier.owe(id, Owed::Answer);
        }
        let after = subscription.answered(now, &self.config.notifier, outcome);
        if let Outcome::Answered(response) = outcome
            && response.status().is_success()
        {
            self.move_target(id, response);
        }
        match after {
            After::Goes => {}
            After::Suspends => {
                self.notifier.fall_silent(id);
                self.counters.subscriptions_suspended += 1;
                debug!(event = "subscription_suspended", ?id);
            }
            After::Resumes => {
                self.counters.subscriptions_resumed += 1;
                debug!(event = "subscription_resumed", ?id);
            }
            After::Ends => return self.end_subscription(now, id),
            After::EndsWith(reason) => self.notifier.owe(id, Owed::End(reason)),
        }
        self.notifier.queue(id);
    }

    /// A Contact in the 2xx to a NOTIFY moves the remote target (RFC 6665 §3.2).
    fn move_target(&mut self, id: SubscriptionId, response: &Response) {
        let Some(value) = response.headers().value(HeaderId::Contact) else { return };
        let Some(subscription) = self.notifier.get(id) else { return };
        if is_just(value, subscription.dialog.target()) {
            return; // As nearly always.
        }
        let Ok(Contacts::List(contacts)) = response.headers().contacts() else { return };
        let Some(uri) = contacts.first().and_then(|contact| contact.uri().ok()) else { return };
        if self.notifier.retarget(id, uri.without_headers()) {
            self.keep_subscription(id);
        }
    }
}

/// Whether a Contact is this URI in angle brackets and nothing else.
fn is_just(value: &[u8], uri: &str) -> bool {
    matches!(value, [b'<', within @ .., b'>'] if within == uri.as_bytes())
}
