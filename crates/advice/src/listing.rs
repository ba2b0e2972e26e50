//! What lies in a context: paths and sizes, and what patterns hide of them.
//!
//! In canonical order: all that is below a folder comes right behind it.

use dockerfile::Patterns;
use dockerfile::ignore::State;

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative, with `/`.
    pub path: String,
    /// Of a folder 0.
    pub size: u64,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// What a build sees of a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Folders before what is in them.
    pub entries: Vec<Entry>,
}

impl Listing {
    /// For each entry the line of the pattern that hides it, if one does.
    pub fn hidden(&self, patterns: &Patterns) -> Vec<Option<u32>> {
        let mut above: Vec<(&str, State)> = Vec::new();
        let root = patterns.root();
        let one = |entry: &'_ Entry, parent: &State| {
            let (state, ignored) = patterns.child(parent, &entry.path);
            let by = patterns.decide(&state).by.filter(|_| ignored).map(|rule| rule.line);
            (state, by)
        };
        let mut out = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            while above.last().is_some_and(|(folder, _)| !is_below(&entry.path, folder)) {
                above.pop();
            }
            let (state, by) = one(entry, above.last().map_or(&root, |(_, state)| state));
            out.push(by);
            if entry.is_dir {
                above.push((&entry.path, state));
            }
        }
        out
    }

    /// What is left if these are hidden.
    pub fn without(&self, hidden: &[Option<u32>]) -> Listing {
        let left = self.entries.iter().zip(hidden).filter(|(_, by)| by.is_none()).map(|(entry, _)| entry);
        Listing { entries: left.cloned().collect() }
    }

    /// The entry at a path.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// All that is below a folder.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = self.entries.iter().position(|entry| entry.path == folder).map_or(usize::MAX, |at| at + 1);
        self.entries.iter().skip(from).take_while(move |entry| is_below(&entry.path, folder))
    }

    /// The names at the top.
    pub fn top(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.path.contains('/'))
    }

    /// How many files there are, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        let files = self.entries.iter().filter(|entry| !entry.is_dir);
        files.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.size))
    }
}

/// Whether a path is inside of a folder.
pub fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether one of two paths is the other or above it.
pub fn overlap(one: &str, other: &str) -> bool {
    one == other || is_below(one, other) || is_below(other, one)
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// Of paths; a folder's ends in `/`. Every file has ten bytes.
    pub fn listing(paths: &[&str]) -> Listing {
        let entry = |path: &&str| match path.strip_suffix('/') {
            Some(folder) => Entry { path: folder.to_owned(), size: 0, is_dir: true },
            None => Entry { path: (*path).to_owned(), size: 10, is_dir: false },
        };
        Listing { entries: paths.iter().map(entry).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::listing;
    use super::*;

    #[test]
    fn lines_hide_what_they_match_and_all_below() {
        let all = listing(&["a/", "a/b/", "a/b/c", "a/d", "ab", "b/", "b/a"]);
        let patterns = Patterns::parse(b"a\n!a/d\nb/*\n").expect("patterns");
        let hidden = all.hidden(&patterns);
        assert_eq!(hidden, [Some(1), Some(1), Some(1), None, None, None, Some(3)]);
        let left = all.without(&hidden);
        assert_eq!(left.size(), (2, 20));
        assert_eq!(all.below("a").count(), 3);
        assert_eq!(all.below("none").count(), 0);
    }

    #[test]
    fn overlapping() {
        for (one, other, yes) in [("a", "a/b", true), ("a/b", "a", true), ("a", "ab", false)] {
            assert_eq!(overlap(one, other), yes, "{one} {other}");
        }
    }
}
