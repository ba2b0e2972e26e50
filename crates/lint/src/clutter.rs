//! What lies in contexts and no build reads: the names that an ignore file is to keep out.
//!
//! Only what is safe to keep out wherever it is found. Tests, documents and what other tools have built may well be
//! read; `tare ignore`, which sees the project, knows more of them.

use dockerfile::{Kind, Patterns};

use crate::Context;
use crate::find;
use crate::lines::{Line, Part};
use crate::scene::Scene;
use crate::shell::Command;

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
    let names = context.seen(scene.input.ignore).into_iter();
    let clutter = names.filter(|name| is_clutter(name));
    clutter.filter(|name| pattern(name).is_some() && !is_asked_for(scene, name)).collect()
}

/// Whether a name is one of those.
pub fn is_clutter(name: &str) -> bool {
    NAMES.iter().any(|pattern| is_like(name, pattern))
}

/// Whether it is one by which people call Dockerfiles.
pub fn is_dockerfile(name: &str) -> bool {
    let patterns = ["Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile", "Containerfile.*"];
    patterns.iter().any(|pattern| is_like(name, pattern)) && !name.ends_with(".dockerignore")
}

/// Whether a name at the top of the context is meant by a COPY, an ADD or a mount other than one of all, or is what
/// `git` looks for.
pub fn is_asked_for(scene: &Scene, name: &str) -> bool {
    if name == ".git" && scene.commands().any(|(_, command)| command.is("git")) {
        return true;
    }
    let written = scene.lines().flat_map(find::from_context).map(str::to_owned);
    let mounted = scene.lines().flat_map(find::mounted);
    let mut sources = written.chain(mounted).chain(filled_in(scene));
    sources.any(|source| means(&source, name))
}

/// Whether a Dockerfile finds there what it takes. A folder that is there for Dockerfiles alone isn't copied.
pub fn could_be_context(scene: &Scene, context: &Context) -> bool {
    let is_plain = |source: &&str| !source.contains(['*', '?', '[', '$', ':']) && !source.starts_with("<<");
    let mut named = scene.lines().flat_map(find::from_context).filter(is_plain).filter_map(first);
    let is_other = |name: &String| !(is_dockerfile(name) || name.ends_with(".dockerignore"));
    named.all(|name| context.has(name)) && context.names.iter().any(is_other)
}

/// The entry of the context that a source is, or is in; nothing for all of it.
fn first(source: &str) -> Option<&str> {
    let parts = source.split('/').filter(|part| !["", "."].contains(part));
    parts.map(|part| part.trim_matches(['"', '\''])).next()
}

/// The sources of COPY and ADD with their variables filled in.
fn filled_in(scene: &Scene) -> impl Iterator<Item = String> {
    let copies = scene.steps().filter(|step| match &step.instruction.kind {
        Kind::Copy(copy) => copy.flags.from.is_none(),
        kind => matches!(kind, Kind::Add(_)),
    });
    copies.flat_map(|step| step.words.iter().cloned())
}

/// Whether a source is that entry, or in it. A pattern for anything is one for all.
fn means(source: &str, name: &str) -> bool {
    let first = first(source).unwrap_or_default();
    first != "*" && (first == name || dockerfile::glob::matches(first, name).unwrap_or(false))
}

/// What an ignore file says to keep these out, but for those that something may read without being told to: that is for
/// a human to find out.
pub fn patterns(scene: &Scene, names: &[&str]) -> Vec<String> {
    let reads_settings = !reads_no_settings(scene);
    let reads_history = scene.commands().any(|(_, command)| may_read_history(command));
    let may_be_read = |name: &str| match name {
        ".git" => reads_history,
        _ => reads_settings && name.starts_with(".env"),
    };
    names.iter().filter(|name| !may_be_read(name)).filter_map(|name| pattern(name)).collect()
}

/// Builds that take their version from tags.
fn may_read_history(command: &Command) -> bool {
    const TOOLS: [&str; 10] =
        ["make", "cmake", "mvn", "mvnw", "gradle", "gradlew", "poetry", "uv", "hatch", "pdm"];
    let name = command.name.text.rsplit('/').next().unwrap_or_default();
    let builds_python = name.starts_with("python") && command.has(&["setup.py", "build"]);
    let is_here = command.plain().any(|word| word.starts_with('.') && !word.ends_with(".txt"));
    TOOLS.contains(&name) || builds_python || command.is_pip_install() && is_here
}

