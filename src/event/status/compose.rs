//! The one composition: leases and the time in, a status out. It knows no order of arrival and
//! keeps no memory, so two servers that know the same say the same.

use super::activity::{Activity, Kind};
use super::input::Seen;
use super::lease::{Event, Lease, Says, Shown};
use super::live::{Live, aftermath};
use super::manual::{Manual, State};
use super::settings::{DndBasic, Focus, Settings, Winner};
use super::{Alternate, Availability, Coming, Hidden, Note, Status};
use crate::base::limits;
use crate::base::time::Wall;
use crate::doc::pidf::Basic;

/// The status of a person of whom this is said, and when to compose again although nothing
/// arrives: at the next beginning or end.
pub fn compose(sources: &[Lease], settings: &Settings, now: Wall) -> (Status, Option<Wall>) {
    let mut live = Live::of(sources, settings, now);
    let hands = Hands::of(&mut live);
    let manual = manual(&live);
    let reach = reach(&live);
    if let Some(dismissed) = dismissed(&live) {
        return (dismissed, live.again);
    }
    let picked = pick(&live, sources, &hands, manual);
    let invisible = manual.is_some_and(|(_, manual)| manual.state == State::Invisible);
    let mut status = Status {
        activities: activities(&live, manual),
        note: note(&live, manual),
        since: picked.since,
        until: picked.until,
        input: hands.seen,
        alternates: alternates(&live, manual),
        coming: coming(sources, now),
        time_offset: live.iter().find_map(|lease| match lease.says {
            Says::Offset(minutes) => Some(minutes),
            _ => None,
        }),
        fresh: picked.is_told,
        ..Status::default()
    };
    (status.availability, status.reason) = capped(picked.availability, reach);
    status.basic = basic(&status, reach, settings);
    status.hidden = match manual {
        _ if invisible => Hidden::Person,
        Some((_, Manual { state: State::Dnd, .. })) => Hidden::Calls,
        _ => Hidden::Nothing,
    };
    if status.availability == Availability::Offline && status.reason.is_none() {
        // Nobody waits for an end that is not an end of this.
        (status.since, status.until) = (None, None);
        // Of who is offline nothing is told that would tell them from who hides.
        status.time_offset = None;
    }
    (status, live.again)
}

/// The leases that hold now in the order in which they count: why somebody is red.
pub fn explain<'a>(sources: &'a [Lease], settings: &Settings, now: Wall) -> Vec<&'a Lease> {
    let mut holding: Vec<&Lease> =
        sources.iter().filter(|lease| lease.holds(settings, now)).collect();
    holding.sort_by(|a, b| layer(&a.says).cmp(&layer(&b.says)).then_with(|| b.cmp(a)));
    holding
}

/// The layer of a statement, 0 the weightiest.
pub fn layer(says: &Says) -> u8 {
    match says {
        Says::Organisation(_) => 0,
        Says::Manual(_) | Says::Note(_) => 1,
        Says::Dnd | Says::Device(Availability::Dnd) => 2,
        Says::Doing(kind) if kind.implies() == Some(Availability::Dnd) => 2,
        Says::Call | Says::Doing(Kind::OnThePhone) => 3,
        Says::Conference | Says::Doing(Kind::InAConference) => 4,
        Says::Event(_) | Says::OutOfOffice(_) | Says::Doing(_) => 5,
        Says::Device(Availability::Busy) => 5,
        Says::Device(_) | Says::Input(_) => 6,
        Says::Reachable | Says::Lost | Says::Offset(_) | Says::Forward(_) => 7,
    }
}

/// Which source decides the availability.
struct Picked {
    availability: Availability,
    since: Option<Wall>,
    until: Option<Wall>,
    /// Whether some source speaks of the person, and not only of a service.
    is_told: bool,
}

impl Picked {
    fn by(live: &Live<'_>, lease: &Lease, availability: Availability) -> Picked {
        let until = lease.end(live.settings);
        Picked { availability, since: Some(lease.start()), until, is_told: true }
    }
}

/// What the hands on all devices say together.
#[derive(Default)]
struct Hands<'a> {
    /// The best of what they mean: one device in use is a person who is there.
    means: Option<(Availability, Option<Wall>)>,
    /// The newest lease of a device in use.
    active: Option<&'a Lease>,
    seen: Option<Seen>,
}

