//! What programs export, as the time it takes.

use fanal::base::time::Wall;
use fanal::doc::ical::{Agenda, Calendar, Look};

fn agenda(name: &str) -> Agenda {
    let path = format!("{}/tests/corpus/ical/{name}", env!("CARGO_MANIFEST_DIR"));
    let octets = std::fs::read(path).expect("an export");
    let calendar = Calendar::read(&octets).expect("a calendar");
    assert_eq!(calendar.faults(), []);
    let at = |text: &str| Wall::from_date_time(text).expect(text);
    let (from, until) = (at("2026-03-02T00:00:00Z"), at("2026-03-09T00:00:00Z"));
    calendar.agenda(&Look { from, until, zone: None, owner: None })
}

fn told(agenda: &Agenda) -> Vec<String> {
    assert!(!agenda.is_cut && agenda.unknown_zones.is_empty());
    let told = |span: &fanal::doc::ical::Span| {
        let (from, until) = (span.from.to_string(), span.until.to_string());
        let title = span.title.as_deref().unwrap_or("-");
        let all_day = if span.is_all_day { " all day" } else { "" };
        format!("{} {} {:?}{all_day} {title}", &from[5..16], &until[5..16], span.shown)
    };
    agenda.spans.iter().map(told).collect()
}

#[test]
fn an_export_of_google_is_read_as_its_owner_sees_it() {
    let expected = [
        "03-02T08:30 03-02T09:00 Busy Stand-up",
        "03-02T13:00 03-02T15:00 Busy Focus time",
        "03-03T11:00 03-03T11:45 Busy -",
        "03-04T13:00 03-04T13:30 Busy Stand-up, later today",
        "03-05T08:30 03-05T09:00 Busy Stand-up",
        "03-05T23:00 03-06T23:00 Busy Out of office",
        "03-06T08:30 03-06T09:00 Busy Stand-up",
    ];
    assert_eq!(told(&agenda("google.ics")), expected);
}

#[test]
fn an_export_of_outlook_is_read_by_its_own_words_and_zones() {
    let expected = [
        "03-02T09:00 03-02T11:00 Busy Board",
        "03-02T14:30 03-02T15:30 Busy Busy",
        "03-03T08:00 03-03T09:00 Tentative Tentative",
        "03-04T00:00 03-05T00:00 Elsewhere all day Working Elsewhere",
        "03-05T00:00 03-07T00:00 OutOfOffice all day Away",
    ];
    assert_eq!(told(&agenda("outlook.ics")), expected);
}
