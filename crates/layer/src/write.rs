//! Changes to the one tar that stands for them.
//!
//! Canonical: sorted, ustar where it fits and PAX records where not, no user names, whole seconds, hard
//! links relative to the root. Equal changes give equal bytes on every machine and in every version, for
//! the digest of an image hangs on them: nothing here may come from a library.
//! See OCI image-spec, layer.md; `read` is the way back.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use tree::{Change, Content, Entry, Kind, Meta, Source, Time};

use crate::failure::{at, bad, show};
use crate::header::{BLOCK, Fields, Header, Misfits};
use crate::pax::Records;
use crate::{OPAQUE, WHITEOUT};

/// How a file's bytes move: large enough for the kernel, small enough for a cache that the compressor has its tables in.
const BUFFER: usize = 64 * 1024;

/// Name of the members that hold PAX records, for readers that know none.
const PAX_NAME: &[u8] = b"PaxHeaders.0";

/// What becomes of the entries' times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Times {
    /// They stay.
    Preserve,
    /// All become this one: a layer that a copy made.
    All {
        /// Seconds since 1970.
        to: i64,
    },
    /// Those that the step itself made become this one, older ones stay: a layer that a command made.
    Made {
        /// Seconds since 1970.
        to: i64,
        /// When the step began.
        since: Time,
        /// Times before that which are the step's own all the same.
        also: BTreeSet<Time>,
    },
}

impl Times {
    /// The time, in whole seconds, of an entry that has `mtime`.
    pub fn of(&self, mtime: Time) -> i64 {
        match self {
            Times::Preserve => mtime.sec,
            Times::All { to } => *to,
            Times::Made { to, since, also } if mtime >= *since || also.contains(&mtime) => *to,
            Times::Made { .. } => mtime.sec,
        }
    }

    /// A whiteout has no time of its own: it is always made by the step.
    fn of_whiteout(&self) -> i64 {
        match self {
            Times::Preserve => 0,
            Times::All { to } | Times::Made { to, .. } => *to,
        }
    }
}

/// Writes the tar of `changes` and says how many bytes it has. No changes give the valid empty tar.
///
/// # Errors
/// If a file cannot be read or is no longer what its entry says, if a name or number cannot be in a tar,
/// or if `out` fails. What `out` got by then is no tar.
pub fn write(changes: &[Change], times: &Times, out: &mut impl Write) -> io::Result<u64> {
    let mut tar = Tar { out, times, written: 0, buffer: Vec::new() };
    if changes.is_sorted_by(|a, b| a.order() <= b.order()) {
        changes.iter().try_for_each(|change| tar.change(change))?;
    } else {
        sorted(changes).into_iter().try_for_each(|change| tar.change(change))?;
    }
    tar.put(&[0; 2 * BLOCK])?;
    tar.out.flush()?;
    Ok(tar.written)
}

fn sorted(changes: &[Change]) -> Vec<&Change> {
    let mut order: Vec<&Change> = changes.iter().collect();
    order.sort_by(|a, b| a.order().cmp(&b.order()));
    order
}

struct Tar<'a, W> {
    out: &'a mut W,
    times: &'a Times,
    written: u64,
    buffer: Vec<u8>,
}

impl<W: Write> Tar<'_, W> {
    fn change(&mut self, change: &Change) -> io::Result<()> {
        match change {
            Change::Put(entry) => self.entry(entry),
            Change::Opaque(path) => self.mark(join(path, OPAQUE)),
            Change::Remove(path) => self.mark(whiteout(path)?),
        }
    }

    /// An empty file whose name is the message.
    fn mark(&mut self, path: Vec<u8>) -> io::Result<()> {
        let mtime = self.times.of_whiteout();
        self.header(&Fields { flag: b'0', path: &path, mtime, ..Fields::default() }, Records::default())
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        check_names(&entry.path)?;
        let path = member_path(entry);
        let mut records = Records::default();
        for (name, value) in &entry.meta.xattrs {
            records.set_xattr(name, value).map_err(at("write", &entry.path))?;
        }
        let mtime = self.times.of(entry.meta.mtime);
        self.header(&fields(&path, &entry.meta, mtime, &entry.kind), records)
            .map_err(at("write", &entry.path))?;
        if let Kind::File { size, content, source } = &entry.kind {
            self.data(&entry.path, *size, content, source)?;
        }
        Ok(())
    }

    /// A member's header, after the PAX records for what does not fit into it.
    fn header(&mut self, fields: &Fields<'_>, mut records: Records) -> io::Result<()> {
        let (header, misfits) = Header::ustar(fields);
        if fields.major >= 1 << 21 || fields.minor >= 1 << 21 {
            return Err(bad(format!(
                "the device numbers {}, {} can't be in a tar",
                fields.major, fields.minor
            )));
        }
        spell_out(fields, misfits, &mut records);
        if !records.0.is_empty() {
            self.records(&records.encode())?;
        }
        self.put(&header.0)
    }

    fn records(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = bytes.len() as u64;
        let fields = Fields { flag: b'x', path: PAX_NAME, mode: 0o644, size, ..Fields::default() };
        self.put(&Header::ustar(&fields).0.0)?;
        self.put(bytes)?;
        self.pad(size)
    }

    fn data(&mut self, path: &[u8], size: u64, content: &Content, source: &Source) -> io::Result<()> {
        let mut file = source.open().map_err(at("read", path))?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BUFFER, 0);
        let out = &mut |bytes: &[u8]| self.put(bytes);
        copy_checked(&mut file, path, size, content, &mut buffer, out)?;
        self.buffer = buffer;
        self.pad(size)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let rest = (size % BLOCK as u64) as usize;
        if rest == 0 { Ok(()) } else { self.put(&[0; BLOCK][rest..]) }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Moves a file's bytes and fails if they are not those that the entry was made of.
