//! Bytes from a thread that makes them to one that uses them, never more than a few chunks ahead.
//!
//! A side that goes away is seen by the other: the maker gets `BrokenPipe`, the user the stream's end.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many full chunks wait in between.
const AHEAD: usize = 4;

/// The maker's end: cuts what is written into chunks of one size, the last one may be shorter.
pub struct Inlet {
    sender: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    size: usize,
}

/// The user's end.
pub struct Outlet {
    receiver: Receiver<Vec<u8>>,
    chunk: io::Cursor<Vec<u8>>,
}

/// Both ends, for chunks of `size` bytes.
pub fn pump(size: usize) -> (Inlet, Outlet) {
    let (sender, receiver) = sync_channel(AHEAD);
    (
        Inlet { sender, chunk: Vec::with_capacity(size), size },
        Outlet { receiver, chunk: io::Cursor::default() },
    )
}

impl Inlet {
    /// Sends the last chunk.
    pub fn finish(mut self) -> io::Result<()> {
        if self.chunk.is_empty() { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> io::Result<()> {
        let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(self.size));
        self.sender.send(full).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Inlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.size - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..count]);
        if self.chunk.len() == self.size {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet {
    /// The next chunk as it was cut; none at the end.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        self.receiver.recv().ok()
    }
}

impl Read for Outlet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.receiver.recv() {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk),
                Err(_) => return Ok(0),
            }
        }
    }
}
