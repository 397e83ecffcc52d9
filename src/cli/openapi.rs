//! `fanal http`: the API described for programs.

use clap::Subcommand;

use super::{EXIT_WELL, Fault, say};
use crate::http::openapi;

/// What to show.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Every path, document and status of the API (OpenAPI 3.1), as /openapi.json serves it.
    Openapi,
}

/// Shows it; with `--json` in one line.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let What::Openapi = args.what;
    let document = openapi::document();
    match json {
        true => say(document)?,
        false => say(format!("{document:#}"))?,
    }
    Ok(EXIT_WELL)
}
