//! A build context to what is in it: names, modes, times, no content.
//!
//! What is ignored is decided by the caller's [`Filter`], before anything below an ignored directory is
//! looked at. What a context can't carry is dropped here: owners become 0:0, extended attributes vanish,
//! sockets are left out. A directory stays even when all that was in it is ignored.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use dockerfile::ignore::{Patterns, State};
use rustix::fs::FileType;

use crate::entry::{Meta, Path};
use crate::found::{self, Found, join, within};
use crate::root::{Dir, Name, Root, Stat, Type};

/// Says which names of a context count, directory by directory.
pub trait Filter {
    /// What is known of a directory when its children are judged.
    type State: Clone;

    /// What is known of the context itself.
    fn start(&self) -> Self::State;

    /// Judges `path`, whose parent directory has the state `parent`.
    fn enter(&self, parent: &Self::State, path: &[u8], is_dir: bool) -> (Verdict, Self::State);
}

/// What becomes of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is part of the context.
    Keep,
    /// It isn't, nor is anything below.
    Skip,
    /// It isn't, but something below may be; then so is the directory.
    Descend,
}

/// Keeps everything.
pub struct Everything;

impl Filter for Everything {
    type State = ();

    fn start(&self) {}

    fn enter(&self, _: &(), _: &[u8], _: bool) -> (Verdict, ()) {
        (Verdict::Keep, ())
    }
}

impl Filter for Patterns {
    type State = State;

    fn start(&self) -> State {
        self.root()
    }

    fn enter(&self, parent: &State, path: &[u8], is_dir: bool) -> (Verdict, State) {
        // Patterns are text: where a name is not, it matches as it would be printed.
        let path = String::from_utf8_lossy(path);
        let (state, ignored) = self.child(parent, &path);
        let verdict = match ignored {
            false => Verdict::Keep,
            true if is_dir && self.could_reinclude_below(&path) => Verdict::Descend,
            true => Verdict::Skip,
        };
        (verdict, state)
    }
}

/// What is at and below `start` and, of the directories above it, these themselves; in canonical order.
///
/// The root itself is not among them. Where `start` or something above it is a link, ignored or absent,
/// the walk ends there. Where there are many directories, all cores walk.
pub fn scan<F>(root: &Arc<Root>, start: &[u8], filter: &F) -> io::Result<Vec<Found>>
where
    F: Filter + Sync,
    F::State: Send,
{
    let first = Task { folder: 0, path: Path::default(), state: filter.start() };
    let board = Board { open: vec![first], folders: vec![Folder::default()], ..Board::default() };
    let walk = Walk { root, start, filter, board: Mutex::new(board), changed: Condvar::new() };
    std::thread::scope(|scope| {
        let helpers = AtomicUsize::new(cores() - 1);
        walk.work(&|| {
            // Whoever has little to walk shouldn't pay for a thread.
            for _ in 0..helpers.swap(0, Ordering::Relaxed) {
                scope.spawn(|| walk.work(&|| ()));
            }
        });
    });
    let board = walk.board.into_inner().expect("the walkers are done");
    match board.error {
        Some(e) => Err(e),
        None => {
            let (found, verdicts) = in_order(board.found, board.verdicts, &board.folders);
            Ok(without_barren(found, &verdicts))
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get()).min(MOST_THREADS)
}

/// The next component of `start` below `path`.
fn next_name<'a>(start: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    let rest = if path.is_empty() { start } else { start.get(path.len() + 1..)? };
    rest.split(|&b| b == b'/').next()
}

/// More of them wait for each other.
const MOST_THREADS: usize = 8;

/// So many directories to be read are worth a second thread.
const MANY: usize = 8;

struct Walk<'a, F: Filter> {
    root: &'a Arc<Root>,
    start: &'a [u8],
    filter: &'a F,
    board: Mutex<Board<F::State>>,
    changed: Condvar,
}

/// Where the walk stands.
struct Board<S> {
    open: Vec<Task<S>>,
    /// How many threads are reading a directory.
    busy: usize,
    /// All that was seen, one directory after the other as they were read; there is no second list of it.
    found: Vec<Found>,
    verdicts: Vec<Verdict>,
    /// The directories, by number.
    folders: Vec<Folder>,
    error: Option<io::Error>,
}

/// A directory to be read.
struct Task<S> {
    folder: usize,
    path: Path,
    state: S,
}

/// A directory among all that was seen.
#[derive(Default)]
struct Folder {
    /// Which object it is.
    at: usize,
    /// The objects in it, by name.
    objects: Range<usize>,
    /// The numbers of the directories among them, by name.
    below: Range<usize>,
}

/// What was read of one directory.
struct Read<S> {
    found: Vec<Found>,
    verdicts: Vec<Verdict>,
    /// The directories in it, by their place among the objects.
    below: Vec<(usize, S)>,
}

impl<S> Default for Board<S> {
    fn default() -> Board<S> {
        let (open, found, verdicts, folders) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Board { open, busy: 0, found, verdicts, folders, error: None }
    }
}

impl<S> Board<S> {
    fn add(&mut self, folder: usize, read: Read<S>) {
        let (start, first) = (self.found.len(), self.folders.len());
        for (place, state) in read.below {
            let path = read.found[place].path.clone();
            self.open.push(Task { folder: self.folders.len(), path, state });
            self.folders.push(Folder { at: start + place, ..Folder::default() });
        }
        self.found.extend(read.found);
        self.verdicts.extend(read.verdicts);
        self.folders[folder].objects = start..self.found.len();
        self.folders[folder].below = first..self.folders.len();
    }
}

