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
    let mut digests: Vec<[u8; 32]> = changes.iter().map(one).collect();
    digests.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
    for digest in &digests {
        hasher.update(digest);
    }
    hasher.finalize().into()
}

fn one(change: &Change) -> [u8; 32] {
    let mut fields = Fields::default();
    fields.bytes(change.path());
    match change {
        Change::Remove(_) => fields.tag(b'-'),
        Change::Opaque(_) => fields.tag(b'o'),
        Change::Put(entry) => put(&mut fields, entry),
    }
    blake3::hash(&fields.0).into()
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
