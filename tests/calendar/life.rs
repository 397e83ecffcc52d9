//! Calendars that a running agent looks at, from the first look to what phones are told.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use fanal::base::time::Wall;
use fanal::sip::Message;

use crate::client::{open, serve, settings, watch};
use crate::home::{Home, LOOPBACK, PATIENCE, Served, free_address};
use crate::phone::{Phone, body};
use crate::web::{Page, Web};

/// What is worth a password in the addresses of these tests.
const SECRET: &str = "5ecret";

fn now() -> Wall {
    Wall::from(SystemTime::now())
}

fn ago(seconds: u64) -> Wall {
    Wall::from_unix_millis(now().as_unix_millis() - seconds * 1000)
}

/// `20260302T094107Z`, and the moment it names.
fn second(wall: Wall) -> (String, Wall) {
    let text = wall.to_string();
    let whole = text.split('.').next().expect("a text").trim_end_matches('Z').to_owned() + "Z";
    let moment = Wall::from_date_time(&whole).expect("a moment");
    (whole.replace(['-', ':'], ""), moment)
}

/// A calendar with one event.
fn calendar(from: Wall, until: Wall, rest: &str) -> String {
    let (from, until) = (second(from).0, second(until).0);
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n\
         DTSTART:{from}\r\nDTEND:{until}\r\nSUMMARY:Budget {SECRET}\r\n{rest}END:VEVENT\r\n\
         END:VCALENDAR\r\n"
    )
}

/// The body of the next NOTIFY.
fn told(phone: &Phone) -> String {
    loop {
        if let Message::Request(request) = phone.hear_within(PATIENCE).expect("a NOTIFY in time") {
            phone.answer(&request);
            return body(&request);
        }
    }
}

/// A phone that watches somebody, once it is shown what it must be.
fn watch_until(agent: SocketAddr, user: &str, expected: &str) -> Phone {
    let (phone, first) = watch(agent, "102", user);
    let first = body(&first);
    let seen = if first == expected { first } else { told(&phone) };
    assert_eq!(seen, expected);
    phone
}

/// The document of somebody of whom nothing is said but that a service takes calls.
fn plain(user: &str) -> String {
    document(user, "", "")
}

fn document(user: &str, namespaces: &str, person: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\"{namespaces} \
         entity=\"sip:{user}@example.com\">\n  \
         <tuple id=\"t\"><status><basic>open</basic></status></tuple>\n{person}</presence>\n"
    )
}

const NAMESPACES: &str = " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
                          xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
                          xmlns:fanal=\"urn:x-fanal:presence:1\"";

/// The document of somebody who is taken.
fn taken(user: &str, activities: &str, state: &str, note: &str) -> String {
    let person = format!(
        "  <dm:person id=\"p1\"><rpid:activities{activities}</rpid:activities>\
         <fanal:state {state}</fanal:state><dm:note>{note}</dm:note></dm:person>\n"
    );
    document(user, NAMESPACES, &person)
}

fn in_a_meeting(user: &str, from: Wall, until: Wall) -> String {
    let (from, until) = (second(from).1, second(until).1);
    taken(
        user,
        &format!(" until=\"{until}\"><rpid:busy/><rpid:meeting/>"),
        &format!(
            "availability=\"busy\" since=\"{from}\" until=\"{until}\">\
             <fanal:activity kind=\"in-a-meeting\" until=\"{until}\"/>"
        ),
        "In a meeting",
    )
}

