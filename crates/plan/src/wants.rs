//! What has to be known before lowering: which stages are needed, and which images they stand on.

use std::collections::{BTreeSet, HashSet};

use dockerfile::diagnostic::short;
use dockerfile::expand::Mode;
use dockerfile::stage::Stage;
use dockerfile::{Diagnostic, Dockerfile, Found, Kind, Stages};
use oci::Platform;

use crate::options::Options;
use crate::scope::{self, Scope};

/// Images that are compared with all stages' names: ten thousand of each would be a hundred million comparisons,
/// and the first that can't be had ends the build.
const HINTED: usize = 20;

/// An image that has to be resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Want {
    /// As the Dockerfile names it, variables filled in.
    pub name: String,
    /// For which platform.
    pub platform: Platform,
    /// The line that asks for it.
    pub line: u32,
    /// Whether `name` is a named context.
    pub context: bool,
    /// A stage of nearly that name, which may have been meant.
    pub near: Option<String>,
}

/// What stands behind FROM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FromMeaning {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image.
    Image {
        /// Its name, variables filled in.
        name: String,
        /// `--platform`, else the target's.
        platform: Platform,
    },
}

/// The images that the target's stages stand on or copy from.
///
/// # Errors
/// The first line that can't be understood.
pub fn wants(source: &Dockerfile, stages: &Stages, options: &Options) -> Result<Vec<Want>, Diagnostic> {
    let globals = globals(source, stages, options)?;
    let mut out: Vec<Want> = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |name: &str, platform: &Platform, line: u32| {
        if seen.insert((name.to_owned(), platform.to_string())) {
            let context = options.image_contexts.contains(name);
            let near = (seen.len() <= HINTED).then(|| dockerfile::suggest::nearest(name, stages.names()));
            let near = near.flatten();
            out.push(Want { name: name.to_owned(), platform: platform.clone(), line, context, near });
        }
    };
    for index in needed(stages, target(stages, options)?, &globals, options)? {
        let stage = &stages.stages[index];
        let meaning = meaning(stages, stage, &globals, options).map_err(|m| at(stage, m))?;
        if let FromMeaning::Image { name, platform } = &meaning {
            add(name, platform, stage.line);
        }
        for source in sources(stages, stage, &globals, options)? {
            let is_stage = || source.stage(stages, index).is_ok_and(|s| s.is_some());
            let known = options.folder_contexts.contains(&source.name) || source.name == "scratch";
            if options.image_contexts.contains(&source.name) || !(known || is_stage()) {
                add(&source.name, &options.platform, source.line);
            }
        }
    }
    Ok(out)
}

/// The target's number.
///
/// # Errors
/// If there is no such stage.
pub fn target(stages: &Stages, options: &Options) -> Result<usize, Diagnostic> {
    match &options.target {
        None => Ok(stages.stages.len() - 1),
        Some(name) => stages.target(name).map(|s| s.index).ok_or_else(|| unknown_target(stages, name)),
    }
}

