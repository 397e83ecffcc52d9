//! Other settings while it runs: what can change without a restart, and whom it concerns at once.

use std::sync::Arc;

use super::config::Config;
use super::doors::Doors;
use super::served::Served;
use super::{Shard, digest_config, paces};
use crate::auth::Users;
use crate::notifier::{Owed, Reason};
use crate::policy::{Rules, Verdict};

impl Shard {
    /// From now on these settings and users count. What the start was built on stays as it is:
    /// domains, aliases, the doors but for whom they trust, how long a call may ring. Whoever
    /// calls sees to it that they are the same.
    pub(super) fn adopt(&mut self, config: Arc<Config>, users: Arc<Users>) {
        self.served = Served::new(&config.server, &config.doors, Arc::clone(&users));
        self.doors = Doors::new(&config.doors);
        self.rules = Rules::new(&config.policy);
        self.digest.adopt(digest_config(&config, &self.served), users);
        self.paces = paces(&config, &self.registry);
        self.config = config;
        self.judge_anew();
    }

    /// The rules may have changed: who may see less or more from now on is told so.
    fn judge_anew(&mut self) {
        let verdict = |watched: &crate::notifier::Subscription| {
            let seat = self.seats.get(watched.presentity)?;
            let verdict = self.rules.verdict(&seat.presentity.aor, &watched.watcher);
            (verdict != watched.verdict).then_some(verdict)
        };
        let changed: Vec<_> = self
            .notifier
            .iter()
            .filter_map(|(id, subscription)| Some((id, verdict(subscription)?)))
            .collect();
        for (id, verdict) in changed {
            let Some(subscription) = self.notifier.get_mut(id) else { continue };
            subscription.verdict = verdict;
            self.notifier.owe(
                id,
                match verdict {
                    Verdict::Block => Owed::End(Reason::Rejected),
                    _ => Owed::Answer,
                },
            );
        }
    }
}
