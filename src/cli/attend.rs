//! Attends a running agent: the signals of the system, the service manager, the end in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{EXIT_FALSE, EXIT_WELL, Fault};
use crate::base::limits::STOP_MAX;
use crate::server::{NotifySocket, Pulse, Running};

/// What happens while the agent runs.
pub trait Attended {
    /// The settings may have changed.
    fn reload(&mut self, running: &Running);

    /// How long watchers are waited for at the end.
    fn drain_patience(&self) -> Duration;
}

/// The signals a served agent obeys.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
enum Asked {
    /// To end, by the signal of this name.
    End(&'static str),
    Reload,
}

/// Waits for signals while the shards work.
pub fn attend(running: Running, attended: &mut impl Attended) -> Result<u8, Fault> {
    super::block_on(async {
        let mut signals = Signals::listen()?;
        let manager = Arc::new(NotifySocket::from_environment(|name| std::env::var_os(name)));
        let is_ending = Arc::new(AtomicBool::new(false));
        keep_alive(running.pulse(), Arc::clone(&manager), Arc::clone(&is_ending));
        manager.ready("Serving");
        info!(event = "serving");
        loop {
            match signals.next().await {
                Asked::Reload => {
                    manager.reloading();
                    attended.reload(&running);
                    manager.ready("Serving");
                }
                Asked::End(signal) => {
                    let patience = attended.drain_patience();
                    info!(event = "stopping", signal);
                    is_ending.store(true, Ordering::SeqCst);
                    manager.stopping();
                    return Ok(end(running, patience, &mut signals).await);
                }
            }
        }
    })
}

/// Ends in order, unless that takes too long or a second signal says that it does.
async fn end(running: Running, patience: Duration, signals: &mut Signals) -> u8 {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        // Nobody waits for it only when the process ends anyway.
        let _ = ended.send(running.drain(patience));
    });
    tokio::select! {
        settled = end => {
            info!(event = "stopped", settled = settled.unwrap_or(false));
            EXIT_WELL
        }
        signal = signals.end() => {
            warn!(event = "stopped_at_once", signal);
            EXIT_FALSE
        }
        () = tokio::time::sleep(patience + STOP_MAX) => {
            error!(event = "stopped_at_once", "something does not end, such as a disk");
            EXIT_FALSE
        }
    }
}

/// Gives signs of life as long as every shard gives its own.
fn keep_alive(pulse: Pulse, manager: Arc<NotifySocket>, is_ending: Arc<AtomicBool>) {
    thread::spawn(move || {
        loop {
            thread::sleep(manager.interval());
            let beat = pulse.feel(manager.interval());
            if is_ending.load(Ordering::SeqCst) {
                return;
            }
            match beat {
                Some(beat) => manager.alive(&format!(
                    "Serving {} subscriptions to {} presentities",
                    beat.subscriptions, beat.presentities
                )),
                None => error!(event = "shard_silent", "a shard does not answer"),
            }
        }
    });
}

impl Signals {
    fn listen() -> Result<Signals, Fault> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Fault::not_so(format!("signals cannot be awaited: {error}")))
        };
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End("SIGTERM"),
            _ = self.interrupt.recv() => Asked::End("SIGINT"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// The next signal to end; others are passed over.
    async fn end(&mut self) -> &'static str {
        loop {
            if let Asked::End(signal) = self.next().await {
                return signal;
            }
        }
    }
}
