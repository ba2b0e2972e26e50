//! A module's zip as files: the rules that a zip has to keep, its contents as streams, its hash.
//!
//! All names begin with `path@version/`. Directories don't count, except for the hash. What is refused
//! is what could write outside of its folder or over another file, or fill the disk: see
//! <https://pkg.go.dev/golang.org/x/mod/zip>. Windows' reserved names and where go.mod files may be are
//! of no concern to us.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::str;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest, Sha256};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Kind, Result};
use crate::module::Module;
use crate::source::Source;
use crate::sum::Sum;

/// The most that the go command takes, packed as well as unpacked.
pub(crate) const MAX_ZIP: u64 = 500 << 20;
/// A directory of 32 MiB has some 300,000 entries, twenty times Go's own; in memory it is ten times as much.
const MAX_DIRECTORY: u64 = 32 << 20;

/// A module's zip that keeps the rules.
pub struct Zip {
    archive: ZipArchive<Source>,
    prefix: String,
    /// Sorted by name, with the directories, whose names end with a slash.
    all: Vec<Named>,
    entries: Vec<Entry>,
}

/// A file of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the module's root, such as `bin/go`.
    pub name: String,
    /// In bytes.
    pub size: u64,
    index: usize,
}

struct Named {
    name: String,
    size: u64,
    index: usize,
}

impl Zip {
    /// Reads a zip's directory and checks it. Contents are checked when they are read.
    ///
    /// # Errors
    /// If it is not a zip of this module, or breaks a rule.
    pub fn open(file: File, module: &Module) -> Result<Zip, Error> {
        open(file, module).map_err(|e| e.during(format_args!("read the zip of `{module}`")))
    }

    /// The files, sorted by name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A file's contents: exactly its size, or an error. `index` is the one in `entries`.
    ///
    /// # Errors
    /// If the zip is damaged.
    pub fn read(&mut self, index: usize) -> io::Result<impl Read + '_> {
        let entry = self.entries.get(index).ok_or(io::ErrorKind::NotFound)?;
        contents(&mut self.archive, entry.index, entry.size)
    }

    /// The hash of all contents, for which it reads them once.
    ///
    /// # Errors
    /// If the zip is damaged.
    pub fn sum(&mut self) -> io::Result<Sum> {
        let threads = thread::available_parallelism().map_or(1, |n| n.get().min(8));
        let next = AtomicUsize::new(0);
        let hashes = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.hash_some(&next))).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("no hasher panics");
            workers.into_iter().map(join).collect::<io::Result<Vec<_>>>()
        })?;
        let mut hashes = hashes.concat();
        hashes.sort_unstable_by_key(|&(at, _)| at);
        let named = self.all.iter().map(|named| format!("{}{}", self.prefix, named.name));
        Ok(Sum::of(named.zip(hashes.into_iter().map(|(_, hash)| hash))))
    }

    /// Takes entries as long as there are any; with their hashes.
    fn hash_some(&self, next: &AtomicUsize) -> io::Result<Vec<(usize, [u8; 32])>> {
        let mut archive = self.archive.clone();
        let mut hashes = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(named) = self.all.get(at) else { return Ok(hashes) };
            hashes.push((at, hash(contents(&mut archive, named.index, named.size)?)?));
        }
    }
}

