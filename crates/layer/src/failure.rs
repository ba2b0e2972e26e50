//! Errors of the world: the verb, the thing, the cause; the kind of the cause is kept.

use std::fmt::Display;
use std::io;

/// Names in errors, with whatever bytes they hold.
pub fn show(path: &[u8]) -> std::borrow::Cow<'_, str> {
    if path.is_empty() { "/".into() } else { String::from_utf8_lossy(path) }
}

/// `write `x`: no space left`.
pub fn at<E: Into<io::Error>>(verb: &str, path: &[u8]) -> impl FnOnce(E) -> io::Error {
    move |cause| {
        let cause = cause.into();
        io::Error::new(cause.kind(), format!("{verb} `{}`: {}", show(path), plain(&cause)))
    }
}

/// Like the standard text, in lower case and without the number.
fn plain(cause: &io::Error) -> String {
    if cause.raw_os_error().is_none() {
        return cause.to_string();
    }
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Bytes that break their own format.
pub fn bad(message: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_string())
}
