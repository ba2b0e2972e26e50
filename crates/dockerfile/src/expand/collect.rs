//! The words of a text while it is expanded: cut at white space outside quotes, also that of values.
//!
//! Fed by the lexer in `expand`, character by character.

use crate::words::MOST;

/// The words of a text so far.
#[derive(Default)]
pub(super) struct Words {
    done: Vec<String>,
    current: String,
    open: bool,
    /// What a word has to hold to be kept: of a line of ten megabytes, only what announces a document counts.
    only: Option<&'static str>,
}

impl Words {
    pub(super) fn with(only: Option<&'static str>) -> Words {
        Words { only, ..Words::default() }
    }

    pub(super) fn push(&mut self, c: char) {
        if !c.is_whitespace() {
            self.push_raw(c);
        } else if self.open && !self.current.is_empty() {
            self.end_word();
            self.open = false;
        }
    }

    fn end_word(&mut self) {
        match self.only {
            Some(sign) if !self.current.contains(sign) || self.done.len() > MOST => self.current.clear(),
            _ => self.done.push(std::mem::take(&mut self.current)),
        }
    }

    pub(super) fn push_raw(&mut self, c: char) {
        self.current.push(c);
        self.open = true;
    }

    pub(super) fn push_special(&mut self, from: char, text: &str) {
        if from == '$' {
            text.chars().for_each(|c| self.push(c));
        } else {
            self.current.push_str(text);
            self.open = true;
        }
    }

    /// Forgets what there is of the current word.
    pub(super) fn forget(&mut self) {
        self.current.clear();
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if !self.current.is_empty() {
            self.end_word();
        }
        self.done
    }
}
