//! A softphone in one file, with the types of rsip: it registers, tells that it is there,
//! watches a colleague's presence and answers what it is sent.
//!
//! ```text
//! fanal serve --ephemeral &
//! cargo run --example phone -- 127.0.0.1:5060 101 102
//! fanal publish 102 --activity meeting --note "Until noon"
//! ```
//!
//! One datagram socket and no repeats: enough for loopback.
#![allow(clippy::disallowed_methods, reason = "a program lives by the clock")]

use std::error::Error;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use fanal::doc::Presence;
use fanal::sip::{Message, Request, Response, parse};
use rsip::headers::{UntypedHeader, typed, untyped};
use rsip::{Header, Method, Param, Scheme, StatusCode, Transport, Uri, Version};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:5060".to_owned()).parse()?;
    let own = arguments.next().unwrap_or_else(|| "101".to_owned());
    let colleague = arguments.next().unwrap_or_else(|| "102".to_owned());

    let mut phone = Phone::plug_in(server, &own)?;
    phone.register()?;
    phone.publish()?;
    phone.watch(&colleague)?;
    println!("{own} is at {}, and watches {colleague}", phone.own);
    loop {
        if let Some(seen) = phone.hear(Instant::now() + Duration::from_secs(60))? {
            println!("{colleague} {seen}");
        }
    }
}

/// The phone.
pub struct Phone {
    socket: UdpSocket,
    /// Where it is.
    pub own: SocketAddr,
    server: SocketAddr,
    user: String,
    asked: u32,
}

