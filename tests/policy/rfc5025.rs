//! RFC 5025: what becomes of subscriptions, and every transformation.

use fanal::base::identity::Identity;
use fanal::policy::{PersonRules, Sight, SubHandling, filter};

use super::*;

const DOCUMENT: &str = "\
    <tuple id='sip'><status><basic>open</basic><x:presence>pxs</x:presence></status>\
    <r:class>biz</r:class><r:service-class><r:electronic/></r:service-class>\
    <dm:deviceID>urn:device:1</dm:deviceID><r:relationship><r:self/></r:relationship>\
    <r:status-icon>http://a.test/tuple</r:status-icon><x:foo>foo1</x:foo><x:bar>bar1</x:bar>\
    <contact priority='0.8'>sip:alice@Example.com</contact><note>tuple note</note>\
    <timestamp>2026-03-02T09:00:00Z</timestamp></tuple>\
    <tuple id='mail'><status><basic>open</basic></status><r:class>friends</r:class>\
    <contact>mailto:alice@example.com</contact></tuple>\
    <tuple id='home'><status><basic>closed</basic></status>\
    <contact>tel:+1-555-0100</contact></tuple>\
    <note>presence note</note>\
    <dm:person id='p1'><r:activities until='2026-03-02T12:00:00Z'><r:meeting/></r:activities>\
    <r:class>biz</r:class><r:mood><r:happy/></r:mood><r:place-is><r:audio><r:noisy/></r:audio>\
    </r:place-is><r:place-type><x:office/></r:place-type><r:privacy><r:audio/></r:privacy>\
    <r:sphere><r:work/></r:sphere><r:status-icon>http://a.test/person</r:status-icon>\
    <r:time-offset>60</r:time-offset>\
    <r:user-input idle-threshold='600' last-input='2026-03-02T08:00:00Z' since='x' id='ui'>idle\
    </r:user-input><x:foo>foo2</x:foo><gp:geopriv><gp:location-info/><gp:usage-rules/>\
    </gp:geopriv><dm:note>person note</dm:note>\
    <dm:timestamp>2026-03-02T09:00:00Z</dm:timestamp></dm:person>\
    <dm:device id='d1'><r:user-input last-input='2026-03-02T08:00:00Z'>active</r:user-input>\
    <r:class>biz</r:class><dm:deviceID>urn:device:1</dm:deviceID><dm:note>device note</dm:note>\
    </dm:device>\
    <dm:device id='d2'><dm:deviceID>urn:uuid:48662E19-5FBF-43FC-A2FD-D23002787599</dm:deviceID>\
    </dm:device>";

/// What of [`DOCUMENT`] is shown under transformations, as it is written; idempotence on the way.
fn shown(transformations: &str) -> String {
    let scene = Scene::new().rules(&rule("a", "", "allow", transformations));
    let decision = scene.ask("bob@a.test");
    let once = filter::presence(&presence(DOCUMENT), &decision.permissions);
    assert_eq!(filter::presence(&once, &decision.permissions), once, "{transformations}");
    once.write()
}

#[track_caller]
fn shows(transformations: &str, seen: &[&str], hidden: &[&str]) {
    let text = shown(transformations);
    for text_seen in seen {
        assert!(text.contains(text_seen), "{transformations} hides {text_seen}:\n{text}");
    }
    for text_hidden in hidden {
        assert!(!text.contains(text_hidden), "{transformations} shows {text_hidden}:\n{text}");
    }
}

const EVERYONE: &str = "<pr:provide-services><pr:all-services/></pr:provide-services>\
    <pr:provide-persons><pr:all-persons/></pr:provide-persons>\
    <pr:provide-devices><pr:all-devices/></pr:provide-devices>";

// RFC 5025 §3.2.1.
#[test]
fn each_handling_gives_what_the_rfc_says() {
    for (word, handling, lamp) in [
        ("block", SubHandling::Block, Sight::Refused),
        ("confirm", SubHandling::Confirm, Sight::Pending),
        ("polite-block", SubHandling::PoliteBlock, Sight::Offline),
        ("", SubHandling::Block, Sight::Refused),
    ] {
        let scene = Scene::new().rules(&rule("a", "", word, EVERYONE));
        let decision = scene.ask("bob@a.test");
        assert_eq!(decision.handling, handling);
        assert_eq!((decision.sight("presence"), decision.sight("dialog")), (lamp, lamp));
        assert_eq!(decision.permissions.words(), Vec::<String>::new(), "{word} shows nothing");
    }
    let scene = Scene::new().rules(&rule("a", "", "allow", EVERYONE));
    let decision = scene.ask("bob@a.test");
    assert!(matches!(decision.sight("presence"), Sight::Document(_)));
    assert_eq!(decision.sight("dialog"), Sight::Offline, "default hides: no call is provided");
}

