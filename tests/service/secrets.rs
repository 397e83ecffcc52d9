//! Passwords, their hashes and what proves them stay where they are: in no log, on no page.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use fanal::sip::Status;
use serde_json::Value;

use crate::common::digest::{Challenge, Credentials};
use crate::common::home::{Home, code, stderr};
use crate::common::phone::Line;
use crate::phone::Phone;

const PASSWORD: &str = "open-sesame-42";

/// A home with a user 101 of this password, and the settings that name its users file.
fn office(name: &str) -> (Home, String) {
    let home = Home::new(name);
    let secret = home.write("secret", PASSWORD);
    let users = home.path("users").display().to_string();
    let add = ["user", "add", "101", "--password-file", &secret, "--users-file", &users];
    home.done(&[&add[..], &["--realm", "a.test"]].concat());
    let settings = format!("[server]\ndomains = [\"a.test\"]\n[auth]\nusers_file = {users:?}\n");
    (home, settings)
}

/// The hashes of the users file.
fn hashes(home: &Home) -> Vec<String> {
    let users = std::fs::read_to_string(home.path("users")).expect("the users");
    let words = users.split([' ', '\n', '=']).map(str::to_owned);
    let hashes: Vec<String> = words.filter(|word| word.len() >= 32).collect();
    assert_eq!(hashes.len(), 3);
    hashes
}

#[test]
fn no_secret_is_in_the_log_at_any_level_nor_on_any_page() {
    let (home, settings) = office("secrets");
    let mut secrets = hashes(&home);
    secrets.push(PASSWORD.to_owned());
    let mut command = home.serving(&["udp:127.0.0.1:0"], "[]", &settings);
    let served = home.served(command.env("FANAL_LOG__LEVEL", "trace"));

    // Credentials that are right, wrong, and in a message that is none.
    let phone = Phone::new(served.doors["udp4"]);
    let line = Line::udp(&phone.local().to_string());
    let mut eve = crate::common::Phone::new("101", line, 1);
    eve.domain = "a.test".to_owned();
    for password in [PASSWORD, "wrong", PASSWORD] {
        let request = eve.subscribe("sip:101@a.test", "presence").with("Expires", "0");
        let answer = phone.ask(&request.to_text());
        let text = String::from_utf8_lossy(answer.raw()).into_owned();
        let challenge = text.lines().find_map(|line| line.strip_prefix("WWW-Authenticate: "));
        let challenge = Challenge::read(challenge.expect("a challenge"));
        let request = eve.subscribe("sip:101@a.test", "presence").with("Expires", "0");
        let credentials = Credentials::new("101", password, &challenge, &request);
        secrets.push(credentials.response());
        let request = request.with("Authorization", &credentials.line());
        let status = phone.ask(&request.to_text()).status();
        assert_eq!(status, Status(if password == PASSWORD { 200 } else { 401 }));
        phone.send(request.to_text().replace("Content-Length: 0", "Content-Length: 9"));
        phone.send(request.to_text().replace("CSeq", "CSeq-No-More"));
        while phone.hear_within(Duration::from_millis(200)).is_some() {}
    }
    served.running.signal("HUP");
    served.running.signal("TERM");
    let mut told = String::new();
    while let Ok(line) = served.running.lines.recv_timeout(Duration::from_secs(8)) {
        told.push_str(&line);
    }
    assert!(told.contains("\"auth_failed\"") && told.contains("\"malformed\""), "{told}");

    let config = home.path("fanal.toml").display().to_string();
    for args in
        [&["config", "show"][..], &["user", "list"], &["check"], &["config", "show", "--json"]]
    {
        let output = home.run(&[args, &["--config", &config]].concat());
        told.push_str(&String::from_utf8_lossy(&output.stdout));
        told.push_str(&stderr(&output));
    }
    for secret in secrets {
        assert!(!told.contains(&secret), "{secret} was told");
    }
}

#[test]
fn a_users_file_that_others_may_read_is_warned_of_at_the_start_at_a_reload_and_by_the_check() {
    let (home, settings) = office("exposed");
    let users = home.path("users");
    let allow = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&users, mode).expect("set");
    };
    let config = home.write("check.toml", &settings);
    for (mode, is_warned) in [(0o600, false), (0o640, false), (0o644, true), (0o660, true)] {
        allow(mode);
        let checked = home.run(&["check", "--config", &config, "--json"]);
        let text = String::from_utf8(checked.stdout).expect("text");
        let warned = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .any(|finding: Value| finding["level"] == "warn" && finding["subject"] == "users");
        assert_eq!(warned, is_warned, "{mode:o}: {text}");
    }
    allow(0o644);
    let mut command = home.serving(&["udp:127.0.0.1:0"], "[]", &settings);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("it runs");
    let lines =
        std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("piped")));
    let mut warned = 0;
    for line in lines.map_while(Result::ok) {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        warned += usize::from(line["event"] == "users_file_exposed");
        let pid = child.id().to_string();
        let signal = match line["event"].as_str() {
            Some("serving") => "HUP",
            Some("reloaded") => "TERM",
            _ => continue,
        };
        std::process::Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs");
    }
    assert_eq!((warned, child.wait().expect("ends").code()), (2, Some(0)));
    home.done(&[
        "user",
        "remove",
        "101",
        "--config",
        &home.path("fanal.toml").display().to_string(),
    ]);
    let mode = std::fs::metadata(&users).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "what is written anew is nobody else's but the group's");
    assert_eq!(code(&home.run(&["check", "--config", &config])), 0);
}
