//! Stages to a [`Plan`]: every stage that the target needs, instruction by instruction.
//!
//! Fed with [`Facts`] for everything that `wants` asked for. Goes on after an error to report them all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dockerfile::diagnostic::short;
use dockerfile::instruction::From as FromLine;
use dockerfile::stage::Stage;
use dockerfile::{Diagnostic, Dockerfile, Instruction, Kind, Stages};

use crate::graph::{Base, BaseId, From, Op, Plan, Step, StepId};
use crate::instruction;
use crate::options::{Facts, Options};
use crate::scope::{self, Scope};
use crate::state::{self, State};
use crate::wants::{self, FromMeaning};

/// Where in the Dockerfile a step comes from.
#[derive(Clone, Debug)]
pub struct Site {
    /// The stage's number.
    pub stage: usize,
    /// The stage's name for people.
    pub label: String,
    /// What the stage's base image is for.
    pub platform: oci::Platform,
    /// The step's place among the stage's steps.
    pub position: (u32, u32),
    /// The instruction's text.
    pub text: String,
    /// Its line.
    pub line: u32,
}

/// As many as `dockerfile` reports. Nobody reads more.
const MOST_ERRORS: usize = 1000;

/// Bytes of config that each stage may copy for nothing: what an image has, not what a text makes of it.
const FREE: usize = 16 << 10;

/// How a name finds a stage.
type FindStage = fn(&Stages, &str, usize) -> Result<Option<usize>, String>;

/// The lowering in progress.
pub struct Lower<'a> {
    source: &'a Dockerfile,
    stages: &'a Stages<'a>,
    options: &'a Options,
    facts: &'a Facts,
    globals: Scope,
    platform_args: BTreeMap<String, String>,
    /// What a FROM may go on from: until the last one that does, which takes it.
    done: BTreeMap<usize, State>,
    tips: BTreeMap<usize, Option<StepId>>,
    meanings: BTreeMap<usize, Result<FromMeaning, String>>,
    /// How many stages still go on from one.
    uses: BTreeMap<usize, usize>,
    platforms: BTreeMap<usize, oci::Platform>,
    declared: BTreeSet<String>,
    plan: Plan,
    bases: BTreeMap<(String, oci::Platform), StepId>,
}

/// Makes the plan for the target.
///
/// # Errors
/// Everything in the needed stages that can't be planned, each with its line.
pub fn lower(
    source: &Dockerfile,
    stages: &Stages,
    options: &Options,
    facts: &Facts,
) -> Result<Plan, Vec<Diagnostic>> {
    let target = wants::target(stages, options).map_err(|d| vec![d])?;
    let globals = wants::globals(source, stages, options).map_err(|d| vec![d])?;
    let needed = wants::needed(stages, target, &globals, options).map_err(|d| vec![d])?;
    let platform_args = scope::platform_args(options, &state::label(&stages.stages[target]));
    let mut lower = Lower {
        source,
        stages,
        options,
        facts,
        globals,
        platform_args,
        done: BTreeMap::new(),
        tips: BTreeMap::new(),
        meanings: BTreeMap::new(),
        uses: BTreeMap::new(),
        platforms: BTreeMap::new(),
        declared: BTreeSet::new(),
        plan: Plan::default(),
        bases: BTreeMap::new(),
    };
    lower.declared.extend(stages.global_args.iter().map(|(a, _)| a.name.clone()));
    lower.uses.insert(target, 1);
    needed.iter().for_each(|stage| lower.note_meaning(*stage));
    let mut errors = Vec::new();
    for stage in needed {
        if let Err(mut found) = lower.stage(stage) {
            errors.append(&mut found);
            break; // What follows would only complain about this stage's absence.
        }
    }
    if errors.is_empty() { Ok(lower.finish(target)) } else { Err(errors) }
}

impl<'a> Lower<'a> {
    fn finish(mut self, target: usize) -> Plan {
        let mut outcome = self.done.remove(&target).expect("the target is needed by itself").outcome();
        outcome.config.config.labels.extend(self.options.labels.clone());
        for stage in &self.stages.stages {
            self.declared.extend(declared_in(stage));
        }
        let unused = scope::unused(self.options, &self.declared);
        let warnings = scope::unconsumed(&unused).into_iter().collect();
        Plan { outcome, warnings, ..self.plan }
    }

