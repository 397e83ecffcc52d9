//! Which zone a TZID means: one of the database, one of Windows, or the rules that come with it
//! (RFC 5545 §3.6.5).

use super::line::Line;
use super::rule::{Frequency, Rule};
use super::value::{Stamp, offset};
use super::windows;
use crate::base::civil::{DateTime, Zone};

/// A zone that comes with a calendar.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub name: String,
    /// What some programs say it is in the database (`X-LIC-LOCATION`).
    location: Option<String>,
    observances: Vec<Observance>,
}

/// From when on clocks are how far ahead.
#[derive(Clone, Debug, Default)]
pub(super) struct Observance {
    is_daylight: bool,
    start: Option<DateTime>,
    offset: Option<i32>,
    rule: Option<Rule>,
}

impl Described {
    /// A property of the zone.
    pub fn take(&mut self, line: &Line) {
        match line.name.as_str() {
            "TZID" => self.name = line.text(),
            "X-LIC-LOCATION" => self.location = Some(line.text()),
            _ => {}
        }
    }

    /// A part of it that is over.
    pub fn add(&mut self, observance: Observance) {
        self.observances.push(observance);
    }

    /// As its rules say. They are taken to hold for ever: what is looked for lies around now.
    fn zone(&self) -> Option<Zone> {
        let named = self.location.as_deref().and_then(known);
        named.or_else(|| {
            let standard = self.latest(false);
            let (Some(standard), Some(daylight)) = (standard, self.latest(true)) else {
                return fixed(standard.or(self.latest(true))?.offset?);
            };
            let (own, summer) = (standard.offset?, daylight.offset?);
            let (Some(begins), Some(ends)) = (daylight.turn(), standard.turn()) else {
                return fixed(own);
            };
            let (own, summer) = (hours(own), hours(summer));
            Zone::posix(&format!("STD{own}DST{summer},{begins},{ends}"))
        })
    }

    /// The one that holds last.
    fn latest(&self, is_daylight: bool) -> Option<&Observance> {
        let all = self.observances.iter().filter(|one| one.is_daylight == is_daylight);
        let open = |one: &&Observance| one.rule.as_ref().is_some_and(|rule| rule.until.is_none());
        all.max_by_key(|one| (open(one), one.start))
    }
}

impl Observance {
    pub fn new(is_daylight: bool) -> Observance {
        Observance { is_daylight, ..Observance::default() }
    }

    /// A property of it.
    pub fn take(&mut self, line: &Line) {
        match line.name.as_str() {
            "DTSTART" => self.start = Stamp::read(&line.value).map(Stamp::civil),
            "TZOFFSETTO" => self.offset = offset(&line.value),
            "RRULE" => self.rule = Rule::read(&line.value),
            _ => {}
        }
    }

    /// The day and time of every year at which it begins, as POSIX writes it.
    fn turn(&self) -> Option<String> {
        let (rule, start) = (self.rule.as_ref()?, self.start?);
        if rule.frequency != Frequency::Yearly || rule.until.is_some() {
            return None;
        }
        let month = match rule.months.as_slice() {
            [] => i64::from(start.month()),
            [month] => *month,
            _ => return None,
        };
        let [(place, weekday)] = rule.weekdays.as_slice() else { return None };
        let week = match (*place, rule.days_of_month.first()) {
            (-1, None) => 5,
            (place @ 1..=4, None) => place,
            // "A Sunday from the 8th to the 14th" is the second.
            (0, Some(first @ 1..=28)) => (first - 1) / 7 + 1,
            _ => return None,
        };
        let day = weekday.to_sunday_zero_offset();
        let (hour, minute) = (start.hour(), start.minute());
        Some(format!("M{month}.{week}.{day}/{hour}:{minute:02}"))
    }
}

/// What a TZID means; `None` if nobody says.
pub(super) fn meant(name: &str, described: &[Described]) -> Option<Zone> {
    let own = || described.iter().find(|zone| zone.name == name)?.zone();
    known(name).or_else(own)
}

