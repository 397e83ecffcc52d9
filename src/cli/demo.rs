//! `fanal demo`: an office in the terminal.

use std::process::ExitCode;
use std::time::Duration;

use super::address::span;
use crate::load::demo;

/// How it is shown.
#[derive(clap::Args)]
#[command(
    after_help = "Starts an agent on a free port of this machine, without a file, and an office of \
        24 people\nwhose phones speak to it over real sockets. Without a terminal it prints a \
        line for every\nlamp that changes. Ends with 1 if a lamp was wrong at the end."
)]
pub struct Args {
    /// End after this time. Default: when q or Ctrl-C is typed.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    lasts: Option<Duration>,
    /// Print lines instead of the board.
    #[arg(long)]
    plain: bool,
}

/// Shows it; `json` prints a summary at the end and nothing before.
pub fn run(args: Args, json: bool) -> ExitCode {
    let Args { lasts, plain } = args;
    demo::run(demo::Args { lasts, json, plain })
}
