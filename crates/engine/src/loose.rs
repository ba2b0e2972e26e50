//! Layers that are not copied: what COPY brings from a context stays there as long as steps only read it.
//!
//! Only of a stage that is no part of the image, and only what can be served. Such a layer has a list in the store and
//! no files; its bytes are the context's, whose digests the list has. It is copied after all when somebody needs
//! files on disk. Since the user may go on editing, a step that read a file which changed meanwhile is not
//! remembered.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};

use plan::{Op, StepId};
use store::LayerId;
use store::layers::Maker;
use trace::{Facts, Look};
use tree::view::layer::Layer;
use tree::view::listing::Listing;
use tree::{Change, Kind, Source, Time};

use crate::build::Session;
use crate::error::{Result, doing};
use crate::made::meta_of;
use crate::settings::Tracing;

/// A layer whose bytes are in a context.
#[derive(Clone)]
pub struct Loose {
    /// What it puts.
    pub changes: Arc<Vec<Change>>,
    listing: Arc<Listing>,
}

/// Those of this build.
pub type LooseLayers = Mutex<HashMap<LayerId, State>>;

/// How much is known of one.
pub enum State {
    /// An earlier build kept its list, and this COPY brings the bytes: nobody has asked for them yet.
    Listed(plan::Copy),
    /// Somebody has.
    Bound(Loose),
}

impl Session<'_> {
    /// A layer whose bytes are in a context; none if it is another.
    ///
    /// # Errors
    /// If its list can't be read.
    pub fn loose(&self, id: &LayerId) -> Result<Option<Loose>> {
        let mut all = self.loose.lock().expect("no panic while held");
        let Some(state) = all.get_mut(id) else { return Ok(None) };
        if let State::Listed(copy) = state {
            *state = State::Bound(bound(self.store.layer_changes(id)?, &self.today(copy)?)?);
        }
        match state {
            State::Bound(loose) => Ok(Some(loose.clone())),
            State::Listed(_) => unreachable!("it was bound above"),
        }
    }

    /// As one layer of a view, if it is loose and not on disk besides.
    ///
    /// # Errors
    /// If its list can't be read.
    pub fn loose_layer(&self, id: &LayerId) -> Result<Option<Layer>> {
        if self.store.has_fs(id) {
            return Ok(None);
        }
        Ok(self.loose(id)?.map(|loose| Layer::Listed(loose.listing)))
    }

    /// Whether what a step makes may stay where it is.
    pub fn may_stay_loose(&self, id: StepId) -> bool {
        let is_exported = self.plan.outcome.tip.is_some_and(|tip| self.plan.stands_on(tip, id));
        let is_run = |id: StepId| matches!(self.plan.step(id).op, Op::Run(_));
        self.settings.tracing != Tracing::Off
            && !is_exported
            && self.plan.ids().any(|other| is_run(other) && self.plan.needs(other).any(|n| n == id))
    }

    /// Keeps what a COPY brings as a list. Nothing if that can't be.
    ///
    /// # Errors
    /// If the list can't be written.
    pub fn keep_loose(&self, changes: &Arc<Vec<Change>>, started: Time) -> Result<Option<LayerId>> {
        let meta = meta_of(changes, Maker::Copy, started, Vec::new());
        if !crate::sight::is_served(&meta) {
            return Ok(None);
        }
        let id = LayerId::Made(tree::id(changes));
        if self.store.has_layer(&id) {
            return Ok(None);
        }
        self.store.put_layer(&id, changes, &meta)?;
        self.add_loose(id, State::Bound(Loose::new(changes.clone())?));
        Ok(Some(id))
    }

    /// Says where the bytes of a layer are which an earlier build kept as a list. Says no if there is no list.
    pub fn find_loose(&self, id: &LayerId, copy: &plan::Copy) -> bool {
        let listed = self.store.layer_meta(id).is_some();
        if listed {
            self.add_loose(*id, State::Listed(copy.clone()));
        }
        listed
    }

    fn add_loose(&self, id: LayerId, state: State) {
        self.loose.lock().expect("no panic while held").insert(id, state);
    }
}

impl Loose {
    fn new(changes: Arc<Vec<Change>>) -> Result<Loose> {
        let listing = Listing::new(&changes).map_err(doing("list what is copied"))?;
        Ok(Loose { changes, listing })
    }
}

/// A list with the bytes of today's context.
fn bound(mut changes: Vec<Change>, today: &[Change]) -> Result<Loose> {
    let sources: HashMap<[u8; 32], &Source> =
        today.iter().filter_map(file).map(|(_, content, source)| (content, source)).collect();
    for change in &mut changes {
        let Change::Put(entry) = change else { continue };
        if let Kind::File { content, source, .. } = &mut entry.kind {
            let today = sources.get(&content.0);
            *source = (*today
                .ok_or_else(|| "a layer that was listed is not what the context has".to_owned())?)
            .clone();
        }
    }
    Loose::new(Arc::new(changes))
}

fn file(change: &Change) -> Option<(&[u8], [u8; 32], &Source)> {
    match change {
        Change::Put(entry) => match &entry.kind {
            Kind::File { content, source, .. } => Some((&entry.path, content.0, source)),
            _ => None,
        },
        _ => None,
    }
}

/// The first file that a step read and that changed while it ran. `facts` are those of the gap that has the layers.
///
/// The end is compared with the digest, and the time at which the inode last changed with the start: what was other in
/// between, though it is as before now, has a new time.
pub fn edited(layers: &[Arc<Vec<Change>>], facts: &Facts, started: Time) -> Option<String> {
    let read: Vec<Vec<u8>> = facts
        .iter()
        .filter(|fact| matches!(fact.look, Look::Content | Look::Time | Look::GoHead))
        .filter_map(|fact| trace::fact::unescape(&fact.path))
        .collect();
    if read.is_empty() {
        return None;
    }
    let files: HashMap<&[u8], ([u8; 32], &Source)> =
        layers.iter().flat_map(|layer| layer.iter()).filter_map(file).map(|(p, c, s)| (p, (c, s))).collect();
    let changed = |path: &&Vec<u8>| {
        files.get(path.as_slice()).is_some_and(|(content, source)| !is_as_listed(source, content, started))
    };
    read.iter().find(changed).map(|path| String::from_utf8_lossy(path).into_owned())
}

fn is_as_listed(source: &Source, content: &[u8; 32], started: Time) -> bool {
    let Source::Disk { root, path } = source else { return true };
    let same = || -> std::io::Result<bool> {
        let mut file = root.file(path)?;
        let meta = file.metadata()?;
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut file, &mut hasher)?;
        let older = (meta.ctime(), meta.ctime_nsec()) < (started.sec, i64::from(started.nsec));
        Ok(older && hasher.finalize().as_bytes() == content)
    };
    same().unwrap_or(false)
}
