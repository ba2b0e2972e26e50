//! The store's folder: a path to a [`Store`], and the picture of what lies where.
//!
//! ```text
//! TARE_HOME/                    version 1
//! ├── version                   "tare store 1\n"; another number is refused, never migrated in silence
//! ├── blobs/sha256/HEX          manifests, configs, layers: as they came, as they leave, and as plain tars while
//! │                             they stay
//! ├── layers/ID/                ID is sha256-HEX (a base layer's diff id) or made-HEX (see `layers`)
//! │   ├── fs/                   the files in overlayfs-lower form, owned by the image's ids
//! │   ├── changes               the canonical list of a made layer (see `changes`)
//! │   ├── meta.json             what made it, and when
//! │   └── blob-VARIANT.json     digest, diff id and size of one compressed form
//! ├── actions/H/HEX.json        a step's key to its layer
//! ├── traces/H/HEX.json         a step's static key to what its runs read (see `traces`)
//! ├── refs/HEX.json             a tag and platform to the manifest that it once resolved to, a URL to the file
//! │                             that it once gave, a git ref to its commit (see `addresses`)
//! ├── images/HEX.json           a name to an image, or to an index of several
//! ├── stats/HEX                 a context's file identities to content digests (see `stats`)
//! ├── builds/ID/                one build's record and the complete logs of its steps
//! ├── mounts/HEX/               cache mounts
//! ├── git/HEX/                  the objects of one remote repository, bare
//! ├── sumdb/NAME/               what a Go checksum database was proved to say (see crate `goproxy`)
//! ├── boot, doubtful/            what a loss of power may have hurt (see `doubt`)
//! ├── stubs/                    empty mount points, the lowest layer of every sandbox
//! ├── locks/NAME                empty files that processes hold flock(2) on
//! └── tmp/PROCESS/              unfinished work; whoever finds its lock free may delete it
//! ```
//! A file gets its name last: one that has it is whole. Nothing is synced to disk, since all of it can be
//! made again; a blob is verified when it enters, and what was written shortly before a reboot when it is used.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tree::Time;
use tree::root::Root;

use crate::doubt::boot_id;
use crate::lock::Lock;

/// The first line of `version`. Raise it when an older tare would misread what this one writes.
const VERSION: &str = "tare store 1\n";

/// What went wrong with a file of the store: the verb, the path and the cause.
#[derive(Debug)]
pub struct Error {
    doing: String,
    cause: io::Error,
}

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error while `verb`ing `path`.
    pub fn at(verb: &str, path: &Path, cause: io::Error) -> Error {
        Error { doing: format!("{verb} `{}`", path.display()), cause }
    }

    /// The kind of the cause: `StorageFull`, `NotFound`, …
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, plain(&self.cause))
    }
}

impl std::error::Error for Error {}

/// The kernel's reason in our style: `No such file or directory (os error 2)` is `no such file or directory`.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match (letters.next(), text.chars().nth(1)) {
        // "I/O error" keeps its capitals.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

impl From<Error> for String {
    fn from(e: Error) -> String {
        e.to_string()
    }
}

/// An opened store.
pub struct Store {
    root: PathBuf,
    /// This process's folder below `tmp`; made at first use.
    tmp: OnceLock<(PathBuf, Lock)>,
    serial: AtomicU64,
    /// The folder of layers; opened at first use.
    pub(crate) layers: OnceLock<Arc<Root>>,
}

impl Store {
    /// Opens the store at `root`, making it if there is none.
    ///
    /// # Errors
    /// If the folder can't be made or written, or holds a store of another version.
    pub fn open(root: &Path) -> Result<Store> {
        let store = Store {
            root: root.to_owned(),
            tmp: Default::default(),
            serial: AtomicU64::new(0),
            layers: Default::default(),
        };
        let version = root.join("version");
        match fs::read_to_string(&version) {
            Ok(text) if text == VERSION => store.doubt(&boot_id()).map(|()| store),
            Ok(text) => Err(Error::at("open the store", root, other_version(&text))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => store.create(&version),
            Err(e) => Err(Error::at("read", &version, e)),
        }
    }

    fn create(self, version: &Path) -> Result<Store> {
        const FOLDERS: [&str; 11] = [
            "blobs/sha256",
            "layers",
            "actions",
            "traces",
            "refs",
            "images",
            "stats",
            "builds",
            "mounts",
            "locks",
            "tmp",
        ];
        fs::create_dir_all(&self.root).map_err(|e| Error::at("create", &self.root, e))?;
        crate::clean::spread(&self.root);
        for folder in FOLDERS {
            let path = self.root.join(folder);
            fs::create_dir_all(&path).map_err(|e| Error::at("create", &path, e))?;
        }
        self.write(version, VERSION.as_bytes())?;
        self.doubt(&boot_id())?;
        Ok(self)
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A path for unfinished work that nobody else uses. Its folder exists, the path itself doesn't.
    ///
    /// # Errors
    /// If this process's scratch folder can't be made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        Ok(self.tmp()?.join(format!("{serial}-{name}")))
    }

    /// The time of the file system that the store is on, which is what new files get.
    ///
    /// # Errors
    /// If this process's scratch folder can't be made.
    pub fn disk_time(&self) -> Result<Time> {
        let path = self.tmp()?;
        // Another thread may have touched it since: that too was before whatever the caller does next.
        let meta = crate::file::touch(path).and_then(|()| fs::metadata(path));
        let meta = meta.map_err(|e| Error::at("read the time of", path, e))?;
        Ok(Time { sec: meta.mtime(), nsec: meta.mtime_nsec() as u32 })
    }

    fn tmp(&self) -> Result<&Path> {
        if self.tmp.get().is_none() {
            let made = crate::clean::own_tmp(&self.path("tmp"))?;
            // Two threads may race to here: the loser's folder is empty and goes at once, and its lock with it.
            if let Err((lost, _lock)) = self.tmp.set(made) {
                crate::clean::remove_tree(&crate::clean::lock_path(&lost));
                let _ = fs::remove_dir_all(lost);
            }
        }
        Ok(&self.tmp.get().expect("it was set above").0)
    }

    /// Removes this process's unfinished work. After it no step of this process may be running.
    fn sweep_own(&self) {
        if let Some((path, _)) = self.tmp.get() {
            crate::clean::remove_tree(path);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.sweep_own();
        if let Some((path, _held)) = self.tmp.get() {
            crate::clean::remove_tree(&crate::clean::lock_path(path));
        }
    }
}

fn other_version(text: &str) -> io::Error {
    let line = text.lines().next().unwrap_or_default();
    io::Error::other(format!(
        "it says `{line}`, this tare needs `{}`: point TARE_HOME elsewhere, or delete it",
        VERSION.trim()
    ))
}
