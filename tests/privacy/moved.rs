//! Decisions that change while a watcher watches: by other rules, by time, by what the person does
//! (RFC 3857 §4.7.1, RFC 5025 §3.2.1, RFC 6665 §4.4.1).

use super::*;
use crate::common::documents::{call, presence};

fn handled(handling: &str) -> String {
    rule("a", "bob@example.com", handling, &format!("{BARE}{ACTIVITIES}"))
}

// RFC 5025 §3.2.1.
#[test]
fn pru_08_other_rules_move_a_live_subscription_at_once() {
    let mut office = office(&handled("confirm"), None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    let meeting = person("<r:activities><r:meeting/></r:activities>", 1);
    let tag = office.publish(&mut pbx, ALICE, "presence", &meeting);
    assert_eq!(watch(&mut office, &mut bob, "presence").substate(), "pending");
    office.assert_quiet(&bob, 30);

    replace(&mut office, &handled("allow"), None);
    let seen = office.notified(&bob);
    assert_eq!(seen.substate(), "active");
    assert!(seen.body.contains("meeting"), "the document comes with the approval: {seen:?}");

    replace(&mut office, &handled("confirm"), None);
    let seen = office.notified(&bob);
    assert_eq!((seen.substate(), &*seen.body), ("pending", ""));
    office.modify(&mut pbx, ALICE, "presence", &tag, &person("", 2));
    office.assert_quiet(&bob, 30);

    replace(&mut office, &handled("polite-block"), None);
    let seen = office.notified(&bob);
    assert_eq!((seen.substate(), seen.body.contains("closed")), ("active", true), "{seen:?}");

    replace(&mut office, &handled("block"), None);
    let seen = office.notified(&bob);
    assert_eq!((seen.substate(), seen.state_parameter("reason")), ("terminated", Some("rejected")));
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn who_is_hidden_from_while_nothing_is_known_learns_nothing_of_it() {
    let mut office = office(&rule("a", "bob@example.com", "allow", BARE), None);
    let mut bob = office.phone("bob");
    watch(&mut office, &mut bob, "presence");
    replace(&mut office, &handled("polite-block"), None);
    office.assert_quiet(&bob, 30);
    replace(&mut office, &handled("allow"), None);
    office.assert_quiet(&bob, 30);
}

#[test]
fn a_watcher_whom_the_new_rules_show_less_is_shown_less() {
    let mood = "<pr:provide-mood>true</pr:provide-mood>";
    let with = |more: &str| rule("a", "bob@example.com", "allow", &format!("{BARE}{more}"));
    let mut office = office(&with(mood), None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    office.publish(&mut pbx, ALICE, "presence", &person("<r:mood><r:happy/></r:mood>", 1));
    assert!(watch(&mut office, &mut bob, "presence").body.contains("happy"));
    replace(&mut office, &with(""), None);
    office.pass_secs(10);
    assert!(!office.told(&bob).body.contains("happy"));
    replace(&mut office, &with(mood), None);
    office.pass_secs(10);
    assert!(office.told(&bob).body.contains("happy"));
}

// RFC 4745 §7.4. The office opens at 2026-03-02T09:41:37Z.
#[test]
fn pru_06_the_end_of_a_validity_ends_what_it_allowed_at_that_moment() {
    let validity = "<identity><one id='sip:bob@example.com'/></identity><validity>\
                    <from>2026-03-02T09:00:00Z</from><until>2026-03-02T09:42:00Z</until></validity>";
    let mut office = office(&when("a", validity, "allow", BARE), None);
    let mut bob = office.phone("bob");
    assert_eq!(watch(&mut office, &mut bob, "presence").substate(), "active");
    office.assert_quiet(&bob, 22);
    office.pass_secs(1);
    let last = office.notified(&bob);
    assert_eq!((last.substate(), last.state_parameter("reason")), ("terminated", Some("rejected")));
    assert_eq!(refused(&mut office, &mut bob, "presence").status(), 403);
}

#[test]
fn pru_06_a_validity_that_begins_lets_in_who_waits() {
    let validity = "<validity><from>2026-03-02T09:42:00Z</from>\
                    <until>2026-03-02T10:00:00Z</until></validity>";
    let rules = [handled("confirm"), when("b", validity, "allow", BARE)].concat();
    let mut office = office(&rules, None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, "open"));
    assert_eq!(watch(&mut office, &mut bob, "presence").substate(), "pending");
    office.assert_quiet(&bob, 22);
    office.pass_secs(1);
    let seen = office.notified(&bob);
    assert_eq!((seen.substate(), seen.body.contains("open")), ("active", true), "{seen:?}");
}

// RFC 4745 §7.3, RFC 5025 §3.1.2.
#[test]
fn pru_05_a_sphere_opens_and_closes_what_depends_on_it() {
    let sphere = |word: &str| format!("<r:sphere><r:{word}/></r:sphere>");
    let rules = [handled("confirm"), when("b", "<sphere value='work'/>", "allow", BARE)].concat();
    let mut office = office(&rules, None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    assert_eq!(watch(&mut office, &mut bob, "presence").substate(), "pending");
    let tag = office.publish(&mut pbx, ALICE, "presence", &person(&sphere("work"), 1));
    assert_eq!(office.notified(&bob).substate(), "active");
    let other = office.publish(&mut pbx, ALICE, "presence", &person(&sphere("home"), 2));
    assert_eq!(office.notified(&bob).substate(), "pending", "devices disagree");
    office.withdraw(&mut pbx, ALICE, "presence", &other);
    assert_eq!(office.notified(&bob).substate(), "active");
    office.modify(&mut pbx, ALICE, "presence", &tag, &person(&sphere("home"), 3));
    assert_eq!(office.notified(&bob).substate(), "pending");
}

#[test]
fn a_day_off_lowers_the_ceiling_and_its_end_lifts_it() {
    let policy = "[policy]\n[[policy.ceiling]]\nname = \"day-off\"\nwhen = { off_work = true }\n\
                  hide = [\"activities\", \"dialog\"]\n";
    let mut office = office("", Some(policy));
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    watch(&mut office, &mut bob, "dialog");
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));
    assert!(office.told(&bob).body.contains("confirmed"));
    let off = person("<r:activities><r:vacation/></r:activities>", 1);
    let tag = office.publish(&mut pbx, ALICE, "presence", &off);
    office.pass_secs(5);
    assert!(!office.told(&bob).body.contains("confirmed"), "calls are nobody's business now");
    office.modify(&mut pbx, ALICE, "presence", &tag, &person("", 2));
    office.pass_secs(5);
    assert!(office.told(&bob).body.contains("confirmed"));
}

#[test]
fn working_hours_end_without_anybody_asking() {
    // 2026-03-02 is a Monday.
    let policy = "[policy]\n[[policy.hours]]\nof = { domain = \"example.com\" }\nzone = \"UTC\"\n\
                  monday = [\"09:00-09:43\"]\n[[policy.ceiling]]\nwhen = { off_work = true }\n\
                  hide = [\"mood\"]\n";
    let mut office = office("", Some(policy));
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    office.publish(&mut pbx, ALICE, "presence", &person("<r:mood><r:happy/></r:mood>", 1));
    assert!(watch(&mut office, &mut bob, "presence").body.contains("happy"));
    office.assert_quiet(&bob, 82);
    office.pass_secs(2);
    let seen = office.told(&bob);
    assert!(!seen.body.contains("happy") && seen.body.contains("open"), "{seen:?}");
}

#[test]
fn a_refresh_asks_the_rules_anew_and_tells_what_they_say() {
    let mut office = office(&handled("allow"), None);
    let mut bob = office.phone("bob");
    watch(&mut office, &mut bob, "presence");
    assert_eq!(refresh(&mut office, &mut bob).substate(), "active");
}

#[test]
fn a_restart_forgets_no_decision() {
    let validity = "<validity><from>2026-03-02T09:00:00Z</from>\
                    <until>2026-03-02T09:45:00Z</until></validity>";
    let sphere = "<identity><one id='sip:carol@example.com'/></identity><sphere value='work'/>";
    let rules = [when("a", validity, "confirm", ""), when("b", sphere, "allow", BARE)].concat();
    let mut office = office(&rules, None);
    let (mut bob, mut carol, mut pbx) = (office.phone("bob"), office.phone("carol"), office.pbx());
    let work = person("<r:sphere><r:work/></r:sphere><r:mood><r:happy/></r:mood>", 1);
    office.publish(&mut pbx, ALICE, "presence", &work);
    assert_eq!(watch(&mut office, &mut bob, "presence").substate(), "pending");
    assert_eq!(watch(&mut office, &mut carol, "presence").substate(), "active");
    office.restart(9);
    assert!(office.inbox(&bob).is_empty(), "it waits, and knows");
    let seen = office.told(&carol);
    assert_eq!(seen.substate(), "active", "the sphere is known before anybody is judged");
    assert!(seen.body.contains("open") && !seen.body.contains("happy"), "{seen:?}");
    office.pass_secs(300);
    assert_eq!(office.told(&bob).substate(), "terminated", "so is the end of a decision");
}

#[test]
fn rules_that_are_taken_away_leave_everything_as_it_was_before_there_were_any() {
    let mut office = office(&handled("confirm"), None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    office.publish(&mut pbx, ALICE, "presence", &person("<r:mood><r:sad/></r:mood>", 1));
    watch(&mut office, &mut bob, "presence");
    let mut config = (*office.config).clone();
    config.book = None;
    office.happen(Input::Settings { config: Arc::new(config), users: Arc::default() });
    let seen = office.notified(&bob);
    assert_eq!((seen.substate(), seen.body.contains("sad")), ("active", true));
}

#[test]
fn who_is_let_in_learns_of_no_call_that_ended_before() {
    let seeing = |handling: &str| {
        rule("a", "bob@example.com", handling, "<f:provide-dialog>full</f:provide-dialog>")
    };
    for before in ["confirm", "polite-block"] {
        let mut office = office(&seeing(before), None);
        let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
        let talking = call(ALICE, "c1", "confirmed");
        let tag = office.publish(&mut pbx, ALICE, "dialog", &talking);
        watch(&mut office, &mut bob, "dialog");
        office.withdraw(&mut pbx, ALICE, "dialog", &tag);
        office.pass_secs(5);
        replace(&mut office, &seeing("allow"), None);
        office.pass_secs(5);
        for seen in office.distinct(&bob) {
            assert!(!seen.body.contains("c1"), "{before}: {seen:?}");
        }
    }
}

#[test]
fn the_sphere_of_somebody_whom_nobody_watched_is_known_to_who_comes_first() {
    let work = person("<r:sphere><r:work/></r:sphere>", 1);
    let rules = when("a", "<sphere value='work'/>", "allow", &format!("{BARE}{ACTIVITIES}"));
    let mut judged = office(&rules, None);
    let (mut bob, mut pbx) = (judged.phone("bob"), judged.pbx());
    judged.publish(&mut pbx, ALICE, "presence", &work);
    judged.pass_secs(60);
    assert_eq!(watch(&mut judged, &mut bob, "presence").substate(), "active");

    // It is known as well if there were no rules when it was said.
    let mut other = office(&rules, None);
    let mut config = (*other.config).clone();
    config.book = None;
    other.config = Arc::new(config);
    let (config, users) = (Arc::clone(&other.config), Arc::default());
    other.happen(Input::Settings { config, users });
    let (mut bob, mut pbx) = (other.phone("bob"), other.pbx());
    other.publish(&mut pbx, ALICE, "presence", &work);
    watch(&mut other, &mut bob, "dialog");
    replace(&mut other, &rules, None);
    other.pass_secs(5);
    assert!(other.inbox(&bob).is_empty(), "he may see as much as before");
    assert_eq!(other.shard.subscriptions(), 1);
}
