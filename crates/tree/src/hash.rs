//! Files to their content's digests: what a walk [found](Found) becomes what a layer can hold.
//!
//! Files are read by as many threads as there are cores, each inode once, and not at all when
//! [`Hashes`] knows it in this state. Several names of one inode become one file and hard links to it.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::entry::{Content, Entry, Kind, Source, Time};
use crate::found::{self, Found, Shape, Unread};
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
    let first = first_names(&found);
    let wanted: Vec<&Unread> = files(&found).filter(|(i, _)| first[*i] == *i).map(|(_, file)| file).collect();
    let mut digests = digests(&wanted, hashes)?.into_iter();
    let targets: Vec<Option<Vec<u8>>> =
        first.iter().enumerate().map(|(i, &f)| (f != i).then(|| found[f].path.clone())).collect();
    let entries = found.into_iter().zip(targets).map(|(found, target)| {
        let kind = match (found.shape, target) {
            (Shape::File(_), Some(target)) => Kind::Hardlink { target },
            (Shape::File(file), None) => file_kind(file, digests.next().expect("one digest per file")),
            (shape, _) => other_kind(shape),
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

fn file_kind(file: Unread, (size, content): (u64, Content)) -> Kind {
    Kind::File { size, content, source: file.source }
}

fn other_kind(shape: Shape) -> Kind {
    match shape {
        Shape::Dir => Kind::Dir,
        Shape::Symlink { target } => Kind::Symlink { target },
        Shape::Fifo => Kind::Fifo,
        Shape::Char { major, minor } => Kind::Char { major, minor },
        Shape::Block { major, minor } => Kind::Block { major, minor },
        Shape::File(_) => unreachable!("files are told apart by the caller"),
    }
}

fn files(found: &[Found]) -> impl Iterator<Item = (usize, &Unread)> {
    found.iter().enumerate().filter_map(|(i, found)| match &found.shape {
        Shape::File(file) => Some((i, file)),
        _ => None,
    })
}

/// For each object the index of the first name of its inode; itself where it has no other.
fn first_names(found: &[Found]) -> Vec<usize> {
    let mut first: Vec<usize> = (0..found.len()).collect();
    let mut seen = HashMap::new();
    for (i, file) in files(found) {
        if let Some(inode) = file.inode {
            first[i] = *seen.entry(inode).or_insert(i);
        }
    }
    first
}

fn digests(files: &[&Unread], hashes: &dyn Hashes) -> io::Result<Vec<(u64, Content)>> {
    let mut known: Vec<Option<(u64, Content)>> = files.iter().map(|file| known(file, hashes)).collect();
    let missing: Vec<usize> = (0..files.len()).filter(|&i| known[i].is_none()).collect();
    for (i, digest) in in_parallel(&missing, |&i| read(files[i], hashes))? {
        known[missing[i]] = Some(digest);
    }
    Ok(known.into_iter().map(|digest| digest.expect("every missing digest was read")).collect())
}

fn known(file: &Unread, hashes: &dyn Hashes) -> Option<(u64, Content)> {
    let remembered = || {
        let ident = file.ident?;
        hashes.get(&ident).map(|content| (ident.size, content))
    };
    file.digest.or_else(remembered)
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

/// Works on all items with all cores; the error that comes back is the first in order among those met.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> io::Result<R> + Sync,
) -> io::Result<Vec<(usize, R)>> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(items.len());
    if threads <= 1 {
        return items.iter().enumerate().map(|(i, item)| Ok((i, work(item)?))).collect();
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(i) else { break };
            match work(item) {
                Ok(result) => done.push((i, result)),
                Err(e) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err((i, e));
                }
            }
        }
        Ok(done)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles.into_iter().map(|handle| handle.join().expect("hashing does not panic")).collect()
    });
    gather(results)
}

type Worked<R> = Result<Vec<(usize, R)>, (usize, io::Error)>;

fn gather<R>(results: Vec<Worked<R>>) -> io::Result<Vec<(usize, R)>> {
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(done) => all.extend(done),
            Err(error) => errors.push(error),
        }
    }
    match errors.into_iter().min_by_key(|(i, _)| *i) {
        Some((_, error)) => Err(error),
        None => Ok(all),
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
