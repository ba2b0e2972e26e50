//! A build that is over to what is kept of it: plans, notes and stacks to a [`Record`].
//!
//! Read by `why`, `tare history` and `tare diff`. It is written at the end of every build, also of one that has nothing
//! to do, so it takes from memory what is there and looks nothing up.

use std::collections::HashMap;
use std::time::Instant;

use dockerfile::mount::MountType;
use dockerfile::{Kind as Instruction, Stages};
use plan::{Op, Part, StepId};
use store::Store;
use store::builds::{self, Kind, Outcome, Record, Step};

use crate::build::{Built, Session};
use crate::error::{Error, Result};
use crate::note::Note;
use crate::settings::Settings;

/// The record of a build that starts now.
pub fn begin(settings: &Settings) -> Record {
    let further = settings.further.iter().map(ToString::to_string);
    Record {
        tare: env!("CARGO_PKG_VERSION").to_owned(),
        context: settings.subject.context.clone(),
        dockerfile: settings.subject.dockerfile.clone(),
        target: settings.plan.target.clone(),
        platforms: std::iter::once(settings.plan.platform.to_string()).chain(further).collect(),
        ..Record::begin()
    }
}

/// Keeps the record of a build that is over.
pub fn keep(store: &Store, mut record: Record, started: Instant, result: &Result<Built>) {
    record.millis = millis(started);
    record.outcome = match result {
        Ok(_) => Outcome::Ok,
        Err(Error::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    record.image = result.as_ref().ok().map(|built| built.what.descriptor().digest.to_string());
    // One that can't be written costs an explanation, and no image.
    let _ = store.put_build(&record);
}

/// Since a moment, in whole milliseconds.
pub fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What became of every step.
pub fn steps(sessions: &[Session], stages: &Stages) -> Vec<Step> {
    let declared = Declared::of(stages);
    let mut all = Vec::new();
    for session in sessions {
        let offset = all.len() as u32;
        let notes = session.notes.lock().expect("no panic while held");
        let none = Note::default();
        let note = |id| notes.get(&id).unwrap_or(&none);
        all.extend(session.plan.ids().map(|id| one(session, id, note(id), offset, &declared)));
    }
    all
}

fn one(session: &Session, id: StepId, note: &Note, offset: u32, declared: &Declared) -> Step {
    let step = session.plan.step(id);
    let part = |part: &Part| {
        let name = match part.name.strip_prefix("env.") {
            Some(name) if declared.is_argument(&step.stage, name, step.line) => format!("arg.{name}"),
            _ => part.name.clone(),
        };
        (name, digest(&part.value))
    };
    Step {
        place: session.place(step),
        stage: step.stage.clone(),
        number: step.position.0,
        line: step.line,
        instruction: shown(&step.text),
        platform: session.platform.to_string(),
        kind: kind(&step.op),
        ended: note.ended,
        how: note.how,
        millis: note.millis,
        parent: step.parent.map(|parent| parent.0 + offset),
        inputs: step.inputs.iter().map(|input| input.0 + offset).collect(),
        layers: session.own_layers(id).to_vec(),
        base: base(session, &step.op),
        key: note.key.iter().filter(|part| !is_layer(part)).map(part).collect(),
        mounts: mounts(&step.op),
        watched: note.watched.clone(),
        broken: note.broken.clone(),
        network: note.network,
        wide: note.wide,
        twins: note.twins.clone(),
        asked: session.runs_again(id).then(|| asking(session.settings).to_owned()),
        cache_lost: note.cache_lost,
    }
}

/// More of an instruction than anybody reads; a here-document may have megabytes.
const LONGEST: usize = 2000;

/// An instruction as it may be kept: what stands in an address before its host is not for others to see.
fn shown(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    let word = |word: &str| {
        let bare = word.trim_end();
        dockerfile::address::redacted(bare) + &word[bare.len()..]
    };
    text[..end].split_inclusive(char::is_whitespace).map(word).collect()
}

/// Digits of a digest: enough to tell two values of one name apart, too few to look one up.
fn digest(value: &str) -> String {
    blake3::hash(value.as_bytes()).to_hex()[..16].to_owned()
}

/// Whether a part names layers, which are known from the steps that made them.
fn is_layer(part: &Part) -> bool {
    part.name == "layers" || part.name.ends_with(".layers")
}

fn kind(op: &Op) -> Kind {
    match op {
        Op::Base(_) => Kind::Base,
        Op::Copy(_) => Kind::Copy,
        Op::Run(_) => Kind::Run,
        Op::Workdir(_) => Kind::Workdir,
    }
}

fn asking(settings: &Settings) -> &'static str {
    if settings.no_cache { "--no-cache" } else { "--no-cache-filter" }
}

fn base(session: &Session, op: &Op) -> Option<builds::Base> {
    let Op::Base(id) = op else { return None };
    let base = session.plan.base(*id);
    Some(builds::Base { name: base.name.clone(), manifest: base.manifest.to_string() })
}

fn mounts(op: &Op) -> Vec<builds::Mount> {
    let Op::Run(run) = op else { return Vec::new() };
    let mounts = run.mounts.iter().enumerate();
    mounts
        .map(|(number, (mount, _))| {
            let (kind, place) = match mount.kind {
                MountType::Bind => ("bind", &mount.target),
                MountType::Cache => ("cache", &mount.target),
                MountType::Tmpfs => ("tmpfs", &mount.target),
                MountType::Secret => ("secret", &mount.id),
                MountType::Ssh => ("ssh", &mount.id),
            };
            builds::Mount { number, kind: kind.to_owned(), place: place.clone().unwrap_or_default() }
        })
        .collect()
}

/// Where ARG and ENV have set variables: by stage and name the lines, and whether it was ARG.
struct Declared<'a>(HashMap<(String, &'a str), Vec<(u32, bool)>>);

