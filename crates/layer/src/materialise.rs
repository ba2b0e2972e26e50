//! Changes to a folder that overlayfs can stack on others: a layer without its tar.
//!
//! Directories and small things first and in order, then the files on two threads, then hard links, then what
//! hides something below, then the directories' times. File systems that can share blocks between files are made to.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::FileType;
use rustix::io::Errno;
use tree::{Change, Content, Entry, Kind, Source};

use crate::failure::at;
use crate::place::{Node, Notes, Skipped, Spot, open_root, plain_dir};
use crate::resolve::open_beneath;
use crate::write::{copy_checked, parent_and_name};

const BUFFER: usize = 256 * 1024;
/// More would wait for the file system's locks.
const THREADS: usize = 2;
/// Files that one thread takes at a time: neighbours mostly share their directory.
const BATCH: usize = 32;

/// Makes `dir`, which is created if it is missing and should be empty, hold `changes`, and says what could
/// not be kept. The directories on the way to each change must be among them.
///
/// # Errors
/// If a file is no longer what its entry says, or if something cannot be made. The folder is then to be
/// thrown away.
pub fn materialise(changes: &[Change], dir: &Path) -> io::Result<Vec<Skipped>> {
    materialise_unless(&AtomicBool::new(false), changes, dir)
}

/// The same until `stop` is set.
///
/// # Errors
/// As [`materialise`]; and if it is stopped.
pub fn materialise_unless(stop: &AtomicBool, changes: &[Change], dir: &Path) -> io::Result<Vec<Skipped>> {
    let root = open_root(dir)?;
    let mut notes = Notes::default();
    let sorted = sorted(changes);
    Spot { dir: root.as_fd(), name: b".", path: b"" }.finish(&plain_dir(), &mut notes)?;
    let mut here = Here::new(root.as_fd());
    sorted.iter().try_for_each(|change| first_pass(change, &mut here, &mut notes))?;
    notes.append(files(&entries(&sorted, |kind| matches!(kind, Kind::File { .. })), root.as_fd(), stop)?);
    for entry in entries(&sorted, |kind| matches!(kind, Kind::Hardlink { .. })) {
        hardlink(entry, &mut here)?;
    }
    sorted.iter().try_for_each(|change| last_pass(change, &mut here))?;
    here.spot(b"")?.set_time(plain_dir().mtime)?;
    for entry in entries(&sorted, |kind| matches!(kind, Kind::Dir)) {
        here.spot(&entry.path)?.set_time(entry.meta.mtime)?;
    }
    Ok(notes.0)
}

fn sorted(changes: &[Change]) -> Vec<&Change> {
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by(|a, b| a.order().cmp(&b.order()));
    sorted
}

fn entries<'a>(changes: &[&'a Change], wanted: fn(&Kind) -> bool) -> Vec<&'a Entry> {
    let entry = |change: &&'a Change| match change {
        Change::Put(entry) if wanted(&entry.kind) => Some(entry),
        _ => None,
    };
    changes.iter().filter_map(entry).collect()
}

/// The directory that was used last, opened.
struct Here<'a> {
    root: BorrowedFd<'a>,
    path: Vec<u8>,
    dir: Option<OwnedFd>,
}

