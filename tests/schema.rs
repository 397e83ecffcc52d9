//! Everything we write is valid against the published schemas.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fanal::base::identity::Aor;
use fanal::base::media::MediaType;
use fanal::base::time::{Now, Wall};
use fanal::doc::view::View;
use fanal::doc::{Dialog, DialogInfo, Presence as Document};
use fanal::event::presence::{Part, Presence};
use fanal::event::status::{Lease, Says};
use fanal::event::{Entry, EventPackage, Generation, Lines, Observation, Octets, Seen, Source};

#[path = "corpus/docs/mod.rs"]
mod corpus;

/// A folder of documents to be checked in one run, gone when the test ends.
struct Folder {
    path: PathBuf,
    files: Vec<PathBuf>,
}

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("schema-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder { path, files: Vec::new() }
    }

    fn put(&mut self, name: &str, document: &[u8]) {
        let file = self.path.join(format!("{}.xml", name.replace('/', "-")));
        fs::write(&file, document).expect("a file for the test");
        self.files.push(file);
    }

    /// Many files in each run: loading the schemas takes longer than checking with them.
    #[track_caller]
    fn validate(&self) {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("pidf-schemas/all.xsd");
        let mut faults = String::new();
        for files in self.files.chunks(500) {
            let mut command = Command::new("xmllint");
            command.args(["--noout", "--nonet", "--schema"]).arg(&schema).args(files);
            let output = command.output().unwrap_or_else(|e| {
                panic!("xmllint cannot run ({e}); install it: apt-get install libxml2-utils")
            });
            if !output.status.success() {
                let text = String::from_utf8_lossy(&output.stderr);
                let lines = text.lines().filter(|line| !line.ends_with(" validates"));
                faults.extend(lines.map(|line| format!("{line}\n")));
            }
        }
        assert!(faults.is_empty(), "{}", faults.get(..4000).unwrap_or(&faults));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn rewritten(kind: &str, octets: &[u8]) -> Option<Vec<u8>> {
    let entity = "sip:alice@example.com";
    match kind {
        "message-summary" | "multipart" => None,
        "dialog-info" => {
            let info = DialogInfo::read(octets, None).ok()?;
            let body = DialogInfo::body_of(info.state, info.dialogs.iter(), &info.extensions);
            Some(body.to_bytes(7, info.entity.as_deref().unwrap_or(entity)).to_vec())
        }
        _ => Some(Document::read(octets, None).ok()?.write().into_bytes()),
    }
}

#[test]
fn every_document_of_the_corpus_is_valid_when_written() {
    let mut folder = Folder::new("corpus");
    for sample in corpus::own().into_iter().chain(corpus::fetched()) {
        if let Some(document) = rewritten(&sample.kind, &sample.octets) {
            folder.put(&sample.file, &document);
        }
    }
    assert!(folder.files.len() > 35, "{} documents", folder.files.len());
    folder.validate();
}

#[test]
fn an_idle_and_an_empty_line_are_valid() {
    let mut folder = Folder::new("idle");
    let idle = DialogInfo::body([Dialog::idle()].iter());
    folder.put("idle", &idle.to_bytes(0, "sip:101@example.com"));
    folder.put("empty", &DialogInfo::body([].iter()).to_bytes(u32::MAX, "sip:101@example.com"));
    folder.put("nobody", &Document::default().body().to_bytes(0, "sip:101@example.com"));
    folder.validate();
}

/// Documents made at random of the words of all schemas, in all the wrong places.
#[test]
fn whatever_a_publisher_invents_what_we_write_is_valid() {
    let mut folder = Folder::new("random");
    let mut read = 0;
    for seed in 0..DOCUMENTS {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        for (kind, text) in [("pidf", dice.presence()), ("dialog-info", dice.dialog_info())] {
            if let Some(document) = rewritten(kind, text.as_bytes()) {
                folder.put(&format!("{kind}-{seed}"), &document);
                read += 1;
            }
        }
    }
    assert!(read > DOCUMENTS, "only {read} documents were read");
    folder.validate();
}

/// The same documents as a watcher is sent them, two at a time, beside a call and a flag.
#[test]
fn whatever_two_publishers_invent_what_a_watcher_is_sent_is_valid() {
    let mut folder = Folder::new("composed");
    let package = Presence::default();
    let now = Now { wall: Wall::from_unix_millis(1_772_444_467_000), ..Now::default() };
    let aor = Aor::from_parts("alice", "example.com");
    for seed in 0..DOCUMENTS {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        let entry = |source, part| Entry { source, publisher: "".into(), updated: now.wall, part };
        let texts = [dice.presence(), dice.presence()];
        let mut parts: Vec<Entry<Part>> = (0..)
            .zip(&texts)
            .filter_map(|(nth, text)| {
                let body = text.as_bytes();
                let octets = Octets { media: &MediaType::Pidf, charset: None, body };
                Some(entry(Source::Publication(nth), package.parse(octets, None).ok()?))
            })
            .collect();
        let said = match dice.roll(3) {
            0 => Some(Observation::Lines(Lines { confirmed: true, ringing: false })),
            1 => Some(Observation::Said(vec![Lease::new(now.wall, "pbx", Says::Dnd)])),
            _ => None,
        };
        let said = said.and_then(|seen| package.observe(&seen));
        parts.extend(said.map(|part| entry(Source::Lines, part)));
        let composed = package.compose(&aor, &parts, None, Generation(1), now);
        let body = package.serialise(
            &aor,
            &composed.document,
            View::Full,
            &MediaType::Pidf,
            Seen::default(),
        );
        folder.put(&format!("{seed}"), &body.to_bytes(0, "sip:alice@example.com"));
    }
    folder.validate();
}

const DOCUMENTS: u64 = 1000;

/// Namespaces, by prefix.
const NAMESPACES: &[(&str, &str)] = &[
    ("p", "urn:ietf:params:xml:ns:pidf"),
    ("dm", "urn:ietf:params:xml:ns:pidf:data-model"),
    ("r", "urn:ietf:params:xml:ns:pidf:rpid"),
    ("e", "urn:ietf:params:xml:ns:pidf:status:rpid"),
    ("c", "urn:ietf:params:xml:ns:pidf:cipid"),
    ("ts", "urn:ietf:params:xml:ns:pidf:timed-status"),
    ("caps", "urn:ietf:params:xml:ns:pidf:caps"),
    ("gp", "urn:ietf:params:xml:ns:pidf:geopriv10"),
    ("gbp", "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"),
    ("ca", "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"),
    ("dp", "urn:ietf:params:xml:ns:pidf:geopriv10:dataProvider"),
    ("di", "urn:ietf:params:xml:ns:dialog-info"),
    ("sa", "urn:ietf:params:xml:ns:sa-dialog-info"),
    ("w", "urn:ietf:params:xml:ns:watcherinfo"),
    ("cp", "urn:ietf:params:xml:ns:common-policy"),
    ("cc", "urn:ietf:params:xml:ns:copycontrol"),
    ("rl", "urn:ietf:params:xml:ns:resource-lists"),
    ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("f", "urn:x-fanal:presence:1"),
    ("x", "urn:example:x"),
];

const VALUES: &[&str] = &[
    "",
    " ",
    "open",
    "closed",
    "Open",
    "active",
    "idle",
    "home",
    "7",
    "-7",
    "0",
    "0.5",
    "1.5",
    "true",
    "no",
    "DE",
    "en",
    "en_US",
    "a",
    "1000",
    "preserve",
    "2026-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "yesterday",
    "sip:a@example.com",
    "a@example.com:5060",
    "sip:100%@example.com",
    "http://example.com/a b#c#d",
    "&lt;&amp;&gt;&quot;'",
    "caf\u{e9} \u{1F3D6}",
    "&#9;&#10;&#13;",
    "early",
    "confirmed",
    "terminated",
    "recipient",
    "timeout",
    "486",
    "application/sdp",
    "p:presence",
    "busy",
    "on-the-phone",
];

const ATTRIBUTES: &[&str] = &[
    "id",
    "from",
    "until",
    "idle-threshold",
    "last-input",
    "description",
    "priority",
    "value",
    "minvalue",
    "maxvalue",
    "uri",
    "display-name",
    "display",
    "pname",
    "pval",
    "pvalue",
    "call-id",
    "local-tag",
    "remote-tag",
    "direction",
    "event",
    "code",
    "type",
    "xml:lang",
    "xml:id",
    "xml:space",
    "xml:base",
    "p:mustUnderstand",
    "xsi:type",
    "xsi:nil",
    "x:y",
    "r:y",
    "cc:copyControl",
    "other",
];

/// A generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    fn presence(&mut self) -> String {
        let inside = self.children(&["tuple", "note", "person", "device", "activities"], 0);
        let entity = self.pick(ENTITIES);
        self.root("p:presence", &format!(" entity='{entity}'"), &inside)
    }

    fn dialog_info(&mut self) -> String {
        let mut inside = String::new();
        for n in 0..self.roll(3) {
            let attributes = self.attributes(&["id"]);
            let around = self.children(&["local", "remote", "duration", "replaces"], 1);
            inside.push_str(&format!(
                "<di:dialog id='{n}'{attributes}>{around}<di:state{}>early</di:state>{}</di:dialog>",
                self.attributes(&[]),
                self.children(&["local", "remote", "route-set", "referred-by"], 1),
            ));
        }
        inside.push_str(&self.children(&[], 1));
        self.root("di:dialog-info", " version='1' state='full'", &inside)
    }

    fn root(&mut self, name: &str, attributes: &str, inside: &str) -> String {
        let declared = NAMESPACES.iter().map(|(p, uri)| format!(" xmlns:{p}='{uri}'"));
        format!("<{name}{}{attributes}>{inside}</{name}>", declared.collect::<String>())
    }

    /// Elements with names from the schemas; those given come more often than others.
    fn children(&mut self, often: &[&str], depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.roll(5) {
            if self.roll(4) == 0 {
                text.push_str(self.pick(VALUES));
            }
            text.push_str(&self.element(often, depth));
        }
        text
    }

    fn element(&mut self, often: &[&str], depth: usize) -> String {
        let words = words();
        let (namespace, local) = match (often.is_empty() || self.roll(3) == 0, self.roll(4)) {
            (true, _) => self.pick(words),
            (false, _) => {
                let local = self.pick(often);
                let homes: Vec<_> = words.iter().filter(|(_, word)| *word == local).collect();
                *homes[self.roll(homes.len())]
            }
        };
        let namespace = match self.roll(12) {
            0 => self.pick(NAMESPACES).0,
            1 if namespace == "r" => "e",
            _ => namespace,
        };
        let name =
            if self.roll(40) == 0 { local.to_owned() } else { format!("{namespace}:{local}") };
        let attributes = self.attributes(&[]);
        let inside = match (depth, self.roll(5)) {
            (5.., _) | (_, 0) => self.pick(VALUES).to_owned(),
            _ => {
                let inner = inner(local);
                self.children(inner, depth + 1)
            }
        };
        format!("<{name}{attributes}>{inside}</{name}>")
    }

    fn attributes(&mut self, without: &[&str]) -> String {
        let mut seen: Vec<&str> = without.to_vec();
        let mut text = String::new();
        for _ in 0..self.roll(4) {
            let name = self.pick(ATTRIBUTES);
            if !seen.contains(&name) {
                seen.push(name);
                let value = self.pick(VALUES).replace('\'', "&apos;");
                text.push_str(&format!(" {name}='{value}'"));
            }
        }
        text
    }
}

