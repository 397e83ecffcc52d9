//! A PBX: publishes the calls of its lines, one publication a line, kept alive by entity-tags.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use rsip::Method;
use rsip::headers::{UntypedHeader, untyped};

use super::device::{Device, Heard};
use super::draft::{Account, Thread};
use super::lamp::Lamp;
use super::phone::{expires, if_match, other};
use super::script::{Call, End};
use crate::doc::DialogInfo;
use crate::doc::dialog_info::{
    Dialog, Direction, Identity, Participant, State, Target, TerminatedBy,
};

/// How long a publication is asked to live; every change of the line extends it.
const EXPIRES: u32 = 3600;

/// A PBX.
pub struct Pbx {
    device: Device<usize>,
    lines: Vec<Line>,
    told: Vec<(Mark, Instant)>,
    published: u64,
}

/// One state of one call, by which a PUBLISH and its NOTIFYs find each other.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mark {
    /// The Call-ID.
    pub call_id: String,
    /// How far it is.
    pub lamp: Lamp,
}

/// What the PBX knows of a line's publication.
struct Line {
    user: String,
    thread: Thread,
    tag: Option<String>,
    version: u32,
    /// States not yet sent: each waits for the entity-tag of the one before.
    waiting: VecDeque<(Mark, Dialog)>,
    /// What is on its way.
    sent: Option<(Mark, Dialog)>,
}

impl Pbx {
    /// A PBX for these lines.
    pub fn new(account: Account, users: impl Iterator<Item = String>) -> Pbx {
        let mut device = Device::new(account);
        let line = |user: String| Line {
            thread: device.thread(&user),
            user,
            tag: None,
            version: 0,
            waiting: VecDeque::new(),
            sent: None,
        };
        let lines = users.map(line).collect();
        Pbx { device, lines, told: Vec::new(), published: 0 }
    }

    /// Tells the state of a call of a line.
    pub fn tell(&mut self, now: Instant, line: usize, call: &Call) {
        let dialog = self.dialog(line, call);
        let Some(of) = self.lines.get_mut(line) else { return };
        let mark = Mark { call_id: call.call_id.clone(), lamp: call.lamp };
        of.waiting.push_back((mark, dialog));
        self.publish(now, line);
    }

    /// Sends what waits longest, unless something is on its way.
    fn publish(&mut self, now: Instant, number: usize) {
        let Some(line) = self.lines.get_mut(number).filter(|line| line.sent.is_none()) else {
            return;
        };
        let Some((mark, dialog)) = line.waiting.pop_front() else { return };
        let entity = self.device.account.address_of(&line.user).to_string();
        let body = DialogInfo::body([&dialog].into_iter()).to_bytes(line.version, &entity);
        line.version += 1;
        let mut more = vec![
            untyped::Event::new("dialog").into(),
            expires(EXPIRES),
            untyped::ContentType::new("application/dialog-info+xml").into(),
        ];
        more.extend(line.tag.as_ref().map(|tag| if_match(tag)));
        self.device.ask(now, &mut line.thread, Method::Publish, more, &body, number);
        line.sent = Some((mark.clone(), dialog));
        self.told.push((mark, now));
        self.published += 1;
    }

    /// Takes what was received; the fault if it is one.
    pub fn hear(&mut self, now: Instant, octets: Bytes) -> Option<String> {
        match self.device.hear(octets) {
            Heard::Answer(number, response) => self.answered(now, number, &response),
            Heard::Request(request) => {
                let status = if request.method == Method::Options { 200 } else { 501 };
                self.device.answer(&request, status);
                None
            }
            Heard::Noise => Some("a message that cannot be read".to_owned()),
            Heard::Nothing => None,
        }
    }

    fn answered(
        &mut self,
        now: Instant,
        number: usize,
        response: &rsip::Response,
    ) -> Option<String> {
        let line = self.lines.get_mut(number)?;
        let sent = line.sent.take();
        let code = response.status_code.code();
        let mut fault = None;
        if code < 300 {
            line.tag = other(&response.headers, "SIP-ETag");
        } else {
            // RFC 3903 §4.1: after 412 the state is published anew, without a tag.
            if code == 412 && line.tag.take().is_some() {
                line.waiting.extend(sent);
                line.waiting.rotate_right(1);
            }
            fault = Some(format!("a PUBLISH was answered {code}"));
        }
        self.publish(now, number);
        fault
    }

    /// Repeats what is due; what nobody answered is given up.
    pub fn tick(&mut self, now: Instant) -> Vec<String> {
        let unanswered = self.device.tick(now);
        for &number in &unanswered {
            if let Some(line) = self.lines.get_mut(number) {
                (line.sent, line.tag) = (None, None);
            }
            self.publish(now, number);
        }
        unanswered.iter().map(|_| "a PUBLISH was never answered".to_owned()).collect()
    }

