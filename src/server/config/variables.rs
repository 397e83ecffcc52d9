//! Settings from the environment: `FANAL_SECTION__KEY`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::fault::{Place, SettingsError};
use super::keys::{self, Key, Kind, Section};
use super::{Origins, Settings, name};

/// What our variables begin with. Those without `__` are not settings.
const PREFIX: &str = "FANAL_";

/// Lays every variable that is a setting over the table.
pub fn lay_over(
    env: &BTreeMap<String, String>,
    table: &mut Table,
    origins: &mut Origins,
) -> Result<(), SettingsError> {
    for (variable, text) in env {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let Some((section, key)) = rest.split_once("__") else {
            slip(variable, rest)?;
            continue;
        };
        let (section, key) = named(variable, section, key)?;
        let value = read(variable, section, key, text)?;
        let keys = table.entry(section.name).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(keys) = keys {
            keys.insert(key.name.to_owned(), value);
        }
        origins.insert(name(section.name, key.name), Place::Variable(variable.clone()));
    }
    Ok(())
}

/// The variable that sets a key.
pub fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}

/// One underscore where two are due would be passed over in silence.
fn slip(variable: &str, rest: &str) -> Result<(), SettingsError> {
    let lower = rest.to_ascii_lowercase();
    let Some((section, key)) = lower.split_once('_') else { return Ok(()) };
    match keys::section(section).and_then(|section| section.key(key)) {
        None => Ok(()),
        Some(_) => Err(SettingsError {
            place: Place::Variable(variable.to_owned()),
            what: format!("two underscores are due: {}", self::variable(section, key)),
        }),
    }
}

fn named(
    variable: &str,
    section: &str,
    key: &str,
) -> Result<(&'static Section, &'static Key), SettingsError> {
    let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
    let fault = |key| SettingsError::unknown(Place::Variable(variable.to_owned()), &section, key);
    let known = keys::section(&section).ok_or_else(|| fault(None))?;
    let key = known.key(&key).ok_or_else(|| fault(Some(&key)))?;
    Ok((known, key))
}

/// The value of one variable, tried alone so that a complaint names it.
fn read(variable: &str, section: &Section, key: &Key, text: &str) -> Result<Value, SettingsError> {
    let value = value(key.kind, text.trim());
    let keys = Table::from_iter([(key.name.to_owned(), value.clone())]);
    let alone = Table::from_iter([(section.name.to_owned(), Value::Table(keys))]);
    let place = || Place::Variable(variable.to_owned());
    match alone.try_into::<Settings>() {
        Ok(_) => Ok(value),
        Err(error) => {
            Err(SettingsError::in_value(place(), section.name, key.name, text.trim(), &error))
        }
    }
}

/// As TOML has it, or as one writes it in a shell: without quotes, lists with commas.
fn value(kind: Kind, text: &str) -> Value {
    let written = |text: &str| match format!("v = {text}").parse::<Table>() {
        Ok(mut table) => table.remove("v"),
        Err(_) => None,
    };
    let plain = || Value::String(text.to_owned());
    match kind {
        Kind::Text | Kind::Span | Kind::Word(_) if !text.starts_with(['"', '\'']) => plain(),
        Kind::List(_) if !text.starts_with('[') => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        _ => written(text).unwrap_or_else(plain),
    }
}
