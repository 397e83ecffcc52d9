//! RFC 4745: conditions, and how permissions are combined.

use fanal::base::identity::Identity;
use fanal::base::uri::Uri;
use fanal::policy::{Asking, SubHandling, decide};

use super::*;

const A1: &str = "2003-12-24T17:00:00+01:00";
const A2: &str = "2003-12-24T21:00:00+01:00";
const A3: &str = "2003-12-24T23:30:00+01:00";
const B1: &str = "2003-12-22T17:00:00+01:00";
const B2: &str = "2003-12-23T17:00:00+01:00";

/// The table of §10.3. X is a boolean, Y a number, Z a set: here they are activities, the
/// handling, and the schemes of services, where o is sip, - is tel and + is mailto.
fn the_table() -> Scene {
    let row =
        |id: &str, who: &str, sphere: &str, (from, until), x: Option<bool>, y: u8, z: &str| {
            let conditions = format!(
                "{}<cr:sphere value='{sphere}'/><cr:validity><cr:from>{from}</cr:from>\
             <cr:until>{until}</cr:until></cr:validity>",
                one(&format!("sip:{who}@example.com"))
            );
            let handling = match y {
                12 => "allow",
                10 => "polite-block",
                5 => "confirm",
                _ => "block",
            };
            let scheme = match z {
                "o" => "sip",
                "-" => "tel",
                _ => "mailto",
            };
            let x = x.map(|x| format!("<pr:provide-activities>{x}</pr:provide-activities>"));
            let z = format!(
                "<pr:provide-services><pr:service-uri-scheme>{scheme}</pr:service-uri-scheme>\
             </pr:provide-services>"
            );
            rule(&format!("r{id}"), &conditions, handling, &(x.unwrap_or_default() + &z))
        };
    let rows = [
        row("1", "bob", "home", (A1, A2), Some(true), 10, "o"),
        row("2", "alice", "work", (A1, A2), Some(false), 5, "+"),
        row("3", "bob", "work", (A1, A2), Some(true), 3, "-"),
        row("4", "tom", "work", (A1, A2), Some(true), 5, "+"),
        row("5", "bob", "work", (A1, A3), None, 12, "o"),
        row("6", "bob", "work", (B1, B2), Some(false), 10, "-"),
    ];
    let mut scene = Scene::new().rules(&rows.concat()).sphere("work");
    scene.presentity = Aor::from_canonical("somebody@example.com");
    scene
}

// RFC 4745 §10.3.
#[test]
fn the_example_of_combining_gives_what_the_rfc_says() {
    let decision = the_table().at("2003-12-24T17:15:00+01:00").ask("bob@example.com");
    assert_eq!(matched(&decision), ["index/r3", "index/r5"]);
    assert_eq!(decision.handling, SubHandling::Allow);
    assert_eq!(
        decision.permissions.phrases(),
        ["services=scheme:sip,scheme:tel", "activities", "dialog=state"]
    );
    assert_eq!(decision.until, Some(at(A2)));
}

#[test]
fn the_example_goes_on_as_its_rules_run_out() {
    let scene = the_table().at(A2);
    let decision = scene.ask("bob@example.com");
    assert_eq!(matched(&decision), ["index/r5"]);
    assert_eq!(decision.permissions.phrases(), ["services=scheme:sip"]);
    assert_eq!(decision.until, Some(at(A3)));
    let decision = scene.at(A3).ask("bob@example.com");
    assert_eq!((decision.handling, decision.until), (SubHandling::Block, None));
    let before = the_table().at("2003-12-21T00:00:00Z").ask("bob@example.com");
    assert_eq!((before.handling, before.until), (SubHandling::Block, Some(at(B1))));
    let home = the_table().sphere("home").at("2003-12-24T17:15:00+01:00");
    assert_eq!(matched(&home.ask("bob@example.com")), ["index/r1"]);
    let tom = the_table().at("2003-12-24T17:15:00+01:00").ask("tom@example.com");
    assert_eq!((tom.handling, matched(&tom)), (SubHandling::Confirm, vec!["index/r4"]));
    assert_eq!(tom.permissions.phrases(), Vec::<String>::new(), "nothing before the approval");
}

/// Whether each watcher is let in by an identity.
#[track_caller]
fn lets_in(identity: &str, watchers: &[(&str, bool)]) {
    let scene = Scene::new().rules(&rule("a", identity, "allow", ""));
    for (watcher, expected) in watchers {
        let decision = match *watcher {
            "" => scene.ask_as(&Identity::Unasked),
            watcher => scene.ask(watcher),
        };
        assert_eq!(decision.handling == SubHandling::Allow, *expected, "{identity} {watcher}");
    }
}

