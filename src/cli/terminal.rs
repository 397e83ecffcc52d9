//! A password typed unseen.

use std::io::{self, BufRead, IsTerminal, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::Fault;

/// Asks for a password twice on the terminal, or takes the first line of standard input if that
/// is no terminal.
pub fn new_password(username: &str) -> Result<String, Fault> {
    if !io::stdin().is_terminal() {
        return first_line();
    }
    let password = ask(&format!("Password of {username}: "))?;
    if password.is_empty() {
        return Err(Fault::usage("an empty password proves nothing"));
    }
    match ask("Once more: ")? == password {
        true => Ok(password),
        false => Err(Fault::usage("the two are not the same; nothing was changed")),
    }
}

fn ask(prompt: &str) -> Result<String, Fault> {
    let mut out = io::stderr();
    // A terminal that takes no prompt takes no password either; reading tells.
    let _ = write!(out, "{prompt}").and_then(|()| out.flush());
    let typed = {
        let _silence = Silence::begin();
        first_line()
    };
    let _ = writeln!(out);
    typed
}

fn first_line() -> Result<String, Fault> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let count = read.map_err(|error| Fault::usage(format!("the password: {error}")))?;
    match count {
        0 => Err(Fault::usage("no password came; type one, or give --password-file FILE")),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

/// While it lives, what is typed is not shown.
struct Silence {
    before: Option<Termios>,
}

impl Silence {
    fn begin() -> Silence {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_flags.remove(LocalFlags::ECHO);
            // A terminal that cannot be silenced still takes the password.
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent);
        }
        Silence { before }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, before);
        }
    }
}
