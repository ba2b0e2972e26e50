//! Text to logical lines: what an instruction is written on once comments and continuations are gone.
//!
//! Fed by `parse`, which also asks for here-document bodies, because only it knows whether a line may
//! have any. Every byte is looked at once, so time and memory follow the size of the text.
//! The oddities are BuildKit's: a line that ends in two escape characters does not continue, comment and
//! empty lines inside a continuation vanish, spaces may follow the escape character.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Place, Span};
use crate::directive::{self, Reader};
use crate::steps;

/// What one instruction is written on.
#[derive(Debug)]
pub struct Logical<'a> {
    /// The text, continued lines joined without a break.
    pub text: Cow<'a, str>,
    /// Where it stands; grows when a here-document body follows.
    pub place: Place,
    /// The comment lines right before it.
    pub comment: Option<String>,
}

/// Walks over the source.
pub struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: u32,
    escape: char,
    directives: Reader,
    comment: Option<String>,
    empty_continuations: Vec<u32>,
    problems: Vec<Diagnostic>,
}

/// A line as it stands in the file.
struct Physical<'a> {
    /// With its line break.
    whole: &'a str,
    start: usize,
}

impl<'a> Physical<'a> {
    fn text(&self) -> &'a str {
        self.whole.trim_end_matches(['\r', '\n'])
    }

    fn end(&self) -> usize {
        self.start + self.text().len()
    }
}

impl<'a> Lexer<'a> {
    /// At the start of `text`, which must be shorter than 4 GiB.
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            text,
            position: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
            line: 0,
            escape: '\\',
            directives: Reader::default(),
            comment: None,
            empty_continuations: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The escape character as far as directives were read.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// The line that was read last, counted from 1.
    pub fn line_number(&self) -> u32 {
        self.line
    }

    /// What was wrong with the directives.
    pub fn take_problems(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.problems)
    }

    /// The lines that are empty inside a continuation, the first of each instruction.
    pub fn into_empty_continuations(self) -> Vec<u32> {
        self.empty_continuations
    }

    /// The next logical line.
    pub fn next_logical(&mut self) -> Option<Logical<'a>> {
        loop {
            let physical = self.next_physical()?;
            let text = physical.text().trim_start();
            if text.starts_with('#') {
                self.note_comment(&physical, text);
            } else {
                self.end_directives();
                if !text.is_empty() {
                    return Some(self.join(text, physical.end()));
                }
            }
        }
    }

    /// The lines up to the one that is `name`, or `None` if there is no such line. With `tabs`, the
    /// closing line may be indented by tabs.
    pub fn heredoc_body(&mut self, name: &str, tabs: bool) -> Option<String> {
        let start = self.position;
        while let Some(physical) = self.next_physical() {
            let text = physical.text();
            let text = if tabs { text.trim_start_matches('\t') } else { text };
            if text == name {
                return Some(self.text[start..physical.start].to_owned());
            }
        }
        None
    }

    /// Where an instruction that began at `place` ends, now that its here-documents are read.
    pub fn extended(&self, place: Place) -> Place {
        let read = self.text[..self.position].trim_end_matches(['\r', '\n']).len();
        Place { end_line: self.line, span: Span { end: offset(read), ..place.span }, ..place }
    }

    fn next_physical(&mut self) -> Option<Physical<'a>> {
        let start = self.position;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.bytes().position(|b| b == b'\n').map_or(rest.len(), |newline| newline + 1);
        self.position += length;
        steps::note(length);
        self.line = self.line.saturating_add(1);
        Some(Physical { whole: &rest[..length], start })
    }

    fn note_comment(&mut self, physical: &Physical<'a>, text: &'a str) {
        match self.directives.line(text) {
            Ok(Some((name, value))) => return self.apply(name, value, physical),
            Ok(None) => {}
            Err(problem) => return self.problems.push(self.here(physical).diagnostic(problem)),
        }
        // BuildKit cuts the first byte of the line, not the `#`: an indented comment keeps its sign, and
        // so never describes a stage or an argument.
        let body = if physical.whole.starts_with('#') { text[1..].trim() } else { text.trim() };
        match (&mut self.comment, body) {
            (comment, "") => *comment = None,
            (Some(comment), body) => {
                comment.push('\n');
                comment.push_str(body);
            }
            (comment, body) => *comment = Some(body.to_owned()),
        }
    }

    fn apply(&mut self, name: &str, value: &str, physical: &Physical<'a>) {
        if name != "escape" {
            return;
        }
        match directive::escape(value) {
            Ok(escape) => self.escape = escape,
            Err(problem) => self.problems.push(self.here(physical).diagnostic(problem)),
        }
    }

    fn end_directives(&mut self) {
        if !self.directives.is_done() {
            // Any line that is no comment does.
            let _ = self.directives.line("");
        }
    }

    fn here(&self, physical: &Physical<'a>) -> Place {
        let span = Span { start: offset(physical.start), end: offset(physical.end()) };
        Place { line: self.line, end_line: self.line, span }
    }

    fn join(&mut self, first: &'a str, end: usize) -> Logical<'a> {
        let start = end - first.len();
        let line = self.line;
        let comment = self.comment.take();
        let Some(head) = continued(first, self.escape) else {
            let place = Place { line, end_line: line, span: Span { start: offset(start), end: offset(end) } };
            return Logical { text: Cow::Borrowed(first), place, comment };
        };
        let mut text = head.to_owned();
        let end = self.join_rest(&mut text, end);
        let place =
            Place { line, end_line: self.line, span: Span { start: offset(start), end: offset(end) } };
        Logical { text: Cow::Owned(text), place, comment }
    }

    fn join_rest(&mut self, text: &mut String, mut end: usize) -> usize {
        let mut had_empty = false;
        while let Some(physical) = self.next_physical() {
            end = physical.end();
            let line = physical.text();
            let trimmed = line.trim_start();
            if trimmed.is_empty() && !std::mem::replace(&mut had_empty, true) {
                self.empty_continuations.push(self.line);
            }
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let Some(head) = continued(line, self.escape) else {
                text.push_str(line);
                break;
            };
            text.push_str(head);
        }
        end
    }
}

/// The line without its continuation sign, if it has one.
fn continued(line: &str, escape: char) -> Option<&str> {
    let head = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!head.ends_with(escape)).then_some(head)
}

// `parse` refuses longer texts.
fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
