//! Paths in a layer to opened directories, never outside of it.
//!
//! A layer may hold a symbolic link and then names below it; they go where the link leads as a process in the
//! image would see it: its root is the layer's folder, and `..` ends there. Directories that the layer does
//! not mention are made by the caller's rule. Nobody else writes to the folder meanwhile.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::failure::{at, bad, show};
use crate::place::{Found, Spot};
use crate::write::{join, parent_and_name};

/// As many links as the kernel follows in one path.
const MOST_LINKS: usize = 40;
/// Longest path that the kernel takes: forty links could make one forty times as long.
pub const MOST_PATH: usize = 4096;
/// Components that links may add to each path, and to all of them together once more. Forty links of a thousand
/// components each, for each of a million names, would be a walk for ever.
const FOR_LINKS: usize = 64;
const FOR_ALL_LINKS: usize = 1 << 18;

const STEP: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An opened directory of the layer.
#[derive(Clone)]
pub struct Place {
    /// The directory.
    pub dir: Rc<OwnedFd>,
    /// Where it is, without links on the way.
    pub path: Rc<[u8]>,
}

impl Place {
    /// A name in it.
    pub fn spot<'a>(&'a self, name: &'a [u8], path: &'a [u8]) -> Spot<'a> {
        Spot { dir: self.dir.as_fd(), name, path }
    }

    /// The path of a name in it.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        join(&self.path, name)
    }
}

/// Makes a directory that is missing, or one in the place of a whiteout.
pub type Make<'a> = &'a mut dyn FnMut(Spot<'_>, Found) -> io::Result<()>;

/// How many components of paths may still be walked. Grows with the paths.
pub struct Steps(Cell<usize>);

impl Default for Steps {
    fn default() -> Steps {
        Steps(Cell::new(FOR_ALL_LINKS))
    }
}

impl Steps {
    /// A path of so many components is to be walked.
    pub fn earn(&self, parts: usize) {
        self.0.set(self.0.get().saturating_add(parts + FOR_LINKS));
    }

    /// One component of `path`, or of a link on the way.
    ///
    /// # Errors
    /// If there were too many.
    pub fn take(&self, path: &[u8]) -> io::Result<()> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| at("open", path)(Errno::LOOP))?;
        self.0.set(left);
        Ok(())
    }
}

/// A layer's folder.
pub struct Folder {
    root: Place,
    steps: Steps,
    /// The last answer: members of one directory mostly follow one another.
    last: Option<(Vec<u8>, Place)>,
}

impl Folder {
    /// Below this directory.
    pub fn new(root: OwnedFd) -> Folder {
        Folder {
            root: Place { dir: Rc::new(root), path: Rc::from(&b""[..]) },
            steps: Steps::default(),
            last: None,
        }
    }

    /// The layer's root.
    pub fn root(&self) -> Place {
        self.root.clone()
    }

    /// To be called when a directory or link went away.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// The directory at `path`, made if it is missing.
    ///
    /// # Errors
    /// If there is something else on the way.
    pub fn reach(&mut self, path: &[u8], make: Make<'_>) -> io::Result<Place> {
        if let Some((_, place)) = self.last.as_ref().filter(|(last, _)| last == path) {
            return Ok(place.clone());
        }
        let place = match self.straight(path)? {
            Some(place) => place,
            None => self.walk(path, Some(make))?.ok_or_else(|| at("open", path)(Errno::NOENT))?,
        };
        self.last = Some((path.to_vec(), place.clone()));
        Ok(place)
    }

    /// The directory at `path`, if there is one.
    ///
    /// # Errors
    /// If there is something else on the way.
    pub fn find(&self, path: &[u8]) -> io::Result<Option<Place>> {
        match self.straight(path)? {
            Some(place) => Ok(Some(place)),
            None => self.walk(path, None),
        }
    }

