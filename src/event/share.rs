//! What one presentity shows to those who may see a part of it: one memory and one body for each
//! view, whoever and however many have it.

use std::sync::Arc;

use super::Rendered;
use crate::base::limits::VIEWS_KEPT_MAX;
use crate::doc::permissions::Permissions;
use crate::doc::pidf::Presence;

/// What a view showed last, where what it shows next must look like it.
#[derive(Default)]
pub struct Memory {
    /// The presence document.
    pub presence: Option<Box<Presence>>,
}

/// All views of one presentity in one package that show a part.
#[derive(Default)]
pub struct Shares(Vec<Share>);

/// Which body of a view: the variant, the place of the media type in the package's list, and the
/// profile.
pub type Shape = (u64, u8, u8);

struct Share {
    permissions: Arc<Permissions>,
    memory: Memory,
    bodies: Vec<(Shape, Arc<Rendered>)>,
}

/// Bodies kept of one view; more variants than this are serialised anew for each watcher.
const BODIES_MAX: usize = 8;

impl Shares {
    /// The body of a view; `write` writes it if it is not there. It is handed the view's memory, or
    /// none if there are too many views to remember. True if it had to be written.
    pub fn rendered(
        &mut self,
        permissions: &Arc<Permissions>,
        shape: Shape,
        write: impl FnOnce(Option<&mut Memory>) -> Rendered,
    ) -> (Arc<Rendered>, bool) {
        let Some(share) = self.share(permissions) else { return (Arc::new(write(None)), true) };
        if let Some((_, kept)) = share.bodies.iter().find(|(known, _)| *known == shape) {
            return (Arc::clone(kept), false);
        }
        let rendered = Arc::new(write(Some(&mut share.memory)));
        if share.bodies.len() < BODIES_MAX {
            share.bodies.push((shape, Arc::clone(&rendered)));
        }
        (rendered, true)
    }

    /// The document changed: its bodies are of the past, what they showed is remembered.
    pub fn outdate(&mut self) {
        self.0.iter_mut().for_each(|share| share.bodies.clear());
    }

    /// Nobody has this view any more. True if there is none left.
    pub fn forget(&mut self, permissions: &Arc<Permissions>) -> bool {
        self.0.retain(|share| !is_same(&share.permissions, permissions));
        self.0.is_empty()
    }

    fn share(&mut self, permissions: &Arc<Permissions>) -> Option<&mut Share> {
        let place = self.0.iter().position(|share| is_same(&share.permissions, permissions));
        let place = match place {
            Some(place) => place,
            None if self.0.len() >= VIEWS_KEPT_MAX => return None,
            None => {
                let (memory, bodies) = (Memory::default(), Vec::new());
                self.0.push(Share { permissions: Arc::clone(permissions), memory, bodies });
                self.0.len() - 1
            }
        };
        self.0.get_mut(place)
    }
}

fn is_same(one: &Arc<Permissions>, other: &Arc<Permissions>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::media::MediaType;
    use crate::doc::body::Body;
    use crate::doc::element::Name;
    use crate::doc::namespace::Namespace;
    use crate::doc::rules::Provided;

    fn permissions(word: &str) -> Arc<Permissions> {
        let mut permissions = Permissions::nothing();
        permissions.add(&Provided::Unknown(Name::new(Namespace::from_uri("urn:x"), word)));
        Arc::new(permissions)
    }

    fn body() -> Rendered {
        Body::shared(MediaType::Pidf, "x").into()
    }

    #[test]
    fn a_view_is_written_once_for_all_who_have_it() {
        let mut shares = Shares::default();
        assert!(shares.rendered(&permissions("a"), (0, 0, 0), |_| body()).1);
        assert!(!shares.rendered(&permissions("a"), (0, 0, 0), |_| body()).1);
        assert!(shares.rendered(&permissions("a"), (0, 1, 0), |_| body()).1, "another type");
        assert!(shares.rendered(&permissions("b"), (0, 0, 0), |_| body()).1, "another view");
        shares.outdate();
        assert!(shares.rendered(&permissions("a"), (0, 0, 0), |_| body()).1);
        assert!(!shares.forget(&permissions("a")));
        assert!(shares.forget(&permissions("b")));
    }

    #[test]
    fn more_views_than_can_be_remembered_are_shown_without_a_memory() {
        let mut shares = Shares::default();
        for number in 0..=VIEWS_KEPT_MAX {
            let view = permissions(&format!("n{number}"));
            let mut has_memory = false;
            shares.rendered(&view, (0, 0, 0), |memory| {
                has_memory = memory.is_some();
                body()
            });
            assert_eq!(has_memory, number < VIEWS_KEPT_MAX);
        }
    }
}
