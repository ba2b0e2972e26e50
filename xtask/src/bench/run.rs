//! One workload's run: the builders one after the other, each in an empty room, as long as there is time.

use super::builders::{Builder, COMPILER, Choice, Job};
use super::meter::Sample;
use super::mode::Mode;
use super::room::Room;
use super::sheet::{OURS, Sheet};
use crate::world::Around;
use crate::{Result, shell};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Neither tare nor a limit takes so long; what does, hangs.
const HANGS: Duration = Duration::from_secs(1800);

/// What a workload needs.
pub struct Run<'a> {
    /// Where things are.
    pub around: &'a Around,
    /// How much is measured.
    pub mode: Mode,
    /// Who is measured.
    pub choice: &'a Choice,
    /// By then the peers are stopped; tare and what is a limit never are.
    pub ends: Instant,
}

impl Run<'_> {
    /// Does the same with every builder that builds Dockerfiles.
    pub fn each(&self, sheet: &mut Sheet, work: impl Fn(&mut Room, &mut Sheet) -> Result<()>) -> Result<()> {
        self.each_of(&self.choice.installed(self.mode), sheet, work)
    }

    /// Does the same with each of these.
    pub fn each_of(
        &self,
        builders: &[&'static Builder],
        sheet: &mut Sheet,
        work: impl Fn(&mut Room, &mut Sheet) -> Result<()>,
    ) -> Result<()> {
        for builder in builders {
            match self.room(builder).and_then(|mut room| work(&mut room, sheet)) {
                // A peer that can't work on this machine is no reason to measure nothing.
                Err(message) if builder.name != OURS => {
                    shell::say(&format!("{} is left out of {}: {message}", builder.name, sheet.workload));
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// An empty room of a builder.
    pub fn room(&self, builder: &'static Builder) -> Result<Room<'_>> {
        let (now, is_peer) = (Instant::now(), ![OURS, COMPILER.name].contains(&builder.name));
        if is_peer && now > self.ends {
            return Err("out of time".into());
        }
        Room::new(builder, self.around, if is_peer { self.ends } else { now + HANGS })
    }

    /// How many cold builds there are.
    pub fn rounds(&self) -> usize {
        self.mode.of(1, 1, 3)
    }

    /// A folder of this run.
    pub fn dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.around.scratch.join("in").join(name);
        shell::mkdir(&dir)?;
        Ok(dir)
    }
}

/// Notes a number, and says it.
pub fn note(sheet: &mut Sheet, scene: &'static str, builder: &'static str, sample: Sample) {
    let (workload, seconds) = (sheet.workload, sample.value);
    let cpu = if seconds > 0.1 { format!(" {:7.2} s of processors", sample.cpu) } else { String::new() };
    shell::say(&format!("{workload:<11} {scene:<22} {builder:<14} {seconds:8.3} s{cpu}"));
    sheet.add(scene, builder, sample);
}

/// Builds the same again: often if it is fast, for a number of few milliseconds needs company.
pub fn again(room: &Room, sheet: &mut Sheet, scene: &'static str, job: &Job) -> Result<()> {
    let start = Instant::now();
    for round in 0..11 {
        if round > 0 && start.elapsed() > Duration::from_secs(2) {
            break;
        }
        note(sheet, scene, room.builder.name, room.build(job)?);
    }
    Ok(())
}
