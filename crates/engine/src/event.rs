//! The engine's one voice. Progress, logs and statistics are readers of it.
//!
//! Whatever takes time is a task: a step, a pull, an export. A task starts, may print and count bytes, and
//! ends in exactly one of three ways.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Which task, counted from 1 in order of their start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskId(pub u32);

/// What happens during a build.
#[derive(Clone, Debug)]
pub enum Event {
    /// A task begins.
    Started {
        /// Which.
        task: TaskId,
        /// What it is, for people: `[builder 2/6] RUN go mod download`.
        name: String,
    },
    /// A task's process printed something: whole lines, or what came until the end.
    Printed {
        /// Which.
        task: TaskId,
        /// As printed.
        bytes: Vec<u8>,
    },
    /// A task moved bytes.
    Moved {
        /// Which.
        task: TaskId,
        /// What is moved: a layer's digest.
        what: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A task ended well.
    Ended {
        /// Which.
        task: TaskId,
        /// How.
        how: Ended,
        /// How long it took.
        took: Duration,
    },
    /// A task failed; the error comes as the build's result.
    Failed {
        /// Which.
        task: TaskId,
        /// In a few words.
        message: String,
    },
    /// Something that the user should know.
    Warning(String),
    /// A part of the work came to its end, in the thread that says so: for timings, and for nobody else.
    Spent {
        /// What was done.
        what: &'static str,
        /// How long it took.
        took: Duration,
    },
}

/// How a task ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The work was done.
    Done,
    /// An earlier result was taken.
    Cached,
}

/// Emits events and numbers tasks.
pub struct Voice<'a> {
    sink: &'a (dyn Fn(Event) + Sync),
    next: AtomicU32,
}

impl<'a> Voice<'a> {
    /// A voice that `sink` hears.
    pub fn new(sink: &'a (dyn Fn(Event) + Sync)) -> Voice<'a> {
        Voice { sink, next: AtomicU32::new(1) }
    }

    /// Says something.
    pub fn emit(&self, event: Event) {
        (self.sink)(event);
    }

    /// Says that the user should know something.
    pub fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Warning(text.into()));
    }

    /// Does something and says how long it took.
    pub fn timed<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.emit(Event::Spent { what, took: started.elapsed() });
        result
    }

    /// Starts a task.
    pub fn task(&self, name: impl Into<String>) -> Task<'_> {
        let id = TaskId(self.next.fetch_add(1, Ordering::Relaxed));
        self.emit(Event::Started { task: id, name: name.into() });
        Task { voice: self, id, started: Instant::now() }
    }
}

/// A task under way.
pub struct Task<'a> {
    voice: &'a Voice<'a>,
    id: TaskId,
    started: Instant,
}

impl Task<'_> {
    /// Passes on what a process printed.
    pub fn print(&self, bytes: &[u8]) {
        self.voice.emit(Event::Printed { task: self.id, bytes: bytes.to_vec() });
    }

    /// Counts bytes.
    pub fn moved(&self, what: &str, done: u64, total: u64) {
        self.voice.emit(Event::Moved { task: self.id, what: what.to_owned(), done, total });
    }

    /// How long it has been going on.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// The end.
    pub fn end(self, how: Ended) {
        let took = self.started.elapsed();
        self.voice.emit(Event::Ended { task: self.id, how, took });
    }

    /// The bad end.
    pub fn fail(self, message: impl Into<String>) {
        self.voice.emit(Event::Failed { task: self.id, message: message.into() });
    }

    /// Ends well or badly, as `result` says.
    pub fn close<T>(self, result: &crate::Result<T>) {
        match result {
            Ok(_) => self.end(Ended::Done),
            // The rest is advice, which comes with the error itself.
            Err(e) => self.fail(e.to_string().lines().next().unwrap_or_default()),
        }
    }
}

/// How far a blob has got.
impl transport::Progress for Task<'_> {
    fn at(&self, blob: &oci::Descriptor, position: u64) {
        self.moved(&blob.digest.short(), position, blob.size);
    }
}
