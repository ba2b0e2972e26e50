//! Bytes until the user has had enough: after Ctrl-C they end with an error, and what is unfinished goes as after any.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A reader or writer that ends early when the flag is set.
pub struct Stoppable<T> {
    inner: T,
    stop: Arc<AtomicBool>,
}

impl<T> Stoppable<T> {
    /// Goes by the flag that a signal sets.
    pub fn new(inner: T, stop: &Arc<AtomicBool>) -> Stoppable<T> {
        Stoppable { inner, stop: stop.clone() }
    }

    fn check(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(io::Error::other("stopped")) } else { Ok(()) }
    }
}

impl<T: Read> Read for Stoppable<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.read(buffer)
    }
}

impl<T: Write> Write for Stoppable<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_signal_nothing_moves_any_more() {
        let stop = Arc::default();
        let (mut reader, mut writer) =
            (Stoppable::new(&b"abc"[..], &stop), Stoppable::new(Vec::new(), &stop));
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 1);
        assert_eq!(writer.write(b"abc").unwrap(), 3);
        stop.store(true, Ordering::SeqCst);
        assert!(reader.read(&mut [0; 1]).is_err() && writer.write(b"d").is_err());
    }
}
