//! A file that is read while it is being written: a reader waits for what isn't there yet.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex};

/// How far the writer has got.
#[derive(Default)]
pub(crate) struct Growth {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    written: u64,
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Never,
}

impl Growth {
    /// So many bytes are in the file now.
    pub(crate) fn reached(&self, written: u64) {
        self.set(|state| state.written = written);
    }

    /// That was all.
    pub(crate) fn whole(&self, written: u64) {
        self.set(|state| *state = State { written, end: Some(End::Whole) });
    }

    /// Nobody writes any more: unless it is whole, it never will be.
    pub(crate) fn over(&self) {
        self.set(|state| state.end = state.end.or(Some(End::Never)));
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no holder panics"));
        self.more.notify_all();
    }

    /// Waits for more than `position` bytes, or the end.
    fn beyond(&self, position: u64) -> State {
        let state = self.state.lock().expect("no holder panics");
        let waits = |state: &mut State| state.written <= position && state.end.is_none();
        *self.more.wait_while(state, waits).expect("no holder panics")
    }
}

/// Reads what a writer writes, up to where it ends; an error if the writer gives up.
pub struct Growing {
    file: File,
    growth: Arc<Growth>,
    position: u64,
}

impl Growing {
    pub(crate) fn new(file: File, growth: Arc<Growth>) -> Growing {
        Growing { file, growth, position: 0 }
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let State { written, end } = self.growth.beyond(self.position);
        if matches!(end, Some(End::Never)) {
            return Err(io::Error::other("it was not written to its end"));
        }
        let room = usize::try_from(written - self.position).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}
