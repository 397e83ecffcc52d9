//! RFC 3903 §6: which PUBLISH is accepted, and what the answer says.

use std::collections::HashSet;
use std::time::Duration;

use fanal::shard::Input;
use fanal::shard::config::{Authentication, Presentities};

use crate::common::documents::{call, mailbox, presence};
use crate::common::samples::noted;
use crate::common::{Got, Office, Phone, Req};
use crate::{ALICE, LINE};

const BOB: &str = "sip:bob@example.com";
const STALE: &str = "no-such-entity-tag";

/// What a watcher would be shown now.
fn shown(office: &mut Office, uri: &str, package: &str) -> String {
    let mut watcher = office.phone("109");
    let fetch = watcher.subscribe(uri, package).with("Expires", "0");
    let (_, notify) = office.subscribed(&mut watcher, &fetch);
    office.answer(&watcher, &notify, 200);
    notify.body
}

fn asked(office: &mut Office, phone: &Phone, request: &Req) -> Got {
    let (response, others) = office.exchange(phone, request);
    assert!(others.is_empty(), "{others:#?}");
    response
}

#[test]
fn pub_01_a_resource_of_another_domain_is_404() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let uri = "sip:alice@example.org";
    let request = phone.publish(uri, "presence", &presence(uri, "open"));

    let response = asked(&mut office, &phone, &request);

    assert_eq!(response.status(), 404);
    assert!(!response.has("SIP-ETag"));
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_01_an_unknown_user_is_404_where_only_known_ones_exist() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.server.presentities = Presentities::Known;
    });
    let mut phone = office.phone("nobody");
    let uri = "sip:nobody@example.com";
    let request = phone.publish(uri, "presence", &presence(uri, "open"));

    assert_eq!(asked(&mut office, &phone, &request).status(), 404);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_02_an_event_missing_or_not_published_here_is_489() {
    for event in ["", "presence.winfo", "reg", "Presence", "foo"] {
        let mut office = Office::new();
        let mut phone = office.phone("alice");
        let request = phone.publish(ALICE, "presence", &presence(ALICE, "open"));
        let request = match event {
            "" => request.without("Event"),
            name => request.with("Event", name),
        };

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), 489, "{event}");
        for package in ["presence", "dialog", "message-summary"] {
            assert!(response.header("Allow-Events").contains(package), "{event}: {response:?}");
        }
        assert_eq!(office.shard.publications(), 0, "{event}");
    }
}

#[test]
fn pub_03_sip_if_match_is_exactly_one_token() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));
    let bent = [
        (format!("{tag}, b"), [400, 400]),
        (format!("{tag}, {tag}"), [400, 400]),
        (format!("{tag}\r\nSIP-If-Match: b"), [400, 400]),
        (format!("\"{tag}\""), [400, 412]),
        ("*".to_owned(), [400, 412]),
        (String::new(), [400, 412]),
        (format!("{tag} b"), [400, 412]),
    ];
    for (value, statuses) in bent {
        let second = phone.publish(ALICE, "presence", &noted(ALICE, "second"));
        let request = second.with("SIP-If-Match", &value);

        let response = asked(&mut office, &phone, &request);

        assert!(statuses.contains(&response.status()), "{request:?}: {response:?}");
        assert!(!response.has("SIP-ETag"));
    }
    assert_eq!(office.shard.publications(), 1);
    assert!(shown(&mut office, ALICE, "presence").contains("first"));
    // The tag was not spent.
    office.modify(&mut phone, ALICE, "presence", &tag, &noted(ALICE, "second"));
}

#[test]
fn pub_04_a_tag_of_another_resource_is_412() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));

    let request = phone.publish(BOB, "presence", &presence(BOB, "open")).with("SIP-If-Match", &tag);
    assert_eq!(asked(&mut office, &phone, &request).status(), 412);

    assert_eq!(office.shard.publications(), 1);
    assert!(!shown(&mut office, BOB, "presence").contains("open"));
    office.modify(&mut phone, ALICE, "presence", &tag, &noted(ALICE, "second"));
}

#[test]
fn pub_04_a_tag_of_another_package_is_412() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));

    let request =
        phone.publish(ALICE, "dialog", &call(ALICE, "c1", "early")).with("SIP-If-Match", &tag);
    assert_eq!(asked(&mut office, &phone, &request).status(), 412);
    let remove = phone.publish(ALICE, "dialog", "").with("SIP-If-Match", &tag).with("Expires", "0");
    assert_eq!(asked(&mut office, &phone, &remove).status(), 412);

    assert!(shown(&mut office, ALICE, "presence").contains("first"));
    assert!(!shown(&mut office, ALICE, "dialog").contains("c1"));
    office.modify(&mut phone, ALICE, "presence", &tag, &noted(ALICE, "second"));
}

