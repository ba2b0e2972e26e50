//! The changes of adjacent layers to one tree, as a file system would show it above whatever is below.
//!
//! Later layers win, directories merge. What a layer removes may hide something further below, so it stays as a
//! whiteout; and a directory that took the place of something else, or whose lower part was hidden, is opaque.
//! Both are overlayfs's notions, for its lower layer is what the tree is served as.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use ::tree::{Change, Content, Entry, Kind, PathOrder, Source, Time};

use crate::ground::Bare;

/// Layers' changes merged into one tree.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    has_marks: bool,
}

/// A node by its place in the list; the root is the first.
pub(crate) type Id = u32;

pub(crate) const ROOT: Id = 0;

#[derive(Debug)]
pub(crate) struct Node {
    pub name: Box<[u8]>,
    pub parent: Id,
    /// A number that depends on the path alone.
    pub ino: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
    pub holds: Holds,
}

#[derive(Debug)]
pub(crate) enum Holds {
    Dir(Dir),
    File { size: u64, content: Content, source: Source },
    Symlink { target: Box<[u8]> },
    Whiteout,
}

#[derive(Debug, Default)]
pub(crate) struct Dir {
    /// Sorted by name.
    pub children: Vec<Id>,
    /// Nothing of the layers below shows through.
    pub opaque: bool,
    /// Some of the children are whiteouts.
    pub hides: bool,
}

/// Whether a layer can be served: no extended attributes, hard links, devices or named pipes, the root left as it
/// is, and each directory above an object put by the same layer, since its mode would have to be guessed.
pub fn traceable(changes: &[Change]) -> bool {
    let mut dirs: Vec<&[u8]> = Vec::new();
    changes.iter().all(|change| {
        let path = change.path();
        while dirs.last().is_some_and(|dir| !is_below(path, dir) && path != *dir) {
            dirs.pop();
        }
        let parent = parent(path);
        let placed =
            !path.is_empty() && (parent.is_empty() || dirs.iter().rev().take(2).any(|dir| *dir == parent));
        if let Change::Put(Entry { path, kind: Kind::Dir, .. }) = change {
            dirs.push(path);
        }
        placed && can_be_served(change)
    })
}

fn can_be_served(change: &Change) -> bool {
    match change {
        Change::Put(entry) => {
            entry.meta.xattrs.is_empty()
                && matches!(entry.kind, Kind::Dir | Kind::File { .. } | Kind::Symlink { .. })
        }
        Change::Remove(_) | Change::Opaque(_) => true,
    }
}

impl Tree {
    /// Merges `layers`, from the bottom up. What [`traceable`] refuses is left out.
    pub fn new(layers: &[impl AsRef<[Change]>]) -> Tree {
        let mut merge = Merge(BTreeMap::new());
        for layer in layers {
            // A removal is about the layers below, and what the same layer puts there stays.
            layer.as_ref().iter().for_each(|change| merge.hide(change));
            layer.as_ref().iter().for_each(|change| merge.put(change));
        }
        merge.into_tree()
    }

    /// The tree with files whose times tell of their content; see [`content_time`].
    pub fn with_content_times(mut self) -> Tree {
        for node in &mut self.nodes {
            if let Holds::File { content, .. } = &node.holds {
                node.mtime = content_time(node.mtime, content);
            }
        }
        self
    }

    /// The time of the file at a path, links not followed, and what [`Tree::with_content_times`] makes of it.
    pub fn times(&self, path: &[u8]) -> Option<[Time; 2]> {
        match self.find(path)? {
            Node { mtime, holds: Holds::File { content, .. }, .. } => {
                Some([*mtime, content_time(*mtime, content)])
            }
            _ => None,
        }
    }

