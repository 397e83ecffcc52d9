//! Hours that recur every week, as the time they take within a window.

use super::config::{Meant, Week};
use crate::base::civil::{days, monday_first};
use crate::base::time::Wall;
use crate::event::status::feed::{Entry, Span};
use crate::event::status::{Event, Kind, OutOfOffice, Shown};

/// A year of days: no window is longer.
const DAYS_MAX: usize = 366;

impl Week {
    /// What it makes of somebody between two moments: within its hours, or outside of them if they
    /// are those of work.
    pub fn entries(&self, from: Wall, until: Wall) -> Vec<(Entry, Span)> {
        let mut entries = self.clocks(from, until);
        if self.shifts.iter().all(Vec::is_empty) {
            return entries;
        }
        let within = self.within(from, until);
        let (spans, entry) = match &self.state {
            None => (outside(&within, from, until), event(Kind::OffWork)),
            Some(Meant::Free) => return entries,
            Some(Meant::Dnd) => (within, Entry::Dnd),
            Some(Meant::Does(Kind::OutOfOffice(absence))) => (
                within,
                Entry::OutOfOffice(OutOfOffice { absence: *absence, ..OutOfOffice::default() }),
            ),
            Some(Meant::Does(kind)) => (within, event(kind.clone())),
        };
        let span = |(from, until)| Span { from: Some(from), until: Some(until) };
        entries.extend(spans.into_iter().map(|times| (entry.clone(), span(times))));
        entries
    }

    /// How far its clocks are ahead of UTC, until they are changed and from then on.
    fn clocks(&self, from: Wall, until: Wall) -> Vec<(Entry, Span)> {
        let mut entries = Vec::new();
        let mut next = Some(from).filter(|_| self.is_shown);
        while let Some(begins) = next.filter(|begins| *begins < until) {
            let Some(minutes) = self.zone.offset_minutes(begins) else { break };
            next = self.zone.next_change(begins);
            let is_first = begins == from;
            let begins = (!is_first).then_some(begins);
            entries.push((Entry::Offset(minutes), Span { from: begins, until: next }));
        }
        entries
    }

    /// Its hours, those that meet as one.
    fn within(&self, from: Wall, until: Wall) -> Vec<(Wall, Wall)> {
        let Some(first) = self.zone.local(from) else { return Vec::new() };
        let mut found: Vec<(Wall, Wall)> = Vec::new();
        for ahead in (0_i64..).take(DAYS_MAX) {
            let date = days(ahead).and_then(|days| first.date().checked_add(days).ok());
            let Some(date) = date else { break };
            if self.zone.moment(date.at(0, 0, 0, 0)).is_none_or(|midnight| midnight >= until) {
                break;
            }
            let shifts = self.shifts.get(monday_first(date.weekday()));
            if self.holidays.contains(&date) {
                continue;
            }
            for shift in shifts.into_iter().flatten() {
                let Some((begins, ends)) = shift.on(date, &self.zone) else { continue };
                match found.last_mut() {
                    Some((_, last)) if begins <= *last => *last = ends.max(*last),
                    _ => found.push((begins, ends)),
                }
            }
        }
        found.retain(|(begins, ends)| begins < ends && *ends > from && *begins < until);
        found
    }
}

fn outside(within: &[(Wall, Wall)], from: Wall, until: Wall) -> Vec<(Wall, Wall)> {
    let ends = std::iter::once(from).chain(within.iter().map(|(_, ends)| *ends));
    let begins = within.iter().map(|(begins, _)| *begins).chain([until]);
    ends.zip(begins).filter(|(from, until)| from < until).collect()
}

fn event(kind: Kind) -> Entry {
    Entry::Event(Event { kind, shown: Shown::Busy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::config::Config;

    fn week(text: &str) -> Week {
        let config: Config = toml::from_str(&format!(
            "[[hours]]\nusers = [\"101\"]\nzone = \"Europe/Berlin\"\n{text}"
        ))
        .expect("settings");
        config.hours[0].week("").expect("a week")
    }

    #[track_caller]
    fn check(text: &str, from: &str, until: &str, entry: &Entry, expected: &[&str]) {
        let at = |text: &str| Wall::from_date_time(text).expect(text);
        let found = week(text).entries(at(from), at(until));
        assert!(found.iter().all(|(known, _)| known == entry), "{found:?}");
        let time = |wall: Option<Wall>| wall.expect("a time").to_string();
        let told: Vec<String> = found
            .iter()
            .map(|(_, span)| format!("{}/{}", time(span.from), time(span.until)))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn outside_the_hours_of_work_somebody_is_off_work() {
        let text = "weekdays = [\"09:00-12:00\", \"13:00-17:00\"]\nsaturday = [\"10:00-12:00\"]\n\
                    holidays = [\"2026-03-06\"]\n";
        let spans = [
            "2026-03-05T12:30:00Z/2026-03-05T12:00:00Z",
            "2026-03-05T16:00:00Z/2026-03-07T09:00:00Z",
            "2026-03-07T11:00:00Z/2026-03-09T08:00:00Z",
            "2026-03-09T11:00:00Z/2026-03-09T12:00:00Z",
        ];
        let off = event(Kind::OffWork);
        check(text, "2026-03-05T12:30:00Z", "2026-03-09T12:30:00Z", &off, &spans[1..]);
        let begun = ["2026-03-05T11:00:00Z/2026-03-05T12:00:00Z", spans[1]];
        check(
            text,
            "2026-03-05T10:00:00Z",
            "2026-03-06T00:00:00Z",
            &off,
            &[begun[0], "2026-03-05T16:00:00Z/2026-03-06T00:00:00Z"],
        );
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00.
    #[test]
    fn what_recurs_does_so_by_the_clock_whatever_the_season() {
        let text = "state = \"dnd\"\nfriday = [\"12:00-13:00\"]\nmonday = [\"12:00-13:00\"]\n";
        let spans = [
            "2026-03-27T11:00:00Z/2026-03-27T12:00:00Z",
            "2026-03-30T10:00:00Z/2026-03-30T11:00:00Z",
        ];
        check(text, "2026-03-26T00:00:00Z", "2026-04-01T00:00:00Z", &Entry::Dnd, &spans);
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00.
    #[test]
    fn clocks_are_told_until_they_change_and_from_then_on() {
        let at = |text: &str| Wall::from_date_time(text).expect(text);
        let change = at("2026-03-29T01:00:00Z");
        let week = week("show_zone = true\n");
        let spring = week.entries(at("2026-03-20T00:00:00Z"), at("2026-04-03T00:00:00Z"));
        let autumn = at("2026-10-25T01:00:00Z");
        let expected = [
            (Entry::Offset(60), Span { from: None, until: Some(change) }),
            (Entry::Offset(120), Span { from: Some(change), until: Some(autumn) }),
        ];
        assert_eq!(spring, expected);
        let winter = week.entries(at("2026-01-01T00:00:00Z"), at("2026-01-15T00:00:00Z"));
        assert_eq!(winter, expected[..1]);
    }

    #[test]
    fn hours_that_meet_are_one() {
        let text = "state = \"focus\"\nmonday = [\"20:00-24:00\"]\ntuesday = [\"00:00-02:00\"]\n";
        let focus = event(Kind::Focusing);
        let span = ["2026-03-02T19:00:00Z/2026-03-03T01:00:00Z"];
        check(text, "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z", &focus, &span);
    }
}