impl<'a> Hands<'a> {
    fn of(live: &mut Live<'a>) -> Hands<'a> {
        let mut hands = Hands::default();
        let mut next = None;
        for lease in live.iter() {
            let Says::Input(input) = &lease.says else { continue };
            let means = input.means(lease.updated, live.settings, live.now);
            next = [next, means.next].into_iter().flatten().min();
            let active = means.availability == Availability::Available;
            if active && hands.active.is_none() {
                hands.active = Some(lease);
            }
            let found = (means.availability, means.since);
            hands.means = Some(hands.means.map_or(found, |known| better(known, found)));
            let seen = hands.seen.get_or_insert(Seen { active: false, last: None });
            seen.active |= active;
            seen.last = seen.last.max(input.last);
        }
        live.look_again(next);
        hands
    }
}

/// Available before idle before away; of two alike the later one.
fn better(
    a: (Availability, Option<Wall>),
    b: (Availability, Option<Wall>),
) -> (Availability, Option<Wall>) {
    match a.0.cmp(&b.0) {
        std::cmp::Ordering::Less => a,
        std::cmp::Ordering::Greater => b,
        std::cmp::Ordering::Equal => (a.0, a.1.max(b.1)),
    }
}

/// The newest state set by hand; one that was set to automatic is none.
fn manual<'a>(live: &Live<'a>) -> Option<(&'a Lease, &'a Manual)> {
    let newest = live.iter().find_map(|lease| match &lease.says {
        Says::Manual(manual) => Some((lease, manual)),
        _ => None,
    });
    newest.filter(|(_, manual)| manual.state != State::Automatic)
}

/// Whether any service takes calls; `None` if who would know is lost and nobody else does.
fn reach(live: &Live<'_>) -> Option<bool> {
    let reachable = live.any(|says| matches!(says, Says::Reachable | Says::Call));
    let lost = live.any(|says| *says == Says::Lost);
    if lost && !reachable { None } else { Some(reachable) }
}

/// The status of somebody whom the organisation does not let be reached.
fn dismissed(live: &Live<'_>) -> Option<Status> {
    let (lease, standing) = live.iter().find_map(|lease| match lease.says {
        Says::Organisation(standing) => Some((lease, standing)),
        _ => None,
    })?;
    Some(Status {
        availability: Availability::Offline,
        basic: Some(Basic::Closed),
        activities: vec![Activity { kind: Kind::LeftTheCompany, until: lease.until }],
        fresh: true,
        dismissed: Some(standing),
        ..Status::default()
    })
}

/// From the top layer down; the first that says anything decides.
fn pick(
    live: &Live<'_>,
    sources: &[Lease],
    hands: &Hands<'_>,
    manual: Option<(&Lease, &Manual)>,
) -> Picked {
    let lost = live.find(|says| *says == Says::Lost);
    let call = live.find(|says| matches!(says, Says::Call | Says::Doing(Kind::OnThePhone)));
    if let Some((lease, manual)) = manual
        && let Some(availability) = manual.state.availability()
    {
        let yields = availability == Availability::Available;
        return match (yields, call, lost) {
            (true, Some(call), _) if live.settings.available_in_call == Winner::Call => {
                Picked::by(live, call, Availability::Busy)
            }
            (true, _, Some(lost)) => Picked::by(live, lost, Availability::Unknown),
            _ => Picked::by(live, lease, availability),
        };
    }
    if let Some(lease) = live.find(|says| forbids(says, live.settings)) {
        return Picked::by(live, lease, Availability::Dnd);
    }
    let conference = |says: &Says| matches!(says, Says::Conference);
    let occupied = call.or_else(|| live.find(conference)).or_else(|| live.find(occupies));
    if let Some(lease) = occupied {
        return Picked::by(live, lease, Availability::Busy);
    }
    if let Some(lease) = live.find(|says| matches!(says, Says::OutOfOffice(_))) {
        return Picked::by(live, lease, Availability::Away);
    }
    // Who is at it outside working hours is there for all to see.
    let is_at_it = hands.active.is_some();
    if let Some(lease) = live.find(|says| takes_away(says) && !(is_at_it && is_off_work(says))) {
        return Picked::by(live, lease, Availability::Away);
    }
    let picked = by_devices(live, sources, hands);
    match lost {
        // RFC 4479 §3.6: what nobody knows is not said.
        Some(lost) if picked.availability.is_inviting() => {
            Picked::by(live, lost, Availability::Unknown)
        }
        _ => picked,
    }
}

/// What devices say of the person: a word against the hands on them, the newer counts.
fn by_devices(live: &Live<'_>, sources: &[Lease], hands: &Hands<'_>) -> Picked {
    let absence = absence(live, sources);
    let back = |since: Wall| hands.active.is_some_and(|active| active.updated > since);
    if let Some((since, until, availability)) = absence
        && !back(since)
    {
        return Picked { availability, since: Some(since), until, is_told: true };
    }
    let (availability, since) = hands.means.unwrap_or((Availability::Available, None));
    Picked { availability, since, until: None, is_told: hands.means.is_some() }
}

