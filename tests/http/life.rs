//! A state set over HTTP, from the answer to its end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fanal::sip::Message;
use serde_json::json;

use crate::client::{ALICE, BOB, Client, ROOT, open, serve, settings, watch};
use crate::home::{Home, LOOPBACK, PATIENCE, free_address};
use crate::phone::{Phone, body};

/// The availability of the next NOTIFY that tells one.
fn told(phone: &Phone) -> String {
    let request = loop {
        match phone.hear_within(PATIENCE).expect("a NOTIFY in time") {
            Message::Request(request) => break request,
            Message::Response(_) => {}
        }
    };
    phone.answer(&request);
    let text = body(&request);
    match text.split_once("availability=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => "plain".to_owned(),
    }
}

#[test]
fn a_state_set_over_http_reaches_a_phone_survives_a_kill_and_ends_by_itself() {
    let home = Home::new("http-life");
    let (sip, http): (SocketAddr, SocketAddr) = (free_address(), free_address());
    let listen = format!("udp:{sip}");
    let start = || {
        let mut command = home.serving(&[&listen], LOOPBACK, &settings(""));
        home.served(command.env("FANAL_HTTP__LISTEN", http.to_string()))
    };
    let mut served = start();
    let client = Client::of(&served);
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    let begun = Instant::now();
    let setting = json!({ "state": "dnd", "for": "8s", "note": "Focus" }).to_string();
    let answer = client.set("101", ALICE, &setting);
    assert_eq!(answer["aor"], "101@example.com");
    assert!(answer["until"].is_string(), "{answer}");
    assert_eq!(told(&phone), "dnd");
    // Right behind the answer: what was promised is kept.
    client.set("103", ROOT, &json!({ "state": "away" }).to_string());
    served.running.child.kill().expect("killed");
    served.running.child.wait().expect("gone");

    let served = start();
    let client = Client::of(&served);
    assert_eq!(told(&phone), "dnd", "told anew after the restart");
    let seen = client.get("/v1/presence/101", BOB);
    assert_eq!((&seen["availability"], &seen["note"]), (&json!("dnd"), &json!("Focus")));
    assert_eq!(seen["until"], answer["until"]);
    let manual = client.get("/v1/presence/103/manual", ROOT);
    assert_eq!(manual["state"], "away", "{manual}");
    assert_eq!(told(&phone), "plain", "its end, which nobody asked for");
    let lasted = begun.elapsed();
    assert!(lasted >= Duration::from_secs(7) && lasted < Duration::from_secs(15), "{lasted:?}");
    assert_eq!(client.get("/v1/presence/101/manual", ALICE)["state"], "automatic");
}

#[test]
fn a_state_taken_back_is_told_and_a_flag_beside_it_counts_again() {
    let home = Home::new("http-back");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    let on = client.ask("PUT", "/v1/presence/101/dnd/desk%20phone", ALICE, "");
    assert_eq!(on.status, 200, "{on:?}");
    assert_eq!(told(&phone), "dnd");
    client.set("101", ALICE, &json!({ "state": "available" }).to_string());
    assert_eq!(told(&phone), "available");
    let back = client.ask("DELETE", "/v1/presence/101/manual", ALICE, "");
    assert_eq!((back.status, &back.json()["state"]), (200, &json!("automatic")));
    assert_eq!(told(&phone), "dnd");
    let off = client.ask("DELETE", "/v1/presence/101/dnd/desk%20phone", ALICE, "");
    assert_eq!(off.status, 200);
    assert_eq!(told(&phone), "plain");
}

#[test]
fn a_calendar_is_told_when_its_entries_begin_and_end() {
    let home = Home::new("http-calendar");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    let now = fanal::base::time::Wall::from(std::time::SystemTime::now());
    let [from, until] = [2, 4].map(|seconds| now + Duration::from_secs(seconds));
    let events = json!({ "events": [{ "from": from, "until": until, "kind": "in-a-meeting" }] });
    let path = "/v1/presence/101/calendar/work";
    let got = client.ask("PUT", path, ALICE, &events.to_string());
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(told(&phone), "busy");
    assert_eq!(told(&phone), "plain");
}

#[test]
fn the_lamp_beside_an_extension_is_lit_whatever_shard_heard_of_it() {
    let home = Home::new("http-lamp");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    let is_lit = |phone: &Phone| body(&phone.request()).contains("confirmed");
    for user in ["101", "103", "104", "105", "106"] {
        let phone = Phone::new(sip);
        let answer = phone.subscribe(&format!("dnd+{user}"), &phone.contact());
        assert_eq!(answer.status().code(), 200);
        assert!(!is_lit(&phone));
        client.set(user, ROOT, &json!({ "state": "dnd" }).to_string());
        assert!(is_lit(&phone), "{user}");
        client.set(user, ROOT, &json!({ "state": "available" }).to_string());
        assert!(!is_lit(&phone), "{user}");
    }
}

