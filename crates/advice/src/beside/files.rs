//! What the old image's own steps copy: programs, files of the folder, and what neither is.

use dockerfile::glob::is_pattern;
use plan::{Copy, From, Op, Source, StepId};

use super::gobuild::GoBuild;
use super::{Last, Old, Program, Taken};
use crate::listing::is_below;
use crate::named::{Named, Standing, clean};
use crate::reads::pieces;

/// Folders that images have: a file that is copied to one of these is put into it.
const FOLDERS: &[&str] = &[
    "/",
    "/bin",
    "/etc",
    "/home",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/local/sbin",
    "/var",
];

/// What the recipe's image has anyway, by where it is found.
const CERTIFICATES: &[&str] = &["etc/ssl", "etc/pki", "usr/share/ca-certificates", "etc/ca-certificates"];
const ZONES: &[&str] = &["usr/share/zoneinfo", "usr/local/go/lib/time", "etc/localtime", "etc/timezone"];
const USERS: &[&str] = &["etc/passwd", "etc/group", "etc/shadow", "etc/nsswitch.conf"];

/// More files than this that a pattern means are for a folder.
const MOST_FILES: usize = 20;

/// Where a COPY from a stage puts the programs that were built there.
pub fn programs(old: &Old, steps: &[StepId], builds: &[GoBuild]) -> Vec<Program> {
    let mut out: Vec<Program> = Vec::new();
    for copy in copies(old, steps) {
        let From::Step(Some(tip)) = copy.from else { continue };
        let chain = old.plan.chain(Some(tip));
        let built =
            builds.iter().filter(|build| chain.contains(&build.step)).flat_map(|build| &build.programs);
        for program in built.filter(|program| !program.path.is_empty()) {
            let found = paths(copy).find_map(|path| placed(old, copy, &path, &program.path));
            if let Some(path) = found {
                out.push(Program { package: program.package.clone(), path });
            }
        }
    }
    out
}

fn copies<'a>(old: &Old<'a>, steps: &'a [StepId]) -> impl Iterator<Item = &'a Copy> {
    let plan = old.plan;
    steps.iter().filter_map(move |id| match &plan.step(*id).op {
        Op::Copy(copy) => Some(&**copy),
        _ => None,
    })
}

fn paths(copy: &Copy) -> impl Iterator<Item = String> {
    copy.sources.iter().filter_map(Source::path).map(|path| format!("/{}", clean(path)))
}

/// Where a program ends up that a source means, itself or with its folder.
fn placed(old: &Old, copy: &Copy, source: &str, program: &str) -> Option<String> {
    let name = program.rsplit('/').next().unwrap_or_default();
    let dest = copy.dest.trim_end_matches('/');
    if is_pattern(source) {
        let standing = Named::parse(source)?.standing(program.trim_start_matches('/'));
        return (standing == Standing::Same).then(|| format!("{dest}/{name}"));
    }
    if source == program {
        let is_folder = copy.dest.ends_with('/')
            || copy.sources.len() > 1
            || FOLDERS.contains(&copy.dest.as_str())
            || old
                .plan
                .steps
                .iter()
                .any(|step| matches!(&step.op, Op::Workdir(dir) if dir.path == copy.dest));
        return Some(if is_folder { format!("{dest}/{name}") } else { copy.dest.clone() });
    }
    let inside = program.strip_prefix(source.trim_end_matches('/'))?;
    inside.starts_with('/').then(|| format!("{dest}{inside}"))
}

/// Takes files over.
pub fn take(old: &Old, last: &Last, taken: &mut Taken) {
    for (id, copy) in last.steps.iter().filter_map(|id| Some((*id, of(old, *id)?))) {
        let line = old.plan.step(id).line;
        let text = &old.plan.step(id).text;
        for (name, _) in &copy.inline {
            taken.notes.push(format!("line {line}: the file `{name}` that is written there is not carried over: put it into the project, and name it with --include"));
        }
        if let Some(owner) = &copy.chown {
            taken.notes.push(format!("line {line}: `--chown={owner}` is not carried over: files are root's, and everybody may read them"));
        }
        for source in &copy.sources {
            match (source.path(), &copy.from) {
                (None, _) => taken.notes.push(format!(
                    "line {line}: `{text}` is not carried over: what is fetched has to be in the folder"
                )),
                (Some(path), From::Context) => context(old, copy, path, line, taken),
                (Some(path), From::Step(Some(tip))) => stage(old, last, copy, path, *tip, line, taken),
                (Some(_), From::Named(_) | From::Step(None)) => {
                    taken.notes.push(format!(
                        "line {line}: `{text}` is not carried over: it is from another source"
                    ));
                }
            }
        }
    }
    if last.is_single {
        taken.notes.push("the old image has the whole project in it: files that the program reads at run time have to be named, with --include".to_owned());
    }
    taken.ask.includes.dedup();
    for (path, dest) in &taken.ask.includes {
        taken.stays.push(format!("COPY {path} {dest}"));
    }
}

fn of<'a>(old: &Old<'a>, id: StepId) -> Option<&'a Copy> {
    match &old.plan.step(id).op {
        Op::Copy(copy) => Some(copy),
        _ => None,
    }
}

fn context(old: &Old, copy: &Copy, path: &str, line: u32, taken: &mut Taken) {
    let path = clean(path);
    if path.is_empty() {
        taken.notes.push(format!("line {line}: the whole project is not copied into the image: name the files that the program reads with --include"));
        return;
    }
    if !is_pattern(&path) {
        taken.ask.includes.push((path, copy.dest.clone()));
        return;
    }
    let Some(named) = Named::parse(&path) else { return };
    let found = old.listing.entries.iter().filter(|entry| named.standing(&entry.path) == Standing::Same);
    let found: Vec<_> = found.map(|entry| (entry.path.clone(), copy.dest.clone())).collect();
    match found.len() <= MOST_FILES {
        true => taken.ask.includes.extend(found),
        false => taken.notes.push(format!(
            "line {line}: `{path}` means {} files and is not carried over: name their folder with --include",
            found.len()
        )),
    }
}

fn stage(old: &Old, last: &Last, copy: &Copy, path: &str, tip: StepId, line: u32, taken: &mut Taken) {
    let path = clean(path);
    let is_in = |places: &[&str]| places.iter().any(|place| path == *place || is_below(&path, place));
    if is_in(CERTIFICATES) {
        taken.facts.has_certificates = true;
    } else if is_in(ZONES) {
        taken.facts.has_zones = true;
    } else if is_in(USERS) || has_program(last, copy, &path) {
        // The one is in the image anyway, the other is what all this is about.
    } else if let Some(found) = in_folder(old, tip, &path) {
        taken.ask.includes.push((found, copy.dest.clone()));
    } else {
        taken.notes.push(format!(
            "line {line}: `/{path}` of another stage is not carried over: what a step makes there has to be in the folder, and named with --include"
        ));
    }
}

fn has_program(last: &Last, copy: &Copy, path: &str) -> bool {
    let dest = copy.dest.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    last.programs.iter().any(|program| {
        program.path == copy.dest || program.path == format!("{dest}/{name}") || is_below(&program.path, dest)
    })
}

/// What another stage has from the folder.
fn in_folder(old: &Old, tip: StepId, path: &str) -> Option<String> {
    let chain = old.plan.chain(Some(tip));
    let mut places =
        chain.iter().rev().filter_map(|id| of(old, *id)).filter(|copy| copy.from == From::Context);
    let mut found =
        places.find_map(|copy| pieces(copy, old.listing).iter().find_map(|piece| piece.of(path)))?;
    found = clean(&found);
    old.listing.find(&found).map(|_| found)
}