pub(crate) fn copy_checked(
    file: &mut dyn Read,
    path: &[u8],
    size: u64,
    content: &Content,
    buffer: &mut [u8],
    out: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut hash = blake3::Hasher::new();
    let mut left = size;
    loop {
        let count = read_some(file, buffer).map_err(at("read", path))?;
        if count == 0 {
            break;
        }
        left = left.checked_sub(count as u64).ok_or_else(|| changed(path))?;
        hash.update(&buffer[..count]);
        out(&buffer[..count])?;
    }
    let same = left == 0 && hash.finalize().as_bytes() == &content.0;
    if same { Ok(()) } else { Err(changed(path)) }
}

fn read_some(file: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn changed(path: &[u8]) -> io::Error {
    bad(format!("`{}` changed while it was read", show(path)))
}

/// Records for the fields that the header could not hold.
fn spell_out(fields: &Fields<'_>, misfits: Misfits, records: &mut Records) {
    let all = [
        (misfits.path, "path", fields.path.to_vec()),
        (misfits.link, "linkpath", fields.link.to_vec()),
        (misfits.uid, "uid", fields.uid.to_string().into()),
        (misfits.gid, "gid", fields.gid.to_string().into()),
        (misfits.size, "size", fields.size.to_string().into()),
        (misfits.mtime, "mtime", fields.mtime.to_string().into()),
    ];
    for (_, key, value) in all.into_iter().filter(|(misfit, ..)| *misfit) {
        records.set(key, value);
    }
}

fn fields<'a>(path: &'a [u8], meta: &Meta, mtime: i64, kind: &'a Kind) -> Fields<'a> {
    let base =
        Fields { path, mode: meta.mode & 0o7777, uid: meta.uid, gid: meta.gid, mtime, ..Fields::default() };
    match kind {
        Kind::File { size, .. } => Fields { flag: b'0', size: *size, ..base },
        Kind::Hardlink { target } => Fields { flag: b'1', link: target, ..base },
        Kind::Symlink { target } => Fields { flag: b'2', link: target, ..base },
        Kind::Char { major, minor } => Fields { flag: b'3', major: *major, minor: *minor, ..base },
        Kind::Block { major, minor } => Fields { flag: b'4', major: *major, minor: *minor, ..base },
        Kind::Dir => Fields { flag: b'5', ..base },
        Kind::Fifo => Fields { flag: b'6', ..base },
    }
}

/// The root is `./`, any other directory ends in a slash.
fn member_path(entry: &Entry) -> Vec<u8> {
    match (&entry.kind, entry.path.as_slice()) {
        (Kind::Dir, b"") => b"./".to_vec(),
        (Kind::Dir, path) => [path, b"/"].concat(),
        (_, path) => path.to_vec(),
    }
}

fn whiteout(path: &[u8]) -> io::Result<Vec<u8>> {
    check_names(path)?;
    let (dir, name) = parent_and_name(path);
    if name.is_empty() {
        return Err(bad("a layer can't remove the root"));
    }
    Ok(join(dir, &[WHITEOUT, name].concat()))
}

/// A file of such a name would be taken for the removal of another.
fn check_names(path: &[u8]) -> io::Result<()> {
    if path.split(|&byte| byte == b'/').any(|name| name.starts_with(WHITEOUT)) {
        let path = show(path);
        return Err(bad(format!(
            "`{path}` can't be in a layer: a name that starts with `.wh.` means a removal"
        )));
    }
    Ok(())
}

/// A path's directory and its last component; the root is its own directory.
pub(crate) fn parent_and_name(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// A name below a directory.
pub(crate) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}
