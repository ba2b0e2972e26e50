//! A request to its answer, and what it touched.
//!
//! The kernel caches what it may, so that each thing is asked once: names and their absence for ever, the status
//! of an object only after it was asked for by itself, so that a look at a name is not a look at its size; files'
//! pages, but not listings. An answer to a weak look is not cached at all, for the next who looks may not be go.
//!
//! | message | touch |
//! |---|---|
//! | LOOKUP | entry, also of what isn't there; shared of a directory that natives have too |
//! | GETATTR | stat; shared of such a directory |
//! | OPEN | content, and entry |
//! | READDIR | list |
//! | READLINK | link |
//!
//! What a step does not ask for is not asked of us either: there is no READDIRPLUS, and the first answers to ACCESS,
//! STATX, LISTXATTR and the like are that we don't have them.

use std::sync::Arc;

use ::tree::Time;
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::contents::Contents;
use crate::go;
use crate::ground::Ground;
use crate::look::Look;
use crate::policy::Policy;
use crate::shown::{Object, Shown};
use crate::touched::{Log, Seen, Strength, Touched};
use crate::tree::{Dir, Holds, Id, Node, Tree};
use crate::wire::{Answer, Op, Request};

/// What is served, and what was touched of it.
pub(crate) struct Served {
    shown: Shown,
    policy: Arc<dyn Policy>,
    log: Log,
    contents: Contents,
}

const FOREVER: u64 = u64::MAX;

/// FOPEN_KEEP_CACHE, FOPEN_NOFLUSH.
const KEEP_CACHE: u32 = 1 << 1;
const NO_FLUSH: u32 = 1 << 5;

/// FUSE_ASYNC_READ, FUSE_PARALLEL_DIROPS, FUSE_MAX_PAGES, FUSE_CACHE_SYMLINKS.
const WANTED: u32 = 1 << 0 | 1 << 18 | 1 << 22 | 1 << 23;

/// Protocol 7.31; nothing that is older than FUSE_MAX_PAGES and FUSE_CACHE_SYMLINKS (Linux 4.20) will do.
const MAJOR: u32 = 7;
const MINOR: u32 = 31;
const LEAST_MINOR: u32 = 28;

/// Pages that one READ may ask for, and what it gets at most where pages are larger than 4 KiB.
const MAX_PAGES: u16 = 256;
const MOST_READ: u64 = 1 << 20;

/// What a directory says that it is long.
const DIR_SIZE: u64 = 4096;

type Done = Result<(), Errno>;

impl Served {
    pub(crate) fn new(tree: Arc<Tree>, ground: Option<Arc<Ground>>, policy: Arc<dyn Policy>) -> Served {
        let shown = Shown::new(tree, ground);
        Served { shown, policy, log: Log::default(), contents: Contents::default() }
    }

    #[cfg(test)]
    pub(crate) fn tree(&self) -> &Tree {
        &self.shown.tree
    }

    /// What was touched so far.
    pub(crate) fn touched(&self) -> Touched {
        self.log.take(&self.shown)
    }

    /// Closes the files that are open for reading.
    pub(crate) fn close_files(&self) {
        self.contents.close_all();
    }

    /// Makes the answer; says whether there is one.
    pub(crate) fn answer<'a>(&self, request: &Request<'_>, answer: &'a mut Answer) -> Option<&'a [u8]> {
        if !matches!(request.op, Op::Forget | Op::BatchForget | Op::Release | Op::Releasedir | Op::Interrupt)
        {
            self.log.message();
        }
        answer.clear();
        let done = match request.op {
            Op::Forget | Op::BatchForget => return None,
            Op::Init => init(request, answer),
            Op::Lookup => self.lookup(request, answer),
            Op::Getattr => self.getattr(request, answer),
            Op::Readlink => self.readlink(request, answer),
            Op::Open => self.open(request, answer),
            Op::Read => self.read(request, answer),
            Op::Release => self.release(request),
            Op::Opendir => self.opendir(request, answer),
            Op::Readdir => self.readdir(request, answer),
            Op::Releasedir | Op::Destroy => Ok(()),
            Op::Getxattr => self.getxattr(request, answer),
            Op::Statfs => statfs(answer),
            Op::Write => Err(Errno::ROFS),
            // We never make anybody wait, so there is nothing to interrupt: the kernel stops sending these.
            Op::Interrupt | Op::Other => Err(Errno::NOSYS),
        };
        Some(answer.finish(request.unique, done))
    }

