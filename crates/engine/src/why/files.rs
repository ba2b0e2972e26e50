//! Two stacks of layers to the files in which they differ.

use std::collections::BTreeMap;

use store::{LayerId, Store};
use trace::fact::escape;
use tree::{Change, Content, Entry, Kind as Holds};

use super::{ABSENT, Kind, Reason, short};

/// What differs, by path; a layer whose list can't be read counts as empty.
pub fn differences(store: &Store, was: &[LayerId], now: &[LayerId]) -> Vec<Reason> {
    if was == now {
        return Vec::new();
    }
    let (was, now) = (changes(store, was), changes(store, now));
    between(&merged(&was), &merged(&now))
}

fn changes(store: &Store, layers: &[LayerId]) -> Vec<Change> {
    layers.iter().flat_map(|id| store.layer_changes(id).unwrap_or_default()).collect()
}

/// What is at a path; none where something was removed.
type Files<'a> = BTreeMap<&'a [u8], Option<&'a Entry>>;

/// Later layers win.
fn merged(changes: &[Change]) -> Files<'_> {
    changes.iter().filter_map(at_path).collect()
}

fn at_path(change: &Change) -> Option<(&[u8], Option<&Entry>)> {
    match change {
        Change::Put(entry) => Some((&entry.path, Some(entry))),
        Change::Remove(path) => Some((path, None)),
        Change::Opaque(_) => None,
    }
}

fn between(was: &Files, now: &Files) -> Vec<Reason> {
    let mut paths: Vec<&[u8]> = was.keys().chain(now.keys()).copied().collect();
    paths.sort_unstable();
    paths.dedup();
    let mut out: Vec<Reason> = Vec::new();
    for path in paths {
        let (old, new) = (was.get(path).copied().flatten(), now.get(path).copied().flatten());
        let removed =
            was.get(path).is_some_and(Option::is_none) != now.get(path).is_some_and(Option::is_none);
        match (old, new) {
            (Some(old), Some(new)) => out.extend(of_entries(old, new)),
            (None, None) if !removed => {}
            // That a directory has come is told by what has come with it.
            _ => {
                out.pop_if(|last| is_dir_of(last, path) && last.now.as_deref() != new.map(|_| ABSENT));
                out.push(at(Kind::Absent, path).between(Some(what(old)), Some(what(new))));
            }
        }
    }
    out
}

fn is_dir_of(reason: &Reason, path: &[u8]) -> bool {
    let is_dir = [&reason.was, &reason.now].into_iter().any(|side| side.as_deref() == Some(DIR));
    let dir = reason.path.as_deref().unwrap_or_default();
    reason.kind == Kind::Absent
        && is_dir
        && text(path).strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// A path as people know it.
fn text(path: &[u8]) -> String {
    format!("/{}", escape(path))
}

fn at(kind: Kind, path: &[u8]) -> Reason {
    Reason::at(kind, text(path))
}

const DIR: &str = "dir";

/// What is there, in a word or a digest.
fn what(entry: Option<&Entry>) -> String {
    match entry.map(|entry| &entry.kind) {
        None => ABSENT.to_owned(),
        Some(Holds::File { content, .. }) => digest(content),
        Some(other) => word(other).to_owned(),
    }
}

fn word(kind: &Holds) -> &'static str {
    match kind {
        Holds::Dir => DIR,
        Holds::File { .. } => "file",
        Holds::Symlink { .. } => "link",
        Holds::Hardlink { .. } => "hardlink",
        Holds::Fifo => "fifo",
        Holds::Char { .. } => "char",
        Holds::Block { .. } => "block",
    }
}

fn digest(content: &Content) -> String {
    short(&oci::digest::hex(&content.0))
}

fn of_entries(was: &Entry, now: &Entry) -> Vec<Reason> {
    let mut out = Vec::new();
    let (old, new) = (word(&was.kind), word(&now.kind));
    if old != new {
        return vec![at(Kind::Mode, &now.path).between(Some(old.to_owned()), Some(new.to_owned()))];
    }
    if let Some((kind, old, new)) = of_contents(&was.kind, &now.kind) {
        out.push(at(kind, &now.path).between(Some(old), Some(new)));
    }
    if let Some((old, new)) = of_modes(was, now) {
        out.push(at(Kind::Mode, &now.path).between(Some(old), Some(new)));
    }
    out
}

fn of_contents(was: &Holds, now: &Holds) -> Option<(Kind, String, String)> {
    let target = |bytes: &[u8]| short(blake3::hash(bytes).to_hex().as_str());
    match (was, now) {
        (Holds::File { content: old, .. }, Holds::File { content: new, .. }) => {
            (old != new).then(|| (Kind::Content, digest(old), digest(new)))
        }
        (Holds::Symlink { target: old }, Holds::Symlink { target: new })
        | (Holds::Hardlink { target: old }, Holds::Hardlink { target: new }) => {
            (old != new).then(|| (Kind::Link, target(old), target(new)))
        }
        (Holds::Char { major, minor } | Holds::Block { major, minor }, now) => {
            let number = |(major, minor): (u32, u32)| format!("{major}:{minor}");
            let old = (*major, *minor);
            let new = device(now)?;
            (old != new).then(|| (Kind::Content, number(old), number(new)))
        }
        _ => None,
    }
}

fn device(kind: &Holds) -> Option<(u32, u32)> {
    match kind {
        Holds::Char { major, minor } | Holds::Block { major, minor } => Some((*major, *minor)),
        _ => None,
    }
}

fn of_modes(was: &Entry, now: &Entry) -> Option<(String, String)> {
    let (old, new) = (&was.meta, &now.meta);
    let mode = |meta: &tree::Meta| format!("{:o}", meta.mode);
    let owner = |meta: &tree::Meta| format!("{}:{}", meta.uid, meta.gid);
    match (old.mode != new.mode, (old.uid, old.gid) != (new.uid, new.gid)) {
        (true, true) => {
            let both = |meta| format!("{} {}", mode(meta), owner(meta));
            Some((both(old), both(new)))
        }
        (true, false) => Some((mode(old), mode(new))),
        (false, true) => Some((owner(old), owner(new))),
        (false, false) if old.xattrs != new.xattrs => {
            let attributes = |meta: &tree::Meta| {
                short(blake3::hash(format!("{:?}", meta.xattrs).as_bytes()).to_hex().as_str())
            };
            Some((attributes(old), attributes(new)))
        }
        (false, false) => None,
    }
}
