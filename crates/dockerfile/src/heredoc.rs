//! Here-documents: which words of a line announce one, and what its body means.
//!
//! `parse` finds the announcements with `find`, has `lex` read the bodies, and hands both to the
//! instruction. A document is expanded later, and only if no part of its name was quoted.

use std::borrow::Cow;

use crate::expand::{self, ExpandError, Mode};

/// A here-document of RUN, COPY or ADD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it, which is also the file's name for COPY and ADD.
    pub name: String,
    /// The body as written, with its line breaks.
    pub content: String,
    /// Whether variables in it count: the name had no quotes.
    pub expand: bool,
    /// `<<-`: leading tabs do not count.
    pub chomp: bool,
    /// The number in front of `<<`, 0 without one.
    pub fd: u32,
}

impl Heredoc {
    /// The body as it counts: without leading tabs after `<<-`.
    pub fn text(&self) -> Cow<'_, str> {
        if !self.chomp {
            return Cow::Borrowed(&self.content);
        }
        self.content.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }

    /// The body and the word that ends it, as a shell wants it behind its command.
    pub fn push_to(&self, text: &mut String) {
        text.push('\n');
        text.push_str(&self.content);
        text.push_str(&self.name);
    }
}

/// The documents that `line` announces, without bodies.
pub fn find(line: &str) -> Result<Vec<Heredoc>, ExpandError> {
    let mode = Mode { raw_quotes: true, raw_escapes: true, keep_unset: true, ..Mode::WORD };
    // A line that is no sequence of words to us may well be one to the shell; then it has no documents.
    let words = expand::announcement_words(line, mode, Some("<<")).unwrap_or_default();
    words.iter().filter_map(|word| announced(word).transpose()).collect()
}

/// The document that a word announces, without its body.
pub fn announced(word: &str) -> Result<Option<Heredoc>, ExpandError> {
    let Some((fd, chomp, name)) = split(word) else { return Ok(None) };
    let mode = Mode { keep_unset: true, ..Mode::WORD };
    let words = expand::announcement_words(name, mode, None)?;
    let [plain] = &words[..] else { return Ok(None) };
    let raw = expand::announcement_words(name, Mode { raw_quotes: true, ..mode }, None)?;
    let expand = raw.first().is_some_and(|raw| quotes(raw) == quotes(plain));
    Ok(Some(Heredoc { name: plain.clone(), content: String::new(), expand, chomp, fd }))
}

/// Digits, `<<`, perhaps `-`, white space, and a name without `<`.
fn split(word: &str) -> Option<(u32, bool, &str)> {
    let (fd, rest) = word.split_once("<<")?;
    if rest.contains('<') || !fd.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let name = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
    let fd = if fd.is_empty() { 0 } else { fd.parse().unwrap_or(u32::MAX) };
    (!name.is_empty()).then_some((fd, chomp, name))
}

fn quotes(word: &str) -> usize {
    word.bytes().filter(|b| matches!(b, b'\'' | b'"')).count()
}
