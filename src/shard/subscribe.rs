//! SUBSCRIBE (RFC 6665 §4.2.1): first, refresh, end and fetch.

use std::time::Duration;

use super::Shard;
use super::exchange::{Exchange, granted};
use super::record::{Change, FlowRecord, Record, RecordKey, SubscriptionRecord};
use crate::base::flow::Flow;
use crate::base::identity::{Aor, Identity};
use crate::base::limits;
use crate::base::mint::LocalTag;
use crate::base::time::Now;
use crate::base::uri::{Scheme, Uri};
use crate::dialog::{Dialog, Heard};
use crate::event::PackageId;
use crate::notifier::{
    Accepted, Hearing, Owed, PresentityId, Reason, Subscription, SubscriptionId,
};
use crate::policy::Verdict;
use crate::sip::{Contacts, Event, HeaderId, Malformed, Refusal, Request, Status};
use crate::transaction::Ticket;

impl Shard {
    pub(super) fn subscribe(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
    ) -> Result<(), Refusal> {
        match exchange.request.headers().to()?.tag() {
            None => self.subscribe_first(now, exchange, who),
            Some(tag) => {
                let tag = LocalTag::from_text(tag.as_bytes());
                let id = tag.and_then(|tag| self.notifier.tagged(tag));
                let id = id.ok_or(Refusal::NoSuchSubscription)?; // 481
                self.subscribe_again(now, exchange, who, id)
            }
        }
    }

    fn subscribe_first(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
    ) -> Result<(), Refusal> {
        let Exchange { request, flow, .. } = exchange;
        let uri = request.uri()?;
        let aor = self.served.resolve(&uri)?; // 404, 416
        self.known_extensions(request)?; // 420
        let package = self.named_package(request)?; // 489
        let target = one_contact(request)?; // 400
        if uri.scheme() == Scheme::Sips && target.scheme() != Scheme::Sips {
            return Err(bad_request("a sips Contact for a sips request")); // RFC 5630 §5.1
        }
        let verdict = self.rules.verdict(&aor, who);
        if verdict == Verdict::Block {
            return Err(Refusal::Forbidden("Forbidden")); // 403
        }
        let media = self.chosen_media(request, package)?; // 406
        self.no_foreign_body(request)?; // 415
        let expires = self.subscription_expires(request, package)?; // 423
        self.can_keep()?; // 503

        let presentity = self.seat(&aor);
        self.replace_forgotten(now, presentity, package, who, &target);
        let seat = self.seats.get(presentity).expect("opened above");
        if seat.watcher_count() >= self.config.notifier.watchers_max {
            return Err(Refusal::Forbidden("Too Many Watchers"));
        }
        if let Identity::User(_) = who {
            let same = |id: &&SubscriptionId| {
                self.notifier.get(**id).is_some_and(|other| other.watcher == *who)
            };
            let own = seat.watchers(package).iter().filter(same);
            if own.count() >= limits::SUBSCRIPTIONS_OF_ONE_MAX {
                return Err(Refusal::Forbidden("Too Many Subscriptions Of Yours"));
            }
        }
        let tag = self.mint.local_tag(seat.presentity.home);
        let id = self.notifier.begin(Subscription::new(Accepted {
            presentity,
            package,
            media,
            verdict,
            dialog: Dialog::accept(request, tag, target.without_headers())?,
            watcher: who.clone(),
            event: event_line(request)?,
            entity: self.entity(request, &aor)?,
            heard: heard(request, flow),
            until: now.wall + expires,
        }));
        let seat = self.seats.get_mut(presentity).expect("opened above");
        let position = seat.admit(package, id);
        self.notifier.get_mut(id).expect("just begun").position = position;
        self.counters.subscriptions_begun += 1;

        self.grant(now, exchange, id, expires);
        Ok(())
    }

