//! `fanal config`: the settings, shown.

use std::path::PathBuf;

use clap::Subcommand;

use super::{EXIT_WELL, Fault, environment, say};
use crate::server::config::{self, Settings, SettingsError};

/// What of the settings to show.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The complete file of defaults, with a comment for each key.
    Default,
    /// What is in force, and where each value that is not the default comes from.
    Show(Source),
    /// The manual page of all settings, in Markdown.
    Manual,
}

/// Where settings come from.
#[derive(clap::Args, Clone)]
pub struct Source {
    /// The settings file. Without one the defaults serve this machine alone. Every key can be
    /// set by a variable FANAL_SECTION__KEY as well, which wins over the file.
    #[arg(long, value_name = "FILE", env = "FANAL_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

impl Source {
    /// Reads them.
    pub fn load(&self) -> Result<Settings, Fault> {
        Ok(self.read()?)
    }

    /// Reads them, and tells what is wrong and where.
    pub fn read(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.config.as_deref(), environment())
    }
}

/// Shows settings.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let page = match args.what {
        What::Default => config::defaults(),
        What::Manual => config::manual(),
        What::Show(source) if json => config::effective_json(&source.load()?).to_string(),
        What::Show(source) => config::effective(&source.load()?),
    };
    say(page.trim_end())?;
    Ok(EXIT_WELL)
}
