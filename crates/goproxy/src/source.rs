//! A file as the zip reader wants it: many small reads and seeks, served from one window.
//!
//! Reads by position, so that clones don't disturb each other. A seek costs nothing, whereas std's
//! `BufReader` forgets its buffer: the zip reader seeks after each entry of the directory.
//! Until `Allowance::lift`, only so many bytes come out: the directory of a zip that nobody has checked
//! yet may claim millions of entries, all of which the zip reader would keep in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const WINDOW: usize = 64 << 10;

/// How many bytes may still be read.
#[derive(Clone)]
pub(crate) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// From now on everything may be read.
    pub(crate) fn lift(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    fn spend(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        if left == u64::MAX {
            return Ok(());
        }
        let rest = left.checked_sub(bytes).ok_or_else(|| io::Error::other("its directory is too large"))?;
        self.0.store(rest, Ordering::Relaxed);
        Ok(())
    }
}

/// A file with a position and a window of its own.
pub(crate) struct Source {
    file: Arc<File>,
    length: u64,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
    allowance: Allowance,
}

impl Source {
    /// The whole file, of which at most `allowed` bytes come out at first.
    pub(crate) fn new(file: File, allowed: u64) -> io::Result<(Source, Allowance)> {
        let length = file.metadata()?.len();
        let allowance = Allowance(Arc::new(AtomicU64::new(allowed)));
        let source = Source {
            file: Arc::new(file),
            length,
            position: 0,
            window: Vec::new(),
            window_start: 0,
            allowance: allowance.clone(),
        };
        Ok((source, allowance))
    }

    /// The bytes of the window from the position on.
    fn ahead(&self) -> &[u8] {
        let skipped = self.position.checked_sub(self.window_start).and_then(|n| usize::try_from(n).ok());
        skipped.and_then(|skipped| self.window.get(skipped..)).unwrap_or_default()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.window.resize(WINDOW, 0);
        let count = self.file.read_at(&mut self.window, self.position)?;
        self.window.truncate(count);
        self.window_start = self.position;
        Ok(())
    }
}

impl Clone for Source {
    fn clone(&self) -> Source {
        Source { file: self.file.clone(), window: Vec::new(), allowance: self.allowance.clone(), ..*self }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead().is_empty() {
            self.refill()?;
        }
        let count = self.ahead().read(buffer)?;
        self.allowance.spend(count as u64)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn reads_from_anywhere_and_past_the_end() {
        let scratch = Scratch::new();
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        let (mut source, _) = Source::new(scratch.file("x", &bytes), u64::MAX).unwrap();
        for at in [150_000, 3, 70_000, 69_990, 199_999] {
            source.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut byte = [0];
            source.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], bytes[at]);
        }
        source.seek(SeekFrom::End(-2)).unwrap();
        let mut rest = Vec::new();
        source.clone().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, bytes[199_998..]);
        source.seek(SeekFrom::End(10)).unwrap();
        assert_eq!(source.read(&mut [0]).unwrap(), 0);
        assert!(source.seek(SeekFrom::Current(-300_000)).is_err());
    }

    #[test]
    fn the_allowance_ends_until_it_is_lifted() {
        let scratch = Scratch::new();
        let (mut source, allowance) = Source::new(scratch.file("x", b"0123456789"), 4).unwrap();
        let mut four = [0; 4];
        source.read_exact(&mut four).unwrap();
        assert!(source.read_exact(&mut four).is_err());
        allowance.lift();
        source.read_exact(&mut four).unwrap();
        assert_eq!(&four, b"4567");
    }
}
