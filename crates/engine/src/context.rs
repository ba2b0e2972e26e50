//! The build context and named folders: what COPY may take, ignore files applied.
//!
//! A folder is walked at most once a build, and not at all if no step needs it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dockerfile::Patterns;
use store::Store;
use store::stats::Stats;
use tree::Found;
use tree::root::Root;
use tree::scan::scan;

use crate::error::{Error, Result, doing};
use crate::settings::{NamedContext, Settings};

/// A folder that files are copied from.
pub struct Folder {
    path: PathBuf,
    patterns: Patterns,
    /// A file that is there for tare and not for the build.
    lock: Option<Vec<u8>>,
    stats: Stats,
    found: OnceLock<std::result::Result<Arc<Vec<Found>>, String>>,
}

/// The main context and the named ones.
pub struct Contexts {
    main: Option<Folder>,
    named: BTreeMap<String, Folder>,
}

impl Contexts {
    /// Opens what the settings name; reads ignore files, walks nothing.
    ///
    /// # Errors
    /// If an ignore file can't be understood.
    pub fn open(store: &Store, settings: &Settings) -> Result<Contexts> {
        let ignore = settings.ignore.as_ref().map(|(name, text)| (name.as_str(), text.as_slice()));
        let main = settings.context.as_ref().map(|path| Folder::open(store, path, ignore)).transpose()?;
        let main = main.map(|folder| folder.without(settings.lock_file.as_deref()));
        let mut named = BTreeMap::new();
        for (name, context) in &settings.contexts {
            if let NamedContext::Folder(path) = context {
                let file = path.join(".dockerignore");
                let text = std::fs::read(&file).ok();
                let ignore = text.as_ref().map(|t| (".dockerignore", t.as_slice()));
                named.insert(name.clone(), Folder::open(store, path, ignore)?);
            }
        }
        Ok(Contexts { main, named })
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
            // A cache that can't be written costs time, nothing else.
            let _ = folder.stats.save(store);
        }
    }
}

impl Folder {
    fn open(store: &Store, path: &Path, ignore: Option<(&str, &[u8])>) -> Result<Folder> {
        let path = path.canonicalize().map_err(doing(format_args!("open context `{}`", path.display())))?;
        let patterns = match ignore {
            None => Patterns::default(),
            Some((name, text)) => Patterns::parse(text)
                .map_err(|d| Error::Other(format!("{name}:{}: {}", d.line, d.message)))?,
        };
        let stats = store.stats(&path);
        Ok(Folder { path, patterns, lock: None, stats, found: OnceLock::new() })
    }

    /// Leaves the lock file out, whatever the ignore file says: pinning anew must not change what is copied.
    fn without(self, lock: Option<&Path>) -> Folder {
        let inside = lock.and_then(|l| l.canonicalize().ok()).and_then(|l| relative(&self.path, &l));
        Folder { lock: inside, ..self }
    }

    /// The memory of content digests.
    pub fn hashes(&self) -> &Stats {
        &self.stats
    }

    /// Everything in the folder that isn't ignored, unread.
    ///
    /// # Errors
    /// If the folder can't be walked.
    pub fn found(&self) -> Result<Arc<Vec<Found>>> {
        let walked = self.found.get_or_init(|| self.walk().map(Arc::new));
        walked.clone().map_err(Error::Other)
    }

    fn walk(&self) -> std::result::Result<Vec<Found>, String> {
        let say = |e: std::io::Error| format!("read context `{}`: {}", self.path.display(), store::plain(&e));
        let root = Root::open(&self.path).map_err(say)?;
        let mut found = scan(&root, b"", &self.patterns).map_err(say)?;
        found.retain(|one| self.lock.as_ref() != Some(&one.path));
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
