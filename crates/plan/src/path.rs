//! Paths of the image as text: always `/`, never the host's rules.

/// Go's `path.Clean`: no `.`, no `..` that can be resolved, no double or trailing slash.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if out.last().is_some_and(|last| *last != "..") => drop(out.pop()),
            ".." if rooted => {}
            _ => out.push(part),
        }
    }
    match (rooted, out.is_empty()) {
        (true, _) => format!("/{}", out.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => out.join("/"),
    }
}

/// `path` as seen from `dir`, absolute and clean.
pub fn join(dir: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("/{dir}/{path}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning() {
        for (path, expected) in
            [("", "."), ("/", "/"), ("a//b/", "a/b"), ("/../a", "/a"), ("a/../..", ".."), ("./a/.", "a")]
        {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn joining() {
        for (dir, path, expected) in
            [("/", "a", "/a"), ("/a", "/b/", "/b"), ("/a", "../..", "/"), ("", "x", "/x"), ("/a", ".", "/a")]
        {
            assert_eq!(join(dir, path), expected, "{dir} {path}");
        }
    }
}