// RFC 4745 §7.1.
#[test]
fn identities_are_one_many_and_except() {
    lets_in("", &[("bob@example.com", true), ("", true)]);
    lets_in(
        &one("sip:bob@Example.COM"),
        &[("bob@example.com", true), ("Bob@example.com", false), ("bob@example.org", false)],
    );
    lets_in(
        "<cr:identity><cr:many/></cr:identity>",
        &[("bob@x.test", true), ("", false), ("anonymous@anonymous.invalid", false)],
    );
    let many = "<cr:identity><cr:many domain='example.com'>\
                <cr:except id='sip:bob@example.com'/></cr:many></cr:identity>";
    lets_in(
        many,
        &[
            ("carol@example.com", true),
            ("bob@example.com", false),
            ("carol@sub.example.com", false),
            ("carol@example.org", false),
            ("", false),
        ],
    );
    let many = "<cr:identity><cr:many><cr:except domain='example.com'/>\
                <cr:except id='pres:joe@example.net'/></cr:many></cr:identity>";
    lets_in(
        many,
        &[("bob@example.com", false), ("joe@example.net", false), ("bob@example.net", true)],
    );
    let either = "<cr:identity><cr:one id='sip:bob@a.test'/><cr:one id='sip:carol@a.test'/>\
                  <cr:many domain='b.test'/></cr:identity>";
    lets_in(
        either,
        &[("bob@a.test", true), ("carol@a.test", true), ("x@b.test", true), ("dan@a.test", false)],
    );
}

// RFC 4745 §7: what is not understood is false.
#[test]
fn a_condition_nobody_understands_is_false_and_so_is_its_rule() {
    let x = "xmlns:x='urn:x'";
    lets_in(&format!("<x:weather {x}>rain</x:weather>"), &[("bob@a.test", false)]);
    lets_in(
        &format!("{}<x:weather {x}/>", one("sip:bob@a.test")),
        &[("bob@a.test", false), ("carol@a.test", false)],
    );
    let beside = format!("<cr:identity><cr:one id='sip:bob@a.test'/><x:family {x}/></cr:identity>");
    lets_in(&beside, &[("bob@a.test", true), ("carol@a.test", false)]);
    let inside = format!(
        "<cr:identity><cr:many><x:of-age {x}/></cr:many>\
         <cr:one id='sip:bob@a.test'><x:at-home {x}/></cr:one></cr:identity>"
    );
    lets_in(&inside, &[("bob@a.test", false), ("carol@a.test", false)]);
}

#[test]
fn an_exception_that_cannot_be_read_lets_nobody_in() {
    let many = "<cr:identity><cr:many domain='a.test'><cr:except id='boss'/></cr:many>\
                </cr:identity>";
    lets_in(many, &[("bob@a.test", false)]);
}

#[test]
fn several_identities_are_all_to_be_true() {
    let both =
        format!("<cr:identity><cr:many domain='a.test'/></cr:identity>{}", one("sip:bob@a.test"));
    lets_in(&both, &[("bob@a.test", true), ("carol@a.test", false)]);
}

// RFC 5025 §3.1.1.2.
#[test]
fn a_number_is_not_the_same_as_an_address_with_that_number() {
    lets_in(&one("tel:+15550100"), &[("+15550100@example.com", false)]);
    lets_in(&one("sip:+15550100@example.com;user=phone"), &[("+15550100@example.com", false)]);
    let scene = Scene::new().rules(&rule("a", &one("tel:+1-555-0100"), "allow", ""));
    let watcher = Identity::User(Aor::from_canonical("bob@example.com"));
    let number = [Uri::parse("tel:+15550100").expect("a URI")];
    let asking = Asking { also: &number, ..Asking::new(&scene.presentity, &watcher, scene.now) };
    let decision = decide(&scene.rules, &scene.organisation, &asking);
    assert_eq!(decision.handling, SubHandling::Allow, "RFC 3325 §9.1: both identities count");
}

#[test]
fn schemes_and_forms_of_one_address_are_one_and_ports_are_another() {
    for same in ["sip:bob@a.test", "sips:bob@a.test", "pres:bob@a.test", "sip:%62ob@A.test"] {
        lets_in(&one(same), &[("bob@a.test", true)]);
    }
    for other in
        ["sip:bob@a.test:5070", "sip:bob:pw@a.test", "bob@a.test", "sip:bob@a.test;maddr=x"]
    {
        lets_in(&one(other), &[("bob@a.test", false)]);
    }
}

