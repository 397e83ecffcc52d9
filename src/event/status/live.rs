//! The leases that hold at one moment, and the next moment at which that changes.

use super::lease::{Lease, Says};
use super::manual::State;
use super::settings::Settings;
use crate::base::time::Wall;

/// The leases that hold now, the newest first.
pub(super) struct Live<'a> {
    leases: Vec<&'a Lease>,
    pub settings: &'a Settings,
    pub now: Wall,
    /// When to look again although nothing arrives.
    pub again: Option<Wall>,
}

impl<'a> Live<'a> {
    pub(super) fn of(sources: &'a [Lease], settings: &'a Settings, now: Wall) -> Live<'a> {
        let mut again = None;
        let mut leases: Vec<&Lease> = Vec::with_capacity(sources.len());
        for lease in sources {
            let ends = [lease.begins(settings), lease.end(settings), aftermath(lease, settings)];
            let next = ends.into_iter().flatten().filter(|end| *end > now).min();
            again = [again, next].into_iter().flatten().min();
            if lease.holds(settings, now) {
                leases.push(lease);
            }
        }
        leases.sort_unstable_by(|a, b| b.cmp(a));
        // What is said twice counts once.
        leases.dedup();
        Live { leases, settings, now, again }
    }

    /// To look again at `next`, if it is still to come.
    pub(super) fn look_again(&mut self, next: Option<Wall>) {
        let next = next.filter(|next| *next > self.now);
        self.again = [self.again, next].into_iter().flatten().min();
    }

    /// Every lease, the newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Lease> + '_ {
        self.leases.iter().copied()
    }

    /// The newest lease that says what is asked for.
    pub(super) fn find(&self, says: impl Fn(&Says) -> bool) -> Option<&'a Lease> {
        self.iter().find(|lease| says(&lease.says))
    }

    /// Whether anybody says what is asked for.
    pub(super) fn any(&self, says: impl Fn(&Says) -> bool) -> bool {
        self.find(says).is_some()
    }
}

/// When the aftermath of a lease ends: who said to be right back and is not, is away.
pub(super) fn aftermath(lease: &Lease, settings: &Settings) -> Option<Wall> {
    match &lease.says {
        Says::Manual(manual) if manual.state == State::Brb => {
            Some(lease.end(settings)? + settings.manual_other)
        }
        _ => None,
    }
}
