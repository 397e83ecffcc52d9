//! The store that forgets.

use rand_core::{OsRng, TryRngCore};

use crate::base::mint::Secret;
use crate::shard::{Change, Fault, Record, Store};

/// Keeps nothing but a secret, and that not for long.
#[derive(Debug)]
pub struct Memory {
    secret: Secret,
}

impl Memory {
    /// With a fresh secret.
    pub fn new() -> Result<Memory, Fault> {
        Ok(Memory { secret: fresh_secret()? })
    }
}

impl Store for Memory {
    fn secret(&self) -> Secret {
        self.secret
    }

    fn load(&mut self, _each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
        Ok(())
    }

    fn commit(&mut self, _batch: &[Change]) -> Result<(), Fault> {
        Ok(())
    }
}

/// Sixteen octets nobody can guess.
pub(super) fn fresh_secret() -> Result<Secret, Fault> {
    let mut octets = [0; 16];
    OsRng
        .try_fill_bytes(&mut octets)
        .map_err(|fault| Fault { what: format!("the system gives no random numbers: {fault}") })?;
    Ok(Secret::new(octets))
}
