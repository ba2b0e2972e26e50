//! What builds have to do with it: `--check` instead of one, warnings after one, and `# check=error=true`, which keeps
//! one from beginning.
//!
//! Only with BuildKit's rules: what else tare has to say is for those who ask for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dockerfile::{Diagnostic, Span};
use engine::bases::Bases;
use engine::origin::Origins;
use engine::{Built, Error, Settings, Voice};
use lint::{Checked, Config, Input, Reach, Warning};
use oci::Platform;
use plan::Want;
use serde_json::{Value, json};
use store::Store;

use super::buildkit;
use super::shown::{self, Advice};
use super::subject::{Look, Subject, patterns};
use crate::commands::build::plain;
use crate::commands::facts;

/// What `--check` has to say.
pub struct Answer {
    /// What to print.
    pub text: String,
    /// What is wrong, to be told after that.
    pub problems: Vec<Diagnostic>,
    /// Whether all is well.
    pub is_clean: bool,
}

/// Looks at what would be built.
///
/// # Errors
/// If the ignore file or the `check` directive can't be understood.
pub fn answer(settings: &mut Settings, is_json: bool) -> engine::Result<Answer> {
    let subject = subject(settings)?;
    let mut problems = subject.problems.clone();
    if problems.is_empty() {
        problems.extend(mistake(&subject, settings));
    }
    let mut checked = check(&subject, settings, Reach::Asked, facts::store().as_ref())?;
    if ask(&subject, settings, &checked)? {
        checked = check(&subject, settings, Reach::Asked, facts::store().as_ref())?;
    }
    let warnings = &checked.warnings;
    let text = match is_json {
        true => as_buildkit(settings, warnings, &problems),
        false => {
            let (name, text) = (&settings.dockerfile_name, &settings.dockerfile);
            sum(warnings.len()) + &shown::text(name, text, warnings, Advice::None)
        }
    };
    let is_clean = warnings.is_empty() && problems.is_empty();
    Ok(Answer { text, problems, is_clean })
}

/// Has images resolved that aren't known, where that makes a difference: nobody is to be blamed for a variable that
/// one of them sets, and for another platform there may be none. True if that came to something. An image that can't
/// be had is the build's to tell.
fn ask(subject: &Subject, settings: &mut Settings, checked: &Checked) -> engine::Result<bool> {
    let store = facts::store();
    let mut images = subject.images(&settings.plan, Reach::Asked);
    let known = store.map(|store| facts::known(&store, &settings.lock, images.clone())).unwrap_or_default();
    images.retain(|image| !lint::is_known(&image.0) && !known.images.contains_key(image));
    let is_here = |image: &(String, Platform)| image.1 == settings.plan.build_platform;
    let is_blamed = checked.warnings.iter().any(|found| found.rule == "UndefinedVar");
    if images.is_empty() || !(is_blamed || images.iter().any(|image| !is_here(image))) {
        return Ok(false);
    }
    crate::namespace::enter().map_err(plain)?;
    settings.may_work = true;
    let store = crate::home::store().map_err(plain)?;
    let (_user, origins) = (store.share()?, Origins::default());
    let voice = Voice::new(&drop);
    let resolve = |(name, platform)| {
        let want = Want { name, platform, line: 0, context: false, near: None };
        Bases::resolve(&[want], &store, settings, &origins, &voice).is_ok()
    };
    Ok(images.into_iter().map(resolve).filter(|found| *found).count() > 0)
}

/// What a build would say of the stages that it needs.
fn mistake(subject: &Subject, settings: &Settings) -> Option<Diagnostic> {
    let stages = dockerfile::stages(&subject.dockerfile).ok()?;
    plan::wants(&subject.dockerfile, &stages, &settings.plan).err()
}

/// buildx's words.
fn sum(count: usize) -> String {
    match count {
        0 => "Check complete, no warnings found.\n".to_owned(),
        1 => "Check complete, 1 warning has been found!\n".to_owned(),
        _ => format!("Check complete, {count} warnings have been found!\n"),
    }
}

