//! The machine alone, for whoever reads the other numbers on another one: no builder takes part.

use crate::Result;
use crate::bench::inputs;
use crate::bench::limits::{self, Compressor};
use crate::bench::meter::Sample;
use crate::bench::run::{Run, note};
use crate::bench::sheet::{MACHINE, Sheet};

/// In the order in which they are noted.
const SCENES: [&str; 8] = [
    "hash 100 MB",
    "write 100 MB",
    "gzip 60 MB, 1 thread",
    "gzip 60 MB, all cores",
    "zstd 60 MB, 1 thread",
    "zstd 60 MB, all cores",
    "stat 10,000 files",
    "start a program",
];

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    let dir = run.dir("machine")?;
    let mut found = vec![limits::hash(100), limits::write(&dir, 100)?];
    let data = inputs::filled(&inputs::compile_fill(&dir)?, &dir.join("data"), 60)?;
    for with in [Compressor::Gzip, Compressor::Zstd] {
        for threads in [1, limits::cores()] {
            found.push(limits::compress(&data, with, threads)?);
        }
    }
    let files = dir.join("files");
    inputs::files(&files, 10_000, 10_000_000, false)?;
    found.extend([limits::walk(&files)?.1, limits::start()?]);
    for (scene, seconds) in SCENES.into_iter().zip(found) {
        sheet.scene(scene, &[]);
        sheet.limit(scene, "", seconds);
        note(sheet, scene, MACHINE, Sample::of(seconds));
    }
    Ok(())
}
