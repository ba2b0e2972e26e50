//! What was asked to facts.
//!
//! A touch is strict, or weak: go looked at something that it can't use, and the kernel was told to ask again next
//! time. A strict touch of the same overrides. What becomes of a weak one:
//!
//! | touch | fact |
//! |---|---|
//! | entry of a file | none, if go was seen to list its directory: only then it is one of all the names there |
//! | stat of a file, likewise | none; of a Go file go-head; of another that can be built content |
//! | list | go-names |
//! | content of a test | go-head |
//!
//! unless a `//go:embed` could reach it. The second line is because of go's index of a directory, which may lie in a
//! cache: while sizes and times are those that it knows, go does not read what it would have to read otherwise. Of an
//! executable file the entry is always strict, since go looks for its tools by that.
//!
//! A file that go can't use but that hides something of a layer below is not forgotten, for that would show if the
//! file went. One hole is known: whoever lists a merged directory that the step has changed, in the very moment in
//! which go has it open, gets overlayfs's copy of go's listing, and we don't hear of it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::embed::Embeds;
use crate::fact::{Fact, Facts, escape};
use crate::go;
use crate::ground::{Bare, Ground};
use crate::look::{Look, answer};
use crate::policy::{Policy, Reader};
use crate::shown::Shown;
use crate::tree::{Id, Tree};

/// What a step looked at.
#[derive(Debug, Default)]
pub struct Touched {
    messages: u64,
    touches: BTreeMap<(Vec<u8>, Look), Touch>,
    ground: Option<Arc<Ground>>,
}

#[derive(Clone, Debug)]
struct Touch {
    strength: Strength,
    by: Option<Arc<str>>,
}

/// Whether a look may be forgotten.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Strength {
    Weak,
    Strict,
}

impl Touched {
    /// How many messages the step had to wait for.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How many touches there are, one for each path and look.
    pub fn len(&self) -> usize {
        self.touches.len()
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.touches.is_empty()
    }

    /// The facts, with the answers of `tree`, which is the one that was served.
    ///
    /// With `weaken` weak touches become what the table above says, else they are as good as strict ones.
    /// `embeds(dir)` gives the contents of the `.go` files, tests apart, that the step saw directly in a directory of
    /// the whole file system, not only of this tree.
    ///
    /// # Errors
    /// If a file has to be read and can't be.
    pub fn facts(
        &self,
        tree: &Tree,
        weaken: bool,
        embeds: &dyn Fn(&[u8]) -> Vec<Vec<u8>>,
    ) -> io::Result<Facts> {
        let mut reached = Reached { sources: embeds, known: HashMap::new() };
        let mut facts = Vec::new();
        for ((path, look), touch) in &self.touches {
            let is_weak = weaken && touch.strength == Strength::Weak && !reached.may_embed(path, *look);
            let look = if is_weak { self.weakened(path, *look) } else { Some(*look) };
            if let Some(look) = look {
                let by = touch.by.as_deref().map(str::to_owned);
                let fact = match look {
                    Look::Shared => self.fact(tree, path, look)?,
                    _ => fact(tree, path, look)?,
                };
                facts.push(Fact { by, ..fact });
            }
        }
        facts.sort_by(|a, b| (&a.path, a.look).cmp(&(&b.path, b.look)));
        Ok(facts)
    }

    /// The fact of a look that somebody else took on the step's behalf. At a directory that natives have too any look
    /// but one at its names is at that alone.
    ///
    /// # Errors
    /// If a file has to be read and can't be.
    pub fn fact(&self, tree: &Tree, path: &[u8], look: Look) -> io::Result<Fact> {
        let is_of_names = matches!(look, Look::List | Look::GoNames);
        let shared =
            self.ground.as_ref().filter(|_| !is_of_names).and_then(|ground| ground.shared(tree, path));
        let Some(Bare { mode, uid, gid, .. }) = shared else { return fact(tree, path, look) };
        let answer = format!("dir {mode:o} {uid}:{gid}");
        Ok(Fact { path: escape(path), look: Look::Shared, answer, by: None })
    }

    /// What is left of a weak look.
    fn weakened(&self, path: &[u8], look: Look) -> Option<Look> {
        match look {
            Look::List => Some(Look::GoNames),
            Look::Content => Some(Look::GoHead),
            Look::Entry if self.is_of_a_listing(path) => None,
            Look::Stat if self.has(path, Look::Content) => None,
            Look::Stat if self.is_of_a_listing(path) => go::indexed(name(path)),
            other => Some(other),
        }
    }

    fn is_of_a_listing(&self, path: &[u8]) -> bool {
        let dir = &path[..path.len() - name(path).len()];
        self.has(dir.strip_suffix(b"/").unwrap_or(dir), Look::List)
    }

    fn has(&self, path: &[u8], look: Look) -> bool {
        self.touches.contains_key(&(path.to_vec(), look))
    }
}

