//! What rules look at: the file, and its stages with what the walk found out about every instruction.
//!
//! Made by `walk`, once for all rules.

use std::borrow::Cow;

use dockerfile::{From, Instruction};
use oci::Platform;

use crate::Input;
use crate::lines::{Line, Part, Pen};
use crate::rule::Spot;
use crate::shell::{Command, Script};

/// A Dockerfile, looked at.
pub struct Scene<'a> {
    /// What it was made of.
    pub input: Input<'a>,
    /// Whether there are stages: everything could be read, and there is a FROM.
    pub is_whole: bool,
    /// All stages, in order.
    pub stages: Vec<Sight<'a>>,
    /// The file's instructions, whole or not; the first part is what stands before the first FROM.
    pub parts: Vec<Part<'a>>,
}

/// A stage.
pub struct Sight<'a> {
    /// Its FROM.
    pub from: &'a From,
    /// The instruction that holds its FROM.
    pub instruction: &'a Instruction,
    /// The image with the defaults of the arguments alone, if the words could be read.
    pub default_image: Option<String>,
    /// The image's name, variables filled in.
    pub image: Word,
    /// Whether that is an image, and neither a stage nor nothing.
    pub is_image: bool,
    /// `--platform`, variables filled in.
    pub platform: Option<Word>,
    /// What FROM's variables may be called.
    pub names: Vec<String>,
    /// What the base image is for, if it is an image with layers of which that is known.
    pub offered: Option<Platform>,
    /// What the stage is for.
    pub wanted: Platform,
    /// `$TARGETPLATFORM`
    pub target_platform: String,
    /// Whether it is looked into.
    pub is_reached: bool,
    /// What is done in it: triggers of the stage or image below first. Empty if the stage isn't reached.
    pub steps: Vec<Step<'a>>,
}

/// A word, its variables filled in.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Variables that it has and that are set.
    pub used: Vec<String>,
    /// Variables that it has and that are not.
    pub unset: Vec<String>,
}

/// An instruction of a stage.
pub struct Step<'a> {
    /// As it is written.
    pub instruction: Cow<'a, Instruction>,
    /// Its lines; a trigger's are those of FROM.
    pub lines: (u32, u32),
    /// Variables of it that nobody has set, with the nearest that somebody has: once for every word.
    pub unset: Vec<(String, Option<String>)>,
    /// Words of it, variables filled in: the names of ENV, the folder of WORKDIR, the sources of COPY and ADD, the
    /// ports of EXPOSE.
    pub words: Vec<String>,
    /// Whether a SHELL stands above it, be it in the base image.
    pub has_shell: bool,
    /// Whether a WORKDIR stands above it; one of the base image doesn't count.
    pub has_workdir: bool,
}

impl Step<'_> {
    /// Where it is.
    pub fn spot(&self) -> Spot<'_> {
        let (line, end_line) = self.lines;
        Spot { line, end_line, comment: self.instruction.comment.as_deref() }
    }
}

impl<'a> Scene<'a> {
    /// Every instruction of the stages that are reached.
    pub fn steps(&self) -> impl Iterator<Item = &Step<'a>> {
        self.stages.iter().flat_map(|sight| &sight.steps)
    }

    /// Every instruction of the file but FROM, be the file broken or not.
    pub fn lines(&self) -> impl Iterator<Item = &Line<'a>> {
        self.parts.iter().flat_map(|part| &part.lines)
    }

    /// What every RUN runs.
    pub fn scripts(&self) -> impl Iterator<Item = (&Line<'a>, &Script)> {
        self.lines().filter_map(|line| Some((line, line.script.as_ref()?)))
    }

    /// Every command of every RUN.
    pub fn commands(&self) -> impl Iterator<Item = (&Line<'a>, &Command)> {
        self.lines().flat_map(|line| line.commands().iter().map(move |command| (line, command)))
    }

    /// A stage with its instructions as they stand in the file. The file is whole.
    pub fn staged(&self) -> impl Iterator<Item = (&Sight<'a>, &Part<'a>)> {
        self.stages.iter().zip(self.parts.iter().skip(1))
    }

    /// The stages that one stands on, itself first, by their places.
    pub fn chain(&self, index: usize) -> Vec<usize> {
        let (mut chain, mut at) = (vec![index], index);
        while let Some(below) = self.below(at) {
            chain.push(below);
            at = below;
        }
        chain
    }

    fn below(&self, index: usize) -> Option<usize> {
        let sight = self.stages.get(index).filter(|sight| !sight.is_image)?;
        let is_it = |stage: &Sight| stage.from.alias.as_deref() == Some(sight.image.text.as_str());
        self.stages[..index].iter().rposition(is_it)
    }

    /// The stage that `COPY --from` of a name means, in the stage at `index`.
    pub fn source(&self, name: &str, index: usize) -> Option<usize> {
        let lower = name.to_lowercase();
        let named =
            self.stages[..index].iter().rposition(|stage| stage.from.alias.as_deref() == Some(&lower));
        named.or_else(|| name.parse().ok().filter(|number| *number < index))
    }

    /// What changes the file.
    pub fn pen(&self) -> Pen<'a> {
        Pen { source: self.input.text, escape: self.input.dockerfile.directives.escape }
    }
}
