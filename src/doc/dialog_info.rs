//! Dialog information documents (RFC 4235): the calls of one line.

use super::element::{Element, Node, is_space};
use super::lexical::is_count;
use super::namespace::Namespace;
use super::xml::{self, DocumentError};

/// A dialog-info document as received.
#[derive(Clone, PartialEq, Debug)]
pub struct DialogInfo {
    /// Whose dialogs they are, as written; some PBXs leave it out.
    pub entity: Option<String>,
    /// Counted by whoever sent it.
    pub version: Option<u32>,
    /// Whether dialogs left out are gone.
    pub state: Extent,
    /// Each id once.
    pub dialogs: Vec<Dialog>,
    /// Elements of other namespaces beside the dialogs.
    pub extensions: Vec<Element>,
}

/// How much a document says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All there is.
    Full,
    /// What changed.
    Partial,
}

/// One call.
#[derive(Clone, PartialEq, Debug)]
pub struct Dialog {
    /// Unique in the document.
    pub id: String,
    /// Call-ID.
    pub call_id: Option<String>,
    /// Tag of the observed user.
    pub local_tag: Option<String>,
    /// Tag of the other party.
    pub remote_tag: Option<String>,
    /// Who called, seen from the observed user.
    pub direction: Option<Direction>,
    /// How far the call has come.
    pub state: State,
    /// Why it ended or changed.
    pub event: Option<TerminatedBy>,
    /// Status of the response that changed the state, 100 to 699.
    pub code: Option<u16>,
    /// Seconds since the dialog began.
    pub duration: Option<u64>,
    /// The element `replaces`.
    pub replaces: Option<Box<Element>>,
    /// The element `referred-by`.
    pub referred_by: Option<Box<Element>>,
    /// The element `route-set`.
    pub route_set: Option<Box<Element>>,
    /// The observed user.
    pub local: Option<Participant>,
    /// The other party.
    pub remote: Option<Participant>,
    /// Elements of other namespaces.
    pub extensions: Vec<Element>,
}

/// Who called, seen from the observed user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The observed user.
    Initiator,
    /// The other party.
    Recipient,
}

/// How far a call has come (RFC 4235 §3.7.1), in the order it comes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum State {
    /// INVITE sent or received.
    Trying,
    /// Provisional response without a tag.
    Proceeding,
    /// Provisional response with a tag: it rings.
    Early,
    /// Answered.
    Confirmed,
    /// Over.
    Terminated,
}

/// The event of a state (RFC 4235 §4.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminatedBy {
    /// CANCEL.
    Cancelled,
    /// A response 4xx, 5xx or 6xx.
    Rejected,
    /// An INVITE with Replaces.
    Replaced,
    /// BYE of the observed user.
    LocalBye,
    /// BYE of the other party.
    RemoteBye,
    /// Something that ends a call without being asked to.
    Error,
    /// No answer.
    Timeout,
}

/// One end of a call.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Participant {
    /// Who it is.
    pub identity: Option<Identity>,
    /// Where requests go.
    pub target: Option<Target>,
    /// The element `session-description`.
    pub session_description: Option<Box<Element>>,
    /// Last sequence number.
    pub cseq: Option<u64>,
    /// Elements of other namespaces.
    pub extensions: Vec<Element>,
}

/// A name-addr.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Display name.
    pub display: Option<String>,
    /// As written.
    pub uri: String,
}

/// A remote target with the parameters of its Contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// As written.
    pub uri: String,
    /// Name and value, such as `+sip.rendering` and `no` for a held call.
    pub params: Vec<(String, String)>,
}

impl DialogInfo {
    /// From a document of media type `application/dialog-info+xml`.
    pub fn read(octets: &[u8], charset: Option<&str>) -> Result<DialogInfo, DocumentError> {
        DialogInfo::from_element(xml::read(octets, charset)?)
    }

