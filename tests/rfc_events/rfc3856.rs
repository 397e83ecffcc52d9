//! RFC 3856: who may watch a person, and what a presence watcher is sent.

use fanal::policy::Verdict;
use fanal::policy::rules::Rule;
use fanal::shard::config::Authentication;

use crate::ALICE;
use crate::common::documents::{call, presence};
use crate::common::samples::{noted, presence_of, tuple, tuples};
use crate::common::{Got, Office};

/// The document of somebody of whom nothing is known.
#[track_caller]
fn assert_closed(notify: &Got) {
    assert_eq!(notify.header("Content-Type"), "application/pidf+xml");
    let seen = tuples(&notify.body);
    assert_eq!(seen.len(), 1, "{notify:?}");
    assert_eq!(seen[0].1, "closed", "{notify:?}");
    for nothing in ["<note", ":note", "person", "device", "timestamp", "<contact"] {
        assert!(!notify.body.contains(nothing), "{nothing}: {notify:?}");
    }
}

#[test]
fn prs_01_who_proves_nothing_may_not_watch() {
    for package in ["presence", "dialog", "message-summary"] {
        let mut office = Office::with_passwords();
        let mut phone = office.phone("bob");
        let mut request = phone.subscribe(ALICE, package);
        request.from = "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a".to_owned();

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 401, "{package}");
        assert!(response.header("WWW-Authenticate").starts_with("Digest "), "{package}");
        assert!(notifies.is_empty(), "{package}");
        assert_eq!(office.shard.subscriptions(), 0, "{package}");
    }
}

#[test]
fn prs_01_who_proves_to_be_a_user_may() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("bob");
    let request = phone.subscribe(ALICE, "presence");
    let request = office.signed(&phone, &request);

    let (_, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(notify.substate(), "active");
}

#[test]
fn prs_01_a_wrong_password_is_no_proof() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("mallory");
    let request = phone.subscribe(ALICE, "presence");
    let request = office.signed(&phone, &request);

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 401);
    assert!(notifies.is_empty());
}

#[test]
fn prs_01_a_trusted_peer_says_who_watches_and_others_are_not_believed() {
    let mut office = Office::with(|config| {
        config.policy.default = Verdict::Block;
        config.policy.rules = vec![Rule {
            watcher: "bob@example.com".to_owned(),
            presentity: "*".to_owned(),
            verdict: Verdict::Allow,
        }];
    });
    let mut pbx = office.pbx();
    let asserted = |request: crate::common::Req, who: &str| {
        request.with("P-Asserted-Identity", &format!("<sip:{who}@example.com>"))
    };
    let request = asserted(pbx.subscribe(ALICE, "presence"), "bob");
    assert_eq!(office.exchange(&pbx, &request).0.status(), 200);
    let request = asserted(pbx.subscribe(ALICE, "presence"), "carol");
    assert_eq!(office.exchange(&pbx, &request).0.status(), 403);

    let mut phone = office.phone("carol");
    let request = asserted(phone.subscribe(ALICE, "presence"), "bob");
    assert_eq!(office.exchange(&phone, &request).0.status(), 401);
}

#[test]
fn prs_02_what_a_watcher_gets_is_what_the_rules_say() {
    let mut office = Office::with(|config| {
        let rule = |watcher: &str, verdict| Rule {
            watcher: format!("{watcher}@example.com"),
            presentity: "alice@example.com".to_owned(),
            verdict,
        };
        config.policy.default = Verdict::Block;
        config.policy.rules = vec![
            rule("bob", Verdict::Allow),
            rule("carol", Verdict::Confirm),
            rule("dave", Verdict::Block),
        ];
    });
    let mut pbx = office.pbx();
    office.publish(&mut pbx, ALICE, "presence", &noted(ALICE, "private"));
    let outcomes = [
        ("bob", 200, Some("active"), true),
        ("carol", 200, Some("pending"), false),
        ("dave", 403, None, false),
        ("erin", 403, None, false),
    ];
    for (who, status, substate, sees) in outcomes {
        let identity = format!("<sip:{who}@example.com>");
        let request = pbx.subscribe(ALICE, "presence").with("P-Asserted-Identity", &identity);

        let (response, notifies) = office.exchange(&pbx, &request);

        assert_eq!(response.status(), status, "{who}");
        assert_eq!(notifies.first().map(Got::substate), substate, "{who}");
        assert_eq!(notifies.iter().any(|n| n.body.contains("private")), sees, "{who}");
        for notify in notifies {
            office.answer(&pbx, &notify, 200);
        }
    }
}

#[test]
fn prs_03_the_defaults_are_an_hour_and_pidf() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(ALICE, "presence").without("Expires");
    assert!(request.value("Accept").is_empty());

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(response.expires(), 3600);
    assert_eq!(notify.header("Content-Type"), "application/pidf+xml");
    assert!(notify.body.contains("urn:ietf:params:xml:ns:pidf"));
}

