//! A path that its holders share: of the lists that a build makes of a context most have the same ones.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes relative to a root, as [`entry`](crate::entry) has it; a clone costs nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<[u8]>);

impl Path {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Path {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Path {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Path {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Path {
    fn eq(&self, other: &&[u8; N]) -> bool {
        *self.0 == other[..]
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Default for Path {
    fn default() -> Path {
        Path(Arc::new([]))
    }
}

impl From<Vec<u8>> for Path {
    fn from(bytes: Vec<u8>) -> Path {
        Path(bytes.into())
    }
}

impl From<&[u8]> for Path {
    fn from(bytes: &[u8]) -> Path {
        Path(bytes.into())
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Path {
        Path(text.as_bytes().into())
    }
}
