//! What guards outside read: one line for each wrong password, and the filter that finds it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::common::home::{Home, PATIENCE, Served, code, free_address, has_ipv6};
use crate::phone::Phone;

/// The keys of a line about a failure, in their order.
const KEYS: [&str; 6] = ["event", "method", "user", "source", "transport", "reason"];

/// A home with a user 101, and the settings that ask for passwords.
fn office(name: &str, more: &str) -> (Home, String) {
    let home = Home::new(name);
    let secret = home.write("secret", "open sesame\n");
    home.write("wrong", "open barley\n");
    let users = home.path("users").display().to_string();
    let add = ["user", "add", "101", "--password-file", &secret, "--users-file", &users];
    home.done(&[&add[..], &["--realm", "a.test"]].concat());
    let settings =
        format!("[server]\ndomains = [\"a.test\"]\n[auth]\nusers_file = {users:?}\n{more}");
    (home, settings)
}

/// One attempt by a person with a password from a file.
fn attempt(home: &Home, server: &str, user: &str, password: &str) -> i32 {
    let password = home.path(password).display().to_string();
    let publish = ["publish", "sip:101@a.test", "--open", "--server", server];
    let proof = ["--user", user, "--password-file", &password];
    code(&home.run(&[&publish[..], &proof].concat()))
}

/// The lines about failures, as they were written.
fn failures(served: &mut Served, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    while found.len() < count {
        let line = served.running.line();
        if line.contains("\"auth_failed\"") {
            found.push(line);
        }
    }
    found
}

fn keys(line: &str) -> Vec<&str> {
    let (_, rest) = line.split_once("\"level\":\"WARN\",").expect("a warning");
    let keys = rest.split("\",\"").map(|pair| pair.split("\":").next().unwrap_or_default());
    keys.map(|key| key.trim_matches('"')).take(KEYS.len()).collect()
}

#[test]
fn every_wrong_password_is_one_line_with_its_keys_in_order() {
    let (home, settings) = office("told", "failures_max = 3\n");
    let mut served = home.serve("[]", &settings);
    let mut doors = vec![("udp4", "udp", "127.0.0.1"), ("tcp4", "tcp", "127.0.0.1")];
    if has_ipv6() {
        doors.push(("udp6", "udp", "::1"));
    }
    for (door, transport, source) in doors {
        let server = served.server(door);
        assert_eq!(attempt(&home, &server, "101", "secret"), 0, "this is no line");
        assert_eq!(attempt(&home, &server, "101", "wrong"), 4);
        assert_eq!(attempt(&home, &server, "no\"body source=192.0.2.9 ", "wrong"), 4);
        let lines = failures(&mut served, 2);
        let told = |line: &str| -> Vec<Value> {
            let line: Value = serde_json::from_str(line).expect("JSON");
            KEYS.iter().map(|key| line[key].clone()).collect()
        };
        let wanted = |user: &str, reason: &str| -> Vec<Value> {
            let all = ["auth_failed", "PUBLISH", user, source, transport, reason];
            all.map(Value::from).to_vec()
        };
        assert_eq!(keys(&lines[0]), KEYS);
        assert_eq!(told(&lines[0]), wanted("101", "wrong_password"));
        assert_eq!(told(&lines[1]), wanted("no?body?source?192.0.2.9?", "unknown_user"));
    }
    let server = served.server("tcp4");
    for _ in 0..3 {
        attempt(&home, &server, "101", "wrong");
    }
    let refused = served.running.event("auth_refused");
    let told: Vec<&Value> = KEYS.iter().map(|key| &refused[key]).collect();
    assert_eq!(told, ["auth_refused", "PUBLISH", "101", "127.0.0.1", "tcp", "failures_of_user"]);
    assert_eq!(attempt(&home, &server, "101", "secret"), 4, "refused");
}

#[test]
fn who_asks_without_a_password_is_no_failure() {
    let (home, settings) = office("asked", "");
    let mut served = home.serve("[]", &settings);
    let phone = Phone::new(served.doors["udp4"]);
    for n in 0..50 {
        phone.subscribe(&format!("{n}"), &phone.contact());
    }
    assert_eq!(attempt(&home, &served.server("udp4"), "101", "wrong"), 4);
    assert!(served.running.line().contains("auth_failed"), "the first line after the start");
}

/// What the filter finds in a file: lines matched, and the addresses.
fn filtered(file: &Path) -> Option<(usize, String)> {
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/fail2ban/filter.d/fanal.conf");
    let mut command = Command::new("fail2ban-regex");
    let output = command.args([file, &filter]).arg("--verbose").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, counts) = text.split_once("Lines: ").unwrap_or_else(|| panic!("no result: {text}"));
    let matched = counts.split(',').find_map(|part| part.trim().strip_suffix(" matched"));
    let matched = matched.and_then(|digits| digits.parse().ok()).expect("a number");
    Some((matched, text))
}

/// Runs an agent with its log in a file, in this format, and makes two failures and what is none.
fn logged(format: &str) -> (Home, std::path::PathBuf) {
    let (home, settings) = office(format, &format!("[log]\nformat = \"{format}\"\n"));
    let log = home.path("fanal.log");
    let server = format!("udp:{}", free_address());
    let mut command = home.serving(&[&server], "[]", &settings);
    let stderr = File::create(&log).expect("a log");
    let mut child = command
        .arg("--ephemeral")
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("the binary runs");
    let has = |text: &str| fs::read_to_string(&log).is_ok_and(|log| log.contains(text));
    let until = Instant::now() + PATIENCE;
    while !has("serving") {
        assert!(Instant::now() < until, "it serves in time");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    attempt(&home, &server, "101", "secret");
    attempt(&home, &server, "101", "wrong");
    attempt(&home, &server, "nobody", "wrong");
    let _ = child.kill();
    let _ = child.wait();
    (home, log)
}

#[test]
fn fail2ban_finds_the_failures_and_nothing_else() {
    for format in ["json", "human"] {
        let (_home, log) = logged(format);
        let text = fs::read_to_string(&log).expect("a log");
        // As the journal hands lines on, and what must not count.
        let last = text.lines().rfind(|line| line.contains("auth_failed")).expect("a failure");
        let forged = last.replace("unknown_user", "nonce_of_another");
        let journal = format!("pbx fanal[1234]: {last}");
        fs::write(&log, format!("{text}{forged}\n")).expect("written");
        let Some((matched, told)) = filtered(&log) else {
            println!("skipped: this machine has no fail2ban-regex (Debian: fail2ban)");
            return;
        };
        assert_eq!(matched, 2, "{format}: {told}");
        assert!(told.contains("127.0.0.1"), "{told}");
        fs::write(&log, format!("{journal}\n")).expect("written");
        let (matched, told) = filtered(&log).expect("as before");
        assert_eq!(matched, 1, "{told}");
    }
}

#[test]
fn the_jail_names_the_filter_and_the_unit() {
    let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib");
    let read = |path: &str| fs::read_to_string(contrib.join(path)).expect(path);
    assert!(read("fail2ban/jail.d/fanal.conf").contains("filter    = fanal\n"));
    let unit = "_SYSTEMD_UNIT=fanal.service";
    assert!(read("fail2ban/filter.d/fanal.conf").contains(unit));
    assert!(contrib.join("systemd/fanal.service").exists());
}
