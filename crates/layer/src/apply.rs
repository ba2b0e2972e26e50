//! One layer's tar to a new folder that overlayfs can stack on others.
//!
//! ```text
//! stream ─▶ (a thread reads and decompresses) ─▶ 256 KiB chunks ─▶ members ─▶ objects below one descriptor
//! ```
//! `.wh.NAME` becomes the device 0/0, `.wh..wh..opq` an attribute of the directory; both speak of the layers
//! below only, wherever in the tar they stand. A later member replaces an earlier one of the same path.
//! Nothing is synced: a folder counts only once its store says so.
//! See OCI image-spec, layer.md "Applying Changesets".

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;

use rustix::fs::FileType;
use rustix::io::Errno;
use tree::{Meta, Time};

use crate::failure::{at, bad, show};
pub use crate::place::Skipped;
use crate::place::{Found, Node, Notes, Spot, open_root, plain_dir};
use crate::pump::{Inlet, pump};
use crate::read::{Member, MemberKind, Reader};
use crate::resolve::{Folder, Place};
use crate::write::{join, parent_and_name};
use crate::{OPAQUE, WHITEOUT};

const BUFFER: usize = 256 * 1024;
/// What AUFS once left in layers: names that start so mean nothing any more, but for [`OPAQUE`].
const AUFS: &[u8] = b".wh..wh.";

/// What was unpacked.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Applied {
    /// Members.
    pub files: u64,
    /// Bytes of regular files.
    pub bytes: u64,
    /// What could not be kept, the first hundred.
    pub skipped: Vec<Skipped>,
}

/// Unpacks a plain tar into `dir`, which is made if it is missing and should be empty.
///
/// overlayfs shows a directory as its top-most layer has it. `parent` is asked for directories that the
/// layer has something in but does not mention, the root (the empty path) among them: it says how the layers
/// below have them. `progress` hears how many bytes of tar were done since it was last called.
/// The stream is read to its end, past the archive's, so that a digest over it is complete.
///
/// # Errors
/// If the stream fails or is no tar, if it leads out of the folder, or if something cannot be made as it
/// says. The folder is then to be thrown away.
pub fn apply(
    tar: impl Read + Send,
    dir: &Path,
    parent: &dyn Fn(&[u8]) -> Option<Meta>,
    progress: &dyn Fn(u64),
) -> io::Result<Applied> {
    let folder = Folder::new(open_root(dir)?);
    let mut layer = Layer { folder, parent, times: BTreeMap::new(), notes: Notes::default(), bytes: 0 };
    layer.imply_root()?;
    let (inlet, outlet) = pump(BUFFER);
    let files = thread::scope(|scope| {
        let read = scope.spawn(|| read_ahead(tar, inlet));
        let files = layer.members(Reader::new(outlet), progress);
        // A stream that broke is why the members ended early.
        read.join().map_err(|_| io::Error::other("the thread that reads the layer died"))??;
        files
    })?;
    layer.set_times()?;
    Ok(Applied { files, bytes: layer.bytes, skipped: layer.notes.0 })
}

/// Only what goes wrong with the stream is an error here; that nobody wants it any more has another cause.
fn read_ahead(mut tar: impl Read, mut inlet: Inlet) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match tar.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if inlet.write_all(&buffer[..count]).is_err() {
            return Ok(());
        }
    }
    let _ = inlet.finish();
    Ok(())
}

struct Layer<'a> {
    folder: Folder,
    parent: &'a dyn Fn(&[u8]) -> Option<Meta>,
    /// Directories' times are set last: whatever is put into one changes it.
    times: BTreeMap<Vec<u8>, Time>,
    notes: Notes,
    bytes: u64,
}

