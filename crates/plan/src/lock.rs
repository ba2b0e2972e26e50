//! `tare.lock`: what the names in a build stand for, so that they stand for the same everywhere.
//!
//! ```text
//! # tare.lock 1: what the names in this build stand for. Keep it under version control.
//! go golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 h1:ZOmG…= 2026-11-22
//! image alpine:3.23 sha256:25109184… 2026-11-22
//! url https://example.org/tool.tar.gz sha256:e3b0c442… 2026-11-22
//! git https://example.org/tool.git#v1.2.0 4b825dc6… 2026-11-22
//! ```
//! One entry a line: kind, name, digest, the day on which the name was asked. Sorted, so that two branches that
//! pin different things merge. The file lies beside the Dockerfile or `go.mod`, and is never part of a context.
//! An unknown kind or number is an error: what is pinned must not be passed over.

use std::collections::BTreeMap;
use std::fmt;

/// The file's name.
pub const NAME: &str = "tare.lock";

const FIRST: &str = "# tare.lock 1: what the names in this build stand for. Keep it under version control.";
const MARK: &str = "# tare.lock ";

/// What kind of name it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A Go module, by path and version; its digest is go.sum's (`h1:`).
    Go,
    /// An image, by the name in FROM or `--from`; its digest is the index's, else the manifest's.
    Image,
    /// An address of ADD; its digest is the content's SHA-256.
    Url,
    /// A repository and a ref; its digest is the commit.
    Git,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// With its algorithm, but for commits.
    pub digest: String,
    /// The day it was asked, as `2026-11-22`.
    pub date: String,
}

/// The whole file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lock {
    /// By kind and name.
    pub entries: BTreeMap<(Kind, String), Entry>,
}

impl Lock {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The line, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Lock, (usize, String)> {
        let mut lock = Lock::default();
        for (index, line) in text.lines().enumerate() {
            check_version(line).map_err(|message| (index + 1, message))?;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, entry) = parse_line(line).map_err(|message| (index + 1, message))?;
            if let Some(twice) = lock.entries.insert(key, entry) {
                return Err((index + 1, format!("this name was given already, with {}", twice.digest)));
            }
        }
        Ok(lock)
    }

    /// What a name is pinned to.
    pub fn digest(&self, kind: Kind, name: &str) -> Option<&str> {
        self.entries.get(&(kind, name.to_owned())).map(|entry| entry.digest.as_str())
    }
}

fn check_version(line: &str) -> Result<(), String> {
    match line.strip_prefix(MARK).and_then(|rest| rest.split([':', ' ']).next()) {
        Some(number) if number != "1" => Err(format!("version {number} of tare.lock needs a newer tare")),
        _ => Ok(()),
    }
}

fn parse_line(line: &str) -> Result<((Kind, String), Entry), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [kind, name, digest, date] = words[..] else {
        return Err("expected a kind, a name, a digest and a date".to_owned());
    };
    let kind = kind_of(kind).ok_or_else(|| format!("`{kind}` is not go, image, url or git"))?;
    Ok(((kind, name.to_owned()), Entry { digest: digest.to_owned(), date: date.to_owned() }))
}

fn kind_of(word: &str) -> Option<Kind> {
    [Kind::Go, Kind::Image, Kind::Url, Kind::Git].into_iter().find(|kind| kind.to_string() == word)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Go => "go",
            Kind::Image => "image",
            Kind::Url => "url",
            Kind::Git => "git",
        })
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}")?;
        let mut lines = self.entries.iter();
        lines.try_for_each(|((kind, name), e)| writeln!(f, "{kind} {name} {} {}", e.digest, e.date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# tare.lock 1: what the names in this build stand for. Keep it under version control.\n\
        go golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 h1:ab= 2026-11-22\n\
        image alpine:3.23 sha256:cd 2026-11-22\n";

    #[test]
    fn what_is_written_reads_back() {
        let lock = Lock::parse(TEXT).unwrap();
        assert_eq!(lock.to_string(), TEXT);
        assert_eq!(lock.digest(Kind::Image, "alpine:3.23"), Some("sha256:cd"));
        assert_eq!(lock.digest(Kind::Url, "alpine:3.23"), None);
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        let check = |text: &str, line: usize, part: &str| {
            let (at, message) = Lock::parse(text).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(message.contains(part), "{message}");
        };
        check("# tare.lock 2: later\n", 1, "newer tare");
        check("# a\n\nmagic a b c\n", 3, "`magic`");
        check("go a h1:b\n", 1, "expected");
        check("go a h1:b 2026\ngo a h1:c 2026\n", 2, "already");
    }
}
