//! `tare ignore`: what a build's ignore file lacks, to standard output or into the file; what that leaves out of the
//! context, to standard error.
//!
//! Looks at the Dockerfile, at the folder, and at what the store knows of the folder's last build. `advice` thinks.

mod build;
mod gather;
mod known;

use std::path::{Path, PathBuf};

use advice::{Left, Proposal, Subject};
use dockerfile::Patterns;

use super::images::table::{print, table};
use super::{lock, source};
use crate::cli::Ignore;
use crate::failure::{Failure, Outcome};
use crate::units;
use build::Build;

/// Proposes.
pub fn run(args: &Ignore) -> Outcome {
    let folder = folder(&args.context)?;
    let own = Own::find(&folder, args.file.as_deref())?;
    let build = Build::read(args, &folder)?;
    let text = own.text.clone().or_else(|| build.recipe_ignore.clone()).unwrap_or_default();
    let patterns = Patterns::parse(text.as_bytes())
        .map_err(|d| Failure::Usage(format!("{}:{}: {}", own.path.display(), d.line, d.message)))?;
    let listing = gather::listing(&folder, &patterns)?;
    let project = gather::project(&folder, &build.plans)?;
    let others = gather::others(&folder, &build.file, &own.path);
    let known = known::last(&build, &args.context);
    let mut notes = others.notes;
    if own.text.is_none() && build.recipe_ignore.is_some() {
        notes.push(
            "a build without Dockerfile and ignore file goes by the first of these lines anyway".to_owned(),
        );
    }
    notes.extend(known.notes);
    let plans = [known.plans.unwrap_or(build.plans), others.plans].concat();
    let before = listing.size();
    let proposal = advice::propose(&Subject {
        plans: &plans,
        reads: known.reads.as_ref(),
        listing: &listing,
        own: &text,
        patterns: &patterns,
        project: &project,
        is_shared: others.is_any,
    });
    notes.iter().chain(&proposal.notes).for_each(|note| eprintln!("note: {note}"));
    finish(args, &own, &proposal, before)
}

fn finish(args: &Ignore, own: &Own, proposal: &Proposal, before: (usize, u64)) -> Outcome {
    let is_new = own.text.as_deref() != Some(proposal.text.as_str());
    if proposal.left.is_empty() && !(is_new && !proposal.text.is_empty() && own.text.is_none()) {
        eprintln!("nothing to add: {} in the context", files(before));
        if !args.write {
            print(&proposal.text)?;
        }
        return Ok(0);
    }
    eprint!("{}", shown(&proposal.left));
    eprintln!("the context: {} -> {}", files(before), files(proposal.after));
    match args.write {
        true => {
            lock::replace(&own.path, proposal.text.as_bytes())?;
            println!("wrote {}", own.path.display());
        }
        false => print(&proposal.text)?,
    }
    Ok(0)
}

/// What each group leaves out. Some of them are for what isn't there yet.
fn shown(left: &[Left]) -> String {
    let rows: Vec<_> = left.iter().filter(|group| group.files > 0).collect();
    let row = |group: &&Left| {
        let reason = group.reason.trim_end_matches('.').to_owned();
        [group.files.to_string(), units::bytes(group.bytes), reason]
    };
    if rows.is_empty() {
        return String::new();
    }
    table(["FILES", "SIZE", "LEFT OUT"], &rows.iter().map(row).collect::<Vec<_>>())
}

fn files((count, bytes): (usize, u64)) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} file{plural}, {}", units::bytes(bytes))
}

fn folder(context: &str) -> Result<PathBuf, Failure> {
    let folder = PathBuf::from(context);
    let not = || Failure::Usage(format!("`{context}` is not a folder, and `tare ignore` looks into one"));
    folder.is_dir().then_some(folder).ok_or_else(not)
}

/// The ignore file that builds go by, or the one that they would.
struct Own {
    path: PathBuf,
    text: Option<String>,
}

impl Own {
    fn find(folder: &Path, dockerfile: Option<&Path>) -> Result<Own, Failure> {
        let Some((path, text)) = source::found_ignore_file(folder, dockerfile) else {
            return Ok(Own { path: folder.join(".dockerignore"), text: None });
        };
        let bad = |_| Failure::Usage(format!("`{}` is not valid UTF-8", path.display()));
        let text = String::from_utf8(text).map_err(bad)?;
        Ok(Own { path, text: Some(text) })
    }
}
