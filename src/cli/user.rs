//! `fanal user`: who may prove a password.

use std::io;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::address::read_password;
use super::config::Source;
use super::{EXIT_WELL, Fault, file, remark, say, terminal};
use crate::auth::{User, Users};
use crate::base::identity::Aor;
use crate::base::uri::Uri;

/// Whose password, in which file.
#[derive(clap::Args)]
#[command(after_help = "The file holds hashes, no passwords; but a hash is worth one. A running\n\
    agent reads the file again at SIGHUP.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The users file. Default: the one of the settings.
    #[arg(long, value_name = "FILE", global = true)]
    users_file: Option<PathBuf>,
    /// The realm of the users. Default: the one of the settings, else the first domain.
    #[arg(long, value_name = "REALM", global = true)]
    realm: Option<String>,
    #[command(flatten)]
    source: Source,
}

#[derive(Subcommand)]
enum What {
    /// Add a user, or change the password of one.
    Add {
        /// The name that is proven with the password.
        name: String,
        /// Who that is. Default: NAME@REALM, or NAME if it has a domain.
        #[arg(long, value_name = "ADDRESS")]
        aor: Option<String>,
        /// A file whose first line is the password; "-" is standard input. Default: ask for it.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Remove a user.
    Remove {
        /// The name that is proven with the password.
        name: String,
    },
    /// List the users, without anything secret.
    List,
}

/// The users file and the realm meant.
struct Book {
    path: PathBuf,
    realm: String,
    users: Users,
}

/// Changes or lists users.
pub fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let Args { what, users_file, realm, source } = args;
    let settings = source.load()?;
    let realm = realm.unwrap_or_else(|| settings.realm());
    let path = users_file.unwrap_or_else(|| settings.auth.users_file.clone());
    let mut book = Book::open(path, realm)?;
    match what {
        What::Add { name, aor, password_file } => {
            let aor = book.aor(&name, aor.as_deref())?;
            let password = match password_file {
                Some(path) => read_password(&path)?,
                None => terminal::new_password(&name)?,
            };
            if password.is_empty() {
                return Err(Fault::usage("an empty password proves nothing"));
            }
            let before = book.users.add(&name, &book.realm, aor, &password);
            book.write()?;
            let done = if before.is_some() { "changed" } else { "added" };
            book.tell(&name, done, json)?;
        }
        What::Remove { name } => {
            if book.users.remove(&name, &book.realm).is_none() {
                return Err(book.stranger(&name));
            }
            book.write()?;
            book.tell(&name, "removed", json)?;
        }
        What::List => book.list(json)?,
    }
    Ok(EXIT_WELL)
}

impl Book {
    fn open(path: PathBuf, realm: String) -> Result<Book, Fault> {
        let users = match std::fs::read_to_string(&path) {
            Ok(text) => Users::read(&text)
                .map_err(|e| Fault::usage(format!("{}:{}: {}", path.display(), e.line, e.what)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Users::default(),
            Err(error) => return Err(Fault::usage(format!("{}: {error}", path.display()))),
        };
        Ok(Book { path, realm, users })
    }

    /// The address a user is, in the form the file has it.
    fn aor(&self, name: &str, given: Option<&str>) -> Result<Aor, Fault> {
        let text = match given {
            Some(given) => given.strip_prefix("sip:").unwrap_or(given).to_owned(),
            None if name.contains('@') => name.to_owned(),
            None => format!("{name}@{}", self.realm),
        };
        let fault = || {
            let text = text.escape_debug();
            Fault::usage(format!("\"{text}\" is no address; give --aor 101@example.com"))
        };
        let uri = Uri::parse(&format!("sip:{text}")).map_err(|_| fault())?;
        match uri.user() {
            Some(user) if !user.is_empty() => {
                Ok(Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))
            }
            _ => Err(fault()),
        }
    }

    fn write(&self) -> Result<(), Fault> {
        file::write_private(&self.path, self.users.write().as_bytes())
            .map_err(|error| Fault::not_so(format!("{}: {error}", self.path.display())))
    }

    fn tell(&self, name: &str, done: &str, json: bool) -> Result<(), Fault> {
        let path = self.path.display().to_string();
        if json {
            let realm = &self.realm;
            return say(json!({ "event": done, "user": name, "realm": realm, "file": path }));
        }
        say(format!("{name} {done} in {path}, realm {}", self.realm))?;
        remark("a running agent learns of it by SIGHUP");
        Ok(())
    }

    fn list(&self, json: bool) -> Result<(), Fault> {
        for User { username, realm, aor, .. } in self.users.list() {
            say(match json {
                true => {
                    json!({ "user": username, "realm": realm, "aor": aor.as_str() }).to_string()
                }
                false => format!("{username} realm={realm} aor={aor}"),
            })?;
        }
        if self.users.is_empty() && !json {
            remark(format!("no users in {}; `fanal user add NAME` adds one", self.path.display()));
        }
        Ok(())
    }

    fn stranger(&self, name: &str) -> Fault {
        let elsewhere = self.users.list().find(|user| user.username == name);
        let advice = match elsewhere {
            Some(user) => format!("; there is one of realm {}, give --realm", user.realm),
            None => String::new(),
        };
        let path = self.path.display();
        Fault::not_so(format!("no user {name} of realm {} in {path}{advice}", self.realm))
    }
}
