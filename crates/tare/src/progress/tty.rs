//! A few lines that change: what is done scrolls up, one line each; what is going on stands below, with the
//! last lines of its output and the bytes that it moves.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::event::Ended;
use engine::{Event, TaskId};

use crate::units;

/// How often the moving part is drawn: as often as an eye follows.
const FRAME: Duration = Duration::from_millis(100);
/// Lines of output that are shown of a running task.
const TAIL: usize = 4;
/// Tasks whose output is shown; the others have only their own line.
const WITH_TAIL: usize = 3;

/// The drawer, on a thread of its own.
pub struct Tty {
    sender: Sender<Event>,
    thread: JoinHandle<()>,
}

impl Tty {
    /// Starts to draw.
    pub fn start() -> Tty {
        let (sender, events) = channel();
        Tty { sender, thread: std::thread::spawn(move || Screen::default().run(&events)) }
    }

    /// Draws an event with the next frame.
    pub fn hear(&self, event: Event) {
        // The drawer only ends after us.
        let _ = self.sender.send(event);
    }

    /// Draws the last frame.
    pub fn finish(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}

#[derive(Default)]
struct Screen {
    tasks: BTreeMap<TaskId, Task>,
    above: String,
    drawn: usize,
}

struct Task {
    name: String,
    started: Instant,
    tail: VecDeque<String>,
    open: Vec<u8>,
    moved: BTreeMap<String, (u64, u64)>,
}

impl Screen {
    fn run(mut self, events: &Receiver<Event>) {
        let mut next = Instant::now() + FRAME;
        loop {
            match events.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(event) => self.hear(event),
                Err(RecvTimeoutError::Timeout) => {
                    self.draw(&self.below());
                    next = Instant::now() + FRAME;
                }
                Err(RecvTimeoutError::Disconnected) => return self.draw(""),
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Spent { .. } => {}
            Event::Warning(text) => self.above += &format!("\x1b[33mwarning:\x1b[0m {text}\n"),
            Event::Started { task, name } => drop(self.tasks.insert(task, Task::new(name))),
            Event::Printed { task, bytes } => {
                self.tasks.get_mut(&task).into_iter().for_each(|t| t.print(&bytes))
            }
            Event::Moved { task, what, done, total } => {
                if let Some(t) = self.tasks.get_mut(&task) {
                    t.moved.insert(what, (done, total));
                }
            }
            Event::Ended { task, how, took } => {
                if let Some(t) = self.tasks.remove(&task) {
                    let end = match how {
                        Ended::Cached => "\x1b[36mCACHED\x1b[0m".to_owned(),
                        Ended::Done => units::duration(took),
                    };
                    self.above += &format!("\x1b[32m✓\x1b[0m {} {end}\n", cut(&t.name, width() - 12));
                }
            }
            Event::Failed { task, .. } => {
                if let Some(t) = self.tasks.remove(&task) {
                    self.above += &format!("\x1b[31m✗\x1b[0m {}\n", cut(&t.name, width() - 4));
                }
            }
        }
    }

    fn below(&self) -> String {
        let width = width();
        self.tasks.values().enumerate().map(|(i, task)| task.draw(width, i < WITH_TAIL)).collect()
    }

    /// Replaces the moving part: what is done goes above it.
    fn draw(&mut self, below: &str) {
        let mut out = String::new();
        if self.drawn > 0 {
            out += &format!("\x1b[{}A\x1b[J", self.drawn);
        }
        out += &std::mem::take(&mut self.above);
        out += below;
        self.drawn = below.lines().count();
        let _ = std::io::stderr().lock().write_all(out.as_bytes());
    }
}

impl Task {
    fn new(name: String) -> Task {
        let (tail, open, moved) = Default::default();
        Task { name, started: Instant::now(), tail, open, moved }
    }

    fn print(&mut self, bytes: &[u8]) {
        for &b in bytes {
            match b {
                b'\n' | b'\r' => self.line(),
                b => self.open.push(b),
            }
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.open);
        if !line.is_empty() {
            self.tail.push_back(String::from_utf8_lossy(&line).into_owned());
        }
        if self.tail.len() > TAIL {
            self.tail.pop_front();
        }
    }

    fn draw(&self, width: usize, with_tail: bool) -> String {
        let age = units::duration(self.started.elapsed());
        let mut out = format!("\x1b[33m▸\x1b[0m {} {age}\n", cut(&self.name, width.saturating_sub(12)));
        let (done, total) = self.moved.values().fold((0, 0), |(a, b), (done, total)| (a + done, b + total));
        if total > 0 {
            let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
            out += &format!(
                "    {} / {} ({}/s)\n",
                units::bytes(done),
                units::bytes(total),
                units::bytes(rate as u64)
            );
        }
        if with_tail {
            self.tail
                .iter()
                .for_each(|l| out += &format!("\x1b[2m    {}\x1b[0m\n", cut(l, width.saturating_sub(6))));
        }
        out
    }
}

/// The terminal's width in columns.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.ok().map(|s| usize::from(s.ws_col)).filter(|w| *w > 20).unwrap_or(80)
}

/// The start of a text, without what could move the cursor.
fn cut(text: &str, width: usize) -> String {
    let clean: Vec<char> =
        text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    match clean.len() > width {
        true => clean[..width.saturating_sub(1)].iter().chain(&['…']).collect(),
        false => clean.iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_wraps_and_never_escapes() {
        assert_eq!(cut("a\tb\x1b[2J", 80), "a b[2J");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
