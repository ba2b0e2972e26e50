//! Starting a builder, what it weighs, and what it has in memory when nothing is to be done.

use crate::bench::builders::{Builder, Job};
use crate::bench::inputs;
use crate::bench::limits;
use crate::bench::meter::{self, Sample};
use crate::bench::run::{Run, note};
use crate::bench::sheet::{Aim, OURS, Sheet};
use crate::{Result, shell};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const START: &str = "--version";
const SIZE: &str = "size of the binary";
const MEMORY: &str = "memory of a no-op";

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(START, &[Aim::Under(0.003)]);
    sheet.size(SIZE, &[Aim::Under(15e6)]);
    sheet.size(MEMORY, &[Aim::Under(64e6)]);
    sheet.limit(START, "a static program", limits::start()?);
    for builder in run.choice.installed(run.mode) {
        let program = program(run, builder);
        let size = program.metadata().map_err(|e| format!("stat `{}`: {e}", program.display()))?.len();
        sheet.add(SIZE, builder.name, Sample::of(size as f64));
        note(sheet, START, builder.name, Sample::of(starts(&program)?));
    }
    let context = inputs::folder(run.around, "start", "FROM scratch\nCOPY . /\n")?;
    let room = run.room(run.choice.installed(run.mode)[0])?;
    let job = Job::new(&context, "start");
    room.build(&job)?;
    let peak = meter::peak_of_short(&mut (room.builder.build)(&room, &job))?;
    sheet.add(MEMORY, OURS, Sample::of(peak as f64 * 1000.0));
    Ok(())
}

fn program(run: &Run, builder: &Builder) -> PathBuf {
    if builder.name == OURS {
        return run.around.tare.clone();
    }
    shell::which(builder.program).expect("only what is on PATH is measured")
}

fn starts(program: &PathBuf) -> Result<f64> {
    let once = |_| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let run = || command.status().map_err(|e| format!("run `{}`: {e}", program.display()));
        limits::time(run).map(|(seconds, _)| seconds)
    };
    meter::median_of((0..21).map(once).collect::<Result<_>>()?)
}
