//! Changes to one digest that stays the same while they do: the key of a layer's content.
//!
//! | in | why |
//! |---|---|
//! | path, and whether it is put, removed or made opaque | it is what the layer does |
//! | kind, mode, uid, gid | a process sees them |
//! | extended attributes | capabilities change what a program may do |
//! | size and BLAKE3 of a file | its bytes |
//! | link target, device numbers | what it is |
//!
//! | out | why |
//! |---|---|
//! | mtime | a checkout sets them anew; Docker's cache ignores them too |
//! | where the bytes are | the same bytes elsewhere are the same bytes |
//! | the order of the changes | they are a set |
//!
//! Each change is hashed alone, every field with its length in front, and the sorted digests are hashed
//! together. Version 1; another table needs another [`DOMAIN`], for the digests are cache keys on disk.

use crate::entry::{Change, Entry, Kind, Meta};

/// What the digest is of; changing it forgets every cache.
const DOMAIN: &str = "tare tree changes 1";

/// The digest of what the changes do.
pub fn id(changes: &[Change]) -> [u8; 32] {
    let mut sum = Sum::default();
    sum.digests.reserve_exact(changes.len());
    changes.iter().for_each(|change| sum.add(change));
    sum.finish()
}

/// The same for changes of which there is no list.
#[derive(Default)]
pub(crate) struct Sum {
    digests: Vec<[u8; 32]>,
    fields: Fields,
}

impl Sum {
    pub fn add(&mut self, change: &Change) {
        match change {
            Change::Remove(path) => self.one(path, |fields| fields.tag(b'-')),
            Change::Opaque(path) => self.one(path, |fields| fields.tag(b'o')),
            Change::Put(entry) => self.put(entry),
        }
    }

    pub fn put(&mut self, entry: &Entry) {
        self.one(&entry.path, |fields| put(fields, entry));
    }

    pub fn finish(mut self) -> [u8; 32] {
        self.digests.sort_unstable_by_key(order);
        let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
        for digest in &self.digests {
            hasher.update(digest);
        }
        hasher.finalize().into()
    }

    fn one(&mut self, path: &[u8], what: impl FnOnce(&mut Fields)) {
        self.fields.0.clear();
        self.fields.bytes(path);
        what(&mut self.fields);
        self.digests.push(blake3::hash(&self.fields.0).into());
    }
}

/// Digests sort as their bytes do; of a million, their halves as numbers take half the time.
fn order(digest: &[u8; 32]) -> [u128; 2] {
    let (halves, _) = digest.as_chunks();
    [u128::from_be_bytes(halves[0]), u128::from_be_bytes(halves[1])]
}

fn put(fields: &mut Fields, entry: &Entry) {
    fields.tag(b'+');
    meta(fields, &entry.meta);
    match &entry.kind {
        Kind::Dir => fields.tag(b'd'),
        Kind::File { size, content, source: _ } => {
            fields.tag(b'f');
            fields.number(*size);
            fields.bytes(&content.0);
        }
        Kind::Symlink { target } => fields.tagged(b'l', target),
        Kind::Hardlink { target } => fields.tagged(b'h', target),
        Kind::Fifo => fields.tag(b'p'),
        Kind::Char { major, minor } => fields.device(b'c', *major, *minor),
        Kind::Block { major, minor } => fields.device(b'b', *major, *minor),
    }
}

fn meta(fields: &mut Fields, meta: &Meta) {
    let Meta { mode, uid, gid, mtime: _, xattrs } = meta;
    for number in [*mode, *uid, *gid] {
        fields.number(number.into());
    }
    fields.number(xattrs.len() as u64);
    for (name, value) in xattrs {
        fields.bytes(name);
        fields.bytes(value);
    }
}

/// Fields one after the other; numbers are eight bytes, little-endian.
#[derive(Default)]
pub(crate) struct Fields(pub Vec<u8>);

impl Fields {
    pub fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.tag(tag);
        self.bytes(bytes);
    }

    pub fn device(&mut self, tag: u8, major: u32, minor: u32) {
        self.tag(tag);
        self.number(major.into());
        self.number(minor.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_sort_as_their_bytes_do() {
        let digest = |at: usize, byte| {
            let mut digest = [7; 32];
            digest[at] = byte;
            digest
        };
        let all: Vec<[u8; 32]> = (0..32).flat_map(|at| [digest(at, 1), digest(at, 200)]).collect();
        for a in &all {
            assert!(all.iter().all(|b| a.cmp(b) == order(a).cmp(&order(b))));
        }
    }
}
