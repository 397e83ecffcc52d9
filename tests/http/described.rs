//! The description of the API says what the API does: every path of it is there, every answer it
//! names comes, and every document that comes is as it says.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::client::{Client, Got, ROOT, open, serve, watch};
use crate::home::Home;
use crate::rules::{XML, rules};
use crate::schema::check;

/// Of a token that may next to nothing, and of one that asks too often.
const WEAK: &str = "0123456789abcdef-weak";
const FLOOD: &str = "0123456789abcdef-flood";

fn settings() -> String {
    format!(
        "[[http.token]]\nname = \"weak\"\nsecret = \"{WEAK}\"\nidentity = \"105@example.com\"\n\
         scopes = [\"set\"]\n\
         [[http.token]]\nname = \"flood\"\nsecret = \"{FLOOD}\"\nidentity = \"106@example.com\"\n\
         scopes = {ALL}\n"
    )
}

/// Persons have rules of their own.
const DOCUMENTS: &str = "[policy]\ndocuments = \"rules\"\n";

const ALL: &str = "[\"read\", \"set-any\", \"why\", \"rules-any\"]";

/// One operation of the description.
struct Operation {
    document: Value,
    verb: String,
    path: String,
}

impl Operation {
    fn all(document: &Value) -> Vec<Operation> {
        let paths = document["paths"].as_object().expect("paths");
        let each = paths.iter().flat_map(|(path, verbs)| {
            let verbs = verbs.as_object().expect("operations");
            verbs.keys().map(|verb| Operation {
                document: document.clone(),
                verb: verb.clone(),
                path: path.clone(),
            })
        });
        each.collect()
    }

    fn described(&self) -> &Value {
        &self.document["paths"][&self.path][&self.verb]
    }

    fn name(&self) -> String {
        format!("{} {}", self.verb.to_uppercase(), self.path)
    }

    fn needs_a_token(&self) -> bool {
        self.described().get("security").is_some()
    }

    fn statuses(&self) -> Vec<u16> {
        let responses = self.described()["responses"].as_object().expect("responses");
        responses.keys().filter_map(|status| status.parse().ok()).collect()
    }

    /// A path that works, about this person.
    fn of(&self, person: &str) -> String {
        let path = self.path.replace("{aor}", person).replace("{source}", "phone");
        let path = path.replace("{document}", "mine").replace("{when}", "busy");
        match &*self.path {
            "/v1/available" => {
                let group = if person == "101" { "desk" } else { "none" };
                format!("{path}?group={group}")
            }
            "/v1/why/{aor}" => format!("{path}?watcher=102"),
            _ => path,
        }
    }

    /// The type of the body it takes.
    fn media(&self) -> String {
        let content = self.described()["requestBody"]["content"].as_object();
        let media = content.and_then(|content| content.keys().next());
        let media = media.map_or("application/json", String::as_str);
        format!("Content-Type: {media}\r\n")
    }

    /// The first example of the body it takes.
    fn body(&self) -> String {
        if self.media().contains("auth-policy") {
            return rules("allow", "");
        }
        let content = &self.described()["requestBody"]["content"]["application/json"]["schema"];
        let Some(place) = content["$ref"].as_str() else { return String::new() };
        let schema = self.document.pointer(place.trim_start_matches('#')).expect("a schema");
        schema["examples"][0].to_string()
    }

    fn ask(&self, client: &Client, path: &str, token: &str, body: &str, head: &str) -> Got {
        client.ask_with(&self.verb.to_uppercase(), path, token, body, head)
    }

    /// Whether what came is what the description says of its status.
    fn check(&self, got: &Got) {
        let mut response = &self.described()["responses"][got.status.to_string()];
        if let Some(place) = response["$ref"].as_str() {
            response = self.document.pointer(place.trim_start_matches('#')).expect("a response");
        }
        assert!(!response.is_null(), "{}: {} is not described", self.name(), got.status);
        let Some(content) = response["content"].as_object() else {
            assert!(got.body.is_empty(), "{}: {got:?}", self.name());
            return;
        };
        let media = content.keys().find(|media| {
            got.head.lines().any(|line| line.starts_with(&format!("content-type: {media}")))
        });
        let media = media.unwrap_or_else(|| panic!("{}: {got:?}", self.name()));
        if media == "application/json" {
            let schema = &content[media]["schema"];
            let body = got.json();
            if let Err(fault) = check(&body, schema, &self.document) {
                panic!("{} {}: {fault} in {body}", self.name(), got.status);
            }
        }
    }
}

