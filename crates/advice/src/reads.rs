//! What the steps of a build have read, as paths of their image, to paths of the context.
//!
//! A step is a consumer of a COPY if its file system stands on it. Only if all consumers are known can anything be said
//! of what a COPY brought; where that goes on, into the image or by `COPY --from` into another stage, it is needed.

use std::collections::BTreeSet;

use dockerfile::glob::is_pattern;
use dockerfile::mount::MountType;
use plan::{Copy, From, Op, Plan, StepId};

use crate::listing::{Listing, is_below, overlap};
use crate::named::{Named, Standing, clean};

/// How a step looked at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At the bytes of a file, or where a link leads.
    Content,
    /// At the names in a folder, at what something is.
    Other,
}

/// Something that a step has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where: from the root of its file system on, or from that of one of its mounts, without a leading slash.
    pub path: String,
    /// Which of its mounts.
    pub mount: Option<usize>,
    /// How.
    pub look: Look,
    /// The program that looked, by its name.
    pub by: String,
}

/// What is known of a build of the first plan: for every step what it has seen, if that is known.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// By the number of the step. None of a RUN: nobody knows what it has read.
    pub steps: Vec<Option<Vec<Seen>>>,
    /// The same for what a COPY has put where, as paths of the image. What came later nobody could read.
    pub put: Vec<Option<Vec<String>>>,
}

/// Programs that pass on what they read without its meaning anything to them.
const CARRIERS: &[&str] = &["cp", "tar", "rsync", "mv", "install", "busybox", "chown", "chmod"];

/// What reads come to.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// What was brought somewhere.
    brought: BTreeSet<String>,
    /// What is needed with all that is below.
    needed: BTreeSet<String>,
    /// What some step has looked at.
    seen: BTreeSet<String>,
    /// What some step has read for what it says, and who did.
    pub content: Vec<(String, String)>,
}

/// The steps of which nobody knows what they have read, and that stand on the whole context.
pub fn unknown(plan: &Plan, reads: &Reads) -> Vec<StepId> {
    let is_whole =
        |copy: &Copy| copy.sources.iter().any(|source| source.path().is_some_and(|p| clean(p).is_empty()));
    let is_context = |id: &StepId| matches!(&plan.step(*id).op, Op::Copy(copy) if copy.from == From::Context && is_whole(copy));
    let is_unknown = |id: &StepId| {
        let is_run = matches!(plan.step(*id).op, Op::Run(_));
        is_run && reads.steps.get(id.0 as usize).is_none_or(Option::is_none)
    };
    plan.ids()
        .filter(is_unknown)
        .filter(|id| plan.chain(plan.step(*id).parent).iter().any(is_context))
        .collect()
}

/// A path of the context and where a step finds it.
pub struct Piece {
    /// The path of the context; `""` is all of it.
    pub context: String,
    /// That of the image, without a leading slash.
    pub image: String,
}

/// What a build has used of its context.
pub fn used(plan: &Plan, reads: &Reads, listing: &Listing) -> Used {
    let mut used = Used::default();
    for id in plan.ids() {
        match &plan.step(id).op {
            Op::Copy(copy) if copy.from == From::Context => used.copy(plan, reads, listing, id, copy),
            Op::Run(run) => {
                for (number, (mount, from)) in run.mounts.iter().enumerate() {
                    if *from == From::Context && mount.kind == MountType::Bind {
                        used.mount(reads, id, number, &clean(mount.source.as_deref().unwrap_or_default()));
                    }
                }
            }
            _ => {}
        }
    }
    used
}

impl Used {
    fn copy(&mut self, plan: &Plan, reads: &Reads, listing: &Listing, id: StepId, copy: &Copy) {
        let pieces = pieces(copy, listing);
        let put = reads.put.get(id.0 as usize).and_then(Option::as_ref);
        let paths = put.into_iter().flatten();
        self.brought.extend(paths.flat_map(|path| pieces.iter().filter_map(|piece| piece.of(path))));
        let is_plain = !copy.add && !copy.parents && copy.exclude.is_empty();
        let mut needed = plan.chain(plan.outcome.tip).contains(&id) || !is_plain;
        let mut seen = Vec::new();
        for other in plan.ids() {
            let step = plan.step(other);
            match &step.op {
                Op::Run(run) => {
                    let takes = |from: &From| matches!(from, From::Step(Some(tip)) if plan.chain(Some(*tip)).contains(&id));
                    needed |= run.mounts.iter().any(|(_, from)| takes(from));
                    if !plan.chain(step.parent).contains(&id) {
                        continue;
                    }
                    match reads.steps.get(other.0 as usize).and_then(Option::as_ref) {
                        Some(all) => seen.extend(all.iter().filter(|seen| seen.mount.is_none())),
                        None => needed = true,
                    }
                }
                Op::Copy(taker) => {
                    if let From::Step(Some(tip)) = taker.from
                        && plan.chain(Some(tip)).contains(&id)
                    {
                        self.needed.extend(taken(taker, &pieces));
                    }
                }
                _ => {}
            }
        }
        let found: Vec<(String, &Seen)> = seen
            .iter()
            .flat_map(|seen| pieces.iter().filter_map(|p| Some((p.of(&seen.path)?, *seen))))
            .collect();
        // Where nobody has seen anything, the files were elsewhere: behind a link, say.
        if needed || found.is_empty() {
            self.needed.extend(pieces.into_iter().map(|piece| piece.context));
        }
        self.note(found);
    }

