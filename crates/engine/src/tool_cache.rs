//! A RUN that compiles to the cache that its compiler keeps between builds, though the Dockerfile has no cache mount.
//!
//! Go's build cache only, so far: it goes by content, so it changes how long a step takes and nothing else. The
//! rule is narrow, for the cache's files are then missing from the step's layer, and nobody may have wanted them:
//!
//! | what | why |
//! |---|---|
//! | one `go build`, `install`, `test` or `vet`, in words that hide nothing else | another command might look for the cache |
//! | no `-a`, no GOCACHE, no cache mount in its place | it is of no use, or somebody has thought of it |
//! | the stage is no part of the image, and nobody takes the place from it | the image is the same bits with and without |
//! | CGO_ENABLED=0, or no C compiler in the stage | Go's cache doesn't see the headers that a C compiler reads |
//!
//! The cache belongs to the context, the stage and its base image: one project can't poison another's.

use std::path::{Path, PathBuf};

use dockerfile::glob::{self, Glob};
use dockerfile::mount::MountType;
use plan::{From, Op, StepId};
use sandbox::MountKind;
use tree::View;
use tree::found::join;
use tree::root::Type;
use tree::users::User;

use crate::build::Session;
use crate::error::{Result, doing};
use crate::settings::Context;

/// Words that a compiling RUN may have besides: they read nothing.
const HARMLESS: [&str; 6] = ["cd", "export", "set", "true", ":", "echo"];

/// What the go command does that fills its cache.
const COMPILING: [&str; 4] = ["build", "install", "test", "vet"];

/// Variables by which the cache would be elsewhere, or its user somebody else's.
const DECISIVE: [&str; 4] = ["GOCACHE", "GOCACHEPROG", "HOME", "XDG_CACHE_HOME"];

/// Where a C compiler would be.
const C_COMPILERS: [&str; 6] =
    ["usr/bin/gcc", "usr/bin/cc", "usr/bin/clang", "usr/local/bin/gcc", "usr/local/bin/cc", "bin/cc"];

impl Session<'_> {
    /// The cache that a step gets, where it goes by the rule.
    ///
    /// # Errors
    /// If its folder can't be made.
    pub fn tool_cache(
        &self,
        id: StepId,
        run: &plan::Run,
        below: &View,
        user: &User,
    ) -> Result<Option<sandbox::Mount>> {
        let Some(words) = command(run).and_then(|text| compiling(&text)) else { return Ok(None) };
        let target = place(run, &user.home);
        let pure = words.iter().chain(&assignments(run)).any(|word| word == "CGO_ENABLED=0");
        let fits = !self.settings.cold
            && target.starts_with('/')
            && !is_mounted(run, &target)
            && (pure || !has_c_compiler(below))
            && self.is_private(id, &target, below);
        if !fits {
            return Ok(None);
        }
        let name = self.tool_cache_name(id, &target, user);
        let source = self.store.cache_path(&name);
        crate::mounts::make_cache(&source, 0o755, (user.uid, user.gid))
            .map_err(doing("make Go's build cache"))?;
        let kind = MountKind::Bind { source, readonly: false, recursive: false };
        Ok(Some(sandbox::Mount { target: PathBuf::from(target), kind }))
    }

    fn tool_cache_name(&self, id: StepId, target: &str, user: &User) -> String {
        let context = match &self.settings.context {
            Context::Folder(path) => {
                path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string()
            }
            Context::Tree(layer) => layer.to_string(),
            Context::None => String::new(),
        };
        let step = self.plan.step(id);
        let base = self.plan.chain(Some(id)).first().map(|base| self.stack_of(*base)).unwrap_or_default();
        let text =
            format!("go-build\n{context}\n{}\n{base:?}\n{target}\n{}:{}", step.stage, user.uid, user.gid);
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// Whether nobody but the step itself, and others that compile, may find out what is at that place.
    fn is_private(&self, id: StepId, target: &str, below: &View) -> bool {
        let stands_on = |top: StepId| self.plan.stands_on(top, id);
        let exported = self.plan.outcome.tip.is_some_and(stands_on);
        let looks = |other: StepId| match &self.plan.step(other).op {
            Op::Base(_) | Op::Workdir(_) => false,
            Op::Copy(copy) => {
                from(&copy.from).is_some_and(stands_on)
                    && copy.sources.iter().any(|s| covers(s.text(), target, below))
            }
            Op::Run(run) => {
                let mounts = run.mounts.iter().any(|(_, source)| from(source).is_some_and(stands_on));
                mounts || (other != id && stands_on(other) && !is_one_go_command(run))
            }
        };
        !exported && !self.plan.ids().any(looks)
    }
}

