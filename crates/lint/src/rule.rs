//! What a rule is: data, with a function that finds, and what mends a finding if that is safe.
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
    /// What mending its findings may change in the image. None if they are not mended: that takes a human.
    pub fix: Option<Changes>,
    /// The text of its file.
    pub source: &'static str,
}

/// What may be different in the image once a finding is mended, besides what its history says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changes {
    /// Nothing.
    Nothing,
    /// These fields of the config.
    Config(&'static [&'static str]),
    /// These files: paths, or a word on which: `the files `, and then.
    Files(&'static [&'static str]),
}

impl Changes {
    /// For people.
    pub fn words(self) -> String {
        let shown = |name: &&str| if name.contains(' ') { (*name).to_owned() } else { format!("`{name}`") };
        let list = |names: &[&str]| names.iter().map(shown).collect::<Vec<_>>().join(", ");
        match self {
            Changes::Nothing => "nothing".to_owned(),
            Changes::Config(fields) => format!("the config's {}", list(fields)),
            Changes::Files(paths) => format!("the files {}", list(paths)),
        }
    }
}

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
    /// hadolint's, under a name that says what it is about; its code is another name.
    Hadolint,
    /// Ours.
    Tare,
}

impl Origin {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::BuildKit => "buildkit",
            Origin::Hadolint => "hadolint",
            Origin::Tare => "tare",
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
        Finding { spot: self, message: message.into(), edits: Vec::new(), unseen: Vec::new() }
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'s> {
    /// Where.
    pub spot: Spot<'s>,
    /// What.
    pub message: Cow<'static, str>,
    /// What mends it; nothing if that isn't safe here.
    pub edits: Vec<Edit>,
    /// What mends it: patterns for the ignore file.
    pub unseen: Vec<String>,
}

impl Finding<'_> {
    /// The finding, mended by these.
    pub fn mended_by(self, edits: Vec<Edit>) -> Self {
        Finding { edits, ..self }
    }
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

    /// What the rules of hadolint have in common.
    pub(crate) const HADOLINT: Rule =
        Rule { origin: Origin::Hadolint, needs: Needs::Syntax, ..Rule::BUILDKIT };

    /// What our own rules have in common.
    pub(crate) const TARE: Rule = Rule { origin: Origin::Tare, ..Rule::BUILDKIT };

    pub(crate) fn warning(&self, finding: Finding) -> Warning {
        Warning {
            rule: self.name,
            aliases: self.aliases,
            description: self.description,
            message: finding.message.into_owned(),
            url: self.url,
            line: finding.spot.line,
            end_line: finding.spot.end_line,
            fix: self.fix,
            is_fixable: self.fix.is_some() && !(finding.edits.is_empty() && finding.unseen.is_empty()),
            edits: finding.edits,
            unseen: finding.unseen,
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