/// Asks so that this status comes; `None` for those that need a scene of their own.
fn provoke(operation: &Operation, client: &Client, home: &Home, status: u16) -> Option<Got> {
    let (here, body, media) = (operation.of("101"), operation.body(), operation.media());
    let has_rules = here.starts_with("/v1/rules/");
    let lay = |path: &str| {
        let got = client.ask_with("PUT", path, ROOT, &rules("allow", ""), XML);
        assert!([200, 201].contains(&got.status), "{path}: {got:?}");
    };
    if has_rules && [200, 204, 304, 412].contains(&status) {
        lay(&here);
    }
    let ask = |path: &str, token: &str, body: &str, head: &str| {
        Some(operation.ask(client, path, token, body, head))
    };
    let media = media.as_str();
    match status {
        200 | 204 => ask(&here, ROOT, &body, media),
        201 => ask(&operation.of("107"), ROOT, &body, media),
        304 => ask(&here, ROOT, "", &format!("Accept: {}If-None-Match: *\r\n", &XML[14..])),
        409 => {
            // As an operator may leave it.
            let user = home.path("rules/pres-rules/users/sip:108@example.com");
            std::fs::create_dir_all(&user).expect("made");
            for name in ["index", "index.xml", "mine", "mine.xml"] {
                std::fs::write(user.join(name), rules("allow", "")).expect("written");
            }
            ask(&operation.of("108"), ROOT, &body, media)
        }
        412 => ask(&here, ROOT, &body, &format!("If-Match: \"x\"\r\n{media}")),
        400 => {
            let bare = here.split('?').next().unwrap_or_default();
            let is_about = operation.path.contains("{aor}");
            let wrong = if is_about { operation.of("%20") } else { bare.to_owned() };
            ask(&wrong, ROOT, &body, media)
        }
        401 => ask(&here, "a-token-of-nobody", &body, media),
        403 => ask(&here, WEAK, &body, media),
        404 => ask(&operation.of("101@elsewhere.test"), ROOT, &body, media),
        413 => ask(&here, ROOT, &" ".repeat(2_000_000), media),
        415 => ask(&here, ROOT, &body, "Content-Type: text/plain\r\n"),
        429 | 503 => None,
        other => panic!("{}: {other} is provoked nowhere", operation.name()),
    }
}

#[test]
fn every_answer_that_is_described_comes_and_is_as_described() {
    let home = Home::new("http-described");
    std::fs::create_dir(home.path("rules")).expect("made");
    let (served, client) = serve(&home, &(settings() + DOCUMENTS));
    let sip = served.doors["udp4"];
    ["101", "103"].iter().for_each(|user| open(sip, user));
    let (_watcher, _) = watch(sip, "102", "101");
    let document = client.raw("GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let document = document.json();
    for operation in Operation::all(&document) {
        for status in operation.statuses() {
            let Some(got) = provoke(&operation, &client, &home, status) else { continue };
            assert_eq!(got.status, status, "{}: {got:?}", operation.name());
            operation.check(&got);
        }
    }
}

#[test]
fn every_path_takes_what_is_described_and_nothing_else() {
    let home = Home::new("http-allowed");
    let (_served, client) = serve(&home, "");
    let document = client.raw("GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (path, verbs) in document.json()["paths"].as_object().expect("paths") {
        let path = path.replace("{aor}", "101").replace(['{', '}'], "");
        let got = client.ask("POST", &path, ROOT, "");
        assert_eq!(got.status, 405, "{path}: {got:?}");
        let allow = got.head.lines().find_map(|line| line.strip_prefix("allow: "));
        let allow = allow.unwrap_or_else(|| panic!("{got:?}"));
        let mut allowed: Vec<&str> = allow.split(',').filter(|verb| *verb != "head").collect();
        allowed.sort_unstable();
        let verbs: Vec<&String> = verbs.as_object().expect("operations").keys().collect();
        assert_eq!(allowed, verbs, "{path}");
    }
}

#[test]
fn who_asks_too_often_is_told_so_on_every_path() {
    let home = Home::new("http-flooded");
    std::fs::create_dir(home.path("rules")).expect("made");
    let (_served, client) = serve(&home, &(settings() + DOCUMENTS));
    let document = document(&client);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&over);
        for token in [FLOOD, "a-token-of-nobody"] {
            let over = &over;
            scope.spawn(move || flood(&client, token, over));
        }
        for operation in Operation::all(&document) {
            if !operation.statuses().contains(&429) {
                continue;
            }
            let token = if operation.needs_a_token() { FLOOD } else { "a-token-of-nobody" };
            let ask = |_| {
                operation.ask(
                    &client,
                    &operation.of("101"),
                    token,
                    &operation.body(),
                    &operation.media(),
                )
            };
            let got = (0..400).map(ask).find(|got| got.status == 429);
            operation.check(&got.unwrap_or_else(|| panic!("{}: never", operation.name())));
        }
    });
}

