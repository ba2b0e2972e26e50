//! A tar of any dialect to members, one at a time.
//!
//! Reads v7, ustar, GNU long names and PAX, and is strict where two readers could see two different
//! archives: a PAX size counts for exactly the header that follows, never for a header in between; what is
//! malformed is an error and not a guess. Memory is bounded, whatever the archive says. Knows nothing of
//! whiteouts: those are names here.

use std::io::{self, Read};

use tree::{Meta, Time};

use crate::failure::{at, bad, show};
use crate::header::{BLOCK, Header};
use crate::pax::Records;

/// Longest PAX block or GNU long name: Go's tar has the same.
const EXTENSION_LIMIT: u64 = 1 << 20;
/// Longest path that the kernel takes.
const PATH_LIMIT: usize = 4096;

/// An archive's member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Where it goes: relative, without `.` and `..`; empty for the root, that is for `./`.
    pub path: Vec<u8>,
    /// Mode, owner, time, attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MemberKind {
    /// A directory.
    Dir,
    /// A regular file; its bytes are read from the [`Reader`].
    File {
        /// Bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// The target, as written.
        target: Vec<u8>,
    },
    /// Another name of an earlier member.
    Hardlink {
        /// The path of that member, as clean as [`Member::path`].
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A character device.
    Char {
        /// Device numbers.
        major: u32,
        /// Device numbers.
        minor: u32,
    },
    /// A block device.
    Block {
        /// Device numbers.
        major: u32,
        /// Device numbers.
        minor: u32,
    },
}

/// What stands before a member's own header and speaks of it.
#[derive(Default)]
struct Before {
    records: Option<Records>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Before {
    fn is_empty(&self) -> bool {
        self.records.is_none() && self.path.is_none() && self.link.is_none()
    }
}

/// Reads an archive. [`Read`] gives the bytes of the file that [`Reader::next`] returned last.
pub struct Reader<R> {
    inner: R,
    globals: Records,
    /// Bytes of the current file that were not read.
    left: u64,
    /// Bytes between its end and the next header.
    padding: u64,
    consumed: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the archive from its start.
    pub fn new(inner: R) -> Reader<R> {
        Reader { inner, globals: Records::default(), left: 0, padding: 0, consumed: 0 }
    }

    /// Bytes of the archive so far.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The next member, past what was not read of the one before.
    ///
    /// # Errors
    /// If reading fails or the archive is malformed. There is nothing to be read after that.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not lend the data")]
    pub fn next(&mut self) -> io::Result<Option<Member>> {
        self.skip_data()?;
        let mut before = Before::default();
        while let Some(header) = self.header()? {
            match header.flag() {
                b'x' | b'X' => once(&mut before.records, self.records(&header)?)?,
                b'L' => once(&mut before.path, self.long_name(&header)?)?,
                b'K' => once(&mut before.link, self.long_name(&header)?)?,
                b'g' => self.globals(&header, &before)?,
                _ => return self.member(&header, before).map(Some),
            }
        }
        if before.is_empty() { Ok(None) } else { Err(bad("tar ends after a header about the next member")) }
    }

    /// Reads whatever follows the archive's end, so that a digest of the stream covers it.
    ///
    /// # Errors
    /// If reading fails.
    pub fn drain(&mut self) -> io::Result<u64> {
        let rest = io::copy(&mut self.inner, &mut io::sink())?;
        self.consumed += rest;
        Ok(rest)
    }

    /// The next header; none at the end, which is a zero block or the end of the stream.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header([0; BLOCK]);
        let count = self.fill(&mut header.0)?;
        if count == 0 || (count == BLOCK && header.is_end()) {
            return Ok(None);
        }
        if count < BLOCK {
            return Err(truncated());
        }
        if !header.is_sealed() {
            return Err(bad("tar has a header with a wrong checksum"));
        }
        Ok(Some(header))
    }

