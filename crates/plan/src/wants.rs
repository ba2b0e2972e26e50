//! What has to be known before lowering: which stages are needed, and which images they stand on.

use std::collections::BTreeSet;

use dockerfile::expand::{Mode, expand};
use dockerfile::stage::Stage;
use dockerfile::{Diagnostic, Dockerfile, Found, Kind, Stages};
use oci::Platform;

use crate::options::Options;
use crate::scope::{self, Scope};

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
    let mut add = |name: &str, platform: &Platform, line: u32| {
        if !out.iter().any(|w| w.name == name && w.platform == *platform) {
            let context = options.image_contexts.contains(name);
            let near = dockerfile::suggest::nearest(name, stages.names());
            out.push(Want { name: name.to_owned(), platform: platform.clone(), line, context, near });
        }
    };
    for index in needed(stages, target(stages, options)?, options)? {
        let stage = &stages.stages[index];
        let meaning = meaning(stages, stage, &globals, options).map_err(|m| at(stage, m))?;
        if let FromMeaning::Image { name, platform } = &meaning {
            add(name, platform, stage.line);
        }
        for source in sources(stage) {
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
/// If a stage copies from itself or a later one.
pub fn needed(stages: &Stages, target: usize, options: &Options) -> Result<Vec<usize>, Diagnostic> {
    let mut needed = BTreeSet::new();
    let mut open = vec![target];
    while let Some(index) = open.pop() {
        if needed.insert(index) {
            open.extend(below(stages, index, options)?);
        }
    }
    Ok(needed.into_iter().collect())
}

/// The stages that one stage names.
fn below(stages: &Stages, index: usize, options: &Options) -> Result<Vec<usize>, Diagnostic> {
    let stage = &stages.stages[index];
    let replaced =
        |name: &str| options.image_contexts.contains(name) || options.folder_contexts.contains(name);
    let mut out = Vec::new();
    if !replaced(&stage.from.image) {
        out.extend(stages.base(&stage.from.image, index));
    }
    for source in sources(stage) {
        if !replaced(&source.name) {
            let line = source.line;
            let found = source.stage(stages, index);
            out.extend(found.map_err(|message| Diagnostic { line, end_line: line, ..at(stage, message) })?);
        }
    }
    Ok(out)
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

/// What a stage takes files from.
fn sources(stage: &Stage) -> Vec<Source> {
    let mut out = Vec::new();
    for instruction in stage.instructions {
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
    out
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
        Some(text) => expand_global(text, globals)?.parse()?,
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
            let later = stages.names().any(|s| s == name);
            reference.map_err(|e| e + if later { "; a stage of that name comes later" } else { "" })?;
            Ok(FromMeaning::Image { name, platform })
        }
    }
}

fn expand_global(text: &str, globals: &Scope) -> Result<String, String> {
    expand(text, '\\', globals, Mode::WORD).map(|e| e.text).map_err(|e| e.to_string())
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
        let default = arg.default.as_ref().map(|d| expand(d, source.directives.escape, &scope, Mode::WORD));
        let default = default.transpose().map_err(|e| at(&stages.stages[0], e.to_string()))?.map(|e| e.text);
        if let Some(value) = given.or(default) {
            scope.set(&arg.name, &value);
        }
    }
    Ok(scope)
}

/// A problem of a stage's FROM line.
pub fn at(stage: &Stage, message: String) -> Diagnostic {
    Diagnostic { line: stage.line, end_line: stage.line, span: Default::default(), message, help: None }
}

/// The FROM line for people.
pub fn from_text(stage: &Stage) -> String {
    crate::lower::from_words(stage.from)
}
