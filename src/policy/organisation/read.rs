//! A policy from TOML: all of it, or the first thing that is wrong with it and where.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::ceiling::{Ceiling, Facet};
use super::hours::{Calendar, DayOff, Hours};
use super::text::{self, OneOrMany, Text, WhoText, Word, Words};
use super::who::Who;
use super::{Attendant, Audit, Location, Policy, Team};
use crate::base::civil::{self, Shift, Zone};
use crate::base::identity::Aor;
use crate::base::limits::{POLICY_OCTETS_MAX, POLICY_RULES_MAX};
use crate::base::span;
use crate::base::spelling::nearest;
use crate::base::uri::Uri;
use crate::doc::permissions::Alternate;
use crate::doc::rules::{DialogShare, SubHandling};
use crate::policy::rules::RuleId;

/// Why a policy cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for PolicyError {}

impl PolicyError {
    /// What the reader of TOML complains about, in words of our own.
    pub fn of(text: &str, error: &toml::de::Error) -> PolicyError {
        let at = error.span().unwrap_or_default().start;
        PolicyError { line: line(text, at), what: explain(error.message()) }
    }
}

/// Reads a whole policy.
pub(super) fn policy(text: &str) -> Result<Policy, PolicyError> {
    if text.len() > POLICY_OCTETS_MAX {
        return Err(PolicyError { line: 1, what: "a policy over the size limit".to_owned() });
    }
    let file: text::File = toml::from_str(text).map_err(|error| PolicyError::of(text, &error))?;
    let reading = Reading { text, groups: BTreeMap::new() };
    reading.policy(file.policy)
}

/// A policy under examination.
struct Reading<'a> {
    text: &'a str,
    groups: BTreeMap<String, Vec<Aor>>,
}

