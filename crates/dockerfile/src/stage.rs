//! Instructions to build stages, and the rules by which one stage names another.
//!
//! Fed by `parse`; instructions are pointed to, not copied. `FROM` and `--from` look names up
//! differently, and so do the two kinds of `--from`: each has its own function here.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place, Problem};
use crate::instruction::{ArgDecl, From, Instruction, Kind};
use crate::parse::Dockerfile;
use crate::steps;

/// The stages of a Dockerfile.
#[derive(Debug)]
pub struct Stages<'a> {
    /// The arguments declared before the first stage, with their instructions.
    pub global_args: Vec<(&'a ArgDecl, &'a Instruction)>,
    /// The stages, in order.
    pub stages: Vec<Stage<'a>>,
    /// The indices of the stages of each name, in order.
    names: HashMap<&'a str, Vec<usize>>,
}

/// `FROM` and what follows up to the next one.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Its place among the stages, from 0.
    pub index: usize,
    /// Its name, in lower case.
    pub name: Option<&'a str>,
    /// The line of its FROM.
    pub line: u32,
    /// Its FROM.
    pub from: &'a From,
    /// The instruction that holds its FROM.
    pub instruction: &'a Instruction,
    /// The instructions behind its FROM.
    pub instructions: &'a [Instruction],
}

/// What a name or number in `--from` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A stage above: what it should be.
    Earlier(usize),
    /// The stage that asks: a circle.
    Own,
    /// Only stages below, of which this is the first. An error if the asking stage is built.
    Later(usize),
    /// A number that no stage has.
    NoSuchIndex,
    /// No stage: an image or a named context.
    Outside,
}

/// The stages of `dockerfile`. An error if there is none.
pub fn stages(dockerfile: &Dockerfile) -> Result<Stages<'_>, Vec<Diagnostic>> {
    let all = &dockerfile.instructions[..];
    let starts: Vec<usize> = (0..all.len()).filter(|at| matches!(all[*at].kind, Kind::From(_))).collect();
    let Some(first) = starts.first() else {
        let problem = Problem::new("dockerfile contains no stages to build").help("add a `FROM`");
        return Err(vec![Place { line: 1, end_line: 1, ..Place::default() }.diagnostic(problem)]);
    };
    let ends = starts.iter().skip(1).copied().chain([all.len()]);
    let bounds = starts.iter().copied().zip(ends).enumerate();
    let stages: Vec<Stage<'_>> =
        bounds.filter_map(|(index, (start, end))| stage(index, &all[start..end])).collect();
    let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
    for (name, index) in stages.iter().filter_map(|stage| stage.name.map(|name| (name, stage.index))) {
        names.entry(name).or_default().push(index);
    }
    Ok(Stages { global_args: all[..*first].iter().flat_map(args).collect(), stages, names })
}

fn stage(index: usize, all: &[Instruction]) -> Option<Stage<'_>> {
    let (instruction, instructions) = all.split_first()?;
    let Kind::From(from) = &instruction.kind else { return None };
    Some(Stage {
        index,
        name: from.alias.as_deref(),
        line: instruction.line,
        from,
        instruction,
        instructions,
    })
}

fn args(instruction: &Instruction) -> impl Iterator<Item = (&ArgDecl, &Instruction)> {
    let declared = if let Kind::Arg(declared) = &instruction.kind { &declared[..] } else { &[] };
    declared.iter().map(move |declared| (declared, instruction))
}

impl<'a> Stages<'a> {
    /// The stage that the expanded image name of a FROM in stage `before` stands for: the last one above
    /// of exactly that name. Names are in lower case, so `FROM FOO` never finds one.
    pub fn base(&self, image: &str, before: usize) -> Option<usize> {
        above(self.named(image), before)
    }

    /// What `--from=text` of a COPY in stage `before` stands for: a number is an index, a name counts in
    /// any letter case.
    pub fn find(&self, text: &str, before: usize) -> Found {
        match text.parse::<i64>() {
            Ok(index) => self.by_index(index, before),
            Err(_) => self.find_named(text, before),
        }
    }

    /// What `from=text` of a mount in stage `before` stands for: only names count, `from=0` is an image.
    pub fn find_named(&self, text: &str, before: usize) -> Found {
        let lower = text.to_lowercase();
        let all = self.named(&lower);
        match (above(all, before), all.first()) {
            (Some(index), _) => Found::Earlier(index),
            (None, Some(index)) if *index == before => Found::Own,
            (None, Some(index)) => Found::Later(*index),
            (None, None) => Found::Outside,
        }
    }

    /// The stage to build for `--target`: a name in any letter case, the last of them, or an index.
    pub fn target(&self, text: &str) -> Option<&Stage<'a>> {
        let named = self.named(&text.to_lowercase()).last().copied();
        self.stages.get(named.or_else(|| text.parse().ok())?)
    }

    /// The names of all stages, for "did you mean".
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.stages.iter().filter_map(|stage| stage.name)
    }

    fn named(&self, name: &str) -> &[usize] {
        steps::note(name.len() + 1);
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    fn by_index(&self, index: i64, before: usize) -> Found {
        match usize::try_from(index) {
            Ok(index) if index >= self.stages.len() => Found::NoSuchIndex,
            Ok(index) if index < before => Found::Earlier(index),
            Ok(index) if index == before => Found::Own,
            Ok(index) => Found::Later(index),
            Err(_) => Found::NoSuchIndex,
        }
    }
}

/// The last of these indices, which are in order, that is less than `before`.
fn above(all: &[usize], before: usize) -> Option<usize> {
    all[..all.partition_point(|index| *index < before)].last().copied()
}
