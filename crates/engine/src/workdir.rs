//! WORKDIR: makes the directories that are missing, owned by the user of that place (trap 40).

use plan::StepId;
use store::LayerId;
use tree::{Change, Entry, Kind, Meta, Time, View};

use crate::build::Session;
use crate::error::{Result, doing};
use crate::made::Form;
use crate::schedule::Made;

impl Session<'_> {
    /// Does a WORKDIR on top of `stack`.
    ///
    /// # Errors
    /// If something that is no directory is in the way.
    pub fn workdir(
        &self,
        id: StepId,
        workdir: &plan::graph::Workdir,
        stack: &[LayerId],
        form: Form,
    ) -> Result<Made> {
        let key = self.workdir_key(workdir, stack);
        self.note(id, |note| note.key = key.parts.clone());
        let _lock = self.store.lock(&key.hex()[..16])?;
        if let Some(action) = self.cached(&key, id) {
            return Ok(Made::cached(action.layer));
        }
        let started = self.store.disk_time()?;
        let view = self.view(stack)?;
        let changes = changes(workdir, &view, started)?;
        let layer = self.keep(&changes, started, form)?;
        self.store.put_action(&key, layer, 0, Vec::new())?;
        Ok(Made::new(layer))
    }
}

fn changes(workdir: &plan::graph::Workdir, view: &View, now: Time) -> Result<Vec<Change>> {
    let say = || doing(format_args!("WORKDIR `{}`", workdir.path).to_string());
    let path = view.resolve(workdir.path.trim_matches('/').as_bytes(), true).map_err(say())?;
    let owner = tree::users::chown(&workdir.user, view).map_err(say())?;
    let meta = Meta { mode: 0o755, uid: owner.uid, gid: owner.gid, mtime: now, ..Meta::default() };
    let mut changes = Vec::new();
    for ancestor in ancestors(&path) {
        let there = view.lookup(ancestor).map_err(say())?;
        match there {
            None => changes.push(Change::Put(Entry {
                path: ancestor.into(),
                meta: meta.clone(),
                kind: Kind::Dir,
            })),
            Some(node) if node.stat.kind == tree::root::Type::Dir => {
                // Put again only if something below it is new (trap 50).
                let found = view.found(ancestor, &node).map_err(say())?;
                changes.extend(
                    found.map(|f| Change::Put(Entry { path: f.path, meta: f.meta, kind: Kind::Dir })),
                );
            }
            Some(_) => {
                let name = String::from_utf8_lossy(ancestor);
                return Err(format!("WORKDIR `{}`: `/{name}` is not a directory", workdir.path).into());
            }
        }
    }
    let is_new = view.lookup(&path).map_err(say())?.is_none();
    Ok(if is_new { changes } else { Vec::new() })
}

/// `a`, `a/b`, `a/b/c`.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cuts = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
    cuts.chain([path.len()]).map(|end| &path[..end]).filter(|p| !p.is_empty())
}
