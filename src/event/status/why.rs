//! Why a status is what it is: everything that is said, the weightiest first, and which of it
//! decides.

use super::compose::{compose, layer};
use super::{Availability, Lease, Settings, Status};
use crate::base::limits;
use crate::base::time::Wall;

/// One thing that is said of a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason<S> {
    /// Where it comes from.
    pub source: S,
    /// What is said, and from when until when.
    pub lease: Lease,
    /// Its layer, 0 the weightiest.
    pub layer: u8,
    /// When it ends; `None`: when it is taken back.
    pub end: Option<Wall>,
    /// Whether it holds now.
    pub holds: bool,
    /// Whether the status would be another without it, and nothing weightier is such.
    pub decides: bool,
}

/// The status of a person and all that is said of it: what holds first, in the order in which it
/// counts, then what is yet to come or over.
pub fn reasons<S: Copy>(
    said: &[(S, Lease)],
    settings: &Settings,
    now: Wall,
) -> (Status, Vec<Reason<S>>) {
    let mut reasons: Vec<Reason<S>> = said
        .iter()
        .map(|(source, lease)| Reason {
            source: *source,
            lease: lease.clone(),
            layer: layer(&lease.says),
            end: lease.end(settings),
            holds: lease.holds(settings, now),
            decides: false,
        })
        .collect();
    reasons.sort_by(|a, b| {
        let weight = |reason: &Reason<S>| (!reason.holds, reason.layer);
        weight(a).cmp(&weight(b)).then_with(|| b.lease.cmp(&a.lease))
    });
    let leases: Vec<Lease> = reasons.iter().map(|reason| reason.lease.clone()).collect();
    let status = compose(&leases, settings, now).0;
    let decides = (0..leases.len().min(limits::REASONS_TRIED_MAX)).find(|&place| {
        let mut others = leases.clone();
        others.remove(place);
        decided(&compose(&others, settings, now).0) != decided(&status)
    });
    if let Some(reason) = decides.and_then(|place| reasons.get_mut(place)) {
        reason.decides = true;
    }
    (status, reasons)
}

/// What of a status one source decides.
fn decided(status: &Status) -> (Availability, Option<Availability>, Option<Wall>, Option<Wall>) {
    (status.availability, status.reason, status.since, status.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::status::{Manual, Says, State};

    const NOON: Wall = Wall::from_unix_millis(1_772_452_800_000);

    fn winner(said: &[(u8, Lease)]) -> (Availability, Option<u8>) {
        let (status, reasons) = reasons(said, &Settings::default(), NOON);
        let decides = reasons.iter().find(|reason| reason.decides);
        (status.availability, decides.map(|reason| reason.source))
    }

    #[test]
    fn the_weightiest_source_that_matters_is_named() {
        let call = (1, Lease::new(NOON, "pbx", Says::Call));
        let reach = (2, Lease::new(NOON, "101", Says::Reachable));
        let dnd = (3, Lease::new(NOON, "101", Says::Manual(Manual::new(State::Dnd))));
        let auto = (4, Lease::new(NOON, "101", Says::Manual(Manual::new(State::Automatic))));
        let all = [call.clone(), reach.clone(), dnd];
        assert_eq!(winner(&all), (Availability::Dnd, Some(3)));
        assert_eq!(winner(&[call, reach.clone()]), (Availability::Busy, Some(1)));
        assert_eq!(winner(&[auto, reach]), (Availability::Available, Some(2)));
        assert_eq!(winner(&[]), (Availability::Offline, None));
    }

    #[test]
    fn what_is_over_or_to_come_stands_last_and_decides_nothing() {
        let later = NOON + std::time::Duration::from_secs(60);
        let coming = (1, Lease::new(NOON, "cal", Says::Dnd).from(later));
        let reach = (2, Lease::new(NOON, "101", Says::Reachable));
        let (_, reasons) = reasons(&[coming, reach], &Settings::default(), NOON);
        let told: Vec<_> = reasons.iter().map(|r| (r.source, r.holds, r.decides)).collect();
        assert_eq!(told, [(2, true, true), (1, false, false)]);
    }
}