#[test]
fn pub_04_a_tag_that_was_never_given_is_412() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    for body in [presence(ALICE, "open"), String::new()] {
        let request = phone.publish(ALICE, "presence", &body).with("SIP-If-Match", STALE);

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), 412);
        assert!(!response.has("SIP-ETag"));
    }
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_05_checks_are_made_in_the_order_of_the_rfc() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));
    let strange = "sip:alice@example.org";
    // Each has every fault but those already checked.
    let ladder = [
        (strange, "foo", STALE, "5", 404),
        (ALICE, "foo", STALE, "5", 489),
        (ALICE, "presence", STALE, "5", 412),
        (ALICE, "presence", &tag, "5", 423),
        (ALICE, "presence", &tag, "600", 415),
    ];
    for (uri, event, tag, expires, status) in ladder {
        let request = phone
            .publish(uri, event, "nonsense")
            .with("SIP-If-Match", tag)
            .with("Expires", expires)
            .with("Content-Type", "text/plain");

        assert_eq!(asked(&mut office, &phone, &request).status(), status, "{request:?}");
    }
    office.modify(&mut phone, ALICE, "presence", &tag, &noted(ALICE, "second"));
}

#[test]
fn pub_05_two_tags_are_400_before_the_expiry_is_looked_at() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let request = phone
        .publish(ALICE, "presence", "nonsense")
        .with("SIP-If-Match", "a, b")
        .with("Expires", "5")
        .with("Content-Type", "text/plain");

    assert_eq!(asked(&mut office, &phone, &request).status(), 400);
}

#[test]
fn pub_06_the_answer_says_how_long_and_never_longer_than_asked() {
    let lifetimes = [("600", 600), ("60", 60), ("86400", 86_400), ("4294967295", 86_400)];
    for (asked_for, granted) in lifetimes {
        let mut office = Office::new();
        let mut phone = office.phone("alice");
        let request =
            phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("Expires", asked_for);

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.expires(), granted, "{asked_for}");
        assert_eq!(response.all("Expires").count(), 1);
    }
}

#[test]
fn pub_06_without_expires_the_default_is_granted_and_kept() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let request = phone.publish(ALICE, "presence", &presence(ALICE, "open")).without("Expires");

    assert_eq!(asked(&mut office, &phone, &request).expires(), 3600);

    office.pass_secs(3599);
    assert_eq!(office.shard.publications(), 1);
    office.pass_secs(2);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_07_too_brief_is_423_with_the_minimum() {
    for (asked_for, status) in [("1", 423), ("59", 423), ("60", 200), ("0", 200)] {
        let mut office = Office::new();
        let mut phone = office.phone("alice");
        let request =
            phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("Expires", asked_for);

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), status, "{asked_for}");
        if status == 423 {
            assert_eq!(response.header("Min-Expires"), "60");
            assert!(!response.has("SIP-ETag"));
            assert_eq!(office.shard.publications(), 0);
        }
    }
}

#[test]
fn pub_07_an_hour_is_too_brief_where_the_minimum_is_longer() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.presentity.expires_min = Duration::from_secs(7200);
    });
    let mut phone = office.phone("alice");
    for (asked_for, status) in [("3600", 423), ("3601", 423), ("7199", 423), ("7200", 200)] {
        let request =
            phone.publish(ALICE, "presence", &presence(ALICE, "open")).with("Expires", asked_for);

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), status, "{asked_for}");
        if status == 423 {
            assert_eq!(response.header("Min-Expires"), "7200");
        }
    }
}

#[test]
fn pub_07_a_refresh_too_brief_spends_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));
    let brief =
        phone.publish(ALICE, "presence", "").with("SIP-If-Match", &tag).with("Expires", "30");

    assert_eq!(asked(&mut office, &phone, &brief).status(), 423);

    let good = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &tag);
    assert_eq!(asked(&mut office, &phone, &good).status(), 200);
}

#[test]
fn pub_08_a_body_of_another_type_is_415_with_the_types_understood() {
    let types = [
        ("presence", "application/pidf+xml"),
        ("dialog", "application/dialog-info+xml"),
        ("message-summary", "application/simple-message-summary"),
    ];
    for (package, media) in types {
        for wrong in ["text/plain", "application/xml", "application/rlmi+xml", "x/y"] {
            let mut office = Office::new();
            let mut phone = office.phone("alice");
            let request = phone.publish(ALICE, package, "some text").with("Content-Type", wrong);

            let response = asked(&mut office, &phone, &request);

            assert_eq!(response.status(), 415, "{package}, {wrong}");
            assert!(response.header("Accept").contains(media), "{package}, {wrong}");
            assert_eq!(office.shard.publications(), 0);
        }
    }
}

