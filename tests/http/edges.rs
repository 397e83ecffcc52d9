//! What is refused, and how; health and metrics.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use crate::client::{ALICE, BOB, Client, ROOT, open, serve};
use crate::home::{Home, LOOPBACK, code, stderr};

const MANUAL: &str = "/v1/presence/101/manual";

#[test]
fn without_tokens_health_and_metrics_are_all_there_is() {
    let home = Home::new("http-bare");
    let served = home.serve_at(&["udp:127.0.0.1:0"], LOOPBACK, "");
    let client = Client::of(&served);
    assert!(client.address.ip().is_loopback());
    for path in ["/healthz", "/readyz", "/metrics"] {
        let got =
            client.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_eq!(got.status, 200, "{path}: {got:?}");
    }
    for path in [MANUAL, "/v1/presence/101", "/v1/available?group=x", "/v1/why/101"] {
        let got = client.ask("GET", path, ROOT, "");
        assert_eq!(got.status, 401, "{path}: {got:?}");
        assert!(got.head.contains("www-authenticate: bearer"), "{got:?}");
        assert_eq!(got.json()["error"], "unauthorized");
    }
}

#[test]
fn metrics_count_and_name_nobody() {
    let home = Home::new("http-metrics");
    let (served, client) = serve(&home, "");
    open(served.doors["udp4"], "secretperson");
    client.set("secretperson", ROOT, &json!({ "state": "away" }).to_string());
    let value = |page: &str, name: &str| -> Option<u64> {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")))?;
        line.parse().ok()
    };
    // Counters are at most a second old.
    let mut page = String::new();
    for _ in 0..30 {
        let got = client.raw("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(got.head.contains("application/openmetrics-text; version=1.0.0"), "{got:?}");
        page = got.body;
        if value(&page, "fanal_facts_accepted_total") == Some(1) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(value(&page, "fanal_facts_accepted_total"), Some(1), "{page}");
    assert_eq!(value(&page, "fanal_publications_accepted_total"), Some(1));
    assert_eq!(value(&page, "fanal_presentities"), Some(1));
    assert_eq!(value(&page, "fanal_ready"), Some(1));
    assert!(value(&page, "fanal_http_requests_total").is_some_and(|count| count >= 1));
    assert_eq!(value(&page, "fanal_http_refused_total"), Some(0));
    assert!(!page.contains("secretperson") && page.ends_with("# EOF\n"));
}

#[test]
fn the_time_from_a_publish_to_an_answered_notify_is_counted() {
    let home = Home::new("http-lamp-seconds");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    let phone = crate::phone::Phone::new(sip);
    assert_eq!(phone.subscribe("101", &phone.contact()).status().code(), 200);
    phone.request();
    phone.publish("101", &crate::phone::dialog_info("101", "early", 0));
    phone.request();
    // By hand is no PUBLISH.
    client.set("101", ROOT, &json!({ "state": "dnd" }).to_string());
    for _ in 0..30 {
        let page = client.raw("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body;
        if page.contains("\nfanal_lamp_seconds_count 1\n") {
            assert!(page.contains("# TYPE fanal_lamp_seconds histogram\n"), "{page}");
            assert!(page.contains("fanal_lamp_seconds_bucket{le=\"+Inf\"} 1\n"), "{page}");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it is never counted");
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_begins() {
    let home = Home::new("http-taken");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let config = home.write("fanal.toml", "[transport]\nlisten = [\"udp:127.0.0.1:0\"]\n");
    let run = |command: &str| {
        let mut command = home.command(&[command, "--config", &config]);
        command.env("FANAL_HTTP__LISTEN", &address).output().expect("the binary runs")
    };
    let output = run("serve");
    assert_eq!(code(&output), 1);
    let told = format!("http.listen: cannot listen at {address}");
    assert!(stderr(&output).contains(&told), "{output:?}");
    assert!(stderr(&output).contains("another program listens there"), "{output:?}");
    let checked = run("check");
    assert_eq!(code(&checked), 1);
    assert!(String::from_utf8_lossy(&checked.stdout).contains(&told), "{checked:?}");
}

#[test]
fn an_empty_address_is_nowhere() {
    let home = Home::new("http-off");
    let mut command = home.serving(&["udp:127.0.0.1:0"], LOOPBACK, "");
    let served = home.served(command.arg("--ephemeral").env("FANAL_HTTP__LISTEN", "\"\""));
    assert_eq!(served.http, None);
}

#[test]
fn what_cannot_be_done_is_told_in_words_and_a_status() {
    let home = Home::new("http-errors");
    let (_served, client) = serve(&home, "");
    let long = "x".repeat(70_000);
    for (method, path, token, body, status, told) in [
        ("PUT", MANUAL, ALICE, "{\"state\":\"sleepy\"}", 400, "\"sleepy\" is no state; write"),
        ("PUT", MANUAL, ALICE, "{\"state\":\"dnd\",\"for\":\"1 hour\"}", 400, "for: \"1 hour\""),
        (
            "PUT",
            MANUAL,
            ALICE,
            "{\"state\":\"dnd\",\"until\":\"2020-01-01T00:00:00Z\"}",
            400,
            "past",
        ),
        ("PUT", MANUAL, ALICE, "{\"state\":\"dnd\",\"mood\":1}", 400, "unknown field `mood`"),
        ("PUT", MANUAL, ALICE, "{\"state\":", 400, "line 1 column 9"),
        ("PUT", MANUAL, ALICE, "{\"state\":\"dnd\",\"note\":\"a\\u0007\"}", 400, "control"),
        ("PUT", MANUAL, BOB, "{\"state\":\"dnd\"}", 403, "its own identity alone"),
        ("GET", MANUAL, BOB, "", 403, "its own identity alone"),
        ("PUT", MANUAL, "a-token-of-nobody", "{\"state\":\"dnd\"}", 401, "Bearer"),
        ("PUT", MANUAL, ALICE, &long, 413, "larger"),
        ("POST", MANUAL, ALICE, "", 405, "method"),
        ("GET", "/v1/presence/101@elsewhere.test", BOB, "", 404, "nobody"),
        ("GET", "/v1/presence/%20", BOB, "", 400, "no address"),
        ("GET", "/v1/presence/%ff", BOB, "", 400, ""),
        ("GET", "/v2", BOB, "", 404, "no such path"),
        ("GET", "/v1/why/101?whatcher=1", ROOT, "", 400, "whatcher"),
    ] {
        let got = client.ask(method, path, token, body);
        assert_eq!(got.status, status, "{method} {path}: {got:?}");
        let document = got.json();
        assert_eq!(document["status"], status, "{document}");
        let message = document["message"].as_str().expect("a sentence");
        assert!(message.contains(told), "{method} {path}: {message}");
    }
    let plain = client.ask_with("PUT", MANUAL, ALICE, "{}", "Content-Type: text/plain\r\n");
    assert_eq!(plain.status, 415, "{plain:?}");
    let seen = client.get("/v1/presence/101", BOB);
    assert_eq!(seen["availability"], "offline", "nothing of that was taken");
}

#[test]
fn who_asks_too_often_waits_and_others_do_not() {
    let home = Home::new("http-rate");
    let (_served, client) = serve(&home, "");
    let mut stream = TcpStream::connect(client.address).expect("connected");
    let request =
        format!("GET /v1/presence/101 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BOB}\r\n\r\n");
    let reading = stream.try_clone().expect("a second handle");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let mut reading = reading;
        let _ = reading.read_to_string(&mut text);
        text
    });
    for _ in 0..400 {
        stream.write_all(request.as_bytes()).expect("sent");
    }
    stream.shutdown(std::net::Shutdown::Write).expect("closed");
    let text = reader.join().expect("read");
    let count = |status: &str| text.matches(&format!("HTTP/1.1 {status}")).count();
    assert!(count("200") >= 100, "{}", count("200"));
    assert!(count("429") >= 1 && text.contains("retry-after: 1"), "{}", count("429"));
    client.get("/v1/presence/101", ALICE);
}
