//! REGISTER (RFC 3261 §10.3), its steps in its order.

use super::Shard;
use super::exchange::{Exchange, may_speak_for};
use crate::base::identity::Identity;
use crate::base::time::Now;
use crate::registrar::Bindings;
use crate::sip::{Malformed, Refusal, Status};
use crate::transaction::Ticket;

impl Shard {
    pub(super) fn register(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
    ) -> Result<(), Refusal> {
        let request = exchange.request;
        let to = request.headers().to()?;
        if to.tag().is_some() {
            return Err(Refusal::NoSuchSubscription);
        }
        if !self.served.serves(request.uri_ref()?) {
            return Err(Refusal::NotServed); // step 1
        }
        self.known_extensions(request)?; // step 2: 420
        let aor = self.served.address(&to.uri()?).map_err(|refusal| match refusal {
            // 416 is for the Request-URI; To has to name an address of record.
            Refusal::UnsupportedScheme => Malformed::at(0, "a SIP address in To").into(),
            refusal => refusal, // step 5: 404
        })?;
        may_speak_for(who, &aor)?; // step 4: 403
        let aor = self.served.resolve(&to.uri()?)?; // 404
        self.can_keep()?;

        let id = self.seat(&aor);
        let seat = self.seats.get_mut(id).expect("opened above");
        let mut bindings = seat.bindings.clone().unwrap_or_else(|| Box::new(Bindings::default()));
        bindings.register(now, &self.config.registrar, request, exchange.flow)?; // steps 6, 7
        let lines = bindings.contact_lines(now.wall);
        let changed = seat.bindings.as_ref() != Some(&bindings);
        let known = seat.bindings.is_some() || !bindings.is_empty();
        seat.bindings = Some(bindings);
        let mut ticket = Ticket::default();
        if changed && known {
            self.bindings_changed(now, id, &aor);
            ticket = self.ticket;
        } else if !known {
            seat.bindings = None;
        }
        self.arm_seat(now, id);
        self.counters.registrations_accepted += 1;
        self.reply(now, exchange, Status(200), ticket, |writer| {
            for line in &lines {
                writer.header("Contact", line);
            }
            writer.header("Date", now.wall.to_http_date());
        });
        Ok(())
    }
}
