//! The status of a person: what composes to what, who sees it, and when it goes out.

#[path = "../common/mod.rs"]
mod common;

mod accepted;
mod desk;
mod documents;
mod golden;
mod lamp;
mod order;
mod profiles;
mod said;
mod unprompted;
mod valid;
