//! A socket in the store's scratch that speaks an agent's protocol, for as long as it is held.
//!
//! One thread waits for connections, and each connection has one. Who connects is a step, so whatever it sends has an
//! answer and a limit: two requests are known, lists and signatures, and all others fail.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::SendFlags;
use store::Store;

use super::wire::{Fields, put_string};
use super::{Agent, Keys};
use crate::error::{Result, doing};

/// OpenSSH's own limit of a message.
const LONGEST: usize = 256 << 10;
/// How many may be connected at once; what a step needs is one for each ssh that it runs.
const MOST: usize = 64;
/// A path of a socket that is longer can't be connected to.
const LONGEST_PATH: usize = 107;

/// How long to wait after a connection couldn't be taken.
const GLANCE: Duration = Duration::from_millis(5);

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Who may use a socket.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Its mode.
    pub mode: u32,
    /// Its owner.
    pub owner: (u32, u32),
}

impl Access {
    /// For programs that we start ourselves.
    pub fn own() -> Access {
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Access { mode: 0o600, owner }
    }
}

/// A socket that is served. Dropping it ends that, and takes the socket away.
pub struct Serving {
    /// Its folder, which only we may enter.
    folder: PathBuf,
    opened: OwnedFd,
    open: Arc<Open>,
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
}

/// A socket for a program of this machine, for as long as it is held.
pub struct Lent {
    /// Where it is.
    pub address: PathBuf,
    _serving: Option<Serving>,
}

/// What is connected, to be cut off at the end; `None` after that.
struct Open(Mutex<Option<BTreeMap<u64, Vec<UnixStream>>>>);

impl Agent {
    /// Makes a socket.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn serve(&self, store: &Store, access: Access) -> Result<Serving> {
        let folder = store.scratch("agent")?;
        Serving::start(folder, self.clone(), access).map_err(doing("make a socket for an ssh agent"))
    }

    /// A socket for a program of this machine: the user's own, if that is what was given.
    ///
    /// # Errors
    /// If one has to be made, and can't be.
    pub fn lend(&self, store: &Store) -> Result<Lent> {
        if let Agent::Socket(path) = self {
            return Ok(Lent { address: path.clone(), _serving: None });
        }
        let serving = self.serve(store, Access::own())?;
        Ok(Lent { address: serving.address(), _serving: Some(serving) })
    }
}

impl Serving {
    fn start(folder: PathBuf, agent: Agent, access: Access) -> io::Result<Serving> {
        std::fs::create_dir(&folder)?;
        // Before the socket is there: whoever it will belong to has no business outside of the step.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        let opened =
            rustix::fs::open(&folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let listener = UnixListener::bind(format!("/proc/self/fd/{}/agent", opened.as_raw_fd()))?;
        let socket = folder.join("agent");
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(access.mode & 0o777))?;
        chown(&socket, Some(access.owner.0), Some(access.owner.1))?;
        let open = Arc::new(Open(Mutex::new(Some(BTreeMap::new()))));
        let (own, shared) = (listener.try_clone()?, open.clone());
        let thread = Some(std::thread::spawn(move || listen(&own, &agent, &shared)));
        Ok(Serving { folder, opened, open, listener, thread })
    }

