//! `tare.lock`: from the file to what is pinned, and back.

use std::io::ErrorKind;
use std::path::Path;

use plan::lock::Lock;

use crate::failure::{Failure, doing};

/// Reads the file; without one nothing is pinned.
///
/// # Errors
/// With the line that can't be understood.
pub fn read(path: Option<&Path>) -> Result<Lock, Failure> {
    let Some(path) = path else { return Ok(Lock::default()) };
    let name = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Lock::default()),
        Err(e) => return Err(doing(format!("read `{name}`"))(e)),
    };
    Lock::parse(&text).map_err(|(line, message)| Failure::Usage(format!("`{name}` line {line}: {message}")))
}

/// Writes the file; if nothing is pinned, there is none.
///
/// # Errors
/// If it can't be written; then it is as it was.
pub fn write(path: &Path, lock: &Lock) -> Result<(), Failure> {
    if !lock.entries.is_empty() {
        return replace(path, lock.to_string().as_bytes());
    }
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(doing(format!("remove `{}`", path.display()))(e)),
        _ => Ok(()),
    }
}

/// Puts a whole file in place of another, or of none.
///
/// # Errors
/// If it can't be written; then what was there still is.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes)
        .and_then(|()| keep_mode(path, &part))
        .and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| {
        drop(std::fs::remove_file(&part));
        doing(format!("write `{}`", path.display()))(e)
    })
}

/// Who may read and write it is not ours to change.
fn keep_mode(old: &Path, new: &Path) -> std::io::Result<()> {
    match std::fs::metadata(old) {
        Ok(meta) => std::fs::set_permissions(new, meta.permissions()),
        Err(_) => Ok(()),
    }
}
