//! Reasons to sentences: a line a step.

use engine::why::{ABSENT, Explained, Kind, Outcome, Reason, Unwatched};
use store::builds::{Record, Step};

use super::help;
use crate::units;

/// Where an instruction is cut.
const WIDEST: usize = 60;

/// How much is told of each step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// What fits a line.
    Few,
    /// All that anybody reads, of a step that was asked about.
    All,
}

impl Detail {
    fn most(self) -> usize {
        match self {
            Detail::Few => 3,
            Detail::All => 40,
        }
    }
}

/// The steps with their reasons.
pub fn all(record: &Record, before: &[Record], steps: &[(&Step, Explained)], detail: Detail) -> String {
    let names: Vec<String> = steps.iter().map(|(step, _)| name(step)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out: String = notes(record, before).into_iter().map(|note| format!("note: {note}\n")).collect();
    for (name, (step, explained)) in names.iter().zip(steps) {
        out += &format!("{name:<width$}  {}\n", sentence(step, explained, detail.most()));
        let mut helps = help::of(step, explained);
        helps.extend((detail == Detail::All).then(|| help::of_one(step, explained)).into_iter().flatten());
        out.extend(helps.iter().map(|help| format!("    help: {help}\n")));
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
        out.push(format!(
            "built by tare {}, and the build before by tare {}: what that kept need not be known to this one",
            record.tare, other.tare
        ));
    }
    out
}

fn sentence(step: &Step, explained: &Explained, most: usize) -> String {
    let took = || units::duration(std::time::Duration::from_millis(explained.millis));
    let reasons = &explained.reasons;
    let is_new = reasons.first().is_some_and(|reason| reason.kind == Kind::New);
    match explained.outcome {
        Outcome::Skipped => "skipped".to_owned(),
        Outcome::Reused => format!("reused{}", although(step, explained, most)),
        Outcome::Changed if is_new => "new".to_owned(),
        Outcome::Changed => format!("changed: {}", listed(reasons, most, of_change)),
        Outcome::Failed if reasons.is_empty() => format!("failed after {}", took()),
        Outcome::Failed => format!("failed after {}: {}", took(), ran(explained, most)),
        Outcome::Ran => format!("ran, {}: {}", took(), ran(explained, most)),
    }
}

fn ran(explained: &Explained, most: usize) -> String {
    let reasons = listed(&explained.reasons, most, of_run);
    match explained.unwatched {
        // That it used the network is a reason.
        None | Some(Unwatched::Network) => reasons,
        Some(Unwatched::Native) => {
            format!("{reasons}; what it reads there can't be seen, so all of it counts")
        }
        Some(Unwatched::Wide) => {
            format!("it looks at more than 20,000 things, so it goes by all that is below it; {reasons}")
        }
        Some(Unwatched::Unseen) => {
            format!("what it had read isn't known, so it goes by all that is below it; {reasons}")
        }
    }
}

/// What has changed below a step that was reused, and what is wrong with it.
fn although(step: &Step, explained: &Explained, most: usize) -> String {
    let unread = explained.reasons.iter().filter(|reason| reason.kind == Kind::Unread);
    let is_mount = |reason: &&Reason| step.mounts.iter().any(|mount| mount.place == thing(reason));
    let (mounts, files): (Vec<&Reason>, Vec<&Reason>) = unread.partition(is_mount);
    let (in_part, files): (Vec<&Reason>, Vec<&Reason>) =
        files.into_iter().partition(|reason| reason.by.is_some());
    let told = [
        (files, "never read"),
        (in_part, "not what it reads of it"),
        (mounts, "what it reads there is as it was"),
    ];
    let told = told.iter().filter(|(reasons, _)| !reasons.is_empty());
    let all: Vec<String> =
        told.map(|(reasons, how)| format!(" although {}: {how}", changed(reasons, most))).collect();
    let older = if explained.is_older { " from before the last build" } else { "" };
    format!("{older}{}{}", all.join(";"), differing(&explained.reasons, most))
}

/// What two runs on the same made different.
fn differing(reasons: &[Reason], most: usize) -> String {
    let found: Vec<&Reason> = reasons.iter().filter(|reason| reason.kind == Kind::Nondeterministic).collect();
    let paths: Vec<&str> = found.iter().take(most).map(|reason| thing(reason)).collect();
    match found.is_empty() {
        true => String::new(),
        false => {
            format!("; but two runs on the same differ in {}{}", paths.join(", "), more(found.len(), most))
        }
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

fn changed(reasons: &[&Reason], most: usize) -> String {
    if let [reason] = reasons {
        let verb = match (reason.was.as_deref(), reason.now.as_deref()) {
            (Some(ABSENT), _) => "is new",
            (_, Some(ABSENT)) => "is gone",
            _ => "has changed",
        };
        return format!("{} {verb}", thing(reason));
    }
    let told: Vec<&str> = reasons.iter().take(most).map(|reason| thing(reason)).collect();
    format!("{}{} have changed", told.join(", "), more(reasons.len(), most))
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
        Kind::Content if reason.path.is_none() => format!("{thing} {}", of_step(was, now)),
        Kind::Content if reason.is_status => format!("{thing}{} has changed", of_status(reason)),
        Kind::Content => format!("{thing}{} has changed", read("read")),
        Kind::Mode => match was.zip(now) {
            Some((was, now)) if a(now) != now => {
                format!("{thing}{} is {} now and was {}", read("looked at"), a(now), a(was))
            }
            Some((was, now)) => format!("{thing}{} is {now} and was {was}", read("looked at")),
            None => format!("{thing}{} has another mode", read("looked at")),
        },
        Kind::Absent if now == Some(ABSENT) => format!("{thing}{} is gone", read("looked at")),
        Kind::Absent => format!("{thing}{} is there now", read("looked for")),
        Kind::Listing => format!("{thing}{} has other names in it", read("listed")),
        Kind::Link => format!("{thing}{} leads elsewhere", read("followed")),
        Kind::Arg => format!("the build argument {thing} {}", of_value(was, now)),
        Kind::Env if thing.starts_with("host ") => format!("the further {thing} {}", of_value(was, now)),
        Kind::Env => format!("the variable {thing} {}", of_value(was, now)),
        Kind::Command if thing.starts_with("--") => format!("asked for with {thing}"),
        Kind::Command => format!("its {} has changed", part(thing)),
        Kind::Base => format!("{thing} is another image than before"),
        Kind::Mount => format!("what is mounted at {thing} has changed"),
        Kind::Network if thing.is_empty() => {
            "it used the network, so it goes by all that is below it".to_owned()
        }
        Kind::Network => {
            "whether it uses the network can't be seen, so it goes by all that is below it".to_owned()
        }
        Kind::ToolCache => "the cache that it had filled is gone".to_owned(),
        Kind::Unread => format!("{thing} has changed: never read"),
        Kind::Nondeterministic => format!("two runs on the same differ in {thing}"),
        Kind::New => "no earlier result of it is known".to_owned(),
    }
}

/// What a step below has come to.
fn of_step(was: Option<&str>, now: Option<&str>) -> &'static str {
    match (was, now) {
        (None, _) => "is new",
        (_, None) => "is gone",
        (was, now) if was == now => "has moved",
        _ => "has made something else",
    }
}

/// Who asks for a file's status learns when it was changed, without having read it.
fn of_status(reason: &Reason) -> String {
    let by = reason.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!(", whose size and time were asked for{by},")
}

/// A type with its article; a mode as it is.
fn a(mode: &str) -> &str {
    match mode {
        "file" => "a file",
        "dir" => "a directory",
        "link" => "a link",
        "hardlink" => "a hard link",
        "fifo" => "a named pipe",
        "char" | "block" => "a device",
        other => other,
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
        name if name.starts_with("<<") => "here-document",
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

    /// A RUN with a folder mounted at `/src`.
    fn step() -> Step {
        let text = r#"{"place": "1/1", "stage": "stage-0", "number": 1, "line": 1, "instruction": "RUN x", "kind": "run",
            "platform": "linux/amd64", "ended": "well", "mounts": [{"number": 0, "kind": "bind", "place": "/src"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn explained(outcome: Outcome, reasons: Vec<Reason>) -> Explained {
        let (step, instruction) = ("1/1".to_owned(), "RUN x".to_owned());
        Explained {
            step,
            line: 1,
            instruction,
            outcome,
            how: None,
            reasons,
            millis: 1200,
            same_but_id: None,
            is_older: false,
            unwatched: None,
        }
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
            (
                Outcome::Reused,
                vec![unread("/src"), by(unread("/a_test.go"))],
                "reused although /a_test.go has changed: not what it reads of it; although /src has changed: \
                 what it reads there is as it was",
            ),
            (
                Outcome::Reused,
                vec![unread("/a"), unread("/src"), reason(Kind::Nondeterministic, "/x", "1", "2")],
                "reused although /a has changed: never read; although /src has changed: what it reads there is as it was; \
                 but two runs on the same differ in /x",
            ),
            (
                Outcome::Ran,
                vec![reason(Kind::Mode, "/a", "link", "file"), reason(Kind::Mode, "/b", "644", "755")],
                "ran, 1.2s: /a is a file now and was a link; /b is 755 and was 644",
            ),
            (
                Outcome::Ran,
                vec![Reason { is_status: true, ..by(reason(Kind::Content, "/a", "1", "2")) }],
                "ran, 1.2s: /a, whose size and time were asked for by go, has changed",
            ),
            (Outcome::Failed, vec![new()], "failed after 1.2s: no earlier result of it is known"),
            (Outcome::Skipped, vec![], "skipped"),
        ] {
            assert_eq!(sentence(&step(), &explained(outcome, reasons), 2), expected);
        }
    }

    #[test]
    fn a_long_command_is_one_line() {
        assert_eq!(cut("RUN a \\\n    && b"), "RUN a && b");
        let long = format!("RUN {}", "ä".repeat(100));
        assert_eq!(cut(&long).chars().count(), WIDEST + 1);
    }
}