    /// The socket, for a mount.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("agent")
    }

    /// The socket, for a program that is no step.
    fn address(&self) -> PathBuf {
        let path = self.socket();
        match path.as_os_str().len() > LONGEST_PATH {
            true => format!("/proc/{}/fd/{}/agent", std::process::id(), self.opened.as_raw_fd()).into(),
            false => path,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.open.cut();
        // Who waits for connections gets an error.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        self.thread.take().map(JoinHandle::join);
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    let _ = std::fs::remove_file(folder.join("agent"));
    let _ = std::fs::remove_dir(folder);
}

impl Open {
    /// Takes in a connection; its number, or none if it is over or there are too many.
    fn add(&self, stream: &UnixStream) -> Option<u64> {
        let mut open = self.0.lock().expect("no panic while held");
        let all = open.as_mut().filter(|all| all.len() < MOST)?;
        let number = all.last_key_value().map_or(0, |(last, _)| last + 1);
        all.insert(number, vec![stream.try_clone().ok()?]);
        Some(number)
    }

    /// Takes in what a connection waits for.
    fn join(&self, number: u64, stream: &UnixStream) -> Option<()> {
        let mut open = self.0.lock().expect("no panic while held");
        open.as_mut()?.get_mut(&number)?.push(stream.try_clone().ok()?);
        Some(())
    }

    fn remove(&self, number: u64) {
        self.0.lock().expect("no panic while held").as_mut().and_then(|all| all.remove(&number));
    }

    fn is_over(&self) -> bool {
        self.0.lock().expect("no panic while held").is_none()
    }

    fn cut(&self) {
        let all = self.0.lock().expect("no panic while held").take();
        all.into_iter().flat_map(BTreeMap::into_values).flatten().for_each(|stream| {
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

fn listen(listener: &UnixListener, agent: &Agent, open: &Arc<Open>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !open.is_over() {
        let Ok((stream, _)) = listener.accept() else {
            // It is over, or a step has used up our descriptors for the moment.
            std::thread::sleep(GLANCE);
            continue;
        };
        threads.retain(|thread| !thread.is_finished());
        let Some(number) = open.add(&stream) else { continue };
        let (agent, open) = (agent.clone(), open.clone());
        let talk = move || {
            // How a conversation ends is no news: the step has hung up, or is over.
            let _ = converse(stream, &agent, &open, number);
            open.remove(number);
        };
        threads.push(std::thread::spawn(talk));
    }
    threads.into_iter().for_each(|thread| drop(thread.join()));
}

fn converse(mut stream: UnixStream, agent: &Agent, open: &Open, number: u64) -> io::Result<()> {
    let mut upstream = match agent {
        Agent::Keys(_) => None,
        Agent::Socket(path) => Some(UnixStream::connect(path)?),
    };
    if upstream.as_ref().is_some_and(|upstream| open.join(number, upstream).is_none()) {
        return Ok(());
    }
    loop {
        let request = receive(&mut stream)?;
        let known = matches!(request.first(), Some(&(REQUEST_IDENTITIES | SIGN_REQUEST)));
        let reply = match (agent, &mut upstream) {
            _ if !known => vec![FAILURE],
            (Agent::Keys(keys), _) => keys.answer(&request),
            (Agent::Socket(_), Some(upstream)) => {
                send(upstream, &request)?;
                receive(upstream)?
            }
            (Agent::Socket(_), None) => vec![FAILURE],
        };
        send(&mut stream, &reply)?;
    }
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let mut framed = Vec::with_capacity(message.len() + 4);
    put_string(&mut framed, message);
    let mut left = &framed[..];
    while !left.is_empty() {
        // Not `write_all`: SIGPIPE may be at its default, and a step that hangs up must not kill us.
        match rustix::net::send(&*stream, left, SendFlags::NOSIGNAL) {
            Ok(sent) => left = &left[sent..],
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

impl Keys {
    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let answer = match request.split_first() {
            Some((&REQUEST_IDENTITIES, [])) => Some(self.list()),
            Some((&SIGN_REQUEST, body)) => self.sign(body),
            _ => None,
        };
        answer.unwrap_or_else(|| vec![FAILURE])
    }

    fn list(&self) -> Vec<u8> {
        let mut out = vec![IDENTITIES_ANSWER];
        out.extend((self.0.len() as u32).to_be_bytes());
        for key in &self.0 {
            put_string(&mut out, &key.public);
            put_string(&mut out, b"");
        }
        out
    }

    fn sign(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut fields = Fields(body);
        let (public, data, flags) = (fields.string()?, fields.string()?, fields.number()?);
        let key = self.0.iter().find(|key| key.public == public)?;
        let mut out = vec![SIGN_RESPONSE];
        put_string(&mut out, &key.sign(data, flags)?);
        Some(out)
    }
}

#[cfg(test)]
mod tests;