    /// Reads until the buffer is full or the stream ends.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.consumed += filled as u64;
        Ok(filled)
    }

    /// The data of a header that speaks of another one; its length is that of its own field, always.
    fn extension(&mut self, header: &Header) -> io::Result<Vec<u8>> {
        let size = header.size()?;
        if size > EXTENSION_LIMIT {
            return Err(bad(format!("tar has a header of {size} bytes, more than {EXTENSION_LIMIT}")));
        }
        let mut data = vec![0; size.next_multiple_of(BLOCK as u64) as usize];
        if self.fill(&mut data)? < data.len() {
            return Err(truncated());
        }
        data.truncate(size as usize);
        Ok(data)
    }

    fn records(&mut self, header: &Header) -> io::Result<Records> {
        Records::parse(&self.extension(header)?)
    }

    fn long_name(&mut self, header: &Header) -> io::Result<Vec<u8>> {
        let mut name = self.extension(header)?;
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    /// Records for all members that follow: owner and time only. What names or sizes members would make two
    /// archives of one, as Go ignores it, and no archiver writes it.
    fn globals(&mut self, header: &Header, before: &Before) -> io::Result<()> {
        if !before.is_empty() {
            return Err(bad("tar has a global header between a member's headers"));
        }
        let records = self.records(header)?;
        let unfit = ["path", "linkpath", "size", "GNU.sparse.", "SCHILY.", "LIBARCHIVE."];
        if let Some(key) = unfit.iter().find(|key| records.has(key)) {
            return Err(bad(format!("tar has a global header with `{key}`, which only one member can have")));
        }
        for key in ["uid", "gid", "mtime"] {
            if let Some(value) = records.get(key) {
                self.globals.set(key, value);
            }
        }
        Ok(())
    }

    fn member(&mut self, header: &Header, before: Before) -> io::Result<Member> {
        let records = before.records.unwrap_or_default();
        let raw = named(before.path, records.name("path")?, || header.path());
        let link = named(before.link, records.name("linkpath")?, || header.link().to_vec());
        let size = records.number("size")?.map_or_else(|| header.size(), Ok);
        let kind = kind(header, &records, &raw, link, size).map_err(at("read", &raw))?;
        if let MemberKind::File { size } = kind {
            self.left = size;
            self.padding = size.wrapping_neg() % BLOCK as u64;
        }
        let meta = self.meta(header, &records).map_err(at("read", &raw))?;
        Ok(Member { path: clean(&raw)?, meta, kind })
    }

    fn meta(&self, header: &Header, records: &Records) -> io::Result<Meta> {
        let number = |key| Ok::<_, io::Error>(records.number::<u32>(key)?.or(self.globals.number(key)?));
        let mtime = records.time("mtime")?.or(self.globals.time("mtime")?);
        Ok(Meta {
            mode: header.mode()?,
            uid: number("uid")?.map_or_else(|| header.uid(), Ok)?,
            gid: number("gid")?.map_or_else(|| header.gid(), Ok)?,
            mtime: mtime.map_or_else(|| header.mtime().map(|sec| Time { sec, nsec: 0 }), Ok)?,
            xattrs: records.xattrs()?.into(),
        })
    }

    fn skip_data(&mut self) -> io::Result<()> {
        let gap =
            self.left.checked_add(self.padding).ok_or_else(|| bad("tar has a member of impossible size"))?;
        (self.left, self.padding) = (0, 0);
        let skipped = io::copy(&mut (&mut self.inner).take(gap), &mut io::sink())?;
        self.consumed += skipped;
        if skipped < gap { Err(truncated()) } else { Ok(()) }
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(truncated());
        }
        self.left -= count as u64;
        self.consumed += count as u64;
        Ok(count)
    }
}

/// Two of them for one member: readers differ in which they take.
fn once<T>(slot: &mut Option<T>, value: T) -> io::Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(bad("tar has two headers of one kind for one member")),
    }
}

/// GNU's long name before PAX's before the header's, as Go has it.
fn named(gnu: Option<Vec<u8>>, pax: Option<Vec<u8>>, plain: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    gnu.or(pax).unwrap_or_else(plain)
}

/// What the type flag means. Only files have data: a size in any other header is for show, as some old
/// archivers wrote one for links and directories.
fn kind(
    header: &Header,
    records: &Records,
    path: &[u8],
    link: Vec<u8>,
    size: io::Result<u64>,
) -> io::Result<MemberKind> {
    if header.flag() == b'S' || records.has("GNU.sparse.") {
        return Err(bad("sparse files in a tar are not supported, pack it without `--sparse`"));
    }
    Ok(match header.flag() {
        // In v7 a directory was a file whose name ends in a slash.
        b'0' | 0 if path.ends_with(b"/") => match size? {
            0 => MemberKind::Dir,
            _ => return Err(bad("a directory with data in a tar")),
        },
        b'0' | 0 | b'7' => MemberKind::File { size: size? },
        b'1' => MemberKind::Hardlink { target: clean(&link)? },
        b'2' => MemberKind::Symlink { target: short(link)? },
        b'3' => header.device().map(|(major, minor)| MemberKind::Char { major, minor })?,
        b'4' => header.device().map(|(major, minor)| MemberKind::Block { major, minor })?,
        b'5' => MemberKind::Dir,
        b'6' => MemberKind::Fifo,
        flag => return Err(bad(format!("type `{}` in a tar is not supported", flag.escape_ascii()))),
    })
}

/// A link that the kernel would make. Names below a longer one would cost a walk along all of it, each.
fn short(target: Vec<u8>) -> io::Result<Vec<u8>> {
    if target.len() > PATH_LIMIT {
        return Err(bad(format!("tar has a link to {} bytes, more than {PATH_LIMIT}", target.len())));
    }
    Ok(target)
}

/// Without `.` and `..` and slashes around; what climbs above the root is refused.
fn clean(raw: &[u8]) -> io::Result<Vec<u8>> {
    if raw.len() > PATH_LIMIT {
        return Err(bad(format!("tar has a path of {} bytes, more than {PATH_LIMIT}", raw.len())));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in raw.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.pop().is_none() => {
                return Err(bad(format!("`{}` in a tar leads out of it", show(raw))));
            }
            b".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "tar ends in the middle of a member")
}
