//! Proposals for small contexts.

use super::*;
use crate::listing::testing::listing;
use crate::project::TEXTS;

struct Made {
    proposal: Proposal,
    own: String,
}

fn made(text: &str, own: &str, files: &[&str], texts: &[(&str, &str)], read: Option<&[&str]>) -> Made {
    let (source, problems) = dockerfile::parse(text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    let plans = crate::plans(&source, &plan::Options::here(), &|_, _| None).expect("well-formed");
    let patterns = Patterns::parse(own.as_bytes()).expect("patterns");
    let all = listing(files);
    let all = all.without(&all.hidden(&patterns));
    let seen = |path: &&str| crate::Seen {
        path: path.to_string(),
        mount: None,
        look: crate::Look::Content,
        by: "cc".to_owned(),
    };
    let reads = read.map(|paths| {
        let seen: Vec<_> = paths.iter().map(seen).collect();
        let put: Vec<String> = files.iter().map(|path| format!("s/{}", path.trim_end_matches('/'))).collect();
        let steps = || plans[0].steps.iter();
        Reads {
            steps: steps().map(|_| Some(seen.clone())).collect(),
            put: steps().map(|_| Some(put.clone())).collect(),
        }
    });
    assert!(texts.iter().all(|(name, _)| TEXTS.contains(name)));
    let project = Project {
        names: all.top().map(|entry| entry.path.clone()).collect(),
        texts: texts.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        embedded: None,
        script: Project::script(&plans),
    };
    let subject = Subject {
        plans: &plans,
        reads: reads.as_ref(),
        listing: &all,
        own,
        patterns: &patterns,
        project: &project,
        is_shared: false,
    };
    Made { proposal: propose(&subject), own: own.to_owned() }
}

impl Made {
    /// The new lines without comments.
    fn lines(&self) -> Vec<&str> {
        let added = self.proposal.text.strip_prefix(&self.own).expect("what is there comes first");
        added.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
    }
}

const ALWAYS: [&str; 5] = ["**/.git", "**/.env", "**/.env.*", "Dockerfile*", "*.dockerignore"];

fn check(made: &Made, beside: &[&str]) {
    let lines: Vec<_> = made.lines().into_iter().filter(|line| !ALWAYS.contains(line)).collect();
    assert_eq!(lines, beside, "{}", made.proposal.text);
}

#[test]
fn what_is_always_left_out() {
    let made = made("FROM scratch\nCOPY . /\n", "", &["Dockerfile", "a"], &[], None);
    assert_eq!(made.lines(), ALWAYS);
    assert_eq!((made.proposal.after, made.proposal.left.len()), ((1, 10), 3));
    assert!(made.proposal.text.starts_with("# What the build does not see"));
}

#[test]
fn the_second_time_there_is_nothing_to_add() {
    let files = &["Dockerfile", "a", "package.json", "node_modules/", "node_modules/x"];
    let text = "FROM scratch\nCOPY . /\nRUN npm ci\n";
    let first = made(text, "*.tmp", files, &[], None);
    check(&first, &["**/node_modules"]);
    assert!(first.proposal.text.starts_with("*.tmp\n\n# History.\n"));
    let second = made(text, &first.proposal.text, files, &[], None);
    assert_eq!((second.proposal.text, second.proposal.left.len()), (first.proposal.text, 0));
}

#[test]
fn what_is_named_stays() {
    let files =
        &[".env", "CHANGES.md", "README.md", "docs/", "docs/a.md", "go.mod", "main.go", "tests/", "tests/x"];
    let go = |copy: &str| {
        made(&format!("FROM scratch\nCOPY . /src\nCOPY {copy} /x\nRUN go build\n"), "", files, &[], None)
    };
    check(&go("main.go"), &["*.md", "docs"]);
    check(&go("docs/"), &["*.md"]);
    check(&go("docs/a.md"), &["*.md"]);
    check(&go("README.md"), &["*.md", "docs", "!README.md"]);
    check(&go("*.md"), &["docs"]);
    assert!(!go(".env").lines().contains(&"**/.env"));
}

#[test]
fn manifests_and_tests_keep_what_they_name() {
    let files = &[
        "CHANGELOG.md",
        "README.md",
        "pyproject.toml",
        "src/",
        "src/__pycache__/",
        "src/__pycache__/a",
        "tests/",
        "tests/a",
    ];
    let text = "FROM scratch\nCOPY . /\nRUN pip install .\n";
    check(&made(text, "", files, &[], None), &["**/__pycache__", "CHANGELOG*", "tests"]);
    let manifest = &[("pyproject.toml", "readme = [\"README.md\", \"CHANGELOG.md\"]\nx = \"tests/\"\n")];
    check(&made(text, "", files, manifest, None), &["**/__pycache__"]);
    check(&made(&format!("{text}RUN pytest\n"), "", files, &[], None), &["**/__pycache__", "CHANGELOG*"]);
}

#[test]
fn outputs_only_if_git_ignores_them() {
    let files = &["build/", "build/x", "dist/", "dist/x", "package.json", "src/", "src/a"];
    let text = "FROM scratch\nCOPY . /\nRUN npm run build\n";
    check(&made(text, "", files, &[(".gitignore", "/dist\n")], None), &["dist"]);
    check(&made(text, "", files, &[], None), &[]);
}

#[test]
fn git_stays_for_whoever_asks_it() {
    let lines = |run: &str| {
        made(&format!("FROM scratch\nCOPY . /\nRUN {run}\n"), "", &["a"], &[], None)
            .lines()
            .contains(&"**/.git")
    };
    assert!(lines("apk add git") && !lines("git describe > /v"));
}

#[test]
fn what_nobody_copies() {
    let files = &["Dockerfile", "a/", "a/b", "c/", "c/d", "e*f"];
    check(&made("FROM scratch\nCOPY a /\n", "", files, &[], None), &["c", "e\\*f"]);
    check(&made("FROM scratch\nARG X\nCOPY a $X /\n", "", files, &[], None), &[]);
}

#[test]
fn what_no_step_has_read() {
    let files =
        &["Dockerfile", "README.md", "assets/", "assets/x", "go.mod", "main.c", "vendor/", "vendor/x"];
    let text = "FROM a AS b\nWORKDIR /s\nCOPY . .\nRUN cc main.c\nFROM scratch\nCOPY --from=b /s/a.out /\n";
    let read: &[&str] = &["s/main.c", "s/README.md", "s/go.mod", "usr/include/x"];
    let made = made(text, "", files, &[], Some(read));
    check(&made, &["assets", "vendor"]);
    assert_eq!(made.proposal.notes, ["`README.md` stays: `cc` has read `README.md` in the last build"]);
}

#[test]
fn a_source_that_found_files_finds_some_still() {
    let files =
        &["a/", "a/__pycache__/", "a/__pycache__/x.pyc", "a/x.pyc", "b/", "b/x.pyc", "b/y", "setup.py"];
    let text = |copy: &str| format!("FROM scratch\nCOPY setup.py /\nCOPY {copy} /x\n");
    check(&made(&text("a/"), "", files, &[], None), &["**/__pycache__", "b"]);
    check(&made(&text("a/__pycache__"), "", files, &[], None), &["b"]);
    check(&made(&text("b/"), "", files, &[], None), &["**/__pycache__", "**/*.py[co]", "a"]);
}

#[test]
fn what_the_file_takes_back_stays() {
    let made = made(
        "FROM scratch\nCOPY . /\n",
        "*\n!.env\n!src\n",
        &[".env", "src/", "src/.env.x", "src/a"],
        &[],
        None,
    );
    check(&made, &[]);
    assert_eq!(made.lines(), ["**/.env.*"]);
}
