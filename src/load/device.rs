//! What phones and the PBX have in common: they ask and repeat until answered, and they answer.
//!
//! A device opens no socket and reads no clock: octets and the time go in, octets come out.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use rsip::{Header, Method, Transport};

use super::draft::{self, Account, Thread};
use crate::sip::{Message, Request, Response, parse};
use crate::transaction::timers;

/// One device. `Purpose` is what it remembers of a request until the answer comes.
pub struct Device<Purpose> {
    /// Who it is.
    pub account: Account,
    numbers: u32,
    asked: HashMap<String, Asked<Purpose>>,
    outbox: Vec<Bytes>,
}

/// A request that waits for its answer.
struct Asked<Purpose> {
    octets: Bytes,
    purpose: Purpose,
    /// When it is sent again, and how long after that once more; never on a stream.
    repeat: Option<(Instant, std::time::Duration)>,
    until: Instant,
}

/// What a device hears.
#[derive(Debug)]
pub enum Heard<Purpose> {
    /// The final answer to a request of its own.
    Answer(Purpose, rsip::Response),
    /// A request.
    Request(rsip::Request),
    /// Something it cannot read.
    Noise,
    /// Nothing it has to care about.
    Nothing,
}

impl<Purpose> Device<Purpose> {
    /// A device that has not spoken yet.
    pub fn new(account: Account) -> Device<Purpose> {
        Device { account, numbers: 0, asked: HashMap::new(), outbox: Vec::new() }
    }

    /// A thread of requests about somebody.
    pub fn thread(&mut self, whom: &str) -> Thread {
        let number = self.number();
        let Account { user, own, .. } = &self.account;
        Thread::new(format!("{user}-{number}@{own}"), format!("t{number}"), whom)
    }

    /// Sends the next request of a thread.
    pub fn ask(
        &mut self,
        now: Instant,
        thread: &mut Thread,
        method: Method,
        more: Vec<Header>,
        body: &[u8],
        purpose: Purpose,
    ) {
        let number = self.number();
        let Account { user, own, .. } = &self.account;
        let branch = format!("z9hG4bK-{user}-{}-{number}", own.port());
        let request = draft::request(&self.account, thread, method, &branch, more, body);
        let request = Request::try_from(&request).expect("a draft of our own is a request");
        let octets = request.raw().clone();
        let is_datagram = self.account.transport == Transport::Udp;
        let repeat = is_datagram.then(|| (now + timers::T1, timers::T1));
        let asked = Asked { octets: octets.clone(), purpose, repeat, until: now + timers::F };
        self.asked.insert(branch, asked);
        self.outbox.push(octets);
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &rsip::Request, status: u16) {
        if let Ok(answer) = Response::try_from(&draft::answer(request, status)) {
            self.outbox.push(answer.raw().clone());
        }
    }

    /// Takes what was received.
    pub fn hear(&mut self, octets: Bytes) -> Heard<Purpose> {
        if parse::is_keep_alive(&octets) {
            return Heard::Nothing;
        }
        match parse::message(octets) {
            Ok(Message::Request(request)) => match rsip::Request::try_from(&request) {
                Ok(request) => Heard::Request(request),
                Err(_) => Heard::Noise,
            },
            Ok(Message::Response(response)) => self.answered(&response),
            Err(_) => Heard::Noise,
        }
    }

    fn answered(&mut self, response: &Response) -> Heard<Purpose> {
        if response.status().code() < 200 {
            return Heard::Nothing;
        }
        let Ok(via) = response.headers().via() else { return Heard::Noise };
        let Some(asked) = via.branch().and_then(|branch| self.asked.remove(branch)) else {
            return Heard::Nothing; // It was answered before.
        };
        match rsip::Response::try_from(response) {
            Ok(response) => Heard::Answer(asked.purpose, response),
            Err(_) => Heard::Noise,
        }
    }

    /// Repeats what is due; hands back what nobody answered.
    pub fn tick(&mut self, now: Instant) -> Vec<Purpose> {
        for asked in self.asked.values_mut() {
            let Some((at, interval)) = asked.repeat else { continue };
            if at <= now {
                self.outbox.push(asked.octets.clone());
                let interval = timers::doubled(interval);
                asked.repeat = Some((now + interval, interval));
            }
        }
        let over = self.asked.extract_if(|_, asked| asked.until <= now);
        over.map(|(_, asked)| asked.purpose).collect()
    }

    /// What is to be sent now.
    pub fn take(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.outbox)
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn device(transport: Transport) -> Device<&'static str> {
        Device::new(Account {
            user: "101".to_owned(),
            name: "Ada Brandt".to_owned(),
            own: "127.0.0.1:40001".parse().expect("an address"),
            agent: "127.0.0.1:5060".parse().expect("an address"),
            transport,
        })
    }

    fn asked(device: &mut Device<&'static str>, now: Instant) -> Bytes {
        let mut thread = device.thread("102");
        device.ask(now, &mut thread, Method::Options, Vec::new(), b"", "how are you");
        device.take().pop().expect("a request")
    }

    fn answer_to(octets: &Bytes) -> Bytes {
        let Ok(Message::Request(request)) = parse::message(octets.clone()) else {
            panic!("a request");
        };
        let request = rsip::Request::try_from(&request).expect("in rsip");
        Response::try_from(&draft::answer(&request, 200)).expect("an answer").raw().clone()
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a time to begin at")]
    fn a_datagram_is_repeated_until_it_is_answered() {
        let (now, mut device) = (Instant::now(), device(Transport::Udp));
        let octets = asked(&mut device, now);
        assert!(device.tick(now + Duration::from_millis(499)).is_empty());
        assert!(device.take().is_empty());
        device.tick(now + Duration::from_millis(500));
        assert_eq!(device.take(), std::slice::from_ref(&octets));
        let heard = device.hear(answer_to(&octets));
        assert!(matches!(heard, Heard::Answer("how are you", _)), "{heard:?}");
        device.tick(now + Duration::from_secs(5));
        assert!(device.take().is_empty());
        assert!(matches!(device.hear(answer_to(&octets)), Heard::Nothing));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a time to begin at")]
    fn a_stream_needs_no_repeats_and_patience_ends() {
        let (now, mut device) = (Instant::now(), device(Transport::Tcp));
        asked(&mut device, now);
        assert!(device.tick(now + Duration::from_secs(31)).is_empty());
        assert!(device.take().is_empty());
        assert_eq!(device.tick(now + timers::F), ["how are you"]);
    }

    #[test]
    fn noise_is_told_from_silence() {
        let mut device = device(Transport::Udp);
        assert!(matches!(device.hear(Bytes::from_static(b"\r\n\r\n")), Heard::Nothing));
        assert!(matches!(device.hear(Bytes::from_static(b"hello\r\n\r\n")), Heard::Noise));
    }
}
