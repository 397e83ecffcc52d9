//! What befalls a process: an end in the middle of work, a second one beside it, years that were
//! slept through, and thousands that come and go.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fanal::base::identity::{Aor, EntityTag};
use fanal::base::media::MediaType;
use fanal::base::time::Wall;
use fanal::shard::record::PublicationRecord;
use fanal::shard::{Change, Record, Store};
use fanal::sip::{Message, Status};
use fanal::store::Embedded;
use serde_json::Value;

use crate::common::home::{Home, LOOPBACK, Served, code, stderr};
use crate::line::Line;
use crate::phone::{PUBLISH_LINES, Phone, Sketch, body, dialog_info, fresh, options, version};

const SETTINGS: &str =
    "[server]\ndomains = [\"example.com\"]\nshards = 2\n[store]\npath = \"data\"\n";

fn serve_at(home: &Home, listen: &[&str]) -> Served {
    home.served(&mut home.serving(listen, LOOPBACK, SETTINGS))
}

fn serve(home: &Home) -> Served {
    serve_at(home, &["udp:127.0.0.1:0", "tcp:127.0.0.1:0"])
}

/// How many of these are kept.
fn kept(home: &Home, what: &str) -> u64 {
    let said = home.done(&["store", "check", "--json", "--path", "data"]);
    let report: Value = serde_json::from_str(&said).expect("JSON");
    report[what].as_u64().expect("a count")
}

#[test]
fn an_end_in_the_middle_of_work_keeps_what_was_answered() {
    let home = Home::new("under-load");
    let mut served = serve(&home);
    let address = served.doors["udp4"];
    let publishers: Vec<_> =
        (0..2).map(|nth| std::thread::spawn(move || publish_until_refused(address, nth))).collect();
    std::thread::sleep(Duration::from_millis(500));
    let since = Instant::now();
    served.running.signal("TERM");
    let promised: u64 = publishers.into_iter().map(|it| it.join().expect("it ends")).sum();
    assert_eq!(served.running.ended(), 0);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert!(promised > 50, "{promised}");
    // What each asked last may have been kept and not answered any more.
    let kept = kept(&home, "publications");
    assert!((promised..=promised + 2).contains(&kept), "{kept} of {promised}");
}

/// Publishes for one user after the other; how many were answered 200 before the first 503, or
/// before nobody was there any more.
fn publish_until_refused(agent: SocketAddr, nth: u32) -> u64 {
    let phone = Phone::new(agent);
    for promised in 0.. {
        let user = format!("u{nth}-{promised}");
        let sketch = Sketch {
            method: "PUBLISH",
            uri: &format!("sip:{user}@example.com"),
            transport: "UDP",
            sent_by: phone.local(),
            from: &user,
            to_tag: None,
            call_id: &user,
            cseq: 1,
            lines: PUBLISH_LINES,
            body: &dialog_info(&user, "confirmed", 0),
        };
        phone.send(sketch.text());
        match phone.hear_within(Duration::from_secs(2)) {
            Some(Message::Response(answer)) if answer.status() == Status(200) => {}
            _ => return promised,
        }
    }
    unreachable!("refused at last")
}

#[test]
fn pain_26_memory_is_as_it_was_when_all_have_left() {
    const USERS: u32 = 1500;
    let home = Home::new("memory");
    let served = serve(&home);
    let pid = served.running.child.id();
    let mut line = Line::connect(served.doors["tcp4"]);
    let mut after = Vec::new();
    for round in 0..4 {
        // Others each time, so that nobody's place serves again.
        let name = |n| format!("u{round}-{n}");
        let left: Vec<_> = (0..USERS).map(|n| come(&mut line, &name(n))).collect();
        for departure in left.into_iter().flatten() {
            line.send(departure);
            assert_eq!(line.response().status(), Status(200));
        }
        after.push(memory(pid));
    }
    let (first, last) = (after[0], after[3]);
    assert!(last < first + first / 20, "kB after each round: {after:?}");
    drop(line);
    drop(served);
    assert_eq!((kept(&home, "publications"), kept(&home, "subscriptions")), (0, 0));
}

