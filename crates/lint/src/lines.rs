//! A file's instructions as they stand, stage by stage, with the commands of every RUN: what can be looked at even in
//! a file that is broken elsewhere.
//!
//! Made once for all rules. Knows where a command's words stand in the file, so that one can be changed.

use std::borrow::Cow;

use dockerfile::{Command as Form, Dockerfile, From, Instruction, Kind, Script as Body, Span};

use crate::rule::{Edit, Finding, Spot};
use crate::shell::{self, Command, Script, Word};

/// A stage's instructions, or those before the first FROM.
pub struct Part<'a> {
    /// The FROM, and the instruction that holds it.
    pub from: Option<(&'a Instruction, &'a From)>,
    /// What follows it.
    pub lines: Vec<Line<'a>>,
}

/// An instruction.
pub struct Line<'a> {
    /// As it is written.
    pub instruction: &'a Instruction,
    /// What it says; for ONBUILD, what its trigger says.
    pub kind: &'a Kind,
    /// What a RUN runs, taken apart. None if that is no shell's to read.
    pub script: Option<Script>,
    /// The text that `script` was made of.
    text: Cow<'a, str>,
    /// Whether that is the text of a here-document.
    is_document: bool,
}

/// What SHELL names that reads other scripts than a Unix shell does.
const FOREIGN: [&str; 3] = ["pwsh", "powershell", "cmd"];

/// A file's stages, with what stands before them.
pub fn parts(dockerfile: &Dockerfile) -> Vec<Part<'_>> {
    let mut parts = vec![Part { from: None, lines: Vec::new() }];
    let mut is_foreign = false;
    for instruction in &dockerfile.instructions {
        match &instruction.kind {
            Kind::From(from) => {
                is_foreign = false;
                parts.push(Part { from: Some((instruction, from)), lines: Vec::new() });
                continue;
            }
            Kind::Shell(words) => is_foreign = names_foreign(words),
            _ => {}
        }
        parts
            .last_mut()
            .expect("there is one before the first FROM")
            .lines
            .push(line(instruction, is_foreign));
    }
    parts
}

fn names_foreign(words: &[String]) -> bool {
    let name = words.first().map(|word| word.to_lowercase()).unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    FOREIGN.contains(&name.trim_end_matches(".exe"))
}

fn line(instruction: &Instruction, is_foreign: bool) -> Line<'_> {
    let kind = if let Kind::Onbuild(trigger) = &instruction.kind { &trigger.kind } else { &instruction.kind };
    let empty = Line { instruction, kind, script: None, text: Cow::Borrowed(""), is_document: false };
    let Kind::Run(run) = kind else { return empty };
    let is_document =
        !run.heredocs.is_empty() && !matches!(&run.command, Form::Shell(text) if !text.starts_with("<<"));
    match run.script() {
        _ if is_foreign => empty,
        Body::Exec(words) => Line { script: Some(shell::exec(words)), ..empty },
        Body::Shell(text) => Line { script: Some(shell::script(&text)), text, is_document, ..empty },
        Body::File { content, .. } if is_for_shell(&content) => {
            Line { script: Some(shell::script(&content)), text: content, is_document, ..empty }
        }
        Body::File { .. } => empty,
    }
}

/// Whether a `#!` names a Unix shell.
fn is_for_shell(content: &str) -> bool {
    let words = content.lines().next().unwrap_or_default().trim_start_matches("#!").split_whitespace();
    let mut names =
        words.map(|word| word.rsplit('/').next().unwrap_or_default()).filter(|name| *name != "env");
    names.next().is_some_and(|name| ["sh", "bash", "ash", "dash", "zsh", "ksh"].contains(&name))
}

impl<'a> Line<'a> {
    /// Where it is.
    pub fn spot(&self) -> Spot<'a> {
        Spot::of(self.instruction)
    }

    /// A finding here.
    pub fn finding(&self, message: impl Into<Cow<'static, str>>) -> Finding<'a> {
        self.spot().finding(message)
    }

    /// The commands of a RUN.
    pub fn commands(&self) -> &[Command] {
        self.script.as_ref().map(|script| &script.commands[..]).unwrap_or_default()
    }

    /// Whether a cache or a temporary file system is mounted on this folder, or above it.
    pub fn mounts(&self, folder: &str) -> bool {
        let Kind::Run(run) = self.kind else { return false };
        let is_kept_out = |mount: &str| mount.contains("type=cache") || mount.contains("type=tmpfs");
        let target = |mount: &str| {
            let fields = mount.split(',').filter_map(|field| field.split_once('='));
            let targets = fields.filter(|(key, _)| ["target", "dst", "destination"].contains(key));
            targets.map(|(_, path)| path.trim_end_matches('/').to_owned()).next_back()
        };
        let is_above = |path: String| {
            folder == path || folder.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'))
        };
        run.flags
            .mounts
            .iter()
            .filter(|mount| is_kept_out(mount))
            .filter_map(|mount| target(mount))
            .any(is_above)
    }

    /// Whether a RUN has a cache mounted anywhere.
    pub fn has_cache(&self) -> bool {
        matches!(self.kind, Kind::Run(run) if run.flags.mounts.iter().any(|mount| mount.contains("type=cache")))
    }

    /// The text that the commands stand in.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether that is a here-document's.
    pub fn is_document(&self) -> bool {
        self.is_document
    }
}

/// What can be changed in a file's commands.
pub struct Pen<'a> {
    /// The file's text.
    pub source: &'a [u8],
    /// Its escape character.
    pub escape: char,
}

