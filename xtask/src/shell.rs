//! Commands of the machine: a `Command` to its output, or to an error that names it.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs it with our terminal; `Ok` means that it exited with 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|e| format!("run {}: {e}", name(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", name(command))) }
}

/// Runs it and returns what it wrote, whatever its exit code.
pub fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().map_err(|e| format!("run {}: {e}", name(command)))
}

/// Runs it and returns its stdout; when it fails, the error has the end of its stderr.
pub fn capture(command: &mut Command) -> Result<String> {
    let out = output(command)?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&out.stderr);
    Err(format!("{} ended with {}\n{}", name(command), out.status, tail(&text, 20)))
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Where a command is, as a shell would find it; sbin is looked at as well, which users often lack.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/go/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// The number of the user that runs us.
pub fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map(|m| m.uid()).unwrap_or(u32::MAX)
}

/// Whether we may install packages and make users.
pub fn is_root() -> bool {
    uid() == 0
}

/// Says what is going on, on stderr as cargo does.
pub fn say(text: &str) {
    eprintln!("[xtask] {text}");
}

/// Reads a file, or says which one can't be read.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("read `{}`: {e}", path.display()))
}

/// Writes a file, or says which one can't be written.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(path, text).map_err(|e| format!("write `{}`: {e}", path.display()))
}

/// Makes a folder and those above it.
pub fn mkdir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| format!("make `{}`: {e}", path.display()))
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let text: Vec<_> = words.take(6).map(|w| w.to_string_lossy()).collect();
    format!("`{}`", text.join(" "))
}
