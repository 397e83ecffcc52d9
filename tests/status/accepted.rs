//! What devices and servers really publish, and what the agent makes of it.

use std::fs;
use std::path::Path;

use fanal::doc::view::View;

use crate::desk::{Desk, Sight, softphone};
use crate::valid::assert_valid;

/// What others see of a person of whom one document is published.
fn seen(document: &str) -> Sight {
    let mut desk = Desk::new();
    desk.publish("presence", "alice", document);
    desk.settle();
    desk.sight()
}

/// Availability, activities and note.
fn told(sight: &Sight) -> (&str, Vec<&str>, Option<&str>) {
    let activities = sight.activities.iter().map(String::as_str).collect();
    (&sight.availability, activities, sight.note.as_deref())
}

fn presence(inside: &str) -> String {
    format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
         xmlns:im=\"urn:ietf:params:xml:ns:pidf:im\" \
         xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
         entity=\"pres:431@192.0.2.59\">{inside}</presence>"
    )
}

#[test]
fn a_snom_phone_writes_its_word_into_the_status() {
    let sight = seen(&presence(
        "<tuple id=\"000413261234\"><status><basic>open</basic><im:im>Lunch</im:im></status>\
         <note>Lunch</note></tuple>",
    ));
    assert_eq!(told(&sight), ("away", vec!["away", "meal"], Some("Lunch")));
}

#[test]
fn asterisk_rings_without_being_busy() {
    let pidf = |note: &str, basic: &str, person: &str| {
        presence(&format!(
            "<note>{note}</note><tuple id=\"1001\"><status><basic>{basic}</basic></status>\
             <contact priority=\"1\">sip:1001@example.com</contact></tuple><dm:person>{person}\
             </dm:person>"
        ))
    };
    let on_the_phone = "<rpid:activities><rpid:on-the-phone/></rpid:activities>";
    let ringing = seen(&pidf("Ringing", "open", on_the_phone));
    assert_eq!(told(&ringing), ("available", vec![], None));
    let talking = seen(&pidf("On the phone", "open", on_the_phone));
    assert_eq!(told(&talking), ("busy", vec!["on-the-phone"], Some("On the phone")));
    let held = seen(&pidf("On hold", "open", on_the_phone));
    assert_eq!(told(&held), ("busy", vec!["on-the-phone"], Some("On the phone")));
    let ready = seen(&pidf("Ready", "open", ""));
    assert_eq!(ready.availability, "available");
    let away = "<rpid:activities><rpid:away/></rpid:activities>";
    let gone = seen(&pidf("Unavailable", "closed", away));
    assert_eq!((gone.availability.as_str(), gone.basic.as_deref()), ("offline", Some("closed")));
}

#[test]
fn a_finer_word_beats_the_busy_that_servers_send_for_everything() {
    let freeswitch = |note: &str| {
        presence(&format!(
            "<tuple id='t1'><status><basic>open</basic></status></tuple><dm:person id='p1'>\
             <rpid:activities><rpid:busy/></rpid:activities><dm:note>{note}</dm:note>\
             </dm:person>"
        ))
    };
    let idle = seen(&freeswitch("Idle"));
    assert_eq!(told(&idle), ("idle", vec![], Some("Idle")));
    let dnd = seen(&freeswitch("Do Not Disturb"));
    let words = vec!["busy", "other do-not-disturb"];
    assert_eq!(told(&dnd), ("dnd", words, Some("Do not disturb")));
    let talk = seen(&freeswitch("Talk 5550100"));
    assert_eq!(told(&talk), ("busy", vec!["busy"], Some("Talk 5550100")), "no word of ours");
}

#[test]
fn words_are_left_alone_where_settings_say_so() {
    use fanal::event::status::Settings;

    let mut desk = Desk::with(Settings { read_words: false, ..Settings::default() });
    desk.softphone("<dm:note>Lunch</dm:note>");
    desk.settle();
    let sight = desk.sight();
    assert_eq!(told(&sight), ("available", vec![], Some("Lunch")));
}

#[test]
fn activities_in_a_service_are_the_persons() {
    let sight = seen(&presence(
        "<tuple id=\"0\"><status><basic>open</basic><rpid:activities><rpid:activity>on-the-phone\
         </rpid:activity></rpid:activities></status></tuple>",
    ));
    assert_eq!(told(&sight), ("busy", vec!["on-the-phone"], Some("On the phone")));
}