#[test]
fn where_calls_go_is_set_by_any_way_told_to_all_phones_and_kept() {
    let home = Home::new("http-forwarding");
    let mut command =
        home.serving(&["udp:127.0.0.1:0"], crate::home::LOOPBACK, &crate::client::settings(""));
    let mut served = home.served(&mut command);
    let client = Client::of(&served);
    let phone = keyed(served.doors["udp4"], "");
    let first = phone.request();
    let text = body(&first);
    assert!(text.starts_with("<?xml") && text.contains("doNotDisturbOn"), "one alone: {text}");
    let single = keyed(served.doors["udp4"], "Accept: application/x-as-feature-event+xml\r\n");
    single.request();

    let path = "/v1/features/101/forwarding/no-answer";
    let got = client.ask("PUT", path, ALICE, "{\"to\": \"5799\", \"rings\": 4}");
    assert_eq!((got.status, got.json()["state"].as_str()), (200, Some("on")), "{got:?}");
    let told = phone.request();
    assert!(
        String::from_utf8_lossy(told.raw()).contains("multipart/mixed;boundary=fanal-features")
    );
    let text = body(&told);
    assert!(text.contains("DoNotDisturbEvent") && text.contains("<ringCount>4<"), "{text}");
    let alone = body(&single.request());
    assert!(alone.starts_with("<?xml") && alone.contains("<forwardTo>5799<"), "{alone}");

    let seen = client.get("/v1/features/101", ALICE);
    let forward = &seen["forwarding"]["no-answer"];
    assert_eq!(
        (&forward["on"], &forward["to"], &forward["rings"]),
        (&json!(true), &json!("5799"), &json!(4))
    );
    assert_eq!(client.get("/v1/presence/101", BOB)["availability"], "offline", "no state");
    assert_eq!(client.ask("GET", "/v1/features/101", BOB, "").status, 403);
    for (path, body, status) in [
        (path, "{\"to\": \" \"}", 400),
        (path, "{\"on\": true}", 400),
        ("/v1/features/101/forwarding/never", "{\"to\": \"1\"}", 400),
        ("/v1/features/102/forwarding/busy", "{\"to\": \"1\"}", 403),
    ] {
        assert_eq!(client.ask("PUT", path, ALICE, body).status, status, "{path} {body}");
    }

    served.running.child.kill().expect("killed");
    served.running.child.wait().expect("gone");
    let served = home.served(&mut command);
    let client = Client::of(&served);
    assert_eq!(client.get("/v1/features/101", ALICE)["forwarding"]["no-answer"]["to"], "5799");
    let phone = keyed(
        served.doors["udp4"],
        "Accept: multipart/mixed, application/x-as-feature-event+xml\r\n",
    );
    assert!(body(&phone.request()).contains("<forwardStatus>true<"), "it is kept");
    assert_eq!(client.ask("DELETE", path, ALICE, "").status, 200);
    assert!(body(&phone.request()).contains("<forwardStatus>false<"));
}

/// A phone of 101 that keeps its keys in step.
fn keyed(agent: std::net::SocketAddr, lines: &str) -> Phone {
    let phone = Phone::new(agent);
    let contact = phone.contact();
    let sketch = crate::phone::Sketch {
        method: "SUBSCRIBE",
        uri: "sip:101@example.com",
        transport: "UDP",
        sent_by: phone.local(),
        from: "101",
        to_tag: None,
        call_id: &format!("k{}", crate::phone::fresh()),
        cseq: 1,
        lines: &format!(
            "Contact: <{contact}>\r\nEvent: as-feature-event\r\nExpires: 600\r\n\
             P-Asserted-Identity: <sip:101@example.com>\r\n{lines}"
        ),
        body: "",
    };
    assert_eq!(phone.ask(&sketch.text()).status().code(), 200);
    phone
}

#[test]
fn tokens_groups_and_the_status_change_without_a_restart() {
    let home = Home::new("http-reload");
    let (mut served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    client.set("101", ALICE, &json!({ "state": "dnd" }).to_string());
    assert!(body(&phone.request()).contains("<basic>open</basic>"));
    let before = std::fs::read_to_string(home.path("fanal.toml")).expect("settings");
    let other = before.replace(BOB, "0123456789abcdef-new").replace(
        "desk = [\"101\", \"103\", \"104\"]",
        "hall = [\"101\"]\n[status]\ndnd_basic = \"closed\"",
    );
    home.write("fanal.toml", &other);
    served.running.signal("HUP");
    let line = served.running.event("reloaded");
    assert_eq!(line["changed"], "status.dnd_basic,http.token,http.group");
    assert!(body(&phone.request()).contains("<basic>closed</basic>"), "composed anew");
    assert_eq!(client.ask("GET", "/v1/presence/101", BOB, "").status, 401);
    let seen = client.get("/v1/presence/101", "0123456789abcdef-new");
    assert_eq!((&seen["availability"], &seen["basic"]), (&json!("dnd"), &json!("closed")));
    assert_eq!(client.get("/v1/available?group=hall", ROOT)["members"], 1);
    assert_eq!(client.ask("GET", "/v1/available?group=desk", ROOT, "").status, 404);
}
