//! The settings: a file, the environment laid over it, each room handed its part.
//!
//! Without a file the defaults serve this machine alone. Every key can be set by
//! `FANAL_SECTION__KEY` as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rules::{self, Found};
use super::{Launch, log, run};
use crate::auth::{self, Users};
use crate::base::limits::{DRAIN_PATIENCE, DRAIN_PATIENCE_MAX};
use crate::base::span;
use crate::event::status;
use crate::shard::config::{Authentication, Presentities, PresentityConfig, ServerConfig};
use crate::{calendar, http, notifier, policy, registrar, shard, store, transport};

mod change;
mod fault;
mod keys;
mod page;
mod variables;

pub use crate::base::spelling::nearest;
pub use change::Change;
pub use fault::{Place, SettingsError};
pub use page::{defaults, effective, effective_json, manual};

/// All settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What is served.
    pub server: Server,
    /// Where to listen, under which name, and whom to believe.
    pub transport: transport::Config,
    /// How users prove who they are.
    pub auth: Auth,
    /// How publications live.
    pub presentity: PresentityConfig,
    /// How statuses of persons are composed.
    pub status: status::Settings,
    /// How watchers are told.
    pub notifier: notifier::Config,
    /// How contacts are registered.
    pub registrar: registrar::Config,
    /// Who may see what.
    pub policy: policy::Config,
    /// The HTTP side: states set by hand, what is seen, health, metrics.
    pub http: http::Config,
    /// Calendars of persons, and what recurs every week.
    pub calendar: calendar::Config,
    /// What survives a restart.
    pub store: store::Config,
    /// What is told on standard error.
    pub log: log::Config,
    /// Where each value that is not the default stands, by section and key.
    #[serde(skip)]
    origins: Origins,
}

/// Where values stand, by section and key.
type Origins = BTreeMap<(String, String), Place>;

/// What is served, and by how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The domains served; the first also stands for the addresses listened on.
    pub domains: Vec<String>,
    /// Other names of the first domain.
    pub aliases: Vec<String>,
    /// Which presentities exist.
    pub presentities: Presentities,
    /// Threads that own presentities; 0 is one for each core.
    pub shards: usize,
    /// How long an agent told to end waits for the answers of watchers.
    #[serde(with = "crate::base::span::text")]
    pub drain_patience: Duration,
}

/// How users prove who they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether they must.
    pub mode: Authentication,
    /// Where they are listed; empty is `users` in the data directory.
    pub users_file: PathBuf,
    /// The realm; empty is the first domain.
    pub realm: String,
    /// How long a nonce serves.
    #[serde(with = "crate::base::span::text")]
    pub nonce_life: Duration,
    /// The algorithms offered, the one to prefer first.
    pub algorithms: Vec<auth::Algorithm>,
    /// Which requests may come without `qop`.
    pub allow_no_qop: auth::NoQop,
    /// Wrong passwords for one user name from one address, after which it is refused.
    pub failures_max: u32,
    /// Wrong passwords from one address, after which it is refused.
    pub failures_of_source_max: u32,
    /// The time within which they are counted.
    #[serde(with = "crate::base::span::text")]
    pub failures_within: Duration,
    /// How long they are refused.
    #[serde(with = "crate::base::span::text")]
    pub refused_for: Duration,
    /// Requests from one address that prove nothing and are answered in ten seconds.
    pub strangers_max: u32,
}

impl Default for Server {
    fn default() -> Server {
        let ServerConfig { domains, aliases, presentities, .. } = ServerConfig::default();
        let drain_patience = DRAIN_PATIENCE;
        Server { domains, aliases, presentities, shards: 0, drain_patience }
    }
}

