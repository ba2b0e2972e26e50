//! W1: examples/shop, a Go program of 150 packages of others: by its Dockerfile of two stages, and without any.
//!
//! Each is built cold, unchanged, after an edit of a file that the compiler doesn't read, and after one of a Go file.
//! The ignore file is taken away first, or it would hide the one from every builder. Beside both stands the machine's
//! own `go build`.

use crate::bench::builders::{self, Builder, Job};
use crate::bench::inputs::append;
use crate::bench::limits;
use crate::bench::meter::{Sample, median_of};
use crate::bench::room::Room;
use crate::bench::run::{Run, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is done to the folder before a build.
struct Scene {
    /// By the Dockerfile, and without any.
    names: [&'static str; 2],
    aims: &'static [Aim],
    /// Whether the compiler has to run: it is the limit, then.
    compiles: bool,
    edit: fn(&Path, usize) -> Result<()>,
}

/// In their order.
const SCENES: [Scene; 4] = [
    Scene {
        names: ["cold", "cold, no Dockerfile"],
        aims: &[Aim::Within(1.1)],
        compiles: true,
        edit: |_, _| Ok(()),
    },
    Scene {
        names: ["no-op", "no-op, no Dockerfile"],
        aims: &[Aim::Under(0.015)],
        compiles: false,
        edit: |_, _| Ok(()),
    },
    Scene {
        names: ["README edited", "README, no Dockerfile"],
        aims: &[Aim::Under(0.030)],
        compiles: false,
        edit: |dir, n| append(&dir.join("README.md"), &format!("\nEdit {n}.\n")),
    },
    Scene {
        names: [".go edited", ".go, no Dockerfile"],
        aims: &[Aim::Under(1.4)],
        compiles: true,
        edit: |dir, n| append(&dir.join("main.go"), &format!("\n// Edit {n}.\n")),
    },
];

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    for way in [0, 1] {
        SCENES.iter().for_each(|scene| sheet.scene(scene.names[way], scene.aims));
    }
    measure_limits(run, sheet)?;
    // tare first, both ways, and ko last: should the time be up, the Dockerfile's peers say most.
    let ways = [run.choice.installed(run.mode), run.choice.go_builders(run.mode)];
    for (way, builders) in ways.iter().enumerate() {
        run.each_of(&builders[..1], sheet, |room, sheet| play(run, room, sheet, way))?;
    }
    for (way, builders) in ways.iter().enumerate() {
        run.each_of(&builders[1..], sheet, |room, sheet| play(run, room, sheet, way))?;
    }
    Ok(())
}

fn play(run: &Run, room: &mut Room, sheet: &mut Sheet, way: usize) -> Result<()> {
    for round in 0..run.rounds() {
        if round > 0 {
            room.wipe()?;
        }
        let context = context(run, room.builder)?;
        for scene in &SCENES {
            play_scene(scene, room, &context, &mut |sample| {
                note(sheet, scene.names[way], room.builder.name, sample)
            })?;
        }
    }
    Ok(())
}

/// Once, or several times if it is over at once: a number of few milliseconds needs company.
fn play_scene(scene: &Scene, room: &Room, context: &Path, note: &mut dyn FnMut(Sample)) -> Result<()> {
    let (start, rounds) = (Instant::now(), if scene.names[0] == "cold" { 1 } else { 7 });
    for round in 0..rounds {
        if start.elapsed() > Duration::from_secs(3) {
            break;
        }
        (scene.edit)(context, round)?;
        note(room.build(&Job::new(context, "shop"))?);
    }
    Ok(())
}

fn context(run: &Run, builder: &Builder) -> Result<PathBuf> {
    let dir = run.dir(&builder.name.replace(' ', "-"))?.join("shop");
    let _ = std::fs::remove_dir_all(&dir);
    shell::capture(Command::new("cp").arg("-r").arg(run.around.examples.join("shop")).arg(&dir))?;
    let ignore = dir.join(".dockerignore");
    std::fs::remove_file(&ignore).map_err(|e| format!("remove `{}`: {e}", ignore.display()))?;
    Ok(dir)
}

/// The compiler alone where it has to run, and where it doesn't, the start of a program.
fn measure_limits(run: &Run, sheet: &mut Sheet) -> Result<()> {
    let mut room = run.room(&builders::COMPILER)?;
    let mut seconds: [Vec<f64>; SCENES.len()] = Default::default();
    for round in 0..run.rounds() {
        if round > 0 {
            room.wipe()?;
        }
        let context = context(run, room.builder)?;
        for (scene, seconds) in SCENES.iter().zip(&mut seconds).filter(|(scene, _)| scene.compiles) {
            play_scene(scene, &room, &context, &mut |sample| seconds.push(sample.value))?;
        }
    }
    let start = limits::start()?;
    for (scene, seconds) in SCENES.iter().zip(seconds) {
        for name in scene.names {
            match scene.compiles {
                true => sheet.limit(name, "go build", median_of(seconds.clone())?),
                false => sheet.limit(name, "a static program", start),
            }
        }
    }
    Ok(())
}