/// Adds to the settings of an agent that began without.
fn renew(home: &Home, served: &Served, rest: &str) {
    drop(home.serving(&["udp:127.0.0.1:0"], LOOPBACK, &settings(rest)));
    served.running.signal("HUP");
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_meeting_in_a_file_is_told_when_it_begins_and_when_it_ends() {
    let home = Home::new("calendar-file");
    let (from, until) = (now() + seconds(10), now() + seconds(13));
    home.write("anna.ics", &calendar(from, until, ""));
    let feed = "[[calendar.feed]]\nuser = \"101\"\nsource = \"anna.ics\"\n";
    let (mut served, _) = serve(&home, "");
    renew(&home, &served, feed);
    let read = served.running.event("calendar_read");
    assert_eq!((&read["feed"], &read["events"]), (&1.into(), &1.into()), "{read}");
    let sip = served.doors["udp4"];
    open(sip, "101");
    let (phone, first) = watch(sip, "102", "101");
    assert_eq!(body(&first), plain("101"));
    assert_eq!(told(&phone), in_a_meeting("101", from, until));
    assert!(now() >= second(from).1 && now() < until + seconds(2));
    assert_eq!(told(&phone), plain("101"));
    assert!(now() >= second(until).1);
}

/// An agent that looks at a web server by an address that must not be shown.
fn looking(home: &Home, web: &Web) -> Served {
    let address = format!("http://{}/moved/{SECRET}.ics?key={SECRET}", web.address);
    let feed =
        format!("[[calendar.feed]]\nuser = \"101\"\nname = \"web\"\nsource = \"{address}\"\n");
    serve(home, &feed).0
}

#[test]
fn a_calendar_on_the_web_is_fetched_again_only_if_it_changed_and_its_address_is_not_shown() {
    let home = Home::new("calendar-web");
    let (from, until) = (ago(60), now() + seconds(600));
    let page = |tag: &str, rest: &str| {
        Some(Page { tag: tag.to_owned(), text: calendar(from, until, rest) })
    };
    let web = Web::serve(page("one", ""));
    let mut served = looking(&home, &web);
    let sip = served.doors["udp4"];
    open(sip, "101");
    let mut log = Vec::new();
    let moved = web.seen();
    assert_eq!(moved.status, 302, "{moved:?}");
    let fetched = web.seen();
    assert_eq!(fetched.status, 200);
    assert!(fetched.head.contains("GET /secret-5ecret.ics?key=5ecret HTTP/1.1"), "{fetched:?}");
    let phone = watch_until(sip, "101", &in_a_meeting("101", from, until));

    let mut look = |event: &str| {
        served.running.signal("HUP");
        // Which of them is told first is chance.
        let mut awaited: Vec<&str> = ["reloaded", event].into();
        awaited.retain(|event| !event.is_empty());
        while !awaited.is_empty() {
            let line = served.running.json();
            awaited.retain(|event| line["event"] != *event);
            log.push(line.to_string());
        }
        web.seen();
        web.seen()
    };
    let same = look("");
    assert_eq!(same.status, 304, "{same:?}");
    web.turn_to(None);
    assert_eq!(look("calendar_failed").status, 500);
    // What it said last counts on.
    let _ = watch_until(sip, "101", &in_a_meeting("101", from, until));
    web.turn_to(page("two", "TRANSP:TRANSPARENT\r\n"));
    assert_eq!(look("calendar_back").status, 200);
    assert_eq!(told(&phone), plain("101"));

    served.running.signal("TERM");
    let lines: Vec<String> = served.running.lines.iter().collect();
    let failed = log.iter().find(|line| line.contains("calendar_failed")).expect("it was told");
    assert!(failed.contains("127.0.0.1 answers 500"), "{failed}");
    let shown =
        home.done(&["config", "show", "--config", &home.path("fanal.toml").display().to_string()]);
    assert!(shown.contains("http://127.0.0.1:") && shown.contains("/..."), "{shown}");
    for text in lines.iter().chain(&log).chain([&shown]) {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn a_calendar_behind_tls_is_read_if_this_machine_believes_its_certificate() {
    let home = Home::new("calendar-tls");
    let (from, until) = (ago(60), now() + seconds(600));
    let page = Page { tag: "one".to_owned(), text: calendar(from, until, "") };
    let web = Web::serve_tls(Some(page));
    let source = format!("https://localhost:{}/{SECRET}.ics", web.address.port());
    let feed = format!("[[calendar.feed]]\nuser = \"101\"\nsource = \"{source}\"\n");
    let authority =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/calendar/tls/authority.pem").to_owned();
    let start = |believed: &str| {
        let mut command = home.serving(&["udp:127.0.0.1:0"], LOOPBACK, &settings(""));
        let served = home.served(command.arg("--ephemeral").env("SSL_CERT_FILE", believed));
        renew(&home, &served, &feed);
        served
    };
    let mut served = start(&authority);
    assert_eq!(served.running.event("calendar_read")["events"], 1);
    assert_eq!(web.seen().status, 200);
    let sip = served.doors["udp4"];
    open(sip, "101");
    watch_until(sip, "101", &in_a_meeting("101", from, until));
    drop(served);

    let mut strange = start(&authority.replace("authority.pem", "server.pem"));
    let failed = strange.running.event("calendar_failed");
    let reason = failed["reason"].as_str().expect("a reason");
    assert!(reason.contains("TLS: ") && !reason.contains(SECRET), "{reason}");
}

#[test]
fn what_is_no_calendar_is_told_with_its_line_and_the_last_good_one_counts() {
    let home = Home::new("calendar-bad");
    let (from, until) = (ago(60), now() + seconds(600));
    home.write("anna.ics", &calendar(from, until, ""));
    let feed = "[[calendar.feed]]\nuser = \"101\"\nsource = \"anna.ics\"\n";
    let (mut served, _) = serve(&home, feed);
    let sip = served.doors["udp4"];
    open(sip, "101");
    let phone = watch_until(sip, "101", &in_a_meeting("101", from, until));
    home.write("anna.ics", "<html>\nSign in\n");
    served.running.signal("HUP");
    let failed = served.running.event("calendar_failed");
    let reason = failed["reason"].as_str().expect("a reason");
    assert_eq!(reason, "line 1: this is no calendar: BEGIN:VCALENDAR is missing");
    watch_until(sip, "101", &in_a_meeting("101", from, until));
    home.write(
        "anna.ics",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\nEND:VCALENDAR\n",
    );
    served.running.signal("HUP");
    let skipped = served.running.event("calendar_entries_skipped");
    assert_eq!(skipped["reason"], "line 3: DTSTART makes no sense", "{skipped}");
    assert_eq!(told(&phone), plain("101"));
}

#[test]
fn a_calendar_that_the_settings_have_no_more_is_taken_back_even_after_a_restart() {
    let home = Home::new("calendar-gone");
    let (from, until) = (ago(60), now() + seconds(600));
    home.write("anna.ics", &calendar(from, until, ""));
    let feed =
        |user: &str| format!("[[calendar.feed]]\nuser = \"{user}\"\nsource = \"anna.ics\"\n");
    let both = settings(&(feed("101") + &feed("103")));
    let sip: SocketAddr = free_address();
    let listen = format!("udp:{sip}");
    let start = |text: &str| home.served(&mut home.serving(&[&listen], LOOPBACK, text));
    let mut served = start(&both);
    ["101", "103"].iter().for_each(|user| open(sip, user));
    let first = watch_until(sip, "101", &in_a_meeting("101", from, until));
    let second = watch_until(sip, "103", &in_a_meeting("103", from, until));

    drop(home.serving(&[&listen], LOOPBACK, &settings(&feed("103"))));
    served.running.signal("HUP");
    assert_eq!(told(&first), plain("101"));
    served.running.signal("TERM");
    assert_eq!(served.running.ended(), 0);
    let served = start(&settings(""));
    let mut last = String::new();
    while last != plain("103") {
        last = told(&second);
    }
    drop(served);
}

#[test]
fn hours_that_recur_are_told_of_their_users() {
    let home = Home::new("calendar-hours");
    let day = |ahead: u64| {
        let days = (now().as_unix_millis() / 86_400_000 + ahead) % 7;
        ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"]
            [days as usize]
    };
    let (today, other) = (day(0), day(3));
    let hours = format!(
        "[calendar]\nzone = \"UTC\"\n\
         [[calendar.hours]]\nusers = [\"101\"]\n{other} = [\"00:00-24:00\"]\n\
         [[calendar.hours]]\nusers = [\"103\"]\nstate = \"dnd\"\n{today} = [\"00:00-24:00\"]\n\
         [[calendar.hours]]\nusers = [\"104\"]\n{today} = [\"00:00-24:00\"]\n\
         [[calendar.hours]]\nusers = [\"105\"]\nzone = \"Asia/Kathmandu\"\nshow_zone = true\n"
    );
    let (served, _) = serve(&home, &hours);
    let sip = served.doors["udp4"];
    ["101", "103", "104", "105"].iter().for_each(|user| open(sip, user));
    let midnight = |ahead: u64| {
        let day = 86_400_000;
        Wall::from_unix_millis((now().as_unix_millis() / day + ahead) * day)
    };
    let (from, until) =
        (Wall::from_unix_millis(midnight(0).as_unix_millis() - 3 * 86_400_000), midnight(3));
    let off = taken(
        "101",
        &format!(" until=\"{until}\"><rpid:away/><rpid:other>off-work</rpid:other>"),
        &format!(
            "availability=\"away\" since=\"{from}\" until=\"{until}\">\
             <fanal:activity kind=\"off-work\" until=\"{until}\"/>"
        ),
        "Off work",
    );
    watch_until(sip, "101", &off);
    let dnd = taken(
        "103",
        &format!(" until=\"{}\"><rpid:busy/><rpid:other>do-not-disturb</rpid:other>", midnight(1)),
        &format!("availability=\"dnd\" since=\"{}\" until=\"{}\"/>", midnight(0), midnight(1)),
        "Do not disturb",
    )
    .replace("/></fanal:state>", "/>");
    watch_until(sip, "103", &dnd);
    // Who is at work is told nothing of it.
    watch_until(sip, "104", &plain("104"));
    let clock = "  <dm:person id=\"p1\"><rpid:time-offset>345</rpid:time-offset>\
                 <fanal:state availability=\"available\"/></dm:person>\n";
    watch_until(sip, "105", &document("105", NAMESPACES, clock));
}

#[test]
fn a_check_looks_at_every_calendar() {
    let home = Home::new("calendar-check");
    let web = Web::serve(None);
    home.write("anna.ics", &calendar(ago(60), now() + seconds(600), ""));
    let source = format!("http://{}/{SECRET}.ics", web.address);
    let feeds = format!(
        "[[calendar.feed]]\nuser = \"101\"\nsource = \"anna.ics\"\n\
         [[calendar.feed]]\nuser = \"102\"\nsource = \"{source}\"\n"
    );
    drop(home.serving(&["udp:127.0.0.1:0"], LOOPBACK, &settings(&feeds)));
    let config = home.path("fanal.toml").display().to_string();
    let told = home.run(&["check", "--config", &config]);
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("anna.ics has 1 events"), "{told}");
    assert!(told.contains("/...: 127.0.0.1 answers 500"), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn what_is_wrong_with_a_feed_is_told_with_the_nearest_key_and_without_its_address() {
    let home = Home::new("calendar-slip");
    for (feed, wanted) in [
        (
            format!("[[calendar.feed]]\nuser = \"101\"\nsorce = \"https://a/{SECRET}\"\n"),
            "unknown key \"sorce\" in calendar.feed; did you mean \"source\"?",
        ),
        (format!("[calendar]\nfeed = \"https://a/{SECRET}\"\n"), "calendar.feed cannot be this"),
        (format!("[[calendar.feed]]\nsource = \"https://a/{SECRET}\"\n"), "\"user\" is missing"),
    ] {
        drop(home.serving(&["udp:127.0.0.1:0"], LOOPBACK, &settings(&feed)));
        let config = home.path("fanal.toml").display().to_string();
        let output = home.run(&["config", "show", "--config", &config]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(wanted), "{told}");
        assert!(!told.contains(SECRET), "{told}");
    }
}
