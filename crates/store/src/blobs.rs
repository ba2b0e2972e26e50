//! Blobs: bytes under their digest.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use oci::{Descriptor, Digest, Hasher};

use crate::growing::{Growing, Growth};
use crate::{Error, Result, Store};

/// A blob that is being written; it has no name until [`BlobWriter::commit`].
pub struct BlobWriter<'a> {
    store: &'a Store,
    scratch: PathBuf,
    file: BufWriter<File>,
    /// None if the digest is known from elsewhere.
    hasher: Option<Hasher>,
    written: u64,
    /// For those that read along.
    growth: Option<Arc<Growth>>,
}

impl Store {
    /// Where a blob is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path("blobs/sha256").join(digest.hex())
    }

    /// Whether the blob is here, whole.
    pub fn has_blob(&self, blob: &Descriptor) -> bool {
        fs::metadata(self.blob_path(&blob.digest)).is_ok_and(|m| m.len() == blob.size)
    }

    /// Reads a small blob (manifest, config); `None` if it isn't here.
    pub fn small_blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.blob_path(digest)).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps bytes under their digest.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.blob_path(&digest);
        if !path.exists() {
            self.write(&path, bytes)?;
        }
        Ok(digest)
    }

    /// Starts a blob whose digest is not known yet.
    ///
    /// # Errors
    /// If the scratch file can't be made.
    pub fn new_blob(&self) -> Result<BlobWriter<'_>> {
        let mut writer = self.new_hashed_blob()?;
        writer.hasher = Some(Hasher::default());
        Ok(writer)
    }

    /// Starts a blob whose digest is computed or verified by whoever writes it, for [`BlobWriter::commit_as`].
    ///
    /// # Errors
    /// If the scratch file can't be made.
    pub fn new_hashed_blob(&self) -> Result<BlobWriter<'_>> {
        let scratch = self.scratch("blob")?;
        let file = File::create_new(&scratch).map_err(|e| Error::at("create", &scratch, e))?;
        let file = BufWriter::with_capacity(1 << 17, file);
        Ok(BlobWriter { store: self, scratch, file, hasher: None, written: 0, growth: None })
    }
}

impl BlobWriter<'_> {
    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Reads the blob while it is written: it waits for what isn't there yet.
    ///
    /// # Errors
    /// If the scratch file can't be opened. The reader fails if the blob is given up.
    pub fn reader(&mut self) -> Result<Growing> {
        let file = File::open(&self.scratch).map_err(|e| Error::at("open", &self.scratch, e))?;
        let growth = self.growth.get_or_insert_default().clone();
        growth.reached(self.in_file());
        Ok(Growing::new(file, growth))
    }

    fn in_file(&self) -> u64 {
        self.written - self.file.buffer().len() as u64
    }

    /// Gives the blob its name.
    ///
    /// # Errors
    /// If the last bytes can't be written; then there is no blob.
    pub fn commit(mut self) -> Result<(Digest, u64)> {
        let hasher = self.hasher.take().expect("`new_hashed_blob` goes with `commit_as`");
        let (size, digest) = (hasher.count(), hasher.finish());
        self.commit_as(&digest)?;
        Ok((digest, size))
    }

    /// Gives the blob the name that whoever wrote it has computed, or has verified as it came.
    ///
    /// # Errors
    /// If the last bytes can't be written; then there is no blob.
    pub fn commit_as(mut self, digest: &Digest) -> Result<()> {
        self.file.flush().map_err(|e| Error::at("write", &self.scratch, e))?;
        if let Some(growth) = &self.growth {
            growth.whole(self.written);
        }
        self.store.place(&self.scratch, &self.store.blob_path(digest))
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..n]);
        }
        self.written += n as u64;
        if let Some(growth) = &self.growth {
            growth.reached(self.in_file());
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BlobWriter<'_> {
    fn drop(&mut self) {
        if let Some(growth) = &self.growth {
            growth.over();
        }
        // After a commit the name is gone already.
        let _ = fs::remove_file(&self.scratch);
    }
}

impl oci::Blobs for Store {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        self.check_blob(blob)?;
        let file = File::open(self.blob_path(&blob.digest))?;
        if file.metadata()?.len() != blob.size {
            return Err(io::Error::other(format!("blob {} has not {} bytes", blob.digest, blob.size)));
        }
        Ok(Box::new(file))
    }
}
