//! Messages on their way out, and those that get lost there on purpose.

/// Messages that are to leave by one link.
#[derive(Default)]
pub struct Outbox {
    octets: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// Loses messages at random.
pub struct Dice {
    state: u64,
    /// Of 2^32.
    share: u64,
    /// Messages lost.
    pub lost: u64,
}

impl Outbox {
    /// Where the next message is written.
    pub fn begin(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Ends the message, unless it is one to be lost.
    pub fn end(&mut self, dice: &mut Dice) {
        if dice.loses() {
            self.octets.truncate(self.ends.last().copied().unwrap_or(0));
        } else {
            self.ends.push(self.octets.len());
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Everything that waits.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The messages that wait, from the first.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let message = self.octets.get(from..end).unwrap_or_default();
            from = end;
            message
        })
    }

    /// These octets were sent.
    pub fn sent(&mut self, octets: usize) {
        let messages = self.ends.iter().take_while(|end| **end <= octets).count();
        if messages >= self.ends.len() {
            self.ends.clear();
            self.octets.clear();
            return;
        }
        self.ends.drain(..messages);
        self.octets.drain(..octets);
        for end in &mut self.ends {
            *end = end.saturating_sub(octets);
        }
    }
}

impl Dice {
    /// Loses this share of all messages, 0 to 1.
    pub fn new(seed: u64, share: f64) -> Dice {
        let share = (share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u64;
        Dice { state: seed | 1, share, lost: 0 }
    }

    /// Whether the next message gets lost.
    pub fn loses(&mut self) -> bool {
        if self.share == 0 {
            return false;
        }
        // The generator xorshift64.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let lost = self.state >> 32 < self.share;
        self.lost += u64::from(lost);
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(texts: &[&str]) -> Outbox {
        let (mut outbox, mut dice) = (Outbox::default(), Dice::new(1, 0.0));
        for text in texts {
            outbox.begin().extend_from_slice(text.as_bytes());
            outbox.end(&mut dice);
        }
        outbox
    }

    #[test]
    fn what_was_not_sent_stays_in_order() {
        let mut outbox = filled(&["one", "two", "three"]);
        outbox.sent(3);
        assert_eq!(outbox.messages().collect::<Vec<_>>(), [&b"two"[..], b"three"]);
        outbox.sent(1);
        assert_eq!(outbox.octets(), b"wothree", "a stream may take a part");
        outbox.sent(2);
        assert_eq!(outbox.messages().collect::<Vec<_>>(), [b"three"]);
        outbox.sent(5);
        assert!(outbox.is_empty() && outbox.octets().is_empty());
    }

    #[test]
    fn the_wanted_share_is_lost_and_leaves_nothing_behind() {
        let (mut outbox, mut dice) = (Outbox::default(), Dice::new(7, 0.25));
        for _ in 0..10_000 {
            outbox.begin().extend_from_slice(b"message");
            outbox.end(&mut dice);
        }
        assert!((2_300..2_700).contains(&dice.lost), "{}", dice.lost);
        assert_eq!(outbox.messages().len() as u64, 10_000 - dice.lost);
        assert!(outbox.messages().all(|message| message == b"message"));
    }
}
