//! A phone by hand: requests as text, and what comes back taken apart.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fanal::sip::{Message, Request, Response, Status, Writer, parse};

/// How long a phone waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A number no other request of this process has.
pub fn fresh() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What phones say of themselves. It makes their requests as long as those of most phones are:
/// longer than the challenge that answers them.
const LINES: &str = "X-Model: Harbour 3 (two lines, eight lamps; firmware 4.1.3.5541)\r\n\
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, SUBSCRIBE, REFER, MESSAGE, UPDATE\r\n\
    X-Phone: hardware=2;serial=0004f2a01234;boot=18;language=en;network=\"wired, vlan 20\"\r\n";

/// A request with the headers every request has, then `lines`, then a body.
pub struct Sketch<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    /// `UDP` or `TCP`.
    pub transport: &'a str,
    /// Where the phone says it is.
    pub sent_by: SocketAddr,
    /// The user the request comes from.
    pub from: &'a str,
    /// The tag of an earlier response, in a dialog.
    pub to_tag: Option<&'a str>,
    pub call_id: &'a str,
    pub cseq: u32,
    /// Each ends in CR LF.
    pub lines: &'a str,
    pub body: &'a str,
}

impl Sketch<'_> {
    pub fn text(&self) -> String {
        let Sketch { method, uri, transport, sent_by, from, call_id, cseq, lines, body, .. } = self;
        let tag = self.to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let branch = fresh();
        let octets = body.len();
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {sent_by};branch=z9hG4bKw{branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{from}@example.com>;tag=f{from}\r\n\
             To: <{uri}>{tag}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n\
             {LINES}{lines}Content-Length: {octets}\r\n\r\n{body}"
        )
    }
}

/// The line part of a SUBSCRIBE to the dialog package with a Contact.
pub fn subscribe_lines(contact: &str, expires: u32) -> String {
    format!(
        "Contact: <{contact}>\r\nEvent: dialog\r\nAccept: application/dialog-info+xml\r\n\
         Expires: {expires}\r\n"
    )
}

/// The line part of an initial PUBLISH of dialog-info.
pub const PUBLISH_LINES: &str =
    "Event: dialog\r\nExpires: 600\r\nContent-Type: application/dialog-info+xml\r\n";

/// One call of `user`, with a remark that makes it as long as a test needs.
pub fn dialog_info(user: &str, state: &str, padding: usize) -> String {
    let remark = "x".repeat(padding);
    format!(
        "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"0\" state=\"full\" entity=\"sip:{user}@example.com\"><dialog id=\"d1\" \
         call-id=\"c1-{user}\" direction=\"recipient\"><state>{state}</state><remote><identity \
         display=\"{remark}\">sip:caller@example.com</identity></remote></dialog></dialog-info>"
    )
}

/// A phone that speaks datagrams.
pub struct Phone {
    pub socket: UdpSocket,
    pub agent: SocketAddr,
}

impl Phone {
    /// In the family of the agent, on loopback.
    pub fn new(agent: SocketAddr) -> Phone {
        let host = if agent.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(host).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Phone { socket, agent }
    }

    pub fn local(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    pub fn send(&self, octets: impl AsRef<[u8]>) {
        self.socket.send_to(octets.as_ref(), self.agent).expect("sent");
    }

    /// The next message, whatever it is; `None` if none comes in time.
    pub fn hear_within(&self, patience: Duration) -> Option<Message> {
        self.socket.set_read_timeout(Some(patience)).expect("a timeout");
        let mut octets = vec![0; 65_535];
        let (count, _) = self.socket.recv_from(&mut octets).ok()?;
        octets.truncate(count);
        Some(parse::message(Bytes::from(octets)).expect("a message"))
    }

    pub fn hear(&self) -> Message {
        self.hear_within(PATIENCE).expect("something in time")
    }

    /// The next response; requests before it are answered 200 and forgotten.
    pub fn response(&self) -> Response {
        loop {
            match self.hear() {
                Message::Response(response) => return response,
                Message::Request(request) => self.answer(&request),
            }
        }
    }

    /// The next request, answered 200; responses before it are forgotten.
    pub fn request(&self) -> Request {
        loop {
            if let Message::Request(request) = self.hear() {
                self.answer(&request);
                return request;
            }
        }
    }

    pub fn answer(&self, request: &Request) {
        self.send(ok(request, self.agent));
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&self, text: &str) -> Response {
        self.send(text);
        self.response()
    }

    /// Publishes a call of `user`; the entity-tag.
    pub fn publish(&self, user: &str, body: &str) -> Response {
        let sketch = Sketch {
            method: "PUBLISH",
            uri: &format!("sip:{user}@example.com"),
            transport: "UDP",
            sent_by: self.local(),
            from: user,
            to_tag: None,
            call_id: &format!("p{}", fresh()),
            cseq: 1,
            lines: PUBLISH_LINES,
            body,
        };
        self.ask(&sketch.text())
    }

    /// Subscribes to the calls of `user` under a Contact; the response.
    pub fn subscribe(&self, user: &str, contact: &str) -> Response {
        let sketch = Sketch {
            method: "SUBSCRIBE",
            uri: &format!("sip:{user}@example.com"),
            transport: "UDP",
            sent_by: self.local(),
            from: "watcher",
            to_tag: None,
            call_id: &format!("s{}", fresh()),
            cseq: 1,
            lines: &subscribe_lines(contact, 600),
            body: "",
        };
        self.ask(&sketch.text())
    }

    /// The Contact of this phone.
    pub fn contact(&self) -> String {
        format!("sip:watcher@{}", self.local())
    }
}

/// 200 to a request.
pub fn ok(request: &Request, source: SocketAddr) -> Bytes {
    Writer::response(request, Status(200), None, source).finish()
}

/// An OPTIONS, not the same as any other.
pub fn options(transport: &str, sent_by: SocketAddr, call_id: &str) -> String {
    Sketch {
        method: "OPTIONS",
        uri: "sip:101@example.com",
        transport,
        sent_by,
        from: "watcher",
        to_tag: None,
        call_id,
        cseq: 1,
        lines: "",
        body: "",
    }
    .text()
}

/// The body as text.
pub fn body(request: &Request) -> String {
    String::from_utf8(request.body().to_vec()).expect("text")
}

/// The version of a dialog-info document.
pub fn version(request: &Request) -> u32 {
    let body = body(request);
    let (_, root) = body.split_once("<dialog-info").expect("dialog-info");
    let (_, after) = root.split_once(" version=\"").expect("a version");
    after.split('"').next().and_then(|digits| digits.parse().ok()).expect("a number")
}
