//! One person's desk: everything that can be said of her, and what others see of it.

use std::sync::Arc;
use std::time::Duration;

use fanal::base::identity::{Aor, EntityTag};
use fanal::base::limits;
use fanal::base::media::MediaType;
use fanal::base::mint::HomeHash;
use fanal::base::time::{Now, Wall};
use fanal::doc::dialog_info::{DialogInfo, State as CallState};
use fanal::doc::filter::Salt;
use fanal::doc::view::View;
use fanal::doc::{Element, Namespace, Presence as Document};
use fanal::event::dialog::Dialog;
use fanal::event::dnd::DndLamp;
use fanal::event::presence::Presence;
use fanal::event::status::feed::{Fact, Said};
use fanal::event::status::settings::InForce;
use fanal::event::status::{Lease, Says, Settings, compose};
use fanal::event::{Observation, Octets, PackageId, Registry, Seen, Source};
use fanal::presentity::{Kept, Offered, Presentity, PublicationKey, Slot};

/// 2026-03-02T09:41:07Z, a Monday.
pub const NOW: Wall = Wall::from_unix_millis(1_772_444_467_000);

pub struct Desk {
    registry: Registry,
    pub presentity: Presentity,
    pub now: Now,
    /// When to look again although nothing arrives.
    pub again: Option<Wall>,
    /// How often others were told something new of the person.
    pub changes: usize,
    /// What was said of the person, as far as lamps beside the extension go.
    heard: Vec<Lease>,
    tags: u128,
}

/// What others see of the person in the full document.
#[derive(PartialEq, Eq, Debug)]
pub struct Sight {
    pub availability: String,
    pub activities: Vec<String>,
    /// Of the first service.
    pub basic: Option<String>,
    pub note: Option<String>,
}

