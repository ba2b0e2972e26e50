//! Ctrl-C: the first one stops the build in good order, the second one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The first signal that came.
static FIRST: AtomicI32 = AtomicI32::new(SIGINT);

/// The signal that stopped the program.
pub fn first() -> i32 {
    FIRST.load(Ordering::SeqCst)
}

/// Starts to listen: the first signal sets the flag that it gives.
pub fn listen() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard = stop.clone();
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return stop };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if heard.load(Ordering::SeqCst) {
                std::process::exit(128 + signal);
            }
            // Before the flag: whoever sees that asks for this.
            FIRST.store(signal, Ordering::SeqCst);
            heard.store(true, Ordering::SeqCst);
        }
    });
    stop
}
