//! `fanal store`, as an operator uses it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fanal::shard::Store;
use serde_json::Value;

use crate::records::*;

fn store(path: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fanal"))
        .arg("store")
        .args(args)
        .arg("--path")
        .arg(path)
        .env_clear()
        .output()
        .expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A store with something of everything, and a journal.
fn filled(name: &str) -> Directory {
    let directory = Directory::new(name);
    let mut store = directory.open();
    let mut odd = publication("102", 2);
    odd.body = vec![0xff, 0, b'\n'].into();
    let mut dice = Dice(5);
    store.commit(&(0..40).map(|_| dice.change()).collect::<Vec<_>>()).expect("room");
    store.compact().expect("folded");
    let put = [put_publication(&odd), put_subscription(&subscription("101", 5))];
    store.commit(&put).expect("room");
    store.close();
    directory
}

#[test]
fn check_counts_and_says_whether_all_is_sound() {
    let directory = filled("check");
    let records = directory.content().len() as u64;
    let output = store(&directory.0, &["check", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_str(&out(&output)).expect("JSON");
    assert_eq!((&report["sound"], &report["in_use"]), (&true.into(), &false.into()));
    let count = |name: &str| report[name].as_u64().expect("a count");
    let kinds = ["publications", "subscriptions", "bindings"];
    assert_eq!(kinds.map(count).iter().sum::<u64>(), records);
    assert_eq!(count("journal_segments"), 1);

    let segment = directory.segments().pop().expect("a segment");
    let mut octets = fs::read(&segment).expect("readable");
    let middle = octets.len() / 2;
    octets[middle] ^= 4;
    fs::write(&segment, octets).expect("written");
    let output = store(&directory.0, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("DAMAGED") && out(&output).contains(&name(&segment)));
    assert!(err(&output).contains("fanal store repair --path"), "{output:?}");
    let output = store(&directory.0, &["export"]);
    assert_eq!(output.status.code(), Some(1), "a damaged store is exported after a repair");

    let output = store(&directory.0, &["repair"]);
    assert!(output.status.success(), "{output:?}");
    assert!(out(&output).contains("LOST") && out(&output).contains("old files in"), "{output:?}");
    assert!(store(&directory.0, &["check"]).status.success());
}

#[test]
fn what_is_exported_can_be_imported_elsewhere() {
    let directory = filled("export");
    let content = directory.content();
    let exported = store(&directory.0, &["export"]);
    assert!(exported.status.success(), "{exported:?}");
    assert_eq!(out(&exported).lines().count(), content.len() + 1);
    for line in out(&exported).lines() {
        let object: Value = serde_json::from_str(line).expect("JSON");
        assert!(object["kind"].is_string());
    }
    let other = Directory::new("import");
    let lines = directory.0.join("lines");
    fs::write(&lines, &exported.stdout).expect("written");
    let import = ["import", lines.to_str().expect("a path")];
    let output = store(&other.0, &import);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(other.content(), content);
    let secrets = [&directory, &other].map(|directory| *directory.open().secret().octets());
    assert_eq!(secrets[0], secrets[1]);

    let again = store(&other.0, &import);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("holds a store already"), "{again:?}");
    fs::write(&lines, "{\"kind\":\"publication\"}\n").expect("written");
    let new = Directory::new("import-wrong");
    let wrong = store(&new.0, &import);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(err(&wrong).contains("line 1:"), "{wrong:?}");
    assert!(store(&new.0, &["check"]).status.code() == Some(1), "nothing was begun");
}

#[test]
fn a_store_is_compacted_to_its_base() {
    let directory = filled("compact");
    let content = directory.content();
    let output = store(&directory.0, &["compact"]);
    assert!(output.status.success(), "{output:?}");
    assert!(directory.segments().is_empty());
    assert_eq!(directory.content(), content);
}

#[test]
fn a_store_in_use_is_looked_at_and_not_touched() {
    let directory = filled("in-use");
    let open = directory.open();
    for args in [&["compact"][..], &["repair"], &["import", "/dev/null"]] {
        let output = store(&directory.0, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains("in use by another process"), "{output:?}");
    }
    let output = store(&directory.0, &["check"]);
    assert!(output.status.success() && out(&output).contains("sound, in use"), "{output:?}");
    assert!(store(&directory.0, &["export"]).status.success());
    drop(open);
}

#[test]
fn where_there_is_no_store_it_is_said() {
    let directory = Directory::new("nothing");
    for args in [&["check"][..], &["compact"], &["export"], &["repair"]] {
        let output = store(&directory.0, args);
        assert_eq!(output.status.code(), Some(1), "{args:?} {output:?}");
        assert!(err(&output).contains("there is no store in"), "{output:?}");
        assert!(!directory.0.exists(), "and none is made");
    }
}

#[test]
fn the_directory_is_the_one_of_the_settings_unless_one_is_named() {
    let directory = filled("settings");
    let settings = directory.0.join("fanal.toml");
    fs::write(&settings, "[store]\npath = \".\"\n").expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_fanal"))
        .args(["store", "check", "--config"])
        .arg(&settings)
        .env_clear()
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
    assert!(out(&output).contains("sound"), "{output:?}");
}
