//! Working hours and days off: in the zone of the people, with its summer time.

use super::who::{Anybody, Who};
use crate::base::civil::{Date, Shift, Time, Zone, days, monday_first};
use crate::base::identity::Aor;
use crate::base::time::Wall;
use crate::policy::rules::Applies;

/// All hours and days off of an organisation.
#[derive(Clone, Debug, Default)]
pub(super) struct Calendar {
    /// The first that means somebody counts.
    pub hours: Vec<Hours>,
    pub days_off: Vec<DayOff>,
}

/// The working hours of some people.
#[derive(Clone, Debug)]
pub(super) struct Hours {
    pub of: Who,
    pub zone: Zone,
    /// By weekday, Monday first; sorted.
    pub week: [Vec<Shift>; 7],
    /// Nobody works.
    pub holidays: Vec<Date>,
}

/// Days on which somebody does not work.
#[derive(Clone, Debug)]
pub(super) struct DayOff {
    pub of: Who,
    pub from: Date,
    /// The last of them.
    pub until: Date,
}

/// How far ahead a change is looked for, in days. The days between are asked again at each
/// midnight anyway.
const DAYS_AHEAD: i64 = 2;

impl Calendar {
    /// Whether somebody does not work now. Of whom nothing is known works always.
    pub fn off_work(&self, presentity: &Aor, now: Wall) -> Applies {
        let somebody = Anybody(presentity);
        let hours = self.hours.iter().find(|hours| hours.of.means(&somebody));
        let days_off: Vec<&DayOff> =
            self.days_off.iter().filter(|off| off.of.means(&somebody)).collect();
        let zone = hours.map_or(Zone::UTC, |hours| hours.zone.clone());
        let Some(today) = zone.local(now).map(|time| time.date()) else {
            return Applies { now: false, until: None };
        };
        if hours.is_none() && days_off.is_empty() {
            return Applies { now: false, until: None };
        }
        let shifts = |date: Date| -> &[Shift] {
            let week = hours.filter(|hours| !hours.holidays.contains(&date)).map(|h| &h.week);
            week.and_then(|week| week.get(monday_first(date.weekday()))).map_or(&[], Vec::as_slice)
        };
        let is_off = |date: Date| days_off.iter().any(|off| (off.from..=off.until).contains(&date));
        let works = match hours {
            Some(_) => shifts(today).iter().any(|shift| covers(*shift, today, now, &zone)),
            None => true,
        };
        let ahead = (0..=DAYS_AHEAD).filter_map(|ahead| today.checked_add(days(ahead)?).ok());
        let bounds = ahead.flat_map(|date| {
            let times = shifts(date).iter().flat_map(|shift| [Some(shift.from), shift.until]);
            let times = times.flatten().chain([Time::midnight()]);
            times.filter_map(|time| zone.moment(date.to_datetime(time))).collect::<Vec<_>>()
        });
        Applies { now: !works || is_off(today), until: bounds.filter(|bound| *bound > now).min() }
    }
}