impl<'a> Declared<'a> {
    fn of(stages: &'a Stages) -> Declared<'a> {
        let mut all = HashMap::<_, Vec<_>>::new();
        for stage in &stages.stages {
            let label = plan::state::label(stage);
            for instruction in stage.instructions {
                let mut add = |name: &'a str, is_arg| {
                    all.entry((label.clone(), name)).or_default().push((instruction.line, is_arg));
                };
                match &instruction.kind {
                    Instruction::Arg(args) => args.iter().for_each(|arg| add(&arg.name, true)),
                    Instruction::Env(pairs) => pairs.iter().for_each(|pair| add(&pair.key, false)),
                    _ => {}
                }
            }
        }
        Declared(all)
    }

    /// Whether a variable is an ARG at a line: the last word above it counts.
    fn is_argument(&self, stage: &str, name: &str, line: u32) -> bool {
        // A tuple of borrowed strings is no key of the map, and a build has few variables.
        let lines = self.0.get(&(stage.to_owned(), name));
        let above = |lines: &Vec<(u32, bool)>| lines.iter().take_while(|(at, _)| *at < line).last().copied();
        lines.and_then(above).is_some_and(|(_, is_arg)| is_arg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_in_addresses_are_not_kept() {
        let text = "ADD --checksum=x https://me:secret@host/a \t/a\nRUN curl 'http://token@host/b'";
        let kept = "ADD --checksum=x https://xxxxx@host/a \t/a\nRUN curl 'http://xxxxx@host/b'";
        assert_eq!(shown(text), kept);
        assert_eq!(shown("é".repeat(3000).as_str()).chars().count(), LONGEST);
    }

    #[test]
    fn the_last_declaration_above_counts() {
        let text = b"ARG Z\nFROM a AS s\nARG A B=1\nRUN x\nENV A=2\nRUN y\nFROM b\nRUN z\n";
        let (source, problems) = dockerfile::parse(text);
        assert!(problems.is_empty());
        let stages = dockerfile::stages(&source).unwrap();
        let declared = Declared::of(&stages);
        for (stage, name, line, is_arg) in [
            ("s", "A", 4, true),
            ("s", "B", 4, true),
            ("s", "A", 6, false),
            ("s", "A", 3, false),
            ("s", "Z", 4, false),
            ("stage-1", "A", 8, false),
        ] {
            assert_eq!(declared.is_argument(stage, name, line), is_arg, "{name} in line {line}");
        }
    }

    #[test]
    fn layers_are_told_from_other_parts() {
        for (name, yes) in
            [("layers", true), ("from.layers", true), ("mount.1.layers", true), ("mount.1.content", false)]
        {
            assert_eq!(is_layer(&Part::plain(name, "")), yes, "{name}");
        }
    }
}
