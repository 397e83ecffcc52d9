//! RFC 3842: mailboxes.

use crate::LINE;
use crate::common::documents::mailbox;
use crate::common::{Got, Office};

const PACKAGE: &str = "message-summary";

/// The lines of a summary, each of which ended in CRLF.
#[track_caller]
fn lines(notify: &Got) -> Vec<&str> {
    assert_eq!(notify.header("Content-Type"), "application/simple-message-summary");
    assert!(notify.body.ends_with("\r\n"), "{notify:?}");
    let lines: Vec<&str> = notify.body.trim_end_matches("\r\n").split("\r\n").collect();
    assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])), "{notify:?}");
    lines
}

/// What a watcher is shown of some mailboxes.
fn shown(bodies: &[&str]) -> Got {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    for body in bodies {
        office.publish(&mut pbx, LINE, PACKAGE, body);
    }
    let mut phone = office.phone("101");
    office.subscribe(&mut phone, LINE, PACKAGE)
}

#[test]
fn mwi_01_the_defaults_are_an_hour_and_a_simple_summary() {
    let mut office = Office::new();
    let mut phone = office.phone("101");
    let request = phone.subscribe(LINE, PACKAGE).without("Expires");

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(response.expires(), 3600);
    assert_eq!(notify.header("Content-Type"), "application/simple-message-summary");
    assert_eq!(notify.header("Event"), PACKAGE);
}

#[test]
fn mwi_01_an_accept_without_the_type_is_406() {
    let mut office = Office::new();
    let mut phone = office.phone("101");
    let request = phone.subscribe(LINE, PACKAGE).with("Accept", "application/pidf+xml");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 406);
    assert!(notifies.is_empty());
}

#[test]
fn mwi_02_an_empty_mailbox_says_no_and_counts_nothing() {
    assert_eq!(lines(&shown(&[])), ["Messages-Waiting: no", "Voice-Message: 0/0"]);
    assert_eq!(lines(&shown(&[&mailbox(0, 0)])), ["Messages-Waiting: no", "Voice-Message: 0/0"]);
}

#[test]
fn mwi_02_the_waiting_line_comes_first_then_the_account_then_the_counts() {
    let body = "Messages-Waiting: yes\r\nMessage-Account: sip:101@vm.example.com\r\n\
                Voice-Message: 4/8 (1/2)\r\nFax-Message: 0/3\r\n";

    let told = shown(&[body]);

    let lines = lines(&told);
    assert_eq!(lines[0], "Messages-Waiting: yes");
    assert_eq!(lines[1], "Message-Account: sip:101@vm.example.com");
    assert_eq!(lines[2..], ["Voice-Message: 4/8 (1/2)", "Fax-Message: 0/3"]);
}

#[test]
fn mwi_02_heard_messages_alone_do_not_wait() {
    assert_eq!(lines(&shown(&[&mailbox(0, 7)])), ["Messages-Waiting: no", "Voice-Message: 0/7"]);
}

#[test]
fn mwi_03_the_counts_come_at_once_and_headers_of_messages_never() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let body = mailbox(2, 8)
        + "\r\nTo: <sip:101@example.com>\r\nFrom: <sip:555@example.com>\r\n\
                Subject: call me back\r\nMessage-ID: 13784434989@vm.example.com\r\n";
    office.publish(&mut pbx, LINE, PACKAGE, &body);
    let mut phone = office.phone("101");

    let first = office.subscribe(&mut phone, LINE, PACKAGE);

    assert_eq!(first.parcel.at, office.now);
    assert_eq!(lines(&first), ["Messages-Waiting: yes", "Voice-Message: 2/8"]);
}

#[test]
fn mwi_04_an_account_is_sent_on_bare() {
    let body =
        "Messages-Waiting: yes\r\nMessage-Account: sip:sales@example.com\r\nVoice-Message: 1/0\r\n";

    let told = shown(&[body]);

    assert!(lines(&told).contains(&"Message-Account: sip:sales@example.com"), "{told:?}");
    assert!(!told.body.contains('<'));
}

#[test]
fn mwi_05_a_count_beyond_32_bits_is_the_largest_there_is() {
    let huge = "Messages-Waiting: yes\r\nVoice-Message: 5000000000/99999999999999999999\r\n";

    let told = shown(&[huge]);

    assert_eq!(lines(&told)[1], "Voice-Message: 4294967295/4294967295");
}

#[test]
fn mwi_05_a_sum_beyond_32_bits_is_the_largest_there_is() {
    let most = "Messages-Waiting: yes\r\nVoice-Message: 4294967295/0\r\n";

    let told = shown(&[most, most]);

    assert_eq!(lines(&told)[1], "Voice-Message: 4294967295/0");
}

#[test]
fn mwi_06_a_message_is_not_old_because_somebody_was_told() {
    let mut office = Office::new();
    let (mut one, mut other, mut pbx) = (office.phone("101"), office.phone("101"), office.pbx());
    office.subscribe(&mut one, LINE, PACKAGE);
    office.publish(&mut pbx, LINE, PACKAGE, &mailbox(3, 1));
    let told = office.notified(&one);

    let later = office.subscribe(&mut other, LINE, PACKAGE);
    let again = office.refreshed(&mut one);

    assert_eq!(lines(&told), ["Messages-Waiting: yes", "Voice-Message: 3/1"]);
    assert_eq!(told.body, later.body);
    assert_eq!(told.body, again.body);
}

#[test]
fn mwi_07_a_change_back_and_forth_ends_with_the_last_counts() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("101"), office.pbx());
    office.subscribe(&mut phone, LINE, PACKAGE);
    office.pass_secs(30);
    let mut tag = office.publish(&mut pbx, LINE, PACKAGE, &mailbox(1, 0));
    let mut told = office.notified_all(&phone);
    for new in [2, 3, 0] {
        tag = office.modify(&mut pbx, LINE, PACKAGE, &tag, &mailbox(new, 5));
        told.extend(office.notified_all(&phone));
    }
    told.extend(office.live(&phone, std::time::Duration::from_secs(33)));

    let last = told.last().expect("some");
    assert_eq!(lines(last), ["Messages-Waiting: no", "Voice-Message: 0/5"]);
    assert!(told.len() <= 4);
}

#[test]
fn mwi_09_a_published_summary_is_read_whatever_its_case() {
    let body = "MESSAGES-WAITING : YES\r\nvoice-message: 2/0\r\n";

    let told = shown(&[body]);

    assert_eq!(lines(&told), ["Messages-Waiting: yes", "Voice-Message: 2/0"]);
}

#[test]
fn mwi_09_classes_nobody_knows_are_kept() {
    let body = "Messages-Waiting: yes\r\nVoice-Message: 1/0\r\nX-Telegram-Message: 3/1\r\n";

    let told = shown(&[body]);

    assert!(told.body.to_ascii_lowercase().contains("x-telegram-message: 3/1\r\n"), "{told:?}");
}
