//! The ceiling of an organisation above the rules of its people.

use fanal::base::identity::Identity;
use fanal::policy::audit::Line;
use fanal::policy::organisation::Policy;
use fanal::policy::{Asking, Sight, SubHandling, decide, explain, filter};

use super::*;

const OFFICE: &str = r#"
[policy]
version = "2026-03-01"
domains = ["example.com"]
default_inside = "allow"
default_outside = "polite-block"

[policy.groups]
reception = ["reception@example.com", "night@example.com"]
support = ["alice@example.com", "bob@example.com"]

[[policy.ceiling]]
name = "outsiders"
who = { domain = "*", except_domain = "example.com" }
allow = ["basic", "contact:work"]

[[policy.ceiling]]
name = "day-off"
when = { off_work = true }
hide = ["contact:private", "activities", "place", "last-input", "dialog:parties"]
show = ["alternate:team"]

[[policy.attendant]]
who = { group = "reception" }
of = { domain = "example.com" }

[[policy.team]]
members = { group = "support" }
alternate = { contact = "sip:support@example.com", name = "Support" }

[[policy.hours]]
zone = "Europe/Berlin"
monday = ["09:00-17:30"]
tuesday = ["09:00-17:30"]
wednesday = ["09:00-17:30"]
thursday = ["09:00-17:30"]
friday = ["09:00-15:00"]
holidays = ["2026-12-25"]

[[policy.day_off]]
of = { user = "alice@example.com" }
from = "2026-03-04"
"#;

const WORKING: &str = "2026-03-02T10:00:00Z";
const EVENING: &str = "2026-03-02T18:00:00Z";
const DAY_OFF: &str = "2026-03-04T10:00:00Z";

const DOCUMENT: &str = "\
    <tuple id='work'><status><basic>open</basic></status><r:class>work</r:class>\
    <contact>sip:alice@example.com</contact></tuple>\
    <tuple id='home'><status><basic>open</basic></status><r:class>Private</r:class>\
    <contact>tel:+15550100</contact></tuple>\
    <tuple id='plain'><status><basic>open</basic></status><contact>sip:plain@example.com\
    </contact></tuple>\
    <tuple id='team'><status><basic>open</basic></status><r:class>team</r:class>\
    <contact>sip:carol@example.com</contact></tuple>\
    <dm:person id='p'><r:activities until='2026-03-02T12:00:00Z'><r:meeting/></r:activities>\
    <r:place-type><x:hotel/></r:place-type><r:user-input last-input='2026-03-02T08:00:00Z'>idle\
    </r:user-input><gp:geopriv><gp:location-info><ca:civicAddress><ca:country>DE</ca:country>\
    <ca:A3>Ulm</ca:A3><ca:RD>Hirschstrasse</ca:RD></ca:civicAddress><gml:Point>\
    <gml:pos>48.4011 9.9876</gml:pos></gml:Point></gp:location-info><gp:usage-rules/>\
    </gp:geopriv></dm:person>";

const ALL: &str = "<pr:provide-services><pr:all-services/></pr:provide-services>\
    <pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-all-attributes/>";

fn office(now: &str) -> Scene {
    Scene::new().policy(OFFICE).at(now)
}

fn sees(decision: &Decision) -> String {
    let shown = filter::presence(&presence(DOCUMENT), &decision.permissions);
    assert_eq!(filter::presence(&shown, &decision.permissions), shown, "twice");
    shown.write()
}

#[track_caller]
fn check(text: &str, seen: &[&str], hidden: &[&str]) {
    for word in seen {
        assert!(text.contains(word), "{word} is hidden:\n{text}");
    }
    for word in hidden {
        assert!(!text.contains(word), "{word} is shown:\n{text}");
    }
}

