//! W4: stages that don't need each other. Each sleeps a second, so that there is nothing to share but time.

use crate::Result;
use crate::bench::builders::Job;
use crate::bench::inputs;
use crate::bench::run::{Run, again, note};
use crate::bench::sheet::{Aim, Sheet};

const COLD: &str = "16 stages of 1 s";
const AGAIN: &str = "no-op";

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(COLD, &[Aim::Under(1.1)]);
    sheet.scene(AGAIN, &[]);
    let seconds = run.mode.of(0.1, 1.0, 1.0);
    sheet.limit(COLD, "one sleep", seconds);
    let context = inputs::folder(run.around, "stages", &dockerfile(seconds))?;
    inputs::base_only(&context, "busybox:1.35")?;
    let job = Job::new(&context, "stages");
    run.each(sheet, |room, sheet| {
        for round in 0..run.rounds() {
            if round > 0 {
                room.wipe()?;
            }
            room.build(&Job::new(&context, "base").file(inputs::BASE_ONLY))?;
            note(sheet, COLD, room.builder.name, room.build(&job)?);
        }
        again(room, sheet, AGAIN, &job)
    })
}

fn dockerfile(seconds: f64) -> String {
    let stages: String = (1..=16)
        .map(|n| format!("FROM busybox:1.35 AS s{n}\nRUN sleep {seconds} && echo {n} >/o{n}\n"))
        .collect();
    let copies: String = (1..=16).map(|n| format!("COPY --from=s{n} /o{n} /\n")).collect();
    format!("{stages}FROM scratch\n{copies}")
}
