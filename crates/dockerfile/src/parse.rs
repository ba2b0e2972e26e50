//! Text to instructions: the loop over logical lines, and what concerns a Dockerfile as a whole.
//!
//! Fed with bytes, uses `lex` for lines and `syntax` for what is on them. A line that cannot be read is
//! reported and left out; the rest is read all the same.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Place, Problem, Sink, Span};
use crate::directive::{self, Directives};
use crate::heredoc::{self, Heredoc};
use crate::instruction::{Instruction, Kind};
use crate::lex::{Lexer, Logical};
use crate::syntax::{self, Parts};
use crate::words::MOST;

/// A Dockerfile, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The directives at its top.
    pub directives: Directives,
    /// Its instructions, in order.
    pub instructions: Vec<Instruction>,
    /// Lines that are empty inside a continuation, the first of each instruction. BuildKit warns of them.
    pub empty_continuations: Vec<u32>,
}

/// Reads a Dockerfile. Always gives what could be read, along with what could not; after a thousand
/// mistakes it gives up on the rest.
pub fn parse(source: &[u8]) -> (Dockerfile, Vec<Diagnostic>) {
    let mut sink = Sink::default();
    let text = decode(source, &mut sink);
    let dockerfile = Parser::new(&text, &mut sink, Seen::Nothing).run();
    (dockerfile, sink.into_vec())
}

/// Reads the trigger that an image's config keeps for ONBUILD: one instruction, with its here-documents.
pub fn parse_trigger(text: &str) -> Result<Instruction, Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let mut instructions = Parser::new(text, &mut sink, Seen::From).run().instructions;
    let problems = sink.into_vec();
    if !problems.is_empty() {
        return Err(problems);
    }
    let trigger = instructions.pop().filter(|_| instructions.is_empty());
    trigger.ok_or_else(|| vec![start().diagnostic("onbuild trigger should be a single expression".into())])
}

fn start() -> Place {
    Place { line: 1, end_line: 1, span: Span::default() }
}

/// The source as text, with a question mark for each byte that is none, so that offsets stay.
fn decode<'a>(source: &'a [u8], sink: &mut Sink) -> Cow<'a, str> {
    if u32::try_from(source.len()).is_err() {
        sink.push(start().diagnostic("the file is larger than 4 GiB".into()));
        return Cow::Borrowed("");
    }
    let error = match std::str::from_utf8(source) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    sink.push(undecodable(&source[..error.valid_up_to()]));
    let mut text = String::with_capacity(source.len());
    for chunk in source.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(text)
}

fn undecodable(before: &[u8]) -> Diagnostic {
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    let at = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let place = Place { line, end_line: line, span: Span { start: at, end: at.saturating_add(1) } };
    place.diagnostic(Problem::new("the file is not valid UTF-8").help("save it as UTF-8"))
}

/// What came so far, as far as it matters to what may come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// At most ARG.
    Nothing,
    /// An instruction before any FROM; reported.
    Stray,
    /// A FROM.
    From,
}

struct Parser<'a, 's> {
    text: &'a str,
    lexer: Lexer<'a>,
    sink: &'s mut Sink,
    seen: Seen,
    instructions: Vec<Instruction>,
}

impl<'a, 's> Parser<'a, 's> {
    fn new(text: &'a str, sink: &'s mut Sink, seen: Seen) -> Parser<'a, 's> {
        Parser { text, lexer: Lexer::new(text), sink, seen, instructions: Vec::new() }
    }

    fn run(mut self) -> Dockerfile {
        let mut any = false;
        while !self.sink.is_full()
            && let Some(logical) = self.lexer.next_logical()
        {
            any = true;
            self.report_directives();
            self.line(logical);
        }
        self.report_directives();
        if !any {
            let line = self.lexer.line_number().max(1);
            let place = Place { line, end_line: line, span: Span::default() };
            self.sink.push(place.diagnostic("file with no instructions".into()));
        }
        self.finish()
    }

    fn finish(self) -> Dockerfile {
        let directives = Directives {
            syntax: directive::syntax(self.text),
            escape: self.lexer.escape(),
            check: directive::check(self.text),
        };
        let empty_continuations = self.lexer.into_empty_continuations();
        Dockerfile { directives, instructions: self.instructions, empty_continuations }
    }

    fn report_directives(&mut self) {
        self.lexer.take_problems().into_iter().for_each(|problem| self.sink.push(problem));
    }

    fn line(&mut self, logical: Logical<'a>) {
        let parts = syntax::cut(&logical.text, self.lexer.escape());
        self.check_order(&parts, &logical.place);
        let heredocs = self.heredocs(&parts, &logical);
        let place = self.lexer.extended(logical.place);
        match heredocs.and_then(|heredocs| instruction(&parts, &logical.text, place, heredocs)) {
            Ok(instruction) => {
                self.instructions.push(Instruction { comment: logical.comment, ..instruction })
            }
            Err(problem) => self.sink.push(place.diagnostic(problem)),
        }
    }

    fn check_order(&mut self, parts: &Parts<'_>, place: &Place) {
        match (self.seen, syntax::keyword(parts.keyword)) {
            // Counts even if the rest of its line is wrong: one mistake, one message.
            (_, Some("FROM")) => self.seen = Seen::From,
            (Seen::Nothing, Some(keyword)) if keyword != "ARG" => {
                let problem = Problem::new("no build stage in current context");
                self.sink
                    .push(place.diagnostic(problem.help(format!("`{keyword}` has to come after `FROM`"))));
                self.seen = Seen::Stray;
            }
            _ => {}
        }
    }

    fn heredocs(&mut self, parts: &Parts<'_>, logical: &Logical<'_>) -> Result<Vec<Heredoc>, Problem> {
        if !logical.text.contains("<<") || !syntax::may_have_heredocs(parts) {
            return Ok(Vec::new());
        }
        let announced = heredoc::find(&logical.text).map_err(|e| Problem::new(e.to_string()))?;
        if announced.len() > MOST {
            return Err(format!("more than {MOST} here-documents").into());
        }
        announced.into_iter().map(|heredoc| self.with_body(heredoc)).collect()
    }

    fn with_body(&mut self, heredoc: Heredoc) -> Result<Heredoc, Problem> {
        let body = self.lexer.heredoc_body(&heredoc.name, heredoc.chomp);
        let content = body.ok_or_else(|| {
            let help = format!("no line after it is `{}` and nothing else", heredoc.name);
            Problem::new("unterminated heredoc").help(help)
        })?;
        Ok(Heredoc { content, ..heredoc })
    }
}

fn instruction(
    parts: &Parts<'_>,
    line: &str,
    place: Place,
    heredocs: Vec<Heredoc>,
) -> Result<Instruction, Problem> {
    let kind = if syntax::keyword(parts.keyword) == Some("ONBUILD") {
        Kind::Onbuild(Box::new(trigger(parts, line, place, heredocs)?))
    } else {
        syntax::read(parts, heredocs)?
    };
    let Place { line: first, end_line, span } = place;
    let (keyword_text, original) = (parts.keyword.to_owned(), line.to_owned());
    Ok(Instruction { keyword_text, line: first, end_line, span, original, comment: None, kind })
}

fn trigger(
    parts: &Parts<'_>,
    line: &str,
    place: Place,
    heredocs: Vec<Heredoc>,
) -> Result<Instruction, Problem> {
    syntax::check_trigger(parts)?;
    // Not `parts.text`, which has lost the white space at its end: the image's config keeps it.
    let line = line.trim_start()[parts.keyword.len()..].trim_start();
    instruction(&syntax::cut(line, parts.escape), line, place, heredocs)
}
