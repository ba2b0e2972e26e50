//! Reasons to sentences: a line a step.

use engine::why::{ABSENT, Explained, Kind, Outcome, Reason};
use store::builds::{Record, Step};

use super::help;
use crate::units;

/// Where an instruction is cut.
const WIDEST: usize = 60;

/// The steps with their reasons, `most` of each.
pub fn all(record: &Record, before: &[Record], steps: &[(&Step, Explained)], most: usize) -> String {
    let names: Vec<String> = steps.iter().map(|(step, _)| name(step)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out: String = notes(record, before).into_iter().map(|note| format!("note: {note}\n")).collect();
    for (name, (step, explained)) in names.iter().zip(steps) {
        out += &format!("{name:<width$}  {}\n", sentence(explained, most));
        out.extend(help::of(step, explained).iter().map(|help| format!("    help: {help}\n")));
    }
    out
}

fn name(step: &Step) -> String {
    format!("[{}] {}", step.place, cut(&step.instruction))
}

/// A here-document or a long command in one line.
pub fn cut(instruction: &str) -> String {
    let line = instruction.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// What is to be known of the build as a whole.
fn notes(record: &Record, before: &[Record]) -> Vec<String> {
    let mut out = Vec::new();
    if record.steps.is_empty() {
        out.push("the build came to its end before its first step".to_owned());
    }
    let is_new = |platform: &&String| !before.iter().any(|record| record.platforms.contains(platform));
    for platform in record.platforms.iter().filter(is_new).filter(|_| !record.steps.is_empty()) {
        out.push(format!("the first build of this for {platform}, so there is nothing to compare it with"));
    }
    if let Some(other) = before.first().filter(|other| other.tare != record.tare) {
        out.push(format!("built by tare {}, and the build before by tare {}", record.tare, other.tare));
    }
    out
}

fn sentence(explained: &Explained, most: usize) -> String {
    let took = || units::duration(std::time::Duration::from_millis(explained.millis));
    let reasons = &explained.reasons;
    let is_new = reasons.first().is_some_and(|reason| reason.kind == Kind::New);
    let is_unread = reasons.first().is_some_and(|reason| reason.kind == Kind::Unread);
    match explained.outcome {
        Outcome::Skipped => "skipped".to_owned(),
        Outcome::Reused if reasons.is_empty() => "reused".to_owned(),
        Outcome::Reused if is_unread => format!("reused although {}", unread(reasons, most)),
        Outcome::Reused => format!("reused: {}", listed(reasons, most, of_run)),
        Outcome::Changed if is_new => "new".to_owned(),
        Outcome::Changed => format!("changed: {}", listed(reasons, most, of_change)),
        Outcome::Failed if reasons.is_empty() => format!("failed after {}", took()),
        Outcome::Failed => format!("failed after {}: {}", took(), listed(reasons, most, of_run)),
        Outcome::Ran => format!("ran, {}: {}", took(), listed(reasons, most, of_run)),
    }
}

/// The first reasons, and how many more there are.
fn listed(reasons: &[Reason], most: usize, one: impl Fn(&Reason) -> String) -> String {
    let told: Vec<String> = reasons.iter().take(most).map(one).collect();
    told.join("; ") + &more(reasons.len(), most)
}

fn more(all: usize, most: usize) -> String {
    if all > most { format!(" and {} more", all - most) } else { String::new() }
}

fn unread(reasons: &[Reason], most: usize) -> String {
    if let [reason] = reasons {
        let verb = match (reason.was.as_deref(), reason.now.as_deref()) {
            (Some(ABSENT), _) => "is new",
            (_, Some(ABSENT)) => "is gone",
            _ => "has changed",
        };
        return format!("{} {verb}: never read", thing(reason));
    }
    let unread: Vec<&str> = reasons.iter().filter(|reason| reason.kind == Kind::Unread).map(thing).collect();
    let told = unread[..unread.len().min(most)].join(", ");
    format!("{told}{} have changed: never read", more(unread.len(), most))
}

/// What a reason is about.
fn thing(reason: &Reason) -> &str {
    reason.path.as_deref().or(reason.name.as_deref()).unwrap_or_default()
}

/// What is different between two builds.
pub fn of_difference(reason: &Reason) -> String {
    match reason.kind {
        Kind::Content => of_run(reason),
        _ => of_change(reason),
    }
}

/// What a COPY brings that is different.
fn of_change(reason: &Reason) -> String {
    let thing = thing(reason);
    match reason.kind {
        Kind::Content => thing.to_owned(),
        Kind::Absent if reason.now.as_deref() == Some(ABSENT) => format!("{thing} is gone"),
        Kind::Absent => format!("{thing} is new"),
        _ => of_run(reason),
    }
}

/// Why a RUN ran.
fn of_run(reason: &Reason) -> String {
    let thing = thing(reason);
    let (was, now) = (reason.was.as_deref(), reason.now.as_deref());
    let read = |verb: &str| reason.by.as_ref().map(|by| format!(", {verb} by {by},")).unwrap_or_default();
    match reason.kind {
        Kind::Content => format!("{thing}{} has changed", read("read")),
        Kind::Mode => match was.zip(now) {
            Some((was, now)) => format!("{thing}{} is {now} and was {was}", read("looked at")),
            None => format!("{thing}{} has another mode", read("looked at")),
        },
        Kind::Absent if now == Some(ABSENT) => format!("{thing}{} is gone", read("looked at")),
        Kind::Absent => format!("{thing}{} is there now", read("looked for")),
        Kind::Listing => format!("{thing}{} has other names in it", read("listed")),
        Kind::Link => format!("{thing}{} leads elsewhere", read("followed")),
        Kind::Arg => format!("the build argument {thing} {}", of_value(was, now)),
        Kind::Env => format!("the variable {thing} {}", of_value(was, now)),
        Kind::Command if thing.starts_with("--") => format!("asked for with {thing}"),
        Kind::Command => format!("its {} has changed", part(thing)),
        Kind::Base => format!("{thing} is another image than before"),
        Kind::Mount => format!("what is mounted at {thing} has changed"),
        Kind::Network => "it used the network, so nobody knows what it rests on".to_owned(),
        Kind::ToolCache => "the cache that it had filled is gone".to_owned(),
        Kind::Unread => format!("{thing} has changed: never read"),
        Kind::Nondeterministic => "run twice on the same, it made different things".to_owned(),
        Kind::New => "nothing is known of it".to_owned(),
    }
}

fn of_value(was: Option<&str>, now: Option<&str>) -> &'static str {
    match (was, now) {
        (None, Some(_)) => "is new",
        (Some(_), None) => "is gone",
        _ => "has another value",
    }
}

/// A part of a key, as people call it.
fn part(name: &str) -> &str {
    match name {
        "cwd" => "working directory",
        "network" => "network mode",
        "security" => "security mode",
        "dest" => "destination",
        "exclude" => "list of exclusions",
        "flags" => "set of flags",
        "sources" => "list of sources",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(kind: Kind, path: &str, was: &str, now: &str) -> Reason {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Reason { path: some(path), was: some(was), now: some(now), ..Reason::of(kind) }
    }

    fn explained(outcome: Outcome, reasons: Vec<Reason>) -> Explained {
        let (step, instruction) = ("1/1".to_owned(), "RUN x".to_owned());
        Explained { step, line: 1, instruction, outcome, how: None, reasons, millis: 1200, same_but_id: None }
    }

    #[test]
    fn sentences() {
        let by = |reason: Reason| Reason { by: Some("go".to_owned()), ..reason };
        let new = || Reason::of(Kind::New);
        let unread = |path| reason(Kind::Unread, path, "1", "2");
        for (outcome, reasons, expected) in [
            (
                Outcome::Ran,
                vec![by(reason(Kind::Content, "/a.go", "1", "2"))],
                "ran, 1.2s: /a.go, read by go, has changed",
            ),
            (Outcome::Ran, vec![reason(Kind::Absent, "/a", ABSENT, "there")], "ran, 1.2s: /a is there now"),
            (
                Outcome::Ran,
                vec![by(reason(Kind::Absent, "/a", "1", ABSENT))],
                "ran, 1.2s: /a, looked at by go, is gone",
            ),
            (
                Outcome::Ran,
                vec![by(reason(Kind::Listing, "/d", "1", "2"))],
                "ran, 1.2s: /d, listed by go, has other names in it",
            ),
            (Outcome::Changed, vec![reason(Kind::Absent, "/a", "1", ABSENT)], "changed: /a is gone"),
            (Outcome::Changed, vec![new()], "new"),
            (Outcome::Reused, vec![unread("/a")], "reused although /a has changed: never read"),
            (
                Outcome::Reused,
                vec![unread("/a"), unread("/b"), unread("/c")],
                "reused although /a, /b and 1 more have changed: never read",
            ),
            (Outcome::Failed, vec![new()], "failed after 1.2s: nothing is known of it"),
            (Outcome::Skipped, vec![], "skipped"),
        ] {
            assert_eq!(sentence(&explained(outcome, reasons), 2), expected);
        }
    }

    #[test]
    fn a_long_command_is_one_line() {
        assert_eq!(cut("RUN a \\\n    && b"), "RUN a && b");
        let long = format!("RUN {}", "ä".repeat(100));
        assert_eq!(cut(&long).chars().count(), WIDEST + 1);
    }
}
