//! `--go host`: the Go that is installed on this machine, in the place of one from the module proxy.

use std::path::PathBuf;
use std::process::Command;

use engine::Toolchain;
use engine::toolchain::Origin;

use crate::failure::{Failure, doing};

/// What `--go` says for it.
pub const WORD: &str = "host";

/// An installed Go.
pub struct Host {
    /// As `1.26.8`.
    pub version: String,
    goroot: PathBuf,
}

impl Host {
    /// For the engine.
    pub fn toolchain(self) -> Toolchain {
        Toolchain { version: self.version, from: Origin::Host(self.goroot) }
    }
}

/// Asks the go command on PATH, which may be a script or a link.
///
/// # Errors
/// If there is none, or it can't say what it is.
pub fn go() -> Result<Host, Failure> {
    let asked = Command::new("go").args(["env", "GOVERSION", "GOROOT"]).env("GOTOOLCHAIN", "local").output();
    let output = match asked {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::Usage("`--go host`: there is no go on PATH".to_owned()));
        }
        asked => asked.map_err(doing("run `go env`"))?,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let version = lines.next().and_then(|version| version.strip_prefix("go"));
    match (version, lines.next().filter(|goroot| !goroot.is_empty())) {
        (Some(version), Some(goroot)) => Ok(Host { version: version.to_owned(), goroot: goroot.into() }),
        _ => {
            Err(Failure::Other("`go env GOVERSION GOROOT` doesn't say which Go this machine has".to_owned()))
        }
    }
}
