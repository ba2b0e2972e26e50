//! Everything that a build is asked for, as data.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oci::Reference;
use oci::media::Compression;
use plan::lock::Lock;
use store::LayerId;

use crate::agent::Agent;
use crate::annotation::Annotation;
use crate::elsewhere::Remote;
use crate::toolchain::Toolchain;
use crate::verify::Verify;

/// What a build is asked for.
pub struct Settings {
    /// By what the next build of the same is recognised.
    pub subject: Subject,
    /// The Dockerfile's name for people.
    pub dockerfile_name: String,
    /// The Dockerfile's text.
    pub dockerfile: Vec<u8>,
    /// Where COPY takes files from.
    pub context: Context,
    /// The ignore file's name and text.
    pub ignore: Option<(String, Vec<u8>)>,
    /// `tare.lock`, whether or not it is there: it is never part of the context.
    pub lock_file: Option<PathBuf>,
    /// What it says: names that stand there mean that and nothing else.
    pub lock: Lock,
    /// `--locked`: no name may be missing there, nor may one be known to mean something else by now.
    pub locked: bool,
    /// Named contexts.
    pub contexts: BTreeMap<String, NamedContext>,
    /// What decides the plan.
    pub plan: plan::Options,
    /// Platforms to build for besides the plan's; if there are any, the result is an index over all images.
    pub further: Vec<oci::Platform>,
    /// `--secret`: where each one's value is read when a step asks for it.
    pub secrets: BTreeMap<String, Secret>,
    /// `--ssh`: agents and keys by id.
    pub agents: BTreeMap<String, Agent>,
    /// `--add-host`, `--shm-size` and `--ulimit`: what every RUN finds besides.
    pub surroundings: Surroundings,
    /// What some steps see of this machine. Not part of their keys.
    pub host_files: HostFiles,
    /// `--no-cache-filter`: stages whose steps are all run again.
    pub rerun: BTreeSet<String>,
    /// `--annotation`, in the order given.
    pub annotations: Vec<Annotation>,
    /// `-t`.
    pub tags: Vec<Reference>,
    /// `--output`.
    pub outputs: Vec<Output>,
    /// `--pull`: ask registries what tags mean now.
    pub pull: bool,
    /// `--no-cache`: run every step again.
    pub no_cache: bool,
    /// `--cold`: compilers get no cache that the Dockerfile doesn't give them.
    pub cold: bool,
    /// `--verify`: steps that could be reused are run all the same.
    pub verify: Option<Verify>,
    /// `--trace`: what is noted of what steps read.
    pub tracing: Tracing,
    /// What times the layers get.
    pub timestamps: Timestamps,
    /// How layers that tare makes are compressed; `None` keeps them plain until the image leaves the store.
    pub compress: Option<Compress>,
    /// Whether this process may unpack layers and run steps; if not, a build that has to ends with
    /// [`crate::Error::NeedsWork`], having changed nothing.
    pub may_work: bool,
    /// What the pass that may not work has seen of the contexts.
    pub walks: crate::context::Walks,
    /// Set from outside to stop the build.
    pub cancel: Arc<AtomicBool>,
    /// How many RUN steps may be under way at once.
    pub parallel: usize,
}

/// What is built, by name: part of no key, but of the build's record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subject {
    /// The context: a folder's whole path, or an address without credentials.
    pub context: String,
    /// The Dockerfile: as seen from the context if it is in there.
    pub dockerfile: String,
}

/// What is noted of what steps read, to reuse them when something below them has changed that they didn't read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tracing {
    /// Nothing: a step is reused if all that is below it is as it was.
    Off,
    /// Everything.
    Strict,
    /// Everything but what known programs look at without it making a difference to them.
    #[default]
    Tools,
}

/// What every RUN finds besides its files and variables. Names of hosts are part of its key, as in BuildKit;
/// limits are not.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Further lines of `/etc/hosts`.
    pub hosts: Vec<(String, IpAddr)>,
    /// The size of `/dev/shm` in bytes, if not 64 MiB.
    pub shm_size: Option<u64>,
    /// Resource limits.
    pub ulimits: Vec<sandbox::Ulimit>,
}

/// Files and sockets of this machine that some RUN steps find too: a version control program that a download
/// needs, and what that needs in turn.
#[derive(Clone, Debug, Default)]
pub struct HostFiles {
    /// The lines of these steps.
    pub lines: BTreeSet<u32>,
    /// What is mounted where; files and folders can't be written to.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    /// Variables that these steps get besides.
    pub env: Vec<(String, String)>,
}

/// Where COPY takes files from if nothing else is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Context {
    /// From nowhere: there is only a Dockerfile.
    #[default]
    None,
    /// A folder.
    Folder(PathBuf),
    /// What was brought from elsewhere, as a layer of the store.
    Tree(LayerId),
}

impl Context {
    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Context::Folder(path) => Some(path),
            Context::None | Context::Tree(_) => None,
        }
    }
}

/// A `--build-context`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NamedContext {
    /// A folder, which COPY and mounts can take files from.
    Folder(PathBuf),
    /// An image in an OCI layout: the folder, with `:TAG` or `@DIGEST` behind it if there are several.
    Layout(String),
    /// An image by another name.
    Image(Reference),
    /// The Go toolchain as the Go project publishes it, for the build platform.
    Go(Toolchain),
    /// What is in a repository or on a web server, fetched when a step takes files from it.
    Remote(Remote),
}

impl NamedContext {
    /// Whether files are taken from it, and no image.
    pub fn is_folder(&self) -> bool {
        matches!(self, NamedContext::Folder(_) | NamedContext::Remote(_))
    }
}

/// Where a secret's value is. The value itself is in memory only while a step starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Secret {
    /// In a file.
    File(PathBuf),
    /// In an environment variable of tare.
    Variable(String),
}

/// Where the result goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// tare's own store, under the tags; pushed as well if asked for.
    Image {
        /// To registries.
        push: bool,
    },
    /// An OCI archive, or with `tar` off a layout folder.
    Oci {
        /// The file or folder; `None` is standard output.
        dest: Option<PathBuf>,
        /// One tar file.
        tar: bool,
    },
    /// An archive as `docker save` writes it.
    Docker {
        /// The file; `None` is standard output.
        dest: Option<PathBuf>,
    },
    /// The root file system as one tar.
    Tar {
        /// The file; `None` is standard output.
        dest: Option<PathBuf>,
    },
    /// The root file system as files.
    Local {
        /// The folder.
        dest: PathBuf,
    },
    /// Into a running Docker daemon.
    Load,
}

/// Which times the entries of new layers have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timestamps {
    /// The files' own.
    Preserve,
    /// None that depends on when or where the build ran.
    Reproducible,
}

/// How a layer is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compress {
    /// The format.
    pub format: Compression,
    /// The compressor's level, if not its default.
    pub level: Option<i32>,
}