/// Settings are for what runs later, or for tools that take them into what they make, which Go and Rust don't.
fn reads_no_settings(scene: &Scene) -> bool {
    let compiles = |line: &Line| {
        line.commands().iter().any(|command| command.runs("go", &["build", "install"]) || command.is("cargo"))
    };
    let is_free = |part: &Part| part.lines.iter().any(compiles) || !part.lines.iter().any(find::copies_all);
    let is_shipped = scene.parts.last().is_some_and(|part| part.lines.iter().any(find::copies_all));
    !is_shipped && scene.parts.iter().all(is_free)
}

/// What an ignore file says to keep out a name at the top; nothing if it can't say that.
fn pattern(name: &str) -> Option<String> {
    let escaped = |c: char| if "*?[\\".contains(c) { vec!['\\', c] } else { vec![c] };
    let text: String = name.chars().flat_map(escaped).collect();
    let patterns = Patterns::parse(text.as_bytes()).ok()?;
    (patterns.rules().len() == 1 && patterns.matches(name)).then_some(text)
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_means_what_it_names() {
        for (source, expected) in [
            (".env", true),
            ("./.env", true),
            ("/.env", true),
            (".env*", true),
            (".e?v", true),
            (".", false),
            ("*", false),
            ("./*", false),
            ("src/.env", false),
            ("[", false),
        ] {
            assert_eq!(means(source, ".env"), expected, "{source}");
        }
        assert!(means(".git/HEAD", ".git"));
    }

    fn with<T>(text: &str, act: impl FnOnce(&crate::Input) -> T) -> T {
        let (dockerfile, problems) = dockerfile::parse(text.as_bytes());
        act(&crate::Input {
            text: text.as_bytes(),
            dockerfile: &dockerfile,
            problems: &problems,
            options: &plan::Options::here(),
            reach: crate::Reach::Asked,
            ignore: None,
            context: None,
            facts: None,
        })
    }

    #[test]
    fn a_context_has_what_is_copied_from_it() {
        let check = |text: &str, names: &[&str], expected: bool| {
            let context = Context { names: names.iter().map(|name| (*name).to_owned()).collect() };
            let found = with(text, |input| crate::could_be_context(input, &context));
            assert_eq!(found, expected, "{text} {names:?}");
        };
        let text = "FROM scratch AS a\nCOPY ./go.mod go.* $X src/main.go /\nADD https://example.org/x /\nCOPY <<EOF /y\nEOF\nCOPY --from=a /z /z\n";
        check(text, &["Dockerfile", "go.mod", "src/"], true);
        check(text, &["Dockerfile", "go.mod"], false);
        check(
            "FROM scratch\nCOPY . /\n",
            &["Dockerfile", "Dockerfile.dev", "Dockerfile.dockerignore"],
            false,
        );
        check("FROM scratch\nCOPY . /\n", &["Dockerfile", "main.go"], true);
    }

    #[test]
    fn what_may_be_read_is_for_a_human_to_keep_out() {
        let check = |text: &str, expected: &[&str]| {
            let found =
                with(text, |input| patterns(&crate::walk::scene(input), &[".git", ".env.local", ".idea"]));
            assert_eq!(found, expected, "{text}");
        };
        let then = "FROM scratch\nCOPY --from=0 /app /app\n";
        check(
            &format!("FROM golang\nCOPY . .\nRUN go build -o /app\n{then}"),
            &[".git", ".env.local", ".idea"],
        );
        check(&format!("FROM node\nCOPY . .\nRUN npm run build\n{then}"), &[".git", ".idea"]);
        check("FROM python\nCOPY . .\nRUN pip install -r requirements.txt\n", &[".git", ".idea"]);
        check("FROM python\nCOPY . .\nRUN pip install .\n", &[".idea"]);
        check(&format!("FROM rust\nCOPY . .\nRUN cargo build && make\n{then}"), &[".env.local", ".idea"]);
        check("FROM golang\nCOPY . .\nRUN go build -o /app\n", &[".git", ".idea"]);
    }

    #[test]
    fn a_pattern_is_for_that_name_alone() {
        assert_eq!(pattern(".git").as_deref(), Some(".git"));
        assert_eq!(pattern("Dockerfile.[x]").as_deref(), Some("Dockerfile.\\[x]"));
        assert_eq!(pattern("Dockerfile.*").as_deref(), Some("Dockerfile.\\*"));
        for name in ["Dockerfile. ", "Dockerfile.a\nb", "#", "!a", ""] {
            assert_eq!(pattern(name), None, "{name:?}");
        }
    }
}
