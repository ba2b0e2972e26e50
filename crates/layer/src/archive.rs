//! A local file to the entries that `ADD` puts, if it is an archive.
//!
//! Whether it is one is told by its content, never by its name: anything that holds a tar's header, plain or
//! compressed. What the entries hold is spilled into a scratch folder, as the archive can be read only once.
//! The archive is unpacked in memory, names only: later members replace earlier ones, names below a link of
//! the archive go where the link leads, its root being the archive's.
//! See Dockerfile reference, "ADD"; BuildKit's answers for what is no archive.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use tree::entry::PathOrder;
use tree::root::Root;
use tree::{Content, Entry, Kind, Meta, Source};

use crate::decode::decoder;
use crate::failure::{at, bad, show};
use crate::header::{BLOCK, Header};
use crate::read::{Member, MemberKind, Reader};
use crate::resolve::{MOST_PATH, Steps};
use crate::write::{join, parent_and_name};

const BUFFER: usize = 256 * 1024;
/// As many links as the kernel follows in one path.
const MOST_LINKS: usize = 40;
/// Bytes of attributes and link targets in all: their headers pack a thousand to one, and all are kept.
const MOST_TEXT: usize = 64 << 20;

/// Whether a file, read from its start, is a tar, compressed or not. An empty archive is none, nor is
/// anything else that is merely compressed.
///
/// # Errors
/// If the file's first bytes cannot be read.
pub fn is_archive(file: impl Read + Send) -> io::Result<bool> {
    let (_, plain) = decoder(file)?;
    let mut start = Vec::with_capacity(BLOCK);
    // What cannot be decompressed is a file like any other.
    let complete = plain.take(BLOCK as u64).read_to_end(&mut start).is_ok();
    let header = start.try_into().ok().filter(|_| complete).map(Header);
    Ok(header.is_some_and(|header| !header.is_end() && header.is_sealed()))
}

/// The archive's entries in canonical order; the bytes of files are in new files in `scratch`, which must
/// stay as long as the entries. `./` is an entry with an empty path. A directory that the archive does not
/// mention is none, though there may be entries below it.
///
/// # Errors
/// If the archive is broken, leads out of itself, or the scratch folder can't be written.
pub fn entries(file: impl Read + Send, scratch: &Path) -> io::Result<Vec<Entry>> {
    let mut spill = Spill { folder: scratch, root: Root::open(scratch)?, count: 0, buffer: vec![0; BUFFER] };
    let (mut names, mut text) = (Names::default(), 0);
    let mut tar = Reader::new(decoder(file)?.1);
    while let Some(member) = tar.next()? {
        text += text_of(&member);
        if text > MOST_TEXT {
            return Err(bad(format!("the archive has more than {} MiB of attributes", MOST_TEXT >> 20)));
        }
        let path = names.resolve(&member.path)?;
        let kind = match member.kind {
            MemberKind::Hardlink { target } => {
                names.link(path, &target)?;
                continue;
            }
            MemberKind::File { .. } => spill.file(&mut tar).map_err(at("unpack", &path))?,
            MemberKind::Dir => Kind::Dir,
            MemberKind::Symlink { target } => Kind::Symlink { target },
            MemberKind::Fifo => Kind::Fifo,
            MemberKind::Char { major, minor } => Kind::Char { major, minor },
            MemberKind::Block { major, minor } => Kind::Block { major, minor },
        };
        names.put(path, member.meta, kind)?;
    }
    tar.drain()?;
    Ok(names.entries())
}

/// What is kept of a member beside its path.
fn text_of(member: &Member) -> usize {
    let attributes = member.meta.xattrs.iter().map(|(name, value)| name.len() + value.len());
    let target = if let MemberKind::Symlink { target } = &member.kind { target.len() } else { 0 };
    attributes.sum::<usize>() + target
}

/// Where files' bytes go.
struct Spill<'a> {
    folder: &'a Path,
    root: Arc<Root>,
    count: u64,
    buffer: Vec<u8>,
}