/// The newest word of a device that the person is not there, or of who said to be right back
/// and is late.
fn absence(live: &Live<'_>, sources: &[Lease]) -> Option<(Wall, Option<Wall>, Availability)> {
    let word = live.iter().find_map(|lease| {
        let availability = match &lease.says {
            Says::Device(word @ (Availability::Away | Availability::Brb | Availability::Idle)) => {
                *word
            }
            Says::Doing(kind) => kind.implies().filter(|it| *it == Availability::Away)?,
            _ => return None,
        };
        Some((lease.start(), lease.until, availability))
    });
    let late = sources.iter().filter(|lease| {
        let over = lease.end(live.settings).is_some_and(|end| end <= live.now);
        over && aftermath(lease, live.settings).is_some_and(|end| live.now < end)
    });
    // Set to automatic, or to anything else, since: that is over, too.
    let set_since = |late: &Lease| {
        sources.iter().any(|other| matches!(other.says, Says::Manual(_)) && *other > *late)
    };
    let late = late.filter(|late| !set_since(late)).map(Lease::start).max();
    match (word, late) {
        (Some(word), Some(late)) if word.0 < late => Some((late, None, Availability::Away)),
        (Some(word), _) => Some(word),
        (None, late) => late.map(|late| (late, None, Availability::Away)),
    }
}

/// Whether a statement forbids to disturb.
fn forbids(says: &Says, settings: &Settings) -> bool {
    match says {
        Says::Dnd | Says::Device(Availability::Dnd) => true,
        Says::Doing(kind) => kind.implies() == Some(Availability::Dnd),
        Says::Event(event) if event.shown == Shown::Busy => match event.kind {
            Kind::Focusing => settings.focus == Focus::Dnd,
            _ => event.kind.implies() == Some(Availability::Dnd),
        },
        _ => false,
    }
}

/// Whether a statement says that the person is taken.
fn occupies(says: &Says) -> bool {
    match says {
        Says::Device(word) => *word == Availability::Busy,
        Says::Doing(kind) => kind.implies() == Some(Availability::Busy),
        Says::Event(event) => {
            let takes_time = event.kind != Kind::NoQueues;
            let is_here = event.kind.implies() != Some(Availability::Away);
            event.shown == Shown::Busy && takes_time && is_here
        }
        _ => false,
    }
}

/// Whether the calendar says that the person is not there.
fn takes_away(says: &Says) -> bool {
    let Says::Event(Event { kind, shown: Shown::Busy }) = says else { return false };
    kind.implies() == Some(Availability::Away)
}

fn is_off_work(says: &Says) -> bool {
    matches!(says, Says::Event(Event { kind: Kind::OffWork, .. }))
}

/// What is claimed against what can be reached: nothing makes a phone ring that is not there,
/// but why it is not stays known.
fn capped(availability: Availability, reach: Option<bool>) -> (Availability, Option<Availability>) {
    match (reach, availability) {
        (Some(true) | None, _) => (availability, None),
        (Some(false), Availability::Available | Availability::Idle) => {
            (Availability::Offline, None)
        }
        (Some(false), Availability::Unknown) => (availability, None),
        (Some(false), reason) => (Availability::Offline, Some(reason)),
    }
}

fn basic(status: &Status, reach: Option<bool>, settings: &Settings) -> Option<Basic> {
    match status.availability {
        Availability::Unknown => None,
        Availability::Offline => Some(Basic::Closed),
        Availability::Dnd if settings.dnd_basic == DndBasic::Closed => Some(Basic::Closed),
        _ => reach.map(|reach| if reach { Basic::Open } else { Basic::Closed }),
    }
}

/// Everything the person is doing, each once, with its end if all who say so know it.
fn activities(live: &Live<'_>, manual: Option<(&Lease, &Manual)>) -> Vec<Activity> {
    let willing = manual.is_some_and(|(_, manual)| manual.state == State::Available);
    let mut all: Vec<Activity> = Vec::new();
    if let Some((lease, manual)) = manual {
        let until = lease.end(live.settings);
        all.extend(manual.activities.iter().map(|kind| Activity { kind: kind.clone(), until }));
        if manual.state == State::NoQueues {
            all.push(Activity { kind: Kind::NoQueues, until });
        }
    }
    for lease in live.iter() {
        let kind = match &lease.says {
            Says::Call => Kind::OnThePhone,
            Says::OutOfOffice(out) => Kind::OutOfOffice(out.absence),
            Says::Doing(kind) => kind.clone(),
            // Who says to be available is not shown as taken by a calendar.
            Says::Conference if !willing => Kind::InAConference,
            Says::Event(event) if event.shown == Shown::Busy && !willing => event.kind.clone(),
            _ => continue,
        };
        all.push(Activity { kind, until: lease.end(live.settings) });
    }
    all.sort_unstable_by(|a, b| a.kind.cmp(&b.kind));
    all.dedup_by(|next, kept| {
        let same = next.kind == kept.kind;
        if same {
            kept.until = match (kept.until, next.until) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
        }
        same
    });
    all
}