#[test]
fn prs_04_each_document_is_complete() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let three = |basic: &str| {
        let all = tuple("a", "open") + &tuple("b", basic) + &tuple("c", "closed");
        presence_of(ALICE, &all)
    };
    let tag = office.publish(&mut alice, ALICE, "presence", &three("open"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(30);

    office.modify(&mut alice, ALICE, "presence", &tag, &three("closed"));

    let told = office.notified(&watcher);
    let mut seen = tuples(&told.body);
    seen.sort_unstable();
    let expected = [("a", "open"), ("b", "closed"), ("c", "closed")];
    assert_eq!(seen, expected.map(|(id, basic)| (id.to_owned(), basic.to_owned())));
}

#[test]
fn prs_05_somebody_silent_is_one_closed_service() {
    let mut office = Office::new();
    let mut phone = office.phone("102");

    let first = office.subscribe(&mut phone, "sip:nobody-ever@example.com", "presence");

    assert_closed(&first);
    assert!(first.body.contains("entity=\"sip:nobody-ever@example.com\""));
}

#[test]
fn prs_06_a_pending_watcher_is_not_told_of_publications() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let first = office.subscribe(&mut watcher, ALICE, "presence");
    assert!(tuples(&first.body).iter().all(|(_, basic)| basic != "open"), "{first:?}");

    let tag = office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "private"));
    office.pass_secs(10);
    office.modify(&mut alice, ALICE, "presence", &tag, &noted(ALICE, "more"));
    office.assert_quiet(&watcher, 33);

    let again = office.refreshed(&mut watcher);
    assert!(!again.body.contains("open") && !again.body.contains("more"), "{again:?}");
    let last = office.unsubscribe(&mut watcher);
    assert!(!last.body.contains("open") && !last.body.contains("more"), "{last:?}");
}

#[test]
fn prs_07_a_politely_blocked_watcher_sees_somebody_away_for_ever() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::PoliteBlock;
    });
    let (mut watcher, mut alice, mut pbx) =
        (office.phone("102"), office.phone("alice"), office.pbx());
    office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "here"));

    let first = office.subscribe(&mut watcher, ALICE, "presence");
    assert_eq!(first.substate(), "active");
    assert_closed(&first);
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));
    office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "still here"));
    office.assert_quiet(&watcher, 33);
    assert_closed(&office.refreshed(&mut watcher));
    let fetch = watcher.subscribe(ALICE, "presence").with("Expires", "0");
    assert_closed(&office.subscribed(&mut watcher, &fetch).1);
}

#[test]
fn prs_07_a_politely_blocked_lamp_is_idle_for_ever() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::PoliteBlock;
    });
    let (mut watcher, mut pbx) = (office.phone("102"), office.pbx());
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));

    let first = office.subscribe(&mut watcher, ALICE, "dialog");

    assert!(first.body.contains("terminated") && !first.body.contains("c1"), "{first:?}");
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c2", "early"));
    office.assert_quiet(&watcher, 33);
}

#[test]
fn prs_09_two_devices_make_one_stream_of_documents() {
    let mut office = Office::new();
    let (mut watcher, mut desk, mut mobile) =
        (office.phone("102"), office.phone("alice"), office.phone("alice"));
    let first = office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(30);

    let service = |id: &str| presence_of(ALICE, &tuple(id, "open"));
    office.publish(&mut desk, ALICE, "presence", &service("desk"));
    let second = office.notified(&watcher);
    office.publish(&mut mobile, ALICE, "presence", &service("mobile"));
    let third = office.notified(&watcher);

    for notify in [&second, &third] {
        assert_eq!(notify.header("Call-ID"), first.header("Call-ID"));
        assert_eq!(notify.sender_tag(), first.sender_tag());
    }
    assert_eq!([second.cseq(), third.cseq()], [first.cseq() + 1, first.cseq() + 2]);
    assert_eq!(tuples(&third.body).len(), 2, "{third:?}");
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn prs_10_a_pres_uri_is_the_same_person() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.publish(&mut alice, ALICE, "presence", &presence(ALICE, "open"));
    let request = watcher.subscribe("pres:alice@example.com", "presence");

    let (_, notify) = office.subscribed(&mut watcher, &request);

    assert!(notify.body.contains("<basic>open</basic>"));
}

#[test]
fn prs_10_a_scheme_nobody_knows_is_416() {
    let mut office = Office::new();
    let mut watcher = office.phone("102");
    let request = watcher.subscribe("mailto:alice@example.com", "presence");

    let (response, notifies) = office.exchange(&watcher, &request);

    assert_eq!(response.status(), 416);
    assert!(notifies.is_empty());
}

#[test]
fn prs_11_a_filter_is_415_while_none_is_served() {
    let mut office = Office::new();
    let mut watcher = office.phone("102");
    let request = watcher
        .subscribe(ALICE, "presence")
        .with("Content-Type", "application/simple-filter+xml")
        .with_body("<filter-set xmlns=\"urn:ietf:params:xml:ns:simple-filter\"/>");

    let (response, notifies) = office.exchange(&watcher, &request);

    assert_eq!(response.status(), 415);
    assert!(notifies.is_empty());
}

#[test]
fn prs_13_a_registered_phone_makes_its_user_reachable() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.subscribe(&mut watcher, ALICE, "presence");
    office.pass_secs(30);
    let register = alice.register();
    assert_eq!(office.ask(&alice, &register).status(), 200);
    assert_eq!(tuples(&office.notified(&watcher).body)[0].1, "open");
    office.pass_secs(30);

    let register = alice.register().with("Expires", "0");
    assert_eq!(office.ask(&alice, &register).status(), 200);

    assert_closed(&office.notified(&watcher));
}

#[test]
fn prs_13_a_registration_that_runs_out_is_told_too() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let register = alice.register().with("Expires", "60");
    assert_eq!(office.ask(&alice, &register).status(), 200);
    let first = office.subscribe(&mut watcher, ALICE, "presence");
    assert_eq!(tuples(&first.body)[0].1, "open");

    office.pass_secs(61);

    assert_closed(&office.told(&watcher));
}

#[test]
fn prs_13_a_registration_never_overrides_what_somebody_published() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.publish(&mut alice, ALICE, "presence", &presence(ALICE, "closed"));

    let register = alice.register();
    assert_eq!(office.ask(&alice, &register).status(), 200);

    let first = office.subscribe(&mut watcher, ALICE, "presence");
    assert!(tuples(&first.body).iter().all(|(_, basic)| basic == "closed"), "{first:?}");
}
