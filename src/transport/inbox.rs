//! What waits for a shard: messages from other threads, bounded, and notices, which are few.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::bell::{Bell, Sleeper, bell};
use crate::base::flow::Flow;
use crate::base::limits::{INBOX_MESSAGES, INBOX_MESSAGES_NEW};
use crate::shard::{Answer, Asked, Input, Shard};
use crate::sip::Message;

/// The slot in a shard's door: any thread may put something in.
pub struct Inbox {
    messages: SyncSender<(Message, Flow)>,
    notices: Sender<Notice>,
    /// Messages in it.
    waiting: AtomicUsize,
    /// Notices in it.
    told: AtomicUsize,
    bell: Bell,
}

/// Where an answer goes.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

/// What a shard's thread is told besides messages. Notices are not bounded by number but by what
/// causes them: one for a name asked for, a message given up, an order of the operator.
#[expect(clippy::large_enum_variant, reason = "notices are few; a box would buy nothing")]
pub enum Notice {
    /// Something for the shard.
    Input(Input),
    /// A question, and where its answer goes. Who asks bounds how many there are.
    Asked(Box<Asked>, Reply),
    /// Somebody wants to look at the shard between two turns.
    Look(Box<dyn FnOnce(&Shard) + Send>),
    /// Finish the turn and go.
    Stop,
}

/// The other side of an inbox: what a shard's thread takes out.
pub struct Takings {
    messages: Receiver<(Message, Flow)>,
    notices: Receiver<Notice>,
    /// Sleeps beside the inbox.
    pub sleeper: Sleeper,
}

/// An inbox and what is taken from it.
pub fn inbox() -> io::Result<(Inbox, Takings)> {
    let (bell, sleeper) = bell()?;
    let (messages, messages_out) = sync_channel(INBOX_MESSAGES);
    let (notices, notices_out) = channel();
    let inbox =
        Inbox { messages, notices, waiting: AtomicUsize::new(0), told: AtomicUsize::new(0), bell };
    Ok((inbox, Takings { messages: messages_out, notices: notices_out, sleeper }))
}

impl Inbox {
    /// Puts a message in, for the thread to find when it is next awake; given back if there are
    /// too many already. What belongs to a dialog or answers us is taken longer than what comes
    /// anew.
    #[expect(clippy::result_large_err, reason = "a full inbox gives back what it did not take")]
    pub fn put(&self, message: Message, flow: Flow) -> Result<(), Message> {
        let room = if is_new(&message) { INBOX_MESSAGES_NEW } else { INBOX_MESSAGES };
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= room {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(message);
        }
        if let Err(full) = self.messages.try_send((message, flow)) {
            use std::sync::mpsc::TrySendError::{Disconnected, Full};
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let (Full((message, _)) | Disconnected((message, _))) = full;
            return Err(message);
        }
        Ok(())
    }

    /// Wakes the shard's thread if messages wait for it.
    pub fn ring(&self) {
        if self.waiting() > 0 {
            self.bell.ring();
        }
    }

    /// Tells the shard's thread something. A thread that is gone hears nothing.
    pub fn tell(&self, notice: Notice) {
        self.told.fetch_add(1, Ordering::SeqCst);
        if self.notices.send(notice).is_ok() {
            self.bell.ring();
        }
    }

    /// Wakes the shard's thread: something it looks at has changed.
    pub fn wake(&self) {
        self.bell.ring();
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.told.load(Ordering::SeqCst) == 0
    }
}

impl Takings {
    /// The next message; `inbox` is the other side of this.
    pub fn message(&self, inbox: &Inbox) -> Option<(Message, Flow)> {
        let taken = self.messages.try_recv().ok()?;
        inbox.waiting.fetch_sub(1, Ordering::SeqCst);
        Some(taken)
    }

    /// The next notice; `inbox` is the other side of this.
    pub fn notice(&self, inbox: &Inbox) -> Option<Notice> {
        let taken = self.notices.try_recv().ok()?;
        inbox.told.fetch_sub(1, Ordering::SeqCst);
        Some(taken)
    }
}

/// Whether a message asks for something new: a request outside a dialog.
fn is_new(message: &Message) -> bool {
    match message {
        Message::Response(_) => false,
        Message::Request(request) => request.headers().to().is_ok_and(|to| to.tag().is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::flow::ListenerId;
    use crate::sip::parse;

    fn flow() -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: ([127, 0, 0, 1], 5060).into() }
    }

    fn request(to_tag: &str) -> Message {
        let text = format!(
            "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:x>{to_tag}\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        parse::message(text.into()).expect("a request")
    }

    #[test]
    fn a_full_inbox_turns_away_what_is_new_before_what_is_in_a_dialog() {
        let (inbox, takings) = inbox().expect("a pipe");
        let new = (0..INBOX_MESSAGES).take_while(|_| inbox.put(request(""), flow()).is_ok());
        assert_eq!(new.count(), INBOX_MESSAGES_NEW);
        let known =
            (0..INBOX_MESSAGES).take_while(|_| inbox.put(request(";tag=2"), flow()).is_ok());
        assert_eq!(known.count(), INBOX_MESSAGES - INBOX_MESSAGES_NEW);
        assert_eq!(inbox.waiting(), INBOX_MESSAGES);
        takings.message(&inbox).expect("full");
        assert!(inbox.put(request(""), flow()).is_err());
        assert!(inbox.put(request(";tag=2"), flow()).is_ok());
    }
}
