//! One file per header, or per few that share a grammar: each adds its reader to
//! [`Headers`](crate::sip::Headers).

pub mod contact;
pub mod credentials;
pub mod cseq;
pub mod entity_tag;
pub mod event;
pub mod expires;
pub mod media;
pub mod name_addr;
pub mod option_tag;
pub mod route;
pub mod subscription_state;
pub mod via;
