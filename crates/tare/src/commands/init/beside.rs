//! `Dockerfile.tare` beside a Go project's Dockerfile: the recipe, with what the image of that one offers; and to
//! people, what stays, what is different and why, and what isn't carried over.

use std::path::Path;

use advice::beside::{Old, Taken};
use advice::{Entry, Listing};
use dockerfile::Dockerfile;
use plan::Options;
use recipe::{Ask, Recipe};
use tree::Root;

use super::put;
use crate::cli::Init;
use crate::commands::images::table::print;
use crate::commands::{recipe as recipes, source};
use crate::failure::{Failure, Outcome, doing};

/// What it is called.
const NAME: &str = "Dockerfile.tare";

/// What a project's own ignore file lacks for it.
const OWN: &str = "\n# The build's own instructions.\nDockerfile.tare*\n";

/// Writes it.
pub fn run(args: &Init, path: &Path) -> Outcome {
    let new = path.with_file_name(NAME);
    if new.exists() {
        return Err(Failure::Usage(format!("`{}` is there already, and is left as it is", new.display())));
    }
    if !recipe::is_go_project(&args.folder) {
        return Err(Failure::Usage(format!(
            "`{}` is there already, and `{}` is no Go project: what `tare init` could write beside it is for Go",
            path.display(),
            args.folder.display()
        )));
    }
    let text = std::fs::read(path).map_err(doing(format!("read `{}`", path.display())))?;
    if recipes::read(&args.go, &args.folder, None).is_ok_and(|recipe| recipe.dockerfile.as_bytes() == text) {
        println!("`{}` is what would be written, and is left as it is", path.display());
        return Ok(0);
    }
    let taken = take(args, path, &text)?;
    let recipe = recipe::go(&args.folder, &merged(&taken.ask, &recipes::ask(&args.go, None)?))
        .map_err(recipes::problem)?;
    put(&new, &recipe.dockerfile)?;
    ignore(args, &new, &recipe)?;
    print(&told(path, &taken, &recipe))?;
    recipe.notes.iter().chain(&taken.notes).for_each(|note| eprintln!("note: {note}"));
    Ok(0)
}

fn take(args: &Init, path: &Path, text: &[u8]) -> Result<Taken, Failure> {
    let wrong =
        |problems| Failure::Dockerfile { name: path.display().to_string(), text: text.to_vec(), problems };
    let dockerfile = match dockerfile::parse(text) {
        (dockerfile, problems) if problems.is_empty() => dockerfile,
        (_, problems) => return Err(wrong(problems)),
    };
    let listing = listing(&args.folder, path)?;
    let module = recipe::module(&args.folder);
    look(&dockerfile, &listing, module.as_deref()).map_err(wrong)
}

fn look(
    dockerfile: &Dockerfile,
    listing: &Listing,
    module: Option<&str>,
) -> Result<Taken, Vec<dockerfile::Diagnostic>> {
    let stages = dockerfile::stages(dockerfile)?;
    let plans = advice::plans(dockerfile, &Options::here(), &|_, _| None)?;
    Ok(advice::beside::take(&Old { stages: &stages, plan: &plans[0], listing, module }))
}

fn listing(folder: &Path, dockerfile: &Path) -> Result<Listing, Failure> {
    let what = || doing(format!("read context `{}`", folder.display()));
    let text = source::ignore_file(folder, Some(dockerfile)).map(|(_, text)| text).unwrap_or_default();
    let patterns = dockerfile::Patterns::parse(&text)
        .map_err(|d| Failure::Usage(format!("the ignore file, line {}: {}", d.line, d.message)))?;
    let root = Root::open(folder).map_err(what())?;
    let found = tree::scan(&root, b"", &patterns).map_err(what())?;
    let entry = |one: &tree::Found| Entry {
        path: String::from_utf8_lossy(&one.path).into_owned(),
        size: 0,
        is_dir: one.is_dir(),
    };
    Ok(Listing { entries: found.iter().map(entry).collect() })
}

/// What is taken over, with flags in the place of it.
fn merged(taken: &Ask, flags: &Ask) -> Ask {
    fn or<T: Clone>(flag: &[T], taken: &[T]) -> Vec<T> {
        if flag.is_empty() { taken.to_vec() } else { flag.to_vec() }
    }
    let mut interface = taken.interface.clone();
    if let Some(interface) = interface.as_mut().filter(|_| !flags.entrypoint.is_empty()) {
        interface.keeps_start = false;
    }
    Ask {
        mains: or(&flags.mains, &taken.mains),
        go: flags.go.clone(),
        tags: or(&flags.tags, &taken.tags),
        ldflags: flags.ldflags.clone().or(taken.ldflags.clone()),
        includes: [&taken.includes[..], &flags.includes[..]].concat(),
        entrypoint: or(&flags.entrypoint, &taken.entrypoint),
        interface,
        ..taken.clone()
    }
}

/// Docker and tare take the ignore file beside a Dockerfile before the folder's own. That stays as it is, and what it
/// lacks for the new file is in a copy of it.
fn ignore(args: &Init, new: &Path, recipe: &Recipe) -> Result<(), Failure> {
    let own = args.folder.join(".dockerignore").exists();
    let hides_new = dockerfile::Patterns::parse(recipe.ignore.as_bytes()).is_ok_and(|p| p.matches(NAME));
    let path = new.with_file_name(format!("{NAME}.dockerignore"));
    if own && hides_new {
        return Ok(());
    }
    if path.exists() {
        eprintln!("note: `{}` is left as it is", path.display());
        return Ok(());
    }
    let end = if recipe.ignore.is_empty() || recipe.ignore.ends_with('\n') { "" } else { "\n" };
    put(&path, &if own { format!("{}{end}{OWN}", recipe.ignore) } else { recipe.ignore.clone() })
}

fn told(path: &Path, taken: &Taken, recipe: &Recipe) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let list = |head: String, lines: Vec<String>| match lines.is_empty() {
        true => String::new(),
        false => format!("\n{head}\n{}", lines.iter().map(|line| format!("  {line}\n")).collect::<String>()),
    };
    let programs = recipe.mains.iter().map(|main| format!("the program {}", main.path));
    let stays = programs.chain(taken.stays.iter().cloned()).collect();
    let changes = advice::beside::changes(taken, recipe);
    list(format!("as in {name}:"), stays) + &list(format!("other than in {name}:"), changes)
}
