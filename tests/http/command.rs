//! `fanal status` and `fanal why`, as a person types them.

use std::process::Output;

use crate::client::{BOB, Client, ROOT, open, serve, watch};
use crate::home::{Home, code, stderr};
use crate::phone::body;

fn run(home: &Home, client: &Client, token: &str, args: &[&str]) -> Output {
    let mut command = home.command(args);
    command.env("FANAL_API", client.address.to_string());
    command.env("FANAL_TOKEN", token).output().expect("the binary runs")
}

fn out(output: &Output) -> String {
    assert_eq!(code(output), 0, "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_state_is_set_shown_explained_and_taken_back() {
    let home = Home::new("status");
    let (served, client) = serve(&home, "");
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, _) = watch(sip, "102", "101");
    let set = ["status", "set", "101", "dnd", "--for", "45m", "--note", "Focus"];
    let told = out(&run(&home, &client, ROOT, &set));
    assert!(told.starts_with("101@example.com dnd until 20"), "{told}");
    assert!(body(&phone.request()).contains("availability=\"dnd\""));

    let shown = out(&run(&home, &client, BOB, &["status", "show", "101"]));
    assert!(shown.starts_with("101@example.com dnd \"Focus\" until 20"), "{shown}");
    let why = out(&run(&home, &client, ROOT, &["why", "101", "--watcher", "102"]));
    assert!(why.contains("  * manual says ") && why.contains(" by operator@example.com"), "{why}");
    assert!(why.contains("102 sees 101@example.com dnd \"Focus\""), "{why}");
    assert!(
        why.contains("102@example.com watches presence, allow by operator/default: NOTIFY "),
        "{why}"
    );

    let forward = ["status", "forward", "101", "no-answer", "5799", "--rings", "4"];
    assert_eq!(out(&run(&home, &client, ROOT, &forward)), "101@example.com no-answer on\n");
    let shown = out(&run(&home, &client, ROOT, &["status", "show", "101"]));
    assert!(shown.ends_with("\n  calls go to 5799 (no-answer after 4 rings)\n"), "{shown}");
    let shown = out(&run(&home, &client, BOB, &["status", "show", "101"]));
    assert_eq!(shown.lines().count(), 1, "it is not for others: {shown}");
    assert_eq!(out(&run(&home, &client, ROOT, &forward[..4])), "101@example.com no-answer off\n");

    let back = out(&run(&home, &client, ROOT, &["status", "set", "101", "auto"]));
    assert_eq!(back, "101@example.com automatic\n");
    assert!(!body(&phone.request()).contains("dnd"));
    let json = out(&run(&home, &client, BOB, &["--json", "status", "show", "101"]));
    assert!(json.contains("\"availability\":\"available\""), "{json}");
}

#[test]
fn what_went_wrong_is_told_by_words_and_exit_code() {
    let home = Home::new("status-wrong");
    let (_served, client) = serve(&home, "");
    for (token, args, exit, told) in [
        (BOB, &["why", "101"][..], 4, "lacks the scope why"),
        (BOB, &["status", "set", "101", "dnd"], 4, "its own identity alone"),
        (BOB, &["status", "set", "102", "sleepy"], 2, "write auto, available"),
        (BOB, &["status", "set", "102", "auto", "--for", "5m"], 2, "auto takes a state back"),
        ("", &["status", "show", "102"], 2, "a token is needed"),
        ("a-token-of-nobody", &["status", "show", "102"], 4, "refused with 401"),
        (BOB, &["status", "show", "102", "--api", "127.0.0.1:1"], 3, "http.listen"),
    ] {
        let output = run(&home, &client, token, args);
        assert_eq!(code(&output), exit, "{args:?}: {output:?}");
        assert!(stderr(&output).contains(told), "{args:?}: {output:?}");
    }
}
