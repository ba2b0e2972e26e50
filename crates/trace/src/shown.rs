//! A tree and the directories that natives have besides: what the kernel is told is there.
//!
//! Below a directory that is absent the kernel asks for nothing, so nobody would know what a step looked at in it.
//! Where natives have a directory and the tree has none, it is therefore shown one: empty, and of the same mode and
//! owner, so that what a step sees is as it would be without, and the absence of each thing in it is seen. Such a
//! *virtual* node has a number above those of the tree, which other steps may be using at the same time.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ground::{Bare, Ground};
use crate::tree::{Holds, Id, Node, ROOT, Tree};

/// Directories of natives are shown down to that many components. System directories that steps take turns in putting
/// files into lie that high: `/etc/ssl/certs`, `/usr/local/bin`, `/var/lib/apk`. Toolchains, package and module caches
/// have their thousands of directories further down (`/usr/local/go/src/…`, `/root/go/pkg/mod/…`), where each look
/// would be a message and a fact.
const DEEPEST: usize = 3;

/// What is shown.
pub(crate) struct Shown {
    pub tree: Arc<Tree>,
    pub ground: Option<Arc<Ground>>,
    virtuals: Mutex<Virtuals>,
}

#[derive(Default)]
struct Virtuals {
    nodes: Vec<Arc<Node>>,
    by_name: HashMap<(Id, Box<[u8]>), Id>,
}

/// A node of the tree, or a virtual one.
pub(crate) enum Object<'a> {
    Real(&'a Node),
    Virtual(Arc<Node>),
}

impl Deref for Object<'_> {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Object::Real(node) => node,
            Object::Virtual(node) => node,
        }
    }
}

impl Shown {
    pub(crate) fn new(tree: Arc<Tree>, ground: Option<Arc<Ground>>) -> Shown {
        Shown { tree, ground, virtuals: Mutex::default() }
    }