    /// What is to be sent now.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.device.take()
    }

    /// The states sent since the last time, and when.
    pub fn take_told(&mut self) -> Vec<(Mark, Instant)> {
        std::mem::take(&mut self.told)
    }

    /// PUBLISH requests sent so far, repeats not counted.
    pub fn published(&self) -> u64 {
        self.published
    }

    /// A call as RFC 4235 writes it.
    fn dialog(&self, line: usize, call: &Call) -> Dialog {
        let account = &self.device.account;
        let user = self.lines.get(line).map_or("", |line| line.user.as_str());
        let own = account.address_of(user).to_string();
        let remote = match call.with.user.as_str() {
            outside if outside.starts_with('+') => format!("sip:{outside}@pstn.invalid"),
            inside => account.address_of(inside).to_string(),
        };
        let is_outgoing = call.is_outgoing;
        let (state, event) = match (call.lamp, call.end) {
            (Lamp::Calling | Lamp::Ringing, _) => (State::Early, None),
            (Lamp::Busy | Lamp::Held, _) => (State::Confirmed, None),
            (Lamp::Idle, End::Cancelled) => (State::Terminated, Some(TerminatedBy::Cancelled)),
            (Lamp::Idle, End::Here) => (State::Terminated, Some(TerminatedBy::LocalBye)),
            (Lamp::Idle, End::There) => (State::Terminated, Some(TerminatedBy::RemoteBye)),
        };
        let rendering = if call.lamp == Lamp::Held { "no" } else { "yes" };
        let params = vec![("+sip.rendering".to_owned(), rendering.to_owned())];
        let direction = if is_outgoing { Direction::Initiator } else { Direction::Recipient };
        let participant = |identity: Identity, target| Participant {
            identity: Some(identity),
            target: Some(target),
            ..Participant::default()
        };
        let display = Some(call.with.name.clone());
        Dialog {
            call_id: Some(call.call_id.clone()),
            direction: Some(direction),
            event,
            local: Some(participant(Identity::new(&own), Target { uri: own.clone(), params })),
            remote: Some(participant(
                Identity { display, uri: remote.clone() },
                Target::new(&remote),
            )),
            ..Dialog::new(&call.call_id.replace('@', "-"), state)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::draft;
    use crate::load::script::Party;
    use crate::sip::{Message, Request, Response, parse};

    fn pbx() -> Pbx {
        let account = Account {
            user: "pbx".to_owned(),
            name: "PBX".to_owned(),
            own: "127.0.0.1:40001".parse().expect("an address"),
            agent: "127.0.0.1:5060".parse().expect("an address"),
            transport: rsip::Transport::Udp,
        };
        Pbx::new(account, ["101".to_owned()].into_iter())
    }

    fn call(lamp: Lamp) -> Call {
        Call {
            call_id: "c1@office".to_owned(),
            lamp,
            is_outgoing: false,
            with: Party { user: "+12025550143".to_owned(), name: "+1 202 555 0143".to_owned() },
            end: End::Here,
        }
    }

    fn only(pbx: &mut Pbx) -> Request {
        let mut octets = pbx.take();
        assert_eq!(octets.len(), 1);
        match parse::message(octets.remove(0)) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn answer(request: &Request, status: u16, tag: &str) -> Bytes {
        let request = rsip::Request::try_from(request).expect("in rsip");
        let mut answer = draft::answer(&request, status);
        answer.headers.push(rsip::Header::Other("SIP-ETag".to_owned(), tag.to_owned()));
        Response::try_from(&answer).expect("an answer").raw().clone()
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a time to begin at")]
    fn a_state_waits_for_the_entity_tag_of_the_one_before() {
        let (now, mut pbx) = (Instant::now(), pbx());
        pbx.tell(now, 0, &call(Lamp::Ringing));
        let first = only(&mut pbx);
        assert_eq!(first.headers().if_match(), Ok(None));
        pbx.tell(now, 0, &call(Lamp::Busy));
        assert!(pbx.take().is_empty());
        assert_eq!(pbx.hear(now, answer(&first, 200, "e1")), None);
        let second = only(&mut pbx);
        assert_eq!(second.headers().if_match(), Ok(Some("e1")));
        let told: Vec<Lamp> = pbx.take_told().into_iter().map(|(mark, _)| mark.lamp).collect();
        assert_eq!(told, [Lamp::Ringing, Lamp::Busy]);
        assert_eq!(pbx.published(), 2);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a time to begin at")]
    fn what_met_a_lost_tag_is_published_anew() {
        let (now, mut pbx) = (Instant::now(), pbx());
        pbx.tell(now, 0, &call(Lamp::Ringing));
        let first = only(&mut pbx);
        pbx.hear(now, answer(&first, 200, "e1"));
        pbx.tell(now, 0, &call(Lamp::Busy));
        pbx.tell(now, 0, &call(Lamp::Idle));
        let second = only(&mut pbx);
        assert!(pbx.hear(now, answer(&second, 412, "")).is_some());
        let third = only(&mut pbx);
        assert_eq!(third.headers().if_match(), Ok(None));
        let info = DialogInfo::read(&third.body(), None).expect("a document");
        assert_eq!(info.dialogs.first().map(|dialog| dialog.state), Some(State::Confirmed));
    }

    #[test]
    fn a_call_on_hold_is_written_as_one() {
        let held = pbx().dialog(0, &call(Lamp::Held));
        assert!(held.is_held());
        assert_eq!(Lamp::of(&held), Lamp::Held);
        assert_eq!(Lamp::of(&pbx().dialog(0, &call(Lamp::Busy))), Lamp::Busy);
        assert_eq!(Lamp::of(&pbx().dialog(0, &call(Lamp::Idle))), Lamp::Idle);
    }
}
