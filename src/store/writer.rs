//! The one thread that writes: takes everything handed over, appends it at once, tells who waited.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::embedded::Embedded;
use super::keeper::Shared;
use super::octets::Out;
use crate::base::limits::{STORE_BUFFER_OCTETS, STORE_RETRY_FIRST, STORE_RETRY_MAX};
use crate::shard::Fault;
use crate::transaction::Ticket;

/// Where frames are appended.
pub trait Files: Send + 'static {
    /// Appends frames, all or none; they are kept on return.
    fn append(&mut self, frames: &[u8]) -> Result<(), Fault>;
    /// Puts things in order between two batches; returns soon.
    fn tend(&mut self);
    /// Nothing is appended any more.
    fn close(&mut self);
}

impl Files for Embedded {
    fn append(&mut self, frames: &[u8]) -> Result<(), Fault> {
        Embedded::append(self, frames)
    }

    fn tend(&mut self) {
        Embedded::tend(self);
    }

    fn close(&mut self) {
        Embedded::close(self);
    }
}

/// The writing thread's own.
pub struct Writer<F, Tell> {
    files: F,
    shared: Arc<Shared>,
    tell: Tell,
    /// Least time from one write to the next.
    pause: Duration,
    /// When the last write began.
    began: Option<Instant>,
    batch: Out,
    changes: usize,
    /// The last ticket of each shard in the batch.
    tickets: Vec<Ticket>,
}

impl<F: Files, Tell: Fn(usize)> Writer<F, Tell> {
    /// With nothing to write yet.
    pub(super) fn new(files: F, shared: Arc<Shared>, pause: Duration, tell: Tell) -> Self {
        let tickets = vec![Ticket::default(); shared.lanes.len()];
        let (batch, changes, began) = (Out::default(), 0, None);
        Writer { files, shared, tell, pause, began, batch, changes, tickets }
    }

    /// Batch after batch, until all is closed.
    pub fn run(mut self) {
        loop {
            self.gather();
            if self.batch.len() == 0 {
                if self.shared.is_closing.load(Ordering::SeqCst) {
                    return self.files.close();
                }
                self.sleep();
                self.rest();
                continue;
            }
            self.began = Some(Instant::now());
            if !self.write() {
                return;
            }
            self.kept();
            self.files.tend();
            self.rest();
        }
    }

    /// Sleeps until something is handed over.
    fn sleep(&self) {
        self.shared.is_asleep.store(true, Ordering::SeqCst);
        let is_idle = self.shared.backlog.load(Ordering::SeqCst) == 0;
        if is_idle && !self.shared.is_closing.load(Ordering::SeqCst) {
            thread::park();
        }
        self.shared.is_asleep.store(false, Ordering::SeqCst);
    }

    /// Lets things gather if the last write was only just, and something is to be written.
    fn rest(&self) {
        let is_idle = self.shared.backlog.load(Ordering::SeqCst) == 0;
        if is_idle || self.shared.is_closing.load(Ordering::SeqCst) {
            return;
        }
        let left =
            self.began.map_or(Duration::ZERO, |began| self.pause.saturating_sub(began.elapsed()));
        if !left.is_zero() {
            thread::sleep(left);
        }
    }

    /// Everything handed over, as one batch.
    fn gather(&mut self) {
        for (lane, ticket) in self.shared.lanes.iter().zip(&mut self.tickets) {
            let mut handed = lane.handed();
            if handed.frames.len() == 0 {
                continue;
            }
            match self.batch.len() {
                0 => std::mem::swap(&mut self.batch, &mut handed.frames),
                _ => {
                    self.batch.raw(handed.frames.as_slice());
                    handed.frames.clear();
                }
            }
            self.changes += std::mem::take(&mut handed.changes);
            *ticket = handed.ticket;
        }
    }

    /// Appends the batch, again and again until it works. False if it was given up because all
    /// is closing.
    fn write(&mut self) -> bool {
        let mut wait = STORE_RETRY_FIRST;
        loop {
            let Err(fault) = self.files.append(self.batch.as_slice()) else {
                if self.shared.is_failing.swap(false, Ordering::SeqCst) {
                    info!(event = "store_back");
                    self.tell_all();
                }
                return true;
            };
            if !self.shared.is_failing.swap(true, Ordering::SeqCst) {
                error!(event = "store_failed", reason = %fault, "requests to keep get 503 now");
                self.tell_all();
            }
            if self.shared.is_closing.load(Ordering::SeqCst) {
                error!(event = "store_given_up", changes = self.changes);
                return false;
            }
            thread::sleep(wait);
            wait = (wait * 2).min(STORE_RETRY_MAX);
        }
    }

    /// Tells who waits that the batch is kept.
    fn kept(&mut self) {
        self.shared.backlog.fetch_sub(std::mem::take(&mut self.changes), Ordering::SeqCst);
        self.shared.backlog_octets.fetch_sub(self.batch.len(), Ordering::SeqCst);
        self.batch.clear();
        self.batch.shrink_to(STORE_BUFFER_OCTETS);
        for (shard, (lane, ticket)) in self.shared.lanes.iter().zip(&self.tickets).enumerate() {
            if lane.kept.swap(ticket.0, Ordering::SeqCst) < ticket.0
                && lane.is_awaited.swap(false, Ordering::SeqCst)
            {
                (self.tell)(shard);
            }
        }
    }

    fn tell_all(&self) {
        (0..self.shared.lanes.len()).for_each(&self.tell);
    }
}
