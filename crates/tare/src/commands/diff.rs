//! `tare diff`: what is different between two builds, step by step, with the files that they made.

use engine::why::{Compared, Difference, Reason, compare};

use super::history::named;
use super::images::table::print;
use super::why::text;
use crate::cli::Diff;
use crate::failure::Outcome;

/// How many files are told of each step.
const MOST: usize = 40;

/// Compares.
pub fn run(args: &Diff) -> Outcome {
    let store = crate::home::store()?;
    let compared = compare(&store, &named(&store, &args.from)?, &named(&store, &args.to)?);
    match args.json {
        true => print(&(serde_json::to_string_pretty(&compared).expect("answers are plain data") + "\n"))?,
        false => print(&all(&compared))?,
    }
    Ok(0)
}

fn all(compared: &Compared) -> String {
    let mut out: String = compared.steps.iter().map(one).collect();
    let [from, to] = &compared.images;
    out += match (from == to, compared.steps.is_empty()) {
        (true, _) => "the image is the same\n",
        (false, true) => "the steps are the same, and the image is another\n",
        (false, false) => "the image is another\n",
    };
    out
}

fn one(step: &Difference) -> String {
    let line = |reason: &Reason| format!("    {}\n", text::of_difference(reason));
    let more = step.reasons.len().saturating_sub(MOST);
    let mut out = format!("[{}] {}  {}\n", step.step, text::cut(&step.instruction), step.change);
    out.extend(step.reasons.iter().take(MOST).map(line));
    if more > 0 {
        out += &format!("    and {more} more\n");
    }
    out
}
