//! Settings of calendars: whose they are, where they stand, how often they are looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::civil::{Date, Shift, Zone, date};
use crate::base::identity::Aor;
use crate::base::limits::{
    CALENDAR_FEEDS_MAX, CALENDAR_HOURS_MAX, FEED_POLL, FEED_POLL_MAX, FEED_POLL_MIN,
    SOURCE_NAME_OCTETS_MAX,
};
use crate::base::span;
use crate::base::uri::Uri;
use crate::doc::ical::zone_named;
use crate::event::status::Kind;
use crate::event::status::settings::Focus;

/// The settings of this room.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where people are whose entry names no zone; empty: as their calendar says, else UTC.
    pub zone: String,
    /// Calendars to look at.
    #[serde(rename = "feed")]
    pub feeds: Vec<Feed>,
    /// What recurs every week.
    pub hours: Vec<Hours>,
}

/// A calendar of somebody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Whose: `101` or `101@example.com`.
    pub user: String,
    /// Where it stands.
    pub source: Source,
    /// Tells several of one person apart.
    #[serde(default = "usual_name")]
    pub name: String,
    /// How often it is looked at.
    #[serde(default = "usual_poll", with = "span::text")]
    pub poll: Duration,
    /// Where the person is: how times without a zone are read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// What focus time makes of the person; `None`: what `status.focus` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<Focus>,
    /// The person's address in it, by which declined invitations are known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mail: String,
    /// What entries of these titles are, by words of ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: BTreeMap<String, String>,
}

/// What recurs every week for some people.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// For whom.
    pub users: Vec<String>,
    /// Where their clocks hang.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// What they do in these hours: `work`, and are off work outside of them, or anything else.
    #[serde(default = "work")]
    pub state: String,
    /// The hours from Monday to Friday, beside those of each day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuesday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wednesday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thursday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub friday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saturday: Vec<String>,
    /// The hours of a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sunday: Vec<String>,
    /// Days without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<String>,
    /// Whether others are told how far these clocks are ahead of UTC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub show_zone: bool,
}

/// Hours that were read.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Week {
    pub zone: Zone,
    /// `None`: work.
    pub state: Option<Meant>,
    /// By weekday, Monday first.
    pub shifts: [Vec<Shift>; 7],
    pub holidays: BTreeSet<Date>,
    /// Whether the zone is shown.
    pub is_shown: bool,
}

/// What a word of the settings makes of somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Meant {
    /// Nothing: the time is free.
    Free,
    /// Not to be disturbed.
    Dnd,
    /// Something the person does.
    Does(Kind),
}

/// Where a calendar stands: an address or a file. An address may be worth a password, so what is
/// shown of it is its host alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(String);

/// A source taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// An address of the web, `http` or `https`.
    Web(String),
    /// A file.
    File(PathBuf),
}

fn usual_name() -> String {
    "calendar".to_owned()
}

fn usual_poll() -> Duration {
    FEED_POLL
}

fn work() -> String {
    "work".to_owned()
}

impl Source {
    /// From what settings say.
    pub fn new(text: &str) -> Source {
        Source(text.to_owned())
    }

    /// A file relative to a folder, if it is one and relative.
    pub fn stand_in(&mut self, folder: &Path) {
        if let Place::File(path) = self.place() {
            self.0 = folder.join(path).display().to_string();
        }
    }

    /// What it is.
    pub fn place(&self) -> Place {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return Place::File(PathBuf::from(&self.0));
        };
        // Programs that subscribe to calendars write `webcal` for one of the web.
        match scheme.to_ascii_lowercase().as_str() {
            "webcal" | "webcals" => Place::Web(format!("https://{rest}")),
            _ => Place::Web(self.0.clone()),
        }
    }

    /// What may be shown of it.
    pub fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return self.0.clone() };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}/...")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Config {
    /// What is wrong with these settings, naming the key. Who is named without a domain is of this
    /// one.
    pub fn check(&self, domain: &str) -> Result<(), String> {
        if self.feeds.len() > CALENDAR_FEEDS_MAX {
            return Err(format!("calendar.feed: more than {CALENDAR_FEEDS_MAX}"));
        }
        if self.hours.len() > CALENDAR_HOURS_MAX {
            return Err(format!("calendar.hours: more than {CALENDAR_HOURS_MAX}"));
        }
        zone(&self.zone).map_err(|what| format!("calendar.zone: {what}"))?;
        let mut names = BTreeSet::new();
        for feed in &self.feeds {
            let user = feed.check(domain).map_err(|what| format!("calendar.feed: {what}"))?;
            if !names.insert((
                Aor::from_parts(&user.canonical_user(), &user.canonical_host()),
                &feed.name,
            )) {
                let (user, name) = (&feed.user, &feed.name);
                return Err(format!(
                    "calendar.feed: {user} has two of the name \"{name}\"; give each its own"
                ));
            }
        }
        for hours in &self.hours {
            hours.week(&self.zone).map_err(|what| format!("calendar.hours: {what}"))?;
        }
        Ok(())
    }

    /// The same with nothing in it that is worth a password.
    #[must_use]
    pub fn redacted(&self) -> Config {
        let mut shown = self.clone();
        for feed in &mut shown.feeds {
            feed.source = Source(feed.source.redacted());
        }
        shown
    }
}

