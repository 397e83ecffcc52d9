//! as-feature-event: the "do not disturb" and forwarding keys of a phone and the agent say the
//! same. Vendors agree on it without an RFC: documents of ECMA-323, a change comes in the body of a
//! SUBSCRIBE.

use std::time::Duration;

use super::forwarding::{Forward, When};
use super::status::Says;
use super::{
    Composed, Entry, EventPackage, Generation, Observation, Octets, Pace, Seen, dnd, refused,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::{AS_FEATURES_BOUNDARY, MediaType};
use crate::base::time::Now;
use crate::doc::Element;
use crate::doc::body::Body;
use crate::doc::view::View;
use crate::doc::write::escape_text;
use crate::doc::xml::{self, DocumentError};
use crate::sip::refusal::Refusal;

/// The namespace of every document: without it some phones restart.
const CSTA: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// What the package's channel of a person is called.
pub const CHANNEL: &str = "as-feature-event";

/// The package.
pub struct AsFeature;

/// What the key of a phone asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// That the person be disturbed or not.
    DoNotDisturb(bool),
    /// That calls go elsewhere, or do so no more.
    Forward(Forward),
}

/// What one source says of keys.
pub enum Part {
    /// That of "do not disturb" is lit.
    Lit,
    /// Where calls go.
    Forward(Forward),
}

/// What all keys of a person show.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys {
    /// "Do not disturb" is lit.
    lit: bool,
    /// Where calls go in each case; `None`: nobody ever said so here, so phones are told nothing.
    forwards: [Option<Forward>; 3],
    /// What changed last, for phones that read one document; `None`: "do not disturb".
    last: Option<When>,
}

/// What the body of a SUBSCRIBE asks for.
pub fn wish(octets: Octets<'_>) -> Result<Wish, Refusal> {
    super::wanted(octets.media, AsFeature::READS)?;
    let root = xml::read(octets.body, octets.charset).map_err(refused)?;
    match &*root.name.local {
        "SetDoNotDisturb" => on(&root).map(Wish::DoNotDisturb).map_err(refused),
        "SetForwarding" => Forward::read(&root).map(Wish::Forward).map_err(refused),
        _ => Err(refused(DocumentError::invalid("neither SetDoNotDisturb nor SetForwarding"))),
    }
}

fn on(root: &Element) -> Result<bool, DocumentError> {
    let value = root.elements().find(|element| &*element.name.local == "doNotDisturbOn");
    match value.map(Element::token).as_deref() {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        _ => Err(DocumentError::invalid("doNotDisturbOn is true or false")),
    }
}

impl EventPackage for AsFeature {
    /// A part that is not lit says nothing.
    type Part = Part;
    type Document = Keys;

    const NAME: &'static str = "as-feature-event";
    /// All keys at once for who reads that, which is who says nothing of what it reads.
    const MEDIA: &'static [MediaType] = &[MediaType::AsFeatures, MediaType::AsFeature];
    const READS: &'static [MediaType] = &[MediaType::AsFeature];
    /// A key answers at once.
    const PACE: Pace = Pace { interval: Duration::from_secs(1), burst: 4 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;
    const PUBLISHED: bool = false;

    fn parse(&self, _: Octets<'_>, _: Option<&Part>) -> Result<Part, Refusal> {
        Err(Refusal::UnsupportedMediaType(Vec::new()))
    }

    fn observe(&self, seen: &Observation) -> Option<Part> {
        let Observation::Said(leases) = seen else {
            return dnd::followed(seen).map(|()| Part::Lit);
        };
        leases.iter().find_map(|lease| match &lease.says {
            Says::Forward(forward) => Some(Part::Forward(forward.clone())),
            _ => None,
        })
    }

    fn compose(
        &self,
        _: &Aor,
        parts: &[Entry<Part>],
        previous: Keys,
        _: Generation,
        _: Now,
    ) -> Composed<Keys> {
        // What was known once is told to be off, not left as it was.
        let off = |forward: &Option<Forward>| {
            forward.as_ref().map(|forward| Forward { on: false, ..forward.clone() })
        };
        let forwards = previous.forwards.each_ref().map(off);
        let mut keys = Keys { lit: false, forwards, last: previous.last };
        for entry in parts {
            match &entry.part {
                Part::Lit => keys.lit = true,
                Part::Forward(forward) => {
                    keys.forwards[place(forward.when)] = Some(forward.clone());
                }
            }
        }
        let is_other = |when: &When| keys.forwards[place(*when)] != previous.forwards[place(*when)];
        keys.last = match When::ALL.into_iter().find(is_other) {
            _ if keys.lit != previous.lit => None,
            Some(when) => Some(when),
            None => previous.last,
        };
        let changed = keys != previous;
        Composed { document: keys, changed, again: None }
    }

    fn serialise(
        &self,
        aor: &Aor,
        keys: &Keys,
        view: View<'_>,
        media: &MediaType,
        _: Seen,
    ) -> Body {
        let nothing = Keys::default();
        let keys = if view == View::Offline { &nothing } else { keys };
        let device = escape_text(aor.user());
        let forwards = || keys.forwards.iter().flatten();
        let forward = |forward: &Forward| forward.write(&device, CSTA);
        match (media, keys.last) {
            (MediaType::AsFeatures, _) if forwards().next().is_some() => {
                let all = std::iter::once(do_not_disturb(&device, keys.lit));
                Body::shared(MediaType::AsFeatures, mixed(all.chain(forwards().map(forward))))
            }
            (MediaType::AsFeature, Some(last)) => {
                let last = keys.forwards[place(last)].as_ref().map(forward);
                let text = last.unwrap_or_else(|| do_not_disturb(&device, keys.lit));
                Body::shared(MediaType::AsFeature, text)
            }
            _ => Body::shared(MediaType::AsFeature, do_not_disturb(&device, keys.lit)),
        }
    }
}

/// Its place among those of [`When::ALL`].
fn place(when: When) -> usize {
    match when {
        When::Always => 0,
        When::Busy => 1,
        When::NoAnswer => 2,
    }
}

fn do_not_disturb(device: &str, lit: bool) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DoNotDisturbEvent xmlns=\"{CSTA}\">\n\
         <device>{device}</device>\n<doNotDisturbOn>{lit}</doNotDisturbOn>\n\
         </DoNotDisturbEvent>\n"
    )
}

