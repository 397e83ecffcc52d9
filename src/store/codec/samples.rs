//! Records to try the codec with.

use bytes::Bytes;

use super::*;
use crate::event::forwarding::{Forward, When};
use crate::event::status::{self, Manual, Note, Says, State};

/// One record of each kind, with every field set to something.
pub fn all() -> Vec<Record> {
    let aor = Aor::from_parts("101", "example.com");
    let until = Wall::from_unix_millis(4_000_000_000_000);
    let address = "[fe80::1%3]:5060".parse().expect("an address");
    let dialog = DialogParts {
        tag: LocalTag { home: HomeHash(7), unique: 8 },
        cseq: 9,
        remote_cseq: 10,
        target: "sip:w@192.0.2.1".to_owned(),
        route: vec!["<sip:p1;lr>".to_owned(), "<sip:p2;lr>".to_owned()],
        call_id: "c@h".to_owned(),
        local: b"<sip:101@example.com>".to_vec(),
        remote: b"\"W\xff\" <sip:w@example.com>;tag=t".to_vec(),
        remote_tag: "t".to_owned(),
    };
    let subscription = |watcher| SubscriptionRecord {
        aor: aor.clone(),
        package: "dialog".to_owned(),
        event: "dialog;id=5".to_owned(),
        media: MediaType::DialogInfo,
        profile: Profile::from_octet(19).expect("a profile"),
        entity: "sip:101@example.com".to_owned(),
        watcher,
        dialog: dialog.clone(),
        version: 11,
        until,
        flow: FlowRecord {
            transport: Transport::Tcp,
            local: ([192, 0, 2, 9], 5060).into(),
            peer: address,
        },
        origin: [192, 0, 2, 77].into(),
    };
    let asserted = Some(Aor::from_parts("w", "example.com"));
    let peer = Identity::Peer { address: [192, 0, 2, 5].into(), asserted };
    let binding = Binding {
        contact: Uri::parse("sip:101@192.0.2.3:5070;ob").expect("a URI"),
        contact_text: "<sip:101@192.0.2.3:5070;ob>;reg-id=1".to_owned(),
        call_id: "r@h".to_owned(),
        cseq: 3,
        until,
        q: Some(500),
        instance: Some("<urn:uuid:0>".to_owned()),
        flow: None,
    };
    let publication = PublicationRecord {
        aor: aor.clone(),
        number: 3,
        package: "presence".to_owned(),
        tag: EntityTag(77),
        until,
        updated: Wall::from_unix_millis(3_999_000_000_000),
        publisher: "sip:101@example.com".to_owned(),
        media: MediaType::Pidf,
        charset: Some("utf-8".to_owned()),
        body: Bytes::from_static(b"<presence/>\0\xff"),
    };
    let plain = PublicationRecord { number: 4, charset: None, ..publication.clone() };
    let manual = Manual::new(State::Dnd).with_note(Note::new("Focus").in_language("en"));
    let said = |topic: Topic, number, says| Record::Said {
        aor: aor.clone(),
        channel: topic.number(number),
        says: vec![status::Lease::new(until, "101@example.com", says).until(until)],
    };
    let mut records = vec![
        Record::Publication(publication),
        Record::Publication(plain),
        Record::Bindings { aor: aor.clone(), bindings: vec![binding.clone(), binding] },
    ];
    for watcher in [peer, Identity::Unasked, Identity::User(aor.clone())] {
        records.push(Record::Subscription(Box::new(subscription(watcher))));
    }
    records.push(said(Topic::Manual, 0, Says::Manual(manual)));
    records.push(said(Topic::Dnd, u32::MAX, Says::Dnd));
    records.push(said(Topic::Forwarding, 1, Says::Forward(Forward::off(When::Always))));
    records
}
