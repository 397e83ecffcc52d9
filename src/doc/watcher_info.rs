//! Watcher information documents (RFC 3858): who watches, and how each came to it.

use super::body::Body;
pub use super::dialog_info::Extent;
use super::element::{Element, is_space};
use super::lexical::{is_count, is_language, uri};
use super::namespace::Namespace;
use super::write::{DECLARATION, XmlWriter, escape_attribute};
use super::xml::{self, DocumentError};
use crate::base::media::MediaType;

/// The namespace of these documents.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:watcherinfo";

/// A document as received.
#[derive(Clone, PartialEq, Debug)]
pub struct WatcherInfo {
    /// Counted by whoever sent it, for each of its subscribers from 0.
    pub version: Option<u32>,
    /// Whether watchers left out are gone.
    pub state: Extent,
    /// One for each resource and package.
    pub lists: Vec<WatcherList>,
}

/// The watchers of one resource in one package.
#[derive(Clone, PartialEq, Debug)]
pub struct WatcherList {
    /// Who is watched, as written.
    pub resource: String,
    /// The package watched, without `.winfo`.
    pub package: String,
    /// In the order they came.
    pub watchers: Vec<Watcher>,
}

/// One subscription of a watcher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watcher {
    /// Names the subscription as long as it lives.
    pub id: String,
    /// Who watches.
    pub uri: String,
    /// What the watcher calls itself.
    pub display: Option<String>,
    /// The language of that name.
    pub language: Option<String>,
    /// How it stands.
    pub status: Status,
    /// How it came to it.
    pub event: Event,
    /// Seconds until it ends.
    pub expiration: Option<u64>,
    /// Seconds since it began.
    pub duration: Option<u64>,
}

/// How a subscription stands (RFC 3857 §4.7.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Nobody has decided yet.
    Pending,
    /// It is allowed.
    Active,
    /// It is over, and still nobody has decided.
    Waiting,
    /// It is over.
    Terminated,
}

/// What brought a subscription to its status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Event {
    /// The watcher asked.
    Subscribe,
    /// It was allowed.
    Approved,
    /// The server ended it; the watcher may come again at once.
    Deactivated,
    /// The server ended it; the watcher may come again later.
    Probation,
    /// It was forbidden.
    Rejected,
    /// It ran out.
    Timeout,
    /// Nobody decided in time.
    Giveup,
    /// What was watched is no more.
    Noresource,
}

const STATUSES: &[(Status, &str)] = &[
    (Status::Pending, "pending"),
    (Status::Active, "active"),
    (Status::Waiting, "waiting"),
    (Status::Terminated, "terminated"),
];

const EVENTS: &[(Event, &str)] = &[
    (Event::Subscribe, "subscribe"),
    (Event::Approved, "approved"),
    (Event::Deactivated, "deactivated"),
    (Event::Probation, "probation"),
    (Event::Rejected, "rejected"),
    (Event::Timeout, "timeout"),
    (Event::Giveup, "giveup"),
    (Event::Noresource, "noresource"),
];

impl Status {
    /// As it is written.
    pub fn as_text(self) -> &'static str {
        STATUSES.iter().find(|(status, _)| *status == self).map_or("", |(_, word)| *word)
    }
}

impl Event {
    /// As it is written.
    pub fn as_text(self) -> &'static str {
        EVENTS.iter().find(|(event, _)| *event == self).map_or("", |(_, word)| *word)
    }
}

impl WatcherInfo {
    /// From a document of media type `application/watcherinfo+xml`.
    pub fn read(octets: &[u8], charset: Option<&str>) -> Result<WatcherInfo, DocumentError> {
        let root = xml::read(octets, charset)?;
        if !is(&root, "watcherinfo") {
            return Err(DocumentError::invalid("a root element that is not watcherinfo"));
        }
        let state = match root.attribute("state").map(|text| text.trim_matches(is_space)) {
            Some("partial") => Extent::Partial,
            // Left out or unheard of: the document stands for itself.
            _ => Extent::Full,
        };
        let version = root.attribute("version").map(str::trim).filter(|text| is_count(text));
        let version = version.map(|text| text.parse().unwrap_or(u32::MAX));
        let lists = root.elements().filter(|element| is(element, "watcher-list"));
        let lists: Result<Vec<WatcherList>, _> = lists.map(WatcherList::of).collect();
        Ok(WatcherInfo { version, state, lists: lists? })
    }