    fn subscribe_again(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
        id: SubscriptionId,
    ) -> Result<(), Refusal> {
        let Exchange { request, flow, .. } = exchange;
        let headers = request.headers();
        let cseq = headers.cseq()?.number;
        let subscription = self.notifier.get_mut(id).ok_or(Refusal::NoSuchSubscription)?;
        if !subscription.dialog.owns(request) {
            return Err(Refusal::NoSuchSubscription); // 481
        }
        // A stranger's request consumes no number; the watcher's own does, even if something
        // else is wrong with it (RFC 3261 §12.2.2).
        if subscription.watcher.aor() != who.aor() {
            return Err(Refusal::Forbidden("Not Your Subscription"));
        }
        subscription.dialog.advance(cseq)?; // 500
        let (presentity, package) = (subscription.presentity, subscription.package);
        self.known_extensions(request)?; // 420
        self.named_package(request)?; // 489
        let subscription = self.notifier.get(id).expect("found above");
        let event = headers.event()?.ok_or_else(|| bad_request("an Event header"))?;
        if !names(&event, &subscription.event) {
            return Err(Refusal::Forbidden("Dialog Sharing Not Supported")); // RFC 6665 §4.5.2
        }
        let target = optional_contact(request)?; // 400
        let media = self.chosen_media(request, package)?; // 406
        self.no_foreign_body(request)?; // 415
        let expires = self.subscription_expires(request, package)?; // 423
        self.can_keep()?; // 503

        let aor = self.seats.get(presentity).expect("watched").presentity.aor.clone();
        let verdict = self.rules.verdict(&aor, who);
        if verdict == Verdict::Block {
            self.notifier.owe(id, Owed::End(Reason::Rejected));
            return Err(Refusal::Forbidden("Forbidden"));
        }
        let subscription = self.notifier.get_mut(id).expect("found above");
        if let Some(target) = target {
            subscription.dialog.target = target.without_headers().into(); // RFC 6665 §3.1: target refresh
        }
        subscription.media = media;
        subscription.verdict = verdict;
        subscription.heard = heard(request, flow);
        let resumed = subscription.heard();
        self.counters.subscriptions_resumed += u64::from(resumed);
        subscription.until = now.wall + expires;
        self.counters.subscriptions_refreshed += u64::from(!expires.is_zero());
        self.grant(now, exchange, id, expires);
        Ok(())
    }

    /// Answers an accepted SUBSCRIBE and owes the NOTIFY that follows it: the last one for a
    /// fetch (RFC 6665 §4.4.3) or an end.
    fn grant(&mut self, now: Now, exchange: Exchange<'_>, id: SubscriptionId, expires: Duration) {
        if expires.is_zero() {
            self.answer_subscribe(now, exchange, id, Ticket::default());
            self.notifier.owe(id, Owed::End(Reason::Timeout));
        } else {
            let ticket = self.keep_subscription(id);
            self.answer_subscribe(now, exchange, id, ticket);
            self.notifier.owe(id, Owed::Answer);
        }
    }

    /// The 200 (never 202, RFC 6665 §8.3.1), which leaves before the NOTIFY that follows it.
    fn answer_subscribe(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        id: SubscriptionId,
        ticket: Ticket,
    ) {
        let Exchange { request, flow, .. } = exchange;
        let subscription = self.notifier.get_mut(id).expect("answered while it lives");
        subscription.after = subscription.after.max(ticket);
        // Not before what this watcher was answered earlier and still waits for.
        let after = subscription.after;
        let left = subscription.until.since(now.wall).as_secs();
        let tag = subscription.dialog.tag.to_string();
        let aor = &self.seats.get(subscription.presentity).expect("watched").presentity.aor;
        let contact = self.doors.contact(&crate::base::flow::Hop::Flow(flow), aor);
        let mut writer =
            crate::sip::Writer::response(request, Status(200), Some(&tag), flow.peer());
        for route in request.headers().values(HeaderId::RecordRoute) {
            writer.header("Record-Route", route);
        }
        writer.header("Contact", format!("<{contact}>"));
        writer.header("Expires", left.to_string());
        writer.header("Allow-Events", self.registry.allow_events());
        self.counters.accepted += 1;
        self.send_response(now, exchange, writer.finish(), after);
    }

