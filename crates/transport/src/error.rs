//! What can go wrong on the way to or from a place: a kind to decide by, a message to show, a hint.
//!
//! Messages carry the verb, the place and the cause. Credentials never get in: they are added to
//! requests as late as possible and no request is ever printed.

use std::time::Duration;
use std::{fmt, io};

/// The result of everything that moves images.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What to decide by.
    pub kind: Kind,
    /// The verb, the place, the cause.
    pub message: String,
    /// What to do about it, if we know.
    pub hint: Option<String>,
    /// When the place wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// The HTTP status that it answered with.
    pub(crate) status: Option<u16>,
}

/// What a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such image, blob or entry.
    NotFound,
    /// The place wants other credentials.
    Denied,
    /// No connection: no such name, refused, no TLS.
    Unreachable,
    /// The connection broke or went silent; another try may help.
    Broken,
    /// The place asks to come back later (429) or is broken for now (5xx).
    Busy,
    /// What came is not what was asked for: wrong digest, length or syntax.
    Corrupt,
    /// The user's or the administrator's settings forbid or break it.
    Config,
    /// Anything else.
    Other,
}

impl Error {
    /// An error without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, retry_after: None, status: None }
    }

    /// Puts what was being done before the cause: `pull `x`: …`.
    pub fn during(mut self, verb: impl fmt::Display) -> Error {
        self.message = format!("{verb}: {}", self.message);
        self
    }

    /// With a hint, unless there is one.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Whether the same request may go well in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.kind, Kind::Busy | Kind::Broken)
    }

    /// An I/O error during `verb`.
    pub fn io(verb: impl fmt::Display, error: &io::Error) -> Error {
        Error::new(kind_of(error), cause(error)).during(verb)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for Error {}

impl From<Error> for String {
    fn from(error: Error) -> String {
        error.to_string()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.kind {
            Kind::NotFound => io::ErrorKind::NotFound,
            Kind::Denied => io::ErrorKind::PermissionDenied,
            Kind::Corrupt => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Ours, if one of ours was wrapped on its way through `Read`; else the kind that fits best.
fn kind_of(error: &io::Error) -> Kind {
    if let Some(inner) = error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        return inner.kind;
    }
    match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        io::ErrorKind::PermissionDenied => Kind::Denied,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Kind::Corrupt,
        _ => Kind::Other,
    }
}

/// An I/O error as the end of a sentence: small start, no error number.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    match text.split_once(' ') {
        // `TLS handshake …` keeps its capitals, `Connection refused` does not.
        Some((first, _)) if first.chars().nth(1).is_some_and(|c| c.is_ascii_uppercase()) => text.to_owned(),
        _ => text.chars().take(1).map(|c| c.to_ascii_lowercase()).chain(text.chars().skip(1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_end_a_sentence() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(Error::io("connect to `x`", &refused).to_string(), "connect to `x`: connection refused");
        assert_eq!(cause(&io::Error::other("TLS is hard")), "TLS is hard");
        assert_eq!(cause(&io::Error::other("Épée")), "Épée");
    }

    #[test]
    fn a_hint_stands_on_its_own_line_and_survives_io() {
        let error = Error::new(Kind::Denied, "no").during("push `x`").hint("log in");
        assert_eq!(error.to_string(), "push `x`: no\nhint: log in");
        assert_eq!(Error::io("copy", &error.into()).kind, Kind::Denied);
    }
}
