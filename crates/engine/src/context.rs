//! The build context and named ones: what COPY may take, ignore files applied.
//!
//! A folder is walked, and a remote context fetched, at most once a build, and not at all if no step needs it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use dockerfile::Patterns;
use store::LayerId;
use store::Store;
use store::stats::Stats;
use tree::hash::{Hashes, NoHashes};
use tree::root::Root;
use tree::scan::scan;
use tree::{Found, Time};

use crate::elsewhere::{Elsewhere, Memory, Remote};
use crate::error::{Error, Result, doing};
use crate::settings::{Context, NamedContext, Settings};

mod walks;

pub use walks::Walks;
use walks::{Subject, Walk};

/// A folder that files are copied from.
pub struct Folder {
    place: Place,
    patterns: Patterns,
    found: Mutex<Option<Arc<Scanned>>>,
    /// A walk that nobody had use for in the pass before.
    before: Mutex<Option<Walk>>,
}

/// What is in a folder.
pub struct Scanned {
    /// Everything that isn't ignored, unread.
    pub found: Vec<Found>,
    /// When the walk began.
    at: Time,
    /// What COPYs of it came to, by what decides about that besides.
    contents: Mutex<BTreeMap<String, [u8; 32]>>,
}

/// Where its files are.
enum Place {
    Disk {
        subject: Subject,
        stats: Arc<Stats>,
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
                let folder = Folder::open(store, path, ignore)?.without(settings.lock_file.as_deref());
                Some(folder.after(&settings.walks))
            }
            Context::Tree(layer) => Some(Folder::of(Place::Tree(*layer), ignore)?),
        };
        let mut named = BTreeMap::new();
        for (name, context) in &settings.contexts {
            let folder = match context {
                NamedContext::Folder(path) => {
                    let text = std::fs::read(path.join(".dockerignore")).ok();
                    let ignore = text.as_ref().map(|t| (".dockerignore", t.as_slice()));
                    Folder::open(store, path, ignore)?.after(&settings.walks)
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

    /// Writes what was learnt about files, so that the next build reads fewer; the pass that may work gets it as it is.
    pub fn save(&self, store: &Store, settings: &Settings) {
        for folder in self.main.iter().chain(self.named.values()) {
            if let Place::Disk { subject, stats } = &folder.place {
                // A cache that can't be written costs time, nothing else.
                let _ = stats.save(store);
                let found = folder.found.lock().expect("no panic while held").take();
                if let Some(scanned) = found.filter(|_| !settings.may_work) {
                    settings.walks.put(subject.clone(), stats.clone(), scanned);
                }
            }
        }
    }
}

impl Folder {
    fn open(store: &Store, path: &Path, ignore: Option<(&str, &[u8])>) -> Result<Folder> {
        let path = path.canonicalize().map_err(doing(format_args!("open context `{}`", path.display())))?;
        let stats = Arc::new(store.stats(&path));
        let subject = Subject { path, lock: None, ignore: ignore.map(|(_, text)| text.to_owned()) };
        Folder::of(Place::Disk { subject, stats }, ignore)
    }

    fn of(place: Place, ignore: Option<(&str, &[u8])>) -> Result<Folder> {
        let patterns = match ignore {
            None => Patterns::default(),
            Some((name, text)) => Patterns::parse(text)
                .map_err(|d| Error::Other(format!("{name}:{}: {}", d.line, d.message)))?,
        };
        Ok(Folder { place, patterns, found: Mutex::default(), before: Mutex::default() })
    }

    /// Leaves the lock file out, whatever the ignore file says: pinning anew must not change what is copied.
    fn without(mut self, file: Option<&Path>) -> Folder {
        if let Place::Disk { subject, .. } = &mut self.place {
            subject.lock = file.and_then(|l| l.canonicalize().ok()).and_then(|l| relative(&subject.path, &l));
        }
        self
    }

    /// Goes on where the pass before has ended.
    fn after(mut self, walks: &Walks) -> Folder {
        if let Place::Disk { subject, stats } = &mut self.place
            && let Some(walk) = walks.take(subject)
        {
            *stats = walk.stats.clone();
            self.before = Mutex::new(Some(walk));
        }
        self
    }

    /// The memory of content digests.
    pub fn hashes(&self) -> &dyn Hashes {
        match &self.place {
            Place::Disk { stats, .. } => &**stats,
            Place::Tree(_) | Place::Remote(_) => &NoHashes,
        }
    }

    /// What is in the folder.
    ///
    /// # Errors
    /// If the folder can't be walked, or a remote one not be had.
    pub(crate) fn scanned(&self, elsewhere: &Elsewhere) -> Result<Arc<Scanned>> {
        // Held meanwhile: who comes second waits for the first.
        let mut known = self.found.lock().expect("no panic while held");
        if let Some(scanned) = &*known {
            return Ok(scanned.clone());
        }
        let before = self.before.lock().expect("no panic while held").take();
        let scanned = before.and_then(Walk::fresh).map_or_else(|| self.look_into(elsewhere), Ok)?;
        Ok(known.insert(Arc::new(scanned)).clone())
    }

    /// Lets go of what is in it: who asks again walks again.
    pub(crate) fn forget(&self) {
        drop(self.found.lock().expect("no panic while held").take());
    }

    fn look_into(&self, elsewhere: &Elsewhere) -> Result<Scanned> {
        let at = now();
        let found = match &self.place {
            Place::Disk { subject, .. } => self.walk(&subject.path, subject.lock.as_deref())?,
            Place::Tree(layer) => elsewhere.list(layer, &self.patterns)?,
            Place::Remote(remote) => elsewhere.list(&elsewhere.named(remote)?, &self.patterns)?,
        };
        Ok(Scanned { found, at, contents: Mutex::default() })
    }

    /// What a COPY of these sources comes to, if it looks as it did when somebody remembered that, and how it looks.
    /// `rule` is what else decides about its content.
    pub(crate) fn looked(&self, scanned: &Scanned, sources: &[&[u8]], whole: bool, rule: String) -> Looked {
        let Place::Disk { stats, .. } = &self.place else { return Looked::default() };
        let content = scanned.contents.lock().expect("no panic while held").get(&rule).copied();
        if content.is_some() {
            return Looked { content, ..Looked::default() };
        }
        // What isn't there is for the COPY itself to say.
        let Ok(Some(look)) = tree::look(&scanned.found, sources, whole, scanned.at) else {
            return Looked { rule: Some(rule), ..Looked::default() };
        };
        let look = *blake3::Hasher::new_keyed(&look).update(rule.as_bytes()).finalize().as_bytes();
        Looked { content: stats.looked(&look), look: Some(look), rule: Some(rule) }
    }

    /// Remembers what a COPY came to: for this build how it looks doesn't matter.
    pub(crate) fn remember(&self, scanned: &Scanned, looked: Looked, content: [u8; 32]) {
        if let Some(rule) = looked.rule {
            scanned.contents.lock().expect("no panic while held").insert(rule, content);
        }
        if let (Place::Disk { stats, .. }, Some(look)) = (&self.place, looked.look) {
            stats.put_look(look, content);
        }
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

/// How a COPY's sources look from outside.
#[derive(Default)]
pub struct Looked {
    /// The digest of the look; none if it wouldn't tell of the content.
    look: Option<[u8; 32]>,
    /// What else decides about the content.
    rule: Option<String>,
    /// What it came to when it looked so before.
    pub content: Option<[u8; 32]>,
}

fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time { sec: now.as_secs() as i64, nsec: now.subsec_nanos() }
}

fn relative(folder: &Path, file: &Path) -> Option<Vec<u8>> {
    file.strip_prefix(folder).ok().map(|p| p.as_os_str().as_bytes().to_vec())
}
