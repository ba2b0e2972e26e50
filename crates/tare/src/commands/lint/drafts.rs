//! Files as they are to files as they will be: what `--fix` writes and `--diff` shows.
//!
//! Kept until all Dockerfiles are looked at, as several of them may share an ignore file: the second finds there what
//! the first has put in.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::places::shown;
use crate::commands::lock;
use crate::failure::Failure;

/// The changed files, by what their names lead to.
#[derive(Default)]
pub struct Drafts {
    all: BTreeMap<PathBuf, Draft>,
}

struct Draft {
    /// As people would write it.
    name: String,
    /// Nothing if there is no such file.
    old: Option<Vec<u8>>,
    new: Vec<u8>,
}

impl Drafts {
    /// Whether nothing is changed so far.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A file as it will be.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Most runs change nothing, and need not ask where names lead to.
        let draft = if self.is_empty() { None } else { self.all.get(&whole(path)) };
        draft.map_or_else(|| std::fs::read(path), |draft| Ok(draft.new.clone()))
    }

    /// Changes a file from what it is.
    pub fn change(&mut self, path: &Path, old: Option<Vec<u8>>, new: Vec<u8>) {
        if old.as_deref() == Some(&new[..]) {
            return;
        }
        match self.all.entry(whole(path)) {
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().new = new,
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Draft { name: shown(path), old, new });
            }
        }
    }

    /// All changes, as `patch -p1` and `git apply` read them.
    pub fn diff(&self) -> String {
        self.all.values().map(Draft::diff).collect()
    }

    /// Writes the files, each whole or not at all, to where their names lead. What can't be written is no change.
    pub fn write(&mut self) -> Vec<Failure> {
        let mut failures = Vec::new();
        self.all.retain(|path, draft| match lock::replace(path, &draft.new) {
            Ok(()) => true,
            Err(failure) => {
                failures.push(failure);
                false
            }
        });
        failures
    }
}

impl Draft {
    fn diff(&self) -> String {
        let side = |letter: char| match self.name.as_str() {
            "-" => "-".to_owned(),
            name if name.starts_with('/') => name.to_owned(),
            name => format!("{letter}/{name}"),
        };
        let old_name = if self.old.is_some() { side('a') } else { "/dev/null".to_owned() };
        // A comment of an ignore file may be no text.
        let old = String::from_utf8_lossy(self.old.as_deref().unwrap_or_default());
        lint::diff::unified(&old_name, &side('b'), &old, &String::from_utf8_lossy(&self.new))
    }
}

/// Where a name leads to, through links; the file need not be there.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = super::places::beside(path);
    let folder = folder.canonicalize().unwrap_or(folder);
    match (path.read_link(), path.file_name()) {
        (Ok(target), _) => folder.join(target),
        (Err(_), Some(name)) => folder.join(name),
        (Err(_), None) => path.to_owned(),
    }
}

/// An ignore file's text with patterns behind it, on lines that end as its first does.
pub fn extended(text: &[u8], patterns: &[String]) -> Vec<u8> {
    let end = if has_returns(text) { "\r\n" } else { "\n" };
    let mut text = text.to_vec();
    if !(text.is_empty() || text.ends_with(b"\n")) {
        text.extend_from_slice(end.as_bytes());
    }
    patterns.iter().for_each(|pattern| text.extend_from_slice(format!("{pattern}{end}").as_bytes()));
    text
}

/// Whether the first line ends in a carriage return.
fn has_returns(text: &[u8]) -> bool {
    text.iter().position(|byte| *byte == b'\n').is_some_and(|at| text[..at].ends_with(b"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_on_lines_of_their_own() {
        let patterns = [".git".to_owned(), "a b".to_owned()];
        for (old, new) in [
            ("", ".git\na b\n"),
            ("x", "x\n.git\na b\n"),
            ("x\n", "x\n.git\na b\n"),
            ("x\r\ny", "x\r\ny\r\n.git\r\na b\r\n"),
            ("x\r\n", "x\r\n.git\r\na b\r\n"),
        ] {
            assert_eq!(extended(old.as_bytes(), &patterns), new.as_bytes(), "{old:?}");
        }
    }

    #[test]
    fn what_is_changed_twice_is_one_change() {
        let mut drafts = Drafts::default();
        let (path, old) = (Path::new("./no/such/folder/file"), Some(b"1\n".to_vec()));
        drafts.change(path, old.clone(), b"1\n".to_vec());
        assert_eq!(drafts.diff(), "");
        drafts.change(path, old.clone(), b"1\n2\n".to_vec());
        assert_eq!(drafts.read(path).unwrap(), b"1\n2\n");
        drafts.change(path, Some(b"1\n2\n".to_vec()), b"1\n2\n3\n".to_vec());
        let name = "no/such/folder/file";
        assert_eq!(drafts.diff(), format!("--- a/{name}\n+++ b/{name}\n@@ -1 +1,3 @@\n 1\n+2\n+3\n"));
        assert_eq!(drafts.write().len(), 1);
        assert_eq!(drafts.diff(), "");
    }
}
