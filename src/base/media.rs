//! Media types of the documents accepted and sent.

use std::fmt;

/// A media type this agent knows, or any other by its text.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum MediaType {
    /// `application/pidf+xml`, RFC 3863.
    Pidf,
    /// `application/xpidf+xml`, what presence was written in before RFC 3863.
    Xpidf,
    /// `application/dialog-info+xml`, RFC 4235.
    DialogInfo,
    /// `application/simple-message-summary`, RFC 3842.
    SimpleMessageSummary,
    /// `application/watcherinfo+xml`, RFC 3858.
    WatcherInfo,
    /// `application/x-as-feature-event+xml`, for the keys of phones.
    AsFeature,
    /// `multipart/mixed` of several such, as it is written here.
    AsFeatures,
    /// `multipart/mixed`, `multipart/related` and their kin, by subtype.
    Multipart(Box<str>),
    /// Anything else, lower case, without parameters.
    Other(Box<str>),
}

/// What parts the documents of [`MediaType::AsFeatures`].
pub const AS_FEATURES_BOUNDARY: &str = "fanal-features";

const AS_FEATURES: &str = "multipart/mixed;boundary=fanal-features";

impl MediaType {
    /// From `type/subtype`, in any case, without parameters.
    pub fn from_text(text: &str) -> MediaType {
        let lower = text.trim().to_ascii_lowercase();
        MediaType::known(&lower).unwrap_or_else(|| match lower.strip_prefix("multipart/") {
            Some(subtype) => MediaType::Multipart(subtype.into()),
            None => MediaType::Other(lower.into_boxed_str()),
        })
    }

    /// One that has a name of its own here, from its usual spelling.
    pub fn known(text: &str) -> Option<MediaType> {
        Some(match text {
            "application/pidf+xml" => MediaType::Pidf,
            "application/xpidf+xml" => MediaType::Xpidf,
            "application/dialog-info+xml" => MediaType::DialogInfo,
            "application/simple-message-summary" => MediaType::SimpleMessageSummary,
            "application/watcherinfo+xml" => MediaType::WatcherInfo,
            "application/x-as-feature-event+xml" => MediaType::AsFeature,
            AS_FEATURES => MediaType::AsFeatures,
            _ => return None,
        })
    }

    /// `type/subtype`.
    pub fn as_text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            MediaType::Pidf => "application/pidf+xml".into(),
            MediaType::Xpidf => "application/xpidf+xml".into(),
            MediaType::DialogInfo => "application/dialog-info+xml".into(),
            MediaType::SimpleMessageSummary => "application/simple-message-summary".into(),
            MediaType::WatcherInfo => "application/watcherinfo+xml".into(),
            MediaType::AsFeature => "application/x-as-feature-event+xml".into(),
            MediaType::AsFeatures => AS_FEATURES.into(),
            MediaType::Multipart(subtype) => format!("multipart/{subtype}").into(),
            MediaType::Other(text) => (**text).into(),
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_known_in_any_case() {
        assert_eq!(MediaType::from_text("Application/PIDF+XML "), MediaType::Pidf);
        for known in [
            MediaType::Pidf,
            MediaType::Xpidf,
            MediaType::DialogInfo,
            MediaType::SimpleMessageSummary,
        ] {
            let text = known.to_string();
            assert_eq!(MediaType::known(&text), Some(known.clone()));
            assert_eq!(MediaType::from_text(&text.to_uppercase()), known);
        }
        assert_eq!(MediaType::known("application/xml+pidf"), None);
        assert_eq!(MediaType::from_text("text/plain"), MediaType::Other("text/plain".into()));
        assert_eq!(MediaType::from_text("multipart/Mixed").to_string(), "multipart/mixed");
    }
}
