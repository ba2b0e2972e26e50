//! `tare.lock`: what the names in a build stand for, so that they stand for the same everywhere.
//!
//! ```text
//! # tare.lock 1: what the names in this build stand for. Keep it under version control.
//! go golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 h1:ZOmG…= 2026-11-22
//! image alpine:3.23 sha256:25109184… 2026-11-22
//! url https://example.org/tool.tar.gz sha256:e3b0c442… 2026-11-22
//! git https://example.org/tool.git#v1.2.0 4b825dc6… 2026-11-22
//! ```
//! One entry a line: kind, name, digest, the day on which it was pinned to that. Sorted, so that two branches that
//! pin different things merge. The file lies beside the Dockerfile or `go.mod`, and is never part of a context.
//! An unknown kind or number is an error: what is pinned must not be passed over.
//!
//! | kind | its name | its digest |
//! |---|---|---|
//! | `go` | module path and version | that of go.sum |
//! | `image` | as people write it, with the tag: `alpine` is `alpine:latest` | the index's, so that it holds on every platform; else the manifest's |
//! | `url` | the address, without a login | the content's |
//! | `git` | the repository without a login, `#`, the ref; `#HEAD` is the default branch | the commit |

use std::collections::BTreeMap;
use std::fmt;

use dockerfile::Git;
use dockerfile::address::redacted;
use oci::{Digest, Reference};

/// The file's name.
pub const NAME: &str = "tare.lock";

const FIRST: &str = "# tare.lock 1: what the names in this build stand for. Keep it under version control.";
const MARK: &str = "# tare.lock ";

/// What kind of name it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A Go module.
    Go,
    /// An image of FROM, `--from` or a mount.
    Image,
    /// An address of ADD.
    Url,
    /// A repository of ADD, and a ref.
    Git,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// With its algorithm, but for commits.
    pub digest: String,
    /// The day on which it was pinned to that, as `2026-11-22`.
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

    /// What an image is pinned to.
    pub fn image(&self, reference: &Reference) -> Option<Digest> {
        self.digest(Kind::Image, &image_name(reference))?.parse().ok()
    }

    /// What an address is pinned to.
    pub fn url(&self, url: &str) -> Option<Digest> {
        self.digest(Kind::Url, &url_name(url))?.parse().ok()
    }

    /// The commit that a ref is pinned to.
    pub fn commit(&self, git: &Git) -> Option<&str> {
        self.digest(Kind::Git, &git_name(git))
    }
}

/// An image's name in the file: without the digest that the Dockerfile itself may give.
pub fn image_name(reference: &Reference) -> String {
    let tag = reference.tag.clone().unwrap_or_else(|| "latest".to_owned());
    Reference { digest: None, tag: Some(tag), ..reference.clone() }.familiar()
}

/// An address's name in the file.
pub fn url_name(url: &str) -> String {
    without_login(url)
}

/// A repository's name in the file.
pub fn git_name(git: &Git) -> String {
    format!("{}#{}", without_login(&git.url()), git.reference.as_deref().unwrap_or("HEAD"))
}

/// Others may have another login.
fn without_login(url: &str) -> String {
    redacted(url).replacen("://xxxxx@", "://", 1)
}

fn check_version(line: &str) -> Result<(), String> {
    match line.strip_prefix(MARK).and_then(|rest| rest.split([':', ' ']).next()) {
        Some(number) if number != "1" => Err(format!("version {number} of tare.lock needs a newer tare")),
        _ => Ok(()),
    }
}

fn parse_line(line: &str) -> Result<((Kind, String), Entry), String> {
    // Addresses may have other white space in them.
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [kind, name, digest, date] = words[..] else {
        return Err("expected a kind, a name, a digest and a date".to_owned());
    };
    let kind = kind_of(kind).ok_or_else(|| format!("`{kind}` is not go, image, url or git"))?;
    check_digest(kind, digest)?;
    Ok(((kind, own_name(kind, name)?), Entry { digest: digest.to_owned(), date: date.to_owned() }))
}

/// The name as tare looks it up, also if somebody has written the line by hand.
fn own_name(kind: Kind, name: &str) -> Result<String, String> {
    match kind {
        Kind::Image => name.parse().map(|reference| image_name(&reference)),
        _ => Ok(name.to_owned()),
    }
}

fn check_digest(kind: Kind, digest: &str) -> Result<(), String> {
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match kind {
        Kind::Go => Ok(()),
        Kind::Image | Kind::Url => digest.parse::<Digest>().map(drop),
        Kind::Git if matches!(digest.len(), 40 | 64) && is_hex(digest) => Ok(()),
        Kind::Git => Err(format!("`{digest}` is not the hash of a commit")),
    }
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

    fn sum(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    #[test]
    fn what_is_written_reads_back() {
        let (a, commit) = (sum("a"), "c".repeat(40));
        let text = format!(
            "{FIRST}\n\
             go golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 h1:ab= 2026-11-22\n\
             image alpine:3.23 {a} 2026-11-22\n\
             url https://h.test/a\u{3000}b {a} 2026-11-22\n\
             git https://h.test/r.git#HEAD {commit} 2026-11-22\n"
        );
        let lock = Lock::parse(&text).unwrap();
        assert_eq!(lock.to_string(), text);
        assert_eq!(lock.digest(Kind::Image, "alpine:3.23"), Some(a.as_str()));
        assert_eq!(lock.digest(Kind::Url, "alpine:3.23"), None);
        assert_eq!(lock.url("https://me:pw@h.test/a\u{3000}b").unwrap().to_string(), a);
        let git = Git { remote: "https://h.test/r.git".to_owned(), ..Git::default() };
        assert_eq!(lock.commit(&git), Some(commit.as_str()));
        assert_eq!(lock.commit(&Git { reference: Some("v1".to_owned()), ..git }), None);
    }

    #[test]
    fn an_image_has_one_name() {
        let check = |written: &str, asked: &str| {
            let lock = Lock::parse(&format!("image {written} {} 2026-11-22\n", sum("b"))).unwrap();
            assert_eq!(
                lock.image(&asked.parse().unwrap()).unwrap().to_string(),
                sum("b"),
                "{written} {asked}"
            );
        };
        check("alpine:3.23", "docker.io/library/alpine:3.23");
        check("docker.io/library/alpine:3.23", "alpine:3.23");
        check("alpine", "alpine:latest");
        check("h.test:5000/a/b:1", &format!("h.test:5000/a/b:1@{}", sum("c")));
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
        check("image a sha256:b 2026\n", 1, "digest");
        check("image A sha256:b 2026\n", 1, "digest");
        check(&format!("image A/ {} 2026\n", sum("a")), 1, "A/");
        check("git https://h/r#v1 4b82 2026\n", 1, "commit");
        let twice = format!("image a {0} 2026\nimage a:latest {0} 2026\n", sum("a"));
        check(&twice, 2, "already");
    }
}
