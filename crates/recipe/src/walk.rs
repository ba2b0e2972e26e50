//! The folders of a project and the Go files in each, sorted.
//!
//! Does not go where neither the go command's patterns nor, but for oddities, its imports go: folders that begin
//! with a dot, `testdata`, `vendor`, and `node_modules`, which is large. Those are listed as closed. Follows no links.

use std::cell::OnceCell;
use std::path::Path;

use crate::problem::{Result, unreadable};
use crate::project::inside;

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Folders, parents first.
    pub folders: Vec<Folder>,
    /// Folders that were not gone into.
    pub closed: Vec<String>,
    /// Files of the project's own folder, Go or not.
    pub top: Vec<String>,
}

/// A folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Below the project's, `""` for that itself.
    pub path: String,
    /// Names of its Go files, without tests.
    pub sources: Vec<String>,
    /// Names of its tests.
    pub tests: Vec<String>,
    /// Whether a module begins here.
    pub has_module: bool,
}

/// A project's folders, gone through when somebody first asks, and only then: many builds need not.
pub struct Folders<'a> {
    /// The project's own.
    pub root: &'a Path,
    found: OnceCell<Walk>,
}

struct Listing {
    folder: Folder,
    below: Vec<String>,
    files: Vec<String>,
}

impl Folders<'_> {
    /// The folders below `root`.
    pub fn of(root: &Path) -> Folders<'_> {
        Folders { root, found: OnceCell::new() }
    }

    /// All of them.
    pub fn all(&self) -> Result<&Walk> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = walk(self.root)?;
        Ok(self.found.get_or_init(|| found))
    }
}

/// Goes through a project.
pub fn walk(root: &Path) -> Result<Walk> {
    let mut out = Walk::default();
    visit(root, "", &mut out)?;
    Ok(out)
}

/// One folder alone; `None` if there is none.
pub fn list(root: &Path, path: &str) -> Result<Option<Folder>> {
    match root.join(path).is_dir() {
        true => read(root, path).map(|listing| Some(listing.folder)),
        false => Ok(None),
    }
}

/// Whether patterns and walks pass a folder over for its name.
pub fn is_closed(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "testdata" | "vendor" | "node_modules")
}

fn visit(root: &Path, path: &str, out: &mut Walk) -> Result<()> {
    let listing = read(root, path)?;
    out.folders.push(listing.folder);
    if path.is_empty() {
        out.top = listing.files;
    }
    for name in listing.below {
        let below = inside(path, &name);
        if is_closed(&name) {
            out.closed.push(below);
        } else {
            visit(root, &below, out)?;
        }
    }
    Ok(())
}

fn read(root: &Path, path: &str) -> Result<Listing> {
    let shown = if path.is_empty() { "." } else { path };
    let broken = |e: std::io::Error| unreadable(shown, &e);
    let mut listing = Listing {
        folder: Folder { path: path.to_owned(), ..Folder::default() },
        below: Vec::new(),
        files: Vec::new(),
    };
    for entry in std::fs::read_dir(root.join(path)).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        // No import path and no pattern can name what isn't UTF-8.
        let Ok(name) = entry.file_name().into_string() else { continue };
        match entry.file_type().map_err(broken)?.is_dir() {
            true => listing.below.push(name),
            false => listing.file(name, path.is_empty()),
        }
    }
    listing.sort();
    Ok(listing)
}

impl Listing {
    fn file(&mut self, name: String, top: bool) {
        self.folder.has_module |= name == "go.mod";
        if top {
            self.files.push(name.clone());
        }
        let is_go = name.ends_with(".go") && !name.starts_with(['.', '_']);
        if name.ends_with("_test.go") {
            self.folder.tests.push(name);
        } else if is_go {
            self.folder.sources.push(name);
        }
    }

    fn sort(&mut self) {
        self.below.sort();
        self.files.sort();
        self.folder.sources.sort();
        self.folder.tests.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_project() {
        let scratch = Scratch::new(&[
            ("go.mod", ""),
            ("b.go", ""),
            ("a.go", ""),
            ("a_test.go", ""),
            ("_x.go", ""),
            ("notes.md", ""),
            ("cmd/z/main.go", ""),
            ("cmd/go.mod", ""),
            ("testdata/x.go", ""),
            ("cmd/.hidden/x.go", ""),
            ("_old/x.go", ""),
        ]);
        let walk = walk(&scratch.path).expect("readable");
        let seen: Vec<_> =
            walk.folders.iter().map(|f| (&*f.path, f.sources.len(), f.tests.len(), f.has_module)).collect();
        assert_eq!(
            seen,
            [("", 2, 1, true), ("_old", 1, 0, false), ("cmd", 0, 0, true), ("cmd/z", 1, 0, false)]
        );
        assert_eq!(walk.closed, ["cmd/.hidden", "testdata"]);
        assert_eq!(walk.top, ["_x.go", "a.go", "a_test.go", "b.go", "go.mod", "notes.md"]);
        assert_eq!(walk.folders[0].sources, ["a.go", "b.go"]);
        assert_eq!(list(&scratch.path, "nothing").expect("readable"), None);
    }
}