#[test]
fn without_rules_of_their_own_people_are_as_the_organisation_says() {
    let office = office(WORKING);
    let inside = office.ask("bob@example.com");
    assert_eq!(matched(&inside), ["organisation/default_inside"]);
    assert_eq!(inside.handling, SubHandling::Allow);
    let outside = office.ask("eve@other.test");
    assert_eq!(outside.handling, SubHandling::PoliteBlock);
    assert_eq!(outside.sight("dialog"), Sight::Offline);
    assert_eq!(office.ask_as(&Identity::Unasked).handling, SubHandling::PoliteBlock);
}

#[test]
fn a_rule_of_a_person_cannot_show_outsiders_more_than_the_ceiling() {
    let decision = office(WORKING).rules(&rule("a", "", "allow", ALL)).ask("eve@other.test");
    assert_eq!(matched(&decision), ["index/a", "organisation/outsiders"]);
    assert_eq!(decision.handling, SubHandling::Allow);
    let text = sees(&decision);
    check(
        &text,
        &["id=\"work\"", "sip:alice@example.com", "id=\"plain\""],
        &["home", "+1555", "team", "plain@", "person", "class>", "geopriv"],
    );
    assert_eq!(decision.sight("dialog"), Sight::Offline);
}

#[test]
fn a_rule_of_a_person_may_show_less_than_the_ceiling() {
    let decision =
        office(WORKING).rules(&rule("a", "", "polite-block", ALL)).ask("bob@example.com");
    assert_eq!(decision.handling, SubHandling::PoliteBlock);
    let confirm = office(WORKING).rules(&rule("a", "", "confirm", ALL)).ask("eve@other.test");
    assert_eq!(confirm.handling, SubHandling::Confirm);
}

#[test]
fn at_work_everything_is_shown_and_off_work_the_private_number_gives_way_to_the_team() {
    let rules = rule("a", "", "allow", ALL);
    let working = office(WORKING).rules(&rules).ask("bob@example.com");
    check(
        &sees(&working),
        &["+15550100", "meeting", "hotel", "last-input", "id=\"team\""],
        &["svc-alternate", "support@", "geopriv"],
    );
    assert_eq!(working.until, Some(at("2026-03-02T16:30:00Z")));
    for off in [EVENING, DAY_OFF, "2026-12-25T10:00:00Z", "2026-03-07T10:00:00Z"] {
        let decision = office(off).rules(&rules).ask("bob@example.com");
        check(
            &sees(&decision),
            &["svc-alternate", "sip:support@example.com", "Support", "id=\"work\"", "idle<"],
            &["+1555", "home", "meeting", "hotel", "last-input"],
        );
        assert!(matched(&decision).contains(&"organisation/day-off"));
    }
    let monday = office("2026-03-02T08:00:00Z").rules(&rules);
    check(&sees(&monday.ask("bob@example.com")), &["+15550100"], &["svc-alternate"]);
}

#[test]
fn the_alternate_is_shown_even_if_the_person_s_rules_choose_other_services() {
    let narrow = "<pr:provide-services><pr:occurrence-id>work</pr:occurrence-id>\
                  </pr:provide-services>";
    let scene = office(EVENING).rules(&rule("a", "", "allow", narrow));
    check(
        &sees(&scene.ask("bob@example.com")),
        &["id=\"work\"", "id=\"team\"", "sip:support@example.com"],
        &["plain", "home", "class>"],
    );
    let outside = sees(&scene.ask("eve@other.test"));
    check(&outside, &["id=\"work\"", "sip:support@example.com"], &["plain", "home"]);
}

#[test]
fn a_day_off_by_calendar_or_word_is_one_too() {
    let scene = office(WORKING).rules(&rule("a", "", "allow", ALL));
    let bob = Identity::User(Aor::from_canonical("bob@example.com"));
    let asking = Asking { day_off: true, ..Asking::new(&scene.presentity, &bob, scene.now) };
    let decision = decide(&scene.rules, &scene.organisation, &asking);
    check(&sees(&decision), &["sip:support@example.com"], &["+1555"]);
}

