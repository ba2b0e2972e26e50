//! Who reads: a process of a step to the program that it is, and whether that is a go command whose habits are known.
//!
//! A go command is known by what is in it, never by its name: its build info says that it is `cmd/go`, of a release
//! that was tested, and the file lies in a layer that the step's key names. A program that the step made or
//! changed is a stranger.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use trace::{Policy, Reader};
use tree::View;

/// Releases of Go whose go command was looked at: 1.x from the first to the last.
const TESTED: std::ops::RangeInclusive<u32> = 20..=26;

/// Files of layers that were read to find out whether they are go commands: by device, number and change of the inode.
pub type Proofs = Mutex<HashMap<(u64, u64, i64, i64), bool>>;

/// The programs of one step.
pub struct Readers {
    /// All that is below the step.
    below: Arc<View>,
    /// Which of its layers the step's key names.
    native: Vec<bool>,
    /// Whether to look for programs whose habits are known.
    weaken: bool,
    /// What earlier steps found out.
    proofs: Arc<Proofs>,
    /// Those that were met, and whether they are go commands.
    known: Mutex<BTreeMap<PathBuf, (Arc<str>, bool)>>,
}

impl Readers {
    /// Of a step over `below`, of whose layers the key names those that are `native`.
    pub fn new(below: Arc<View>, native: Vec<bool>, weaken: bool, proofs: Arc<Proofs>) -> Readers {
        Readers { below, native, weaken, proofs, known: Mutex::default() }
    }

    /// Until the step's program is started its process is tare's own, which looks for it and opens it: that counts as
    /// the program's doing.
    #[must_use]
    pub fn starting(self, argv: &[String]) -> Readers {
        let name = argv.first().and_then(|program| program.rsplit('/').next());
        if let Some((own, name)) = std::env::current_exe().ok().zip(name) {
            self.known.lock().expect("no panic while held").insert(own, (name.into(), false));
        }
        self
    }

    /// Whether that program turned out to be a go command.
    pub fn is_go(&self, program: &str) -> bool {
        let known = self.known.lock().expect("no panic while held");
        known.get(Path::new(program)).is_some_and(|(_, is_go)| *is_go)
    }

    fn name(&self, pid: u32, program: PathBuf) -> (Arc<str>, bool) {
        let known = self.known.lock().expect("no panic while held").get(&program).cloned();
        if let Some(known) = known {
            return known;
        }
        let name: Arc<str> = program.to_string_lossy().into();
        let is_go = self.weaken && self.prove(pid, &program).is_some();
        self.known.lock().expect("no panic while held").insert(program, (name.clone(), is_go));
        (name, is_go)
    }

    /// Proves that the program is a tested go command of a layer that can't change.
    fn prove(&self, pid: u32, program: &Path) -> Option<()> {
        let path = program.strip_prefix("/").ok()?.as_os_str().as_bytes();
        let node = self.below.lookup(path).ok()??;
        if !*self.native.get(node.layer)? {
            return None;
        }
        let file = self.below.layers()[node.layer].root()?.file(path).ok()?;
        let there = file.metadata().ok()?;
        // What the process runs may be another file in the same place: a mount's, or one that the step wrote.
        if runs(pid).ok()? != (there.ino(), there.len(), there.mtime()) {
            return None;
        }
        self.is_tested_go(file, &there)?.then_some(())
    }

    /// None if it can't be read.
    fn is_tested_go(&self, file: File, there: &Metadata) -> Option<bool> {
        let inode = (there.dev(), there.ino(), there.ctime(), there.ctime_nsec());
        if let Some(known) = self.proofs.lock().expect("no panic while held").get(&inode) {
            return Some(*known);
        }
        let info = sbom::read_from(std::io::BufReader::new(file)).ok()?;
        let is = info.is_some_and(|info| info.path == "cmd/go" && is_tested(&info.go_version));
        self.proofs.lock().expect("no panic while held").insert(inode, is);
        Some(is)
    }
}

/// `go1.26.8` is; a version that somebody has built themselves isn't.
fn is_tested(version: &str) -> bool {
    let minor = version.strip_prefix("go1.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor| TESTED.contains(&minor))
}

impl Policy for Readers {
    fn reader(&self, pid: u32) -> Reader {
        // Who asks waits for the answer, so the process is there and stays what it is.
        let Ok(program) = std::fs::read_link(format!("/proc/{pid}/exe")) else { return Reader::Unknown };
        match self.name(pid, program) {
            (name, true) if compiles(pid) => Reader::Go(name),
            (name, _) => Reader::Program(name),
        }
    }
}

/// Number, size and time of the file that a process runs. Asked for as the kernel knows them: were it a file that we
/// serve, we would wait for ourselves.
fn runs(pid: u32) -> rustix::io::Result<(u64, u64, i64)> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let path = format!("/proc/{pid}/exe");
    let stat = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::BASIC_STATS)?;
    Ok((stat.stx_ino, stat.stx_size, stat.stx_mtime.tv_sec))
}

/// Whether a go command builds: other commands, `go test` above all, look at files in other ways.
fn compiles(pid: u32) -> bool {
    // This waits for the process's memory map, which a thread may hold that waits for a page of ours. The go command
    // maps no file of a project, and nothing else is asked for its words.
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    matches!(words.split(|&b| b == 0).nth(1), Some(b"build" | b"install"))
}
