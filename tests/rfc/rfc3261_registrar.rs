//! RFC 3261 §10, §11: the registrar, and OPTIONS.

use crate::common::digest::{Challenge, Credentials};
use crate::common::{Got, Office, Phone, Req};

/// A binding as a 200 lists it.
#[derive(Debug, PartialEq)]
struct Listed {
    uri: String,
    expires: u64,
}

fn listed(response: &Got) -> Vec<Listed> {
    assert_eq!(response.status(), 200, "{response:?}");
    let mut all: Vec<Listed> = response
        .list("Contact")
        .iter()
        .map(|value| {
            let (uri, rest) =
                value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).expect("<uri>");
            let expires = parameter(rest, "expires").expect("expires");
            Listed { uri: uri.to_owned(), expires: expires.parse().expect("seconds") }
        })
        .collect();
    all.sort_by(|a, b| a.uri.cmp(&b.uri));
    all
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|one| {
        let (known, value) = one.split_once('=').unwrap_or((one, ""));
        known.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

fn uris(office: &mut Office, phone: &mut Phone) -> Vec<String> {
    let query = phone.register_bare();
    listed(&office.ask(phone, &query)).into_iter().map(|binding| binding.uri).collect()
}

const DESK: &str = "sip:alice@192.0.2.101:5060";
const SOFT: &str = "sip:alice@192.0.2.150:5070";

fn contact(phone: &mut Phone, value: &str) -> Req {
    phone.register().with("Contact", value)
}

/// Sends a request again with the credentials of a user.
fn with_password(office: &mut Office, phone: &Phone, request: &Req, user: &str) -> Got {
    let refused = office.ask(phone, request);
    assert_eq!(refused.status(), 401);
    let challenge = Challenge::of(&refused, "SHA-256");
    let again = request.clone().again(&format!("{}y", &request.branch()[7..]));
    let again = again.with_cseq(request.cseq + 1);
    let line = Credentials::new(user, "secret", &challenge, &again).line();
    office.ask(phone, &again.with("Authorization", &line))
}

#[test]
fn reg_01_one_registers_ones_own_aor_only() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let bobs = phone.register().with_to("<sip:bob@example.com>");
    assert_eq!(with_password(&mut office, &phone, &bobs, "alice").status(), 403);
    let own = phone.register();
    assert_eq!(with_password(&mut office, &phone, &own, "alice").status(), 200);
    let query = phone.register_bare().with_to("<sip:bob@example.com>");
    assert_eq!(with_password(&mut office, &phone, &query, "alice").status(), 403, "nor asks");
    let mut bob = office.phone("bob");
    let query = bob.register_bare();
    let bindings = with_password(&mut office, &bob, &query, "bob");
    assert!(!bindings.has("Contact"), "{bindings:?}");
}

#[test]
fn reg_01_from_may_be_somebody_else() {
    // RFC 3261 §10.2: a third party registers for another; To is what counts.
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let mut register = phone.register();
    register.from = "<sip:secretary@example.com>;tag=s".to_owned();
    assert_eq!(with_password(&mut office, &phone, &register, "alice").status(), 200);
}

#[test]
fn reg_01_a_to_that_is_not_of_the_domain_is_404() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = phone.register().with_to("<sip:alice@elsewhere.org>");
    assert_eq!(office.ask(&phone, &register).status(), 404);
    assert_eq!(office.shard.presentities(), 0);
}

#[test]
fn reg_01_an_unknown_user_is_404_where_users_are_known() {
    use fanal::shard::config::{Authentication, Presentities};
    let mut users = fanal::auth::Users::default();
    let alice = fanal::base::identity::Aor::from_parts("alice", "example.com");
    users.add("alice", "example.com", alice, "secret");
    let settings = |config: &mut fanal::shard::Config| {
        config.server.auth = Authentication::Off;
        config.server.presentities = Presentities::Known;
    };
    let mut office = Office::with_users(settings, users);
    let mut known = office.phone("alice");
    let mut unknown = office.phone("mallory");
    let register = known.register();
    assert_eq!(office.ask(&known, &register).status(), 200);
    let register = unknown.register();
    assert_eq!(office.ask(&unknown, &register).status(), 404);
}

