//! `/etc/passwd`, `/etc/subuid` and `/etc/subgid` to the ids that a user may hand out.
//!
//! Parsed here and not by libc: this binary is static, and NSS would load the host's libraries into it.

use std::path::Path;

/// A run of ids given to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: u32,
    pub count: u32,
}

/// The name of a user in the text of `/etc/passwd`.
pub(crate) fn user_name(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    let entry = passwd.lines().find(|line| line.split(':').nth(2) == Some(uid.as_str()))?;
    entry.split(':').next().map(str::to_owned)
}

/// The ranges of a user, by name or number, in the text of `/etc/subuid`. Lines that say nothing
/// sensible count for nothing, as for `newuidmap`.
pub(crate) fn ranges(text: &str, name: &str, uid: u32) -> Vec<Range> {
    let uid = uid.to_string();
    let parse = |line: &str| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let range = Range { start: fields.next()?.parse().ok()?, count: fields.next()?.parse().ok()? };
        ((owner == name || owner == uid) && range.count > 0).then_some(range)
    };
    text.lines().filter_map(parse).collect()
}

/// A file as text, empty if it can't be read.
pub(crate) fn read(path: &str) -> String {
    std::fs::read(Path::new(path))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(user_name(passwd, 100), None);
    }

    #[test]
    fn ranges_go_by_name_or_number_and_skip_nonsense() {
        let text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\nann:x:1\nann:5:0\n\nann\n";
        let expected = [Range { start: 100_000, count: 65_536 }, Range { start: 300_000, count: 10 }];
        assert_eq!(ranges(text, "ann", 1000), expected);
        assert_eq!(ranges(text, "eve", 1001), []);
    }
}