/// Whether a shift has begun on a day and is not over.
fn covers(shift: Shift, date: Date, now: Wall, zone: &Zone) -> bool {
    shift.on(date, zone).is_some_and(|(from, until)| from <= now && now < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::civil::date;
    use crate::doc::date_time;

    fn office(zone_name: &str) -> Calendar {
        let day =
            || vec![Shift::read("09:00-12:00").expect("a"), Shift::read("13:00-17:30").expect("b")];
        let hours = Hours {
            of: Who { everybody: true, ..Who::default() },
            zone: Zone::named(zone_name).expect("a zone"),
            week: [day(), day(), day(), day(), day(), vec![], vec![]],
            holidays: vec![date("2026-12-25").expect("a date")],
        };
        let alice = Who { users: vec![alice()], ..Who::default() };
        let off = DayOff {
            of: alice,
            from: date("2026-03-04").expect("a date"),
            until: date("2026-03-05").expect("a date"),
        };
        Calendar { hours: vec![hours], days_off: vec![off] }
    }

    fn alice() -> Aor {
        Aor::from_canonical("alice@example.com")
    }

    fn bob() -> Aor {
        Aor::from_canonical("bob@example.com")
    }

    fn at(text: &str) -> Wall {
        date_time::wall(text).expect(text)
    }

    #[track_caller]
    fn check(calendar: &Calendar, who: &Aor, now: &str, off: bool, until: &str) {
        let found = calendar.off_work(who, at(now));
        assert_eq!((found.now, found.until), (off, Some(at(until))), "{now}");
    }

    #[test]
    fn work_begins_at_its_first_moment_and_is_over_at_its_last() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-02T07:59:59.999Z", true, "2026-03-02T08:00:00Z");
        check(&berlin, &bob(), "2026-03-02T08:00:00Z", false, "2026-03-02T11:00:00Z");
        check(&berlin, &bob(), "2026-03-02T11:00:00Z", true, "2026-03-02T12:00:00Z");
        check(&berlin, &bob(), "2026-03-02T16:29:59.999Z", false, "2026-03-02T16:30:00Z");
        check(&berlin, &bob(), "2026-03-02T16:30:00Z", true, "2026-03-02T23:00:00Z");
    }

    #[test]
    fn weekends_and_holidays_are_off() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-07T10:00:00Z", true, "2026-03-07T23:00:00Z");
        check(&berlin, &bob(), "2026-12-25T10:00:00Z", true, "2026-12-25T23:00:00Z");
        check(&berlin, &bob(), "2026-12-24T10:00:00Z", false, "2026-12-24T11:00:00Z");
    }

    #[test]
    fn a_day_off_is_off_for_its_person_from_midnight_to_midnight_of_the_zone() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &alice(), "2026-03-04T10:00:00Z", true, "2026-03-04T11:00:00Z");
        check(&berlin, &alice(), "2026-03-05T22:30:00Z", true, "2026-03-05T23:00:00Z");
        check(&berlin, &alice(), "2026-03-06T10:00:00Z", false, "2026-03-06T11:00:00Z");
        check(&berlin, &bob(), "2026-03-04T10:00:00Z", false, "2026-03-04T11:00:00Z");
    }

    // On 29 March 2026 the clocks of Berlin skip from 02:00 to 03:00.
    #[test]
    fn work_begins_by_the_clock_on_the_wall_whatever_the_season() {
        let berlin = office("Europe/Berlin");
        check(&berlin, &bob(), "2026-03-27T07:30:00Z", true, "2026-03-27T08:00:00Z");
        check(&berlin, &bob(), "2026-03-30T06:30:00Z", true, "2026-03-30T07:00:00Z");
        check(&berlin, &bob(), "2026-03-28T23:30:00Z", true, "2026-03-29T22:00:00Z");
        let nights = Calendar {
            hours: vec![Hours {
                week: std::array::from_fn(|_| vec![Shift::read("02:30-24:00").expect("a shift")]),
                ..office("Europe/Berlin").hours.remove(0)
            }],
            days_off: Vec::new(),
        };
        check(&nights, &bob(), "2026-03-29T00:59:00Z", true, "2026-03-29T01:30:00Z");
    }

    #[test]
    fn of_whom_nothing_is_known_works_always() {
        let found = Calendar::default().off_work(&bob(), at("2026-03-07T10:00:00Z"));
        assert_eq!(found, Applies { now: false, until: None });
        let only_days_off = Calendar { hours: Vec::new(), ..office("UTC") };
        let found = only_days_off.off_work(&bob(), at("2026-03-04T03:00:00Z"));
        assert_eq!(found, Applies { now: false, until: None });
        check(&only_days_off, &alice(), "2026-03-04T03:00:00Z", true, "2026-03-05T00:00:00Z");
        check(&only_days_off, &alice(), "2026-03-03T03:00:00Z", false, "2026-03-04T00:00:00Z");
    }
}
