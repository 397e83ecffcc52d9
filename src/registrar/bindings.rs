//! The bindings of one AoR, and what a REGISTER does to them (RFC 3261 §10.3).

use super::binding::{Binding, Wanted};
use super::config::Config;
use crate::base::flow::Flow;
use crate::base::time::{Now, Wall};
use crate::base::uri::Scheme;
use crate::sip::{CSeq, Contacts, Malformed, Refusal, Request};

/// The bindings of one AoR, oldest first.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Bindings {
    bindings: Vec<Binding>,
}

/// What all contacts of one request have in common.
struct Asked<'a> {
    call_id: &'a str,
    cseq: CSeq<'a>,
    /// Seconds of the Expires header.
    expires: Option<u32>,
    secure: bool,
}

impl Bindings {
    /// Does what a REGISTER asks for, wholly or not at all. Without a Contact it only asks what
    /// there is. Bindings that have ended count for nothing, and are gone after a change.
    pub fn register(
        &mut self,
        now: Now,
        config: &Config,
        request: &Request,
        flow: Flow,
    ) -> Result<(), Refusal> {
        let headers = request.headers();
        let asked = Asked {
            call_id: headers.call_id()?,
            cseq: headers.cseq()?,
            expires: headers.expires()?,
            secure: request.uri()?.scheme() == Scheme::Sips,
        };
        match headers.contacts()? {
            Contacts::Star => self.remove_all(now.wall, &asked),
            Contacts::List(contacts) => {
                let wanted = contacts.iter().map(|value| {
                    let wanted = Wanted::read(value)?;
                    asked.allows(&wanted)?;
                    let granted = config.granted(wanted.expires.unwrap_or(asked.expires))?;
                    Ok(asked.binding(wanted, now.wall + granted, flow))
                });
                let wanted = wanted.collect::<Result<Vec<_>, Refusal>>()?;
                self.set(now.wall, config, &asked, wanted)
            }
        }
    }

    /// Puts in a binding that was kept elsewhere, in place of one of the same contact.
    pub fn insert(&mut self, binding: Binding) {
        put(&mut self.bindings, binding);
    }

    /// Lets go of bindings that have ended; true if there were any.
    pub fn expire(&mut self, now: Wall) -> bool {
        let before = self.bindings.len();
        self.bindings.retain(|binding| binding.until > now);
        self.bindings.len() < before
    }

    /// When the next one ends.
    pub fn next_end(&self) -> Option<Wall> {
        self.bindings.iter().map(|binding| binding.until).min()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// The Contact values of a 200, each with the seconds left (RFC 3261 §10.3 step 8).
    pub fn contact_lines(&self, now: Wall) -> Vec<String> {
        self.bindings
            .iter()
            .filter(|binding| binding.until > now)
            .map(|binding| binding.contact_line(now))
            .collect()
    }

    /// `Contact: *` (RFC 3261 §10.3 step 6).
    fn remove_all(&mut self, now: Wall, asked: &Asked<'_>) -> Result<(), Refusal> {
        if asked.expires != Some(0) {
            return Err(Malformed::at(0, "Expires: 0 with Contact: *").into());
        }
        let mut alive = self.bindings.iter().filter(|binding| binding.until > now);
        if !alive.all(|binding| asked.may_change(binding)) {
            return Err(Refusal::OutOfOrder);
        }
        self.bindings.clear();
        Ok(())
    }

    /// Step 7: on a draft, which takes the place of the bindings when every contact was fine.
    /// What is wanted until now is to end.
    fn set(
        &mut self,
        now: Wall,
        config: &Config,
        asked: &Asked<'_>,
        wanted: Vec<Binding>,
    ) -> Result<(), Refusal> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut draft = self.bindings.clone();
        draft.retain(|there| there.until > now);
        let alive = draft.len();
        // Order is judged by what was there before: a contact given twice is not out of order.
        let out_of_order = |there: &Binding| {
            !asked.may_change(there) && wanted.iter().any(|binding| binding.is_same(there))
        };
        if draft.iter().any(out_of_order) {
            return Err(Refusal::OutOfOrder);
        }
        for binding in wanted {
            if binding.until > now {
                put(&mut draft, binding);
            } else {
                draft.retain(|there| !binding.is_same(there));
            }
        }
        // Who was in before the bound was lowered may stay and refresh.
        if draft.len() > config.bindings_max.max(alive) {
            return Err(Refusal::Forbidden("Too Many Contacts"));
        }
        self.bindings = draft;
        Ok(())
    }
}

