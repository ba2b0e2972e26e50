//! RUN: whether what it made before will do, and what is kept of it if it was run.

use plan::{Key, StepId};
use store::LayerId;

use crate::build::Session;
use crate::error::{Error, Result};
use crate::event::Task;
use crate::execute::{Asked, Executed};
use crate::schedule::Made;
use crate::sight::Sight;
use crate::verify::Verdict;

impl Session<'_> {
    /// Does a RUN on top of `stack`.
    ///
    /// # Errors
    /// If the command fails, or can't be started, or its changes can't be kept.
    pub fn run(&self, id: StepId, run: &plan::Run, stack: &[LayerId], task: &Task) -> Result<Made> {
        let sources = self.voice.timed("read what is mounted", || self.mount_sources(run))?;
        let key = self.run_key(id, run, &sources, stack);
        self.note(id, |note| note.key = key.parts.clone());
        let _lock = self.store.lock(&key.hex()[..16])?;
        let exact = self.cached(&key, id);
        let verified = self.is_verified(&key);
        if let Some(action) = exact.as_ref().filter(|_| !verified) {
            return Ok(Made::cached(action.layer));
        }
        let sight = self.voice.timed("list what is watched", || self.sight(id, run, &sources, stack))?;
        self.note(id, |note| note.watched = sight.as_ref().map(|sight| sight.key.hex()));
        let asked = Asked { run, stack, sight };
        if let Some(action) = exact {
            self.check(id, &asked, &key, action.layer, task)?;
            return Ok(Made::cached(action.layer));
        }
        let known =
            self.voice.timed("look for an earlier run", || self.reusable(id, asked.sight.as_ref()))?;
        if let Some(known) = known {
            if verified {
                self.check(id, &asked, &key, known.layer, task)?;
            }
            self.store.put_action(&key, known.layer, known.millis, known.caches)?;
            return Ok(Made::traced(known.layer));
        }
        self.run_anew(id, &asked, &key, task)
    }

    fn run_anew(&self, id: StepId, asked: &Asked, key: &Key, task: &Task) -> Result<Made> {
        crate::foreign::check(self.plan.step(id))?;
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        self.note_lost_cache(id, key);
        let Executed { layer, seen, edited, .. } = self.execute(id, asked, task)?;
        if edited {
            return Ok(Made::new(layer));
        }
        let millis = task.age().as_millis() as u64;
        let caches = if self.is_empty(&layer) { self.caches(asked.run)? } else { Vec::new() };
        self.note(id, |note| note.wide |= seen.as_ref().is_some_and(|seen| seen.wide));
        if let Some((sight, seen)) = asked.sight.as_ref().zip(seen) {
            self.remember(sight, &seen, layer, millis, caches.clone())?;
        }
        self.store.put_action(key, layer, millis, caches)?;
        Ok(Made::new(layer))
    }

    /// `--verify`: what is kept must be what the step makes. If it isn't, it is forgotten.
    fn check(&self, id: StepId, asked: &Asked, key: &Key, kept: LayerId, task: &Task) -> Result<()> {
        let Verdict::Wrong(layer, how) = self.verify(id, asked, kept, task)? else { return Ok(()) };
        if let Some(sight) = &asked.sight {
            self.store.forget_run(&sight.key, &kept)?;
        }
        self.store.put_action(key, layer, task.age().as_millis() as u64, Vec::new())?;
        Err(format!("what was kept of this step isn't what it makes, which is a fault of tare: {how}; it is forgotten now").into())
    }

    /// A run of the same step whose facts hold today.
    fn reusable(&self, id: StepId, sight: Option<&Sight>) -> Result<Option<store::traces::Run>> {
        let Some(sight) = sight.filter(|_| !self.runs_again(id)) else { return Ok(None) };
        let found = sight.find()?;
        Ok(found.map_err(|broken| self.note(id, |note| note.broken = broken)).ok())
    }
}