fn fact(tree: &Tree, path: &[u8], look: Look) -> io::Result<Fact> {
    Ok(Fact { path: escape(path), look, answer: answer(tree, path, look)?, by: None })
}

fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

/// What embeds of the directories above could reach.
struct Reached<'a> {
    sources: &'a dyn Fn(&[u8]) -> Vec<Vec<u8>>,
    known: HashMap<Vec<u8>, Embeds>,
}

impl Reached<'_> {
    fn may_embed(&mut self, path: &[u8], look: Look) -> bool {
        if look == Look::List && self.of(path).reach_any() {
            return true;
        }
        let mut start = 0;
        while start < path.len() {
            let rest = &path[start..];
            let name = rest.split(|&b| b == b'/').next().unwrap_or_default();
            let dir = &path[..start.saturating_sub(1)];
            if self.of(dir).reach(name) {
                return true;
            }
            start += name.len() + 1;
        }
        false
    }

    fn of(&mut self, dir: &[u8]) -> &Embeds {
        if !self.known.contains_key(dir) {
            self.known.insert(dir.to_vec(), Embeds::of(&(self.sources)(dir)));
        }
        &self.known[dir]
    }
}

/// The touches so far, while the server runs.
#[derive(Default)]
pub(crate) struct Log {
    messages: AtomicU64,
    touches: Mutex<Touches>,
}

#[derive(Default)]
struct Touches {
    nodes: HashMap<(Id, Look), Touch>,
    absent: HashMap<(Id, Box<[u8]>), Touch>,
}

/// A look at something, before it is known who looks.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// Who: a thread's number.
    pub pid: u32,
    /// The strength that it has if go looks.
    pub by_go: Strength,
}

impl Log {
    /// Counts a message.
    pub(crate) fn message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes looks at a node and says whether they may be forgotten.
    pub(crate) fn touch(&self, id: Id, looks: &[Look], seen: Seen, policy: &dyn Policy) -> Strength {
        let is_strict = |touches: &Touches, look: &Look| {
            touches.nodes.get(&(id, *look)).is_some_and(|touch| touch.strength == Strength::Strict)
        };
        // Asking who it was costs more than all the rest, so only while it matters.
        if looks.iter().all(|look| is_strict(&self.lock(), look)) {
            return Strength::Strict;
        }
        let touch = touch(seen, policy);
        let mut touches = self.lock();
        for look in looks {
            note(touches.nodes.entry((id, *look)).or_insert_with(|| touch.clone()), &touch);
        }
        touch.strength
    }

    /// How something was looked at so far.
    pub(crate) fn strength(&self, id: Id, look: Look) -> Option<Strength> {
        self.lock().nodes.get(&(id, look)).map(|touch| touch.strength)
    }

    /// Notes that something was looked for and isn't there.
    pub(crate) fn missed(&self, dir: Id, name: &[u8], pid: u32, policy: &dyn Policy) {
        let key = (dir, Box::from(name));
        if self.lock().absent.contains_key(&key) {
            return;
        }
        let touch = touch(Seen { pid, by_go: Strength::Strict }, policy);
        self.lock().absent.entry(key).or_insert(touch);
    }