    pub(crate) fn node(&self, id: Id) -> Option<Object<'_>> {
        match self.tree.node(id) {
            Some(node) => Some(Object::Real(node)),
            None => self.lock().nodes.get(self.place(id)?).cloned().map(Object::Virtual),
        }
    }

    /// What is called `name` in a directory.
    pub(crate) fn child(&self, dir: Id, name: &[u8]) -> Option<Id> {
        self.tree.child(dir, name).or_else(|| self.add(dir, name))
    }

    /// Where a node is.
    pub(crate) fn path(&self, id: Id) -> Vec<u8> {
        match self.node(id) {
            Some(Object::Virtual(node)) => self.path_in(node.parent, &node.name),
            _ => self.tree.path(id),
        }
    }

    /// Where something of that name is, or would be.
    pub(crate) fn path_in(&self, dir: Id, name: &[u8]) -> Vec<u8> {
        if dir == ROOT { name.to_vec() } else { [&self.path(dir), name].join(&b'/') }
    }

    /// Whether a node is a directory that natives have too.
    pub(crate) fn is_shared(&self, id: Id, node: &Node) -> bool {
        let Some(ground) = &self.ground else { return false };
        match &node.holds {
            Holds::Dir(_) if self.place(id).is_some() => true,
            Holds::Dir(dir) => !dir.opaque && ground.shared(&self.tree, &self.path(id)).is_some(),
            _ => false,
        }
    }

    /// Whether what is not a directory hides nothing of the layers below.
    pub(crate) fn hides_nothing(&self, id: Id) -> bool {
        self.ground.as_ref().is_none_or(|ground| ground.is_empty_at(&self.path(id)))
    }

    /// Makes a virtual directory, if one is to be shown.
    fn add(&self, dir: Id, name: &[u8]) -> Option<Id> {
        let ground = self.ground.as_ref()?;
        let path = self.path_in(dir, name);
        if path.split(|&b| b == b'/').count() > DEEPEST {
            return None;
        }
        let Bare { mode, uid, gid, mtime } = ground.shared(&self.tree, &path)?;
        let bare = Node::dir(name, dir, self.node(dir)?.ino);
        let node = Node { mode, uid, gid, mtime, ..bare };
        let mut virtuals = self.lock();
        // Another thread may have been faster.
        let next = self.number(virtuals.nodes.len());
        let id = *virtuals.by_name.entry((dir, name.into())).or_insert(next);
        if id == next {
            virtuals.nodes.push(Arc::new(node));
        }
        Some(id)
    }

    /// The place of a virtual node among those.
    fn place(&self, id: Id) -> Option<usize> {
        (id as usize).checked_sub(self.tree.len() + 1)
    }

    fn number(&self, place: usize) -> Id {
        Id::try_from(self.tree.len() + 1 + place).expect("fewer than four thousand million paths")
    }

    fn lock(&self) -> MutexGuard<'_, Virtuals> {
        self.virtuals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ::tree::{Change, Kind};

    use super::*;
    use crate::fact::{Fact, broken};
    use crate::look::Look;
    use crate::policy::{Policy, Reader};
    use crate::testing::{Looker, dir, file, link, natives, put, remove, tree};

    struct Go;

    impl Policy for Go {
        fn reader(&self, _: u32) -> Reader {
            Reader::Go("/go".into())
        }
    }

    fn ground(native: &[Change]) -> Ground {
        Ground::new(natives(&[native]), Vec::new())
    }

    fn native() -> Vec<Change> {
        vec![
            dir("etc"),
            file("etc/passwd", ""),
            put("etc/ssl", 0o751, Kind::Dir),
            dir("etc/ssl/certs"),
            dir("etc/ssl/certs/deep"),
            link("lib", "usr/lib"),
            dir("usr"),
            dir("usr/lib"),
        ]
    }

    fn looker(changes: &[Change]) -> Looker {
        Looker::new(changes, ground(&native()), Go)
    }

    fn lines(facts: &[Fact]) -> Vec<String> {
        facts.iter().map(|fact| format!("{:?} {} {}", fact.look, fact.path, fact.answer)).collect()
    }

    #[test]
    fn directories_of_natives_are_shown() {
        let looker = looker(&[dir("etc"), file("etc/b", "")]);
        for path in ["etc/passwd", "etc/ssl/certs/deep/x", "lib/x", "usr/bin", "etc/b"] {
            looker.at(path);
        }
        assert_eq!((looker.mode("etc/ssl"), looker.mode("etc")), (0o40751, 0o40755));
        assert_eq!(looker.at("etc/ssl"), looker.at("etc/ssl"));
        let expected = [
            "Shared etc dir 755 0:0",
            "Entry etc/b file 644 0:0",
            "Entry etc/passwd absent",
            "Shared etc/ssl dir 751 0:0",
            "Shared etc/ssl/certs dir 755 0:0",
            "Entry etc/ssl/certs/deep absent",
            "Entry lib absent",
            "Shared usr dir 755 0:0",
            "Entry usr/bin absent",
        ];
        assert_eq!(lines(&looker.facts(false)), expected);
    }

    /// Whether what was looked at above nothing holds above what another step put, and the other way round.
    #[track_caller]
    fn swap(look: impl Fn(&Looker), other: &[Change], expected: bool) {
        for (before, after) in [(&[][..], other), (other, &[])] {
            let looker = looker(before);
            look(&looker);
            let facts = looker.facts(false);
            assert_eq!(broken(&facts, &tree(before)).expect("answers"), None);
            assert_eq!(broken(&facts, &tree(after)).expect("answers").is_none(), expected, "{facts:?}");
        }
    }

    #[test]
    fn two_steps_that_know_nothing_of_each_other_may_be_swapped() {
        let other = [dir("etc"), file("etc/b", ""), dir("usr"), dir("usr/lib"), file("usr/lib/b", "")];
        let looks = |paths: &'static [&str]| {
            |looker: &Looker| {
                for path in paths.iter().filter(|path| looker.at(path) != 0) {
                    looker.mode(path);
                }
            }
        };
        swap(looks(&["etc/a", "etc/passwd", "usr/lib/x"]), &other, true);
        swap(looks(&["etc", "usr/lib", "etc/ssl/certs"]), &other, true);
        swap(looks(&["etc/b"]), &other, false);
        swap(|looker| looker.list("etc"), &other, false);
        swap(|looker| looker.list("etc/ssl"), &other, true);
        swap(|looker| looker.list(""), &other, false);
        swap(looks(&["etc/a"]), &[put("etc", 0o700, Kind::Dir)], false);
        swap(looks(&["etc/a"]), &[remove("etc")], false);
        swap(looks(&["etc/a"]), &[dir("etc"), Change::Opaque(b"etc".to_vec())], false);
        swap(looks(&["etc/ssl/x"]), &[remove("etc")], false);
        swap(looks(&["lib/x"]), &[dir("lib")], false);
        swap(looks(&["opt/x"]), &[dir("opt")], false);
    }

    #[test]
    fn what_an_opaque_directory_hides_is_not_shown() {
        let looker = looker(&[dir("etc"), Change::Opaque(b"etc".to_vec()), dir("etc/ssl")]);
        assert_eq!(looker.at("etc/ssl/certs"), 0);
        let expected =
            ["Entry etc dir 755 0:0 opaque", "Entry etc/ssl dir 755 0:0", "Entry etc/ssl/certs absent"];
        assert_eq!(lines(&looker.facts(false)), expected);
    }

    #[test]
    fn looks_on_behalf_of_a_step_are_at_what_is_shared() {
        let served = Shown::new(Arc::new(tree(&[])), Some(Arc::new(ground(&native()))));
        let touched = crate::touched::Log::default().take(&served);
        let line =
            |path: &str, look| lines(&[touched.fact(&served.tree, path.as_bytes(), look).expect("a fact")]);
        for look in [Look::Entry, Look::Stat, Look::Link, Look::Content] {
            assert_eq!(line("etc", look), ["Shared etc dir 755 0:0"]);
        }
        assert_eq!(line("etc/passwd", Look::Content), ["Content etc/passwd absent"]);
        assert_eq!(line("lib", Look::Link), ["Link lib absent"]);
    }

    /// The looks that are left when go has listed `p`, and looked at README.
    fn by_go(native: &[Change]) -> Vec<String> {
        let changes = [dir("p"), file("p/README", ""), file("p/a.go", "")];
        let looker = Looker::new(&changes, ground(native), Go);
        looker.list("p");
        looker.mode("p/README");
        let facts = looker.facts(true);
        facts.iter().map(|fact| format!("{:?} {}", fact.look, fact.path)).collect()
    }

    #[test]
    fn a_file_that_hides_something_is_not_forgotten() {
        assert_eq!(by_go(&[]), ["Entry p", "GoNames p"]);
        assert_eq!(by_go(&[dir("p"), dir("p/other")]), ["Shared p", "GoNames p"]);
        assert_eq!(by_go(&[dir("p"), dir("p/a.go")]), ["Shared p", "GoNames p"]);
        for hidden in [dir("p/README"), link("p/README", "q")] {
            assert_eq!(by_go(&[dir("p"), hidden]), ["Shared p", "List p", "Entry p/README"]);
        }
    }
}
