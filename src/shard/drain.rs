//! The end in order: nothing new is begun, what watchers are owed still leaves.

use std::time::Duration;

use super::Shard;
use crate::notifier::{Hearing, Owed, Subscription};
use crate::sip::Refusal;

/// How long a peer is told to stay away from an agent that is about to end: another has begun
/// by then.
const AWAY_FOR: Duration = Duration::from_secs(5);

impl Shard {
    /// From now on every new request is refused. Subscriptions are told nothing: they are in the
    /// store, and whoever goes on with them tells the newest state.
    pub(super) fn drain(&mut self) {
        self.is_draining = true;
    }

    /// 503 to everybody while this is the end.
    pub(super) fn takes_requests(&self) -> Result<(), Refusal> {
        if self.is_draining { Err(Refusal::Busy { after: AWAY_FOR }) } else { Ok(()) }
    }

    /// Whether every watcher who answers knows the newest state. It looks at every subscription.
    pub fn is_settled(&self) -> bool {
        !self.notifier.iter().any(|(_, subscription)| is_waited_for(subscription))
    }
}

/// Whether a NOTIFY of this subscription is under way or will be soon. Watchers who do not answer,
/// or asked for quiet, are not waited for.
fn is_waited_for(subscription: &Subscription) -> bool {
    let Subscription { owed, hearing, in_flight, is_quiet, .. } = subscription;
    match hearing {
        Hearing::Suspended { .. } => false,
        Hearing::Live if *is_quiet => in_flight.is_some(),
        Hearing::Live => in_flight.is_some() || *owed != Owed::Nothing,
    }
}