    fn lookup(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (dir, _) = self.dir(request)?;
        let name = request.name(0)?;
        let Some(id) = self.shown.child(dir, name) else {
            self.log.missed(dir, name, request.pid, &*self.policy);
            // Node 0 is an absence that may be cached.
            entry(answer, 0, FOREVER, None);
            return Ok(());
        };
        let node = self.shown.node(id).ok_or(Errno::STALE)?;
        let look = self.unless_shared(id, &node, Look::Entry);
        let strength = self.touch(request, id, &[look], self.by_go(id, &node, look));
        entry(answer, u64::from(id) + 1, lifetime(strength), Some(&node));
        Ok(())
    }

    fn getattr(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (id, node) = self.node(request)?;
        // Whoever has to have the same content gets the same size, so it may be cached.
        let implied = self.log.strength(id, Look::Content) == Some(Strength::Strict);
        let look = self.unless_shared(id, &node, Look::Stat);
        let by_go = if implied { Strength::Strict } else { self.by_go(id, &node, look) };
        let strength = self.touch(request, id, &[look], by_go);
        answer.u64(lifetime(strength));
        answer.u64(0);
        attributes(answer, &node);
        Ok(())
    }

    fn readlink(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (id, node) = self.node(request)?;
        let Holds::Symlink { target } = &node.holds else { return Err(Errno::INVAL) };
        self.touch(request, id, &[Look::Link], Strength::Strict);
        answer.bytes(target);
        Ok(())
    }

    fn open(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        const WRITES: u32 = 0b11;
        let (id, node) = self.node(request)?;
        if request.u32(0)? & WRITES != 0 {
            return Err(Errno::ROFS);
        }
        // With the entry: an open needs the name and the right to it, whoever looked that up.
        let by_go = self.by_go(id, &node, Look::Content);
        let strength = self.touch(request, id, &[Look::Content, Look::Entry], by_go);
        answer.u64(0);
        answer.u32(NO_FLUSH | if strength == Strength::Strict { KEEP_CACHE } else { 0 });
        answer.u32(0);
        Ok(())
    }

    fn read(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (id, node) = self.node(request)?;
        let Holds::File { size, source, .. } = &node.holds else { return Err(Errno::INVAL) };
        let (offset, asked) = (request.u64(8)?, u64::from(request.u32(16)?));
        let count = size.saturating_sub(offset).min(asked).min(MOST_READ);
        if count == 0 {
            return Ok(());
        }
        self.contents.read(id, source, *size, offset, answer.space(count as usize))
    }

    fn release(&self, request: &Request<'_>) -> Done {
        let (id, _) = self.node(request)?;
        self.contents.close(id);
        Ok(())
    }

    fn opendir(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (id, _) = self.dir(request)?;
        // While go holds a merged directory open, overlayfs gives others the listing that go got.
        if self.log.strength(id, Look::List) == Some(Strength::Weak) {
            self.touch(request, id, &[Look::List], Strength::Weak);
        }
        // Neither FOPEN_KEEP_CACHE nor FOPEN_CACHE_DIR: each listing is to be seen.
        answer.zeroes(16);
        Ok(())
    }

    fn readdir(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        let (id, node) = self.node(request)?;
        let Holds::Dir(dir) = &node.holds else { return Err(Errno::NOTDIR) };
        let (offset, space) = (request.u64(8)?, request.u32(16)? as usize);
        self.touch(request, id, &[Look::List], self.by_go(id, &node, Look::List));
        let above = self.shown.node(node.parent).ok_or(Errno::STALE)?;
        let dots = [(b".".as_slice(), &*node), (b"..", &*above)];
        let all = dots.into_iter().chain(self.shown.tree.children(dir).map(|child| (&*child.name, child)));
        let skipped = usize::try_from(offset).map_err(|_| Errno::INVAL)?;
        for (index, (name, node)) in all.enumerate().skip(skipped) {
            if !listed(answer, space, index as u64 + 1, name, node) {
                break;
            }
        }
        Ok(())
    }