    /// The media type the watcher prefers among those we write; the package's own if it names
    /// none (RFC 6665 §3.1.3).
    fn chosen_media(&self, request: &Request, package: PackageId) -> Result<u8, Refusal> {
        let offered = self.registry.package(package).media();
        let Some(accept) = request.headers().accept()? else { return Ok(0) };
        let place = accept.best(offered).and_then(|place| u8::try_from(place).ok());
        place.ok_or_else(|| Refusal::NotAcceptable(offered.to_vec()))
    }

    /// The lifetime granted; 423 if less is asked for than is served.
    fn subscription_expires(
        &self,
        request: &Request,
        package: PackageId,
    ) -> Result<Duration, Refusal> {
        let config = &self.config.notifier;
        let default = self.registry.package(package).expires_default();
        let range = (config.expires_min, config.expires_max);
        granted(request.headers().expires()?, default, range, true)
    }

    /// No package of ours knows a body in SUBSCRIBE (filters come later): 415 unless the
    /// watcher says it may be ignored.
    fn no_foreign_body(&self, request: &Request) -> Result<(), Refusal> {
        if request.body().is_empty() || request.headers().content_disposition_optional() {
            return Ok(());
        }
        Err(Refusal::UnsupportedMediaType(Vec::new()))
    }

    /// The presentity as the phone wrote it: what To says, if it means the same; proxies
    /// rewrite the Request-URI and leave To alone. Phones match documents on this text.
    fn entity(&self, request: &Request, aor: &Aor) -> Result<String, Refusal> {
        let to = request.headers().to()?;
        let uri = to.uri()?;
        match self.served.address(&uri) {
            Ok(meant) if meant == *aor => Ok(uri.as_str().to_owned()),
            _ => Ok(request.uri_text().to_owned()),
        }
    }

    /// A phone that rebooted forgets its subscriptions and subscribes anew. One of its old ones
    /// that is not heard of any more ends without a word, instead of being probed until it
    /// expires.
    fn replace_forgotten(
        &mut self,
        now: Now,
        presentity: PresentityId,
        package: PackageId,
        who: &Identity,
        target: &Uri,
    ) {
        let Some(seat) = self.seats.get(presentity) else { return };
        // One for one: a phone may have two lamps for the same line.
        let forgotten = seat.watchers(package).iter().copied().find(|&id| {
            self.notifier.get(id).is_some_and(|old| {
                old.hearing != Hearing::Live
                    && old.watcher == *who
                    && Uri::parse(&old.dialog.target).is_ok_and(|uri| uri == *target)
            })
        });
        if let Some(id) = forgotten {
            self.end_subscription(now, id);
        }
    }

    /// Writes a subscription to the store; numbers are reserved ahead with it.
    pub(super) fn keep_subscription(&mut self, id: SubscriptionId) -> Ticket {
        let subscription = self.notifier.get(id).expect("kept while it lives");
        let seat = self.seats.get(subscription.presentity).expect("watched");
        let package = self.registry.package(subscription.package);
        let mut dialog = subscription.dialog.to_parts();
        dialog.cseq = subscription.reserved;
        let record = SubscriptionRecord {
            aor: seat.presentity.aor.clone(),
            package: package.name().to_owned(),
            event: subscription.event.to_string(),
            media: package.media()[usize::from(subscription.media)].clone(),
            entity: subscription.entity.to_string(),
            watcher: subscription.watcher.clone(),
            dialog,
            version: subscription.version_ahead(),
            until: subscription.until,
            flow: self.flow_record(subscription.heard.flow),
            origin: subscription.heard.origin,
        };
        self.keep(Change::Put(Record::Subscription(Box::new(record))))
    }

