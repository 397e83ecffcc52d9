//! What is told on standard error: for people on a terminal, JSON lines elsewhere.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// What may stand alone as a level.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Settings of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How lines look.
    pub format: Format,
    /// How much is told: a level, or levels by room.
    pub level: String,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As the reader is: a terminal or a program.
    Auto,
    /// For people.
    Human,
    /// One object a line.
    Json,
}

impl Default for Config {
    fn default() -> Config {
        Config { format: Format::Auto, level: "info".to_owned() }
    }
}

impl Config {
    /// Whether the level can be read.
    pub fn check(&self) -> Result<(), String> {
        self.filter().map(|_| ())
    }

    fn filter(&self) -> Result<EnvFilter, String> {
        let fault = || {
            format!(
                "log.level: \"{}\" is no level; write error, warn, info, debug or trace",
                self.level.escape_debug()
            )
        };
        // A lone word that is no level would be taken for a room, and nothing else be told.
        let words = self.level.split(',').map(str::trim).filter(|word| !word.contains('='));
        for word in words {
            LEVELS.iter().find(|level| level.eq_ignore_ascii_case(word)).ok_or_else(fault)?;
        }
        EnvFilter::builder().parse(&self.level).map_err(|_| fault())
    }
}

/// The log of this process, whose level can change.
pub struct Log {
    level: reload::Handle<EnvFilter, Registry>,
}

impl Log {
    /// From now on so much is told.
    pub fn set_level(&self, config: &Config) -> Result<(), String> {
        let filter = config.filter()?;
        self.level.reload(filter).map_err(|fault| format!("log.level: {fault}"))
    }
}

/// Begins to tell. Only the first call of a process counts.
pub fn install(config: &Config) -> Result<Log, String> {
    let is_terminal = std::io::stderr().is_terminal();
    let is_json = match config.format {
        Format::Auto => !is_terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let (filter, level) = reload::Layer::new(config.filter()?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let log = tracing_subscriber::registry().with(filter);
    // A second log of one process is a test's; it keeps the first.
    let _ = match is_json {
        true => log.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
        false => log.with(lines.with_target(false)).try_init(),
    };
    Ok(Log { level })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_list_by_room() {
        let level = |level: &str| Config { level: level.to_owned(), ..Config::default() };
        for good in ["info", "debug", "warn,fanal::transport=trace"] {
            assert_eq!(level(good).check(), Ok(()), "{good}");
        }
        for bad in ["loud=very", "inof", "", "info,fanal"] {
            let error = level(bad).check().expect_err(bad);
            assert!(error.starts_with("log.level: "), "{error}");
        }
    }
}