#[test]
fn what_bears_the_mark_of_a_hand_beats_what_devices_notice() {
    let mut desk = Desk::new();
    desk.softphone(
        "<fanal:state availability=\"away\" manual=\"true\" emoji=\"\u{1F35C}\" \
         until=\"2026-03-02T10:30:00Z\"><fanal:alternate contact=\"sip:bob@example.com\"/>\
         </fanal:state><rpid:activities><rpid:meal/></rpid:activities>\
         <rpid:user-input>active</rpid:user-input><dm:note xml:lang=\"de\">Suppe</dm:note>",
    );
    desk.settle();
    let sight = desk.sight();
    assert_eq!(told(&sight), ("away", vec!["away", "meal"], Some("\u{1F35C} Suppe")));
    let text = desk.document("presence", View::Full);
    assert!(text.contains("until=\"2026-03-02T10:30:00Z\""), "{text}");
    assert!(text.contains("sip:bob@example.com") && !text.contains("manual"), "{text}");

    desk.pass(48 * 60 + 53);
    let sight = desk.sight();
    assert_eq!(told(&sight), ("available", vec![], Some("Available")), "at half past ten");
}

#[test]
fn the_newest_hand_counts_on_whatever_device() {
    let mut desk = Desk::new();
    let hand = |word: &str| format!("<fanal:state availability=\"{word}\" manual=\"true\"/>");
    desk.softphone(&hand("dnd"));
    desk.pass(1);
    let mobile = desk.softphone(&hand("automatic"));
    desk.settle();
    assert_eq!(desk.sight().availability, "available", "automatic takes it back everywhere");
    desk.withdraw(mobile);
    desk.pass(1);
    desk.softphone(&hand("invisible"));
    desk.settle();
    assert_eq!(desk.sight().availability, "offline");
    assert_eq!(Sight::of(&desk.document("presence", View::Own)).availability, "available");
}

#[test]
fn who_says_the_same_again_has_not_said_it_now() {
    let mut desk = Desk::new();
    let dnd = "<fanal:state availability=\"dnd\" manual=\"true\"/>";
    let idle = "<rpid:user-input>idle</rpid:user-input>";
    let first = desk.softphone(&format!("{dnd}{idle}"));
    desk.settle();
    desk.pass(1800);
    let before = desk.changes;
    desk.modify(first, &softphone(&format!("{dnd}{idle}")));
    desk.settle();
    desk.pass(1799);
    assert_eq!(desk.sight().availability, "dnd");
    desk.pass(1);
    assert_eq!(desk.sight().availability, "away", "idle for an hour, and the hour is over");
    assert_eq!(desk.changes, before + 1);
}

#[test]
fn an_absence_can_be_published_with_its_dates() {
    let mut desk = Desk::new();
    desk.softphone(
        "<fanal:state availability=\"out-of-office\" manual=\"true\" \
         from=\"2026-03-02T10:00:00Z\" until=\"2026-03-06T16:00:00Z\"/>\
         <rpid:activities><rpid:vacation/></rpid:activities>",
    );
    desk.settle();
    assert_eq!(desk.sight().availability, "available");
    assert!(desk.document("presence", View::Full).contains("timed-status"));
    desk.pass(20 * 60);
    assert_eq!(desk.sight().activities, ["away", "vacation"]);
    desk.pass(5 * 86_400);
    assert_eq!(desk.sight().availability, "available");
}

#[test]
fn our_words_are_no_way_to_speak_without_a_mark() {
    let mut desk = Desk::new();
    desk.softphone("<fanal:state availability=\"invisible\"/><fanal:state availability=\"x\"/>");
    desk.settle();
    assert_eq!(desk.sight().availability, "available");
}

