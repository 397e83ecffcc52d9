//! What a lamp shows of a line.

use crate::doc::DialogInfo;
use crate::doc::dialog_info::{Dialog, Direction, State};

/// The state of a lamp; of several calls the greatest shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lamp {
    /// No call.
    Idle,
    /// A call on hold.
    Held,
    /// The line calls somebody who has not answered.
    Calling,
    /// A call under way.
    Busy,
    /// Somebody calls.
    Ringing,
}

/// One call as a watcher sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Its Call-ID; empty if the document names none.
    pub call_id: String,
    /// How far it is.
    pub lamp: Lamp,
    /// With whom, as far as is told.
    pub with: Option<String>,
}

impl Lamp {
    /// The lamp of one call.
    pub fn of(call: &Dialog) -> Lamp {
        match (call.state, call.direction) {
            (State::Terminated, _) => Lamp::Idle,
            (State::Confirmed, _) if call.is_held() => Lamp::Held,
            (State::Confirmed, _) => Lamp::Busy,
            (_, Some(Direction::Initiator)) => Lamp::Calling,
            _ => Lamp::Ringing,
        }
    }

    /// As it is said.
    pub fn as_text(self) -> &'static str {
        match self {
            Lamp::Idle => "idle",
            Lamp::Held => "held",
            Lamp::Calling => "calling",
            Lamp::Busy => "busy",
            Lamp::Ringing => "ringing",
        }
    }
}

/// The calls a document shows that are not over.
pub fn seen(info: &DialogInfo) -> Vec<Seen> {
    let live = info.dialogs.iter().filter(|call| call.state != State::Terminated);
    live.map(|call| Seen {
        call_id: call.call_id.clone().unwrap_or_default(),
        lamp: Lamp::of(call),
        with: partner(call),
    })
    .collect()
}

/// The display name of the other party, else the user part of its address.
fn partner(call: &Dialog) -> Option<String> {
    let identity = call.remote.as_ref()?.identity.as_ref()?;
    if let Some(display) = identity.display.as_ref().filter(|display| !display.is_empty()) {
        return Some(display.clone());
    }
    let address = identity.uri.split_once(':').map_or(identity.uri.as_str(), |(_, rest)| rest);
    Some(address.split('@').next().unwrap_or(address).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dialogs: &str) -> Vec<Seen> {
        let text = format!(
            "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' \
             entity='sip:101@h'>{dialogs}</dialog-info>"
        );
        seen(&DialogInfo::read(text.as_bytes(), None).expect("a document"))
    }

    #[test]
    fn each_call_has_its_lamp() {
        let rendering = "<local><target uri='sip:101@h'><param pname='+sip.rendering' pval='no'/>\
                         </target></local>";
        for (direction, state, inside, lamp) in [
            ("recipient", "early", "", Lamp::Ringing),
            ("initiator", "trying", "", Lamp::Calling),
            ("initiator", "confirmed", "", Lamp::Busy),
            ("recipient", "confirmed", rendering, Lamp::Held),
        ] {
            let calls = read(&format!(
                "<dialog id='1' call-id='c' direction='{direction}'><state>{state}</state>{inside}\
                 </dialog>"
            ));
            assert_eq!(calls.first().map(|call| call.lamp), Some(lamp), "{direction} {state}");
        }
    }

    #[test]
    fn a_line_without_live_calls_shows_none() {
        assert_eq!(read("<dialog id='idle'><state>terminated</state></dialog>"), []);
    }

    #[test]
    fn a_partner_is_named_or_numbered() {
        let with = |identity: &str| {
            let calls = read(&format!(
                "<dialog id='1'><state>early</state><remote>{identity}</remote></dialog>"
            ));
            calls.first().and_then(|call| call.with.clone())
        };
        let named = with("<identity display='Ben Okafor'>sip:102@h</identity>");
        assert_eq!(named.as_deref(), Some("Ben Okafor"));
        assert_eq!(with("<identity>sip:102@h:5060</identity>").as_deref(), Some("102"));
        assert_eq!(with("<target uri='sip:102@h'/>"), None);
    }

    #[test]
    fn of_several_calls_the_one_to_be_picked_up_shows() {
        assert!(Lamp::Ringing > Lamp::Busy && Lamp::Busy > Lamp::Held && Lamp::Held > Lamp::Idle);
    }
}
