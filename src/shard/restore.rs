//! Back from the store: what was answered 2xx before a restart lives on after it.

use tracing::warn;

use super::Shard;
use super::record::{FlowRecord, PublicationRecord, Record, SubscriptionRecord};
use crate::base::flow::{ConnectionId, Flow};
use crate::base::limits;
use crate::base::time::Now;
use crate::dialog::{Dialog, Heard};
use crate::event::Octets;
use crate::notifier::{Accepted, Owed, Reason, Subscription};
use crate::policy::Verdict;
use crate::presentity::{Publication, PublicationKey};
use crate::registrar::Bindings;

impl Shard {
    /// Takes one record back. What ended while nobody ran ends at the next tick.
    pub fn restore(&mut self, now: Now, record: Record) {
        let taken = match record {
            Record::Publication(record) => self.restore_publication(now, record),
            Record::Subscription(record) => self.restore_subscription(now, *record),
            Record::Bindings { aor, bindings } => {
                let id = self.seat(&aor);
                let mut kept = Bindings::default();
                bindings.into_iter().for_each(|binding| kept.insert(binding));
                if let Some(seat) = self.seats.get_mut(id) {
                    seat.bindings = Some(Box::new(kept));
                }
                self.bindings_changed(now, id, &aor);
                self.arm_seat(now, id);
                Some(())
            }
            Record::Said { aor, channel, says } => {
                let id = self.seat(&aor);
                self.take_said(now, id, channel, says);
                Some(())
            }
        };
        if taken.is_none() {
            warn!(event = "record_not_restored", "a stored record is not of this configuration");
        }
    }

    /// Every record is back: all watchers are sent the state as it is now.
    pub fn restored(&mut self, now: Now) {
        self.changes.clear(); // What was just read need not be written.
        if !self.book.is_plain() {
            // Rules may depend on what presentities are doing, which is known only now.
            while let Some(id) = self.seats.next_dirty() {
                self.compose(now, id);
            }
            for id in self.seats.ids() {
                self.rejudged(now, id);
            }
        }
        let owed: Vec<_> = self
            .notifier
            .iter()
            .map(|(id, subscription)| match subscription.verdict {
                // The rules changed while nobody ran.
                Verdict::Block => (id, Owed::End(Reason::Rejected)),
                _ if subscription.until <= now.wall => (id, Owed::End(Reason::Timeout)),
                _ => (id, Owed::Change),
            })
            .collect();
        for (id, owed) in owed {
            self.notifier.owe(id, owed);
        }
        self.tick(now); // What ended while nobody ran is not told as if it lived.
        self.settle(now);
    }

    fn restore_publication(&mut self, now: Now, record: PublicationRecord) -> Option<()> {
        let package = self.registry.named(&record.package)?;
        let id = self.seat(&record.aor);
        let seat = self.seats.get_mut(id)?;
        let octets =
            Octets { media: &record.media, charset: record.charset.as_deref(), body: &record.body };
        let publication = Publication {
            key: PublicationKey(record.number),
            package,
            tag: record.tag,
            until: record.until,
            publisher: record.publisher.into(),
            octets: u32::try_from(record.body.len()).unwrap_or(u32::MAX),
        };
        let then = Now { wall: record.updated, ..now };
        seat.presentity.restore(&self.registry, then, publication, octets).ok()?;
        self.seats.mark(id);
        self.arm_seat(now, id);
        Some(())
    }

    fn restore_subscription(&mut self, now: Now, record: SubscriptionRecord) -> Option<()> {
        let package = self.registry.stored(&record.package)?;
        let event = self.registry.package(package).event();
        let media = self.registry.package(package).media();
        let media = media.iter().position(|known| *known == record.media)?;
        let (flow, alive) = self.restore_flow(&record.flow)?;
        let dialog = Dialog::from_parts(&record.dialog)?;
        let presentity = self.seat(&record.aor);
        let verdict = match self.book.is_plain() {
            true => self.judge(now, &record.aor, package, &record.watcher).verdict,
            false => Verdict::Confirm, // Until everything is back.
        };
        let mut subscription = Subscription::new(Accepted {
            presentity,
            package,
            media: u8::try_from(media).ok()?,
            profile: record.profile,
            verdict,
            dialog,
            watcher: record.watcher,
            event_rest: record.event.strip_prefix(event).unwrap_or_default(),
            entity: &record.entity,
            heard: Heard { flow, alive, origin: record.origin },
            until: record.until,
        });
        // Both were written ahead: what comes now is above anything sent before.
        subscription.reserved = subscription.dialog.cseq;
        subscription.version = record.version;
        let id = self.notifier.begin(subscription);
        let position = self.seats.admit(presentity, package, id)?;
        self.notifier.get_mut(id)?.position = position;
        Some(())
    }

    /// A path after a restart: sockets are bound again, connections are gone.
    fn restore_flow(&self, record: &FlowRecord) -> Option<(Flow, bool)> {
        let listener = self.doors.listener_at(record.transport, record.local)?;
        let (transport, peer) = (record.transport, record.peer);
        if transport.is_reliable() {
            let connection = ConnectionId(limits::CONNECTION_OF_A_FORMER_LIFE);
            return Some((Flow::Stream { transport, listener, connection, peer }, false));
        }
        Some((Flow::Udp { listener, peer }, true))
    }
}
