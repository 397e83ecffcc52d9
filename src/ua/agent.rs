//! The agent: one request at a time, repeated until answered; what comes in between is answered.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use rand_core::{OsRng, TryRngCore};
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, Refused};
use super::server::Server;
use super::watch::{Notification, Watch};
use super::wire::Wire;
use crate::auth::Answerer;
use crate::base::flow::Transport;
use crate::base::limits::{DATAGRAM_REQUEST_OCTETS_MAX, MESSAGE_OCTETS_MAX};
use crate::base::mint::{Branch, HomeHash, Mint};
use crate::sip::{HeaderId, Message, Method, Request, Response, Status, Writer, parse};
use crate::transaction::timers::{F, T1, T2, doubled};

/// Answers kept for requests that come again (RFC 3261 §17.2.2). A watch has one request under
/// way at a time.
const ANSWERS_KEPT: usize = 32;

/// What this agent answers with more than a refusal.
const ALLOW: &str = "NOTIFY, OPTIONS";

/// Who asks. `Debug` shows no password.
#[derive(Clone, Default)]
pub struct Account {
    /// The URI of From.
    pub uri: String,
    /// Name and password for challenges.
    pub password: Option<(String, String)>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// A user agent that speaks with one server.
pub struct Agent {
    pub(super) wire: Wire,
    server: Server,
    /// Addresses of the server not tried yet.
    others: VecDeque<SocketAddr>,
    /// Whether the server was ever heard.
    is_heard: bool,
    account: Account,
    /// Who is said to ask, where that is not proven but believed (RFC 3325).
    asserted: Option<String>,
    answerer: Option<Answerer>,
    pub(super) mint: Mint,
    pub(super) watches: Vec<Option<Watch>>,
    pub(super) inbox: VecDeque<Notification>,
    answers: VecDeque<(String, Bytes)>,
}

/// A request to be made: everything but Via and what proves who asks.
pub(super) struct Ask {
    pub method: Method,
    pub uri: String,
    pub to: String,
    pub from_tag: String,
    pub call_id: String,
    /// The number of the last request under this Call-ID.
    pub cseq: u32,
    /// Whole lines, such as routes.
    pub lines: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<(String, Bytes)>,
}

impl Agent {
    /// Opens the path to a server.
    pub async fn connect(server: &Server, account: Account) -> Result<Agent, Failure> {
        let mut others = VecDeque::from(server.addresses().await?);
        let transport = server.transport.unwrap_or(Transport::Udp);
        let wire = loop {
            let Some(address) = others.pop_front() else {
                let error = io::ErrorKind::NotFound.into();
                return Err(Failure::Unknown { host: server.host.clone(), error });
            };
            match Wire::open(transport, address).await {
                Ok(wire) => break wire,
                Err(_) if !others.is_empty() => {}
                Err(error) => return Err(unreachable(server, error)),
            }
        };
        let mut seed = [0; 32];
        OsRng.try_fill_bytes(&mut seed).expect("the system has randomness");
        let answerer =
            account.password.as_ref().map(|(name, password)| Answerer::new(name, password));
        Ok(Agent {
            wire,
            server: server.clone(),
            others,
            is_heard: false,
            account,
            asserted: None,
            answerer,
            mint: Mint::new(seed),
            watches: Vec::new(),
            inbox: VecDeque::new(),
            answers: VecDeque::new(),
        })
    }

    /// The server's address in use.
    pub fn peer(&self) -> SocketAddr {
        self.wire.peer
    }

    /// The transport in use.
    pub fn transport(&self) -> Transport {
        self.wire.transport()
    }

    /// From now on each request says that this URI asks. A server believes it of trusted peers.
    pub fn assert_identity(&mut self, uri: &str) {
        self.asserted = Some(uri.to_owned());
    }

    /// Our Contact: where the server's requests reach us.
    pub fn contact(&self) -> String {
        let user = crate::base::uri::Uri::parse(&self.account.uri)
            .ok()
            .and_then(|uri| uri.user().map(str::to_owned))
            .unwrap_or_else(|| "fanal".to_owned());
        let parameter = match self.wire.transport() {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
        };
        format!("sip:{user}@{}{parameter}", self.wire.local)
    }

    /// Thirty-two fresh hexadecimal digits.
    pub(super) fn fresh(&mut self) -> String {
        self.mint.entity_tag().to_string()
    }

