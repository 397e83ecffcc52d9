//! Looks at every calendar once, and tells who asks whether it could be read.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::config::Config;
use super::fetch::{self, Got, Known};
use crate::base::limits::FEED_FETCHES_MAX;
use crate::doc::ical::{Calendar, Fault};

/// A calendar that was looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Probed {
    /// Its place in the settings, from 1.
    pub number: usize,
    /// Where it stands, as far as that may be shown.
    pub source: String,
    /// Its events and the first entry of it that makes no sense, or why it cannot be read.
    pub found: Result<(usize, Option<String>), String>,
}

/// Looks at all of them; in the order of the settings.
pub async fn probe(config: &Config) -> Vec<Probed> {
    let room = Arc::new(Semaphore::new(FEED_FETCHES_MAX));
    let mut looks = JoinSet::new();
    for (number, feed) in (1..).zip(&config.feeds) {
        let (room, source) = (Arc::clone(&room), feed.source.clone());
        looks.spawn(async move {
            let _permit = room.acquire().await;
            let got = fetch::get(&source.place(), &Known::default()).await;
            Probed { number, source: source.redacted(), found: got.and_then(read) }
        });
    }
    let mut probed = looks.join_all().await;
    probed.sort();
    probed
}

fn read(got: Got) -> Result<(usize, Option<String>), String> {
    let Got::Octets(octets, _) = got else { return Err("nothing was asked for".to_owned()) };
    let calendar = Calendar::read(&octets).map_err(|fault| fault.to_string())?;
    Ok((calendar.len(), calendar.faults().first().map(Fault::to_string)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calendars_are_looked_at_once_and_told_in_order() {
        let path = std::env::temp_dir().join(format!("fanal-probe-{}.ics", std::process::id()));
        std::fs::write(&path, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n")
            .expect("written");
        let text = format!(
            "[[feed]]\nuser = \"101\"\nsource = {:?}\n\
             [[feed]]\nuser = \"102\"\nsource = \"http://127.0.0.1:1/5ecret\"\n",
            path.display().to_string()
        );
        let config: Config = toml::from_str(&text).expect("settings");
        let probed = probe(&config).await;
        let fault = "line 2: an event without DTSTART".to_owned();
        assert_eq!((probed[0].number, &probed[0].found), (1, &Ok((0, Some(fault)))));
        assert_eq!(probed[1].source, "http://127.0.0.1:1/...");
        let reason = probed[1].found.clone().expect_err("nobody listens there");
        assert!(!reason.contains("5ecret"), "{reason}");
        std::fs::remove_file(path).expect("removed");
    }
}