impl Pen<'_> {
    /// Puts text behind a word of a command; nothing if it isn't known where that is.
    pub fn behind(&self, line: &Line, command: &Command, word: &Word, text: &str) -> Vec<Edit> {
        let end = word.end.checked_sub(1).filter(|_| command.is_placed && word.end > word.start);
        let at = end.and_then(|last| self.place(line, last)).map(|last| last + 1);
        at.map(|at| Edit { span: Span { start: at, end: at }, text: text.to_owned() }).into_iter().collect()
    }

    /// Puts text in the place of a word.
    pub fn instead(&self, line: &Line, command: &Command, word: &Word, text: &str) -> Vec<Edit> {
        let span = self.span(line, word).filter(|_| command.is_placed);
        span.map(|span| Edit { span, text: text.to_owned() }).into_iter().collect()
    }

    /// Takes a word away, with the white space on its line before it.
    pub fn without(&self, line: &Line, command: &Command, word: &Word) -> Vec<Edit> {
        let Some(Span { mut start, end }) = self.span(line, word).filter(|_| command.is_placed) else {
            return Vec::new();
        };
        while start > 0 && matches!(self.source[start as usize - 1], b' ' | b'\t') {
            start -= 1;
        }
        vec![Edit { span: Span { start, end }, text: String::new() }]
    }

    /// Puts another command behind those of a RUN that is nothing but commands with `&&` between them.
    pub fn at_end(&self, line: &Line, text: &str) -> Vec<Edit> {
        let is_chain = line.script.as_ref().is_some_and(|script| script.is_chain);
        let last = line.text.trim_end().len().checked_sub(1).filter(|_| is_chain && !line.is_document);
        let at = last.and_then(|last| self.place(line, last)).map(|last| last + 1);
        at.map(|at| Edit { span: Span { start: at, end: at }, text: text.to_owned() }).into_iter().collect()
    }

    /// Puts text in the place of some bytes of an instruction's logical line.
    pub fn rewrite(&self, instruction: &Instruction, range: std::ops::Range<usize>, text: &str) -> Vec<Edit> {
        let Some((places, _)) = self.places(instruction).filter(|_| !range.is_empty()) else {
            return Vec::new();
        };
        let ends = places.get(range.start).zip(places.get(range.end - 1));
        let whole = ends.filter(|(start, last)| (*last - *start) as usize == range.len() - 1);
        let span = whole.map(|(start, last)| Span { start: *start, end: last + 1 });
        span.map(|span| Edit { span, text: text.to_owned() }).into_iter().collect()
    }

    /// Puts text before the first line of a here-document.
    pub fn before_document(&self, line: &Line, at: usize, text: &str) -> Vec<Edit> {
        let at = self.place(line, at).filter(|_| line.is_document);
        at.map(|at| Edit { span: Span { start: at, end: at }, text: text.to_owned() }).into_iter().collect()
    }

    /// Where a byte of a command's text stands in the file. Nowhere in an ONBUILD, whose text is part of the image.
    pub fn place(&self, line: &Line, at: usize) -> Option<u32> {
        if matches!(line.instruction.kind, Kind::Onbuild(_)) {
            return None;
        }
        let (places, behind) = self.places(line.instruction)?;
        if line.is_document {
            let start = behind + self.source.get(behind..)?.iter().position(|byte| *byte == b'\n')? + 1;
            let is_same = self.source.get(start..)?.starts_with(line.text.as_bytes());
            return u32::try_from(start + at).ok().filter(|_| is_same);
        }
        let Kind::Run(dockerfile::Run { command: Form::Shell(text), .. }) = line.kind else { return None };
        let original = line.instruction.original.trim_end();
        let skipped = original.len().checked_sub(text.len()).filter(|_| original.ends_with(text.as_str()))?;
        places.get(skipped + at).copied().filter(|_| at < text.len())
    }

    fn span(&self, line: &Line, word: &Word) -> Option<Span> {
        let (start, last) = (self.place(line, word.start)?, self.place(line, word.end.checked_sub(1)?)?);
        let is_whole = (last - start) as usize == word.end - 1 - word.start;
        is_whole.then_some(Span { start, end: last + 1 })
    }

    /// Where every byte of a logical line stands, and where its last line ends.
    pub fn places(&self, instruction: &Instruction) -> Option<(Vec<u32>, usize)> {
        let mut places: Vec<u32> = Vec::with_capacity(instruction.original.len());
        let (mut at, mut is_first) = (instruction.span.start as usize, true);
        loop {
            let rest = self.source.get(at..).filter(|rest| !rest.is_empty());
            let Some(rest) = rest else { break };
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |found| found + 1);
            let text = std::str::from_utf8(&rest[..length]).ok()?.trim_end_matches(['\r', '\n']);
            let start = text.trim_start();
            let (from, end) = (at, at + text.len());
            at += length;
            if !is_first && (start.is_empty() || start.starts_with('#')) {
                continue;
            }
            is_first = false;
            let head = continued(text, self.escape);
            let kept = head.unwrap_or(text).len();
            places.extend((from..from + kept).filter_map(|place| u32::try_from(place).ok()));
            if head.is_none() {
                return self.agrees(&places, instruction).then_some((places, end));
            }
        }
        let end = self.source.len();
        self.agrees(&places, instruction).then_some((places, end))
    }

    fn agrees(&self, places: &[u32], instruction: &Instruction) -> bool {
        let bytes = places.iter().map(|place| self.source[*place as usize]);
        bytes.eq(instruction.original.bytes())
    }
}

/// A line without its continuation sign, if it has one; two escape characters are none.
pub fn continued(line: &str, escape: char) -> Option<&str> {
    let head = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!head.ends_with(escape)).then_some(head)
}