/// By a name of the database or of Windows, or by a path that ends in one.
pub(super) fn known(name: &str) -> Option<Zone> {
    let name = name.trim().trim_matches('"');
    if let Some(zone) = Zone::named(name) {
        return Some(zone);
    }
    if let Some(zone) = windows::zone_of(name) {
        return Zone::named(zone);
    }
    // `/example.org/20260101_1/Europe/Berlin`: programs put their own name before it.
    let rest = name.strip_prefix('/')?;
    let cuts = rest.match_indices('/').map(|(at, _)| at + 1);
    cuts.filter_map(|at| rest.get(at..)).find_map(Zone::named)
}

fn fixed(offset: i32) -> Option<Zone> {
    Zone::posix(&format!("STD{}", hours(offset)))
}

/// POSIX counts hours behind UTC.
fn hours(offset: i32) -> String {
    let behind = offset.unsigned_abs();
    let sign = if offset > 0 { "-" } else { "" };
    format!("{sign}{}:{:02}:{:02}", behind / 3600, behind / 60 % 60, behind % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::ical::line::lines;

    fn observance(is_daylight: bool, text: &str) -> Observance {
        let mut observance = Observance::new(is_daylight);
        lines(text).for_each(|line| observance.take(&line.expect("a line")));
        observance
    }

    /// As Outlook describes the zone of somebody who changed its rules.
    fn custom() -> Described {
        let mut zone = Described { name: "Customized Time Zone".into(), ..Described::default() };
        zone.add(observance(
            false,
            "DTSTART:16011028T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
             RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n",
        ));
        zone.add(observance(
            true,
            "DTSTART:16010325T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
             RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n",
        ));
        zone
    }

    fn moments(zone: &Zone) -> Vec<Option<String>> {
        let times =
            ["2026-01-15T12:00", "2026-03-29T04:00", "2026-07-15T12:00", "2026-10-25T04:00"];
        let moment = |text: &&str| zone.moment(text.parse().expect("a time"));
        times.iter().map(|text| moment(text).map(|wall| wall.to_string())).collect()
    }

    #[test]
    fn names_of_the_database_of_windows_and_paths_are_known() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        for name in [
            "Europe/Berlin",
            "W. Europe Standard Time",
            "\"W. Europe Standard Time\"",
            "/example.org/20260101_1/Europe/Berlin",
        ] {
            assert_eq!(meant(name, &[]), Some(berlin.clone()), "{name}");
        }
        assert_eq!(meant("Middle-earth", &[]), None);
    }

    #[test]
    fn rules_that_come_with_a_zone_are_followed() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        let zone = meant("Customized Time Zone", &[custom()]).expect("a zone");
        assert_eq!(moments(&zone), moments(&berlin));
    }

    #[test]
    fn the_rules_that_hold_last_count() {
        let mut zone = custom();
        zone.add(observance(
            true,
            "DTSTART:16010101T020000\nTZOFFSETTO:+0500\nRRULE:FREQ=YEARLY;BYDAY=1MO;BYMONTH=5;\
             UNTIL=19990101T000000Z\n",
        ));
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        let found = meant("Customized Time Zone", &[zone]).expect("a zone");
        assert_eq!(moments(&found), moments(&berlin));
    }

    #[test]
    fn a_zone_without_summer_time_is_an_offset() {
        let mut zone = Described { name: "Here".into(), ..Described::default() };
        zone.add(observance(false, "DTSTART:19700101T000000\nTZOFFSETTO:-0330\n"));
        let zone = meant("Here", &[zone]).expect("a zone");
        let moment = zone.moment("2026-07-15T12:00".parse().expect("a time"));
        assert_eq!(moment.map(|wall| wall.to_string()), Some("2026-07-15T15:30:00Z".into()));
        assert_eq!(meant("There", &[Described::default()]), None);
    }

    #[test]
    fn a_location_beside_the_rules_says_what_they_are() {
        let lines = "TZID:Mine\nX-LIC-LOCATION:Asia/Tokyo\n";
        let mut zone = Described::default();
        super::super::line::lines(lines).for_each(|line| zone.take(&line.expect("a line")));
        assert_eq!(meant("Mine", &[zone]), Zone::named("Asia/Tokyo"));
    }
}
