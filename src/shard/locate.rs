//! Names on the way to their addresses: what was asked, who waits, what was answered.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::ports::Question;
use crate::base::flow::Transport;
use crate::base::time::Moment;
use crate::notifier::SubscriptionId;

/// Names remembered; beyond it the whole book is closed and begun anew. An office has a few
/// proxies, a carrier some hundred.
const NAMES_MAX: usize = 4096;

/// An answer is asked for again after this, however long it claims to be good.
const FRESH_MAX: Duration = Duration::from_secs(300);

/// A failure is not asked about again before this.
const FAILED_FOR: Duration = Duration::from_secs(10);

/// All names asked about.
#[derive(Default)]
pub struct Names {
    book: HashMap<Question, Entry, ahash::RandomState>,
}

enum Entry {
    Asked { waiting: Vec<SubscriptionId>, before: Vec<(Transport, SocketAddr)> },
    Found { targets: Vec<(Transport, SocketAddr)>, until: Moment },
}

/// What is known of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// These targets, in order; none if it could not be found.
    Targets(Vec<(Transport, SocketAddr)>),
    /// It is being asked about; whoever asked is told.
    Pending,
    /// Nobody asked yet: now somebody must.
    Unasked,
}

impl Names {
    /// Looks a name up for a subscription that waits if it must.
    pub fn look_up(&mut self, now: Moment, question: &Question, who: SubscriptionId) -> Known {
        match self.book.get_mut(question) {
            Some(Entry::Found { targets, until }) if *until > now => {
                Known::Targets(targets.clone())
            }
            Some(Entry::Asked { waiting, .. }) => {
                if !waiting.contains(&who) {
                    waiting.push(who);
                }
                Known::Pending
            }
            stale => {
                let before = match stale {
                    Some(Entry::Found { targets, .. }) => std::mem::take(targets),
                    _ => Vec::new(),
                };
                if self.book.len() >= NAMES_MAX {
                    self.book.retain(|_, entry| matches!(entry, Entry::Asked { .. }));
                }
                let asked = Entry::Asked { waiting: vec![who], before };
                self.book.insert(question.clone(), asked);
                Known::Unasked
            }
        }
    }

    /// An answer came; returns who waited for it.
    pub fn answered(
        &mut self,
        now: Moment,
        question: Question,
        targets: Vec<(Transport, SocketAddr)>,
        fresh_for: Duration,
    ) -> Vec<SubscriptionId> {
        let keep = if targets.is_empty() { FAILED_FOR } else { fresh_for.min(FRESH_MAX) };
        let (waiting, before) = match self.book.remove(&question) {
            Some(Entry::Asked { waiting, before }) => (waiting, before),
            _ => (Vec::new(), Vec::new()),
        };
        // While the name server is away the last answer is better than none.
        let targets = if targets.is_empty() { before } else { targets };
        self.book.insert(question, Entry::Found { targets, until: now + keep });
        waiting
    }

    /// A target did not work: the next of that name is tried first from now on (RFC 3263
    /// §4.3). Returns how many others there are.
    pub fn demote(&mut self, address: SocketAddr) -> usize {
        let mut others = 0;
        for entry in self.book.values_mut() {
            if let Entry::Found { targets, .. } = entry
                && targets.first().is_some_and(|(_, first)| *first == address)
            {
                others = others.max(targets.len() - 1);
                targets.rotate_left(1);
            }
        }
        others
    }
}
