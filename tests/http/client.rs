//! A program that asks over HTTP, and a phone beside it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use fanal::sip::Request;
use serde_json::Value;

use crate::home::{Home, LOOPBACK, Served};
use crate::phone::{PATIENCE, Phone, Sketch, fresh};

/// Of the token that may do everything, and of one that watches as 102.
pub const ROOT: &str = "0123456789abcdef-root";
pub const BOB: &str = "0123456789abcdef-bob";
pub const ALICE: &str = "0123456789abcdef-alice";

/// Settings with these tokens; NOTIFYs are not paced, so that nobody waits.
pub fn settings(rest: &str) -> String {
    let token = |name: &str, secret: &str, identity: &str, scopes: &str| {
        format!(
            "[[http.token]]\nname = \"{name}\"\nsecret = \"{secret}\"\n\
             identity = \"{identity}@example.com\"\nscopes = {scopes}\n"
        )
    };
    format!(
        "[server]\ndomains = [\"example.com\"]\nshards = 4\n[notifier]\npaced = false\n{}{}{}\
         [http.group]\ndesk = [\"101\", \"103\", \"104\"]\n{rest}",
        token("root", ROOT, "operator", "[\"read\", \"set-any\", \"why\", \"rules-any\"]"),
        token("bob", BOB, "102", "[\"read\", \"set\"]"),
        token("alice", ALICE, "101", "[\"read\", \"set\", \"rules\"]"),
    )
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// An agent with these settings on free ports.
pub fn serve(home: &Home, rest: &str) -> (Served, Client) {
    let served = home.serve_at(&["udp:127.0.0.1:0"], LOOPBACK, &settings(rest));
    let client = Client::of(&served);
    (served, client)
}

#[derive(Clone, Copy)]
pub struct Client {
    pub address: SocketAddr,
}

impl Client {
    pub fn of(served: &Served) -> Client {
        Client { address: served.http.expect("an HTTP side") }
    }

    /// Sends these octets and reads until the other side closes.
    pub fn raw(&self, request: &str) -> Got {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // Who is refused early does not read to the end.
        let _ = stream.write_all(request.as_bytes());
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8(text).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Got { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> Got {
        self.ask_with(method, path, token, body, "Content-Type: application/json\r\n")
    }

    pub fn ask_with(&self, method: &str, path: &str, token: &str, body: &str, rest: &str) -> Got {
        let octets = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n{rest}Content-Length: {octets}\r\n\r\n{body}"
        ))
    }

    pub fn get(&self, path: &str, token: &str) -> Value {
        let got = self.ask("GET", path, token, "");
        assert_eq!(got.status, 200, "{path}: {got:?}");
        got.json()
    }

    /// Sets a state by hand that must be taken.
    pub fn set(&self, user: &str, token: &str, body: &str) -> Value {
        let got = self.ask("PUT", &format!("/v1/presence/{user}/manual"), token, body);
        assert_eq!(got.status, 200, "{body}: {got:?}");
        got.json()
    }
}

/// A phone that subscribes to the presence of somebody as somebody; the first NOTIFY.
pub fn watch(agent: SocketAddr, watcher: &str, user: &str) -> (Phone, Request) {
    let phone = Phone::new(agent);
    let contact = phone.contact();
    let sketch = Sketch {
        method: "SUBSCRIBE",
        uri: &format!("sip:{user}@example.com"),
        transport: "UDP",
        sent_by: phone.local(),
        from: watcher,
        to_tag: None,
        call_id: &format!("h{}", fresh()),
        cseq: 1,
        lines: &format!(
            "Contact: <{contact}>\r\nEvent: presence\r\nAccept: application/pidf+xml\r\n\
             P-Asserted-Identity: <sip:{watcher}@example.com>\r\nExpires: 600\r\n"
        ),
        body: "",
    };
    assert_eq!(phone.ask(&sketch.text()).status().code(), 200);
    let first = phone.request();
    (phone, first)
}

/// Somebody's softphone can be called from now on.
pub fn open(agent: SocketAddr, user: &str) {
    let phone = Phone::new(agent);
    let body = format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:{user}@example.com\">\
         <tuple id=\"t\"><status><basic>open</basic></status></tuple></presence>"
    );
    let sketch = Sketch {
        method: "PUBLISH",
        uri: &format!("sip:{user}@example.com"),
        transport: "UDP",
        sent_by: phone.local(),
        from: user,
        to_tag: None,
        call_id: &format!("o{}", fresh()),
        cseq: 1,
        lines: "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n",
        body: &body,
    };
    assert_eq!(phone.ask(&sketch.text()).status().code(), 200);
}
