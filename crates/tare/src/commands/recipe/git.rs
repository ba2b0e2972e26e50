//! Modules that no proxy has: this machine's git, lent to the step that downloads.
//!
//! The toolchain's root has no other program in it, and its go command fetches such modules with git. So where
//! there is a git, the folders that it lives in are mounted into that step, read-only, at their own places, and
//! with them what says who the user is to a server. Without git the step fails as it is.

use std::path::{Path, PathBuf};

use engine::Settings;
use engine::error::StepError;
use engine::settings::HostFiles;
use recipe::Recipe;

/// Where programs and what they load lie. `/usr/local` has the toolchain in it and stays as it is.
const SYSTEM: [&str; 14] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share",
    "/etc/alternatives",
    "/etc/ssh",
    "/etc/gitconfig",
];

/// What is the user's own, below the home folder here and below root's there.
const OWN: [&str; 3] = [".gitconfig", ".config/git", ".ssh"];

/// Variables that git and ssh go by.
const VARIABLES: [&str; 6] = [
    "GIT_SSH_COMMAND",
    "GIT_SSH",
    "GIT_SSL_CAINFO",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_0",
    "GIT_CONFIG_VALUE_0",
];

/// Whether a build failed for want of git.
pub fn lacks_git(error: &engine::Error) -> bool {
    matches!(error, engine::Error::Step(step) if misses_git(step))
}

/// Whether a step failed for want of git.
pub fn misses_git(step: &StepError) -> bool {
    let signs = ["missing Git command", "\"git\": executable file not found"];
    step.tail.iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
}

/// Whether the user has said that there are modules that no proxy has.
pub fn is_likely(settings: &Settings) -> bool {
    let said = |name: &str| settings.plan.outside.get(name).map_or("", String::as_str);
    !said("GOPRIVATE").is_empty() || !said("GONOPROXY").is_empty() || said("GOPROXY").starts_with("direct")
}

/// Lends this machine's git to the recipe's download; false if there is none, or the step had it already.
pub fn lend(recipe: &Recipe, settings: &mut Settings) -> bool {
    let line = recipe.download_line.and_then(|line| u32::try_from(line).ok());
    let (Some(line), Some(git)) = (line, program("git")) else { return false };
    if !settings.host_files.lines.is_empty() {
        return false;
    }
    settings.host_files = HostFiles { lines: [line].into(), mounts: mounts(&git), env: env() };
    true
}

fn mounts(git: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut paths: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
    // A git of its own place (`/nix/store`, `/opt`) comes with the whole of that place.
    let top = git.components().take(2).collect::<PathBuf>();
    if !paths.iter().any(|path| git.starts_with(path)) && top != Path::new("/usr") {
        paths.push(top);
    }
    let mut mounts: Vec<_> = paths.into_iter().map(|path| (path.clone(), path)).collect();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let own = home
        .iter()
        .flat_map(|home| OWN.iter().map(move |name| (home.join(name), Path::new("/root").join(name))));
    mounts.extend(own.filter(|(here, _)| here.exists()));
    mounts.extend(agent().map(|socket| (socket.clone(), socket)));
    mounts
}

fn env() -> Vec<(String, String)> {
    let set = |name: &&str| Some((name.to_string(), std::env::var(name).ok()?));
    let agent = agent().map(|socket| ("SSH_AUTH_SOCK".to_owned(), socket.to_string_lossy().into_owned()));
    VARIABLES.iter().filter_map(set).chain(agent).collect()
}

fn agent() -> Option<PathBuf> {
    std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from).filter(|socket| socket.exists())
}

/// A program on PATH, with links followed.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())?;
    found.canonicalize().ok()
}
