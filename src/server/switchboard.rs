//! The agent as edges see it that speak no SIP: questions go to the shard a person is at home in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::clock::Clock;
use super::ledger::Ledger;
use super::pulse::Pulse;
use super::rulebook::Rulebook;
use crate::base::counters::Counters;
use crate::base::identity::{Aor, Identity};
use crate::base::limits::HTTP_ANSWER_MAX;
use crate::base::mint::Secret;
use crate::base::uri::Uri;
use crate::http::agent::{Agent, Beat, Later};
use crate::http::papers::{Filed, Filing, Unfiled};
use crate::shard::served::Served;
use crate::shard::{Answer, Asked, Demand, Shard};
use crate::transport::{Inbox, Notice};

/// How long shards may take to say what there is.
pub(super) const BEAT_MAX: Duration = Duration::from_secs(2);

/// The way from the HTTP side to the shards.
pub(super) struct Switchboard {
    pub secret: Secret,
    pub served: Served,
    pub inboxes: Vec<Arc<Inbox>>,
    pub ledger: Arc<Ledger>,
    pub clock: Clock,
    pub rulebook: Arc<Rulebook>,
}

impl Agent for Switchboard {
    fn domain(&self) -> &str {
        self.served.first_domain()
    }

    fn ask(&self, who: Identity, uri: Uri, demand: Demand) -> Later<Option<Answer>> {
        let aor = match self.served.address(&uri) {
            Ok(aor) => aor,
            Err(refusal) => return Box::pin(async { Some(Answer::Refused(refusal)) }),
        };
        let home = self.home(&aor);
        let (sender, answer) = oneshot::channel();
        let asked = Box::new(Asked { number: 0, who, uri, demand });
        // Who stopped waiting needs no answer.
        let reply = Box::new(move |answer| drop(sender.send(answer)));
        if let Some(inbox) = self.inboxes.get(home) {
            inbox.tell(Notice::Asked(asked, reply));
        }
        Box::pin(async { timeout(HTTP_ANSWER_MAX, answer).await.ok()?.ok() })
    }

    fn file(&self, person: Aor, filing: Filing) -> Later<Result<Filed, Unfiled>> {
        let (rulebook, changes) = (Arc::clone(&self.rulebook), filing != Filing::Look);
        let home = self.inboxes.get(self.home(&person)).cloned();
        let filed = tokio::task::spawn_blocking(move || rulebook.file(&person, filing));
        Box::pin(async move {
            let filed = filed.await.map_err(|_| Unfiled::Unkept)?;
            if let Some(home) = home.filter(|_| changes && filed.is_ok()) {
                // Whoever is answered may count on it: nothing is decided by the old rules.
                let (sender, taken) = oneshot::channel();
                home.tell(Notice::Look(Box::new(move |_| {
                    let _ = sender.send(()); // Who stopped waiting needs no answer.
                })));
                let _ = timeout(HTTP_ANSWER_MAX, taken).await;
            }
            filed
        })
    }

    fn beat(&self) -> Later<Option<Beat>> {
        let pulse = Pulse::new(self.inboxes.clone());
        let waiting = self.inboxes.iter().map(|inbox| inbox.waiting()).sum();
        let connections = self.ledger.streams.len();
        let asked = tokio::task::spawn_blocking(move || pulse.ask(BEAT_MAX, beat));
        Box::pin(async move {
            let beats = asked.await.ok()??;
            let mut sum = Beat { is_ready: true, waiting, connections, ..Beat::default() };
            beats.iter().for_each(|beat| sum.add(beat));
            Some(sum)
        })
    }

    fn counters(&self) -> Counters {
        self.ledger.counters()
    }
}

impl Switchboard {
    /// The shard a person is at home in.
    fn home(&self, aor: &Aor) -> usize {
        self.secret.home(aor).shard(self.inboxes.len())
    }
}

fn beat(shard: &Shard) -> Beat {
    Beat {
        is_ready: shard.is_ready(),
        presentities: shard.presentities(),
        subscriptions: shard.subscriptions(),
        transactions: shard.transactions(),
        waiting: 0,
        connections: 0,
    }
}
