//! One request and its one answer: from the transaction layer through authentication to the
//! verb, in the order of RFC 3261 §8.2.

use std::time::Duration;

use super::config::Authentication;
use super::{Shard, response, steer};
use crate::auth::Reach;
use crate::base::flow::{Flow, Hop};
use crate::base::identity::{Aor, Identity};
use crate::base::limits::OPTION_TAGS_MAX;
use crate::base::mint::{HomeHash, LocalTag};
use crate::base::time::Now;
use crate::base::uri::{Scheme, Uri};
use crate::event::{PackageId, dnd};
use crate::sip::header::via::{reply_near, reply_to};
use crate::sip::{HeaderId, Malformed, Message, Method, Refusal, Request, Status, Writer};
use crate::transaction::{Arrival, ServerKey, Ticket};

/// How long a peer is told to wait when the store keeps nothing.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// How long a peer is told to wait when too many requests are remembered.
const BUSY_RETRY: Duration = Duration::from_secs(10);

/// A request being answered.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub request: &'a Request,
    pub flow: Flow,
    /// Its transaction; `None` for answers without state, such as challenges.
    pub key: Option<ServerKey>,
    /// The home of what it is about, for our tag.
    pub home: HomeHash,
}

impl Shard {
    /// A message arrived.
    pub(super) fn message(&mut self, now: Now, message: Message, flow: Flow) {
        match message {
            Message::Response(response) => self.on_response(now, &response),
            Message::Request(request) => {
                let home = steer::request_home(&request, &self.secret, &self.served);
                let home = home.unwrap_or(HomeHash(0));
                let exchange = Exchange { request: &request, flow, key: None, home };
                if self.proves(flow) {
                    self.strangers.came(now.instant, flow, request.raw().len());
                }
                if let Err(fault) = self.on_request(now, exchange) {
                    self.refuse(now, exchange, &fault.into());
                }
            }
        }
    }

    fn on_request(&mut self, now: Now, exchange: Exchange<'_>) -> Result<(), Malformed> {
        let Exchange { request, flow, .. } = exchange;
        if request.method() == Method::Ack {
            // An ACK is never answered, whatever is wrong with it.
            if let Ok(key) = self.servers.key(request, "INVITE", flow) {
                self.servers.acknowledge(key);
            }
            return Ok(());
        }
        request.check()?;
        if request.method() == Method::Cancel {
            self.cancel(now, exchange)?;
            return Ok(());
        }
        let key = self.servers.key(request, request.method_text(), flow)?;
        if self.servers.is_known(key) {
            let hop = self.return_hop(request, flow);
            self.servers.repeat(request, key, flow.peer(), hop, &mut self.out);
            self.counters.retransmissions_received += 1;
            return Ok(());
        }
        self.counters.requests += 1;
        if let Err(refusal) = self.takes_requests() {
            self.refuse(now, exchange, &refusal);
            return Ok(());
        }
        let who = self.who_asks(now, exchange);
        let is_stranger = matches!(who, Err(_) | Ok(Identity::Unasked)) && self.proves(flow);
        if is_stranger && !self.strangers.hears(now.instant, flow) {
            self.counters.strangers_unanswered += 1;
            return Ok(());
        }
        let who = match who {
            Ok(who) => who,
            Err(refusal) => {
                // Challenges leave no state behind, so that strangers cannot fill it.
                self.counters.challenged += u64::from(refusal.status() == Status(401));
                self.refuse(now, exchange, &refusal);
                return Ok(());
            }
        };
        if is_stranger {
            // Strangers are answered without a memory of them (RFC 3261 §8.2.7), once a request.
            if let Err(refusal) = self.dispatch(now, exchange, &who) {
                self.refuse(now, exchange, &refusal);
            }
            return Ok(());
        }
        if !self.servers.has_room(now) {
            self.refuse(now, exchange, &Refusal::Busy { after: BUSY_RETRY });
            return Ok(());
        }
        if self.servers.receive(request, key)? == Arrival::Merged {
            self.refuse(now, exchange, &Refusal::MergedRequest);
            return Ok(());
        }
        let exchange = Exchange { key: Some(key), ..exchange };
        if let Err(refusal) = self.dispatch(now, exchange, &who) {
            self.refuse(now, exchange, &refusal);
        }
        Ok(())
    }

