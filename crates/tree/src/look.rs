//! What a COPY of a context selects, as it looks from outside, to one digest: equal looks are equal content.
//!
//! A file counts by its inode and that one's state, as for [`Hashes`](crate::hash::Hashes), so nothing is read. Whoever
//! remembers what such a look came to needs neither digests of files nor a list of them to find that nothing changed.

use std::io;

use crate::copy::Origin;
use crate::entry::Time;
use crate::found::{Found, Shape};
use crate::id::Fields;
use crate::root::Ident;

/// What the digest is of.
const DOMAIN: &str = "tare tree look 2";

/// A file that was changed no more than so many seconds ago could change once more within a tick of its clock.
pub const YOUNG: i64 = 2;

/// The digest of what the sources, each a path or a pattern, select in a scanned context; `whole` is all of it.
///
/// None if a file in it is too young to be told from what it may be in a moment, or isn't on disk.
///
/// # Errors
/// If a source isn't there.
pub fn look(all: &[Found], sources: &[&[u8]], whole: bool, now: Time) -> io::Result<Option<[u8; 32]>> {
    let origin = Origin::Context(all);
    let (hasher, fields) = (blake3::Hasher::new_derive_key(DOMAIN), Fields::default());
    let mut digest = Digest { hasher, fields, now, young: false };
    if whole {
        all.iter().for_each(|found| digest.found(found));
    }
    for source in sources.iter().filter(|_| !whole) {
        for picked in origin.select(source)? {
            digest.fields.bytes(&picked.path);
            digest.found(&picked.found);
            if picked.found.is_dir() {
                origin.below(&picked.found.path)?.iter().for_each(|found| digest.found(found));
            }
        }
        digest.fields.number(0);
    }
    digest.flush();
    Ok((!digest.young).then(|| digest.hasher.finalize().into()))
}

struct Digest {
    hasher: blake3::Hasher,
    /// Those that aren't hashed yet.
    fields: Fields,
    now: Time,
    young: bool,
}

impl Digest {
    fn found(&mut self, found: &Found) {
        let fields = &mut self.fields;
        fields.bytes(&found.path);
        fields.number(found.meta.mode.into());
        match &found.shape {
            Shape::Dir => fields.tag(b'd'),
            Shape::Symlink { target } => fields.tagged(b'l', target),
            Shape::Fifo => fields.tag(b'p'),
            Shape::Char { major, minor } => fields.device(b'c', *major, *minor),
            Shape::Block { major, minor } => fields.device(b'b', *major, *minor),
            Shape::File(file) => match file.ident() {
                Some(Ident { dev, ino, size, mtime, ctime }) => {
                    fields.tag(b'f');
                    [dev, ino, size].iter().for_each(|n| fields.number(*n));
                    for time in [mtime, ctime] {
                        fields.number(time.sec as u64);
                        fields.number(time.nsec.into());
                    }
                    self.young |= self.now.sec - ctime.sec <= YOUNG;
                }
                None => self.young = true,
            },
        }
        if self.fields.0.len() > 64 << 10 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.update(&self.fields.0);
        self.fields.0.clear();
    }
}
