//! One build from beginning to end.
//!
//! ```text
//! text ─▶ stages ─▶ wants ─▶ facts ─▶ plan ─▶ every step ─▶ image ─▶ outputs
//! ```
//! With several platforms there are as many plans, each with a session of its own, done one after the other.
//! A step that two of them need has one key, so the second finds what the first has made. Only what comes out
//! is put together again, see `export`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use dockerfile::{Dockerfile, Stages};
use oci::{Image, Platform, Tagged};
use plan::{Options, Plan, StepId, Want};
use store::builds::Record;
use store::{Action, LayerId, Store};

use crate::bases::Bases;
use crate::context::Contexts;
use crate::error::{Error, Result};
use crate::event::Voice;
use crate::logs::Logs;
use crate::loose::LooseLayers;
use crate::note::Notes;
use crate::origin::Origins;
use crate::settings::{Output, Settings, Timestamps};
use crate::sight::Looked;
use crate::times::Rule;

/// What the platforms of one build share.
#[derive(Clone, Copy)]
struct Common<'a> {
    store: &'a Store,
    settings: &'a Settings,
    voice: &'a Voice<'a>,
    origins: &'a Origins,
    bases: &'a Bases,
    contexts: &'a Contexts,
    /// Keys that were asked for: what was done again for one platform isn't once more for the next.
    asked: &'a Mutex<BTreeSet<String>>,
    one_stage: bool,
    /// The build's name in the store.
    id: &'a str,
}

/// Everything that the steps for one platform share.
pub struct Session<'a> {
    pub(crate) store: &'a Store,
    pub(crate) settings: &'a Settings,
    pub(crate) voice: &'a Voice<'a>,
    pub(crate) origins: &'a Origins,
    pub(crate) platform: &'a Platform,
    pub(crate) plan: &'a Plan,
    pub(crate) bases: &'a Bases,
    pub(crate) contexts: &'a Contexts,
    pub(crate) logs: Logs,
    pub(crate) rule: Rule,
    pub(crate) empty: LayerId,
    pub(crate) one_stage: bool,
    asked: &'a Mutex<BTreeSet<String>>,
    pub(crate) looked: Looked,
    pub(crate) loose: LooseLayers,
    pub(crate) notes: Mutex<Notes>,
    /// Whether the user has been told that steps can't be traced here.
    pub(crate) untraced: Mutex<bool>,
    /// For each step whether a RUN stands on it.
    pub(crate) below_runs: Vec<bool>,
    finished: Vec<OnceLock<Finished>>,
    running: Mutex<BTreeMap<StepId, sandbox::Control>>,
}

/// A step's result.
struct Finished {
    /// What it put on top of its parent.
    layers: Vec<LayerId>,
    cached: bool,
}

/// What a build came to.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image, or the index over several.
    pub what: Tagged,
    /// What each platform came to, in the order asked for.
    pub parts: Vec<Part>,
    /// Names that were given, and what was written where.
    pub notes: Vec<String>,
}

/// What one platform came to.
#[derive(Clone, Debug)]
pub struct Part {
    /// Which.
    pub platform: Platform,
    /// The image.
    pub image: Image,
    /// Its layers as the store knows them.
    pub layers: Vec<LayerId>,
    /// How many steps were done, and how many of them again.
    pub steps: usize,
    /// How many were taken from an earlier build.
    pub cached: usize,
    /// What the largest stage that isn't part of the image weighs.
    pub builder: Option<Weight>,
}

/// What a stage weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weight {
    /// Bytes of the base image's layers, as it came.
    pub base: u64,
    /// Whether that is a Go toolchain, whose layers are not compressed.
    pub toolchain: bool,
    /// Bytes of files in its own layers, which are not compressed as they go nowhere.
    pub files: u64,
}

/// Builds.
///
/// # Errors
/// If anything on the way fails; then nothing has been given a name. [`Error::NeedsWork`] if something has
/// to be unpacked or run and [`Settings::may_work`] is off.
pub fn build(store: &Store, settings: &Settings, origins: &Origins, voice: &Voice) -> Result<Built> {
    let (started, mut record) = (Instant::now(), crate::record::begin(settings));
    let result = recorded(&mut record, store, settings, origins, voice);
    // What has to be done by somebody who may work is that one's build.
    if !matches!(result, Err(Error::NeedsWork)) {
        crate::record::keep(store, record, started, &result);
    }
    result
}

