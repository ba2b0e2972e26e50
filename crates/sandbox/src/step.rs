//! What is to be run, as data: a `Step` says everything about one process and its namespaces.
//!
//! Filled by the engine, crosses to the monitor over a socket (see `wire`), read by `inside`. All paths
//! of the host are absolute; targets are paths in the root. Knows nothing of images: `uid` is a number,
//! and whoever has names looks them up first.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::wire::latin1;

/// One process, its root file system and what it may see and do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Where the root file system comes from.
    pub root: Root,
    /// Nothing in the root file system can be written; mounts can, unless they say otherwise.
    pub readonly_root: bool,
    /// The program, looked up in the `PATH` of `env` if it has no slash, and its arguments.
    #[serde(with = "latin1")]
    pub argv: Vec<OsString>,
    /// The whole environment: nothing is added.
    #[serde(with = "latin1")]
    pub env: Vec<(OsString, OsString)>,
    /// The working directory; it must exist.
    #[serde(with = "latin1")]
    pub cwd: PathBuf,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The supplementary groups, all of them.
    pub groups: Vec<u32>,
    /// The host name.
    pub hostname: String,
    /// Which network is seen.
    pub network: Network,
    /// Further lines of `/etc/hosts`.
    pub hosts: Vec<(String, IpAddr)>,
    /// Mounts, in the order in which they are made.
    pub mounts: Vec<Mount>,
    /// Which capabilities root has.
    pub caps: Caps,
    /// Whether Docker's system call filter is loaded.
    pub seccomp: bool,
    /// Whether to watch for the use of the network, which needs the filter.
    pub watch_network: bool,
    /// The file mode creation mask.
    pub umask: u32,
    /// Whether the process gets a terminal of its own, copied from and to the caller's.
    pub tty: bool,
    /// The size of `/dev/shm` in bytes.
    pub shm_size: u64,
    /// Resource limits; those not named are the caller's.
    pub ulimits: Vec<Ulimit>,
    /// Whether another step is likely to come after it: then a process gets ready for that one as soon as this one is
    /// over.
    pub followed: bool,
}

impl Step {
    /// `argv` as root in `/` of `root`, everything else as `RUN` has it by default.
    pub fn new(root: Root, argv: Vec<OsString>) -> Step {
        Step {
            root,
            readonly_root: false,
            argv,
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            hostname: "buildkitsandbox".to_owned(),
            network: Network::Host,
            hosts: Vec::new(),
            mounts: Vec::new(),
            caps: Caps::Default,
            seccomp: true,
            watch_network: false,
            umask: 0o022,
            tty: false,
            shm_size: 64 << 20,
            ulimits: Vec::new(),
            followed: false,
        }
    }
}

/// A root file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Root {
    /// An overlay of `lowers`, the top-most first, whose changes go to `upper`. `work` is an empty
    /// directory on the same file system as `upper`.
    Overlay {
        /// The read-only layers; with none of them the root is `upper` itself.
        lowers: Vec<Lower>,
        /// Takes the changes.
        #[serde(with = "latin1")]
        upper: PathBuf,
        /// For the kernel's use.
        #[serde(with = "latin1")]
        work: PathBuf,
    },
    /// An overlay whose changes are in memory and forgotten at the end.
    Scratch {
        /// The read-only layers, the top-most first.
        lowers: Vec<Lower>,
    },
    /// A directory as it is.
    Dir(#[serde(with = "latin1")] PathBuf),
}

/// A read-only layer of an overlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lower {
    /// A directory of the host.
    Dir(#[serde(with = "latin1")] PathBuf),
    /// A mount that is attached nowhere and was handed to [`spawn_with`](crate::run::spawn_with), by its number
    /// there. Each can be used once.
    Given(usize),
}

impl From<PathBuf> for Lower {
    fn from(path: PathBuf) -> Lower {
        Lower::Dir(path)
    }
}

/// The network that a step sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// The host's.
    Host,
    /// One of its own with nothing but a loopback interface.
    None,
}

/// The capabilities of root in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caps {
    /// Docker's fourteen.
    Default,
    /// All that we have ourselves, and no path of `/proc` and `/sys` is hidden: `RUN --security=insecure`.
    All,
}

/// Something mounted at a path of the root, which is created if it isn't there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// A path in the root. Symbolic links in it are followed, but never lead out of the root.
    #[serde(with = "latin1")]
    pub target: PathBuf,
    /// What is mounted there.
    pub kind: MountKind,
}

/// What a [`Mount`] mounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum MountKind {
    /// A file or directory of the host.
    Bind {
        /// The file or directory.
        #[serde(with = "latin1")]
        source: PathBuf,
        /// Writing fails.
        readonly: bool,
        /// With everything that is mounted below `source`.
        recursive: bool,
    },
    /// A path of a folder that steps write to: no link that they make leads out of the folder.
    Within {
        /// The folder.
        #[serde(with = "latin1")]
        root: PathBuf,
        /// The path in it, of a file or directory.
        #[serde(with = "latin1")]
        path: PathBuf,
        /// Writing fails.
        readonly: bool,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// Its size in bytes; half of the memory if not given.
        size: Option<u64>,
        /// The mode of its root directory.
        mode: u32,
    },
    /// A file that exists in memory alone: a secret or a script.
    File {
        /// What is in it.
        #[serde(with = "latin1")]
        contents: Vec<u8>,
        /// Its permissions.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Writing fails.
        readonly: bool,
    },
    /// An overlay with its own upper directory: a bind mount whose writes are thrown away.
    Overlay {
        /// The read-only layers, the top-most first; at least one.
        lowers: Vec<Lower>,
        /// Takes the changes.
        #[serde(with = "latin1")]
        upper: PathBuf,
        /// For the kernel's use.
        #[serde(with = "latin1")]
        work: PathBuf,
    },
}

/// A resource limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ulimit {
    /// As in Docker's `--ulimit`: `nofile`, `nproc`, `core`, and so on.
    pub name: String,
    /// The limit in force; `u64::MAX` is none.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}
