//! All phones at once: what they share, and who takes which message.

use memchr::memmem::Finder;

use super::outbox::{Dice, Outbox};
use super::passwords::Passwords;
use super::plan::Plan;
use super::publishing::Publication;
use super::repeats::Repeats;
use super::scan::{self, Message, Start};
use super::tally::Tally;
use super::watching::Watch;
use super::write::{Key, Writer};

/// All phones.
pub struct Office {
    pub(super) writer: Writer,
    /// Finds change counters in documents.
    pub(super) mark: Finder<'static>,
    pub(super) expires: u32,
    pub(super) presentities: u32,
    pub(super) watchers: u32,
    pub(super) people: u32,
    pub(super) watches: Vec<Watch>,
    pub(super) publications: Vec<Publication>,
    pub(super) passwords: Option<Passwords>,
    pub(super) repeats: Repeats<Key>,
    pub(super) scratch: Vec<u8>,
    outboxes: Vec<Outbox>,
    /// Links with something to send.
    dirty: Vec<usize>,
    dice: Dice,
    /// What was counted since the phase began.
    pub tally: Tally,
    /// SUBSCRIBEs that are not over: unanswered, or without their NOTIFY.
    pub subscribing: usize,
    /// Subscriptions below this one are refreshed in an overload.
    pub known: u32,
    /// Who comes anew in an overload asks once.
    pub asks_once: bool,
    /// PUBLISHes that are unanswered.
    pub publishing: usize,
    /// Changes that not all watchers have seen.
    pub changing: usize,
}

impl Office {
    /// An office at rest.
    pub fn new(plan: &Plan, writer: Writer, dice: Dice) -> Office {
        let publications = plan.presentities.saturating_add(plan.quiet_people());
        let phones = plan.people().saturating_add(plan.quiet_people());
        let passwords = plan.digest.as_ref().and_then(|text| Passwords::new(text, phones));
        Office {
            mark: Finder::new(writer.mark().as_bytes()).into_owned(),
            expires: plan.expires,
            presentities: plan.presentities,
            watchers: plan.watchers,
            people: plan.people(),
            watches: (0..plan.subscriptions()).map(|_| Watch::default()).collect(),
            publications: (0..publications).map(|_| Publication::default()).collect(),
            passwords,
            repeats: Repeats::default(),
            scratch: Vec::new(),
            outboxes: writer.hosts.iter().map(|_| Outbox::default()).collect(),
            dirty: Vec::new(),
            writer,
            dice,
            tally: Tally::default(),
            subscribing: 0,
            known: 0,
            asks_once: plan.asks_once,
            publishing: 0,
            changing: 0,
        }
    }

    /// Messages lost on purpose.
    pub fn lost_on_purpose(&self) -> u64 {
        self.dice.lost
    }

    /// The next link with something to send.
    pub fn outbox(&mut self) -> Option<(usize, &mut Outbox)> {
        let link = self.dirty.pop()?;
        Some((link, self.outboxes.get_mut(link)?))
    }

    /// What could not be sent is tried again.
    pub fn put_off(&mut self, link: usize) {
        self.dirty.push(link);
    }

    /// Takes a message that came by a link.
    pub fn hear(&mut self, now: u64, link: usize, octets: &[u8]) {
        if self.dice.loses() {
            return;
        }
        let Some(message) = scan::scan(octets) else {
            // Two line ends keep a path open (RFC 5626 §3.5.1).
            self.tally.noise += u64::from(!octets.trim_ascii().is_empty());
            return;
        };
        match (message.start, self.writer.key(message.call_id)) {
            (Start::Notify, Some(Key::Watch(index))) if self.is_gone(index) => {
                self.tally.unanswered += 1;
            }
            (Start::Notify, Some(Key::Watch(index))) => {
                let status = self.notified(now, index, &message);
                self.answer(link, status, &message);
            }
            (Start::Notify, _) => {
                self.tally.strangers += 1;
                self.answer(link, "481 Subscription Does Not Exist", &message);
            }
            (Start::Request, _) => self.answer(link, "200 OK", &message),
            (Start::Response(100..200), _) | (Start::Response(_), None) => {}
            (Start::Response(status), Some(Key::Watch(index))) => {
                self.subscribe_answered(now, index, status, &message);
            }
            (Start::Response(status), Some(Key::Publication(index))) => {
                self.publish_answered(now, index, status, &message);
            }
        }
    }

