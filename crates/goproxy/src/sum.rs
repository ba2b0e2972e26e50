//! The hash of a module's files: names and contents to `h1:…`, as in go.sum.
//!
//! | in | out |
//! |---|---|
//! | each file's name, with `path@version/` before it | the zip's bytes, so that it may be packed anew |
//! | each file's contents | modes, times, order |
//!
//! SHA-256 over one line a file, sorted by name: the contents' SHA-256 in hex, two spaces, the name.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind};

/// A module's hash, `h1:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum([u8; 32]);

impl Sum {
    /// The hash of files that are given as name and SHA-256, in the order of the names.
    pub(crate) fn of(files: impl IntoIterator<Item = (String, [u8; 32])>) -> Sum {
        let mut hash = Sha256::new();
        for (name, contents) in files {
            hash.update(format!("{}  {name}\n", hex(&contents)));
        }
        Sum(hash.finalize().into())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for Sum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Sum, Error> {
        let bytes = text.strip_prefix("h1:").and_then(|text| STANDARD.decode(text).ok());
        let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Sum).ok_or_else(|| Error::new(Kind::Mismatch, format!("`{text}` is not an h1: checksum")))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h1:{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_read_as_written() {
        let text = "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=";
        assert_eq!(text.parse::<Sum>().unwrap().to_string(), text);
        for bad in ["", "h1:", "h2:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=", "h1:ZOmG", "h1:!!!!"] {
            assert!(bad.parse::<Sum>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_files_have_the_hash_of_nothing() {
        assert_eq!(Sum::of([]).to_string(), "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
