//! The keys of calendars.

use super::{Key, Kind, Section};

pub(super) const CALENDAR: Section = Section {
    name: "calendar",
    about: "Calendars of persons, and what recurs every week (docs/calendars.md).",
    keys: &[
        Key {
            name: "zone",
            kind: Kind::Text,
            about: &[
                "Where people are whose entry names no zone, such as \"Europe/Berlin\". Empty: as their",
                "calendar says, else UTC.",
            ],
            at_restart: false,
            example: &["zone = \"Europe/Berlin\""],
        },
        Key {
            name: "feed",
            kind: Kind::Tables(
                "tables such as [{ user = \"101\", source = \"https://calendar.example.com/private/basic.ics\" }]",
            ),
            about: &[
                "Calendars to look at. `source`: an address (https, http, webcal) or a file, relative",
                "to this file. `poll`: how often, 10s to 1d, usually 5m. `name` tells several of one",
                "user apart. `zone`: where the user is. `focus`: what focus time makes of the user,",
                "\"busy\" or \"dnd\". `mail`: the user's address in it, by which declined invitations are",
                "known. `titles`: what entries of these titles are. SIGHUP looks at all of them at once.",
                "Of an address that is fetched nothing is shown but its host.",
            ],
            at_restart: false,
            example: &[
                "feed = [",
                "    { user = \"101\", source = \"https://calendar.example.com/private-6f1/basic.ics\" },",
                "    { user = \"102\", source = \"bob.ics\", poll = \"1m\", titles = { \"Fokuszeit\" = \"focus\" } },",
                "]",
            ],
        },
        Key {
            name: "hours",
            kind: Kind::Tables(
                "tables such as [{ users = [\"101\"], weekdays = [\"09:00-17:00\"] }]",
            ),
            about: &[
                "Hours that recur every week for these users: `weekdays` for Monday to Friday, `monday`",
                "to `sunday` beside them, none on `holidays`. Outside of them the users are off work,",
                "unless `state` says what they are within them: \"dnd\", \"focus\", \"meal\" or another.",
                "`show_zone = true` tells others how far their clocks are ahead of UTC.",
            ],
            at_restart: false,
            example: &[
                "hours = [",
                "    { users = [\"101\", \"102\"], zone = \"Europe/Berlin\", weekdays = [\"09:00-17:30\"], holidays = [\"2026-12-25\"] },",
                "    { users = [\"101\"], zone = \"Europe/Berlin\", state = \"dnd\", weekdays = [\"12:00-13:00\"] },",
                "]",
            ],
        },
    ],
};
