//! as-feature-event: the "do not disturb" key of a phone and the agent say the same. Vendors agree
//! on it without an RFC: documents of ECMA-323, a change comes in the body of a SUBSCRIBE.

use std::time::Duration;

use super::{
    Composed, Entry, EventPackage, Generation, Observation, Octets, Pace, Seen, dnd, refused,
};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
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

/// What the key of a phone asks for: that the person be disturbed or not.
pub fn wish(octets: Octets<'_>) -> Result<bool, Refusal> {
    super::wanted(octets.media, AsFeature::MEDIA)?;
    let root = xml::read(octets.body, octets.charset).map_err(refused)?;
    match &*root.name.local {
        "SetDoNotDisturb" => on(&root).map_err(refused),
        // Where calls go instead is known where calls are.
        "SetForwarding" => Err(Refusal::Forbidden("Forwarding Is Not Kept Here")),
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
    /// The key is lit; a part that is not says nothing.
    type Part = ();
    type Document = bool;

    const NAME: &'static str = "as-feature-event";
    const MEDIA: &'static [MediaType] = &[MediaType::AsFeature];
    /// A key answers at once.
    const PACE: Pace = Pace { interval: Duration::from_secs(1), burst: 4 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;
    const PUBLISHED: bool = false;

    fn parse(&self, _: Octets<'_>, _: Option<&()>) -> Result<(), Refusal> {
        Err(Refusal::UnsupportedMediaType(Vec::new()))
    }

    fn observe(&self, seen: &Observation) -> Option<()> {
        dnd::followed(seen)
    }

    fn compose(
        &self,
        _: &Aor,
        parts: &[Entry<()>],
        previous: bool,
        _: Generation,
        _: Now,
    ) -> Composed<bool> {
        dnd::composed(parts, previous)
    }

    fn serialise(&self, aor: &Aor, lit: &bool, view: View<'_>, media: &MediaType, _: Seen) -> Body {
        let (device, lit) = (escape_text(aor.user()), *lit && view != View::Offline);
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DoNotDisturbEvent xmlns=\"{CSTA}\">\n\
             <device>{device}</device>\n<doNotDisturbOn>{lit}</doNotDisturbOn>\n\
             </DoNotDisturbEvent>\n"
        );
        Body::shared(media.clone(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Namespace;

    fn asked(text: &str) -> Result<bool, u16> {
        let octets = Octets { media: &MediaType::AsFeature, charset: None, body: text.as_bytes() };
        wish(octets).map_err(|refusal| refusal.status().code())
    }

    #[test]
    fn a_key_is_read_whatever_stands_around_it() {
        let set =
            |inside: &str| format!("<SetDoNotDisturb xmlns='{CSTA}'>{inside}</SetDoNotDisturb>");
        let on = set("<device>1</device>\n <doNotDisturbOn> true </doNotDisturbOn>");
        assert_eq!(asked(&on), Ok(true));
        assert_eq!(asked(&set("<doNotDisturbOn>false</doNotDisturbOn>")), Ok(false));
        assert_eq!(asked(&set("<doNotDisturbOn>perhaps</doNotDisturbOn>")), Err(400));
        assert_eq!(asked(&set("<device>1</device>")), Err(400));
        assert_eq!(asked("<SetForwarding/>"), Err(403));
        assert_eq!(asked("<SetTheTable/>"), Err(400));
        assert_eq!(asked("<SetDoNotDisturb"), Err(400));
    }

    #[test]
    fn what_is_sent_has_the_namespace_and_the_device() {
        let aor = Aor::from_parts("101", "example.com");
        let media = MediaType::AsFeature;
        let body = AsFeature.serialise(&aor, &true, View::Own, &media, Seen::default());
        let root = xml::read(&body.to_bytes(0, ""), None).expect("XML");
        let is_csta = matches!(&root.name.namespace, Namespace::Other(uri) if &**uri == CSTA);
        assert!(is_csta && &*root.name.local == "DoNotDisturbEvent");
        let told: Vec<String> = root.elements().map(Element::token).collect();
        assert_eq!(told, ["101", "true"]);
    }
}
