//! Watching: a subscription's dialog as the watcher has it (RFC 6665 §4.1, RFC 3261 §12).

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::agent::{Agent, Ask};
use super::failure::Failure;
use crate::dialog::Route;
use crate::sip::{Method, Request, Response, Status};

/// A subscription to be asked for.
#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    /// Whom to watch.
    pub uri: &'a str,
    /// In which package.
    pub package: &'a str,
    /// Media types taken, as Accept has them; empty leaves the package's own.
    pub accept: &'a str,
    /// For how long; nothing is a fetch.
    pub expires: Duration,
}

/// One of an agent's subscriptions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WatchId(usize);

/// What one NOTIFY said.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Whose it is.
    pub watch: WatchId,
    /// When it came.
    pub at: SystemTime,
    /// Its number.
    pub cseq: u32,
    /// `active`, `pending` or `terminated`.
    pub substate: String,
    /// Why it ended.
    pub reason: Option<String>,
    /// Seconds left.
    pub expires: Option<u32>,
    /// Seconds to wait before subscribing again.
    pub retry_after: Option<u32>,
    /// The type of its body.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

impl Notification {
    /// Whether it ended the subscription.
    pub fn is_last(&self) -> bool {
        self.substate.eq_ignore_ascii_case("terminated")
    }
}

/// The dialog of one subscription.
pub(super) struct Watch {
    package: String,
    accept: String,
    /// The request that is sent again to refresh.
    ask: Ask,
    remote_tag: Option<String>,
    remote_cseq: Option<u32>,
}

impl Agent {
    /// Subscribes. The granted lifetime comes with it; the state comes by NOTIFY.
    pub async fn subscribe(
        &mut self,
        wish: &Subscribe<'_>,
    ) -> Result<(WatchId, Duration), Failure> {
        let ask = self.ask(Method::Subscribe, wish.uri);
        let (package, accept) = (wish.package.to_owned(), wish.accept.to_owned());
        let watch = Watch { package, accept, ask, remote_tag: None, remote_cseq: None };
        // It is there before the answer: the first NOTIFY may come first (RFC 6665 §4.1.4).
        let id = WatchId(self.watches.len());
        self.watches.push(Some(watch));
        let refreshed = self.refresh(id, wish.expires).await;
        if refreshed.is_err() {
            self.forget(id);
        }
        Ok((id, refreshed?))
    }

    /// Asks for more time; none ends the subscription. The granted lifetime comes back.
    pub async fn refresh(&mut self, id: WatchId, expires: Duration) -> Result<Duration, Failure> {
        let contact = format!("<{}>", self.contact());
        let Some(watch) = self.watch(id) else { return Ok(Duration::ZERO) };
        let asked = expires.as_secs();
        let mut headers = vec![
            ("Contact", contact),
            ("Event", watch.package.clone()),
            ("Expires", asked.to_string()),
        ];
        if !watch.accept.is_empty() {
            headers.push(("Accept", watch.accept.clone()));
        }
        let mut ask = watch.next(headers);
        let answered = self.request(&mut ask).await;
        if let Some(watch) = self.watch(id) {
            watch.ask.cseq = ask.cseq;
        }
        let response = answered?;
        let granted = response.headers().expires().ok().flatten();
        if let Some(watch) = self.watch(id) {
            watch.learn(&response);
        }
        Ok(granted.map_or(expires, |seconds| Duration::from_secs(seconds.into())))
    }

    /// Forgets a subscription: further NOTIFYs are answered 481.
    pub fn forget(&mut self, id: WatchId) {
        if let Some(place) = self.watches.get_mut(id.0) {
            *place = None;
        }
        self.inbox.retain(|notification| notification.watch != id);
    }