impl Asked<'_> {
    fn may_change(&self, binding: &Binding) -> bool {
        binding.yields_to(self.call_id, &self.cseq)
    }

    /// RFC 5630 §5.2: who wants to be reached securely registers securely.
    fn allows(&self, wanted: &Wanted) -> Result<(), Malformed> {
        if wanted.contact.scheme() == Scheme::Sips && !self.secure {
            return Err(Malformed::at(0, "a sips Request-URI for a sips Contact"));
        }
        Ok(())
    }

    fn binding(&self, wanted: Wanted, until: Wall, flow: Flow) -> Binding {
        Binding {
            contact: wanted.contact,
            contact_text: wanted.contact_text,
            call_id: self.call_id.to_owned(),
            cseq: self.cseq.number,
            until,
            q: wanted.q,
            instance: wanted.instance,
            flow: Some(flow),
        }
    }
}

/// In place of the same one, or as the newest. It may be the same as two: by flow and by URI.
fn put(bindings: &mut Vec<Binding>, binding: Binding) {
    let same = |there: &Binding| binding.is_same(there);
    let place = bindings.iter().position(same);
    bindings.retain(|there| !same(there));
    let place = place.unwrap_or(bindings.len());
    bindings.insert(place.min(bindings.len()), binding);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::flow::ListenerId;
    use crate::base::time::Moment;
    use crate::sip::{Message, parse};

    const FLOW: Flow = Flow::Udp {
        listener: ListenerId(0),
        peer: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5060),
    };

    /// One AoR and its phones.
    struct Line {
        bindings: Bindings,
        config: Config,
        now: Now,
    }

    impl Line {
        fn new() -> Line {
            Line {
                bindings: Bindings::default(),
                config: Config::default(),
                now: Now {
                    instant: Moment::ORIGIN,
                    wall: Wall::from_unix_millis(1_772_444_467_000),
                },
            }
        }

        /// Registers with header lines; the answer is a status.
        fn register(&mut self, call_id: &str, cseq: u32, lines: &[&str]) -> u16 {
            self.send("sip:example.com", call_id, cseq, lines)
        }

        fn send(&mut self, uri: &str, call_id: &str, cseq: u32, lines: &[&str]) -> u16 {
            let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let text = format!(
                "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKnashds\r\n\
                 From: <sip:101@example.com>;tag=1\r\nTo: <sip:101@example.com>\r\n\
                 Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
            );
            let Ok(Message::Request(request)) = parse::message(text.into()) else {
                panic!("no request");
            };
            let outcome = self.bindings.register(self.now, &self.config, &request, FLOW);
            outcome.map_or_else(|refusal| refusal.status().0, |()| 200)
        }

        fn lines(&self) -> Vec<String> {
            self.bindings.contact_lines(self.now.wall)
        }

        fn wait(&mut self, seconds: u64) {
            self.now = self.now.after(Duration::from_secs(seconds));
        }
    }

    #[test]
    fn a_contact_is_kept_with_its_parameters_and_told_with_the_seconds_left() {
        let mut line = Line::new();
        let contact = "Contact: \"101\" <sip:101@192.0.2.9:5062;ob>;expires=600;q=0.7;\
                       +sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0004132aaaaa>\"";
        assert_eq!(line.register("a", 1, &[contact]), 200);
        line.wait(10);
        assert_eq!(
            line.lines(),
            ["<sip:101@192.0.2.9:5062;ob>;q=0.7;\
              +sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0004132aaaaa>\";expires=590"]
        );
        let binding = line.bindings.iter().next().expect("a binding");
        assert_eq!(binding.q, Some(700));
        assert_eq!(
            binding.instance.as_deref(),
            Some("<urn:uuid:00000000-0000-1000-8000-0004132aaaaa>")
        );
        assert_eq!(binding.contact.as_str(), "sip:101@192.0.2.9:5062;ob");
        assert_eq!(binding.flow, Some(FLOW));
        assert_eq!(line.register("b", 1, &[]), 200, "a query");
        assert_eq!(line.lines().len(), 1);
    }

    #[test]
    fn parameters_of_a_bare_contact_are_not_the_uris() {
        let mut line = Line::new();
        line.register("a", 1, &["m: sip:u@192.0.2.9:5070;x=1;expires=90"]);
        assert_eq!(line.lines(), ["<sip:u@192.0.2.9:5070>;x=1;expires=90"]);
    }

    #[test]
    fn the_contacts_expires_goes_before_the_header_before_the_default() {
        for (lines, granted) in [
            (["Contact: <sip:a@b>;expires=100", "Expires: 5000"], 100),
            (["Contact: <sip:a@b>", "Expires: 5000"], 5000),
            (["Contact: <sip:a@b>", "Subject: none"], 3600),
            (["Contact: <sip:a@b>;expires=soon", "Expires: 100"], 3600),
            (["Contact: <sip:a@b>;expires=99999999999", "Expires: 100"], 3600),
            (["Contact: <sip:a@b>", "Expires: 99999999999"], 3600),
            (["Contact: <sip:a@b>", "Expires: 4294967295"], 7200),
        ] {
            let mut line = Line::new();
            assert_eq!(line.register("a", 1, &lines), 200);
            assert_eq!(line.lines(), [format!("<sip:a@b>;expires={granted}")]);
        }
    }

    #[test]
    fn too_brief_is_refused_but_an_hour_never_is() {
        let mut line = Line::new();
        assert_eq!(line.register("a", 1, &["Contact: <sip:a@b>;expires=59"]), 423);
        assert_eq!(line.register("a", 2, &["Contact: <sip:a@b>;expires=60"]), 200);
        line.config.expires_min = Duration::from_secs(3600);
        assert_eq!(line.config.check(), Ok(()));
        assert_eq!(line.register("a", 3, &["Contact: <sip:a@b>", "Expires: 3599"]), 423);
        assert_eq!(line.register("a", 4, &["Contact: <sip:a@b>", "Expires: 3600"]), 200);
        assert_eq!(line.register("a", 5, &["Contact: <sip:a@b>", "Expires: 0"]), 200);
        assert!(line.bindings.is_empty());
        line.config.expires_min = Duration::from_secs(3601);
        assert!(line.config.check().is_err());
    }

    #[test]
    fn the_same_call_needs_a_higher_cseq_and_another_call_does_not() {
        let mut line = Line::new();
        let contact = "Contact: <sip:a@b>;expires=600";
        assert_eq!(line.register("a", 5, &[contact]), 200);
        line.wait(100);
        for cseq in [5, 4] {
            assert_eq!(line.register("a", cseq, &[contact]), 500);
            assert_eq!(line.register("a", cseq, &["Contact: <sip:a@b>;expires=0"]), 500);
            assert_eq!(line.lines(), ["<sip:a@b>;expires=500"]);
        }
        assert_eq!(line.register("b", 1, &[contact]), 200);
        assert_eq!(line.lines(), ["<sip:a@b>;expires=600"]);
        assert_eq!(line.register("a", 5, &[contact]), 200, "a is another call now");
    }

    #[test]
    fn all_contacts_are_taken_or_none() {
        let mut line = Line::new();
        line.register("a", 7, &["Contact: <sip:old@b>"]);
        let before = line.lines();
        for (contact, code) in [
            ("Contact: <sip:new@b>, <sip:other@b>;expires=5", 423),
            ("Contact: <sip:new@b>, <sip:old@b>", 500),
            ("Contact: <sip:new@b>, <sip:a b>", 400),
            ("Contact: <sip:new@b>, <sips:secure@b>", 400),
        ] {
            assert_eq!(line.register("a", 7, &[contact]), code, "{contact}");
            assert_eq!(line.lines(), before, "{contact}");
        }
        let three = "Contact: <sip:x@b>, <sip:y@b>, <sip:old@b>;expires=0";
        assert_eq!(line.register("a", 8, &[three]), 200);
        assert_eq!(line.lines(), ["<sip:x@b>;expires=3600", "<sip:y@b>;expires=3600"]);
    }

    #[test]
    fn a_contact_given_twice_is_one_and_not_out_of_order() {
        let mut line = Line::new();
        let twice = "Contact: <sip:a@b>;expires=100, <sip:a@B>;expires=200";
        assert_eq!(line.register("a", 1, &[twice]), 200);
        assert_eq!(line.lines(), ["<sip:a@B>;expires=200"]);
    }

    // RFC 3261 §19.1.4: its equal pairs, and its unequal ones.
    #[test]
    fn contacts_are_compared_as_uris() {
        for (one, other, count) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", 1),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", 1),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on", 1),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
                1,
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
                1,
            ),
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", 2),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", 2),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", 2),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", 2),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", 2),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", 2),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", 2),
        ] {
            let mut line = Line::new();
            assert_eq!(line.register("a", 1, &[&format!("Contact: <{one}>")]), 200);
            assert_eq!(line.register("a", 2, &[&format!("Contact: <{other}>")]), 200);
            assert_eq!(line.lines().len(), count, "{one} and {other}");
        }
    }

    #[test]
    fn a_star_is_alone_and_ends_everything() {
        let mut line = Line::new();
        line.register("a", 5, &["Contact: <sip:x@b>"]);
        line.register("b", 1, &["Contact: <sip:y@b>"]);
        for lines in [
            &["Contact: *"][..],
            &["Contact: *", "Expires: 60"],
            &["Contact: *", "Contact: <sip:x@b>", "Expires: 0"],
            &["Contact: *;expires=0"],
        ] {
            assert_eq!(line.register("c", 9, lines), 400, "{lines:?}");
            assert_eq!(line.lines().len(), 2);
        }
        let all = ["Contact: *", "Expires: 0"];
        assert_eq!(line.register("a", 5, &all), 500, "not after the binding of a");
        assert_eq!(line.lines().len(), 2);
        assert_eq!(line.register("a", 6, &all), 200);
        assert!(line.bindings.is_empty());
    }

    #[test]
    fn a_secure_contact_needs_a_secure_request() {
        let mut line = Line::new();
        let contact = ["Contact: <sips:101@192.0.2.9>"];
        assert_eq!(line.register("a", 1, &contact), 400);
        assert_eq!(line.send("sips:example.com", "a", 2, &contact), 200);
    }

    #[test]
    fn the_next_contact_above_the_bound_is_refused_with_403() {
        let mut line = Line::new();
        line.config.bindings_max = 2;
        assert_eq!(line.register("a", 1, &["Contact: <sip:x@b>, <sip:y@b>"]), 200);
        assert_eq!(line.register("a", 2, &["Contact: <sip:z@b>"]), 403);
        assert_eq!(line.lines().len(), 2);
        assert_eq!(line.register("a", 3, &["Contact: <sip:z@b>, <sip:x@b>;expires=0"]), 200);
        line.config.bindings_max = 1;
        assert_eq!(line.register("a", 4, &["Contact: <sip:z@b>"]), 200, "a refresh");
        assert_eq!(line.register("a", 5, &["Contact: <sip:x@b>"]), 403);
    }

    #[test]
    fn a_binding_ends_at_its_very_moment() {
        let mut line = Line::new();
        line.register("a", 9, &["Contact: <sip:x@b>;expires=60"]);
        line.register("b", 1, &["Contact: <sip:y@b>;expires=90"]);
        let end = line.now.wall + Duration::from_secs(60);
        assert_eq!(line.bindings.next_end(), Some(end));
        let before = Wall::from_unix_millis(end.as_unix_millis() - 1);
        assert!(!line.bindings.expire(before));
        assert_eq!(
            line.bindings.contact_lines(before)[0],
            "<sip:x@b>;expires=1",
            "never 0 while it lives"
        );
        line.wait(60);
        assert_eq!(line.lines(), ["<sip:y@b>;expires=30"]);
        assert_eq!(line.register("a", 9, &["Contact: <sip:x@b>"]), 200, "the old is over");
        line.wait(30);
        assert!(line.bindings.expire(line.now.wall));
        assert_eq!(line.bindings.len(), 1);
        assert!(!line.bindings.expire(line.now.wall));
    }

    #[test]
    fn a_kept_binding_is_put_back() {
        let mut line = Line::new();
        line.register("a", 9, &["Contact: <sip:x@b>;expires=60"]);
        let mut restored = Bindings::default();
        for binding in line.bindings.iter() {
            let kept = Binding { flow: None, ..binding.clone() };
            restored.insert(kept.clone());
            restored.insert(kept);
        }
        line.bindings = restored;
        assert_eq!(line.lines(), ["<sip:x@b>;expires=60"]);
        assert_eq!(line.register("a", 9, &["Contact: <sip:x@b>"]), 500);
    }

    // RFC 5626 §6.
    #[test]
    fn a_device_that_comes_by_a_new_flow_replaces_its_old_contact() {
        let mut line = Line::new();
        let contact = |port: u16, parameters: &str| {
            format!("Contact: <sip:101@192.0.2.9:{port}>;expires=600{parameters}")
        };
        let device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1";
        assert_eq!(line.register("a", 1, &[&contact(5001, device)]), 200);
        assert_eq!(line.register("b", 1, &[&contact(5002, device)]), 200);
        assert_eq!(line.lines(), [format!("<sip:101@192.0.2.9:5002>{device};expires=600")]);
        assert_eq!(line.register("b", 1, &[&contact(5003, device)]), 500, "out of order");
        let other_flow = ";+sip.instance=\"<urn:uuid:1>\";reg-id=2";
        assert_eq!(line.register("c", 1, &[&contact(5003, other_flow)]), 200);
        assert_eq!(line.register("d", 1, &[&contact(5004, ";reg-id=1")]), 200);
        let no_flow = ";+sip.instance=\"<urn:uuid:1>\"";
        assert_eq!(line.register("e", 1, &[&contact(5005, no_flow)]), 200);
        assert_eq!(line.lines().len(), 4);
        assert_eq!(line.register("f", 1, &[&contact(5005, device)]), 200);
        assert_eq!(line.lines().len(), 3, "one by its flow and one by its URI");
    }
}
