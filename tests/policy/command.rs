//! `fanal policy`, as a person types it.

use std::path::PathBuf;
use std::process::Command;

/// What the command printed, and how it ended.
struct Ended {
    out: String,
    complaint: String,
    code: Option<i32>,
}

fn fanal(arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_fanal"))
        .arg("policy")
        .args(arguments)
        .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/policy/documents"))
        .env_remove("FANAL_CONFIG")
        .output()
        .expect("the program");
    Ended {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

/// A file of the test's own.
fn file(name: &str, text: &str) -> PathBuf {
    let name = format!("{}-{name}", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn files_that_can_be_used_are_told_and_others_with_their_line() {
    let ended = fanal(&["check", "office.toml", "everybody", "rfc5025.xml"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.complaint);
    let lines: Vec<&str> = ended.out.lines().collect();
    let folder = "everybody/pres-rules/users/sip:alice@example.com";
    assert_eq!(
        lines,
        [
            "ok    office.toml: policy: version 2026-03-01; 2 ceiling, 1 attendant, 1 team, 1 hours",
            &format!("ok    {folder}/family.xml: rules: 1"),
            &format!("ok    {folder}/index: rules: 2"),
            "ok    rfc5025.xml: rules: 1",
        ]
    );
    let policy = file("wrong.toml", "[policy]\n[[policy.ceiling]]\nhide = [\"activites\"]\n");
    let rules = file(
        "wrong.xml",
        "<cr:ruleset xmlns:cr='urn:ietf:params:xml:ns:common-policy'\n\
         xmlns='urn:ietf:params:xml:ns:pres-rules'><cr:rule id='a'><cr:actions>\n\
         <sub-handling>alow</sub-handling></cr:actions></cr:rule></cr:ruleset>",
    );
    let [policy, rules] = [policy, rules].map(|path| path.to_string_lossy().into_owned());
    let ended = fanal(&["check", &policy, &rules]);
    assert_eq!(ended.code, Some(1));
    let expected = [
        format!(
            "fail  {policy}:3: \"activites\" is no part of a document; \
             did you mean \"activities\"?"
        ),
        format!("fail  {rules}:3: sub-handling cannot be \"alow\"; did you mean allow?"),
    ];
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn an_explanation_names_the_rules_of_all_documents() {
    let asked = [
        "explain",
        "--watcher",
        "bob@example.com",
        "--presentity",
        "sip:alice@example.com",
        "--rules",
        "everybody",
        "--policy",
        "office.toml",
        "--at",
        "2026-03-02T20:00:00+01:00",
    ];
    let ended = fanal(&asked);
    assert_eq!(ended.code, Some(0), "{}", ended.complaint);
    for line in [
        "  + rule index/colleagues",
        "      + watcher is anybody of example.com",
        "  - rule family/carol",
        "      - watcher is carol@home.test",
        "  + ceiling organisation/day-off",
        "  = allow",
        "    until 2026-03-02T23:00:00Z",
        "  lamps of alice@example.com are always seen by reception@example.com: full",
    ] {
        assert!(ended.out.lines().any(|own| own == line), "{line} in\n{}", ended.out);
    }
    let filtered = fanal(&[&asked[..], &["--document", "alice-presence.xml"]].concat());
    assert!(filtered.out.contains("sip:support@example.com"), "{}", filtered.out);
    assert!(!filtered.out.contains("+15550100"), "{}", filtered.out);
    let json = fanal(&[&asked[..], &["--json"]].concat());
    assert!(json.out.contains("\"handling\":\"allow\""), "{}", json.out);
    let unknown = fanal(&[
        "explain",
        "--watcher",
        "unknown",
        "--presentity",
        "alice@example.com",
        "--policy",
        "office.toml",
    ]);
    assert!(unknown.out.contains("  = polite-block"), "{}", unknown.out);
}

#[test]
fn cases_come_out_as_they_say_or_the_command_fails() {
    let ended = fanal(&["test", "office.toml", "cases.toml"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.complaint);
    assert_eq!(ended.out.lines().filter(|line| line.starts_with("ok    ")).count(), 6);
    let cases = file(
        "cases.toml",
        "[[case]]\nname = \"one\"\nwatcher = \"bob@example.com\"\n\
         presentity = \"alice@example.com\"\nat = \"2026-03-02T09:30:00Z\"\n[case.expect]\n\
         handling = \"block\"\nhides = [\"activities\"]\nuntil = \"2026-03-03T00:00:00Z\"\n",
    );
    let ended = fanal(&["test", "office.toml", &cases.to_string_lossy()]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.out.trim_end(),
        "fail  one: handling is allow, not block; activities is shown; \
         until is 2026-03-02T16:30:00Z, not 2026-03-03T00:00:00Z"
    );
    let wrong = file("odd.toml", "[[case]]\nname = \"one\"\nwacher = \"bob@example.com\"\n");
    let ended = fanal(&["test", "office.toml", &wrong.to_string_lossy()]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.complaint.contains(":3: unknown key \"wacher\"; did you mean \"watcher\"?"),
        "{}",
        ended.complaint
    );
}
