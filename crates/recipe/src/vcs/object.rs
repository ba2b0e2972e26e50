//! Objects by their id: commits, trees, tags, blobs, loose or packed, here or in alternates.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

use super::Read;
use super::pack::Pack;
use super::place::Place;

/// An object's name. SHA-1's length; repositories with SHA-256 are turned down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id(pub [u8; 20]);

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A file's content.
    Blob,
    /// An annotated tag.
    Tag,
}

/// A commit, as far as it matters.
pub struct Commit {
    /// Its files.
    pub tree: Id,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
}

/// One line of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeEntry {
    /// `0o100644`, `0o040000`, …
    pub mode: u32,
    /// The name.
    pub name: Vec<u8>,
    /// The content.
    pub id: Id,
}

/// The objects of a repository.
pub struct Objects {
    folders: Vec<PathBuf>,
    packs: Vec<Pack>,
}

/// Larger ones are not read: no commit, tree or source is.
pub const LARGEST: u64 = 256 << 20;

/// How many times alternates may name further ones, and tags tags.
const DEEPEST: usize = 8;

impl Id {
    /// Reads forty hexadecimal digits.
    pub fn parse(text: &str) -> Option<Id> {
        let mut id = [0; 20];
        if text.len() != 40 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Id(id))
    }

    /// The first twenty bytes.
    pub fn of(bytes: &[u8]) -> Option<Id> {
        bytes.first_chunk().map(|id| Id(*id))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Kind {
    fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "commit" => Kind::Commit,
            "tree" => Kind::Tree,
            "blob" => Kind::Blob,
            "tag" => Kind::Tag,
            _ => return None,
        })
    }
}

impl Objects {
    /// Opens a repository's objects.
    pub fn open(place: &Place) -> Read<Objects> {
        if place.config.get("extensions", None, "objectformat").is_some_and(|format| format != "sha1") {
            return Err("the repository's object format is not SHA-1".to_owned());
        }
        let mut folders = Vec::new();
        with_alternates(&place.common.join("objects"), DEEPEST, &mut folders);
        let mut packs = Vec::new();
        folders.iter().for_each(|folder| packs.extend(super::pack::all(&folder.join("pack"))));
        Ok(Objects { folders, packs })
    }

    /// A commit.
    pub fn commit(&mut self, id: Id) -> Read<Commit> {
        let text = self.expect(id, Kind::Commit)?;
        let text = String::from_utf8_lossy(&text);
        let malformed = || format!("commit {id} is malformed");
        let field =
            |name: &str| text.lines().take_while(|l| !l.is_empty()).find_map(|l| l.strip_prefix(name));
        let tree = field("tree ").and_then(Id::parse).ok_or_else(malformed)?;
        let when = field("committer ").and_then(|line| line.rsplit_once("> ")).ok_or_else(malformed)?.1;
        let time = when.split(' ').next().and_then(|seconds| seconds.parse().ok()).ok_or_else(malformed)?;
        Ok(Commit { tree, time })
    }