impl<F: Filter + Sync> Walk<'_, F>
where
    F::State: Send,
{
    fn work(&self, call_for_help: &dyn Fn()) {
        while let Some(task) = self.take() {
            let read = self.folder(&task);
            if self.put(task, read) >= MANY {
                call_for_help();
            }
        }
        self.changed.notify_all();
    }

    /// The next directory; waits for one, none when there will be none.
    fn take(&self) -> Option<Task<F::State>> {
        let mut board = self.board.lock().expect("no panic while held");
        loop {
            if board.error.is_some() {
                return None;
            }
            match board.open.pop() {
                Some(task) => {
                    board.busy += 1;
                    return Some(task);
                }
                None if board.busy == 0 => return None,
                None => board = self.changed.wait(board).expect("no panic while held"),
            }
        }
    }

    /// Notes what was read, and says how many directories are open.
    fn put(&self, task: Task<F::State>, read: io::Result<Read<F::State>>) -> usize {
        let mut board = self.board.lock().expect("no panic while held");
        board.busy -= 1;
        match read {
            Ok(read) => board.add(task.folder, read),
            Err(e) => drop(board.error.get_or_insert(e)),
        }
        self.changed.notify_all();
        board.open.len()
    }

    fn folder(&self, task: &Task<F::State>) -> io::Result<Read<F::State>> {
        let dir = self.root.dir(&task.path)?;
        let wanted = if within(&task.path, self.start) { None } else { next_name(self.start, &task.path) };
        let mut names = dir.names()?;
        names.retain(|name| wanted.is_none_or(|wanted| wanted == name.name));
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut read = Read { found: Vec::new(), verdicts: Vec::new(), below: Vec::new() };
        let mut path = join(&task.path, b"");
        let start = path.len();
        for name in names {
            path.truncate(start);
            path.extend_from_slice(&name.name);
            self.object(&dir, task, &name, Path::from(path.as_slice()), &mut read)?;
        }
        Ok(read)
    }

    fn object(
        &self,
        dir: &Dir,
        task: &Task<F::State>,
        name: &Name,
        path: Path,
        read: &mut Read<F::State>,
    ) -> io::Result<()> {
        let Some(is_dir) = is_dir(dir, name)? else { return Ok(()) };
        let (verdict, below) = self.filter.enter(&task.state, &path, is_dir);
        if verdict == Verdict::Skip || (verdict == Verdict::Descend && !is_dir) {
            return Ok(());
        }
        // Gone since it was listed: as if it had never been there.
        let Some(stat) = dir.stat(&name.name)? else { return Ok(()) };
        let Some(shape) = found::shape(dir, &name.name, &stat, self.root, &path)? else { return Ok(()) };
        if stat.kind == Type::Dir {
            read.below.push((read.found.len(), below));
        }
        read.found.push(Found { path, meta: context_meta(&stat), shape });
        read.verdicts.push(verdict);
        Ok(())
    }
}

/// Canonical order: what is in a directory right behind it, by name.
fn in_order(
    mut found: Vec<Found>,
    mut verdicts: Vec<Verdict>,
    folders: &[Folder],
) -> (Vec<Found>, Vec<Verdict>) {
    let mut places = places(found.len(), folders);
    for i in 0..places.len() {
        // Each exchange brings one object to its place for good.
        while places[i] != i {
            let place = places[i];
            found.swap(i, place);
            verdicts.swap(i, place);
            places.swap(i, place);
        }
    }
    (found, verdicts)
}

/// Where each object belongs.
fn places(count: usize, folders: &[Folder]) -> Vec<usize> {
    let mut places = vec![0; count];
    let mut next = 0..count;
    let inside = |folder: &Folder| (folder.objects.clone(), folder.below.clone());
    let mut open = vec![inside(&folders[0])];
    while let Some((objects, below)) = open.last_mut() {
        let Some(object) = objects.next() else {
            open.pop();
            continue;
        };
        places[object] = next.next().expect("a place for each object");
        if below.start < below.end && folders[below.start].at == object {
            let folder = below.next().expect("it has a directory left");
            open.push(inside(&folders[folder]));
        }
    }
    places
}

/// Whether the name is a directory; most file systems say so in the listing.
fn is_dir(dir: &Dir, name: &Name) -> io::Result<Option<bool>> {
    Ok(match name.kind {
        FileType::Unknown => dir.stat(&name.name)?.map(|stat| stat.kind == Type::Dir),
        kind => Some(kind == FileType::Directory),
    })
}

/// The metadata that a context carries.
fn context_meta(stat: &Stat) -> Meta {
    Meta { mode: stat.mode, mtime: stat.ident.mtime, ..Meta::default() }
}

/// Drops the ignored directories in which nothing was kept. In canonical order all that is below a
/// directory follows it, so the next that is kept tells, seen from the end.
pub(crate) fn without_barren(mut found: Vec<Found>, verdicts: &[Verdict]) -> Vec<Found> {
    let mut kept = vec![true; found.len()];
    let mut next: Option<&Path> = None;
    for (i, one) in found.iter().enumerate().rev() {
        let fruitful = next.is_some_and(|next| within(next, &one.path));
        kept[i] = verdicts[i] == Verdict::Keep || fruitful;
        next = if kept[i] { Some(&one.path) } else { next };
    }
    let mut kept = kept.into_iter();
    found.retain(|_| kept.next().expect("one for each"));
    found
}
