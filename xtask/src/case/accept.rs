//! What came out to the text of the case: new bodies for some of its blocks.

use crate::{Result, shell};
use std::path::Path;

/// A body and what it should be.
pub struct Edit {
    /// Lines of the file before the body.
    pub start: usize,
    /// Lines of the body that go.
    pub lines: usize,
    /// What comes instead, each line with its end.
    pub body: String,
}

/// Replaces the bodies in the file.
pub fn write(path: &Path, edits: &[Edit]) -> Result<()> {
    let text = shell::read(path)?;
    shell::write(path, apply(&text, edits))
}

/// From the last to the first, so that line numbers stay right.
fn apply(text: &str, edits: &[Edit]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.start));
    for edit in edits {
        lines.splice(edit.start..edit.start + edit.lines, edit.body.lines());
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_grow_and_shrink() {
        let edits = [
            Edit { start: 1, lines: 1, body: "x\ny\n".into() },
            Edit { start: 3, lines: 2, body: String::new() },
        ];
        assert_eq!(apply("a\n1\nb\n2\n3\nc\n", &edits), "a\nx\ny\nb\nc\n");
    }
}
