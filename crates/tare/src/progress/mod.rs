//! Events to what people see: line after line, a few lines that change, or nothing.

mod plain;
pub mod timings;
mod tty;

use std::io::IsTerminal;
use std::sync::Mutex;

use engine::Event;

use crate::cli::Progress;

/// Somebody who shows events on standard error.
pub enum Shown {
    /// Line after line.
    Plain(plain::Plain),
    /// On a terminal.
    Tty(tty::Tty),
    /// Not at all.
    Quiet,
}

/// Starts to show.
pub fn start(how: Progress) -> Shown {
    match how {
        Progress::Quiet => Shown::Quiet,
        Progress::Tty => Shown::Tty(tty::Tty::start()),
        Progress::Auto if std::io::stderr().is_terminal() => Shown::Tty(tty::Tty::start()),
        Progress::Auto | Progress::Plain => Shown::Plain(plain::Plain::default()),
    }
}

impl Shown {
    /// Shows an event.
    pub fn hear(&self, event: Event) {
        match self {
            Shown::Plain(plain) => plain.hear(&event),
            Shown::Tty(tty) => tty.hear(event),
            Shown::Quiet => {}
        }
    }

    /// Shows what is still held back.
    pub fn finish(self) {
        if let Shown::Tty(tty) = self {
            tty.finish();
        }
    }
}

/// Keeps events for later.
#[derive(Default)]
pub struct Held {
    events: Mutex<Vec<Event>>,
}

impl Held {
    /// Keeps an event.
    pub fn hear(&self, event: Event) {
        self.events.lock().expect("no panic while held").push(event);
    }

    /// Tells everything in order.
    pub fn replay(&self, sink: &dyn Fn(Event)) {
        self.events.lock().expect("no panic while held").drain(..).for_each(sink);
    }
}
