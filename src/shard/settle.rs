//! The settle at the end of a turn: every changed document composed once, every watcher that is
//! owed something and may be told, told.

use std::sync::Arc;

use super::Shard;
use super::answer::Notifying;
use super::locate::Known;
use super::ports::{Output, Question};
use super::record::{Change, RecordKey};
use super::seat::Seat;
use crate::base::flow::{Flow, Hop, ListenerId, Transport};
use crate::base::limits;
use crate::base::time::{Moment, Now};
use crate::base::uri::Uri;
use crate::dialog::{NextHop, next_hop, route_hop};
use crate::doc::view::View;
use crate::event::profile::Profile;
use crate::event::state::Rendered;
use crate::event::{Pace, PackageId};
use crate::notifier::notify::{Ours, Standing};
use crate::notifier::{Hearing, Owed, PresentityId, Reason, Subscription, SubscriptionId, Turn};
use crate::policy::{Verdict, ViewId};
use crate::transaction::Transmit;

/// The way to a watcher, if there is one.
enum Way {
    Open(Hop),
    /// A name is being looked up.
    Asked,
    /// Nothing can be sent now.
    Closed,
}

impl Shard {
    /// Composes what the turn changed and sends what is due.
    pub fn settle(&mut self, now: Now) {
        while let Some(id) = self.seats.next_dirty() {
            self.compose(now, id);
        }
        while let Some(id) = self.notifier.next_ready() {
            self.serve(now, id);
        }
        // Subscriptions that ended just now may leave an empty seat behind.
        while let Some(id) = self.seats.next_dirty() {
            self.close_if_empty(id);
        }
    }

    pub(super) fn compose(&mut self, now: Now, id: PresentityId) {
        self.compose_for(now, id, false);
    }