impl<'a> Here<'a> {
    fn new(root: BorrowedFd<'a>) -> Here<'a> {
        Here { root, path: Vec::new(), dir: None }
    }

    fn spot<'b>(&'b mut self, path: &'b [u8]) -> io::Result<Spot<'b>> {
        let (parent, name) = parent_and_name(path);
        if self.dir.is_none() || self.path != parent {
            self.dir = Some(open_beneath(self.root, parent).map_err(at("open", parent))?);
            self.path = parent.to_vec();
        }
        let dir = self.dir.as_ref().map_or(self.root, AsFd::as_fd);
        Ok(Spot { dir, name: if name.is_empty() { b"." } else { name }, path })
    }
}

/// All that is put but files and hard links.
fn first_pass(change: &Change, here: &mut Here<'_>, notes: &mut Notes) -> io::Result<()> {
    match change {
        Change::Put(entry) => put(entry, here.spot(&entry.path)?, notes),
        Change::Remove(_) | Change::Opaque(_) => Ok(()),
    }
}

/// What is hidden, once it is known what is put.
fn last_pass(change: &Change, here: &mut Here<'_>) -> io::Result<()> {
    match change {
        Change::Put(_) => Ok(()),
        Change::Remove(path) => here.spot(path)?.hide(),
        Change::Opaque(path) => here.spot(path)?.make_opaque(),
    }
}

fn put(entry: &Entry, spot: Spot<'_>, notes: &mut Notes) -> io::Result<()> {
    let failed = |e: Errno| at("create", spot.path)(e);
    match &entry.kind {
        Kind::File { .. } | Kind::Hardlink { .. } => return Ok(()),
        Kind::Dir if entry.path.is_empty() => {}
        Kind::Dir => spot.make_dir().map_err(failed)?,
        Kind::Symlink { target } => {
            spot.make_symlink(target).map_err(failed)?;
            return spot.finish_symlink(&entry.meta, notes);
        }
        Kind::Fifo => spot.make_fifo().map_err(failed)?,
        Kind::Char { major, minor } => {
            return node(
                entry,
                spot,
                Node { kind: FileType::CharacterDevice, major: *major, minor: *minor },
                notes,
            );
        }
        Kind::Block { major, minor } => {
            return node(
                entry,
                spot,
                Node { kind: FileType::BlockDevice, major: *major, minor: *minor },
                notes,
            );
        }
    }
    spot.finish(&entry.meta, notes)
}

fn node(entry: &Entry, spot: Spot<'_>, node: Node, notes: &mut Notes) -> io::Result<()> {
    let made = spot.make_node(node, notes).map_err(at("create", spot.path))?;
    if made { spot.finish(&entry.meta, notes) } else { Ok(()) }
}

fn hardlink(entry: &Entry, here: &mut Here<'_>) -> io::Result<()> {
    let Kind::Hardlink { target } = &entry.kind else { return Ok(()) };
    let mut there = Here::new(here.root);
    let first = there.spot(target)?;
    here.spot(&entry.path)?.make_link(first).map_err(at("create", &entry.path))
}

/// Copies files on a few threads; the first error ends them all.
fn files(files: &[&Entry], root: BorrowedFd<'_>, stop: &AtomicBool) -> io::Result<Notes> {
    let work = Work { files, root, stop, next: AtomicUsize::new(0), no_clone: AtomicBool::new(false) };
    if files.len() <= 1 {
        return work.run();
    }
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| work.run())).collect();
        let mut notes = Notes::default();
        for thread in threads {
            notes.append(thread.join().map_err(|_| io::Error::other("a copying thread died"))??);
        }
        Ok(notes)
    })
}

struct Work<'a> {
    files: &'a [&'a Entry],
    root: BorrowedFd<'a>,
    stop: &'a AtomicBool,
    next: AtomicUsize,
    /// The file system said that it can't.
    no_clone: AtomicBool,
}

impl Work<'_> {
    fn run(&self) -> io::Result<Notes> {
        let result = self.batches();
        if result.is_err() {
            self.next.store(self.files.len(), Ordering::Relaxed);
        }
        result
    }

    fn batches(&self) -> io::Result<Notes> {
        let mut notes = Notes::default();
        let mut here = Here::new(self.root);
        let mut buffer = vec![0; BUFFER];
        loop {
            let start = self.next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = self.files.get(start..).filter(|rest| !rest.is_empty()) else {
                return Ok(notes);
            };
            for entry in rest.iter().take(BATCH) {
                self.check_stop()?;
                self.file(entry, here.spot(&entry.path)?, &mut buffer, &mut notes)?;
            }
        }
    }

    fn check_stop(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(io::Error::other("stopped")) } else { Ok(()) }
    }

    fn file(&self, entry: &Entry, spot: Spot<'_>, buffer: &mut [u8], notes: &mut Notes) -> io::Result<()> {
        let Kind::File { size, content, source } = &entry.kind else { return Ok(()) };
        let mut file = spot.make_file().map_err(at("create", spot.path))?;
        if self.cloned(source, &file, &entry.path)? {
            check(&mut file, entry, *size, content, buffer)?;
        } else {
            copy(&mut file, entry, (*size, content, source), buffer)?;
        }
        spot.finish_file(&file, &entry.meta, notes)
    }

    /// Whether the new file now shares the other's blocks.
    fn cloned(&self, source: &Source, file: &File, path: &[u8]) -> io::Result<bool> {
        let Source::Disk { root, path: from } = source else { return Ok(false) };
        if self.no_clone.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let from = root.file(from).map_err(at("read", path))?;
        let cloned = rustix::fs::ioctl_ficlone(file, from).is_ok();
        if !cloned {
            self.no_clone.store(true, Ordering::Relaxed);
        }
        Ok(cloned)
    }
}

/// A clone is checked as a copy is: the other file may have changed just before.
fn check(file: &mut File, entry: &Entry, size: u64, content: &Content, buffer: &mut [u8]) -> io::Result<()> {
    copy_checked(file, &entry.path, size, content, buffer, &mut |_| Ok(()))
}

fn copy(
    file: &mut File,
    entry: &Entry,
    (size, content, source): (u64, &Content, &Source),
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut from = source.open().map_err(at("read", &entry.path))?;
    let write = &mut |bytes: &[u8]| file.write_all(bytes).map_err(at("write", &entry.path));
    copy_checked(&mut from, &entry.path, size, content, buffer, write)
}
