//! The house rules, executable: which room may import which, which outside crate is named
//! where, how long a file may be, and words that say nothing.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rooms by floor. A room imports from lower floors only: never upward, never sideways.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["sip", "doc"],
    &["transaction", "dialog", "auth", "policy", "event"],
    &["presentity", "notifier", "registrar"],
    &["shard"],
    &["transport", "store", "http", "calendar", "ua"],
    &["server"],
    &["load"],
    &["cli"],
];

/// Outside crates with a room of their own, and the places that may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("rsip", &["src/sip/interop.rs", "src/load/"]),
    ("nom", &["src/sip/", "src/base/uri"]),
    ("quick_xml", &["src/doc/xml.rs"]),
    ("mimalloc", &["src/main.rs"]),
    ("dashmap", &["src/transport/flows.rs"]),
    ("redb", &["src/store/former.rs"]),
    ("crc32fast", &["src/store/frame.rs"]),
    ("hickory_resolver", &["src/transport/resolve.rs"]),
    (
        "nix",
        &[
            "src/transport/",
            "src/server/config.rs",
            "src/server/clock.rs",
            "src/cli/",
            "src/load/bench/",
        ],
    ),
    ("socket2", &["src/transport/", "src/load/bench/"]),
    ("md5", &["src/auth/algorithm.rs"]),
    ("sha2", &["src/auth/"]),
    ("subtle", &["src/auth/"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("ratatui", &["src/load/"]),
    ("jiff", &["src/base/civil.rs"]),
    (
        "toml",
        &[
            "src/server/",
            "src/cli/",
            "src/policy/organisation/read.rs",
            "src/policy/organisation/text.rs",
        ],
    ),
    ("axum", &["src/http/"]),
    ("hyper", &["src/http/", "src/calendar/fetch.rs", "src/cli/http.rs"]),
    ("hyper_util", &["src/http/", "src/calendar/fetch.rs", "src/cli/http.rs"]),
    ("http_body_util", &["src/calendar/fetch.rs", "src/cli/http.rs"]),
    ("tokio_rustls", &["src/calendar/tls.rs"]),
    ("rustls_native_certs", &["src/calendar/tls.rs"]),
    ("tracing_subscriber", &["src/server/log.rs"]),
    (
        "tokio",
        &[
            "src/transport/",
            "src/store/",
            "src/http/",
            "src/calendar/",
            "src/ua/",
            "src/server/",
            "src/cli/",
            "src/load/",
            "src/main.rs",
        ],
    ),
];

/// A file longer than this has a second duty inside. Tests at its end do not count.
const LINES_MAX: usize = 600;

/// Comments that point at work instead of doing it, and macros that stop the house.
const BANNED: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("];

#[test]
fn every_import_points_down() {
    let mut broken = String::new();
    for file in sources() {
        let Some(own) = room_of(&file.path) else { continue };
        let Some(floor) = floor_of(&own) else {
            writeln!(broken, "{}: room `{own}` stands on no floor", file.name).expect("text");
            continue;
        };
        for (number, line) in file.code() {
            for other in rooms_named(line) {
                if other == own {
                    continue;
                }
                match floor_of(&other) {
                    Some(below) if below < floor => {}
                    _ => writeln!(
                        broken,
                        "{}:{number}: {own} (floor {floor}) imports {other}",
                        file.name
                    )
                    .expect("text"),
                }
            }
        }
    }
    assert!(broken.is_empty(), "imports that do not point down:\n{broken}");
}

#[test]
fn every_outside_crate_stays_in_its_room() {
    let mut broken = String::new();
    for file in sources() {
        for (number, line) in file.code() {
            for (name, rooms) in CRATES {
                let named = line.contains(&format!("{name}::")) && !is_part_of_a_word(line, name);
                if named && !rooms.iter().any(|room| file.name.starts_with(room)) {
                    writeln!(broken, "{}:{number}: {name}", file.name).expect("text");
                }
            }
        }
    }
    assert!(broken.is_empty(), "crates named outside their rooms:\n{broken}");
}

#[test]
fn no_file_has_a_second_duty() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file.lines_before_tests(), &file.name))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "files above {LINES_MAX} lines: {long:#?}");
}

