//! SUBSCRIBE (RFC 6665 §4.2.1): first, refresh, end and fetch.

use std::time::Duration;

use super::Shard;
use super::exchange::{Exchange, granted};
use super::judge::tell;
use super::lamp::Watched;
use super::record::{Change, FlowRecord, Record, RecordKey, SubscriptionRecord};
use crate::base::flow::Flow;
use crate::base::identity::{Aor, Identity};
use crate::base::limits;
use crate::base::mint::LocalTag;
use crate::base::time::Now;
use crate::base::uri::{Scheme, Uri};
use crate::dialog::{Dialog, Heard};
use crate::event::PackageId;
use crate::event::profile::Profile;
use crate::notifier::{Accepted, Owed, PresentityId, Reason, Subscription, SubscriptionId};
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
        match exchange.request.headers().to()?.tag_octets() {
            None => self.subscribe_first(now, exchange, who),
            Some(tag) => {
                let tag = LocalTag::from_text(tag);
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
        let uri = request.uri_ref()?;
        let watched = self.watched(uri)?; // 404, 416
        self.known_extensions(request)?; // 420
        let package = self.watched_package(request, &watched)?; // 489
        let Watched { aor, named } = watched;
        let target = one_contact(request)?; // 400
        if uri.scheme() == Scheme::Sips && target.scheme() != Scheme::Sips {
            return Err(bad_request("a sips Contact for a sips request")); // RFC 5630 §5.1
        }
        let judged = self.judge(now, &aor, package, who);
        if judged.verdict == Verdict::Block {
            judged.line.iter().for_each(|line| tell(line));
            return Err(Refusal::Forbidden("Forbidden")); // 403
        }
        let media = self.chosen_media(request, package)?; // 406
        let wish = self.wish(request, package, who, &aor)?; // 403, 415, 400
        let expires = self.subscription_expires(now, request, package)?; // 423
        self.can_keep()?; // 503

        let presentity = self.seat(&aor);
        self.replace_forgotten(now, presentity, package, who, &target);
        let seat = self.seats.get(presentity).expect("opened above");
        if seat.watcher_count() >= self.config.notifier.watchers_max {
            return Err(Refusal::Forbidden("Too Many Watchers"));
        }
        self.has_a_right_to_more(who, flow)?; // 403
        // Who has few subscriptions in all has not too many here, and nobody is counted.
        if let Identity::User(user) = who
            && self.notifier.census().of_user(user) >= limits::SUBSCRIPTIONS_OF_ONE_MAX
        {
            let same = |id: &&SubscriptionId| {
                self.notifier.get(**id).is_some_and(|other| other.watcher == *who)
            };
            let own = seat.watchers(package).iter().filter(same);
            if own.count() >= limits::SUBSCRIPTIONS_OF_ONE_MAX {
                return Err(Refusal::Forbidden("Too Many Subscriptions Of Yours"));
            }
        }
        let home = seat.presentity.home;
        let after = self.grant_wish(now, presentity, who, wish)?; // 403
        let tag = self.mint.local_tag(home, self.notifier.vacant());
        let id = self.notifier.begin(Subscription::new(Accepted {
            presentity,
            package,
            media,
            profile: self.devices.profile(request.headers().user_agent()),
            // Nothing is shown before it is known what may be.
            verdict: Verdict::Block,
            dialog: Dialog::accept(request, tag, target.without_headers())?,
            watcher: who.clone(),
            event_rest: &event_rest(request)?,
            entity: &self.entity(request, &named)?,
            heard: heard(request, flow),
            until: now.wall + expires,
        }));
        let position = self.seats.admit(presentity, package, id).expect("opened above");
        let subscription = self.notifier.get_mut(id).expect("just begun");
        (subscription.position, subscription.after) = (position, after);
        self.counters.subscriptions_begun += 1;
        self.sentence(now, id, judged);
        if !expires.is_zero() {
            self.watcher_came(now, id);
        }

        self.grant(now, exchange, id, expires, false);
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
        let cseq = headers.cseq_number()?;
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
        let named = self.named_package(request)?; // 489
        let subscription = self.notifier.get(id).expect("found above");
        let event = headers.event()?.ok_or_else(|| bad_request("an Event header"))?;
        let event_of = |id| self.registry.package(id).event();
        if event_of(named) != event_of(package) || !names(&event, subscription.event_rest()) {
            return Err(Refusal::Forbidden("Dialog Sharing Not Supported")); // RFC 6665 §4.5.2
        }
        let target = optional_contact(request)?; // 400
        let media = self.chosen_media(request, package)?; // 406
        let aor = self.seats.get(presentity).expect("watched").presentity.aor.clone();
        let wish = self.wish(request, package, who, &aor)?; // 403, 415, 400
        let expires = self.subscription_expires(now, request, package)?; // 423
        self.can_keep()?; // 503

        let judged = self.judge(now, &aor, package, who);
        let verdict = judged.verdict;
        if verdict == Verdict::Block {
            judged.line.iter().for_each(|line| tell(line));
            self.notifier.owe(id, Owed::End(Reason::Rejected));
            return Err(Refusal::Forbidden("Forbidden"));
        }
        let after = self.grant_wish(now, presentity, who, wish)?; // 403
        let moved = self.notifier.heard_on(id, heard(request, flow));
        let subscription = self.notifier.get_mut(id).expect("found above");
        subscription.after = subscription.after.max(after);
        let was = (subscription.media, subscription.verdict);
        subscription.media = media;
        let resumed = subscription.heard();
        self.counters.subscriptions_resumed += u64::from(resumed);
        subscription.until = now.wall + expires;
        let target = target.as_ref().map(Uri::without_headers); // RFC 6665 §3.1: target refresh
        let retargeted = target.is_some_and(|target| self.notifier.retarget(id, target));
        self.counters.subscriptions_refreshed += u64::from(!expires.is_zero());
        self.sentence(now, id, judged);
        self.watcher_stays(id);
        let is_same = was == (media, verdict) && !moved && !retargeted;
        self.grant(now, exchange, id, expires, is_same);
        Ok(())
    }

    /// Answers an accepted SUBSCRIBE and owes the NOTIFY that follows it: the last one for a
    /// fetch (RFC 6665 §4.4.3) or an end. `is_same` if only its end moved.
    fn grant(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        id: SubscriptionId,
        expires: Duration,
        is_same: bool,
    ) {
        if expires.is_zero() {
            self.answer_subscribe(now, exchange, id, Ticket::default());
            self.notifier.owe(id, Owed::End(Reason::Timeout));
        } else {
            let ticket = if is_same { self.renew_kept(id) } else { self.keep_subscription(id) };
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
        let tag = subscription.dialog.tag.to_text();
        let aor = &self.seats.get(subscription.presentity).expect("watched").presentity.aor;
        let contact = self.doors.contact(&crate::base::flow::Hop::Flow(flow), aor);
        let mut writer =
            crate::sip::Writer::response(request, Status(200), Some(&tag), flow.peer());
        for route in request.headers().values(HeaderId::RecordRoute) {
            writer.header("Record-Route", route);
        }
        writer.header_parts("Contact", &["<", &contact, ">"]);
        writer.number("Expires", left);
        writer.header("Allow-Events", self.registry.allow_events());
        self.counters.accepted += 1;
        self.send_response(now, exchange, writer, after);
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
        &mut self,
        now: Now,
        request: &Request,
        package: PackageId,
    ) -> Result<Duration, Refusal> {
        let config = &self.config.notifier;
        let default = self.registry.package(package).expires_default();
        let range = (config.expires_min, config.expires_max);
        let lifetime = granted(request.headers().expires()?, default, range, true)?;
        let (live, spread) = (self.notifier.len(), config.storm_spread);
        let chance = || self.mint.bits();
        Ok(self.notifier.storm.grant(now.instant, live, lifetime, range.0, spread, chance))
    }

    /// 403 for a user, or an address, that has as many subscriptions as it may have.
    fn has_a_right_to_more(&self, who: &Identity, flow: Flow) -> Result<(), Refusal> {
        let Identity::User(user) = who else { return Ok(()) };
        let (census, config) = (self.notifier.census(), &self.config.notifier);
        if census.of_user(user) >= config.subscriptions_of_user_max {
            return Err(Refusal::Forbidden("Too Many Subscriptions Of Yours"));
        }
        if census.of_source(flow.peer().ip()) >= config.subscriptions_of_source_max {
            return Err(Refusal::Forbidden("Too Many Subscriptions From Your Address"));
        }
        Ok(())
    }

    /// No package of ours knows a body in SUBSCRIBE (filters come later): 415 unless the
    /// watcher says it may be ignored.
    pub(super) fn no_foreign_body(&self, request: &Request) -> Result<(), Refusal> {
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
        // One for one: a phone may have two lamps for the same line.
        let forgotten = self.notifier.silent(presentity, target.without_headers(), |old| {
            old.package == package && old.watcher == *who
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
            event: format!("{}{}", package.event(), subscription.event_rest()),
            media: package.media()[usize::from(subscription.media)].clone(),
            profile: Profile::from_octet(subscription.profile).unwrap_or_default(),
            entity: subscription.entity().to_owned(),
            watcher: subscription.watcher.clone(),
            dialog,
            version: subscription.version_ahead(),
            until: subscription.until,
            flow: self.flow_record(subscription.path.flow()),
            origin: subscription.path.heard().origin,
        };
        self.keep(Change::Put(Record::Subscription(Box::new(record))))
    }

    /// Writes to the store that a subscription lives on as it is.
    fn renew_kept(&mut self, id: SubscriptionId) -> Ticket {
        let subscription = self.notifier.get(id).expect("kept while it lives");
        let aor = &self.seats.get(subscription.presentity).expect("watched").presentity.aor;
        let renewal = Change::Renew {
            key: RecordKey::Subscription(aor.clone(), subscription.dialog.tag.unique),
            until: subscription.until,
            remote: subscription.dialog.remote_cseq,
        };
        self.keep(renewal)
    }

    /// Lets a subscription go without another word.
    pub(super) fn end_subscription(&mut self, now: Now, id: SubscriptionId) {
        self.end_for(now, id, Reason::Timeout);
    }

    /// As [`Shard::end_subscription`], for a reason.
    pub(super) fn end_for(&mut self, now: Now, id: SubscriptionId, reason: Reason) {
        let Some(subscription) = self.notifier.end(id) else { return };
        self.counters.subscriptions_ended += 1;
        if let Some(key) = subscription.in_flight {
            self.clients.abandon(key);
        }
        let Some(seat) = self.seats.get_mut(subscription.presentity) else { return };
        let moved = seat.dismiss(subscription.package, subscription.position);
        seat.give_back(subscription.package, subscription.view);
        let aor = seat.presentity.aor.clone();
        if let Some(moved) = moved.and_then(|id| self.notifier.get_mut(id)) {
            moved.position = subscription.position;
        }
        self.seats.mark(subscription.presentity);
        self.watcher_went(now, &subscription, reason);
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

/// What the Event header of every NOTIFY has after the package: as the watcher wrote it, `id`
/// first, since some phones look for what they said. Only `shared` is not repeated: it would
/// claim that lines are shared here (RFC 7463 §5.4).
fn event_rest(request: &Request) -> Result<String, Refusal> {
    let event = request.headers().event()?.ok_or_else(|| bad_request("an Event header"))?;
    let mut rest = String::new();
    if let Some(id) = event.id() {
        rest.push_str(";id=");
        rest.push_str(id);
    }
    for (name, value) in event.parameters() {
        if ["id", "shared"].iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
            continue;
        }
        rest.push(';');
        rest.push_str(name);
        if let Some(value) = value {
            rest.push('=');
            rest.push_str(value);
        }
    }
    Ok(rest)
}

/// Whether an Event header of the same package names the subscription with this rest of one:
/// besides the package only `id` counts (RFC 6665 §8.2.1).
fn names(event: &Event<'_>, rest: &str) -> bool {
    let Some(id) = event.id() else { return !rest.starts_with(";id=") };
    match rest.strip_prefix(";id=").and_then(|rest| rest.strip_prefix(id)) {
        Some(after) => after.is_empty() || after.starts_with(';'),
        None => false,
    }
}

/// Where a request came from. Behind proxies the phone is where the first of them saw it, as
/// the last Via says; a Contact that agrees with that is not behind NAT.
fn heard(request: &Request, flow: Flow) -> Heard {
    let here = flow.peer().ip();
    if !request.headers().has_second_via() {
        return Heard { flow, alive: true, origin: here }; // As nearly every phone.
    }
    let last = request.headers().vias().last().and_then(Result::ok);
    let seen = last.and_then(|via| via.received().or_else(|| via.sent_by_ip()));
    Heard { flow, alive: true, origin: seen.unwrap_or(here) }
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
