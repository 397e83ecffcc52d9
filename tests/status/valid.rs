//! Documents are checked against the schemas by somebody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Checks documents against the schemas in one run; says so and does nothing where xmllint is
/// not installed.
#[track_caller]
pub fn assert_valid(name: &str, documents: &[String]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("status-{name}"));
    fs::create_dir_all(&folder).expect("a folder for the test");
    let write = |(nth, text): (usize, &String)| -> PathBuf {
        let file = folder.join(format!("{nth}.xml"));
        fs::write(&file, text).expect("a file for the test");
        file
    };
    let files: Vec<PathBuf> = documents.iter().enumerate().map(write).collect();
    assert!(!files.is_empty());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("pidf-schemas/all.xsd");
    for some in files.chunks(500) {
        let mut command = Command::new("xmllint");
        command.args(["--noout", "--nonet", "--schema"]).arg(&schema).args(some);
        match command.output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                let faults: Vec<&str> =
                    text.lines().filter(|line| !line.ends_with(" validates")).collect();
                assert!(output.status.success(), "{}", faults.join("\n"));
            }
            Err(fault) => eprintln!("skipped: xmllint cannot run ({fault})"),
        }
    }
}
