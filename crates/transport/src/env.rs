//! What transport reads of its surroundings: environment variables and system files.
//!
//! Everything goes through here, so that tests run in parallel, each in a world of its own, and so that
//! nothing in this crate depends on the process it runs in.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A variable's name to its value.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Variables and the root of the system's files.
#[derive(Clone)]
pub struct Env {
    lookup: Arc<Lookup>,
    root: PathBuf,
}

impl Env {
    /// This process's environment. Empty variables count as unset, as Docker and Go's proxies have it.
    pub fn process() -> Env {
        Env { lookup: Arc::new(|name| std::env::var(name).ok()), root: PathBuf::from("/") }
    }

    /// An environment with `vars` alone, whose `/etc` is under `root`.
    pub fn of(vars: &[(&str, &str)], root: &Path) -> Env {
        let vars: HashMap<String, String> = vars.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        Env { lookup: Arc::new(move |name| vars.get(name).cloned()), root: root.to_owned() }
    }

    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    /// A path below the user's home directory; there is none without `HOME`, as getpwuid is not for a
    /// static binary.
    pub fn home(&self, below: &str) -> Option<PathBuf> {
        self.path("HOME").map(|home| home.join(below))
    }

    /// A system file, such as `/etc/hosts`.
    pub fn system(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl fmt::Debug for Env {
    // Variables may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("root", &self.root).finish_non_exhaustive()
    }
}