/// A user publishes a mailbox and is watched, over one line; the requests that take both back.
fn come(line: &mut Line, user: &str) -> [String; 2] {
    const PACKAGE: &str = "Event: message-summary\r\n";
    let (uri, sent_by) = (format!("sip:{user}@example.com"), line.local());
    let (publication, subscription) = (format!("p{}", fresh()), format!("s{}", fresh()));
    let first = Sketch {
        method: "PUBLISH",
        uri: &uri,
        transport: "TCP",
        sent_by,
        from: user,
        to_tag: None,
        call_id: &publication,
        cseq: 1,
        lines: &format!("{PACKAGE}Content-Type: application/simple-message-summary\r\n"),
        body: "Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n",
    };
    line.send(first.text());
    let answer = String::from_utf8_lossy(line.response().raw()).into_owned();
    let (_, tag) = answer.split_once("SIP-ETag: ").expect("an entity-tag");
    let tag = tag.split("\r\n").next().expect("a line");
    let last = format!("{PACKAGE}Expires: 0\r\nSIP-If-Match: {tag}\r\n");
    let withdraw = Sketch { cseq: 2, lines: &last, body: "", ..first }.text();

    let contact = format!("{PACKAGE}Contact: <sip:watcher@{sent_by};transport=tcp>\r\n");
    let (method, call_id) = ("SUBSCRIBE", subscription.as_str());
    let first = Sketch { method, call_id, lines: &contact, body: "", ..first };
    line.send(first.text());
    let answer = line.response();
    let to_tag = answer.headers().to().expect("To").tag().expect("a tag").to_owned();
    line.request();
    let last = format!("{contact}Expires: 0\r\n");
    let end = Sketch { cseq: 2, to_tag: Some(&to_tag), lines: &last, ..first }.text();
    [end, withdraw]
}

#[test]
fn pain_27_a_burst_of_what_is_over_is_taken_in_without_a_stall_or_a_storm() {
    const OVER: u32 = 20_000;
    let home = Home::new("burst");
    let served = serve(&home);
    let address = served.doors["udp4"];
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    phone.publish("101", &dialog_info("101", "early", 0));
    let before = version(&watcher.request());
    drop(served);
    // As much as a day without the agent lets expire: half of it long ago, half just now.
    let now = Wall::from(std::time::SystemTime::now());
    let just_now = Wall::from_unix_millis(now.as_unix_millis() - 1000);
    let mut store = Embedded::open(&home.path("data")).expect("a store");
    let over: Vec<Change> = (0..OVER)
        .map(|n| over_since(n, if n % 2 == 0 { Wall::from_unix_millis(1000) } else { just_now }))
        .collect();
    over.chunks(500).for_each(|some| store.commit(some).expect("room"));
    store.close();
    drop(store);

    let since = Instant::now();
    let served = serve_at(&home, &[&format!("udp:{address}")]);
    let answer = phone.ask(&options("UDP", phone.local(), &format!("o{}", fresh())));
    assert_eq!(answer.status(), Status(200));
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    assert!(memory(served.running.child.id()) < 200_000, "kB");

    // Who watches is told once, of what is; nobody else is told anything.
    let told = watcher.request();
    assert!(body(&told).contains("early") && version(&told) > before);
    while let Some(Message::Request(again)) = watcher.hear_within(Duration::from_millis(500)) {
        assert_eq!(again.raw(), told.raw(), "repeated before it was answered");
    }
    drop(served);
    assert_eq!(kept(&home, "publications"), 1);
}

/// A call of a user of its own whose publication is over.
fn over_since(n: u32, until: Wall) -> Change {
    let user = format!("over{n}");
    Change::Put(Record::Publication(PublicationRecord {
        aor: Aor::from_parts(&user, "example.com"),
        number: 0,
        package: "dialog".to_owned(),
        tag: EntityTag(u128::from(n)),
        until,
        updated: until,
        publisher: "127.0.0.1".to_owned(),
        media: MediaType::DialogInfo,
        charset: None,
        body: dialog_info(&user, "confirmed", 0).into(),
    }))
}

#[test]
fn pain_37_a_second_agent_beside_the_first_does_not_start_and_takes_nothing_away() {
    let home = Home::new("second");
    let served = serve(&home);
    let address = served.doors["udp4"];
    let (watcher, phone) = (Phone::new(address), Phone::new(address));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();

    let second = home.serving(&["udp:127.0.0.1:0"], LOOPBACK, SETTINGS).output().expect("it runs");

    assert_eq!(code(&second), 1);
    let pid = served.running.child.id().to_string();
    assert!(
        stderr(&second).contains("not_started") && stderr(&second).contains(&pid),
        "{second:?}"
    );
    phone.publish("101", &dialog_info("101", "early", 0));
    assert!(body(&watcher.request()).contains("early"));
    drop(served);
    assert_eq!((kept(&home, "publications"), kept(&home, "subscriptions")), (1, 1));
}

/// Memory in use by a process, in kB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("such a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
