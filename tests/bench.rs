//! `fanal bench` against the real agent and against servers that follow a script: every figure
//! is there, no lamp stays wrong, and what cannot be is said.
#![allow(clippy::disallowed_methods, reason = "real sockets take real time")]

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::Value;

/// An agent in a process of its own, and a folder for its files.
struct Agent {
    child: Child,
    folder: Folder,
    udp: String,
    tcp: String,
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fanal-bench-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Agent {
    /// Asks nobody who they are.
    fn open() -> Agent {
        Agent::serve(Folder::new(), &[("FANAL_AUTH__MODE", "off")])
    }

    fn serve(folder: Folder, settings: &[(&str, &str)]) -> Agent {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanal"))
            .args(["serve", "--ephemeral"])
            .env("FANAL_TRANSPORT__LISTEN", "udp:127.0.0.1:0,tcp:127.0.0.1:0")
            .env("FANAL_NOTIFIER__PACED", "false")
            .env("FANAL_HTTP__LISTEN", "127.0.0.1:0")
            .env("HOME", &folder.0)
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the agent runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut door = || loop {
            let line = lines.next().expect("the agent listens").expect("text");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if line["event"] == "listening" {
                return line["address"].as_str().expect("an address").to_owned();
            }
        };
        let (udp, tcp) = (door(), door());
        thread::spawn(move || lines.for_each(drop));
        Agent { child, folder, udp, tcp }
    }

    /// A run against it.
    fn bench(&self, arguments: &str) -> Output {
        let server = if arguments.contains("tcp") { &self.tcp } else { &self.udp };
        bench(&format!("{arguments} --server {server} --pid {} --json", self.child.id()))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bench(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanal"));
    command.arg("bench").args(arguments.split_ascii_whitespace()).output().expect("it runs")
}

fn figures(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// A run must end like this and say that.
fn ends(output: &Output, code: i32, said: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(said), "{said} in {text}");
}

/// Numbers that every run has, by path.
fn number(figures: &Value, path: &str) -> f64 {
    let found = path.split('.').try_fold(figures, |value, key| value.get(key));
    found.and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {figures:#}"))
}

const OFFICE: &str = "--presentities 12 --watchers 3 --for 300ms";
const SMALL: &str = "--presentities 12 --watchers 3 --for 300ms --rate 100";

fn every_figure_is_there(figures: &Value) {
    for phase in ["subscribe", "rate", "max", "refresh", "publish", "unsubscribe"] {
        for figure in ["seconds", "operations", "server_cpu_seconds", "driver_cpu_share"] {
            assert!(number(figures, &format!("phases.{phase}.{figure}")) > 0.0, "{phase} {figure}");
        }
        for fault in ["lost", "refused", "notifies_out_of_order", "unreadable_messages"] {
            let count = number(figures, &format!("phases.{phase}.{fault}"));
            assert!(count == 0.0, "{phase}: {fault}: {figures:#}");
        }
        for quantile in ["p50", "p99", "p99_9", "max"] {
            let of = if matches!(phase, "rate" | "max") {
                "publish_to_notify_ms"
            } else {
                "request_to_end_ms"
            };
            number(figures, &format!("phases.{phase}.{of}.{quantile}"));
        }
    }
    for (phase, operation) in
        [("subscribe", "subscribe"), ("max", "notify"), ("publish", "publish")]
    {
        for figure in ["server_cpu_us_per", "driver_cpu_us_per"] {
            number(figures, &format!("phases.{phase}.{figure}_{operation}"));
        }
        number(figures, &format!("phases.{phase}.{operation}_per_second"));
    }
    for path in [
        "phases.max.changes_per_second",
        "phases.max.first_to_last_notify_ms.p99",
        "phases.max.server_cpu_us_per_notify_net_of_publish",
        "memory.after_subscribe_octets",
        "memory.octets_per_subscription",
        "environment.cpus",
    ] {
        number(figures, path);
    }
    assert_eq!(number(figures, "phases.subscribe.operations"), 36.0);
    assert_eq!(number(figures, "phases.subscribe.live_subscriptions"), 36.0);
    assert_eq!(number(figures, "phases.refresh.operations"), 36.0);
    assert_eq!(number(figures, "phases.unsubscribe.live_subscriptions"), 0.0);
    // 100 changes a second for 0.3 s, 3 watchers each.
    assert_eq!(number(figures, "phases.rate.changes"), 30.0);
    assert_eq!(number(figures, "phases.rate.publish_to_notify_ms.count"), 90.0);
    assert_eq!(number(figures, "stale_watchers"), 0.0);
}

#[test]
fn a_small_office_by_datagrams_has_every_figure_and_no_wrong_lamp() {
    let agent = Agent::open();
    let save = agent.folder.path("run.json");
    let figures = figures(&agent.bench(&format!("{SMALL} --save {save}")));
    every_figure_is_there(&figures);
    let octets = number(&figures, "phases.max.notify_octets_mean");
    assert!((1000.0..1120.0).contains(&octets), "a NOTIFY of {octets} octets");
    let saved = std::fs::read_to_string(&save).expect("saved");
    assert_eq!(serde_json::from_str::<Value>(&saved).expect("JSON"), figures);

    let output = bench(&format!("compare {save} {save}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("max: server us per NOTIFY"), "{text}");
    assert!(text.contains("1.00x"), "{text}");
}

#[test]
fn the_same_office_behind_one_connection_or_several() {
    let agent = Agent::open();
    every_figure_is_there(&figures(&agent.bench(&format!("{SMALL} --transport tcp"))));
    let several = format!("{SMALL} --transport tcp --connections 5");
    every_figure_is_there(&figures(&agent.bench(&several)));
}

#[test]
fn what_a_run_before_left_behind_does_not_confuse_the_next() {
    let agent = Agent::open();
    let stays = format!("{SMALL} --phases subscribe,max");
    figures(&agent.bench(&stays));
    every_figure_is_there(&figures(&agent.bench(SMALL)));
}

#[test]
fn presence_is_measured_like_lamps() {
    let agent = Agent::open();
    every_figure_is_there(&figures(&agent.bench(&format!("{SMALL} --event presence"))));
}

#[test]
fn lost_messages_are_repeated_and_no_lamp_stays_wrong() {
    let agent = Agent::open();
    let figures = figures(&agent.bench(&format!(
        "{OFFICE} --loss 0.05 --rate 500 --phases subscribe,rate,max,unsubscribe"
    )));
    assert!(number(&figures, "lost_on_purpose") > 0.0);
    assert_eq!(number(&figures, "phases.rate.lost"), 0.0);
    assert_eq!(number(&figures, "stale_watchers"), 0.0);
    let repeated: f64 = ["subscribe", "rate", "max", "unsubscribe"]
        .iter()
        .flat_map(|phase| {
            ["retransmitted_by_driver", "notifies_repeated_by_server"]
                .map(|figure| number(&figures, &format!("phases.{phase}.{figure}")))
        })
        .sum();
    assert!(repeated > 0.0, "{figures:#}");
}

#[test]
fn phones_with_passwords_are_challenged_once_and_then_believed() {
    let folder = Folder::new();
    let users = folder.path("users");
    for phone in ["p000000", "p000001", "p000002"] {
        let mut adding = Command::new(env!("CARGO_BIN_EXE_fanal"))
            .args(["user", "add", phone, "--users-file", &users, "--password-file", "-"])
            .env("HOME", &folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut typing = adding.stdin.take().expect("piped");
        writeln!(typing, "secret").expect("typed");
        drop(typing);
        assert!(adding.wait().expect("it ends").success());
    }
    let settings = [("FANAL_AUTH__USERS_FILE", users.as_str()), ("FANAL_TRANSPORT__TRUSTED", "[]")];
    let agent = Agent::serve(folder, &settings);
    let office =
        "--presentities 1 --watchers 2 --for 300ms --phases subscribe,max,refresh,unsubscribe";
    let figures = figures(&agent.bench(&format!("{office} --digest *:secret")));
    // Once before the first phase, and never again.
    let challenged: f64 = ["subscribe", "max", "refresh", "unsubscribe"]
        .iter()
        .map(|phase| number(&figures, &format!("phases.{phase}.challenged")))
        .sum();
    assert_eq!(challenged, 0.0, "{figures:#}");
    assert_eq!(number(&figures, "phases.refresh.operations"), 2.0);
    assert_eq!(number(&figures, "stale_watchers"), 0.0);

    let wrong = agent.bench(&format!("{office} --digest *:wrong"));
    ends(&wrong, 4, "SIP/2.0 401 Unauthorized");
}

#[test]
fn where_nobody_listens_the_address_is_named() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    drop(socket);
    ends(&bench(&format!("--server {address}")), 3, &format!("nobody answers at {address}"));
    ends(&bench(&format!("--server {address} --transport tcp")), 3, "--server");
}

#[test]
fn a_server_that_refuses_everything_is_quoted() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    thread::spawn(move || {
        let mut octets = [0; 65_535];
        while let Ok((count, from)) = socket.recv_from(&mut octets) {
            let request = String::from_utf8_lossy(&octets[..count]).into_owned();
            let is_echoed = |line: &&str| {
                ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                    .iter()
                    .any(|name| line.starts_with(name))
            };
            let lines: Vec<&str> = request.lines().filter(is_echoed).collect();
            let answer = format!("SIP/2.0 403 Not Today\r\n{}\r\n\r\n", lines.join("\r\n"));
            let _ = socket.send_to(answer.as_bytes(), from);
        }
    });
    ends(&bench(&format!("{SMALL} --server {address}")), 4, "SIP/2.0 403 Not Today");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    ends(&bench("nowhere"), 2, "campus-5k");
    ends(&bench("--phases max"), 2, "needs subscribe");
    ends(&bench("--phases sing"), 2, "subscribe, rate, max");
    ends(&bench("--loss 2"), 2, "0.01");
    ends(&bench("--digest nobody"), 2, "user:password");
    ends(&bench("--server nowhere"), 2, "127.0.0.1:5060");
    ends(&bench("--pid 4294967295"), 2, "no process");
    ends(&bench("compare here there"), 2, "--save");
}

#[test]
fn the_floor_is_measured_three_ways() {
    let output = bench("floor --for 200ms --sockets 4 --json");
    let figures: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    for way in ["udp_batches", "udp_singles", "tcp_stream"] {
        assert!(number(&figures, &format!("{way}_cpu_us_per_pair")) > 0.0, "{figures}");
        assert!(number(&figures, &format!("{way}_pairs_per_second")) > 0.0, "{figures}");
    }
}
