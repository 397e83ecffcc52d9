//! Who is asking: digest authentication (RFC 7616, RFC 8760) and trusted peers (RFC 3325).

pub mod algorithm;
pub mod nonce;
pub mod trust;
