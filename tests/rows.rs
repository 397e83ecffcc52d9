//! "Shown" of docs/status-model.md: its commands are run as they stand there, in their order,
//! against the agent that its first block starts; what they print is kept in docs/shown.txt.
//! `ROWS_WRITE=1 cargo test --test rows` writes that file anew, and the
//! puzzles on the page.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PAGE: &str = "docs/status-model.md";
const SHOWN: &str = "docs/shown.txt";

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The agent of the page, in a folder of its own, on ports that are free.
struct Office {
    folder: PathBuf,
    agent: Child,
    sip: SocketAddr,
    http: SocketAddr,
}

impl Office {
    fn open(name: &str) -> Office {
        let folder = std::env::temp_dir().join(format!("fanal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        copy(Path::new("examples/rows"), &folder);
        let log = fs::File::create(folder.join("agent.log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanal"));
        command
            .args(["serve", "--config", "office.toml", "--ephemeral"])
            .current_dir(&folder)
            .env("FANAL_TRANSPORT__LISTEN", "udp:127.0.0.1:0,tcp:127.0.0.1:0")
            .env("FANAL_HTTP__LISTEN", "127.0.0.1:0")
            .stderr(Stdio::from(log));
        let agent = command.spawn().expect("the binary runs");
        fs::write(folder.join("agent.pid"), agent.id().to_string()).expect("written");
        let lines = logged(&folder, "calendar_read", 2);
        let address = |event: &str| {
            let line = lines.iter().find(|line| line["event"] == event).expect(event);
            line["address"].as_str().and_then(|text| text.parse().ok()).expect("an address")
        };
        Office { sip: address("listening"), http: address("http_listening"), folder, agent }
    }

    /// Runs a command as a person types it: what it printed, and its exit code where that is not 0.
    fn run(&self, line: &str) -> String {
        let binaries = Path::new(env!("CARGO_BIN_EXE_fanal")).parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", binaries.display()))
            .env("FANAL_AGENT", self.sip.to_string())
            .env("FANAL_API", self.http.to_string())
            .env("FANAL_TOKEN_FILE", "admin.token")
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let mut text = String::from_utf8(output.stdout).expect("text");
        text.truncate(text.trim_end().len());
        match output.status.code() {
            Some(0) => text,
            code => format!("{text}\n[{}]", code.expect("a code")).trim().to_owned(),
        }
    }

    /// Runs commands one after the other.
    fn transcript(&self, commands: &[String]) -> String {
        let told = commands.iter().map(|line| format!("$ {line}\n{}", self.run(line)));
        told.map(|text| text.trim_end().to_owned() + "\n").collect()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let into = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &into),
            false => drop(fs::copy(&path, &into).expect("copied")),
        }
    }
}

/// The lines of the log, once an event stands in it so often.
fn logged(folder: &Path, event: &str, count: usize) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(folder.join("agent.log")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let lines: Vec<Value> = lines.collect();
        if lines.iter().filter(|line| line["event"] == event).count() >= count {
            return lines;
        }
        assert!(Instant::now() < until, "{text}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The part of the page under a heading, up to the next of its kind.
fn part(heading: &str) -> String {
    let page = fs::read_to_string(PAGE).expect("the page");
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let rest = &page[start + heading.len() + 2..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end]).to_owned()
}

/// The rows of its tables: their names, and the commands of their last column.
fn rows() -> Vec<(String, Vec<String>)> {
    let part = part("## Shown");
    let lines = part.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect());
    let rows = cells.filter_map(|cells: Vec<&str>| match cells.as_slice() {
        ["row", ..] | ["---", ..] => None,
        [name, _, commands] => {
            let commands = commands.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Some(((*name).to_owned(), commands))
        }
        other => panic!("a row of three columns: {other:?}"),
    });
    rows.collect()
}

/// What differs from run to run is written as what it is: times, ages, entity-tags, views.
fn masked(text: &str) -> String {
    let line = |line: &str| match line.starts_with("$ ") {
        true => line.to_owned(),
        false => masked_line(line),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn masked_line(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n', '"', '<', '>', ',', ';']);
    let mut ages = String::new();
    for word in words {
        let bare = word.trim_end_matches([' ', '\n', '"', '<', '>', ',', ';']);
        let end = &word[bare.len()..];
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        let is_hex = bare.bytes().all(|octet| octet.is_ascii_hexdigit());
        let is_age = end == " " && digits > 0 && bare.ends_with(['s', 'm', 'h', 'd']);
        let is_age = is_age && bare.bytes().all(|o| o.is_ascii_digit() || b"dhms".contains(&o));
        // Those of the documents beside the settings are the same in every run.
        let is_fixed = ["2026-01-", "2026-03-", "2099-"].iter().any(|year| bare.starts_with(year));
        let mask = match bare.len() {
            _ if is_fixed => bare,
            20.. if bare.ends_with('Z') && bare.contains('T') && digits >= 14 => "<time>",
            13 if bare.ends_with('Z') && digits == 9 => "<clock>",
            16 | 32 if is_hex => "<drawn>",
            _ if is_age => "<age>",
            _ => bare,
        };
        ages.push_str(mask);
        ages.push_str(end);
    }
    ages
}

/// Whether some test bears this name.
fn is_test(suite: &str, name: &str) -> bool {
    let single = PathBuf::from(format!("tests/{suite}.rs"));
    let folder = fs::read_dir(format!("tests/{suite}")).into_iter().flatten();
    let files = folder.filter_map(|entry| Some(entry.ok()?.path())).chain([single]);
    let has = |path: PathBuf| {
        fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("fn {name}(")))
    };
    files.into_iter().any(has)
}

#[test]
fn every_row_is_shown_by_its_commands() {
    let office = Office::open("rows");
    let mut shown = String::new();
    for (name, commands) in rows() {
        assert!(!commands.is_empty(), "{name} is shown by nothing");
        shown.push_str(&format!("# {name}\n"));
        for line in &commands {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["cargo", "test", "--test", suite, test] => {
                    assert!(is_test(suite, test), "{line}: there is no such test");
                    shown.push_str(&format!("$ {line}\n"));
                }
                _ => shown.push_str(&office.transcript(std::slice::from_ref(line))),
            }
        }
        shown.push('\n');
    }
    let shown = masked(&shown);
    if std::env::var_os("ROWS_WRITE").is_some() {
        fs::write(SHOWN, &shown).expect("written");
    }
    let kept = fs::read_to_string(SHOWN).expect("what was shown before");
    for (is, was) in shown.lines().zip(kept.lines()) {
        assert_eq!(is, was, "{shown}");
    }
    assert_eq!(shown.lines().count(), kept.lines().count());
}

#[test]
fn every_puzzle_is_solved_as_it_is_told() {
    let office = Office::open("puzzles");
    let part = part("## Why is he red?");
    let mut blocks = part.split("```console\n").skip(1).peekable();
    assert!(blocks.peek().is_some());
    for block in blocks {
        let told = block.split("```").next().expect("a block");
        let commands = told.lines().filter_map(|line| line.strip_prefix("$ "));
        let commands: Vec<String> = commands.map(str::to_owned).collect();
        let is = office.transcript(&commands);
        if std::env::var_os("ROWS_WRITE").is_some() {
            let page = fs::read_to_string(PAGE).expect("the page");
            fs::write(PAGE, page.replace(told, &is)).expect("written");
            continue;
        }
        assert_eq!(masked(&is), masked(told), "{is}");
    }
}
