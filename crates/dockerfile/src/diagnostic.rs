//! What is wrong with a user's text, and where: the one form in which this crate complains.

use std::fmt;

/// A range of bytes in the source, end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

/// A mistake in the user's text. Reading goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// First line of the instruction it is about, counted from 1.
    pub line: u32,
    /// Last line of the instruction it is about.
    pub end_line: u32,
    /// The bytes it is about.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where we know.
    pub help: Option<String>,
}

/// A place in the source: lines and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First line, counted from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// The bytes.
    pub span: Span,
}

impl Place {
    /// `problem` found at this place.
    pub fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let Place { line, end_line, span } = *self;
        let (message, help) = (short(problem.message), problem.help.map(short));
        Diagnostic { line, end_line, span, message, help }
    }
}

/// Longer messages are cut: a thousand of them must not take a thousand times ten megabytes.
const MESSAGE: usize = 1000;

/// A message, or its beginning if it quotes a line of megabytes.
pub fn short(mut message: String) -> String {
    if message.len() > MESSAGE {
        message.truncate(message.floor_char_boundary(MESSAGE));
        message.push('…');
        message.shrink_to_fit();
    }
    message
}

/// A mistake whose place the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A mistake without advice.
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), help: None }
    }

    /// The same mistake with advice.
    pub fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }

    /// The same mistake with a "did you mean", if there is one.
    pub fn suggest(self, name: Option<String>) -> Problem {
        Problem { help: name.map(|name| format!("did you mean `{name}`?")).or(self.help), ..self }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Problem {
        Problem::new(message)
    }
}

impl From<&str> for Problem {
    fn from(message: &str) -> Problem {
        Problem::new(message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\nhelp: {help}"))
    }
}

impl std::error::Error for Diagnostic {}

/// Where diagnostics collect, up to a limit.
///
/// A file of garbage has a mistake a line: without the limit, reading it would take many times its size.
#[derive(Debug, Default)]
pub struct Sink(Vec<Diagnostic>);

/// Nobody reads more; raising it costs only memory on garbage.
const LIMIT: usize = 1000;

impl Sink {
    /// Notes a mistake, or forgets it past the limit.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.0.push(diagnostic);
        }
    }

    /// Whether there is no point in reading on.
    pub fn is_full(&self) -> bool {
        self.0.len() >= LIMIT
    }

    /// What was noted, in order.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }
}