const ENTITIES: &[&str] =
    &["sip:alice@example.com", "pres:alice@example.com", "alice@example.com:5060", "1 2"];

/// What usually stands inside an element.
fn inner(local: &str) -> &'static [&'static str] {
    match local {
        "tuple" => &["status", "contact", "note", "timestamp", "timed-status", "servcaps"],
        "status" => &["basic", "activities", "geopriv"],
        "person" => {
            &["activities", "mood", "sphere", "note", "timestamp", "user-input", "place-is"]
        }
        "device" => &["deviceID", "user-input", "devcaps", "geopriv", "note"],
        "activities" => &["busy", "on-the-phone", "other", "unknown", "note", "lunch", "activity"],
        "mood" => &["happy", "other", "unknown", "note"],
        "place-is" => &["audio", "video", "text", "note"],
        "audio" | "video" | "text" => &["ok", "noisy", "dark", "unknown"],
        "sphere" => &["home", "work", "unknown"],
        "privacy" => &["audio", "video", "text", "unknown", "note"],
        "relationship" => &["assistant", "other", "self", "note"],
        "servcaps" => &["methods", "audio", "description", "priority", "languages", "schemes"],
        "devcaps" => &["mobility", "description"],
        "methods" | "priority" | "languages" | "schemes" | "mobility" => {
            &["supported", "notsupported"]
        }
        "supported" | "notsupported" => {
            &["MESSAGE", "INVITE", "range", "equals", "l", "s", "fixed"]
        }
        "geopriv" => &["location-info", "usage-rules", "method", "provided-by"],
        "location-info" => &["civicAddress"],
        "usage-rules" => &["retransmission-allowed", "retention-expiry", "note-well"],
        "civicAddress" => &["country", "A1", "PLC"],
        "provided-by" => &["nena"],
        "nena" => &["DataProviderID", "TelURI", "URL"],
        "timed-status" => &["basic", "note"],
        "local" | "remote" => &["identity", "target", "session-description", "cseq"],
        "target" => &["param"],
        "route-set" => &["hop"],
        _ => &[],
    }
}