impl Phone {
    /// A phone that has not spoken yet.
    pub fn plug_in(server: SocketAddr, user: &str) -> Result<Phone, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let own = socket.local_addr()?;
        Ok(Phone { socket, own, server, user: user.to_owned(), asked: 0 })
    }

    /// Tells the agent where it can be reached (RFC 3261 §10).
    pub fn register(&mut self) -> Result<(), Box<dyn Error>> {
        let more = vec![self.contact(), untyped::Expires::from(3600).into()];
        let user = self.user.clone();
        self.ask(Method::Register, &user, more, "")
    }

    /// Tells that somebody is there (RFC 3903).
    pub fn publish(&mut self) -> Result<(), Box<dyn Error>> {
        let user = self.user.clone();
        let body = format!(
            "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\"><tuple id=\"desk\">\
             <status><basic>open</basic></status></tuple></presence>",
            self.address(&user)
        );
        let more = vec![
            untyped::Event::new("presence").into(),
            untyped::Expires::from(3600).into(),
            untyped::ContentType::new("application/pidf+xml").into(),
        ];
        self.ask(Method::Publish, &user, more, &body)
    }

    /// Asks to be told about somebody (RFC 3856).
    pub fn watch(&mut self, whom: &str) -> Result<(), Box<dyn Error>> {
        let more = vec![
            self.contact(),
            untyped::Event::new("presence").into(),
            untyped::Accept::new("application/pidf+xml").into(),
            untyped::Expires::from(3600).into(),
        ];
        self.ask(Method::Subscribe, whom, more, "")
    }

    /// Answers what arrives; what a NOTIFY says comes back. `None`: it is `until`.
    pub fn hear(&mut self, until: Instant) -> Result<Option<String>, Box<dyn Error>> {
        while let Some(message) = self.receive(until)? {
            let Message::Request(request) = message else { continue };
            let request = rsip::Request::try_from(&request)?;
            let status = match request.method {
                Method::Notify | Method::Options => StatusCode::OK,
                _ => StatusCode::NotImplemented,
            };
            self.answer(&request, status)?;
            if request.method == Method::Notify && !request.body.is_empty() {
                return Ok(Some(told(&request.body)?));
            }
        }
        Ok(None)
    }

    /// Sends a request and waits for its answer.
    fn ask(
        &mut self,
        method: Method,
        whom: &str,
        more: Vec<Header>,
        body: &str,
    ) -> Result<(), Box<dyn Error>> {
        self.asked += 1;
        let (own, number) = (self.own, self.asked);
        let call_id = format!("phone-{number}@{own}");
        let mut headers: Vec<Header> = vec![
            typed::Via {
                version: Version::V2,
                transport: Transport::Udp,
                uri: Uri::from(own),
                params: vec![
                    Param::Branch(format!("z9hG4bK-{}-{number}", own.port()).into()),
                    Param::Other("rport".into(), None),
                ],
            }
            .into(),
            untyped::MaxForwards::from(70).into(),
            typed::From {
                display_name: None,
                uri: self.address(&self.user),
                params: vec![Param::Tag(format!("t{number}").into())],
            }
            .into(),
            typed::To { display_name: None, uri: self.address(whom), params: Vec::new() }.into(),
            untyped::CallId::new(call_id.as_str()).into(),
            typed::CSeq { seq: 1, method }.into(),
        ];
        headers.extend(more);
        let uri = match method {
            // To the registrar itself (RFC 3261 §10.2).
            Method::Register => Uri { auth: None, ..self.address(whom) },
            _ => self.address(whom),
        };
        let request = rsip::Request {
            method,
            uri,
            version: Version::V2,
            headers: headers.into(),
            body: body.as_bytes().to_vec(),
        };
        // By way of our own types: rsip's printer loses much.
        let octets = Request::try_from(&request)?.raw().clone();
        self.socket.send_to(&octets, self.server)?;
        let until = Instant::now() + Duration::from_secs(5);
        while let Some(message) = self.receive(until)? {
            match message {
                Message::Response(answer) if answer.headers().call_id() == Ok(&call_id) => {
                    return match answer.status().code() {
                        200..300 => Ok(()),
                        code => Err(format!("{method} was answered {code}").into()),
                    };
                }
                // A NOTIFY may overtake the answer to its SUBSCRIBE; not answered it comes again.
                _ => {}
            }
        }
        Err(format!("{method} was not answered").into())
    }

    fn answer(&self, request: &rsip::Request, status: StatusCode) -> Result<(), Box<dyn Error>> {
        let is_copied = |header: &&Header| {
            use Header::{CSeq, CallId, From, To, Via};
            matches!(header, Via(_) | From(_) | To(_) | CallId(_) | CSeq(_))
        };
        let headers: Vec<Header> = request.headers.iter().filter(is_copied).cloned().collect();
        let answer = rsip::Response {
            status_code: status,
            version: Version::V2,
            headers: headers.into(),
            body: Vec::new(),
        };
        self.socket.send_to(Response::try_from(&answer)?.raw(), self.server)?;
        Ok(())
    }

    /// The next message; `None`: it is `until`.
    fn receive(&self, until: Instant) -> Result<Option<Message>, Box<dyn Error>> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        self.socket.set_read_timeout(Some(left))?;
        let mut octets = vec![0; 65_535];
        match self.socket.recv(&mut octets) {
            Ok(count) => {
                octets.truncate(count);
                Ok(Some(parse::message(octets.into())?))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn address(&self, user: &str) -> Uri {
        Uri {
            scheme: Some(Scheme::Sip),
            auth: Some((user, None::<&str>).into()),
            ..Uri::from(self.server)
        }
    }

    fn contact(&self) -> Header {
        let uri = Uri {
            scheme: Some(Scheme::Sip),
            auth: Some((self.user.as_str(), None::<&str>).into()),
            ..Uri::from(self.own)
        };
        typed::Contact { display_name: None, uri, params: Vec::new() }.into()
    }
}

/// What a presence document says, in a few words.
fn told(body: &[u8]) -> Result<String, Box<dyn Error>> {
    let document = Presence::read(body, None)?;
    let basics = document.tuples.iter().filter_map(|tuple| tuple.basic);
    let mut words: Vec<String> = basics.take(1).map(|basic| basic.as_text().to_owned()).collect();
    for person in &document.persons {
        words.extend(person.activities().map(|activity| activity.local.to_string()));
        words.extend(person.notes.iter().map(|note| format!("\"{}\"", note.text)));
    }
    Ok(if words.is_empty() { "unknown".to_owned() } else { words.join(" ") })
}
