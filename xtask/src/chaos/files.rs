//! Invented files: first in memory, where they are easily changed and put back, then on disk, a difference at a time.
//!
//! What isn't other isn't touched on disk, so that tare's memory of files is put to the test as well; times are part
//! of what is invented, and a change may leave a file's size and time as they were.

use super::dice::Dice;
use crate::{Result, shell};
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Files by path, relative to the context.
pub type Files = BTreeMap<String, File>;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum File {
    /// A directory with its mode.
    Dir(u32),
    /// A plain file.
    Plain { text: String, mode: u32, time: u64 },
    /// A symbolic link with its target.
    Link(String),
}

/// Directories that are always there, because Dockerfiles name them.
pub const FIXED: [&str; 2] = ["a", "b"];

/// All that there may be: a part of it is there at first, and edits and scripts choose from the whole.
pub struct Pool {
    /// Directories, those above the others first.
    pub dirs: Vec<String>,
    /// What may be in them.
    pub names: Vec<String>,
}

const DIRS: &[&str] =
    &["a", "b", "a/lib", "a/lib/deep", "b/with space", "c", "c/sub", "c/sub/ü", "b/empty", ".git", "a/-d"];

const NAMES: &[&str] = &[
    "x",
    "y",
    "main.c",
    "run.sh",
    "tool",
    "README",
    "z.txt",
    ".hidden",
    "-dash",
    "two words",
    "größe",
    "st*r",
    "q'uote",
    "100%",
    "%41",
    "back\\slash",
    "a.go",
    "lib",
    "new\nline",
    "$HOME",
    "#c",
    "lib.h",
    "lnk",
    "here",
];

const WORDS: &[&str] =
    &["alpha", "beta", "gamma", "delta x", "omega", "a=1", "#include <x>", "", "é", "exit"];

/// What scripts of the tree do; nothing that could run for long.
const SCRIPTS: &[&str] = &[
    "#!/bin/sh\necho \"$0\" alpha\n",
    "#!/bin/sh\ncat /src/a/x\n",
    "#!/bin/sh -e\ncd a 2>/dev/null && ls\n",
    "#!/bin/busybox sh\n[ -e b/y ] && echo there || echo not\n",
    "#!/src/a/tool\nbeta\n",
    "#!/bin/cat\nitself\n",
];

const DIR_MODES: &[u32] = &[0o755, 0o755, 0o755, 0o700, 0o775, 0o711];
const MODES: &[u32] = &[0o644, 0o644, 0o644, 0o600, 0o755, 0o755, 0o444, 0o640, 0o711, 0o4755, 0o664];

impl Pool {
    /// Some directories, and in each some names.
    pub fn new(dice: &mut Dice) -> Pool {
        let dirs: Vec<String> = DIRS
            .iter()
            .filter(|dir| dir.len() == 1 || dice.percent(70))
            .map(|dir| (*dir).to_owned())
            .collect();
        let mut names = Vec::new();
        for dir in [""].into_iter().chain(dirs.iter().map(String::as_str)) {
            names.extend((0..dice.range(2, 6)).map(|_| join(dir, dice.pick::<&str>(NAMES))));
        }
        names.sort();
        names.dedup();
        Pool { dirs, names }
    }

    /// A path, of a directory or not, that may or may not be there.
    pub fn any(&self, dice: &mut Dice) -> String {
        if dice.percent(20) { self.dir(dice) } else { dice.pick(&self.names).clone() }
    }

    /// A directory that may or may not be there.
    pub fn dir(&self, dice: &mut Dice) -> String {
        dice.pick(&self.dirs).clone()
    }

    /// About half of it.
    pub fn files(&self, dice: &mut Dice) -> Files {
        let mut files = Files::new();
        for dir in FIXED {
            files.insert(dir.to_owned(), File::Dir(0o755));
        }
        for dir in &self.dirs {
            if dice.percent(75) {
                put(&mut files, dir, File::Dir(*dice.pick(DIR_MODES)));
            }
        }
        for name in &self.names {
            if dice.percent(60) {
                let file = self.file(dice);
                put(&mut files, name, file);
            }
        }
        files
    }

    /// Anything that is no directory.
    pub fn file(&self, dice: &mut Dice) -> File {
        match dice.below(10) {
            0 | 1 => File::Link(self.target(dice)),
            2 => plain(String::new(), *dice.pick(MODES), dice),
            3 | 4 => plain((*dice.pick(SCRIPTS)).to_owned(), 0o755, dice),
            5 => plain(lines(dice, 2000), 0o644, dice),
            _ => plain(lines(dice, 5), *dice.pick(MODES), dice),
        }
    }

    /// Where a link may lead: never to the root, which has more in it than a script should walk through.
    pub fn target(&self, dice: &mut Dice) -> String {
        let path = self.any(dice);
        match dice.below(6) {
            0 => format!("/src/{path}"),
            1 => "/etc/passwd".to_owned(),
            2 => format!("../{path}"),
            3 => (*dice.pick(NAMES)).to_owned(),
            4 => format!("/nowhere/{path}"),
            _ => path,
        }
    }
}

fn plain(text: String, mode: u32, dice: &mut Dice) -> File {
    File::Plain { text, mode, time: time(dice) }
}