impl Feed {
    /// Whose it is, if all is well.
    fn check(&self, domain: &str) -> Result<Uri, String> {
        let user = person(&self.user, domain)?;
        zone(&self.zone)?;
        if self.name.is_empty() || self.name.len() > SOURCE_NAME_OCTETS_MAX {
            return Err(format!("a name has 1 to {SOURCE_NAME_OCTETS_MAX} characters"));
        }
        if !(FEED_POLL_MIN..=FEED_POLL_MAX).contains(&self.poll) {
            let (least, most) = (span::write(FEED_POLL_MIN), span::write(FEED_POLL_MAX));
            return Err(format!("poll is from {least} to {most}"));
        }
        for word in self.titles.values() {
            meant(word)?;
        }
        match self.source.place() {
            Place::Web(address) => super::fetch::check(&address)?,
            Place::File(path) if path.as_os_str().is_empty() => {
                return Err("source is a file or an address such as \"https://...\"".to_owned());
            }
            Place::File(_) => {}
        }
        Ok(user)
    }

    /// Where the person is, if settings say so.
    pub(super) fn zone(&self, usual: &str) -> Option<Zone> {
        [self.zone.as_str(), usual].into_iter().find_map(|name| zone(name).ok().flatten())
    }
}

impl Hours {
    /// Taken apart.
    pub(super) fn week(&self, usual: &str) -> Result<Week, String> {
        if self.users.is_empty() {
            return Err("users are missing; write users = [\"101\"]".to_owned());
        }
        for user in &self.users {
            person(user, "example.com")?;
        }
        let own = zone(&self.zone)?;
        let zone = match own {
            Some(zone) => zone,
            None => zone(usual)?.ok_or("a zone is missing; write zone = \"Europe/Berlin\"")?,
        };
        let days = [
            &self.monday,
            &self.tuesday,
            &self.wednesday,
            &self.thursday,
            &self.friday,
            &self.saturday,
            &self.sunday,
        ];
        let mut shifts: [Vec<Shift>; 7] = Default::default();
        for (place, (shifts, own)) in shifts.iter_mut().zip(days).enumerate() {
            let usual = self.weekdays.iter().filter(|_| place < 5);
            for text in usual.chain(own) {
                let wrong = || "hours are written as \"09:00-17:30\", up to \"24:00\"".to_owned();
                shifts.push(Shift::read(text).ok_or_else(wrong)?);
            }
            shifts.sort_unstable();
        }
        if shifts.iter().all(Vec::is_empty) && !self.show_zone {
            return Err("no hours; write weekdays = [\"09:00-17:30\"]".to_owned());
        }
        let day = |text: &String| {
            date(text).ok_or_else(|| "holidays are written as \"2026-12-25\"".to_owned())
        };
        let holidays = self.holidays.iter().map(day).collect::<Result<_, _>>()?;
        let state = match self.state.as_str() {
            "work" => None,
            word => Some(meant(word)?),
        };
        Ok(Week { zone, state, shifts, holidays, is_shown: self.show_zone })
    }
}

/// What a word makes of somebody.
pub(super) fn meant(word: &str) -> Result<Meant, String> {
    match word {
        "free" => return Ok(Meant::Free),
        "dnd" => return Ok(Meant::Dnd),
        _ => {}
    }
    match Kind::from(word.to_owned()) {
        Kind::NoQueues => Ok(Meant::Does(Kind::NoQueues)),
        // What means nothing is a slip.
        kind if kind.implies().is_none() || kind == Kind::LeftTheCompany => Err(format!(
            "\"{}\" is no state; write \"dnd\", \"in-a-meeting\", \"appointment\", \"focus\", \
             \"meal\", \"travelling\", \"out-of-office\", \"vacation\", \"off-work\" or \"free\"",
            word.escape_debug()
        )),
        kind => Ok(Meant::Does(kind)),
    }
}

