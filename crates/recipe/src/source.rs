//! The beginning of a Go file: its constraints, its package, its imports.
//!
//! Reads only as far as those go, a few kilobytes at most. Knows comments, strings and nothing of what
//! follows the imports.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::constraint::{self, Context};

/// What a file begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The package's name.
    pub package: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// What stands before the package clause.
    header: Vec<u8>,
}

/// Most heads fit; of the others, more is read. A file that gives less than asked for has ended.
const FIRST_READ: usize = 4096;

impl Head {
    /// Reads a file's beginning; `None` if it isn't Go.
    pub fn read(path: &Path) -> std::io::Result<Option<Head>> {
        let mut file = File::open(path)?;
        let mut text = vec![0; FIRST_READ];
        let mut filled = 0;
        loop {
            // One call for most files: a project has thousands, and each is read at every build.
            let got = file.read(&mut text[filled..])?;
            filled += got;
            let (head, complete) = parse(&text[..filled]);
            if complete || filled < text.len() {
                return Ok(head);
            }
            text.resize(filled * 4, 0);
        }
    }

    /// Whether the lines at the beginning let the file take part in a build, and it needs no C.
    pub fn fits(&self, context: &Context) -> bool {
        let (go_build, plus_build) = constraints(&self.header);
        let lines = match go_build {
            Some(expression) => constraint::go_build(&expression, context).unwrap_or(false),
            None => constraint::plus_build(&plus_build, context),
        };
        // The go command passes over `package documentation`, too.
        lines && self.package != "documentation"
    }

    /// Whether it needs a C compiler.
    pub fn needs_c(&self) -> bool {
        self.imports.iter().any(|path| path == "C")
    }
}

/// The head, and whether the text went on behind it.
fn parse(text: &[u8]) -> (Option<Head>, bool) {
    let mut scanner = Scanner { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), at: 0 };
    let head = scanner.head();
    (head, scanner.at < scanner.text.len())
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn head(&mut self) -> Option<Head> {
        self.space();
        let header = self.text[..self.at].to_vec();
        if !self.keyword("package") {
            return None;
        }
        let package = self.word();
        let mut head = Head { package, imports: Vec::new(), header };
        while self.keyword("import") {
            self.imports(&mut head.imports);
        }
        (!head.package.is_empty()).then_some(head)
    }

    /// What follows `import`: one, or several in parentheses.
    fn imports(&mut self, out: &mut Vec<String>) {
        if !self.sign(b'(') {
            return out.extend(self.import());
        }
        while !self.sign(b')') {
            match self.import() {
                Some(path) => out.push(path),
                None => return,
            }
        }
    }

    /// A path, with or without a name for it.
    fn import(&mut self) -> Option<String> {
        if !self.sign(b'.') {
            self.word();
        }
        let quote = *self.text.get(self.at).filter(|b| matches!(b, b'"' | b'`'))?;
        let from = self.at + 1;
        let length = self.text[from..].iter().position(|b| *b == quote || *b == b'\n')?;
        self.at = from + length + 1;
        Some(String::from_utf8_lossy(&self.text[from..from + length]).into_owned())
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let at = self.at;
        let found = self.word() == word;
        if !found {
            self.at = at;
        }
        found
    }

    fn sign(&mut self, sign: u8) -> bool {
        self.space();
        let found = self.text.get(self.at) == Some(&sign);
        self.at += usize::from(found);
        self.space();
        found
    }

    /// A name, or nothing.
    fn word(&mut self) -> String {
        self.space();
        let rest = &self.text[self.at..];
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
        let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
        self.at += length;
        let word = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.space();
        word
    }

    /// To the next thing that is neither blank nor a comment nor a semicolon.
    fn space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = match rest {
                [b'/', b'/', ..] => line(rest),
                [b'/', b'*', body @ ..] => 2 + block(body),
                [b, ..] if b.is_ascii_whitespace() || *b == b';' => 1,
                _ => return,
            };
            self.at += length;
        }
    }
}

/// The length up to the end of a line, or of everything.
fn line(text: &[u8]) -> usize {
    text.iter().position(|b| *b == b'\n').map_or(text.len(), |at| at + 1)
}

/// The length up to the end of a comment, or of everything.
fn block(text: &[u8]) -> usize {
    text.windows(2).position(|pair| pair == b"*/").map_or(text.len(), |at| at + 2)
}

