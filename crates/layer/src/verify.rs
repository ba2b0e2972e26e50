//! A stream of bytes that somebody else named by digest, to the same stream, checked.

use std::io::{self, Read};

use oci::{Digest, Hasher};

use crate::failure::bad;

/// Passes bytes on and fails at their end unless they have the expected digest and size.
///
/// Bytes count only once the end was read: whoever uses them before must be able to throw the result away.
pub struct Verified<R> {
    inner: R,
    hasher: Option<Hasher>,
    digest: Digest,
    size: Option<u64>,
}

impl<R: Read> Verified<R> {
    /// Expects `digest`, and `size` bytes if that is known.
    pub fn new(inner: R, digest: Digest, size: Option<u64>) -> Verified<R> {
        Verified { inner, hasher: Some(Hasher::default()), digest, size }
    }

    /// Reads what is left, so that all of it was checked.
    ///
    /// # Errors
    /// If reading fails or the bytes are not the expected ones.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }

    fn check(&mut self) -> io::Result<()> {
        // A reader may ask again after the end.
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        let count = hasher.count();
        if self.size.is_some_and(|size| size != count) {
            return Err(self.wrong_size(count));
        }
        let found = hasher.finish();
        if found != self.digest {
            return Err(bad(format!("digest mismatch: expected `{}`, got `{found}`", self.digest)));
        }
        Ok(())
    }

    fn wrong_size(&self, count: u64) -> io::Error {
        let (digest, size) = (self.digest, self.size.unwrap_or_default());
        if count > size {
            return bad(format!("`{digest}` has more than the expected {size} bytes"));
        }
        bad(format!("`{digest}` has {count} bytes, expected {size}"))
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            return self.check().map(|()| 0);
        }
        let Some(hasher) = &mut self.hasher else {
            return Err(bad("bytes after the end of a checked stream"));
        };
        hasher.update(&buffer[..count]);
        let total = hasher.count();
        if self.size.is_some_and(|size| total > size) {
            return Err(self.wrong_size(total));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], digest_of: &[u8], size: Option<u64>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut verified = Verified::new(bytes, Digest::of(digest_of), size);
        verified.read_to_end(&mut out).map_err(|e| e.to_string())?;
        assert_eq!(verified.read(&mut [0; 4]).unwrap(), 0);
        Ok(out)
    }

    #[test]
    fn the_right_bytes_pass() {
        assert_eq!(read(b"hello", b"hello", Some(5)).unwrap(), b"hello");
        assert_eq!(read(b"hello", b"hello", None).unwrap(), b"hello");
        assert_eq!(read(b"", b"", Some(0)).unwrap(), b"");
    }

    #[test]
    fn others_do_not() {
        let table = [
            (&b"hellO"[..], &b"hello"[..], Some(5), "digest mismatch"),
            (b"hell", b"hello", None, "digest mismatch"),
            (b"hell", b"hello", Some(5), "has 4 bytes, expected 5"),
            (b"hello!", b"hello", Some(5), "more than the expected 5 bytes"),
        ];
        for (bytes, digest_of, size, message) in table {
            let error = read(bytes, digest_of, size).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn finish_reads_the_rest() {
        let verified = |bytes| Verified::new(bytes, Digest::of(b"hello"), None);
        assert!(verified(&b"hello"[..]).finish().is_ok());
        assert!(verified(&b"hellp"[..]).finish().is_err());
    }
}
