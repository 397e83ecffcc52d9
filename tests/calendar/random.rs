//! What holds for any calendar whatever, from seeds.

use fanal::base::limits::ICAL_SPANS_MAX;
use fanal::base::time::Wall;
use fanal::doc::ical::{Calendar, Look};

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.next(words.len() as u64)).expect("a place")]
    }
}

fn rule(dice: &mut Dice) -> String {
    let mut rule = format!("FREQ={}", dice.of(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"]));
    for (part, values) in [
        (";INTERVAL=", &["1", "2", "3", "7"][..]),
        (";COUNT=", &["1", "5", "60"]),
        (";UNTIL=", &["20260310T000000Z", "20251231", "20270101T000000"]),
        (";BYDAY=", &["MO", "MO,WE,FR", "1MO", "-1FR", "2TU,-1SU"]),
        (";BYMONTHDAY=", &["1", "-1", "31", "10,20,30"]),
        (";BYMONTH=", &["3", "1,3,5", "2"]),
        (";BYSETPOS=", &["1", "-1", "2,-2"]),
        (";BYHOUR=", &["9", "9,17"]),
    ] {
        if dice.next(3) == 0 {
            rule.push_str(part);
            rule.push_str(dice.of(values));
        }
    }
    rule
}

fn event(dice: &mut Dice, uid: u64) -> String {
    let zone = dice.of(&["", ";TZID=Europe/Berlin", ";TZID=Eastern Standard Time", ";TZID=Mars"]);
    let (month, day, hour) = (1 + dice.next(12), 1 + dice.next(28), dice.next(24));
    let year = 2024 + dice.next(3);
    let mut text = format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTART{zone}:{year}{month:02}{day:02}T{hour:02}3000\n\
         DURATION:{}\n",
        dice.of(&["PT30M", "PT2H", "P1D", "P3DT4H"])
    );
    if dice.next(3) > 0 {
        text.push_str(&format!("RRULE:{}\n", rule(dice)));
    }
    text + "SUMMARY:x\nEND:VEVENT\n"
}

fn at(text: &str) -> Wall {
    Wall::from_date_time(text).expect(text)
}

#[test]
fn spans_are_in_order_within_the_window_and_the_same_for_each_half_of_it() {
    let (from, half, until) =
        (at("2026-03-02T00:00:00Z"), at("2026-03-20T00:00:00Z"), at("2026-04-07T00:00:00Z"));
    for seed in 0..300 {
        let mut dice = Dice(seed * 7919 + 1);
        let events: String = (0..1 + dice.next(4)).map(|uid| event(&mut dice, uid)).collect();
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        let calendar = Calendar::read(text.as_bytes()).expect("a calendar");
        assert_eq!(calendar.faults(), [], "{text}");
        let spans = |from, until| {
            let agenda = calendar.agenda(&Look { from, until, zone: None, owner: None });
            assert!(agenda.spans.len() <= ICAL_SPANS_MAX && agenda.spans.is_sorted(), "{text}");
            (agenda.spans, agenda.is_cut)
        };
        let (whole, is_cut) = spans(from, until);
        for span in &whole {
            assert!(span.from < span.until && span.until > from && span.from < until, "{text}");
        }
        let mut halves = spans(from, half).0;
        halves.extend(spans(half, until).0);
        halves.sort();
        halves.dedup();
        let mut once = whole;
        once.dedup();
        assert!(is_cut || once == halves, "seed {seed}: {text}");
    }
}

#[test]
fn no_octets_are_too_strange() {
    let pieces = [
        "BEGIN:VCALENDAR\n",
        "END:VCALENDAR\n",
        "BEGIN:VEVENT\n",
        "END:VEVENT\n",
        "UID:1\n",
        "BEGIN:VTIMEZONE\n",
        "END:VTIMEZONE\n",
        "TZID:Mars\n",
        "BEGIN:STANDARD\n",
        "END:STANDARD\n",
        "BEGIN:DAYLIGHT\n",
        "END:DAYLIGHT\n",
        "TZOFFSETTO:-2359\n",
        "TZOFFSETTO:+235959\n",
        "DTSTART:99991231T235959Z\n",
        "DTSTART:00010101T000000\n",
        "DTSTART;TZID=Mars:20260302T023000\n",
        "DTSTART;VALUE=DATE:20260302\n",
        "DTEND;VALUE=DATE:99991231\n",
        "DTEND:00010101T000000\n",
        "DURATION:P9999999W\n",
        "DURATION:PT9999999H\n",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n",
        "RRULE:FREQ=SECONDLY;INTERVAL=99999\n",
        "RRULE:FREQ=YEARLY;INTERVAL=9999;BYYEARDAY=-366\n",
        "RRULE:FREQ=WEEKLY;COUNT=4294967295;BYSETPOS=-366\n",
        "EXDATE;VALUE=DATE:20260302\n",
        "RRULE:FREQ=YEARLY;BYWEEKNO=53,-53;WKST=SU\n",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T023000\n",
        "SEQUENCE:-1\n",
        " folded\n",
        "RDATE;VALUE=PERIOD:00010101T000000Z/P9999999D\n",
        "STATUS:CANCELLED\n",
        "\u{FEFF}\n",
    ];
    for seed in 0..1500 {
        let mut dice = Dice(seed * 104_729 + 3);
        let mut text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\n".to_owned();
        (0..dice.next(14)).for_each(|_| text.push_str(dice.of(&pieces)));
        text.push_str("END:VEVENT\nEND:VCALENDAR\n");
        let Ok(calendar) = Calendar::read(text.as_bytes()) else { continue };
        for millis in [0, 1_772_444_467_000, u64::MAX] {
            let (from, until) = (Wall::from_unix_millis(millis), Wall::from_unix_millis(millis));
            let until = until + std::time::Duration::from_secs(14 * 86_400);
            let _ = calendar.agenda(&Look { from, until, zone: None, owner: None });
        }
    }
}
