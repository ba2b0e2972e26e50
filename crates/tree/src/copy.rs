//! The sources of a `COPY` or `ADD` and the file system they go to, to the changes of its layer.
//!
//! Selected by `source`, laid out on `target`; the rules between are here. They are BuildKit's, oddities
//! included, for they are what Dockerfiles depend on: a directory is copied as its contents, a
//! destination without trailing slash is a file unless a directory is there, each source is placed as if
//! it came alone and the last one wins.

use std::borrow::Cow;
use std::io;

use dockerfile::chmod::Chmod;
use dockerfile::ignore::{Patterns, State};

use crate::entry::{Change, Entry, Meta, Path, Time};
use crate::found::{Found, Shape, join, split, within};
use crate::hash::Hashes;
use crate::view::View;

mod alone;
mod archive;
mod puts;
pub mod source;
mod target;

pub use alone::alone;
pub use source::{Origin, Picked};
use target::Target;

/// How a `COPY` copies.
#[derive(Clone, Debug)]
pub struct Copy<'a> {
    /// Where to: from the root, the working directory already in front. With a slash at the end it is a
    /// directory, also when it doesn't exist yet; `.` and nothing have to be given with one.
    pub dest: &'a [u8],
    /// `--chown`, looked up.
    pub chown: Option<(u32, u32)>,
    /// `--chmod`.
    pub chmod: Option<&'a Chmod>,
    /// `--link`: without regard to what is at the destination.
    pub link: bool,
    /// `--parents`: with the directories above the source.
    pub parents: bool,
    /// `--exclude`: what to leave out, relative to the copied directory.
    pub exclude: &'a Patterns,
    /// The time of directories that no source has.
    pub created: Time,
}

/// One source.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// What a path or pattern of the Dockerfile means in a place.
    Path {
        /// The place.
        origin: Origin<'a>,
        /// The path as written.
        path: &'a [u8],
    },
    /// All of a scanned build context, which nobody else needs: as the path `/` of it, without a second list.
    All(Vec<Found>),
    /// One object that [`Origin::select`] has found, so no pattern any more.
    Picked {
        /// The place.
        origin: Origin<'a>,
        /// The object.
        picked: Picked,
    },
    /// A file that lies nowhere else, with its name as path: a here-document, a download.
    File(Found),
    /// What was in an archive, to be laid out below the destination.
    Archive(Vec<Entry>),
}

/// The changes that copying the items makes to `dest`, in canonical order.
pub fn copy(
    how: &Copy<'_>,
    items: Vec<Item<'_>>,
    dest: &View,
    hashes: &dyn Hashes,
) -> io::Result<Vec<Change>> {
    let nothing = View::new(Vec::new());
    // BuildKit gives up on linking when it has to change modes: trap 29.
    let detached = how.link && how.chmod.is_none();
    let mut job = Job { how, target: Target::new(if detached { &nothing } else { dest }), archives: 0 };
    for item in items {
        match item {
            Item::Path { origin, path } if how.parents => job.with_parents(&origin, path)?,
            Item::Path { origin, path } => {
                for picked in origin.select(path)? {
                    job.picked(&origin, picked, None)?;
                }
            }
            Item::All(found) => job.all(found)?,
            Item::Picked { origin, picked } => job.picked(&origin, picked, None)?,
            Item::File(found) => job.file(found)?,
            Item::Archive(entries) => job.archive(entries)?,
        }
    }
    job.target.changes(hashes)
}

impl Copy<'_> {
    /// Gives owner and mode. Links have no mode of their own.
    fn dress(&self, meta: &mut Meta, shape: &Shape) {
        if let Some((uid, gid)) = self.chown {
            (meta.uid, meta.gid) = (uid, gid);
        }
        match (self.chmod, shape) {
            (None, _) | (_, Shape::Symlink { .. }) => {}
            (Some(chmod), shape) => meta.mode = chmod.apply(meta.mode, matches!(shape, Shape::Dir)) & 0o7777,
        }
    }
}

struct Job<'a> {
    how: &'a Copy<'a>,
    target: Target<'a>,
    /// How many archives there have been.
    archives: usize,
}

