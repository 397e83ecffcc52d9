//! `fanal store`: what is kept, looked at, mended, taken elsewhere.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::config::Source;
use super::{EXIT_FALSE, EXIT_WELL, Fault, remark, say};
use crate::shard;
use crate::store::{Damage, Kind, care, repair};

/// Which store, and what to do with it.
#[derive(clap::Args)]
#[command(after_help = "Check and export change nothing and may be used while the agent runs; \
    the others want it\nstopped. Ends with 1 if the store is damaged, in use or not there.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The data directory. Default: the one of the settings.
    #[arg(long, value_name = "DIR", global = true)]
    path: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

#[derive(Subcommand)]
enum What {
    /// Read everything, count it, and say what is damaged.
    Check,
    /// Write the base anew with everything the journal says.
    Compact,
    /// Print every record as a line of JSON. It shows who watches whom, and the secret of this
    /// installation: keep it as you keep the store.
    Export,
    /// Make a store from what export printed, in a directory without one.
    Import {
        /// The file; "-" is standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// Keep what is sound of a damaged store, set the old files aside, say what is lost.
    Repair,
}

/// Does it.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let Args { what, path, source } = args;
    let path = match path {
        Some(path) => path,
        None => path_of_settings(&source)?,
    };
    match what {
        What::Check => check(&path, json),
        What::Compact => {
            let octets = care::compact(&path).map_err(fault)?;
            tell(&path, json, "compacted", &[("base_octets", octets)])
        }
        What::Export => export(&path),
        What::Import { file } => {
            let records = care::import(&path, lines(&file)?).map_err(fault)?;
            tell(&path, json, "imported", &[("records", records)])
        }
        What::Repair => mend(&path, json),
    }
}

fn path_of_settings(source: &Source) -> Result<PathBuf, Fault> {
    let settings = source.load()?;
    match settings.store.kind {
        Kind::Embedded => Ok(settings.store.path),
        Kind::Memory => {
            Err(Fault::usage("store.kind is \"memory\": nothing is kept; name a directory: --path"))
        }
    }
}

fn check(path: &Path, json: bool) -> Result<u8, Fault> {
    let report = care::check(path).map_err(fault)?;
    let is_sound = report.damages.is_empty() && report.not_understood == 0;
    let counts = [
        ("publications", report.publications),
        ("subscriptions", report.subscriptions),
        ("bindings", report.bindings),
        ("said", report.said),
        ("not_understood", report.not_understood),
        ("base_octets", report.base_octets),
        ("journal_segments", report.segments as u64),
        ("journal_octets", report.journal_octets),
        ("torn_octets", report.torn_octets),
    ];
    if json {
        let mut object = json!({
            "event": "checked",
            "path": path.display().to_string(),
            "sound": is_sound,
            "in_use": report.is_in_use,
            "closed_in_order": report.is_closed,
            "damages": report.damages.iter().map(damage_json).collect::<Vec<_>>(),
        });
        for (name, count) in counts {
            object[name] = count.into();
        }
        say(object)?;
        return Ok(if is_sound { EXIT_WELL } else { EXIT_FALSE });
    }
    let state = if is_sound { "sound" } else { "damaged" };
    let in_use = if report.is_in_use { ", in use" } else { "" };
    say(format!("{}: {state}{in_use}", path.display()))?;
    for (name, count) in counts {
        say(format!("  {name} {count}"))?;
    }
    if !report.is_closed && !report.is_in_use {
        say("  not closed in order: the agent was killed, or the end of the journal was cut off")?;
    }
    for damage in &report.damages {
        say(format!("  DAMAGED {damage}"))?;
    }
    if is_sound {
        return Ok(EXIT_WELL);
    }
    remark(format!(
        "`fanal store repair --path {}` keeps what is sound and sets the old files aside",
        path.display()
    ));
    Ok(EXIT_FALSE)
}

fn export(path: &Path) -> Result<u8, Fault> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut closed = false;
    let mut write = |line: &str| {
        writeln!(out, "{line}").map_err(|error| {
            closed = error.kind() == io::ErrorKind::BrokenPipe;
            shard::Fault { what: format!("standard output: {error}") }
        })
    };
    let mut done = care::export(path, &mut write).map(|_| ());
    if done.is_ok() {
        done = out.flush().map_err(|error| {
            closed = error.kind() == io::ErrorKind::BrokenPipe;
            shard::Fault { what: format!("standard output: {error}") }
        });
    }
    match done {
        // Who closed it, such as `head`, has seen enough.
        Err(_) if closed => Ok(EXIT_WELL),
        Err(error) => Err(fault(error)),
        Ok(()) => Ok(EXIT_WELL),
    }
}

fn lines(file: &Path) -> Result<Box<dyn BufRead>, Fault> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = std::fs::File::open(file);
    let opened = opened.map_err(|error| Fault::usage(format!("{}: {error}", file.display())))?;
    Ok(Box::new(BufReader::new(opened)))
}

fn mend(path: &Path, json: bool) -> Result<u8, Fault> {
    let repaired = repair::mend(path).map_err(fault)?;
    let aside = repaired.aside.display();
    if json {
        say(json!({
            "event": "repaired",
            "path": path.display().to_string(),
            "records": repaired.records,
            "lost_records_of_base": repaired.lost_of_base,
            "secret_lost": repaired.is_secret_new,
            "aside": aside.to_string(),
            "damages": repaired.damages.iter().map(damage_json).collect::<Vec<_>>(),
        }))?;
        return Ok(EXIT_WELL);
    }
    say(format!("{}: {} records kept, old files in {aside}", path.display(), repaired.records))?;
    for damage in &repaired.damages {
        say(format!("  LOST {damage}"))?;
    }
    match repaired.lost_of_base {
        Some(0) => {}
        Some(lost) => say(format!("  LOST {lost} records of the base"))?,
        None if repaired.damages.is_empty() => {}
        None => say("  how many records of the base are lost cannot be told")?,
    }
    if repaired.is_secret_new {
        say("  LOST the secret: subscriptions made before end at their next refresh")?;
    }
    remark("what is lost comes back when phones publish and subscribe anew");
    Ok(EXIT_WELL)
}

fn damage_json(damage: &Damage) -> serde_json::Value {
    let Damage { file, at, octets, what } = damage;
    json!({ "file": file.display().to_string(), "at": at, "octets": octets, "what": what })
}

fn tell(path: &Path, json: bool, event: &str, counts: &[(&str, u64)]) -> Result<u8, Fault> {
    let path = path.display().to_string();
    let mut object = json!({ "event": event, "path": path });
    let mut line = format!("{path} {event}");
    for (name, count) in counts {
        object[*name] = (*count).into();
        line.push_str(&format!(", {name} {count}"));
    }
    say(if json { object.to_string() } else { line })?;
    Ok(EXIT_WELL)
}

fn fault(fault: shard::Fault) -> Fault {
    Fault::not_so(fault)
}
