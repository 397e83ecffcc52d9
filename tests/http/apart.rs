//! Tokens of two domains of one agent, and whose calls may ring.

use serde_json::{Value, json};

use crate::client::{Client, Got, ROOT, open, settings};
use crate::home::{Home, LOOPBACK, Served};

/// Of a token that may do everything in the second domain, and of a reader there.
const OTHER: &str = "0123456789abcdef-other";
const READER: &str = "0123456789abcdef-reader";

/// The policy: who is of another domain sees nobody.
const POLICY: &str = "[policy]\ndefault_inside = \"allow\"\ndefault_outside = \"block\"\n";

fn serve(home: &Home) -> (Served, Client) {
    home.write("policy.toml", POLICY);
    std::fs::create_dir_all(home.path("rules")).expect("a folder");
    let all = "[\"read\", \"set-any\", \"why\", \"rules-any\"]";
    let rest = format!(
        "[http.pass]\n101 = [\"desk\", \"109\"]\n\"*\" = [\"111\"]\n\
         [policy]\norganisation_file = \"policy.toml\"\ndocuments = \"rules\"\n\
         [[http.token]]\nname = \"other\"\nsecret = \"{OTHER}\"\nidentity = \"admin@example.net\"\n\
         scopes = {all}\ndomains = [\"example.net\"]\n\
         [[http.token]]\nname = \"reader\"\nsecret = \"{READER}\"\n\
         identity = \"102@example.net\"\nscopes = [\"read\", \"set\", \"rules\"]\n"
    );
    let two = settings(&rest).replace("[\"example.com\"]", "[\"example.com\", \"example.net\"]");
    let served = home.serve_at(&["udp:127.0.0.1:0"], LOOPBACK, &two);
    let client = Client::of(&served);
    (served, client)
}

fn ask(client: &Client, method: &str, path: &str, token: &str) -> Got {
    let body = if method == "PUT" { "{\"state\":\"busy\"}" } else { "" };
    client.ask(method, path, token, body)
}

#[test]
fn a_token_of_one_domain_speaks_of_nobody_in_another() {
    let home = Home::new("http-apart");
    let (served, client) = serve(&home);
    open(served.doors["udp4"], "101");
    for (method, path) in [
        ("GET", "/v1/presence/101@example.com"),
        ("GET", "/v1/presence/sip:101@example.com"),
        ("GET", "/v1/presence/101@127.0.0.1"),
        ("GET", "/v1/presence/tel:101"),
        ("PUT", "/v1/presence/101@example.com/manual"),
        ("DELETE", "/v1/presence/101@example.com/manual"),
        ("GET", "/v1/presence/101@example.com/manual"),
        ("PUT", "/v1/presence/101@example.com/dnd/key"),
        ("DELETE", "/v1/presence/101@example.com/calendar/work"),
        ("GET", "/v1/features/101@example.com"),
        ("DELETE", "/v1/features/101@example.com/forwarding/busy"),
        ("GET", "/v1/rules/101@example.com"),
        ("DELETE", "/v1/rules/101@example.com"),
        ("GET", "/v1/rings/101@example.com"),
        ("GET", "/v1/why/101@example.com"),
    ] {
        let got = ask(&client, method, path, OTHER);
        assert_eq!(got.status, 404, "{method} {path}: {got:?}");
    }
    let desk = client.get("/v1/available?group=desk", OTHER);
    assert_eq!((&desk["members"], &desk["available"]), (&json!(0), &json!([])), "{desk}");
    // A bare number is one of its own.
    assert_eq!(client.set("101", OTHER, "{\"state\":\"dnd\"}")["aor"], "101@example.net");
    assert_eq!(client.get("/v1/presence/101", ROOT)["availability"], "available");
    assert_eq!(client.get("/v1/presence/101@example.net/manual", ROOT)["state"], "dnd");
}

#[test]
fn a_reader_of_another_domain_is_who_a_subscriber_of_another_domain_would_be() {
    let home = Home::new("http-reader");
    let (_served, client) = serve(&home);
    for (method, path, status) in [
        ("GET", "/v1/presence/101@example.com", 403),
        ("GET", "/v1/presence/101@example.net", 200),
        ("PUT", "/v1/presence/102@example.com/manual", 403),
        ("PUT", "/v1/presence/102@example.net/manual", 200),
        ("GET", "/v1/presence/102@example.com/manual", 403),
        ("GET", "/v1/rules/102@example.com", 403),
        ("GET", "/v1/rules/102@example.net", 200),
        ("GET", "/v1/why/102@example.net", 403),
    ] {
        let got = ask(&client, method, path, READER);
        assert_eq!(got.status, status, "{method} {path}: {got:?}");
    }
}

#[test]
fn a_call_rings_unless_the_person_forbade_it_and_nobody_lets_it_through() {
    let home = Home::new("http-rings");
    let (served, client) = serve(&home);
    open(served.doors["udp4"], "101");
    let rings = |asked: &str| {
        let told = client.get(&format!("/v1/rings/101{asked}"), ROOT);
        (told["rings"] == true, told["because"].as_str().map(str::to_owned).unwrap_or_default())
    };
    let is = |rings: bool, because: &str| (rings, because.to_owned());
    assert_eq!(rings("?caller=102"), is(true, "open"));
    client.set("101", ROOT, "{\"state\":\"dnd\"}");
    assert_eq!(rings(""), is(false, "dnd"));
    assert_eq!(rings("?caller=102"), is(false, "dnd"));
    assert_eq!(rings("?caller=109"), is(true, "pass"), "by name");
    assert_eq!(rings("?caller=103"), is(true, "pass"), "by the group desk");
    assert_eq!(rings("?caller=111"), is(true, "pass"), "at everybody");
    assert_eq!(rings("?caller=109@example.net"), is(false, "dnd"), "a namesake");
    let none: Value = client.set("101", ROOT, "{\"state\":\"no-queues\"}");
    assert_eq!(none["state"], "no-queues");
    assert_eq!(rings("?caller=102"), is(true, "open"));
    assert_eq!(rings("?caller=102&group=desk"), is(false, "no-queues"));
    let desk = client.get("/v1/available?group=desk", ROOT);
    assert_eq!(desk["available"], json!([]), "no call of a queue is offered: {desk}");
    let desk = client.get("/v1/available?group=desk&channel=chat", ROOT);
    assert_eq!(desk["available"][0]["activities"], json!(["no-queues"]), "{desk}");
    assert_eq!(client.ask("GET", "/v1/rings/101?group=none", ROOT, "").status, 404);
}
