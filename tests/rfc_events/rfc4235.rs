//! RFC 4235: the shape of a dialog-info document, and what each watcher of a lamp is sent.

use crate::LINE;
use crate::common::documents::{attribute, call, calls};
use crate::common::samples::{between, dialog, dialog_info, states};
use crate::common::{Got, Office};

fn root(notify: &Got) -> &str {
    between(&notify.body, "<dialog-info", ">")
}

#[test]
fn dli_01_the_defaults_are_an_hour_and_dialog_info() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").without("Expires");

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(response.expires(), 3600);
    assert_eq!(notify.header("Content-Type"), "application/dialog-info+xml");
    assert_eq!(attribute(root(&notify), "xmlns"), "urn:ietf:params:xml:ns:dialog-info");
}

#[test]
fn dli_01_an_accept_without_dialog_info_is_406() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").with("Accept", "application/pidf+xml");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 406);
    assert_eq!(response.header("Accept"), "application/dialog-info+xml");
    assert!(notifies.is_empty());
}

#[test]
fn dli_03_each_watcher_counts_its_own_documents_from_nought() {
    let mut office = Office::new();
    let (mut early, mut late, mut pbx) = (office.phone("102"), office.phone("103"), office.pbx());
    assert_eq!(office.subscribe(&mut early, LINE, "dialog").version(), 0);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    assert_eq!(office.notified(&early).version(), 1);

    assert_eq!(office.subscribe(&mut late, LINE, "dialog").version(), 0);
    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));
    assert_eq!(office.notified(&early).version(), 2);
    assert_eq!(office.notified(&late).version(), 1);
    assert_eq!(office.refreshed(&mut late).version(), 2);
    assert_eq!(office.refreshed(&mut early).version(), 3);
}

#[test]
fn dli_03_a_change_that_was_not_sent_does_not_count() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    // The version a publisher writes is its own; so are documents that change nothing.
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    assert_eq!(office.notified(&lamp).version(), 1);
    let numbered = call(LINE, "c1", "early").replace("version=\"0\"", "version=\"41\"");
    let tag = office.modify(&mut pbx, LINE, "dialog", &tag, &numbered);
    office.assert_quiet(&lamp, 33);

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    assert_eq!(office.notified(&lamp).version(), 2);
}

#[test]
fn dli_03_two_subscriptions_of_one_phone_count_apart() {
    let mut office = Office::new();
    let (mut one, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut one, LINE, "dialog");
    let mut other = one.clone();
    let request = other.subscribe(LINE, "dialog");
    let (_, first) = office.subscribed(&mut other, &request);
    office.answer(&other, &first, 200);
    assert_eq!(first.version(), 0);

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    let both = office.notifies(&one);
    let versions: Vec<u32> = both.iter().map(Got::version).collect();
    assert_eq!(versions, [1, 1]);
    assert_ne!(both[0].header("Call-ID"), both[1].header("Call-ID"));
}

#[test]
fn dli_04_a_refresh_is_answered_with_every_call() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut lamp, LINE, "dialog");
    let two = dialog_info(LINE, "full", &(dialog("c1", "confirmed") + &dialog("c2", "early")));
    office.publish(&mut pbx, LINE, "dialog", &two);
    office.notified(&lamp);

    let again = office.refreshed(&mut lamp);

    assert_eq!(attribute(root(&again), "state"), "full");
    let mut seen = calls(&again.body);
    seen.sort_unstable();
    let expected = [("c1", "confirmed"), ("c2", "early")];
    assert_eq!(seen, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
}

#[test]
fn dli_04_every_document_is_full() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let mut told = vec![office.subscribe(&mut lamp, LINE, "dialog")];
    let one = dialog_info(LINE, "full", &dialog("c1", "confirmed"));
    let tag = office.publish(&mut pbx, LINE, "dialog", &one);
    told.push(office.notified(&lamp));
    // Another call comes: the one that did not change is told again.
    let two = dialog_info(LINE, "full", &(dialog("c1", "confirmed") + &dialog("c2", "early")));
    office.modify(&mut pbx, LINE, "dialog", &tag, &two);
    told.push(office.notified(&lamp));
    told.push(office.unsubscribe(&mut lamp));

    assert_eq!(calls(&told[2].body).len(), 2, "{:?}", told[2]);
    assert!(told.iter().all(|notify| attribute(root(notify), "state") == "full"));
}