fn unknown_target(stages: &Stages, name: &str) -> Diagnostic {
    let names: Vec<&str> = stages.names().collect();
    let near =
        dockerfile::suggest::nearest(name, names.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    let listed = (!names.is_empty()).then(|| format!("the stages are: {}", names.join(", ")));
    let message = format!("target stage `{name}` could not be found");
    Diagnostic { help: near.or(listed), ..at(&stages.stages[stages.stages.len() - 1], message) }
}

/// The stages that `target` needs, itself included, in their order in the file.
///
/// # Errors
/// If a stage copies from itself or a later one, or if the words of a FROM can't be expanded.
pub fn needed(
    stages: &Stages,
    target: usize,
    globals: &Scope,
    options: &Options,
) -> Result<Vec<usize>, Diagnostic> {
    let mut needed = BTreeSet::new();
    let mut open = vec![target];
    while let Some(index) = open.pop() {
        if needed.insert(index) {
            open.extend(below(stages, index, globals, options)?);
        }
    }
    Ok(needed.into_iter().collect())
}

/// The stages that one stage names.
fn below(
    stages: &Stages,
    index: usize,
    globals: &Scope,
    options: &Options,
) -> Result<Vec<usize>, Diagnostic> {
    let stage = &stages.stages[index];
    let mut out: Vec<usize> = base(stages, stage, globals, options)?.into_iter().collect();
    for source in sources(stages, stage, globals, options)? {
        if !is_replaced(&source.name, options) {
            let line = source.line;
            let found = source.stage(stages, index);
            out.extend(found.map_err(|message| Diagnostic { line, end_line: line, ..at(stage, message) })?);
        }
    }
    Ok(out)
}

/// The stage that a stage's FROM names, its variables filled in: `FROM base-$TARGETARCH`.
fn base(
    stages: &Stages,
    stage: &Stage,
    globals: &Scope,
    options: &Options,
) -> Result<Option<usize>, Diagnostic> {
    let image = expand_global(&stage.from.image, globals).map_err(|m| at(stage, m))?;
    Ok(stages.base(&image, stage.index).filter(|_| !is_replaced(&image, options)))
}

fn is_replaced(name: &str, options: &Options) -> bool {
    options.image_contexts.contains(name) || options.folder_contexts.contains(name)
}

/// What `--from=name` in stage `index` finds: a stage by name or number, in any case of letters.
///
/// # Errors
/// If it is the stage itself or a later one (trap 10).
pub fn source_stage(stages: &Stages, name: &str, index: usize) -> Result<Option<usize>, String> {
    described(stages, name, stages.find(name, index))
}

/// What `from=name` of a mount in stage `index` finds: a stage by name only; a number is an image's name.
///
/// # Errors
/// As [`source_stage`].
pub fn mount_stage(stages: &Stages, name: &str, index: usize) -> Result<Option<usize>, String> {
    described(stages, name, stages.find_named(name, index))
}

fn described(stages: &Stages, name: &str, found: Found) -> Result<Option<usize>, String> {
    match found {
        Found::Earlier(stage) => Ok(Some(stage)),
        Found::Outside => Ok(None),
        Found::Own => {
            Err(format!("circular dependency detected on stage: {name}: a stage can't copy from itself"))
        }
        Found::Later(_) => Err(format!("stage `{name}` comes later in the file: move it before this one")),
        Found::NoSuchIndex => Err(format!(
            "invalid stage index {name}: there are {} stages, counted from 0",
            stages.stages.len()
        )),
    }
}

/// A `--from`, or a mount's `from=`. They take no variables.
struct Source {
    name: String,
    line: u32,
    is_mount: bool,
}

impl Source {
    fn stage(&self, stages: &Stages, index: usize) -> Result<Option<usize>, String> {
        match self.is_mount {
            true => mount_stage(stages, &self.name, index),
            false => source_stage(stages, &self.name, index),
        }
    }
}

/// What a stage takes files from; the triggers of the stage below run in it, too (trap 45).
fn sources(
    stages: &Stages,
    stage: &Stage,
    globals: &Scope,
    options: &Options,
) -> Result<Vec<Source>, Diagnostic> {
    let below =
        base(stages, stage, globals, options)?.map_or(&[][..], |index| stages.stages[index].instructions);
    // Looked at once for each stage that stands on it.
    globals.budget.charge(below.len()).map_err(|m| at(stage, m))?;
    let triggers = below.iter().filter_map(|i| match &i.kind {
        Kind::Onbuild(trigger) => Some(&**trigger),
        _ => None,
    });
    let mut out = Vec::new();
    for instruction in triggers.chain(stage.instructions) {
        let line = instruction.line;
        let source = |is_mount| move |name| Source { name, line, is_mount };
        match &instruction.kind {
            Kind::Copy(copy) => out.extend(copy.flags.from.clone().map(source(false))),
            Kind::Run(run) => {
                let names = run.flags.mounts.iter().filter_map(|m| crate::mounts::from_option(m));
                out.extend(names.map(source(true)));
            }
            _ => {}
        }
    }
    Ok(out)
}

/// What a stage's FROM means.
///
/// # Errors
/// If its words can't be expanded, or come to nothing.
pub fn meaning(
    stages: &Stages,
    stage: &Stage,
    globals: &Scope,
    options: &Options,
) -> Result<FromMeaning, String> {
    let name = expand_global(&stage.from.image, globals)?;
    if name.is_empty() {
        return Err(format!("base name ({}) should not be blank", stage.from.image));
    }
    let platform = match &stage.from.platform {
        Some(text) => from_platform(&expand_global(text, globals)?, options)?,
        None => options.platform.clone(),
    };
    if options.image_contexts.contains(&name) {
        return Ok(FromMeaning::Image { name, platform });
    }
    if options.folder_contexts.contains(&name) {
        return Err(format!("`{name}` is a folder as a named context; FROM needs an image"));
    }
    match stages.base(&name, stage.index) {
        Some(parent) => Ok(FromMeaning::Stage(parent)),
        None if name == "scratch" => Ok(FromMeaning::Scratch),
        None => {
            let reference = name.parse::<oci::Reference>();
            let later = || stages.names().any(|s| s == name);
            reference.map_err(|e| e + if later() { "; a stage of that name comes later" } else { "" })?;
            Ok(FromMeaning::Image { name, platform })
        }
    }
}

/// Architectures that also stand for Linux on them: `FROM --platform=arm64`.
const ALONE: [&str; 14] = [
    "386", "aarch64", "amd64", "arm", "arm64", "armel", "armhf", "loong64", "mips64le", "ppc64le", "riscv64",
    "s390x", "x86-64", "x86_64",
];

/// Half of a platform will do for FROM, as in BuildKit: `linux` leaves the rest to the machine that builds.
fn from_platform(text: &str, options: &Options) -> Result<Platform, String> {
    match text.to_lowercase() {
        os if os == options.build_platform.os => Ok(options.build_platform.clone()),
        architecture if ALONE.contains(&architecture.as_str()) => format!("linux/{architecture}").parse(),
        _ => text.parse(),
    }
}

fn expand_global(text: &str, globals: &Scope) -> Result<String, String> {
    globals.expand(text, '\\', Mode::WORD).map(|e| e.text)
}

/// The variables that FROM lines see: the predefined ones, then every global ARG in order.
///
/// # Errors
/// If a default can't be expanded.
pub fn globals(source: &Dockerfile, stages: &Stages, options: &Options) -> Result<Scope, Diagnostic> {
    let target = target(stages, options)?;
    let mut scope = Scope::default();
    for (name, value) in scope::platform_args(options, &crate::state::label(&stages.stages[target])) {
        scope.set(&name, options.build_args.get(&name).unwrap_or(&value));
    }
    for (arg, _) in &stages.global_args {
        let given = options.build_args.get(&arg.name).cloned();
        let default = arg.default.as_ref().map(|d| scope.expand(d, source.directives.escape, Mode::WORD));
        let default = default.transpose().map_err(|e| at(&stages.stages[0], e))?.map(|e| e.text);
        if let Some(value) = given.or(default) {
            scope.set(&arg.name, &value);
        }
    }
    Ok(scope)
}

/// A problem of a stage's FROM line.
pub fn at(stage: &Stage, message: String) -> Diagnostic {
    let (line, message) = (stage.line, short(message));
    Diagnostic { line, end_line: line, span: Default::default(), message, help: None }
}

/// The FROM line for people.
pub fn from_text(stage: &Stage) -> String {
    crate::lower::from_words(stage.from)
}