    /// All of it, by path.
    pub(crate) fn take(&self, shown: &Shown) -> Touched {
        let taken = std::mem::take(&mut *self.lock());
        let mut touches = BTreeMap::new();
        for ((id, look), touch) in taken.nodes {
            touches.insert((shown.path(id), look), touch);
        }
        for ((dir, name), touch) in taken.absent {
            touches.insert((shown.path_in(dir, &name), Look::Entry), touch);
        }
        let messages = self.messages.load(Ordering::Relaxed);
        Touched { messages, touches, ground: shown.ground.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Touches> {
        self.touches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn touch(seen: Seen, policy: &dyn Policy) -> Touch {
    let reader = policy.reader(seen.pid);
    let strength = if matches!(reader, Reader::Go(_)) { seen.by_go } else { Strength::Strict };
    Touch { strength, by: reader.program() }
}

/// The first who looked is kept, unless somebody has looked more closely since.
fn note(known: &mut Touch, new: &Touch) {
    if known.strength < new.strength {
        *known = new.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{dir, file, tree};

    const PACKAGE: &str = "package a\nvar x = 1\n";

    /// The facts of looks that go took at a small project with these embeds in `p`, as lines.
    fn facts(touches: &[(&str, Look, Strength)], weaken: bool, embeds: &str) -> Vec<String> {
        let tree = tree(&[
            dir("p"),
            file("p/a.go", PACKAGE),
            file("p/a_test.go", PACKAGE),
            file("p/README", ""),
            file("p/c.h", ""),
            dir("p/static"),
            file("p/static/x", ""),
        ]);
        let touches = touches.iter().map(|&(path, look, strength)| {
            ((path.as_bytes().to_vec(), look), Touch { strength, by: Some("/bin/go".into()) })
        });
        let touched = Touched { touches: touches.collect(), ..Touched::default() };
        let sources = |dir: &[u8]| match dir {
            b"p" => vec![format!("package p\n//go:embed {embeds}\n").into_bytes()],
            _ => Vec::new(),
        };
        let facts = touched.facts(&tree, weaken, &sources).expect("facts");
        assert!(facts.iter().all(|fact| fact.by.as_deref() == Some("/bin/go")));
        facts.iter().map(|fact| format!("{:?} {}", fact.look, fact.path)).collect()
    }

    const GO: [(&str, Look, Strength); 8] = [
        ("p", Look::Entry, Strength::Strict),
        ("p", Look::List, Strength::Weak),
        ("p/README", Look::Entry, Strength::Weak),
        ("p/README", Look::Stat, Strength::Weak),
        ("p/a.go", Look::Stat, Strength::Weak),
        ("p/a_test.go", Look::Content, Strength::Weak),
        ("p/a_test.go", Look::Stat, Strength::Weak),
        ("p/c.h", Look::Stat, Strength::Weak),
    ];

    #[test]
    fn what_go_cannot_use_is_forgotten() {
        let weak = ["Entry p", "GoNames p", "GoHead p/a.go", "GoHead p/a_test.go", "Content p/c.h"];
        assert_eq!(facts(&GO, true, "static"), weak);
        let strict: Vec<_> = GO.iter().map(|(path, look, _)| format!("{look:?} {path}")).collect();
        let mut found = facts(&GO, false, "static");
        found.sort();
        let mut expected = strict;
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_could_be_embedded_is_not() {
        let few = ["Entry p", "GoNames p", "Entry p/README", "Stat p/README", "GoHead p/a.go"];
        assert_eq!(facts(&GO, true, "README"), [&few[..], &["GoHead p/a_test.go", "Content p/c.h"]].concat());
        assert!(facts(&GO, true, "a_test.go").contains(&"Content p/a_test.go".to_owned()));
        assert_eq!(facts(&GO, true, "*").len(), GO.len());
        let below = [("p/static", Look::List, Strength::Weak), ("p/static/x", Look::Stat, Strength::Weak)];
        assert_eq!(facts(&below, true, "static/*.html"), ["List p/static", "Stat p/static/x"]);
        assert_eq!(facts(&below, true, "other"), ["GoNames p/static"]);
    }

    #[test]
    fn a_name_by_itself_is_not_one_of_all() {
        let one = [("p/README", Look::Entry, Strength::Weak), ("p/README", Look::Stat, Strength::Weak)];
        assert_eq!(facts(&one, true, ""), ["Entry p/README", "Stat p/README"]);
    }

    #[test]
    fn a_size_says_nothing_beside_the_content() {
        let both = [("p/a.go", Look::Stat, Strength::Weak), ("p/a.go", Look::Content, Strength::Strict)];
        assert_eq!(facts(&both, true, ""), ["Content p/a.go"]);
        assert_eq!(facts(&both, false, ""), ["Stat p/a.go", "Content p/a.go"]);
    }

    struct Fixed(Reader);

    impl Policy for Fixed {
        fn reader(&self, _: u32) -> Reader {
            self.0.clone()
        }
    }

    #[test]
    fn a_strict_look_overrides_and_is_asked_for_once() {
        let shown = Shown::new(Arc::new(tree(&[file("README", "")])), None);
        let (go, cat) = (Fixed(Reader::Go("/go".into())), Fixed(Reader::Program("/cat".into())));
        let (weak, log) = (Seen { pid: 1, by_go: Strength::Weak }, Log::default());
        assert_eq!(log.touch(1, &[Look::Stat], weak, &go), Strength::Weak);
        assert_eq!(log.touch(1, &[Look::Stat], weak, &Fixed(Reader::Unknown)), Strength::Strict);
        assert_eq!(log.touch(1, &[Look::Stat], weak, &go), Strength::Strict);
        log.missed(0, b"nope", 1, &go);
        log.missed(0, b"nope", 1, &cat);
        log.touch(0, &[Look::List], weak, &go);
        log.touch(0, &[Look::List], weak, &cat);
        log.message();
        let touched = log.take(&shown);
        let by = |path: &str, look| {
            let touch = &touched.touches[&(path.as_bytes().to_vec(), look)];
            (touch.strength, touch.by.as_deref())
        };
        assert_eq!(by("README", Look::Stat), (Strength::Strict, None));
        assert_eq!(by("nope", Look::Entry), (Strength::Strict, Some("/go")));
        assert_eq!(by("", Look::List), (Strength::Strict, Some("/cat")));
        assert_eq!((touched.len(), touched.messages(), touched.is_empty()), (3, 1, false));
    }
}