/// The newest words of the person; those of an absence if there are no others.
fn note(live: &Live<'_>, manual: Option<(&Lease, &Manual)>) -> Option<Note> {
    let by_hand = manual.and_then(|(lease, manual)| Some((lease.updated, manual.note.as_ref()?)));
    let own = live.iter().find_map(|lease| match &lease.says {
        Says::Note(note) => Some((lease.updated, note)),
        _ => None,
    });
    let newest = [by_hand, own].into_iter().flatten().max_by_key(|(updated, _)| *updated);
    let absence = live.iter().find_map(|lease| match &lease.says {
        Says::OutOfOffice(out) => out.note.as_ref(),
        _ => None,
    });
    newest.map(|(_, note)| note).or(absence).cloned()
}

fn alternates(live: &Live<'_>, manual: Option<(&Lease, &Manual)>) -> Vec<Alternate> {
    let by_hand = manual.into_iter().flat_map(|(_, manual)| &manual.alternates);
    let absences = live.iter().filter_map(|lease| match &lease.says {
        Says::OutOfOffice(out) => Some(&out.alternates),
        _ => None,
    });
    let mut all: Vec<Alternate> = Vec::new();
    for alternate in by_hand.chain(absences.flatten()) {
        let known = all.iter().any(|known| known.contact == alternate.contact);
        if !known && all.len() < limits::ALTERNATES_MAX {
            all.push(alternate.clone());
        }
    }
    all
}

