//! Where things are: the repository, what cargo built, the base images, a folder for this run.

use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository").to_path_buf()
}

/// Where base images, the registry's storage and Go modules are kept between runs.
pub fn bases() -> PathBuf {
    std::env::var_os("TARE_BASES").map_or_else(|| "/var/tmp/tare-bases".into(), PathBuf::from)
}

/// cargo, in the repository's root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds tare in a profile and returns the binary; `TARE_BIN` names one that is built already.
pub fn tare(profile: Profile) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("TARE_BIN") {
        return std::fs::canonicalize(&given).map_err(|e| format!("TARE_BIN: {e}"));
    }
    let mut command = cargo();
    command.args(["build", "--quiet", "-p", "tare", "--message-format=json-render-diagnostics"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    executables(&mut command)?.pop().map(|e| e.path).ok_or_else(|| "cargo built no `tare` binary".into())
}

/// How cargo compiles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to compile.
    Dev,
    /// What users get.
    Release,
}

/// A program that cargo built.
pub struct Executable {
    /// The program.
    pub path: PathBuf,
    /// Its package's folder.
    pub package: PathBuf,
    /// Its target's name and kind, as `oci lib`.
    pub target: String,
}

/// Runs a cargo command that prints JSON, and returns the executables of our packages that it names.
pub fn executables(command: &mut Command) -> Result<Vec<Executable>> {
    let out = command
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("run cargo: {e}"))?;
    if !out.status.success() {
        return Err("cargo failed, see above".into());
    }
    let text = String::from_utf8_lossy(&out.stdout);
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter_map(|v| artifact(&v)).collect())
}

fn artifact(message: &serde_json::Value) -> Option<Executable> {
    let path = message["executable"].as_str()?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    let target = &message["target"];
    Some(Executable {
        path: path.into(),
        package: manifest.parent()?.to_path_buf(),
        target: format!("{} {}", target["name"].as_str()?, target["kind"][0].as_str()?),
    })
}

/// A folder that everybody may read and that goes away with the run.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, and removes those of runs that were killed.
    pub fn new() -> Result<Scratch> {
        Scratch::new_beside("run")
    }

    /// A further one of the same run; `what` tells them apart.
    pub fn new_beside(what: &str) -> Result<Scratch> {
        let above = std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from);
        sweep(&above);
        let path = above.join(format!("tare-xtask-{}-{what}", std::process::id()));
        shell::mkdir(&path)?;
        open_to_all(&path)?;
        Ok(Scratch(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            shell::say(&format!("cannot remove `{}`: {e}", self.0.display()));
        }
    }
}

fn sweep(above: &Path) {
    let Ok(entries) = std::fs::read_dir(above) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|n| n.strip_prefix("tare-xtask-")?.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes a folder enterable for other users, whatever our umask is.
pub fn open_to_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|e| format!("chmod `{}`: {e}", path.display()))
}
