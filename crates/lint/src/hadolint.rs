//! `# hadolint ignore=DL3006,DL3018` before an instruction, `# hadolint global ignore=…` anywhere: hadolint's own way
//! to let findings through, for those who come from there.
//!
//! The names are hadolint's codes, which our rules have as further names; ours are understood as well. What stands
//! behind a second `#` is a comment.

use dockerfile::{Dockerfile, Instruction};

use crate::rule::Rule;

/// What a file lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    everywhere: Vec<String>,
    /// By the line on which an instruction begins.
    here: Vec<(u32, Vec<String>)>,
}

impl Ignored {
    /// Reads the comments.
    pub fn of(text: &[u8], dockerfile: &Dockerfile) -> Ignored {
        let here = dockerfile.instructions.iter().filter_map(inline).collect();
        let comments =
            text.split(|byte| *byte == b'\n').filter(|line| line.trim_ascii_start().starts_with(b"#"));
        let texts = comments.filter_map(|line| std::str::from_utf8(line).ok());
        let global = texts.filter_map(|line| names(pragma(line)?.strip_prefix("global")?.trim_start()));
        Ignored { everywhere: global.flatten().collect(), here }
    }

    /// Whether a rule's finding on that line is to be told.
    pub fn allows(&self, rule: &Rule, line: u32) -> bool {
        let at = self.here.binary_search_by_key(&line, |(line, _)| *line);
        let here = at.map(|index| &self.here[index].1[..]).unwrap_or_default();
        !self.everywhere.iter().chain(here).any(|name| rule.names().any(|known| known == name))
    }
}

fn inline(instruction: &Instruction) -> Option<(u32, Vec<String>)> {
    let comment = instruction.comment.as_deref().filter(|comment| comment.contains("hadolint"))?;
    let found: Vec<String> = comment.lines().filter_map(|line| names(pragma(line)?)).flatten().collect();
    Some((instruction.line, found))
}

/// What a comment tells hadolint.
fn pragma(comment: &str) -> Option<&str> {
    let text = comment.trim().trim_start_matches('#').trim_start().strip_prefix("hadolint")?;
    text.starts_with([' ', '\t']).then(|| text.trim_start())
}

fn names(pragma: &str) -> Option<Vec<String>> {
    let list = pragma.strip_prefix("ignore")?.trim_start().strip_prefix('=')?;
    let list = list.split('#').next().unwrap_or_default();
    Some(list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ALL;

    fn check(text: &str, line: u32, name: &str, expected: bool) {
        let (dockerfile, _) = dockerfile::parse(text.as_bytes());
        let rule = ALL.iter().find(|rule| rule.is_called(name)).unwrap();
        assert_eq!(Ignored::of(text.as_bytes(), &dockerfile).allows(rule, line), expected, "{text}");
    }

    #[test]
    fn comments_let_findings_through() {
        let inline = "# hadolint ignore=DL3006, DL4000 # why\nFROM a\nFROM b\n";
        check(inline, 2, "DL4000", false);
        check(inline, 3, "DL4000", true);
        check(inline, 2, "DL3024", true);
        check("FROM a\n#hadolint   global ignore = DL4000\nFROM b\n", 1, "DL4000", false);
        check("FROM a\n# hadolint ignore=MaintainerDeprecated\nFROM b\n", 3, "DL4000", false);
        check("# hadolintignore=DL4000\n# ignore=DL4000\n# hadolint shell=sh\nFROM b\n", 4, "DL4000", true);
    }
}
