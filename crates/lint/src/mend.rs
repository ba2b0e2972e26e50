//! Findings to a mended file: their edits made, round by round until there are none.
//!
//! Edits that touch wait for the next round, in which they are made anew. Bytes that no edit is about stay as they
//! are. What is mended isn't found again, so that to mend twice changes nothing more.

use dockerfile::Patterns;

use crate::rule::{Changes, Edit, Rule};
use crate::{Input, check};

/// More than any file needs; a rule that never has enough stops here.
const ROUNDS: usize = 100;

/// A file, and an ignore file, after what could be mended was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// The Dockerfile's text.
    pub text: Vec<u8>,
    /// Patterns to add to the ignore file.
    pub unseen: Vec<String>,
    /// How many findings were mended.
    pub count: usize,
    /// What that may have changed in the image, each once.
    pub changes: Vec<Changes>,
}

/// Mends what is safe to. A broken file is left alone.
///
/// # Errors
/// As [`check`].
pub fn mend(input: &Input, rules: &[&'static Rule]) -> Result<Mended, String> {
    let mut mended = Mended { text: input.text.to_vec(), ..Mended::default() };
    if !input.problems.is_empty() || input.text.len() > u32::MAX as usize {
        return Ok(mended);
    }
    for _ in 0..ROUNDS {
        let round = round(input, &mended, rules)?;
        if round.count == 0 {
            break;
        }
        mended.text = applied(&mended.text, &round.edits);
        mended.unseen.extend(round.unseen);
        mended.count += round.count;
        for changes in round.changes {
            if !mended.changes.contains(&changes) {
                mended.changes.push(changes);
            }
        }
    }
    Ok(mended)
}

#[derive(Default)]
struct Round {
    edits: Vec<Edit>,
    unseen: Vec<String>,
    count: usize,
    changes: Vec<Changes>,
}

fn round(input: &Input, mended: &Mended, rules: &[&'static Rule]) -> Result<Round, String> {
    let (dockerfile, problems) = dockerfile::parse(&mended.text);
    let patterns = extended(input.ignore, &mended.unseen);
    let ignore = patterns.as_ref().or(input.ignore);
    let input = Input { text: &mended.text, dockerfile: &dockerfile, problems: &problems, ignore, ..*input };
    let mut round = Round::default();
    for found in check(&input, rules)?.warnings.into_iter().filter(|found| found.is_fixable) {
        let is_free = found.edits.iter().all(|edit| round.edits.iter().all(|other| !touch(edit, other)));
        let new: Vec<String> = found.unseen.into_iter().filter(|one| !mended.unseen.contains(one)).collect();
        if is_free && !(found.edits.is_empty() && new.is_empty()) {
            round.edits.extend(found.edits);
            round.unseen.extend(new);
            round.count += 1;
            round.changes.extend(found.fix);
        }
    }
    Ok(round)
}

/// The patterns of the ignore file with these behind them; nothing if there are none of these.
pub fn extended(known: Option<&Patterns>, unseen: &[String]) -> Option<Patterns> {
    if unseen.is_empty() {
        return None;
    }
    let signed = |rule: &dockerfile::ignore::Rule| {
        format!("{}{}", if rule.negated { "!" } else { "" }, rule.pattern.as_str())
    };
    let known = known.into_iter().flat_map(|patterns| patterns.rules().iter().map(signed));
    let all: Vec<String> = known.chain(unseen.iter().cloned()).collect();
    Patterns::parse(all.join("\n").as_bytes()).ok()
}

fn touch(a: &Edit, b: &Edit) -> bool {
    a.span.start <= b.span.end && b.span.start <= a.span.end
}

/// The text with its edits made, from the last to the first.
fn applied(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span.start);
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        if start < at || end > text.len() || start > end {
            continue;
        }
        out.extend_from_slice(&text[at..start]);
        out.extend_from_slice(edit.text.as_bytes());
        at = end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use dockerfile::Span;

    use super::*;

    #[test]
    fn edits_are_made_where_they_stand() {
        let edit = |start, end, text: &str| Edit { span: Span { start, end }, text: text.to_owned() };
        let edits = [edit(4, 7, "four"), edit(0, 3, "three"), edit(2, 9, "lost")];
        assert_eq!(applied(b"one two", &edits), b"three four");
        assert!(touch(&edit(1, 1, ""), &edit(1, 1, "")));
        assert!(!touch(&edit(1, 2, ""), &edit(3, 4, "")));
    }
}