#[test]
fn reg_01_the_aor_is_canonical() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = phone.register().with_to("\"A\" <sip:%61lice@EXAMPLE.com;user=phone>");
    assert_eq!(office.ask(&phone, &register).status(), 200);
    assert_eq!(uris(&mut office, &mut phone), [DESK]);
}

#[test]
fn reg_02_a_query_lists_every_binding_and_changes_none() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let first = contact(&mut phone, &format!("<{DESK}>"));
    let response = office.ask(&phone, &first);
    assert_eq!(listed(&response), [Listed { uri: DESK.to_owned(), expires: 600 }]);
    let second = contact(&mut phone, &format!("<{SOFT}>;expires=300"));
    assert_eq!(listed(&office.ask(&phone, &second)).len(), 2, "all, not those of the request");
    office.pass_secs(100);

    let query = phone.register_bare();
    let response = office.ask(&phone, &query);

    assert_eq!(
        listed(&response),
        [
            Listed { uri: DESK.to_owned(), expires: 500 },
            Listed { uri: SOFT.to_owned(), expires: 200 }
        ]
    );
    let date = response.header("Date");
    assert!(date.ends_with(" GMT") && date.contains(", "), "a Date: {response:?}");
    office.pass_secs(201);
    assert_eq!(uris(&mut office, &mut phone), [DESK], "an old binding is gone");
    office.pass_secs(300);
    assert!(uris(&mut office, &mut phone).is_empty());
}

#[test]
fn reg_03_a_star_removes_all_with_expires_0_alone() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    for uri in [DESK, SOFT] {
        let register = contact(&mut phone, &format!("<{uri}>"));
        office.ask(&phone, &register);
    }
    for (value, expires) in
        [("*", Some("60")), ("*", None), ("*, <sip:alice@192.0.2.9>", Some("0"))]
    {
        let bad = phone.register_bare().with("Contact", value);
        let bad = match expires {
            Some(expires) => bad.with("Expires", expires),
            None => bad,
        };
        assert_eq!(office.ask(&phone, &bad).status(), 400, "{value} {expires:?}");
        assert_eq!(uris(&mut office, &mut phone).len(), 2, "bindings stay");
    }
    let all = phone.register_bare().with("Contact", "*").with("Expires", "0");
    let response = office.ask(&phone, &all);
    assert_eq!(response.status(), 200);
    assert!(!response.has("Contact"));
    assert!(uris(&mut office, &mut phone).is_empty());
}

#[test]
fn reg_03_a_star_obeys_call_id_and_cseq() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = contact(&mut phone, &format!("<{DESK}>")).with_cseq(7);
    office.ask(&phone, &register);
    let mut star = phone.register_bare().with("Contact", "*").with("Expires", "0").with_cseq(6);
    star.call_id = register.call_id.clone();
    let refused = office.ask(&phone, &star).status();
    assert!(refused >= 400, "{refused}");
    assert_eq!(uris(&mut office, &mut phone), [DESK]);
}

#[test]
fn reg_04_the_contact_has_the_last_word_on_expires() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register =
        contact(&mut phone, &format!("<{DESK}>;expires=100, <{SOFT}>")).with("Expires", "5000");
    let bindings = listed(&office.ask(&phone, &register));
    assert_eq!(bindings[0], Listed { uri: DESK.to_owned(), expires: 100 });
    assert_eq!(bindings[1], Listed { uri: SOFT.to_owned(), expires: 5000 });
}

#[test]
fn reg_04_without_a_word_on_it_a_default_is_taken_and_much_is_shortened() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = contact(&mut phone, &format!("<{DESK}>")).without("Expires");
    assert_eq!(listed(&office.ask(&phone, &register))[0].expires, 3600);
    let long = contact(&mut phone, &format!("<{DESK}>")).with("Expires", "1000000");
    let granted = listed(&office.ask(&phone, &long))[0].expires;
    assert!((3600..=7200).contains(&granted), "{granted}");
}

