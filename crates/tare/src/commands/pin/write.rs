//! Digests into the text of a Dockerfile: `name:tag` becomes `name:tag@digest`, and ADD gets a `--checksum`.
//!
//! Only words are changed, in place: comments, order and white space stay. A name with a variable in it, one that is
//! split over lines, and one of several that an ADD fetches can't be written, and stay in the lock.

use std::collections::BTreeSet;

use dockerfile::{Instruction, instruction};
use plan::named::{Named, What};

use super::names::{Found, Key, key};

/// A text, and what is in it now.
#[derive(Debug)]
pub struct Written {
    /// The text.
    pub text: Vec<u8>,
    /// Names that need no line in the lock.
    pub names: BTreeSet<Key>,
    /// How many digests were written.
    pub count: usize,
}

/// Writes what is known.
pub fn edit(text: &[u8], found: &Found) -> Written {
    let (source, _) = dockerfile::parse(text);
    let (mut written, mut left) = (BTreeSet::new(), BTreeSet::new());
    let (mut out, mut count) = (text.to_vec(), 0);
    // From the end, so that what comes before stays where it is.
    for (place, instruction) in source.instructions.iter().enumerate().rev() {
        let (start, end) = (instruction.span.start as usize, instruction.span.end as usize);
        let here = found.all.names.iter().filter(|name| name.instruction == Some(place));
        for name in here {
            let Some(digest) = found.digests.get(&key(name)) else { continue };
            let len = out.len();
            let tail = text.len() - end;
            let Ok(code) = std::str::from_utf8(&out[start..len - tail]) else { continue };
            match edited(instruction, code, name, digest) {
                Some(code) => {
                    count += usize::from(code.as_bytes() != &out[start..len - tail]);
                    out.splice(start..len - tail, code.into_bytes());
                    written.insert(key(name));
                }
                None => drop(left.insert(key(name))),
            }
        }
    }
    let elsewhere = found.all.names.iter().filter(|name| name.instruction.is_none());
    left.extend(elsewhere.map(key));
    Written { text: out, names: written.difference(&left).cloned().collect(), count }
}

/// The instruction's text with a digest; `None` if it can't be written.
fn edited(instruction: &Instruction, code: &str, name: &Named, digest: &str) -> Option<String> {
    match &instruction.kind {
        instruction::Kind::Add(add) => checksum(add, code, name, digest),
        instruction::Kind::From(_) => replaced(code, name, digest, " \t"),
        instruction::Kind::Copy(_) => replaced(code, name, digest, "="),
        instruction::Kind::Run(_) => replaced(code, name, digest, "="),
        _ => None,
    }
}

/// The name of an image with its digest. `before`: what may stand in front of it.
fn replaced(code: &str, name: &Named, digest: &str, before: &str) -> Option<String> {
    let (word, What::Image(reference, _)) = (name.word.as_ref()?, &name.what) else { return None };
    let plain = word.split('@').next()?;
    let tag = if reference.tag.is_some() && !has_tag(plain) { ":latest" } else { "" };
    let new = format!("{plain}{tag}@{digest}");
    let place = code.match_indices(word.as_str()).map(|(at, _)| at).find(|at| {
        let (head, rest) = (&code[..*at], &code[at + word.len()..]);
        let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n', ',']);
        head.ends_with(|c| before.contains(c)) && ends && !is_comment(head) && is_from(head, before)
    })?;
    Some(format!("{}{new}{}", &code[..place], &code[place + word.len()..]))
}

/// `h:5000/a` has none.
fn has_tag(name: &str) -> bool {
    name.rsplit('/').next().unwrap_or_default().contains(':')
}

/// Comments may stand between the lines of an instruction.
fn is_comment(head: &str) -> bool {
    head.rsplit_once('\n').is_some_and(|(_, line)| line.trim_start().starts_with('#'))
}

