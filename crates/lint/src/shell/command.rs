//! A command of a script, and the questions that rules have about its words.
//!
//! A flag is a word with `-` in front: `--name[=value]` is the flag `name`, and every letter of `-xy` is one.

/// A word, its quotes gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it begins in the script's text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// What is run.
    pub name: Word,
    /// What it is told.
    pub words: Vec<Word>,
    /// The variables that are set for it, `NAME=value`.
    pub variables: Vec<String>,
    /// Whether its words stand in the script's text just so; they don't behind `sh -c`.
    pub is_placed: bool,
}

impl Command {
    /// Whether that is its name.
    pub fn is(&self, name: &str) -> bool {
        self.name.text == name
    }

    /// Whether any of its words is one of these.
    pub fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.text.as_str()))
    }

    /// Whether it is that program with any of these words.
    pub fn runs(&self, name: &str, words: &[&str]) -> bool {
        self.is(name) && self.has(words)
    }

    /// The first of its words that is this one.
    pub fn word(&self, text: &str) -> Option<&Word> {
        self.words.iter().find(|word| word.text == text)
    }

    /// Whether these words stand in it, one behind the other.
    pub fn has_run_of(&self, words: &[&str]) -> bool {
        let texts: Vec<&str> = self.texts().collect();
        texts.windows(words.len()).any(|window| window == words)
    }

    /// Whether any of its flags is one of these.
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.words.iter().flat_map(flags).any(|flag| names.contains(&flag))
    }

    /// Its words without flags.
    pub fn plain(&self) -> impl Iterator<Item = &str> {
        self.plain_without(&[])
    }

    /// Its words without flags, and without the word behind any of these flags, which is their value.
    pub fn plain_without<'c>(&'c self, with_value: &'c [&str]) -> impl Iterator<Item = &'c str> {
        let is_value = move |index: usize| {
            let before = index.checked_sub(1).map(|before| &self.words[before]);
            before.is_some_and(|word| {
                !word.text.contains('=') && flags(word).any(|flag| with_value.contains(&flag))
            })
        };
        let words = self.words.iter().enumerate();
        words
            .filter(move |(index, word)| !is_flag(word) && !is_value(*index))
            .map(|(_, word)| word.text.as_str())
    }

    /// The value of a flag, as the next word or behind `=`.
    pub fn value<'c>(&'c self, names: &[&str]) -> Option<&'c str> {
        let index = self.words.iter().position(|word| flags(word).any(|flag| names.contains(&flag)))?;
        let inside = self.words[index].text.split_once('=').map(|(_, value)| value);
        inside.or_else(|| self.words.get(index + 1).map(|word| word.text.as_str()))
    }

    /// Whether it is pip, by itself or as a module of Python, and installs.
    pub fn is_pip_install(&self) -> bool {
        let name = &self.name.text;
        name.starts_with("pip") && self.has(&["install"])
            || name.starts_with("python") && self.has_run_of(&["-m", "pip", "install"])
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.text.as_str())
    }
}

fn is_flag(word: &Word) -> bool {
    flags(word).next().is_some()
}

fn flags(word: &Word) -> impl Iterator<Item = &str> {
    let text = word.text.as_str();
    let long = text.strip_prefix("--").map(|rest| rest.split('=').next().unwrap_or_default());
    let short = text.strip_prefix('-').filter(|_| long.is_none()).unwrap_or_default();
    let letters = short.char_indices().map(|(at, letter)| &short[at..at + letter.len_utf8()]);
    long.filter(|name| !name.is_empty()).into_iter().chain(letters)
}