    /// As [`Shard::compose`]; `is_asked` if what nobody watches is wanted as well.
    pub(super) fn compose_for(&mut self, now: Now, id: PresentityId, is_asked: bool) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        let mut again = None;
        let mut changed: smallvec::SmallVec<[PackageId; 3]> = smallvec::SmallVec::new();
        let Seat { presentity, watchers, .. } = seat;
        // Packages feed those behind them, and rules may depend on all of them.
        let is_wanted = is_asked || !self.book.is_plain();
        let is_watched = |package: PackageId| {
            is_wanted || watchers.iter().skip(package.index()).any(|watchers| !watchers.is_empty())
        };
        presentity.settle(&self.registry, now, is_watched, |settled| {
            self.counters.documents_composed += 1;
            again = [again, settled.again].into_iter().flatten().min();
            if settled.changed {
                changed.push(settled.package);
            }
        });
        if !changed.is_empty() {
            seat.changed_by = std::mem::take(&mut seat.heard);
        }
        // What another package is to be looked at for stays to be looked at.
        let still = seat.again.filter(|still| *still > now.wall);
        seat.again = [again, still].into_iter().flatten().min();
        if let Some(privacy) = seat.privacy.as_mut() {
            let about = seat.presentity.circumstances(self.person);
            if privacy.circumstances != about {
                privacy.circumstances = about;
                self.judge_seat(now, id);
            }
        }
        for package in changed {
            for &watcher in self.seats.get(id).map_or(&[][..], |seat| seat.watchers(package)) {
                self.notifier.owe(watcher, Owed::Change);
            }
        }
        self.forget_said(now, id);
        self.arm_seat(now, id);
        match is_asked {
            true => self.seats.mark(id), // It stays open for the answer.
            false => self.close_if_empty(id),
        }
    }

    fn close_if_empty(&mut self, id: PresentityId) {
        if self.seats.get(id).is_some_and(|seat| seat.is_empty() && !seat.presentity.is_dirty())
            && !self.said.has(id)
            && let Some(alarm) = self.seats.close(id)
        {
            self.alarms.cancel(alarm);
        }
    }

    /// The alarm of a subscription rang: its end, its probe or its pace.
    pub(super) fn subscription_rang(&mut self, now: Now, id: SubscriptionId) {
        let Some(subscription) = self.notifier.get_mut(id) else { return };
        if subscription.until <= now.wall {
            // Told once in any case: a machine may have stood still for longer than that.
            let has_waited = matches!(subscription.owed, Owed::End(_))
                && subscription.until + limits::LAST_WORD_MAX <= now.wall;
            if subscription.hearing != Hearing::Live || has_waited {
                // Nobody has been there for a while; nobody is told.
                return self.end_subscription(now, id);
            }
            subscription.owed = subscription.owed.max(Owed::End(Reason::Timeout));
        }
        self.notifier.queue(id);
    }

    /// Sends a subscription what it is owed, if it may be sent now.
    fn serve(&mut self, now: Now, id: SubscriptionId) {
        let Some(subscription) = self.notifier.get(id) else { return };
        let pace = self.pace(subscription.package);
        if subscription.turn(now.instant, pace) == Turn::Now {
            self.notify(now, id, pace);
        }
        self.notifier.arm(id, now, pace);
    }

    fn notify(&mut self, now: Now, id: SubscriptionId, pace: Pace) {
        if let Some(over) = self.notifier.get_mut(id).filter(|it| it.until <= now.wall) {
            // Something came before its alarm: nobody is told of 0 seconds left.
            over.owed = over.owed.max(Owed::End(Reason::Timeout));
        }
        let Some((rendered, generation)) = self.render(now, id) else { return };
        let subscription = self.notifier.get_mut(id).expect("rendered for it");
        let owed = std::mem::take(&mut subscription.owed);
        if owed == Owed::Change
            && subscription.hearing == Hearing::Live
            && rendered.as_deref().is_none_or(|rendered| rendered.fingerprint == subscription.told)
        {
            // The state came back to what it was, or may not be seen: nothing is new.
            return;
        }
        let hop = match self.way(now, id) {
            Way::Open(hop) => hop,
            Way::Asked => return self.postpone(id, owed),
            Way::Closed => return self.park(now, id, owed),
        };
        let hop = match owed {
            // There is no second try after the last NOTIFY, such as that of a fetch: it goes where
            // the watcher was heard, not where it may listen.
            Owed::End(_) => hop,
            _ => self.stream_if_large(id, hop, rendered.as_deref()),
        };
        let standing = match owed {
            Owed::End(reason) => Standing::Ends(reason),
            _ => Standing::Lives(self.notifier.get(id).expect("served").until),
        };
        self.send_notify(now, id, hop, standing, owed, rendered.as_deref());
        let subscription = self.notifier.get_mut(id).expect("served");
        if subscription.verdict == Verdict::Allow {
            subscription.seen.send(generation); // Others were shown nothing of it.
        }
        subscription.told = rendered.map_or(0, |rendered| rendered.fingerprint);
        if let Hearing::Suspended { next, .. } = &mut subscription.hearing {
            *next = None; // The probe is under way.
        }
        match owed {
            Owed::Change => subscription.account.book(now.instant, pace),
            Owed::End(reason) => {
                subscription.in_flight = None; // It is repeated as needed, for nobody any more.
                self.end_for(now, id, reason);
            }
            _ => {}
        }
    }

    /// The body for a subscription as the rules let it see it; no body while it is pending or
    /// turned away.
    fn render(
        &mut self,
        now: Now,
        id: SubscriptionId,
    ) -> Option<(Option<Arc<Rendered>>, crate::event::Generation)> {
        let subscription = self.notifier.get(id)?;
        let (package, seen) = (subscription.package, subscription.seen);
        if let Some(watched) = self.registry.template_of(package) {
            return self.render_watchers(now, id, watched);
        }
        let profile = Profile::from_octet(subscription.profile).unwrap_or_default();
        let Seat { presentity, privacy, .. } = self.seats.get_mut(subscription.presentity)?;
        let part = || privacy.as_ref()?.views.permissions(subscription.view);
        let view = match (subscription.verdict, subscription.owed) {
            (_, Owed::End(reason)) if reason != Reason::Timeout => None,
            (Verdict::Allow, _) if subscription.view == ViewId::FULL => Some(View::Full),
            (Verdict::Allow, _) if subscription.view == ViewId::OWN => Some(View::Own),
            (Verdict::Allow, _) => Some(part().map_or(View::Offline, View::Part)),
            (Verdict::PoliteBlock, _) => Some(View::Offline),
            (Verdict::Confirm | Verdict::Block, _) => None,
        };
        let generation = presentity.generation(package);
        let Some(view) = view else { return Some((None, generation)) };
        let media = &self.registry.package(package).media()[usize::from(subscription.media)];
        let (rendered, fresh) =
            presentity.rendered_for(profile, &self.registry, package, view, media, seen);
        self.counters.bodies_serialised += u64::from(fresh);
        Some((Some(rendered), generation))
    }

    /// The way to a watcher: its flow, an address, or a name that must be looked up.
    fn way(&mut self, now: Now, id: SubscriptionId) -> Way {
        let subscription = self.notifier.get_mut(id).expect("served");
        if let Some(hop) = subscription.path.course() {
            return Way::Open(hop);
        }
        let (dialog, heard) = (&subscription.dialog, subscription.path.heard());
        let near = heard.flow.listener();
        let hop = match &dialog.route {
            Some(route) => Uri::parse(route.first_uri()).map(|uri| route_hop(&uri, heard)),
            None => Uri::parse(dialog.target()).map(|uri| next_hop(&uri, heard)),
        };
        let Ok(hop) = hop else { return Way::Closed };
        let hop = match hop {
            NextHop::Flow(flow) => Some(Hop::Flow(flow)),
            NextHop::Nowhere => None,
            NextHop::Address { transport, address } => self.doors.hop(transport, address, near),
            NextHop::Name { host, port, transport } => {
                return self.named_way(now, id, Question { host, port, transport }, near);
            }
        };
        let Some(hop) = hop else { return Way::Closed };
        let listens_there = subscription.listens_at(hop.address());
        subscription.path.lead(hop, listens_there);
        Way::Open(hop)
    }

    fn named_way(
        &mut self,
        now: Now,
        id: SubscriptionId,
        question: Question,
        near: ListenerId,
    ) -> Way {
        match self.names.look_up(now.instant, &question, id) {
            Known::Targets(targets) => targets
                .into_iter()
                .find_map(|(transport, address)| self.doors.hop(transport, address, near))
                .map_or(Way::Closed, Way::Open),
            Known::Pending => Way::Asked,
            Known::Unasked => {
                self.ready.push_back(Output::Resolve(question));
                Way::Asked
            }
        }
    }

    /// A name is being looked up: the debt stands, and is paid when the answer comes.
    fn postpone(&mut self, id: SubscriptionId, owed: Owed) {
        let subscription = self.notifier.get_mut(id).expect("served");
        match &mut subscription.hearing {
            Hearing::Live => subscription.owed = owed,
            // The probe is under way; nothing is looked at again before the answer.
            Hearing::Suspended { next, .. } => {
                *next = None;
                subscription.owed = owed.max(Owed::Answer);
            }
        }
    }

    /// There is no way to the watcher. It stays until it is heard of again or expires; what it
    /// was to be told last is not worth waiting for.
    fn park(&mut self, now: Now, id: SubscriptionId, owed: Owed) {
        if let Owed::End(reason) = owed {
            return self.end_for(now, id, reason);
        }
        let subscription = self.notifier.get_mut(id).expect("served");
        subscription.owed = Owed::Change;
        subscription.told = 0;
        let probes = match subscription.hearing {
            Hearing::Live => {
                self.counters.subscriptions_suspended += 1;
                0
            }
            Hearing::Suspended { probes, .. } => probes.saturating_add(1),
        };
        // A name may be found again; a connection that is gone comes back only by the watcher.
        let next = now.instant + self.config.notifier.probe_after(probes);
        subscription.hearing = Hearing::Suspended { probes, next: Some(next) };
        self.notifier.fall_silent(id);
    }

    /// A request above 1300 octets goes by a stream if the watcher takes one where it listens
    /// (RFC 3261 §18.1.1); behind NAT nothing can be dialled, and it goes by datagram.
    fn stream_if_large(
        &mut self,
        id: SubscriptionId,
        hop: Hop,
        rendered: Option<&Rendered>,
    ) -> Hop {
        let Hop::Flow(Flow::Udp { listener, peer }) = hop else { return hop };
        let subscription = self.notifier.get(id).expect("served");
        let body = rendered.map_or(0, |rendered| rendered.body.octets_around(0, ""));
        if body + subscription.around_body() <= limits::DATAGRAM_REQUEST_OCTETS_MAX {
            return hop;
        }
        if !subscription.datagrams_only
            && subscription.path.is_where_it_listens()
            && let Some(dial) = self.doors.hop(Transport::Tcp, peer, listener)
        {
            return dial;
        }
        self.counters.large_by_datagram += 1;
        hop
    }

    fn send_notify(
        &mut self,
        now: Now,
        id: SubscriptionId,
        hop: Hop,
        standing: Standing,
        owed: Owed,
        rendered: Option<&Rendered>,
    ) {
        let subscription = self.notifier.get_mut(id).expect("served");
        if let Some(earlier) = subscription.in_flight.take() {
            self.clients.abandon(earlier);
        }
        let cseq = subscription.dialog.next_cseq();
        if cseq >= subscription.reserved && standing != Standing::Ends(Reason::Timeout) {
            self.reserve_ahead(id);
        }
        let Shard { notifier, seats, registry, doors, clients, mint, pen, out, .. } = self;
        let subscription = notifier.get_mut(id).expect("served");
        let seat = seats.get(subscription.presentity).expect("watched");
        let presentity = &seat.presentity;
        let since = if owed == Owed::Change { seat.changed_by } else { Moment::ORIGIN };
        let branch = clients.branch(mint, presentity.home);
        let ours = Ours {
            transport: hop.transport(),
            sent_by: doors.sent_by(hop.listener(), hop.address().ip()),
            user: presentity.aor.user(),
            package: registry.package(subscription.package).event(),
        };
        let body = rendered.map(|rendered| &rendered.body);
        let (head, rest) = pen.write(subscription, now.wall, standing, branch, ours, body);
        if body.is_some_and(|body| body.has_version()) {
            subscription.version = subscription.version.saturating_add(1);
        }
        let transmit = Transmit { hop, head, body: rest, after: subscription.after, request: None };
        subscription.sends(now.instant);
        subscription.in_flight =
            Some(clients.send(now, branch, Notifying { id, since }, transmit, out));
        self.counters.notifies += 1;
    }

    /// The numbers written ahead are used up: some more are, before the next NOTIFY leaves.
    fn reserve_ahead(&mut self, id: SubscriptionId) {
        let subscription = self.notifier.get_mut(id).expect("served");
        let presentity = &self.seats.get(subscription.presentity).expect("watched").presentity;
        subscription.reserved = subscription.dialog.cseq.saturating_add(limits::CSEQ_AHEAD);
        let reserve = Change::Reserve {
            key: RecordKey::Subscription(presentity.aor.clone(), subscription.dialog.tag.unique),
            cseq: subscription.reserved,
            version: subscription.version_ahead(),
        };
        let ticket = self.keep(reserve);
        self.notifier.get_mut(id).expect("served").after = ticket;
    }

    fn pace(&self, package: PackageId) -> Pace {
        self.paces.get(package.index()).copied().unwrap_or_else(|| {
            let package = self.registry.package(package);
            self.config.notifier.pace(package.event(), package.pace())
        })
    }
}