impl Default for Auth {
    fn default() -> Auth {
        let digest = auth::Config::default();
        Auth {
            mode: Authentication::Digest,
            users_file: PathBuf::new(),
            realm: digest.realm,
            nonce_life: digest.nonce_life,
            algorithms: digest.algorithms,
            allow_no_qop: digest.allow_no_qop,
            failures_max: digest.failures_max,
            failures_of_source_max: digest.failures_of_source_max,
            failures_within: digest.failures_within,
            refused_for: digest.refused_for,
            strangers_max: digest.strangers_max,
        }
    }
}

impl Settings {
    /// From a file, if there is one, and the environment. What neither says is the default.
    pub fn load(
        path: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Settings, SettingsError> {
        let env: BTreeMap<String, String> = env.into_iter().collect();
        let mut origins = Origins::new();
        let mut table = match path {
            Some(path) => read(path, &mut origins)?,
            None => toml::Table::new(),
        };
        variables::lay_over(&env, &mut table, &mut origins)?;
        let mut settings: Settings = table
            .try_into()
            .map_err(|error: toml::de::Error| fault_of(Place::Default, error.message()))?;
        settings.origins = origins;
        settings.find_files(path, &env);
        settings.check()?;
        Ok(settings)
    }

    /// Whether each room can live with its settings.
    pub fn check(&self) -> Result<(), SettingsError> {
        let checks = [
            self.check_server(),
            self.run().check(),
            self.transport.check(),
            self.digest().check(),
            check_presentity(&self.presentity),
            self.status.check(),
            self.notifier.check(),
            self.registrar.check(),
            self.policy.check(),
            self.http.check(),
            self.calendar.check(self.server.domains.first().map_or("", String::as_str)),
            self.store.check(),
            self.log.check(),
        ];
        match checks.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(what) => Err(SettingsError { place: self.place_named_in(&what), what }),
        }
    }

    /// What the agent is started with, for these users.
    pub fn launch(&self, users: Arc<Users>) -> Launch {
        let agent = shard::Config {
            server: self.served(),
            presentity: self.presentity.clone(),
            notifier: self.notifier.clone(),
            registrar: self.registrar.clone(),
            digest: self.digest(),
            status: self.status.clone(),
            policy: self.policy.clone(),
            book: None,
            doors: Vec::new(),
        };
        let (transport, store) = (self.transport.clone(), self.store.clone());
        let (http, calendar) = (Some(self.http.clone()), self.calendar.clone());
        Launch { agent, transport, store, run: self.run(), http, calendar, users }
    }

    /// How the work is spread.
    pub fn run(&self) -> run::Config {
        run::Config { shards: self.server.shards }
    }

    /// The settings of digest authentication.
    pub fn digest(&self) -> auth::Config {
        let Auth { realm, algorithms, .. } = self.auth.clone();
        auth::Config {
            realm,
            algorithms,
            nonce_life: self.auth.nonce_life,
            allow_no_qop: self.auth.allow_no_qop,
            failures_max: self.auth.failures_max,
            failures_of_source_max: self.auth.failures_of_source_max,
            failures_within: self.auth.failures_within,
            refused_for: self.auth.refused_for,
            strangers_max: self.auth.strangers_max,
        }
    }

    /// What is served, as a shard has it.
    pub fn served(&self) -> ServerConfig {
        let Server { domains, aliases, presentities, .. } = self.server.clone();
        ServerConfig { domains, aliases, presentities, auth: self.auth.mode }
    }

    /// The realm of users and challenges.
    pub fn realm(&self) -> String {
        match (self.auth.realm.as_str(), self.server.domains.first()) {
            ("", Some(domain)) => domain.to_ascii_lowercase(),
            (realm, _) => realm.to_owned(),
        }
    }