    /// Lets a subscription go without another word.
    pub(super) fn end_subscription(&mut self, _now: Now, id: SubscriptionId) {
        let Some(subscription) = self.notifier.end(id) else { return };
        self.counters.subscriptions_ended += 1;
        if let Some(key) = subscription.in_flight {
            self.clients.abandon(key);
        }
        let Some(seat) = self.seats.get_mut(subscription.presentity) else { return };
        let moved = seat.dismiss(subscription.package, subscription.position);
        let aor = seat.presentity.aor.clone();
        if let Some(moved) = moved.and_then(|id| self.notifier.get_mut(id)) {
            moved.position = subscription.position;
        }
        self.seats.mark(subscription.presentity);
        let tag = subscription.dialog.tag.unique;
        self.keep(Change::Remove(RecordKey::Subscription(aor, tag)));
    }

    fn flow_record(&self, flow: Flow) -> FlowRecord {
        let local = self.doors.door(flow.listener()).map(|door| door.local);
        FlowRecord {
            transport: flow.transport(),
            local: local.unwrap_or_else(|| ([0, 0, 0, 0], 0).into()),
            peer: flow.peer(),
        }
    }
}

/// The Event header of every NOTIFY: as the watcher wrote it, `id` first, since some phones look
/// for what they said. Only `shared` is not repeated: it would claim that lines are shared here
/// (RFC 7463 §5.4).
fn event_line(request: &Request) -> Result<String, Refusal> {
    let event = request.headers().event()?.ok_or_else(|| bad_request("an Event header"))?;
    let mut line = event_key(&event);
    for (name, value) in event.parameters() {
        if ["id", "shared"].iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
            continue;
        }
        line.push(';');
        line.push_str(name);
        if let Some(value) = value {
            line.push('=');
            line.push_str(value);
        }
    }
    Ok(line)
}

/// What of an Event header names a subscription: package and `id`, nothing else (RFC 6665
/// §8.2.1).
fn event_key(event: &Event<'_>) -> String {
    match event.id() {
        Some(id) => format!("{};id={id}", event.package),
        None => event.package.to_owned(),
    }
}

/// Whether an Event header names the subscription of an event line.
fn names(event: &Event<'_>, line: &str) -> bool {
    match line.strip_prefix(&event_key(event)) {
        Some(rest) if event.id().is_some() => rest.is_empty() || rest.starts_with(';'),
        Some(rest) => rest.is_empty() || (rest.starts_with(';') && !rest.starts_with(";id=")),
        None => false,
    }
}

/// Where a request came from. Behind proxies the phone is where the first of them saw it, as
/// the last Via says; a Contact that agrees with that is not behind NAT.
fn heard(request: &Request, flow: Flow) -> Heard {
    let last = request.headers().vias().last().and_then(Result::ok);
    let relayed = request.headers().vias().nth(1).is_some();
    let seen = last
        .filter(|_| relayed)
        .and_then(|via| via.received().or_else(|| via.sent_by_ip()))
        .unwrap_or_else(|| flow.peer().ip());
    Heard { flow, alive: true, origin: seen }
}

/// The one SIP Contact a dialog-creating request must have (RFC 3261 §8.1.1.8).
fn one_contact(request: &Request) -> Result<Uri, Refusal> {
    optional_contact(request)?.ok_or_else(|| bad_request("a Contact header"))
}

fn optional_contact(request: &Request) -> Result<Option<Uri>, Refusal> {
    let Contacts::List(contacts) = request.headers().contacts()? else {
        return Err(bad_request("a Contact with an address"));
    };
    let [contact] = &contacts[..] else {
        return if contacts.is_empty() { Ok(None) } else { Err(bad_request("a single Contact")) };
    };
    let uri = contact.uri()?;
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return Err(bad_request("a Contact with a sip or sips URI"));
    }
    Ok(Some(uri))
}

fn bad_request(what: &'static str) -> Refusal {
    Refusal::BadRequest(Malformed::at(0, what))
}