// RFC 5025 §3.2.1: compared by value; block is no veto.
#[test]
fn the_greatest_handling_counts_in_any_order() {
    let words = ["block", "confirm", "polite-block", "allow"];
    for (one_place, one_word) in words.iter().enumerate() {
        for (other_place, other_word) in words.iter().enumerate() {
            let rules = rule("a", "", one_word, "") + &rule("b", "", other_word, "");
            let decision = Scene::new().rules(&rules).ask("bob@a.test");
            assert_eq!(decision.handling.name(), words[one_place.max(other_place)]);
        }
    }
}

// RFC 5025 §7.
#[test]
fn the_example_document_gives_what_it_says() {
    let scene = Scene::new().document(include_str!("documents/rfc5025.xml"));
    let decision = scene.ask("user@example.com");
    assert_eq!(decision.handling, SubHandling::Allow);
    assert_eq!(
        decision.permissions.phrases(),
        [
            "services=scheme:mailto,scheme:sip",
            "persons=all",
            "activities",
            "user-input=bare",
            "unknown=foo of urn:vendor-specific:foo-namespace",
            "dialog=state"
        ]
    );
    let text = filter::presence(&presence(DOCUMENT), &decision.permissions).write();
    for seen in ["id=\"sip\"", "id=\"mail\"", "meeting", ">idle<"] {
        assert!(text.contains(seen), "{seen} in {text}");
    }
    for hidden in ["+1-555", "device", "note", "mood", "2026-03-02T08", "foo", "class>biz"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert_eq!(scene.ask("other@example.com").handling, SubHandling::Block);
}

// RFC 5025 §3.3.2: what is always there, and nothing else.
#[test]
fn with_everybody_chosen_and_no_attribute_only_the_bare_frame_is_shown() {
    let written = shown(EVERYONE);
    let lines: Vec<&str> = written.lines().map(str::trim).skip(2).collect();
    assert_eq!(
        lines,
        [
            "<tuple id=\"sip\"><status><basic>open</basic></status><rpid:service-class>\
             <rpid:electronic/></rpid:service-class>\
             <contact priority=\"0.8\">sip:alice@Example.com</contact>\
             <timestamp>2026-03-02T09:00:00Z</timestamp></tuple>",
            "<tuple id=\"mail\"><status><basic>open</basic></status>\
             <contact>mailto:alice@example.com</contact></tuple>",
            "<tuple id=\"home\"><status><basic>closed</basic></status>\
             <contact>tel:+1-555-0100</contact></tuple>",
            "<dm:person id=\"p1\"><dm:timestamp>2026-03-02T09:00:00Z</dm:timestamp></dm:person>",
            "<dm:device id=\"d1\"><dm:deviceID>urn:device:1</dm:deviceID></dm:device>",
            "<dm:device id=\"d2\"><dm:deviceID>urn:uuid:48662E19-5FBF-43FC-A2FD-D23002787599\
             </dm:deviceID></dm:device>",
            "</presence>",
        ]
    );
}

#[test]
fn with_nothing_provided_nothing_is_shown() {
    let text = shown("");
    for hidden in ["tuple", "person", "device", "note"] {
        assert!(!text.contains(hidden), "{text}");
    }
    assert!(text.contains("entity=\"sip:alice@example.com\""));
}

// RFC 5025 §3.3.1.1.
#[test]
fn devices_are_chosen_by_urn_class_and_id() {
    let devices = |inside: &str| format!("<pr:provide-devices>{inside}</pr:provide-devices>");
    let both = devices("<pr:deviceID>urn:device:1</pr:deviceID><pr:class>biz</pr:class>");
    shows(&both, &["id=\"d1\""], &["id=\"d2\"", "tuple", "person", "rpid:class"]);
    shows(&devices("<pr:class>biz</pr:class>"), &["id=\"d1\""], &["id=\"d2\"", "biz"]);
    let uuid = "<pr:deviceID>urn:uuid:48662e19-5fbf-43fc-a2fd-d23002787599</pr:deviceID>";
    shows(&devices(uuid), &["id=\"d2\""], &["id=\"d1\""]);
    shows(&devices("<pr:occurrence-id>d2</pr:occurrence-id>"), &["id=\"d2\""], &["id=\"d1\""]);
    shows(&devices("<pr:all-devices/>"), &["id=\"d1\"", "id=\"d2\""], &["tuple"]);
    shows(&devices(""), &[], &["dm:device"]);
    shows(&devices("<x:any xmlns:x='urn:x'/>"), &[], &["dm:device"]);
    shows(&devices("<pr:service-uri>urn:device:1</pr:service-uri>"), &[], &["dm:device"]);
}

// RFC 5025 §3.3.1.2.
#[test]
fn services_are_chosen_by_uri_scheme_class_and_id() {
    let services = |inside: &str| format!("<pr:provide-services>{inside}</pr:provide-services>");
    let schemes = "<pr:service-uri-scheme>sip</pr:service-uri-scheme>\
                   <pr:service-uri-scheme>mailto</pr:service-uri-scheme>";
    shows(&services(schemes), &["id=\"sip\"", "id=\"mail\""], &["id=\"home\"", "+1-555"]);
    let uri = "<pr:service-uri>sip:alice@example.COM</pr:service-uri>";
    shows(&services(uri), &["id=\"sip\""], &["id=\"mail\"", "id=\"home\""]);
    let number = "<pr:service-uri>tel:+15550100</pr:service-uri>";
    shows(&services(number), &["id=\"home\""], &["id=\"mail\"", "id=\"sip\""]);
    let class = "<pr:class>friends</pr:class>";
    shows(&services(class), &["id=\"mail\""], &["id=\"sip\"", "id=\"home\"", "friends"]);
    let id = "<pr:occurrence-id>home</pr:occurrence-id>";
    shows(&services(id), &["id=\"home\""], &["id=\"sip\"", "id=\"mail\""]);
}

// RFC 5025 §3.3.1.3.
#[test]
fn persons_are_chosen_by_class_and_id() {
    let persons = |inside: &str| format!("<pr:provide-persons>{inside}</pr:provide-persons>");
    shows(&persons("<pr:class>biz</pr:class>"), &["id=\"p1\""], &["biz", "tuple"]);
    shows(&persons("<pr:occurrence-id>p1</pr:occurrence-id>"), &["id=\"p1\""], &["tuple"]);
    shows(&persons("<pr:class>friends</pr:class>"), &[], &["dm:person"]);
    shows(&persons("<pr:all-persons/>"), &["id=\"p1\""], &["tuple"]);
}

// RFC 5025 §3.3.2.1 to §3.3.2.13.
#[test]
fn each_attribute_is_shown_by_its_own_permission_and_no_other() {
    let marks: &[(&str, &[&str])] = &[
        ("provide-activities", &["<rpid:activities"]),
        ("provide-class", &["<rpid:class>biz", "friends"]),
        ("provide-mood", &["happy"]),
        ("provide-place-is", &["noisy"]),
        ("provide-place-type", &["office"]),
        ("provide-privacy", &["<rpid:privacy>"]),
        ("provide-relationship", &["<rpid:self/>"]),
        ("provide-status-icon", &["a.test/tuple", "a.test/person"]),
        ("provide-sphere", &["<rpid:work/>"]),
        ("provide-time-offset", &[">60<"]),
        ("provide-note", &["tuple note", "person note", "device note", "presence note"]),
        ("provide-deviceID", &["<dm:deviceID>urn:device:1</dm:deviceID><contact"]),
    ];
    for (name, seen) in marks {
        for value in ["true", "1"] {
            let transformations = format!("{EVERYONE}<pr:{name}>{value}</pr:{name}>");
            let others = marks.iter().filter(|(other, _)| other != name);
            let hidden: Vec<&str> = others.flat_map(|(_, marks)| *marks).copied().collect();
            shows(&transformations, seen, &hidden);
        }
        let transformations = format!("{EVERYONE}<pr:{name}>false</pr:{name}>");
        shows(&transformations, &[], seen);
    }
}

// RFC 5025 §3.3.2.12, where the text says `since` for what RFC 4480 calls `last-input`.
#[test]
fn user_input_has_four_levels_and_bare_tells_no_time() {
    let level =
        |word: &str| format!("{EVERYONE}<pr:provide-user-input>{word}</pr:provide-user-input>");
    let times = ["last-input", "since", "2026-03-02T08"];
    shows(&level("false"), &[], &["user-input", "idle"]);
    shows(
        &level("bare"),
        &["<rpid:user-input>idle</rpid:user-input>", "<rpid:user-input>active</rpid:user-input>"],
        &[&times[..], &["600", "\"ui\""]].concat(),
    );
    shows(
        &level("thresholds"),
        &["<rpid:user-input idle-threshold=\"600\">idle</rpid:user-input>"],
        &times,
    );
    shows(&level("full"), &["idle-threshold=\"600\"", "last-input=\"2026-03-02T08:00:00Z\""], &[]);
    let both = level("full") + "<pr:provide-user-input>bare</pr:provide-user-input>";
    shows(&both, &["last-input"], &[]);
}

// RFC 5025 §3.3.2.14.
#[test]
fn an_unknown_attribute_needs_its_namespace_and_its_name() {
    let unknown = |ns: &str, name: &str, value: &str| {
        format!(
            "{EVERYONE}<pr:provide-unknown-attribute ns='{ns}' name='{name}'>{value}\
             </pr:provide-unknown-attribute>"
        )
    };
    shows(&unknown("urn:x", "foo", "true"), &["foo1", "foo2"], &["bar1", "pxs"]);
    shows(&unknown("urn:x", "presence", "true"), &["pxs"], &["foo1"]);
    shows(&unknown("urn:x", "foo", "false"), &[], &["foo1"]);
    shows(&unknown("urn:y", "foo", "true"), &[], &["foo1"]);
    // Not for what other permissions know.
    let rpid = "urn:ietf:params:xml:ns:pidf:rpid";
    shows(&unknown(rpid, "activities", "true"), &[], &["meeting"]);
    shows(&unknown(rpid, "user-input", "true"), &[], &["user-input"]);
    shows(&unknown("urn:ietf:params:xml:ns:pidf", "note", "true"), &[], &["note"]);
}

// RFC 5025 §3.3.2.15.
#[test]
fn all_attributes_are_all_of_what_is_chosen_and_choose_nothing() {
    let all = "<pr:provide-all-attributes/>";
    assert_eq!(shown(&format!("{EVERYONE}{all}")), presence(DOCUMENT).write());
    shows(all, &["presence note"], &["tuple", "person", "device"]);
}

// RFC 5025 §4.
#[test]
fn a_note_inside_another_attribute_comes_with_that_attribute() {
    let document = presence(
        "<dm:person id='p'><r:mood><r:note>sad today</r:note><r:sad/></r:mood></dm:person>\
         <tuple id='t'><r:service-class><r:note>by bike</r:note><r:courier/></r:service-class>\
         </tuple>",
    );
    let text = |transformations: &str| {
        let rules = rule("a", "", "allow", &format!("{EVERYONE}{transformations}"));
        let decision = Scene::new().rules(&rules).ask("bob@a.test");
        filter::presence(&document, &decision.permissions).write()
    };
    assert!(text("<pr:provide-mood>true</pr:provide-mood>").contains("sad today"));
    assert!(!text("<pr:provide-note>true</pr:provide-note>").contains("sad today"));
    assert!(!text("").contains("by bike"), "what is always shown carries no free text");
    assert!(text("<pr:provide-note>true</pr:provide-note>").contains("by bike"));
}

// RFC 5025 §3.2.1 leaves the rest to the server; RFC 5025 §9.7 counts all documents together.
#[test]
fn all_documents_of_a_person_count_together() {
    let document = |name: &str, id: &str, handling: &str| {
        let xml = ruleset(&rule(id, "", handling, ""));
        RuleSet::read_as(name, xml.as_bytes()).expect("rules")
    };
    let both = document("index", "a", "confirm").join(document("holiday", "a", "allow"));
    let scene = Scene { rules: PersonRules::Rules(both), ..Scene::new() };
    let decision = scene.ask("bob@a.test");
    assert_eq!(decision.handling, SubHandling::Allow);
    assert_eq!(matched(&decision), ["index/a", "holiday/a"]);
}

#[test]
fn rules_that_cannot_be_read_show_nothing() {
    let scene = Scene { rules: PersonRules::Unreadable, ..Scene::new() };
    let decision = scene.ask("bob@a.test");
    assert_eq!(decision.handling, SubHandling::Confirm);
    assert_eq!(decision.permissions.words(), Vec::<String>::new());
}

#[test]
fn nobody_is_hidden_from_himself() {
    let mut scene = Scene::new().rules(&rule("a", "", "block", ""));
    scene.invisible = true;
    let decision = scene.ask(ALICE);
    assert_eq!(decision.handling, SubHandling::Allow);
    assert!(decision.permissions.is_everything());
}

#[test]
fn who_wishes_to_be_seen_by_nobody_looks_politely_blocked_to_those_who_saw() {
    for (word, handling) in [
        ("allow", SubHandling::PoliteBlock),
        ("polite-block", SubHandling::PoliteBlock),
        ("confirm", SubHandling::Confirm),
        ("block", SubHandling::Block),
    ] {
        let mut scene = Scene::new().rules(&rule("a", "", word, EVERYONE));
        scene.invisible = true;
        let decision = scene.ask("bob@a.test");
        assert_eq!(decision.handling, handling);
        let polite = Scene::new().rules(&rule("a", "", handling.name(), EVERYONE));
        assert_eq!(decision, polite.ask("bob@a.test"), "nothing tells the two apart");
    }
}

#[test]
fn without_rules_the_operator_decides() {
    use fanal::policy::{Config, Rule, Rules};
    let rule = Rule {
        watcher: "*@b.test".to_owned(),
        presentity: "*".to_owned(),
        verdict: SubHandling::Confirm,
    };
    let config =
        Config { default: SubHandling::PoliteBlock, rules: vec![rule], ..Config::default() };
    let mut scene = Scene::new();
    scene.organisation = fanal::policy::Organisation::of(Rules::new(&config));
    let decision = scene.ask("bob@b.test");
    assert_eq!(
        (decision.handling, matched(&decision)),
        (SubHandling::Confirm, vec!["operator/rule-1"])
    );
    assert_eq!(scene.ask("bob@a.test").handling, SubHandling::PoliteBlock);
    assert_eq!(scene.ask_as(&Identity::Unasked).handling, SubHandling::PoliteBlock);
    assert!(Scene::new().ask("bob@a.test").permissions.is_everything());
}

/// Lamps: `provide-dialog`, for which RFC 5025 has no word.
#[test]
fn calls_are_shown_as_far_as_they_are_provided() {
    let dialog = |transformations: &str| {
        let scene = Scene::new().rules(&rule("a", "", "allow", transformations));
        scene.ask("bob@a.test").permissions.dialog().name()
    };
    assert_eq!(dialog(""), "none");
    assert_eq!(dialog("<pr:provide-mood>true</pr:provide-mood>"), "none");
    assert_eq!(dialog("<pr:provide-activities>true</pr:provide-activities>"), "state");
    assert_eq!(dialog("<f:provide-dialog>parties</f:provide-dialog>"), "parties");
    let both = "<f:provide-dialog>full</f:provide-dialog><f:provide-dialog>none</f:provide-dialog>";
    assert_eq!(dialog(both), "full");
    assert_eq!(
        dialog("<pr:provide-dialog>full</pr:provide-dialog>"),
        "none",
        "it is no word of theirs"
    );
}

#[test]
fn a_package_no_rule_speaks_of_is_shown_to_who_may_see_what_no_rule_speaks_of() {
    let sight = |transformations: &str| {
        let scene = Scene::new().rules(&rule("a", "", "allow", transformations));
        matches!(scene.ask("bob@a.test").sight("message-summary"), Sight::Document(_))
    };
    assert!(!sight(EVERYONE));
    assert!(sight("<pr:provide-all-attributes/>"));
    let without_rules = Scene::new().ask("bob@a.test");
    assert!(matches!(without_rules.sight("message-summary"), Sight::Document(_)));
}

#[test]
fn this_agents_own_words_are_shown_part_by_part() {
    let document = presence(
        "<dm:person id='p'><f:state availability='busy' manual='true' emoji='palm' \
         since='2026-01-01T00:00:00Z' until='2026-02-02T00:00:00Z'>\
         <f:activity kind='out-of-office' until='2026-03-03T00:00:00Z'/>\
         <f:alternate contact='sip:deputy@example.com' name='Deputy'/>\
         <x:other>more</x:other></f:state></dm:person>",
    );
    let text = |transformations: &str| {
        let rules = rule("a", "", "allow", &format!("{EVERYONE}{transformations}"));
        let decision = Scene::new().rules(&rules).ask("bob@a.test");
        filter::presence(&document, &decision.permissions).write()
    };
    let hidden =
        text("<pr:provide-note>true</pr:provide-note><f:provide-until>true</f:provide-until>");
    assert!(!hidden.contains("fanal:state"), "{hidden}");
    let activities = "<pr:provide-activities>true</pr:provide-activities>";
    let bare = text(&format!("{activities}<pr:provide-user-input>bare</pr:provide-user-input>"));
    assert!(bare.contains("availability=\"busy\"") && bare.contains("out-of-office"), "{bare}");
    for hidden in ["palm", "since", "2026-0", "until", "more", "manual", "eputy"] {
        assert!(!bare.contains(hidden), "{hidden} in {bare}");
    }
    let until = text(&format!("{activities}<f:provide-until>true</f:provide-until>"));
    assert!(until.contains("2026-02-02") && until.contains("2026-03-03"), "{until}");
    assert!(text("<pr:provide-all-attributes/>").contains("since=\"2026-01-01T00:00:00Z\""));
    let relations = format!("{activities}<pr:provide-relationship>true</pr:provide-relationship>");
    assert!(text(&relations).contains("sip:deputy@example.com"));
}