    /// The users, read from their file now. No file is no users, unless the settings name one.
    pub fn users(&self) -> Result<Users, SettingsError> {
        let path = &self.auth.users_file;
        let is_named = self.origins.contains_key(&name("auth", "users_file"));
        let fault = |what: String| fault_of(Place::File(path.clone()), &what);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => {
                return Ok(Users::default());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(fault(
                    "there is no such users file; `fanal user add NAME` makes it".to_owned(),
                ));
            }
            Err(error) => return Err(fault(format!("cannot be read: {error}"))),
        };
        Users::read(&text).map_err(|error| SettingsError {
            place: Place::Line(path.clone(), error.line),
            what: error.what,
        })
    }

    /// Rules of persons and the policy of the organisation, read from their files now.
    pub fn rules(&self) -> Result<Found, SettingsError> {
        rules::read(&self.policy)
    }

    /// The same with nothing in it that must not be shown.
    fn redacted(&self) -> Settings {
        Settings { calendar: self.calendar.redacted(), ..self.clone() }
    }

    /// Where a value stands.
    pub fn place(&self, section: &str, key: &str) -> &Place {
        self.origins.get(&name(section, key)).unwrap_or(&Place::Default)
    }

    /// Takes a value from the command line.
    pub fn argue(&mut self, section: &str, key: &str, argument: &'static str) {
        self.origins.insert(name(section, key), Place::Argument(argument));
    }

    /// Fills in the paths that depend on where the settings stand and who runs the agent.
    fn find_files(&mut self, path: Option<&Path>, env: &BTreeMap<String, String>) {
        let near = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let is_from_file = |place: &Place| matches!(place, Place::Line(..) | Place::File(_));
        let data = data_directory(env);
        let fill = |path: &mut PathBuf, place: &Place, default: PathBuf| {
            if path.as_os_str().is_empty() {
                *path = default;
            } else if is_from_file(place) {
                *path = near.join(&path);
            }
        };
        let place = self.place("store", "path").clone();
        fill(&mut self.store.path, &place, data);
        let place = self.place("auth", "users_file").clone();
        fill(&mut self.auth.users_file, &place, self.store.path.join("users"));
        let place = self.place("policy", "organisation_file").clone();
        fill(&mut self.policy.organisation_file, &place, PathBuf::new());
        let place = self.place("policy", "documents").clone();
        fill(&mut self.policy.documents, &place, PathBuf::new());
        if is_from_file(self.place("calendar", "feed")) {
            self.calendar.feeds.iter_mut().for_each(|feed| feed.source.stand_in(near));
        }
    }

    fn check_server(&self) -> Result<(), String> {
        if self.server.drain_patience > DRAIN_PATIENCE_MAX {
            let most = span::write(DRAIN_PATIENCE_MAX);
            return Err(format!("server.drain_patience: write a span of at most {most}"));
        }
        if self.server.domains.is_empty() {
            return Err("server.domains: name at least one, such as \"example.com\"".to_owned());
        }
        for (key, hosts) in [("domains", &self.server.domains), ("aliases", &self.server.aliases)] {
            if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
                return Err(format!(
                    "server.{key}: \"{}\" is no host name; write it without \"sip:\", user and port",
                    host.escape_debug()
                ));
            }
        }
        Ok(())
    }

    /// Where the key stands that a complaint begins with.
    fn place_named_in(&self, what: &str) -> Place {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let named = what.split(|c| !is_part(c)).next().unwrap_or_default();
        let mut parts = named.split('.');
        let (Some(section), Some(key)) = (parts.next(), parts.next()) else {
            return Place::Default;
        };
        self.place(section, key).clone()
    }
}

/// The data directory of whoever runs the agent: as systemd gives it, else by the rules of
/// desktops, else where services keep things.
pub fn data_directory(env: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(first) = set("STATE_DIRECTORY").and_then(|list| list.split(':').next()) {
        return PathBuf::from(first);
    }
    if let Some(state) = set("XDG_STATE_HOME") {
        return Path::new(state).join("fanal");
    }
    match set("HOME") {
        Some(home) if !nix::unistd::geteuid().is_root() => {
            Path::new(home).join(".local/state/fanal")
        }
        _ => PathBuf::from("/var/lib/fanal"),
    }
}

