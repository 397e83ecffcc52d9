//! What was answered 2xx is there after a restart, and after a kill.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use fanal::base::flow::Transport;
use fanal::server::{Launch, start};
use fanal::sip::{Request, Status};
use fanal::store;

use crate::agent::{address, launch};
use crate::child;
use crate::phone::{Phone, Sketch, body, dialog_info, fresh, version};

/// A data directory of its own, gone with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("fanal-wire-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn keeping(data: &Path, listen: &str, shards: usize) -> Launch {
    let store = store::Config { path: data.to_owned(), ..store::Config::default() };
    Launch { store, ..launch(&[listen], shards) }
}

fn cseq(request: &Request) -> u32 {
    request.headers().cseq().expect("a CSeq").number
}

/// A PUBLISH that changes what a tag names.
fn modify(phone: &Phone, user: &str, tag: &str, body: &str) -> String {
    Sketch {
        method: "PUBLISH",
        uri: &format!("sip:{user}@example.com"),
        transport: "UDP",
        sent_by: phone.local(),
        from: user,
        to_tag: None,
        call_id: &format!("p{}", fresh()),
        cseq: 1,
        lines: &format!(
            "Event: dialog\r\nExpires: 600\r\nSIP-If-Match: {tag}\r\nContent-Type: \
             application/dialog-info+xml\r\n"
        ),
        body,
    }
    .text()
}

fn entity_tag(response: &fanal::sip::Response) -> String {
    let text = String::from_utf8_lossy(response.raw()).into_owned();
    let (_, after) = text.split_once("SIP-ETag: ").expect("an entity-tag");
    after.split("\r\n").next().expect("a line").to_owned()
}

#[test]
fn publications_and_subscriptions_survive_a_restart_with_more_shards() {
    let data = Directory::new("restart");
    let running = start(keeping(&data.0, "udp:127.0.0.1:0", 1)).expect("an agent");
    let agent = address(&running, Transport::Udp, true);
    let (watcher, phone) = (Phone::new(agent), Phone::new(agent));
    watcher.subscribe("101", &watcher.contact());
    watcher.request();
    let tag = entity_tag(&phone.publish("101", &dialog_info("101", "early", 0)));
    let before = watcher.request();
    running.stop();

    let running = start(keeping(&data.0, &format!("udp:{agent}"), 2)).expect("an agent");
    let after = watcher.request();
    assert!(body(&after).contains("early"), "the current state");
    assert!(cseq(&after) > cseq(&before) && version(&after) > version(&before));
    let gauges = running.gauges();
    assert_eq!((gauges.publications, gauges.subscriptions), (1, 1));
    let answer = phone.ask(&modify(&phone, "101", &tag, &dialog_info("101", "confirmed", 0)));
    assert_eq!(answer.status(), Status(200), "its tag still names it");
    let last = watcher.request();
    assert!(body(&last).contains("confirmed"));
    assert_eq!((cseq(&last), version(&last)), (cseq(&after) + 1, version(&after) + 1));
}

#[test]
fn an_answer_leaves_when_its_promise_is_kept() {
    let data = Directory::new("acked");
    let running = start(keeping(&data.0, "udp:127.0.0.1:0", 2)).expect("an agent");
    let phone = Phone::new(address(&running, Transport::Udp, true));
    for n in 0..50 {
        let user = format!("u{n}");
        let answer = phone.publish(&user, &dialog_info(&user, "confirmed", 0));
        assert_eq!(answer.status(), Status(200));
    }
    assert_eq!(running.gauges().publications, 50);
}

/// Not a test of its own: the agent that [`a_killed_agent_has_forgotten_nothing`] kills.
#[test]
#[ignore = "started by another test, which kills it"]
fn agent_to_be_killed() {
    let (Some(data), Some(listen)) =
        (std::env::var_os("FANAL_TEST_DATA"), std::env::var("FANAL_TEST_LISTEN").ok())
    else {
        return;
    };
    let running = start(keeping(Path::new(&data), &listen, 2)).expect("an agent");
    println!("\nlistening {}", address(&running, Transport::Udp, true));
    std::io::stdout().flush().expect("written");
    std::thread::sleep(Duration::from_secs(60));
}

struct Agent {
    process: Child,
    address: SocketAddr,
}

impl Agent {
    fn start(data: &Path, listen: &str) -> Agent {
        let mut process = child::command("restart::agent_to_be_killed")
            .env("FANAL_TEST_DATA", data)
            .env("FANAL_TEST_LISTEN", listen)
            .spawn()
            .expect("started");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening ").and_then(|rest| rest.parse().ok()))
            .expect("an agent that listens");
        Agent { process, address }
    }

    /// SIGKILL: nothing is said goodbye to.
    fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_killed_agent_has_forgotten_nothing_it_answered() {
    let data = Directory::new("killed");
    let mut agent = Agent::start(&data.0, "udp:127.0.0.1:0");
    for round in 0..3 {
        let (watcher, phone) = (Phone::new(agent.address), Phone::new(agent.address));
        let user = format!("k{round}");
        watcher.subscribe(&user, &watcher.contact());
        watcher.request();
        let tag = entity_tag(&phone.publish(&user, &dialog_info(&user, "early", 0)));
        let before = watcher.request();
        let others: Vec<String> = (0..20).map(|n| format!("u{round}-{n}")).collect();
        for other in &others {
            phone.publish(other, &dialog_info(other, "confirmed", 0));
        }
        // Right behind the last answer.
        agent.kill();
        agent = Agent::start(&data.0, &format!("udp:{}", agent.address));

        let after = watcher.request();
        assert!(body(&after).contains("early"));
        assert!(cseq(&after) > cseq(&before) && version(&after) > version(&before));
        let confirmed = dialog_info(&user, "confirmed", 0);
        let answer = phone.ask(&modify(&phone, &user, &tag, &confirmed));
        assert_eq!(answer.status(), Status(200));
        assert!(body(&watcher.request()).contains("confirmed"));
        for other in &others {
            phone.subscribe(other, &phone.contact());
            assert!(body(&phone.request()).contains("confirmed"), "{other}");
        }
    }
}
