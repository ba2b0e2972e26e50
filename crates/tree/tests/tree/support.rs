//! Trees written down as text, made on disk, and changes written back as text.
//!
//! A line makes one object: `d 0755 dir`, `f 0644 file=content`, `l link -> target`, `p 0600 fifo`,
//! `h name = first`, `s socket`; for layers `x gone` (whiteout) and `o dir` (opaque mark on a directory);
//! `a path user.name=value` sets an attribute, `t path seconds` a time.
//!
//! Files belong to who runs the tests; `me` in an expectation is this owner.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dockerfile::chmod::Chmod;
use dockerfile::ignore::Patterns;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use tree::copy::{Copy, Item, Origin};
use tree::hash::NoHashes;
use tree::{Change, Entry, Found, Kind, Root, Time, View};

/// A directory that is removed at the end of the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tree-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    /// A new folder in it with these objects.
    pub fn root(&self, name: &str, objects: &str) -> Arc<Root> {
        let path = self.0.join(name);
        fs::create_dir(&path).unwrap();
        make(&path, objects);
        Root::open(&path).unwrap()
    }

    /// A view of layers, top first.
    pub fn view(&self, layers: &[&str]) -> View {
        let name = |i: usize| format!("layer-{}-{i}", fs::read_dir(&self.0).unwrap().count());
        View::new(layers.iter().enumerate().map(|(i, layer)| self.root(&name(i), layer)).collect())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.0).is_err() {
            open_up(&self.0);
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Lets an ordinary user into the directories that a test closed.
fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// Makes the objects, one a line, and gives everything a time in the past.
pub fn make(dir: &Path, objects: &str) {
    let lines: Vec<&str> = objects.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &lines {
        make_one(dir, line);
    }
    for line in lines.iter().filter(|line| line.starts_with("d ")) {
        let (mode, name) = line[2..].split_once(' ').unwrap();
        let mode = u32::from_str_radix(mode, 8).unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    for line in lines.iter().filter(|line| line.starts_with("t ")) {
        let (name, seconds) = line[2..].split_once(' ').unwrap();
        set_time(&dir.join(name), seconds.parse().unwrap());
    }
}

fn make_one(dir: &Path, line: &str) {
    let (what, rest) = line.split_once(' ').unwrap();
    let mode_and = || {
        let (mode, rest) = rest.split_once(' ').unwrap();
        (Mode::from_raw_mode(u32::from_str_radix(mode, 8).unwrap()), rest)
    };
    match what {
        "d" => fs::create_dir_all(dir.join(mode_and().1)).unwrap(),
        "f" => {
            let (mode, rest) = mode_and();
            let (name, content) = rest.split_once('=').unwrap();
            make_file(&dir.join(name), content, mode);
        }
        "l" => {
            let (name, target) = rest.split_once(" -> ").unwrap();
            std::os::unix::fs::symlink(target, dir.join(name)).unwrap();
        }
        "h" => {
            let (name, first) = rest.split_once(" = ").unwrap();
            fs::hard_link(dir.join(first), dir.join(name)).unwrap();
        }
        "p" => node(&dir.join(mode_and().1), FileType::Fifo, mode_and().0),
        "s" => node(&dir.join(rest), FileType::Socket, Mode::from_raw_mode(0o600)),
        "x" => node(&dir.join(rest), FileType::CharacterDevice, Mode::empty()),
        "o" => attribute(&dir.join(rest), "user.overlay.opaque", "y"),
        "a" => {
            let (name, rest) = rest.split_once(' ').unwrap();
            let (key, value) = rest.split_once('=').unwrap();
            attribute(&dir.join(name), key, value);
        }
        "t" => {}
        _ => panic!("unknown object: {line}"),
    }
}

fn make_file(path: &Path, content: &str, mode: Mode) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode.as_raw_mode())).unwrap();
    set_time(path, 1000);
}

fn node(path: &Path, kind: FileType, mode: Mode) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    rustix::fs::mknodat(CWD, path, kind, mode, 0).unwrap();
}

fn attribute(path: &Path, key: &str, value: &str) {
    rustix::fs::lsetxattr(path, key, value.as_bytes(), XattrFlags::empty()).unwrap();
}

pub fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Who runs the tests.
pub fn me() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// Compares with an expectation, one line each.
#[track_caller]
pub fn expect(found: &[String], expected: &str) {
    let (uid, gid) = me();
    let me = format!("{uid}:{gid}");
    let expected: Vec<String> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.replace(" me ", &format!(" {me} ")))
        .collect();
    assert_eq!(found.join("\n"), expected.join("\n"));
}

/// Each change in a line: `+ d 0755 0:0 dir`, `+ f 0644 0:0 file=content`, `- gone`.
pub fn render(changes: &[Change]) -> Vec<String> {
    changes.iter().map(one).collect()
}

fn one(change: &Change) -> String {
    match change {
        Change::Remove(path) => format!("- {}", show(path)),
        Change::Opaque(path) => format!("o {}", show(path)),
        Change::Put(entry) => format!("+ {}", entry_line(entry)),
    }
}

