//! What `tare.lock` means to a build: names that must be in it, and names that have come to mean something else.
//!
//! Held to it are FROM, `--from` and what ADD fetches. What the command line names is the caller's: contexts, named
//! or not. A digest in the Dockerfile goes before the lock's.

use dockerfile::{Diagnostic, Span};
use oci::Reference;
use plan::lock;
use plan::{Op, Plan, Source, Want};

use crate::error::{Error, Result};
use crate::event::Voice;
use crate::settings::{NamedContext, Settings};
use crate::toolchain::Origin;

/// What is to be done about most of it.
const UPDATE: &str = "`tare pin --update` takes the new one";

/// Refuses images that are not in the lock, if `--locked` says so.
///
/// # Errors
/// With the lines of all of them.
pub(crate) fn check_images(wants: &[Want], settings: &Settings) -> Result<()> {
    let name = |want: &Want| match settings.contexts.get(&want.name) {
        Some(NamedContext::Go(go)) if go.from == Origin::Proxy(None) => Some(format!("Go {}", go.version)),
        Some(_) => None,
        None => {
            let name: Reference = want.name.parse().ok()?;
            let is_free = name.digest.is_none() && settings.lock.image(&name).is_none();
            is_free.then(|| lock::image_name(&name))
        }
    };
    refuse(settings, wants.iter().filter_map(|want| Some((want.line, name(want)?))))
}

/// Refuses what ADD would fetch and the lock hasn't, if `--locked` says so.
///
/// # Errors
/// With the lines of all of them.
pub(crate) fn check_sources(plans: &[Plan], settings: &Settings) -> Result<()> {
    let sources = plans.iter().flat_map(|plan| &plan.steps).flat_map(|step| {
        let sources = if let Op::Copy(copy) = &step.op { &copy.sources[..] } else { &[] };
        sources.iter().map(|source| (step.line, source))
    });
    let name = |source: &Source| match source {
        Source::Url { url, checksum: None } => settings.lock.url(url).is_none().then(|| lock::url_name(url)),
        Source::Git { git, .. } if git.commit().is_none() && git.checksum.is_none() => {
            settings.lock.commit(git).is_none().then(|| lock::git_name(git))
        }
        _ => None,
    };
    refuse(settings, sources.filter_map(|(line, source)| Some((line, name(source)?))))
}

fn refuse(settings: &Settings, names: impl Iterator<Item = (u32, String)>) -> Result<()> {
    if !settings.locked {
        return Ok(());
    }
    let mut problems: Vec<Diagnostic> = Vec::new();
    for (line, name) in names {
        let help = Some("`tare pin` adds what is missing".to_owned());
        let problem = problem(line, format!("`{name}` is not in {}", lock::NAME), help);
        // Of two platforms each wants it.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Dockerfile(problems)) }
}

/// A problem of a line.
pub(crate) fn problem(line: u32, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic { line, end_line: line, span: Span::default(), message, help }
}

/// What is to be said of a name that stands for something else by now: a warning, or with `--locked` an error.
///
/// # Errors
/// Then.
pub(crate) fn moved(settings: &Settings, voice: &Voice, name: &str, today: &str, locked: &str) -> Result<()> {
    let text = format!("`{name}` has moved from {locked} in {} to {today}", lock::NAME);
    match settings.locked {
        true => Err(Error::Other(format!("{text}\nhint: {UPDATE}"))),
        false => {
            voice.warn(format!("{text}: the locked one is taken; {UPDATE}"));
            Ok(())
        }
    }
}