    /// Nobody has written down what was in a mounted folder, so nothing is said of what wasn't read there.
    fn mount(&mut self, reads: &Reads, id: StepId, number: usize, source: &str) {
        self.needed.insert(source.to_owned());
        let all = reads.steps.get(id.0 as usize).and_then(Option::as_ref);
        let piece = Piece { context: source.to_owned(), image: String::new() };
        let here = all.into_iter().flatten().filter(|seen| seen.mount == Some(number));
        self.note(here.filter_map(|seen| Some((piece.of(&seen.path)?, seen))).collect());
    }

    fn note(&mut self, found: Vec<(String, &Seen)>) {
        for (path, seen) in found {
            if seen.look == Look::Content && !CARRIERS.contains(&seen.by.as_str()) {
                self.content.push((path.clone(), seen.by.clone()));
            }
            self.seen.insert(path);
        }
    }

    /// Folders and files at the top that were brought and that nobody has used, and folders of that kind in folders
    /// that are used otherwise.
    pub fn unused(&self, listing: &Listing) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for entry in &listing.entries {
            let depth = entry.path.matches('/').count();
            let is_told = out.last().is_some_and(|last| is_below(&entry.path, last));
            let is_candidate = depth == 0 || entry.is_dir && depth < DEEPEST;
            if is_candidate && !is_told && self.is_unused(&entry.path) && !is_empty(listing, entry) {
                out.push(entry.path.clone());
            }
        }
        out
    }

    fn is_unused(&self, path: &str) -> bool {
        let is_needed = self.needed.iter().any(|known| known.is_empty() || overlap(known, path));
        self.brought.contains(path) && !is_needed && !self.is_seen(path)
    }

    fn is_seen(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let next = self.seen.range(inside.clone()..).next();
        self.seen.contains(path) || next.is_some_and(|next| next.starts_with(&inside))
    }
}

/// How far down folders are looked at.
const DEEPEST: usize = 4;

fn is_empty(listing: &Listing, entry: &crate::Entry) -> bool {
    entry.is_dir && !listing.below(&entry.path).any(|below| !below.is_dir)
}

impl Piece {
    /// Whether it is a folder of the context.
    pub fn is_folder(&self, listing: &Listing) -> bool {
        self.context.is_empty() || listing.find(&self.context).is_some_and(|entry| entry.is_dir)
    }

    /// A path of the image as one of the context.
    pub fn of(&self, path: &str) -> Option<String> {
        let rest = match path.strip_prefix(&self.image)? {
            rest if self.image.is_empty() || rest.is_empty() => rest,
            rest => rest.strip_prefix('/')?,
        };
        Some(match (self.context.is_empty(), rest.is_empty()) {
            (true, _) => rest.to_owned(),
            (false, true) => self.context.clone(),
            (false, false) => format!("{}/{rest}", self.context),
        })
    }
}

/// Where a COPY puts what. A file whose destination may be a folder is in two places.
pub fn pieces(copy: &Copy, listing: &Listing) -> Vec<Piece> {
    let dest = copy.dest.trim_start_matches('/').trim_end_matches('.').trim_end_matches('/').to_owned();
    let inside = |name: &str| if dest.is_empty() { name.to_owned() } else { format!("{dest}/{name}") };
    let mut out = Vec::new();
    for text in copy.sources.iter().filter_map(|source| source.path()).map(clean) {
        if text.is_empty() {
            out.push(Piece { context: text, image: dest.clone() });
            continue;
        }
        let Some(named) = Named::parse(&text) else { continue };
        let found = listing.entries.iter().filter(|entry| match is_pattern(&text) {
            true => named.standing(&entry.path) == Standing::Same,
            false => entry.path == text,
        });
        for entry in found {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            out.push(Piece { context: entry.path.clone(), image: dest.clone() });
            if !entry.is_dir {
                out.push(Piece { context: entry.path.clone(), image: inside(name) });
            }
        }
    }
    out
}