/// Behind `=` it is a source only if that is what the option says.
fn is_from(head: &str, before: &str) -> bool {
    before != "=" || head.ends_with("--from=") || head.ends_with("=from=") || head.ends_with(",from=")
}

/// ADD of one file or repository.
fn checksum(add: &dockerfile::instruction::Add, code: &str, name: &Named, digest: &str) -> Option<String> {
    if add.sources.len() != 1 || !add.heredocs.is_empty() || name.word.is_none() {
        return None;
    }
    match (&add.flags.checksum, &name.written) {
        (Some(flag), _) => {
            let old = format!("--checksum={flag}");
            let at = code.find(&old).filter(|at| !is_comment(&code[..*at]))?;
            Some(format!("{}--checksum={digest}{}", &code[..at], &code[at + old.len()..]))
        }
        // In the address: what it is to become there is the reader's to say.
        (None, Some(_)) => None,
        (None, None) => {
            let end = code.find(|c: char| !c.is_ascii_alphabetic())?;
            Some(format!("{} --checksum={digest}{}", &code[..end], &code[end..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Options;

    fn sum(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    /// Writes `sha256:dd…` for everything, a short one for the reader: `D`.
    fn check(text: &str, expected: &str, names: usize) {
        let (source, problems) = dockerfile::parse(text.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        let stages = dockerfile::stages(&source).unwrap();
        let all = plan::named::named(&source, &stages, &Options::here(), &|_, _| None).unwrap();
        let digests = all.names.iter().map(|name| (key(name), sum("d"))).collect();
        let found = Found { all, digests, ..Found::default() };
        let written = edit(text.as_bytes(), &found);
        let out = String::from_utf8(written.text.clone()).unwrap().replace(&sum("d"), "D");
        assert_eq!(out, expected);
        assert_eq!(written.names.len(), names, "{:?}", written.names);
        let (_, problems) = dockerfile::parse(&written.text);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn images_keep_their_tags() {
        check(
            "# alpine\nFROM   alpine  AS alpine\n\
             FROM --platform=linux/amd64 \\\n# b:1 is b\n  h:5000/b:1\n",
            "# alpine\nFROM   alpine:latest@D  AS alpine\n\
             FROM --platform=linux/amd64 \\\n# b:1 is b\n  h:5000/b:1@D\n",
            2,
        );
        check(
            "FROM scratch\nCOPY --from=a:1 a:1 /\n\
             RUN --mount=from=a:1,target=/a --mount=type=bind,from=c,target=/c echo from=a:1\n",
            "FROM scratch\nCOPY --from=a:1@D a:1 /\n\
             RUN --mount=from=a:1@D,target=/a --mount=type=bind,from=c:latest@D,target=/c echo from=a:1\n",
            2,
        );
        check(&format!("FROM a:1@{}\n", sum("c")), "FROM a:1@D\n", 1);
    }

    #[test]
    fn fetched_files_get_a_checksum() {
        check(
            "FROM scratch\nadd  --chmod=644 http://h.test/x /\n",
            "FROM scratch\nadd --checksum=D  --chmod=644 http://h.test/x /\n",
            1,
        );
        let old = format!("FROM scratch\nADD --checksum={} http://h.test/y /\n", sum("1"));
        check(&old, "FROM scratch\nADD --checksum=D http://h.test/y /\n", 1);
    }

    #[test]
    fn what_cannot_be_written_stays_in_the_lock() {
        let same = |text: &str, names| check(text, text, names);
        same("ARG V=1\nFROM a:$V\n", 0);
        same("FROM scratch\nADD http://h.test/x http://h.test/y /\n", 0);
        same("FROM scratch AS b\nONBUILD COPY --from=a:1 /x /\nFROM b\n", 0);
        // Of a name in two places, both have to be written.
        check("ARG V=1\nFROM a:$V\nFROM a:1\n", "ARG V=1\nFROM a:$V\nFROM a:1@D\n", 0);
    }
}
