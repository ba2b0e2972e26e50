//! W7: builds of one project that start together, as they do on a build server when a change has many jobs.

use crate::bench::builders::{self, Job};
use crate::bench::mode::Mode;
use crate::bench::run::{Run, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::bench::{inputs, limits};
use crate::{Result, shell};
use std::path::{Path, PathBuf};

const NEW: &str = "at once, new";
const AGAIN: &str = "at once, no-op";
const GOLANG: &str = "golang:1.26.8-alpine3.23";

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(NEW, &[Aim::Within(1.5)]);
    sheet.scene(AGAIN, &[Aim::Under(0.2)]);
    let count = run.mode.of(2, 8, 20);
    let context = project(run)?;
    if run.mode != Mode::Tiny {
        sheet.limit(NEW, "one go build", compile(run, &context)?);
    }
    sheet.limit(AGAIN, format!("{count} starts"), limits::start_at_once(count)?);
    let jobs: Vec<Job> = (0..count).map(|n| Job::new(&context, &format!("at-once-{n}"))).collect();
    run.each(sheet, |room, sheet| {
        for round in 0..run.rounds() {
            if round > 0 {
                room.wipe()?;
            }
            room.build(&Job::new(&context, "base").file(inputs::BASE_ONLY))?;
            note(sheet, NEW, room.builder.name, room.build_at_once(&jobs)?);
        }
        for _ in 0..run.mode.of(1, 3, 5) {
            note(sheet, AGAIN, room.builder.name, room.build_at_once(&jobs)?);
        }
        Ok(())
    })
}

/// A Go program without modules of others, or, in seconds, something that takes a moment.
fn project(run: &Run) -> Result<PathBuf> {
    let (base, command) = run.mode.of(
        ("busybox:1.35", "sleep 0.1 && cp main.go /app"),
        (GOLANG, "CGO_ENABLED=0 go build -o /app ."),
        (GOLANG, "CGO_ENABLED=0 go build -o /app ."),
    );
    let dockerfile = format!(
        "FROM {base} AS build\nWORKDIR /src\nCOPY . .\nRUN {command}\nFROM scratch\nCOPY --from=build /app /app\n"
    );
    let dir = inputs::folder(run.around, "at-once", &dockerfile)?;
    inputs::base_only(&dir, base)?;
    shell::write(&dir.join("go.mod"), "module example.com/hello\n\ngo 1.26\n")?;
    let main = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n";
    shell::write(&dir.join("main.go"), main)?;
    Ok(dir)
}

/// With an empty cache, as in the image.
fn compile(run: &Run, context: &Path) -> Result<f64> {
    let room = run.room(&builders::COMPILER)?;
    Ok(room.build(&Job::new(context, "at-once"))?.value)
}
