//! `tare.lock`: from the file to what is pinned, and back.

use std::path::Path;

use plan::lock::{Kind, Lock};

use crate::failure::{Failure, doing};

/// Reads the file; without one nothing is pinned.
///
/// # Errors
/// With the line that can't be understood, or pins what tare can't hold a build to yet.
pub fn read(path: Option<&Path>) -> Result<Lock, Failure> {
    let Some(path) = path else { return Ok(Lock::default()) };
    let name = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(e) => return Err(doing(format!("read `{name}`"))(e)),
    };
    let lock = Lock::parse(&text)
        .map_err(|(line, message)| Failure::Usage(format!("`{name}` line {line}: {message}")))?;
    match lock.entries.keys().find(|(kind, _)| *kind != Kind::Go) {
        // A pin that is passed over would be worse than none.
        Some((kind, what)) => Err(Failure::Usage(format!(
            "`{name}` pins the {kind} `{what}`: tare pins Go toolchains only, so far"
        ))),
        None => Ok(lock),
    }
}
