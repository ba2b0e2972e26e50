//! A node to its bytes, as the kernel asks for them, a piece at a time.
//!
//! Files that were read last stay open. There may be more open in a step than one process may have, so an OPEN holds
//! nothing here.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::tree::Source;
use rustix::io::Errno;

use crate::tree::Id;

/// How many files stay open.
const MOST_OPEN: usize = 32;

/// The files that were read last, the latest at the end.
#[derive(Default)]
pub(crate) struct Contents(Mutex<Vec<(Id, Arc<File>)>>);

impl Contents {
    /// Fills `space` with what a file of `size` bytes has from `offset` on.
    pub(crate) fn read(
        &self,
        id: Id,
        source: &Source,
        size: u64,
        offset: u64,
        space: &mut [u8],
    ) -> Result<(), Errno> {
        match source {
            Source::Bytes(bytes) => {
                let part = bytes.get(offset as usize..).and_then(|rest| rest.get(..space.len()));
                space.copy_from_slice(part.ok_or(Errno::IO)?);
                Ok(())
            }
            Source::Disk { root, path } => {
                let file = self.open(id, size, || root.file(path)).map_err(errno)?;
                // A file that has become shorter is not the one that was hashed.
                file.read_exact_at(space, offset).map_err(errno)
            }
        }
    }

    /// Closes all of them.
    pub(crate) fn close_all(&self) {
        self.lock().clear();
    }

    /// Nobody has it open any more.
    pub(crate) fn close(&self, id: Id) {
        self.lock().retain(|(known, _)| *known != id);
    }

    fn open(&self, id: Id, size: u64, open: impl FnOnce() -> io::Result<File>) -> io::Result<Arc<File>> {
        if let Some((_, file)) = self.lock().iter().find(|(known, _)| *known == id) {
            return Ok(file.clone());
        }
        let file = Arc::new(open()?);
        if file.metadata()?.len() != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut files = self.lock();
        if files.len() == MOST_OPEN {
            files.remove(0);
        }
        files.push((id, file.clone()));
        Ok(file)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Id, Arc<File>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