    /// From a root element.
    pub fn from_element(root: Element) -> Result<DialogInfo, DocumentError> {
        if !root.is(&Namespace::DialogInfo, "dialog-info") {
            return Err(DocumentError::invalid("a root element that is not dialog-info"));
        }
        let state = match root.attribute("state").map(|text| text.trim_matches(is_space)) {
            Some("partial") => Extent::Partial,
            // Left out or unheard of: the document stands for itself.
            _ => Extent::Full,
        };
        let version = root.attribute("version").map(str::trim).filter(|text| is_count(text));
        let version = version.map(|text| text.parse().unwrap_or(u32::MAX));
        let entity = root.attribute("entity").map(|text| text.trim_matches(is_space).to_owned());
        let entity = entity.filter(|entity| !entity.is_empty());
        let (dialogs, extensions) = (Vec::new(), Vec::new());
        let mut info = DialogInfo { entity, version, state, dialogs, extensions };
        for element in root.children.into_iter().filter_map(element_of) {
            match (&element.name.namespace, &*element.name.local) {
                (Namespace::DialogInfo, "dialog") => {
                    let number = info.dialogs.len().saturating_add(1);
                    info.dialogs.push(Dialog::from_element(element, number)?);
                }
                (Namespace::DialogInfo | Namespace::None, _) => {}
                _ => info.extensions.push(element),
            }
        }
        info.part_forks();
        info.ids_are_unique()?;
        Ok(info)
    }

    /// RFC 4235 §4.1.1 wants the forks of a call under ids of their own, its example of §6.1
    /// gives them one: a fork that shares the id of another gets its remote tag added.
    fn part_forks(&mut self) {
        let mut ids: Vec<String> = Vec::new();
        for dialog in &mut self.dialogs {
            if let (Some(tag), true) = (&dialog.remote_tag, ids.contains(&dialog.id)) {
                dialog.id = format!("{}-{tag}", dialog.id);
            }
            ids.push(dialog.id.clone());
        }
    }

    fn ids_are_unique(&self) -> Result<(), DocumentError> {
        let mut ids: Vec<&str> = self.dialogs.iter().map(|dialog| dialog.id.as_str()).collect();
        ids.sort_unstable();
        match ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            true => Err(DocumentError::invalid("two dialogs with one id")),
            false => Ok(()),
        }
    }
}

impl Dialog {
    /// A dialog of that id and state, and nothing else known.
    pub fn new(id: &str, state: State) -> Dialog {
        Dialog {
            id: id.to_owned(),
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state,
            event: None,
            code: None,
            duration: None,
            replaces: None,
            referred_by: None,
            route_set: None,
            local: None,
            remote: None,
            extensions: Vec::new(),
        }
    }

    /// What a line without calls sends: phones keep the last lamp if there is no dialog at all,
    /// and some want its id.
    pub fn idle() -> Dialog {
        Dialog::new("idle", State::Terminated)
    }

    /// Whether the observed user has put the call on hold (RFC 4235 §4.1.6.2, `+sip.rendering`).
    pub fn is_held(&self) -> bool {
        let target = self.local.as_ref().and_then(|local| local.target.as_ref());
        target.and_then(|target| target.param("+sip.rendering")) == Some("no")
    }

    /// `number` counts the dialogs of the document from 1, to tell which one is at fault.
    fn from_element(element: Element, number: usize) -> Result<Dialog, DocumentError> {
        let fault = |what: &str| DocumentError::invalid(format!("dialog number {number} {what}"));
        let Some(id) = element.attribute("id").filter(|id| !id.is_empty()) else {
            return Err(fault("has no id"));
        };
        let Some(state) = element.child(&Namespace::DialogInfo, "state") else {
            return Err(fault("has no state"));
        };
        let Some(how_far) = State::from_text(&state.token()) else {
            return Err(fault("is in a state unheard of"));
        };
        let text = |name: &str| element.attribute(name).map(str::to_owned);
        let mut dialog = Dialog {
            call_id: text("call-id"),
            local_tag: text("local-tag"),
            remote_tag: text("remote-tag"),
            direction: element.attribute("direction").and_then(Direction::from_text),
            event: state.attribute("event").and_then(TerminatedBy::from_text),
            code: state.attribute("code").and_then(code),
            ..Dialog::new(id, how_far)
        };
        for child in element.children.into_iter().filter_map(element_of) {
            dialog.take(child);
        }
        Ok(dialog)
    }

