//! What a rule is: data, with a function that finds and perhaps one that mends.
//!
//! Each stands in a file of its own below `rules`. The file's header is the rule's page and its example, see `page`.

use std::borrow::Cow;

use dockerfile::{Instruction, Span};

use crate::Warning;
use crate::scene::Scene;

/// A rule.
pub struct Rule {
    /// Its name; reads well after "skip".
    pub name: &'static str,
    /// Its names elsewhere.
    pub aliases: &'static [&'static str],
    /// Whose rule it is.
    pub origin: Origin,
    /// What it has to see.
    pub needs: Needs,
    /// What it is about, in general.
    pub description: &'static str,
    /// Where more is written; empty if nowhere.
    pub url: &'static str,
    /// Only with `check=experimental=`.
    pub experimental: bool,
    /// What it finds.
    pub check: for<'s> fn(&'s Scene<'s>) -> Vec<Finding<'s>>,
    /// What mends a finding, if that is safe.
    pub fix: Option<Fix>,
    /// The text of its file.
    pub source: &'static str,
}

/// What mends a finding: the bytes to put in the place of others.
pub type Fix = for<'s> fn(&'s Scene<'s>, &Finding<'s>) -> Vec<Edit>;

/// Text in the place of other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// Whose rule it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// BuildKit's: `docker build --check` has it under the same name.
    BuildKit,
}

impl Origin {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::BuildKit => "buildkit",
        }
    }
}

/// What a rule has to see. A file that is broken has lines, but no stages worth to be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Lines, each for itself.
    Syntax,
    /// Stages and the variables in them.
    Stages,
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot<'s> {
    /// First line, counted from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// The comment before the instruction: a `check=` in it counts for this finding, too.
    pub comment: Option<&'s str>,
}

impl<'s> Spot<'s> {
    /// An instruction whose own comment counts.
    pub fn of(instruction: &'s Instruction) -> Spot<'s> {
        Spot { comment: instruction.comment.as_deref(), ..Spot::in_file(instruction) }
    }

    /// An instruction of which BuildKit asks only the file's directive.
    pub fn in_file(instruction: &Instruction) -> Spot<'s> {
        Spot { line: instruction.line, end_line: instruction.end_line, comment: None }
    }

    /// What was found here.
    pub fn finding(self, message: impl Into<Cow<'static, str>>) -> Finding<'s> {
        Finding { spot: self, message: message.into() }
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'s> {
    /// Where.
    pub spot: Spot<'s>,
    /// What.
    pub message: Cow<'static, str>,
}

impl Rule {
    /// What the rules of BuildKit have in common; each has its own name, description, page, function and text.
    pub(crate) const BUILDKIT: Rule = Rule {
        name: "",
        aliases: &[],
        origin: Origin::BuildKit,
        needs: Needs::Stages,
        description: "",
        url: "",
        experimental: false,
        check: |_| Vec::new(),
        fix: None,
        source: "",
    };

    pub(crate) fn warning(&self, finding: Finding) -> Warning {
        Warning {
            rule: self.name,
            aliases: self.aliases,
            description: self.description,
            message: finding.message.into_owned(),
            url: self.url,
            line: finding.spot.line,
            end_line: finding.spot.end_line,
        }
    }

    /// Whether it goes by this name, in any case of letters.
    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// All its names, its own first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
