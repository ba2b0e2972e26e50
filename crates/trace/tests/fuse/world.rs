//! A tree for the tests, served and mounted, and how to look at it.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::CWD;
use rustix::mount::{MountFlags, MoveMountFlags, UnmountFlags};
use trace::{Ground, Look, Natives, Policy, Server, Touched, Tree};
use tree::{Change, Content, Entry, Kind, Meta, Root, Source, Time, View};

static WORLDS: AtomicUsize = AtomicUsize::new(0);

/// A folder in memory that goes away with it.
pub struct World {
    pub dir: PathBuf,
    names: AtomicUsize,
}

impl World {
    pub fn new() -> World {
        let number = WORLDS.fetch_add(1, Ordering::SeqCst);
        let dir = std::env::temp_dir().join(format!("trace-test-{}-{number}", std::process::id()));
        fs::create_dir(&dir).expect("make a directory");
        // overlayfs wants an upper layer that is no overlay itself.
        let none = MountFlags::empty();
        rustix::mount::mount("tmpfs", &dir, "tmpfs", none, c"mode=0755").expect("mount a tmpfs");
        World { dir, names: AtomicUsize::new(0) }
    }

    pub fn new_dir(&self) -> PathBuf {
        let dir = self.dir.join(self.names.fetch_add(1, Ordering::SeqCst).to_string());
        fs::create_dir(&dir).expect("make a directory");
        dir
    }

    /// Serves a tree over a folder that holds `below`: names that end in a slash are directories.
    pub fn serve(&self, changes: &[Change], below: &[&str], policy: impl Policy + 'static) -> Mounted {
        self.serve_at(self.new_dir(), changes, below, policy)
    }

    /// As [`serve`](Self::serve), at a place that may have been used before.
    pub fn serve_at(
        &self,
        merged: PathBuf,
        changes: &[Change],
        below: &[&str],
        policy: impl Policy + 'static,
    ) -> Mounted {
        let base = self.new_dir();
        for name in below {
            match name.strip_suffix('/') {
                Some(dir) => fs::create_dir_all(base.join(dir)).expect("make a directory"),
                None => fs::write(base.join(name), "below\n").expect("write"),
            }
        }
        self.serve_over(merged, changes, (&base, None), policy)
    }

    /// Serves a tree over a folder that is native.
    pub fn serve_over_native(&self, changes: &[Change], base: &Path) -> Mounted {
        let natives = View::new(vec![Root::open(base).expect("open")]);
        let ground = Arc::new(Ground::new(Arc::new(Natives::new(natives)), Vec::new()));
        self.serve_over(self.new_dir(), changes, (base, Some(ground)), trace::Strict)
    }

    fn serve_over(
        &self,
        merged: PathBuf,
        changes: &[Change],
        (base, ground): (&Path, Option<Arc<Ground>>),
        policy: impl Policy + 'static,
    ) -> Mounted {
        let tree = Arc::new(Tree::new(&[changes]));
        let (server, mount) = Server::start(tree.clone(), ground, Arc::new(policy)).expect("start");
        let low = self.new_dir();
        attach(&mount, &low);
        let (upper, work) = (self.new_dir(), self.new_dir());
        let options = format!(
            "lowerdir={}:{},upperdir={},workdir={},userxattr,index=off,metacopy=off,redirect_dir=nofollow,xino=off",
            low.display(),
            base.display(),
            upper.display(),
            work.display()
        );
        let options = std::ffi::CString::new(options).expect("no zero byte");
        rustix::mount::mount("overlay", &merged, "overlay", MountFlags::empty(), options.as_c_str())
            .expect("mount an overlay");
        Mounted { server, tree, merged, upper }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.dir, UnmountFlags::DETACH);
        fs::remove_dir(&self.dir).expect("remove the tests' directory");
    }
}

pub fn attach(mount: &OwnedFd, at: &Path) {
    rustix::mount::move_mount(mount, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).expect("attach");
}

/// A tree that is mounted.
pub struct Mounted {
    pub server: Server,
    pub tree: Arc<Tree>,
    pub merged: PathBuf,
    /// What was written.
    pub upper: PathBuf,
}

impl Mounted {
    /// Runs a line of shell in the merged tree.
    pub fn sh(&self, script: &str) -> Output {
        let mut command = Command::new("busybox");
        command.args(["sh", "-c", script]).current_dir(&self.merged);
        command.output().expect("run busybox")
    }

    pub fn finish(self) -> (Touched, Arc<Tree>) {
        (self.server.finish(), self.tree)
    }
}

/// All facts as lines, the status of the root left out: mounting asks for it.
pub fn lines(touched: &Touched, tree: &Tree, weaken: bool) -> Vec<String> {
    let facts = touched.facts(tree, weaken, &|_| Vec::new()).expect("facts");
    let named = facts.iter().filter(|fact| !(fact.path.is_empty() && fact.look == Look::Stat));
    named.map(|fact| format!("{} {}", name(fact.look), fact.path)).collect()
}

pub fn name(look: Look) -> String {
    serde_json::to_value(look).expect("text").as_str().expect("text").to_owned()
}

pub fn put(path: &str, mode: u32, kind: Kind) -> Change {
    let meta = Meta { mode, mtime: Time { sec: 1_500_000_000, nsec: 7 }, ..Meta::default() };
    Change::Put(Entry { path: path.into(), meta, kind })
}

pub fn dir(path: &str) -> Change {
    put(path, 0o755, Kind::Dir)
}

pub fn file(path: &str, text: &str) -> Change {
    put(path, 0o644, bytes(text.as_bytes()))
}

pub fn bytes(bytes: &[u8]) -> Kind {
    let content = Content(blake3::hash(bytes).into());
    Kind::File { size: bytes.len() as u64, content, source: Source::Bytes(bytes.into()) }
}

pub fn link(path: &str, target: &str) -> Change {
    put(path, 0o777, Kind::Symlink { target: target.into() })
}
