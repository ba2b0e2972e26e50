//! A blob's bytes from where they are read and checked to where they are written, both at the same time.
//!
//! To check a blob takes about as long as to write it. Nothing else is different from a copy on one thread: the bytes
//! come in order, and the last ones only when all of them are right (see `verify`).

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use oci::{Blobs, Descriptor};

use crate::bundle::Part;
use crate::pull::Progress;
use crate::verify::Verified;

/// How many bytes are moved at a time: a blob that is no longer is not worth a thread.
const BUFFER: usize = 256 << 10;
/// How many buffers there are: one to be filled, one to be emptied, two between.
const BUFFERS: usize = 4;

/// Writes the bytes of a part, checked.
///
/// # Errors
/// If reading or writing fails, or the bytes are not what the descriptor says; then `out` lacks the last of them.
pub(crate) fn relay(
    part: &Part<'_>,
    blobs: &dyn Blobs,
    progress: &dyn Progress,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut source = Verified::new(part.open(blobs)?, &part.blob, progress);
    if is_small(&part.blob) { io::copy(&mut source, out).map(drop) } else { on_two_threads(&mut source, out) }
}

fn is_small(blob: &Descriptor) -> bool {
    blob.size <= BUFFER as u64
}

fn on_two_threads(source: &mut (dyn Read + Send), out: &mut dyn Write) -> io::Result<()> {
    let (give, take) = sync_channel(BUFFERS);
    let (give_back, take_again) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        give_back.send(Vec::new()).expect("the other end is here");
    }
    // Moved, so that a failure to write closes both ways and the reader ends, even if it waits for a buffer.
    thread::scope(move |scope| {
        scope.spawn(move || read(source, &take_again, &give));
        for bytes in take {
            let bytes = bytes?;
            out.write_all(&bytes)?;
            // The reader is gone when it has come to the end.
            let _ = give_back.send(bytes);
        }
        Ok(())
    })
}

/// Ends with the bytes or an error, or when the writer is gone.
fn read(source: &mut dyn Read, buffers: &Receiver<Vec<u8>>, full: &SyncSender<io::Result<Vec<u8>>>) {
    for mut buffer in buffers {
        match fill(source, &mut buffer) {
            Ok(0) => return,
            Ok(_) if full.send(Ok(buffer)).is_err() => return,
            Ok(_) => {}
            // The writer may be gone too.
            Err(e) => return drop(full.send(Err(e))),
        }
    }
}

fn fill(source: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.resize(BUFFER, 0);
    loop {
        match source.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => {
                return result.inspect(|&count| buffer.truncate(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|i| (i / 7 % 251) as u8).collect()
    }

    /// Gives a few bytes at a time, and is interrupted between.
    struct Dripping<'a>(&'a [u8], bool);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let few = buffer.len().min(100_000);
            self.0.read(&mut buffer[..few])
        }
    }

    #[test]
    fn all_bytes_come_in_order() {
        for count in [BUFFER + 1, 3 * BUFFER, 20 * BUFFER + 17] {
            let all = bytes(count);
            let mut out = Vec::new();
            on_two_threads(&mut &all[..], &mut out).unwrap();
            assert!(out == all, "{count}");
            out.clear();
            on_two_threads(&mut Dripping(&all, false), &mut out).unwrap();
            assert!(out == all, "{count}");
        }
    }

    #[test]
    fn the_last_bytes_come_only_when_all_are_right() {
        let mut wrong = bytes(20 * BUFFER + 17);
        let blob = Descriptor::of("x", &wrong);
        wrong[0] = 1;
        let mut out = Vec::new();
        let error = on_two_threads(&mut Verified::new(&wrong[..], &blob, &()), &mut out).unwrap_err();
        assert!(error.to_string().contains("don't have its digest"), "{error}");
        assert!(out.len() < wrong.len());
    }

    #[test]
    fn a_writer_that_fails_ends_it() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // The reader is ahead, and waits for a buffer.
                thread::sleep(std::time::Duration::from_millis(20));
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = on_two_threads(&mut &bytes(20 * BUFFER)[..], &mut Full(5 * BUFFER)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
