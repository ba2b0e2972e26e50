//! A file or standard input to a plain tar that can be read anywhere.
//!
//! What is compressed, or comes through a pipe, is copied to the store's scratch folder first.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use store::Store;

use crate::failure::Failure;

/// A plain tar in a file.
pub struct Input {
    name: String,
    path: PathBuf,
    scratch: PathBuf,
}

impl Input {
    /// Opens a file; without one, standard input.
    ///
    /// # Errors
    /// If it can't be read, or standard input is a terminal.
    pub fn open(path: Option<&Path>, store: &Store) -> Result<Input, Failure> {
        let name = path.map_or("standard input".to_owned(), |path| path.display().to_string());
        let copy = store.scratch("archive")?;
        let scratch = copy.parent().unwrap_or(store.root()).to_owned();
        let plain = match path {
            Some(path) => from_file(path, copy),
            None if io::stdin().is_terminal() => return Err(no_archive()),
            None => spool(io::stdin(), copy),
        };
        let path = plain.map_err(|e| Failure::Other(format!("read `{name}`: {e}")))?;
        Ok(Input { name, path, scratch })
    }

    /// Where the tar is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder for what may be needed besides.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// What is wrong with it, under the name that the user knows.
    pub fn failed(&self, why: &str) -> Failure {
        Failure::Other(format!("read `{}`: {why}", self.name))
    }
}

fn no_archive() -> Failure {
    Failure::Usage("there is no archive on a terminal: use `-i FILE`, or redirect".to_owned())
}

fn from_file(path: &Path, copy: PathBuf) -> io::Result<PathBuf> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_file() && is_plain(&mut file)? {
        return Ok(path.to_owned());
    }
    spool(File::open(path)?, copy)
}

fn is_plain(file: &mut File) -> io::Result<bool> {
    let (format, _) = layer::decoder(file)?;
    Ok(format == layer::Format::Plain)
}

fn spool(from: impl Read + Send, copy: PathBuf) -> io::Result<PathBuf> {
    let (_, mut plain) = layer::decoder(from)?;
    io::copy(&mut plain, &mut File::create_new(&copy)?)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `gzip` makes of nothing.
    const GZIPPED: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";

    fn check(test: &str, bytes: &[u8], is_copied: bool) {
        let folder = std::env::temp_dir().join(format!("tare-input-{test}-{}", std::process::id()));
        let (file, copy) = (folder.join("x.tar"), folder.join("copy"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let found = from_file(&file, copy.clone()).unwrap();
        assert_eq!((found == copy, copy.exists()), (is_copied, is_copied));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_what_is_compressed_is_copied() {
        check("plain", b"plain bytes", false);
        check("gzip", GZIPPED, true);
    }
}
