//! Calls as one device can bear them: from the calls a document would show to those it shows
//! this device.

use std::borrow::Cow;

use super::profile::CallProfile;
use crate::doc::dialog_info::{Dialog, Direction, State};

/// The calls to write for a device. `calls` are those that are live, then those whose end is
/// owed; without `dummy` there may be none left.
pub fn shaped<'a>(
    profile: CallProfile,
    calls: impl IntoIterator<Item = &'a Dialog>,
) -> Vec<Cow<'a, Dialog>> {
    let mut shown: Vec<Cow<'a, Dialog>> =
        calls.into_iter().map(|call| shaped_call(profile, call)).collect();
    if profile.single {
        keep_weightiest(&mut shown);
    }
    if shown.is_empty() && profile.dummy {
        shown.push(Cow::Owned(Dialog::idle()));
    }
    shown
}

fn shaped_call(profile: CallProfile, call: &Dialog) -> Cow<'_, Dialog> {
    let mut shown = Cow::Borrowed(call);
    let dials = call.direction == Some(Direction::Initiator);
    if profile.caller_confirmed && dials && call.state == State::Early {
        shown.to_mut().state = State::Confirmed;
    }
    if profile.no_parties {
        // RFC 4235 §6.3: what is left tells that there is a call, and nothing to join or steal it.
        let bare = Dialog::new(&shown.id, shown.state);
        let (direction, event, code) = (shown.direction, shown.event, shown.code);
        shown = Cow::Owned(Dialog { direction, event, code, ..bare });
    }
    shown
}

/// Leaves the one call a lamp should show; of two alike the first.
fn keep_weightiest(shown: &mut Vec<Cow<'_, Dialog>>) {
    let heaviest = shown.iter().map(|call| weight(call.state)).max();
    let place = shown.iter().position(|call| Some(weight(call.state)) == heaviest);
    if let Some(place) = place {
        shown.swap(0, place);
        shown.truncate(1);
    }
}

/// What rings wants an answer, what is answered is busy, everything else can wait.
fn weight(state: State) -> u8 {
    match state {
        State::Early => 4,
        State::Confirmed => 3,
        State::Proceeding => 2,
        State::Trying => 1,
        State::Terminated => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::dialog_info::{Identity, Participant, Target};

    fn call(id: &str, state: State, direction: Direction) -> Dialog {
        let who = |uri: &str| {
            Some(Participant {
                identity: Some(Identity::new(uri)),
                target: Some(Target::new(uri)),
                ..Participant::default()
            })
        };
        Dialog {
            direction: Some(direction),
            call_id: Some(format!("{id}@pbx")),
            local_tag: Some("l".to_owned()),
            remote_tag: Some("r".to_owned()),
            local: who("sip:101@example.com"),
            remote: who("sip:555@example.com"),
            ..Dialog::new(id, state)
        }
    }

    fn calls() -> [Dialog; 4] {
        [
            call("a", State::Trying, Direction::Initiator),
            call("b", State::Confirmed, Direction::Recipient),
            call("c", State::Early, Direction::Recipient),
            call("d", State::Early, Direction::Initiator),
        ]
    }

    fn states(profile: CallProfile, calls: &[Dialog]) -> Vec<(String, State)> {
        let shown = shaped(profile, calls);
        shown.iter().map(|call| (call.id.clone(), call.state)).collect()
    }

    const NONE: CallProfile =
        CallProfile { single: false, dummy: false, caller_confirmed: false, no_parties: false };

    #[test]
    fn the_rfc_shows_every_call_as_it_is_and_nothing_for_none() {
        let all = calls();
        let shown = shaped(NONE, &all);
        assert_eq!(shown.len(), 4);
        assert!(shown.iter().all(|call| matches!(call, Cow::Borrowed(_))), "nothing is copied");
        assert_eq!(shaped(NONE, &[]), Vec::<Cow<'_, Dialog>>::new());
    }

    #[test]
    fn a_ringing_call_beats_a_confirmed_one_where_only_one_is_shown() {
        let single = CallProfile { single: true, ..NONE };
        assert_eq!(states(single, &calls()), [("c".to_owned(), State::Early)]);
        let [trying, confirmed, ..] = calls();
        let both = [trying, confirmed, call("z", State::Terminated, Direction::Recipient)];
        assert_eq!(states(single, &both), [("b".to_owned(), State::Confirmed)]);
        assert_eq!(states(single, &[]), []);
    }

    #[test]
    fn a_line_without_calls_is_one_ended_call_for_those_who_need_it() {
        let dummy = CallProfile { dummy: true, ..NONE };
        assert_eq!(states(dummy, &[]), [("idle".to_owned(), State::Terminated)]);
        assert_eq!(states(dummy, &calls()).len(), 4);
    }

    #[test]
    fn who_dials_does_not_blink() {
        let profile = CallProfile { caller_confirmed: true, ..NONE };
        let shown = states(profile, &calls());
        assert_eq!(shown[2].1, State::Early, "the phone rings");
        assert_eq!(shown[3].1, State::Confirmed, "the phone hears another ring");
    }

    #[test]
    fn parties_and_what_a_pick_up_needs_are_left_out_together() {
        let profile = CallProfile { no_parties: true, ..NONE };
        for call in shaped(profile, &calls()) {
            let bare = Dialog { direction: call.direction, ..Dialog::new(&call.id, call.state) };
            assert_eq!(*call, bare);
        }
    }
}