    fn take(&mut self, child: Element) {
        match (&child.name.namespace, &*child.name.local) {
            (Namespace::DialogInfo, "duration") => self.duration = count(&child),
            (Namespace::DialogInfo, "replaces") => self.replaces = Some(Box::new(child)),
            (Namespace::DialogInfo, "referred-by") => self.referred_by = Some(Box::new(child)),
            (Namespace::DialogInfo, "route-set") => self.route_set = Some(Box::new(child)),
            (Namespace::DialogInfo, "local") => self.local = Some(Participant::from(child)),
            (Namespace::DialogInfo, "remote") => self.remote = Some(Participant::from(child)),
            (Namespace::DialogInfo | Namespace::None, _) => {}
            _ => self.extensions.push(child),
        }
    }
}

impl From<Element> for Participant {
    fn from(element: Element) -> Participant {
        let mut participant = Participant::default();
        for child in element.children.into_iter().filter_map(element_of) {
            match (&child.name.namespace, &*child.name.local) {
                (Namespace::DialogInfo, "identity") => {
                    participant.identity = Identity::from_element(&child);
                }
                (Namespace::DialogInfo, "target") => {
                    participant.target = Target::from_element(&child);
                }
                (Namespace::DialogInfo, "session-description") => {
                    participant.session_description = Some(Box::new(child));
                }
                (Namespace::DialogInfo, "cseq") => participant.cseq = count(&child),
                (Namespace::DialogInfo | Namespace::None, _) => {}
                _ => participant.extensions.push(child),
            }
        }
        participant
    }
}

impl Identity {
    /// A URI without a display name.
    pub fn new(uri: &str) -> Identity {
        Identity { display: None, uri: uri.to_owned() }
    }

    fn from_element(element: &Element) -> Option<Identity> {
        // FreeSWITCH writes `display`, RFC 7463 puts the URI into an attribute.
        let display = element.attribute("display-name").or_else(|| element.attribute("display"));
        let uri = Some(element.token()).filter(|uri| !uri.is_empty());
        let uri = uri.or_else(|| element.attribute("uri").map(|uri| uri.trim().to_owned()))?;
        Some(Identity { display: display.map(str::to_owned), uri })
    }
}

impl Target {
    /// A URI without parameters.
    pub fn new(uri: &str) -> Target {
        Target { uri: uri.to_owned(), params: Vec::new() }
    }

    /// Value of the first parameter of that name, in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn from_element(element: &Element) -> Option<Target> {
        let uri = element.attribute("uri")?.to_owned();
        let params = element.elements().filter(|e| e.is(&Namespace::DialogInfo, "param"));
        let params = params.filter_map(|param| {
            let name = param.attribute("pname").filter(|name| !name.is_empty())?;
            // Asterisk, FreeSWITCH and Polycom spell it `pvalue`.
            let value = param.attribute("pval").or_else(|| param.attribute("pvalue"))?;
            Some((name.to_owned(), value.to_owned()))
        });
        Some(Target { uri, params: params.collect() })
    }
}

impl State {
    /// In lower case, as the schema has it.
    pub fn from_text(text: &str) -> Option<State> {
        match text {
            "trying" => Some(State::Trying),
            "proceeding" => Some(State::Proceeding),
            "early" => Some(State::Early),
            "confirmed" => Some(State::Confirmed),
            "terminated" => Some(State::Terminated),
            _ => None,
        }
    }

    /// As it is written.
    pub fn as_text(self) -> &'static str {
        match self {
            State::Trying => "trying",
            State::Proceeding => "proceeding",
            State::Early => "early",
            State::Confirmed => "confirmed",
            State::Terminated => "terminated",
        }
    }
}

impl Direction {
    /// The two words of the schema, and those of RFC 4235's own examples and of some PBXs.
    pub fn from_text(text: &str) -> Option<Direction> {
        match text.trim_matches(is_space) {
            "initiator" => Some(Direction::Initiator),
            "recipient" | "receiver" | "responder" => Some(Direction::Recipient),
            _ => None,
        }
    }

