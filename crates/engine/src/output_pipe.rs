//! What a step prints: to the build's log, to the listeners, and its last lines kept for an error.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::path::PathBuf;

use crate::event::Task;

/// How many of the last lines an error shows.
const TAIL: usize = 20;
/// A line longer than this is cut in the error; the log has all of it.
const LONGEST: usize = 2000;

/// The last lines of something.
#[derive(Default)]
pub struct Tail {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        for &b in bytes {
            match b {
                b'\n' => self.line(),
                b if self.open.len() < LONGEST => self.open.push(b),
                _ => {}
            }
        }
    }

    fn line(&mut self) {
        let line = String::from_utf8_lossy(&self.open).trim_end_matches('\r').to_owned();
        self.open.clear();
        self.lines.push_back(line);
        if self.lines.len() > TAIL {
            self.lines.pop_front();
        }
    }

    /// The lines.
    pub fn finish(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.line();
        }
        self.lines.into()
    }
}

/// Reads until nobody can write any more. There is a log as soon as something was written.
pub fn follow(mut pipe: PipeReader, task: &Task, mut path: Option<PathBuf>) -> Tail {
    let mut tail = Tail::default();
    let mut log = None;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return tail,
            Ok(n) => {
                log = path.take().map_or(log, |path| File::create(path).ok());
                // A full disk must not stop the step's output from being read; the step will notice itself.
                log = log.filter(|mut file| file.write_all(&buffer[..n]).is_ok());
                task.print(&buffer[..n]);
                tail.add(&buffer[..n]);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return tail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut tail = Tail::default();
        (0..30).for_each(|n| tail.add(format!("line {n}\r\n").as_bytes()));
        tail.add(b"no newline");
        let lines = tail.finish();
        assert_eq!((lines.len(), lines[0].as_str(), lines[19].as_str()), (20, "line 11", "no newline"));
    }
}