/// What a COPY from another stage takes of what was brought there.
fn taken(taker: &Copy, pieces: &[Piece]) -> Vec<String> {
    let mut out = Vec::new();
    for text in taker.sources.iter().filter_map(|source| source.path()).map(clean) {
        let plain = text.split('/').take_while(|part| !is_pattern(part)).collect::<Vec<_>>().join("/");
        for piece in pieces {
            match piece.of(&plain) {
                Some(path) => out.push(path),
                None if plain.is_empty() || is_below(&piece.image, &plain) => out.push(piece.context.clone()),
                None => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::testing::listing;

    const FILES: &[&str] = &[
        "README.md",
        "docs/",
        "docs/a",
        "main.go",
        "new/",
        "new/x",
        "web/",
        "web/src/",
        "web/src/x",
        "web/static/",
        "web/static/y",
    ];

    fn seen(path: &str) -> Seen {
        Seen { path: path.to_owned(), mount: None, look: Look::Content, by: "go".to_owned() }
    }

    /// What is unused if every RUN has read these, or nobody knows what.
    fn check(text: &str, paths: Option<&[&str]>, expected: &[&str]) {
        let (source, problems) = dockerfile::parse(text.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        let plans = crate::plans(&source, &plan::Options::here(), &|_, _| None).expect("well-formed");
        let all = paths.map(|paths| paths.iter().map(|path| seen(path)).collect::<Vec<_>>());
        let reads = reads(&plans[0], all);
        let files = listing(FILES);
        assert_eq!(used(&plans[0], &reads, &files).unused(&files), expected, "{text}");
    }

    /// Every step has seen these, and every COPY has brought all files but the new ones.
    fn reads(plan: &Plan, all: Option<Vec<Seen>>) -> Reads {
        let old = FILES.iter().filter(|path| !path.contains("new"));
        let put: Vec<String> = old.map(|path| format!("src/{}", path.trim_end_matches('/'))).collect();
        let steps = || plan.steps.iter();
        Reads {
            steps: steps().map(|_| all.clone()).collect(),
            put: steps().map(|_| Some(put.clone())).collect(),
        }
    }

    const BUILD: &str = "FROM a AS b\nWORKDIR /src\nCOPY . .\nRUN make\nFROM scratch\n";

    #[test]
    fn what_no_step_has_seen() {
        let read: &[&str] = &["src/main.go", "src/web/src/x", "etc/passwd"];
        check(
            &format!("{BUILD}COPY --from=b /src/app /\n"),
            Some(read),
            &["README.md", "docs", "web/static"],
        );
    }

    #[test]
    fn nothing_is_said_of_what_nobody_knows() {
        check(&format!("{BUILD}COPY --from=b /src/app /\n"), None, &[]);
        check(&format!("{BUILD}COPY --from=b /src/app /\n"), Some(&["elsewhere/main.go"]), &[]);
    }

    #[test]
    fn what_goes_on_is_needed() {
        let read: Option<&[&str]> = Some(&["src/main.go"]);
        check(&format!("{BUILD}COPY --from=b /src/docs /d\n"), read, &["README.md", "web"]);
        check(&format!("{BUILD}COPY --from=b /src/*.md /d\n"), read, &[]);
        check(&format!("{BUILD}COPY --from=b / /\n"), read, &[]);
        check(&format!("{BUILD}COPY docs/ /d\nCOPY --from=b /src/app /\n"), read, &["README.md", "web"]);
        check("FROM a\nWORKDIR /src\nCOPY . .\nRUN make\n", read, &[]);
    }

    #[test]
    fn of_a_mounted_folder_only_what_was_read_is_known() {
        let text = "FROM a AS b\nRUN --mount=target=/src,source=. make\nFROM scratch\nCOPY --from=b /x /\n";
        check(text, Some(&["main.go"]), &[]);
        let (source, _) = dockerfile::parse(text.as_bytes());
        let plans = crate::plans(&source, &plan::Options::here(), &|_, _| None).expect("well-formed");
        let one = Seen { mount: Some(0), ..seen("docs/a") };
        let used = used(&plans[0], &reads(&plans[0], Some(vec![one])), &listing(FILES));
        assert_eq!(used.content, [("docs/a".to_owned(), "go".to_owned())]);
    }
}
