//! Whose is it: the home of a message, read from our own tag or branch, else from the AoR.

use super::served::Served;
use crate::base::mint::{Branch, HomeHash, LocalTag, Secret};
use crate::event::dnd;
use crate::sip::{Message, Method, Request};

/// The home of a message; `None` if any shard may deal with it: nothing of ours is meant.
pub fn home(message: &Message, secret: &Secret, served: &Served) -> Option<HomeHash> {
    match message {
        Message::Response(response) => {
            let via = response.headers().via().ok()?;
            Branch::from_text(via.branch_octets()?).map(|branch| branch.home)
        }
        Message::Request(request) => request_home(request, secret, served),
    }
}

/// The home of a request.
pub fn request_home(request: &Request, secret: &Secret, served: &Served) -> Option<HomeHash> {
    let to = request.headers().to().ok();
    let tag = to.as_ref().and_then(|to| to.tag_octets());
    if let Some(tag) = tag.and_then(LocalTag::from_text) {
        return Some(tag.home);
    }
    let aor = match request.method() {
        // A registrar is asked at its domain; whose contacts are meant stands in To.
        Method::Register => served.address(&to?.uri().ok()?),
        _ => served.address(request.uri_ref().ok()?),
    };
    let aor = aor.ok()?;
    Some(match request.method() {
        // A lamp is at home where the person is whom it stands beside.
        Method::Subscribe => secret.home(&dnd::owner(&aor)),
        _ => secret.home(&aor),
    })
}
