//! A desk phone: registers, tells its presence, watches its colleagues and answers every NOTIFY.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsip::headers::{ToTypedHeader, UntypedHeader, untyped};
use rsip::prelude::HeadersExt;
use rsip::{Header, Method};

use super::device::{Device, Heard};
use super::draft::{self, Account, Thread};
use super::lamp::{self, Seen};
use crate::doc::pidf::{Basic, Note, Person, Tuple};
use crate::doc::{DialogInfo, Name, Namespace, Presence};

/// What a phone asks for at every SUBSCRIBE; it renews at half of what is granted.
const EXPIRES: u32 = 3600;

/// How long a phone waits before it subscribes anew after a refusal or a loss.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// A phone.
pub struct Phone {
    device: Device<Asked>,
    watches: Vec<Watch>,
    by_call_id: HashMap<String, usize>,
    presence: Option<(Thread, Option<String>)>,
}

/// What a request was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Its contact.
    Register,
    /// Its presence.
    Publish,
    /// The subscription of that number.
    Watch(usize),
}

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Package {
    /// Calls: the lamp.
    Dialog,
    /// What a person is doing.
    Presence,
}

/// One subscription.
pub struct Watch {
    /// What is watched.
    pub package: Package,
    /// Whose, the number of the person.
    pub whom: usize,
    /// The calls it shows; `None` before the first NOTIFY. Empty for presence.
    pub seen: Option<Vec<Seen>>,
    thread: Thread,
    /// The number of the agent's last NOTIFY in this dialog.
    heard: Option<u32>,
    version: Option<u32>,
    /// When to subscribe again.
    renew: Option<Instant>,
}

/// What came of something a phone heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A NOTIFY about the calls of a person: what was shown before, what now.
    Calls {
        /// The number of the person.
        whom: usize,
        /// `None`: nothing was known.
        before: Option<Vec<Seen>>,
        /// Now.
        now: Vec<Seen>,
    },
    /// A NOTIFY about what a person is doing, in their own words.
    Doing {
        /// The number of the person.
        whom: usize,
        /// `None`: nothing special.
        note: Option<String>,
    },
    /// Something went wrong.
    Fault(String),
}

impl Phone {
    /// A phone that has not spoken yet.
    pub fn new(account: Account) -> Phone {
        Phone {
            device: Device::new(account),
            watches: Vec::new(),
            by_call_id: HashMap::new(),
            presence: None,
        }
    }

    /// Registers its contact.
    pub fn register(&mut self, now: Instant) {
        let whom = self.device.account.user.clone();
        let mut thread = self.device.thread(&whom);
        let more = vec![draft::contact(&self.device.account), expires(EXPIRES)];
        self.device.ask(now, &mut thread, Method::Register, more, b"", Asked::Register);
    }

    /// Tells that its user can be reached, and what the user is doing if that is special: an
    /// activity of RFC 4480 and a note.
    pub fn publish(&mut self, now: Instant, doing: Option<(&str, &str)>) {
        let whom = self.device.account.user.clone();
        let (mut thread, tag) = match self.presence.take() {
            Some(before) => before,
            None => (self.device.thread(&whom), None),
        };
        let mut more = vec![
            untyped::Event::new("presence").into(),
            expires(EXPIRES),
            untyped::ContentType::new("application/pidf+xml").into(),
        ];
        more.extend(tag.as_ref().map(|tag| if_match(tag)));
        let entity = self.device.account.address_of(&whom).to_string();
        let body = presence(&entity, doing);
        self.device.ask(now, &mut thread, Method::Publish, more, body.as_bytes(), Asked::Publish);
        self.presence = Some((thread, tag));
    }

    /// Watches a person.
    pub fn watch(&mut self, now: Instant, package: Package, whom: usize, user: &str) {
        let thread = self.device.thread(user);
        let number = self.watches.len();
        self.by_call_id.insert(thread.call_id.clone(), number);
        self.watches.push(Watch {
            package,
            whom,
            seen: None,
            thread,
            heard: None,
            version: None,
            renew: None,
        });
        self.subscribe(now, number);
    }