fn read(path: &Path, origins: &mut Origins) -> Result<toml::Table, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "; `fanal config default` prints a file to begin with",
            _ => "",
        };
        fault_of(Place::File(path.to_owned()), &format!("cannot be read: {error}{advice}"))
    })?;
    let fault = |error: toml::de::Error| SettingsError::in_file(path, &text, &error);
    toml::from_str::<Settings>(&text).map_err(fault)?;
    for (entry, line) in fault::Outline::of(&text).lines() {
        let place = Place::Line(path.to_owned(), line);
        origins.insert(name(&entry.section, &entry.key), place);
    }
    text.parse().map_err(fault)
}

fn check_presentity(config: &PresentityConfig) -> Result<(), String> {
    if config.expires_min > config.expires_max {
        return Err("presentity.expires_min is above presentity.expires_max".to_owned());
    }
    if !(config.expires_min..=config.expires_max).contains(&config.expires_default) {
        return Err(
            "presentity.expires_default: must lie between expires_min and expires_max".into()
        );
    }
    if config.pre_answer_max.is_zero() {
        return Err("presentity.pre_answer_max must be longer than 0s".to_owned());
    }
    Ok(())
}

fn is_host(text: &str) -> bool {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !text.is_empty() && text.chars().all(lawful)
}

fn fault_of(place: Place, what: &str) -> SettingsError {
    SettingsError { place, what: what.to_owned() }
}

