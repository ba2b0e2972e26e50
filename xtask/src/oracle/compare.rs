//! The listings of two images, and what is known of them, to an error that shows what isn't as it should be.
//!
//! A known difference is exact: a line that only one of the two has. What is listed and not there is as wrong as
//! what is there and not listed.

use crate::Result;
use crate::case::diff;
use crate::case::parse::Block;
use std::collections::BTreeSet;

/// What `differs` blocks say: lines of one side only, below the reason.
#[derive(Default)]
pub struct Known {
    lines: BTreeSet<String>,
    /// A part of what buildah says when it can't build this at all.
    failure: Option<String>,
}

const SIDES: [&str; 2] = ["tare ", "buildah "];

impl Known {
    /// Reads the blocks; each opens with a reason, `trap 43: …` or `buildah: …`, and so is what names no side.
    pub fn parse<'a>(blocks: impl Iterator<Item = &'a Block>) -> Result<Known> {
        let mut known = Known::default();
        for block in blocks {
            if !block.body.lines().next().is_some_and(is_reason) {
                return Err("a `differs` block opens with its reason".into());
            }
            block.body.lines().filter(|line| !is_reason(line)).try_for_each(|line| known.add(line))?;
        }
        Ok(known)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        if let Some(text) = line.strip_prefix("buildah fails: ") {
            self.failure = Some(text.to_owned());
        } else if SIDES.iter().any(|side| line.starts_with(side)) {
            self.lines.insert(spaced(line));
        } else {
            return Err(format!("`{line}` is neither a line of a side nor a reason"));
        }
        Ok(())
    }

    /// Compares two images.
    pub fn images(&self, tare: &[String], buildah: &[String]) -> Result<()> {
        if self.failure.is_some() {
            return Err("buildah should fail and doesn't".into());
        }
        let got: BTreeSet<String> =
            only("tare", tare, buildah).chain(only("buildah", buildah, tare)).collect();
        if got == self.lines {
            return Ok(());
        }
        let text =
            |lines: &BTreeSet<String>| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let shown = diff::lines(&text(&self.lines), &text(&got));
        Err(format!("   lines that only one of them has, `-` as it should be, `+` as it is:\n{shown}"))
    }

    /// Compares what buildah says when it alone can't build it.
    pub fn failure(&self, said: &str) -> Result<()> {
        match &self.failure {
            Some(part) if said.contains(part) => Ok(()),
            _ => Err(format!("buildah fails:\n{said}")),
        }
    }
}

fn is_reason(line: &str) -> bool {
    let is_number = |rest: &str| rest.split_once(": ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
    line.starts_with("buildah: ") || line.strip_prefix("trap ").is_some_and(is_number)
}

/// The lines of `a` that `b` hasn't.
fn only(side: &str, a: &[String], b: &[String]) -> impl Iterator<Item = String> {
    let others: BTreeSet<&String> = b.iter().collect();
    a.iter().filter(move |line| !others.contains(line)).map(move |line| format!("{side} {line}"))
}

/// The side's name may be followed by any number of blanks.
fn spaced(line: &str) -> String {
    let (side, rest) = line.split_once(' ').unwrap_or((line, ""));
    format!("{side} {}", rest.trim_start())
}

/// Compares the messages of two builds that failed with the parts that each should have.
pub fn messages(tare: &str, buildah: &str, expected: &str) -> Result<()> {
    for (side, said) in SIDES.iter().zip([tare, buildah]) {
        let wanted: Vec<&str> =
            expected.lines().filter_map(|line| line.strip_prefix(side)).map(str::trim).collect();
        if wanted.is_empty() || !wanted.iter().all(|part| said.contains(part)) {
            return Err(format!("{side}should fail with {wanted:?}, but says:\n{said}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::parse::Kind;

    fn known(body: &str) -> Result<Known> {
        let block = Block { kind: Kind::Differs, args: Vec::new(), body: body.into(), start: 0 };
        Known::parse([&block].into_iter())
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(String::from).collect()
    }

    #[test]
    fn a_difference_has_to_be_there_and_to_be_known() {
        let (a, b) = (lines("x\nEnv A"), lines("x\nEnv B"));
        let right = known("trap 1: so it is\ntare    Env A\nbuildah Env B\n").expect("a block");
        assert!(right.images(&a, &b).is_ok());
        assert!(Known::default().images(&a, &b).is_err());
        assert!(right.images(&a, &a).is_err());
        assert!(Known::default().images(&a, &a).is_ok());
    }

    #[test]
    fn a_difference_has_a_reason() {
        for wrong in ["tare Env A\n", "because\ntare Env A\n", "trap x: so\n", ""] {
            assert!(known(wrong).is_err(), "{wrong}");
        }
        assert!(known("buildah: its own way\nbuildah x\ntrap 4: so\n").is_ok());
    }

    #[test]
    fn a_failure_has_to_be_known_too() {
        let right = known("trap 1: so it is\nbuildah fails: no `x`\n").expect("a block");
        assert!(right.failure("error: no `x`").is_ok() && right.failure("no disk").is_err());
        assert!(right.images(&[], &[]).is_err() && Known::default().failure("no `x`").is_err());
    }

    #[test]
    fn both_messages_are_compared() {
        assert!(messages("no `x`", "missing x", "tare    `x`\nbuildah missing\n").is_ok());
        assert!(messages("no `x`", "missing x", "tare    `x`\nbuildah lost\n").is_err());
        assert!(messages("no `x`", "missing x", "tare    `x`\n").is_err());
    }
}
