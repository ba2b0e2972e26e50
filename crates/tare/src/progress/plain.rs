//! Line after line, as BuildKit's plain progress: `#3 [builder 2/6] RUN …`, `#3 0.123 output`, `#3 DONE 1.2s`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::Instant;

use engine::event::Ended;
use engine::{Event, TaskId};

use crate::units;

/// How much has to be moved between two lines about it.
const STEP: u64 = 16 << 20;

/// The printer.
#[derive(Default)]
pub struct Plain {
    state: Mutex<BTreeMap<TaskId, Task>>,
}

struct Task {
    started: Instant,
    open: Vec<u8>,
    moved: BTreeMap<String, (u64, u64)>,
}

impl Plain {
    /// Prints an event.
    pub fn hear(&self, event: &Event) {
        let mut tasks = self.state.lock().expect("no panic while held");
        let text = match event {
            Event::Spent { .. } => return,
            Event::Warning(text) => format!("WARN: {text}\n"),
            Event::Started { task, name } => {
                tasks.insert(
                    *task,
                    Task { started: Instant::now(), open: Vec::new(), moved: BTreeMap::new() },
                );
                format!("#{} {name}\n", task.0)
            }
            Event::Printed { task, bytes } => {
                tasks.get_mut(task).map_or_else(String::new, |t| t.print(*task, bytes))
            }
            Event::Moved { task, what, done, total } => {
                tasks.get_mut(task).map_or_else(String::new, |t| t.moved(*task, what, *done, *total))
            }
            Event::Ended { task, how, took } => {
                let rest = tasks.remove(task).map_or_else(String::new, |mut t| t.end(*task));
                let end = match how {
                    Ended::Cached => "CACHED".to_owned(),
                    Ended::Done => format!("DONE {:.1}s", took.as_secs_f64()),
                };
                format!("{rest}#{} {end}\n", task.0)
            }
            Event::Failed { task, message } => {
                let rest = tasks.remove(task).map_or_else(String::new, |mut t| t.end(*task));
                format!("{rest}#{} ERROR: {message}\n", task.0)
            }
        };
        // Nobody to tell is no reason to stop.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

impl Task {
    fn print(&mut self, id: TaskId, bytes: &[u8]) -> String {
        let mut out = String::new();
        for &b in bytes {
            match b {
                b'\n' => out += &self.line(id),
                b => self.open.push(b),
            }
        }
        out
    }

    fn line(&mut self, id: TaskId) -> String {
        let line = std::mem::take(&mut self.open);
        let text = String::from_utf8_lossy(&line);
        format!("#{} {:.3} {}\n", id.0, self.started.elapsed().as_secs_f64(), text.trim_end_matches('\r'))
    }

    fn end(&mut self, id: TaskId) -> String {
        if self.open.is_empty() { String::new() } else { self.line(id) }
    }

    fn moved(&mut self, id: TaskId, what: &str, done: u64, total: u64) -> String {
        let last = self.moved.entry(what.to_owned()).or_insert((0, 0));
        if done < last.0 + STEP && (done < total || last.1 == total) {
            return String::new();
        }
        *last = (done, done);
        let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        format!(
            "#{} {what} {} / {} ({}/s)\n",
            id.0,
            units::bytes(done),
            units::bytes(total),
            units::bytes(rate as u64)
        )
    }
}
