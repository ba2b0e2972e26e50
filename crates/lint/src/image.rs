//! An image's name to its parts, as people write it: no default host, no default tag.

/// A name, cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Name<'t> {
    /// All up to the tag.
    pub repository: &'t str,
    /// The last part of that.
    pub base: &'t str,
    /// What stands behind the `:`.
    pub tag: Option<&'t str>,
    /// Whether a digest stands behind it.
    pub has_digest: bool,
}

/// Cuts a name.
pub fn name(text: &str) -> Name<'_> {
    let (text, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match text[last..].split_once(':') {
        Some((base, tag)) => (&text[..last + base.len()], Some(tag)),
        None => (text, None),
    };
    Name { repository, base: &repository[last..], tag, has_digest: digest.is_some() }
}

impl Name<'_> {
    /// Whether it is one of Docker's own images, by any of the ways to write that.
    pub fn official(&self) -> Option<&str> {
        match self.repository.rsplit_once('/') {
            None | Some(("docker.io/library" | "library" | "docker.io", _)) => Some(self.base),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_port_is_no_tag() {
        let cut = |text| {
            let name = name(text);
            (name.repository, name.base, name.tag, name.has_digest)
        };
        assert_eq!(cut("host:5000/a/b"), ("host:5000/a/b", "b", None, false));
        assert_eq!(cut("host:5000/a/b:1@sha256:0"), ("host:5000/a/b", "b", Some("1"), true));
        assert_eq!(cut("b:"), ("b", "b", Some(""), false));
        assert_eq!(name("golang:1").official(), Some("golang"));
        assert_eq!(name("x/golang:1").official(), None);
    }
}
