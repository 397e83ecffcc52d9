//! Calls, as far as they may be seen: RFC 4235 §6.3 knows that parties are nobody's business,
//! RFC 5025 has no word for it, `provide-dialog` is ours.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::doc::dialog_info::{Dialog, Participant, Target};
use crate::doc::permissions::Permissions;
use crate::doc::rules::DialogShare;

/// What makes ids of calls that nobody can trace back: drawn once by whoever runs the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Salt(pub u128);

/// What may be seen of a call; `None` if not even that there is one. `entity` is the URI of
/// whose call it is. Filtering again changes nothing.
pub fn dialog(
    call: &Dialog,
    permissions: &Permissions,
    entity: &str,
    salt: Salt,
) -> Option<Dialog> {
    let share = permissions.dialog();
    match share {
        DialogShare::Nothing => None,
        DialogShare::Full => Some(call.clone()),
        DialogShare::State | DialogShare::Parties => {
            let parties = share == DialogShare::Parties;
            let mut shown = Dialog {
                direction: call.direction,
                ..Dialog::new(&opaque(&call.id, salt), call.state)
            };
            if parties {
                shown.event = call.event;
                shown.code = call.code;
                shown.duration = call.duration;
            }
            shown.local = party(call.local.as_ref(), parties);
            shown.remote = party(call.remote.as_ref(), parties);
            if call.is_held() {
                // Phones show held calls; where the phone is stands in no target of ours.
                let mut target = Target::new(entity);
                target.params.push(("+sip.rendering".to_owned(), "no".to_owned()));
                shown.local.get_or_insert_with(Participant::default).target = Some(target);
            }
            Some(shown)
        }
    }
}

/// Who it is, and nothing of how to reach them.
fn party(party: Option<&Participant>, shown: bool) -> Option<Participant> {
    let identity = party?.identity.clone().filter(|_| shown)?;
    Some(Participant { identity: Some(identity), ..Participant::default() })
}

/// PBXs call calls by their Call-ID, or by the number that calls: enough to pick one up.
fn opaque(id: &str, salt: Salt) -> String {
    const MARK: &str = "call-";
    let is_opaque = id.strip_prefix(MARK).is_some_and(|hex| {
        hex.len() == 16 && hex.bytes().all(|o| matches!(o, b'0'..=b'9' | b'a'..=b'f'))
    });
    if is_opaque || id == Dialog::idle().id {
        return id.to_owned();
    }
    let mut hasher = SipHasher13::new_with_key(&salt.0.to_be_bytes());
    hasher.write(id.as_bytes());
    format!("{MARK}{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::dialog_info::{DialogInfo, Identity};
    use crate::doc::rules::Provided;

    const ENTITY: &str = "sip:alice@example.com";
    const SALT: Salt = Salt(7);
    const CALL: &str = "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' \
        xmlns:sa='urn:ietf:params:xml:ns:sa-dialog-info' version='0' state='full' \
        entity='sip:alice@example.com'><dialog id='cid-secret' call-id='callid-secret' \
        local-tag='lt-secret' remote-tag='rt-secret' direction='recipient'>\
        <state event='replaced' code='200'>confirmed</state><duration>77</duration>\
        <replaces call-id='rp-secret' local-tag='a' remote-tag='b'/>\
        <referred-by>sip:rb-secret@h</referred-by><route-set><hop>&lt;sip:hop-secret&gt;</hop>\
        </route-set><local><identity display-name='Alice'>sip:alice@example.com</identity>\
        <target uri='sip:lt-secret@192.0.2.1'><param pname='+sip.rendering' pval='no'/></target>\
        <cseq>41</cseq></local><remote><identity display-name='Carol Party'>sip:carol@party.test\
        </identity><target uri='sip:rt-secret@192.0.2.2'/><session-description \
        type='application/sdp'>sdp-secret</session-description></remote>\
        <sa:appearance>5-secret</sa:appearance></dialog></dialog-info>";

    fn shown(share: DialogShare) -> Option<(Dialog, String)> {
        let info = DialogInfo::read(CALL.as_bytes(), None).expect("a call");
        let mut permissions = Permissions::nothing();
        permissions.add(&Provided::Dialog(share));
        let call = info.dialogs.first().expect("one");
        let shown = dialog(call, &permissions, ENTITY, SALT)?;
        assert_eq!(dialog(&shown, &permissions, ENTITY, SALT).as_ref(), Some(&shown), "twice");
        let written = DialogInfo::body([shown.clone()].iter()).to_bytes(0, ENTITY);
        Some((shown, String::from_utf8(written.to_vec()).expect("text")))
    }

    #[test]
    fn without_a_share_there_is_no_call() {
        assert_eq!(shown(DialogShare::Nothing), None);
    }

    #[test]
    fn colleagues_see_the_state_and_that_a_call_is_held() {
        let (call, text) = shown(DialogShare::State).expect("a call");
        assert!(call.is_held());
        assert_eq!(call.remote, None);
        for hidden in ["secret", "carol", "Carol", "Alice", "192.0.2", "77", "replaced"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert!(text.contains("confirmed") && text.contains("recipient"), "{text}");
    }

    #[test]
    fn parties_are_names_and_not_ways_to_reach_them() {
        let (call, text) = shown(DialogShare::Parties).expect("a call");
        let remote = call.remote.and_then(|remote| remote.identity).expect("a party");
        let carol =
            Identity { display: Some("Carol Party".into()), uri: "sip:carol@party.test".into() };
        assert_eq!(remote, carol);
        for hidden in ["secret", "192.0.2"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }

    #[test]
    fn attendants_see_what_picks_a_call_up() {
        let (call, _) = shown(DialogShare::Full).expect("a call");
        assert_eq!(call.call_id.as_deref(), Some("callid-secret"));
        assert_eq!((&*call.id, call.local_tag.as_deref()), ("cid-secret", Some("lt-secret")));
    }

    #[test]
    fn a_call_keeps_its_opaque_id_and_two_calls_have_two() {
        assert_eq!(opaque("a", SALT), opaque("a", SALT));
        assert_ne!(opaque("a", SALT), opaque("b", SALT));
        assert_ne!(opaque("a", SALT), opaque("a", Salt(8)));
        assert_eq!(opaque("idle", SALT), "idle");
    }
}
