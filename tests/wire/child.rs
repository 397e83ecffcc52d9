//! An agent in a process of its own, to be killed or to end itself: this test program again, with
//! one of its ignored tests.

use std::process::{Command, Stdio};

const MARK: &str = "FANAL_TEST_CHILD";

/// Whether this process was started by [`command`].
pub fn is_one() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs one ignored test, by its name.
pub fn command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test"));
    command
        .args(["--ignored", "--exact", "--nocapture", test])
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}
