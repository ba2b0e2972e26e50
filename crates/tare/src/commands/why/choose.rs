//! A word of the command line to the steps that it means.

use store::builds::{Record, Step};

use crate::failure::Failure;

/// The places of the steps that `word` means; the first of these that fits anything: a number, `:LINE`, a place, a
/// part of the instruction.
///
/// # Errors
/// If it means none.
pub fn choose(record: &Record, word: &str) -> Result<Vec<usize>, Failure> {
    let found =
        [by_number(record, word), by_line(record, word), by_place(record, word), by_text(record, word)];
    let none = || Failure::Usage(format!("the build has no step `{word}`; `tare why` alone lists them"));
    found.into_iter().find(|places| !places.is_empty()).ok_or_else(none)
}

fn by_number(record: &Record, word: &str) -> Vec<usize> {
    let number = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    number.filter(|at| *at < record.steps.len()).into_iter().collect()
}

/// An instruction may go on for lines.
fn by_line(record: &Record, word: &str) -> Vec<usize> {
    let Some(line) = word.strip_prefix(':').and_then(|line| line.parse::<u32>().ok()) else {
        return Vec::new();
    };
    let start = record.steps.iter().map(|step| step.line).filter(|start| *start <= line).max();
    places(record, |step| Some(step.line) == start)
}

fn by_place(record: &Record, word: &str) -> Vec<usize> {
    let word = word.trim_matches(['[', ']']);
    places(record, |step| step.place == word || format!("{}/{}", step.stage, step.number) == word)
}

fn by_text(record: &Record, word: &str) -> Vec<usize> {
    let word = word.to_lowercase();
    places(record, |step| step.instruction.to_lowercase().contains(&word))
}

fn places(record: &Record, fits: impl Fn(&Step) -> bool) -> Vec<usize> {
    record.steps.iter().enumerate().filter(|(_, step)| fits(step)).map(|(at, _)| at).collect()
}