    fn subscribe(&mut self, now: Instant, number: usize) {
        let Some(watch) = self.watches.get_mut(number) else { return };
        watch.renew = None;
        let (event, accept) = match watch.package {
            Package::Dialog => ("dialog", "application/dialog-info+xml"),
            Package::Presence => ("presence", "application/pidf+xml"),
        };
        let more = vec![
            draft::contact(&self.device.account),
            untyped::Event::new(event).into(),
            untyped::Accept::new(accept).into(),
            expires(EXPIRES),
        ];
        let asked = Asked::Watch(number);
        self.device.ask(now, &mut watch.thread, Method::Subscribe, more, b"", asked);
    }

    /// Takes what was received.
    pub fn hear(&mut self, now: Instant, octets: Bytes) -> Option<News> {
        match self.device.hear(octets) {
            Heard::Answer(asked, response) => self.answered(now, asked, &response),
            Heard::Request(request) if request.method == Method::Notify => {
                self.notified(now, &request)
            }
            Heard::Request(request) => {
                let status = if request.method == Method::Options { 200 } else { 501 };
                self.device.answer(&request, status);
                None
            }
            Heard::Noise => Some(News::Fault("a message that cannot be read".to_owned())),
            Heard::Nothing => None,
        }
    }

    fn answered(&mut self, now: Instant, asked: Asked, response: &rsip::Response) -> Option<News> {
        let code = response.status_code.code();
        match asked {
            Asked::Register if code < 300 => None,
            Asked::Publish if code < 300 => {
                if let Some((_, tag)) = &mut self.presence {
                    *tag = other(&response.headers, "SIP-ETag");
                }
                None
            }
            Asked::Watch(number) if code < 300 => {
                let granted = response.expires_header().and_then(|header| header.seconds().ok());
                let granted = Duration::from_secs(granted.unwrap_or(EXPIRES).into());
                let watch = self.watches.get_mut(number)?;
                watch.renew = Some(now + granted / 2);
                // A NOTIFY may have come before and said the same.
                if watch.thread.to_tag.is_none() {
                    watch.thread.to_tag = to_tag(response);
                    watch.thread.target = target(response);
                }
                None
            }
            asked => {
                self.begin_anew(now, asked);
                Some(News::Fault(format!("{asked:?} was answered {code}")))
            }
        }
    }

    fn notified(&mut self, now: Instant, request: &rsip::Request) -> Option<News> {
        let call_id = request.call_id_header().ok()?.value();
        let known = self.by_call_id.get(call_id).copied();
        let Some((number, watch)) =
            known.and_then(|number| Some((number, self.watches.get_mut(number)?)))
        else {
            // RFC 6665 §4.1.3: a NOTIFY of no subscription.
            self.device.answer(request, 481);
            return None;
        };
        self.device.answer(request, 200);
        let cseq = request.cseq_header().ok()?.clone().typed().ok()?.seq;
        if watch.heard.is_some_and(|heard| cseq <= heard) {
            return None; // Our answer was late, or got lost.
        }
        watch.heard = Some(cseq);
        if watch.thread.to_tag.is_none() {
            watch.thread.to_tag = from_tag(request);
            watch.thread.target = target(request);
        }
        if is_terminated(request) {
            self.begin_anew(now, Asked::Watch(number));
            return Some(News::Fault("a subscription was ended".to_owned()));
        }
        if request.body.is_empty() {
            return None;
        }
        Some(watch.shown(&request.body).unwrap_or_else(News::Fault))
    }

