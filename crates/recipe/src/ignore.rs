//! The `.dockerignore`: what the build does not see, so that changing it builds nothing again.
//!
//! The project's own is kept as it is. Ours leaves out only what the go command cannot need: it reads no tests
//! and no hidden folders, and of other files those that `//go:embed` names. So whatever one of those patterns,
//! or an included path, takes in of what is left out is taken back in by a line of its own.

use crate::Ask;
use crate::embed::{Embeds, leads_into_closed, touches};
use crate::glob::name_matches;
use crate::mains::Main;
use crate::problem::{Result, read_if_there};
use crate::project::{Project, inside};
use crate::walk::{Folders, Walk};

/// What is left out at the top, in groups with their reason. No name here can be a package's, but that of a
/// folder that happens to be called so: then the line is left out.
const TOP: &[(&str, &str)] = &[
    (
        "What other tools keep here.",
        ".git?* .circleci .idea .vscode .zed .editorconfig .golangci.* .goreleaser.* .pre-commit-config.yaml",
    ),
    (
        "The build's own instructions.",
        "Dockerfile* *.Dockerfile Containerfile* compose*.y*ml docker-compose*.y*ml .dockerignore tare.toml tare.lock",
    ),
    ("Words for people.", "*.md LICENSE* NOTICE* CODEOWNERS Makefile Taskfile.y*ml"),
];

/// Never part of a build: `//go:embed` refuses these names. Last, so that nothing takes them back in.
const HISTORY: &[&str] = &["**/.git", "**/.hg", "**/.svn", "**/.bzr"];

/// The text of the ignore file.
pub fn text(folders: &Folders, project: &Project, wish: &Ask, mains: &[Main]) -> Result<String> {
    if let Some(own) = read_if_there(folders.root, ".dockerignore")? {
        return Ok(own);
    }
    let walk = folders.all()?;
    let embeds = Embeds::read(folders.root, walk)?;
    let mut out = String::from("# What the build does not see: changes in it build nothing again.\n");
    let mut hidden: Vec<String> = Vec::new();
    for (why, names) in TOP {
        let names: Vec<&str> = names.split(' ').filter(|name| !names_a_package(walk, name)).collect();
        group(&mut out, why, &names);
        let is_hidden = |name: &&str| names.iter().any(|pattern| name_matches(pattern, name));
        hidden.extend(top_names(walk).filter(is_hidden).map(str::to_owned));
    }
    if !embeds.imports_closed && !mains.iter().any(|m| leads_into_closed(&m.package)) {
        group(&mut out, "Tests: `go build` reads neither.", &["**/*_test.go", "**/testdata"]);
        hidden.extend(tests(walk));
    }
    group(&mut out, "But these are part of the build.", &kept(project, wish, &embeds, &hidden));
    group(&mut out, "History.", HISTORY);
    Ok(out)
}

/// A group of lines, if there are any.
fn group<S: AsRef<str>>(out: &mut String, why: &str, lines: &[S]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n# {why}\n"));
    lines.iter().for_each(|line| out.push_str(&format!("{}\n", line.as_ref())));
}

/// Whether a name at the top is that of a folder that may hold Go files.
fn names_a_package(walk: &Walk, pattern: &str) -> bool {
    walk.folders.iter().any(|f| !f.path.is_empty() && !f.path.contains('/') && name_matches(pattern, &f.path))
}

fn top_names(walk: &Walk) -> impl Iterator<Item = &str> {
    let closed = walk.closed.iter().map(String::as_str).filter(|path| !path.contains('/'));
    walk.top.iter().map(String::as_str).chain(closed)
}

/// Tests, and folders that hold or may hold some.
fn tests(walk: &Walk) -> impl Iterator<Item = String> {
    let files = walk.folders.iter().flat_map(|f| f.tests.iter().map(|name| inside(&f.path, name)));
    files.chain(walk.closed.iter().cloned())
}

