//! Settings read anew while the agent runs: what takes effect at once, and what waits for a
//! restart.

use toml::Value;

use super::keys::SECTIONS;
use super::{Settings, page};
use crate::transport::Listen;

/// What came of reading settings anew.
#[derive(Clone, Debug)]
pub struct Change {
    /// What is in force from now on.
    pub settings: Settings,
    /// The keys that took effect, as `section.key`.
    pub changed: Vec<String>,
    /// The keys that take effect at a restart only.
    pub waiting: Vec<String>,
}

impl Settings {
    /// From these settings to others, as far as that can be done without losing a subscription.
    pub fn change_to(&self, wanted: Settings) -> Change {
        let (before, mut after) = (page::table(self), page::table(&wanted));
        let (mut changed, mut waiting) = (Vec::new(), Vec::new());
        for section in SECTIONS {
            for key in section.keys {
                let old = page::value(&before, section.name, key.name).cloned();
                if old.as_ref() == page::value(&after, section.name, key.name) {
                    continue;
                }
                let name = format!("{}.{}", section.name, key.name);
                let is_listen = (section.name, key.name) == ("transport", "listen");
                let is_same_door =
                    is_listen && doors(&self.transport.listen).eq(doors(&wanted.transport.listen));
                if !key.at_restart || is_same_door {
                    changed.push(name);
                    continue;
                }
                waiting.push(name);
                put(&mut after, section.name, key.name, old);
            }
        }
        let mut settings = match after.try_into::<Settings>() {
            Ok(settings) if !waiting.is_empty() => settings,
            _ => wanted.clone(),
        };
        settings.origins = wanted.origins;
        Change { settings, changed, waiting }
    }
}

/// What of the listening addresses cannot change while they are open. Whom they trust can.
fn doors(listen: &[Listen]) -> impl Iterator<Item = Listen> {
    listen.iter().map(|listen| Listen { trusted: None, ..listen.clone() })
}

fn put(table: &mut toml::Table, section: &str, key: &str, value: Option<Value>) {
    let Some(Value::Table(section)) = table.get_mut(section) else { return };
    match value {
        Some(value) => drop(section.insert(key.to_owned(), value)),
        None => drop(section.remove(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::Kind;
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).expect("settings")
    }

    fn change(before: &str, after: &str) -> Change {
        settings(before).change_to(settings(after))
    }

    #[test]
    fn what_can_change_changes_and_what_cannot_is_named() {
        let change = change(
            "[server]\nshards = 2\n[auth]\nnonce_life = \"1m\"\n",
            "[server]\nshards = 4\n[policy]\ndefault = \"block\"\n[log]\nlevel = \"debug\"\n",
        );
        assert_eq!(change.changed, ["auth.nonce_life", "policy.default", "log.level"]);
        assert_eq!(change.waiting, ["server.shards"]);
        assert_eq!(change.settings.server.shards, 2, "as it was");
        assert_eq!(change.settings.log.level, "debug");
        assert_eq!(change.settings.auth.nonce_life, Settings::default().auth.nonce_life);
    }

    #[test]
    fn nothing_new_is_no_change() {
        let text = "[transport]\nlisten = [\"udp:127.0.0.1:0\"]\ntrusted = [\"10.0.0.1\"]\n";
        let change = change(text, text);
        assert!(change.changed.is_empty() && change.waiting.is_empty());
    }

    #[test]
    fn an_open_door_may_come_to_trust_others() {
        let door = |address: &str, trusted: &str| {
            format!("[transport]\nlisten = [{{ address = \"{address}\", trusted = {trusted} }}]\n")
        };
        let before = door("udp:10.0.0.1:5060", "[]");
        let same = change(&before, &door("udp:10.0.0.1:5060", "[\"10.0.0.5\"]"));
        assert_eq!(same.changed, ["transport.listen"]);
        let moved = change(&before, &door("udp:10.0.0.1:5070", "[\"10.0.0.5\"]"));
        assert_eq!(moved.waiting, ["transport.listen"]);
        assert_eq!(moved.settings.transport.listen, settings(&before).transport.listen);
    }

    #[test]
    fn every_setting_that_waits_is_left_as_it_was() {
        let default = Settings::default();
        for section in SECTIONS {
            for key in section.keys.iter().filter(|key| key.at_restart) {
                let mut other = page::table(&default);
                let value = page::value(&other, section.name, key.name).cloned();
                let value = match value {
                    Some(Value::String(text)) if text == "embedded" => "memory".into(),
                    Some(Value::String(text)) if text == "acked" => "relaxed".into(),
                    Some(Value::String(text)) if text == "auto" => "json".into(),
                    Some(Value::String(text)) if matches!(key.kind, Kind::Word(_)) => {
                        let Kind::Word(words) = key.kind else { panic!("looked at above") };
                        let other = words.iter().find(|word| **word != text);
                        (*other.expect("a choice")).into()
                    }
                    Some(Value::String(_)) if matches!(key.kind, Kind::Span) => "7m".into(),
                    Some(Value::Boolean(flag)) => (!flag).into(),
                    Some(Value::Array(_) | Value::Table(_))
                        if matches!(key.kind, Kind::Tables(_)) =>
                    {
                        let example: toml::Table = key.example.join("\n").parse().expect("TOML");
                        example.get(key.name).expect("the key").clone()
                    }
                    Some(Value::String(_)) => "other".into(),
                    Some(Value::Integer(_)) => 7.into(),
                    Some(Value::Array(_)) if key.name == "listen" => vec!["udp:0.0.0.0:7"].into(),
                    Some(Value::Array(_)) => vec!["other"].into(),
                    other => panic!("{}.{}: {other:?}", section.name, key.name),
                };
                put(&mut other, section.name, key.name, Some(value));
                let change = default.change_to(other.try_into().expect("settings"));
                assert_eq!(change.waiting, [format!("{}.{}", section.name, key.name)]);
                assert_eq!(page::table(&change.settings), page::table(&default));
            }
        }
    }
}
