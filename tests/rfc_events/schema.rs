//! Every document that leaves the house in a NOTIFY is valid against the published schemas.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fanal::policy::Verdict;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, presence};
use crate::common::samples::{dialog, dialog_info, presence_of, tuple};
use crate::common::{Got, Office};
use crate::{ALICE, LINE};

/// Checks bodies against the schemas; says so and does nothing where xmllint is not installed.
#[track_caller]
fn assert_valid(name: &str, bodies: &[Got]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("notify-{name}"));
    fs::create_dir_all(&folder).expect("a folder for the test");
    let files: Vec<PathBuf> = bodies
        .iter()
        .enumerate()
        .map(|(nth, got)| {
            let file = folder.join(format!("{nth}.xml"));
            fs::write(&file, &got.body).expect("a file for the test");
            file
        })
        .collect();
    assert!(!files.is_empty());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("pidf-schemas/all.xsd");
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--schema"]).arg(schema).args(&files);
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(fault) => eprintln!("skipped: xmllint cannot run ({fault})"),
    }
}

#[test]
fn pdf_01_every_presence_document_is_valid() {
    let mut office = Office::new();
    let mut watcher = office.phone("102");
    let (mut desk, mut mobile, mut pbx) =
        (office.phone("alice"), office.phone("alice"), office.pbx());
    let mut told = vec![office.subscribe(&mut watcher, ALICE, "presence")];
    let odd = format!(
        "<note>early</note>{}<dm:person id=\"p\"><rpid:class>a</rpid:class><rpid:class>b</rpid:class>\
         <rpid:activities><x:fishing/><rpid:away/></rpid:activities><dm:note>n</dm:note></dm:person>\
         <tuple id=\"1001\"><note>n</note><status><basic> open </basic><x:y/></status>\
         <contact priority=\"9\">sip:a@example.com</contact></tuple>",
        tuple("t", "open")
    );
    let rich = "<tuple id=\"t\"><status><basic>closed</basic></status></tuple>\
         <dm:person id=\"p\"><rpid:user-input idle-threshold=\"300\">idle</rpid:user-input>\
         <rpid:place-type><rpid:other>x</rpid:other></rpid:place-type></dm:person>\
         <dm:device id=\"d\"><dm:deviceID>urn:uuid:48662e19-5fbf-43fc-a2fd-d23002787599</dm:deviceID>\
         </dm:device>";
    let register = desk.register();
    assert_eq!(office.ask(&desk, &register).status(), 200);
    for nth in 0..6 {
        office.pass_secs(30);
        match nth {
            0 => drop(office.publish(&mut desk, ALICE, "presence", &presence(ALICE, "open"))),
            1 => drop(office.publish(&mut mobile, ALICE, "presence", &presence_of(ALICE, &odd))),
            2 => drop(office.publish(&mut mobile, ALICE, "presence", &presence_of(ALICE, rich))),
            3 => drop(office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "confirmed"))),
            4 => drop(office.publish(&mut desk, ALICE, "presence", &presence_of(ALICE, ""))),
            _ => drop(office.publish(&mut desk, ALICE, "presence", &presence_of(ALICE, "<x:a/>"))),
        }
        told.extend(office.notified_all(&watcher));
    }
    told.push(office.unsubscribe(&mut watcher));

    assert!(told.len() >= 6, "{}", told.len());
    assert_valid("presence", &told);
}

#[test]
fn pdf_01_what_a_blocked_or_pending_watcher_sees_is_valid_too() {
    for (name, verdict) in [("polite", Verdict::PoliteBlock), ("pending", Verdict::Confirm)] {
        let mut office = Office::with(|config| {
            config.server.auth = Authentication::Off;
            config.policy.default = verdict;
        });
        let mut watcher = office.phone("102");
        let told: Vec<Got> = ["presence", "dialog"]
            .into_iter()
            .map(|package| office.subscribe(&mut watcher, ALICE, package))
            .filter(|notify| !notify.body.is_empty())
            .collect();
        if !told.is_empty() {
            assert_valid(name, &told);
        }
    }
}

#[test]
fn dli_04_every_dialog_document_is_valid() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    let mut told = vec![office.subscribe(&mut lamp, LINE, "dialog")];
    let odd = "<dialog id=\"1001\" direction=\"recipient\"><remote><target uri=\"sip:a@b\">\
         <param pname=\"+sip.rendering\" pvalue=\"no\"/></target><identity display=\"&amp;\">\
         sip:5@b</identity></remote><state event=\"nonsense\" code=\"9999\">confirmed</state>\
         <duration>soon</duration></dialog>";
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    told.extend(office.notified_all(&lamp));
    for inside in [odd.to_owned(), dialog("c2", "early") + &dialog("c3", "trying"), String::new()] {
        office.pass_secs(30);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &dialog_info(LINE, "full", &inside));
        told.extend(office.notified_all(&lamp));
    }
    told.push(office.unsubscribe(&mut lamp));

    assert!(told.len() >= 6, "{}", told.len());
    assert_valid("dialog", &told);
}
