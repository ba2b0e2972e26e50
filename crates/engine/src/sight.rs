//! What a RUN has below it, parted: layers that its key names, and gaps whose use is watched.
//!
//! ```text
//! stack, from the bottom   base  base  COPY  RUN(large)  COPY  WORKDIR  RUN(small)
//! natives                  base  base        RUN
//! gaps                                 └ layer.2         └──── layer.3 ────────────
//! ```
//! Adjacent traced layers are one gap, named for the number of natives below it; the one on top is there even when it
//! is empty, so that a step which comes to stand above another has looked at nothing instead of having looked
//! unseen. Folders of the context that are mounted are gaps too: `mount.0`.
//!
//! The static key names all but the gaps. A run that is known of it can stand in for this one if every fact that it
//! rests on holds on today's gaps: see `store::traces` and [`trace::broken`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use plan::{Key, Part, StepId};
use store::LayerId;
use store::builds::Broken;
use store::layers::{Maker, Meta};
use store::traces::{Run, Traces};
use trace::{Fact, Natives, Tree};
use tree::view::layer::Layer;
use tree::view::listing::Listing;
use tree::{Change, View};

use crate::build::Session;
use crate::error::{Result, doing};
use crate::mounts::Sources;
use crate::readers::Proofs;
use crate::settings::Tracing;

/// What a RUN makes is served to later steps up to so many files and bytes: a step that reads more of it is better
/// off without, and package databases are as good as read whole.
const LARGEST_RUN: u64 = 5_000;
const LARGEST_RUN_BYTES: u64 = 64 << 20;

/// More files in one layer than this are not held in memory.
const LARGEST_COPY: u64 = 250_000;

/// More changes in one layer than this are looked up on disk.
const LONGEST_LIST: usize = 1_000;

/// What is known of layers during this build: each step has those below it that the one before had, and nobody
/// changes them.
#[derive(Default)]
pub struct Looked {
    /// The changes of those that are served; none of one that is native.
    served: Mutex<HashMap<LayerId, Option<Arc<Vec<Change>>>>>,
    /// Those that steps had below them.
    opened: Mutex<HashMap<LayerId, Layer>>,
    natives: Mutex<HashMap<Vec<LayerId>, Arc<Natives>>>,
    /// What is known of programs in them.
    pub proofs: Arc<Proofs>,
}

/// What a step has below it.
pub struct Sight {
    /// The static key.
    pub key: Key,
    /// What is under and between the gaps, lowest first.
    pub natives: Vec<LayerId>,
    /// The gaps by name.
    pub gaps: BTreeMap<String, Gap>,
    /// What earlier runs saw.
    pub known: Traces,
}

/// Adjacent traced layers, or a mounted folder.
#[derive(Default)]
pub struct Gap {
    layers: Vec<Arc<Vec<Change>>>,
    /// Those of them whose bytes lie where the user may edit them.
    pub loose: Vec<Arc<Vec<Change>>>,
    tree: OnceLock<Arc<Tree>>,
}

impl Gap {
    /// The files.
    pub fn tree(&self) -> &Arc<Tree> {
        self.tree.get_or_init(|| Arc::new(self.merged()))
    }

    /// The files, with times that tell of their content.
    pub fn tree_by_content(&self) -> Arc<Tree> {
        Arc::new(self.merged().with_content_times())
    }

    fn merged(&self) -> Tree {
        let layers: Vec<&[Change]> = self.layers.iter().map(|layer| layer.as_slice()).collect();
        Tree::new(&layers)
    }
}

impl Sight {
    /// The name of the gap over the first `below` natives.
    pub fn gap_name(below: usize) -> String {
        format!("layer.{below}")
    }

    /// The name of the gap that is mounted by the mount of that number.
    pub fn mount_name(mount: usize) -> String {
        format!("mount.{mount}")
    }

    /// What of the other gaps lies below that one, lowest first. None of a mounted folder, which lies over nothing.
    pub fn gaps_below(&self, name: &str) -> Option<Vec<Arc<Tree>>> {
        let below: usize = name.strip_prefix("layer.")?.parse().ok()?;
        let gaps = (0..below).filter_map(|natives| self.gaps.get(&Sight::gap_name(natives)));
        Some(gaps.map(|gap| gap.tree().clone()).collect())
    }

