//! Where somebody is (RFC 4119): shown to whom a rule names, and kept no longer than is allowed.

use super::*;

/// A place inside a person, with what the usage rules say of its end.
fn place(rules: &str) -> String {
    person(
        &format!(
            "<gp:geopriv xmlns:gp='urn:ietf:params:xml:ns:pidf:geopriv10' \
             xmlns:ca='urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr' \
             xmlns:gbp='urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy'>\
             <gp:location-info><ca:civicAddress><ca:country>DE</ca:country><ca:A3>Berlin</ca:A3>\
             <ca:RD>Invalidenstrasse</ca:RD></ca:civicAddress></gp:location-info>\
             <gp:usage-rules>{rules}</gp:usage-rules></gp:geopriv>"
        ),
        1,
    )
}

fn provided(word: &str) -> String {
    rule("a", "bob@example.com", "allow", &format!("{BARE}{word}"))
}

#[test]
fn a_place_is_shown_to_whom_a_rule_names_it_and_no_finer_than_the_policy_lets() {
    let named = provided("<f:provide-location>true</f:provide-location>");
    let all = provided("<pr:provide-all-attributes/>");
    let coarse = "[policy]\n[policy.location]\nprecision = \"coarse\"\n";
    for (rules, policy, shown) in [
        (named.as_str(), "[policy]\n", &["Berlin", "Invaliden"][..]),
        (&named, coarse, &["Berlin"]),
        (&all, "[policy]\n", &[]),
        ("", "[policy]\n", &[]),
    ] {
        let mut office = office(rules, Some(policy));
        let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
        office.publish(&mut pbx, ALICE, "presence", &place(""));
        let seen = watch(&mut office, &mut bob, "presence").body;
        for word in ["Berlin", "Invaliden"] {
            assert_eq!(seen.contains(word), shown.contains(&word), "{policy}: {word}: {seen}");
        }
    }
}

#[test]
fn a_place_is_forgotten_at_the_end_it_came_with() {
    // The office opens at 2026-03-02T09:41:37Z. It needs no rules.
    let mut office = Office::new();
    office.pass_secs(30);
    let (mut bob, mut pbx) = (office.phone("bob"), office.phone("alice"));
    let rules = "<gbp:retention-expiry>2026-03-02T09:42:37Z</gbp:retention-expiry>";
    let publish = pbx.publish(ALICE, "presence", &place(rules));
    assert_eq!(office.ask(&pbx, &publish).status(), 200);
    assert!(office.subscribe(&mut bob, ALICE, "presence").body.contains("Berlin"));
    office.assert_quiet(&bob, 59);
    office.pass_secs(2);
    let seen = office.told(&bob);
    assert!(!seen.body.contains("Berlin") && seen.body.contains("open"), "{seen:?}");
}

#[test]
fn a_place_is_kept_no_longer_than_the_organisation_keeps_places() {
    let policy =
        |span: &str| format!("[policy]\n[policy.location]\nretain = \"{span}\"\nopt_in = false\n");
    let mut office = office("", Some(&policy("2m")));
    let (mut alice, mut pbx) = (office.phone("alice"), office.pbx());
    // Dated 2026-03-02T09:00:01Z, so that it would be over; what came now is as old as it says.
    let now = place("").replace("09:00:01", "09:41:37");
    office.publish(&mut pbx, ALICE, "presence", &now);
    assert!(watch(&mut office, &mut alice, "presence").body.contains("Berlin"));
    office.assert_quiet(&alice, 119);
    office.pass_secs(2);
    assert!(!office.told(&alice).body.contains("Berlin"));
    replace(&mut office, "", Some(&policy("1h")));
    office.pass_secs(10);
    assert!(office.told(&alice).body.contains("Berlin"), "while the publication lasts");
    replace(&mut office, "", Some(&policy("1m")));
    office.pass_secs(10);
    assert!(!office.told(&alice).body.contains("Berlin"));
}
