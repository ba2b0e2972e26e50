//! Commands to what they took: wall time, processor time, the memory of the tare processes among them.
//!
//! No clock but the wall's is exact: processor time comes from `/proc/self/stat` in hundredths of a second, and has the
//! children that were waited for, so a daemon's work isn't in it. Memory is `VmHWM`, the peak that the kernel keeps,
//! looked at every few milliseconds: only a process's last moments can be missed. What ends sooner than one look
//! isn't disturbed by any.

use crate::{Result, shell};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Between two looks at `/proc`, which take a third of a millisecond each.
const LOOK: Duration = Duration::from_millis(25);

/// What one measurement found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Seconds, or bytes where a scene says so.
    pub value: f64,
    /// Seconds of all processors; 0 where nobody looked.
    pub cpu: f64,
    /// The most that one tare process had in memory, in kB; 0 where nobody looked.
    pub peak_kb: u64,
}

impl Sample {
    /// A bare number.
    pub fn of(value: f64) -> Sample {
        Sample { value, ..Sample::default() }
    }

    /// Both, one after the other.
    pub fn after(self, first: Sample) -> Sample {
        Sample {
            value: first.value + self.value,
            cpu: first.cpu + self.cpu,
            peak_kb: first.peak_kb.max(self.peak_kb),
        }
    }
}

/// What to keep an eye on.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Processes of this program are asked for their memory.
    pub program: &'a Path,
    /// What still runs by then is ended, and its measurement is an error.
    pub ends: Instant,
    /// Takes what the commands say.
    pub log: &'a Path,
}

/// Runs them all at once; `Ok` means that each exited with 0.
pub fn run(mut commands: Vec<Command>, watch: Watch) -> Result<Sample> {
    let log = File::create(watch.log).map_err(|e| format!("make `{}`: {e}", watch.log.display()))?;
    for command in &mut commands {
        let log = log.try_clone().map_err(|e| format!("open `{}` again: {e}", watch.log.display()))?;
        // Not in a group of its own: Ctrl-C is for all of them.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    }
    let (cpu, start) = (children_cpu(), Instant::now());
    let children = spawn(&mut commands)?;
    let (peak, late, failed) = wait(children, watch);
    let seconds = start.elapsed().as_secs_f64();
    if late {
        return Err("out of time".into());
    }
    match failed {
        None => Ok(Sample { value: seconds, cpu: children_cpu() - cpu, peak_kb: peak }),
        Some(message) => {
            let said = shell::read(watch.log).unwrap_or_default();
            Err(format!("{message}\n{}", shell::tail(&said, 8)))
        }
    }
}

fn spawn(commands: &mut [Command]) -> Result<Vec<Child>> {
    let mut children = Vec::new();
    for command in commands {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.spawn() {
            Ok(child) => children.push(child),
            Err(e) => {
                kill(&children.iter().map(Child::id).collect::<Vec<_>>());
                children.iter_mut().for_each(|child| drop(child.wait()));
                return Err(format!("run `{name}`: {e}"));
            }
        }
    }
    Ok(children)
}

/// The peak in kB, whether they were ended for being late, and what failed.
fn wait(mut children: Vec<Child>, watch: Watch) -> (u64, bool, Option<String>) {
    let roots: Vec<u32> = children.iter().map(Child::id).collect();
    let (peak, late) = (AtomicU64::new(0), AtomicBool::new(false));
    let (done, ended) = channel::<()>();
    let failed = std::thread::scope(|scope| {
        let (peak, late) = (&peak, &late);
        scope.spawn(move || observe(&ended, watch, &roots, peak, late));
        let failed = children.iter_mut().filter_map(failure).last();
        drop(done);
        failed
    });
    (peak.into_inner(), late.into_inner(), failed)
}

fn failure(child: &mut Child) -> Option<String> {
    match child.wait() {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("it ended with {status}")),
        Err(e) => Some(format!("wait: {e}")),
    }
}

fn observe(ended: &Receiver<()>, watch: Watch, roots: &[u32], peak: &AtomicU64, late: &AtomicBool) {
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        peak.fetch_max(peak_of(watch.program), Ordering::Relaxed);
        if Instant::now() > watch.ends && !late.swap(true, Ordering::Relaxed) {
            kill(roots);
        }
    }
}

/// Ends processes and all that they started.
fn kill(roots: &[u32]) {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(u32, u32)> = processes.filter_map(|entry| parent(&entry.path())).collect();
    let mut all = roots.to_vec();
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        all.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| child));
        next += 1;
    }
    let _ = shell::output(Command::new("kill").arg("-KILL").args(all.iter().map(u32::to_string)));
}

/// A process and its parent.
fn parent(process: &Path) -> Option<(u32, u32)> {
    let pid = process.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    Some((pid, stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?))
}

/// The most that any living process of a program has had, in kB.
pub fn peak_of(program: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let ours = entries.flatten().map(|e| e.path()).filter(|dir| {
        let is_process = dir.file_name().is_some_and(|n| n.as_encoded_bytes()[0].is_ascii_digit());
        is_process && std::fs::read_link(dir.join("exe")).is_ok_and(|exe| exe == program)
    });
    ours.filter_map(|dir| high_water(&dir)).max().unwrap_or(0)
}

fn high_water(process: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// The peak of a command that is over in milliseconds: asked for all the time, so its time is worth nothing.
pub fn peak_of_short(command: &mut Command) -> Result<u64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| format!("run tare: {e}"))?;
    let (process, mut peak) = (Path::new("/proc").join(child.id().to_string()), 0);
    loop {
        peak = peak.max(high_water(&process).unwrap_or(0));
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) if status.success() => return Ok(peak),
            Ok(Some(status)) => return Err(format!("tare ended with {status}")),
            Err(e) => return Err(format!("wait for tare: {e}")),
        }
    }
}

/// The number in the middle.
pub fn median_of(mut numbers: Vec<f64>) -> Result<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}

/// Processor seconds of all children that were waited for, and of theirs.
fn children_cpu() -> f64 {
    std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_of(&stat)).unwrap_or(0.0)
}

/// Fields 16 and 17 of `/proc/PID/stat`, in ticks of a hundredth of a second on every Linux that we know.
fn cpu_of(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_one(command: Command, patience: Duration) -> Result<Sample> {
        let name = format!("tare-meter-{}-{:?}", std::process::id(), std::thread::current().id());
        let log = std::env::temp_dir().join(name);
        let watch = Watch { program: Path::new("/no"), ends: Instant::now() + patience, log: &log };
        let sample = run(vec![command], watch);
        let _ = std::fs::remove_file(&log);
        sample
    }

    #[test]
    fn what_fails_says_why() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo because >&2; exit 3"]);
        let message = run_one(command, Duration::from_secs(60)).expect_err("it fails");
        assert!(message.contains("exit status: 3\nbecause"), "{message}");
    }

    #[test]
    fn what_hangs_is_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        assert_eq!(run_one(command, Duration::ZERO), Err("out of time".into()));
    }

    #[test]
    fn processor_time_is_that_of_children() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 111 222 150 50 20";
        assert_eq!(cpu_of(stat), Some(2.0));
        assert_eq!(cpu_of("7 (a"), None);
    }
}
