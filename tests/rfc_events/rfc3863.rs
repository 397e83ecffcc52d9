//! RFC 3863: presence documents as they come, and as they are sent on.

use crate::ALICE;
use crate::common::documents::{attribute, presence};
use crate::common::samples::{between, presence_of, tuple, tuples};
use crate::common::{Got, Office, Phone, Req};

/// What a watcher sees of a document that was accepted.
fn shown(document: &str) -> Got {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    office.publish(&mut alice, ALICE, "presence", document);
    office.subscribe(&mut watcher, ALICE, "presence")
}

/// The answer to a document, and what a watcher sees afterwards.
fn answered(document: &str) -> (u16, Got) {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
    let request = alice.publish(ALICE, "presence", document);
    let status = office.ask(&alice, &request).status();
    (status, office.subscribe(&mut watcher, ALICE, "presence"))
}

/// The answer to a body that is no UTF-8, and what a watcher sees afterwards.
fn answered_octets(content_type: &str, body: &[u8]) -> (Got, Got) {
    let mut office = Office::new();
    let (mut watcher, mut alice): (Phone, Phone) = (office.phone("102"), office.phone("alice"));
    let request: Req = alice
        .publish(ALICE, "presence", "")
        .with("Content-Type", content_type)
        .with("Content-Length", &body.len().to_string());
    let mut octets = request.to_text().into_bytes();
    octets.extend_from_slice(body);
    office.deliver(&alice.line, octets);
    let response = office.response_to(&alice, &request).expect("a response");
    (response, office.subscribe(&mut watcher, ALICE, "presence"))
}

/// Text as ISO-8859-1 writes it.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter).expect("a letter of Latin-1")).collect()
}

