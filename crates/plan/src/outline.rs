//! What can be asked of a Dockerfile without building it: its targets, and what one target takes from outside.
//!
//! What `docker buildx build --call` shows. Base images are not looked at, so what they set is not known here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use dockerfile::instruction::{ArgDecl, Instruction, Kind, Run};
use dockerfile::mount::{Mount, MountType};
use dockerfile::{Diagnostic, Dockerfile, Expanded, Mode, Stage, Stages};

use crate::Options;
use crate::ends::Ends;
use crate::mounts;
use crate::scope::{self, Scope};
use crate::wants;

/// A stage that can be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, in lower case.
    pub name: Option<String>,
    /// What the comment before it says.
    pub description: Option<String>,
    /// Whether it is built if nothing else is asked for.
    pub is_default: bool,
    /// What it stands on, as written.
    pub base: String,
    /// Its `--platform`, as written.
    pub platform: Option<String>,
    /// The lines of its FROM.
    pub lines: (u32, u32),
}

/// What a target takes; each in the order of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The target's name, in lower case.
    pub name: Option<String>,
    /// What the comment before it says.
    pub description: Option<String>,
    /// Build arguments.
    pub args: Vec<Arg>,
    /// Secrets.
    pub secrets: Vec<Asked>,
    /// Agents.
    pub agents: Vec<Asked>,
}

/// A build argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// What the comment before it says.
    pub description: Option<String>,
    /// What it is with these options; empty without a value.
    pub value: String,
    /// The lines of the instruction that gives it its default.
    pub lines: (u32, u32),
}

/// A secret or an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub name: String,
    /// Whether the build fails without it.
    pub required: bool,
    /// The lines of the RUN.
    pub lines: (u32, u32),
}

/// Every stage, in order.
pub fn targets(stages: &Stages) -> Vec<Target> {
    let last = stages.stages.len() - 1;
    let one = |stage: &Stage| Target {
        name: stage.name.map(str::to_owned),
        description: described(stage),
        is_default: stage.index == last,
        base: stage.from.image.clone(),
        platform: stage.from.platform.clone(),
        lines: lines(stage.instruction),
    };
    stages.stages.iter().map(one).collect()
}

/// What the target of `options` takes, with all stages that it needs.
///
/// # Errors
/// If there is no such target, or words can't be expanded.
pub fn outline(source: &Dockerfile, stages: &Stages, options: &Options) -> Result<Outline, Diagnostic> {
    let target = wants::target(stages, options)?;
    let globals = wants::globals(source, stages, options)?;
    let platform_args = scope::platform_args(options, &crate::state::label(&stages.stages[target]));
    let escape = source.directives.escape;
    let mut reader = Reader {
        stages,
        options,
        globals,
        platform_args,
        escape,
        found: Found::default(),
        ends: Ends::of([]),
    };
    let needed = wants::needed(stages, target, &reader.globals, options)?;
    let needed: Vec<&Stage> = needed.into_iter().map(|index| &stages.stages[index]).collect();
    let parents: Vec<Option<usize>> = needed.iter().map(|stage| reader.parent(stage)).collect();
    reader.ends = Ends::of(parents.iter().copied().flatten());
    for (stage, parent) in needed.into_iter().zip(parents) {
        reader.stage(stage, parent)?;
    }
    let stage = &stages.stages[target];
    let Found { args, secrets, agents } = reader.found;
    Ok(Outline {
        name: stage.name.map(str::to_owned),
        description: described(stage),
        args: in_order(args, |a| a.lines),
        secrets: in_order(secrets, |a| a.lines),
        agents: in_order(agents, |a| a.lines),
    })
}

/// By name: of two the one in the later stage counts, which is the target's if it has one.
#[derive(Default)]
struct Found {
    args: BTreeMap<String, Arg>,
    secrets: BTreeMap<String, Asked>,
    agents: BTreeMap<String, Asked>,
}

struct Reader<'a> {
    stages: &'a Stages<'a>,
    options: &'a Options,
    globals: Scope,
    platform_args: BTreeMap<String, String>,
    escape: char,
    found: Found,
    /// The variables at the end of stages.
    ends: Ends<Scope>,
}

