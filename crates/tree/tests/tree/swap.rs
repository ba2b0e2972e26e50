//! What is swapped for a link while it is read leads nowhere: no byte of another place gets into a copy.
//!
//! One thread exchanges two names all the time, the test works until a plain reader would have been fooled often
//! enough. That a copy fails meanwhile is fine, for the context has changed; what it may not do is to succeed
//! with what was never in the context.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tree::copy::{Item, Origin};
use tree::hash::NoHashes;
use tree::scan::{Everything, scan};
use tree::{Entry, Kind, Root, View};

use crate::support::{Case, Scratch};

/// How often a reader that follows links has to have been fooled before a test believes its result.
const FOOLED: usize = 200;
/// Where this many attempts fool nobody, the test tests nothing.
const MOST_ATTEMPTS: usize = 200_000;
const SECRET: &str = "secret";

/// A context in `c` and a place outside of it, in which every name leads to a secret.
struct Stage {
    scratch: Scratch,
    root: Arc<Root>,
}

impl Stage {
    fn new(inside: &str) -> Stage {
        let scratch = Scratch::new();
        let root = scratch.root("c", inside);
        scratch.root("o", "f 0644 f=secret\nf 0644 more=secret\nf 0644 s/g=secret\nl l -> secret");
        Stage { scratch, root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.0.join(name)
    }

    /// Puts a link to `target` at `link`, and exchanges it with `name` while `attempt` is repeated.
    fn attack_from(&self, link: &str, name: &str, target: &Path, attempt: impl Fn(&Arc<Root>)) {
        let (victim, link) = (self.path(name), self.path(link));
        let fooled = if victim.is_dir() { victim.join("f") } else { victim.clone() };
        std::os::unix::fs::symlink(target, &link).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stop = Stop(&done);
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    exchange(&victim, &link);
                }
            });
            self.until_fooled(&fooled, attempt);
        });
    }

    /// With an absolute link beside the context.
    fn attack(&self, name: &str, target: &str, attempt: impl Fn(&Arc<Root>)) {
        self.attack_from("link", name, &self.path(target), attempt);
    }

    fn until_fooled(&self, plain: &Path, attempt: impl Fn(&Arc<Root>)) {
        let mut count = 0;
        for _ in 0..MOST_ATTEMPTS {
            attempt(&self.root);
            count += usize::from(std::fs::read_to_string(plain).is_ok_and(|text| text == SECRET));
            if count == FOOLED {
                return;
            }
        }
        panic!("the swap was seen {count} times only");
    }
}

/// Ends the other thread, also when an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn exchange(a: &Path, b: &Path) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).unwrap();
}

/// Neither the bytes that were hashed nor those that are read now are the secret, and no name is from outside.
#[track_caller]
fn innocent<'a>(entries: impl IntoIterator<Item = &'a Entry>) {
    for entry in entries {
        let name = String::from_utf8_lossy(&entry.path);
        assert!(!name.ends_with("more"), "{name}");
        match &entry.kind {
            Kind::File { content, source, .. } => {
                assert_ne!(content.0, *blake3::hash(SECRET.as_bytes()).as_bytes(), "{name}");
                let mut text = String::new();
                if source.open().and_then(|mut file| file.read_to_string(&mut text)).is_ok() {
                    assert_ne!(text, SECRET, "{name}");
                }
            }
            Kind::Symlink { target } => assert_ne!(target, SECRET.as_bytes(), "{name}"),
            _ => {}
        }
    }
}

fn scanned(root: &Arc<Root>) {
    let found = scan(root, b"", &Everything);
    if let Ok(entries) = found.and_then(|found| tree::hash(found, &NoHashes)) {
        innocent(&entries);
    }
}

/// What a `COPY` of these paths makes, if it makes anything.
fn copied(root: &Arc<Root>, paths: &[&str]) {
    let Ok(context) = scan(root, b"", &Everything) else { return };
    let origin = Origin::Context(&context);
    let items = paths.iter().map(|path| Item::Path { origin, path: path.as_bytes() }).collect();
    let case = Case { dest: "to/", ..Case::default() };
    if let Ok(changes) = case.copy_items(items, &View::new(Vec::new())) {
        innocent(changes.iter().filter_map(|change| match change {
            tree::Change::Put(entry) => Some(entry),
            _ => None,
        }));
    }
}

const FOLDER: &str = "f 0644 d/f=inside\nf 0644 d/s/g=inside\nl d/l -> inside";

#[test]
fn a_folder_that_is_scanned_and_hashed() {
    Stage::new(FOLDER).attack("c/d", "o", scanned);
}

#[test]
fn a_folder_that_is_copied() {
    Stage::new(FOLDER).attack("c/d", "o", |root| {
        for paths in [&["d"][..], &["d/f", "d/s"], &["d/*"], &["."]] {
            copied(root, paths);
        }
    });
}

#[test]
fn a_folder_deep_in_another() {
    Stage::new("f 0644 a/b/d/f=inside\nf 0644 a/b/d/s/g=inside").attack("c/a/b/d", "o", scanned);
}

#[test]
fn a_file_that_is_scanned_and_hashed() {
    Stage::new("f 0644 d/f=inside").attack("c/d/f", "o/f", scanned);
}

#[test]
fn a_file_that_is_copied() {
    Stage::new("f 0644 d/f=inside").attack("c/d/f", "o/f", |root| {
        copied(root, &["d/f"]);
        copied(root, &["d"]);
    });
}

#[test]
fn the_link_may_be_relative() {
    Stage::new(FOLDER).attack_from("c/away", "c/d", Path::new("../o"), scanned);
}

/// So long that the kernel doesn't take it at once, and it is walked name by name, as where there is no `openat2`.
fn walked(path: &str) -> Vec<u8> {
    path.replace('/', &"/".repeat(4096)).into_bytes()
}

#[test]
fn a_path_that_is_walked_name_by_name() {
    Stage::new(FOLDER).attack("c/d", "o", |root| {
        let mut text = String::new();
        if root.file(&walked("d/f")).and_then(|mut file| file.read_to_string(&mut text)).is_ok() {
            assert_eq!(text, "inside");
        }
        assert!(root.stat(&walked("d/more")).unwrap().is_none());
        assert!(root.readlink(&walked("d/l")).map_or(true, |target| target == b"inside"));
        assert!(root.dir(&walked("d/s/../../..")).is_err());
    });
}

#[test]
fn a_file_at_the_end_of_a_path_that_is_walked() {
    Stage::new("f 0644 d/f=inside").attack("c/d/f", "o/f", |root| {
        let mut text = String::new();
        if root.file(&walked("d/f")).and_then(|mut file| file.read_to_string(&mut text)).is_ok() {
            assert_eq!(text, "inside");
        }
    });
}
