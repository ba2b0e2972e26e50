//! The gaps of a step's file system, served while it runs, and what came of that: the facts that its result rests on.
//!
//! What is not seen is not known: a step that used the network, or whose files couldn't be served, leaves no facts,
//! and is found by its exact key only.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use sandbox::Lower;
use store::traces::Run;
use store::{CacheId, LayerId};
use trace::{Fact, Facts, Ground, Look, Natives, Server, Touched, Tree};
use tree::{Change, View};

use crate::build::Session;
use crate::error::{Result, doing};
use crate::readers::Readers;
use crate::settings::Tracing;
use crate::sight::Sight;

/// A step that asks for more than this is not worth watching.
const WIDE: usize = 20_000;

/// The gaps of one step as mounts.
#[derive(Default)]
pub struct Serving {
    servers: BTreeMap<String, (Server, usize)>,
    /// What the sandbox gets, in order.
    pub mounts: Vec<OwnedFd>,
}

/// The times that a step sees its files have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Their own.
    AsTheyAre,
    /// Such as tell of their content, see `go_times`.
    ByContent,
}

/// What a step left behind besides its layer.
pub struct Seen {
    /// The facts, gap by gap.
    pub facts: BTreeMap<String, Facts>,
    /// Whether watching it again isn't worth while.
    pub wide: bool,
}

impl Serving {
    /// Starts a server for every gap that holds something, and for the one on top. `natives` are those of `sight`.
    ///
    /// # Errors
    /// If a mount can't be made.
    pub fn start(
        sight: &Sight,
        natives: &Arc<Natives>,
        readers: &Arc<Readers>,
        shown: Shown,
    ) -> std::io::Result<Serving> {
        let mut serving = Serving::default();
        let top = Sight::gap_name(sight.natives.len());
        for (name, gap) in &sight.gaps {
            if *name == top || !gap.tree().is_empty() {
                let ground = sight.gaps_below(name).map(|gaps| Arc::new(Ground::new(natives.clone(), gaps)));
                let tree = match shown {
                    Shown::AsTheyAre => gap.tree().clone(),
                    Shown::ByContent => gap.tree_by_content(),
                };
                let (server, mount) = Server::start(tree, ground, readers.clone())?;
                serving.servers.insert(name.clone(), (server, serving.mounts.len()));
                serving.mounts.push(mount);
            }
        }
        Ok(serving)
    }

    /// The layer that is a gap.
    pub fn lower(&self, gap: &str) -> Option<Lower> {
        self.servers.get(gap).map(|(_, number)| Lower::Given(*number))
    }

    /// Tells the servers to stop: while they do, there is something else to be done.
    pub fn stop(&self) {
        self.servers.values().for_each(|(server, _)| server.stop());
    }

    /// Stops serving.
    pub fn finish(self) -> BTreeMap<String, Touched> {
        drop(self.mounts);
        self.servers.into_iter().map(|(name, (server, _))| (name, server.finish())).collect()
    }
}