impl Reader<'_> {
    fn stage(&mut self, stage: &Stage, parent: Option<usize>) -> Result<(), Diagnostic> {
        let fail = |message| wants::at(stage, message);
        let mut used = BTreeSet::new();
        for text in [Some(&stage.from.image), stage.from.platform.as_ref()].into_iter().flatten() {
            let expanded = self.global_word(text).map_err(fail)?;
            used.extend(expanded.used);
            used.extend(expanded.unset);
        }
        self.take_globals(used);
        let mut vars = self.below(parent).map_err(fail)?;
        for instruction in stage.instructions {
            self.instruction(instruction, &mut vars).map_err(|message| Diagnostic {
                line: instruction.line,
                end_line: instruction.end_line,
                ..fail(message)
            })?;
        }
        self.ends.keep(stage.index, vars);
        Ok(())
    }

    fn global_word(&self, text: &str) -> Result<Expanded, String> {
        self.globals.expand(text, '\\', Mode::WORD)
    }

    /// The stage that another stands on.
    fn parent(&self, stage: &Stage) -> Option<usize> {
        let image = self.global_word(&stage.from.image).ok()?;
        self.stages.base(&image.text, stage.index)
    }

    /// The variables that a stage starts with. A copy is charged.
    fn below(&mut self, parent: Option<usize>) -> Result<Scope, String> {
        let budget = &self.globals.budget;
        match parent.and_then(|parent| self.ends.below(parent)) {
            // A named context may stand for the parent.
            None => Ok(Scope::within(budget)),
            Some(Cow::Owned(end)) => Ok(end),
            Some(Cow::Borrowed(end)) => budget.charge(end.bytes()).map(|()| end.clone()),
        }
    }

    fn instruction(&mut self, instruction: &Instruction, vars: &mut Scope) -> Result<(), String> {
        match &instruction.kind {
            Kind::Arg(all) => all.iter().try_for_each(|arg| self.arg(instruction, arg, vars)),
            Kind::Env(pairs) => {
                // None sees another of the same line.
                let word = |text| self.word(text, vars);
                let pairs = pairs.iter().map(|pair| Ok((word(&pair.key)?, word(&pair.value)?)));
                let pairs = pairs.collect::<Result<Vec<_>, String>>()?;
                pairs.iter().for_each(|(name, value)| vars.set(name, value));
                Ok(())
            }
            Kind::Run(run) => self.run(instruction, run, vars),
            _ => Ok(()),
        }
    }

    /// Where an argument without a default has its value from a global one, that is the one to tell about. What
    /// a platform argument is nobody has to be told.
    fn arg(&mut self, instruction: &Instruction, arg: &ArgDecl, vars: &mut Scope) -> Result<(), String> {
        let name = &arg.name;
        let given = self.options.build_args.get(name).cloned();
        let default = arg.default.as_ref().map(|text| self.word(text, vars)).transpose()?;
        let is_global = self.stages.global_args.iter().any(|(global, _)| global.name == *name);
        if default.is_none() && is_global {
            self.take_globals(BTreeSet::from([name.clone()]));
        } else if default.is_some() || given.is_some() || !self.platform_args.contains_key(name) {
            let value = given.clone().or(default.clone()).unwrap_or_default();
            self.found.args.insert(name.clone(), told(instruction, name, value));
        }
        let global = || self.globals.value(name).map(str::to_owned);
        if let Some(value) = given.or(default).or_else(global) {
            vars.set(name, &value);
        }
        Ok(())
    }

    /// The global arguments of these names, and those that their defaults use.
    fn take_globals(&mut self, names: BTreeSet<String>) {
        let mut wanted = names;
        // A default sees only what stands above it.
        for (arg, instruction) in self.stages.global_args.iter().rev() {
            if wanted.remove(&arg.name) {
                let value = self.globals.value(&arg.name).unwrap_or_default().to_owned();
                self.found.args.insert(arg.name.clone(), told(instruction, &arg.name, value));
                let default = arg.default.as_deref().unwrap_or_default();
                if let Ok(expanded) = self.globals.expand(default, self.escape, Mode::WORD) {
                    wanted.extend(expanded.used.into_iter().chain(expanded.unset));
                }
            }
        }
    }

    fn run(&mut self, instruction: &Instruction, run: &Run, vars: &Scope) -> Result<(), String> {
        for value in &run.flags.mounts {
            let mount = Mount::parse_with(value, |field| self.word(field, vars)).map_err(|p| p.message)?;
            let all = match mount.kind {
                MountType::Secret => &mut self.found.secrets,
                MountType::Ssh => &mut self.found.agents,
                MountType::Bind | MountType::Cache | MountType::Tmpfs => continue,
            };
            let name = mounts::identity(&mount).unwrap_or_default();
            let asked = Asked { name: name.clone(), required: mount.required, lines: lines(instruction) };
            all.insert(name, asked);
        }
        Ok(())
    }

    fn word(&self, text: &str, vars: &Scope) -> Result<String, String> {
        vars.expand(text, self.escape, Mode::WORD).map(|expanded| expanded.text)
    }
}

