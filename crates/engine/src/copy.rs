//! COPY and ADD: sources to the layer that they make.
//!
//! Two looks before anything is read twice: the key of what was selected, then the digest of the changes
//! themselves. Only when both are new is a byte copied.

use std::sync::Arc;

use dockerfile::{Chmod, Patterns};
use plan::{From, Op, Part, StepId};
use store::LayerId;
use tree::copy::{Copy as How, Item, Origin};
use tree::hash::Hashes;
use tree::{Change, Entry, Found, Meta, View};

use crate::build::Session;
use crate::context::{Folder, Looked, Scanned};
use crate::elsewhere::Wanted;
use crate::error::{Error, Result, doing};
use crate::made::Form;
use crate::schedule::Made;

/// What a COPY takes from, opened.
struct Source<'a> {
    place: Place<'a>,
    /// For each source that is no path, what it brought.
    brought: Vec<Option<Brought>>,
    /// All of the folder, if that is the source and nobody else wants it: the list becomes that of the changes.
    whole: Option<Vec<Found>>,
}

enum Place<'a> {
    Folder(&'a Folder, Arc<Scanned>),
    View(View),
}

/// What ADD got from elsewhere.
enum Brought {
    File(Box<Found>),
    Archive(Vec<Entry>),
    Tree(Vec<Found>),
}

impl Source<'_> {
    fn origin(&self) -> Origin<'_> {
        match &self.place {
            Place::Folder(_, scanned) => Origin::Context(&scanned.found),
            Place::View(view) => Origin::View(view),
        }
    }

    /// How the sources look, where that tells of what is copied: not where archives are unpacked.
    fn looked(&self, copy: &plan::Copy) -> Looked {
        let plain = !copy.add && copy.inline.is_empty() && self.brought.iter().all(Option::is_none);
        match &self.place {
            Place::Folder(folder, scanned) if plain => {
                let sources: Vec<&[u8]> =
                    copy.sources.iter().map(|source| source.text().as_bytes()).collect();
                folder.looked(scanned, &sources, copy.parents, format!("{:?}", alone(copy)))
            }
            _ => Looked::default(),
        }
    }

    /// Takes the walk away from the folder, if it is nobody else's.
    fn claim(&mut self) {
        if let Place::Folder(folder, scanned) = &mut self.place {
            folder.forget();
            if let Some(all) = Arc::get_mut(scanned) {
                self.whole = Some(std::mem::take(&mut all.found));
            }
        }
    }

    fn remember(&self, looked: Looked, content: [u8; 32]) {
        if let Place::Folder(folder, scanned) = &self.place {
            folder.remember(scanned, looked, content);
        }
    }

    fn hashes(&self) -> &dyn Hashes {
        match &self.place {
            Place::Folder(folder, _) => folder.hashes(),
            Place::View(_) => &tree::hash::NoHashes,
        }
    }
}