    /// The whole document.
    pub fn write(&self) -> String {
        let mut out = XmlWriter::new(namespace());
        for list in &self.lists {
            out.space("  ");
            out.open("watcher-list");
            out.attribute("resource", &uri(&list.resource));
            out.attribute("package", &list.package);
            out.inside();
            out.space("\n");
            list.watchers.iter().for_each(|watcher| watcher.write(&mut out));
            out.space("  ");
            out.close("watcher-list");
            out.space("\n");
        }
        let (declarations, inside) = out.finish();
        let (version, state) = (self.version.unwrap_or(0), extent(self.state));
        format!(
            "{DECLARATION}<watcherinfo{declarations} version=\"{version}\" state=\"{state}\">\n\
             {inside}</watcherinfo>\n"
        )
    }

    /// A document of one list, with slots for the version and for the resource.
    pub fn body<'a>(
        state: Extent,
        package: &str,
        watchers: impl IntoIterator<Item = &'a Watcher>,
    ) -> Body {
        let mut out = XmlWriter::new(namespace());
        watchers.into_iter().for_each(|watcher| watcher.write(&mut out));
        let (declarations, inside) = out.finish();
        let (state, package) = (extent(state), escape_attribute(package));
        let lead = format!("{DECLARATION}<watcherinfo{declarations} version=\"");
        let mid = format!("\" state=\"{state}\">\n  <watcher-list resource=\"");
        let rest =
            format!("\" package=\"{package}\">\n{inside}  </watcher-list>\n</watcherinfo>\n");
        Body::with_slots(MediaType::WatcherInfo, lead.into(), true, mid.into(), true, rest.into())
    }
}

impl WatcherList {
    fn of(element: &Element) -> Result<WatcherList, DocumentError> {
        let text = |name: &str| {
            let text = element.attribute(name).map(|text| text.trim_matches(is_space));
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (Some(resource), Some(package)) = (text("resource"), text("package")) else {
            return Err(DocumentError::invalid("a watcher-list without resource or package"));
        };
        let watchers = element.elements().filter(|element| is(element, "watcher"));
        let watchers: Result<Vec<Watcher>, _> = watchers.map(Watcher::of).collect();
        Ok(WatcherList { resource, package, watchers: watchers? })
    }
}

impl Watcher {
    fn of(element: &Element) -> Result<Watcher, DocumentError> {
        let text = |name: &str| element.attribute(name).map(|text| text.trim_matches(is_space));
        let status = text("status").and_then(|word| {
            STATUSES.iter().find(|(_, known)| *known == word).map(|(status, _)| *status)
        });
        let event = text("event").and_then(|word| {
            EVENTS.iter().find(|(_, known)| *known == word).map(|(event, _)| *event)
        });
        let id = text("id").filter(|id| !id.is_empty());
        let (Some(id), Some(status), Some(event)) = (id, status, event) else {
            let what = "a watcher without an id, or with a status or event unheard of";
            return Err(DocumentError::invalid(what));
        };
        let count = |name: &str| text(name).filter(|text| is_count(text))?.parse().ok();
        Ok(Watcher {
            id: id.to_owned(),
            uri: element.token(),
            display: element.attribute("display-name").map(str::to_owned),
            language: element.attribute_in(&Namespace::Xml, "lang").map(str::to_owned),
            status,
            event,
            expiration: count("expiration"),
            duration: count("duration-subscribed"),
        })
    }