impl Reading<'_> {
    fn policy(mut self, text: Text) -> Result<Policy, PolicyError> {
        for (name, members) in text.groups {
            let members: Result<Vec<Aor>, _> = members.iter().map(|word| self.user(word)).collect();
            self.groups.insert(name, members?);
        }
        let entries = [
            text.ceiling.len(),
            text.attendant.len(),
            text.team.len(),
            text.hours.len(),
            text.day_off.len(),
        ];
        if entries.iter().any(|count| *count > POLICY_RULES_MAX) {
            return Err(PolicyError {
                line: 1,
                what: format!("more than {POLICY_RULES_MAX} entries of one kind"),
            });
        }
        let each = text.ceiling.into_iter().enumerate();
        let ceilings: Result<_, _> = each.map(|(place, one)| self.ceiling(place, one)).collect();
        let each = text.attendant.into_iter().enumerate();
        let attendants: Result<_, _> =
            each.map(|(place, one)| self.attendant(place, one)).collect();
        let teams: Result<_, _> = text.team.into_iter().map(|one| self.team(one)).collect();
        let hours: Result<_, _> = text.hours.into_iter().map(|one| self.hours(one)).collect();
        let days_off: Result<_, _> =
            text.day_off.into_iter().map(|one| self.day_off(one)).collect();
        Ok(Policy {
            version: text.version.map(Spanned::into_inner).unwrap_or_default(),
            domains: self.domains(&text.domains)?,
            default_inside: self.handling(&text.default_inside, SubHandling::Allow)?,
            default_outside: self.handling(&text.default_outside, SubHandling::PoliteBlock)?,
            dialog_inside: self.share(&text.dialog_inside, DialogShare::State)?,
            dialog_outside: self.share(&text.dialog_outside, DialogShare::Nothing)?,
            ceilings: ceilings?,
            attendants: attendants?,
            teams: teams?,
            calendar: Calendar { hours: hours?, days_off: days_off? },
            location: self.location(text.location)?,
            audit: text.audit.map_or_else(Audit::default, |audit| Audit {
                enabled: audit.enabled.unwrap_or(true),
            }),
        })
    }

    fn ceiling(&self, place: usize, text: text::CeilingText) -> Result<Ceiling, PolicyError> {
        let facets = |words: &[Word]| -> Result<Vec<Facet>, PolicyError> {
            words.iter().map(|word| self.facet(word)).collect()
        };
        let shown = text.show.iter().map(|word| {
            let class = word.get_ref().strip_prefix("alternate:").filter(|class| !class.is_empty());
            let what = || "show takes alternates by class, such as \"alternate:team\"".to_owned();
            class.map(str::to_lowercase).ok_or_else(|| self.fault(word.span(), what()))
        });
        let name = text.name.map_or_else(|| format!("ceiling-{}", place + 1), Spanned::into_inner);
        Ok(Ceiling {
            id: RuleId::new("organisation", &name),
            who: self.who(&text.who)?,
            of: self.who(&text.of)?,
            off_work: text.when.off_work,
            most: text
                .most
                .map(|word| self.handling(&Some(word), SubHandling::Allow))
                .transpose()?,
            allow: text.allow.map(|words| facets(&words)).transpose()?,
            hide: facets(&text.hide)?,
            show_alternates: shown.collect::<Result<_, _>>()?,
        })
    }

    fn attendant(&self, place: usize, text: text::AttendantText) -> Result<Attendant, PolicyError> {
        let who = self.who(text.who.get_ref())?;
        if who.everybody || !who.domains.is_empty() {
            let what =
                "attendants are named one by one, by user or group: they see what others hide";
            return Err(self.fault(text.who.span(), what.to_owned()));
        }
        Ok(Attendant {
            id: RuleId::new("organisation", &format!("attendant-{}", place + 1)),
            who,
            of: self.who(&text.of)?,
            dialog: self.share(&text.dialog, DialogShare::Full)?,
        })
    }

    fn team(&self, text: text::TeamText) -> Result<Team, PolicyError> {
        let text::AlternateText { contact, name } = text.alternate;
        if Uri::check(contact.get_ref()).is_err() {
            let what = "contact is no URI; write it as \"sip:support@example.com\"".to_owned();
            return Err(self.fault(contact.span(), what));
        }
        let alternate = Alternate { contact: contact.into_inner(), name };
        Ok(Team { members: self.who(text.members.get_ref())?, alternate })
    }

    fn hours(&self, text: text::HoursText) -> Result<Hours, PolicyError> {
        let name = text.zone.get_ref();
        let Some(zone) = Zone::named(name) else {
            let what = format!(
                "\"{}\" is no time zone; write it as \"Europe/Berlin\"",
                name.escape_debug()
            );
            return Err(self.fault(text.zone.span(), what));
        };
        let days = [
            text.monday,
            text.tuesday,
            text.wednesday,
            text.thursday,
            text.friday,
            text.saturday,
            text.sunday,
        ];
        let mut week: [Vec<Shift>; 7] = Default::default();
        for (shifts, words) in week.iter_mut().zip(&days) {
            for word in words {
                let shift = Shift::read(word.get_ref()).ok_or_else(|| {
                    let what = "hours are written as \"09:00-17:30\", up to \"24:00\"";
                    self.fault(word.span(), what.to_owned())
                })?;
                shifts.push(shift);
            }
            shifts.sort_unstable();
        }
        let holidays: Result<_, _> = text.holidays.iter().map(|word| self.date(word)).collect();
        Ok(Hours { of: self.who(&text.of)?, zone, week, holidays: holidays? })
    }

    fn day_off(&self, text: text::DayOffText) -> Result<DayOff, PolicyError> {
        let from = self.date(&text.from)?;
        let until = text.until.as_ref().map(|word| self.date(word)).transpose()?.unwrap_or(from);
        if until < from {
            let span = text.until.map_or_else(|| text.from.span(), |word| word.span());
            return Err(self.fault(span, "until is before from".to_owned()));
        }
        Ok(DayOff { of: self.who(text.of.get_ref())?, from, until })
    }

    fn location(&self, text: Option<text::LocationText>) -> Result<Location, PolicyError> {
        let Some(text) = text else {
            return Ok(Location { opt_in: true, coarse: false, retain: None });
        };
        let coarse = match text.precision.as_ref().map(|word| (word, word.get_ref().as_str())) {
            None | Some((_, "exact")) => false,
            Some((_, "coarse")) => true,
            Some((word, _)) => {
                let what = "precision is \"exact\" or \"coarse\"".to_owned();
                return Err(self.fault(word.span(), what));
            }
        };
        let opt_in = text.opt_in.unwrap_or(true);
        Ok(Location { opt_in, coarse, retain: self.span(&text.retain)? })
    }

    fn who(&self, text: &WhoText) -> Result<Who, PolicyError> {
        let WhoText { domain, user, group, except_domain, except_user, except_group } = text;
        let nobody_named = domain.is_none() && user.is_none() && group.is_none();
        let mut who = Who { everybody: nobody_named, ..Who::default() };
        for word in words(domain) {
            match word.get_ref().as_str() {
                "*" => who.everybody = true,
                _ => who.domains.push(self.domain(&word)?),
            }
        }
        who.users = self.users(user, group)?;
        who.except_domains = self.domains(&words(except_domain))?;
        who.except_users = self.users(except_user, except_group)?;
        Ok(who)
    }

    fn users(&self, users: &Words, groups: &Words) -> Result<Vec<Aor>, PolicyError> {
        let mut all = Vec::new();
        for word in words(users) {
            all.push(self.user(&word)?);
        }
        for word in words(groups) {
            let Some(members) = self.groups.get(word.get_ref()) else {
                let known = self.groups.keys().map(String::as_str);
                return Err(self.fault(word.span(), wrong(word.get_ref(), "group", known)));
            };
            all.extend(members.iter().cloned());
        }
        Ok(all)
    }

    fn user(&self, word: &Word) -> Result<Aor, PolicyError> {
        let text = word.get_ref();
        let full = format!("sip:{}", text.strip_prefix("sip:").unwrap_or(text));
        let uri = Uri::parse(&full).ok();
        let uri =
            uri.filter(|uri| uri.user().is_some() && uri.bare() == full && uri.port().is_none());
        let Some(uri) = uri else {
            let what =
                format!("\"{}\" is nobody; write \"alice@example.com\"", text.escape_debug());
            return Err(self.fault(word.span(), what));
        };
        Ok(Aor::from_parts(&uri.canonical_user(), &uri.canonical_host()))
    }

    fn domains(&self, words: &[Word]) -> Result<Vec<String>, PolicyError> {
        words.iter().map(|word| self.domain(word)).collect()
    }

    fn domain(&self, word: &Word) -> Result<String, PolicyError> {
        let text = word.get_ref();
        let uri = Uri::parse(&format!("sip:{text}")).ok();
        let bare = uri.filter(|uri| uri.user().is_none() && uri.host_text() == text.as_str());
        bare.map(|uri| uri.canonical_host()).ok_or_else(|| {
            let what = format!("\"{}\" is no domain; write \"example.com\"", text.escape_debug());
            self.fault(word.span(), what)
        })
    }

    fn facet(&self, word: &Word) -> Result<Facet, PolicyError> {
        Facet::named(word.get_ref()).ok_or_else(|| {
            let known = Facet::WORDS.iter().map(|(name, _)| *name);
            self.fault(word.span(), wrong(word.get_ref(), "part of a document", known))
        })
    }

    fn handling(
        &self,
        word: &Option<Word>,
        default: SubHandling,
    ) -> Result<SubHandling, PolicyError> {
        let Some(word) = word else { return Ok(default) };
        SubHandling::named(word.get_ref()).ok_or_else(|| {
            let known = SubHandling::ALL.map(SubHandling::name);
            self.fault(word.span(), wrong(word.get_ref(), "handling", known))
        })
    }

    fn share(&self, word: &Option<Word>, default: DialogShare) -> Result<DialogShare, PolicyError> {
        let Some(word) = word else { return Ok(default) };
        let found = DialogShare::ALL.into_iter().find(|share| share.name() == word.get_ref());
        found.ok_or_else(|| {
            let known = DialogShare::ALL.map(DialogShare::name);
            self.fault(word.span(), wrong(word.get_ref(), "share of calls", known))
        })
    }

    fn date(&self, word: &Word) -> Result<civil::Date, PolicyError> {
        civil::date(word.get_ref()).ok_or_else(|| {
            let what = "days are written as \"2026-12-25\"".to_owned();
            self.fault(word.span(), what)
        })
    }

    fn span(&self, word: &Option<Word>) -> Result<Option<Duration>, PolicyError> {
        let Some(word) = word else { return Ok(None) };
        let span = span::parse(word.get_ref());
        span.map(Some).map_err(|error| self.fault(word.span(), error.to_string()))
    }

    fn fault(&self, at: Range<usize>, what: String) -> PolicyError {
        PolicyError { line: line(self.text, at.start), what }
    }
}

/// The words of one or many, each with its place.
fn words(words: &Words) -> Vec<Word> {
    let Some(words) = words else { return Vec::new() };
    match words.get_ref() {
        OneOrMany::One(word) => vec![Spanned::new(words.span(), word.clone())],
        OneOrMany::Many(list) => list.clone(),
    }
}

fn wrong<'a>(word: &str, kind: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let shown: String = word.chars().take(32).collect();
    let advice = match nearest(word, known.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    format!("\"{}\" is no {kind}; {advice}", shown.escape_debug())
}

fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    if message.starts_with("unknown field") {
        let known: Vec<&str> = quoted.collect();
        return match nearest(first, known.iter().copied()) {
            Some(near) => format!("unknown key \"{first}\"; did you mean \"{near}\"?"),
            None => format!("unknown key \"{first}\"; there are {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        return format!("the key \"{first}\" is missing");
    }
    message.lines().next().unwrap_or_default().to_owned()
}

/// The line of a place, counted from 1.
fn line(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|octet| *octet == b'\n').count() + 1
}