    /// As it is written.
    pub fn as_text(self) -> &'static str {
        match self {
            Direction::Initiator => "initiator",
            Direction::Recipient => "recipient",
        }
    }
}

/// Words of [`TerminatedBy`].
const EVENTS: &[(TerminatedBy, &str)] = &[
    (TerminatedBy::Cancelled, "cancelled"),
    (TerminatedBy::Rejected, "rejected"),
    (TerminatedBy::Replaced, "replaced"),
    (TerminatedBy::LocalBye, "local-bye"),
    (TerminatedBy::RemoteBye, "remote-bye"),
    (TerminatedBy::Error, "error"),
    (TerminatedBy::Timeout, "timeout"),
];

impl TerminatedBy {
    /// In lower case, as the schema has it.
    pub fn from_text(text: &str) -> Option<TerminatedBy> {
        EVENTS.iter().find(|(_, word)| *word == text).map(|(event, _)| *event)
    }

    /// As it is written.
    pub fn as_text(self) -> &'static str {
        EVENTS.iter().find(|(event, _)| *event == self).map_or("error", |(_, word)| *word)
    }
}

fn element_of(node: Node) -> Option<Element> {
    match node {
        Node::Element(element) => Some(element),
        Node::Text(_) => None,
    }
}

fn code(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|code| (100..=699).contains(code))
}