fn hash(mut reader: impl Read) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = [0; 32 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn open(file: File, module: &Module) -> Result<Zip> {
    let unreadable = |e: io::Error| Error::file("read it", &e);
    let length = file.metadata().map_err(unreadable)?.len();
    if length > MAX_ZIP {
        return Err(broken(format!("it has {length} bytes, more than the {MAX_ZIP} that Go allows")));
    }
    let (source, allowance) = Source::new(file, MAX_DIRECTORY).map_err(unreadable)?;
    let mut archive = ZipArchive::new(source).map_err(explain)?;
    allowance.lift();
    let prefix = format!("{module}/");
    let all = list(&mut archive, &prefix)?;
    check(&all)?;
    if count(&mut archive).map_err(unreadable)? != all.len() {
        return Err(broken("a name is in it twice"));
    }
    let files = all.iter().filter(|named| !named.name.is_empty() && !named.name.ends_with('/'));
    let entries = files.map(|f| Entry { name: f.name.clone(), size: f.size, index: f.index }).collect();
    Ok(Zip { archive, prefix, all, entries })
}

/// What the directory lists, sorted by name.
fn list(archive: &mut ZipArchive<Source>, prefix: &str) -> Result<Vec<Named>> {
    let mut all = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(explain)?;
        // Go takes names as they are, whatever the flag for UTF-8 says.
        let name = str::from_utf8(file.name_raw()).map_err(|_| broken("a name in it is not UTF-8"))?;
        let bare = name.strip_prefix(prefix);
        let bare =
            bare.ok_or_else(|| broken(format!("`{}` is not below `{prefix}`", name.escape_debug())))?;
        if !is_regular(file.unix_mode(), bare) {
            return Err(broken(format!("`{}` is neither a file nor a directory", bare.escape_debug())));
        }
        if !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated)
            || file.encrypted()
        {
            return Err(broken(format!(
                "`{}` is packed in a way that Go does not know",
                bare.escape_debug()
            )));
        }
        all.push(Named { name: bare.to_owned(), size: file.size(), index });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Whether the mode, if there is one, is a regular file's or a directory's.
fn is_regular(mode: Option<u32>, name: &str) -> bool {
    match mode.unwrap_or_default() & 0o170_000 {
        0 | 0o100_000 => true,
        0o040_000 => name.is_empty() || name.ends_with('/'),
        _ => false,
    }
}

fn check(all: &[Named]) -> Result<()> {
    let mut total = 0u64;
    let mut seen = HashMap::new();
    for named in all.iter().filter(|named| !named.name.is_empty()) {
        let (name, is_dir) = named.name.strip_suffix('/').map_or((&*named.name, false), |name| (name, true));
        if !name.split('/').all(is_element) {
            return Err(broken(format!("`{}` is not a name that Go allows", name.escape_debug())));
        }
        claim(&mut seen, name, is_dir)?;
        total = total.saturating_add(named.size);
    }
    if total > MAX_ZIP {
        return Err(broken(format!("unpacked it has {total} bytes, more than the {MAX_ZIP} that Go allows")));
    }
    Ok(())
}

fn is_element(element: &str) -> bool {
    let is_good = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c),
        false => c.is_alphabetic(),
    };
    !element.is_empty() && !element.ends_with('.') && element.chars().all(is_good)
}

/// Takes a name and its parents; an error if they are taken by something else, on a file system that
/// doesn't tell capitals.
fn claim<'a>(seen: &mut HashMap<String, (&'a str, bool)>, name: &'a str, is_dir: bool) -> Result<()> {
    let old = *seen.entry(fold(name)).or_insert((name, is_dir));
    let is_new_file = old.0.as_ptr() == name.as_ptr() && !is_dir;
    if old != (name, is_dir) || !is_dir && !is_new_file {
        return Err(broken(format!("`{}` and `{}` are in each other's way", old.0, name)));
    }
    name.rsplit_once('/').map_or(Ok(()), |(parent, _)| claim(seen, parent, true))
}

/// Capitals as small letters, as long as one character stays one.
fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let single = |c: char, mut all: Box<dyn Iterator<Item = char>>| match (all.next(), all.next()) {
        (Some(folded), None) => folded,
        _ => c,
    };
    let upper = name.chars().map(|c| single(c, Box::new(c.to_uppercase())));
    upper.map(|c| single(c, Box::new(c.to_lowercase()))).collect()
}

/// The zip reader keeps one of several entries with the same name, so they are counted here.
fn count(archive: &mut ZipArchive<Source>) -> io::Result<usize> {
    const HEADER: usize = 46;
    let start = archive.central_directory_start();
    let mut source = archive.clone().into_inner();
    source.seek(SeekFrom::Start(start))?;
    let mut count = 0;
    let mut header = [0; HEADER];
    while source.read_exact(&mut header).is_ok() && header.starts_with(b"PK\x01\x02") {
        let field = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        source.seek(SeekFrom::Current(field(28) + field(30) + field(32)))?;
        count += 1;
    }
    Ok(count)
}

fn contents(archive: &mut ZipArchive<Source>, index: usize, size: u64) -> io::Result<impl Read + '_> {
    let inner = archive.by_index(index).map_err(io::Error::from)?;
    Ok(Exactly { inner, left: size })
}

/// A reader that has exactly so many bytes, or fails.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)? as u64;
        if count > self.left || count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a file in the zip has not the size it claims",
            ));
        }
        self.left -= count;
        Ok(count as usize)
    }
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(Kind::Zip, why)
}

fn explain(error: ZipError) -> Error {
    match error {
        ZipError::Io(e) if e.raw_os_error().is_some() => Error::file("read it", &e),
        ZipError::Io(e) => broken(crate::error::cause(&e)),
        other => broken(format!("it is not a zip file ({other})")),
    }
}

#[cfg(test)]
mod tests;
