//! A folder in docker-registry's format to a registry on loopback that ends with its owner.

use crate::{Result, shell};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running registry; dropped, it ends.
pub struct Registry {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub addr: String,
}

/// Whether the registry takes pushes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Pulls only: the storage may belong to another user, and to several registries at once.
    ReadOnly,
    /// Pulls and pushes.
    ReadWrite,
}

/// Serves `storage`; the registry's settings and log go into `dir`. After an `Ok` it answers.
pub fn start(storage: &Path, access: Access, dir: &Path) -> Result<Registry> {
    shell::mkdir(dir)?;
    let mut last = String::new();
    // Somebody else may take a free port between our look at it and the registry's: try again.
    for _ in 0..3 {
        match start_once(storage, access, dir) {
            Ok(registry) => return Ok(registry),
            Err(message) => last = message,
        }
    }
    Err(last)
}

fn start_once(storage: &Path, access: Access, dir: &Path) -> Result<Registry> {
    let addr = free_addr()?;
    let settings = dir.join("registry.yml");
    shell::write(&settings, settings_text(storage, access, &addr))?;
    let log = std::fs::File::create(dir.join("registry.log"))
        .map_err(|e| format!("make the registry's log: {e}"))?;
    let child = spawn(&settings, log)?;
    let mut registry = Registry { child, addr };
    registry.wait_until_up(dir)?;
    Ok(registry)
}

/// setpriv has the kernel end the registry with us, however we end.
fn spawn(settings: &Path, log: std::fs::File) -> Result<Child> {
    let program =
        shell::which("docker-registry").ok_or("no `docker-registry`: apt-get install docker-registry")?;
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(program)
        .arg("serve")
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|e| format!("start the registry: {e}"))
}

fn settings_text(storage: &Path, access: Access, addr: &str) -> String {
    let readonly = access == Access::ReadOnly;
    format!(
        "version: 0.1\n\
         log: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage:\n  filesystem: {{rootdirectory: {}}}\n  maintenance: {{readonly: {{enabled: {readonly}}}, uploadpurging: {{enabled: false}}}}\n\
         http: {{addr: \"{addr}\"}}\n",
        storage.display()
    )
}

fn free_addr() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| format!("find a free port: {e}"))?;
    listener.local_addr().map(|a| a.to_string()).map_err(|e| format!("find a free port: {e}"))
}

impl Registry {
    fn wait_until_up(&mut self, dir: &Path) -> Result<()> {
        for _ in 0..200 {
            if get(&self.addr, "/v2/").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let log = shell::read(&dir.join("registry.log")).unwrap_or_default();
        Err(format!("the registry doesn't answer on {}\n{}", self.addr, shell::tail(&log, 5)))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A GET over plain HTTP: the whole answer, head and all.
pub fn get(addr: &str, path: &str) -> std::io::Result<String> {
    let addr = addr.parse().map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    let mut stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {addr}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).replacen("HTTP/1.0", "HTTP/1.1", 1))
}