/// An entry in a line, its attributes behind.
pub fn entry_line(entry: &Entry) -> String {
    let (kind, rest) = match &entry.kind {
        Kind::Dir => ("d", String::new()),
        Kind::File { source, size, .. } => {
            let mut content = String::new();
            source.open().unwrap().read_to_string(&mut content).unwrap();
            assert_eq!(content.len() as u64, *size);
            ("f", format!("={content}"))
        }
        Kind::Symlink { target } => ("l", format!(" -> {}", show(target))),
        Kind::Hardlink { target } => ("h", format!(" = {}", show(target))),
        Kind::Fifo => ("p", String::new()),
        Kind::Char { major, minor } => ("c", format!(" {major},{minor}")),
        Kind::Block { major, minor } => ("b", format!(" {major},{minor}")),
    };
    let meta = &entry.meta;
    let attributes: Vec<String> =
        meta.xattrs.iter().map(|(name, value)| format!(" [{}={}]", show(name), show(value))).collect();
    let path = show(&entry.path);
    format!("{kind} {:04o} {}:{} {path}{rest}{}", meta.mode, meta.uid, meta.gid, attributes.concat())
}

pub fn show(bytes: &[u8]) -> String {
    Path::new(OsStr::from_bytes(bytes)).display().to_string()
}

/// A `COPY` with its flags as in a Dockerfile; `from` copies from an image instead of a context.
#[derive(Default)]
pub struct Case<'a> {
    pub from: bool,
    pub source: &'a str,
    pub image: &'a str,
    pub flags: &'a [&'a str],
    pub paths: &'a [&'a str],
    pub dest: &'a str,
}

impl Case<'_> {
    /// Runs it and compares the changes, or the error.
    #[track_caller]
    pub fn check(&self, expected: Result<&str, &str>) {
        match (self.run(), expected) {
            (Ok(changes), Ok(expected)) => expect(&changes, expected),
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
            (Ok(changes), Err(expected)) => panic!("no error `{expected}`, but {changes:#?}"),
            (Err(error), Ok(_)) => panic!("error: {error}"),
        }
    }

    /// Runs it for the comparisons alone.
    #[track_caller]
    pub fn check_agrees(&self) {
        drop(self.run());
    }

    fn run(&self) -> std::io::Result<Vec<String>> {
        let scratch = Scratch::new();
        let view = scratch.view(if self.image.is_empty() { &[] } else { std::slice::from_ref(&self.image) });
        let source = scratch.root("source", self.source);
        let context = tree::scan::scan(&source, b"", &tree::scan::Everything)?;
        let stage = View::new(vec![source]);
        let origin = if self.from { Origin::View(&stage) } else { Origin::Context(&context) };
        let items = self.paths.iter().map(|path| Item::Path { origin, path: path.as_bytes() }).collect();
        let changes = self.copy_items(items, &view).map(|changes| render(&changes));
        if let ([path], false) = (self.paths, self.from) {
            self.compare_alone(&context, path);
            self.compare_all(context, &view, path, &changes);
        }
        changes
    }

    /// The digest that is made without a list has to be that of the list.
    fn compare_alone(&self, context: &[Found], path: &str) {
        let alone = self.how("/", |how| tree::copy::alone(how, context, path.as_bytes(), &NoHashes));
        let item = Item::Path { origin: Origin::Context(context), path: path.as_bytes() };
        let nothing = View::new(Vec::new());
        let changes = self.how("/", |how| tree::copy(how, vec![item], &nothing, &NoHashes));
        match (alone, changes) {
            (Ok(None), _) => {}
            (Ok(Some(alone)), changes) => assert_eq!(alone, tree::id(&changes.unwrap())),
            (Err(alone), changes) => assert_eq!(alone.to_string(), changes.unwrap_err().to_string()),
        }
    }

    /// A context that is handed over whole comes to the same as one that is lent.
    fn compare_all(&self, all: Vec<Found>, view: &View, path: &str, lent: &std::io::Result<Vec<String>>) {
        if matches!(path, "." | "/") && !self.flags.contains(&"--parents") {
            let given = self.copy_items(vec![Item::All(all)], view).map(|changes| render(&changes));
            assert_eq!(format!("{given:?}"), format!("{lent:?}"));
        }
    }

    pub fn copy_items(&self, items: Vec<Item<'_>>, view: &View) -> std::io::Result<Vec<Change>> {
        self.how(self.dest, |how| tree::copy(how, items, view, &NoHashes))
    }

    /// How it copies, to another place.
    pub fn how<T>(&self, dest: &str, then: impl FnOnce(&Copy<'_>) -> T) -> T {
        let value = |name: &'static str| self.flags.iter().filter_map(move |flag| flag.strip_prefix(name));
        let exclude: Vec<&str> = value("--exclude=").collect();
        let exclude = Patterns::from_list(&exclude).unwrap();
        let chmod = value("--chmod=").next().map(|mode| Chmod::parse(mode).unwrap());
        let chown = value("--chown=").next().map(|ids| ids.split_once(':').unwrap());
        let how = Copy {
            dest: dest.as_bytes(),
            chown: chown.map(|(uid, gid)| (uid.parse().unwrap(), gid.parse().unwrap())),
            chmod: chmod.as_ref(),
            link: self.flags.contains(&"--link"),
            parents: self.flags.contains(&"--parents"),
            exclude: &exclude,
            created: Time { sec: 1, nsec: 0 },
        };
        then(&how)
    }
}