#[test]
fn pub_08_a_body_of_another_package_is_415() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let request = phone
        .publish(ALICE, "presence", &call(ALICE, "c1", "early"))
        .with("Content-Type", "application/dialog-info+xml");

    assert_eq!(asked(&mut office, &phone, &request).status(), 415);
}

#[test]
fn pub_08_a_malformed_document_is_400_and_the_state_stays() {
    let broken = [
        ("presence", "<presence"),
        ("presence", "not xml at all"),
        ("presence", "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"></tuple></presence>"),
        ("presence", "<other xmlns=\"urn:example\"/>"),
        ("dialog", "<dialog-info"),
        (
            "dialog",
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"><dialog></dialog-info>",
        ),
        ("message-summary", "Voice-Message: many"),
    ];
    for (package, body) in broken {
        let mut office = Office::new();
        let mut phone = office.phone("alice");
        let good = match package {
            "presence" => noted(ALICE, "first"),
            "dialog" => call(ALICE, "first", "confirmed"),
            _ => mailbox(11, 4),
        };
        let tag = office.publish(&mut phone, ALICE, package, &good);
        let before = shown(&mut office, ALICE, package);
        let request = phone.publish(ALICE, package, body).with("SIP-If-Match", &tag);

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), 400, "{package}: {body}");
        let after = shown(&mut office, ALICE, package);
        assert_eq!(before, after, "{package}: {body}");
        office.modify(&mut phone, ALICE, package, &tag, &good);
    }
}

#[test]
fn pub_09_neither_body_nor_tag_is_400() {
    for package in ["presence", "dialog", "message-summary"] {
        let mut office = Office::new();
        let mut phone = office.phone("alice");
        let request = phone.publish(ALICE, package, "");

        let response = asked(&mut office, &phone, &request);

        assert_eq!(response.status(), 400, "{package}");
        assert!(!response.has("SIP-ETag"));
        assert_eq!(office.shard.publications(), 0);
    }
}

#[test]
fn pub_10_each_initial_publication_has_a_tag_of_its_own() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let body = presence(ALICE, "open");

    let answers: Vec<Got> = (0..2)
        .map(|_| {
            let request = phone.publish(ALICE, "presence", &body);
            asked(&mut office, &phone, &request)
        })
        .collect();

    for answer in &answers {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.all("SIP-ETag").count(), 1);
        assert_eq!(answer.expires(), 600);
    }
    assert_ne!(answers[0].header("SIP-ETag"), answers[1].header("SIP-ETag"));
    assert_eq!(office.shard.publications(), 2);
}

#[test]
fn pub_15_no_tag_is_given_twice() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let mut tags = HashSet::new();
    for round in 0..200_u8 {
        let mut tag = office.publish(&mut phone, ALICE, "presence", &presence(ALICE, "open"));
        for _ in 0..10 {
            assert!(tags.insert(tag.clone()), "{tag} again");
            let refresh = phone.publish(ALICE, "presence", "").with("SIP-If-Match", &tag);
            tag = office.ask(&phone, &refresh).header("SIP-ETag").to_owned();
        }
        let removed = office.withdraw(&mut phone, ALICE, "presence", &tag);
        assert!(tags.insert(tag));
        assert!(tags.insert(removed.header("SIP-ETag").to_owned()));
        if round % 40 == 39 {
            office.restart(10 + round);
        }
        office.pass_secs(1);
    }
    assert!(tags.iter().all(|tag| !tag.is_empty()));
}

#[test]
fn pub_16_what_cannot_be_kept_is_refused_and_the_old_tag_serves() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "first"));
    office.happen(Input::StoreHealth(false));
    let modify =
        phone.publish(ALICE, "presence", &noted(ALICE, "second")).with("SIP-If-Match", &tag);

    let response = asked(&mut office, &phone, &modify);

    assert!((500..600).contains(&response.status()), "{response:?}");
    assert!(response.has("Retry-After"));
    assert!(!response.has("SIP-ETag"));
    office.happen(Input::StoreHealth(true));
    assert!(shown(&mut office, ALICE, "presence").contains("first"));
    office.modify(&mut phone, ALICE, "presence", &tag, &noted(ALICE, "second"));
}