    /// The escape character of the Dockerfile.
    pub fn escape(&self) -> char {
        self.source.directives.escape
    }

    /// Whether the RUN on that line is to have no network.
    pub fn is_offline(&self, line: u32) -> bool {
        self.options.offline.contains(&line)
    }

    /// Takes from what the plan may grow by.
    ///
    /// # Errors
    /// If there is nothing left of it.
    pub fn charge(&self, bytes: usize) -> Result<(), String> {
        self.globals.budget.charge(bytes)
    }

    fn note_meaning(&mut self, index: usize) {
        let meaning = wants::meaning(self.stages, &self.stages.stages[index], &self.globals, self.options);
        if let Ok(FromMeaning::Stage(parent)) = meaning {
            *self.uses.entry(parent).or_default() += 1;
        }
        self.meanings.insert(index, meaning);
    }

    fn stage(&mut self, index: usize) -> Result<(), Vec<Diagnostic>> {
        let stages = self.stages;
        let stage = &stages.stages[index];
        let mut site = Site {
            stage: index,
            label: state::label(stage),
            platform: self.options.platform.clone(),
            position: (0, 0),
            text: wants::from_text(stage),
            line: stage.line,
        };
        let mut state = self.start(stage, &mut site).map_err(|m| vec![wants::at(stage, m)])?;
        self.platforms.insert(index, site.platform.clone());
        let triggers = self.triggers(stage, &mut state)?;
        let all: Vec<&Instruction> = triggers.iter().chain(stage.instructions).collect();
        site.position.1 = site.position.0 + all.iter().filter(|i| makes_step(i)).count() as u32;
        self.complete_base(&state, site.position.1);
        let mut errors = Vec::new();
        for instruction in all {
            if let Err(found) = self.instruction(instruction, &mut site, &mut state) {
                errors.push(found);
            }
            if errors.len() >= MOST_ERRORS || self.globals.budget.is_spent() {
                break;
            }
        }
        self.tips.insert(index, state.tip);
        if self.uses.contains_key(&index) {
            self.done.insert(index, state);
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// FROM was planned before anybody knew how many steps follow it.
    fn complete_base(&mut self, state: &State, steps: u32) {
        if let Some(base) = state.tip.map(|id| &mut self.plan.steps[id.0 as usize])
            && matches!(base.op, Op::Base(_))
            && base.position.1 == 0
        {
            base.position.1 = steps;
        }
    }

    fn instruction(
        &mut self,
        instruction: &Instruction,
        site: &mut Site,
        state: &mut State,
    ) -> Result<(), Diagnostic> {
        site.position.0 += u32::from(makes_step(instruction));
        site.line = instruction.line;
        self.shown(site, state, instruction)
            .and_then(|()| instruction::apply(self, site, state, instruction))
            .map_err(|message| diagnostic(instruction, message))
    }

    fn shown(&self, site: &mut Site, state: &State, instruction: &Instruction) -> Result<(), String> {
        site.text = self.display(state, instruction);
        if makes_step(instruction) { self.charge(copied(site, state)) } else { Ok(()) }
    }

    /// The line as people are shown it: values filled in where BuildKit fills them in.
    fn display(&self, state: &State, instruction: &Instruction) -> String {
        let code = instruction.code();
        match instruction.kind {
            Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_) => {
                let shown = state.vars.expand(code, self.escape(), dockerfile::Mode::DISPLAY);
                shown.map_or_else(|_| code.to_owned(), |e| e.text)
            }
            _ => code.to_owned(),
        }
    }

    fn start(&mut self, stage: &Stage, site: &mut Site) -> Result<State, String> {
        let mut state = self.from(stage, site)?;
        state.vars.budget = self.globals.budget.clone();
        Ok(state)
    }

    fn from(&mut self, stage: &Stage, site: &mut Site) -> Result<State, String> {
        match self.meanings.remove(&stage.index).expect("every needed stage has its FROM looked at")? {
            FromMeaning::Scratch => Ok(State::scratch(&self.options.platform)),
            FromMeaning::Stage(parent) => {
                site.platform = self.platforms[&parent].clone();
                self.child(parent)
            }
            FromMeaning::Image { name, platform } => {
                site.position.0 = 1;
                site.platform = platform.clone();
                self.base(&name, &platform, site)
            }
        }
    }

    /// What a stage on another one starts with. The last one takes it, so that ten thousand stages in a row
    /// have one history and not ten thousand.
    fn child(&mut self, parent: usize) -> Result<State, String> {
        let uses = self.uses.get_mut(&parent).expect("the FROM of this stage was counted");
        *uses -= 1;
        if *uses == 0 {
            return Ok(self.done.remove(&parent).expect("it is kept as long as it has uses").child());
        }
        self.charge(self.done[&parent].bytes().saturating_sub(FREE))?;
        Ok(self.done[&parent].clone().child())
    }

    /// A stage on an image; two stages on the same one share its step.
    fn base(&mut self, name: &str, platform: &oci::Platform, site: &Site) -> Result<State, String> {
        let id = self.base_step(name, platform, site)?;
        let fact = &self.facts.images[&(name.to_owned(), platform.clone())];
        let state = State::image(fact, id);
        self.charge(state.bytes().saturating_sub(FREE))?;
        Ok(state)
    }

    fn base_step(&mut self, name: &str, platform: &oci::Platform, site: &Site) -> Result<StepId, String> {
        let key = (name.to_owned(), platform.clone());
        if let Some(id) = self.bases.get(&key) {
            return Ok(*id);
        }
        let fact = self.facts.images.get(&key).ok_or_else(|| format!("image `{name}` was not resolved"))?;
        let base = self.add_base(&fact.base);
        let id = self.push(site, None, Vec::new(), Op::Base(base));
        self.bases.insert(key, id);
        Ok(id)
    }

    fn add_base(&mut self, base: &Base) -> BaseId {
        self.plan.bases.push(base.clone());
        BaseId(self.plan.bases.len() as u32 - 1)
    }

    /// ONBUILD of the image or stage below: done here, then forgotten, so that a grandchild doesn't get
    /// them (trap 45).
    fn triggers(&self, stage: &Stage, state: &mut State) -> Result<Vec<Instruction>, Vec<Diagnostic>> {
        let texts = std::mem::take(&mut state.image.config.on_build);
        let mut out = Vec::new();
        for text in texts {
            let fail = |message| vec![wants::at(stage, message)];
            self.charge(text.len() + size_of::<Instruction>()).map_err(fail)?;
            let parsed = dockerfile::parse_trigger(&text);
            let trigger =
                parsed.map_err(|all| all.iter().map(|e| bad_trigger(stage, &text, e)).collect::<Vec<_>>())?;
            out.push(Instruction {
                line: stage.line,
                end_line: stage.line,
                span: Default::default(),
                ..trigger
            });
        }
        Ok(out)
    }

    /// Adds a step.
    pub fn push(&mut self, site: &Site, parent: Option<StepId>, inputs: Vec<StepId>, op: Op) -> StepId {
        let id = StepId(self.plan.steps.len() as u32);
        let Site { label, platform, position, text, line, .. } = site.clone();
        self.plan.steps.push(Step { parent, inputs, stage: label, platform, position, text, line, op });
        id
    }

    /// What `COPY --from=name` means: an earlier stage, a named context, or an image.
    ///
    /// # Errors
    /// If it is the stage itself, a later one, or an image that was not resolved.
    pub fn copy_source(&mut self, site: &Site, name: &str) -> Result<From, String> {
        self.source(site, name, wants::source_stage)
    }

    /// What `from=name` of a mount means.
    ///
    /// # Errors
    /// As [`Lower::copy_source`].
    pub fn mount_source(&mut self, site: &Site, name: &str) -> Result<From, String> {
        self.source(site, name, wants::mount_stage)
    }

    fn source(&mut self, site: &Site, name: &str, find: FindStage) -> Result<From, String> {
        if self.options.folder_contexts.contains(name) {
            return Ok(From::Named(name.to_owned()));
        }
        if !self.options.image_contexts.contains(name)
            && let Some(stage) = find(self.stages, name, site.stage)?
        {
            // Only a trigger of an image can name a stage that nothing else does: nobody knew of it before.
            let unknown = || {
                format!(
                    "stage `{name}` is needed by ONBUILD of the image below alone: name it in this stage too"
                )
            };
            return self.tips.get(&stage).map(|tip| From::Step(*tip)).ok_or_else(unknown);
        }
        if name == "scratch" {
            return Ok(From::Step(None));
        }
        let (text, platform) = (format!("FROM {name}"), self.options.platform.clone());
        let Site { stage, label, line, .. } = site;
        self.charge(label.len())?;
        let (label, position) = (label.clone(), (1, 1));
        let site = Site { stage: *stage, label, platform: platform.clone(), position, text, line: *line };
        self.base_step(name, &platform, &site).map(|id| From::Step(Some(id)))
    }

    /// What a declared argument is: the command line's, else its default, else the global one's.
    pub fn arg_value(&mut self, name: &str, default: Option<String>) -> Option<String> {
        self.declared.insert(name.to_owned());
        let given = self.options.build_args.get(name).cloned();
        let global = || self.globals.value(name).map(str::to_owned);
        let platform = || self.platform_args.get(name).cloned();
        given.or(default).or_else(global).or_else(platform)
    }

    /// The environment of a RUN: what ENV and ARG have set, in order, and the build's epoch.
    ///
    /// # Errors
    /// If there are more RUNs with more variables than the budget allows.
    pub fn step_env(&self, state: &mut State) -> Result<Arc<[(String, String)]>, String> {
        if let Some(env) = &state.env {
            return Ok(env.clone());
        }
        self.charge(state.vars.bytes())?;
        let env: Arc<[_]> = self.full_env(state).into();
        state.env = Some(env.clone());
        Ok(env)
    }

    fn full_env(&self, state: &State) -> Vec<(String, String)> {
        let mut env: Vec<_> = state.vars.all().iter().filter(|(n, _)| !scope::is_proxy(n)).cloned().collect();
        // A declared proxy is an ordinary variable, and then in the key.
        env.extend(state.vars.all().iter().filter(|(n, _)| scope::is_proxy(n)).cloned());
        if state.vars.value("SOURCE_DATE_EPOCH").is_none()
            && let Some(epoch) = self.options.epoch_for(state.base_created.as_deref())
        {
            env.push(("SOURCE_DATE_EPOCH".to_owned(), epoch.to_string()));
        }
        env
    }

    /// What a step is told of its way to the network: the predefined proxy arguments that were given, and more
    /// of the kind.
    pub fn proxies(&self) -> Vec<(String, String)> {
        let given = self.options.build_args.iter().filter(|(n, _)| scope::is_proxy(n));
        given.chain(&self.options.outside).map(|(n, v)| (n.clone(), v.clone())).collect()
    }
}

/// What a step copies of its stage: the name, the platform, the directory, the user and the shell.
fn copied(site: &Site, state: &State) -> usize {
    let config = &state.image.config;
    let platform = &site.platform;
    let shell: usize = config.shell.iter().map(|word| size_of::<String>() + word.len()).sum();
    let variant = platform.variant.as_ref().map_or(0, String::len);
    let words = site.label.len() + platform.architecture.len() + variant + 2 * shell;
    words + 2 * config.working_dir.len() + config.user.len()
}

fn bad_trigger(stage: &Stage, text: &str, e: &Diagnostic) -> Diagnostic {
    wants::at(stage, format!("ONBUILD `{text}` of the image below: {}", e.message))
}

fn makes_step(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_))
}

fn declared_in(stage: &Stage) -> Vec<String> {
    let args = stage.instructions.iter().filter_map(|i| match &i.kind {
        Kind::Arg(args) => Some(args),
        _ => None,
    });
    args.flatten().map(|a| a.name.clone()).collect()
}

fn diagnostic(instruction: &Instruction, message: String) -> Diagnostic {
    let Instruction { line, end_line, span, .. } = *instruction;
    Diagnostic { line, end_line, span, message: short(message), help: None }
}

/// The part of FROM that is shown.
pub(crate) fn from_words(from: &FromLine) -> String {
    let platform = from.platform.as_ref().map(|p| format!("--platform={p} ")).unwrap_or_default();
    let alias = from.alias_text.as_ref().map(|a| format!(" AS {a}")).unwrap_or_default();
    format!("FROM {platform}{}{alias}", from.image)
}
