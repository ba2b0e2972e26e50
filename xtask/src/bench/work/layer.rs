//! W3: a layer that a RUN writes, and its way out: to archives and to a registry, as gzip and as zstd.

use crate::Result;
use crate::bench::builders::{Job, Out, Target};
use crate::bench::limits::Compressor;
use crate::bench::room::Room;
use crate::bench::run::{Run, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::bench::{inputs, limits};
use std::path::{Path, PathBuf};

const WRITE: &str = "the RUN";

/// From nothing to something that others can read, in one command where a builder has one: whether it compresses in the
/// build or behind it is its own affair. Each is another image, so that none is handed out that was compressed before.
const EXPORTS: [Export; 4] = [
    Export { scene: "RUN, gzip archive", compression: "gzip", pushed: false },
    Export { scene: "RUN, zstd archive", compression: "zstd", pushed: false },
    Export { scene: "RUN, push as gzip", compression: "gzip", pushed: true },
    Export { scene: "RUN, push as zstd", compression: "zstd", pushed: true },
];

struct Export {
    scene: &'static str,
    compression: &'static str,
    pushed: bool,
}

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(WRITE, &[]);
    for export in &EXPORTS {
        let zstd: &[Aim] = &[Aim::Within(1.2), Aim::Faster(3.0)];
        sheet.scene(export.scene, if export.compression == "zstd" { zstd } else { &[Aim::Within(1.2)] });
    }
    let megabytes = run.mode.of(2, 200, 1000);
    let context = context(run, megabytes)?;
    measure_limits(sheet, &context.join("fill"), &run.dir("filled")?, megabytes)?;
    run.each(sheet, |room, sheet| {
        for round in 0..run.rounds() {
            if round > 0 {
                room.wipe()?;
            }
            // Brings the base image and the program into the store.
            note(sheet, WRITE, room.builder.name, room.build(&job(&context, 1))?);
            for (number, export) in EXPORTS.iter().enumerate() {
                play(run, room, sheet, export, &job(&context, number + 2))?;
            }
        }
        Ok(())
    })
}

/// A folder whose Dockerfile writes so many megabytes in a RUN.
pub fn context(run: &Run, megabytes: usize) -> Result<PathBuf> {
    let dockerfile =
        format!("FROM busybox:1.35\nCOPY fill /fill\nARG SEED\nRUN /fill /data {megabytes} $SEED\n");
    let context = inputs::folder(run.around, "layer", &dockerfile)?;
    inputs::compile_fill(&context)?;
    Ok(context)
}

/// With other bytes for each seed.
pub fn job(context: &Path, seed: usize) -> Job<'_> {
    Job::new(context, &format!("layer-{seed}")).arg(format!("SEED={seed}"))
}

fn play(run: &Run, room: &Room, sheet: &mut Sheet, export: &Export, job: &Job) -> Result<()> {
    let archive = room.dir.join("archive.tar");
    let to = if export.pushed { registry(run, room, export) } else { Target::Archive(archive.clone()) };
    if let Some(sample) = room.export(job, &Out { compression: export.compression, to })? {
        note(sheet, export.scene, room.builder.name, sample);
    }
    let _ = std::fs::remove_file(archive);
    Ok(())
}

/// A repository of its own, or the registry would have the blobs of another builder.
fn registry(run: &Run, room: &Room, export: &Export) -> Target {
    let name = room.builder.name.to_lowercase().replace(' ', "-");
    let registry = &run.around.pushed;
    Target::Registry(format!("{registry}/bench/{name}-{}-{}", room.generation(), export.compression))
}

fn measure_limits(sheet: &mut Sheet, fill: &Path, dir: &Path, megabytes: usize) -> Result<()> {
    let (seconds, files) = limits::time(|| inputs::filled(fill, dir, megabytes))?;
    sheet.limit(WRITE, "the program alone", seconds);
    for (compression, with) in [("gzip", Compressor::Gzip), ("zstd", Compressor::Zstd)] {
        let compressing = limits::compress(&files, with, limits::cores())?;
        for export in EXPORTS.iter().filter(|export| export.compression == compression) {
            sheet.limit(export.scene, format!("program, {compression}"), seconds + compressing);
        }
    }
    std::fs::remove_dir_all(dir).map_err(|e| format!("remove `{}`: {e}", dir.display()))
}
