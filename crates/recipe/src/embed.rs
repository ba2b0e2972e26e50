//! `//go:embed`: which files beside the Go ones a build may read.
//!
//! Every non-test file of the project that imports `embed` is read whole, whatever its constraints; from the
//! others, only the beginning. A pattern is the directive's, seen from the project's folder.

use std::path::Path;

use crate::glob::name_matches;
use crate::problem::{Result, unreadable};
use crate::project::inside;
use crate::source::Head;
use crate::walk::{Folder, Walk};

/// What the sources say about other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embeds {
    /// Patterns from the project's folder on, sorted: `internal/web/static`, `db/*.sql`.
    pub patterns: Vec<String>,
    /// Some package imports one of a folder that walks pass over: anything there may be part of the build.
    pub imports_closed: bool,
}

impl Embeds {
    /// Reads the sources.
    pub fn read(root: &Path, walk: &Walk) -> Result<Embeds> {
        let mut out = Embeds::default();
        for folder in &walk.folders {
            for name in &folder.sources {
                out.file(root, folder, name)?;
            }
        }
        out.patterns.sort();
        out.patterns.dedup();
        Ok(out)
    }

    fn file(&mut self, root: &Path, folder: &Folder, name: &str) -> Result<()> {
        let path = inside(&folder.path, name);
        let broken = |e: std::io::Error| unreadable(&path, &e);
        let head = match Head::read(&root.join(&path)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            head => head.map_err(broken)?.unwrap_or_default(),
        };
        self.imports_closed |= head.imports.iter().any(|import| leads_into_closed(import));
        if head.imports.iter().any(|import| import == "embed") {
            let text = std::fs::read(root.join(&path)).map_err(broken)?;
            let found = patterns(&String::from_utf8_lossy(&text));
            self.patterns.extend(found.iter().map(|pattern| inside(&folder.path, pattern)));
        }
        Ok(())
    }
}

/// Whether a pattern takes a path or something below it in: one that it matches, one in a folder that it
/// matches, or a folder on its way.
pub fn touches(pattern: &str, path: &str) -> bool {
    pattern.split('/').zip(path.split('/')).all(|(p, name)| name_matches(p, name))
}

/// Whether an import path leads into a folder that walks pass over.
pub fn leads_into_closed(import: &str) -> bool {
    import.split('/').any(|part| part == "testdata" || part == "node_modules")
}

fn patterns(text: &str) -> Vec<String> {
    let directives = text.lines().filter_map(|line| line.trim_start().strip_prefix("//go:embed"));
    directives.filter(|rest| rest.starts_with([' ', '\t'])).flat_map(words).collect()
}

/// The patterns of a directive, each bare or quoted, without `all:`.
fn words(mut rest: &str) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return out };
        let quoted = matches!(first, '"' | '`');
        let body = if quoted { &rest[1..] } else { rest };
        let end =
            body.find(|c: char| if quoted { c == first } else { c.is_whitespace() }).unwrap_or(body.len());
        let word = &body[..end];
        out.push(word.strip_prefix("all:").unwrap_or(word).trim_end_matches('/').to_owned());
        rest = body[end..].strip_prefix(first).filter(|_| quoted).unwrap_or(&body[end..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use crate::walk::walk;

    #[test]
    fn directives() {
        let text = "package a\n//go:embed a.txt \"b c\" `d`\n\t//go:embed all:static\n//go:embedded no\n// //go:embed no\n";
        assert_eq!(patterns(text), ["a.txt", "b c", "d", "static"]);
        assert_eq!(words(" \"open"), ["open"]);
        assert_eq!(words(" a\"b x"), ["a\"b", "x"]);
    }

    #[test]
    fn a_project() {
        let scratch = Scratch::new(&[
            ("a/a.go", "package a\nimport _ \"embed\"\n//go:embed x.txt\nvar x string\n"),
            ("a/b.go", "package a\n//go:embed not-embedded.txt\n"),
            ("a/a_test.go", "package a\nimport _ \"embed\"\n//go:embed of-a-test\n"),
            ("main.go", "package main\nimport (\n\t\"embed\"\n)\n//go:embed *.html\nvar x embed.FS\n"),
        ]);
        let walked = walk(&scratch.path).expect("readable");
        let embeds = Embeds::read(&scratch.path, &walked).expect("readable");
        assert_eq!(
            (&embeds.patterns[..], embeds.imports_closed),
            (&["*.html".to_owned(), "a/x.txt".to_owned()][..], false)
        );
        scratch.write("b.go", "package main\nimport _ \"example.com/a/testdata/b\"\n");
        let walked = walk(&scratch.path).expect("readable");
        assert!(Embeds::read(&scratch.path, &walked).expect("readable").imports_closed);
    }

    #[test]
    fn touching() {
        for (pattern, path, expected) in [
            ("a/static", "a/static/x_test.go", true),
            ("a/static", "a/statics/x_test.go", false),
            ("a/*.sql", "a/x_test.go", false),
            ("a/*", "a/x_test.go", true),
            ("a/testdata/x.txt", "a/testdata", true),
            ("README.md", "README.md", true),
            ("*.txt", "README.md", false),
        ] {
            assert_eq!(touches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
