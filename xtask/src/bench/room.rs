//! A builder with an empty store, and the daemon that it may need, to measurements of its builds.
//!
//! Dropped, nothing of it is left: no process, no mount, no file.

use super::builders::{Builder, Job, Out};
use super::meter::{self, Sample, Watch};
use crate::world::Around;
use crate::{Result, demo, shell};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A builder at work.
pub struct Room<'a> {
    /// Who builds.
    pub builder: &'static Builder,
    /// Where it finds registries.
    pub around: &'a Around,
    /// The store, and whatever else it keeps.
    pub dir: PathBuf,
    ends: Instant,
    daemon: Option<Child>,
    generation: usize,
}

impl<'a> Room<'a> {
    /// An empty one; what isn't over when it `ends` is stopped.
    pub fn new(builder: &'static Builder, around: &'a Around, ends: Instant) -> Result<Room<'a>> {
        let dir = around.scratch.join(format!("bench-{}", builder.name.replace(' ', "-")));
        let mut room = Room { builder, around, dir, ends, daemon: None, generation: 0 };
        room.wipe()?;
        Ok(room)
    }

    /// Makes it as empty as a new one.
    pub fn wipe(&mut self) -> Result<()> {
        self.clear();
        self.generation += 1;
        shell::mkdir(&self.dir.join("tmp"))?;
        if let Some(start) = self.builder.start {
            self.daemon = Some(start(self)?);
        }
        settle()
    }

    /// A number that no other emptiness of this room has had.
    pub fn generation(&self) -> usize {
        self.generation
    }

    /// A build.
    pub fn build(&self, job: &Job) -> Result<Sample> {
        self.build_at_once(std::slice::from_ref(job))
    }

    /// Several builds that start together.
    pub fn build_at_once(&self, jobs: &[Job]) -> Result<Sample> {
        self.measure(jobs.iter().map(|job| (self.builder.build)(self, job)).collect())
    }

    /// A build and an export, in one command if the builder has one; nothing if it can't.
    pub fn export(&self, job: &Job, out: &Out) -> Result<Option<Sample>> {
        let Some(command) = (self.builder.export)(self, job, out) else { return Ok(None) };
        if self.builder.export_builds {
            return self.measure(vec![command]).map(Some);
        }
        let built = self.build(job)?;
        Ok(Some(self.measure(vec![command])?.after(built)))
    }

    fn measure(&self, commands: Vec<Command>) -> Result<Sample> {
        let log = self.dir.join("log");
        meter::run(commands, Watch { program: &self.around.tare, ends: self.ends, log: &log })
    }

    /// Starts a daemon; after an `Ok` it `answers`.
    pub fn daemon(&self, command: &mut Command, answers: impl Fn() -> bool) -> Result<Child> {
        let log = self.dir.join("daemon.log");
        let file = std::fs::File::create(&log).map_err(|e| format!("make `{}`: {e}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().map_err(|e| format!("start the daemon: {e}"))?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(child.try_wait(), Ok(None)) {
            if answers() {
                return Ok(child);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        end(&mut child);
        let said = shell::read(&log).unwrap_or_default();
        Err(format!("its daemon doesn't answer\n{}", shell::tail(&said, 3)))
    }

    fn clear(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            end(&mut daemon);
        }
        unmount_below(&self.dir);
        demo::remove_as_inside(&self.around.tare, &self.dir);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Asks first, for a daemon has children and mounts of its own.
fn end(daemon: &mut Child) {
    let _ = shell::output(Command::new("kill").arg(daemon.id().to_string()));
    let start = Instant::now();
    while start.elapsed() < PATIENCE && matches!(daemon.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = daemon.kill();
    let _ = daemon.wait();
}

/// The inner ones first.
fn unmount_below(dir: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for path in mounts.lines().rev().filter_map(|line| line.split(' ').nth(4)) {
        if Path::new(path).starts_with(dir) {
            let _ = shell::output(Command::new("umount").args(["-l", path]));
        }
    }
}

/// What the last one wrote must not go to the disk while the next one is measured.
fn settle() -> Result<()> {
    shell::output(&mut Command::new("sync")).map(drop)
}