    /// The newest known run all of whose facts hold; if there is none, what has broken the newest.
    ///
    /// # Errors
    /// If a file that has to be read can't be.
    pub fn find(&self) -> Result<std::result::Result<Run, Option<Broken>>> {
        let mut first = None;
        for run in &self.known.runs {
            match self.check(run)? {
                None => return Ok(Ok(run.clone())),
                Some(broken) => first = first.or(Some(broken)),
            }
        }
        Ok(Err(first))
    }

    fn check(&self, run: &Run) -> Result<Option<Broken>> {
        let empty = Gap::default();
        for (name, facts) in &run.facts {
            let gap = self.gaps.get(name).unwrap_or(&empty);
            let broken = trace::broken(facts, gap.tree()).map_err(doing("compare what a step read"))?;
            if let Some((fact, now)) = broken {
                return Ok(Some(Broken { gap: name.clone(), fact: fact.clone(), now }));
            }
        }
        // Nobody watched what wasn't there.
        let new =
            self.gaps.iter().find(|(name, gap)| !run.facts.contains_key(*name) && !gap.tree().is_empty());
        Ok(new.map(|(name, _)| Broken { gap: name.clone(), fact: unwatched(), now: "new".to_owned() }))
    }
}

fn unwatched() -> Fact {
    Fact { path: String::new(), look: trace::Look::Entry, answer: "absent".to_owned(), by: None }
}

