//! Message summaries (RFC 3842 §5.2): how many messages wait in a mailbox.

use super::xml::{DocumentError, Kind};
use crate::base::limits::SUMMARY_CLASSES_MAX;

/// What waits in a mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Whether to light the lamp.
    pub waiting: bool,
    /// The mailbox, as a URI without angle brackets.
    pub account: Option<String>,
    /// Counts by class, each class once.
    pub counts: Vec<(Class, Counts)>,
}

/// A message context class (RFC 3458), or any other by its word in lower case.
#[derive(Clone, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `voice-message`.
    Voice,
    /// `video-message`.
    Video,
    /// `fax-message`.
    Fax,
    /// `pager-message`.
    Pager,
    /// `multimedia-message`.
    Multimedia,
    /// `text-message`.
    Text,
    /// `none`.
    None,
    /// Any other.
    Other(Box<str>),
}

/// Messages of one class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
    /// New and old ones among them that are urgent.
    pub urgent: Option<(u32, u32)>,
}

impl Summary {
    /// From a body of media type `application/simple-message-summary`. Case does not matter,
    /// lines end in CRLF or LF, and headers of single messages are left aside.
    pub fn read(octets: &[u8]) -> Result<Summary, DocumentError> {
        let text = String::from_utf8_lossy(octets);
        let mut lines = text.lines().map(|line| line.trim_end_matches('\r'));
        let first = lines.next().and_then(|line| line.split_once(':'));
        let flag = first.filter(|(name, _)| name.trim().eq_ignore_ascii_case("Messages-Waiting"));
        let waiting = match flag.map(|(_, value)| value.trim().to_ascii_lowercase()).as_deref() {
            Some("yes") => true,
            Some("no") => false,
            _ => return Err(invalid(1, "a first line that is not Messages-Waiting")),
        };
        let mut summary = Summary { waiting, ..Summary::default() };
        // RFC 3842 §5.2: an empty line parts the summary from the optional message headers.
        for (at, line) in (2_u32..).zip(lines.take_while(|line| !line.trim().is_empty())) {
            summary.take(line, at)?;
        }
        Ok(summary)
    }

    /// As it is sent.
    pub fn write(&self) -> String {
        let mut out = format!("Messages-Waiting: {}\r\n", if self.waiting { "yes" } else { "no" });
        if let Some(account) = self.account.as_deref().map(bare).filter(|a| !a.is_empty()) {
            out.push_str(&format!("Message-Account: {account}\r\n"));
        }
        let nothing = [(Class::Voice, Counts::default())];
        let counts = match self.counts.is_empty() && !self.waiting {
            true => &nothing[..],
            false => &self.counts[..],
        };
        for (class, counts) in counts {
            out.push_str(&format!("{}: {}/{}", class.as_text(), counts.new, counts.old));
            if let Some((new, old)) = counts.urgent {
                out.push_str(&format!(" ({new}/{old})"));
            }
            out.push_str("\r\n");
        }
        out
    }

    /// Adds what another source counts in the same mailbox.
    pub fn add(&mut self, other: &Summary) {
        self.waiting |= other.waiting;
        self.account = self.account.take().or_else(|| other.account.clone());
        for (class, counts) in &other.counts {
            self.count(class.clone(), *counts);
        }
    }

    fn take(&mut self, line: &str, at: u32) -> Result<(), DocumentError> {
        let Some((name, value)) = line.split_once(':') else {
            return Err(invalid(at, "a line without a colon"));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("Message-Account") {
            let account = bare(value);
            self.account = (!account.is_empty()).then_some(account);
            return Ok(());
        }
        if !is_token(name) {
            return Err(invalid(at, "a message class that is no word"));
        }
        let Some(counts) = Counts::from_text(value) else {
            return Err(invalid(at, "counts that are not new/old (new/old)"));
        };
        if self.counts.len() >= SUMMARY_CLASSES_MAX {
            return Err(DocumentError { kind: Kind::TooLarge, ..invalid(at, "too many classes") });
        }
        self.count(Class::from_text(name), counts);
        Ok(())
    }

    fn count(&mut self, class: Class, counts: Counts) {
        match self.counts.iter_mut().find(|(own, _)| *own == class) {
            Some((_, own)) => *own = own.plus(counts),
            None => self.counts.push((class, counts)),
        }
    }
}

/// An account without angle brackets (RFC 3842 §5.2), control characters and outer spaces.
fn bare(account: &str) -> String {
    let clean: String = account.chars().filter(|c| !c.is_control()).collect();
    let outer = |c: char| c.is_whitespace() || c == '<' || c == '>';
    clean.trim_matches(outer).to_owned()
}

impl<'a> std::iter::Sum<&'a Summary> for Summary {
    fn sum<I: Iterator<Item = &'a Summary>>(summaries: I) -> Summary {
        summaries.fold(Summary::default(), |mut sum, summary| {
            sum.add(summary);
            sum
        })
    }
}

impl std::iter::Sum for Summary {
    fn sum<I: Iterator<Item = Summary>>(summaries: I) -> Summary {
        summaries.fold(Summary::default(), |mut sum, summary| {
            sum.add(&summary);
            sum
        })
    }
}

impl Class {
    /// From its word, in any case.
    pub fn from_text(text: &str) -> Class {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "voice-message" => Class::Voice,
            "video-message" => Class::Video,
            "fax-message" => Class::Fax,
            "pager-message" => Class::Pager,
            "multimedia-message" => Class::Multimedia,
            "text-message" => Class::Text,
            "none" => Class::None,
            _ => Class::Other(lower.into_boxed_str()),
        }
    }

    /// As it is written.
    pub fn as_text(&self) -> &str {
        match self {
            Class::Voice => "Voice-Message",
            Class::Video => "Video-Message",
            Class::Fax => "Fax-Message",
            Class::Pager => "Pager-Message",
            Class::Multimedia => "Multimedia-Message",
            Class::Text => "Text-Message",
            Class::None => "None",
            Class::Other(word) => word,
        }
    }
}

