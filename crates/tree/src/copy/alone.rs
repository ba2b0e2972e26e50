//! What a `COPY` of a folder brings, on nothing, to the digest of its changes without a list of them.
//!
//! A build asks for that before anything else, and of a context of a million files the list alone is 150 MB. Here it
//! is never longer than a few ten thousand.

use std::io;

use crate::copy::Copy;
use crate::copy::source::{Origin, clean, is_pattern};
use crate::found::{Found, Shape};
use crate::hash::{Hashes, hash};
use crate::id::Sum;

/// So many are read at a time. A large file at the end of them keeps one core busy alone, so they are not few.
const AT_ONCE: usize = 1 << 15;

/// The [`id`](crate::id()) of what [`copy`](crate::copy()) would make of one path of a scanned context, copied to `/` of an
/// empty tree. None if that path is no folder, or has what only the whole list tells of: then make it.
///
/// # Errors
/// If the path isn't there, or a file can't be read.
pub fn alone(
    how: &Copy<'_>,
    all: &[Found],
    path: &[u8],
    hashes: &dyn Hashes,
) -> io::Result<Option<[u8; 32]>> {
    if how.parents || !how.exclude.is_empty() || clean(how.dest) != b"" || is_pattern(path) {
        return Ok(None);
    }
    let origin = Origin::Context(all);
    let folder = origin.pick(&clean(path))?.found;
    let below = origin.below(&folder.path)?;
    if !folder.is_dir() || below.iter().any(may_be_link) {
        return Ok(None);
    }
    let mut sum = Sum::default();
    for some in below.chunks(AT_ONCE) {
        let placed = some.iter().map(|found| placed(how, &folder, found)).collect();
        hash(placed, hashes)?.iter().for_each(|entry| sum.put(entry));
    }
    Ok(Some(sum.finish()))
}

/// Of several names of a file all but the first are links to that one.
fn may_be_link(found: &Found) -> bool {
    matches!(&found.shape, Shape::File(file) if file.inode.is_some())
}

fn placed(how: &Copy<'_>, folder: &Found, found: &Found) -> Found {
    let mut placed = found.clone();
    if !folder.path.is_empty() {
        placed.path = found.path[folder.path.len() + 1..].into();
    }
    how.dress(&mut placed.meta, &placed.shape);
    placed
}
