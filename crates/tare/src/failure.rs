//! What went wrong, for people: on standard error, with what to do; and the exit code.

use dockerfile::Diagnostic;
use engine::error::StepError;

/// A command's bad end.
pub enum Failure {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The Dockerfile is wrong: its name and text, and where.
    Dockerfile {
        /// The file's name for people.
        name: String,
        /// Its text.
        text: Vec<u8>,
        /// What is wrong.
        problems: Vec<Diagnostic>,
    },
    /// A step failed: the Dockerfile's name and text, and how.
    Step {
        /// The file's name for people.
        name: String,
        /// Its text.
        text: Vec<u8>,
        /// How.
        error: Box<StepError>,
    },
    /// Anything else.
    Other(String),
    /// The sandbox is not to be had; the text says what mends it.
    Refused(String),
    /// The user stopped it; as a shell has it, 128 + the signal.
    Stopped(i32),
}

/// The result of a command: its exit code.
pub type Outcome = Result<i32, Failure>;

/// An I/O error with the verb and the thing: `read `x`: permission denied`.
pub fn doing(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Failure {
    move |e| Failure::Other(format!("{what}: {}", store::plain(&e)))
}

impl Failure {
    /// Tells the user, and gives the exit code.
    pub fn report(self) -> i32 {
        let code = self.code();
        match self {
            Failure::Usage(message) | Failure::Other(message) | Failure::Refused(message) => {
                eprintln!("error: {message}");
            }
            Failure::Dockerfile { name, text, problems } => {
                problems.iter().for_each(|d| eprint!("{}", diagnostic(&name, &text, d)));
            }
            Failure::Step { name, text, error } => eprint!("{}", step(&name, &text, &error)),
            Failure::Stopped(_) => eprintln!("stopped"),
        }
        code
    }

    fn code(&self) -> i32 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Stopped(signal) => 128 + signal,
            _ => 1,
        }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Other(message)
    }
}

impl From<store::Error> for Failure {
    fn from(e: store::Error) -> Failure {
        Failure::Other(e.to_string())
    }
}

impl From<transport::Error> for Failure {
    fn from(e: transport::Error) -> Failure {
        Failure::Other(e.to_string())
    }
}

impl From<engine::Error> for Failure {
    fn from(e: engine::Error) -> Failure {
        Failure::Other(e.to_string())
    }
}

/// A problem of the Dockerfile's text with the lines that it is about.
fn diagnostic(name: &str, text: &[u8], d: &Diagnostic) -> String {
    let help = d.help.iter().map(|h| format!("help: {h}\n")).collect::<String>();
    let message = cut(&d.message, 1000);
    format!("error: {name}:{}: {message}\n{}{help}", d.line, excerpt(text, d.line, d.end_line))
}

fn step(name: &str, text: &[u8], error: &StepError) -> String {
    let mut out = String::new();
    if !error.tail.is_empty() {
        out += "the last lines of its output:\n";
        error.tail.iter().for_each(|line| out += &format!("  | {line}\n"));
    }
    out += &format!("error: {name}:{}: {}\n", error.line, error.message);
    out += &excerpt(text, error.line, error.line);
    out.extend(error.help.iter().map(|h| format!("help: {h}\n")));
    out.extend(
        error
            .log
            .iter()
            .filter(|l| l.exists())
            .map(|l| format!("note: the complete log is {}\n", l.display())),
    );
    out
}

/// The lines around a place, with a marker.
pub fn excerpt(text: &[u8], first: u32, last: u32) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    let (first, last) = (first.max(1) as usize, last.max(first) as usize);
    let shown = first.saturating_sub(2).max(1)..=(last.min(first + 8) + 1).min(lines.len());
    let mark = |n: usize| if (first..=last).contains(&n) { '>' } else { ' ' };
    shown.map(|n| format!(" {} {n:>4} | {}\n", mark(n), cut(lines[n - 1], 200))).collect()
}

/// What is longer than anybody reads: a line of a Dockerfile may have megabytes.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_the_line() {
        let expected = "      1 | FROM a\n >    2 | RUN false\n      3 | CMD x\n";
        assert_eq!(excerpt(b"FROM a\nRUN false\nCMD x\nEXPOSE 1\n", 2, 2), expected);
        assert_eq!(excerpt(b"", 1, 1), "");
        let long = format!("FROM {}", "ä".repeat(1 << 20));
        assert_eq!(excerpt(long.as_bytes(), 1, 1), format!(" >    1 | FROM {}…\n", "ä".repeat(195)));
    }
}
