//! RFC 4479, RFC 4480, RFC 4482, RFC 5196: what is composed of several devices' rich documents.

use crate::ALICE;
use crate::common::samples::{between, presence_of, tuple, tuples};
use crate::common::{Got, Office};

/// What a watcher sees of several devices' documents, published in this order.
fn composed(documents: &[&str]) -> Got {
    let mut office = office_with(documents);
    let mut watcher = office.phone("102");
    office.subscribe(&mut watcher, ALICE, "presence")
}

fn office_with(documents: &[&str]) -> Office {
    let mut office = Office::new();
    for inside in documents {
        let mut device = office.phone("alice");
        office.publish(&mut device, ALICE, "presence", &presence_of(ALICE, inside));
        office.pass_secs(1);
    }
    office
}

/// Every id of a body, wherever it stands.
fn ids(body: &str) -> Vec<&str> {
    body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn rpi_01_ids_are_unique_over_tuples_persons_and_devices() {
    let device = "<tuple id=\"i\"><status><basic>open</basic></status></tuple>\
                  <dm:person id=\"p1\"><rpid:class>a</rpid:class></dm:person>\
                  <dm:device id=\"d1\"><dm:deviceID>urn:uuid:1</dm:deviceID></dm:device>";
    let told = composed(&[device, device]);

    let mut all = ids(&told.body);
    assert!(all.len() >= 5, "{told:?}");
    all.sort_unstable();
    let before = all.len();
    all.dedup();
    assert_eq!(all.len(), before, "{told:?}");
}

#[test]
fn rpi_02_of_two_persons_the_newest_word_counts_also_after_a_restart() {
    let person =
        |word: &str| format!("<dm:person id=\"p\"><rpid:class>{word}</rpid:class></dm:person>");
    let mut office = office_with(&[&person("old"), &person("new")]);
    let mut watcher = office.phone("102");

    let before = office.subscribe(&mut watcher, ALICE, "presence");
    office.restart(9);
    let after = office.told(&watcher);

    assert_eq!(before.body, after.body);
    assert!(before.body.contains("class>new<"), "{before:?}");
    assert!(!before.body.contains("class>old<"), "one class for one person: {before:?}");
    assert_eq!(before.body.matches("<dm:person").count(), 1, "{before:?}");
}

#[test]
fn rpi_02_activities_of_all_devices_are_kept() {
    let told = composed(&[
        "<dm:person id=\"p\"><rpid:activities><rpid:meeting/></rpid:activities></dm:person>",
        "<dm:person id=\"p\"><rpid:activities><rpid:travel/></rpid:activities></dm:person>",
    ]);

    assert!(told.body.contains("<rpid:meeting/>"), "{told:?}");
    assert!(told.body.contains("<rpid:travel/>"), "{told:?}");
}

#[test]
fn rpi_03_a_note_of_the_document_stays_a_note_of_the_document() {
    let told = composed(&[
        "<note>of the document</note><dm:person id=\"p\"><dm:note>of the person</dm:note></dm:person>",
    ]);

    let person = between(&told.body, "<dm:person", "</dm:person>");
    assert!(person.contains("of the person"), "{told:?}");
    assert!(!person.contains("of the document"), "{told:?}");
    assert!(told.body.contains("<note>of the document</note>"), "{told:?}");
}

#[test]
fn rpi_04_two_phones_of_one_address_are_two_services() {
    let service = |basic: &str| {
        format!(
            "<tuple id=\"t\"><status><basic>{basic}</basic></status>\
             <contact>{ALICE}</contact></tuple>"
        )
    };

    let told = composed(&[&service("open"), &service("closed")]);

    let mut basics: Vec<String> = tuples(&told.body).into_iter().map(|(_, basic)| basic).collect();
    basics.sort_unstable();
    assert_eq!(basics, ["closed", "open"], "{told:?}");
    assert_eq!(told.body.matches("<contact>sip:alice@example.com</contact>").count(), 2);
}

#[test]
fn rpi_05_elements_in_the_wrong_order_are_read_and_sent_in_the_right_one() {
    let told = composed(&["<note>whole</note><tuple id=\"t\"><note>one</note>\
         <timestamp>2026-03-02T09:41:07Z</timestamp><contact>sip:a@example.com</contact>\
         <status><basic>open</basic></status></tuple>"]);

    let inside = between(&told.body, "<tuple", "</tuple>");
    let place = |what: &str| inside.find(what).unwrap_or_else(|| panic!("{what}: {told:?}"));
    assert!(place("<status>") < place("<contact>"));
    assert!(place("<contact>") < place("<note>"));
    assert!(place("<note>") < place("<timestamp>"));
}

#[test]
fn rpi_05_what_devices_forget_is_forgiven() {
    let forgotten = [
        "<tuple id=\"1001\"><status><basic>open</basic></status></tuple>",
        "<tuple id=\"t\"><status><basic>open</basic></status></tuple><dm:person/>",
        "<tuple id=\"t\"><status><basic>open</basic></status><rpid:activities><rpid:away/>\
         </rpid:activities></tuple>",
        "<tuple id=\"t\"><status><basic>open</basic></status></tuple><x:tuple/>",
        "some text<tuple id=\"t\">more<status>text<basic>open</basic></status></tuple>",
    ];
    for inside in forgotten {
        let told = composed(&[inside]);

        assert_eq!(tuples(&told.body)[0].1, "open", "{inside}: {told:?}");
    }
}

#[test]
fn rpi_06_of_what_may_stand_once_one_is_sent() {
    let told =
        composed(&["<dm:person id=\"p\"><rpid:class>a</rpid:class><rpid:class>b</rpid:class>\
         <rpid:user-input>active</rpid:user-input><rpid:user-input>idle</rpid:user-input>\
         </dm:person>"]);

    assert_eq!(told.body.matches("<rpid:class>").count(), 1, "{told:?}");
    assert_eq!(told.body.matches("<rpid:user-input").count(), 1, "{told:?}");
}

#[test]
fn rpi_08_activities_nobody_knows_survive() {
    let told = composed(&["<dm:person id=\"p\"><rpid:activities><x:fishing/>\
         <rpid:other>juggling</rpid:other></rpid:activities></dm:person>"]);

    let activities = between(&told.body, "<rpid:activities>", "</rpid:activities>");
    assert!(activities.contains(":fishing/>"), "{told:?}");
    assert!(activities.contains("<rpid:other>juggling</rpid:other>"), "{told:?}");
}

#[test]
fn rpi_10_cards_and_capabilities_pass_and_nothing_is_fetched() {
    let inside = "<tuple id=\"t\"><status><basic>open</basic></status>\
         <s:servcaps xmlns:s=\"urn:ietf:params:xml:ns:pidf:caps\"><s:audio>true</s:audio>\
         </s:servcaps></tuple><dm:person id=\"p\">\
         <c:icon xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\">http://203.0.113.9/i.png</c:icon>\
         </dm:person>";
    let mut office = office_with(&[inside]);
    let mut watcher = office.phone("102");

    let told = office.subscribe(&mut watcher, ALICE, "presence");

    assert!(told.body.contains("audio>true</"), "{told:?}");
    assert!(told.body.contains("icon>http://203.0.113.9/i.png</"), "{told:?}");
    assert!(told.body.contains("urn:ietf:params:xml:ns:pidf:cipid"));
    office.pass_secs(33);
    assert!(office.questions.is_empty() && office.wire.is_empty());
}

#[test]
fn rpi_11_nothing_is_invented() {
    let told = composed(&[&tuple("t", "open")]);

    for invented in ["unknown", "person", "device", "note", "contact", "timestamp", "rpid"] {
        assert!(!told.body.contains(invented), "{invented}: {told:?}");
    }
}

#[test]
fn rpi_07_what_holds_for_a_time_is_shown_for_that_time() {
    let mut office = office_with(&["<dm:person id=\"p\"><rpid:activities \
         from=\"2026-03-02T09:41:30Z\" until=\"2026-03-02T09:42:00Z\"><rpid:meal/>\
         </rpid:activities><rpid:class>a</rpid:class></dm:person>"]);
    let mut watcher = office.phone("102");
    let before = office.subscribe(&mut watcher, ALICE, "presence");

    let told = office.live(&watcher, std::time::Duration::from_secs(60));

    let shown: Vec<bool> = [before].iter().chain(&told).map(|n| n.body.contains("meal")).collect();
    assert_eq!(shown, [false, true, false], "{told:?}");
}

#[test]
fn rpi_09_an_announcement_never_covers_the_present() {
    let mut office = office_with(&["<tuple id=\"t\"><status><basic>open</basic></status>\
         <ts:timed-status xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" \
         from=\"2026-03-02T09:41:30Z\" until=\"2026-03-02T09:42:00Z\"><ts:basic>closed</ts:basic>\
         </ts:timed-status></tuple>"]);
    let mut watcher = office.phone("102");
    let before = office.subscribe(&mut watcher, ALICE, "presence");

    let told = office.live(&watcher, std::time::Duration::from_secs(60));

    let announces = |notify: &Got| notify.body.contains("timed-status");
    let basic = |notify: &Got| tuples(&notify.body)[0].1.clone();
    assert!(announces(&before) && basic(&before) == "open", "{before:?}");
    assert_eq!(told.iter().map(basic).collect::<Vec<_>>(), ["closed", "open"]);
    assert!(!told.iter().any(announces), "{told:?}");
}
