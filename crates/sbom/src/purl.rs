//! A Go module to the names that scanners look it up by: package URL and, for the library, CPE.
//!
//! Used by `parts`. See the purl specification, type `golang`: path in lower case, version as it is. The
//! standard library is `stdlib` there, as in Go's own vulnerability database.

/// `pkg:golang/github.com/x/y@v1.2.3`; `None` if the path has no letters to look up.
pub(crate) fn golang(path: &str, version: Option<&str>) -> Option<String> {
    let path = path.to_lowercase();
    let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(escape).collect();
    if segments.is_empty() {
        return None;
    }
    let version = version.map(|v| format!("@{}", escape(v))).unwrap_or_default();
    Some(format!("pkg:golang/{}{version}", segments.join("/")))
}

fn escape(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
            char::from(b).to_string()
        }
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The release of Go that `go1.26.8`, `go1.26.8-X:jsonv2` or `go1.26.8 (Red Hat …)` was made from.
///
/// `None` for a Go between two releases, of which no scanner could say anything.
pub(crate) fn release(go_version: &str) -> Option<&str> {
    let version = go_version.strip_prefix("go")?;
    let end = version.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(version.len());
    let (release, rest) = version.split_at(end);
    (release.starts_with(|c: char| c.is_ascii_digit()) && !rest.starts_with("-devel")).then_some(release)
}

/// The CPE of a release of Go: the vulnerability database of NIST knows the library by no other name.
pub(crate) fn go_cpe(release: &str) -> String {
    let update = release.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(release.len());
    let (version, update) = release.split_at(update);
    let update = if update.is_empty() { "-" } else { update };
    format!("cpe:2.3:a:golang:go:{version}:{update}:*:*:*:*:*:*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls() {
        for (path, version, purl) in [
            ("github.com/x/y", Some("v1.2.3"), "pkg:golang/github.com/x/y@v1.2.3"),
            ("github.com/Azure/SDK/v2", Some("v2.0.0-RC1"), "pkg:golang/github.com/azure/sdk/v2@v2.0.0-RC1"),
            ("x.org/y", Some("v2.0.0+incompatible"), "pkg:golang/x.org/y@v2.0.0%2Bincompatible"),
            ("/a//~b@c é/", None, "pkg:golang/a/~b%40c%20%C3%A9"),
            ("stdlib", Some("1.26.8"), "pkg:golang/stdlib@1.26.8"),
        ] {
            assert_eq!(golang(path, version).as_deref(), Some(purl));
        }
        assert_eq!(golang("//", Some("v1")), None);
    }

    #[test]
    fn releases() {
        for (version, expected) in [
            ("go1.26.8", Some("1.26.8")),
            ("go1.21rc2", Some("1.21rc2")),
            ("go1.22.3 X:boringcrypto", Some("1.22.3")),
            ("go1.26.0-X:jsonv2", Some("1.26.0")),
            ("go1.26.5 (Red Hat 1.26.5-1.el10)", Some("1.26.5")),
            ("go1.27-devel_9daaab305c Tue Mar 3", None),
            ("devel go1.20-a1b2c3 Tue", None),
            ("go", None),
            ("gopher", None),
        ] {
            assert_eq!(release(version), expected, "{version}");
        }
    }

    #[test]
    fn cpes() {
        assert_eq!(go_cpe("1.26.8"), "cpe:2.3:a:golang:go:1.26.8:-:*:*:*:*:*:*");
        assert_eq!(go_cpe("1.21rc2"), "cpe:2.3:a:golang:go:1.21:rc2:*:*:*:*:*:*");
    }
}
