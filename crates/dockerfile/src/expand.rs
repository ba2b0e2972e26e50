//! Variables in a word: `$v`, `${v:-w}` and the rest, as BuildKit's own small shell reads them.
//!
//! Fed with raw words by whoever knows the variables' values; `substring` does the pattern forms. Quotes
//! and escapes go away here, unless the mode keeps them. Nesting and size are bounded, so that no input
//! can exhaust stack or memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::diagnostic::short;
use crate::quote::quote;
use crate::steps;
use crate::substring::{self, Work};

use collect::Words;

mod collect;

/// Values of variables.
pub trait Vars {
    /// The value of `name`, if it is set.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// No variable is set.
impl Vars for () {
    fn get(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl Vars for HashMap<String, String> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        HashMap::get(self, name).map(|value| Cow::Borrowed(value.as_str()))
    }
}

impl Vars for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        BTreeMap::get(self, name).map(|value| Cow::Borrowed(value.as_str()))
    }
}

/// Pairs in order; the last of a name counts.
impl Vars for [(String, String)] {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().rev().find(|(key, _)| key == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
    }
}

/// What to leave as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Quotes quote, and stay in the text.
    pub raw_quotes: bool,
    /// Escape characters escape, and stay in the text.
    pub raw_escapes: bool,
    /// Quotes are ordinary characters.
    pub skip_quotes: bool,
    /// A variable that is not set stays as written.
    pub keep_unset: bool,
}

impl Mode {
    /// A word of an instruction.
    pub const WORD: Mode =
        Mode { raw_quotes: false, raw_escapes: false, skip_quotes: false, keep_unset: false };
    /// The body of a here-document for COPY or ADD. Its escape character is `\`, whatever the directive.
    pub const HEREDOC: Mode = Mode { skip_quotes: true, ..Mode::WORD };
    /// A line to show: values filled in, everything else as written.
    pub const DISPLAY: Mode = Mode { raw_quotes: true, raw_escapes: true, keep_unset: true, ..Mode::WORD };
}

/// A word with its variables filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// The variables that were looked up and set.
    pub used: BTreeSet<String>,
    /// The variables that were looked up and not set.
    pub unset: BTreeSet<String>,
    /// Bytes of values that were copied or compared, also those that are not in the text.
    pub work: usize,
}

/// Why a word cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// The reason, without the word.
    pub message: String,
    /// As [`Expanded::work`].
    pub work: usize,
    word: String,
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to process {}: {}", quote(&self.word), self.message)
    }
}

impl std::error::Error for ExpandError {}

/// Forms inside forms: nobody writes ten, and each level costs stack.
const MAX_DEPTH: usize = 200;

/// Bytes in a result: a few lines of `ENV A=$A$A` or one `${x//a/$x}` would exhaust memory otherwise.
const MAX_TEXT: usize = 32 << 20;

/// `word` with its variables filled in.
pub fn expand<V: Vars + ?Sized>(
    word: &str,
    escape: char,
    vars: &V,
    mode: Mode,
) -> Result<Expanded, ExpandError> {
    let mut lexer = Lexer::new(word, escape, vars, mode);
    let text = lexer.until(None, mode.raw_escapes, false, &mut None);
    let work = lexer.work.done;
    steps::note(word.len() + work);
    let text = text.map_err(|message| error(word, message, work))?;
    Ok(Expanded { text, used: lexer.used, unset: lexer.unset, work })
}

/// `word` with its variables filled in, cut at white space outside quotes, also that of values.
pub fn expand_words<V: Vars + ?Sized>(
    word: &str,
    escape: char,
    vars: &V,
    mode: Mode,
) -> Result<Vec<String>, ExpandError> {
    words(Lexer::new(word, escape, vars, mode), None).map(|(words, _)| words)
}

/// As [`expand_words`], with the work that it took.
pub fn expand_words_counted<V: Vars + ?Sized>(
    word: &str,
    escape: char,
    vars: &V,
    mode: Mode,
) -> Result<(Vec<String>, usize), ExpandError> {
    words(Lexer::new(word, escape, vars, mode), None)
}

/// The words of a line that may announce here-documents; with `only`, those that hold it.
///
/// BuildKit's lexer forgets the beginning of a word when a form with an operator follows in it. It does
/// not matter to any other user, but here it decides what is a here-document: `$((1 <<${N:-2}))` is none.
pub(crate) fn announcement_words(
    line: &str,
    mode: Mode,
    only: Option<&'static str>,
) -> Result<Vec<String>, ExpandError> {
    let lexer = Lexer { forgets: true, ..Lexer::new(line, '\\', &(), mode) };
    words(lexer, only).map(|(words, _)| words)
}

fn words<V: Vars + ?Sized>(
    mut lexer: Lexer<'_, V>,
    only: Option<&'static str>,
) -> Result<(Vec<String>, usize), ExpandError> {
    let (word, raw) = (lexer.text, lexer.mode.raw_escapes);
    let mut words = Some(Words::with(only));
    let text = lexer.until(None, raw, false, &mut words);
    let work = lexer.work.done;
    steps::note(word.len() + work);
    text.map_err(|message| error(word, message, work))?;
    Ok((words.map(Words::finish).unwrap_or_default(), work))
}

