//! The addresses that the go command's variables may hold: `https:`, `http:` and `file:`, to their parts.
//!
//! A login in an address is kept apart from it and never shown. Paths stay as they are written, escapes
//! included.

use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Https,
    Http,
    File,
}

/// An address without query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub scheme: Scheme,
    /// Name and password, unescaped.
    pub login: Option<(String, String)>,
    /// `host` or `host:port`; empty for files.
    pub host: String,
    /// Empty, or with a slash in front; may end with a query.
    pub path: String,
}

impl Url {
    /// Reads an address; else why it is none, without repeating it, as it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
        if text.chars().any(|c| c.is_control() || c == ' ') {
            return Err("it has spaces or control characters");
        }
        let (scheme, rest) = text.split_once(':').ok_or("it has no scheme, such as https://")?;
        let scheme = match &*scheme.to_ascii_lowercase() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "file" => Scheme::File,
            _ => return Err("its scheme is not https, http or file"),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        match rest.strip_prefix("//") {
            Some(rest) => with_authority(scheme, rest),
            None if scheme == Scheme::File && rest.starts_with('/') => with_authority(scheme, rest),
            None => Err("it has no host"),
        }
    }

    /// The address with a relative path added.
    pub(crate) fn join(&self, path: &str) -> Url {
        let base = self.path.strip_suffix('/').unwrap_or(&self.path);
        Url { path: format!("{base}/{path}"), ..self.clone() }
    }

    /// Where a redirect leads, with no login unless it has one of its own.
    pub(crate) fn follow(&self, location: &str) -> Result<Url, &'static str> {
        let here = Url { login: None, ..self.clone() };
        if let Some(rest) = location.strip_prefix("//") {
            return with_authority(self.scheme, rest);
        }
        if location.starts_with('/') {
            return Ok(Url { path: location.to_owned(), ..here });
        }
        if location.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':')) {
            return Url::parse(location);
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(Url { path: format!("{folder}/{location}"), ..here })
    }

    /// The file that a `file:` address names.
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(unescape(&self.path)))
    }

    /// The address without scheme, as netrc and GOAUTH know it.
    pub(crate) fn bare(&self) -> String {
        format!("{}{}", self.host, self.path)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::File => "file",
        };
        write!(f, "{scheme}://{}{}", self.host, self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn with_authority(scheme: Scheme, rest: &str) -> Result<Url, &'static str> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(read_login(login)), host),
        None => (None, authority),
    };
    if scheme == Scheme::File && (!authority.is_empty() || !path.starts_with('/')) {
        return Err("a file: address is file:/// and an absolute path");
    }
    if scheme != Scheme::File && (host.is_empty() || host.starts_with(':')) {
        return Err("it has no host");
    }
    Ok(Url { scheme, login, host: host.to_ascii_lowercase(), path: path.to_owned() })
}

fn read_login(login: &str) -> (String, String) {
    let (name, password) = login.split_once(':').unwrap_or((login, ""));
    let text = |part| String::from_utf8_lossy(&unescape(part)).into_owned();
    (text(name), text(password))
}

/// `%2f` and the like as bytes; what is no escape stays.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.first_chunk()).flatten().and_then(hex_byte);
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    out
}

fn hex_byte(digits: &[u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(digits[0])? * 16 + digit(digits[1])?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_login_is_kept_but_not_shown() {
        let url = url("https://me:p%40ss@Proxy.test:8443/go/");
        assert_eq!(url.login, Some(("me".to_owned(), "p@ss".to_owned())));
        assert_eq!(url.to_string(), "https://proxy.test:8443/go/");
        assert_eq!(format!("{url:?}"), "https://proxy.test:8443/go/");
        assert_eq!(url.join("x/@v/y.zip").to_string(), "https://proxy.test:8443/go/x/@v/y.zip");
    }

    #[test]
    fn files_have_a_path_and_nothing_else() {
        assert_eq!(url("file:///a%20b/c").join("d").file(), PathBuf::from("/a b/c/d"));
        assert_eq!(url("file:/a").file(), PathBuf::from("/a"));
        for bad in ["file://host/a", "file://", "file:a", "file://me@/a"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for bad in [
            "",
            "proxy.test",
            "/abs",
            "ftp://x",
            "https:///x",
            "https://:80",
            "http://a b",
            "https:x",
            "http://a\nb",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_are_relative_to_where_they_come_from() {
        let here = url("https://me:pw@a.test/x/y?q");
        let check = |to: &str, expected: &str| {
            let url = here.follow(to).unwrap();
            assert_eq!(url.to_string(), expected);
            assert_eq!(url.login, None, "{to}");
        };
        check("https://b.test/z", "https://b.test/z");
        check("//b.test/z", "https://b.test/z");
        check("/z?r=:", "https://a.test/z?r=:");
        check("z", "https://a.test/x/z");
        check("z?u=http://c", "https://a.test/x/z?u=http://c");
        assert!(here.follow("ftp://b.test").is_err());
    }
}