impl Layer<'_> {
    fn members(&mut self, mut tar: Reader<impl Read>, progress: &dyn Fn(u64)) -> io::Result<u64> {
        let (mut files, mut told) = (0, 0);
        let mut buffer = vec![0; BUFFER];
        while let Some(member) = tar.next()? {
            self.member(&member, &mut tar, &mut buffer)?;
            files += 1;
            progress(tar.consumed() - told);
            told = tar.consumed();
        }
        tar.drain()?;
        progress(tar.consumed() - told);
        Ok(files)
    }

    fn member(&mut self, member: &Member, data: &mut dyn Read, buffer: &mut [u8]) -> io::Result<()> {
        let (parent, name) = parent_and_name(&member.path);
        if has_aufs(parent) || (name.starts_with(AUFS) && name != OPAQUE) {
            return Ok(());
        }
        if parent.split(|&byte| byte == b'/').any(|part| part.starts_with(WHITEOUT)) {
            return Err(bad(format!("`{}` is below a whiteout", show(&member.path))));
        }
        if name == OPAQUE {
            return self.opaque(parent);
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return self.whiteout(parent, hidden);
        }
        if name.is_empty() {
            return self.root(member);
        }
        let place = self.reach(parent)?;
        let path = place.path_of(name);
        self.put(member, &place, place.spot(name, &path), data, buffer)
    }

    fn put(
        &mut self,
        member: &Member,
        place: &Place,
        spot: Spot<'_>,
        data: &mut dyn Read,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let meta = &member.meta;
        match &member.kind {
            MemberKind::Dir => self.dir(spot, meta),
            MemberKind::File { .. } => self.file(spot, meta, data, buffer),
            MemberKind::Symlink { target } => {
                self.make(spot, || spot.make_symlink(target))?;
                spot.finish_symlink(meta, &mut self.notes)
            }
            MemberKind::Hardlink { target } => self.link(spot, &place.path, target),
            MemberKind::Fifo => {
                self.make(spot, || spot.make_fifo())?;
                spot.finish(meta, &mut self.notes)
            }
            MemberKind::Char { major, minor } => {
                self.node(spot, Node { kind: FileType::CharacterDevice, major: *major, minor: *minor }, meta)
            }
            MemberKind::Block { major, minor } => {
                self.node(spot, Node { kind: FileType::BlockDevice, major: *major, minor: *minor }, meta)
            }
        }
    }

    fn root(&mut self, member: &Member) -> io::Result<()> {
        if member.kind != MemberKind::Dir {
            return Err(bad("the root of a layer must be a directory"));
        }
        self.finish_root(&member.meta)
    }

    fn imply_root(&mut self) -> io::Result<()> {
        self.finish_root(&(self.parent)(b"").unwrap_or_else(plain_dir))
    }

    fn finish_root(&mut self, meta: &Meta) -> io::Result<()> {
        self.times.insert(Vec::new(), meta.mtime);
        self.folder.root().spot(b".", b"").finish(meta, &mut self.notes)
    }

    fn dir(&mut self, spot: Spot<'_>, meta: &Meta) -> io::Result<()> {
        match spot.make_dir() {
            Ok(()) => {}
            Err(Errno::EXIST) => self.dir_over(spot)?,
            Err(e) => return Err(at("create", spot.path)(e)),
        }
        self.times.insert(spot.path.to_vec(), meta.mtime);
        spot.finish(meta, &mut self.notes)
    }

    /// A directory stays, anything else makes room; a whiteout for what is below goes on to hide it.
    fn dir_over(&mut self, spot: Spot<'_>) -> io::Result<()> {
        let found = spot.look()?;
        if found == Found::Dir {
            return Ok(());
        }
        self.clear(spot)?;
        spot.make_dir().map_err(at("create", spot.path))?;
        if found == Found::Whiteout { spot.make_opaque() } else { Ok(()) }
    }

    fn file(
        &mut self,
        spot: Spot<'_>,
        meta: &Meta,
        data: &mut dyn Read,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let mut file = self.make(spot, || spot.make_file())?;
        self.bytes += copy(data, &mut file, spot.path, buffer)?;
        spot.finish_file(&file, meta, &mut self.notes)
    }

    fn node(&mut self, spot: Spot<'_>, node: Node, meta: &Meta) -> io::Result<()> {
        if spot.look()? != Found::Nothing {
            self.clear(spot)?;
        }
        let made = spot.make_node(node, &mut self.notes).map_err(at("create", spot.path))?;
        if made { spot.finish(meta, &mut self.notes) } else { Ok(()) }
    }

    /// The first name must be in this very layer: files of other layers have other inodes.
    fn link(&mut self, spot: Spot<'_>, here: &[u8], target: &[u8]) -> io::Result<()> {
        let missing = || {
            bad(format!(
                "`{}` is a hard link to `{}`, which is no file of the layer",
                show(spot.path),
                show(target)
            ))
        };
        let (parent, name) = parent_and_name(target);
        let place = self.folder.find(parent)?.ok_or_else(missing)?;
        let path = place.path_of(name);
        if path == join(here, spot.name) {
            return Ok(());
        }
        let first = place.spot(name, &path);
        if name.is_empty() || first.look()? != Found::Other {
            return Err(missing());
        }
        self.make(spot, || spot.make_link(first))
    }

    fn whiteout(&mut self, parent: &[u8], name: &[u8]) -> io::Result<()> {
        if matches!(name, b"" | b"." | b"..") {
            return Err(bad(format!("`.wh.{}` in a layer removes nothing that can be removed", show(name))));
        }
        let place = self.reach(parent)?;
        let path = place.path_of(name);
        place.spot(name, &path).hide()
    }

    fn opaque(&mut self, dir: &[u8]) -> io::Result<()> {
        let place = self.reach(dir)?;
        place.spot(b".", &place.path).make_opaque()
    }

    /// The directory that a member is in, as the layers below have it if this one does not say.
    fn reach(&mut self, path: &[u8]) -> io::Result<Place> {
        let (parent, notes, times) = (self.parent, &mut self.notes, &mut self.times);
        self.folder.reach(path, &mut |spot, found| {
            if found == Found::Whiteout {
                spot.remove()?;
            }
            spot.make_dir().map_err(at("create", spot.path))?;
            let meta = parent(spot.path).unwrap_or_else(plain_dir);
            times.insert(spot.path.to_vec(), meta.mtime);
            spot.finish(&meta, notes)?;
            if found == Found::Whiteout { spot.make_opaque() } else { Ok(()) }
        })
    }

    /// Makes something where perhaps something is.
    fn make<T>(&mut self, spot: Spot<'_>, make: impl Fn() -> rustix::io::Result<T>) -> io::Result<T> {
        let made = match make() {
            Err(Errno::EXIST) => {
                self.clear(spot)?;
                make()
            }
            other => other,
        };
        made.map_err(at("create", spot.path))
    }

    fn clear(&mut self, spot: Spot<'_>) -> io::Result<()> {
        self.folder.forget();
        self.times.remove(spot.path);
        let below = join(spot.path, b"");
        let gone: Vec<_> = self
            .times
            .range(below.clone()..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(&below))
            .collect();
        for path in gone {
            self.times.remove(&path);
        }
        spot.remove()
    }

    fn set_times(&self) -> io::Result<()> {
        let root = self.folder.root();
        for (path, time) in self.times.iter().rev() {
            let name = if path.is_empty() { b"." } else { path.as_slice() };
            root.spot(name, path).set_time(*time)?;
        }
        Ok(())
    }
}

fn has_aufs(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|part| part.starts_with(AUFS))
}

fn copy(data: &mut dyn Read, file: &mut File, path: &[u8], buffer: &mut [u8]) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let count = data.read(buffer)?;
        if count == 0 {
            return Ok(total);
        }
        file.write_all(&buffer[..count]).map_err(at("write", path))?;
        total += count as u64;
    }
}