impl Subscription {
    /// A document version that no NOTIFY will have had when all reserved CSeq are used up.
    pub(super) fn version_ahead(&self) -> u32 {
        self.version.saturating_add(self.reserved.saturating_sub(self.dialog.cseq))
    }

    /// Whether its Contact says it listens at the very address a datagram would go to.
    fn listens_at(&self, peer: std::net::SocketAddr) -> bool {
        use crate::base::uri::Host;
        self.dialog.route.is_none()
            && Uri::parse(self.dialog.target()).is_ok_and(|uri| {
                matches!(uri.host(), Host::Ip(ip) if ip.to_canonical() == peer.ip().to_canonical())
                    && uri.transport().is_none()
            })
    }

    /// A request could not be sent this way. True if there is another to try at once: one of
    /// `others`, or another transport.
    pub(super) fn by_another_way(&mut self, failed: Hop, others: usize) -> bool {
        if usize::from(self.detours) < others {
            self.detours += 1;
            return true;
        }
        match (self.path.flow(), failed) {
            // A stream that is gone: the Contact may be dialled, if it is no NAT's.
            (own @ Flow::Stream { .. }, Hop::Flow(flow)) if own == flow && self.path.is_alive() => {
                self.path.dies();
                true
            }
            // A large request was tried by a stream that nobody accepts.
            (Flow::Udp { .. }, Hop::Dial { .. }) if !self.datagrams_only => {
                self.datagrams_only = true;
                true
            }
            _ => false,
        }
    }

    /// About how long its next NOTIFY is beside the shared part of its body, in octets.
    fn around_body(&self) -> usize {
        const FIXED: usize = 360;
        let target = self.dialog.target_octets();
        FIXED + self.dialog.octets() + target + self.event_rest().len() + self.entity_octets()
    }
}
