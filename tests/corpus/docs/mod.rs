//! The documents others send: ours beside this file, and those that may only be read where
//! they lie, beside the project.

use std::fs;
use std::path::PathBuf;

/// One document and what becomes of it.
#[allow(dead_code, reason = "each test that reads the corpus uses its own part of it")]
pub struct Sample {
    pub file: String,
    pub kind: String,
    /// `read`, `malformed` or `invalid`.
    pub verdict: String,
    pub octets: Vec<u8>,
}

/// The documents kept with the project.
pub fn own() -> Vec<Sample> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/docs");
    let rows = rows(&folder);
    let sample = |row: &Vec<String>| Sample {
        file: row[0].clone(),
        kind: row[1].clone(),
        verdict: row[4].clone(),
        octets: fs::read(folder.join(&row[0])).expect("a file of the manifest"),
    };
    rows.iter().map(sample).collect()
}

/// Documents not well formed that are read all the same: a declaration of UTF-16 in UTF-8.
const READ_ALL_THE_SAME: &[&str] = &["dialog-info/wire-sipsorcery-NOTIFY-dialog-sdp.xml"];

/// Kinds of documents this agent reads.
const KINDS: &[&str] = &[
    "pidf",
    "rpid",
    "data-model",
    "cipid",
    "caps",
    "timed-status",
    "pidf-lo",
    "dialog-info",
    "message-summary",
];

/// The documents beside the project, if they are there.
pub fn fetched() -> Vec<Sample> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/docs");
    if !folder.join("manifest.tsv").exists() {
        println!("skipped: no shared corpus beside the project");
        return Vec::new();
    }
    let rows = rows(&folder);
    let ours = rows.iter().filter(|row| row[6] == "fetched" && KINDS.contains(&row[1].as_str()));
    let sample = |row: &Vec<String>| {
        let refused = row[4] == "not-well-formed" && !READ_ALL_THE_SAME.contains(&row[0].as_str());
        Sample {
            file: row[0].clone(),
            kind: row[1].clone(),
            verdict: if refused { "malformed" } else { "read" }.to_owned(),
            octets: fs::read(folder.join(&row[0])).expect("a file of the manifest"),
        }
    };
    ours.map(sample).collect()
}

fn rows(folder: &std::path::Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("manifest.tsv")).expect("a manifest");
    let rows = text.lines().skip(1);
    rows.map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}
