//! `tare parse`: a Dockerfile as JSON, for editors and other tools.
//!
//! Reads and prints; what a Dockerfile looks like as JSON is `shape`'s to know, what is wrong with one that
//! can be read is `check`'s. Mistakes come one a line, as compilers write them: `FILE:LINE: message`.

mod check;
mod shape;

use std::io::Read;

use dockerfile::Diagnostic;

use super::images::table::print;
use crate::cli::Parse;
use crate::failure::{Failure, Outcome, doing};

/// Prints what a Dockerfile says, or what is wrong with it.
pub fn run(args: &Parse) -> Outcome {
    if !args.json {
        return Err(Failure::Usage(
            "`tare parse` prints JSON only so far: ask for it with --json".to_owned(),
        ));
    }
    let text = read(&args.file)?;
    let (dockerfile, problems) = dockerfile::parse(&text);
    let problems = match args.check {
        true => check::all(&dockerfile, problems),
        false => check::syntax(problems),
    };
    if !problems.is_empty() {
        problems.iter().for_each(|problem| eprintln!("{}", line(&args.file, problem)));
        return Ok(2);
    }
    let value = shape::Document::of(&dockerfile);
    print(&(serde_json::to_string(&value).expect("a tree of texts is plain data") + "\n"))?;
    Ok(0)
}

fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    if file == "-" {
        let read = std::io::stdin().lock().read_to_end(&mut text);
        return read.map_err(doing("read the Dockerfile from standard input")).map(|_| text);
    }
    std::fs::read(file).map_err(doing(format!("read `{file}`")))
}

fn line(file: &str, problem: &Diagnostic) -> String {
    format!("{file}:{}: {}", problem.line, problem.message.replace('\n', " "))
}
