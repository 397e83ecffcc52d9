//! What the body of a SUBSCRIBE asks for: the key of a phone (as-feature-event).

use super::Shard;
use super::exchange::may_speak_for;
use super::inquiry::stamped;
use crate::base::identity::{Aor, Identity};
use crate::base::time::Now;
use crate::event::as_feature::{self, AsFeature, Wish};
use crate::event::status::feed::{Fact, Said, Span, number_of};
use crate::event::status::{Lease, Says, State};
use crate::event::{EventPackage, Octets, PackageId};
use crate::notifier::PresentityId;
use crate::sip::{Refusal, Request};
use crate::transaction::Ticket;

impl Shard {
    /// What a SUBSCRIBE asks for besides being told. Keys are their owner's alone, to see and to
    /// press.
    pub(super) fn wish(
        &self,
        request: &Request,
        package: PackageId,
        who: &Identity,
        aor: &Aor,
    ) -> Result<Option<Wish>, Refusal> {
        if self.registry.package(package).name() != AsFeature::NAME {
            self.no_foreign_body(request)?; // 415
            return Ok(None);
        }
        may_speak_for(who, aor)?; // 403
        let body = request.body();
        if body.is_empty() {
            return Ok(None);
        }
        let Some(content_type) = request.headers().content_type()? else {
            return Err(Refusal::BadBody { what: "a body needs a Content-Type".to_owned() });
        };
        let charset = content_type.parameter("charset");
        let media = content_type.media();
        let octets = Octets { media: &media, charset: charset.as_deref(), body: &body };
        as_feature::wish(octets).map(Some) // 415, 400
    }

    /// Does what was asked for; the answer waits for the batch in which that is kept.
    pub(super) fn grant_wish(
        &mut self,
        now: Now,
        seat: PresentityId,
        who: &Identity,
        wish: Option<Wish>,
    ) -> Result<Ticket, Refusal> {
        let facts: Vec<Fact> = match wish {
            None => return Ok(Ticket::default()),
            Some(Wish::Forward(forward)) => {
                vec![Said::WHEN_ASKED.forward(forward.when, Some(forward))]
            }
            Some(Wish::DoNotDisturb(on)) => {
                let flag =
                    Said::WHEN_ASKED.dnd(number_of(as_feature::CHANNEL), on, Span::default());
                let by_hand = !on && self.is_dnd_by_hand(now, seat);
                std::iter::once(flag).chain(by_hand.then(|| Said::WHEN_ASKED.automatic())).collect()
            }
        };
        let mut after = Ticket::default();
        for fact in facts {
            after = after.max(self.say(now, seat, stamped(fact, now.wall, who, None))?); // 403
        }
        self.counters.facts_accepted += 1;
        Ok(after)
    }

    /// Whether "do not disturb" was set by hand: who presses the key again wants to be disturbed,
    /// whatever it was set with.
    fn is_dnd_by_hand(&self, now: Now, seat: PresentityId) -> bool {
        let Some(seat) = self.seats.get(seat) else { return false };
        let by_hand = |lease: &Lease| {
            matches!(&lease.says, Says::Manual(manual) if manual.state == State::Dnd)
                && lease.holds(&self.config.status, now.wall)
        };
        seat.presentity.leases().iter().any(|(_, lease)| by_hand(lease))
    }
}
