//! A phone: a line, a user, and requests as text.

use std::net::SocketAddr;

use fanal::base::flow::{Flow, ListenerId};

use super::message::Got;
use super::office::stream;

/// What phones say in every request. It makes them as long as those of most phones are: longer
/// than what a stranger is answered.
const LINES: [(&str, &str); 3] = [
    ("Max-Forwards", "70"),
    ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, SUBSCRIBE, REFER, MESSAGE, UPDATE"),
    (
        "X-Phone",
        "model=\"two lines, eight lamps\"; firmware=4.1.3.5541; hardware=2; serial=0004f2a01234; \
         boot=18; language=en; features=\"blf, pickup, park, intercom, dnd, forward\"; \
         network=\"wired, vlan 20\"; display=\"320x240\"; time=\"ntp\"; ring=\"harbour\"; \
         volume=7; contrast=4; screensaver=600; keys=\"101,102,103,104,105,106,107,108\"; \
         codecs=\"opus,g722,pcma,pcmu\"; uptime=81233",
    ),
];

/// The path between a phone and the agent.
#[derive(Clone, Debug)]
pub struct Line(Flow);

impl Line {
    pub fn udp(address: &str) -> Line {
        Line(Flow::Udp { listener: ListenerId(0), peer: address.parse().expect("an address") })
    }

    pub fn udp_v6(address: &str) -> Line {
        Line(Flow::Udp { listener: ListenerId(2), peer: address.parse().expect("an address") })
    }

    /// By UDP to a certain one of the agent's listening addresses.
    pub fn udp_to(listener: u16, address: &str) -> Line {
        Line(Flow::Udp { listener: ListenerId(listener), peer: address.parse().expect("address") })
    }

    pub fn tcp(address: &str, connection: u64) -> Line {
        Line(stream(1, address.parse().expect("an address"), connection))
    }

    pub fn flow(&self) -> Flow {
        self.0
    }
}

/// A phone of one user.
#[derive(Clone, Debug)]
pub struct Phone {
    pub user: String,
    pub line: Line,
    pub domain: String,
    /// The URI the phone can be reached at.
    pub contact: String,
    number: u16,
    count: u32,
    /// The last dialog it was let into: Call-ID, own tag, the agent's tag, its Contact, CSeq.
    pub dialog: Option<Dialog>,
}

#[derive(Clone, Debug)]
pub struct Dialog {
    pub call_id: String,
    pub own_tag: String,
    pub agent_tag: String,
    pub agent_contact: String,
    pub to: String,
    pub event: String,
    pub cseq: u32,
}

