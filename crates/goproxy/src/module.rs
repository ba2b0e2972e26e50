//! A module and one of its versions, and how the two are written in a proxy's addresses.
//!
//! Addresses have no capitals, as some file systems can't tell them: `X` is written `!x`.
//! See <https://go.dev/ref/mod#goproxy-protocol>.

use std::fmt;

use crate::error::{Error, Kind, Result};

/// The module that Go's toolchains are versions of.
pub(crate) const TOOLCHAIN: &str = "golang.org/toolchain";

/// One version of a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Module {
    /// Such as `golang.org/toolchain`.
    pub path: String,
    /// Such as `v0.0.1-go1.26.8.linux-amd64`.
    pub version: String,
}

/// The module that is Go's toolchain of a version, such as `1.26.8`, for the host `os` and `arch`.
pub fn toolchain(version: &str, os: &str, arch: &str) -> Module {
    Module { path: TOOLCHAIN.to_owned(), version: format!("v0.0.1-go{version}.{os}-{arch}") }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

impl Module {
    /// Path and version as they stand in addresses.
    pub(crate) fn escaped(&self) -> Result<(String, String)> {
        if self.path.split('/').all(is_path_element) && is_version(&self.version) {
            return Ok((escape(&self.path), escape(&self.version)));
        }
        Err(Error::new(Kind::NotFound, format!("`{self}` is not a module and its version")))
    }
}

fn is_path_element(element: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    !element.is_empty()
        && !element.starts_with(['.', '-'])
        && !element.ends_with('.')
        && element.chars().all(is_good)
}

fn is_version(version: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-._~+".contains(c);
    !version.is_empty()
        && !version.starts_with('.')
        && !version.ends_with('.')
        && version.chars().all(is_good)
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(path: &str, version: &str) -> Option<(String, String)> {
        Module { path: path.to_owned(), version: version.to_owned() }.escaped().ok()
    }

    #[test]
    fn a_toolchain_is_a_module() {
        let module = toolchain("1.26.8", "linux", "amd64");
        assert_eq!(module.to_string(), "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64");
    }

    #[test]
    fn capitals_are_escaped() {
        let (path, version) = escaped("example.com/Big/x", "v1.0.0-RC1").unwrap();
        assert_eq!((path.as_str(), version.as_str()), ("example.com/!big/x", "v1.0.0-!r!c1"));
    }

    #[test]
    fn what_would_leave_its_place_in_an_address_is_refused() {
        for (path, version) in [
            ("a.b/../c", "v1"),
            ("/a.b", "v1"),
            ("a.b/", "v1"),
            ("a.b", "v1/../v2"),
            ("a.b", ".."),
            ("a.b", ""),
            ("a.b?x", "v1"),
            ("a.b", "v1!x"),
            ("a b", "v1"),
        ] {
            assert_eq!(escaped(path, version), None, "{path} {version}");
        }
    }
}
