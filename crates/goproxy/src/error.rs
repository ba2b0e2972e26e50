//! What can go wrong between a module's name and its verified zip: a kind to decide by, a message to
//! show, and what to do about it.

use std::time::Duration;
use std::{fmt, io};

/// The result of everything here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A module that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What to decide by.
    pub kind: Kind,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The server said 404 or 410: the next entry of a GOPROXY list with `,` may be asked.
    pub(crate) is_absent: bool,
    /// The same request may go well after this long.
    pub(crate) again: Option<Duration>,
}

/// What a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No proxy has this version of the module.
    NotFound,
    /// No connection, a broken one, or a server that fails.
    Network,
    /// A server wants other credentials.
    Denied,
    /// What came is not what the checksum database or tare.lock says.
    Mismatch,
    /// The checksum database contradicts itself, or somebody speaks in its name.
    Security,
    /// The go command's variables forbid or break it.
    Settings,
    /// The zip is not one that the go command would take.
    Zip,
    /// A file of this machine can't be read or written.
    File,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), help: None, is_absent: false, again: None }
    }

    /// What the user can do about it, as a sentence of its own.
    pub fn help(&self) -> Option<String> {
        self.help.clone()
    }

    /// With help, unless there is some.
    pub(crate) fn or_help(mut self, help: impl Into<String>) -> Error {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    /// Puts what was being done before the cause.
    pub(crate) fn during(mut self, verb: impl fmt::Display) -> Error {
        self.message = format!("{verb}: {}", self.message);
        self
    }

    /// An error of a file on this machine.
    pub(crate) fn file(verb: impl fmt::Display, error: &io::Error) -> Error {
        Error::new(Kind::File, cause(error)).during(verb)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// An I/O error as the end of a sentence: small start, no error number.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