#[test]
fn reg_04_too_brief_is_423_with_min_expires() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    for value in [format!("<{DESK}>;expires=1"), format!("<{DESK}>;expires=59")] {
        let register = contact(&mut phone, &value);
        let refused = office.ask(&phone, &register);
        assert_eq!(refused.status(), 423);
        assert_eq!(refused.header("Min-Expires"), "60");
    }
    assert!(uris(&mut office, &mut phone).is_empty());
    let register = contact(&mut phone, &format!("<{DESK}>")).with("Expires", "60");
    assert_eq!(office.ask(&phone, &register).status(), 200, "the minimum itself is enough");
}

#[test]
fn reg_04_expires_0_removes_one_binding() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = contact(&mut phone, &format!("<{DESK}>, <{SOFT}>"));
    office.ask(&phone, &register);
    let remove = contact(&mut phone, &format!("<{SOFT}>;expires=0"));
    assert_eq!(listed(&office.ask(&phone, &remove)).len(), 1);
    assert_eq!(uris(&mut office, &mut phone), [DESK]);
    let nothing = contact(&mut phone, &format!("<{SOFT}>;expires=0"));
    assert_eq!(office.ask(&phone, &nothing).status(), 200, "it need not be there");
}

#[test]
fn reg_05_the_same_call_id_needs_a_higher_cseq() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let first = contact(&mut phone, &format!("<{DESK}>")).with_cseq(5);
    assert_eq!(office.ask(&phone, &first).status(), 200);
    office.pass_secs(40);
    for cseq in [5, 4] {
        let mut low = contact(&mut phone, &format!("<{DESK}>;expires=0")).with_cseq(cseq);
        low.call_id = first.call_id.clone();
        assert_eq!(office.ask(&phone, &low).status(), 500, "CSeq {cseq} after 5");
        assert_eq!(uris(&mut office, &mut phone), [DESK], "the binding is kept");
    }
    let mut next = contact(&mut phone, &format!("<{DESK}>;expires=0")).with_cseq(6);
    next.call_id = first.call_id.clone();
    assert_eq!(office.ask(&phone, &next).status(), 200);
    assert!(uris(&mut office, &mut phone).is_empty());
}

#[test]
fn reg_05_another_call_id_may_have_any_cseq() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let first = contact(&mut phone, &format!("<{DESK}>")).with_cseq(500);
    assert_eq!(office.ask(&phone, &first).status(), 200);
    let rebooted = contact(&mut phone, &format!("<{DESK}>;expires=100")).with_cseq(1);
    assert_ne!(rebooted.call_id, first.call_id);
    assert_eq!(listed(&office.ask(&phone, &rebooted))[0].expires, 100);
}

#[test]
fn reg_06_all_contacts_are_taken_or_none() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    for (third, status) in
        [("<sip:alice@[::bad>", 400), ("<sip:alice@192.0.2.7>;expires=5", 423), ("<sip:>", 400)]
    {
        let register = contact(&mut phone, &format!("<{DESK}>, <{SOFT}>, {third}"));
        assert_eq!(office.ask(&phone, &register).status(), status, "{third}");
        assert!(uris(&mut office, &mut phone).is_empty(), "none is added");
    }
    let first = contact(&mut phone, &format!("<{DESK}>")).with_cseq(9);
    office.ask(&phone, &first);
    let mut low = contact(&mut phone, &format!("<{SOFT}>, <{DESK}>")).with_cseq(9);
    low.via = low.via.replace("branch=z9hG4bK", "branch=z9hG4bKlow");
    low.call_id = first.call_id;
    low.from.push('x');
    assert_eq!(office.ask(&phone, &low).status(), 500);
    assert_eq!(uris(&mut office, &mut phone), [DESK], "one too old, none added");
}

