//! Other settings while it runs: what can change without a restart, and whom it concerns at once.

use std::sync::Arc;

use super::config::Config;
use super::devices::Devices;
use super::doors::Doors;
use super::served::Served;
use super::{Shard, book, digest_config, paces};
use crate::auth::Users;
use crate::base::identity::Aor;
use crate::base::time::Now;
use crate::policy::Book;

impl Shard {
    /// From now on these settings and users count. What the start was built on stays as it is:
    /// domains, aliases, the doors but for whom they trust, how long a call may ring. Whoever
    /// calls sees to it that they are the same.
    pub(super) fn adopt(&mut self, now: Now, config: Arc<Config>, users: Arc<Users>) {
        self.served = Served::new(&config.server, &config.doors, Arc::clone(&users));
        self.doors = Doors::new(&config.doors);
        self.book = book(&config);
        let digest = digest_config(&config, &self.served);
        self.strangers.adopt(&digest);
        self.digest.adopt(digest, users);
        self.paces = paces(&config, &self.registry);
        let is_status_new = self.status.replace(&config.status);
        if is_status_new {
            self.devices = Devices::new(&config.status);
        }
        self.config = config;
        if self.retention.set(self.book.retain()) || is_status_new {
            self.compose_everybody();
        }
        if !self.book.is_plain() {
            self.know_everybody(now);
        }
        self.judge_everybody(now);
        if self.book.is_plain() {
            self.forget_privacy();
        }
    }

    /// From now on this book counts, which says something else of one person's watchers.
    pub(super) fn adopt_rules(&mut self, now: Now, book: Arc<Book>, of: &Aor) {
        self.book = book;
        if let Some(id) = self.seats.find(of) {
            self.judge_seat(now, id);
        }
    }

    /// Places are kept for longer or not so long, or statuses composed in another way: every person
    /// is looked at again.
    fn compose_everybody(&mut self) {
        for id in self.seats.ids() {
            if let Some(seat) = self.seats.get_mut(id).filter(|seat| !seat.presentity.is_empty()) {
                seat.presentity.touch(self.person);
                self.seats.mark(id);
            }
        }
    }

    /// What was composed for nobody is: rules may depend on it.
    fn know_everybody(&mut self, now: Now) {
        for id in self.seats.ids() {
            let Some(seat) = self.seats.get_mut(id) else { continue };
            seat.presentity.wake(self.person);
            if seat.presentity.is_dirty() {
                self.compose(now, id);
            }
        }
    }
}