    /// One call, where neither a link nor anything missing is on the way.
    fn straight(&self, path: &[u8]) -> io::Result<Option<Place>> {
        if path.is_empty() {
            return Ok(Some(self.root()));
        }
        match open_beneath(self.root.dir.as_fd(), path) {
            Ok(dir) => Ok(Some(Place { dir: Rc::new(dir), path: path.into() })),
            // The last two are old seccomp profiles that know no openat2.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NOSYS | Errno::PERM) => Ok(None),
            Err(e) => Err(at("open", path)(e)),
        }
    }

    /// Component by component, links by hand.
    fn walk(&self, path: &[u8], mut make: Option<Make<'_>>) -> io::Result<Option<Place>> {
        let mut here = self.root();
        let mut todo: Vec<Vec<u8>> = parts(path);
        let mut links = 0;
        self.steps.earn(todo.len());
        while let Some(part) = todo.pop() {
            self.steps.take(path)?;
            if part == b".." {
                here = self.above(&here)?;
                continue;
            }
            if here.path.len() + part.len() >= MOST_PATH {
                return Err(at("open", path)(Errno::NAMETOOLONG));
            }
            match self.step(&here, &part, &mut make)? {
                Step::Into(place) => here = place,
                Step::Missing => return Ok(None),
                Step::Link(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(at("open", path)(Errno::LOOP));
                    }
                    if target.starts_with(b"/") {
                        here = self.root();
                    }
                    todo.extend(parts(&target));
                }
            }
        }
        Ok(Some(here))
    }

    /// The root is above itself.
    fn above(&self, here: &Place) -> io::Result<Place> {
        let (parent, _) = parent_and_name(&here.path);
        if parent.is_empty() {
            return Ok(self.root());
        }
        // One call: part by part, a link of a thousand names and then a thousand `..` takes a million.
        if let Some(place) = self.straight(parent)? {
            return Ok(place);
        }
        let mut dir = self.root();
        for part in parent.split(|&byte| byte == b'/') {
            dir = into(&dir, part, open_step(&dir, part).map_err(at("open", parent))?);
        }
        Ok(dir)
    }

    fn step(&self, here: &Place, name: &[u8], make: &mut Option<Make<'_>>) -> io::Result<Step> {
        let path = here.path_of(name);
        let found = match open_step(here, name) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return self.missing(here, name, Found::Nothing, make),
            Err(e) => return Err(at("open", &path)(e)),
        };
        let stat = rustix::fs::fstat(&found).map_err(at("look at", &path))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Ok(Step::Into(into(here, name, found))),
            FileType::Symlink => {
                let target =
                    rustix::fs::readlinkat(&found, c"", Vec::new()).map_err(at("read link", &path))?;
                Ok(Step::Link(target.into_bytes()))
            }
            FileType::CharacterDevice if stat.st_rdev == 0 => self.missing(here, name, Found::Whiteout, make),
            _ => Err(bad(format!("`{}` is no directory, but the layer has names below it", show(&path)))),
        }
    }

    fn missing(
        &self,
        here: &Place,
        name: &[u8],
        found: Found,
        make: &mut Option<Make<'_>>,
    ) -> io::Result<Step> {
        let Some(make) = make else { return Ok(Step::Missing) };
        let path = here.path_of(name);
        make(here.spot(name, &path), found)?;
        Ok(Step::Into(into(here, name, open_step(here, name).map_err(at("open", &path))?)))
    }
}

enum Step {
    Into(Place),
    Link(Vec<u8>),
    Missing,
}

fn into(here: &Place, name: &[u8], dir: OwnedFd) -> Place {
    Place { dir: Rc::new(dir), path: here.path_of(name).into() }
}

/// Components, the first one last.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

fn open_step(here: &Place, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(&here.dir, name, STEP, Mode::empty())
}

/// Opens the directory at a path that has no links, for names in it.
pub fn open_beneath(root: BorrowedFd<'_>, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, path, STEP | OFlags::DIRECTORY, Mode::empty(), resolve)
}