#[test]
fn a_ceiling_of_everything_off_may_be_bounded_by_handling() {
    let policy = "[policy]\n[[policy.ceiling]]\nmost = \"polite-block\"\n\
                  who = { user = \"ex@example.com\" }\n";
    let scene = Scene::new().policy(policy).rules(&rule("a", "", "allow", ALL));
    assert_eq!(scene.ask("ex@example.com").handling, SubHandling::PoliteBlock);
    assert_eq!(scene.ask("bob@example.com").handling, SubHandling::Allow);
}

#[test]
fn colleagues_see_the_state_of_calls_and_attendants_pick_them_up() {
    let office = office(WORKING);
    let dialog = |decision: &Decision| decision.permissions.dialog().name();
    assert_eq!(dialog(&office.ask("bob@example.com")), "state");
    let attendant = office.ask("reception@example.com");
    assert!(attendant.is_attendant);
    assert_eq!(dialog(&attendant), "full");
    assert!(matched(&attendant).contains(&"organisation/attendant-1"));
}

#[test]
fn attendants_see_lamps_whatever_a_person_says_and_the_person_is_told() {
    for word in ["block", "confirm", "polite-block", "allow"] {
        let mut scene = office(WORKING).rules(&rule("a", "", word, ""));
        for invisible in [false, true] {
            scene.invisible = invisible;
            let decision = scene.ask("night@example.com");
            let Sight::Document(permissions) = decision.sight("dialog") else {
                panic!("{word}: {decision:?}");
            };
            assert_eq!(permissions.dialog().name(), "full");
            check(&sees(&decision), &[], &["tuple", "person", "activities"]);
            let presence = decision.sight("presence");
            assert_eq!(
                presence == Sight::Offline,
                word == "polite-block" || invisible && word == "allow"
            );
        }
        assert!(!scene.ask("bob@example.com").is_attendant);
    }
    let told = office(WORKING).organisation.attendants_of(&Aor::from_canonical(ALICE));
    assert_eq!(told, ["reception@example.com, night@example.com: full"]);
    let others = office(WORKING).organisation.attendants_of(&Aor::from_canonical("x@other.test"));
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn a_place_is_shown_only_if_a_rule_names_it_and_no_finer_than_the_organisation_says() {
    let text = |policy: &str, transformations: &str| {
        let policy = format!("[policy]\ndialog_inside = \"full\"\n{policy}");
        let rules = rule("a", "", "allow", transformations);
        sees(&Scene::new().policy(&policy).rules(&rules).ask("bob@example.com"))
    };
    let named = format!("{ALL}<f:provide-location>true</f:provide-location>");
    let by_element = format!(
        "{ALL}<pr:provide-unknown-attribute ns='urn:ietf:params:xml:ns:pidf:geopriv10' \
         name='geopriv'>true</pr:provide-unknown-attribute>"
    );
    check(&text("", ALL), &["hotel"], &["geopriv", "Ulm", "48.4"]);
    for named in [&named, &by_element] {
        check(&text("", named), &["Ulm", "Hirschstrasse", "48.4011 9.9876"], &[]);
        check(
            &text("location = { precision = \"coarse\" }", named),
            &["Ulm", "DE", ">48.4 10.0<"],
            &["Hirschstrasse", "48.4011", "9.98"],
        );
    }
    check(&text("location = { opt_in = false }", ALL), &["Hirschstrasse"], &[]);
    let hidden = "location = { opt_in = false }\n[[policy.ceiling]]\nhide = [\"location\"]\n";
    check(&text(hidden, &by_element), &["hotel"], &["geopriv", "Ulm"]);
}

#[test]
fn a_place_is_forgotten_when_its_time_is_over() {
    use std::time::Duration;
    let place = |expiry: &str| {
        let rules = match expiry {
            "" => String::new(),
            time => format!("<bp:retention-expiry>{time}</bp:retention-expiry>"),
        };
        format!(
            "<gp:geopriv><gp:location-info><ca:civicAddress><ca:A3>Ulm</ca:A3></ca:civicAddress>\
             </gp:location-info><gp:usage-rules>{rules}</gp:usage-rules></gp:geopriv>"
        )
    };
    let document = |expiry: &str| {
        presence(&format!(
            "<dm:person id='p'><r:mood><r:sad/></r:mood>{}\
             <dm:timestamp>2026-03-02T09:00:00Z</dm:timestamp></dm:person>",
            place(expiry)
        ))
    };
    let heard = at("2026-03-02T09:30:00Z");
    let hours = |count: u64| Some(Duration::from_secs(count * 3600));
    for (expiry, retain, now, kept, next) in [
        ("", None, "2030-01-01T00:00:00Z", true, None),
        ("", hours(2), "2026-03-02T10:59:59Z", true, Some("2026-03-02T11:00:00Z")),
        ("", hours(2), "2026-03-02T11:00:00Z", false, None),
        (
            "2026-03-02T10:00:00Z",
            hours(2),
            "2026-03-02T09:59:59Z",
            true,
            Some("2026-03-02T10:00:00Z"),
        ),
        ("2026-03-02T10:00:00Z", hours(2), "2026-03-02T10:00:00Z", false, None),
        ("2027-01-01T00:00:00Z", hours(2), "2026-03-02T11:00:00Z", false, None),
        ("2027-01-01T00:00:00Z", None, "2026-03-02T11:00:00Z", true, Some("2027-01-01T00:00:00Z")),
    ] {
        let mut document = document(expiry);
        let again = filter::expire(&mut document, heard, retain, at(now));
        assert_eq!(document.write().contains("Ulm"), kept, "{expiry} {now}");
        assert_eq!(again, next.map(at), "{expiry} {now}");
        assert!(document.write().contains("sad"));
    }
    // A timestamp of the future does not make a place last.
    let mut early = document("");
    let before = at("2026-03-01T00:00:00Z");
    filter::expire(&mut early, before, hours(2), at("2026-03-01T02:00:00Z"));
    assert!(!early.write().contains("Ulm"));
}

#[test]
fn nothing_is_audited_unless_the_policy_says_so() {
    let policy = Policy::read("[policy]\n").expect("a policy");
    assert!(!policy.audit.enabled && policy.location.opt_in);
    let policy = Policy::read("[policy]\n[policy.audit]\nenabled = true\n").expect("a policy");
    assert!(policy.audit.enabled);
}

#[test]
fn a_promise_that_is_not_kept_is_not_read_either() {
    for (text, word) in [
        ("[policy]\n[policy.history]\nenabled = true\n", "history"),
        ("[policy]\n[policy.audit]\nretain = \"90d\"\n", "retain"),
    ] {
        let fault = Policy::read(text).expect_err(text);
        assert!(fault.what.contains(word), "{text:?}: {fault}");
    }
}

#[test]
fn an_audit_line_names_ceilings_and_no_numbers() {
    let scene = office(EVENING).rules(&rule("a", "", "allow", ALL));
    let bob = Identity::User(Aor::from_canonical("bob@example.com"));
    let asking = Asking::new(&scene.presentity, &bob, scene.now);
    let decision = decide(&scene.rules, &scene.organisation, &asking);
    let line = Line::of(&asking, "dialog", &decision).to_string();
    assert!(line.contains("rules=index/a,organisation/day-off"), "{line}");
    assert!(line.contains("-contact:private") && line.contains("+alternate"), "{line}");
    assert!(!line.contains("support@"), "{line}");
}

#[test]
fn an_explanation_tells_every_rule_ceiling_and_condition() {
    let bob = one("sip:bob@example.com") + "<cr:sphere value='home'/>";
    let rules = rule("bob", &bob, "allow", "") + &rule("any", "", "allow", ALL);
    let scene = office(EVENING).rules(&rules);
    let watcher = Identity::User(Aor::from_canonical("bob@example.com"));
    let asking = Asking::new(&scene.presentity, &watcher, scene.now);
    let (decision, explanation) = explain(&scene.rules, &scene.organisation, &asking);
    assert_eq!(decision, scene.ask("bob@example.com"));
    let text = explanation.to_string();
    for line in [
        "bob@example.com watches alice@example.com at 2026-03-02T18:00:00Z",
        "  - rule index/bob",
        "      + watcher is bob@example.com",
        "      - sphere is home",
        "  + rule index/any",
        "  + ceiling organisation/day-off",
        "      + the person does not work",
        "        hides contact:private, activities, place, last-input, dialog:parties",
        "  = allow",
        "      +sip:support@example.com",
        "    until 2026-03-02T23:00:00Z",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
    }
    assert!(!text.contains("outsiders"), "{text}");
}

#[test]
fn a_policy_is_read_wholly_or_not_at_all_and_what_is_wrong_is_told_with_its_line() {
    for (text, line, what) in [
        ("", 1, "policy"),
        ("[policy]\n[polcy]\n", 2, "did you mean \"policy\""),
        ("[policy]\nversoin = \"1\"\n", 2, "did you mean \"version\""),
        ("[policy]\n\ndefault_inside = \"alow\"\n", 3, "did you mean \"allow\""),
        ("[policy]\ndialog_inside = \"partis\"\n", 2, "did you mean \"parties\""),
        ("[policy]\ndomains = [\n\"a.test\",\n\"sip:b\"]\n", 4, "no domain"),
        ("[policy]\n[[policy.ceiling]]\nhide = [\"mood\",\n \"activites\"]\n", 4, "\"activities\""),
        ("[policy]\n[[policy.ceiling]]\nhide = [\"contact:\"]\n", 3, "\"contact\""),
        ("[policy]\n[[policy.ceiling]]\nshow = [\"team\"]\n", 3, "alternate:team"),
        ("[policy]\n[[policy.ceiling]]\nwho = { domian = \"*\" }\n", 3, "\"domain\""),
        ("[policy]\n[[policy.ceiling]]\nwho = { group = \"sales\" }\n", 3, "no group"),
        ("[policy]\n[[policy.ceiling]]\nwhen = { off_work = \"yes\" }\n", 3, "boolean"),
        ("[policy]\n[[policy.ceiling]]\nwho = { user = 7 }\n", 3, "a text or a list of texts"),
        ("[policy]\n[[policy.attendant]]\nwho = { domain = \"a.test\" }\n", 3, "one by one"),
        ("[policy]\n[[policy.attendant]]\nof = {}\n", 2, "\"who\" is missing"),
        ("[policy]\n[[policy.hours]]\nzone = \"Berlin\"\n", 3, "Europe/Berlin"),
        ("[policy]\n[[policy.hours]]\nzone = \"UTC\"\nmonday = [\"9-17\"]\n", 4, "09:00-17:30"),
        ("[policy]\n[[policy.hours]]\nzone = \"UTC\"\nholidays = [\"25.12.\"]\n", 4, "2026-12-25"),
        (
            "[policy]\n[[policy.day_off]]\nof = {}\nfrom = \"2026-02-02\"\nuntil = \"2026-02-01\"\n",
            5,
            "before",
        ),
        ("[policy]\n[policy.location]\nprecision = \"town\"\n", 3, "coarse"),
        ("[policy]\n[policy.location]\nretain = \"90\"\n", 3, "1h30m"),
        (
            "[policy]\n[[policy.team]]\nmembers = {}\nalternate = { contact = \"team\" }\n",
            4,
            "sip:support",
        ),
        ("[policy]\nx = [\n", 2, "unclosed array"),
    ] {
        let fault = Policy::read(text).expect_err(text);
        assert!(fault.what.contains(what), "{text:?}: {fault}");
        assert_eq!(fault.line, line, "{text:?}: {fault}");
    }
}
