//! What a COPY of a context selects, as it looks from outside, to one digest: equal looks are equal content.
//!
//! A file counts by its inode and that one's state, as for [`Hashes`](crate::hash::Hashes), so nothing is read. Whoever
//! remembers what such a look came to needs neither digests of files nor a list of them to find that nothing changed.

use std::io;

use crate::copy::Origin;
use crate::entry::Time;
use crate::found::{Found, Shape};

/// What the digest is of.
const DOMAIN: &str = "tare tree look 1";

/// A file that was changed less than so many seconds ago could change once more within a tick of its clock.
const YOUNG: i64 = 2;

/// The digest of what the sources, each a path or a pattern, select in a scanned context; `whole` is all of it.
///
/// None if a file in it is too young to be told from what it may be in a moment, or isn't on disk.
///
/// # Errors
/// If a source isn't there.
pub fn look(all: &[Found], sources: &[&[u8]], whole: bool, now: Time) -> io::Result<Option<[u8; 32]>> {
    let origin = Origin::Context(all);
    let mut fields =
        Fields { hasher: blake3::Hasher::new_derive_key(DOMAIN), bytes: Vec::new(), now, young: false };
    if whole {
        all.iter().for_each(|found| fields.found(found));
    }
    for source in sources.iter().filter(|_| !whole) {
        for picked in origin.select(source)? {
            fields.text(&picked.path);
            fields.found(&picked.found);
            if picked.found.is_dir() {
                origin.below(&picked.found.path)?.iter().for_each(|found| fields.found(found));
            }
        }
        fields.number(0);
    }
    fields.flush();
    Ok((!fields.young).then(|| fields.hasher.finalize().into()))
}

struct Fields {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    now: Time,
    young: bool,
}

impl Fields {
    fn found(&mut self, found: &Found) {
        self.text(&found.path);
        self.number(found.meta.mode.into());
        match &found.shape {
            Shape::Dir => self.number(1),
            Shape::Symlink { target } => {
                self.number(2);
                self.text(target);
            }
            Shape::Fifo => self.number(3),
            Shape::Char { major, minor } => self.device(4, *major, *minor),
            Shape::Block { major, minor } => self.device(5, *major, *minor),
            Shape::File(file) => match file.ident {
                Some(ident) => {
                    [6, ident.dev, ident.ino, ident.size].iter().for_each(|n| self.number(*n));
                    self.time(ident.mtime);
                    self.time(ident.ctime);
                    self.young |= self.now.sec - ident.ctime.sec <= YOUNG;
                }
                None => self.young = true,
            },
        }
        if self.bytes.len() > 64 << 10 {
            self.flush();
        }
    }

    fn device(&mut self, tag: u64, major: u32, minor: u32) {
        [tag, major.into(), minor.into()].iter().for_each(|n| self.number(*n));
    }

    fn flush(&mut self) {
        self.hasher.update(&self.bytes);
        self.bytes.clear();
    }

    fn time(&mut self, time: Time) {
        self.number(time.sec as u64);
        self.number(time.nsec.into());
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }
}