    fn write(&self, out: &mut XmlWriter) {
        use super::element::{Attribute, Name};
        out.space("    ");
        out.open("watcher");
        out.attribute("id", &self.id);
        out.attribute("status", self.status.as_text());
        out.attribute("event", self.event.as_text());
        if let Some(display) = &self.display {
            out.attribute("display-name", display);
        }
        if let Some(language) = self.language.as_deref().filter(|tag| is_language(tag)) {
            let name = Name::new(Namespace::Xml, "lang");
            out.attribute_of(&Attribute { name, value: language.into() });
        }
        let counts = [("expiration", self.expiration), ("duration-subscribed", self.duration)];
        for (name, count) in counts {
            if let Some(count) = count {
                out.attribute(name, &count.to_string());
            }
        }
        out.inside();
        out.text(&uri(&self.uri));
        out.close("watcher");
        out.space("\n");
    }
}

fn extent(state: Extent) -> &'static str {
    match state {
        Extent::Full => "full",
        Extent::Partial => "partial",
    }
}

fn is(element: &Element, local: &str) -> bool {
    *element.name.local == *local && element.name.namespace.uri() == NAMESPACE
}

fn namespace() -> Namespace {
    Namespace::from_uri(NAMESPACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher() -> Watcher {
        Watcher {
            id: "77ajsyy76".into(),
            uri: "sip:A@example.com".into(),
            display: Some("A <&\" B".into()),
            language: Some("en".into()),
            status: Status::Pending,
            event: Event::Subscribe,
            expiration: Some(20),
            duration: Some(509),
        }
    }

    #[test]
    fn a_list_is_this_very_document_for_each_of_its_readers() {
        let plain = Watcher {
            display: None,
            language: None,
            expiration: None,
            duration: None,
            status: Status::Active,
            event: Event::Approved,
            ..watcher()
        };
        let body = WatcherInfo::body(Extent::Partial, "presence", [&plain]);
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"1\" \
            state=\"partial\">\n  <watcher-list resource=\"sip:joe@example.com\" \
            package=\"presence\">\n    <watcher id=\"77ajsyy76\" status=\"active\" \
            event=\"approved\">sip:A@example.com</watcher>\n  </watcher-list>\n</watcherinfo>\n";
        assert_eq!(body.to_bytes(1, "sip:joe@example.com"), text);
        let read = WatcherInfo::read(text.as_bytes(), None).expect("what we write");
        assert_eq!((read.version, read.state), (Some(1), Extent::Partial));
        assert_eq!(read.lists[0].watchers, [plain]);
        assert_eq!(read.write(), text);
    }

    #[test]
    fn everything_of_a_watcher_is_read_back() {
        let list = WatcherList {
            resource: "sip:joe@example.com".into(),
            package: "presence".into(),
            watchers: vec![watcher()],
        };
        let info = WatcherInfo { version: Some(7), state: Extent::Full, lists: vec![list] };
        let text = info.write();
        assert!(text.contains("display-name=\"A &lt;&amp;&quot; B\""), "{text}");
        assert_eq!(WatcherInfo::read(text.as_bytes(), None), Ok(info));
    }

    #[test]
    fn every_status_and_event_has_its_word() {
        for (status, word) in STATUSES {
            assert_eq!(status.as_text(), *word);
        }
        for (event, word) in EVENTS {
            assert_eq!(event.as_text(), *word);
        }
    }

    #[test]
    fn what_is_no_watcher_information_is_refused() {
        let ns = format!("xmlns='{NAMESPACE}'");
        for bad in [
            "<watcherinfo/>".to_owned(),
            format!("<watchers {ns}/>"),
            format!("<watcherinfo {ns}><watcher-list package='p'/></watcherinfo>"),
            format!("<watcherinfo {ns}><watcher-list resource='r' package=''/></watcherinfo>"),
        ] {
            assert!(WatcherInfo::read(bad.as_bytes(), None).is_err(), "{bad}");
        }
        for attributes in [
            "status='active' event='approved'",
            "id='1' status='idle' event='approved'",
            "id='1' status='active' event='bored'",
        ] {
            let bad = format!(
                "<watcherinfo {ns}><watcher-list resource='r' package='p'>\
                 <watcher {attributes}>sip:a@h</watcher></watcher-list></watcherinfo>"
            );
            assert!(WatcherInfo::read(bad.as_bytes(), None).is_err(), "{bad}");
        }
    }
}