impl Session<'_> {
    /// Does a COPY or ADD on top of `stack`.
    ///
    /// # Errors
    /// If a source isn't there, can't go where it should, or changed under the build.
    pub fn copy(&self, step: StepId, copy: &plan::Copy, stack: &[LayerId], form: Form) -> Result<Made> {
        let (content, source) = self.voice.timed("read what is copied", || self.copy_content(copy))?;
        let key = self.copy_key(copy, content, stack);
        self.note(step, |note| note.key = key.parts.clone());
        let _lock = self.store.lock(&key.hex()[..16])?;
        if let Some(action) = self.cached(&key, step) {
            return Ok(Made::cached(action.layer));
        }
        let loose = form == Form::Files && source.is_some() && self.may_stay_loose(step);
        if let Some(layer) = self.store.layer_of(&key).filter(|_| loose && !self.runs_again(step))
            && self.find_loose(&layer, copy)
        {
            return Ok(Made::cached(layer));
        }
        let started = self.store.disk_time()?;
        let mut source = source.map_or_else(|| self.copy_source(copy), Ok)?;
        let below = self.view(stack)?;
        if is_whole(copy) && self.is_last_of_contexts(step) {
            source.claim();
        }
        let changes = Arc::new(self.changes(copy, &mut source, &below, started)?);
        let id = LayerId::Made(tree::id(&changes));
        let known = self.store.layer_meta(&id).is_some() && !self.runs_again(step);
        let kept = if loose { self.keep_loose(&changes, started)? } else { None };
        if kept.is_none() {
            self.voice.timed("write the layer", || self.keep_as(id, &changes, started, form))?;
        }
        self.store.put_action(&key, id, 0, Vec::new())?;
        Ok(if known { Made::cached(id) } else { Made::new(id) })
    }

    /// What the key knows of the sources: their content if they are in a folder, the layers if they are in
    /// a stage. The folder is handed on, as it has been walked.
    fn copy_content(&self, copy: &plan::Copy) -> Result<(Vec<Part>, Option<Source<'_>>)> {
        match &copy.from {
            From::Step(Some(id)) => Ok((vec![self.layers_part("from.layers", &self.stack_of(*id))], None)),
            From::Step(None) => Ok((vec![Part::plain("from", "scratch")], None)),
            From::Context | From::Named(_) => {
                let mut source = self.copy_source(copy)?;
                let content = Part::plain("content", oci::digest::hex(&self.content(copy, &mut source)?));
                Ok((vec![content], Some(source)))
            }
        }
    }

    /// The digest of what is copied from a folder; nothing is read if it looks as it did.
    fn content(&self, copy: &plan::Copy, source: &mut Source) -> Result<[u8; 32]> {
        let looked = source.looked(copy);
        if let Some(content) = looked.content {
            return Ok(content);
        }
        let content = match self.content_of_folder(copy, source)? {
            Some(content) => content,
            None => tree::id(&self.sources_alone(copy, source)?),
        };
        source.remember(looked, content);
        Ok(content)
    }

    /// The same without a list of the changes, where that can be.
    fn content_of_folder(&self, copy: &plan::Copy, source: &Source) -> Result<Option<[u8; 32]>> {
        let (Place::Folder(folder, scanned), Some(path)) = (&source.place, only_path(copy)) else {
            return Ok(None);
        };
        let copy = alone(copy);
        let terms = self.terms(&copy, &View::new(Vec::new()))?;
        let how = terms.how(&copy, tree::Time::default());
        tree::copy::alone(&how, &scanned.found, path.as_bytes(), folder.hashes())
            .map_err(|e| self.explain(&copy, source, e))
    }

    /// Whether no step of this build that is still to come looks into a context.
    fn is_last_of_contexts(&self, step: StepId) -> bool {
        let looks = |id: StepId| match &self.plan.step(id).op {
            Op::Copy(copy) => !matches!(copy.from, From::Step(_)),
            Op::Run(run) => run.mounts.iter().any(|(_, from)| !matches!(from, From::Step(_))),
            _ => false,
        };
        let is_done = |id: StepId| !self.own_layers(id).is_empty();
        !self.settings.is_several() && !self.plan.ids().any(|id| id != step && looks(id) && !is_done(id))
    }

    /// What is copied, on nothing. Owners are names of the real file system below; here only the sources count.
    fn sources_alone(&self, copy: &plan::Copy, source: &mut Source) -> Result<Vec<Change>> {
        self.changes(&alone(copy), source, &View::new(Vec::new()), tree::Time::default())
    }

    /// What a COPY from a context brings today.
    pub(crate) fn today(&self, copy: &plan::Copy) -> Result<Vec<Change>> {
        self.sources_alone(copy, &mut self.copy_source(copy)?)
    }

    fn copy_source(&self, copy: &plan::Copy) -> Result<Source<'_>> {
        let brought =
            copy.sources.iter().map(|source| self.bring_source(copy, source)).collect::<Result<_>>()?;
        Ok(Source { place: self.copy_place(copy)?, brought, whole: None })
    }

    fn copy_place(&self, copy: &plan::Copy) -> Result<Place<'_>> {
        let folder = match &copy.from {
            From::Context if copy.sources.iter().all(|source| source.path().is_none()) => {
                return Ok(Place::View(View::new(Vec::new())));
            }
            From::Context => self.contexts.main()?,
            From::Named(name) => self.contexts.named(name)?,
            From::Step(id) => {
                let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                return Ok(Place::View(self.view(&stack)?));
            }
        };
        let scanned = self.voice.timed("scan the context", || folder.scanned(&self.elsewhere()))?;
        Ok(Place::Folder(folder, scanned))
    }

    /// ADD of what isn't here: fetched, unless it is known.
    fn bring_source(&self, copy: &plan::Copy, source: &plan::Source) -> Result<Option<Brought>> {
        let (elsewhere, all) = (self.elsewhere(), Patterns::default());
        Ok(match source {
            plan::Source::Path(_) => None,
            plan::Source::Git { git, .. } => {
                let locked = self.settings.lock.commit(git);
                Some(Brought::Tree(elsewhere.list(&elsewhere.repository(git, locked)?, &all)?))
            }
            plan::Source::Url { url, checksum } => {
                let name = dockerfile::address::file_name(url);
                let locked = self.settings.lock.url(url);
                let (checksum, locked) = (checksum.as_ref(), locked.as_ref());
                let wanted = Wanted { url, name: &name, checksum, locked };
                // Unlike a local archive, one from the network is unpacked on request only.
                let (layer, is_archive) = match copy.unpack {
                    Some(true) => elsewhere.unpacked(&wanted)?,
                    _ => (elsewhere.file(&wanted)?.layer, false),
                };
                match is_archive {
                    true => Some(Brought::Archive(elsewhere.entries(&layer)?)),
                    false => elsewhere.list(&layer, &all)?.pop().map(Box::new).map(Brought::File),
                }
            }
        })
    }

    fn changes(
        &self,
        copy: &plan::Copy,
        source: &mut Source,
        below: &View,
        created: tree::Time,
    ) -> Result<Vec<Change>> {
        let terms = self.terms(copy, below)?;
        let whole = source.whole.take();
        let items = match whole {
            Some(all) => vec![Item::All(all)],
            None => self.items(copy, source, created)?,
        };
        tree::copy(&terms.how(copy, created), items, below, source.hashes())
            .map_err(|e| self.explain(copy, source, e))
    }

    fn terms(&self, copy: &plan::Copy, below: &View) -> Result<Terms> {
        let bad =
            |what: &str, text: &str, why: String| Error::Other(format!("invalid {what} `{text}`: {why}"));
        let chmod =
            copy.chmod.as_deref().map(|m| Chmod::parse(m).map_err(|e| bad("chmod", m, e.to_string())));
        let chmod = chmod.transpose()?;
        let exclude = Patterns::from_list(&copy.exclude).map_err(|p| bad("exclude", "", p.message))?;
        Ok(Terms { chown: self.owner(copy, below)?, chmod, exclude })
    }

    fn owner(&self, copy: &plan::Copy, below: &View) -> Result<Option<(u32, u32)>> {
        let Some(spec) = &copy.chown else { return Ok(None) };
        let owner = tree::users::chown(spec, below).map_err(doing(format_args!("look up owner `{spec}`")))?;
        for name in &owner.unknown {
            self.voice.warn(format!("`{name}` of --chown={spec} is not known in the image; root is taken"));
        }
        Ok(Some((owner.uid, owner.gid)))
    }

    fn items<'a>(
        &self,
        copy: &'a plan::Copy,
        source: &'a Source,
        created: tree::Time,
    ) -> Result<Vec<Item<'a>>> {
        let mut items = Vec::new();
        for (one, brought) in copy.sources.iter().zip(&source.brought) {
            match (brought, one.text()) {
                (Some(Brought::File(found)), _) => items.push(Item::File((**found).clone())),
                (Some(Brought::Archive(entries)), _) => items.push(Item::Archive(entries.clone())),
                (Some(Brought::Tree(found)), _) => {
                    items.push(Item::Path { origin: Origin::Context(found), path: b"/" });
                }
                (None, path) if copy.add && copy.unpack != Some(false) => {
                    items.extend(self.add_items(copy, source, path)?);
                }
                (None, path) => items.push(Item::Path { origin: source.origin(), path: path.as_bytes() }),
            }
        }
        for (name, text) in &copy.inline {
            let meta = Meta { mode: 0o644, mtime: created, ..Meta::default() };
            let bytes = text.as_slice().into();
            items.push(Item::File(Found::bytes(name.clone().into_bytes(), meta, bytes)));
        }
        Ok(items)
    }

    /// ADD: what is an archive by its content is unpacked (trap 26).
    fn add_items<'a>(&self, copy: &plan::Copy, source: &'a Source, path: &str) -> Result<Vec<Item<'a>>> {
        let origin = source.origin();
        let picked = origin.select(path.as_bytes()).map_err(|e| self.explain(copy, source, e))?;
        let mut items = Vec::new();
        for one in picked {
            match self.unpack_source(&one.found)? {
                Some(entries) => items.push(Item::Archive(entries)),
                None => items.push(Item::Picked { origin, picked: one }),
            }
        }
        Ok(items)
    }

    fn unpack_source(&self, found: &Found) -> Result<Option<Vec<Entry>>> {
        let tree::found::Shape::File(file) = &found.shape else { return Ok(None) };
        let say = || doing(format_args!("read `{}`", String::from_utf8_lossy(&found.path)).to_string());
        if !layer::archive::is_archive(file.source.open().map_err(say())?).map_err(say())? {
            return Ok(None);
        }
        let scratch = self.store.scratch("archive")?;
        std::fs::create_dir(&scratch).map_err(doing("create a folder for an archive"))?;
        layer::archive::entries(file.source.open().map_err(say())?, &scratch).map(Some).map_err(say())
    }

    /// "Not found" is most often an ignore file's doing: say so.
    fn explain(&self, copy: &plan::Copy, source: &Source, e: std::io::Error) -> Error {
        let hidden = match &source.place {
            Place::Folder(folder, _) => copy.sources.iter().find_map(|s| folder.hidden_by(s.path()?)),
            Place::View(_) => None,
        };
        match hidden.filter(|_| e.kind() == std::io::ErrorKind::NotFound) {
            Some(rule) => Error::Other(format!("{e} (it is left out of the context by {rule})")),
            None => Error::Other(e.to_string()),
        }
    }
}