    /// The tree of a folder below another tree; `None` if it isn't tracked.
    pub fn tree_at(&mut self, mut tree: Id, path: &str) -> Read<Option<Id>> {
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let found =
                self.tree(tree)?.into_iter().find(|e| e.name == name.as_bytes() && e.mode == 0o040_000);
            match found {
                Some(entry) => tree = entry.id,
                None => return Ok(None),
            }
        }
        Ok(Some(tree))
    }

    /// The lines of a tree.
    pub fn tree(&mut self, id: Id) -> Read<Vec<TreeEntry>> {
        let bytes = self.expect(id, Kind::Tree)?;
        tree_entries(&bytes).ok_or_else(|| format!("tree {id} is malformed"))
    }

    /// A file's content.
    pub fn blob(&mut self, id: Id) -> Read<Vec<u8>> {
        self.expect(id, Kind::Blob)
    }

    /// The commit behind a tag; `None` if it is a tag of something else.
    pub fn peel(&mut self, mut id: Id) -> Read<Option<Id>> {
        for _ in 0..DEEPEST {
            let (kind, bytes) = self.read(id)?;
            match kind {
                Kind::Commit => return Ok(Some(id)),
                Kind::Tag => {
                    let text = String::from_utf8_lossy(&bytes);
                    let target = text.lines().next().and_then(|l| Id::parse(l.strip_prefix("object ")?));
                    id = target.ok_or_else(|| format!("tag {id} is malformed"))?;
                }
                Kind::Tree | Kind::Blob => return Ok(None),
            }
        }
        Ok(None)
    }

    fn expect(&mut self, id: Id, wanted: Kind) -> Read<Vec<u8>> {
        match self.read(id)? {
            (kind, bytes) if kind == wanted => Ok(bytes),
            (kind, _) => Err(format!("object {id} is a {kind:?}, not a {wanted:?}").to_lowercase()),
        }
    }

    fn read(&mut self, id: Id) -> Read<(Kind, Vec<u8>)> {
        self.read_within(id, super::pack::LONGEST_CHAIN)
    }

    /// `chain` bounds how many deltas an object may be made of.
    pub(super) fn read_within(&mut self, id: Id, chain: usize) -> Read<(Kind, Vec<u8>)> {
        for pack in 0..self.packs.len() {
            if let Some(offset) = self.packs[pack].find(id)? {
                return self.unpack(pack, offset, chain);
            }
        }
        let name = id.to_string();
        let loose =
            self.folders.iter().find_map(|f| std::fs::File::open(f.join(&name[..2]).join(&name[2..])).ok());
        let file = loose.ok_or_else(|| format!("object {id} is missing"))?;
        let bytes = inflate(file, LARGEST).map_err(|why| format!("object {id}: {why}"))?;
        loose_object(bytes).ok_or_else(|| format!("object {id} is malformed"))
    }

    /// An object of a pack; of a chain of deltas, the base is read first and then changed, delta by delta.
    fn unpack(&mut self, pack: usize, offset: u64, chain: usize) -> Read<(Kind, Vec<u8>)> {
        let (base, deltas) = self.packs[pack].chain(offset, chain)?;
        let (kind, mut bytes) = match base {
            super::pack::Base::Whole(kind, bytes) => (kind, bytes),
            super::pack::Base::Elsewhere(id) => {
                let left = chain.checked_sub(deltas.len()).ok_or("a chain of deltas is too long")?;
                self.read_within(id, left)?
            }
        };
        for delta in deltas.iter().rev() {
            bytes = super::pack::apply(&bytes, delta).ok_or("a delta is malformed")?;
        }
        Ok((kind, bytes))
    }
}

/// What a zlib stream holds.
pub fn inflate(from: impl std::io::Read, largest: u64) -> Read<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(from).take(largest + 1).read_to_end(&mut out).map_err(|e| e.to_string())?;
    if out.len() as u64 > largest { Err("too large".to_owned()) } else { Ok(out) }
}

fn with_alternates(folder: &Path, deepest: usize, out: &mut Vec<PathBuf>) {
    out.push(folder.to_owned());
    let list = std::fs::read_to_string(folder.join("info/alternates")).unwrap_or_default();
    for line in list.lines().filter(|l| deepest > 0 && !l.is_empty() && !l.starts_with('#')) {
        with_alternates(&folder.join(line), deepest - 1, out);
    }
}

/// `blob 12\0…`
fn loose_object(mut bytes: Vec<u8>) -> Option<(Kind, Vec<u8>)> {
    let end = bytes.iter().position(|b| *b == 0)?;
    let kind = Kind::named(std::str::from_utf8(&bytes[..end]).ok()?.split(' ').next()?)?;
    bytes.drain(..=end);
    Some((kind, bytes))
}

fn tree_entries(mut bytes: &[u8]) -> Option<Vec<TreeEntry>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ')?;
        let end = bytes.iter().position(|b| *b == 0).filter(|end| *end > space)?;
        let mode = u32::from_str_radix(std::str::from_utf8(&bytes[..space]).ok()?, 8).ok()?;
        let id = Id::of(&bytes[end + 1..])?;
        out.push(TreeEntry { mode, name: bytes[space + 1..end].to_owned(), id });
        bytes = &bytes[end + 21..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let text = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Id::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
        for bad in [
            "",
            "0123",
            "g123456789abcdef0123456789abcdef01234567",
            "0123456789abcdef0123456789abcdef0123456ü",
        ] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn trees() {
        let mut bytes = b"100644 a\0".to_vec();
        bytes.extend([7; 20]);
        let entry = TreeEntry { mode: 0o100_644, name: b"a".to_vec(), id: Id([7; 20]) };
        assert_eq!(tree_entries(&bytes), Some(vec![entry]));
        for end in 1..bytes.len() {
            assert_eq!(tree_entries(&bytes[..end]), None, "{end}");
        }
    }
}