fn from(from: &From) -> Option<StepId> {
    match from {
        From::Step(id) => *id,
        From::Context | From::Named(_) => None,
    }
}

/// Whether a source of a COPY may be, hold or lie in the place.
fn covers(source: &str, target: &str, below: &View) -> bool {
    let names: Vec<&str> = source.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if names.contains(&"..") {
        return true;
    }
    let plain = names.iter().position(|name| glob::is_pattern(name)).unwrap_or(names.len());
    let (folder, patterns) = names.split_at(plain);
    let folder = folder.join("/").into_bytes();
    // A link on the way leads elsewhere.
    let resolved = below.resolve(&folder, true).unwrap_or_else(|_| folder.clone());
    match patterns {
        [] => [folder, resolved].iter().any(|path| meet(path, target)),
        [last] => [folder, resolved].iter().any(|folder| matched_covers(folder, last, target, below)),
        // What the names between are nobody knows.
        _ => [folder, resolved].iter().any(|folder| meet(folder, target)),
    }
}

/// Whether what matches in a folder covers the place. A link does, wherever it leads.
fn matched_covers(folder: &[u8], pattern: &str, target: &str, below: &View) -> bool {
    let Ok(glob) = Glob::parse(pattern) else { return true };
    let matches = |name: &[u8]| glob.matches(&String::from_utf8_lossy(name));
    let children = below.list(folder).unwrap_or_default();
    let links = children.iter().any(|child| child.node.stat.kind == Type::Symlink && matches(&child.name));
    let own = target.trim_matches('/').as_bytes().split(|&b| b == b'/').nth(depth(folder));
    // The name in that folder by which the place would be reached, if it would be.
    links
        || own.map_or_else(|| meet(folder, target), |name| matches(name) && meet(&join(folder, name), target))
}

fn depth(path: &[u8]) -> usize {
    path.split(|&b| b == b'/').filter(|name| !name.is_empty()).count()
}

/// Whether one of two paths is, holds or lies in the other.
fn meet(path: &[u8], target: &str) -> bool {
    let target = target.trim_matches('/').as_bytes();
    let inside = |path: &[u8], dir: &[u8]| {
        dir.is_empty() || (path.starts_with(dir) && matches!(path.get(dir.len()), None | Some(b'/')))
    };
    inside(path, target) || inside(target, path)
}

/// The text of a RUN's command, if a plain shell or nobody reads it.
fn command(run: &plan::Run) -> Option<String> {
    let (first, rest) = run.argv.split_first()?;
    if run.script.is_some() {
        return None;
    }
    let is_shell = ["/bin/sh", "/bin/ash", "/bin/bash", "sh", "bash"].contains(&first.as_str());
    match rest {
        [flags @ .., text] if is_shell => {
            let plain = |flag: &String| flag.starts_with('-') || flag == "pipefail";
            flags.iter().all(plain).then(|| text.clone())
        }
        _ => run.argv.iter().all(|word| !word.contains(char::is_whitespace)).then(|| run.argv.join(" ")),
    }
}

/// Whether a RUN is one go command that compiles, and words that look at nothing.
pub fn is_one_go_command(run: &plan::Run) -> bool {
    command(run).and_then(|text| compiling(&text)).is_some()
}