/// A time in the past.
pub fn time(dice: &mut Dice) -> u64 {
    1_500_000_000 + dice.below(200_000_000) as u64
}

/// Up to so many lines.
pub fn lines(dice: &mut Dice, most: usize) -> String {
    (0..dice.range(1, most)).map(|_| format!("{}\n", dice.pick(WORDS))).collect()
}

/// A path in a directory.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Puts something at a path, unless what is above is there and no directory. Whatever was there goes.
pub fn put(files: &mut Files, path: &str, file: File) -> bool {
    if !make_dirs(files, path) {
        return false;
    }
    if !(matches!(file, File::Dir(_)) && matches!(files.get(path), Some(File::Dir(_)))) {
        remove(files, path);
    }
    files.insert(path.to_owned(), file);
    true
}

fn make_dirs(files: &mut Files, path: &str) -> bool {
    let above: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
    if above.iter().any(|dir| files.get(*dir).is_some_and(|file| !matches!(file, File::Dir(_)))) {
        return false;
    }
    for dir in above {
        files.entry(dir.to_owned()).or_insert(File::Dir(0o755));
    }
    true
}

/// Takes out a path and all below it.
pub fn remove(files: &mut Files, path: &str) -> Files {
    let below = format!("{path}/");
    let (gone, kept) =
        std::mem::take(files).into_iter().partition(|(other, _)| other == path || other.starts_with(&below));
    *files = kept;
    gone
}

/// Makes a folder that holds `old` hold `new`.
pub fn sync(dir: &Path, old: &Files, new: &Files) -> Result<()> {
    let said = |path: &str, e: std::io::Error| format!("change `{path}` below `{}`: {e}", dir.display());
    for (path, file) in old.iter().rev() {
        if new.get(path).is_none_or(|new| must_go(file, new)) {
            drop_one(&dir.join(path), file).map_err(|e| said(path, e))?;
        }
    }
    for (path, file) in new.iter().filter(|(path, file)| old.get(*path) != Some(*file)) {
        write(&dir.join(path), file).map_err(|e| said(path, e))?;
    }
    Ok(())
}

/// Links can't be changed, and whoever isn't root can't write all files; other files keep their inode.
fn must_go(old: &File, new: &File) -> bool {
    match (old, new) {
        (File::Dir(_), File::Dir(_)) => false,
        (File::Plain { mode, .. }, File::Plain { .. }) => old != new && mode & 0o200 == 0,
        _ => old != new,
    }
}

fn drop_one(path: &Path, file: &File) -> std::io::Result<()> {
    match file {
        File::Dir(_) => std::fs::remove_dir(path),
        _ => std::fs::remove_file(path),
    }
}

fn write(path: &Path, file: &File) -> std::io::Result<()> {
    let set = |mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    match file {
        File::Dir(mode) => {
            if !path.is_dir() {
                std::fs::create_dir(path)?;
            }
            set(*mode)
        }
        File::Plain { text, mode, time } => {
            std::fs::write(path, text)?;
            let open = std::fs::File::options().write(true).open(path)?;
            open.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(*time))?;
            set(*mode)
        }
        File::Link(target) => symlink(target, path),
    }
}

/// Makes an empty folder hold them.
pub fn lay_out(dir: &Path, files: &Files) -> Result<()> {
    shell::mkdir(dir)?;
    sync(dir, &Files::new(), files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dir: &Path, files: &Files) -> bool {
        files.iter().all(|(path, file)| {
            let path = dir.join(path);
            let meta = std::fs::symlink_metadata(&path).expect("it is there");
            match file {
                File::Dir(mode) => meta.is_dir() && meta.permissions().mode() & 0o7777 == *mode,
                File::Plain { text, mode, .. } => {
                    std::fs::read_to_string(&path).is_ok_and(|t| t == *text)
                        && meta.permissions().mode() & 0o7777 == *mode
                }
                File::Link(to) => std::fs::read_link(&path).is_ok_and(|target| target == Path::new(to)),
            }
        })
    }

    #[test]
    fn a_folder_becomes_another() {
        let dir = std::env::temp_dir().join(format!("xtask-chaos-{}", std::process::id()));
        let mut dice = Dice::new(3);
        let pool = Pool::new(&mut dice);
        let mut old = pool.files(&mut dice);
        lay_out(&dir, &old).expect("a folder");
        for _ in 0..5 {
            let new = pool.files(&mut dice);
            sync(&dir, &old, &new).expect("another");
            assert!(read(&dir, &new));
            old = new;
        }
        sync(&dir, &old, &Files::new()).expect("nothing");
        std::fs::remove_dir(&dir).expect("it is empty");
    }

    #[test]
    fn files_stand_in_directories() {
        let mut files = Files::from([("a".to_owned(), File::Dir(0o755))]);
        assert!(put(&mut files, "a/b/c", File::Link("x".into())));
        assert!(!put(&mut files, "a/b/c/d", File::Dir(0o755)));
        assert_eq!(files.len(), 3);
        assert_eq!(remove(&mut files, "a/b").len(), 2);
        assert_eq!(files.len(), 1);
    }
}