impl Session<'_> {
    /// Serves a step's gaps. Where that can't be done the user hears of it once, and the step runs unwatched.
    pub fn serve(&self, sight: &Sight, readers: &Arc<Readers>, shown: Shown) -> Option<Serving> {
        let natives = self.natives(&sight.natives).map_err(|e| std::io::Error::other(e.to_string()));
        let served = natives.and_then(|natives| Serving::start(sight, &natives, readers, shown));
        served.map_err(|e| self.say_untraced(&e)).ok()
    }

    fn say_untraced(&self, e: &std::io::Error) {
        let mut said = self.untraced.lock().expect("no panic while held");
        if !*said {
            self.voice.warn(format!(
                "steps are not traced, so they run again whenever something below them has changed: {}",
                store::plain(e)
            ));
        }
        *said = true;
    }

    /// The facts that a step's layer rests on. None if nothing may be said of it.
    ///
    /// # Errors
    /// If a file that they are about can't be read.
    pub fn seen(
        &self,
        run: &plan::Run,
        sight: &Sight,
        touched: &BTreeMap<String, Touched>,
        ran: &Ran,
        readers: &Readers,
    ) -> Result<Seen> {
        if touched.values().map(Touched::len).sum::<usize>() > WIDE {
            return Ok(Seen { facts: BTreeMap::new(), wide: true });
        }
        let weaken = self.settings.tracing == Tracing::Tools && !writes_go(&ran.changes);
        let embeds = |dir: &[u8]| go_files(ran.below, dir);
        let only_go = crate::tool_cache::is_one_go_command(run);
        let mut facts = BTreeMap::new();
        for (name, touched) in touched {
            let tree = sight.gaps[name].tree();
            let say = || doing("note what a step read");
            let mut all = touched.facts(tree, weaken, &embeds).map_err(say())?;
            let by_name = if name.starts_with("layer.") { ran.by_name() } else { Vec::new() };
            for (path, look) in by_name {
                all.push(touched.fact(tree, &path, look).map_err(say())?);
            }
            let by_content = |program: &str| only_go && readers.is_go(program);
            all.extend(promoted(tree, &all, &by_content).map_err(say())?);
            all.sort_by(|a, b| (&a.path, a.look).cmp(&(&b.path, b.look)));
            all.dedup_by(|b, a| (&a.path, a.look) == (&b.path, b.look));
            facts.insert(name.clone(), all);
        }
        Ok(Seen { facts, wide: false })
    }

    /// Remembers a run by its facts.
    ///
    /// # Errors
    /// If the store can't be written.
    pub fn remember(
        &self,
        sight: &Sight,
        seen: &Seen,
        layer: LayerId,
        millis: u64,
        caches: Vec<CacheId>,
    ) -> Result<()> {
        if seen.wide {
            return Ok(self.store.put_wide(&sight.key)?);
        }
        Ok(self.store.put_run(&sight.key, Run { layer, facts: seen.facts.clone(), millis, caches })?)
    }
}

/// A step that came to its end.
pub struct Ran<'a> {
    /// All that was below it.
    pub below: &'a View,
    /// What it changed.
    pub changes: Vec<Change>,
    /// What it wrote and left as it was.
    pub unchanged: Vec<Vec<u8>>,
}

impl Ran<'_> {
    /// What tare itself looked at on the step's behalf: who its user is, and whether what it wrote is new.
    fn by_name(&self) -> Vec<(Vec<u8>, Look)> {
        let users: [&[u8]; 3] = [b"etc", b"etc/passwd", b"etc/group"];
        let users = users
            .iter()
            .flat_map(|path| [Look::Entry, Look::Link, Look::Content].map(|look| (path.to_vec(), look)));
        let same = self
            .unchanged
            .iter()
            .flat_map(|path| [Look::Stat, Look::Link, Look::Content].map(|look| (path.clone(), look)));
        users.chain(same).collect()
    }
}

/// Who asks for a file's status sees its time, which changes when the content does: `make` goes by it, and so does any
/// tool with a cache of its own, where without it would have read the file. Times are no facts, since a checkout sets
/// them anew, so the content stands in for the time. Unless the one who asked is known to go by content, and there was
/// nobody else who could have asked after it without our seeing it.
fn promoted(tree: &Tree, facts: &[Fact], by_content: &dyn Fn(&str) -> bool) -> std::io::Result<Facts> {
    let stats = facts.iter().filter(|fact| fact.look == Look::Stat && fact.answer.starts_with("file"));
    let read: BTreeSet<&str> =
        facts.iter().filter(|fact| fact.look == Look::Content).map(|fact| fact.path.as_str()).collect();
    let unread = stats.filter(|fact| !read.contains(fact.path.as_str()));
    let unknown = unread.filter(|fact| !fact.by.as_deref().is_some_and(by_content));
    let time = |fact: &Fact| {
        let path = trace::fact::unescape(&fact.path).unwrap_or_default();
        let answer = trace::answer(tree, &path, Look::Time)?;
        Ok(Fact { look: Look::Time, answer, ..fact.clone() })
    };
    unknown.map(time).collect()
}

/// Whether a step wrote Go files: what they embed is not known before.
fn writes_go(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change, Change::Put(entry) if entry.path.ends_with(b".go")))
}

/// The Go files of a directory as a step sees it, tests aside.
fn go_files(below: &View, dir: &[u8]) -> Vec<Vec<u8>> {
    let names = below.list(dir).unwrap_or_default().into_iter().map(|child| child.name);
    let source = names.filter(|name| name.ends_with(b".go") && !name.ends_with(b"_test.go"));
    source.filter_map(|name| below.read(&tree::found::join(dir, &name)).ok().flatten()).collect()
}
