//! Ctrl-C: the first one stops the build in good order, the second one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What the signals have said so far.
#[derive(Clone, Default)]
pub struct Stop {
    /// Set by the first signal.
    pub flag: Arc<AtomicBool>,
    signal: Arc<AtomicI32>,
}

impl Stop {
    /// The signal that stopped the program; Ctrl-C's if none did.
    pub fn signal(&self) -> i32 {
        match self.signal.load(Ordering::SeqCst) {
            0 => SIGINT,
            signal => signal,
        }
    }
}

/// Starts to listen. `on_stop` is called at the first signal.
pub fn listen(on_stop: impl Fn() + Send + 'static) -> Stop {
    let stop = Stop::default();
    let heard = stop.clone();
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return stop };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if heard.flag.swap(true, Ordering::SeqCst) {
                std::process::exit(128 + signal);
            }
            heard.signal.store(signal, Ordering::SeqCst);
            on_stop();
        }
    });
    stop
}
