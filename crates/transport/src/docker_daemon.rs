//! `--load`: an image into a running Docker daemon (or Podman's service) over its unix socket.
//!
//! One request, `POST /images/load`, whose body is the Docker archive, in chunks as it is made. The HTTP is
//! written by hand: it is one request, and ureq speaks no unix sockets.
//! The socket is `DOCKER_HOST`'s, that of Docker's current context, the system's, or the user's own.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oci::{Blobs, Digest, Publish, Published, Tagged};
use serde::Deserialize;

use crate::archive::{self, Format};
use crate::bundle::Name;
use crate::credentials::docker_config;
use crate::env::Env;
use crate::error::{Error, Kind, Result, cause};
use crate::pull::Progress;

const MAX_ANSWER: u64 = 1 << 20;
/// The daemon unpacks all layers before it answers.
const PATIENCE: Duration = Duration::from_secs(1800);

/// The daemon to publish to.
pub struct Target {
    /// Tells where it is.
    pub env: Env,
    /// What the image is called there.
    pub names: Vec<Name>,
    /// Who hears about it.
    pub progress: Arc<dyn Progress>,
}

impl Publish for Target {
    fn publish(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published, String> {
        self.load(what, blobs).map_err(|e| String::from(e.during("load the image into Docker")))
    }
}

impl Target {
    fn load(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published> {
        let socket = socket(&self.env)?;
        let stream = connect(&socket)?;
        let sent = self.send(&stream, what, blobs);
        // A daemon that has had enough answers and hangs up: its answer tells more than our broken pipe.
        match (answer(&stream), sent) {
            (Ok(()), Ok(done)) => Ok(done),
            (Err(said), _) if said.kind == Kind::Other => Err(said),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
        }
    }

    fn send(&self, stream: &UnixStream, what: &Tagged, blobs: &dyn Blobs) -> Result<Published> {
        let head = "POST /images/load?quiet=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\
            Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n";
        let lost = |e: io::Error| Error::new(Kind::Broken, format!("the daemon hung up ({})", cause(&e)));
        (&mut &*stream).write_all(head.as_bytes()).map_err(lost)?;
        let mut out = BufWriter::with_capacity(128 << 10, Chunked(stream));
        let done = archive::write(&mut out, Format::Docker, what, &self.names, blobs, &*self.progress)?;
        drop(out);
        (&mut &*stream).write_all(b"0\r\n\r\n").map_err(lost)?;
        Ok(done)
    }
}

fn connect(socket: &Path) -> Result<UnixStream> {
    let stream = UnixStream::connect(socket).and_then(|stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    });
    stream.map_err(|e| {
        let hint = match e.kind() {
            io::ErrorKind::PermissionDenied => "the user has to be in the socket's group",
            _ => "is the daemon running? The image is in tare's own store anyway, and can be pushed or written to a file",
        };
        Error { kind: Kind::Unreachable, ..Error::io(format_args!("connect to `{}`", socket.display()), &e) }.hint(hint)
    })
}

/// HTTP's chunked coding.
struct Chunked<'a>(&'a UnixStream);

impl Write for Chunked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An empty chunk would end the body.
        if !bytes.is_empty() {
            self.0.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
            self.0.write_all(bytes)?;
            self.0.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the daemon listens.
fn socket(env: &Env) -> Result<PathBuf> {
    if let Some(host) = env.var("DOCKER_HOST") {
        return unix(&host);
    }
    if let Some(host) = context_host(env) {
        return unix(&host);
    }
    let system = env.system("/var/run/docker.sock");
    let own = env.path("XDG_RUNTIME_DIR").map(|dir| dir.join("docker.sock"));
    Ok(own.filter(|own| own.exists() && !system.exists()).unwrap_or(system))
}

fn unix(host: &str) -> Result<PathBuf> {
    let remote = || {
        Error::new(Kind::Config, format!("`{host}` is not a unix socket, and tare speaks to no other daemon"))
    };
    host.strip_prefix("unix://").map(PathBuf::from).ok_or_else(remote)
}

/// The host of Docker's current context: its file is named for the digest of the context's name.
fn context_host(env: &Env) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Settings {
        current_context: Option<String>,
    }
    let config = docker_config(env)?;
    let current = || serde_json::from_slice::<Settings>(&std::fs::read(&config).ok()?).ok()?.current_context;
    let name =
        env.var("DOCKER_CONTEXT").or_else(current).filter(|name| name != "default" && !name.is_empty())?;
    let folder = Digest::of(name.as_bytes()).hex();
    let meta = std::fs::read(config.with_file_name("contexts/meta").join(folder).join("meta.json")).ok()?;
    let meta: serde_json::Value = serde_json::from_slice(&meta).ok()?;
    meta.pointer("/Endpoints/docker/Host")?.as_str().map(str::to_owned)
}

/// Reads the answer; the daemon's own words are `Other`, anything else is `Broken`.
fn answer(stream: &UnixStream) -> Result<()> {
    let broken = |e: io::Error| Error::new(Kind::Broken, format!("read the daemon's answer: {}", cause(&e)));
    let mut reader = BufReader::new(stream.take(MAX_ANSWER));
    let (status, is_chunked) = read_head(&mut reader).map_err(broken)?;
    let mut body = Vec::new();
    let read = if is_chunked {
        read_chunks(&mut reader, &mut body)
    } else {
        reader.read_to_end(&mut body).map(drop)
    };
    read.map_err(broken)?;
    match complaint(&body) {
        Some(said) => Err(Error::new(Kind::Other, said)),
        None if status == 200 => Ok(()),
        None => Err(Error::new(Kind::Other, format!("the daemon answered {status}"))),
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, bool)> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "it is not HTTP");
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status =
        line.strip_prefix("HTTP/1.").and_then(|l| l.split(' ').nth(1)).and_then(|s| s.trim().parse().ok());
    let (status, mut is_chunked) = (status.ok_or_else(bad)?, false);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(bad());
        }
        let header = line.trim_end().to_ascii_lowercase();
        is_chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
        if header.is_empty() {
            return Ok((status, is_chunked));
        }
    }
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "its chunks are malformed");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim_end().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad())?;
        if size == 0 {
            return Ok(());
        }
        reader.take(size).read_to_end(body)?;
        reader.read_line(&mut line)?;
    }
}

/// The error among the JSON objects of an answer.
fn complaint(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        error: Option<String>,
        message: Option<String>,
    }
    let lines = serde_json::Deserializer::from_slice(body).into_iter::<Line>();
    lines.map_while(std::result::Result::ok).find_map(|line| line.error.or(line.message))
}