    /// A request outside any dialog.
    pub(super) fn ask(&mut self, method: Method, uri: &str) -> Ask {
        Ask {
            method,
            uri: uri.to_owned(),
            to: format!("<{uri}>"),
            from_tag: format!("{:016x}", self.mint.bits()),
            call_id: self.fresh(),
            cseq: 0,
            lines: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Makes a request: sends it, answers challenges, gives back a success.
    pub(super) async fn request(&mut self, ask: &mut Ask) -> Result<Response, Failure> {
        let mut proof = self.proof_again(ask);
        // Each challenge is answered once; a second one is taken only if ours was stale.
        for tries_left in (0..3).rev() {
            let response = self.transact(ask, proof.take()).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let challenged = matches!(
                response.status(),
                Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED
            );
            if challenged && tries_left > 0 && (tries_left == 2 || is_stale(&response)) {
                proof = self.proof(ask, &response);
            }
            if proof.is_none() {
                let refused = Refused::new(&response, self.answerer.is_some());
                return Err(Failure::Refused(refused));
            }
        }
        unreachable!("the last try is not answered by another");
    }

    /// Takes what arrives until `until`, or until a notification came. `None` when time is over.
    pub async fn notification(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Option<Notification>, Failure> {
        loop {
            if let Some(notification) = self.inbox.pop_front() {
                return Ok(Some(notification));
            }
            let received = match until {
                None => self.wire.receive().await,
                Some(until) => match timeout_at(until, self.wire.receive()).await {
                    Ok(received) => received,
                    Err(_) => return Ok(None),
                },
            };
            let octets = received.map_err(|error| unreachable(&self.server, error))?;
            self.take(octets).await?;
        }
    }

    /// One transaction, at the next address if nobody listens at this one.
    async fn transact(
        &mut self,
        ask: &mut Ask,
        proof: Option<(&'static str, String)>,
    ) -> Result<Response, Failure> {
        ask.cseq += 1;
        loop {
            let branch = self.mint.bits() as u32;
            let branch = self.mint.branch(HomeHash(branch), 0);
            let mut octets = self.write(ask, branch, proof.as_ref());
            if octets.len() > DATAGRAM_REQUEST_OCTETS_MAX && self.widen(octets.len()).await? {
                octets = self.write(ask, branch, proof.as_ref());
            }
            match self.exchange(&octets, branch, ask.method).await {
                Ok(response) => return Ok(response),
                Err(error) => match self.others.pop_front() {
                    Some(address) if !self.is_heard => {
                        let opened = Wire::open(self.wire.transport(), address).await;
                        self.wire = opened.map_err(|error| unreachable(&self.server, error))?;
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Sends a request until a final response comes (RFC 3261 §17.1.2).
    async fn exchange(
        &mut self,
        octets: &[u8],
        branch: Branch,
        method: Method,
    ) -> Result<Response, Failure> {
        let lost = |server: &Server, error| unreachable(server, error);
        self.wire.send(octets).await.map_err(|error| lost(&self.server, error))?;
        let is_reliable = self.wire.transport().is_reliable();
        let give_up = Instant::now() + F;
        let mut interval = T1;
        let mut again = if is_reliable { give_up } else { Instant::now() + interval };
        loop {
            match timeout_at(again.min(give_up), self.wire.receive()).await {
                Err(_) if Instant::now() >= give_up => {
                    return Err(Failure::NoAnswer { server: self.server.to_string() });
                }
                Err(_) => {
                    let sent = self.wire.send(octets).await;
                    sent.map_err(|error| lost(&self.server, error))?;
                    interval = doubled(interval);
                    again = Instant::now() + interval;
                }
                Ok(received) => {
                    let received = received.map_err(|error| lost(&self.server, error))?;
                    let Some(response) = self.take(received).await? else { continue };
                    if !answers(&response, branch, method) {
                        continue;
                    }
                    if !response.status().is_provisional() {
                        return Ok(response);
                    }
                    interval = T2;
                }
            }
        }
    }

    /// Takes one message: a response is given back, a request is answered.
    async fn take(&mut self, octets: Bytes) -> Result<Option<Response>, Failure> {
        // What is no message is not worth a word here; servers are told by their own tests.
        let Ok(message) = parse::message(octets) else { return Ok(None) };
        self.is_heard = true;
        match message {
            Message::Response(response) => Ok(response.check().is_ok().then_some(response)),
            Message::Request(request) => {
                if let Some(answer) = self.answer(&request) {
                    let sent = self.wire.send(&answer).await;
                    sent.map_err(|error| unreachable(&self.server, error))?;
                }
                Ok(None)
            }
        }
    }

    /// The answer to a request; the same one if the request comes again.
    fn answer(&mut self, request: &Request) -> Option<Bytes> {
        if request.check().is_err() || request.method() == Method::Ack {
            return None;
        }
        let headers = request.headers();
        let branch = headers.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let key = format!("{branch} {}", request.method_text());
        if let Some((_, answer)) = self.answers.iter().find(|(known, _)| *known == key) {
            return Some(answer.clone());
        }
        let status = match request.method() {
            Method::Notify => self.take_notify(request),
            Method::Options => Status::OK,
            Method::Unknown => Status::NOT_IMPLEMENTED,
            _ => Status::METHOD_NOT_ALLOWED,
        };
        let tag = format!("{:016x}", self.mint.bits());
        let mut writer = Writer::response(request, status, Some(&tag), self.wire.peer);
        if request.method() != Method::Notify {
            writer.header("Allow", ALLOW);
        }
        let answer = writer.finish();
        if self.answers.len() >= ANSWERS_KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back((key, answer.clone()));
        Some(answer)
    }

    /// RFC 3261 §18.1.1: what is large goes by a stream, unless datagrams were asked for. True
    /// if the path changed.
    async fn widen(&mut self, octets: usize) -> Result<bool, Failure> {
        if self.wire.transport().is_reliable() {
            return Ok(false);
        }
        if self.server.transport.is_none()
            && let Ok(wire) = Wire::open(Transport::Tcp, self.wire.peer).await
        {
            self.wire = wire;
            return Ok(true);
        }
        match octets > MESSAGE_OCTETS_MAX {
            true => Err(Failure::TooLarge { octets }),
            false => Ok(false),
        }
    }

    fn write(&self, ask: &Ask, branch: Branch, proof: Option<&(&'static str, String)>) -> Bytes {
        let method = ask.method.name();
        let via = self.wire.transport().name();
        let mut writer = Writer::request(method, &ask.uri);
        writer
            .header("Via", format!("SIP/2.0/{via} {};branch={branch};rport", self.wire.local))
            .number("Max-Forwards", 70)
            .header("From", format!("<{}>;tag={}", self.account.uri, ask.from_tag))
            .header("To", &ask.to)
            .header("Call-ID", &ask.call_id)
            .header("CSeq", format!("{} {method}", ask.cseq));
        if !ask.lines.is_empty() {
            writer.raw_line(&ask.lines);
        }
        for (name, value) in &ask.headers {
            writer.header(name, value);
        }
        if let Some((name, value)) = proof {
            writer.header(name, value);
        }
        if let Some(asserted) = &self.asserted {
            writer.header("P-Asserted-Identity", format!("<{asserted}>"));
        }
        writer.header("User-Agent", concat!("Fanal/", env!("CARGO_PKG_VERSION")));
        match &ask.body {
            Some((media, body)) => writer.finish_with(media, body),
            None => writer.finish(),
        }
    }

    fn proof(&mut self, ask: &Ask, response: &Response) -> Option<(&'static str, String)> {
        let cnonce = self.mint.bits();
        let body = ask.body.as_ref().map_or(&[][..], |(_, body)| body);
        self.answerer.as_mut()?.answer(response, ask.method.name(), &ask.uri, body, cnonce)
    }

    fn proof_again(&mut self, ask: &Ask) -> Option<(&'static str, String)> {
        let cnonce = self.mint.bits();
        let body = ask.body.as_ref().map_or(&[][..], |(_, body)| body);
        self.answerer.as_mut()?.again(ask.method.name(), &ask.uri, body, cnonce)
    }
}

fn answers(response: &Response, branch: Branch, method: Method) -> bool {
    let headers = response.headers();
    let via = headers.via().ok();
    let own = via.and_then(|via| via.branch()).and_then(|text| Branch::from_text(text.as_bytes()));
    own == Some(branch) && headers.cseq().is_ok_and(|cseq| cseq.method == method.name())
}

/// RFC 7616 §3.3: the answer was right, only its nonce too old.
fn is_stale(response: &Response) -> bool {
    let id = match response.status() {
        Status::PROXY_AUTHENTICATION_REQUIRED => HeaderId::ProxyAuthenticate,
        _ => HeaderId::WwwAuthenticate,
    };
    response.headers().values(id).any(|value| {
        let text = String::from_utf8_lossy(value).to_ascii_lowercase();
        text.contains("stale=true") || text.contains("stale=\"true\"")
    })
}

fn unreachable(server: &Server, error: io::Error) -> Failure {
    Failure::Unreachable { server: server.to_string(), error }
}