/// The flags of a COPY, understood.
struct Terms {
    chown: Option<(u32, u32)>,
    chmod: Option<Chmod>,
    exclude: Patterns,
}

impl Terms {
    fn how<'a>(&'a self, copy: &'a plan::Copy, created: tree::Time) -> How<'a> {
        How {
            dest: copy.dest.as_bytes(),
            chown: self.chown,
            chmod: self.chmod.as_ref(),
            link: copy.link,
            parents: copy.parents,
            exclude: &self.exclude,
            created,
        }
    }
}

/// The one source, if that is a path and not to be unpacked.
fn only_path(copy: &plan::Copy) -> Option<&str> {
    let unpacks = copy.add && copy.unpack != Some(false);
    match copy.sources.as_slice() {
        [source] if copy.inline.is_empty() && !unpacks => source.path(),
        _ => None,
    }
}

/// Whether all of a place is copied.
fn is_whole(copy: &plan::Copy) -> bool {
    let is_root = |path: &str| path.split('/').all(|part| matches!(part, "" | "."));
    !copy.parents && only_path(copy).is_some_and(is_root)
}

/// The same to the root and to no owner.
fn alone(copy: &plan::Copy) -> plan::Copy {
    plan::Copy { chown: None, dest: "/".to_owned(), ..copy.clone() }
}
