//! The bytes of `/dev/fuse`: a message to a [`Request`], an answer to bytes.
//!
//! Protocol 7.31, in the machine's byte order; see the kernel's `include/uapi/linux/fuse.h`. A message is
//! ```text
//! u32 length, u32 opcode, u64 unique, u64 node, u32 uid, u32 gid, u32 pid, u32 unused, then what the opcode has
//! ```
//! and an answer `u32 length, i32 error, u64 unique`, then what the opcode gives.

use rustix::io::Errno;

/// What the kernel wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Lookup,
    Forget,
    BatchForget,
    Getattr,
    Readlink,
    Open,
    Read,
    Statfs,
    Release,
    Getxattr,
    Init,
    Opendir,
    Readdir,
    Releasedir,
    Interrupt,
    Destroy,
    /// It would change something.
    Write,
    /// All else, whether we know of it or not.
    Other,
}

impl Op {
    fn of(opcode: u32) -> Op {
        match opcode {
            1 => Op::Lookup,
            2 => Op::Forget,
            3 => Op::Getattr,
            5 => Op::Readlink,
            14 => Op::Open,
            15 => Op::Read,
            17 => Op::Statfs,
            18 => Op::Release,
            22 => Op::Getxattr,
            26 => Op::Init,
            27 => Op::Opendir,
            28 => Op::Readdir,
            29 => Op::Releasedir,
            36 => Op::Interrupt,
            38 => Op::Destroy,
            42 => Op::BatchForget,
            // SETATTR, SYMLINK, MKNOD to LINK, WRITE, SETXATTR, REMOVEXATTR, CREATE, FALLOCATE, RENAME2,
            // COPY_FILE_RANGE, TMPFILE.
            4 | 6 | 8..=13 | 16 | 21 | 24 | 35 | 43 | 45 | 47 | 51 => Op::Write,
            _ => Op::Other,
        }
    }
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub op: Op,
    pub unique: u64,
    pub node: u64,
    pub pid: u32,
    body: &'a [u8],
}

const HEAD: usize = 40;

impl<'a> Request<'a> {
    /// Nothing for what is no message.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Request<'a>> {
        let body = bytes.get(HEAD..)?;
        let mut request = Request { op: Op::Other, unique: 0, node: 0, pid: 0, body: bytes };
        request.op = Op::of(request.u32(4).ok()?);
        request.unique = request.u64(8).ok()?;
        request.node = request.u64(16).ok()?;
        request.pid = request.u32(32).ok()?;
        Some(Request { body, ..request })
    }

    /// A number of the body.
    pub(crate) fn u32(&self, at: usize) -> Result<u32, Errno> {
        let bytes = self.body.get(at..at + 4).ok_or(Errno::INVAL)?;
        Ok(u32::from_ne_bytes(bytes.try_into().expect("four bytes")))
    }

    /// A number of the body.
    pub(crate) fn u64(&self, at: usize) -> Result<u64, Errno> {
        let bytes = self.body.get(at..at + 8).ok_or(Errno::INVAL)?;
        Ok(u64::from_ne_bytes(bytes.try_into().expect("eight bytes")))
    }

    /// The name that the body has from there on, without the zero byte behind it.
    pub(crate) fn name(&self, at: usize) -> Result<&'a [u8], Errno> {
        let bytes = self.body.get(at..).ok_or(Errno::INVAL)?;
        let end = bytes.iter().position(|&b| b == 0).ok_or(Errno::INVAL)?;
        Ok(&bytes[..end])
    }
}

/// An answer, made in a buffer that is used again.
#[derive(Default)]
pub(crate) struct Answer(Vec<u8>);

const ANSWER_HEAD: usize = 16;

impl Answer {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
        self.0.resize(ANSWER_HEAD, 0);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.0.extend(number.to_ne_bytes());
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.0.extend(number.to_ne_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.0.extend(number.to_ne_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    pub(crate) fn zeroes(&mut self, count: usize) {
        self.0.resize(self.0.len() + count, 0);
    }

    /// How much there is besides the head.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - ANSWER_HEAD
    }

    /// The next `count` bytes, to be filled.
    pub(crate) fn space(&mut self, count: usize) -> &mut [u8] {
        let start = self.0.len();
        self.zeroes(count);
        &mut self.0[start..]
    }

    /// Writes the head; with an error all else is dropped.
    pub(crate) fn finish(&mut self, unique: u64, result: Result<(), Errno>) -> &[u8] {
        if result.is_err() {
            self.clear();
        }
        let error = result.map_or_else(|errno| -errno.raw_os_error(), |()| 0);
        let length = u32::try_from(self.0.len()).expect("no answer is longer than what was asked for");
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0[4..8].copy_from_slice(&error.to_ne_bytes());
        self.0[8..ANSWER_HEAD].copy_from_slice(&unique.to_ne_bytes());
        &self.0
    }
}
