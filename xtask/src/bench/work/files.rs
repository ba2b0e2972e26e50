//! W2: a context of many files, half of them ignored, copied whole.

use crate::Result;
use crate::bench::builders::Job;
use crate::bench::run::{Run, again, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::bench::{inputs, limits};
use std::path::Path;

const COLD: &str = "cold";
const AGAIN: &str = "no-op";
const BYTE: &str = "one byte changed";

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(COLD, &[Aim::Faster(3.0), Aim::Within(1.5)]);
    sheet.scene(AGAIN, &[Aim::Under(0.08)]);
    sheet.scene(BYTE, &[Aim::Faster(10.0)]);
    let (count, bytes) = run.mode.of((400, 1_000_000), (10_000, 100_000_000), (50_000, 1_000_000_000));
    let context = inputs::folder(run.around, "files", "FROM scratch\nCOPY . .\n")?;
    inputs::files(&context, count, bytes, true)?;
    measure_limits(run, sheet, &context.join("keep"))?;
    inputs::settle();
    let job = Job::new(&context, "files");
    run.each(sheet, |room, sheet| {
        for round in 0..run.rounds() {
            if round > 0 {
                room.wipe()?;
            }
            note(sheet, COLD, room.builder.name, room.build(&job)?);
        }
        again(room, sheet, AGAIN, &job)?;
        for _ in 0..run.mode.of(1, 2, 5) {
            inputs::change_byte(&context.join("keep/d0/e0/f0"))?;
            note(sheet, BYTE, room.builder.name, room.build(&job)?);
        }
        Ok(())
    })
}

/// Only what isn't ignored: to leave the rest alone is part of the work.
fn measure_limits(run: &Run, sheet: &mut Sheet, keep: &Path) -> Result<()> {
    let copy = run.around.scratch.join("in/copied");
    sheet.limit(COLD, "read, hash, write", limits::copy(keep, &copy)?);
    let _ = std::fs::remove_dir_all(copy);
    let (found, seconds) = limits::walk(keep)?;
    sheet.limit(AGAIN, format!("stat of {found}"), seconds);
    sheet.limit(BYTE, format!("stat of {found}"), seconds);
    Ok(())
}