#[test]
fn pub_17_of_two_modifies_with_one_tag_the_first_wins() {
    for together in [true, false] {
        let mut office = Office::new();
        let mut phone = office.tcp_phone("alice");
        let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "zero"));
        let one = phone.publish(ALICE, "presence", &noted(ALICE, "one")).with("SIP-If-Match", &tag);
        let two = phone.publish(ALICE, "presence", &noted(ALICE, "two")).with("SIP-If-Match", &tag);

        if together {
            let line = phone.line.clone();
            office.deliver_together(&[(&line, one.to_text()), (&line, two.to_text())]);
        } else {
            office.deliver(&phone.line, one.to_text());
            office.deliver(&phone.line, two.to_text());
        }

        let answers = office.inbox(&phone);
        let heard: Vec<(u16, &str)> =
            answers.iter().map(|got| (got.status(), got.header("Call-ID"))).collect();
        assert_eq!(heard, [(200, one.call_id.as_str()), (412, two.call_id.as_str())]);
        assert!(shown(&mut office, ALICE, "presence").contains("one"));
    }
}

#[test]
fn pub_18_a_repeated_publish_gets_the_same_answer() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let tag = office.publish(&mut phone, ALICE, "presence", &noted(ALICE, "zero"));
    let modify = phone.publish(ALICE, "presence", &noted(ALICE, "one")).with("SIP-If-Match", &tag);
    let first = asked(&mut office, &phone, &modify);
    assert_eq!(first.status(), 200);

    for _ in 0..3 {
        office.pass_secs(8);
        let again = asked(&mut office, &phone, &modify);

        assert_eq!(again.parcel.octets, first.parcel.octets);
    }
    assert_eq!(office.shard.publications(), 1);
    let next = first.header("SIP-ETag").to_owned();
    office.modify(&mut phone, ALICE, "presence", &next, &noted(ALICE, "two"));
}

#[test]
fn pub_19_a_publish_makes_no_dialog() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let contact = format!("<{}>", phone.contact);
    let request = phone
        .publish(ALICE, "presence", &presence(ALICE, "open"))
        .with("Contact", &contact)
        .with("Record-Route", "<sip:192.0.2.77;lr>");

    let response = asked(&mut office, &phone, &request);

    assert_eq!(response.status(), 200);
    assert!(!response.has("Contact") && !response.has("Record-Route"), "{response:?}");
    assert_eq!(response.parcel.hop.address(), phone.address());
    // The tag of that answer names no dialog.
    let mut inside = phone.publish(ALICE, "presence", &presence(ALICE, "open"));
    inside.to = response.header("To").to_owned();
    inside.from = request.from.clone();
    inside.call_id = request.call_id.clone();
    inside.cseq = 2;
    assert_ne!(asked(&mut office, &phone, &inside).status(), 500);
}

#[test]
fn pub_24_who_proves_nothing_is_401() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let request = phone.publish(ALICE, "presence", &presence(ALICE, "open"));

    let response = asked(&mut office, &phone, &request);

    assert_eq!(response.status(), 401);
    assert!(response.header("WWW-Authenticate").starts_with("Digest "));
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn pub_24_who_is_proven_publishes_for_himself_only() {
    let mut office = Office::with_passwords();
    let (mut alice, mut bob) = (office.phone("alice"), office.phone("bob"));
    let own = alice.publish(ALICE, "presence", &presence(ALICE, "open"));
    let own = office.signed(&alice, &own);
    assert_eq!(asked(&mut office, &alice, &own).status(), 200);

    let forged = bob.publish(ALICE, "presence", &noted(ALICE, "forged"));
    let forged = office.signed(&bob, &forged);
    assert_eq!(asked(&mut office, &bob, &forged).status(), 403);

    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn pub_24_the_trusted_pbx_publishes_for_everybody() {
    let mut office = Office::with_passwords();
    let mut pbx = office.pbx();
    for uri in [ALICE, BOB, LINE] {
        let request = pbx.publish(uri, "dialog", &call(uri, "c1", "early"));

        assert_eq!(asked(&mut office, &pbx, &request).status(), 200, "{uri}");
    }
}

#[test]
fn pub_27_options_shows_publish_and_its_packages() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let request = phone.request("OPTIONS", ALICE);

    let response = asked(&mut office, &phone, &request);

    assert!(response.header("Allow").split(", ").any(|method| method == "PUBLISH"));
    let events: Vec<&str> = response.header("Allow-Events").split(", ").collect();
    assert!(["presence", "dialog", "message-summary"].iter().all(|name| events.contains(name)));
}
