//! Changes that a watcher may not see (RFC 5025 §4): no NOTIFY, no version, no timestamp.

use super::*;
use crate::common::documents::call;

const MEETING: &str = "<r:activities><r:meeting/></r:activities>";

fn mood(word: &str) -> String {
    format!("<r:mood><r:{word}/></r:mood>")
}

/// How many NOTIFYs a watcher of these transformations hears while moods come and go, each change
/// with a new date.
fn heard(transformations: &str) -> usize {
    let mut office = office(&rule("a", "bob@example.com", "allow", transformations), None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    let mut tag = office.publish(&mut pbx, ALICE, "presence", &person(MEETING, 1));
    watch(&mut office, &mut bob, "presence");
    let mut heard = 0;
    for second in 2..6 {
        let word = ["happy", "sad"][second as usize % 2];
        let document = person(&format!("{MEETING}{}", mood(word)), second);
        tag = office.modify(&mut pbx, ALICE, "presence", &tag, &document);
        heard += office.live(&bob, std::time::Duration::from_secs(7)).len();
    }
    heard
}

#[test]
fn a_change_is_told_to_who_may_see_it_and_to_nobody_else() {
    assert_eq!(heard(&format!("{BARE}{ACTIVITIES}")), 0);
    assert_eq!(heard(&format!("{BARE}<pr:provide-mood>true</pr:provide-mood>")), 4);
    assert_eq!(heard(&format!("{BARE}<pr:provide-all-attributes/>")), 4);
}

/// "On the phone" is written as a note, too, for phones that read no more than a line.
#[test]
fn a_note_in_words_of_the_agent_says_nothing_that_is_hidden() {
    let notes = "<pr:provide-note>true</pr:provide-note>";
    for (transformations, is_told) in
        [(format!("{BARE}{notes}"), false), (format!("{BARE}{notes}{ACTIVITIES}"), true)]
    {
        let mut office = office(&rule("a", "bob@example.com", "allow", &transformations), None);
        let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
        office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));
        let seen = watch(&mut office, &mut bob, "presence");
        assert_eq!(seen.body.contains("On the phone"), is_told, "{}", seen.body);
    }
}

#[test]
fn pru_12_a_mood_is_silent_for_who_may_not_see_moods() {
    let rules = [
        rule("a", "bob@example.com", "allow", &format!("{BARE}{ACTIVITIES}")),
        rule(
            "b",
            "carol@example.com",
            "allow",
            &format!("{BARE}{ACTIVITIES}<pr:provide-mood>true</pr:provide-mood>"),
        ),
    ];
    let mut office = office(&rules.concat(), None);
    let (mut bob, mut carol, mut pbx) = (office.phone("bob"), office.phone("carol"), office.pbx());
    let mut tag = office.publish(&mut pbx, ALICE, "presence", &person(MEETING, 1));
    let first = watch(&mut office, &mut bob, "presence");
    assert!(first.body.contains("meeting") && first.body.contains("09:00:01"), "{first:?}");
    watch(&mut office, &mut carol, "presence");
    for second in 2..8 {
        let word = ["happy", "sad"][second as usize % 2];
        let document = person(&format!("{MEETING}{}", mood(word)), second);
        tag = office.modify(&mut pbx, ALICE, "presence", &tag, &document);
        office.pass_secs(10);
        let seen = office.told(&carol);
        assert!(seen.body.contains(word), "{seen:?}");
        assert!(office.inbox(&bob).is_empty(), "a hidden change is told");
    }
    let again = refresh(&mut office, &mut bob);
    assert_eq!(again.body, first.body, "not a byte says that something was hidden");

    let document = person("<r:activities><r:vacation/></r:activities>", 20);
    office.modify(&mut pbx, ALICE, "presence", &tag, &document);
    office.pass_secs(10);
    let seen = office.told(&bob);
    assert!(seen.body.contains("vacation") && seen.body.contains("09:00:20"), "{seen:?}");
    assert!(!seen.body.contains("mood"), "{seen:?}");
}

#[test]
fn a_call_that_changes_hands_moves_no_version_for_who_sees_only_its_state() {
    let rules = rule("a", "bob@example.com", "allow", "<f:provide-dialog>state</f:provide-dialog>");
    let mut office = office(&rules, None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    let first = watch(&mut office, &mut bob, "dialog");
    assert_eq!(first.version(), 0);
    let talking = call(ALICE, "c1", "confirmed");
    let tag = office.publish(&mut pbx, ALICE, "dialog", &talking);
    assert_eq!(office.told(&bob).version(), 1);
    let other = talking.replace("sip:555@example.com", "sip:666@example.com");
    let tag = office.modify(&mut pbx, ALICE, "dialog", &tag, &other);
    office.assert_quiet(&bob, 20);
    office.withdraw(&mut pbx, ALICE, "dialog", &tag);
    let end = office.told(&bob);
    assert_eq!(end.version(), 2, "none was used for what was hidden");
    assert!(end.body.contains("terminated"));
}

#[test]
fn watchers_who_may_see_the_same_share_one_body() {
    let policy = "[policy]\n[[policy.ceiling]]\nhide = [\"mood\"]\n";
    let mut office = office("", Some(policy));
    let mut pbx = office.pbx();
    let mut phones: Vec<Phone> = (101..=110).map(|n| office.phone(&n.to_string())).collect();
    for phone in &mut phones {
        watch(&mut office, phone, "presence");
    }
    let before = office.shard.counters().bodies_serialised;
    office.publish(&mut pbx, ALICE, "presence", &person(&mood("happy"), 1));
    office.pass_secs(10);
    for phone in &phones {
        assert!(!office.told(phone).body.contains("happy"));
    }
    assert_eq!(office.shard.counters().bodies_serialised - before, 1);
}

#[test]
fn more_views_than_are_remembered_show_no_dates_and_stay_silent_too() {
    use fanal::base::limits::VIEWS_KEPT_MAX;
    let rules: String = (0..VIEWS_KEPT_MAX + 2)
        .map(|number| {
            let word = format!(
                "{BARE}<pr:provide-unknown-attribute ns='urn:x' name='n{number}'>true\
                 </pr:provide-unknown-attribute>"
            );
            rule(&format!("r{number}"), &format!("w{number}@example.com"), "allow", &word)
        })
        .collect();
    let mut office = office(&rules, None);
    let mut pbx = office.pbx();
    let tag = office.publish(&mut pbx, ALICE, "presence", &person(MEETING, 1));
    let mut dated = 0;
    let mut phones = Vec::new();
    for number in 0..VIEWS_KEPT_MAX + 2 {
        let mut phone = office.phone(&format!("w{number}"));
        dated += usize::from(watch(&mut office, &mut phone, "presence").body.contains("09:00:01"));
        phones.push(phone);
    }
    assert_eq!(dated, VIEWS_KEPT_MAX);
    office.modify(&mut pbx, ALICE, "presence", &tag, &person(&mood("sad"), 2));
    office.pass_secs(20);
    for phone in &phones {
        assert!(office.inbox(phone).is_empty(), "{}", phone.user);
    }
}
