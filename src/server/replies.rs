//! Questions that a shard was asked by another way than SIP, and their answers, some of which
//! wait for the store.

use std::collections::{HashMap, VecDeque};

use crate::shard::Answer;
use crate::transaction::Ticket;
use crate::transport::Reply;

/// The questions of one shard.
#[derive(Default)]
pub(super) struct Replies {
    last: u64,
    expected: HashMap<u64, Reply>,
    /// Answers that wait for the store, in order.
    held: VecDeque<(Ticket, Reply, Answer)>,
}

impl Replies {
    /// A question is asked: the number its answer will bear.
    pub(super) fn expect(&mut self, reply: Reply) -> u64 {
        self.last = self.last.wrapping_add(1);
        self.expected.insert(self.last, reply);
        self.last
    }

    /// A question is answered.
    pub(super) fn give(&mut self, number: u64, after: Ticket, answer: Answer, waits: bool) {
        let Some(reply) = self.expected.remove(&number) else { return };
        match waits {
            true => self.held.push_back((after, reply, answer)),
            false => reply(answer),
        }
    }

    /// What does not wait any more goes out.
    pub(super) fn release(&mut self, must_wait: impl Fn(Ticket) -> bool) {
        while self.next().is_some_and(|after| !must_wait(after)) {
            if let Some((_, reply, answer)) = self.held.pop_front() {
                reply(answer);
            }
        }
    }

    /// What the next answer waits for.
    pub(super) fn next(&self) -> Option<Ticket> {
        self.held.front().map(|(after, ..)| *after)
    }

    /// Whether no answer waits for the store.
    pub(super) fn are_out(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::sip::Refusal;

    #[test]
    fn an_answer_leaves_when_what_it_promises_is_kept() {
        let (sender, answers) = channel();
        let mut replies = Replies::default();
        let number = replies.expect(Box::new(move |answer| drop(sender.send(answer))));
        let answer = Answer::Refused(Refusal::NotServed);
        replies.give(number, Ticket(2), answer.clone(), true);
        replies.release(|after| after > Ticket(1));
        assert!(answers.try_recv().is_err() && !replies.are_out());
        replies.release(|after| after > Ticket(2));
        assert_eq!(answers.try_recv(), Ok(answer));
        assert!(replies.are_out());
    }
}