/// Several documents as one body (RFC 2046 §5.1).
fn mixed(documents: impl Iterator<Item = String>) -> String {
    let mut body = String::new();
    for document in documents {
        body.push_str("--");
        body.push_str(AS_FEATURES_BOUNDARY);
        body.push_str("\r\nContent-Type: application/x-as-feature-event+xml\r\n\r\n");
        body.push_str(&document);
        body.push_str("\r\n");
    }
    body.push_str("--");
    body.push_str(AS_FEATURES_BOUNDARY);
    body.push_str("--\r\n");
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Namespace;

    fn asked(text: &str) -> Result<Wish, u16> {
        let octets = Octets { media: &MediaType::AsFeature, charset: None, body: text.as_bytes() };
        wish(octets).map_err(|refusal| refusal.status().code())
    }

    #[test]
    fn a_key_is_read_whatever_stands_around_it() {
        let set =
            |inside: &str| format!("<SetDoNotDisturb xmlns='{CSTA}'>{inside}</SetDoNotDisturb>");
        let on = set("<device>1</device>\n <doNotDisturbOn> true </doNotDisturbOn>");
        assert_eq!(asked(&on), Ok(Wish::DoNotDisturb(true)));
        let off = asked(&set("<doNotDisturbOn>false</doNotDisturbOn>"));
        assert_eq!(off, Ok(Wish::DoNotDisturb(false)));
        assert_eq!(asked(&set("<doNotDisturbOn>perhaps</doNotDisturbOn>")), Err(400));
        assert_eq!(asked(&set("<device>1</device>")), Err(400));
        assert_eq!(asked("<SetForwarding/>"), Err(400));
        assert_eq!(asked("<SetTheTable/>"), Err(400));
        assert_eq!(asked("<SetDoNotDisturb"), Err(400));
    }

    #[test]
    fn what_is_sent_has_the_namespace_and_the_device() {
        let aor = Aor::from_parts("101", "example.com");
        let (media, lit) = (MediaType::AsFeatures, Keys { lit: true, ..Keys::default() });
        let body = AsFeature.serialise(&aor, &lit, View::Own, &media, Seen::default());
        let root = xml::read(&body.to_bytes(0, ""), None).expect("XML");
        let is_csta = matches!(&root.name.namespace, Namespace::Other(uri) if &**uri == CSTA);
        assert!(is_csta && &*root.name.local == "DoNotDisturbEvent");
        let told: Vec<String> = root.elements().map(Element::token).collect();
        assert_eq!(told, ["101", "true"]);
    }

    #[test]
    fn what_is_known_of_forwarding_is_told_with_the_rest_or_alone_when_it_changed() {
        let aor = Aor::from_parts("101", "example.com");
        let busy = Forward { when: When::Busy, on: true, to: "5799".to_owned(), rings: None };
        let part = Entry {
            source: crate::event::Source::Lines,
            publisher: "".into(),
            updated: crate::base::time::Wall::default(),
            part: Part::Forward(busy),
        };
        let now = Now::default();
        let (none, first) = (Keys::default(), Generation(1));
        let keys = AsFeature.compose(&aor, &[part], none, first, now).document;
        let text = |keys: &Keys, media: MediaType| {
            let body = AsFeature.serialise(&aor, keys, View::Own, &media, Seen::default());
            String::from_utf8_lossy(&body.to_bytes(0, "")).into_owned()
        };
        let all = text(&keys, MediaType::AsFeatures);
        let parts = crate::doc::multipart::split(all.as_bytes(), AS_FEATURES_BOUNDARY);
        assert_eq!(parts.expect("parts").len(), 2, "{all}");
        let one = text(&keys, MediaType::AsFeature);
        assert!(one.contains("forwardBusy") && one.contains("<forwardTo>5799<"), "{one}");
        let gone = AsFeature.compose(&aor, &[], keys, first, now);
        assert!(gone.changed);
        let one = text(&gone.document, MediaType::AsFeature);
        assert!(one.contains("<forwardStatus>false<"), "{one}");
    }
}
