//! message-summary: voicemail lamps (RFC 3842).

use std::time::Duration;

use super::{Composed, Entry, EventPackage, Generation, Octets, Pace, Seen};
use crate::base::identity::Aor;
use crate::base::limits;
use crate::base::media::MediaType;
use crate::base::time::Now;
use crate::doc::body::Body;
use crate::doc::summary::Summary;
use crate::doc::view::View;
use crate::sip::refusal::Refusal;

/// The package of voicemail lamps.
pub struct MessageSummary;

impl EventPackage for MessageSummary {
    type Part = Summary;
    type Document = Summary;

    const NAME: &'static str = "message-summary";
    const MEDIA: &'static [MediaType] = &[MediaType::SimpleMessageSummary];
    /// RFC 3842 §3.11: not more often than once a second.
    const PACE: Pace = Pace { interval: Duration::from_secs(1), burst: 2 };
    const EXPIRES_DEFAULT: Duration = limits::EXPIRES_DEFAULT;

    fn parse(&self, octets: Octets<'_>, _: Option<&Summary>) -> Result<Summary, Refusal> {
        super::wanted(octets.media, Self::MEDIA)?;
        Summary::read(octets.body).map_err(super::refused)
    }

    /// Several mailboxes of one AoR light one lamp: counts add up.
    fn compose(
        &self,
        _: &Aor,
        parts: &[Entry<Summary>],
        previous: Summary,
        _: Generation,
        _: Now,
    ) -> Composed<Summary> {
        let document: Summary = parts.iter().map(|entry| &entry.part).sum();
        Composed { changed: document != previous, document, again: None }
    }

    fn serialise(
        &self,
        _: &Aor,
        document: &Summary,
        view: View<'_>,
        media: &MediaType,
        _: Seen,
    ) -> Body {
        let text = match view {
            View::Own | View::Full => document.write(),
            View::Offline | View::Part(_) => Summary::default().write(),
        };
        Body::shared(media.clone(), text)
    }
}