#[test]
fn reg_06_no_more_contacts_than_the_limit() {
    let mut office = Office::with(|config| {
        config.server.auth = fanal::shard::config::Authentication::Off;
        config.registrar.bindings_max = 2;
    });
    let mut phone = office.phone("alice");
    let three = contact(&mut phone, &format!("<{DESK}>, <{SOFT}>, <sip:alice@192.0.2.7>"));
    assert_eq!(office.ask(&phone, &three).status(), 403);
    assert!(uris(&mut office, &mut phone).is_empty());
    let two = contact(&mut phone, &format!("<{DESK}>, <{SOFT}>"));
    assert_eq!(office.ask(&phone, &two).status(), 200);
}

#[test]
fn reg_07_record_route_is_nothing_to_a_registrar() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = phone.register().with("Record-Route", "<sip:198.51.100.1;lr>");
    let response = office.ask(&phone, &register);
    assert_eq!(response.status(), 200);
    assert!(!response.has("Record-Route"));
}

#[test]
fn reg_09_a_sips_contact_needs_a_sips_request() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = contact(&mut phone, "<sips:alice@192.0.2.101:5061>");
    assert_eq!(office.ask(&phone, &register).status(), 400);
    assert!(uris(&mut office, &mut phone).is_empty());
}

#[test]
fn reg_02_bindings_outlive_a_restart() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let register = contact(&mut phone, &format!("<{DESK}>"));
    office.ask(&phone, &register);
    office.pass_secs(10);
    office.restart(5);
    let query = phone.register_bare();
    let bindings = listed(&office.ask(&phone, &query));
    assert_eq!(bindings, [Listed { uri: DESK.to_owned(), expires: 590 }]);
}

#[test]
fn opt_01_options_tells_what_is_served() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for uri in ["sip:example.com", "sip:alice@example.com", "sip:192.0.2.1:5060"] {
        let options = phone.request("OPTIONS", uri);
        let response = office.ask(&phone, &options);
        assert_eq!(response.status(), 200, "{uri}");
        for name in
            ["Allow", "Accept", "Accept-Encoding", "Accept-Language", "Supported", "Allow-Events"]
        {
            assert!(response.has(name), "{uri}: no {name}: {response:?}");
        }
        let allow = response.list("Allow");
        for method in ["SUBSCRIBE", "NOTIFY", "PUBLISH", "REGISTER", "OPTIONS"] {
            assert!(allow.iter().any(|known| known == method), "{method} in {allow:?}");
        }
        let events = response.list("Allow-Events");
        for package in ["presence", "dialog", "message-summary"] {
            assert!(events.iter().any(|known| known == package), "{package} in {events:?}");
        }
        let accept = response.list("Accept");
        assert!(accept.iter().any(|media| media.starts_with("application/pidf+xml")), "{accept:?}");
        assert!(response.body.is_empty());
    }
    assert_eq!(office.shard.presentities(), 0, "it looks, it does not touch");
}

#[test]
fn opt_01_a_ping_needs_no_password() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("102");
    let options = phone.request("OPTIONS", "sip:example.com");
    assert_eq!(office.ask(&phone, &options).status(), 200);
}

#[test]
fn opt_02_options_in_a_dialog_does_not_touch_it() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, "sip:alice@example.com", "presence");
    let before: Vec<_> = office.shard.watchers().collect();
    office.pass_secs(30);
    let refresh = phone.refresh();
    let mut options = phone.request("OPTIONS", &refresh.uri);
    (options.from, options.to, options.call_id, options.cseq) =
        (refresh.from.clone(), refresh.to.clone(), refresh.call_id.clone(), refresh.cseq);

    let response = office.ask(&phone, &options);

    assert_eq!(response.status(), 200);
    assert_eq!(response.header("To"), refresh.to);
    assert!(response.has("Allow"));
    assert!(office.wire.is_empty(), "no NOTIFY");
    assert_eq!(office.shard.watchers().collect::<Vec<_>>(), before);
}
