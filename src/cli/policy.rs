//! `fanal policy`: rules of persons and the policy of an organisation, before they are trusted.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Subcommand;
use serde_json::json;

use super::config::Source;
use super::{EXIT_FALSE, EXIT_WELL, Fault, file, policy_cases, say};
use crate::base::identity::{Aor, Identity};
use crate::base::time::Wall;
use crate::base::uri::{Scheme, Uri};
use crate::doc::{Presence, date_time};
use crate::policy::organisation::Policy;
use crate::policy::rules::place::Place;
use crate::policy::{Asking, Config, Organisation, PersonRules, RuleSet, Rules, explain, filter};
use crate::server::rules::documents;

/// What to do with rules and policies.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Tell whether files can be used: policies (TOML), rules of persons (XML), or a folder of
    /// rules. Ends with 1 if one cannot.
    Check {
        /// What to look at.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Tell why a watcher sees what it sees: each rule, each condition, each ceiling.
    Explain(ExplainArgs),
    /// Try a policy on cases; ends with 1 if one comes out otherwise than it says.
    #[command(after_help = policy_cases::HELP)]
    Test {
        /// The policy.
        #[arg(value_name = "POLICY")]
        policy: PathBuf,
        /// The cases.
        #[arg(value_name = "CASES")]
        cases: PathBuf,
    },
}

#[derive(clap::Args)]
struct ExplainArgs {
    /// Who watches: an address, or `unknown` for somebody of whom nothing is proven.
    #[arg(long, value_name = "ADDRESS")]
    watcher: String,
    /// Who is watched.
    #[arg(long, value_name = "ADDRESS")]
    presentity: String,
    /// The rules of the person: a file, or the folder of everybody's documents.
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// The policy of the organisation.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// When, such as 2026-03-02T10:00:00+01:00; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The sphere the person is in.
    #[arg(long, value_name = "WORD")]
    sphere: Option<String>,
    /// As if the person wished to be seen by nobody.
    #[arg(long)]
    invisible: bool,
    /// As if the person had taken the day off.
    #[arg(long)]
    day_off: bool,
    /// Print what is left of this presence document instead.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

/// Does it.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    match args.what {
        What::Check { files } => check(&files, json),
        What::Explain(args) => tell(&args, json),
        What::Test { policy, cases } => policy_cases::run(&policy, &cases, json),
    }
}

/// One finding in a file.
struct Finding {
    level: &'static str,
    path: PathBuf,
    line: Option<usize>,
    what: String,
}

fn check(files: &[PathBuf], json: bool) -> Result<u8, Fault> {
    let mut findings = Vec::new();
    for path in files {
        match path.is_dir() {
            true => check_folder(path, &mut findings)?,
            false => check_file(path, &mut findings)?,
        }
    }
    for Finding { level, path, line, what } in &findings {
        let path = path.display().to_string();
        let place = line.map_or(path.clone(), |line| format!("{path}:{line}"));
        match json {
            true => say(json!({ "level": level, "file": path, "line": line, "what": what }))?,
            false => say(format!("{level:<4}  {place}: {what}"))?,
        }
    }
    match findings.iter().any(|finding| finding.level == "fail") {
        true => Ok(EXIT_FALSE),
        false => Ok(EXIT_WELL),
    }
}

fn check_folder(folder: &Path, findings: &mut Vec<Finding>) -> Result<(), Fault> {
    let documents = documents_below(folder)?;
    if documents.is_empty() {
        let what = "no rules in it; they stand as pres-rules/users/sip:alice@example.com/index";
        let what = what.to_owned();
        findings.push(Finding { level: "warn", path: folder.to_owned(), line: None, what });
    }
    for (path, place) in documents {
        match place {
            Some(_) => check_file(&path, findings)?,
            None => {
                let what = "no place of a document; it is never read".to_owned();
                findings.push(Finding { level: "warn", path, line: None, what });
            }
        }
    }
    Ok(())
}

fn check_file(path: &Path, findings: &mut Vec<Finding>) -> Result<(), Fault> {
    let octets = file::read(path)?;
    let mut found = |level, line, what| {
        findings.push(Finding { level, path: path.to_owned(), line, what });
    };
    if is_xml(&octets) {
        match RuleSet::read(&octets) {
            Ok(rules) => {
                found("ok", None, format!("rules: {}", rules.rules().len()));
                for remark in rules.remarks() {
                    found("warn", usize::try_from(remark.line).ok(), remark.what.clone());
                }
            }
            Err(fault) => found("fail", usize::try_from(fault.line).ok(), fault.what),
        }
        return Ok(());
    }
    match Policy::read(&String::from_utf8_lossy(&octets)) {
        Ok(policy) => found("ok", None, format!("policy: {}", policy.summary())),
        Err(fault) => found("fail", Some(fault.line), fault.what),
    }
    Ok(())
}

