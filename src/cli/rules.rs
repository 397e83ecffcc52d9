//! `fanal rules`: the rules of a person, by way of the agent that obeys them.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;

use super::http::{Api, Asked, Method, part};
use super::status::text;
use super::{EXIT_WELL, Fault, file, say};

/// The type of a document of rules.
const MEDIA: &str = "application/auth-policy+xml";

/// What to do.
#[derive(clap::Args)]
#[command(after_help = "The token needs the scope \"rules\" for its own identity, \"rules-any\" \
    for others.\n`fanal policy check` checks a document without an agent.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the documents of a person, or print one.
    Show(Whose),
    /// Put a document in place: checked, kept and in force at once.
    Put(Putting),
    /// Take a document away. Without any the organisation decides.
    Remove(Whose),
}

#[derive(clap::Args)]
struct Whose {
    /// Whose rules: 101, 101@example.com or sip:101@example.com.
    person: String,
    /// The name of the document.
    #[arg(long, value_name = "NAME")]
    document: Option<String>,
    #[command(flatten)]
    api: Api,
}

#[derive(clap::Args)]
struct Putting {
    #[command(flatten)]
    whose: Whose,
    /// The file with the document (RFC 4745, RFC 5025); "-" is standard input.
    file: PathBuf,
}

/// Shows, puts or removes.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    match args.what {
        What::Show(Whose { person, document: None, api }) => {
            let path = format!("/v1/rules/{}", part(&person));
            let all = api.ask(Method::GET, &path, None).await?;
            if json {
                say(all)?;
                return Ok(EXIT_WELL);
            }
            for one in all["documents"].as_array().into_iter().flatten() {
                say(format!(
                    "{} {} octets {}",
                    text(&one["document"]),
                    one["octets"],
                    text(&one["etag"])
                ))?;
            }
        }
        What::Show(whose) => {
            let octets = ask(&whose, Method::GET, Vec::new()).await?;
            io::stdout().write_all(&octets).map_err(Fault::not_so)?;
        }
        What::Put(Putting { whose, file }) => {
            let octets = ask(&whose, Method::PUT, file::read(&file)?).await?;
            let told: serde_json::Value = serde_json::from_slice(&octets).unwrap_or_default();
            match json {
                true => say(told)?,
                false => {
                    say(format!("{}: {} is in force", text(&told["aor"]), text(&told["document"])))?
                }
            }
        }
        What::Remove(whose) => {
            ask(&whose, Method::DELETE, Vec::new()).await?;
        }
    }
    Ok(EXIT_WELL)
}

async fn ask(whose: &Whose, method: Method, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let Whose { person, document, api } = whose;
    let document = document.as_deref().unwrap_or("index");
    let path = format!("/v1/rules/{}/{}", part(person), part(document));
    let asked = Asked { method, path: &path, media: MEDIA, body: body.into() };
    Ok(api.exchange(asked).await?.to_vec())
}