#[test]
fn every_file_opens_with_its_duty() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.name)
        .collect();
    assert!(silent.is_empty(), "files without a first line of documentation: {silent:#?}");
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = String::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            for word in BANNED {
                if line.contains(word) {
                    writeln!(found, "{}:{}: {word}", file.name, number + 1).expect("text");
                }
            }
        }
    }
    assert!(found.is_empty(), "left for later:\n{found}");
}

#[test]
fn the_pure_rooms_are_pure() {
    let impure = [
        "std::net::UdpSocket",
        "std::net::Tcp",
        "std::fs",
        "std::thread",
        "Instant::now",
        "SystemTime::now",
        "std::env",
        "println!",
        "eprintln!",
    ];
    let mut broken = String::new();
    for file in sources() {
        let pure = room_of(&file.path).and_then(|room| floor_of(&room)).is_some_and(|f| f <= 4);
        if !pure {
            continue;
        }
        for (number, line) in file.code() {
            for word in impure {
                if line.contains(word) {
                    writeln!(broken, "{}:{number}: {word}", file.name).expect("text");
                }
            }
        }
    }
    assert!(broken.is_empty(), "I/O below floor 5:\n{broken}");
}

/// What `deny.toml` allows, held against what is really linked; cargo-deny itself takes minutes to
/// build, so it runs where it is installed.
#[test]
fn what_is_linked_comes_from_the_registry_and_asks_for_a_notice_at_most() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = fs::read_to_string(top.join("deny.toml")).expect("deny.toml");
    let rules: toml::Table = rules.parse().expect("TOML");
    let allowed: Vec<&str> = rules["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let tree = ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(["--format", "{p}|{l}"])
        .current_dir(top)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut wrong = String::new();
    for line in text.lines() {
        let (package, licence) = line.split_once('|').expect("a package and its licence");
        let licence = licence.trim_end_matches(" (*)");
        let package = package.replace(" (proc-macro)", "");
        let is_own = package.starts_with("fanal v");
        // A package of another place carries it in brackets.
        if package.contains('(') && !is_own {
            writeln!(wrong, "{package} is not from the registry").expect("text");
        }
        // rsip names a file, which is X11-swapped.
        let licence = if package.starts_with("rsip") { "X11-swapped" } else { licence };
        if !is_allowed(licence, &allowed) {
            writeln!(wrong, "{package}: {licence}").expect("text");
        }
    }
    assert!(text.lines().count() > 100, "{text}");
    assert!(wrong.is_empty(), "not allowed by deny.toml:\n{wrong}");
}

/// Whether one of the alternatives of an SPDX expression asks for nothing that is not allowed.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    expression.replace('/', " OR ").split(" AND ").all(|part| {
        part.split(" OR ").any(|one| {
            let one = one.trim().trim_matches(['(', ')']);
            allowed.contains(&one)
        })
    })
}

#[test]
fn licences_are_read_as_they_are_written() {
    let allowed = ["MIT", "Apache-2.0"];
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND Apache-2.0"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND ISC"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

struct Source {
    path: PathBuf,
    /// From the top of the project, with slashes.
    name: String,
    text: String,
}

impl Source {
    /// Lines of code with their numbers: comments and the tests at the end left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .take(self.lines_before_tests())
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line))
    }

    fn lines_before_tests(&self) -> usize {
        let tests = self.text.lines().position(|line| line == "#[cfg(test)]");
        tests.unwrap_or_else(|| self.text.lines().count())
    }
}

fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<Source> = rust_files(&[top.join("src")])
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(top).expect("within the project");
            let name = name.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).expect("UTF-8");
            Source { path, name, text }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 50, "the sources were found");
    found
}