#[test]
fn an_announcement_of_a_service_comes_true() {
    let mut desk = Desk::new();
    let text = presence(
        "<tuple id=\"t\"><status><basic>open</basic></status>\
         <ts:timed-status xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" \
         from=\"2026-03-02T09:42:00Z\" until=\"2026-03-02T09:43:00Z\"><ts:basic>closed</ts:basic>\
         </ts:timed-status></tuple>",
    );
    desk.publish("presence", "alice", &text);
    desk.settle();
    let mut told = Vec::new();
    for seconds in [0, 52, 1, 59, 1] {
        desk.pass(seconds);
        let sight = desk.sight();
        let announced = desk.document("presence", View::Full).contains("timed-status");
        told.push((sight.availability, sight.basic.expect("said"), announced));
    }
    let open = |announced| ("available".to_owned(), "open".to_owned(), announced);
    let closed = ("offline".to_owned(), "closed".to_owned(), false);
    assert_eq!(told, [open(true), open(true), closed.clone(), closed, open(false)]);
}

#[test]
fn what_holds_for_a_time_is_told_for_that_time() {
    let mut desk = Desk::new();
    desk.softphone(
        "<rpid:activities until=\"2026-03-02T09:42:00Z\"><rpid:meeting/></rpid:activities>\
         <rpid:mood from=\"2026-03-02T09:42:00Z\"><rpid:happy/></rpid:mood>",
    );
    desk.settle();
    let sight = desk.sight();
    assert_eq!(told(&sight), ("busy", vec!["busy", "meeting"], Some("In a meeting")));
    assert!(!desk.document("presence", View::Full).contains("happy"));
    desk.pass(53);
    assert_eq!(desk.sight().availability, "available");
    assert!(desk.document("presence", View::Full).contains("<rpid:happy/>"));
}

/// What is to be seen of each file of others that may only be read where it lies.
const FETCHED: &[(&str, &str, &[&str])] = &[
    ("data-model/asterisk-pjsip-publish-rpid-0.xml", "available", &[]),
    ("rpid/asterisk-pjsip-publish-rpid-1.xml", "available", &[]),
    ("rpid/asterisk-pjsip-publish-rpid-2.xml", "busy", &["on-the-phone"]),
    ("rpid/asterisk-pjsip-publish-rpid-3.xml", "busy", &["on-the-phone"]),
    ("rpid/freeswitch-on-the-phone.xml", "busy", &["on-the-phone"]),
    ("pidf/wire-zoiper39-PUBLISH-presence.xml", "available", &[]),
    ("pidf/wire-zoiper39-PUBLISH-presence-away.xml", "busy", &["on-the-phone"]),
    ("pidf/sipxecs-presence-1.xml", "available", &[]),
    ("rpid/wire-asterisk12-NOTIFY-presence.xml", "offline", &["away"]),
];

/// The same for files of our own.
const OWN: &[(&str, &str, &[&str])] = &[
    ("rpid/wire-cisco-cucm7-NOTIFY-presence.xml", "busy", &["on-the-phone"]),
    ("cipid/wire-audiocodes-m1000b-PUBLISH-presence.xml", "busy", &["on-the-phone"]),
    ("pidf/usecallmanager-cisco-empty-activities.xml", "available", &[]),
    ("pidf/wire-linphone-desktop423-PUBLISH-presence.xml", "available", &[]),
];

fn check(name: &str, folder: &Path, expected: &[(&str, &str, &[&str])]) {
    let mut documents = Vec::new();
    for (file, availability, activities) in expected {
        let text = fs::read_to_string(folder.join(file)).expect("a document of the corpus");
        let mut desk = Desk::new();
        desk.publish("presence", "alice", &text);
        desk.settle();
        let sight = desk.sight();
        let (word, doing, _) = told(&sight);
        assert_eq!((word, &doing[..]), (*availability, *activities), "{file}");
        documents.push(desk.document("presence", View::Full));
    }
    assert_valid(name, &documents);
}

#[test]
fn what_devices_publish_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/docs");
    check("accepted", &folder, OWN);
}

#[test]
fn what_devices_publish_elsewhere_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/docs");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    check("accepted-elsewhere", &folder, FETCHED);
}

#[test]
fn our_own_document_published_again_says_the_same() {
    let mut desk = Desk::new();
    desk.softphone(
        "<rpid:activities><rpid:meeting/><rpid:other>wrap-up</rpid:other></rpid:activities>\
         <dm:note>Room 12</dm:note>",
    );
    desk.settle();
    let first = desk.sight();
    let text = desk.document("presence", View::Full);
    assert_eq!(seen(&text), first, "{text}");
    assert!(softphone("").contains("fanal"));
}