fn error(word: &str, message: String, work: usize) -> ExpandError {
    // A message is no place for ten megabytes.
    ExpandError { message: short(message), work, word: word.chars().take(200).collect() }
}

struct Lexer<'a, V: ?Sized> {
    text: &'a str,
    rest: &'a str,
    escape: char,
    mode: Mode,
    raw_escapes: bool,
    vars: &'a V,
    used: BTreeSet<String>,
    unset: BTreeSet<String>,
    depth: usize,
    work: Work,
    forgets: bool,
    nested: bool,
}

type Text = Result<String, String>;

impl<'a, V: Vars + ?Sized> Lexer<'a, V> {
    fn new(text: &'a str, escape: char, vars: &'a V, mode: Mode) -> Lexer<'a, V> {
        let (used, unset) = (BTreeSet::new(), BTreeSet::new());
        let raw_escapes = mode.raw_escapes;
        let (depth, work, forgets, nested) = (0, Work::default(), false, false);
        Lexer { text, rest: text, escape, mode, raw_escapes, vars, used, unset, depth, work, forgets, nested }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.next();
        }
        found
    }

    /// The text up to `stop`, which is consumed, or up to the end.
    fn until(&mut self, stop: Option<char>, raw: bool, pattern: bool, words: &mut Option<Words>) -> Text {
        let outer = std::mem::replace(&mut self.raw_escapes, raw);
        self.depth += 1;
        let text = if self.depth > MAX_DEPTH {
            Err("substitution is nested too deeply".to_owned())
        } else {
            self.until_inner(stop, pattern, words)
        };
        self.depth -= 1;
        self.raw_escapes = outer;
        text
    }

    fn until_inner(&mut self, stop: Option<char>, pattern: bool, words: &mut Option<Words>) -> Text {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.next();
                return Ok(out);
            }
            if let Some(text) = self.special(c, pattern)? {
                extend(&mut out, &text)?;
                self.note_special(c, &text, words);
            } else if !self.plain(&mut out, words) {
                break;
            }
            check_size(&out)?;
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok(out),
        }
    }

    fn note_special(&mut self, c: char, text: &str, words: &mut Option<Words>) {
        let Some(words) = words else { return };
        if std::mem::take(&mut self.nested) && self.forgets {
            words.forget();
        }
        words.push_special(c, text);
    }

    fn special(&mut self, c: char, pattern: bool) -> Result<Option<String>, String> {
        match c {
            '$' => self.dollar().map(Some),
            '<' => Ok(Some(self.angle())),
            '\'' if !self.mode.skip_quotes => self.single_quoted(pattern).map(Some),
            '"' if !self.mode.skip_quotes => self.double_quoted(pattern).map(Some),
            _ => Ok(None),
        }
    }

    /// One character that means itself, perhaps behind an escape. False at the end.
    fn plain(&mut self, out: &mut String, words: &mut Option<Words>) -> bool {
        let Some(c) = self.next() else { return false };
        if c != self.escape {
            words.iter_mut().for_each(|words| words.push(c));
            out.push(c);
            return true;
        }
        let kept = self.raw_escapes.then_some(c);
        let next = self.next();
        for c in kept.into_iter().chain(next) {
            words.iter_mut().for_each(|words| words.push_raw(c));
            out.push(c);
        }
        next.is_some()
    }

    /// `<`, or `<<` with the blanks behind it, which do not end a word.
    fn angle(&mut self) -> String {
        self.next();
        if !self.eat('<') {
            return "<".to_owned();
        }
        let blanks = self.rest.trim_start_matches([' ', '\t', '\r']);
        let length = self.rest.len() - blanks.len();
        let text = format!("<<{}", &self.rest[..length]);
        self.rest = blanks;
        text
    }

    fn single_quoted(&mut self, pattern: bool) -> Text {
        self.next();
        let Some(end) = self.rest.find('\'') else {
            self.rest = "";
            return Err("unexpected end of statement while looking for matching single-quote".to_owned());
        };
        let body = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        let body = if pattern { doubled(body, self.escape) } else { body.to_owned() };
        Ok(if self.mode.raw_quotes { format!("'{body}'") } else { body })
    }

    fn double_quoted(&mut self, pattern: bool) -> Text {
        self.next();
        let mut out = String::new();
        let mark = if self.mode.raw_quotes { "\"" } else { "" };
        out.push_str(mark);
        loop {
            match self.peek() {
                None => {
                    return Err("unexpected end of statement while looking for matching double-quote".into());
                }
                Some('"') => break,
                Some('$') => extend(&mut out, &self.dollar()?)?,
                Some(_) => self.in_double_quotes(pattern, &mut out),
            }
        }
        self.next();
        out.push_str(mark);
        Ok(out)
    }

    fn in_double_quotes(&mut self, pattern: bool, out: &mut String) {
        let Some(c) = self.next() else { return };
        if c != self.escape {
            return out.push(c);
        }
        match self.peek() {
            // An escape character right before the end is dropped; the quote is missing anyway.
            None => {}
            Some(next) if matches!(next, '"' | '$') || next == self.escape => {
                out.extend(self.raw_escapes.then_some(c));
                out.extend(self.next());
            }
            Some(_) => {
                let double = self.raw_escapes && (!self.mode.raw_quotes || pattern);
                out.extend(double.then_some(c));
                out.push(c);
            }
        }
    }

    fn dollar(&mut self) -> Text {
        self.next();
        if self.eat('{') {
            return self.braces();
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        match self.look_up(name) {
            None if self.mode.keep_unset => Ok(format!("${name}")),
            value => self.copy(value),
        }
    }

    /// A name: digits, one special character, or letters, digits and `_`.
    fn name(&mut self) -> &'a str {
        let rest = self.rest;
        let length = match rest.chars().next() {
            Some(c) if is_digit(c) => rest.find(|c| !is_digit(c)).unwrap_or(rest.len()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()),
        };
        self.rest = &rest[length..];
        &rest[..length]
    }

    /// A value as text. Each copy counts, also those that come to nothing in `${U:+$A}`.
    fn copy(&mut self, value: Option<Cow<'a, str>>) -> Text {
        let value = value.unwrap_or_default();
        self.work.spend(value.len())?;
        Ok(value.into_owned())
    }

    fn look_up(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.vars.get(name);
        let seen = if value.is_some() { &mut self.used } else { &mut self.unset };
        if !seen.contains(name) {
            seen.insert(name.to_owned());
        }
        value
    }

    fn braces(&mut self) -> Text {
        match self.peek() {
            None => return Err(MISSING_BRACE.to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            None => Err(MISSING_BRACE.to_owned()),
            Some('}') => match self.look_up(name) {
                None if self.mode.keep_unset => Ok(format!("${{{name}}}")),
                value => self.copy(value),
            },
            Some(':') => self.operator(name, true),
            Some(c @ ('+' | '-' | '?' | '#' | '%')) => self.operate(name, c, false),
            Some('/') => self.replace(name),
            Some(c) => Err(unsupported(&c.to_string())),
        }
    }

    fn operator(&mut self, name: &str, colon: bool) -> Text {
        let c = self.next().ok_or_else(|| MISSING_BRACE.to_owned())?;
        if matches!(c, '#' | '%') {
            return Err(unsupported(&format!(":{c}")));
        }
        self.operate(name, c, colon)
    }

    fn operate(&mut self, name: &str, operator: char, colon: bool) -> Text {
        let pattern = matches!(operator, '#' | '%');
        let word = self.nested('}', pattern, pattern, MISSING_BRACE)?;
        let value = self.look_up(name);
        let colon_text = if colon { ":" } else { "" };
        if self.mode.keep_unset && value.is_none() {
            return Ok(format!("${{{name}{colon_text}{operator}{word}}}"));
        }
        let present = value.as_ref().is_some_and(|value| !(colon && value.is_empty()));
        match (operator, present) {
            ('-', false) | ('+', true) => Ok(word),
            ('+', false) => Ok(String::new()),
            ('?', false) => Err(demanded(name, &word, value.is_some())),
            ('-' | '?', true) => self.copy(value),
            ('#' | '%', _) => substring::trim(&value.unwrap_or_default(), &word, operator, &mut self.work),
            _ => Err(unsupported(&format!("{colon_text}{operator}"))),
        }
    }

    fn replace(&mut self, name: &str) -> Text {
        let all = self.eat('/');
        let pattern = self.nested('/', true, true, "syntax error: missing '/' in ${}")?;
        let by = self.nested('}', true, false, MISSING_BRACE)?;
        match self.look_up(name) {
            None if self.mode.keep_unset => Ok(format!("${{{name}/{pattern}/{by}}}")),
            value => {
                let value = value.unwrap_or_default();
                substring::replace(&value, &pattern, &by, all, MAX_TEXT, &mut self.work)
            }
        }
    }

    fn nested(&mut self, stop: char, raw: bool, pattern: bool, missing: &str) -> Text {
        let text = self.until(Some(stop), raw, pattern, &mut None);
        self.nested = true;
        text.map_err(|message| if self.rest.is_empty() { missing.to_owned() } else { message })
    }
}

const MISSING_BRACE: &str = "syntax error: missing '}'";

fn unsupported(operator: &str) -> String {
    format!("unsupported modifier ({operator}) in substitution")
}

fn demanded(name: &str, word: &str, is_set: bool) -> String {
    let reason = if is_set { "is not allowed to be empty" } else { "is not allowed to be unset" };
    format!("{name}: {}", if word.is_empty() { reason } else { word })
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Escape characters doubled, so that the pattern reader takes them for themselves.
fn doubled(text: &str, escape: char) -> String {
    text.chars().flat_map(|c| (c == escape).then_some(c).into_iter().chain([c])).collect()
}

fn extend(out: &mut String, text: &str) -> Result<(), String> {
    out.push_str(text);
    check_size(out)
}

fn check_size(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("the result is larger than {} MiB", MAX_TEXT >> 20));
    }
    Ok(())
}