    fn getxattr(&self, request: &Request<'_>, answer: &mut Answer) -> Done {
        // Then the kernel never asks again.
        if !self.shown.tree.has_marks() {
            return Err(Errno::NOSYS);
        }
        let (_, node) = self.node(request)?;
        let (room, name) = (request.u32(0)? as usize, request.name(8)?);
        let Holds::Dir(dir) = &node.holds else { return Err(Errno::NODATA) };
        let value = mark(dir, name).ok_or(Errno::NODATA)?;
        match room {
            0 => [value.len() as u32, 0].iter().for_each(|&n| answer.u32(n)),
            room if room < value.len() => return Err(Errno::RANGE),
            _ => answer.bytes(value),
        }
        Ok(())
    }

    fn node(&self, request: &Request<'_>) -> Result<(Id, Object<'_>), Errno> {
        let id = request.node.checked_sub(1).and_then(|id| Id::try_from(id).ok()).ok_or(Errno::STALE)?;
        Ok((id, self.shown.node(id).ok_or(Errno::STALE)?))
    }

    fn dir(&self, request: &Request<'_>) -> Result<(Id, Object<'_>), Errno> {
        let (id, node) = self.node(request)?;
        match &node.holds {
            Holds::Dir(_) => Ok((id, node)),
            _ => Err(Errno::NOTDIR),
        }
    }

    /// The look, but at a directory that natives have too only that it is such a one.
    fn unless_shared(&self, id: Id, node: &Node, look: Look) -> Look {
        if self.shown.is_shared(id, node) { Look::Shared } else { look }
    }

    fn touch(&self, request: &Request<'_>, id: Id, looks: &[Look], by_go: Strength) -> Strength {
        self.log.touch(id, looks, Seen { pid: request.pid, by_go }, &*self.policy)
    }

    /// How strong go's look at a node is. A file that go can't use may go and come, unless it hides something that
    /// go could use.
    fn by_go(&self, id: Id, node: &Node, look: Look) -> Strength {
        let forgettable = match (&node.holds, look) {
            // go finds its tools by asking for executable files.
            (Holds::File { .. }, Look::Entry) => {
                !go::is_input(&node.name) && node.mode & 0o111 == 0 && self.shown.hides_nothing(id)
            }
            (Holds::File { .. }, Look::Stat) => true,
            (Holds::File { .. }, Look::Content) => go::is_test(&node.name),
            (Holds::Dir(dir), Look::List) => {
                let forgotten =
                    |id: &Id| self.shown.node(*id).is_some_and(|node| !go::means_something(&node));
                dir.children.iter().filter(|id| forgotten(id)).all(|id| self.shown.hides_nothing(*id))
            }
            _ => false,
        };
        if forgettable { Strength::Weak } else { Strength::Strict }
    }
}

fn lifetime(strength: Strength) -> u64 {
    if strength == Strength::Strict { FOREVER } else { 0 }
}

/// overlayfs's mark on a directory. It hides whiteouts in a listing only where a directory is merged, or has an
/// origin, which may be empty; a directory that none of the layers below has is neither.
fn mark(dir: &Dir, name: &[u8]) -> Option<&'static [u8]> {
    match name {
        b"user.overlay.opaque" if dir.opaque => Some(b"y"),
        b"user.overlay.origin" if dir.hides => Some(b""),
        _ => None,
    }
}

fn init(request: &Request<'_>, answer: &mut Answer) -> Done {
    let (major, minor, readahead, offered) =
        (request.u32(0)?, request.u32(4)?, request.u32(8)?, request.u32(12)?);
    if major < MAJOR || (major == MAJOR && minor < LEAST_MINOR) {
        return Err(Errno::PROTO);
    }
    [MAJOR, MINOR.min(minor), readahead, offered & WANTED].iter().for_each(|&n| answer.u32(n));
    // Requests in the background, and when that is much.
    answer.u16(32);
    answer.u16(24);
    // The largest WRITE, which never comes, and the grain of times.
    answer.u32(4096);
    answer.u32(1);
    answer.u16(MAX_PAGES);
    answer.zeroes(34);
    Ok(())
}