fn recorded(
    record: &mut Record,
    store: &Store,
    settings: &Settings,
    origins: &Origins,
    voice: &Voice,
) -> Result<Built> {
    let (source, problems) = dockerfile::parse(&settings.dockerfile);
    if !problems.is_empty() {
        return Err(Error::Dockerfile(problems));
    }
    let stages = dockerfile::stages(&source).map_err(Error::Dockerfile)?;
    refuse_syntax(&source)?;
    let targets = targets(settings);
    let wants = wants(&source, &stages, &targets)?;
    crate::locked::check_images(&wants, settings)?;
    let bases = voice.timed("base images", || Bases::resolve(&wants, store, settings, origins, voice))?;
    let plans = voice.timed("plan", || plans(&source, &stages, &targets, &bases))?;
    crate::locked::check_sources(&plans, settings)?;
    warnings(&plans).into_iter().for_each(|text| voice.warn(text));
    let (contexts, asked) = (Contexts::open(store, settings)?, Mutex::default());
    let (bases, contexts, asked, one_stage) = (&bases, &contexts, &asked, stages.stages.len() == 1);
    let id = &record.id;
    let common = Common { store, settings, voice, origins, bases, contexts, asked, one_stage, id };
    let sessions: Vec<Session> =
        targets.iter().zip(&plans).map(|(t, plan)| common.session(t, plan)).collect();
    let done = voice.timed("steps", || sessions.iter().try_for_each(Session::run_all));
    // Also when it failed: what was learnt about the context's files stays true.
    voice.timed("save what is known of files", || contexts.save(store, settings));
    if !matches!(done, Err(Error::NeedsWork)) {
        record.steps = crate::record::steps(&sessions, &stages);
    }
    done?;
    let parts = voice.timed("layers", || sessions.iter().map(Session::assemble).collect::<Result<_>>());
    let built = parts.and_then(|parts| voice.timed("image", || crate::export::export(&sessions, parts)));
    // What a signal has ended wasn't an error.
    built.map_err(|e| if settings.cancel.load(Ordering::SeqCst) { Error::Cancelled } else { e })
}

/// The plan's options for each platform.
fn targets(settings: &Settings) -> Vec<Options> {
    let further = settings.further.iter().cloned();
    let further = further.map(|platform| Options { platform, ..settings.plan.clone() });
    std::iter::once(settings.plan.clone()).chain(further).collect()
}

/// What any of the targets wants, once.
fn wants(source: &Dockerfile, stages: &Stages, targets: &[Options]) -> Result<Vec<Want>> {
    let mut all: Vec<Want> = Vec::new();
    for target in targets {
        for want in plan::wants(source, stages, target).map_err(|d| Error::Dockerfile(vec![d]))? {
            if !all.iter().any(|known| known.name == want.name && known.platform == want.platform) {
                all.push(want);
            }
        }
    }
    Ok(all)
}

fn plans(source: &Dockerfile, stages: &Stages, targets: &[Options], bases: &Bases) -> Result<Vec<Plan>> {
    let facts = bases.facts();
    let one = |target| plan::lower(source, stages, target, &facts).map_err(Error::Dockerfile);
    targets.iter().map(one).collect()
}

/// The first platform's, and what only another's says.
fn warnings(plans: &[Plan]) -> Vec<String> {
    let mut all = plans[0].warnings.clone();
    for text in plans[1..].iter().flat_map(|plan| &plan.warnings) {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    all
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

/// Two platforms have steps of the same numbers.
fn log_prefix(settings: &Settings, platform: &Platform) -> String {
    if settings.is_several() { platform.to_string().replace('/', "-") + "-" } else { String::new() }
}

impl<'a> Common<'a> {
    fn session(self, target: &'a Options, plan: &'a Plan) -> Session<'a> {
        let Common { store, settings, voice, origins, bases, contexts, asked, one_stage, id } = self;
        let base = Options { reproducible: true, epoch: None, ..target.clone() }
            .epoch_for(plan.outcome.base_created.as_deref())
            .unwrap_or(plan::options::EARLIEST);
        Session {
            store,
            settings,
            voice,
            origins,
            platform: &target.platform,
            plan,
            bases,
            contexts,
            logs: Logs::new(store, id, log_prefix(settings, &target.platform)),
            rule: Rule { timestamps: settings.timestamps, epoch: target.epoch, base },
            empty: LayerId::Made(tree::id(&[])),
            one_stage,
            asked,
            looked: Looked::default(),
            loose: LooseLayers::default(),
            notes: Mutex::default(),
            untraced: Mutex::new(false),
            below_runs: plan.below_runs(),
            finished: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            running: Mutex::new(BTreeMap::new()),
        }
    }
}

impl Session<'_> {
    /// The layers up to a step, lowest first. Only for steps that are done.
    pub fn stack_of(&self, id: StepId) -> Vec<LayerId> {
        let chain = self.plan.chain(Some(id));
        chain.into_iter().flat_map(|id| self.finished(id).layers.iter().copied()).collect()
    }

    /// What a step put on top of its parent: nothing if it didn't come to its end.
    pub(crate) fn own_layers(&self, id: StepId) -> &[LayerId] {
        self.finished[id.0 as usize].get().map_or(&[], |done| &done.layers)
    }

    fn finished(&self, id: StepId) -> &Finished {
        self.finished[id.0 as usize].get().expect("a step runs after what it needs")
    }

    pub(crate) fn finish(&self, id: StepId, layers: Vec<LayerId>, cached: bool) {
        let set = self.finished[id.0 as usize].set(Finished { layers, cached });
        assert!(set.is_ok(), "a step runs once");
    }

    /// How many steps there were, and how many came from the cache.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let cached = self.plan.ids().filter(|id| self.finished(*id).cached).count();
        (self.plan.steps.len(), cached)
    }

    /// What is known of a step's key, unless that is to be forgotten: of two equal steps of one build, be they
    /// for two platforms, the first is done again, and the second is what the first came to. The caller holds
    /// the key's lock.
    pub(crate) fn cached(&self, key: &plan::Key, id: StepId) -> Option<Action> {
        let first = self.asked.lock().expect("no panic while held").insert(key.hex());
        self.store.action(key).filter(|_| !(first && self.runs_again(id)))
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
    /// Whether the build is for several platforms.
    pub fn is_several(&self) -> bool {
        !self.further.is_empty()
    }

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