fn is_xml(octets: &[u8]) -> bool {
    // A byte order mark may stand first; UTF-16 begins with one, or with a zero octet.
    let text = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    matches!(text.trim_ascii_start(), [b'<' | 0 | 0xFE | 0xFF, ..])
}

fn tell(args: &ExplainArgs, json: bool) -> Result<u8, Fault> {
    let presentity = address(&args.presentity)?;
    let watcher = watcher(&args.watcher)?;
    let settings = match &args.source.config {
        Some(_) => args.source.load()?.policy,
        None => Config::default(),
    };
    // What is named here counts before what the settings name.
    let named = |path: &Path| Some(path.to_owned()).filter(|path| !path.as_os_str().is_empty());
    let documents = args.rules.clone().or_else(|| named(&settings.documents));
    let file = args.policy.clone().or_else(|| named(&settings.organisation_file));
    let rules = match &documents {
        Some(path) => rules_of(&presentity, path)?,
        None => PersonRules::Absent,
    };
    let mut organisation = Organisation::of(Rules::new(&settings));
    organisation.policy = file.as_deref().map(policy).transpose()?;
    let asking = Asking {
        sphere: args.sphere.as_deref(),
        invisible: args.invisible,
        day_off: args.day_off,
        ..Asking::new(&presentity, &watcher, moment(args.at.as_deref())?)
    };
    let (decision, explanation) = explain(&rules, &organisation, &asking);
    if let Some(path) = &args.document {
        let document = Presence::read(&file::read(path)?, None)
            .map_err(|fault| Fault::usage(format!("{}: {fault}", path.display())))?;
        say(filter::presence(&document, &decision.permissions).write().trim_end())?;
        return Ok(EXIT_WELL);
    }
    let attendants = organisation.attendants_of(&presentity);
    match json {
        true => {
            let mut object = json!(explanation);
            object["attendants"] = json!(attendants);
            say(object)?;
        }
        false => {
            say(&explanation)?;
            for attendant in attendants {
                say(format!("  lamps of {presentity} are always seen by {attendant}"))?;
            }
        }
    }
    Ok(EXIT_WELL)
}

/// A policy from a file.
pub(super) fn policy(path: &Path) -> Result<Policy, Fault> {
    let octets = file::read(path)?;
    Policy::read(&String::from_utf8_lossy(&octets))
        .map_err(|fault| Fault::usage(format!("{}:{}: {}", path.display(), fault.line, fault.what)))
}

/// The rules of one person: a document, or all of theirs in a folder of everybody's.
pub(super) fn rules_of(person: &Aor, path: &Path) -> Result<PersonRules, Fault> {
    if !path.is_dir() {
        return document("index", path).map(PersonRules::Rules);
    }
    let mut all: Option<RuleSet> = None;
    for (path, place) in documents_below(path)? {
        let Some(place) = place.filter(|place| place.user == *person) else { continue };
        let rules = document(&place.document, &path)?;
        all = Some(all.unwrap_or_default().join(rules));
    }
    Ok(all.map_or(PersonRules::Absent, PersonRules::Rules))
}

fn document(name: &str, path: &Path) -> Result<RuleSet, Fault> {
    RuleSet::read_as(name, &file::read(path)?)
        .map_err(|fault| Fault::usage(format!("{}:{}: {}", path.display(), fault.line, fault.what)))
}

fn documents_below(root: &Path) -> Result<Vec<(PathBuf, Option<Place>)>, Fault> {
    documents(root).map_err(|error| Fault::usage(format!("{}: {error}", root.display())))
}

/// Somebody by address, with or without its scheme.
pub(super) fn address(text: &str) -> Result<Aor, Fault> {
    let full = if text.contains(':') { text.to_owned() } else { format!("sip:{text}") };
    let uri = Uri::parse(&full).ok().filter(|uri| {
        matches!(uri.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Pres) && uri.user().is_some()
    });
    let Some(uri) = uri else {
        let text = text.escape_debug();
        return Err(Fault::usage(format!("\"{text}\" is nobody; write alice@example.com")));
    };
    Ok(Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))
}

/// Who watches, or somebody of whom nothing is proven.
pub(super) fn watcher(text: &str) -> Result<Identity, Fault> {
    match text {
        "unknown" => Ok(Identity::Unasked),
        text => address(text).map(Identity::User),
    }
}

/// A moment, or now.
pub(super) fn moment(text: Option<&str>) -> Result<Wall, Fault> {
    let Some(text) = text else { return Ok(SystemTime::now().into()) };
    date_time::wall(text).ok_or_else(|| {
        let text = text.escape_debug();
        Fault::usage(format!("\"{text}\" is no time; write 2026-03-02T10:00:00+01:00"))
    })
}
