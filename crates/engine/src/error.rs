//! Why a build ended early, by who can do something about it.

use std::fmt;

use dockerfile::Diagnostic;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a build ended early.
#[derive(Debug)]
pub enum Error {
    /// The Dockerfile is wrong.
    Dockerfile(Vec<Diagnostic>),
    /// A step failed.
    Step(Box<StepError>),
    /// The world: the verb, the thing, the cause.
    Other(String),
    /// The build was stopped from outside.
    Cancelled,
    /// Something has to be unpacked or run, and this process may not: see [`crate::Settings::may_work`].
    NeedsWork,
}

/// How a step failed.
#[derive(Debug, Clone)]
pub struct StepError {
    /// Its line in the Dockerfile.
    pub line: u32,
    /// The instruction.
    pub text: String,
    /// What went wrong.
    pub message: String,
    /// What can be done, if that is known.
    pub help: Option<String>,
    /// The last lines that it printed.
    pub tail: Vec<String>,
    /// Where its complete log is.
    pub log: Option<std::path::PathBuf>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Dockerfile(all) => all.iter().try_for_each(|d| writeln!(f, "{d}")),
            Error::Step(step) => write!(f, "line {}: {}: {}", step.line, step.text, step.message),
            Error::Other(message) => f.write_str(message),
            Error::Cancelled => f.write_str("the build was stopped"),
            Error::NeedsWork => f.write_str("a step has to be run, and this process may not"),
        }
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(message: String) -> Error {
        Error::Other(message)
    }
}

impl From<store::Error> for Error {
    fn from(e: store::Error) -> Error {
        Error::Other(e.to_string())
    }
}

impl From<transport::Error> for Error {
    fn from(e: transport::Error) -> Error {
        Error::Other(e.to_string())
    }
}

/// An I/O error with the verb and the thing.
pub fn doing(verb: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Error {
    move |e| Error::Other(format!("{verb}: {}", store::plain(&e)))
}