/// The address of a person: `101`, `101@example.com` or a URI.
pub(super) fn person(text: &str, domain: &str) -> Result<Uri, String> {
    let whole = match (text.contains(':'), text.contains('@')) {
        (true, _) => text.to_owned(),
        (false, true) => format!("sip:{text}"),
        (false, false) => format!("sip:{text}@{domain}"),
    };
    let uri = Uri::parse(&whole).ok().filter(|uri| uri.user().is_some());
    uri.ok_or_else(|| {
        format!("\"{}\" is no user; write \"101\" or \"101@example.com\"", text.escape_debug())
    })
}

/// A zone by its name; `None` for no name.
fn zone(name: &str) -> Result<Option<Zone>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    zone_named(name).map(Some).ok_or_else(|| {
        format!("\"{}\" is no time zone; write \"Europe/Berlin\"", name.escape_debug())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|fault| fault.to_string())?;
        config.check("example.com").map(|()| config)
    }

    const SECRET: &str = "https://anna:pass@calendar.example.com/private-5ecret/basic.ics?k=5ecret";

    #[test]
    fn a_feed_needs_no_more_than_a_user_and_a_source() {
        let config = read("[[feed]]\nuser = \"101\"\nsource = \"anna.ics\"\n").expect("settings");
        let feed = &config.feeds[0];
        assert_eq!((feed.name.as_str(), feed.poll), ("calendar", FEED_POLL));
        assert_eq!(feed.source.place(), Place::File("anna.ics".into()));
        let address = Source::new("webcal://calendar.example.com/a.ics").place();
        assert_eq!(address, Place::Web("https://calendar.example.com/a.ics".into()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let feed = |rest: &str| format!("[[feed]]\nuser = \"101\"\nsource = \"a.ics\"\n{rest}");
        let hours = |rest: &str| format!("[[hours]]\nusers = [\"101\"]\n{rest}");
        for (text, told) in [
            ("zone = \"Mars\"\n".to_owned(), "calendar.zone: \"Mars\" is no time zone"),
            (feed("zone = \"Mars\"\n"), "calendar.feed: \"Mars\" is no time zone"),
            (feed("poll = \"1s\"\n"), "poll is from 10s to 1d"),
            (feed("poll = \"2d\"\n"), "poll is from 10s to 1d"),
            (feed("name = \"\"\n"), "a name has 1 to"),
            (feed("titles = { x = \"juggling\" }\n"), "\"juggling\" is no state"),
            (feed("") + &feed(""), "101 has two of the name \"calendar\""),
            (feed("") + &feed("").replace("101", "101@Example.com"), "has two of the name"),
            (feed("").replace("101", "a b"), "\"a b\" is no user"),
            (feed("").replace("a.ics", "ftp://a/b"), "https://"),
            (feed("").replace("a.ics", ""), "source is a file or an address"),
            (hours("zone = \"UTC\"\n"), "no hours"),
            (hours("weekdays = [\"09:00-17:00\"]\n"), "a zone is missing"),
            (hours("zone = \"UTC\"\nmonday = [\"9-17\"]\n"), "hours are written as"),
            (
                hours("zone = \"UTC\"\nmonday = [\"09:00-17:00\"]\nholidays = [\"25.12.\"]\n"),
                "holidays are written as",
            ),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn an_address_that_is_worth_a_password_is_shown_by_its_host_alone() {
        let text = format!("[[feed]]\nuser = \"101\"\nsource = \"{SECRET}\"\n");
        let config = read(&text).expect("settings");
        let told = format!("{config:?} {:?}", config.redacted());
        assert!(!told.contains("5ecret") && !told.contains("pass"), "{told}");
        let shown = &config.redacted().feeds[0].source;
        assert_eq!(shown.redacted(), "https://calendar.example.com/...");
        assert_eq!(config.feeds[0].source.place(), Place::Web(SECRET.into()), "the whole is kept");
    }

    #[test]
    fn a_file_stands_beside_the_settings() {
        let mut file = Source::new("anna.ics");
        file.stand_in(Path::new("/etc/fanal"));
        assert_eq!(file.place(), Place::File("/etc/fanal/anna.ics".into()));
        let mut address = Source::new(SECRET);
        address.stand_in(Path::new("/etc/fanal"));
        assert_eq!(address, Source::new(SECRET));
    }
}
