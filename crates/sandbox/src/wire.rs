//! Orders and reports between the program, a step's monitor and the process inside it.
//!
//! A frame is a length (four bytes, little-endian) and that many bytes of JSON, over a stream socket;
//! descriptors may ride on the first byte. Both ends are always the same binary, so there is no version.
//! Secrets pass here, which is why nothing of this is ever in argv, the environment or a file.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::run::Exit;
use crate::step::Step;

/// From the program to the monitor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    Run(Run),
    Signal { number: u64, signal: i32 },
    Kill { number: u64 },
}

/// To run a step: from the program to the monitor, and on to the process inside. Carries the step's standard input, if
/// `stdin` says so, its two outputs, if `outputs` does, and then the mounts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Orders that follow name it, for they may come when a monitor has another step already.
    pub number: u64,
    pub step: Box<Step>,
    pub stdin: bool,
    pub outputs: bool,
}

/// From the process inside to the monitor, and on to the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// Carries the controlling side of the step's terminal.
    Console,
    Prepared(Prepared),
    Failed(Failure),
    /// Carries the descriptor on which the kernel tells of system calls; see `seccomp`.
    Listener,
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub exit: Exit,
    /// Whether it may have used the network.
    pub network: bool,
}

/// How many descriptors a frame can carry.
pub(crate) const MOST: usize = 128;

/// What had to be made in the root before the program could start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// Mount points, in the order of their creation.
    #[serde(with = "latin1")]
    pub created: Vec<PathBuf>,
    /// Directories that overlayfs copied up only because a mount point was made in or below them.
    pub copied_up: Vec<CopiedUp>,
}

/// A directory in the upper layer that was not there before, as it was when the program started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CopiedUp {
    #[serde(with = "latin1")]
    pub path: PathBuf,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: (i64, i64),
}

/// Why the program was not started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Failure {
    Setup { what: String, errno: i32 },
    Exec { program: String, errno: i32, interpreter: bool },
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, error: &io::Error) -> Failure {
        Failure::Setup { what: what.into(), errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }
}

/// Says what was tried when a call fails: `open(p).doing(|| format!("open `{p}`"))`.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|e| Failure::new(what(), &e.into()))
    }
}

/// Sends one frame.
pub(crate) fn send<T: Serialize>(to: &UnixStream, message: &T) -> io::Result<()> {
    send_all(to, &frame(message)?)
}

/// Sends one frame with descriptors.
pub(crate) fn send_with<T: Serialize>(
    to: &UnixStream,
    message: &T,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let frame = frame(message)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("more mounts than a step can take"));
    }
    let sent = rustix::net::sendmsg(to, &[IoSlice::new(&frame)], &mut control, SendFlags::NOSIGNAL)?;
    send_all(to, &frame[sent..])
}

// Not `write_all`: the program may have SIGPIPE at its default, and a dead monitor must not kill it.
fn send_all(to: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::net::send(to, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Waits for a frame and the descriptors that came with it. `None` when the other side is gone.
pub(crate) fn receive<T: DeserializeOwned>(from: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut length = [0; 4];
    let (got, fds) = receive_with_fds(from, &mut length)?;
    if got == 0 {
        return Ok(None);
    }
    let mut reader = from;
    reader.read_exact(&mut length[got..])?;
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    reader.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

fn receive_with_fds(from: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(bytes)];
    let received = loop {
        match rustix::net::recvmsg(from.as_fd(), &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            // The other side died with a frame of ours unread: gone is gone.
            Err(rustix::io::Errno::CONNRESET) => return Ok((0, Vec::new())),
            other => break other?,
        }
    };
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok((received.bytes, fds.flatten().collect()))
}

/// Bytes in JSON: each as the character of the same number. Lossless, and ASCII stays readable.
pub(crate) mod latin1 {
    use super::Wire;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Wire, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.to_wire().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: Wire, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        Ok(T::from_wire(T::Form::deserialize(from)?))
    }
}

/// What [`latin1`] can carry.
pub(crate) trait Wire: Sized {
    type Form: Serialize + DeserializeOwned;
    fn to_wire(&self) -> Self::Form;
    fn from_wire(form: Self::Form) -> Self;
}

fn to_text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn to_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

impl Wire for Vec<u8> {
    type Form = String;
    fn to_wire(&self) -> String {
        to_text(self)
    }
    fn from_wire(form: String) -> Self {
        to_bytes(&form)
    }
}

impl Wire for OsString {
    type Form = String;
    fn to_wire(&self) -> String {
        to_text(self.as_bytes())
    }
    fn from_wire(form: String) -> Self {
        OsString::from_vec(to_bytes(&form))
    }
}

impl Wire for PathBuf {
    type Form = String;
    fn to_wire(&self) -> String {
        to_text(Path::as_os_str(self).as_bytes())
    }
    fn from_wire(form: String) -> Self {
        OsString::from_wire(form).into()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    type Form = (A::Form, B::Form);
    fn to_wire(&self) -> Self::Form {
        (self.0.to_wire(), self.1.to_wire())
    }
    fn from_wire(form: Self::Form) -> Self {
        (A::from_wire(form.0), B::from_wire(form.1))
    }
}

impl<T: Wire> Wire for Vec<T> {
    type Form = Vec<T::Form>;
    fn to_wire(&self) -> Self::Form {
        self.iter().map(Wire::to_wire).collect()
    }
    fn from_wire(form: Self::Form) -> Self {
        form.into_iter().map(T::from_wire).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Mount, MountKind, Root};
    use std::os::fd::AsRawFd;

    #[test]
    fn a_step_with_any_bytes_crosses_unchanged() {
        let odd = OsString::from_vec((1..=255).collect());
        let mut step = Step::new(Root::Dir(PathBuf::from(&odd)), vec![odd.clone()]);
        step.env = vec![("A".into(), odd)];
        let contents = (0..=255).collect();
        let kind = MountKind::File { contents, mode: 0o400, uid: 1, gid: 2, readonly: true };
        step.mounts = vec![Mount { target: "/x".into(), kind }];

        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (pipe, _writer) = std::io::pipe().expect("a pipe");
        let run = Run { number: 7, step: Box::new(step.clone()), stdin: true, outputs: false };
        let order = Order::Run(run);
        send_with(&ours, &order, &[pipe.as_fd(), pipe.as_fd()]).expect("send");
        send(&ours, &Order::Signal { number: 7, signal: 15 }).expect("send");
        drop(ours);

        let Ok(Some((Order::Run(Run { number: 7, step: got, stdin: true, .. }), fds))) = receive(&theirs)
        else {
            panic!("a step and descriptors")
        };
        assert_eq!(format!("{got:?}"), format!("{step:?}"));
        assert_eq!(fds.len(), 2);
        assert_ne!(fds[0].as_raw_fd(), pipe.as_raw_fd());
        let next = receive(&theirs).expect("receive");
        assert!(matches!(next, Some((Order::Signal { signal: 15, .. }, fds)) if fds.is_empty()));
        assert!(matches!(receive::<Order>(&theirs), Ok(None)));
    }
}