/// The words of the one compiling command, if there is nothing besides that could look at its cache.
fn compiling(text: &str) -> Option<Vec<String>> {
    // A backslash before a line's end is what joins lines.
    let text = text.replace("\\\n", " ");
    if text.contains([';', '|', '<', '>', '`', '(', ')', '\n', '#']) || text.replace("&&", "").contains('&') {
        return None;
    }
    let mut found = None;
    for part in text.split("&&") {
        let words: Vec<String> = part.split_whitespace().map(|w| w.replace(['"', '\''], "")).collect();
        let assigned = |word: &&String| DECISIVE.iter().any(|name| word.starts_with(&format!("{name}=")));
        if words.iter().any(|word| assigned(&word)) {
            return None;
        }
        let program = words.iter().position(|word| word != "env" && !is_assignment(word))?;
        let name = words[program].rsplit('/').next().unwrap_or_default();
        let second = words.get(program + 1).map(String::as_str).unwrap_or_default();
        match name {
            "go" if COMPILING.contains(&second) && found.is_none() => {
                found = (!words.iter().any(|word| word == "-a" || word == "-a=true")).then_some(words);
                found.as_ref()?;
            }
            other if HARMLESS.contains(&other) => {}
            _ => return None,
        }
    }
    found
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn assignments(run: &plan::Run) -> Vec<String> {
    run.env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Where Go has its cache if nobody says otherwise; empty where somebody does.
fn place(run: &plan::Run, home: &str) -> String {
    let of = |wanted: &str| run.env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if of("GOCACHE").is_some() || of("GOCACHEPROG").is_some() {
        return String::new();
    }
    match of("XDG_CACHE_HOME") {
        Some(cache) => format!("{}/go-build", cache.trim_end_matches('/')),
        None => format!("{}/.cache/go-build", of("HOME").unwrap_or(home).trim_end_matches('/')),
    }
}

fn is_mounted(run: &plan::Run, target: &str) -> bool {
    run.mounts.iter().filter(|(mount, _)| mount.kind != MountType::Secret).any(|(mount, _)| {
        let at = mount.target.as_deref().unwrap_or("/");
        Path::new(target).starts_with(at) || Path::new(at).starts_with(target)
    })
}

fn has_c_compiler(below: &View) -> bool {
    C_COMPILERS.iter().any(|path| !matches!(below.lookup(path.as_bytes()), Ok(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, fits: bool) {
        assert_eq!(compiling(text).is_some(), fits, "{text}");
    }

    #[test]
    fn one_compiling_command_and_nothing_that_looks() {
        check("go build ./...", true);
        check("CGO_ENABLED=0 GOOS=linux go build -trimpath -o /app .", true);
        check("env CGO_ENABLED=0 /usr/local/go/bin/go install ./cmd/x", true);
        check("cd cmd && set -eux && go test ./...", true);
        check("go vet \\\n  ./...", true);
        check("go build -ldflags=\"-s -w\" .", true);
        check("go build -a .", false);
        check("go build . && go test .", false);
        check("go build . && ls /root/.cache", false);
        check("go build . ; true", false);
        check("go build . | tee log", false);
        check("go build -o $(pwd)/x .", false);
        check("GOCACHE=/c go build .", false);
        check("export HOME=/h && go build .", false);
        check("go run .", false);
        check("make", false);
        check("echo go build", false);
    }

    #[test]
    fn a_source_that_holds_the_place_covers_it() {
        let nothing = View::new(Vec::new());
        let check = |source: &str, expected: bool| {
            assert_eq!(covers(source, "/root/.cache/go-build", &nothing), expected, "{source}");
        };
        check("/", true);
        check("/root", true);
        check("/root/", true);
        check("/root/.cache/go-build/00", true);
        check("/r*", true);
        check("/*.a", false);
        check("/root/*.a", false);
        check("/root/.cache/*", true);
        check("/root/.cache/go-build/00/*", true);
        check("/*/x", true);
        check("/root/./.c*", true);
        check("/*", true);
        check("/app/../root", true);
        check("/app", false);
        check("/root/.cachet", false);
        check("/go/bin/*", false);
    }
}
