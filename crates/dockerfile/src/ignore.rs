//! Ignore files: which paths of a context a build does not see.
//!
//! Text to `Patterns`; a walk then asks once per entry, handing down what is known of the directory
//! (`State`), so that a walk costs one look per entry and pattern. The last pattern that matches the path
//! or one of its parents decides; `!` takes a path back in, also from inside an ignored directory.
//! The same type serves `--exclude`, whose patterns come as a list.

use crate::diagnostic::{Diagnostic, Place, Problem, Span};
use crate::pattern::Pattern;

/// The patterns of an ignore file, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    rules: Vec<Rule>,
    has_exclusions: bool,
}

/// A pattern and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it matches.
    pub pattern: Pattern,
    /// `!`: what it matches is not ignored.
    pub negated: bool,
    /// The line of the ignore file, or the place in the list, counted from 1.
    pub line: u32,
}

/// What is known of a directory: which patterns match it or a parent, and so all below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    matched: Vec<u64>,
}

/// What the patterns say about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The build does not see it.
    pub ignored: bool,
    /// The pattern that decided; without one, nothing matched.
    pub by: Option<&'a Rule>,
}

/// Longer lines are an error in moby too, and a pattern costs its length times that of each path.
const MAX_LINE: usize = 64 * 1024;

impl Patterns {
    /// Reads an ignore file.
    pub fn parse(text: &[u8]) -> Result<Patterns, Diagnostic> {
        let mut patterns = Patterns::default();
        let mut start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        for (index, line) in text[start..].split(|b| *b == b'\n').enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            patterns
                .push_line(line, number)
                .map_err(|problem| at(number, start, line).diagnostic(problem))?;
            start += line.len() + 1;
        }
        Ok(patterns)
    }

    /// Takes patterns one by one, as `--exclude` gives them: `#` and a leading `/` mean themselves.
    pub fn from_list<S: AsRef<str>>(list: &[S]) -> Result<Patterns, Problem> {
        let mut patterns = Patterns::default();
        for (index, pattern) in list.iter().enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            patterns.push(pattern.as_ref(), number)?;
        }
        Ok(patterns)
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The patterns, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether any pattern takes paths back in. If none does, an ignored directory need not be walked.
    pub fn has_exclusions(&self) -> bool {
        self.has_exclusions
    }

    /// Whether a pattern could take something below the ignored directory `dir` back in.
    pub fn could_reinclude_below(&self, dir: &str) -> bool {
        self.rules.iter().any(|rule| rule.negated && rule.pattern.reaches_below(dir))
    }

    /// Whether `path`, relative and with `/`, is ignored.
    pub fn matches(&self, path: &str) -> bool {
        self.verdict(path).ignored
    }

    /// Whether `path` is ignored, and why.
    pub fn verdict(&self, path: &str) -> Verdict<'_> {
        self.decide(&self.state(|_, rule| rule.pattern.matches_or_parent(path)))
    }

    /// What is known at the root of a walk: nothing.
    pub fn root(&self) -> State {
        State::default()
    }

    /// What is known of `path`, an entry of the directory that `parent` is about, and whether it is ignored.
    pub fn child(&self, parent: &State, path: &str) -> (State, bool) {
        let state = self.state(|index, rule| parent.has(index) || rule.pattern.matches(path));
        let ignored = self.decide(&state).ignored;
        (state, ignored)
    }

    /// What the patterns say about the entry that `state` is about.
    pub fn decide(&self, state: &State) -> Verdict<'_> {
        let matching = (0..self.rules.len()).rev().filter(|index| state.has(*index));
        // A `!` that has nothing to take back decides nothing.
        let ignored = matching.clone().next().is_some_and(|index| !self.rules[index].negated);
        let by = matching.map(|index| &self.rules[index]).next();
        Verdict { ignored, by }
    }

    fn state(&self, matches: impl Fn(usize, &Rule) -> bool) -> State {
        let mut state = State { matched: vec![0; self.rules.len().div_ceil(64)] };
        for (index, rule) in self.rules.iter().enumerate() {
            if matches(index, rule) {
                state.matched[index / 64] |= 1 << (index % 64);
            }
        }
        state
    }

    fn push_line(&mut self, line: &[u8], number: u32) -> Result<(), Problem> {
        if line.starts_with(b"#") {
            return Ok(());
        }
        if line.len() > MAX_LINE {
            return Err(format!("the pattern is longer than {MAX_LINE} bytes").into());
        }
        let line =
            std::str::from_utf8(line).map_err(|_| Problem::new("the pattern is not valid UTF-8"))?.trim();
        if line.is_empty() {
            return Ok(());
        }
        self.push(&relative(line), number)
    }

    fn push(&mut self, pattern: &str, line: u32) -> Result<(), Problem> {
        let pattern = clean(pattern.trim());
        if pattern.is_empty() {
            return Ok(());
        }
        let (negated, text) =
            pattern.strip_prefix('!').map_or((false, pattern.as_str()), |text| (true, text));
        if text.is_empty() {
            return Err("illegal exclusion pattern: \"!\"".into());
        }
        let pattern = Pattern::parse(text).map_err(|e| Problem::new(format!("{e}: `{text}`")))?;
        self.has_exclusions |= negated;
        self.rules.push(Rule { pattern, negated, line });
        Ok(())
    }
}

impl State {
    fn has(&self, index: usize) -> bool {
        self.matched.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1)
    }
}

fn at(line: u32, start: usize, text: &[u8]) -> Place {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Place { line, end_line: line, span: Span { start: offset(start), end: offset(start + text.len()) } }
}

/// A line of the file as a pattern relative to the context: `/a/` is `a`, `! a` is `!a`.
fn relative(line: &str) -> String {
    let Some(text) = line.strip_prefix('!') else { return without_slash(line.to_owned()) };
    format!("!{}", without_slash(text.trim().to_owned()))
}

fn without_slash(text: String) -> String {
    if text.is_empty() {
        return text;
    }
    let cleaned = clean(&text);
    cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).map(String::from).unwrap_or(cleaned)
}

/// Go's `filepath.Clean`: no empty, `.` or resolvable `..` components. Nothing stays nothing here.
/// Done to each pattern once without its `!` and once with it, as in moby: so `!/` is seen to be empty.
fn clean(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            part => kept.push(part),
        }
    }
    match (rooted, kept.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}
