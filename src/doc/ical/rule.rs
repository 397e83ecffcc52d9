//! Rules of what recurs (RFC 5545 §3.3.10), read.

use super::value::Stamp;
use crate::base::civil::Weekday;

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub frequency: Frequency,
    /// Every so many periods; at least 1.
    pub interval: i64,
    /// So many in all, the first among them.
    pub count: Option<u32>,
    pub until: Option<Stamp>,
    pub months: Vec<i64>,
    pub weeks: Vec<i64>,
    pub days_of_year: Vec<i64>,
    pub days_of_month: Vec<i64>,
    /// Which of the period's, 0 for each; negative from its end.
    pub weekdays: Vec<(i64, Weekday)>,
    pub hours: Vec<i64>,
    pub minutes: Vec<i64>,
    pub seconds: Vec<i64>,
    /// Which of each period's, negative from its end.
    pub places: Vec<i64>,
    pub week_start: Weekday,
}

/// How long a period is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Rule {
    /// Reads `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231T230000Z`.
    pub fn read(text: &str) -> Option<Rule> {
        let mut rule = Rule::every(frequency(part(text, "FREQ")?)?);
        for (name, value) in text.trim().split(';').filter_map(|part| part.split_once('=')) {
            let list = |most: i64, signed: bool| numbers(value, most, signed);
            match name.trim().to_ascii_uppercase().as_str() {
                "INTERVAL" => rule.interval = number(value).filter(|every| *every > 0)?,
                "COUNT" => rule.count = Some(value.trim().parse().ok()?),
                "UNTIL" => rule.until = Some(Stamp::read(value)?),
                "WKST" => rule.week_start = weekday(value.trim())?,
                "BYMONTH" => rule.months = list(12, false)?,
                "BYWEEKNO" => rule.weeks = list(53, true)?,
                "BYYEARDAY" => rule.days_of_year = list(366, true)?,
                "BYMONTHDAY" => rule.days_of_month = list(31, true)?,
                "BYDAY" => rule.weekdays = weekdays(value)?,
                "BYHOUR" => rule.hours = list(23, false)?,
                "BYMINUTE" => rule.minutes = list(59, false)?,
                "BYSECOND" => rule.seconds = list(59, false)?,
                "BYSETPOS" => rule.places = list(366, true)?,
                _ => {}
            }
        }
        Some(rule)
    }

    /// Every period.
    pub fn every(frequency: Frequency) -> Rule {
        Rule {
            frequency,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            weeks: Vec::new(),
            days_of_year: Vec::new(),
            days_of_month: Vec::new(),
            weekdays: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            places: Vec::new(),
            week_start: Weekday::Monday,
        }
    }
}

fn part<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = text.trim().split(';').filter_map(|part| part.split_once('='));
    parts.find(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn frequency(word: &str) -> Option<Frequency> {
    Some(match word.trim().to_ascii_uppercase().as_str() {
        "SECONDLY" => Frequency::Secondly,
        "MINUTELY" => Frequency::Minutely,
        "HOURLY" => Frequency::Hourly,
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return None,
    })
}

/// Five digits at most: no lawful number has more.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A list, sorted, each once. Signed numbers count from 1 or from the end.
fn numbers(text: &str, most: i64, signed: bool) -> Option<Vec<i64>> {
    let lawful = |number: &i64| match signed {
        true => number.abs() <= most && *number != 0,
        false => (0..=most).contains(number),
    };
    let all = text.split(',').map(|text| number(text).filter(lawful));
    let mut all = all.collect::<Option<Vec<i64>>>()?;
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn weekdays(text: &str) -> Option<Vec<(i64, Weekday)>> {
    let one = |text: &str| {
        let text = text.trim();
        let (place, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
        let place = match place {
            "" => 0,
            place => number(place).filter(|place| *place != 0 && place.abs() <= 53)?,
        };
        Some((place, weekday(day)?))
    };
    let mut all = text.split(',').map(one).collect::<Option<Vec<_>>>()?;
    all.sort_unstable_by_key(|(place, day)| (*place, day.to_monday_zero_offset()));
    all.dedup();
    Some(all)
}

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_part_by_part() {
        let rule =
            Rule::read("FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR,1MO;WKST=SU;COUNT=5;BYHOUR=9,8,9");
        let rule = rule.expect("a rule");
        assert_eq!((rule.frequency, rule.interval, rule.count), (Frequency::Monthly, 2, Some(5)));
        assert_eq!(rule.weekdays, [(-1, Weekday::Friday), (1, Weekday::Monday)]);
        assert_eq!((rule.hours, rule.week_start), (vec![8, 9], Weekday::Sunday));
    }

    #[test]
    fn what_no_calendar_has_is_no_rule() {
        for bad in [
            "",
            "BYDAY=MO",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=100000",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=WEEKLY;BYDAY=\u{e9}",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=YEARLY;BYMONTHDAY=0",
            "FREQ=YEARLY;BYYEARDAY=367",
            "FREQ=DAILY;UNTIL=soon",
        ] {
            assert_eq!(Rule::read(bad), None, "{bad}");
        }
    }
}