/// The constraints in what stands before the package clause: comments and blank lines.
///
/// `//go:build` may stand anywhere outside of `/* */`. `// +build` counts only in the `//` comments that the file
/// begins with, and only before the last blank line among those.
fn constraints(header: &[u8]) -> (Option<String>, Vec<String>) {
    let header = String::from_utf8_lossy(header);
    let (mut go_build, mut old, mut pending) = (None, Vec::new(), Vec::new());
    let (mut in_block, mut old_may_come) = (false, true);
    for line in header.lines().map(str::trim) {
        if !in_block && let Some(rest) = line.strip_prefix("//") {
            if let Some(expression) = rest.strip_prefix("go:build").filter(|r| r.starts_with([' ', '\t'])) {
                go_build.get_or_insert(expression.trim().to_owned());
            }
            let rest = rest.trim().strip_prefix("+build").filter(|r| r.starts_with([' ', '\t']));
            pending.extend(rest.filter(|_| old_may_come).map(str::to_owned));
        } else if line.is_empty() && old_may_come {
            old.append(&mut pending);
        } else {
            old_may_come = false;
            in_block = in_block_after(line, in_block);
        }
    }
    (go_build, old)
}

/// Whether a line of comments ends inside of `/* */`.
fn in_block_after(mut line: &str, mut in_block: bool) -> bool {
    loop {
        let mark = if in_block { "*/" } else { "/*" };
        let comment = line.find("//").filter(|_| !in_block);
        match line.find(mark) {
            Some(at) if comment.is_none_or(|c| at < c) => line = &line[at + mark.len()..],
            _ => return in_block,
        }
        in_block = !in_block;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn head(text: &str) -> Head {
        parse(text.as_bytes()).0.expect("Go")
    }

    fn context() -> Context {
        Context { arch: "amd64".into(), minor: 26, tags: Vec::new() }
    }

    #[test]
    fn packages() {
        for (text, package) in [
            ("package main", "main"),
            ("\u{feff}package main\n", "main"),
            ("// package wrong\n/* package\nwrong */ package /* here */ main // end\n", "main"),
            ("/**/package main;import \"C\"", "main"),
            ("package ünï\n", "ünï"),
        ] {
            assert_eq!(head(text).package, package, "{text}");
        }
        for bad in ["", "packagemain", "// only\n", "/* open", "package", "func main() {}", "\0"] {
            assert_eq!(parse(bad.as_bytes()).0, None, "{bad}");
        }
    }

    #[test]
    fn imports() {
        let text = "package main\nimport \"one\"\nimport . \"two\"; import _ `three`\nimport (\n\t// a comment\n\tx \"four\"\n\n\
            \t\"five\" /* and */\n)\nvar _ = 1\nimport \"late\"\n";
        assert_eq!(head(text).imports, ["one", "two", "three", "four", "five"]);
        assert!(head("package a\n// #include <x.h>\nimport \"C\"\n").needs_c());
        assert_eq!(head("package a\nimport (\n\t\"unclosed\n").imports, ["unclosed"]);
    }

    fn fits(text: &str, expected: bool) {
        assert_eq!(head(text).fits(&context()), expected, "{text}");
    }

    #[test]
    fn constraints_at_the_beginning() {
        fits("package a\n", true);
        fits("//go:build windows\n\npackage a\n", false);
        fits("// Copyright\n\n//go:build linux && amd64\n// +build ignore\n\npackage a\n", true);
        fits("/* words */\n//go:build ignore\npackage a\n", false);
        fits("/*\n//go:build ignore\n*/\npackage a\n", true);
        fits("//go:buildx ignore\npackage a\n", true);
        fits("// go:build ignore\npackage a\n", true);
        fits("package a\n//go:build ignore\n", true);
        fits("//go:build linux &&\npackage a\n", false);
        fits("package documentation\n", false);
    }

    #[test]
    fn old_constraints() {
        fits("// +build ignore\n\npackage a\n", false);
        fits("// +build ignore\npackage a\n", true);
        fits("//+build windows darwin\n\n// Package a.\npackage a\n", false);
        fits("/* first */\n// +build ignore\n\npackage a\n", true);
        fits("// +build linux\n// +build arm64\n\npackage a\n", false);
    }

    #[test]
    fn long_beginnings_are_read_on() {
        let text = format!(
            "/*{}*/\n//go:build ignore\npackage a\nimport \"x\"\nvar _ = 1\n",
            "licence ".repeat(4000)
        );
        let scratch = Scratch::new(&[("a.go", &text)]);
        let read = Head::read(&scratch.path.join("a.go")).expect("readable").expect("Go");
        assert_eq!((read.imports.len(), read.fits(&context())), (1, false));
    }
}
