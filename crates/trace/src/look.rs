//! What can be asked of a path, and the answer on a tree as text.
//!
//! Two answers are equal exactly if what a step would see is equal. Times are in none of them: Docker's cache
//! ignores them, and a checkout sets them anew.
//!
//! | look | answer |
//! |---|---|
//! | most, where nothing is | `absent` |
//! | entry | `dir 755 0:0`, with `opaque` behind it, `file 644 0:0`, `link 777 0:0`, `whiteout` |
//! | stat | as entry; with the size of a file, the length of a link |
//! | link | `-> target` |
//! | shared | as entry, of a directory; it holds too where nothing is |
//! | list | BLAKE3 of all names with their types; where nothing is, of none |
//! | content | BLAKE3 of the bytes |
//! | time | as content, which stands in for the time at which it was changed |
//! | go-names | BLAKE3 of those names, with their types, that mean something to go; where nothing is, of none |
//! | go-head | BLAKE3 of what go reads of a test file, as `head …`; of the whole file where that isn't sure |
//!
//! All but the first three are asked of one type of object; of any other the answer is its bare type.
//!
//! A listing of nothing is as good as one of an empty directory: that there is a directory is a fact of its own, and
//! for one that the layers below have as well it makes no difference.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::fact::escape;
use crate::tree::{Dir, Holds, Node, Tree};
use crate::{go, go_head};

/// What can be asked of a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// Is it there, of what type, and who may use it?
    Entry,
    /// Is it a directory that the layers below have too, and does it hide nothing of them? See `ground`.
    Shared,
    /// Is it there, who may use it, and how large is it?
    Stat,
    /// Where does the link lead?
    Link,
    /// What is in the directory?
    List,
    /// What is in the file?
    Content,
    /// What that go could build is in the directory?
    GoNames,
    /// What does the Go file begin with?
    GoHead,
    /// When was the file changed? Whoever asks for that hasn't read it.
    Time,
}

pub(crate) const ABSENT: &str = "absent";

/// The answer on `tree`; see the table above.
///
/// # Errors
/// If the file has to be read for it and can't be.
pub fn answer(tree: &Tree, path: &[u8], look: Look) -> io::Result<String> {
    let Some(node) = tree.find(path) else {
        return Ok(match look {
            Look::List | Look::GoNames => digest_of_names([].into_iter()),
            _ => ABSENT.into(),
        });
    };
    Ok(match (look, &node.holds) {
        (Look::Entry | Look::Shared, _) => entry(node),
        (Look::Stat, _) => stat(node),
        (Look::Link, Holds::Symlink { target }) => format!("-> {}", escape(target)),
        (Look::List, Holds::Dir(dir)) => names(tree, dir, |_| true),
        (Look::GoNames, Holds::Dir(dir)) => names(tree, dir, go::means_something),
        (Look::Content | Look::Time, Holds::File { content, .. }) => hex(&content.0),
        (Look::GoHead, Holds::File { .. }) => head(node)?,
        (_, _) => word(node).into(),
    })
}

fn word(node: &Node) -> &'static str {
    match &node.holds {
        Holds::Dir(_) => "dir",
        Holds::File { .. } => "file",
        Holds::Symlink { .. } => "link",
        Holds::Whiteout => "whiteout",
    }
}

fn entry(node: &Node) -> String {
    let opaque = match &node.holds {
        Holds::Whiteout => return word(node).into(),
        Holds::Dir(dir) if dir.opaque => " opaque",
        _ => "",
    };
    format!("{} {:o} {}:{}{opaque}", word(node), node.mode, node.uid, node.gid)
}

fn stat(node: &Node) -> String {
    match &node.holds {
        Holds::File { size, .. } => format!("{} {size}", entry(node)),
        Holds::Symlink { target } => format!("{} {}", entry(node), target.len()),
        _ => entry(node),
    }
}

fn names(tree: &Tree, dir: &Dir, counts: impl Fn(&Node) -> bool) -> String {
    digest_of_names(tree.children(dir).filter(|node| counts(node)))
}

/// A digest of names, each with its type and its length in front.
fn digest_of_names<'a>(nodes: impl Iterator<Item = &'a Node>) -> String {
    let mut hasher = blake3::Hasher::new();
    for node in nodes {
        hasher.update(&(node.name.len() as u32).to_le_bytes());
        hasher.update(&node.name);
        hasher.update(&word(node).as_bytes()[..1]);
    }
    hex(hasher.finalize().as_bytes())
}

/// Most heads end in the first part of a file.
const FIRST_READ: u64 = 16 << 10;

