//! Questions on a terminal: a line that is seen, a line that is not.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, doing};

/// Asks for a line.
///
/// # Errors
/// If there is no terminal, or nothing more to read from it.
pub fn line(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let how = "use `--username` and `--password-stdin`";
        return Err(Failure::Usage(format!("there is no terminal to ask on: {how}")));
    }
    ask(question).map_err(doing("read from the terminal"))
}

/// Asks for a line that isn't shown.
///
/// # Errors
/// As [`line`].
pub fn secret(question: &str) -> Result<String, Failure> {
    let hidden = Hidden::start();
    let answer = line(question);
    if hidden.is_some() {
        // The Enter was not shown either.
        eprintln!();
    }
    answer
}

fn ask(question: &str) -> io::Result<String> {
    eprint!("{question}");
    io::stderr().flush()?;
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// The terminal shows nothing of what is typed until this is dropped, or a signal ends the program.
struct Hidden {
    before: Termios,
}

impl Hidden {
    /// Nothing on what is no terminal.
    fn start() -> Option<Hidden> {
        let before = tcgetattr(io::stdin()).ok()?;
        show_on_signal(before.clone());
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Hidden { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        show(&self.before);
    }
}

/// A shell that gets the terminal back would show nothing either.
fn show_on_signal(modes: Termios) {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            show(&modes);
            eprintln!();
            std::process::exit(128 + signal);
        }
    });
}

/// A terminal that is gone needs nothing restored.
fn show(modes: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
}