/// RFC 4481 §3: what covers the present is no announcement.
fn coming(sources: &[Lease], now: Wall) -> Vec<Coming> {
    let mut all: Vec<Coming> = sources
        .iter()
        .filter_map(|lease| {
            let Says::OutOfOffice(out) = &lease.says else { return None };
            let from = lease.from.filter(|from| *from > now)?;
            let until = lease.until;
            let kind = Kind::OutOfOffice(out.absence);
            let lasts = until.is_none_or(|until| until > from);
            lasts.then(|| Coming { from, until, kind, note: out.note.clone() })
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(limits::COMING_MAX);
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::status::{Absence, Input, OutOfOffice};

    const NOON: Wall = Wall::from_unix_millis(1_772_452_800_000);

    fn at(seconds: u64) -> Wall {
        NOON + Duration::from_secs(seconds)
    }

    fn said(seconds: u64, says: Says) -> Lease {
        Lease::new(at(seconds), "alice", says)
    }

    fn hand(seconds: u64, state: State) -> Lease {
        said(seconds, Says::Manual(Manual::new(state)))
    }

    fn seen(leases: &[Lease], seconds: u64) -> Status {
        let reachable = [leases, &[said(0, Says::Reachable)]].concat();
        compose(&reachable, &Settings::default(), at(seconds)).0
    }

    fn word(leases: &[Lease], seconds: u64) -> Availability {
        seen(leases, seconds).availability
    }

    #[test]
    fn of_two_hands_the_newer_counts_and_of_two_at_once_the_later_name() {
        assert_eq!(word(&[hand(1, State::Busy), hand(2, State::Away)], 3), Availability::Away);
        let bob = Lease { publisher: "bob".into(), ..hand(1, State::Busy) };
        assert_eq!(word(&[hand(1, State::Away), bob], 3), Availability::Busy);
    }

    #[test]
    fn a_hand_that_lets_go_gives_way_to_an_older_one_that_still_holds() {
        let leases = [hand(0, State::Away), hand(60, State::Dnd).until(at(120))];
        assert_eq!(word(&leases, 119), Availability::Dnd);
        assert_eq!(word(&leases, 120), Availability::Away);
    }

    #[test]
    fn on_one_layer_who_forbids_beats_who_is_taken_and_who_is_there_beats_who_is_not() {
        use Availability::{Available, Away, Busy, Dnd};
        let device = |word| said(1, Says::Device(word));
        let active = said(2, Says::Input(Input::active(None)));
        assert_eq!(word(&[device(Away), device(Busy), device(Dnd), active.clone()], 3), Dnd);
        assert_eq!(word(&[device(Away), device(Busy), active.clone()], 3), Busy);
        assert_eq!(word(&[device(Away), active], 3), Available, "in use since then");
        let before = said(0, Says::Input(Input::active(None)));
        assert_eq!(word(&[device(Away), before], 3), Away, "in use before then");
    }

    #[test]
    fn who_is_late_is_away_until_a_hand_touches_something_or_sets_something() {
        let brb = hand(0, State::Brb).until(at(60));
        assert_eq!(word(std::slice::from_ref(&brb), 59), Availability::Brb);
        assert_eq!(word(std::slice::from_ref(&brb), 60), Availability::Away);
        let back = said(61, Says::Input(Input::active(None)));
        assert_eq!(word(&[brb.clone(), back], 62), Availability::Available);
        let set = hand(61, State::Automatic);
        assert_eq!(word(&[brb.clone(), set], 62), Availability::Available);
        let week = 7 * 86_400;
        assert_eq!(word(std::slice::from_ref(&brb), 59 + week), Availability::Away);
        assert_eq!(word(&[brb], 60 + week), Availability::Available);
    }

    #[test]
    fn outside_working_hours_only_who_is_at_it_is_there() {
        let event = Event { kind: Kind::OffWork, shown: Shown::Busy };
        let off = said(0, Says::Event(event));
        assert_eq!(word(std::slice::from_ref(&off), 10), Availability::Away);
        let touched = [off.clone(), said(5, Says::Input(Input::touched(at(5))))];
        assert_eq!(word(&touched, 10), Availability::Available);
        assert_eq!(word(&touched, 5 + 300), Availability::Away, "not touched any more");
        assert_eq!(word(&[off, said(5, Says::Call)], 10), Availability::Busy);
    }

    #[test]
    fn clocks_are_told_of_who_is_there() {
        let clocks =
            [said(0, Says::Offset(60)).until(at(10)), said(0, Says::Offset(120)).from(at(10))];
        let told = |seconds| seen(&clocks, seconds).time_offset;
        assert_eq!((told(9), told(10)), (Some(60), Some(120)));
        assert_eq!(word(&clocks, 9), Availability::Available);
        assert_eq!(compose(&clocks, &Settings::default(), at(9)).0.time_offset, None, "offline");
    }

    #[test]
    fn an_activity_ends_when_all_who_tell_of_it_have_ended() {
        let event = |until| {
            let event = Event { kind: Kind::InAMeeting, shown: Shown::Busy };
            said(0, Says::Event(event)).until(at(until))
        };
        let until = |leases: &[Lease]| seen(leases, 10).activities.first().map(|a| a.until);
        assert_eq!(until(&[event(60), event(90)]), Some(Some(at(90))));
        let open = said(0, Says::Doing(Kind::InAMeeting));
        assert_eq!(until(&[event(60), open]), Some(None));
    }

    #[test]
    fn own_words_beat_those_of_an_absence_and_newer_words_older_ones() {
        let note = |text: &str| Some(Note::new(text));
        let absence =
            OutOfOffice { absence: Absence::Holiday, note: note("Sea"), alternates: vec![] };
        let out = said(0, Says::OutOfOffice(absence));
        let own = said(1, Says::Note(Note::new("Hills")));
        let by_hand = said(2, Says::Manual(Manual::new(State::Busy).with_note(Note::new("Desk"))));
        assert_eq!(seen(std::slice::from_ref(&out), 3).note, note("Sea"));
        assert_eq!(seen(&[out.clone(), own.clone()], 3).note, note("Hills"));
        assert_eq!(seen(&[out, own, by_hand], 3).note, note("Desk"));
    }

    #[test]
    fn without_a_service_the_reason_is_kept() {
        let (status, _) = compose(&[hand(0, State::Dnd)], &Settings::default(), at(1));
        assert_eq!(status.availability, Availability::Offline);
        assert_eq!(status.reason, Some(Availability::Dnd));
        assert_eq!(status.until, Some(at(3600)), "the end of the reason");
        assert!(status.brief().dnd);
    }

    #[test]
    fn why_somebody_is_red_is_told_from_the_weightiest_down() {
        let leases = [said(0, Says::Reachable), said(3, Says::Call), hand(1, State::Available)];
        let settings = Settings::default();
        let reasons = explain(&leases, &settings, at(4));
        let layers: Vec<u8> = reasons.iter().map(|lease| layer(&lease.says)).collect();
        assert_eq!(layers, [1, 3, 7]);
    }
}
