//! What is written of rules and watchers is valid against the published schemas.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fanal::base::time::Wall;
use fanal::doc::WatcherInfo;
use fanal::doc::rules::{PresenceRules, SubHandling};
use fanal::doc::watcher_info::Extent;
use fanal::event::winfo::{Asker, End, Reader, Watchers};

use super::{one, rule, ruleset};

#[track_caller]
fn validate(name: &str, schema: &str, document: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = format!("policy-{}-{name}.xml", std::process::id());
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    fs::write(&file, document).expect("a file for the test");
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--schema"]);
    let output = command.arg(top.join("pidf-schemas").join(schema)).arg(&file).output();
    let output = output.unwrap_or_else(|e| {
        panic!("xmllint cannot run ({e}); install it: apt-get install libxml2-utils")
    });
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\n{document}");
    let _ = fs::remove_file(file);
}

#[test]
fn rules_are_written_as_their_schemas_have_it() {
    let conditions = format!(
        "{}<cr:identity><cr:many domain='a.test'><cr:except id='sip:b@a.test'/></cr:many>\
         </cr:identity><cr:sphere value='home work'/><cr:validity>\
         <cr:from>2026-01-01T00:00:00Z</cr:from><cr:until>2027-01-01T00:00:00Z</cr:until>\
         </cr:validity><x:weather xmlns:x='urn:x'/>",
        one("sip:bob@a.test")
    );
    let transformations = "<pr:provide-services><pr:service-uri>sip:a@h</pr:service-uri>\
        <pr:class>c</pr:class></pr:provide-services><pr:provide-persons><pr:all-persons/>\
        </pr:provide-persons><pr:provide-devices><pr:deviceID>urn:x:1</pr:deviceID>\
        </pr:provide-devices><pr:provide-activities>1</pr:provide-activities>\
        <pr:provide-user-input>bare</pr:provide-user-input><pr:provide-unknown-attribute \
        ns='urn:y' name='z'>true</pr:provide-unknown-attribute><pr:provide-all-attributes/>\
        <f:provide-dialog>parties</f:provide-dialog><f:provide-until>true</f:provide-until>";
    let text = ruleset(&rule("a", &conditions, "polite-block", transformations));
    let rules = PresenceRules::read(text.as_bytes(), None).expect("rules");
    validate("rules", "pres-rules.xsd", &rules.write());
    for (name, text) in [
        ("many", include_str!("documents/rfc4745-many.xml")),
        ("sphere", include_str!("documents/rfc4745-sphere.xml")),
        ("rfc5025", include_str!("documents/rfc5025.xml")),
    ] {
        let rules = PresenceRules::read(text.as_bytes(), None).expect(name);
        validate(name, "pres-rules.xsd", &rules.write());
    }
}

#[test]
fn watchers_are_written_as_their_schema_has_it() {
    let now = Wall::from_unix_millis(1_772_444_467_000);
    let mut watchers = Watchers::default();
    let asker = |uri: &str| Asker {
        uri: uri.to_owned(),
        display: Some("<A> & \"B\"".to_owned()),
        wish: String::new(),
    };
    for (key, handling) in
        [SubHandling::Allow, SubHandling::Confirm, SubHandling::PoliteBlock].into_iter().enumerate()
    {
        let uri = ["sip:a@h", "sip:anonymous@anonymous.invalid", "not a uri"][key];
        watchers.begin(now, key as u64, asker(uri), handling, now);
    }
    watchers.fetch(now, 7, asker("tel:+1;phone-context=h"), SubHandling::Confirm);
    watchers.end(now, 0, End::Probation);
    let told = watchers.since(0, now, Reader::Owner);
    assert_eq!(told.len(), 4);
    for state in [Extent::Full, Extent::Partial] {
        let body = WatcherInfo::body(state, "presence", &told).to_bytes(3, "sip:alice@example.com");
        let text = String::from_utf8(body.to_vec()).expect("text");
        validate("watchers", "watcherinfo.xsd", &text);
        let read = WatcherInfo::read(&body, None).expect("what we write");
        assert_eq!(read.lists[0].watchers.len(), 4);
    }
}