impl Counts {
    /// Both together; nothing overflows, the largest count says "or more".
    pub fn plus(self, other: Counts) -> Counts {
        let urgent = match (self.urgent, other.urgent) {
            (Some((new, old)), Some((more_new, more_old))) => {
                Some((new.saturating_add(more_new), old.saturating_add(more_old)))
            }
            (one, other) => one.or(other),
        };
        let (new, old) = (self.new.saturating_add(other.new), self.old.saturating_add(other.old));
        Counts { new, old, urgent }
    }

    /// From `new/old` or `new/old (urgent-new/urgent-old)`.
    fn from_text(text: &str) -> Option<Counts> {
        let (counts, urgent) = match text.split_once('(') {
            Some((counts, urgent)) => (counts, Some(urgent.trim_end().strip_suffix(')')?)),
            None => (text, None),
        };
        let (new, old) = pair(counts)?;
        let urgent = match urgent {
            Some(urgent) => Some(pair(urgent)?),
            None => None,
        };
        Some(Counts { new, old, urgent })
    }
}

fn pair(text: &str) -> Option<(u32, u32)> {
    let (new, old) = text.split_once('/')?;
    Some((number(new.trim())?, number(old.trim())?))
}

/// RFC 3842 §3.5: what is larger than 2^32-1 is 2^32-1.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

fn is_token(text: &str) -> bool {
    let lawful = |o: u8| o.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&o);
    !text.is_empty() && text.bytes().all(lawful)
}

fn invalid(line: u32, what: &str) -> DocumentError {
    DocumentError { kind: Kind::Invalid, line, column: 1, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Summary {
        Summary::read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn voice(new: u32, old: u32, urgent: Option<(u32, u32)>) -> Vec<(Class, Counts)> {
        vec![(Class::Voice, Counts { new, old, urgent })]
    }

    #[test]
    fn case_and_line_ends_do_not_matter() {
        let summary =
            read("messages-waiting: YES\nMESSAGE-ACCOUNT: <sip:a@h>\nvoice-message:2/8 (0/2)");
        assert!(summary.waiting);
        assert_eq!(summary.account.as_deref(), Some("sip:a@h"));
        assert_eq!(summary.counts, voice(2, 8, Some((0, 2))));
    }

    #[test]
    fn an_empty_mailbox_says_no_and_nothing() {
        let text = "Messages-Waiting: no\r\nVoice-Message: 0/0\r\n";
        assert_eq!(Summary::default().write(), text);
        assert_eq!(read(text).counts, voice(0, 0, None));
    }

    #[test]
    fn what_was_read_is_written_line_by_line() {
        let text = "Messages-Waiting: yes\r\nMessage-Account: sip:a@h\r\n\
                    Voice-Message: 4/8 (1/2)\r\nx-parrot-message: 1/0\r\n";
        assert_eq!(read(text).write(), text);
    }

    #[test]
    fn a_count_too_large_is_the_largest() {
        let summary =
            read("Messages-Waiting: yes\r\nVoice-Message: 5000000000/99999999999999999999");
        assert_eq!(summary.counts, voice(u32::MAX, u32::MAX, None));
    }

    #[test]
    fn headers_of_single_messages_are_left_aside() {
        let summary =
            read("Messages-Waiting: yes\r\nVoice-Message: 1/0\r\n\r\nTo: <a@h>\r\nrubbish");
        assert_eq!(summary.counts, voice(1, 0, None));
    }

    #[test]
    fn what_is_no_summary_is_refused() {
        for bad in [
            "",
            "Voice-Message: 1/0",
            "Messages-Waiting: perhaps",
            "Messages-Waiting: yes\r\nVoice-Message",
            "Messages-Waiting: yes\r\nVoice-Message: 1",
            "Messages-Waiting: yes\r\nVoice-Message: -1/0",
            "Messages-Waiting: yes\r\nVoice-Message: 1/0 (1/0",
            "Messages-Waiting: yes\r\nVoice Message: 1/0",
        ] {
            let refused = Summary::read(bad.as_bytes()).map_err(|e| e.kind);
            assert_eq!(refused, Err(Kind::Invalid), "{bad}");
        }
        let classes: String = (0..40).map(|n| format!("x-{n}: 0/0\n")).collect();
        let refused = Summary::read(format!("Messages-Waiting: no\n{classes}").as_bytes());
        assert_eq!(refused.map_err(|e| e.kind), Err(Kind::TooLarge));
    }

    #[test]
    fn several_sources_add_up_without_overflow() {
        let one = read("Messages-Waiting: no\nVoice-Message: 1/4294967295 (1/0)");
        let two = read(
            "Messages-Waiting: yes\nMessage-Account: sip:a@h\nVoice-Message: 2/1\nfax-message: 0/3",
        );
        let sum: Summary = [&one, &two].into_iter().sum();
        assert!(sum.waiting);
        assert_eq!(sum.account.as_deref(), Some("sip:a@h"));
        let fax = (Class::Fax, Counts { new: 0, old: 3, urgent: None });
        assert_eq!(sum.counts, [voice(3, u32::MAX, Some((1, 0))), vec![fax]].concat());
    }

    #[test]
    fn an_account_cannot_add_lines() {
        let account = Some("sip:a@h\r\nVoice-Message: 9/9".to_owned());
        let text = Summary { account, ..Summary::default() }.write();
        assert_eq!(text.lines().count(), 3);
    }
}
