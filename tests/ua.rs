//! The user agent against a server that follows a script.
#![allow(clippy::disallowed_methods, reason = "real sockets take real time")]

use std::net::{SocketAddr, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanal::base::flow::Transport;
use fanal::ua::{Account, Agent, Failure, Publish, Server, Subscribe};

/// A server that does what a closure says, on a thread of its own.
struct Script {
    socket: UdpSocket,
}

impl Script {
    /// The next message, and who sent it.
    fn receive(&self) -> (String, SocketAddr) {
        let mut octets = [0; 65_535];
        let (count, from) = self.socket.recv_from(&mut octets).expect("a message in time");
        (String::from_utf8_lossy(&octets[..count]).into_owned(), from)
    }

    fn send(&self, text: &str, to: SocketAddr) {
        self.socket.send_to(text.as_bytes(), to).expect("sent");
    }

    /// Sends a request of the server's own and gives back the status of the answer.
    fn ask(&self, text: &str, to: SocketAddr) -> String {
        self.send(text, to);
        let (answer, _) = self.receive();
        let status = answer.strip_prefix("SIP/2.0 ").unwrap_or_else(|| panic!("{answer}"));
        status[..3].to_owned()
    }
}

/// Runs a script; gives back how to reach it.
fn script<T: Send + 'static>(
    play: impl FnOnce(Script) -> T + Send + 'static,
) -> (Server, JoinHandle<T>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let address = socket.local_addr().expect("an address");
    let server = Server {
        transport: Some(Transport::Udp),
        host: address.ip().to_string(),
        port: address.port(),
    };
    (server, thread::spawn(move || play(Script { socket })))
}

fn line<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let mut lines = message.lines().filter_map(|line| line.strip_prefix(start.as_str()));
    lines.next().unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// The answer to a request, with further lines.
fn answer(request: &str, status: &str, lines: &str) -> String {
    let tag = if line(request, "To").contains("tag=") { "" } else { ";tag=srv" };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {lines}Content-Length: 0\r\n\r\n",
        line(request, "Via"),
        line(request, "From"),
        line(request, "To"),
        line(request, "Call-ID"),
        line(request, "CSeq"),
    )
}

/// A request of the server in the dialog that a SUBSCRIBE began.
fn within(subscribe: &str, method: &str, cseq: u32, lines: &str) -> String {
    let target = line(subscribe, "Contact").trim_matches(['<', '>']);
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: {};tag=srv\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:127.0.0.1>\r\n{lines}Content-Length: 0\r\n\r\n",
        line(subscribe, "To").split(";tag").next().unwrap_or_default(),
        line(subscribe, "From"),
        line(subscribe, "Call-ID"),
    )
}

async fn agent(server: &Server, password: Option<(&str, &str)>) -> Agent {
    let password = password.map(|(name, word)| (name.to_owned(), word.to_owned()));
    let account = Account { uri: "sip:101@example.com".to_owned(), password };
    Agent::connect(server, account).await.expect("connected")
}

async fn publish(agent: &mut Agent) -> Result<Option<String>, Failure> {
    let publish = Publish {
        uri: "sip:101@example.com",
        package: "presence",
        document: Some(("application/pidf+xml", Bytes::from_static(b"<presence/>"))),
        entity_tag: None,
        expires: Duration::from_secs(600),
    };
    agent.publish(&publish).await.map(|published| published.entity_tag)
}

const WATCH: Subscribe<'static> = Subscribe {
    uri: "sip:101@example.com",
    package: "dialog",
    accept: "application/dialog-info+xml",
    expires: Duration::from_secs(600),
};

/// What the server says of the subscription in a NOTIFY.
const ACTIVE: &str = "Event: dialog\r\nSubscription-State: active;expires=600\r\n";

