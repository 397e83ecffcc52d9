//! How far a phase has come: a bar on a terminal, a line for each finished phase elsewhere.

use std::io::{self, IsTerminal, Write};

/// Columns of the bar.
const WIDTH: usize = 32;

/// Least time between two drawings, in nanoseconds.
const FRAME: u64 = 100_000_000;

/// Tells a person how far it is.
pub struct Progress {
    is_quiet: bool,
    is_terminal: bool,
    drawn: u64,
}

impl Progress {
    /// Tells nothing if `is_quiet`.
    pub fn new(is_quiet: bool) -> Progress {
        Progress { is_quiet, is_terminal: io::stderr().is_terminal(), drawn: 0 }
    }

    /// So much of a phase is done.
    pub fn at(&mut self, now: u64, phase: &str, share: f64) {
        if self.is_quiet || !self.is_terminal || now < self.drawn + FRAME {
            return;
        }
        self.drawn = now;
        let share = share.clamp(0.0, 1.0);
        let filled = ((share * WIDTH as f64) as usize).min(WIDTH);
        let (full, empty) = ("█".repeat(filled), "░".repeat(WIDTH - filled));
        let percent = share * 100.0;
        // Who closed the terminal needs no bar.
        let _ = write!(io::stderr(), "\r{phase:<12} {full}{empty} {percent:3.0} %");
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if !self.is_quiet && self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// A phase is over, and this is to be said of it.
    pub fn done(&mut self, text: &str) {
        if self.is_quiet {
            return;
        }
        self.clear();
        let _ = writeln!(io::stderr(), "{text}");
    }
}