fn statfs(answer: &mut Answer) -> Done {
    // No blocks and no files, in blocks of a page, with names of 255 bytes.
    answer.zeroes(40);
    [4096, 255, 4096].iter().for_each(|&n| answer.u32(n));
    answer.zeroes(28);
    Ok(())
}

fn entry(answer: &mut Answer, id: u64, lifetime: u64, node: Option<&Node>) {
    answer.u64(id);
    answer.u64(0);
    answer.u64(lifetime);
    // The attributes' lifetime is always 0, and nobody needs nanoseconds.
    answer.zeroes(16);
    match node {
        Some(node) => attributes(answer, node),
        None => answer.zeroes(88),
    }
}

fn attributes(answer: &mut Answer, node: &Node) {
    let size = match &node.holds {
        Holds::File { size, .. } => *size,
        Holds::Symlink { target } => target.len() as u64,
        // As most file systems have it: `test -s` asks.
        Holds::Dir(_) => DIR_SIZE,
        Holds::Whiteout => 0,
    };
    let links = if matches!(node.holds, Holds::Dir(_)) { 2 } else { 1 };
    let Time { sec, nsec } = node.mtime;
    [node.ino, size, size.div_ceil(512)].iter().for_each(|&n| answer.u64(n));
    [sec; 3].iter().for_each(|&n| answer.u64(n as u64));
    [nsec; 3].iter().for_each(|&n| answer.u32(n));
    [kind(node).as_raw_mode() | node.mode, links, node.uid, node.gid].iter().for_each(|&n| answer.u32(n));
    // The device is 0/0, which makes a whiteout one.
    [0, 4096, 0].iter().for_each(|&n| answer.u32(n));
}

fn kind(node: &Node) -> FileType {
    match &node.holds {
        Holds::Dir(_) => FileType::Directory,
        Holds::File { .. } => FileType::RegularFile,
        Holds::Symlink { .. } => FileType::Symlink,
        Holds::Whiteout => FileType::CharacterDevice,
    }
}