#[tokio::test]
async fn a_lost_request_is_sent_again_as_it_was() {
    let (server, played) = script(|script| {
        let (first, _) = script.receive();
        let (second, from) = script.receive();
        script.send(&answer(&second, "100 Trying", ""), from);
        script.send(&answer(&second, "200 OK", "SIP-ETag: abc\r\nExpires: 60\r\n"), from);
        (first, second)
    });
    let begun = Instant::now();
    let tag = publish(&mut agent(&server, None).await).await.expect("published");
    assert_eq!(tag.as_deref(), Some("abc"));
    assert!(begun.elapsed() >= Duration::from_millis(490), "timer E is 500 ms");
    let (first, second) = played.join().expect("played");
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_a_stale_answer_once_more() {
    let challenge = |nonce: &str, more: &str| {
        format!(
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", \
             algorithm=SHA-256{more}\r\n"
        )
    };
    let (server, played) = script(move |script| {
        let mut seen = Vec::new();
        for (nonce, more) in [("one", ""), ("two", ", stale=TRUE")] {
            let (request, from) = script.receive();
            script.send(&answer(&request, "401 Unauthorized", &challenge(nonce, more)), from);
            seen.push(request);
        }
        let (request, from) = script.receive();
        script.send(&answer(&request, "200 OK", "SIP-ETag: t\r\n"), from);
        seen.push(request);
        // The next publication brings its proof along.
        let (request, from) = script.receive();
        script.send(&answer(&request, "401 Unauthorized", &challenge("three", "")), from);
        seen.push(request);
        let (request, from) = script.receive();
        script.send(&answer(&request, "401 Unauthorized", &challenge("four", "")), from);
        seen.push(request);
        seen
    });
    let mut agent = agent(&server, Some(("101", "secret"))).await;
    publish(&mut agent).await.expect("published");
    let failure = publish(&mut agent).await.expect_err("refused");
    assert!(failure.to_string().contains("name or password is wrong"), "{failure}");
    let seen = played.join().expect("played");
    assert!(!seen[0].contains("Authorization: "));
    assert!(line(&seen[1], "Authorization").contains("nonce=\"one\""));
    assert!(line(&seen[2], "Authorization").contains("nonce=\"two\""));
    assert!(line(&seen[3], "Authorization").contains("nc=00000002"));
    assert!(line(&seen[4], "Authorization").contains("nonce=\"three\""));
    let cseqs: Vec<&str> = seen[..3].iter().map(|request| line(request, "CSeq")).collect();
    assert_eq!(cseqs, ["1 PUBLISH", "2 PUBLISH", "3 PUBLISH"]);
    assert!(seen[..3].iter().all(|request| line(request, "Call-ID") == line(&seen[0], "Call-ID")));
}

#[tokio::test]
async fn a_notify_may_come_before_the_answer_and_counts_once() {
    let (server, played) = script(|script| {
        let (subscribe, from) = script.receive();
        let notify = within(&subscribe, "NOTIFY", 7, ACTIVE);
        let statuses = [
            script.ask(&notify, from),
            script.ask(&notify, from),
            script.ask(&within(&subscribe, "NOTIFY", 6, ACTIVE), from),
            script.ask(&within(&subscribe, "NOTIFY", 8, &ACTIVE.replace("dialog", "winfo")), from),
            script.ask(&within(&subscribe, "OPTIONS", 9, ""), from),
            script.ask(&within(&subscribe, "BYE", 10, ""), from),
            script.ask(&within(&subscribe, "JUMP", 11, ""), from),
            script.ask(&notify.replace("tag=srv", "tag=else").replace("NOTIFY7", "x"), from),
        ];
        script.send(&answer(&subscribe, "200 OK", "Expires: 300\r\n"), from);
        statuses
    });
    let mut agent = agent(&server, None).await;
    let (_, granted) = agent.subscribe(&WATCH).await.expect("subscribed");
    assert_eq!(granted, Duration::from_secs(300));
    let statuses = played.join().expect("played");
    assert_eq!(statuses, ["200", "200", "500", "489", "200", "405", "501", "481"]);
    let until = tokio::time::Instant::now() + Duration::from_millis(50);
    let first = agent.notification(Some(until)).await.expect("no fault").expect("a NOTIFY");
    assert_eq!((first.cseq, first.substate.as_str(), first.expires), (7, "active", Some(600)));
    assert!(agent.notification(Some(until)).await.expect("no fault").is_none());
}

#[tokio::test]
async fn a_refresh_goes_within_the_dialog_by_its_route() {
    let (server, played) = script(|script| {
        let (first, from) = script.receive();
        let lines = "Contact: <sip:agent@127.0.0.1:5999>\r\nExpires: 300\r\n\
                     Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n";
        script.send(&answer(&first, "200 OK", lines), from);
        let (second, from) = script.receive();
        script.send(&answer(&second, "200 OK", "Expires: 0\r\n"), from);
        second
    });
    let mut agent = agent(&server, None).await;
    let (id, _) = agent.subscribe(&WATCH).await.expect("subscribed");
    agent.refresh(id, Duration::ZERO).await.expect("unsubscribed");
    let second = played.join().expect("played");
    assert!(second.starts_with("SUBSCRIBE sip:agent@127.0.0.1:5999 SIP/2.0\r\n"), "{second}");
    assert_eq!(line(&second, "To"), "<sip:101@example.com>;tag=srv");
    assert_eq!(line(&second, "Route"), "<sip:p2.example.com;lr>");
    assert_eq!(line(&second, "CSeq"), "2 SUBSCRIBE");
    assert_eq!(line(&second, "Expires"), "0");
}

#[tokio::test]
async fn answers_to_other_requests_and_noise_are_passed_over() {
    let (server, played) = script(|script| {
        let (request, from) = script.receive();
        let right = answer(&request, "200 OK", "SIP-ETag: right\r\n");
        let branch = line(&request, "Via").split("branch=").nth(1).expect("a branch");
        let branch = branch.split(';').next().expect("a branch");
        script.send("\r\n\r\n", from);
        script.send("nonsense", from);
        script.send(&right.replace(branch, "z9hG4bKother").replace("right", "wrong"), from);
        script.send(&right.replace("1 PUBLISH", "1 NOTIFY").replace("right", "wrong"), from);
        script.send(&right, from);
    });
    let tag = publish(&mut agent(&server, None).await).await.expect("published");
    assert_eq!(tag.as_deref(), Some("right"));
    played.join().expect("played");
}
