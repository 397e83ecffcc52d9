//! Looking in from outside: what an operator or a test wants to know of a shard.

use super::Shard;
use crate::base::identity::{Aor, Identity};
use crate::base::time::Wall;
use crate::event::{Channel, Topic};

/// One subscription as an operator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatcherView {
    /// What is watched.
    pub presentity: Aor,
    /// In which package.
    pub package: &'static str,
    /// Who watches.
    pub watcher: Identity,
    /// `active`, `pending` or `suspended`.
    pub condition: &'static str,
    /// When it ends unless it is refreshed.
    pub until: Wall,
    /// The sequence number of its last NOTIFY.
    pub cseq: u32,
    /// The version its next document will have.
    pub version: u32,
}

impl Shard {
    /// Every subscription, in no order.
    pub fn watchers(&self) -> impl Iterator<Item = WatcherView> {
        self.notifier.iter().filter_map(|(_, subscription)| {
            let seat = self.seats.get(subscription.presentity)?;
            Some(WatcherView {
                presentity: seat.presentity.aor.clone(),
                package: self.registry.package(subscription.package).name(),
                watcher: subscription.watcher.clone(),
                condition: subscription.condition(),
                until: subscription.until,
                cseq: subscription.dialog.cseq,
                version: subscription.version,
            })
        })
    }

    /// Of whom something is said by channels of a topic, in no order.
    pub fn said_by(&self, topic: Topic) -> Vec<(Aor, Channel)> {
        let said = self.said.channels().filter(|(_, channel)| channel.topic == topic);
        let aor = |id| self.seats.get(id).map(|seat| seat.presentity.aor.clone());
        said.filter_map(|(id, channel)| Some((aor(id)?, channel))).collect()
    }

    /// How many presentities something is known of.
    pub fn presentities(&self) -> usize {
        self.seats.len()
    }

    /// How many publications live.
    pub fn publications(&self) -> usize {
        self.seats.iter().map(|seat| seat.presentity.publications().len()).sum()
    }

    /// How many subscriptions live.
    pub fn subscriptions(&self) -> usize {
        self.notifier.len()
    }

    /// How many transactions are remembered, ours and those of others.
    pub fn transactions(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    /// Whether new requests are taken, and what they promise can be kept.
    pub fn is_ready(&self) -> bool {
        self.takes_requests().is_ok() && self.can_keep().is_ok()
    }

    /// Whether an AoR is known here.
    pub fn knows(&self, aor: &Aor) -> bool {
        self.seats.find(aor).is_some()
    }
}
