//! What happens in an office again and again: an exchange, a subscription, a quiet hour.

use std::time::Duration;

use fanal::shard::Input;
use fanal::sip::parse;

use super::digest::{Challenge, Credentials};
use super::message::Got;
use super::office::Office;
use super::phone::{Line, Phone, Req};

/// A lamp that saw the line idle, after a quiet time, and a PBX.
pub fn lamp_of(office: &mut Office, line: &str) -> (Phone, Phone) {
    let (mut lamp, pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, line, "dialog");
    office.pass_secs(30);
    (lamp, pbx)
}

impl Office {
    /// Sends a request; gives its response and the requests that follow it in the same turn.
    pub fn exchange(&mut self, phone: &Phone, request: &Req) -> (Got, Vec<Got>) {
        let before = self.inbox(phone);
        assert!(before.is_empty(), "nothing waits for the phone: {before:#?}");
        self.deliver(&phone.line, request.to_text());
        let mut all = self.inbox(phone);
        assert!(!all.is_empty(), "no response to\n{}", request.to_text());
        let response = all.remove(0);
        assert!(!response.is_request(), "the response comes first: {response:?}");
        assert!(all.iter().all(Got::is_request), "one response: {all:#?}");
        (response, all)
    }

    /// Sends a SUBSCRIBE that is granted; gives the response and its NOTIFY, which waits for an
    /// answer. The phone remembers the dialog.
    pub fn subscribed(&mut self, phone: &mut Phone, request: &Req) -> (Got, Got) {
        let (response, mut notifies) = self.exchange(phone, request);
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(notifies.len(), 1, "one NOTIFY: {notifies:#?}");
        if !request.to.contains(";tag=") {
            phone.remember(request, &response);
        }
        (response, notifies.remove(0))
    }

    /// Refreshes, and gives the NOTIFY that follows, answered.
    pub fn refreshed(&mut self, phone: &mut Phone) -> Got {
        let refresh = phone.refresh();
        let (_, notify) = self.subscribed(phone, &refresh);
        self.answer(phone, &notify, 200);
        notify
    }

    /// Ends the subscription, and gives the last NOTIFY, answered.
    pub fn unsubscribe(&mut self, phone: &mut Phone) -> Got {
        let last = phone.refresh().with("Expires", "0");
        let (_, notify) = self.subscribed(phone, &last);
        self.answer(phone, &notify, 200);
        notify
    }

    /// Publishes again under an entity-tag, and gives the next one.
    pub fn modify(
        &mut self,
        phone: &mut Phone,
        uri: &str,
        event: &str,
        tag: &str,
        body: &str,
    ) -> String {
        let request = phone.publish(uri, event, body).with("SIP-If-Match", tag);
        let response = self.ask(phone, &request);
        assert_eq!(response.status(), 200, "{response:?}");
        response.header("SIP-ETag").to_owned()
    }

    /// Withdraws a publication.
    pub fn withdraw(&mut self, phone: &mut Phone, uri: &str, event: &str, tag: &str) -> Got {
        let request = phone.publish(uri, event, "").with("SIP-If-Match", tag).with("Expires", "0");
        let response = self.ask(phone, &request);
        assert_eq!(response.status(), 200, "{response:?}");
        response
    }

    /// The request with the credentials of the phone's user, who has been challenged for it.
    pub fn signed(&mut self, phone: &Phone, request: &Req) -> Req {
        let challenge = self.ask(phone, request);
        assert_eq!(challenge.status(), 401, "{challenge:?}");
        let again = request.clone().again(&format!("{}s", request.call_id));
        let again = again.with_cseq(request.cseq + 1);
        let challenge = Challenge::of(&challenge, "MD5");
        let line = Credentials::new(&phone.user, "secret", &challenge, &again).line();
        again.with("Authorization", &line)
    }

    /// Several messages arrive so close together that they are dealt with in one turn.
    pub fn deliver_together(&mut self, messages: &[(&Line, String)]) {
        for (line, text) in messages {
            let message = parse::message(bytes::Bytes::copy_from_slice(text.as_bytes()))
                .expect("a message that can be read");
            self.shard.handle(self.now, Input::Message { message, flow: line.flow() });
        }
        self.turn();
    }

    /// Time passes and nothing at all is sent to the phone.
    #[track_caller]
    pub fn assert_quiet(&mut self, phone: &Phone, seconds: u64) {
        self.pass_secs(seconds);
        let heard = self.inbox(phone);
        assert!(heard.is_empty(), "nothing is sent to the phone: {heard:#?}");
    }

    /// Time passes; the phone answers each NOTIFY at once. What it got, in order.
    pub fn live(&mut self, phone: &Phone, span: Duration) -> Vec<Got> {
        let end = self.now.after(span).instant;
        let mut all = self.notified_all(phone);
        while let Some(deadline) = self.shard.deadline().filter(|&at| at <= end) {
            self.pass(deadline.since(self.now.instant).max(Duration::from_micros(1)));
            all.extend(self.notified_all(phone));
        }
        self.pass(end.since(self.now.instant));
        all.extend(self.notified_all(phone));
        all
    }

    /// The one NOTIFY a phone was sent, however often it was repeated while nobody looked;
    /// answered 200.
    #[track_caller]
    pub fn told(&mut self, phone: &Phone) -> Got {
        let mut distinct = self.distinct(phone);
        assert_eq!(distinct.len(), 1, "one NOTIFY: {distinct:#?}");
        let notify = distinct.remove(0);
        self.answer(phone, &notify, 200);
        notify
    }

    /// NOTIFYs waiting for a phone, each once however often it was repeated.
    pub fn distinct(&mut self, phone: &Phone) -> Vec<Got> {
        let mut distinct: Vec<Got> = Vec::new();
        for notify in self.notifies(phone) {
            if distinct.iter().all(|known| known.via("branch") != notify.via("branch")) {
                distinct.push(notify);
            }
        }
        distinct
    }
}

impl Got {
    /// The value of Subscription-State without its parameters.
    pub fn substate(&self) -> &str {
        self.header("Subscription-State").split(';').next().unwrap_or_default()
    }

    /// A parameter of Subscription-State.
    pub fn state_parameter(&self, name: &str) -> Option<&str> {
        self.header("Subscription-State").split(';').skip(1).find_map(|parameter| {
            let (known, value) = parameter.split_once('=')?;
            known.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The seconds left of the subscription.
    pub fn seconds_left(&self) -> u64 {
        let left = self.state_parameter("expires").expect("seconds left");
        left.parse().expect("a number")
    }

    /// The value of Expires.
    pub fn expires(&self) -> u64 {
        self.header("Expires").parse().expect("a number")
    }
}
