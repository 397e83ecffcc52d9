//! The settings as pages: the commented default file, what is in force, and the manual.

use std::fmt::Write;

use toml::{Table, Value};

use super::fault::Place;
use super::keys::{Key, SECTIONS};
use super::{Settings, variables};

/// What the default file begins with.
const HEAD: &str = "\
# Settings of Fanal, a SIP presence agent. Every value here is the default: keep what you
# change, leave out the rest. Spans of time are numbers with units: d, h, m, s, ms.
# Each key can be set by the environment as well: FANAL_TRANSPORT__ADVERTISE=pbx.example.com.
# `fanal check` tells whether all is well, `fanal config show` what is in force and why.
";

/// The complete file of defaults, with a comment for each key.
pub fn defaults() -> String {
    let table = table(&Settings::default());
    let mut page = HEAD.to_owned();
    for section in SECTIONS {
        let _ = write!(page, "\n# {}\n[{}]\n", section.about, section.name);
        for key in section.keys {
            page.push('\n');
            for line in key.about {
                let _ = writeln!(page, "# {line}");
            }
            write_key(&mut page, key, value(&table, section.name, key.name));
        }
    }
    page
}

/// What is in force, as a file; what is not the default with the place it comes from.
pub fn effective(settings: &Settings) -> String {
    let table = table(&settings.redacted());
    let mut page = String::new();
    for section in SECTIONS {
        let _ = writeln!(page, "{}[{}]", if page.is_empty() { "" } else { "\n" }, section.name);
        for key in section.keys {
            let Some(value) = value(&table, section.name, key.name) else { continue };
            let _ = write!(page, "{} = {value}", key.name);
            let _ = match settings.place(section.name, key.name) {
                Place::Default => writeln!(page),
                place => writeln!(page, "  # {place}"),
            };
        }
    }
    page
}

/// What is in force, for programs: each value with the place it comes from.
pub fn effective_json(settings: &Settings) -> serde_json::Value {
    let table = table(&settings.redacted());
    let mut sections = serde_json::Map::new();
    for section in SECTIONS {
        let mut keys = serde_json::Map::new();
        for key in section.keys {
            let Some(value) = value(&table, section.name, key.name) else { continue };
            let from = settings.place(section.name, key.name).to_string();
            let entry = serde_json::json!({ "value": value, "from": from });
            keys.insert(key.name.to_owned(), entry);
        }
        sections.insert(section.name.to_owned(), keys.into());
    }
    sections.into()
}

/// The manual page of all settings, in Markdown.
pub fn manual() -> String {
    let table = table(&Settings::default());
    let mut page = "# Settings\n\n\
        A TOML file, given by `--config FILE` or `FANAL_CONFIG`. Without one the defaults serve\n\
        this machine alone. Every key can be set by a variable of the environment as well, which\n\
        wins over the file: lists with commas or as TOML, everything else as it is.\n\n\
        `fanal config default` prints this page as a file to begin with, `fanal config show` what\n\
        is in force and where it comes from, `fanal check` whether it would work.\n\n\
        SIGHUP makes a running agent read file and users anew. What is wrong changes nothing; what\n\
        is not marked otherwise below takes effect at once, and no subscription is lost.\n\n\
        Spans of time are numbers with units (`d`, `h`, `m`, `s`, `ms`): `\"90s\"`, `\"1h30m\"`.\n"
        .to_owned();
    for section in SECTIONS {
        let _ = write!(page, "\n## [{}]\n\n{}\n", section.name, section.about);
        for key in section.keys {
            let _ = write!(page, "\n### {}.{}\n\n", section.name, key.name);
            let _ = writeln!(page, "{}\n", key.about.join("\n"));
            let _ = writeln!(page, "- Write: {}", key.kind.allowed());
            if let Some(value) = value(&table, section.name, key.name).filter(|v| !is_nothing(v)) {
                let _ = writeln!(page, "- Default: `{value}`");
            }
            if key.at_restart {
                let _ = writeln!(page, "- Takes effect at a restart, not by SIGHUP");
            }
            let _ = writeln!(page, "- Variable: `{}`", variables::variable(section.name, key.name));
            if !key.example.is_empty() {
                let _ = write!(page, "\n```toml\n{}\n```\n", key.example.join("\n"));
            }
        }
    }
    page
}

fn write_key(page: &mut String, key: &Key, default: Option<&Value>) {
    if let Some(value) = default.filter(|value| key.example.is_empty() || !is_nothing(value)) {
        let _ = writeln!(page, "{} = {value}", key.name);
    }
    for line in key.example {
        let _ = writeln!(page, "# {line}");
    }
}

pub(super) fn table(settings: &Settings) -> Table {
    Table::try_from(settings).expect("settings have no keys but texts")
}

pub(super) fn value<'a>(table: &'a Table, section: &str, key: &str) -> Option<&'a Value> {
    table.get(section)?.get(key)
}

/// Whether a default says no more than that there is none.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Table(table) => table.is_empty(),
        _ => false,
    }
}