fn rust_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn room_of(path: &Path) -> Option<String> {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.find(|part| part == "src")?;
    let room = parts.next()?;
    (!room.ends_with(".rs")).then(|| room.into_owned())
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Rooms a line names by `crate::room`, in a path or in the braces after `crate::`.
fn rooms_named(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for after in line.split("crate::").skip(1) {
        let parts: Vec<&str> = match after.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![after],
        };
        for part in parts {
            let name: String =
                part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                rooms.push(name);
            }
        }
    }
    rooms
}

/// Whether a crate's name only ends a longer word, as `my_nom::` does.
fn is_part_of_a_word(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).all(|(at, _)| {
        line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Every test that a page of docs/ names is there, and every file that README.md and
/// ARCHITECTURE.md link to.
#[test]
fn the_pages_name_what_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = rust_files(&[top.join("tests"), top.join("src")])
        .iter()
        .map(|path| fs::read_to_string(path).expect("UTF-8"))
        .collect();
    let mut missing = String::new();
    for page in ["docs/conformance.md", "docs/phones.md", "docs/reliability.md"] {
        let text = fs::read_to_string(top.join(page)).expect("a page");
        for name in text.split('`').skip(1).step_by(2) {
            let is_test = name.matches('_').count() >= 3
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if is_test && !tests.contains(&format!("fn {name}(")) {
                writeln!(missing, "{page}: {name}").expect("text");
            }
        }
    }
    for page in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "docs/operate.md"] {
        let text = fs::read_to_string(top.join(page)).expect("a page");
        let folder = top.join(page).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") && !folder.join(link).exists() {
                writeln!(missing, "{page}: {link}").expect("text");
            }
        }
    }
    assert!(missing.is_empty(), "named but not there:\n{missing}");
}

/// The manual for operators knows every event of the log, and no other.
#[test]
fn every_event_of_the_log_is_in_the_manual() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = fs::read_to_string(top.join("docs/operate.md")).expect("the manual");
    let row = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let (_, table) = manual.split_once("| event | level |").expect("the table of events");
    let rows: Vec<String> = table.lines().skip(2).map_while(row).collect();
    let mut told = Vec::new();
    for file in sources() {
        let code: Vec<&str> = file.code().map(|(_, line)| line).collect();
        for call in code.join("\n").split("!(").skip(1) {
            let event = call.trim_start().strip_prefix("event = \"");
            told.extend(event.and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
        for event in code.join("\n").split("debug!(").skip(1) {
            let event = event.trim_start().strip_prefix("event = \"");
            let event = event.and_then(|rest| rest.split('"').next()).unwrap_or_default();
            // What is told at debug is not for operators.
            told.retain(|known| known != event || rows.iter().any(|row| row == event));
        }
    }
    told.sort();
    told.dedup();
    let mut listed = rows.clone();
    listed.sort();
    assert_eq!(told, listed);
}

/// The bounds and settings that SECURITY.md names are there.
#[test]
fn every_bound_that_is_promised_is_kept_under_its_name() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(top.join(name)).expect(name);
    let promised = read("SECURITY.md");
    let limits = read("src/base/limits.rs") + &read("src/base/limits/edges.rs");
    let settings = read("docs/settings.md");
    let mut named = 0;
    for name in promised.split('`').skip(1).step_by(2) {
        let is_constant = |c: char| c.is_ascii_uppercase() || c == '_';
        if name.len() > 5 && name.chars().all(is_constant) {
            named += 1;
            assert!(limits.contains(&format!("pub const {name}: ")), "{name}");
        }
        let is_setting = ["auth.", "notifier.", "presentity.", "registrar.", "transport."];
        if is_setting.iter().any(|section| name.starts_with(section)) {
            let name = name.split(' ').next().unwrap_or(name);
            assert!(settings.contains(&format!("### {name}\n")), "{name}");
        }
    }
    assert!(named > 20, "{named}");
}
