//! What a step saw, in a form that can be kept and checked again.
//!
//! A path is kept as text: as it stands, but for `%`, control characters and bytes that are not UTF-8, which
//! become `%` and two hexadecimal digits. It is relative to the root, and the root itself is empty.

use std::io;

use serde::{Deserialize, Serialize};

use crate::look::{ABSENT, Look, answer};
use crate::tree::Tree;

/// One thing that a step saw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// Where, [escaped](escape).
    pub path: String,
    /// What was looked at.
    pub look: Look,
    /// What was seen.
    pub answer: String,
    /// The program that looked first, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Sorted by path and look, no two of the same.
pub type Facts = Vec<Fact>;

/// The first fact that doesn't hold on `tree`, with today's answer.
///
/// # Errors
/// If a file has to be read and can't be, or if a path is no path.
pub fn broken<'a>(facts: &'a [Fact], tree: &Tree) -> io::Result<Option<(&'a Fact, String)>> {
    for fact in facts {
        if let Some(today) = fact.differs(tree)? {
            return Ok(Some((fact, today)));
        }
    }
    Ok(None)
}

impl Fact {
    /// Today's answer, if the fact doesn't hold on `tree`.
    ///
    /// # Errors
    /// If the file has to be read and can't be, or if the path is no path.
    pub fn differs(&self, tree: &Tree) -> io::Result<Option<String>> {
        let path = unescape(&self.path).ok_or_else(|| {
            let text = format!("`{}` is not the text of a path", self.path);
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        let today = answer(tree, &path, self.look)?;
        let holds = today == self.answer || (self.look == Look::Shared && today == ABSENT);
        Ok((!holds).then_some(today))
    }
}

/// The text of a path.
pub fn escape(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '%' | '\0'..' ' | '\x7f' => escape_byte(&mut out, char as u8),
                char => out.push(char),
            }
        }
        chunk.invalid().iter().for_each(|&byte| escape_byte(&mut out, byte));
    }
    out
}

fn escape_byte(out: &mut String, byte: u8) {
    out.push_str(&format!("%{byte:02X}"));
}

/// The path of a text.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut path = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        path.push(u8::from_str_radix(digits, 16).ok()?);
        path.extend_from_slice(rest.as_bytes());
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{dir, file, tree};

    #[test]
    fn paths_are_text_and_come_back() {
        for (path, text) in [
            (&b""[..], ""),
            (b"src/main.go", "src/main.go"),
            ("größe".as_bytes(), "größe"),
            (b"100%", "100%25"),
            (b"a\nb c", "a%0Ab c"),
            (b"\xff\xc3(", "%FF%C3("),
        ] {
            assert_eq!(escape(path), text);
            assert_eq!(unescape(text).as_deref(), Some(path));
        }
        for bad in ["%", "%4", "%zz", "%+4", "a%é"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    fn fact(path: &str, look: Look, answer: &str) -> Fact {
        Fact { path: path.into(), look, answer: answer.into(), by: None }
    }

    #[test]
    fn the_first_that_does_not_hold_is_named() {
        let tree = tree(&[dir("a"), file("a/b", "xy")]);
        let facts = [
            fact("a", Look::Entry, "dir 755 0:0"),
            fact("a/b", Look::Stat, "file 644 0:0 3"),
            fact("c", Look::Entry, "file 644 0:0"),
        ];
        let found = broken(&facts, &tree).unwrap();
        assert_eq!(found, Some((&facts[1], "file 644 0:0 2".to_owned())));
        assert_eq!(broken(&facts[..1], &tree).unwrap(), None);
        assert!(broken(&[fact("%", Look::Entry, "absent")], &tree).is_err());
    }
}