/// Names of the schemas with the prefixes of their namespaces.
fn words() -> &'static [(&'static str, &'static str)] {
    &[
        ("p", "presence"),
        ("p", "tuple"),
        ("p", "status"),
        ("p", "basic"),
        ("p", "contact"),
        ("p", "note"),
        ("p", "timestamp"),
        ("dm", "person"),
        ("dm", "device"),
        ("dm", "deviceID"),
        ("dm", "note"),
        ("dm", "timestamp"),
        ("r", "activities"),
        ("r", "activity"),
        ("r", "busy"),
        ("r", "on-the-phone"),
        ("r", "lunch"),
        ("r", "other"),
        ("r", "unknown"),
        ("r", "note"),
        ("r", "mood"),
        ("r", "happy"),
        ("r", "class"),
        ("r", "place-is"),
        ("r", "audio"),
        ("r", "video"),
        ("r", "text"),
        ("r", "ok"),
        ("r", "noisy"),
        ("r", "dark"),
        ("r", "place-type"),
        ("r", "privacy"),
        ("r", "relationship"),
        ("r", "assistant"),
        ("r", "self"),
        ("r", "service-class"),
        ("r", "postal"),
        ("r", "sphere"),
        ("r", "home"),
        ("r", "work"),
        ("r", "status-icon"),
        ("r", "time-offset"),
        ("r", "user-input"),
        ("c", "card"),
        ("c", "display-name"),
        ("c", "icon"),
        ("ts", "timed-status"),
        ("ts", "basic"),
        ("ts", "note"),
        ("caps", "servcaps"),
        ("caps", "devcaps"),
        ("caps", "audio"),
        ("caps", "description"),
        ("caps", "methods"),
        ("caps", "priority"),
        ("caps", "languages"),
        ("caps", "schemes"),
        ("caps", "mobility"),
        ("caps", "supported"),
        ("caps", "notsupported"),
        ("caps", "MESSAGE"),
        ("caps", "INVITE"),
        ("caps", "range"),
        ("caps", "equals"),
        ("caps", "l"),
        ("caps", "s"),
        ("caps", "fixed"),
        ("gp", "geopriv"),
        ("gp", "location-info"),
        ("gp", "usage-rules"),
        ("gp", "method"),
        ("gp", "provided-by"),
        ("gbp", "retransmission-allowed"),
        ("gbp", "retention-expiry"),
        ("gbp", "note-well"),
        ("ca", "civicAddress"),
        ("ca", "country"),
        ("ca", "A1"),
        ("ca", "PLC"),
        ("dp", "nena"),
        ("dp", "DataProviderID"),
        ("dp", "TelURI"),
        ("dp", "URL"),
        ("di", "dialog-info"),
        ("di", "dialog"),
        ("di", "state"),
        ("di", "duration"),
        ("di", "replaces"),
        ("di", "referred-by"),
        ("di", "route-set"),
        ("di", "hop"),
        ("di", "local"),
        ("di", "remote"),
        ("di", "identity"),
        ("di", "target"),
        ("di", "param"),
        ("di", "session-description"),
        ("di", "cseq"),
        ("sa", "appearance"),
        ("w", "watcherinfo"),
        ("w", "watcher-list"),
        ("cp", "ruleset"),
        ("cc", "x"),
        ("rl", "resource-lists"),
        ("xsi", "x"),
        ("f", "state"),
        ("f", "activity"),
        ("x", "foo"),
        ("x", "bar"),
    ]
}
