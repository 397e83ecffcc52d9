//! Documents made to hurt: refused at once, and nothing of them is kept, shown or fetched.

use std::time::{Duration, Instant};

use crate::common::Office;
use crate::common::documents::presence;
use crate::common::samples::{presence_of, tuple};
use crate::{ALICE, LINE};

fn hostile() -> Vec<(&'static str, String)> {
    let good = presence(ALICE, "open");
    let with_type = |declaration: &str, text: &str| {
        let root = good.split_once("?>").expect("a declaration").1;
        let root = root.replace("<contact>", &format!("<note>{text}</note><contact>"));
        format!("<?xml version=\"1.0\"?>{declaration}{root}")
    };
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let nested =
        |levels: usize| presence_of(ALICE, &("<x:a>".repeat(levels) + &"</x:a>".repeat(levels)));
    let attributes: String = (0..2000).map(|n| format!(" x:a{n}=\"{n}\"")).collect();
    let long_name = "n".repeat(20_000);
    vec![
        ("a document type", with_type("<!DOCTYPE presence>", "x")),
        ("an entity", with_type("<!DOCTYPE presence [<!ENTITY e \"x\">]>", "&e;")),
        (
            "an external entity",
            with_type("<!DOCTYPE presence [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "&e;"),
        ),
        (
            "an external subset",
            with_type("<!DOCTYPE presence SYSTEM \"http://203.0.113.9/x.dtd\">", "x"),
        ),
        (
            "a parameter entity",
            with_type("<!DOCTYPE p [<!ENTITY % e SYSTEM \"http://h.example/\"> %e;]>", "x"),
        ),
        (
            "a billion laughs",
            with_type(&format!("<!DOCTYPE p [<!ENTITY l0 \"ha\">{laughs}]>"), "&l9;"),
        ),
        ("an entity nobody declared", with_type("", "&nbsp;")),
        ("a reference to no character", with_type("", "&#0;")),
        ("a reference beyond Unicode", with_type("", "&#x110000;")),
        ("40 levels", nested(40)),
        ("5,000 levels", nested(5_000)),
        ("5,000 levels left open", presence_of(ALICE, &"<x:a>".repeat(5_000))),
        ("5,000 elements", presence_of(ALICE, &"<x:a/>".repeat(5_000))),
        ("a processing instruction", presence_of(ALICE, "<?target data?>")),
        ("2,000 attributes", presence_of(ALICE, &format!("<x:a{attributes}/>"))),
        ("a name of 20,000 octets", presence_of(ALICE, &format!("<x:{long_name}/>"))),
        ("an attribute twice", presence_of(ALICE, "<x:a b=\"1\" b=\"2\"/>")),
        ("a prefix nobody declared", presence_of(ALICE, "<q:a/>")),
        ("two roots", format!("{good}{}", good.split_once("?>").expect("a declaration").1)),
        ("a null", presence_of(ALICE, "<note>\0</note>")),
        ("a CDATA section left open", presence_of(ALICE, "<note><![CDATA[</note>")),
        ("a comment left open", presence_of(ALICE, "<note><!-- </note>")),
        ("an end without a start", presence_of(ALICE, "</presence><presence>")),
    ]
}

/// How long something took outside of virtual time.
#[expect(clippy::disallowed_methods, reason = "the time real work takes is what is measured")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

#[test]
fn pdf_12_a_hostile_document_is_refused_quickly_and_leaves_nothing() {
    for (name, document) in hostile() {
        let mut office = Office::new();
        let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
        office.subscribe(&mut watcher, ALICE, "presence");
        let request = alice.publish(ALICE, "presence", &document);

        let (response, took) = timed(|| office.ask(&alice, &request));

        assert!([400, 413].contains(&response.status()), "{name}: {response:?}");
        assert!(took < Duration::from_millis(100), "{name}: {took:?}");
        assert_eq!(office.shard.publications(), 0, "{name}");
        office.assert_quiet(&watcher, 33);
        assert!(office.questions.is_empty(), "{name}: nothing is looked up");
        assert!(office.wire.is_empty(), "{name}: nothing is sent anywhere");
    }
}

#[test]
fn pdf_12_a_hostile_call_document_is_refused_alike() {
    for (name, document) in hostile() {
        let mut office = Office::new();
        let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
        office.subscribe(&mut lamp, LINE, "dialog");
        let document = document
            .replace("<presence ", "<dialog-info version=\"0\" state=\"full\" ")
            .replace("</presence>", "</dialog-info>")
            .replace("<presence>", "<dialog-info>")
            .replace("xml:ns:pidf\"", "xml:ns:dialog-info\"");
        let request = pbx.publish(LINE, "dialog", &document);

        let (response, took) = timed(|| office.ask(&pbx, &request));

        assert!([400, 413].contains(&response.status()), "{name}: {response:?}");
        assert!(took < Duration::from_millis(100), "{name}: {took:?}");
        assert_eq!(office.shard.publications(), 0, "{name}");
        office.assert_quiet(&lamp, 33);
    }
}

#[test]
fn pdf_12_what_is_merely_odd_is_read() {
    let odd = [
        presence_of(ALICE, &format!("<!-- hello -->{}", tuple("t", "open"))),
        presence_of(ALICE, &tuple("t", "<![CDATA[open]]>")),
        presence_of(ALICE, &tuple("t", "&#111;pe&#x6e;")),
    ];
    for document in odd {
        let mut office = Office::new();
        let (mut watcher, mut alice) = (office.phone("102"), office.phone("alice"));
        office.publish(&mut alice, ALICE, "presence", &document);

        let first = office.subscribe(&mut watcher, ALICE, "presence");

        assert!(first.body.contains("<basic>open</basic>"), "{document}: {first:?}");
    }
}

#[test]
fn pdf_12_a_body_beyond_the_limit_is_413_or_513() {
    let mut office = Office::new();
    let mut alice = office.tcp_phone("alice");
    let filler = "x".repeat(fanal::base::limits::BODY_OCTETS_MAX);
    let request =
        alice.publish(ALICE, "presence", &presence_of(ALICE, &format!("<note>{filler}</note>")));

    let response = office.ask(&alice, &request);

    assert!([413, 513].contains(&response.status()), "{response:?}");
    assert_eq!(office.shard.publications(), 0);
}
