//! # archive-unpacked-by-hand
//!
//! Finds an archive that is copied, and unpacked by a `RUN`.
//!
//! ## Why
//! The archive stays in the image beside what was in it. `ADD` unpacks as it copies.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! COPY site.tar.gz /srv/
//! RUN tar -xzf /srv/site.tar.gz
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! ADD site.tar.gz /srv/
//! ```

use dockerfile::Kind;

use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::{Command, Word};

/// The rule.
pub static RULE: Rule = Rule {
    name: "archive-unpacked-by-hand",
    aliases: &["DL3010"],
    description: "An archive is copied and unpacked",
    url: "https://github.com/hadolint/hadolint/wiki/DL3010",
    check,
    source: include_str!("archive_unpacked_by_hand.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().flat_map(part).collect()
}

/// Ends of the names of archives.
const ENDS: [&str; 14] = [
    ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.Z", ".tZ",
    ".gz", ".bz2",
];

const UNPACKERS: [&str; 9] =
    ["unzip", "gunzip", "bunzip2", "unlzma", "unxz", "zgz", "uncompress", "zcat", "gzcat"];

fn part<'s>(part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let copies = part.lines.iter().enumerate().filter_map(|(index, line)| Some((index, line, archives(line)?)));
    let is_unpacked = |index: usize, names: &[&str]| {
        let commands = part.lines[index..].iter().flat_map(|line| line.commands());
        commands.filter(|command| unpacks(command)).any(|command| command.plain().any(|word| names.contains(&base(word))))
    };
    let found = copies.filter(|(index, _, names)| is_unpacked(*index, names));
    found.map(|(_, line, _)| line.finding("an archive is copied and then unpacked: ADD does both")).collect()
}

/// The names that the archives of a COPY have in the image.
fn archives<'s>(line: &'s Line) -> Option<Vec<&'s str>> {
    let Kind::Copy(copy) = line.kind else { return None };
    let all = match is_archive(&copy.dest) {
        true => vec![base(&copy.dest)],
        false => copy.sources.iter().map(|source| base(source)).filter(|name| is_archive(name)).collect(),
    };
    (copy.flags.from.is_none() && !all.is_empty()).then_some(all)
}

fn unpacks(command: &Command) -> bool {
    let is_short = |word: &Word| word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('x');
    let takes_out = command.has(&["--extract", "--get"]) || command.words.iter().any(is_short);
    command.is("tar") && takes_out || UNPACKERS.contains(&command.name.text.as_str())
}

fn is_archive(name: &str) -> bool {
    ENDS.iter().any(|end| name.trim_matches(['"', '\'']).ends_with(end))
}

fn base(path: &str) -> &str {
    path.trim_matches(['"', '\'']).rsplit(['/', '\\']).next().unwrap_or_default()
}