/// Adds a name to a listing, if there is room for it.
fn listed(answer: &mut Answer, space: usize, next: u64, name: &[u8], node: &Node) -> bool {
    let length = (24 + name.len()).next_multiple_of(8);
    if answer.len() + length > space {
        return false;
    }
    answer.u64(node.ino);
    answer.u64(next);
    answer.u32(name.len() as u32);
    // What getdents calls a type is that of the mode without the permissions.
    answer.u32(kind(node).as_raw_mode() >> 12);
    answer.bytes(name);
    answer.zeroes(length - 24 - name.len());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strict;
    use crate::testing::{dir, file, message, tree};

    /// What the server says to a message, as the error's number and the rest; nothing if it says nothing.
    fn ask(opcode: u32, node: u64, body: &[u8]) -> Option<(i32, Vec<u8>)> {
        let tree = Arc::new(tree(&[dir("d"), file("d/f", "hello")]));
        let served = Served::new(tree, None, Arc::new(Strict));
        let message = message(opcode, node, body);
        let request = Request::parse(&message).expect("a message");
        let mut answer = Answer::default();
        let bytes = served.answer(&request, &mut answer)?;
        assert_eq!(bytes[..4], (bytes.len() as u32).to_ne_bytes());
        assert_eq!(bytes[8..16], 9u64.to_ne_bytes());
        Some((i32::from_ne_bytes(bytes[4..8].try_into().unwrap()), bytes[16..].to_vec()))
    }

    fn error(opcode: u32, node: u64, body: &[u8]) -> i32 {
        let (error, rest) = ask(opcode, node, body).expect("an answer");
        assert!(error == 0 || rest.is_empty());
        -error
    }

    const ENOENT_IS_NO_ERROR: i32 = 0;

    #[test]
    fn whatever_comes_is_answered() {
        let (inval, nosys, rofs) = (22, 38, 30);
        let (stale, notdir) = (116, 20);
        for opcode in [0, 7, 20, 23, 25, 30, 34, 36, 37, 39, 40, 41, 44, 46, 48, 50, 52, 99, 4096, u32::MAX] {
            assert_eq!(error(opcode, 1, &[]), nosys, "{opcode}");
        }
        for opcode in [4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47, 51] {
            assert_eq!(error(opcode, 1, &[]), rofs, "{opcode}");
        }
        // Too short, a name without an end, a node that isn't there, one that is no directory.
        for opcode in [14, 15, 26, 28] {
            assert_eq!(error(opcode, if opcode == 28 { 1 } else { 3 }, &[1]), inval, "{opcode}");
        }
        assert_eq!(error(1, 1, b"d"), inval);
        assert_eq!(error(1, 1, b"d\0"), 0);
        assert_eq!(error(1, 1, b"nope\0"), ENOENT_IS_NO_ERROR);
        for node in [0, 4, u64::MAX] {
            assert_eq!(error(3, node, &[]), stale);
        }
        assert_eq!((error(1, 3, b"x\0"), error(27, 3, &[])), (notdir, notdir));
        assert_eq!((error(5, 1, &[]), error(14, 3, &[2, 0, 0, 0])), (inval, rofs));
        assert_eq!((error(29, 1, &[]), error(38, 0, &[]), error(17, 1, &[])), (0, 0, 0));
        for opcode in [2, 42] {
            assert_eq!(ask(opcode, 1, &[0; 3]), None);
        }
        for length in 0..40 {
            assert!(Request::parse(&vec![0; length]).is_none());
        }
    }

    #[test]
    fn a_read_gives_what_there_is() {
        let read = |offset: u64, size: u32| {
            let body =
                [&0u64.to_ne_bytes()[..], &offset.to_ne_bytes(), &size.to_ne_bytes(), &[0; 20]].concat();
            ask(15, 3, &body).expect("an answer")
        };
        assert_eq!(read(0, 4096), (0, b"hello".to_vec()));
        assert_eq!(read(3, 1), (0, b"l".to_vec()));
        assert_eq!(read(5, 10), (0, vec![]));
        assert_eq!(read(u64::MAX, u32::MAX), (0, vec![]));
    }

    #[test]
    fn sizes_are_the_protocols() {
        let init = [&7u32.to_ne_bytes()[..], &45u32.to_ne_bytes(), &[0xff; 8], &[0; 48]].concat();
        for (opcode, node, body, size) in [
            (1, 1, &b"d\0"[..], 128),
            (1, 1, b"nope\0", 128),
            (3, 3, &[0; 16], 104),
            (14, 3, &[0; 8], 16),
            (27, 1, &[0; 8], 16),
            (17, 1, &[], 80),
            (26, 0, &init, 64),
        ] {
            assert_eq!(ask(opcode, node, body).expect("an answer").1.len(), size, "{opcode}");
        }
    }

    #[test]
    fn old_protocols_are_refused() {
        let init = |major: u32, minor: u32| {
            error(26, 0, &[&major.to_ne_bytes()[..], &minor.to_ne_bytes(), &[0; 8]].concat())
        };
        assert_eq!((init(6, 99), init(7, 27), init(7, 28), init(8, 0)), (71, 71, 0, 0));
    }

    #[test]
    fn a_listing_fits_its_space_and_goes_on_where_it_stopped() {
        let list = |offset: u64, size: u32| {
            let body =
                [&0u64.to_ne_bytes()[..], &offset.to_ne_bytes(), &size.to_ne_bytes(), &[0; 20]].concat();
            ask(28, 1, &body).expect("an answer").1.len()
        };
        // `.`, `..` and `d`, each 24 bytes and a name, rounded up.
        assert_eq!((list(0, 4096), list(2, 4096), list(3, 4096)), (96, 32, 0));
        assert_eq!((list(0, 95), list(0, 31), list(u64::MAX - 1, 4096)), (64, 0, 0));
    }
}
