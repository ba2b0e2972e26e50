//! W5: small RUNs one after the other, where nearly all is what a builder does around a command.

use crate::bench::builders::Job;
use crate::bench::meter::Sample;
use crate::bench::run::{Run, again, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::bench::{inputs, limits};
use crate::{Result, shell};

const STEP: &str = "one of 60 RUNs";
const AGAIN: &str = "no-op";
/// A RUN of an ordinary user's needs the id maps as well.
const AS_ROOT: &[Aim] = &[Aim::Under(0.006)];
const AS_USER: &[Aim] = &[Aim::Under(0.008)];

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(STEP, if shell::is_root() { AS_ROOT } else { AS_USER });
    sheet.scene(AGAIN, &[Aim::Under(0.015)]);
    if shell::is_root() {
        sheet.limit(STEP, "unshare, overlay, exec", limits::step(&run.dir("limit")?)?);
    }
    sheet.limit(AGAIN, "a static program", limits::start()?);
    let steps = run.mode.of(3, 60, 60);
    let context = inputs::folder(run.around, "steps", &dockerfile(steps))?;
    inputs::base_only(&context, "busybox:1.35")?;
    let job = Job::new(&context, "steps");
    run.each(sheet, |room, sheet| {
        for round in 0..run.rounds() {
            if round > 0 {
                room.wipe()?;
            }
            room.build(&Job::new(&context, "base").file(inputs::BASE_ONLY))?;
            let all = room.build(&job)?;
            note(sheet, STEP, room.builder.name, Sample { value: all.value / steps as f64, ..all });
        }
        again(room, sheet, AGAIN, &job)
    })
}

/// That many of them.
pub fn dockerfile(steps: usize) -> String {
    let runs: String = (1..=steps).map(|n| format!("RUN echo {n} >/f{n}\n")).collect();
    format!("FROM busybox:1.35\n{runs}")
}
