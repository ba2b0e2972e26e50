//! Files to their content's digests: what a walk [found](Found) becomes what a layer can hold.
//!
//! Files are read by as many threads as there are cores, each inode once, and not at all when
//! [`Hashes`] knows it in this state. Several names of one inode become one file and hard links to it.

use std::collections::{HashMap, hash_map};
use std::io::{self, Read};
use std::iter::Enumerate;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::vec;

use crate::entry::{Content, Entry, Kind, Path, Source, Time};
use crate::found::{self, Found, Inode, Known, Shape, Unread};
pub use crate::root::Ident;
use crate::root::{Root, at, stat_of, text};

/// A memory of digests by inode and state.
pub trait Hashes: Sync {
    /// The digest, if this inode was seen in exactly this state.
    fn get(&self, id: &Ident) -> Option<Content>;
    /// Remembers a digest.
    fn put(&self, id: Ident, content: Content);
}

/// Remembers nothing.
pub struct NoHashes;

impl Hashes for NoHashes {
    fn get(&self, _: &Ident) -> Option<Content> {
        None
    }

    fn put(&self, _: Ident, _: Content) {}
}

/// Reads what has to be read and gives the entries in canonical order.
pub fn hash(mut found: Vec<Found>, hashes: &dyn Hashes) -> io::Result<Vec<Entry>> {
    found::sort(&mut found);
    let links = links(&found);
    let mut left = links.iter().peekable();
    let files = found.iter_mut().enumerate().filter_map(|(i, found)| match &mut found.shape {
        Shape::File(file) => left.next_if(|(link, _)| *link == i).is_none().then_some(file),
        _ => None,
    });
    digests(files, hashes)?;
    let mut links = links.into_iter().peekable();
    // The same room is used again: this list is the longest thing that a build holds.
    let entries = found.into_iter().enumerate().map(|(i, found)| {
        let kind = match links.next_if(|(link, _)| *link == i) {
            Some((_, target)) => Kind::Hardlink { target: target.to_vec() },
            None => kind(found.shape),
        };
        Entry { path: found.path, meta: found.meta, kind }
    });
    Ok(entries.collect())
}

/// The digest of one source's bytes and how many there are.
pub fn digest(source: &Source) -> io::Result<(u64, Content)> {
    match source {
        Source::Bytes(bytes) => Ok((bytes.len() as u64, Content(blake3::hash(bytes).into()))),
        Source::Disk { root, path } => digest_file(root, path).map(|(ident, content)| (ident.size, content)),
    }
}

fn kind(shape: Shape) -> Kind {
    match shape {
        Shape::File(Unread { source, known: Known::Digest(size, content), .. }) => {
            Kind::File { size, content, source }
        }
        Shape::File(_) => unreachable!("all files have been read"),
        Shape::Dir => Kind::Dir,
        Shape::Symlink { target } => Kind::Symlink { target },
        Shape::Fifo => Kind::Fifo,
        Shape::Char { major, minor } => Kind::Char { major, minor },
        Shape::Block { major, minor } => Kind::Block { major, minor },
    }
}

/// The second and later names of inodes, each with the first.
fn links(found: &[Found]) -> Vec<(usize, Path)> {
    let mut first: HashMap<Inode, &Path> = HashMap::new();
    let mut links = Vec::new();
    for (i, one) in found.iter().enumerate() {
        let Shape::File(Unread { inode: Some(inode), .. }) = &one.shape else { continue };
        match first.entry(**inode) {
            hash_map::Entry::Occupied(first) => links.push((i, (*first.get()).clone())),
            hash_map::Entry::Vacant(free) => drop(free.insert(&one.path)),
        }
    }
    links
}

/// Makes sure that the digest of each file is known.
fn digests<'a>(files: impl Iterator<Item = &'a mut Unread>, hashes: &dyn Hashes) -> io::Result<()> {
    let unread = files.filter_map(|file| {
        if let Known::Inode(ident) = file.known
            && let Some(content) = hashes.get(&ident)
        {
            file.known = Known::Digest(ident.size, content);
        }
        (!matches!(file.known, Known::Digest(..))).then_some(file)
    });
    in_parallel(unread.collect(), |file| {
        let (size, content) = read(file, hashes)?;
        file.known = Known::Digest(size, content);
        Ok(())
    })
}

fn read(file: &Unread, hashes: &dyn Hashes) -> io::Result<(u64, Content)> {
    let Source::Disk { root, path } = &file.source else { return digest(&file.source) };
    let started = SystemTime::now();
    let (ident, content) = digest_file(root, path)?;
    if settled(ident.ctime, started) {
        hashes.put(ident, content);
    }
    Ok((ident.size, content))
}

