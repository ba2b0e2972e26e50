//! What the pass of a build that may not work has seen of folders, for the one that may: a walk is not done twice, nor
//! are digests asked for that are known.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store::stats::Stats;
use tree::found::Shape;
use tree::root::Root;
use tree::{Found, Source};

use super::Scanned;

/// People edit files while a build runs: a step that comes later than this sees what is there by then.
const FRESH: Duration = Duration::from_millis(500);

/// Walks that nobody has taken yet.
#[derive(Default)]
pub struct Walks(Mutex<Vec<Walk>>);

/// Of what a walk was.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub path: PathBuf,
    /// A file that is there for tare and not for the build.
    pub lock: Option<Vec<u8>>,
    /// The ignore file's text.
    pub ignore: Option<Vec<u8>>,
}

/// A walk that was done.
pub(super) struct Walk {
    pub subject: Subject,
    pub stats: Arc<Stats>,
    pub scanned: Arc<Scanned>,
    ended: Instant,
}

impl Walks {
    pub(super) fn put(&self, subject: Subject, stats: Arc<Stats>, scanned: Arc<Scanned>) {
        let walk = Walk { subject, stats, scanned, ended: Instant::now() };
        self.0.lock().expect("no panic while held").push(walk);
    }

    pub(super) fn take(&self, subject: &Subject) -> Option<Walk> {
        let mut all = self.0.lock().expect("no panic while held");
        let at = all.iter().position(|walk| walk.subject == *subject)?;
        Some(all.swap_remove(at))
    }
}

impl Walk {
    /// What it found, unless that may not be so any more.
    pub(super) fn fresh(self) -> Option<Scanned> {
        let recent = self.ended.elapsed() < FRESH;
        let scanned = Arc::into_inner(self.scanned).filter(|_| recent)?;
        reopened(scanned, &self.subject.path)
    }
}

/// An ordinary user's process has entered a mount namespace since: a folder that was opened outside of it is on another
/// mount than the store, and older kernels share no blocks between mounts.
fn reopened(mut scanned: Scanned, path: &Path) -> Option<Scanned> {
    let new = Root::open(path).ok()?;
    scanned.found.iter_mut().filter_map(root_of).for_each(|root| *root = new.clone());
    Some(scanned)
}

fn root_of(found: &mut Found) -> Option<&mut Arc<Root>> {
    match &mut found.shape {
        Shape::File(file) => match &mut file.source {
            Source::Disk { root, .. } => Some(root),
            Source::Bytes(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tree::Time;

    use super::*;

    #[test]
    fn a_walk_is_taken_once_and_for_the_same_folder_only() {
        let home = std::env::temp_dir().join(format!("tare-engine-walks-{}", std::process::id()));
        let store = store::Store::open(&home).unwrap();
        let subject = |ignore: Option<&str>| Subject {
            path: std::env::temp_dir(),
            lock: None,
            ignore: ignore.map(|text| text.as_bytes().to_owned()),
        };
        let stats = Arc::new(store.stats(&home));
        let scanned =
            Arc::new(Scanned { found: Vec::new(), at: Time::default(), contents: Mutex::default() });
        let walks = Walks::default();
        walks.put(subject(Some("a")), stats.clone(), scanned);
        assert!(walks.take(&subject(None)).is_none());
        assert!(walks.take(&subject(Some("a"))).is_some_and(|walk| walk.fresh().is_some()));
        assert!(walks.take(&subject(Some("a"))).is_none());
        drop((stats, store));
        std::fs::remove_dir_all(home).unwrap();
    }
}
