//! What another presence server shows under its own rules, where its test documents lie beside the
//! project: ours shows the same.

use std::fs;
use std::path::PathBuf;

use fanal::doc::Presence;
use fanal::policy::filter;

use super::*;

#[test]
fn what_others_show_under_a_rule_is_what_we_show() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/docs/pres-rules-vectors");
    let Ok(original) = fs::read(folder.join("restcomm-original-doc.xml")) else {
        println!("skipped: no shared corpus beside the project");
        return;
    };
    let original = Presence::read(&original, None).expect("the document");
    let mut checked = 0;
    for entry in fs::read_dir(&folder).expect("the vectors") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix("-rule.xml") else { continue };
        let rules = fs::read_to_string(folder.join(&name)).expect("a rule");
        let expected = folder.join(format!("{stem}-filtered-doc.xml"));
        let expected = fs::read(expected).expect("what is expected");
        let expected = Presence::read(&expected, None).expect("what is expected");
        let decision = Scene::new().document(&rules).ask("subscriber@example.com");
        let shown = filter::presence(&original, &decision.permissions);
        match rules.contains("<provide-willingness") {
            // It uses words of the Open Mobile Alliance beside those of RFC 5025: what those
            // provide is not shown, and nothing else is either.
            true => {
                let more = of_others(&words(&shown), &words(&expected));
                assert_eq!(more, Vec::<String>::new(), "{name}");
            }
            false => assert_eq!(words(&shown), words(&expected), "{name}"),
        }
        checked += 1;
    }
    assert!(checked >= 12, "only {checked} vectors");
}

/// Elements of the one that the other has not.
fn of_others(one: &[String], other: &[String]) -> Vec<String> {
    let missing = one.iter().filter(|word| word.contains('>') && !other.contains(word));
    missing.filter(|word| !word.starts_with('/')).cloned().collect()
}

/// As written, with white space as it may be, and other namespaces by one prefix.
fn words(document: &Presence) -> Vec<String> {
    let mut text = document.write();
    for number in 2..6 {
        text = text.replace(&format!("ns{number}:"), "ns1:");
    }
    text.split(|c: char| c.is_whitespace() || c == '<')
        .map(str::to_owned)
        .filter(|w| !w.is_empty())
        .collect()
}
