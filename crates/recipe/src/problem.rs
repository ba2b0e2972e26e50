//! What stands in the way of a recipe, in words.

use std::fmt;
use std::path::Path;

/// Something that the user has to change, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: Option<String>,
}

/// The crate's own result.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// Without advice.
    pub(crate) fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), help: None }
    }

    /// With advice.
    pub(crate) fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\n{help}"))
    }
}

impl std::error::Error for Problem {}

/// A text file, or none if it isn't there.
pub(crate) fn read_if_there(folder: &Path, name: &str) -> Result<Option<String>> {
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Problem::new(format!("read `{name}`: not UTF-8"))),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(name, &e)),
    }
}

/// `read X: permission denied`.
pub(crate) fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    Problem::new(format!("read `{name}`: {}", reason(error)))
}

/// The kernel's words as ours begin: small, without the number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