impl Desk {
    pub fn new() -> Desk {
        Desk::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Desk {
        let settings = Arc::new(InForce::new(Arc::new(settings)));
        let presence = Presence { settings, ..Presence::default() };
        let dialog = Dialog { pre_answer_max: limits::PRE_ANSWER_MAX, salt: Salt::default() };
        let registry = Registry::default().with(dialog).with(presence).with(DndLamp);
        let aor = Aor::from_parts("alice", "example.com");
        let now = Now { wall: NOW, ..Now::default() };
        let presentity = Presentity::new(aor, HomeHash(0));
        Desk { registry, presentity, now, again: None, changes: 0, heard: Vec::new(), tags: 0 }
    }

    /// Somebody says something, at this moment.
    pub fn said(&self, by: &'static str) -> Said<'static> {
        Said { by, at: self.now.wall }
    }

    /// As if it had been said so long ago.
    pub fn said_ago(&self, by: &'static str, seconds: u64) -> Said<'static> {
        Said { by, at: ago(self.now.wall, seconds) }
    }

    pub fn tell(&mut self, fact: Fact) {
        let (source, observation) = fact.observation();
        self.heard.extend(fact.says);
        self.presentity.observe(&self.registry, source, &observation, self.now);
    }

    pub fn register(&mut self, contacts: usize) {
        let seen = Observation::Registered { contacts };
        self.heard.push(Lease::new(self.now.wall, "", Says::Reachable));
        self.presentity.observe(&self.registry, Source::Registration, &seen, self.now);
    }

    /// Publishes a document for the first time.
    pub fn publish(&mut self, package: &str, publisher: &str, body: &str) -> PublicationKey {
        self.tags += 1;
        let package = self.package(package);
        let media = match self.registry.package(package).name() {
            "dialog" => MediaType::DialogInfo,
            _ => MediaType::Pidf,
        };
        let offered = Offered {
            tag: EntityTag(self.tags),
            expires: Duration::from_secs(3600),
            body: Some(Octets { media: &media, charset: None, body: body.as_bytes() }),
            publisher,
            publications_max: 64,
        };
        let kept = self.presentity.put(&self.registry, self.now, package, Slot::Initial, offered);
        match kept.expect("a document that is read") {
            Kept::Body(key) => key,
            other => panic!("{other:?}"),
        }
    }

    /// Publishes another document in place of one of presence.
    pub fn modify(&mut self, key: PublicationKey, body: &str) {
        self.tags += 1;
        let offered = Offered {
            tag: EntityTag(self.tags),
            expires: Duration::from_secs(3600),
            body: Some(Octets { media: &MediaType::Pidf, charset: None, body: body.as_bytes() }),
            publisher: "sip:alice@example.com",
            publications_max: 64,
        };
        let (package, slot) = (self.package("presence"), Slot::Existing(key));
        let kept = self.presentity.put(&self.registry, self.now, package, slot, offered);
        assert!(matches!(kept, Ok(Kept::Body(_))), "{kept:?}");
    }

    pub fn withdraw(&mut self, key: PublicationKey) {
        self.presentity.withdraw(&self.registry, key);
    }

    /// Calls of a PBX, by id, state and whether they are held.
    pub fn calls(&mut self, calls: &[(&str, &str, bool)]) -> PublicationKey {
        if calls.iter().any(|(_, state, _)| *state == "confirmed") {
            self.heard.push(Lease::new(self.now.wall, "", Says::Call));
        }
        let text: String = calls.iter().map(|(id, state, held)| call(id, state, *held)).collect();
        self.publish(
            "dialog",
            "pbx",
            &format!(
                "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
                 state=\"full\" entity=\"sip:alice@example.com\">{text}</dialog-info>"
            ),
        )
    }

    /// A softphone that publishes an open service, and these elements of its person.
    pub fn softphone(&mut self, person: &str) -> PublicationKey {
        self.publish("presence", "sip:alice@example.com", &softphone(person))
    }

    /// The end of a turn.
    pub fn settle(&mut self) {
        let presence = self.package("presence");
        let (mut again, mut changes) = (self.again, 0);
        self.presentity.settle(
            &self.registry,
            self.now,
            |_| true,
            |settled| {
                if settled.package == presence {
                    again = settled.again;
                    changes += usize::from(settled.changed);
                }
            },
        );
        self.again = again;
        self.changes += changes;
    }

    /// The lamps beside the extension are told of the status.
    pub fn follow(&mut self) {
        let (status, _) = compose(&self.heard, &Settings::default(), self.now.wall);
        let seen = Observation::Person(status.brief());
        self.presentity.observe(&self.registry, Source::Person, &seen, self.now);
        self.settle();
    }

    /// Time passes; the person is looked at whenever the agent said it would.
    pub fn pass(&mut self, seconds: u64) {
        let end = self.now.after(Duration::from_secs(seconds));
        while let Some(again) = self.again.filter(|again| *again <= end.wall) {
            self.now = self.now.after(again.since(self.now.wall));
            self.again = None;
            self.presentity.touch(self.package("presence"));
            self.settle();
        }
        self.now = end;
    }

    /// The document of a package for one view.
    pub fn document(&mut self, package: &str, view: View) -> String {
        let package = self.package(package);
        let media = &self.registry.package(package).media()[0];
        let seen = Seen::default();
        let (rendered, _) = self.presentity.rendered(&self.registry, package, view, media, seen);
        String::from_utf8(rendered.body.to_bytes(0, "sip:alice@example.com").to_vec())
            .expect("UTF-8")
    }

    /// What others see.
    pub fn sight(&mut self) -> Sight {
        Sight::of(&self.document("presence", View::Full))
    }

    /// What the lamp of the extension shows: states, `held` for those on hold.
    pub fn lamp(&mut self) -> Vec<String> {
        lamp(&self.document("dialog", View::Full))
    }

    fn package(&self, name: &str) -> PackageId {
        self.registry.stored(name).expect("a package of the desk")
    }
}

/// So many seconds before.
pub fn ago(wall: Wall, seconds: u64) -> Wall {
    Wall::from_unix_millis(wall.as_unix_millis() - seconds * 1000)
}

impl Sight {
    pub fn of(document: &str) -> Sight {
        let document = Document::read(document.as_bytes(), None).expect("our own document");
        let person = document.persons.first();
        let element = |namespace: Namespace, local: &str| -> Option<&Element> {
            person?.elements.iter().find(|element| element.is(&namespace, local))
        };
        let first = document.tuples.first().expect("a service");
        let basic = first.basic.map(|basic| basic.as_text().to_owned());
        let state = element(Namespace::Fanal, "state");
        let availability = match state.and_then(|state| state.attribute("availability")) {
            Some(word) => word.to_owned(),
            // Nobody has anything to say of the person but the services.
            None if basic.as_deref() == Some("open") => "available".to_owned(),
            None => "offline".to_owned(),
        };
        let list = element(Namespace::Rpid, "activities");
        let words = list.iter().flat_map(|list| list.elements());
        let activities = words
            .map(|word| match &*word.name.local {
                "other" => format!("other {}", word.text()),
                known => known.to_owned(),
            })
            .collect();
        let note = person.and_then(|person| person.notes.first()).map(|note| note.text.clone());
        Sight { availability, activities, basic, note }
    }
}

fn lamp(document: &str) -> Vec<String> {
    let info = DialogInfo::read(document.as_bytes(), None).expect("our own document");
    let live = info.dialogs.iter().filter(|call| call.state != CallState::Terminated);
    live.map(|call| if call.is_held() { "held" } else { call.state.as_text() }.to_owned()).collect()
}

fn call(id: &str, state: &str, held: bool) -> String {
    let hold = if held { "<param pname=\"+sip.rendering\" pval=\"no\"/>" } else { "" };
    format!(
        "<dialog id=\"{id}\" call-id=\"{id}@pbx\" local-tag=\"l\" remote-tag=\"r\" \
         direction=\"recipient\"><state>{state}</state><local>\
         <target uri=\"sip:alice@example.com\">{hold}</target></local></dialog>"
    )
}

/// The document of a softphone with an open service, and these elements of its person.
pub fn softphone(person: &str) -> String {
    format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
         xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
         xmlns:fanal=\"urn:x-fanal:presence:1\" entity=\"sip:alice@example.com\">\
         <tuple id=\"t1\"><status><basic>open</basic></status>\
         <contact>sip:alice@example.com</contact></tuple>\
         <dm:person id=\"p1\">{person}</dm:person></presence>"
    )
}