/// Ends the flood, whatever becomes of the test.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks without a pause until it is over.
fn flood(client: &Client, token: &str, over: &AtomicBool) {
    let request = format!(
        "GET /v1/presence/101 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let many = request.repeat(50);
    while !over.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(client.address).expect("connected");
        for _ in 0..8 {
            stream.write_all(many.as_bytes()).expect("sent");
            let mut octets = [0; 65_536];
            let _ = stream.read(&mut octets);
        }
    }
}

#[test]
fn an_agent_that_ends_says_so_on_every_path() {
    let home = Home::new("http-ending");
    let settings = crate::client::settings(&settings());
    let settings = settings.replacen("shards", "drain_patience = \"60s\"\nshards", 1);
    let mut served = home.serve_at(&["udp:127.0.0.1:0"], crate::home::LOOPBACK, &settings);
    let client = Client::of(&served);
    let sip = served.doors["udp4"];
    let document = document(&client);
    // Somebody who does not answer is waited for.
    let phone = crate::phone::Phone::new(sip);
    assert_eq!(phone.subscribe("104", &phone.contact()).status().code(), 200);
    served.running.signal("TERM");
    served.running.event("stopping");
    std::thread::sleep(std::time::Duration::from_millis(200));
    for operation in Operation::all(&document) {
        if !operation.statuses().contains(&503) {
            continue;
        }
        let token = if operation.needs_a_token() { ROOT } else { "" };
        let (path, body) = (operation.of("101"), operation.body());
        let got = operation.ask(&client, &path, token, &body, &operation.media());
        assert_eq!(got.status, 503, "{}: {got:?}", operation.name());
        operation.check(&got);
    }
}

fn document(client: &Client) -> Value {
    let got = client.raw("GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(got.status, 200, "{got:?}");
    got.json()
}

#[test]
fn what_is_served_printed_and_kept_is_one_document() {
    let home = Home::new("http-openapi");
    let (_served, client) = serve(&home, "");
    let printed = home.done(&["http", "openapi"]);
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read_to_string(top.join("docs/openapi.json")).expect("the document");
    assert!(printed == kept, "make it anew: fanal http openapi > docs/openapi.json");
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(document(&client), printed);
}

/// By the validator of others, where it is installed (PyPI: openapi-spec-validator).
#[test]
fn the_description_is_valid() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = std::env::var("OPENAPI_VALIDATOR").unwrap_or("openapi-spec-validator".to_owned());
    let output = Command::new(tool).arg(top.join("docs/openapi.json")).output();
    let Ok(output) = output else {
        eprintln!(
            "skipped: openapi-spec-validator is not installed, nor named by OPENAPI_VALIDATOR"
        );
        return;
    };
    assert!(output.status.success(), "{output:?}");
}
