//! Image references: `alpine`, `golang:1.26-alpine`, `host:5000/a/b@sha256:…` to their parts.
//!
//! Follows the distribution project's reference grammar and Docker's familiar names: no host means
//! `docker.io`, no path there means `library/`, no tag means `latest`.

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// The registry that a name without a host means.
pub const DEFAULT_HOST: &str = "docker.io";

/// A fully qualified image reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reference {
    /// `docker.io`, `localhost:5000`, …
    pub host: String,
    /// `library/alpine`.
    pub repository: String,
    /// The tag, if one was written or implied.
    pub tag: Option<String>,
    /// The digest, if one was written; it decides.
    pub digest: Option<Digest>,
}

impl Reference {
    /// `host/repository` without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// What comes after `/manifests/`: the digest, else the tag.
    pub fn selector(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// As people write it: without `docker.io/library/`, with the tag.
    pub fn familiar(&self) -> String {
        let name = match (self.host.as_str(), self.repository.strip_prefix("library/")) {
            (DEFAULT_HOST, Some(short)) => short.to_owned(),
            (DEFAULT_HOST, None) => self.repository.clone(),
            _ => self.name(),
        };
        format!("{name}{}", self.suffix())
    }

    fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|t| format!(":{t}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|d| format!("@{d}")).unwrap_or_default();
        tag + &digest
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name(), self.suffix())
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Reference, String> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest);
        let (host, path) = split_host(name);
        let repository = match (host, path.contains('/')) {
            (DEFAULT_HOST, false) => format!("library/{path}"),
            _ => path.to_owned(),
        };
        check_host(host, text)?;
        check_repository(&repository, text)?;
        tag.map_or(Ok(()), |tag| check_tag(tag, text))?;
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Reference { host: host.to_owned(), repository, tag, digest })
    }
}

fn split_tag(rest: &str) -> (&str, Option<&str>) {
    match rest.rfind(':') {
        Some(at) if !rest[at..].contains('/') => (&rest[..at], Some(&rest[at + 1..])),
        _ => (rest, None),
    }
}

fn split_host(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", path)) => (DEFAULT_HOST, path),
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => (DEFAULT_HOST, name),
    }
}

fn check_host(host: &str, text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.chars().all(good) { Ok(()) } else { Err(bad(text, "the registry's name is not a host name")) }
}

fn check_repository(path: &str, text: &str) -> Result<(), String> {
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(bad(text, "repository name must be lowercase"));
    }
    if path.len() > 255 || !path.split('/').all(is_component) {
        return Err(bad(text, "a repository is made of a-z, 0-9 and single separators `.` `_` `-` `/`"));
    }
    Ok(())
}

/// Lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let joiners = part.split(is_word).filter(|s| !s.is_empty());
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && joiners.into_iter().all(|j| matches!(j, "." | "_" | "__") || j.chars().all(|c| c == '-'))
}

fn check_tag(tag: &str, text: &str) -> Result<(), String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good =
        tag.starts_with(word) && tag.len() <= 128 && tag.chars().all(|c| word(c) || c == '.' || c == '-');
    if good { Ok(()) } else { Err(bad(text, "the tag is not valid")) }
}

fn bad(text: &str, why: &str) -> String {
    format!("invalid reference format: `{text}`: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, full: &str, familiar: &str) {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), full);
        assert_eq!(reference.familiar(), familiar);
        assert_eq!(full.parse(), Ok(reference));
    }

    #[test]
    fn short_names_mean_docker_hub() {
        check("alpine", "docker.io/library/alpine:latest", "alpine:latest");
        check(
            "golang:1.26.8-alpine3.23",
            "docker.io/library/golang:1.26.8-alpine3.23",
            "golang:1.26.8-alpine3.23",
        );
        check("a/b", "docker.io/a/b:latest", "a/b:latest");
        check("localhost/x", "localhost/x:latest", "localhost/x:latest");
        check("127.0.0.1:5055/library/x:1", "127.0.0.1:5055/library/x:1", "127.0.0.1:5055/library/x:1");
    }

    #[test]
    fn a_digest_needs_no_tag() {
        let digest = Digest::of(b"x");
        check(&format!("a@{digest}"), &format!("docker.io/library/a@{digest}"), &format!("a@{digest}"));
        let both = format!("a:1@{digest}");
        check(&both, &format!("docker.io/library/{both}"), &both);
        assert_eq!(both.parse::<Reference>().unwrap().selector(), digest.to_string());
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in
            ["", "FOO", "a b", "a:", "a:-x", "a//b", "/a", "a/", "a..b", "a@sha256:1", "-a", "a:b:c", "a\nb"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
