//! A Dockerfile to warnings about it: one file a rule, one walk over its stages for all of them.
//!
//! ```text
//! text ─▶ Dockerfile ─┐
//! options, facts ─────┴▶ Scene ─▶ every rule ─▶ findings ─▶ what `check=` lets through ─▶ warnings
//! ```
//! Fed by `dockerfile` and with what `plan` knows of variables. Reads no file, asks no registry, prints nothing.
//! Names, wording and lines of the rules that are BuildKit's are BuildKit's, so that a warning is the same in both.

mod clutter;
mod config;
pub mod context;
pub mod diff;
mod find;
mod golang;
mod hadolint;
mod image;
mod lines;
mod mend;
mod near;
mod official;
pub mod page;
pub mod rule;
mod rules;
mod scene;
mod shell;
mod walk;

use dockerfile::{Diagnostic, Dockerfile, Patterns};
use plan::{Facts, Options};

use hadolint::Ignored;

pub use config::Config;
pub use context::Context;
pub use mend::{Mended, extended, mend};
pub use rule::{Changes, Edit, Finding, Needs, Origin, Rule, Spot};
pub use rules::ALL;
pub use scene::Scene;

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The Dockerfile's text.
    pub text: &'a [u8],
    /// What was read of it.
    pub dockerfile: &'a Dockerfile,
    /// What couldn't be read of it.
    pub problems: &'a [Diagnostic],
    /// Build arguments, target and platforms.
    pub options: &'a Options,
    /// Which stages count.
    pub reach: Reach,
    /// The ignore patterns of the context.
    pub ignore: Option<&'a Patterns>,
    /// What lies in the context.
    pub context: Option<&'a Context>,
    /// What is known of base images. Without a fact, an image sets what its official namesake sets, else PATH.
    pub facts: Option<&'a Facts>,
}

/// Which stages are looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// All of them, or with a target those that it needs: what `docker build --check` looks at.
    Asked,
    /// Those that the target needs, the last stage's if none is named: what a build looks at.
    Built,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// By line, and on a line in the order in which BuildKit finds them.
    pub warnings: Vec<Warning>,
    /// `check=error=true`: a warning is an error.
    pub is_error: bool,
}

/// A rule's finding, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The rule's name.
    pub rule: &'static str,
    /// Its names elsewhere.
    pub aliases: &'static [&'static str],
    /// What it is about, in general.
    pub description: &'static str,
    /// What it is about, here.
    pub message: String,
    /// Where more is written; empty if nowhere.
    pub url: &'static str,
    /// First line, counted from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// What mending it may change in the image. None if the rule's findings take a human.
    pub fix: Option<Changes>,
    /// Whether it can be mended safely here.
    pub is_fixable: bool,
    /// What mends it in the file.
    pub edits: Vec<Edit>,
    /// What mends it in the ignore file: patterns to add.
    pub unseen: Vec<String>,
}

impl Checked {
    /// Why a build must not go on, in BuildKit's words; `None` if it may.
    pub fn violation(&self) -> Option<String> {
        let mut names: Vec<&str> = self.warnings.iter().map(|warning| warning.rule).collect();
        names.sort_unstable();
        names.dedup();
        let fails = self.is_error && !names.is_empty();
        fails.then(|| format!("lint violation found for rules: {}", names.join(", ")))
    }
}

/// The images, and for which platform, of which facts would be of use.
pub fn images(input: &Input) -> Vec<(String, oci::Platform)> {
    let scene = walk::scene(input);
    let images = scene.stages.iter().filter(|sight| sight.is_reached && sight.is_image);
    let mut all: Vec<_> = images.map(|sight| (sight.image.text.clone(), sight.wanted.clone())).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether it can be told without a fact what an image sets.
pub fn is_known(image: &str) -> bool {
    official::find(image).is_some()
}

/// Whether a Dockerfile asks for what lies under a name at the top of its context, other than by taking all of it: then
/// no ignore file may keep it out.
pub fn asks_for(input: &Input, name: &str) -> bool {
    clutter::is_asked_for(&walk::scene(input), name)
}

/// Whether these names can be the context of a Dockerfile: all are there that it copies by name, and something is there
/// besides Dockerfiles if it copies all.
pub fn could_be_context(input: &Input, context: &Context) -> bool {
    clutter::could_be_context(&walk::scene(input), context)
}

/// Looks at a Dockerfile with these rules. A broken one is looked at line by line, as far as it can be read.
///
/// # Errors
/// If its `check` directive, or the build argument that takes its place, can't be understood.
pub fn check(input: &Input, rules: &[&'static Rule]) -> Result<Checked, String> {
    let config = Config::of(input.dockerfile, &input.options.build_args)?;
    let scene = walk::scene(input);
    // BuildKit knows nothing of hadolint: a check with its rules alone is as it is there.
    let is_buildkit = rules.iter().all(|rule| rule.origin == Origin::BuildKit);
    let ignored = if is_buildkit { Ignored::default() } else { Ignored::of(input.text, input.dockerfile) };
    let mut warnings = Vec::new();
    for rule in rules.iter().filter(|rule| rule.needs == Needs::Syntax || scene.is_whole) {
        let found = (rule.check)(&scene).into_iter();
        let allowed = found.filter(|finding| config.allows(rule, finding.spot.comment));
        let allowed = allowed.filter(|finding| ignored.allows(rule, finding.spot.line));
        warnings.extend(allowed.map(|finding| rule.warning(finding)));
    }
    warnings.sort_by_key(|warning| warning.line);
    Ok(Checked { warnings, is_error: config.is_error })
}