fn count(element: &Element) -> Option<u64> {
    Some(element.token()).filter(|text| is_count(text))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::xml::Kind;

    fn read(attributes: &str, inside: &str) -> Result<DialogInfo, DocumentError> {
        let text = format!(
            "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' \
             xmlns:sa='urn:ietf:params:xml:ns:sa-dialog-info' {attributes}>{inside}</dialog-info>"
        );
        DialogInfo::read(text.as_bytes(), None)
    }

    fn dialog(text: &str) -> Dialog {
        let info = read("version='1' state='full' entity='sip:a@h'", text).expect("read");
        info.dialogs.into_iter().next().expect("one dialog")
    }

    fn sent(dialog: &Dialog) -> String {
        let bytes = DialogInfo::body(std::iter::once(dialog)).to_bytes(0, "sip:a@h");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        text.lines().nth(2).expect("the dialog").trim().to_owned()
    }

    #[test]
    fn an_idle_line_is_this_very_document() {
        let body = DialogInfo::body([Dialog::idle()].iter());
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"3\" \
            state=\"full\" entity=\"sip:101@example.com\">\n  \
            <dialog id=\"idle\"><state>terminated</state></dialog>\n</dialog-info>\n";
        assert_eq!(body.to_bytes(3, "sip:101@example.com"), text);
        assert!(body.has_version());
    }

    #[test]
    fn a_document_without_entity_or_dialogs_is_taken() {
        let info = read("", "").expect("read");
        assert_eq!((info.entity, info.version, info.state), (None, None, Extent::Full));
        assert!(info.dialogs.is_empty());
        let info =
            read("version='99999999999' state='partial' entity='sip:a@h'", "").expect("read");
        assert_eq!((info.version, info.state), (Some(u32::MAX), Extent::Partial));
    }

    #[test]
    fn a_dialog_needs_an_id_of_its_own_and_a_state() {
        for bad in [
            "<dialog><state>early</state></dialog>",
            "<dialog id=''><state>early</state></dialog>",
            "<dialog id='1'/>",
            "<dialog id='1'><state>ringing</state></dialog>",
            "<dialog id='1'><state>early</state></dialog><dialog id='1'><state>early</state></dialog>",
        ] {
            assert_eq!(read("", bad).map_err(|e| e.kind), Err(Kind::Invalid), "{bad}");
        }
    }

    #[test]
    fn forks_under_one_id_are_parted_by_their_tags() {
        let forks = "<dialog id='1' remote-tag='a'><state>early</state></dialog>\
                     <dialog id='1' remote-tag='b'><state>early</state></dialog>";
        let info = read("", forks).expect("read");
        let ids: Vec<&str> = info.dialogs.iter().map(|dialog| dialog.id.as_str()).collect();
        assert_eq!(ids, ["1", "1-b"]);
        let twice = forks.replace("'a'", "'b'") + "<dialog id='1-b'><state>early</state></dialog>";
        assert_eq!(read("", &twice).map_err(|e| e.kind), Err(Kind::Invalid));
    }

    #[test]
    fn the_other_words_for_recipient_are_understood() {
        let of = |word: &str| {
            dialog(&format!("<dialog id='1' direction='{word}'><state>early</state></dialog>"))
                .direction
        };
        assert_eq!(of("receiver"), Some(Direction::Recipient));
        assert_eq!(of("responder"), Some(Direction::Recipient));
        assert_eq!(of("initiator"), Some(Direction::Initiator));
        assert_eq!(of("sideways"), None);
    }

    #[test]
    fn a_call_in_full_is_written_as_it_was_read() {
        let text = "<dialog id=\"i\" call-id=\"c&quot;&lt;&amp;'@h\" local-tag=\"l\" \
            remote-tag=\"r\" direction=\"recipient\"><state event=\"replaced\" code=\"200\">\
            confirmed</state><duration>12</duration><replaces call-id=\"o\" local-tag=\"x\" \
            remote-tag=\"y\"/><referred-by display-name=\"B\">sip:b@h</referred-by><route-set>\
            <hop>&lt;sip:p;lr&gt;</hop></route-set><local><identity display-name=\"A &amp; B\">\
            sip:a@h</identity><target uri=\"sip:a@192.0.2.1\"><param pname=\"+sip.rendering\" \
            pval=\"no\"/></target><session-description type=\"application/sdp\">v=0</session-description>\
            <cseq>7</cseq></local><remote><identity>sip:b@h</identity></remote></dialog>";
        assert_eq!(sent(&dialog(text)), text);
    }

    #[test]
    fn pvalue_is_read_and_pval_written() {
        let text = "<dialog id='1'><state>confirmed</state><local><target uri='sip:a@h'>\
                    <param pname='+sip.rendering' pvalue='no'/></target></local></dialog>";
        assert!(dialog(text).is_held());
        let held = sent(&dialog(text));
        assert!(held.contains("<param pname=\"+sip.rendering\" pval=\"no\"/>"), "{held}");
    }

    #[test]
    fn a_call_is_held_by_the_local_target_only() {
        let mut call = Dialog::new("1", State::Confirmed);
        let mut target = Target::new("sip:a@h");
        target.params.push(("+SIP.rendering".into(), "no".into()));
        let held = Participant { target: Some(target), ..Participant::default() };
        call.remote = Some(held.clone());
        assert!(!call.is_held());
        call.local = Some(held);
        assert!(call.is_held());
    }

    #[test]
    fn shared_line_elements_before_the_state_are_put_behind() {
        let text = "<dialog id='1'>...<sa:appearance>1</sa:appearance><state>trying</state>\
                    <remote><identity uri='sip:c@h'/></remote></dialog>";
        let written = "<dialog id=\"1\"><state>trying</state><remote><identity>sip:c@h</identity>\
                       </remote><sa:appearance>1</sa:appearance></dialog>";
        assert_eq!(sent(&dialog(text)), written);
    }

    #[test]
    fn an_event_or_code_unheard_of_is_not_sent_on() {
        let text = "<dialog id='1'><state event='bored' code='42'>terminated</state></dialog>";
        assert_eq!(sent(&dialog(text)), "<dialog id=\"1\"><state>terminated</state></dialog>");
    }

    #[test]
    fn a_call_comes_along_in_this_order() {
        assert!(State::Trying < State::Proceeding && State::Proceeding < State::Early);
        assert!(State::Early < State::Confirmed && State::Confirmed < State::Terminated);
    }

    #[test]
    fn the_words_of_states_and_events_read_back() {
        for word in ["trying", "proceeding", "early", "confirmed", "terminated"] {
            assert_eq!(State::from_text(word).map(State::as_text), Some(word));
        }
        for (event, word) in EVENTS {
            assert_eq!(TerminatedBy::from_text(word), Some(*event));
            assert_eq!(event.as_text(), *word);
        }
    }
}
