//! `--ssh`: an agent or key files of the user to a socket that a step or git may use while it runs.
//!
//! ```text
//! step ─▶ socket in the store's scratch ─▶ tare ─┬▶ the user's agent, asked to list and to sign only
//!                                                └▶ keys of files, in memory
//! ```
//! The step never gets the agent's own socket: that one asks who speaks to it, and would turn away a step's users; and
//! it would take orders, such as to forget its keys. Keys are read once, when the build is asked for, and are in this
//! process's memory alone. What is spoken is draft-ietf-sshm-ssh-agent.

mod key;
mod serve;
mod wire;

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use key::Key;
pub use serve::{Access, Lent, Serving};

/// What answers for one id.
#[derive(Clone, Debug)]
pub enum Agent {
    /// The user's own agent.
    Socket(PathBuf),
    /// Private keys.
    Keys(Arc<Keys>),
}

/// Private keys that were read.
pub struct Keys(Vec<Key>);

impl Agent {
    /// What paths of `--ssh` mean: one socket, or private keys.
    ///
    /// # Errors
    /// With what is wrong with them; never with anything that is in a file.
    pub fn read(paths: &[PathBuf]) -> Result<Agent, String> {
        if let [socket] = paths
            && is_socket(socket)
        {
            return Ok(Agent::Socket(socket.clone()));
        }
        if let Some(socket) = paths.iter().find(|path| is_socket(path)) {
            return Err(format!("`{}` is an agent's socket, which goes with nothing else", socket.display()));
        }
        let keys = paths.iter().map(|path| Key::read(path)).collect::<Result<_, _>>()?;
        Ok(Agent::Keys(Arc::new(Keys(keys))))
    }
}

/// Whether there is a socket.
pub fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

// What is in it is for nobody's log.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}
