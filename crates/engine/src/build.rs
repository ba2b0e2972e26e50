//! One build from beginning to end.
//!
//! ```text
//! text ─▶ stages ─▶ wants ─▶ facts ─▶ plan ─▶ every step ─▶ image ─▶ outputs
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock};

use plan::{Plan, StepId};
use store::{Action, LayerId, Store};

use crate::bases::Bases;
use crate::context::Contexts;
use crate::error::{Error, Result};
use crate::event::Voice;
use crate::logs::Logs;
use crate::origin::Origins;
use crate::settings::{Output, Settings, Timestamps};
use crate::times::Rule;

/// Everything that the steps of one build share.
pub struct Session<'a> {
    pub(crate) store: &'a Store,
    pub(crate) settings: &'a Settings,
    pub(crate) voice: &'a Voice<'a>,
    pub(crate) origins: &'a Origins,
    pub(crate) plan: &'a Plan,
    pub(crate) bases: &'a Bases,
    pub(crate) contexts: Contexts,
    pub(crate) logs: Logs,
    pub(crate) rule: Rule,
    pub(crate) empty: LayerId,
    pub(crate) one_stage: bool,
    stacks: Vec<OnceLock<Finished>>,
    running: Mutex<BTreeMap<StepId, sandbox::Control>>,
}

/// A step's result.
struct Finished {
    stack: Vec<LayerId>,
    cached: bool,
}

/// What a build came to.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image.
    pub image: oci::Image,
    /// Its layers as the store knows them.
    pub layers: Vec<LayerId>,
    /// How many steps were done, and how many of them again.
    pub steps: usize,
    /// How many were taken from an earlier build.
    pub cached: usize,
    /// What the largest stage that isn't part of the image weighs.
    pub builder: Option<Weight>,
    /// Names that were given, and what was written where.
    pub notes: Vec<String>,
    /// Which timestamp rule was used.
    pub timestamps: &'static str,
}

/// What a stage weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weight {
    /// Bytes of the base image's compressed layers.
    pub base: u64,
    /// Bytes of files in its own layers, which are not compressed as they go nowhere.
    pub files: u64,
}

/// Builds.
///
/// # Errors
/// If anything on the way fails; then nothing has been given a name. [`Error::NeedsWork`] if something has
/// to be unpacked or run and [`Settings::may_work`] is off.
pub fn build(store: &Store, settings: &Settings, origins: &Origins, voice: &Voice) -> Result<Built> {
    let (source, problems) = dockerfile::parse(&settings.dockerfile);
    if !problems.is_empty() {
        return Err(Error::Dockerfile(problems));
    }
    let stages = dockerfile::stages(&source).map_err(Error::Dockerfile)?;
    refuse_syntax(&source)?;
    let wants = plan::wants(&source, &stages, &settings.plan).map_err(|d| Error::Dockerfile(vec![d]))?;
    let bases = Bases::resolve(&wants, store, settings, origins, voice)?;
    let plan = plan::lower(&source, &stages, &settings.plan, &bases.facts()).map_err(Error::Dockerfile)?;
    plan.warnings.iter().for_each(|w| voice.warn(w.clone()));
    let session = Session::new(store, settings, origins, voice, &plan, &bases, stages.stages.len() == 1)?;
    let done = session.run_all();
    // Also when it failed: what was learnt about the context's files stays true.
    session.contexts.save(store);
    done?;
    let built = session.assemble()?;
    session.export(built)
}

/// `# syntax=` names a frontend image; the official one is what tare has built in.
fn refuse_syntax(source: &dockerfile::Dockerfile) -> Result<()> {
    let Some(syntax) = &source.directives.syntax else { return Ok(()) };
    let name = syntax.strip_prefix("docker.io/").unwrap_or(syntax);
    if ["docker/dockerfile", "docker/dockerfile-upstream"].iter().any(|known| is_image(name, known)) {
        return Ok(());
    }
    Err(format!("`# syntax={syntax}`: tare has the frontend docker/dockerfile built in and runs no other")
        .into())
}

fn is_image(name: &str, known: &str) -> bool {
    name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
}

impl<'a> Session<'a> {
    fn new(
        store: &'a Store,
        settings: &'a Settings,
        origins: &'a Origins,
        voice: &'a Voice<'a>,
        plan: &'a Plan,
        bases: &'a Bases,
        one_stage: bool,
    ) -> Result<Session<'a>> {
        let base = plan::Options { reproducible: true, epoch: None, ..settings.plan.clone() }
            .epoch_for(plan.outcome.base_created.as_deref())
            .unwrap_or(plan::options::EARLIEST);
        let rule = Rule { timestamps: settings.timestamps, epoch: settings.plan.epoch, base };
        Ok(Session {
            store,
            settings,
            voice,
            origins,
            plan,
            bases,
            contexts: Contexts::open(store, settings)?,
            logs: Logs::new(store),
            rule,
            empty: LayerId::Made(tree::id(&[])),
            one_stage,
            stacks: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            running: Mutex::new(BTreeMap::new()),
        })
    }

    /// The layers up to a step, lowest first. Only for steps that are done.
    pub fn stack_of(&self, id: StepId) -> Vec<LayerId> {
        self.finished(id).stack.clone()
    }

    fn finished(&self, id: StepId) -> &Finished {
        self.stacks[id.0 as usize].get().expect("a step runs after what it needs")
    }

    pub(crate) fn set_stack(&self, id: StepId, stack: Vec<LayerId>, cached: bool) {
        let set = self.stacks[id.0 as usize].set(Finished { stack, cached });
        assert!(set.is_ok(), "a step runs once");
    }

    /// How many steps there were, and how many came from the cache.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let cached = self.plan.ids().filter(|id| self.finished(*id).cached).count();
        (self.plan.steps.len(), cached)
    }

    /// What an earlier build knows of a step's key, unless it isn't to be asked.
    pub(crate) fn cached(&self, key: &plan::Key, id: StepId) -> Option<Action> {
        self.store.action(key).filter(|_| !self.runs_again(id))
    }

    /// Whether a step is to be done again whatever is known of it.
    pub(crate) fn runs_again(&self, id: StepId) -> bool {
        self.settings.no_cache || self.settings.rerun.contains(&self.plan.step(id).stage)
    }

    pub(crate) fn watch(&self, id: StepId, control: sandbox::Control) {
        self.running.lock().expect("no panic while held").insert(id, control);
        // The build may have been stopped between the look at the flag and now.
        if self.settings.cancel.load(Ordering::SeqCst) {
            self.stop();
        }
    }

    pub(crate) fn unwatch(&self, id: StepId) {
        self.running.lock().expect("no panic while held").remove(&id);
    }

    /// Kills every step that is running.
    pub(crate) fn stop(&self) {
        self.settings.cancel.store(true, Ordering::SeqCst);
        self.running.lock().expect("no panic while held").values().for_each(sandbox::Control::kill);
    }

    pub(crate) fn check_cancel(&self) -> Result<()> {
        match self.settings.cancel.load(Ordering::SeqCst) {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }
}

impl Settings {
    /// Whether an output needs the root file system as files.
    pub fn wants_files(&self) -> bool {
        self.outputs.iter().any(|o| matches!(o, Output::Tar { .. } | Output::Local { .. }))
    }

    /// Whether an output needs layers as blobs.
    pub fn wants_blobs(&self) -> bool {
        self.outputs.iter().any(|o| !matches!(o, Output::Tar { .. } | Output::Local { .. }))
    }

    /// Whether layers get times that depend on nothing but their content.
    pub fn is_reproducible(&self) -> bool {
        self.timestamps == Timestamps::Reproducible
    }
}