fn name(section: &str, key: &str) -> (String, String) {
    (section.to_owned(), key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads a file of this text under the name `office.toml`, with variables.
    fn load(text: &str, env: &[(&str, &str)]) -> Result<Settings, String> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = format!("fanal-settings-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("office.toml");
        std::fs::write(&path, text).expect("a file");
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let loaded = Settings::load(Some(&path), env).map_err(|error| error.to_string());
        std::fs::remove_dir_all(&folder).expect("the folder");
        loaded.map_err(|error| error.replace(&format!("{}/", folder.display()), ""))
    }

    fn bare(env: &[(&str, &str)]) -> Result<Settings, String> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(None, env).map_err(|error| error.to_string())
    }

    fn written(settings: &Settings) -> toml::Table {
        toml::Table::try_from(settings).expect("a table")
    }

    #[test]
    fn without_a_file_the_defaults_are_in_force() {
        let settings = bare(&[("XDG_STATE_HOME", "/var/x")]).expect("settings");
        assert_eq!(settings.server.domains, ["localhost"]);
        assert_eq!(settings.auth.mode, Authentication::Digest);
        assert_eq!(settings.auth.users_file, Path::new("/var/x/fanal/users"));
    }

    #[test]
    fn the_default_page_says_the_defaults() {
        let read: Settings = toml::from_str(&defaults()).expect("a readable page");
        assert_eq!(written(&read), written(&Settings::default()));
    }

    #[test]
    fn every_example_of_the_default_page_can_be_read() {
        for section in keys::SECTIONS {
            for key in section.keys.iter().filter(|key| !key.example.is_empty()) {
                // Examples of one line stand for themselves, else all lines are one.
                let texts: Vec<String> = match key.example.iter().all(|e| e.contains(" = ")) {
                    true if !key.example.contains(&"]") => {
                        key.example.iter().map(|e| (*e).to_owned()).collect()
                    }
                    _ => vec![key.example.join("\n")],
                };
                for text in texts {
                    let text = format!("[{}]\n{text}\n", section.name);
                    assert!(load(&text, &[]).is_ok(), "{text}: {:?}", load(&text, &[]).err());
                }
            }
        }
    }

    #[test]
    fn every_key_is_described_and_every_description_has_its_key() {
        let table = written(&Settings::default());
        for (section, keys) in &table {
            let known = keys::section(section).expect(section);
            for key in keys.as_table().expect("a section").keys() {
                assert!(known.key(key).is_some(), "{section}.{key} is not described");
            }
        }
        for section in keys::SECTIONS {
            for key in section.keys {
                let text = format!("[{}]\n{} = {{ x = 1 }}\n", section.name, key.name);
                let error = load(&text, &[]).expect_err("nothing takes this");
                assert!(!error.contains("unknown key \"") || key.name == "pace", "{error}");
            }
        }
    }

    #[test]
    fn the_settings_page_of_the_manual_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
        let there = std::fs::read_to_string(path).expect("docs/settings.md");
        assert!(there == manual(), "write it anew: fanal config manual > docs/settings.md");
    }

    #[test]
    fn a_wrong_key_is_told_with_file_line_and_the_nearest_right_one() {
        for (text, told) in [
            (
                "[server]\n\ndomain = [\"a\"]\n",
                "office.toml:3: unknown key \"domain\" in [server]; did you mean \"domains\"?",
            ),
            (
                "\n[notfier]\n",
                "office.toml:2: unknown section \"notfier\"; did you mean \"notifier\"?",
            ),
            (
                "[server]\nrealm = \"x\"\n",
                "office.toml:2: unknown key \"realm\" in [server]; it belongs to [auth]",
            ),
            (
                "domains = [\"a\"]\n",
                "office.toml:1: unknown section \"domains\"; \"domains\" is a key of [server]",
            ),
            (
                "[[policy.rule]]\nverdict = \"allow\"\n\n[[policy.rule]]\nwatchr = \"*\"\n",
                "office.toml:5: unknown key \"watchr\" in policy.rule; did you mean \"watcher\"?",
            ),
            (
                "[notifier.pace.dialog]\ninterval = \"1s\"\nburts = 2\n",
                "office.toml:3: unknown key \"burts\" in notifier.pace; did you mean \"burst\"?",
            ),
        ] {
            assert_eq!(load(text, &[]).expect_err(text), told);
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_what_to_write() {
        for (text, told) in [
            (
                "[notifier]\non_timeout = \"drop\"\n",
                "office.toml:2: notifier.on_timeout cannot be \"drop\"; \
                 write \"suspend\" or \"remove\"",
            ),
            (
                "[notifier]\nwatchers_max = -1\n",
                "office.toml:2: notifier.watchers_max cannot be -1; write a whole number, 0 or more",
            ),
            (
                "[server]\ndomains = \"example.com\"\n",
                "office.toml:2: server.domains cannot be \"example.com\"; \
                 write a list of host names such as [\"example.com\"]",
            ),
            (
                "[server]\nauth = 5\n",
                "office.toml:2: unknown key \"auth\" in [server]; \
                 there are domains, aliases, presentities, shards, drain_patience",
            ),
            (
                "server = 5\n",
                "office.toml:1: server is a section; write [server] on a line of its own, keys below",
            ),
            (
                "[server]\ndomains = [\"sip:example.com\"]\n",
                "office.toml:2: server.domains: \"sip:example.com\" is no host name; \
                 write it without \"sip:\", user and port",
            ),
            (
                "[notifier]\nexpires_max = \"10s\"\n",
                "notifier.expires_min is above notifier.expires_max",
            ),
        ] {
            assert_eq!(load(text, &[]).expect_err(text), told);
        }
        let span = load("[auth]\nnonce_life = \"5 min\"\n", &[]).expect_err("no span");
        assert!(span.starts_with("office.toml:2: auth.nonce_life: \"5 min\" is no span"), "{span}");
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let settings = load(
            "[server]\ndomains = [\"a.test\"]\nshards = 1\n",
            &[
                ("FANAL_SERVER__DOMAINS", "b.test, c.test"),
                ("FANAL_NOTIFIER__ON_TIMEOUT", "remove"),
                ("FANAL_NOTIFIER__WATCHERS_MAX", "7"),
                ("FANAL_NOTIFIER__PACED", "false"),
                ("FANAL_NOTIFIER__EXPIRES_MIN", "30s"),
                ("FANAL_AUTH__ALGORITHMS", "[\"MD5\"]"),
                ("FANAL_POLICY__RULE", "[{ watcher = \"*@a.test\", verdict = \"block\" }]"),
                ("FANAL_CONFIG", "not a setting"),
                ("OTHER__KEY", "x"),
            ],
        )
        .expect("settings");
        assert_eq!(settings.server.domains, ["b.test", "c.test"]);
        assert_eq!(settings.server.shards, 1);
        assert_eq!(settings.notifier.on_timeout, notifier::config::OnTimeout::Remove);
        assert_eq!(settings.notifier.watchers_max, 7);
        assert!(!settings.notifier.paced);
        assert_eq!(settings.auth.algorithms, [auth::Algorithm::Md5]);
        assert_eq!(settings.policy.rules.len(), 1);
        let variable = Place::Variable("FANAL_SERVER__DOMAINS".to_owned());
        assert_eq!(*settings.place("server", "domains"), variable);
        assert!(settings.place("server", "shards").to_string().ends_with("office.toml:3"));
        assert_eq!(*settings.place("auth", "realm"), Place::Default);
    }

    #[test]
    fn a_wrong_variable_is_told_by_its_name() {
        for (variable, value, told) in [
            (
                "FANAL_SERVR__DOMAINS",
                "a",
                "FANAL_SERVR__DOMAINS: unknown section \"servr\"; did you mean \"server\"?",
            ),
            (
                "FANAL_SERVER__DOMAIN",
                "a",
                "FANAL_SERVER__DOMAIN: unknown key \"domain\" in [server]; \
                 did you mean \"domains\"?",
            ),
            (
                "FANAL_AUTH_USERS_FILE",
                "a",
                "FANAL_AUTH_USERS_FILE: two underscores are due: FANAL_AUTH__USERS_FILE",
            ),
            (
                "FANAL_NOTIFIER__WATCHERS_MAX",
                "many",
                "FANAL_NOTIFIER__WATCHERS_MAX: notifier.watchers_max cannot be many; \
                 write a whole number, 0 or more",
            ),
            (
                "FANAL_LOG__LEVEL",
                "inof",
                "FANAL_LOG__LEVEL: log.level: \"inof\" is no level; \
                 write error, warn, info, debug or trace",
            ),
        ] {
            assert_eq!(bare(&[(variable, value)]).expect_err(variable), told);
        }
    }

    #[test]
    fn what_is_in_force_is_shown_with_its_place() {
        let settings = load(
            "[server]\nshards = 2\n",
            &[("FANAL_SERVER__DOMAINS", "a.test"), ("HOME", "/nowhere")],
        )
        .expect("settings");
        let page = effective(&settings);
        assert!(page.contains("domains = [\"a.test\"]  # FANAL_SERVER__DOMAINS\n"), "{page}");
        assert!(page.contains("office.toml:2\n") && page.contains("\nallow_no_qop ="), "{page}");
        assert!(toml::from_str::<Settings>(&page).is_ok(), "{page}");
    }

    #[test]
    fn the_data_directory_is_where_the_system_keeps_state() {
        let directory = |env: &[(&str, &str)]| {
            let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            data_directory(&env.collect())
        };
        let systemd = [("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("XDG_STATE_HOME", "/x")];
        assert_eq!(directory(&systemd), Path::new("/var/lib/a"));
        assert_eq!(directory(&[("XDG_STATE_HOME", "/x")]), Path::new("/x/fanal"));
        assert_eq!(directory(&[]), Path::new("/var/lib/fanal"));
    }

    #[test]
    fn a_users_file_that_is_named_must_be_there() {
        let settings = load("[auth]\nusers_file = \"people\"\n", &[]).expect("settings");
        let error = settings.users().expect_err("no file").to_string();
        assert!(error.contains("people: there is no such users file"), "{error}");
        let bare = bare(&[("XDG_STATE_HOME", "/nonexistent")]).expect("settings");
        assert!(bare.users().expect("none").is_empty());
    }
}