    /// Whether there is a directory at a path, links not followed.
    pub fn is_dir(&self, path: &[u8]) -> bool {
        self.find(path).is_some_and(|node| matches!(node.holds, Holds::Dir(_)))
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many objects and whiteouts there are, the root not counted.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether anything of what is below is hidden by a mark, so that overlayfs has to ask for marks.
    pub(crate) fn has_marks(&self) -> bool {
        self.has_marks
    }

    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The node at a path, links not followed.
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Node> {
        let mut at = ROOT;
        if !path.is_empty() {
            for name in path.split(|&b| b == b'/') {
                at = self.child(at, name)?;
            }
        }
        self.node(at)
    }

    /// What is called `name` in a directory.
    pub(crate) fn child(&self, dir: Id, name: &[u8]) -> Option<Id> {
        let Holds::Dir(dir) = &self.node(dir)?.holds else { return None };
        let place = dir.children.binary_search_by(|&child| (*self.nodes[child as usize].name).cmp(name));
        place.ok().map(|place| dir.children[place])
    }

    /// The children of a directory, sorted by name.
    pub(crate) fn children<'a>(&'a self, dir: &'a Dir) -> impl Iterator<Item = &'a Node> {
        dir.children.iter().map(|&child| &self.nodes[child as usize])
    }

    /// Whether a directory of a layer below shows at a path as if there were nothing here: neither it nor one above it
    /// is hidden, and it is not given another mode or owner.
    pub(crate) fn lets_show(&self, path: &[u8], below: &Bare) -> bool {
        let mut at = ROOT;
        for name in path.split(|&b| b == b'/') {
            let Some(child) = self.child(at, name) else { return true };
            if !matches!(&self.nodes[child as usize].holds, Holds::Dir(dir) if !dir.opaque) {
                return false;
            }
            at = child;
        }
        let here = &self.nodes[at as usize];
        (here.mode, here.uid, here.gid) == (below.mode, below.uid, below.gid)
    }

    /// Where a node is.
    pub(crate) fn path(&self, mut id: Id) -> Vec<u8> {
        let mut names = Vec::new();
        while id != ROOT {
            let node = &self.nodes[id as usize];
            names.push(&*node.name);
            id = node.parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

/// What layers do at a path, so far.
enum Item<'a> {
    Put(&'a Entry),
    /// A directory, its entry if one was put, and whether it is opaque.
    Dir(Option<&'a Entry>, bool),
    Whiteout,
}

struct Merge<'a>(BTreeMap<PathOrder<'a>, Item<'a>>);

impl<'a> Merge<'a> {
    fn hide(&mut self, change: &'a Change) {
        match change {
            Change::Remove(path) => {
                self.0.remove(&PathOrder(path));
                self.clear(path);
                // Where nothing shows through there is nothing to hide.
                if !self.is_sealed(path) {
                    self.0.insert(PathOrder(path), Item::Whiteout);
                }
            }
            Change::Opaque(path) => {
                self.clear(path);
                match self.0.entry(PathOrder(path)) {
                    Slot::Occupied(mut slot) => match slot.get_mut() {
                        Item::Dir(_, opaque) => *opaque = true,
                        other => *other = Item::Dir(None, true),
                    },
                    Slot::Vacant(slot) => {
                        slot.insert(Item::Dir(None, true));
                    }
                }
            }
            Change::Put(_) => {}
        }
    }

    fn put(&mut self, change: &'a Change) {
        let Change::Put(entry) = change else { return };
        if !can_be_served(change) {
            return;
        }
        let path = PathOrder(&entry.path);
        let old = self.0.remove(&path);
        if !matches!(entry.kind, Kind::Dir) {
            if matches!(old, Some(Item::Dir(..))) {
                self.clear(&entry.path);
            }
            self.0.insert(path, Item::Put(entry));
            return;
        }
        // Below something that is no directory, nothing shows through, and so it stays.
        let opaque = match old {
            Some(Item::Dir(_, opaque)) => opaque,
            Some(_) => true,
            None => false,
        };
        self.0.insert(path, Item::Dir(Some(entry), opaque));
    }

    /// Takes out all that is below a path; in this order it follows the path.
    fn clear(&mut self, path: &'a [u8]) {
        let start = (std::ops::Bound::Excluded(PathOrder(path)), std::ops::Bound::Unbounded);
        let range = self.0.range(start).map(|(key, _)| *key);
        let below: Vec<PathOrder<'a>> = range.take_while(|key| is_below(key.0, path)).collect();
        for key in below {
            self.0.remove(&key);
        }
    }

    /// Whether a directory above is opaque.
    fn is_sealed(&self, mut path: &[u8]) -> bool {
        while !path.is_empty() {
            path = parent(path);
            if let Some(Item::Dir(_, true)) = self.0.get(&PathOrder(path)) {
                return true;
            }
        }
        false
    }

    fn into_tree(self) -> Tree {
        let mut tree = Tree { nodes: vec![root()], has_marks: false };
        let mut open: Vec<(&[u8], Id)> = Vec::new();
        for (PathOrder(path), item) in self.0 {
            while open.last().is_some_and(|(dir, _)| !is_below(path, dir)) {
                open.pop();
            }
            let (dir, parent) = open.last().copied().unwrap_or((b"", ROOT));
            let rest = if dir.is_empty() { path } else { &path[dir.len() + 1..] };
            // An object without its directories is not canonical, and can't be reached.
            if rest.is_empty() || rest.contains(&b'/') {
                continue;
            }
            let node = node(rest, parent, tree.nodes[parent as usize].ino, item);
            if let Some(id) = tree.add(node) {
                open.push((path, id));
            }
        }
        tree
    }
}

impl Tree {
    /// Adds a node behind its siblings, and gives its number if it is a directory.
    fn add(&mut self, node: Node) -> Option<Id> {
        let id = Id::try_from(self.nodes.len()).expect("fewer than four thousand million paths");
        let hidden = matches!(node.holds, Holds::Whiteout);
        let opaque = matches!(&node.holds, Holds::Dir(dir) if dir.opaque);
        let is_dir = matches!(node.holds, Holds::Dir(_));
        self.has_marks |= hidden || opaque;
        if let Holds::Dir(dir) = &mut self.nodes[node.parent as usize].holds {
            dir.children.push(id);
            dir.hides |= hidden;
        }
        self.nodes.push(node);
        is_dir.then_some(id)
    }
}

fn root() -> Node {
    let holds = Holds::Dir(Dir::default());
    Node {
        name: Box::default(),
        parent: ROOT,
        ino: 1,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: Time::default(),
        holds,
    }
}

impl Node {
    /// An empty directory in one whose number is `above`.
    pub(crate) fn dir(name: &[u8], parent: Id, above: u64) -> Node {
        Node { name: name.into(), parent, ino: number(above, name), ..root() }
    }
}

fn node(name: &[u8], parent: Id, above: u64, item: Item<'_>) -> Node {
    let (entry, holds) = match item {
        Item::Put(entry) => (Some(entry), held(&entry.kind)),
        Item::Dir(entry, opaque) => (entry, Holds::Dir(Dir { opaque, ..Dir::default() })),
        Item::Whiteout => (None, Holds::Whiteout),
    };
    let bare = Node { holds, ..Node::dir(name, parent, above) };
    match entry.map(|entry| &entry.meta) {
        Some(meta) => Node { mode: meta.mode, uid: meta.uid, gid: meta.gid, mtime: meta.mtime, ..bare },
        None => bare,
    }
}

fn held(kind: &Kind) -> Holds {
    match kind {
        Kind::File { size, content, source } => {
            Holds::File { size: *size, content: *content, source: source.clone() }
        }
        Kind::Symlink { target } => Holds::Symlink { target: target.as_slice().into() },
        _ => Holds::Dir(Dir::default()),
    }
}

/// An inode number of the path alone, so that it stays the same from one step to the next: FNV-1a.
fn number(above: u64, name: &[u8]) -> u64 {
    let bytes = [b"/", name].concat();
    let hash = bytes.iter().fold(above ^ 0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // 0 stands for no inode, and 1 is the root's.
    hash | 2
}

/// A time in the same second that is another one for other bytes. For a tool that keeps what it knows of a file by the
/// file's size and time: a checkout may give other bytes the same.
pub fn content_time(mtime: Time, content: &Content) -> Time {
    let [a, b, c, d, ..] = content.0;
    Time { nsec: u32::from_be_bytes([a, b, c, d]) % 1_000_000_000, ..mtime }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(b"", |slash| &path[..slash])
}

/// Whether a path is somewhere in a directory, the directory itself not counted.
fn is_below(path: &[u8], dir: &[u8]) -> bool {
    match path.strip_prefix(dir) {
        Some(rest) if dir.is_empty() => !rest.is_empty(),
        Some(rest) => rest.first() == Some(&b'/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::{Look, answer};
    use crate::testing::{dir, file, link, put, remove};

    fn check(layers: &[&[Change]], expected: &[&str]) {
        let tree = Tree::new(layers);
        let entry = |path: &[u8]| answer(&tree, path, Look::Entry).unwrap();
        let paths = (1..tree.nodes.len() as Id).map(|id| tree.path(id));
        let lines: Vec<String> =
            paths.map(|path| format!("{} {}", String::from_utf8_lossy(&path), entry(&path))).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.strip_suffix(" 0:0").unwrap_or(line)).collect();
        assert_eq!(lines, expected);
        assert_eq!((tree.len(), tree.is_empty()), (expected.len(), expected.is_empty()));
    }

    #[test]
    fn layers_merge() {
        check(&[], &[]);
        let one = [dir("a"), file("a/x", "1"), file("a-b", "")];
        let two = [put("a", 0o700, Kind::Dir), file("a/b", ""), put("a/x", 0o600, Kind::Dir), link("z", "a")];
        check(&[&one], &["a dir 755", "a/x file 644", "a-b file 644"]);
        check(
            &[&one, &two],
            &["a dir 700", "a/b file 644", "a/x dir 600 0:0 opaque", "a-b file 644", "z link 777"],
        );
    }

    #[test]
    fn what_is_removed_hides_what_is_below() {
        let one = [dir("a"), file("a/x", ""), dir("a/y"), file("a/y/z", "")];
        check(&[&one, &[dir("a"), remove("a/y")]], &["a dir 755", "a/x file 644", "a/y whiteout"]);
        check(&[&one, &[remove("a")]], &["a whiteout"]);
        check(&[&[remove("a")], &one[..1]], &["a dir 755 0:0 opaque"]);
        check(&[&[remove("a")], &[file("a", "")]], &["a file 644"]);
    }

    #[test]
    fn a_layer_removes_what_is_below_it_and_not_what_it_puts() {
        check(&[&[dir("a"), file("a/x", "")], &[file("a", ""), remove("a")]], &["a file 644"]);
        check(&[&[dir("a"), file("a/y", ""), remove("a")]], &["a dir 755 0:0 opaque", "a/y file 644"]);
    }

    #[test]
    fn a_directory_becomes_a_file_and_a_directory_again() {
        let one: &[Change] = &[dir("a"), dir("a/b"), file("a/b/c", "")];
        check(&[one, &[dir("a"), file("a/b", "")]], &["a dir 755", "a/b file 644"]);
        let again: &[Change] = &[dir("a"), dir("a/b")];
        check(&[one, &[dir("a"), link("a/b", "x")], again], &["a dir 755", "a/b dir 755 0:0 opaque"]);
    }

    #[test]
    fn in_an_opaque_directory_nothing_has_to_be_hidden() {
        let opaque = [dir("a"), Change::Opaque(b"a".to_vec()), dir("a/b"), file("a/b/c", "")];
        let expected = ["a dir 755 0:0 opaque", "a/b dir 755"];
        check(
            &[&[dir("a"), file("a/old", "")], &opaque, &[dir("a"), dir("a/b"), remove("a/b/c")]],
            &expected,
        );
    }

    #[test]
    fn numbers_depend_on_the_path_alone() {
        let number = |changes: &[Change], path: &[u8]| Tree::new(&[changes]).find(path).unwrap().ino;
        let x = number(&[dir("a"), file("a/x", "")], b"a/x");
        assert_eq!(x, number(&[dir("0"), link("a", ""), put("a", 0, Kind::Dir), link("a/x", "y")], b"a/x"));
        assert_ne!(x, number(&[dir("a"), file("a/y", "")], b"a/y"));
    }

    #[test]
    fn times_tell_of_content() {
        let times = |text| Tree::new(&[[file("a", text), link("b", "a")]]).times(b"a").expect("a file");
        let [[mtime, one], [_, two]] = ["1", "2"].map(times);
        assert!(one != two && one.sec == mtime.sec && one.nsec < 1_000_000_000);
        let tree = Tree::new(&[[file("a", "1"), link("b", "a")]]).with_content_times();
        assert_eq!((tree.find(b"a").unwrap().mtime, tree.times(b"b")), (one, None));
    }

    #[test]
    fn only_plain_layers_can_be_traced() {
        let attribute = |mut change: Change| {
            if let Change::Put(entry) = &mut change {
                entry.meta.xattrs.insert(b"user.a".to_vec(), Vec::new());
            }
            change
        };
        let hard = put("b", 0o644, Kind::Hardlink { target: b"a".to_vec() });
        for (changes, expected) in [
            (vec![], true),
            (
                vec![dir("a"), dir("a/b"), file("a/b/c", ""), link("a/d", "x"), remove("a/e"), file("f", "")],
                true,
            ),
            (vec![dir("a"), Change::Opaque(b"a".to_vec())], true),
            (vec![file("a", ""), hard], false),
            (vec![attribute(file("a", ""))], false),
            (vec![put("a", 0o644, Kind::Fifo)], false),
            (vec![put("a", 0o644, Kind::Char { major: 1, minor: 3 })], false),
            (vec![put("", 0o755, Kind::Dir)], false),
            (vec![Change::Opaque(Vec::new())], false),
            (vec![file("a/b", "")], false),
            (vec![dir("a"), dir("a/b"), file("a/c/d", "")], false),
            (vec![dir("a"), dir("b"), remove("a-c/d")], false),
        ] {
            assert_eq!(traceable(&changes), expected, "{changes:?}");
        }
    }
}