    /// One arm per verb.
    fn dispatch(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        who: &Identity,
    ) -> Result<(), Refusal> {
        match exchange.request.method() {
            Method::Subscribe => self.subscribe(now, exchange, who),
            Method::Publish => self.publish(now, exchange, who),
            Method::Register => self.register(now, exchange, who),
            Method::Options => self.options(now, exchange),
            Method::Notify => self.unasked_notify(exchange.request),
            Method::Unknown => Err(Refusal::NotImplemented),
            // Methods of dialogs that this agent never has (RFC 3261 §12.2.2).
            Method::Bye | Method::Info | Method::Update | Method::Prack | Method::Refer
                if exchange.request.headers().to()?.tag().is_some() =>
            {
                Err(Refusal::NoSuchSubscription)
            }
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    /// Whether who is at the other end of a flow has to prove it.
    pub fn proves(&self, flow: Flow) -> bool {
        self.config.server.auth != Authentication::Off && !self.doors.trusts(flow)
    }

    /// Who a request comes from, where that matters: verbs that show or change state.
    fn who_asks(&mut self, now: Now, exchange: Exchange<'_>) -> Result<Identity, Refusal> {
        let Exchange { request, flow, home, .. } = exchange;
        let matters =
            matches!(request.method(), Method::Subscribe | Method::Publish | Method::Register);
        if self.doors.trusts(flow) {
            // RFC 3325 §8: believed from a trusted peer, ignored from anybody else.
            let asserted = self.asserted(request)?;
            return Ok(Identity::Peer { address: flow.peer().ip().to_canonical(), asserted });
        }
        if !matters || self.config.server.auth == Authentication::Off {
            return Ok(Identity::Unasked);
        }
        let (served, secret) = (&self.served, &self.secret);
        // Credentials made for one presentity do not serve for another (RFC 7616 §3.4.6): proxies
        // may rewrite host, port and parameters of a Request-URI, but not whom it means. Nonce
        // counts are kept where the presentity is at home, so nowhere else may they be spent.
        let asked = request.uri_ref().ok().and_then(|uri| served.address(uri).ok());
        let reach = |uri: &Uri| match served.address(uri) {
            _ if !served.serves(uri) => Reach::Nowhere,
            _ if request.method() == Method::Register || uri.user().is_none() => Reach::Anyone,
            Ok(named) if asked.as_ref() != Some(&named) => Reach::Nowhere,
            // In a dialog the tag says where the request is at home.
            Ok(named) if secret.home(&dnd::owner(&named)) == home => Reach::One,
            _ => Reach::Anyone,
        };
        let verified = self.digest.verify(now, &mut self.mint, request, flow, reach);
        (self.counters.auth_failed, self.counters.auth_refused) = self.digest.failures();
        Ok(Identity::User(verified?))
    }

    /// The user a trusted peer asserts (RFC 3325 §9.1: a SIP address, a number, or both; the
    /// address says more). Users of other domains are known by what their domain calls them. A
    /// peer that asserts somebody who has no address must not be taken for itself.
    fn asserted(&self, request: &Request) -> Result<Option<Aor>, Refusal> {
        let headers = request.headers();
        if headers.value(HeaderId::PAssertedIdentity).is_none() {
            return Ok(None);
        }
        let mut uris = headers.asserted_identities();
        uris.retain(|uri| uri.scheme() != Scheme::Other && uri.user().is_some());
        uris.sort_by_key(|uri| uri.scheme() == Scheme::Tel);
        let uri = uris.first().ok_or(Refusal::Forbidden("Asserted Identity Has No Address"))?;
        let foreign = || Aor::from_parts(&uri.canonical_user(), &uri.canonical_host());
        Ok(Some(self.served.address(uri).unwrap_or_else(|_| foreign())))
    }

    /// The package of the Event header; 489 without one, or for one we do not serve (RFC 6665
    /// §4.2.1.1, RFC 3903 §6 step 2).
    pub(super) fn named_package(&self, request: &Request) -> Result<PackageId, Refusal> {
        request
            .headers()
            .event()?
            .and_then(|event| self.registry.named(event.package))
            .filter(|package| self.tells(*package))
            .ok_or_else(|| self.bad_event())
    }

    /// Whether a package is served: who watches is told where there are rules to decide by.
    fn tells(&self, package: PackageId) -> bool {
        !self.book.is_plain() || self.registry.template_of(package).is_none()
    }

    /// 489 with the packages we do serve.
    pub(super) fn bad_event(&self) -> Refusal {
        Refusal::BadEvent(self.registry.allow_events().to_owned())
    }

    /// 420 for what we are required to know and do not (RFC 3261 §8.2.2.3). Proxy-Require is
    /// for proxies.
    pub(super) fn known_extensions(&self, request: &Request) -> Result<(), Refusal> {
        let unknown: Vec<String> =
            request.headers().require().take(OPTION_TAGS_MAX).map(str::to_owned).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Refusal::BadExtension(unknown))
    }

    /// CANCEL of a non-INVITE changes nothing (RFC 3261 §9.2): 200 if its request is known.
    fn cancel(&mut self, now: Now, exchange: Exchange<'_>) -> Result<(), Malformed> {
        const CANCELLABLE: [&str; 6] =
            ["SUBSCRIBE", "PUBLISH", "REGISTER", "OPTIONS", "NOTIFY", "INVITE"];
        let Exchange { request, flow, .. } = exchange;
        let mut known = false;
        for method in CANCELLABLE {
            known |= self.servers.is_known(self.servers.key(request, method, flow)?);
        }
        if known {
            self.reply(now, exchange, Status(200), Ticket::default(), |_| {});
        } else {
            self.refuse(now, exchange, &Refusal::NoSuchSubscription);
        }
        Ok(())
    }

    /// Sends a final response.
    pub(super) fn reply(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        status: Status,
        after: Ticket,
        headers: impl FnOnce(&mut Writer),
    ) {
        let tag = self.tag_of(exchange);
        let bare =
            || Writer::response(exchange.request, status, tag.as_deref(), exchange.flow.peer());
        let mut writer = bare();
        headers(&mut writer);
        self.counters.accepted += u64::from(status.is_success());
        let bare = || Some(bare());
        let Some(writer) = self.within_means(now, exchange, writer, bare) else { return };
        self.send_response(now, exchange, writer, after);
    }

    /// What may be sent of a response: to a stranger by datagrams no more octets than came from
    /// there, so perhaps only its bare form, perhaps nothing. A phone whose request is shorter
    /// than our challenge asks again after half a second, and has then said enough.
    fn within_means(
        &mut self,
        now: Now,
        Exchange { flow, key, .. }: Exchange<'_>,
        whole: Writer,
        bare: impl FnOnce() -> Option<Writer>,
    ) -> Option<Writer> {
        if key.is_some() || !self.proves(flow) {
            return Some(whole);
        }
        let mut may = |writer: &Writer| {
            self.strangers.may_be_sent(now.instant, flow, writer.finished_octets())
        };
        let writer = match may(&whole) {
            true => Some(whole),
            false => bare().filter(may),
        };
        self.counters.strangers_unanswered += u64::from(writer.is_none());
        writer
    }

    /// Sends the response that a refusal is.
    pub(super) fn refuse(&mut self, now: Now, exchange: Exchange<'_>, refusal: &Refusal) {
        let tag = self.tag_of(exchange);
        let Exchange { request, flow, .. } = exchange;
        let mut writer = Writer::response_with_reason(
            request,
            refusal.status(),
            &refusal.reason(),
            tag.as_deref(),
            flow.peer(),
        );
        refusal.write(&mut writer);
        self.counters.refused += 1;
        let Some(writer) = self.within_means(now, exchange, writer, || None) else { return };
        self.send_response(now, exchange, writer, Ticket::default());
    }

    pub(super) fn send_response(
        &mut self,
        now: Now,
        exchange: Exchange<'_>,
        writer: Writer,
        after: Ticket,
    ) {
        let Exchange { request, flow, key, .. } = exchange;
        let hop = self.return_hop(request, flow);
        let (octets, own) = writer.finish_response();
        let transmit = response(hop, octets, after);
        match key {
            Some(key) => {
                self.servers.respond(now, key, request.method(), transmit, own, &mut self.out);
            }
            None => self.out.push(transmit),
        }
    }

    /// Where the response to a request goes (RFC 3261 §18.2.2, RFC 3581 §4). Only a trusted
    /// peer may send it to another host by `maddr`: anybody else could aim it at a victim.
    fn return_hop(&self, request: &Request, flow: Flow) -> Hop {
        let Flow::Udp { listener, peer } = flow else { return Hop::Flow(flow) };
        let peer = match request.headers().via() {
            Ok(via) if self.doors.trusts(flow) => reply_to(&via, peer),
            Ok(via) => reply_near(&via, peer),
            Err(_) => peer,
        };
        Hop::Flow(Flow::Udp { listener, peer })
    }

    /// Our tag in a response that creates no dialog: the same for the same request, without
    /// anything kept (RFC 3261 §8.2.7). `None` if the request has one already.
    fn tag_of(&self, exchange: Exchange<'_>) -> Option<String> {
        let headers = exchange.request.headers();
        if headers.to().is_ok_and(|to| to.tag_octets().is_some()) {
            return None;
        }
        let via = headers.via();
        let branch = via.as_ref().ok().and_then(|via| via.branch_octets()).unwrap_or_default();
        let call_id = headers.call_id_octets().unwrap_or_default();
        let unique = self.secret.hash(&[b"tag", branch, call_id]);
        Some(LocalTag { home: exchange.home, unique }.to_text())
    }

    /// Refused while nothing can be kept: what is answered 2xx must not be forgotten.
    pub(super) fn can_keep(&self) -> Result<(), Refusal> {
        if self.store_is_well { Ok(()) } else { Err(Refusal::Busy { after: STORE_RETRY }) }
    }
}

/// Whether an identity may speak for an AoR: a user for itself, a trusted peer for anyone.
pub(super) fn may_speak_for(who: &Identity, aor: &Aor) -> Result<(), Refusal> {
    match who {
        Identity::User(own) if own != aor => Err(Refusal::Forbidden("Not Your Address")),
        _ => Ok(()),
    }
}

/// The lifetime granted: what was asked or else `default`, at most `max`. Shorter than `min` is
/// refused with 423; `generous` also forgives what is an hour or longer (RFC 6665 §4.2.1.1).
pub(super) fn granted(
    asked: Option<u32>,
    default: Duration,
    (min, max): (Duration, Duration),
    generous: bool,
) -> Result<Duration, Refusal> {
    const HOUR: Duration = Duration::from_secs(3600);
    let wanted = asked.map_or(default, |seconds| Duration::from_secs(u64::from(seconds)));
    let brief = !wanted.is_zero() && wanted < min && !(generous && wanted >= HOUR);
    if asked.is_some() && brief {
        return Err(Refusal::IntervalTooBrief { min });
    }
    Ok(wanted.min(max))
}