    /// Repeats what is due.
    pub fn tick(&mut self, now: u64) {
        while let Some(waiting) = self.repeats.due(now) {
            let (is_open, is_asking) = match waiting.key {
                Key::Watch(index) => self.watch_waits(index, waiting.cseq),
                Key::Publication(index) => self.publication_waits(index, waiting.cseq),
            };
            if !is_open {
                continue;
            }
            if !self.repeats.again(now, waiting) {
                self.tally.lost += 1;
                match waiting.key {
                    Key::Watch(index) => self.end_subscribing(now, index, false),
                    Key::Publication(index) => self.abandon_publish(now, index),
                }
                continue;
            }
            // Only datagrams get lost (RFC 3261 §17.1.2.2).
            if is_asking && self.writer.is_unreliable() {
                self.tally.repeats += 1;
                match waiting.key {
                    Key::Watch(index) => self.write_subscribe(index),
                    Key::Publication(index) => self.write_publish(index),
                }
            }
        }
    }

    /// The link of a phone.
    pub(super) fn link(&self, phone: u32) -> usize {
        phone as usize % self.outboxes.len().max(1)
    }

    /// Writes a message that is to leave by a link.
    pub(super) fn send(&mut self, link: usize, write: impl FnOnce(&Writer, &mut Vec<u8>)) {
        let Some(outbox) = self.outboxes.get_mut(link) else { return };
        if outbox.is_empty() {
            self.dirty.push(link);
        }
        write(&self.writer, outbox.begin());
        outbox.end(&mut self.dice);
    }

