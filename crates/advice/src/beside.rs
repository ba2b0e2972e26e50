//! The Dockerfile that a Go project has, to the recipe's in its place: what the image offers is kept, what is done
//! otherwise is told, and what can't be kept too.
//!
//! ```text
//! plan ─▶ shell ─▶ gobuild: programs, flags ─┐
//!      ─▶ final ─▶ image, files: interface ──┴▶ Taken: what the recipe is asked for ─▶ changes, beside the recipe
//! ```
//! The program's path, ENTRYPOINT and CMD stay as they are, so that whatever runs the image goes on.

mod changes;
mod files;
mod gobuild;
mod image;
mod rest;
mod shell;

use std::collections::BTreeSet;

use plan::{Op, Plan, StepId};
use recipe::{Ask, Interface};

use crate::listing::Listing;
use gobuild::GoBuild;

pub use changes::changes;

/// The Dockerfile that is there.
pub struct Old<'a> {
    /// What was read of it.
    pub stages: &'a dockerfile::Stages<'a>,
    /// The plan of its last stage, for images of which nothing is known.
    pub plan: &'a Plan,
    /// What a build sees of the folder.
    pub listing: &'a Listing,
    /// The path of the module in the folder, if there is one.
    pub module: Option<&'a str>,
}

/// What is taken over.
#[derive(Debug, Default)]
pub struct Taken {
    /// What the recipe is asked for.
    pub ask: Ask,
    /// What stays, for people.
    pub stays: Vec<String>,
    /// What isn't carried over, and why.
    pub notes: Vec<String>,
    facts: Facts,
}

/// What the old Dockerfile does, as far as somebody wants to know.
#[derive(Debug, Default)]
struct Facts {
    builds: Vec<GoBuild>,
    /// The image of the last stage, unless that is empty.
    base: Option<String>,
    /// The image of the stage that compiles.
    toolchain: Option<String>,
    /// Whether that stage is for the machine that builds.
    is_native: bool,
    /// Whether the compiler is in the image.
    is_single: bool,
    /// Whether dependencies come by themselves, or why not.
    downloads: Downloads,
    user: Changed,
    /// Whether ENTRYPOINT and CMD are what they were.
    starts_as_before: bool,
    shell_forms: Vec<&'static str>,
    wrapper: Option<String>,
    has_certificates: bool,
    has_zones: bool,
    /// Packages that the compiling stage installs.
    packages: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Downloads {
    /// Modules are vendored, or there are none: nothing is fetched by itself.
    #[default]
    Never,
    /// After the whole project was copied.
    Late,
    /// Before.
    First,
}

/// Something that is another than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Changed {
    #[default]
    Same,
    From(String),
}

/// Looks at a Dockerfile.
pub fn take(old: &Old) -> Taken {
    let builds = gobuild::of(old);
    let last = Last::of(old, &builds);
    let mut taken = Taken::default();
    taken.ask.interface = Some(Interface::default());
    taken.facts = facts(old, &builds, &last);
    image::take(old, &last, &mut taken);
    files::take(old, &last, &mut taken);
    rest::take(old, &last, &mut taken);
    taken.facts.builds = builds;
    compile(&mut taken, &last);
    taken.notes.sort_by_key(|note| line(note));
    taken.notes.dedup();
    taken
}

/// The line that a note begins with; the others come behind.
fn line(note: &str) -> u32 {
    let number = note.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse().ok());
    number.unwrap_or(u32::MAX)
}

/// The image's own steps: those of the last stage and of those below it, from where it stops to compile on.
struct Last {
    steps: Vec<StepId>,
    /// Where the image has its programs, in the order in which they are built.
    programs: Vec<Program>,
    is_single: bool,
}

/// A program of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    /// As the recipe is asked for it.
    package: String,
    /// Where it is.
    path: String,
}

