//! The build context and named ones: what COPY may take, ignore files applied.
//!
//! A folder is walked, and a remote context fetched, at most once a build, and not at all if no step needs it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dockerfile::Patterns;
use store::LayerId;
use store::Store;
use store::stats::Stats;
use tree::Found;
use tree::hash::{Hashes, NoHashes};
use tree::root::Root;
use tree::scan::scan;

use crate::elsewhere::{Elsewhere, Memory, Remote};
use crate::error::{Error, Result, doing};
use crate::settings::{Context, NamedContext, Settings};

/// A folder that files are copied from.
pub struct Folder {
    place: Place,
    patterns: Patterns,
    found: Mutex<Option<Arc<Vec<Found>>>>,
}

/// Where its files are.
enum Place {
    Disk {
        path: PathBuf,
        /// A file that is there for tare and not for the build.
        lock: Option<Vec<u8>>,
        stats: Stats,
    },
    /// In a layer of the store that is no layer of an image.
    Tree(LayerId),
    /// Not here yet.
    Remote(Remote),
}

/// The main context and the named ones.
pub struct Contexts {
    main: Option<Folder>,
    named: BTreeMap<String, Folder>,
    memory: Memory,
}

impl Contexts {
    /// Opens what the settings name; reads ignore files, walks nothing.
    ///
    /// # Errors
    /// If an ignore file can't be understood.
    pub fn open(store: &Store, settings: &Settings) -> Result<Contexts> {
        let ignore = settings.ignore.as_ref().map(|(name, text)| (name.as_str(), text.as_slice()));
        let main = match &settings.context {
            Context::None => None,
            Context::Folder(path) => {
                Some(Folder::open(store, path, ignore)?.without(settings.lock_file.as_deref()))
            }
            Context::Tree(layer) => Some(Folder::of(Place::Tree(*layer), ignore)?),
        };
        let mut named = BTreeMap::new();
        for (name, context) in &settings.contexts {
            let folder = match context {
                NamedContext::Folder(path) => {
                    let text = std::fs::read(path.join(".dockerignore")).ok();
                    let ignore = text.as_ref().map(|t| (".dockerignore", t.as_slice()));
                    Folder::open(store, path, ignore)?
                }
                NamedContext::Remote(remote) => Folder::of(Place::Remote(remote.clone()), None)?,
                _ => continue,
            };
            named.insert(name.clone(), folder);
        }
        Ok(Contexts { main, named, memory: Memory::default() })
    }

    /// What was asked of servers already.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The main context.
    ///
    /// # Errors
    /// If the build has none.
    pub fn main(&self) -> Result<&Folder> {
        let none = "this build has no context, so nothing can be copied from it; give a folder";
        self.main.as_ref().ok_or_else(|| Error::Other(none.to_owned()))
    }

    /// A named context.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn named(&self, name: &str) -> Result<&Folder> {
        self.named.get(name).ok_or_else(|| Error::Other(format!("there is no folder context `{name}`")))
    }

    /// Writes what was learnt about files, so that the next build reads fewer.
    pub fn save(&self, store: &Store) {
        for folder in self.main.iter().chain(self.named.values()) {
            if let Place::Disk { stats, .. } = &folder.place {
                // A cache that can't be written costs time, nothing else.
                let _ = stats.save(store);
            }
        }
    }
}

impl Folder {
    fn open(store: &Store, path: &Path, ignore: Option<(&str, &[u8])>) -> Result<Folder> {
        let path = path.canonicalize().map_err(doing(format_args!("open context `{}`", path.display())))?;
        let stats = store.stats(&path);
        Folder::of(Place::Disk { path, lock: None, stats }, ignore)
    }

    fn of(place: Place, ignore: Option<(&str, &[u8])>) -> Result<Folder> {
        let patterns = match ignore {
            None => Patterns::default(),
            Some((name, text)) => Patterns::parse(text)
                .map_err(|d| Error::Other(format!("{name}:{}: {}", d.line, d.message)))?,
        };
        Ok(Folder { place, patterns, found: Mutex::default() })
    }

    /// Leaves the lock file out, whatever the ignore file says: pinning anew must not change what is copied.
    fn without(mut self, file: Option<&Path>) -> Folder {
        if let Place::Disk { path, lock, .. } = &mut self.place {
            *lock = file.and_then(|l| l.canonicalize().ok()).and_then(|l| relative(path, &l));
        }
        self
    }

    /// The memory of content digests.
    pub fn hashes(&self) -> &dyn Hashes {
        match &self.place {
            Place::Disk { stats, .. } => stats,
            Place::Tree(_) | Place::Remote(_) => &NoHashes,
        }
    }

    /// Everything in the folder that isn't ignored, unread.
    ///
    /// # Errors
    /// If the folder can't be walked, or a remote one not be had.
    pub(crate) fn found(&self, elsewhere: &Elsewhere) -> Result<Arc<Vec<Found>>> {
        // Held meanwhile: who comes second waits for the first.
        let mut known = self.found.lock().expect("no panic while held");
        if let Some(found) = &*known {
            return Ok(found.clone());
        }
        let found = Arc::new(match &self.place {
            Place::Disk { path, lock, .. } => self.walk(path, lock.as_deref())?,
            Place::Tree(layer) => elsewhere.list(layer, &self.patterns)?,
            Place::Remote(remote) => elsewhere.list(&elsewhere.named(remote)?, &self.patterns)?,
        });
        *known = Some(found.clone());
        Ok(found)
    }

    fn walk(&self, path: &Path, lock: Option<&[u8]>) -> Result<Vec<Found>> {
        let say = || doing(format_args!("read context `{}`", path.display()).to_string());
        let root = Root::open(path).map_err(say())?;
        let mut found = scan(&root, b"", &self.patterns).map_err(say())?;
        found.retain(|one| lock != Some(&one.path));
        Ok(found)
    }

    /// The pattern that hides a path, for a better "not found".
    pub fn hidden_by(&self, path: &str) -> Option<String> {
        let verdict = self.patterns.verdict(path.trim_start_matches("./").trim_matches('/'));
        verdict.by.filter(|_| verdict.ignored).map(|rule| format!("line {} of the ignore file", rule.line))
    }
}

fn relative(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    file.strip_prefix(folder).ok().map(|p| p.as_os_str().as_bytes().to_vec())
}