    fn answer(&mut self, link: usize, status: &str, message: &Message<'_>) {
        self.send(link, |writer, out| writer.answer(out, status, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    /// Phones, and a server that does what the test says.
    struct Desk {
        office: Office,
        now: u64,
        /// What the phones have sent and nobody has looked at.
        sent: Vec<String>,
    }

    impl Desk {
        fn new(plan: &Plan) -> Desk {
            let hosts = vec!["127.16.0.1:4000".to_owned(), "127.16.0.2:4000".to_owned()];
            let (domain, transport, package) = (plan.domain.clone(), plan.transport, plan.package);
            let writer = Writer { hosts, domain, transport, package, run: 0x1234_abcd };
            let office = Office::new(plan, writer, Dice::new(1, 0.0));
            Desk { office, now: 0, sent: Vec::new() }
        }

        /// One person, two watchers who have subscribed and know the first state.
        fn watched() -> Desk {
            let mut desk = Desk::new(&Plan::sample(1, 2));
            desk.publish("e1");
            for index in 0..2 {
                desk.office.subscribe(desk.now, index, false);
                let asked = desk.take("SUBSCRIBE");
                desk.hear(&respond(&asked, "200 OK", "Contact: <sip:srv@127.0.0.1>\r\n"));
                desk.notify(index, 1, Some(1));
                assert!(desk.office.is_live(index));
            }
            assert_eq!((desk.office.subscribing, desk.office.tally.subscribed), (0, 2));
            desk
        }

        /// A change of the person, accepted under this entity-tag.
        fn publish(&mut self, tag: &str) -> String {
            self.office.change(self.now, self.now, 0);
            let asked = self.take("PUBLISH");
            self.hear(&respond(&asked, "200 OK", &format!("SIP-ETag: {tag}\r\n")));
            asked
        }

        fn hear(&mut self, text: &str) {
            self.office.hear(self.now, 0, text.as_bytes());
        }

        /// A NOTIFY to a watcher; it must be answered 200.
        fn notify(&mut self, index: u32, cseq: u32, shows: Option<u32>) {
            let state = if shows.is_some() { "active;expires=60" } else { "terminated" };
            let body = shows.map(|shows| format!("<a>lamp-1234abcd-{shows:08x}</a>"));
            self.hear(&format!(
                "NOTIFY sip:p@127.16.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKn\r\n\
                 From: <sip:p000000@example.com>;tag=srv\r\nTo: <sip:p@example.com>;tag=w\r\n\
                 Call-ID: s{index:08x}-1234abcd\r\nCSeq: {cseq} NOTIFY\r\n\
                 Contact: <sip:srv@127.0.0.1>\r\nSubscription-State: {state}\r\n\r\n{}",
                body.unwrap_or_default()
            ));
            let answer = self.take("SIP/2.0 200 OK");
            assert!(answer.contains(&format!("CSeq: {cseq} NOTIFY\r\n")), "{answer}");
            assert!(answer.contains("Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKn\r\n"), "{answer}");
        }

        /// The one message that begins so.
        fn take(&mut self, start: &str) -> String {
            while let Some((_, outbox)) = self.office.outbox() {
                let texts = outbox.messages().map(|octets| String::from_utf8_lossy(octets).into());
                self.sent.extend(texts);
                let octets = outbox.octets().len();
                outbox.sent(octets);
            }
            let found = self.sent.iter().position(|text| text.starts_with(start));
            self.sent.remove(found.unwrap_or_else(|| panic!("no {start} in {:?}", self.sent)))
        }

        fn wait(&mut self, millis: u64) {
            for _ in 0..millis {
                self.now += MILLI;
                self.office.tick(self.now);
            }
        }
    }

    fn respond(request: &str, status: &str, lines: &str) -> String {
        let is_echoed = |line: &&str| {
            ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name))
        };
        let echoed: Vec<&str> = request.lines().filter(is_echoed).collect();
        let echoed = echoed
            .join("\r\n")
            .replace("To: <sip:p000000@example.com>\r", "To: <sip:p000000@example.com>;tag=srv\r");
        format!("SIP/2.0 {status}\r\n{echoed}\r\n{lines}\r\n")
    }

    #[test]
    fn messages_are_as_large_as_the_load_is_described() {
        let mut desk = Desk::new(&Plan::sample(1, 2));
        let first = desk.publish("0123456789abcdef");
        assert!(!first.contains("SIP-If-Match"));
        let publish = desk.publish("x");
        assert!(publish.contains("SIP-If-Match: 0123456789abcdef\r\n"), "{publish}");
        assert!((900..1100).contains(&publish.len()), "{} octets", publish.len());
        desk.office.subscribe(0, 0, false);
        let subscribe = desk.take("SUBSCRIBE");
        assert!((670..760).contains(&subscribe.len()), "{} octets", subscribe.len());
    }

    #[test]
    fn a_change_is_complete_when_it_is_accepted_and_every_watcher_shows_it() {
        let mut desk = Desk::watched();
        desk.office.change(0, 0, 0);
        desk.now = 5 * MILLI;
        desk.notify(0, 2, Some(2));
        assert_eq!(desk.office.changing, 1);
        let asked = desk.take("PUBLISH");
        desk.hear(&respond(&asked, "200 OK", "SIP-ETag: e2\r\n"));
        assert_eq!((desk.office.changing, desk.office.stale()), (1, 1));
        desk.now = 8 * MILLI;
        desk.notify(1, 2, Some(2));
        assert_eq!((desk.office.changing, desk.office.stale()), (0, 0));
        let tally = &desk.office.tally;
        assert_eq!((tally.changed, tally.latency.count()), (2, 2), "the first had no watchers");
        assert_eq!(tally.latency.longest().map(|span| span.as_millis()), Some(8));
        assert_eq!(tally.spread.longest().map(|span| span.as_millis()), Some(3));
    }

    #[test]
    fn a_newer_state_counts_for_the_older_ones_too() {
        let mut desk = Desk::watched();
        desk.publish("e2");
        desk.publish("e3");
        assert_eq!(desk.office.changing, 2);
        for index in 0..2 {
            desk.notify(index, 2, Some(3));
        }
        assert_eq!((desk.office.changing, desk.office.tally.latency.count()), (0, 4));
    }

    #[test]
    fn what_changes_while_a_publish_is_under_way_is_published_once_after_it() {
        let mut desk = Desk::watched();
        desk.office.change(0, 0, 0);
        desk.office.change(0, 0, 0);
        desk.office.change(0, 0, 0);
        let asked = desk.take("PUBLISH");
        assert!(asked.contains("lamp-1234abcd-00000002"), "{asked}");
        assert!(desk.sent.is_empty());
        desk.hear(&respond(&asked, "200 OK", "SIP-ETag: e2\r\n"));
        let asked = desk.take("PUBLISH");
        assert!(asked.contains("lamp-1234abcd-00000004"), "the newest: {asked}");
    }

    #[test]
    fn a_lamp_shows_the_notify_with_the_highest_number_whatever_comes_last() {
        let mut desk = Desk::watched();
        desk.publish("e2");
        desk.notify(0, 3, Some(2));
        desk.notify(0, 2, Some(1));
        desk.notify(1, 2, Some(2));
        assert_eq!((desk.office.stale(), desk.office.tally.out_of_order), (0, 1));
        desk.notify(1, 3, Some(1));
        assert_eq!(desk.office.stale(), 1, "an old state under a new number is shown");
        desk.notify(1, 3, Some(1));
        assert_eq!(desk.office.tally.notify_repeats, 1);
    }

    #[test]
    fn an_unanswered_request_is_repeated_as_it_was_and_then_lost() {
        let mut desk = Desk::watched();
        desk.office.subscribe(desk.now, 0, false);
        let first = desk.take("SUBSCRIBE");
        desk.wait(499);
        assert!(desk.office.outbox().is_none());
        desk.wait(2);
        assert_eq!(desk.take("SUBSCRIBE"), first);
        desk.wait(32_000);
        let tally = &desk.office.tally;
        assert_eq!((tally.lost, tally.repeats, desk.office.subscribing), (1, 10, 0));
    }

    #[test]
    fn a_success_without_its_notify_is_lost_as_well() {
        let mut desk = Desk::watched();
        desk.office.subscribe(desk.now, 0, false);
        let asked = desk.take("SUBSCRIBE sip:srv@127.0.0.1");
        assert!(asked.contains("To: <sip:p000000@example.com>;tag=srv\r\n"), "{asked}");
        desk.hear(&respond(&asked, "200 OK", ""));
        assert_eq!(desk.office.subscribing, 1);
        desk.wait(33_000);
        let tally = &desk.office.tally;
        assert_eq!((tally.lost, tally.repeats, desk.office.subscribing), (1, 0, 0));
    }

    #[test]
    fn an_end_waits_for_the_last_notify() {
        let mut desk = Desk::watched();
        desk.office.subscribe(desk.now, 0, true);
        let asked = desk.take("SUBSCRIBE");
        assert!(asked.contains("Expires: 0\r\n"), "{asked}");
        desk.hear(&respond(&asked, "200 OK", ""));
        desk.notify(0, 2, Some(1));
        assert_eq!(desk.office.subscribing, 1, "one that crossed it says nothing of it");
        desk.notify(0, 3, None);
        assert_eq!((desk.office.subscribing, desk.office.live()), (0, 1));
    }

    #[test]
    fn a_publication_the_server_has_forgotten_is_published_anew() {
        let mut desk = Desk::watched();
        desk.office.change(0, 0, 0);
        let asked = desk.take("PUBLISH");
        desk.hear(&respond(&asked, "412 Conditional Request Failed", ""));
        let asked = desk.take("PUBLISH");
        assert!(!asked.contains("SIP-If-Match"), "{asked}");
        assert_eq!(
            desk.office.tally.refusal.as_deref(),
            Some("SIP/2.0 412 Conditional Request Failed")
        );
        desk.hear(&respond(&asked, "200 OK", "SIP-ETag: e9\r\n"));
        assert_eq!((desk.office.publishing, desk.office.stale()), (0, 2));
    }

    #[test]
    fn a_refused_publish_is_no_state_anybody_must_show() {
        let mut desk = Desk::watched();
        desk.office.change(0, 0, 0);
        let asked = desk.take("PUBLISH");
        desk.hear(&respond(&asked, "503 Service Unavailable", "Retry-After: 5\r\n"));
        assert_eq!(
            (desk.office.changing, desk.office.stale(), desk.office.tally.refused),
            (0, 0, 1)
        );
    }

    #[test]
    fn a_notify_of_another_run_is_refused() {
        let mut desk = Desk::watched();
        desk.hear(
            "NOTIFY sip:p@127.16.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKn\r\n\
             Call-ID: s00000000-00000000\r\nCSeq: 9 NOTIFY\r\n\r\n",
        );
        desk.take("SIP/2.0 481");
        assert_eq!(desk.office.tally.strangers, 1);
    }

    #[test]
    fn a_publication_is_taken_back_without_a_document() {
        let mut desk = Desk::watched();
        desk.office.withdraw(0, 0);
        let asked = desk.take("PUBLISH");
        assert!(
            asked.contains("Expires: 0\r\n") && asked.contains("SIP-If-Match: e1\r\n"),
            "{asked}"
        );
        assert!(asked.ends_with("Content-Length: 0\r\n\r\n"), "{asked}");
        desk.hear(&respond(&asked, "200 OK", "SIP-ETag: e2\r\n"));
        desk.office.withdraw(0, 0);
        assert!(desk.office.outbox().is_none(), "nothing is left to take back");
    }
}