impl Spill<'_> {
    fn file(&mut self, data: &mut dyn Read) -> io::Result<Kind> {
        let name = self.count.to_string();
        self.count += 1;
        let mut file = OpenOptions::new().write(true).create_new(true).open(self.folder.join(&name))?;
        let (mut hash, mut size) = (blake3::Hasher::new(), 0);
        loop {
            let count = data.read(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            hash.update(&self.buffer[..count]);
            file.write_all(&self.buffer[..count])?;
            size += count as u64;
        }
        let source = Source::Disk { root: self.root.clone(), path: name.into_bytes().into() };
        Ok(Kind::File { size, content: Content(*hash.finalize().as_bytes()), source })
    }
}

/// The archive's file tree: names, and the objects that they name. Hard links are names of one object.
#[derive(Default)]
struct Names {
    names: BTreeMap<Vec<u8>, usize>,
    objects: Vec<(Meta, Kind)>,
    steps: Steps,
}

impl Names {
    fn kind(&self, path: &[u8]) -> Option<&Kind> {
        self.names.get(path).map(|&object| &self.objects[object].1)
    }

    fn put(&mut self, path: Vec<u8>, meta: Meta, kind: Kind) -> io::Result<()> {
        if path.is_empty() && !matches!(kind, Kind::Dir) {
            return Err(bad("the root of an archive must be a directory"));
        }
        self.clear(&path, matches!(kind, Kind::Dir));
        self.names.insert(path, self.objects.len());
        self.objects.push((meta, kind));
        Ok(())
    }

    fn link(&mut self, path: Vec<u8>, target: &[u8]) -> io::Result<()> {
        let first = self.resolve(target)?;
        let object =
            self.names.get(&first).copied().filter(|&object| !matches!(self.objects[object].1, Kind::Dir));
        let Some(object) = object else {
            let (path, target) = (show(&path).into_owned(), show(target));
            return Err(bad(format!(
                "`{path}` is a hard link to `{target}`, which is no file of the archive"
            )));
        };
        self.clear(&path, false);
        self.names.insert(path, object);
        Ok(())
    }

    /// Makes room for something new; only a directory leaves what is in the directory that it replaces.
    fn clear(&mut self, path: &[u8], for_dir: bool) {
        let was_dir = matches!(self.kind(path), None | Some(Kind::Dir));
        if for_dir && was_dir {
            return;
        }
        let below = [path, b"/"].concat();
        let gone: Vec<_> = self
            .names
            .range(below.clone()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(&below))
            .cloned()
            .collect();
        for name in gone {
            self.names.remove(&name);
        }
    }

    /// Where a name really is: links of the archive on the way to it are followed.
    fn resolve(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let (parent, name) = parent_and_name(path);
        let mut here: Vec<u8> = Vec::new();
        let mut todo = parts(parent);
        let mut links = 0;
        self.steps.earn(todo.len());
        while let Some(part) = todo.pop() {
            self.steps.take(path)?;
            if part == b".." {
                here = parent_and_name(&here).0.to_vec();
                continue;
            }
            if here.len() + part.len() >= MOST_PATH {
                return Err(at("open", path)(Errno::NAMETOOLONG));
            }
            let next = join(&here, &part);
            match self.kind(&next) {
                Some(Kind::Symlink { target }) if links < MOST_LINKS => {
                    links += 1;
                    if target.starts_with(b"/") {
                        here.clear();
                    }
                    todo.extend(parts(target));
                }
                None | Some(Kind::Dir) => here = next,
                Some(_) => {
                    return Err(bad(format!(
                        "`{}` in the archive is below what is no directory",
                        show(path)
                    )));
                }
            }
        }
        Ok(join(&here, name))
    }

    /// The first name of a file in canonical order has it, the others are links to that one.
    fn entries(self) -> Vec<Entry> {
        let mut names: Vec<(Vec<u8>, usize)> = self.names.into_iter().collect();
        names.sort_by(|a, b| PathOrder(&a.0).cmp(&PathOrder(&b.0)));
        let mut first: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let objects = &self.objects;
        names
            .into_iter()
            .map(|(path, object)| {
                let (meta, kind) = &objects[object];
                let kind = match first.get(&object) {
                    Some(target) if matches!(kind, Kind::File { .. }) => {
                        Kind::Hardlink { target: target.clone() }
                    }
                    _ => kind.clone(),
                };
                first.entry(object).or_insert_with(|| path.clone());
                Entry { path: path.into(), meta: meta.clone(), kind }
            })
            .collect()
    }
}

/// Components, the first one last.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}
