//! A reader that lets nothing wrong through: bytes in, the same bytes out, or an error.
//!
//! The check happens before the last byte is handed on, not at the end of the file: a decompressor may
//! stop reading as soon as it has seen its trailer.

use std::io::{self, Read};

use oci::{Descriptor, Hasher};

use crate::error::{Error, Kind};
use crate::pull::Progress;

/// Reads exactly a descriptor's bytes.
pub struct Verified<'a, R> {
    inner: R,
    blob: Descriptor,
    hasher: Option<Hasher>,
    right: bool,
    position: u64,
    progress: &'a dyn Progress,
}

impl<'a, R: Read> Verified<'a, R> {
    /// `inner` should give what `blob` describes.
    pub fn new(inner: R, blob: &Descriptor, progress: &'a dyn Progress) -> Verified<'a, R> {
        Verified {
            inner,
            blob: blob.clone(),
            hasher: Some(Hasher::default()),
            right: true,
            position: 0,
            progress,
        }
    }

    fn check(&mut self) -> io::Result<()> {
        if let Some(hasher) = self.hasher.take() {
            self.right = hasher.finish() == self.blob.digest;
        }
        if self.right {
            return Ok(());
        }
        let why = format!("the bytes of blob {} don't have its digest", self.blob.digest);
        Err(Error::new(Kind::Corrupt, why).into())
    }

    fn short(&self) -> io::Error {
        let (digest, size) = (self.blob.digest, self.blob.size);
        let why = format!("blob {digest} ends after {} of {size} bytes", self.position);
        Error::new(Kind::Corrupt, why).into()
    }
}

impl<R: Read> Read for Verified<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.size - self.position;
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if left == 0 {
            return self.check().map(|()| 0);
        }
        let count = self.inner.read(&mut buffer[..room])?;
        if count == 0 && room > 0 {
            return Err(self.short());
        }
        self.hasher.as_mut().expect("taken only at the end").update(&buffer[..count]);
        self.position += count as u64;
        if self.position == self.blob.size {
            self.check()?;
        }
        self.progress.at(&self.blob, self.position);
        Ok(count)
    }
}

/// All of a small blob.
pub(crate) fn read_all(inner: impl Read, blob: &Descriptor, max: u64) -> crate::error::Result<Vec<u8>> {
    if blob.size > max {
        let why =
            format!("blob {} has {} bytes, more than the {max} that are allowed", blob.digest, blob.size);
        return Err(Error::new(Kind::Corrupt, why));
    }
    let mut bytes = Vec::new();
    let read = Verified::new(inner, blob, &()).read_to_end(&mut bytes);
    read.map_err(|e| Error::io(format_args!("read blob {}", blob.digest), &e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[u8], described: &[u8], expected: Option<&str>) {
        let blob = Descriptor::of("x", described);
        let mut out = Vec::new();
        let result = Verified::new(sent, &blob, &()).read_to_end(&mut out);
        match expected {
            None => assert_eq!(out, described),
            Some(why) => assert!(result.unwrap_err().to_string().contains(why)),
        }
    }

    #[test]
    fn nothing_wrong_gets_through() {
        check(b"hello", b"hello", None);
        check(b"", b"", None);
        check(b"hello and more", b"hello", None);
        check(b"hell", b"hello", Some("ends after 4 of 5 bytes"));
        check(b"jello", b"hello", Some("don't have its digest"));
    }

    #[test]
    fn the_last_byte_comes_only_when_it_is_right() {
        let blob = Descriptor::of("x", b"hello");
        let mut exact = [0; 5];
        assert!(Verified::new(&b"jello"[..], &blob, &()).read_exact(&mut exact).is_err());
        assert!(Verified::new(&b"hello"[..], &blob, &()).read_exact(&mut exact).is_ok());
    }

    #[test]
    fn an_empty_blob_with_another_digest_is_refused() {
        let blob = Descriptor { size: 0, ..Descriptor::of("x", b"hello") };
        assert!(Verified::new(&b""[..], &blob, &()).read_to_end(&mut Vec::new()).is_err());
    }
}