impl Session<'_> {
    /// What a step has below it; none if it isn't to be watched.
    ///
    /// # Errors
    /// If a layer's list can't be read.
    pub fn sight(
        &self,
        id: StepId,
        run: &plan::Run,
        sources: &Sources,
        stack: &[LayerId],
    ) -> Result<Option<Sight>> {
        if self.settings.tracing == Tracing::Off {
            return Ok(None);
        }
        let (natives, mut gaps) = self.part(stack)?;
        gaps.extend(sources.gaps.iter().map(|(i, changes)| {
            let layers = vec![Arc::new(inside(changes))];
            (Sight::mount_name(*i), Gap { loose: layers.clone(), layers, tree: OnceLock::new() })
        }));
        let mut parts = self.run_parts(id, run);
        parts.push(Part::plain("trace", format!("{:?} 2", self.settings.tracing)));
        parts.extend(sources.fixed.iter().cloned());
        parts.push(self.layers_part("layers", &natives));
        let key = Key::of(parts);
        let known = self.store.traces(&key);
        self.note(id, |note| note.wide = known.wide);
        Ok((!known.wide).then_some(Sight { key, natives, gaps, known }))
    }

    /// Natives and gaps of a stack.
    fn part(&self, stack: &[LayerId]) -> Result<(Vec<LayerId>, BTreeMap<String, Gap>)> {
        let (mut natives, mut gaps) = (Vec::new(), BTreeMap::<String, Gap>::new());
        for id in self.distinct(stack) {
            match self.served(id)? {
                None => natives.push(*id),
                Some(changes) => {
                    let gap = gaps.entry(Sight::gap_name(natives.len())).or_default();
                    gap.layers.push(changes);
                    gap.loose.extend(self.loose(id)?.map(|loose| loose.changes));
                }
            }
        }
        gaps.entry(Sight::gap_name(natives.len())).or_default();
        Ok((natives, gaps))
    }

    /// A layer's changes, if steps get it served.
    fn served(&self, id: &LayerId) -> Result<Option<Arc<Vec<Change>>>> {
        let looked = &self.looked.served;
        if let Some(known) = looked.lock().expect("no panic while held").get(id) {
            return Ok(known.clone());
        }
        let served = match (self.loose(id)?, self.store.layer_meta(id).filter(is_served)) {
            (Some(loose), _) => Some(loose.changes),
            (None, Some(_)) => Some(Arc::new(self.changes_on_disk(id)?)),
            (None, None) => None,
        };
        looked.lock().expect("no panic while held").insert(*id, served.clone());
        Ok(served)
    }

    /// The natives of a step, merged.
    ///
    /// # Errors
    /// As [`Session::view`].
    pub fn natives(&self, ids: &[LayerId]) -> Result<Arc<Natives>> {
        let looked = &self.looked.natives;
        if let Some(known) = looked.lock().expect("no panic while held").get(ids) {
            return Ok(known.clone());
        }
        let natives = Arc::new(Natives::new(View::of(self.layers_below(&ids.iter().collect::<Vec<_>>())?)));
        looked.lock().expect("no panic while held").insert(ids.to_vec(), natives.clone());
        Ok(natives)
    }

    /// As [`Session::view`], without asking the disk again for what other steps had below them, and not at all for the
    /// names in small layers.
    ///
    /// # Errors
    /// As [`Session::view`].
    pub fn view_below(&self, stack: &[LayerId]) -> Result<View> {
        let distinct = self.distinct(stack);
        // The mode and time of the root are those of the top folder, and in no list.
        let Some((top, below)) = distinct.split_last() else { return self.view(stack) };
        let mut layers = self.view(&[**top])?.layers().to_vec();
        layers.extend(self.layers_below(below)?);
        Ok(View::of(layers))
    }

    /// The top one first.
    fn layers_below(&self, ids: &[&LayerId]) -> Result<Vec<Layer>> {
        self.open(ids)?;
        ids.iter().rev().map(|id| self.opened_below(id)).collect()
    }

    /// Opens those that no step had below it so far, in one go: some may have to be fetched.
    fn open(&self, below: &[&LayerId]) -> Result<()> {
        let mut unknown = Vec::new();
        for id in below {
            let known = self.looked.opened.lock().expect("no panic while held").contains_key(id);
            // What is loose may come to the disk any time, and is read from where it lies until then.
            if !known && self.loose(id)?.is_none() {
                unknown.push(**id);
            }
        }
        self.bring(&unknown)?;
        for id in unknown {
            let layer = match self.served(&id)?.filter(|changes| changes.len() <= LONGEST_LIST) {
                Some(changes) => Layer::Listed(Listing::new(&changes).map_err(doing("list a layer"))?),
                None => self.one_layer(&id)?,
            };
            self.looked.opened.lock().expect("no panic while held").insert(id, layer);
        }
        Ok(())
    }

    fn opened_below(&self, id: &LayerId) -> Result<Layer> {
        let known = self.looked.opened.lock().expect("no panic while held").get(id).cloned();
        known.map_or_else(|| self.one_layer(id), Ok)
    }

    fn one_layer(&self, id: &LayerId) -> Result<Layer> {
        Ok(self.view(&[*id])?.layers()[0].clone())
    }

    /// Where files are read from is the layer's folder, which has to be there first; who may not work reads nothing.
    fn changes_on_disk(&self, id: &LayerId) -> Result<Vec<Change>> {
        if self.settings.may_work {
            self.bring(&[*id])?;
        }
        Ok(self.store.layer_changes(id)?)
    }
}

/// Whether a layer is served to steps, so that what they read of it is seen.
pub fn is_served(meta: &Meta) -> bool {
    meta.traceable
        && match meta.maker {
            Maker::Copy => meta.entries <= LARGEST_COPY,
            Maker::Run => meta.entries <= LARGEST_RUN && meta.bytes <= LARGEST_RUN_BYTES,
        }
}

/// A mounted folder's changes, named from the folder itself.
fn inside(changes: &[Change]) -> Vec<Change> {
    let prefix = [crate::mounts::SOURCE.as_bytes(), b"/"].concat();
    let strip = |change: &Change| match change {
        Change::Put(entry) => {
            let path = entry.path.strip_prefix(prefix.as_slice())?.to_vec();
            Some(Change::Put(tree::Entry { path: path.into(), ..entry.clone() }))
        }
        // What is copied to an empty root removes nothing.
        Change::Remove(_) | Change::Opaque(_) => None,
    };
    changes.iter().filter_map(strip).collect()
}