impl Job<'_> {
    /// `--parents`: the part of the path before `/./` is where the copied paths start.
    fn with_parents(&mut self, origin: &Origin<'_>, path: &[u8]) -> io::Result<()> {
        let pivot = path.windows(3).position(|part| part == b"/./");
        let (start, wanted) = pivot.map_or((b"".as_slice(), path), |at| (&path[..at], &path[at + 3..]));
        let wanted = source::clean(wanted);
        if !source::is_pattern(start) && !source::is_pattern(&wanted) {
            origin.pick(&join(&source::clean(start), &wanted))?;
        }
        let only = Patterns::from_list(&[String::from_utf8_lossy(&wanted)]);
        let only = only.map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e.message))?;
        for picked in origin.select(start)? {
            self.picked(origin, picked, (!wanted.is_empty()).then_some(&only))?;
        }
        Ok(())
    }

    fn picked(&mut self, origin: &Origin<'_>, picked: Picked, only: Option<&Patterns>) -> io::Result<()> {
        if !picked.found.is_dir() {
            return self.file(Found { path: picked.path.into(), ..picked.found });
        }
        let dest = self.folder()?;
        self.contents(origin, &picked.found.path, &dest, only)
    }

    fn all(&mut self, mut all: Vec<Found>) -> io::Result<()> {
        let dest = self.folder()?;
        if !self.how.exclude.is_empty() {
            return self.contents(&Origin::Context(&all), b"", &dest, None);
        }
        for found in &mut all {
            if !dest.is_empty() {
                found.path = Path::from(join(&dest, &found.path));
            }
            self.how.dress(&mut found.meta, &found.shape);
        }
        self.target.put_all(all)
    }

    /// The destination of a directory's contents, which is there after this.
    fn folder(&mut self) -> io::Result<Vec<u8>> {
        let dest = self.destination()?;
        // What is there already stays as it is, and what is made is nobody's copy.
        if !self.target.exists(&dest)? {
            self.make_dirs(&dest)?;
        }
        self.target.expect_dir(&dest)?;
        Ok(dest)
    }

    /// A single file, link or the like; its path is its name.
    fn file(&mut self, mut found: Found) -> io::Result<()> {
        let mut dest = self.destination()?;
        if self.target.is_dir(&dest)? {
            dest = join(&dest, split(&found.path).map_or(b"", |(_, name)| name));
        }
        if let Some((dir, _)) = split(&dest) {
            self.make_dirs(dir)?;
        }
        self.how.dress(&mut found.meta, &found.shape);
        self.target.put_file(Found { path: dest.into(), ..found })
    }

    /// The destination with its links followed; a directory that the text ends in is there after this.
    fn destination(&mut self) -> io::Result<Vec<u8>> {
        let clean = source::clean(self.how.dest);
        let dir = match self.how.dest.ends_with(b"/") {
            true => clean.as_slice(),
            false => split(&clean).map_or(b"".as_slice(), |(dir, _)| dir),
        };
        let dir = self.target.resolve(dir)?;
        self.make_dirs(&dir)?;
        self.target.resolve(&clean)
    }

    /// All that is below `from`, or what of it is wanted, laid out below `to`.
    fn contents(
        &mut self,
        origin: &Origin<'_>,
        from: &[u8],
        to: &[u8],
        only: Option<&Patterns>,
    ) -> io::Result<()> {
        let mut above = vec![Above::root(only, self.how.exclude)];
        let all = origin.below(from)?;
        if only.is_none() {
            self.target.expect(all.len());
        }
        for found in all.iter() {
            let relative = &found.path[if from.is_empty() { 0 } else { from.len() + 1 }..];
            while above.last().is_some_and(|dir| !within(relative, &dir.relative)) {
                above.pop();
            }
            let dir = above.last().expect("all is below the copied directory");
            let (state, wanted) = dir.judge(only, self.how.exclude, relative);
            let path = || if from == to { found.path.clone() } else { Path::from(join(to, relative)) };
            let placed = || Found { path: path(), ..found.clone() };
            if wanted {
                self.make_above(&mut above)?;
                self.place(placed())?;
            }
            if found.is_dir() {
                above.push(Above { relative: relative.to_vec(), dir: (!wanted).then(placed), ..state });
            }
        }
        Ok(())
    }

    fn place(&mut self, mut found: Found) -> io::Result<()> {
        self.how.dress(&mut found.meta, &found.shape);
        match found.shape {
            Shape::Dir => self.target.put_dir(found),
            _ => self.target.put_file(found),
        }
    }

    /// Makes the directories that are not wanted themselves, but hold what is.
    fn make_above(&mut self, above: &mut [Above]) -> io::Result<()> {
        for missing in above.iter_mut().filter_map(|above| above.dir.take()) {
            if self.target.is_dir(&missing.path)? {
                // BuildKit gives an existing one the source's mode and leaves it its owner.
                self.target.set_mode(&missing.path, missing.meta.mode)?;
            } else {
                self.place(missing)?;
            }
        }
        Ok(())
    }

    fn make_dirs(&mut self, path: &[u8]) -> io::Result<()> {
        let (uid, gid) = self.how.chown.unwrap_or((0, 0));
        // Trap 17: an octal mode counts for these too, a symbolic one doesn't.
        let octal = self.how.chmod.filter(|chmod| chmod.is_octal());
        let mode = octal.map_or(0o755, |chmod| chmod.apply(0, true));
        self.target.make_dirs(path, &Meta { mode, uid, gid, mtime: self.how.created, ..Meta::default() })
    }
}

/// A directory on the way to what is being copied.
struct Above {
    /// Its path below the copied directory.
    relative: Vec<u8>,
    /// What `--parents` and `--exclude` know of it.
    only: State,
    exclude: State,
    /// The directory, while it is not made.
    dir: Option<Found>,
}

impl Above {
    fn root(only: Option<&Patterns>, exclude: &Patterns) -> Above {
        let only = only.map(Patterns::root).unwrap_or_default();
        Above { relative: Vec::new(), only, exclude: exclude.root(), dir: None }
    }

    /// Whether a path in this directory is copied, and what its children inherit.
    fn judge(&self, only: Option<&Patterns>, exclude: &Patterns, path: &[u8]) -> (Above, bool) {
        let path: Cow<'_, str> = String::from_utf8_lossy(path);
        let (only, included) = match only {
            Some(patterns) => patterns.child(&self.only, &path),
            None => (State::default(), true),
        };
        let (exclude, excluded) = match exclude.is_empty() {
            true => (State::default(), false),
            false => exclude.child(&self.exclude, &path),
        };
        (Above { relative: Vec::new(), only, exclude, dir: None }, included && !excluded)
    }
}