/// What has to be taken back in: vendored packages as they are, what is included, and what is embedded.
fn kept(project: &Project, wish: &Ask, embeds: &Embeds, hidden: &[String]) -> Vec<String> {
    let vendor = project.vendored.then(|| "vendor".to_owned());
    let included = wish
        .includes
        .iter()
        .filter_map(|(path, _)| crate::project::joined("", path))
        .filter(|p| !p.is_empty());
    let needed = |pattern: &&String| hidden.iter().any(|path| touches(pattern, path));
    let embedded = embeds.patterns.iter().filter(needed).cloned();
    let mut lines: Vec<String> =
        vendor.into_iter().chain(included).chain(embedded).map(|line| format!("!{line}")).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn ignored(scratch: &Scratch, includes: &[(&str, &str)]) -> String {
        let includes = includes.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let ask = Ask { includes, ..Ask::default() };
        crate::go(&scratch.path, &ask).expect("a recipe").ignore
    }

    fn kept_lines(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.starts_with('!')).collect()
    }

    #[test]
    fn of_a_plain_project() {
        let scratch = Scratch::new(&[("go.mod", "module a\ngo 1.26.0\n"), ("main.go", "package main\n")]);
        let expected = "\
# What the build does not see: changes in it build nothing again.

# What other tools keep here.
.git?*
.circleci
.idea
.vscode
.zed
.editorconfig
.golangci.*
.goreleaser.*
.pre-commit-config.yaml

# The build's own instructions.
Dockerfile*
*.Dockerfile
Containerfile*
compose*.y*ml
docker-compose*.y*ml
.dockerignore
tare.toml
tare.lock

# Words for people.
*.md
LICENSE*
NOTICE*
CODEOWNERS
Makefile
Taskfile.y*ml

# Tests: `go build` reads neither.
**/*_test.go
**/testdata

# History.
**/.git
**/.hg
**/.svn
**/.bzr
";
        assert_eq!(ignored(&scratch, &[]), expected);
        scratch.write(".dockerignore", "*\n!*.go");
        assert_eq!(ignored(&scratch, &[]), "*\n!*.go");
    }

    #[test]
    fn what_is_embedded_or_included_stays() {
        let scratch = Scratch::new(&[
            ("go.mod", "module a\ngo 1.26.0\n"),
            (
                "main.go",
                "package main\nimport _ \"embed\"\n//go:embed README.md LICENSE docs\nvar x string\n",
            ),
            ("README.md", ""),
            ("docs/guide.md", ""),
            ("gen/gen.go", "package gen\nimport \"embed\"\n//go:embed all:template *.sql\nvar x embed.FS\n"),
            ("gen/gen_test.go", ""),
            ("gen/template/x_test.go", ""),
            ("b/b.go", "package b\nimport _ \"embed\"\n//go:embed testdata/x.json\nvar x string\n"),
            ("b/testdata/x.json", ""),
            ("CHANGELOG.md", ""),
        ]);
        let text = ignored(&scratch, &[("CHANGELOG.md", "/changes")]);
        assert_eq!(kept_lines(&text), ["!CHANGELOG.md", "!README.md", "!b/testdata/x.json", "!gen/template"]);
    }

    #[test]
    fn packages_in_testdata_keep_tests_in() {
        let scratch = Scratch::new(&[
            ("go.mod", "module a\ngo 1.26.0\n"),
            ("main.go", "package main\nimport _ \"a/testdata/b\"\n"),
        ]);
        assert!(!ignored(&scratch, &[]).contains("testdata"));
    }

    #[test]
    fn vendored_packages_stay_as_they_are() {
        let scratch = Scratch::new(&[
            ("go.mod", "module a\ngo 1.26.0\n"),
            ("main.go", "package main\n"),
            ("vendor/modules.txt", ""),
        ]);
        assert_eq!(kept_lines(&ignored(&scratch, &[])), ["!vendor"]);
    }

    #[test]
    fn a_folder_with_the_name_of_a_document_stays() {
        let scratch = Scratch::new(&[
            ("go.mod", "module a\ngo 1.26.0\n"),
            ("main.go", "package main\n"),
            ("NOTICES/x.go", "package x\n"),
        ]);
        let text = ignored(&scratch, &[]);
        assert!(!text.contains("NOTICE*") && text.contains("LICENSE*"), "{text}");
    }
}