/// BuildKit's names, in its order.
fn as_buildkit(settings: &Settings, warnings: &[Warning], problems: &[Diagnostic]) -> String {
    let one = |found: &Warning| {
        let mut value = json!({ "ruleName": found.rule, "description": found.description });
        if !found.url.is_empty() {
            value["url"] = json!(found.url);
        }
        value["detail"] = json!(found.message);
        value["location"] = ranges(found.line, found.end_line);
        value
    };
    let source = json!({
        "filename": settings.dockerfile_name,
        "language": "Dockerfile",
        "data": STANDARD.encode(&settings.dockerfile),
    });
    let mut value = json!({ "warnings": warnings.iter().map(one).collect::<Vec<_>>(), "sources": [source] });
    if let Some(problem) = problems.first() {
        value["buildError"] =
            json!({ "message": problem.message, "location": ranges(problem.line, problem.end_line) });
    }
    format!("{value:#}\n")
}

/// One a line.
fn ranges(first: u32, last: u32) -> Value {
    let one = |line: u32| json!({ "start": { "line": line }, "end": { "line": line } });
    json!({ "ranges": (first..=last.max(first)).map(one).collect::<Vec<_>>() })
}

/// What a build has to tell besides its result, each in BuildKit's words on one line. Nothing is asked of registries:
/// what the build stands on is in the store by now. One that couldn't begin has other things to tell.
pub fn warnings(settings: &Settings, store: &Store, built: &engine::Result<Built>) -> Vec<String> {
    // The engine itself tells of images for other platforms, and why a file to be copied isn't there.
    let told: &[&str] = match built {
        Ok(_) => &["InvalidBaseImagePlatform"],
        Err(Error::Step(_)) => &["InvalidBaseImagePlatform", "CopyIgnoredFile"],
        Err(_) => return Vec::new(),
    };
    let checked = subject(settings).and_then(|subject| check(&subject, settings, Reach::Built, Some(store)));
    let found = checked.unwrap_or_default().warnings;
    found.iter().filter(|found| !told.contains(&found.rule)).map(short).collect()
}

fn short(found: &Warning) -> String {
    format!("{}: {} (line {})", found.rule, found.message, found.line)
}

/// Keeps a build from beginning whose Dockerfile says that a warning is an error. As that mustn't be one for what
/// just isn't known yet, the images are resolved.
///
/// # Errors
/// If there is a warning, or the directive can't be understood. [`Error::NeedsWork`] as a build.
pub fn guard(settings: &Settings, store: &Store, voice: &Voice) -> engine::Result<()> {
    if !Config::is_given(&settings.dockerfile, &settings.plan.build_args) {
        return Ok(());
    }
    let subject = subject(settings)?;
    let config = Config::of(&subject.dockerfile, &settings.plan.build_args).map_err(misread)?;
    let Ok(stages) = dockerfile::stages(&subject.dockerfile) else { return Ok(()) };
    if !config.is_error || !subject.problems.is_empty() {
        return Ok(());
    }
    // What is wrong with the stages the build itself says better.
    let Ok(wants) = plan::wants(&subject.dockerfile, &stages, &settings.plan) else { return Ok(()) };
    let facts = Bases::resolve(&wants, store, settings, &Origins::default(), voice)?.facts();
    let input = Input { facts: Some(&facts), ..subject.input(&settings.plan, Reach::Built) };
    let checked = lint::check(&input, &buildkit()).map_err(misread)?;
    let Some(violation) = checked.violation() else { return Ok(()) };
    checked.warnings.iter().for_each(|found| voice.warn(short(found)));
    Err(Error::Other(violation))
}

fn subject(settings: &Settings) -> engine::Result<Subject> {
    let ignore = settings.ignore.as_ref().map(|(name, text)| patterns(name, text));
    let ignore = ignore.transpose().map_err(Error::Other)?;
    Ok(Subject::read(settings.dockerfile.clone(), ignore))
}

fn check(
    subject: &Subject,
    settings: &Settings,
    reach: Reach,
    store: Option<&Store>,
) -> engine::Result<Checked> {
    let known = |images| store.map(|store| facts::known(store, &settings.lock, images)).unwrap_or_default();
    let (options, further) = (&settings.plan, &settings.further[..]);
    subject.check(&Look { options, further, reach, rules: &buildkit(), known: &known }).map_err(misread)
}

/// The directive stands at the top.
fn misread(message: String) -> Error {
    Error::Dockerfile(vec![Diagnostic { line: 1, end_line: 1, span: Span::default(), message, help: None }])
}
