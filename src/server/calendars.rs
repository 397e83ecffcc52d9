//! The agent as calendars see it: what they hold goes to the shard a person is at home in.

use std::sync::Arc;

use rand_core::{OsRng, TryRngCore};

use super::pulse::Pulse;
use super::switchboard::{BEAT_MAX, Switchboard};
use crate::base::identity::{Aor, Identity};
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::calendar::agent::{Agent, Later};
use crate::event::status::feed::Fact;
use crate::event::{Channel, Topic};
use crate::http::Agent as _;
use crate::shard::{Answer, Demand};
use crate::sip::Refusal;

/// The way from calendars to the shards.
pub(super) struct Calendars(pub Arc<Switchboard>);

impl Agent for Calendars {
    fn domain(&self) -> String {
        self.0.domain().to_owned()
    }

    fn now(&self) -> Wall {
        self.0.clock.read().wall
    }

    fn address(&self, uri: &Uri) -> Result<Aor, Refusal> {
        self.0.served.address(uri)
    }

    fn say(&self, of: Uri, fact: Fact) -> Later<Option<Result<(), Refusal>>> {
        // A calendar is its owner's word.
        let who = match self.address(&of) {
            Ok(aor) => Identity::User(aor),
            Err(refusal) => return Box::pin(async { Some(Err(refusal)) }),
        };
        let asked = self.0.ask(who, of, Demand::Say { fact, lasting: None });
        Box::pin(async {
            match asked.await? {
                Answer::Refused(refusal) => Some(Err(refusal)),
                _ => Some(Ok(())),
            }
        })
    }

    fn said_by(&self, topic: Topic) -> Later<Vec<(Aor, Channel)>> {
        let pulse = Pulse::new(self.0.inboxes.clone());
        let look = move || pulse.ask(BEAT_MAX, move |shard| shard.said_by(topic));
        let asked = tokio::task::spawn_blocking(look);
        Box::pin(async { asked.await.ok().flatten().unwrap_or_default().concat() })
    }

    fn chance(&self) -> f64 {
        // Without a random number all wait the same.
        OsRng.try_next_u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
    }
}
