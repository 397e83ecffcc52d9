//! What a SUBSCRIBE watches: a person, or the lamp beside one. `dnd+101` is lit while 101 is not to
//! be disturbed, and is subscribed to as any busy lamp.

use super::Shard;
use crate::base::identity::Aor;
use crate::base::uri::UriRef;
use crate::event::dnd::{self, DndLamp};
use crate::event::{EventPackage, PackageId};
use crate::sip::{Refusal, Request};

/// What is watched.
pub(super) struct Watched {
    /// The person.
    pub aor: Aor,
    /// What the watcher calls it: a lamp beside a person has a name of its own.
    pub named: Aor,
}

impl Shard {
    /// What a URI names that may be watched.
    pub(super) fn watched(&self, uri: UriRef<'_>) -> Result<Watched, Refusal> {
        let named = self.served.address(uri)?; // 404, 416
        let aor = dnd::owner(&named);
        self.served.check(&aor)?; // 404
        Ok(Watched { aor, named })
    }

    /// The package in which it is watched: of a lamp there are calls only.
    pub(super) fn watched_package(
        &self,
        request: &Request,
        watched: &Watched,
    ) -> Result<PackageId, Refusal> {
        let package = self.named_package(request)?; // 489
        if watched.aor == watched.named {
            return Ok(package);
        }
        let lamp = self.registry.stored(DndLamp::NAME);
        let is_calls = self.registry.package(package).event() == DndLamp::EVENT;
        lamp.filter(|_| is_calls).ok_or_else(|| self.bad_event())
    }
}
