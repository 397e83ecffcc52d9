//! What a calendar, and hours that recur, make of a person: for whoever has the octets and says
//! what time it is. Nothing here looks anywhere or waits for anything.

use super::config::{Feed, Hours, Week};
use super::entries::Reading;
use crate::base::civil::Zone;
use crate::base::limits::{CALENDAR_AHEAD, HOURS_BACK};
use crate::base::time::Wall;
use crate::doc::ical::{Agenda, Calendar, Fault, Look};
use crate::event::status::feed::{Entry, Fact, Said, Span, number_of};

/// What the calendar in these octets says from `now` on, read by the settings of a feed. `usual` is
/// the zone of times without one, where the feed names none.
pub fn of_feed(feed: &Feed, usual: &str, octets: &[u8], now: Wall) -> Result<Fact, Fault> {
    let agenda = agenda(&Calendar::read(octets)?, &feed.mail, feed.zone(usual).as_ref(), now);
    let entries = Reading::of(feed).entries(&agenda, now);
    Ok(Said::WHEN_ASKED.feed(number_of(&feed.name), &entries))
}

/// What a calendar holds from `now` on, of the owner of this address, if one is known.
pub(super) fn agenda(calendar: &Calendar, mail: &str, zone: Option<&Zone>, now: Wall) -> Agenda {
    let owner = Some(mail).filter(|mail| !mail.is_empty());
    calendar.agenda(&Look { from: now, until: now + CALENDAR_AHEAD, zone, owner })
}

/// What hours that recur say from `now` on of each of their users; what is wrong with them, if they
/// cannot be read.
pub fn of_hours(hours: &[Hours], usual: &str, now: Wall) -> Result<Fact, String> {
    let weeks: Vec<Week> = hours.iter().map(|hours| hours.week(usual)).collect::<Result<_, _>>()?;
    Ok(Said::WHEN_ASKED.hours(&entries(&weeks, now)))
}

/// What some weeks make of somebody from `now` on.
pub(super) fn entries(weeks: &[Week], now: Wall) -> Vec<(Entry, Span)> {
    let back = u64::try_from(HOURS_BACK.as_millis()).unwrap_or(u64::MAX);
    let since = Wall::from_unix_millis(now.as_unix_millis().saturating_sub(back));
    let all = weeks.iter().flat_map(|week| week.entries(since, now + CALENDAR_AHEAD));
    all.filter(|(_, span)| span.until.is_none_or(|until| until > now)).collect()
}
