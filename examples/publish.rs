//! Publishing presence from Rust, with the types of rsip: publish, change, take away.
//!
//! ```text
//! fanal serve --ephemeral &
//! fanal watch 101 --package presence &
//! cargo run --example publish -- 127.0.0.1:5060 101
//! ```
//!
//! One datagram socket and no repeats: enough for loopback. What a program on a real network
//! wants (repeats, passwords, TCP) is in `fanal::ua`.
#![allow(clippy::disallowed_methods, reason = "a program lives by the clock")]

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use fanal::sip::{Message, Request, parse};
use rsip::headers::{UntypedHeader, typed, untyped};
use rsip::{Header, Method, Param, Scheme, Transport, Uri, Version};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:5060".to_owned()).parse()?;
    let user = arguments.next().unwrap_or_else(|| "101".to_owned());

    let mut publisher = Publisher::new(server, &user)?;
    println!("published: {}", publisher.publish("busy", "Writing the offer")?);
    std::thread::sleep(Duration::from_secs(2));
    println!("changed:   {}", publisher.publish("away", "Back at three")?);
    std::thread::sleep(Duration::from_secs(2));
    publisher.remove()?;
    println!("taken away");
    Ok(())
}

/// One publication of one person (RFC 3903).
pub struct Publisher {
    socket: UdpSocket,
    server: SocketAddr,
    user: String,
    cseq: u32,
    /// The entity-tag of what is published now.
    entity_tag: Option<String>,
}

impl Publisher {
    /// Nothing is published yet.
    pub fn new(server: SocketAddr, user: &str) -> Result<Publisher, Box<dyn Error>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Publisher { socket, server, user: user.to_owned(), cseq: 0, entity_tag: None })
    }

    /// Publishes an activity and a note, in place of what was published before. The new
    /// entity-tag comes back.
    pub fn publish(&mut self, activity: &str, note: &str) -> Result<String, Box<dyn Error>> {
        let entity = self.address().to_string();
        let body = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
  xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="{entity}">
  <tuple id="desk"><status><basic>open</basic></status></tuple>
  <dm:person id="me"><rpid:activities><rpid:{activity}/></rpid:activities>
    <dm:note>{note}</dm:note></dm:person>
</presence>"#
        );
        let headers = vec![
            untyped::Expires::from(600).into(),
            untyped::ContentType::new("application/pidf+xml").into(),
        ];
        let answer = self.ask(headers, body.into_bytes())?;
        let tag = named(&answer, "SIP-ETag").ok_or("an answer without SIP-ETag")?;
        self.entity_tag = Some(tag.clone());
        Ok(tag)
    }

    /// Takes away what is published.
    pub fn remove(&mut self) -> Result<(), Box<dyn Error>> {
        self.ask(vec![untyped::Expires::from(0).into()], Vec::new())?;
        self.entity_tag = None;
        Ok(())
    }

    fn address(&self) -> Uri {
        Uri {
            scheme: Some(Scheme::Sip),
            auth: Some((self.user.as_str(), None::<&str>).into()),
            ..Uri::from(self.server)
        }
    }

    /// Sends a PUBLISH and waits for its answer.
    fn ask(&mut self, more: Vec<Header>, body: Vec<u8>) -> Result<rsip::Response, Box<dyn Error>> {
        self.cseq += 1;
        let own = self.socket.local_addr()?;
        let branch = format!("z9hG4bK-publish-{}-{}", own.port(), self.cseq);
        let mut headers: Vec<Header> = vec![
            typed::Via {
                version: Version::V2,
                transport: Transport::Udp,
                uri: Uri::from(own),
                params: vec![Param::Branch(branch.into()), Param::Other("rport".into(), None)],
            }
            .into(),
            untyped::MaxForwards::from(70).into(),
            typed::From {
                display_name: None,
                uri: self.address(),
                params: vec![Param::Tag("publisher".into())],
            }
            .into(),
            typed::To { display_name: None, uri: self.address(), params: Vec::new() }.into(),
            untyped::CallId::new(format!("publish-{own}")).into(),
            typed::CSeq { seq: self.cseq, method: Method::Publish }.into(),
            untyped::Event::new("presence").into(),
        ];
        // With the tag of what is there the request changes it; without, it makes another.
        if let Some(tag) = &self.entity_tag {
            headers.push(Header::Other("SIP-If-Match".to_owned(), tag.clone()));
        }
        headers.extend(more);
        let request = rsip::Request {
            method: Method::Publish,
            uri: self.address(),
            version: Version::V2,
            headers: headers.into(),
            body,
        };
        // By way of our own types: rsip's printer loses much.
        self.socket.send(Request::try_from(&request)?.raw())?;

        let mut octets = vec![0; 65_535];
        loop {
            let count = self.socket.recv(&mut octets)?;
            let received = octets.get(..count).unwrap_or_default().to_vec();
            let Message::Response(response) = parse::message(received.into())? else { continue };
            let response = rsip::Response::try_from(&response)?;
            match response.status_code.code() {
                100..200 => {}
                200..300 => return Ok(response),
                code => return Err(format!("the agent answered {code}").into()),
            }
        }
    }
}

/// A header rsip has no type for.
fn named(response: &rsip::Response, wanted: &str) -> Option<String> {
    response.headers.iter().find_map(|header| match header {
        Header::Other(name, value) if name.eq_ignore_ascii_case(wanted) => Some(value.clone()),
        _ => None,
    })
}
