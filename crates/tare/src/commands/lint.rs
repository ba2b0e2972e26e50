//! `tare lint`: what deserves a warning in Dockerfiles, and what mends it. Nothing is built, and no registry is asked.
//!
//! ```text
//! arguments ─▶ places ─▶ subject (Dockerfile, ignore file, context, facts) ─▶ lint ─▶ shown, sarif, github
//!                                                                              └▶ drafts ─▶ files, a diff
//! ```
//! What a build has to do with it is in `of_build`. A file that can't be read whole is an error, after what was found
//! in it; the others are looked at all the same.

mod desk;
mod drafts;
mod folders;
mod github;
mod of_build;
mod places;
mod sarif;
mod shown;
mod subject;

use lint::{Origin, Rule};

use super::images::table::print;
use crate::cli::{Lint, LintFormat, RuleSet};
use crate::failure::{Failure, Outcome};
use desk::{Desk, Looked};
use drafts::Drafts;
use shown::Advice;

pub use of_build::{Answer, answer, guard, warnings};

/// Prints what was found, the rules, or one of them.
pub fn run(args: &Lint) -> Outcome {
    let format = if args.json { LintFormat::Json } else { args.format };
    if args.list_rules {
        print(&match format {
            LintFormat::Json => shown::rules_json(&rules(args)),
            _ => shown::rules_text(&rules(args)),
        })?;
        return Ok(0);
    }
    if let Some(name) = &args.explain {
        print(&lint::page::page(find(name)?))?;
        return Ok(0);
    }
    if args.diff && format != LintFormat::Text {
        return Err(Failure::Usage("`--diff` prints a diff, and takes no other format".to_owned()));
    }
    look(args, format)
}

fn look(args: &Lint, format: LintFormat) -> Outcome {
    let desk = Desk::new(args)?;
    let (mut drafts, mut all, mut is_whole) = (Drafts::default(), Vec::new(), true);
    for place in places::places(args)? {
        match place.and_then(|place| desk.look(&place, &mut drafts)) {
            Ok(looked) => all.push(looked),
            Err(failure) => is_whole = tell(failure),
        }
    }
    if args.fix {
        drafts.write().into_iter().for_each(|failure| is_whole = tell(failure));
    }
    match (args.diff, args.fix && format == LintFormat::Text) {
        (true, _) => show_diff(&drafts, &all)?,
        (false, true) => {
            let mended = all.iter().map(|looked| shown::mended(looked, "mended"));
            print(&(drafts.diff() + &mended.collect::<String>()))?;
        }
        (false, false) => {}
    }
    if !args.diff {
        show(&all, format, args.fix)?;
    }
    let is_broken = |looked: &Looked| !looked.problems.is_empty();
    let is_found = |looked: &Looked| !looked.warnings.is_empty() || args.diff && looked.mended > 0;
    Ok(match (is_whole && !all.iter().any(is_broken), all.iter().any(is_found)) {
        (false, _) => 2,
        (true, is_found) => i32::from(is_found),
    })
}

/// Tells of a file that can't be looked at, which is not the end of it.
fn tell(failure: Failure) -> bool {
    failure.report();
    false
}

fn show(all: &[Looked], format: LintFormat, is_mended: bool) -> Result<(), Failure> {
    match format {
        LintFormat::Text => {
            for looked in all {
                let advice = match (is_mended, looked.problems.is_empty()) {
                    (false, _) => Advice::Offer,
                    (true, true) => Advice::Left,
                    (true, false) => Advice::Broken,
                };
                print(&shown::text(&looked.name, &looked.text, &looked.warnings, advice))?;
                looked.report();
            }
            return Ok(());
        }
        LintFormat::Json => print(&shown::json(all))?,
        LintFormat::Sarif => print(&sarif::log(all))?,
        // With its errors: the log would have them twice.
        LintFormat::Github => return print(&github::commands(all)),
    }
    all.iter().for_each(Looked::report);
    Ok(())
}

/// Prints a diff and nothing else; what isn't in it is told where it does no harm.
fn show_diff(drafts: &Drafts, all: &[Looked]) -> Result<(), Failure> {
    print(&drafts.diff())?;
    for looked in all {
        eprint!("{}{}", shown::mended(looked, "`--fix` mends"), shown::left(looked));
        looked.report();
    }
    Ok(())
}

fn rules(args: &Lint) -> Vec<&'static Rule> {
    match args.rules {
        RuleSet::All => lint::ALL.to_vec(),
        RuleSet::Buildkit => buildkit(),
    }
}

/// The rules that `docker build --check` has.
fn buildkit() -> Vec<&'static Rule> {
    lint::ALL.iter().copied().filter(|rule| rule.origin == Origin::BuildKit).collect()
}

fn find(name: &str) -> Result<&'static Rule, Failure> {
    let unknown = || {
        let near =
            dockerfile::suggest::nearest(&name.to_lowercase(), lint::ALL.iter().flat_map(|r| r.names()));
        let near = near.and_then(|near| lint::ALL.iter().find(|rule| rule.is_called(&near)));
        let hint = near.map(|rule| format!("; did you mean `{}`?", rule.name)).unwrap_or_default();
        Failure::Usage(format!("no rule is called `{name}`{hint}"))
    };
    lint::ALL.iter().copied().find(|rule| rule.is_called(name)).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_go_by_their_name_in_any_letters() {
        assert_eq!(find("stagenamecasing").ok().map(|rule| rule.name), Some("StageNameCasing"));
        let message = |name| match find(name) {
            Err(Failure::Usage(message)) => message,
            _ => panic!("{name} is a rule"),
        };
        assert_eq!(message("FromAsCasin"), "no rule is called `FromAsCasin`; did you mean `FromAsCasing`?");
        assert_eq!(message("nonsense"), "no rule is called `nonsense`");
    }
}