#[test]
fn dli_09_entity_is_the_uri_as_the_watcher_wrote_it() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let spellings = [
        "sip:101@example.com",
        "sip:101@EXAMPLE.com",
        "sip:101@example.com;user=phone",
        "sip:101@example.com:5060",
        "sip:%3101@example.com",
    ];
    let mut lamps = Vec::new();
    for uri in spellings {
        let mut lamp = office.phone("102");
        let first = office.subscribe(&mut lamp, uri, "dialog");
        assert_eq!(attribute(root(&first), "entity"), uri);
        lamps.push(lamp);
    }

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    for (lamp, uri) in lamps.iter().zip(spellings) {
        let ringing = office.notified(lamp);
        assert_eq!(attribute(root(&ringing), "entity"), uri);
        assert_eq!(states(&ringing.body), ["early"], "{uri}");
    }
}

#[test]
fn dli_09_entity_stays_over_refreshes_to_our_contact() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");
    let uri = "sip:101@example.com;user=phone";
    office.subscribe(&mut lamp, uri, "dialog");

    // The Request-URI of a refresh is our Contact, not the resource's name.
    let again = office.refreshed(&mut lamp);

    assert_eq!(attribute(root(&again), "entity"), uri);
}

#[test]
fn dli_09_an_entity_with_an_ampersand_stays_well_formed() {
    let mut office = Office::new();
    let mut lamp = office.phone("102");

    let first = office.subscribe(&mut lamp, "sip:a&b'c@example.com", "dialog");

    let entity = attribute(root(&first), "entity");
    assert_eq!(entity.replace("&apos;", "'").replace("&#39;", "'"), "sip:a&amp;b'c@example.com");
}

#[test]
fn dli_10_what_is_quoted_stays_quoted() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let inside = "<dialog id=\"c1\" call-id=\"a&quot;b&amp;c&apos;d&lt;e&gt;f@h\" local-tag=\"l&amp;t\" \
         remote-tag=\"r\" direction=\"initiator\"><state>confirmed</state>\
         <local><identity display=\"&quot;A&quot; &amp; &lt;B&gt;\">sip:101@example.com</identity>\
         <target uri=\"sip:101@192.0.2.9;a=&quot;b&quot;\"><param pname=\"+sip.rendering\" pval=\"no\"/>\
         </target></local></dialog>";
    office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", inside));

    let first = office.subscribe(&mut lamp, LINE, "dialog");

    let plain = |text: &str| {
        ["&quot;\"", "&apos;'", "&#39;'", "&lt;<", "&gt;>", "&amp;&"].iter().fold(
            text.to_owned(),
            |text, pair| {
                let (escape, letter) = pair.split_at(pair.len() - 1);
                text.replace(escape, letter)
            },
        )
    };
    let start = between(&first.body, "<dialog ", ">");
    assert!(!attribute(start, "call-id").contains('<'), "{first:?}");
    assert_eq!(plain(attribute(start, "call-id")), "a\"b&c'd<e>f@h");
    assert_eq!(attribute(start, "local-tag"), "l&amp;t");
    let identity = between(&first.body, "<identity", "</identity>");
    // The text of the RFC calls it `display`, its schema `display-name`: both are read, and what
    // is sent is valid.
    assert_eq!(plain(attribute(identity, "display-name")), "\"A\" & <B>");
    assert!(first.body.contains("pval=\"no\""), "{first:?}");
}

#[test]
fn dli_16_elements_of_other_namespaces_pass() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let inside = "<dialog id=\"c1\"><state>confirmed</state>\
         <x:appearance xmlns:x=\"urn:example:x\" n=\"2\">line</x:appearance></dialog>";
    office.publish(&mut pbx, LINE, "dialog", &dialog_info(LINE, "full", inside));

    let first = office.subscribe(&mut lamp, LINE, "dialog");

    assert!(first.body.contains("appearance"), "{first:?}");
    assert!(first.body.contains(" n=\"2\">line</"), "{first:?}");
    assert!(first.body.contains("\"urn:example:x\""), "{first:?}");
}
