//! `fanal demo` without a terminal: the real program, real sockets, a few seconds.

use std::process::{Command, Output};

use serde_json::Value;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanal"));
    command.arg("demo").args(arguments).output().expect("the program runs")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn every_lamp_is_seen_some_change_and_none_is_wrong() {
    let output = demo(&["--for", "6s", "--json"]);
    let summary: Value = serde_json::from_str(text(&output).trim()).expect("one JSON object");
    let number = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name}: {summary}"));
    assert!(number("lamps_seen") >= 24, "{summary}");
    assert_eq!(number("lamps_seen"), number("lamps"), "{summary}");
    assert!(number("lamp_changes") >= 8, "{summary}");
    // Each change of a line lights nine lamps: the console's and those of eight colleagues.
    assert!(number("notifies") > number("lamps") + 5 * number("lamp_changes"), "{summary}");
    assert!(summary["publish_to_notify_us"]["p99"].as_u64().is_some(), "{summary}");
    assert_eq!((number("faults"), number("wrong_lamps")), (0, 0), "{summary}");
}

#[test]
fn without_a_terminal_every_change_is_a_line() {
    let output = demo(&["--for", "3s"]);
    let text = text(&output);
    for line in ["101 Ada Brandt       idle", "124 Yara Mendes      idle"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.lines().filter(|line| line.contains(" ringing from ")).count() >= 2, "{text}");
    assert!(text.trim_end().ends_with("wrong lamps    0"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a file:\n{text}");
}
