//! `tare why`: why each step of a build ran, changed, or didn't have to.

mod choose;
mod help;
pub mod text;

use std::path::Path;

use engine::why::{self, Answer, Explained};
use store::Store;
use store::builds::{Record, Step};
use text::Detail;

use super::history::named;
use super::images::table::print;
use super::source;
use crate::cli::Why;
use crate::failure::{Failure, Outcome};

/// Explains.
pub fn run(args: &Why) -> Outcome {
    let store = crate::home::store()?;
    let (step, context) = step_and_context(args);
    let record = match &args.build {
        Some(name) => named(&store, name)?,
        None => last(&store, context)?,
    };
    let before = why::before(&store, &record);
    let mut both: Vec<(&Step, Explained)> =
        record.steps.iter().zip(why::explain(&store, &record, &before)).collect();
    if let Some(step) = step {
        let chosen = choose::choose(&record, step)?;
        both =
            both.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, one)| one).collect();
    }
    match args.json {
        true => {
            let steps = both.into_iter().map(|(_, explained)| explained).collect();
            print(&json(&Answer { version: 1, build: record.id, steps }))?;
        }
        false => {
            let detail = if step.is_some() { Detail::All } else { Detail::Few };
            print(&text::all(&record, &before, &both, detail))?;
        }
    }
    Ok(0)
}

/// A single word that is a folder or an address is the context.
fn step_and_context(args: &Why) -> (Option<&str>, &str) {
    let is_folder = |word: &str| word.starts_with(['.', '/']) && Path::new(word).is_dir();
    match args.step.as_deref().filter(|word| !word.is_empty()) {
        Some(word) if args.context == "." && (is_folder(word) || word.contains("://")) => (None, word),
        step => (step, &args.context),
    }
}

fn last(store: &Store, context: &str) -> Result<Record, Failure> {
    let context = source::context_name(context);
    let none = || format!("no build of `{context}` is known; `tare history` lists those that are");
    store.last_build(&context).ok_or_else(|| Failure::Other(none()))
}

fn json(answer: &Answer) -> String {
    serde_json::to_string_pretty(answer).expect("answers are plain data") + "\n"
}

/// Explains the build that this process has just done, on standard error.
///
/// # Errors
/// If the store can't be opened.
pub fn after_build() -> Result<(), Failure> {
    let store = crate::home::store()?;
    let own = format!("-{}", std::process::id());
    let Some(record) = store.builds().find(|record| record.id.ends_with(&own)) else { return Ok(()) };
    let before = why::before(&store, &record);
    let explained = why::explain(&store, &record, &before);
    let both: Vec<(&Step, Explained)> = record.steps.iter().zip(explained).collect();
    eprint!("{}", text::all(&record, &before, &both, Detail::Few));
    Ok(())
}