// RFC 4745 §7.3.
#[test]
fn a_sphere_is_one_of_its_words_in_any_case_and_undefined_is_none() {
    let document = include_str!("documents/rfc4745-sphere.xml");
    let asked = |sphere: Option<&'static str>, watcher: &str| {
        let mut scene = Scene::new().document(document);
        scene.sphere = sphere;
        matched(&scene.ask(watcher)).first().map(|id| (*id).to_owned())
    };
    for (sphere, watcher, rule) in [
        (Some("work"), "andrew@example.com", Some("index/f3g44r2")),
        (Some("WORK"), "andrew@example.com", Some("index/f3g44r2")),
        (Some("home"), "andrew@example.com", None),
        (None, "andrew@example.com", None),
        (Some("home"), "allison@example.com", Some("index/y6y55r2")),
        (Some("home"), "john@doe.example.com", Some("index/z6y55r2")),
        (Some("work"), "john@doe.example.com", Some("index/z6y55r2")),
        (Some("home work"), "john@doe.example.com", None),
    ] {
        assert_eq!(asked(sphere, watcher).as_deref(), rule, "{sphere:?} {watcher}");
    }
}

#[test]
fn a_sphere_is_undefined_where_persons_disagree() {
    use fanal::policy::rules::sphere_of;
    let person = |id: &str, sphere: &str| {
        format!("<dm:person id='{id}'><r:sphere>{sphere}</r:sphere></dm:person>")
    };
    let sphere = |inside: &str| sphere_of(&presence(inside));
    assert_eq!(sphere(&person("a", "<r:work/>")).as_deref(), Some("work"));
    assert_eq!(sphere(&person("a", "<x:Bowling/>")).as_deref(), Some("bowling"));
    let agree = person("a", "<r:work/>") + &person("b", "Work") + "<dm:person id='c'/>";
    assert_eq!(sphere(&agree).as_deref(), Some("work"));
    assert_eq!(sphere(&(person("a", "<r:work/>") + &person("b", "<r:home/>"))), None);
    assert_eq!(sphere(&person("a", "<r:unknown/>")), None);
    assert_eq!(sphere("<dm:person id='c'/>"), None);
}

// RFC 4745 §7.4.
#[test]
fn validity_begins_at_its_first_moment_and_is_over_at_its_last() {
    let validity = "<cr:validity><cr:from>2026-03-02T09:00:00+01:00</cr:from>\
        <cr:until>2026-03-02T10:00:00+01:00</cr:until>\
        <cr:from>2026-03-02T12:00:00+01:00</cr:from>\
        <cr:until>2026-03-02T13:00:00+01:00</cr:until></cr:validity>";
    let rules = rule("a", validity, "allow", "");
    for (now, allowed, until) in [
        ("2026-03-02T07:59:59.999Z", false, Some("2026-03-02T08:00:00Z")),
        ("2026-03-02T08:00:00Z", true, Some("2026-03-02T09:00:00Z")),
        ("2026-03-02T08:59:59.999Z", true, Some("2026-03-02T09:00:00Z")),
        ("2026-03-02T09:00:00Z", false, Some("2026-03-02T11:00:00Z")),
        ("2026-03-02T11:30:00Z", true, Some("2026-03-02T12:00:00Z")),
        ("2026-03-02T12:00:00Z", false, None),
    ] {
        let decision = Scene::new().rules(&rules).at(now).ask("bob@a.test");
        assert_eq!(decision.handling == SubHandling::Allow, allowed, "{now}");
        assert_eq!(decision.until, until.map(at), "{now}");
    }
}

#[test]
fn time_is_nothing_to_somebody_who_is_not_meant() {
    let validity = "<cr:validity><cr:from>2026-01-01T00:00:00Z</cr:from>\
        <cr:until>2027-01-01T00:00:00Z</cr:until></cr:validity>";
    for conditions in
        [one("sip:bob@a.test") + validity, validity.to_owned() + &one("sip:bob@a.test")]
    {
        let scene = Scene::new().rules(&rule("a", &conditions, "allow", ""));
        assert_eq!(scene.ask("carol@a.test").until, None);
        assert!(scene.ask("bob@a.test").until.is_some());
    }
}

#[test]
fn a_rule_for_many_shows_nothing_that_it_does_not_provide() {
    let decision = Scene::new().document(include_str!("documents/rfc4745-many.xml"));
    let decision = decision.ask("bob@a.test");
    assert_eq!(matched(&decision), ["index/f3g44r5"]);
    assert_eq!(decision.handling, SubHandling::Block, "a rule that says nothing blocks");
}

#[test]
fn conditions_of_other_vocabularies_never_apply() {
    let scene = Scene::new().document(include_str!("documents/oma-default.xml"));
    let of = |watcher: &str| matched(&scene.ask(watcher)).concat();
    assert_eq!(of("nina@example.com"), "index/wp_prs_allow_own");
    assert_eq!(of("bob@example.com"), "");
}
