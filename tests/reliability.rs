//! What docs/reliability.md claims can be tried: its commands run something, its scripts and rows
//! are there, and the defects that are planted still have their place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many troubles of others there are.
const PAINS: usize = 43;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(top().join("docs/reliability.md")).expect("the page")
}

/// What stands in backquotes on the page.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_command_of_the_page_runs_a_test() {
    let page = page();
    let commands: BTreeSet<&str> =
        quoted(&page).filter_map(|text| text.strip_prefix("cargo test ")).collect();
    assert!(commands.len() > 40, "{}", commands.len());
    for command in commands {
        let (tests, filters) = chosen(command);
        assert!(!tests.is_empty(), "cargo test {command}: no such tests");
        for filter in filters {
            let runs = tests.iter().any(|test| test.contains(filter));
            assert!(runs, "cargo test {command}: nothing is named {filter}");
        }
    }
}

/// The tests a command chooses from, as `module::name`, and the filters it gives.
fn chosen(command: &str) -> (Vec<String>, Vec<&str>) {
    let (before, _) = command.split_once(" --ignored").unwrap_or((command, ""));
    let mut words = before.split_whitespace().peekable();
    let (mut tests, mut filters) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--test" => tests = of_target(words.next().expect("the name of a target")),
            "--lib" => tests = of_folder(&top().join("src"), true),
            "--" | "--release" | "--locked" => {}
            filter => filters.push(filter),
        }
    }
    (tests, filters)
}

fn of_target(name: &str) -> Vec<String> {
    let folder = top().join("tests").join(name);
    match folder.is_dir() {
        true => of_folder(&folder, false),
        false => in_file(&top().join("tests").join(format!("{name}.rs")), ""),
    }
}

fn of_folder(folder: &Path, is_library: bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in rust_files(folder) {
        let within = path.strip_prefix(folder).expect("within it").with_extension("");
        let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
        let named = parts.iter().filter(|part| !["main", "lib", "mod"].contains(&part.as_ref()));
        let mut module: String = named.map(|part| format!("{part}::")).collect();
        if is_library {
            module.push_str("tests::");
        }
        found.extend(in_file(&path, &module));
    }
    found
}

/// The tests of one file.
fn in_file(path: &Path, module: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split("#[test]\n")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("fn ")?.1.split('(').next()?.to_owned()))
        .map(|name| format!("{module}{name}"))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the project");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

#[test]
fn every_script_and_make_target_of_the_page_is_there() {
    let page = page();
    let makefile = fs::read_to_string(top().join("Makefile")).expect("the Makefile");
    for text in quoted(&page) {
        let mut words = text.split_whitespace();
        match words.next().unwrap_or_default() {
            script if script.starts_with("contrib/") => {
                assert!(top().join(script).is_file(), "{script}");
            }
            "make" => {
                let target = words.next().expect("a target");
                let is_there = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
                assert!(is_there, "make {target}");
            }
            _ => {}
        }
    }
}

#[test]
fn every_pain_has_its_row_and_every_scenario_of_one_stands_in_it() {
    let page = page();
    let (_, table) = page.split_once("## What others suffered").expect("the table");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert_eq!(rows.len(), PAINS);
    for (number, row) in (1..).zip(&rows) {
        assert!(row.starts_with(&format!("| {number} |")), "{row}");
        for name in quoted(row).filter(|text| text.starts_with("pain_")) {
            assert!(name.starts_with(&format!("pain_{number:02}_")), "{row}");
        }
    }
    let tests = ["phone", "service", "wire"].into_iter().flat_map(of_target);
    for test in tests.filter(|test| test.contains("::pain_")) {
        let name = test.rsplit("::").next().expect("a name");
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "{name} is in no row");
    }
}

#[test]
fn every_planted_defect_has_its_one_place() {
    let script = top().join("contrib/torture/plant");
    let output = Command::new("python3").arg(script).arg("--check").output();
    let Ok(output) = output else {
        println!("skipped: there is no python3: {output:?}");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
