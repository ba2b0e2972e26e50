//! What lies in contexts and no build reads: the names that an ignore file is to keep out.
//!
//! Only what is safe to keep out wherever it is found. Tests, documents and what other tools have built may well be
//! read; `tare ignore`, which sees the project, knows more of them.

use crate::Context;
use crate::find;
use crate::scene::Scene;

/// Names, with `*` for anything.
const NAMES: [&str; 39] = [
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    ".github",
    ".gitlab",
    ".gitlab-ci.yml",
    ".circleci",
    ".travis.yml",
    ".idea",
    ".vscode",
    ".zed",
    ".DS_Store",
    "Thumbs.db",
    ".env",
    ".env.local",
    ".env.production",
    "Dockerfile",
    "Dockerfile.*",
    "*.Dockerfile",
    "Containerfile",
    "Containerfile.*",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-compose.*",
    "compose.yml",
    "compose.yaml",
    "__pycache__",
    ".venv",
    "venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nyc_output",
    "coverage",
    "npm-debug.log",
    "tare.lock",
    "tare.toml",
];

/// What of that a build sees in its context and has no use for.
pub fn seen<'c>(scene: &Scene, context: &'c Context) -> Vec<&'c str> {
    let asks_git = scene.commands().any(|(_, command)| command.is("git"));
    let is_named = |name: &str| {
        let mut sources = scene.lines().flat_map(find::from_context);
        sources.any(|source| source.trim_start_matches("./").split('/').next() == Some(name))
    };
    let names = context.seen(scene.input.ignore).into_iter();
    let clutter = names.filter(|name| NAMES.iter().any(|pattern| is_like(name, pattern)));
    clutter.filter(|name| !(is_named(name) || asks_git && *name == ".git")).collect()
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}