impl Last {
    fn of(old: &Old, builds: &[GoBuild]) -> Last {
        let chain = old.plan.chain(old.plan.outcome.tip);
        let compiled = chain.iter().rposition(|id| builds.iter().any(|build| build.step == *id));
        let steps = chain[compiled.map_or(0, |at| at + 1)..].to_vec();
        let is_single = compiled.is_some();
        let programs = match is_single {
            true => builds.iter().flat_map(|b| &b.programs).filter(|p| !p.path.is_empty()).cloned().collect(),
            false => files::programs(old, &steps, builds),
        };
        Last { steps, programs, is_single }
    }

    fn program(&self, path: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.path == path)
    }
}

fn facts(old: &Old, builds: &[GoBuild], last: &Last) -> Facts {
    let base = |id: StepId| {
        let first = old.plan.chain(Some(id)).first().map(|id| &old.plan.step(*id).op);
        match first {
            Some(Op::Base(id)) => Some(old.plan.base(*id).name.clone()),
            _ => None,
        }
    };
    let compiling = builds.first().map(|build| build.step);
    let stage = compiling.map(|id| old.plan.step(id).stage.clone());
    let from = old.stages.stages.iter().find(|s| Some(plan::state::label(s)) == stage).map(|s| s.from);
    let platform = from.and_then(|from| from.platform.as_deref()).unwrap_or_default();
    let below = old.plan.outcome.tip.and_then(base);
    // The images for Go and those of distroless have them.
    let has_both = last.is_single || below.as_deref().is_some_and(|name| name.contains("distroless"));
    Facts {
        has_certificates: has_both,
        has_zones: has_both,
        base: below,
        toolchain: compiling.and_then(base),
        is_native: platform.contains("BUILDPLATFORM"),
        is_single: last.is_single,
        downloads: compiling.map_or(Downloads::Never, |id| downloads(old, id)),
        ..Facts::default()
    }
}

/// Whether modules are fetched by a step that doesn't see the whole project.
fn downloads(old: &Old, compiling: StepId) -> Downloads {
    if old.listing.find("vendor/modules.txt").is_some() || old.listing.find("go.sum").is_none() {
        return Downloads::Never;
    }
    let mut is_whole = false;
    for id in old.plan.chain(Some(compiling)) {
        match &old.plan.step(id).op {
            Op::Copy(copy) if copy.from == plan::From::Context => {
                is_whole |=
                    copy.sources.iter().filter_map(|s| s.path()).any(|p| crate::named::clean(p).is_empty());
            }
            Op::Run(run) if !is_whole => {
                let fetches =
                    |c: &shell::Command| c.is("go") && c.words.get(1).is_some_and(|word| word == "mod");
                if shell::commands(run).iter().any(fetches) {
                    return Downloads::First;
                }
            }
            _ => {}
        }
    }
    Downloads::Late
}

/// Which programs, with which flags.
fn compile(taken: &mut Taken, last: &Last) {
    let Taken { ask, facts, notes, .. } = taken;
    let placed: Vec<&Program> = last.programs.iter().collect();
    let mut seen = BTreeSet::new();
    let all: Vec<&Program> = match placed.is_empty() {
        true => facts.builds.iter().flat_map(|build| &build.programs).collect(),
        false => placed,
    };
    let all: Vec<&Program> = all.into_iter().filter(|program| seen.insert(program.package.clone())).collect();
    if facts.builds.is_empty() {
        notes.push("no step of it is a `go build` that could be read: programs are chosen as for a project without a Dockerfile".to_owned());
    }
    ask.mains = all.iter().map(|program| program.package.clone()).collect();
    if all.iter().all(|program| !program.path.is_empty()) && !last.programs.is_empty() {
        let interface = ask.interface.get_or_insert_default();
        interface.programs = all.iter().map(|program| program.path.clone()).collect();
    }
    for build in &facts.builds {
        build
            .tags
            .iter()
            .filter(|tag| !ask.tags.contains(tag))
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|tag| ask.tags.push(tag));
        if ask.ldflags.is_none() {
            ask.ldflags = build.ldflags.clone();
        }
        notes.extend(build.notes.iter().cloned());
    }
}

#[cfg(test)]
mod tests;