    /// After a loss the next try begins from nothing.
    fn begin_anew(&mut self, now: Instant, asked: Asked) {
        match asked {
            Asked::Register => {}
            Asked::Publish => self.presence = None,
            Asked::Watch(number) => {
                let Some(watch) = self.watches.get_mut(number) else { return };
                self.by_call_id.remove(&watch.thread.call_id);
                watch.thread = self.device.thread(&watch.thread.whom);
                self.by_call_id.insert(watch.thread.call_id.clone(), number);
                (watch.heard, watch.version) = (None, None);
                watch.renew = Some(now + AGAIN_AFTER);
            }
        }
    }

    /// Repeats and renews what is due.
    pub fn tick(&mut self, now: Instant) -> Vec<News> {
        let unanswered = self.device.tick(now);
        for &asked in &unanswered {
            self.begin_anew(now, asked);
        }
        for number in 0..self.watches.len() {
            if self.watches[number].renew.is_some_and(|at| at <= now) {
                self.subscribe(now, number);
            }
        }
        let fault = |asked| News::Fault(format!("{asked:?} was never answered"));
        unanswered.into_iter().map(fault).collect()
    }

    /// What is to be sent now.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.device.take()
    }

    /// Its subscriptions.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }
}

impl Watch {
    /// Takes a document.
    fn shown(&mut self, body: &[u8]) -> Result<News, String> {
        let whom = self.whom;
        match self.package {
            Package::Dialog => {
                let info = DialogInfo::read(body, None).map_err(|error| error.to_string())?;
                if info.version.is_none() || info.version <= self.version {
                    return Err(format!("version {:?} after {:?}", info.version, self.version));
                }
                self.version = info.version;
                let now = lamp::seen(&info);
                let before = self.seen.replace(now.clone());
                Ok(News::Calls { whom, before, now })
            }
            Package::Presence => {
                let document = Presence::read(body, None).map_err(|error| error.to_string())?;
                let notes = document.persons.iter().flat_map(|person| &person.notes);
                let note = notes.map(|note| note.text.trim().to_owned()).next();
                Ok(News::Doing { whom, note })
            }
        }
    }
}

/// The presence of somebody who sits at the desk, as the phone tells it.
fn presence(entity: &str, doing: Option<(&str, &str)>) -> String {
    let desk = Tuple { id: "desk".to_owned(), basic: Some(Basic::Open), ..Tuple::default() };
    let mut person = Person { id: "person".to_owned(), ..Person::default() };
    if let Some((activity, note)) = doing {
        person.add_activity(Name::new(Namespace::Rpid, activity));
        person.notes.push(Note::new(note));
    }
    let entity = entity.to_owned();
    Presence { entity, tuples: vec![desk], persons: vec![person], ..Presence::default() }.write()
}

/// An Expires header.
pub(super) fn expires(seconds: u32) -> Header {
    untyped::Expires::from(seconds).into()
}

/// A SIP-If-Match header; rsip has no type for it.
pub(super) fn if_match(tag: &str) -> Header {
    Header::Other("SIP-If-Match".to_owned(), tag.to_owned())
}

/// The value of a header rsip has no type for.
pub(super) fn other(headers: &rsip::Headers, wanted: &str) -> Option<String> {
    headers.iter().find_map(|header| match header {
        Header::Other(name, value) if name.eq_ignore_ascii_case(wanted) => Some(value.clone()),
        _ => None,
    })
}

fn to_tag(response: &rsip::Response) -> Option<String> {
    let to = response.to_header().ok()?.clone().typed().ok()?;
    Some(to.tag()?.value().to_owned())
}

fn from_tag(request: &rsip::Request) -> Option<String> {
    let from = request.from_header().ok()?.clone().typed().ok()?;
    Some(from.tag()?.value().to_owned())
}

fn target(message: &impl HeadersExt) -> Option<rsip::Uri> {
    Some(message.contact_header().ok()?.clone().typed().ok()?.uri)
}

fn is_terminated(request: &rsip::Request) -> bool {
    request.headers.iter().any(|header| match header {
        Header::SubscriptionState(state) => state.value().starts_with("terminated"),
        _ => false,
    })
}