impl Phone {
    pub fn new(user: &str, line: Line, number: u16) -> Phone {
        let peer = line.flow().peer();
        let transport = if line.flow().transport().is_reliable() { ";transport=tcp" } else { "" };
        Phone {
            user: user.to_owned(),
            contact: format!("sip:{user}@{peer}{transport}"),
            line,
            domain: "example.com".to_owned(),
            number,
            count: 0,
            dialog: None,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.line.flow().peer()
    }

    /// A request out of any dialog, with everything a good phone sends.
    pub fn request(&mut self, method: &str, uri: &str) -> Req {
        self.count += 1;
        let unique = format!("{}x{}", self.number, self.count);
        let transport = self.line.flow().transport().name();
        Req {
            method: method.to_owned(),
            uri: uri.to_owned(),
            via: format!("SIP/2.0/{transport} {};branch=z9hG4bK{unique};rport", self.address()),
            from: format!("<sip:{}@{}>;tag=f{unique}", self.user, self.domain),
            to: format!("<{uri}>"),
            call_id: format!("call-{unique}"),
            cseq: 1,
            headers: LINES.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            without: Vec::new(),
            body: String::new(),
        }
    }

    /// A first SUBSCRIBE.
    pub fn subscribe(&mut self, uri: &str, package: &str) -> Req {
        let contact = format!("<{}>", self.contact);
        self.request("SUBSCRIBE", uri)
            .with("Event", package)
            .with("Expires", "600")
            .with("Contact", &contact)
    }

    /// A SUBSCRIBE in the remembered dialog.
    pub fn refresh(&mut self) -> Req {
        let dialog = self.dialog.as_mut().expect("a dialog");
        dialog.cseq += 1;
        let dialog = dialog.clone();
        let contact = format!("<{}>", self.contact);
        let (uri, event) = (dialog.agent_contact.clone(), dialog.event.clone());
        let mut request = self
            .request("SUBSCRIBE", &uri)
            .with("Event", &event)
            .with("Expires", "600")
            .with("Contact", &contact);
        request.from = format!("<sip:{}@{}>;tag={}", self.user, self.domain, dialog.own_tag);
        request.to = format!("{};tag={}", dialog.to, dialog.agent_tag);
        request.call_id = dialog.call_id;
        request.cseq = dialog.cseq;
        request
    }

    /// An initial PUBLISH.
    pub fn publish(&mut self, uri: &str, package: &str, body: &str) -> Req {
        let request = self.request("PUBLISH", uri).with("Event", package).with("Expires", "600");
        if body.is_empty() {
            return request;
        }
        let media = match package {
            "dialog" => "application/dialog-info+xml",
            "message-summary" => "application/simple-message-summary",
            _ => "application/pidf+xml",
        };
        request.with("Content-Type", media).with_body(body)
    }

    /// A REGISTER of the phone's own Contact.
    pub fn register(&mut self) -> Req {
        let contact = format!("<{}>", self.contact);
        self.register_bare().with("Contact", &contact).with("Expires", "600")
    }

    /// A REGISTER without Contact and Expires: a query, or what a test makes of it.
    pub fn register_bare(&mut self) -> Req {
        let aor = format!("<sip:{}@{}>", self.user, self.domain);
        let domain = format!("sip:{}", self.domain);
        let mut request = self.request("REGISTER", &domain);
        request.to = aor;
        request
    }

    /// Remembers the dialog that a 200 to SUBSCRIBE made.
    pub fn remember(&mut self, request: &Req, response: &Got) {
        let contact = response.header("Contact");
        self.dialog = Some(Dialog {
            call_id: request.call_id.clone(),
            own_tag: request.from.split(";tag=").nth(1).expect("a tag").to_owned(),
            agent_tag: response.to_tag().to_owned(),
            agent_contact: contact.trim_start_matches('<').trim_end_matches('>').to_owned(),
            to: request.to.clone(),
            event: request.value("Event").to_owned(),
            cseq: request.cseq,
        });
    }
}

/// A request being written.
#[derive(Clone, Debug)]
pub struct Req {
    pub method: String,
    pub uri: String,
    pub via: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
    pub headers: Vec<(String, String)>,
    pub without: Vec<String>,
    pub body: String,
}

impl Req {
    /// Sets a header, in place of one of that name.
    pub fn with(mut self, name: &str, value: &str) -> Req {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.also(name, value)
    }

    /// Adds a header line.
    pub fn also(mut self, name: &str, value: &str) -> Req {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out, mandatory ones too.
    pub fn without(mut self, name: &str) -> Req {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.without.push(name.to_ascii_lowercase());
        self
    }

    /// Replaces what a test has to say of the start and the fixed lines.
    pub fn with_to(mut self, to: &str) -> Req {
        self.to = to.to_owned();
        self
    }

    pub fn with_via(mut self, via: &str) -> Req {
        self.via = via.to_owned();
        self
    }

    pub fn with_cseq(mut self, cseq: u32) -> Req {
        self.cseq = cseq;
        self
    }

    /// The branch of the Via.
    pub fn branch(&self) -> &str {
        let (_, rest) = self.via.split_once(";branch=").expect("a branch");
        rest.split([';', ',']).next().expect("text")
    }

    pub fn with_body(mut self, body: &str) -> Req {
        self.body = body.to_owned();
        self
    }

    /// The same request as a new transaction.
    pub fn again(mut self, branch: &str) -> Req {
        let (before, _) = self.via.split_once(";branch=").expect("a branch");
        self.via = format!("{before};branch=z9hG4bK{branch};rport");
        self
    }

    pub fn value(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    pub fn cseq_method(&self) -> &str {
        &self.method
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("{} {} SIP/2.0\r\n", self.method, self.uri);
        let cseq = format!("{} {}", self.cseq, self.method);
        let fixed = [
            ("Via", self.via.as_str()),
            ("From", &self.from),
            ("To", &self.to),
            ("Call-ID", &self.call_id),
            ("CSeq", &cseq),
        ];
        let named = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in fixed.into_iter().chain(named) {
            if !self.without.contains(&name.to_ascii_lowercase()) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let has_length = self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("Content-Length"));
        if !has_length && !self.without.contains(&"content-length".to_owned()) {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text + "\r\n" + &self.body
    }
}