fn head(node: &Node) -> io::Result<String> {
    let Holds::File { content, source, .. } = &node.holds else { return Ok(word(node).into()) };
    let mut file = source.open()?;
    let mut text = Vec::new();
    (&mut file).take(FIRST_READ).read_to_end(&mut text)?;
    if go_head::end(&text).is_none() {
        file.read_to_end(&mut text)?;
    }
    Ok(match go_head::end(&text) {
        Some(end) => format!("head {}", blake3::hash(&text[..end]).to_hex()),
        None => hex(&content.0),
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, dir, file, link, put, remove, tree};

    #[test]
    fn answers() {
        let tree = tree(&[
            dir("d"),
            file("d/a.go", "package a\nimport \"fmt\"\nvar _ = 1\n"),
            file("d/f", "hello"),
            link("d/l", "a b%"),
            put("d/s", 0o4755, bytes(b"x")),
            dir("d/sub"),
            remove("d/w"),
        ]);
        let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
        let head = format!("head {}", digest("package a\nimport \"fmt\"\n"));
        for (path, look, expected) in [
            ("d", Look::Entry, "dir 755 0:0"),
            ("d", Look::Stat, "dir 755 0:0"),
            ("d/f", Look::Entry, "file 644 0:0"),
            ("d/f", Look::Stat, "file 644 0:0 5"),
            ("d/f", Look::Content, &digest("hello")),
            ("d/f", Look::Time, &digest("hello")),
            ("d", Look::Time, "dir"),
            ("d/f", Look::GoHead, &digest("hello")),
            ("d/f", Look::List, "file"),
            ("d/s", Look::Entry, "file 4755 0:0"),
            ("d/l", Look::Stat, "link 777 0:0 4"),
            ("d/l", Look::Link, "-> a b%25"),
            ("d/l", Look::Content, "link"),
            ("d/w", Look::Entry, "whiteout"),
            ("d/w", Look::Content, "whiteout"),
            ("d/a.go", Look::GoHead, &head),
            ("d", Look::GoHead, "dir"),
            ("d/no", Look::Entry, "absent"),
            ("d/f/no", Look::Stat, "absent"),
            ("no", Look::Shared, "absent"),
            ("d", Look::Shared, "dir 755 0:0"),
            ("no", Look::List, &digest("")),
            ("d/no/no", Look::GoNames, &digest("")),
            ("d/sub", Look::List, &digest("")),
            ("d/sub", Look::GoNames, &digest("")),
        ] {
            assert_eq!(answer(&tree, path.as_bytes(), look).unwrap(), expected, "{path} {look:?}");
        }
    }

    /// Whether a listing is the same with and without something.
    #[track_caller]
    fn same(look: Look, one: &[::tree::Change], other: &[::tree::Change], expected: bool) {
        let of = |changes: &[::tree::Change]| answer(&tree(changes), b"", look).unwrap();
        assert_eq!(of(one) == of(other), expected);
    }

    #[test]
    fn listings_are_names_and_types() {
        let one = [file("a", "x"), file("b", "y")];
        same(Look::List, &one, &[put("a", 0o600, bytes(b"other")), file("b", "")], true);
        same(Look::List, &one, &[file("a", "x")], false);
        same(Look::List, &one, &[file("a", "x"), link("b", "y")], false);
        same(Look::List, &one, &[file("a", "x"), remove("b")], false);
        same(Look::List, &[file("ab", "")], &[file("a", ""), file("b", "")], false);
    }

    #[test]
    fn of_names_go_needs_few() {
        let one = [file("a.go", "")];
        for (name, changes) in [
            ("README.md", false),
            ("Makefile", false),
            ("b.go", true),
            ("b_test.go", true),
            ("b.S", true),
            ("x.GO", false),
            ("go.mod", true),
            (".git", true),
        ] {
            same(Look::GoNames, &one, &[one[0].clone(), file(name, "")], !changes);
        }
        for other in [dir("x"), dir("vendor"), dir(".git"), dir("_x.go"), link("_x", "y"), remove(".x")] {
            same(Look::GoNames, &one, &[one[0].clone(), other], false);
        }
        for other in [dir(".github"), dir("_attic"), dir("testdata"), dir("._")] {
            same(Look::GoNames, &one, &[one[0].clone(), other.clone()], true);
            same(Look::List, &one, &[one[0].clone(), other], false);
        }
    }

    #[test]
    fn a_long_head_is_read_to_its_end() {
        let text = format!("/*{}*/\npackage a\nvar _ = 1\n", " ".repeat(2 * FIRST_READ as usize));
        let tree = tree(&[file("a_test.go", &text)]);
        assert!(answer(&tree, b"a_test.go", Look::GoHead).unwrap().starts_with("head "));
    }
}
