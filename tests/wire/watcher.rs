//! A phone that keeps its dialog and refreshes in it.

use std::time::Duration;

use fanal::sip::{Message, Response, Status};

use crate::phone::{Phone, Sketch, fresh, subscribe_lines};

/// How long a refresh may take: half of what who comes anew waits.
pub const PATIENCE: Duration = Duration::from_millis(400);

/// Refreshes of one subscription, all of its dialog.
pub struct Watcher {
    pub phone: Phone,
    contact: String,
    call_id: String,
    to_tag: String,
    target: String,
    cseq: u32,
}

impl Watcher {
    pub fn new(phone: Phone) -> Watcher {
        let contact = phone.contact();
        Watcher::with_contact(phone, contact)
    }

    /// One that says it is somewhere else than where it sends from, as behind NAT.
    pub fn with_contact(phone: Phone, contact: String) -> Watcher {
        let call_id = format!("o{}", fresh());
        let sketch = Sketch {
            method: "SUBSCRIBE",
            uri: "sip:101@example.com",
            transport: "UDP",
            sent_by: phone.local(),
            from: "watcher",
            to_tag: None,
            call_id: &call_id,
            cseq: 1,
            lines: &subscribe_lines(&contact, 600),
            body: "",
        };
        let answer = phone.ask(&sketch.text());
        assert_eq!(answer.status(), Status(200));
        phone.request();
        let to_tag = answer.headers().to().expect("To").tag().expect("a tag").to_owned();
        let text = String::from_utf8_lossy(answer.raw()).into_owned();
        let (_, after) = text.split_once("Contact: <").expect("a Contact");
        let target = after.split('>').next().expect("a URI").to_owned();
        Watcher { phone, contact, call_id, to_tag, target, cseq: 1 }
    }

    /// Asks once; whether it is answered in time.
    pub fn refresh(&mut self) -> bool {
        self.answer().is_some_and(|answer| answer.status() == Status(200))
    }

    /// What a refresh is answered in time.
    pub fn answer(&mut self) -> Option<Response> {
        self.cseq += 1;
        let sketch = Sketch {
            method: "SUBSCRIBE",
            uri: &self.target,
            transport: "UDP",
            sent_by: self.phone.local(),
            from: "watcher",
            to_tag: Some(&self.to_tag),
            call_id: &self.call_id,
            cseq: self.cseq,
            lines: &subscribe_lines(&self.contact, 600),
            body: "",
        };
        let text =
            sketch.text().replace(&format!("To: <{}>", self.target), "To: <sip:101@example.com>");
        self.phone.send(text);
        loop {
            match self.phone.hear_within(PATIENCE)? {
                Message::Response(answer) => return Some(answer),
                Message::Request(notify) => self.phone.answer(&notify),
            }
        }
    }
}
