//! What a phase counts.

use super::histogram::Histogram;
use super::scan::Message;

/// What was counted.
#[derive(Clone, Default)]
pub struct Tally {
    /// SUBSCRIBEs answered with success and followed by a NOTIFY.
    pub subscribed: u64,
    /// PUBLISHes answered with success.
    pub published: u64,
    /// Changes every watcher has seen.
    pub changed: u64,
    /// NOTIFYs, without repeats.
    pub notifies: u64,
    /// Octets of these.
    pub notify_octets: u64,
    /// NOTIFYs that came again.
    pub notify_repeats: u64,
    /// NOTIFYs with a lower number than one before.
    pub out_of_order: u64,
    /// NOTIFYs of conversations nobody has.
    pub strangers: u64,
    /// Requests sent again.
    pub repeats: u64,
    /// Requests that came to nothing: no answer, or no NOTIFY, for 32 seconds.
    pub lost: u64,
    /// Requests that were challenged and sent anew with a password.
    pub challenged: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// The first refusal.
    pub refusal: Option<String>,
    /// Refreshes sent into an overload.
    pub known_asked: u64,
    /// Of these, the ones that came to nothing.
    pub known_failed: u64,
    /// From each of them to its end.
    pub known: Histogram,
    /// NOTIFYs that came for phones that are gone.
    pub unanswered: u64,
    /// Least lifetime granted, in seconds.
    pub granted_min: Option<u32>,
    /// Longest lifetime granted, in seconds.
    pub granted_max: Option<u32>,
    /// Messages that could not be read.
    pub noise: u64,
    /// From each change to each NOTIFY that shows it.
    pub latency: Histogram,
    /// From the first NOTIFY of a change to the last.
    pub spread: Histogram,
    /// From each first SUBSCRIBE, refresh or end to the NOTIFY that follows it, or its answer if
    /// that is later; from each PUBLISH to its answer.
    pub answer: Histogram,
}

impl Tally {
    /// A SUBSCRIBE was granted this lifetime.
    pub fn grant(&mut self, seconds: u32) {
        self.granted_min = Some(self.granted_min.map_or(seconds, |least| least.min(seconds)));
        self.granted_max = Some(self.granted_max.map_or(seconds, |most| most.max(seconds)));
    }

    /// A request was refused with this response.
    pub fn refuse(&mut self, message: &Message<'_>) {
        self.refused += 1;
        self.refusal
            .get_or_insert_with(|| String::from_utf8_lossy(message.start_line).into_owned());
    }
}