    /// Takes a NOTIFY; says how it is answered.
    pub(super) fn take_notify(&mut self, request: &Request) -> Status {
        let Some((place, watch)) =
            self.watches.iter_mut().enumerate().find_map(|(place, watch)| {
                Some((place, watch.as_mut().filter(|w| w.owns(request))?))
            })
        else {
            return Status::NO_SUCH_DIALOG;
        };
        let headers = request.headers();
        let is_ours =
            headers.event().ok().flatten().is_some_and(|event| event.package == watch.package);
        if !is_ours {
            return Status::BAD_EVENT;
        }
        let (Ok(cseq), Ok(Some(state))) = (headers.cseq(), headers.subscription_state()) else {
            return Status::BAD_REQUEST;
        };
        if watch.remote_cseq.is_some_and(|last| cseq.number <= last) {
            return Status::SERVER_INTERNAL_ERROR;
        }
        watch.adopt(request, cseq.number);
        self.inbox.push_back(Notification {
            watch: WatchId(place),
            at: SystemTime::now(),
            cseq: cseq.number,
            substate: state.state.to_owned(),
            reason: state.reason.map(str::to_owned),
            expires: state.expires,
            retry_after: state.retry_after,
            content_type: headers.content_type().ok().flatten().map(|t| t.text().to_owned()),
            body: request.body(),
        });
        Status::OK
    }

    fn watch(&mut self, id: WatchId) -> Option<&mut Watch> {
        self.watches.get_mut(id.0)?.as_mut()
    }
}

impl Watch {
    /// The next SUBSCRIBE of the dialog.
    fn next(&self, headers: Vec<(&'static str, String)>) -> Ask {
        Ask {
            method: self.ask.method,
            uri: self.ask.uri.clone(),
            to: self.ask.to.clone(),
            from_tag: self.ask.from_tag.clone(),
            call_id: self.ask.call_id.clone(),
            cseq: self.ask.cseq,
            lines: self.ask.lines.clone(),
            headers,
            body: None,
        }
    }

    /// RFC 3261 §12.1.2: the dialog as the answer to the first SUBSCRIBE makes it.
    fn learn(&mut self, response: &Response) {
        let headers = response.headers();
        let routes = headers.record_routes().unwrap_or_default().into_iter().rev();
        self.set_up(headers.to().ok().and_then(|to| to.tag()), &routes.collect::<Vec<_>>());
        self.retarget(headers.contacts().ok().as_ref());
    }

    /// RFC 6665 §4.4.1: the dialog as the first NOTIFY makes it, if it comes first.
    fn adopt(&mut self, request: &Request, cseq: u32) {
        let headers = request.headers();
        let routes = headers.record_routes().unwrap_or_default();
        self.set_up(headers.from().ok().and_then(|from| from.tag()), &routes);
        self.retarget(headers.contacts().ok().as_ref());
        self.remote_cseq = Some(cseq);
    }

    fn set_up(&mut self, tag: Option<&str>, routes: &[&str]) {
        if self.remote_tag.is_some() {
            return;
        }
        let Some(tag) = tag else { return };
        self.remote_tag = Some(tag.to_owned());
        self.ask.to = format!("{};tag={tag}", self.ask.to);
        if let Some(route) = Route::new(routes) {
            self.ask.lines.clear();
            route.write_lines(&self.ask.uri, &mut self.ask.lines);
        }
    }

    fn retarget(&mut self, contacts: Option<&crate::sip::Contacts<'_>>) {
        if let Some(contact) = contacts.and_then(|contacts| contacts.only()) {
            self.ask.uri = contact.uri_text().to_owned();
        }
    }

    fn owns(&self, request: &Request) -> bool {
        let headers = request.headers();
        let tag_of_peer = headers.from().ok().and_then(|from| from.tag());
        headers.call_id().is_ok_and(|call_id| call_id == self.ask.call_id)
            && headers.to().ok().and_then(|to| to.tag()) == Some(self.ask.from_tag.as_str())
            && (self.remote_tag.is_none() || self.remote_tag.as_deref() == tag_of_peer)
    }
}