/// Whether a later write would give the inode another time than it has: a file that was written in the
/// same tick of the clock in which we read it could change once more without showing it.
fn settled(ctime: Time, now: SystemTime) -> bool {
    // A time without a fraction is likely from a file system that keeps none; the kernel's tick is 10 ms at most.
    let tick = if ctime.nsec == 0 { Duration::from_secs(2) } else { Duration::from_millis(20) };
    let Ok(now) = now.duration_since(UNIX_EPOCH) else { return false };
    let Some(changed) = u64::try_from(ctime.sec).ok().map(|sec| Duration::new(sec, ctime.nsec)) else {
        return false;
    };
    changed + tick < now
}

fn digest_file(root: &Root, path: &[u8]) -> io::Result<(Ident, Content)> {
    let (mut file, before) = root.file_and_stat(path).map(|(file, stat)| (file, stat.ident))?;
    let mut hasher = blake3::Hasher::new();
    let read = drain(&mut file, before.size, |bytes| {
        hasher.update(bytes);
    });
    let read = read.map_err(|e| at("read", path, e))?;
    let after = stat_of(&rustix::fs::fstat(&file)?).ident;
    if before != after || read != before.size {
        return Err(io::Error::other(format!("`{}` changed while it was read", text(path))));
    }
    Ok((before, Content(hasher.finalize().into())))
}

/// Feeds all bytes of a regular file and says how many there were.
fn drain(reader: &mut dyn Read, expected: u64, mut feed: impl FnMut(&[u8])) -> io::Result<u64> {
    // One byte more than the file has: a read that comes back short has met its end.
    let mut buffer = vec![0; expected.saturating_add(1).clamp(4 << 10, 128 << 10) as usize];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(n) => {
                feed(&buffer[..n]);
                total += n as u64;
                if n < buffer.len() && total >= expected || n == 0 {
                    return Ok(total);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Items that wait for a thread.
struct Waiting<T> {
    items: Enumerate<vec::IntoIter<T>>,
    /// With the number of the item that it came of.
    error: Option<(usize, io::Error)>,
}

/// Works on all items with all cores; the error that comes back is the first in order among those met.
fn in_parallel<T: Send>(items: Vec<T>, work: impl Fn(T) -> io::Result<()> + Sync) -> io::Result<()> {
    // To ask how many cores there are takes a dozen system calls.
    let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let threads = if items.len() > 1 { cores().min(items.len()) } else { 1 };
    if threads == 1 {
        return items.into_iter().try_for_each(work);
    }
    let waiting = Mutex::new(Waiting { items: items.into_iter().enumerate(), error: None });
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((i, item)) = next(&waiting) {
                    if let Err(e) = work(item) {
                        fail(&waiting, i, e);
                    }
                }
            });
        }
    });
    match waiting.into_inner().expect("no panic while held").error {
        Some((_, e)) => Err(e),
        None => Ok(()),
    }
}

/// None after an error, for nobody wants the rest.
fn next<T>(waiting: &Mutex<Waiting<T>>) -> Option<(usize, T)> {
    let mut waiting = waiting.lock().expect("no panic while held");
    if waiting.error.is_some() { None } else { waiting.items.next() }
}

fn fail<T>(waiting: &Mutex<Waiting<T>>, i: usize, e: io::Error) {
    let mut waiting = waiting.lock().expect("no panic while held");
    if waiting.error.as_ref().is_none_or(|(first, _)| i < *first) {
        waiting.error = Some((i, e));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(changed: (i64, u32), now: (u64, u32), expected: bool) {
        let ctime = Time { sec: changed.0, nsec: changed.1 };
        let now = UNIX_EPOCH + Duration::new(now.0, now.1);
        assert_eq!(settled(ctime, now), expected);
    }

    #[test]
    fn a_file_settles_a_tick_after_its_change() {
        check((100, 500), (100, 10_000_000), false);
        check((100, 500), (100, 30_000_000), true);
    }

    #[test]
    fn a_time_without_a_fraction_needs_whole_seconds() {
        check((100, 0), (101, 999_999_999), false);
        check((100, 0), (102, 1), true);
    }

    #[test]
    fn a_file_from_the_future_or_from_before_the_epoch_never_settles() {
        check((200, 500), (100, 0), false);
        check((-5, 500), (100, 0), false);
    }
}