fn told(instruction: &Instruction, name: &str, value: String) -> Arg {
    let description = instruction.doc_comment(name).map(str::to_owned);
    Arg { name: name.to_owned(), description, value, lines: lines(instruction) }
}

fn described(stage: &Stage) -> Option<String> {
    stage.instruction.doc_comment(stage.name?).map(str::to_owned)
}

fn lines(instruction: &Instruction) -> (u32, u32) {
    (instruction.line, instruction.end_line)
}

fn in_order<T>(all: BTreeMap<String, T>, lines: impl Fn(&T) -> (u32, u32)) -> Vec<T> {
    let mut all: Vec<T> = all.into_values().collect();
    all.sort_by_key(lines);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# GO says which Go
ARG GO=1
ARG IMAGE=golang:$GO
ARG UNUSED=x
# base has the tools
FROM --platform=$BUILDPLATFORM $IMAGE AS base
ARG TARGETARCH
RUN --mount=type=secret,id=token,required --mount=type=ssh true
FROM busybox AS other
ARG OTHER
FROM base AS final
# NAME is who it is for
ARG NAME=of-$GO
ARG GO
ARG BOTH=$NAME-$GO
RUN --mount=type=secret,id=late true
";

    fn outlined(options: &Options) -> Outline {
        let (source, problems) = dockerfile::parse(TEXT.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        outline(&source, &dockerfile::stages(&source).unwrap(), options).unwrap()
    }

    fn check(options: &Options, args: &[(&str, &str, Option<&str>)], secrets: &[(&str, bool)]) {
        let found = outlined(options);
        let all = found.args.iter().map(|a| (a.name.as_str(), a.value.as_str(), a.description.as_deref()));
        assert_eq!(all.collect::<Vec<_>>(), args);
        let all = found.secrets.iter().map(|s| (s.name.as_str(), s.required));
        assert_eq!(all.collect::<Vec<_>>(), secrets);
    }

    #[test]
    fn a_target_takes_what_its_stages_take() {
        let go = ("GO", "1", Some("says which Go"));
        let image = ("IMAGE", "golang:1", None);
        let name = ("NAME", "of-", Some("is who it is for"));
        check(
            &Options::here(),
            &[go, image, name, ("BOTH", "of--1", None)],
            &[("token", true), ("late", false)],
        );
        let target = |name: &str| Options { target: Some(name.to_owned()), ..Options::here() };
        check(&target("base"), &[go, image], &[("token", true)]);
        check(&target("other"), &[("OTHER", "", None)], &[]);
        assert_eq!(outlined(&target("base")).description.as_deref(), Some("has the tools"));
        assert_eq!(outlined(&target("base")).agents[0].name, "default");
    }

    #[test]
    fn stages_on_the_same_have_each_what_it_has() {
        let text = "FROM scratch AS base\nENV A=1\nFROM base AS one\nARG B=$A\nFROM base AS two\nARG C=$A\n\
                    FROM two\nARG D=$C$B\nCOPY --from=one / /\n";
        let (source, _) = dockerfile::parse(text.as_bytes());
        let found = outline(&source, &dockerfile::stages(&source).unwrap(), &Options::here()).unwrap();
        let values: Vec<String> =
            found.args.iter().map(|arg| format!("{}={}", arg.name, arg.value)).collect();
        assert_eq!(values, ["B=1", "C=1", "D=1"]);
    }

    #[test]
    fn values_are_those_that_are_given() {
        let build_args = [("GO", "2"), ("OTHER", "o"), ("TARGETARCH", "t")];
        let build_args = build_args.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let options = Options { build_args, ..Options::here() };
        let values: Vec<String> =
            outlined(&options).args.into_iter().map(|arg| format!("{}={}", arg.name, arg.value)).collect();
        assert_eq!(values, ["GO=2", "IMAGE=golang:2", "TARGETARCH=t", "NAME=of-", "BOTH=of--2"]);
    }

    #[test]
    fn every_stage_is_a_target() {
        let (source, _) = dockerfile::parse(TEXT.as_bytes());
        let all = targets(&dockerfile::stages(&source).unwrap());
        let shown: Vec<_> = all.iter().map(|t| (t.name.as_deref(), t.base.as_str(), t.is_default)).collect();
        assert_eq!(
            shown,
            [
                (Some("base"), "$IMAGE", false),
                (Some("other"), "busybox", false),
                (Some("final"), "base", true)
            ]
        );
        assert_eq!((all[0].platform.as_deref(), all[0].lines), (Some("$BUILDPLATFORM"), (6, 6)));
    }
}