#[test]
fn pdf_01_what_is_sent_has_a_declaration_a_namespace_and_an_entity() {
    let told = shown(&presence(ALICE, "open"));

    assert!(told.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{told:?}");
    let root = between(&told.body, "<presence", ">");
    assert_eq!(attribute(root, "xmlns"), "urn:ietf:params:xml:ns:pidf");
    assert_eq!(attribute(root, "entity"), ALICE);
    assert!(told.body.trim_end().ends_with("</presence>"));
}

#[test]
fn pdf_01_tuples_come_first_then_notes_then_the_rest() {
    let inside = format!(
        "<dm:person id=\"p1\"/><note>first</note>{}<x:more/><note>second</note>{}",
        tuple("a", "open"),
        tuple("b", "closed")
    );

    let told = shown(&presence_of(ALICE, &inside));

    let place = |what: &str| told.body.find(what).unwrap_or_else(|| panic!("{what}: {told:?}"));
    let last_tuple = told.body.rfind("</tuple>").expect("tuples");
    assert!(place("<tuple") < last_tuple);
    assert!(last_tuple < place("first") && last_tuple < place("second"));
    assert!(place("first") < place("person") && place("second") < place("person"));
    assert!(place("second") < place("more"));
}

#[test]
fn pdf_02_utf_8_is_read_with_and_without_a_mark() {
    let document = presence_of(ALICE, &format!("{}<note>Grüße 你好</note>", tuple("t", "open")));
    let marked = [b"\xEF\xBB\xBF".as_slice(), document.as_bytes()].concat();

    for body in [document.as_bytes(), marked.as_slice()] {
        let (response, told) = answered_octets("application/pidf+xml", body);

        assert_eq!(response.status(), 200);
        assert!(told.body.contains("Grüße 你好"), "{told:?}");
    }
}

#[test]
fn pdf_02_utf_16_with_a_mark_is_read() {
    let document = presence_of(ALICE, &format!("{}<note>Grüße</note>", tuple("t", "open")))
        .replace("UTF-8", "UTF-16");
    let little: Vec<u8> =
        [0xFEFF].into_iter().chain(document.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        [0xFEFF].into_iter().chain(document.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    for body in [little, big] {
        let (response, told) = answered_octets("application/pidf+xml", &body);

        assert_eq!(response.status(), 200, "{response:?}");
        assert!(told.body.contains("Grüße"), "sent on as UTF-8: {told:?}");
    }
}

#[test]
fn pdf_02_latin_1_is_read_as_it_declares_itself_and_sent_on_as_utf_8() {
    let document = presence_of(ALICE, &format!("{}<note>Gr\u{fc}n</note>", tuple("t", "open")))
        .replace("UTF-8", "ISO-8859-1");

    let (response, told) = answered_octets("application/pidf+xml", &latin_1(&document));

    assert_eq!(response.status(), 200, "{response:?}");
    assert!(told.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    assert!(told.body.contains("Gr\u{fc}n"), "{told:?}");
}

#[test]
fn pdf_02_other_charsets_are_refused() {
    for charset in ["KOI8-R", "Shift_JIS", "UTF-7", "EBCDIC-CP-US", "x"] {
        let document = presence_of(ALICE, &tuple("t", "open")).replace("UTF-8", charset);
        let (response, told) = answered_octets("application/pidf+xml", document.as_bytes());
        assert!([400, 415].contains(&response.status()), "{charset}: {response:?}");
        assert!(!told.body.contains("open"), "{charset}");

        let plain = presence_of(ALICE, &tuple("t", "open"));
        let media = format!("application/pidf+xml;charset={charset}");
        let (response, _) = answered_octets(&media, plain.as_bytes());
        assert!([400, 415].contains(&response.status()), "{charset}: {response:?}");
    }
}

#[test]
fn pdf_02_the_charset_of_the_content_type_beats_the_declaration() {
    let document = presence_of(ALICE, &format!("{}<note>Gr\u{fc}n</note>", tuple("t", "open")));
    let declared = document.replace("UTF-8", "ISO-8859-1");
    let both = [
        ("application/pidf+xml;charset=\"utf-8\"", declared.into_bytes()),
        ("application/pidf+xml;charset=ISO-8859-1", latin_1(&document)),
    ];
    for (media, octets) in both {
        let (response, told) = answered_octets(media, &octets);

        assert_eq!(response.status(), 200, "{media}");
        assert!(told.body.contains("Gr\u{fc}n"), "{media}: {told:?}");
    }
}

#[test]
fn pdf_02_broken_utf_8_is_400() {
    let mut body = presence_of(ALICE, "<note>x</note>").into_bytes();
    let place = body.len() - 20;
    body[place] = 0xFF;

    let (response, _) = answered_octets("application/pidf+xml", &body);

    assert_eq!(response.status(), 400);
}

#[test]
fn pdf_03_a_prefix_is_only_a_prefix() {
    let forms = [
        "<impp:presence xmlns:impp=\"urn:ietf:params:xml:ns:pidf\" entity=\"ENTITY\">\
         <impp:tuple id=\"t\"><impp:status><impp:basic>open</impp:basic></impp:status></impp:tuple>\
         </impp:presence>",
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"ENTITY\">\
         <a:tuple xmlns:a=\"urn:ietf:params:xml:ns:pidf\" id=\"t\"><status>\
         <b:basic xmlns:b=\"urn:ietf:params:xml:ns:pidf\">open</b:basic></status></a:tuple>\
         </presence>",
        "<p:presence xmlns:p='urn:ietf:params:xml:ns:pidf' entity='ENTITY'>\
         <tuple xmlns='urn:ietf:params:xml:ns:pidf' id='t'><status><basic>open</basic></status>\
         </tuple></p:presence>",
    ];
    for form in forms {
        let told = shown(&form.replace("ENTITY", ALICE));

        assert_eq!(tuples(&told.body), [("t".to_owned(), "open".to_owned())], "{form}");
    }
}

#[test]
fn pdf_03_the_same_name_in_another_namespace_is_not_pidf() {
    let inside = "<x:tuple id=\"x\"><x:status><x:basic>open</x:basic></x:status></x:tuple>\
                  <tuple id=\"t\"><status><basic>closed</basic><x:basic>open</x:basic></status></tuple>";

    let told = shown(&presence_of(ALICE, inside));

    assert_eq!(tuples(&told.body), [("t".to_owned(), "closed".to_owned())], "{told:?}");
    let (status, told) = answered(
        "<presence xmlns=\"urn:example:other\" entity=\"sip:alice@example.com\">\
         <tuple id=\"t\"><status><basic>open</basic></status></tuple></presence>",
    );
    assert_eq!(status, 400);
    assert!(!told.body.contains("open"));
}

#[test]
fn pdf_04_a_document_without_entity_is_400() {
    let (status, told) = answered(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\">\
         <tuple id=\"t\"><status><basic>open</basic></status></tuple></presence>",
    );

    assert_eq!(status, 400);
    assert!(!told.body.contains("open"));
}

#[test]
fn pdf_04_entity_may_be_a_pres_uri() {
    for entity in ["pres:alice@example.com", "sip:alice@example.com", "sips:alice@example.com"] {
        let told = shown(&presence(entity, "open"));

        assert!(told.body.contains("<basic>open</basic>"), "{entity}");
        assert!(told.body.contains(&format!("entity=\"{ALICE}\"")), "{entity}: {told:?}");
    }
}

#[test]
fn pdf_05_two_tuples_of_one_id_are_400() {
    let inside = tuple("a", "open") + &tuple("a", "closed");

    let (status, told) = answered(&presence_of(ALICE, &inside));

    assert_eq!(status, 400);
    assert!(!told.body.contains("open"));
}

#[test]
fn pdf_05_a_tuple_that_is_sent_on_has_an_id_and_a_status() {
    let halves = [
        "<tuple id=\"a\"/>",
        "<tuple id=\"a\"><status/></tuple>",
        "<tuple><status><basic>open</basic></status></tuple>",
        "<tuple id=\"\"><status><basic>open</basic></status></tuple>",
        "<tuple id=\"1001\"><status><basic>open</basic></status></tuple>",
    ];
    for half in halves {
        let (_, told) = answered(&presence_of(ALICE, half));

        for sent in told.body.split("<tuple").skip(1) {
            let id = attribute(sent.split('>').next().expect("a tag"), "id");
            assert!(
                id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'),
                "{half}: {told:?}"
            );
            assert!(sent.contains("<status"), "{half}: {told:?}");
        }
        for id in tuples(&told.body).iter().map(|(id, _)| id) {
            assert!(!id.is_empty());
        }
    }
}

#[test]
fn pdf_06_basic_is_open_or_closed_and_nothing_else_is_sent_on() {
    for basic in ["Open", "OPEN", "Closed", "available", ""] {
        let (status, told) = answered(&presence(ALICE, basic));

        assert!([200, 400].contains(&status), "{basic}");
        for (_, sent) in tuples(&told.body) {
            assert!(["", "closed"].contains(&sent.as_str()), "{basic}: {told:?}");
        }
    }
}

#[test]
fn pdf_06_white_space_around_basic_is_tolerated() {
    let told = shown(&presence(ALICE, "\r\n   open\t"));

    assert_eq!(tuples(&told.body)[0].1, "open");
}

#[test]
fn pdf_07_a_priority_out_of_range_is_as_if_there_were_none() {
    let with = |priority: &str| {
        let inside = format!(
            "<tuple id=\"t\"><status><basic>open</basic></status>\
             <contact priority=\"{priority}\">sip:a@example.com</contact></tuple>"
        );
        shown(&presence_of(ALICE, &inside)).body
    };
    for priority in ["7", "-1", "1.5", "high", ""] {
        let body = with(priority);
        assert!(body.contains("<contact>sip:a@example.com</contact>"), "{priority}: {body}");
    }
    for priority in ["0.8", "1", "0", "0.125"] {
        let body = with(priority);
        let sent = attribute(between(&body, "<contact", ">"), "priority");
        assert_eq!(sent.parse::<f64>(), priority.parse::<f64>(), "{priority}: {body}");
    }
}

#[test]
fn pdf_08_unknown_elements_and_attributes_are_sent_on() {
    let inside = "<tuple id=\"t\" x:colour=\"red\"><status><basic>open</basic>\
                  <x:mood>bright &amp; <x:very/></x:mood></status><x:lamp kind=\"led\">on</x:lamp>\
                  </tuple><x:office floor=\"3\"><x:room>12</x:room></x:office>";

    let told = shown(&presence_of(ALICE, inside));

    assert!(told.body.contains("=\"urn:example:extension\""), "{told:?}");
    let status = between(&told.body, "<status>", "</status>");
    assert!(status.contains(":mood>bright &amp; <"), "{told:?}");
    assert!(status.contains(":very/>"), "{told:?}");
    let rest = between(&told.body, "</status>", "</tuple>");
    assert!(rest.contains(":lamp kind=\"led\">on</"), "{told:?}");
    let office = between(&told.body, "</tuple>", "</presence>");
    assert!(office.contains(":office floor=\"3\">"), "{told:?}");
    assert!(office.contains(":room>12</"), "{told:?}");
    assert_eq!(attribute(between(&told.body, "<tuple", ">"), "id"), "t");
}

#[test]
fn pdf_09_must_understand_drops_no_document() {
    let inside = "<tuple id=\"t\"><status><basic>open</basic>\
                  <x:vital xmlns:p=\"urn:ietf:params:xml:ns:pidf\" p:mustUnderstand=\"1\"/>\
                  </status></tuple>";

    let told = shown(&presence_of(ALICE, inside));

    assert_eq!(tuples(&told.body), [("t".to_owned(), "open".to_owned())]);
}

#[test]
fn pdf_10_timestamps_are_sent_as_rfc_3339_with_capitals() {
    let stamped = |stamp: &str| {
        let inside = format!(
            "<tuple id=\"t\"><status><basic>open</basic></status><timestamp>{stamp}</timestamp></tuple>"
        );
        shown(&presence_of(ALICE, &inside)).body
    };
    for stamp in ["2026-03-02T09:41:07Z", "2026-03-02T10:41:07+01:00", "2026-03-02T09:41:07.123Z"] {
        assert!(stamped(stamp).contains(&format!("<timestamp>{stamp}</timestamp>")), "{stamp}");
    }
    for odd in ["2026-03-02t09:41:07z", "yesterday", "2026-13-45T99:99:99Z", ""] {
        let body = stamped(odd);
        assert!(
            !odd.is_empty() && !body.contains(odd) || !body.contains("<timestamp></"),
            "{body}"
        );
        assert!(body.contains("<basic>open</basic>"), "{odd}");
    }
}

#[test]
fn pdf_11_notes_keep_their_languages() {
    let inside = format!(
        "{}<note xml:lang=\"en\">Out to lunch</note><note xml:lang=\"fr\">D\u{e9}jeuner</note>",
        tuple("t", "open")
    );

    let told = shown(&presence_of(ALICE, &inside));

    assert!(told.body.contains("<note xml:lang=\"en\">Out to lunch</note>"), "{told:?}");
    assert!(told.body.contains("<note xml:lang=\"fr\">D\u{e9}jeuner</note>"), "{told:?}");
}
