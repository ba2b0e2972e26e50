//! `tare lint`: what deserves a warning in a Dockerfile. Nothing is built, and no registry is asked.
//!
//! Reads the file and its ignore file, and hands both to `lint`; what that finds is `shown`'s to write. What a build
//! has to do with it is in `of_build`. A file that can't be read whole is an error, after what was found in it.

mod facts;
mod of_build;
mod shown;

use std::io::Read;
use std::path::{Path, PathBuf};

use dockerfile::{Diagnostic, Dockerfile, Patterns};
use lint::{Checked, Input, Origin, Reach, Rule};
use oci::Platform;
use plan::Options;
use store::Store;

use super::images::table::print;
use super::source;
use crate::cli::{Lint, LintFormat, RuleSet};
use crate::failure::{Failure, Outcome};

pub use of_build::{Answer, answer, guard, warnings};

/// Prints what was found, the rules, or one of them.
pub fn run(args: &Lint) -> Outcome {
    let is_json = args.json || args.format == LintFormat::Json;
    if args.list_rules {
        print(&if is_json { shown::rules_json(&rules(args)) } else { shown::rules_text(&rules(args)) })?;
        return Ok(0);
    }
    if let Some(name) = &args.explain {
        print(&lint::page::page(find(name)?))?;
        return Ok(0);
    }
    let file = file(args)?;
    let subject = Subject::read(file.text, file.ignore);
    let (options, further) = options(args, &subject)?;
    let store = facts::store();
    let checked = subject.check(&options, &further, Reach::Asked, store.as_ref(), &rules(args));
    let checked = checked.map_err(Failure::Usage)?;
    print(&match is_json {
        true => shown::json(&checked.warnings),
        false => shown::text(&file.name, &subject.text, &checked.warnings),
    })?;
    if !subject.problems.is_empty() {
        subject.report(&file.name);
        return Ok(2);
    }
    Ok(i32::from(!checked.warnings.is_empty()))
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

/// What is looked at: a Dockerfile, and what its context keeps out.
struct Subject {
    text: Vec<u8>,
    dockerfile: Dockerfile,
    problems: Vec<Diagnostic>,
    ignore: Option<Patterns>,
}

impl Subject {
    fn read(text: Vec<u8>, ignore: Option<Patterns>) -> Subject {
        let (dockerfile, mut problems) = dockerfile::parse(&text);
        if problems.is_empty() {
            problems.extend(dockerfile::stages(&dockerfile).err().into_iter().flatten());
        }
        Subject { text, dockerfile, problems, ignore }
    }

    fn report(&self, name: &str) {
        let (name, text) = (name.to_owned(), self.text.clone());
        Failure::Dockerfile { name, text, problems: self.problems.clone() }.report();
    }

    /// What is found for any of the platforms, once.
    fn check(
        &self,
        options: &Options,
        further: &[Platform],
        reach: Reach,
        store: Option<&Store>,
        rules: &[&'static Rule],
    ) -> Result<Checked, String> {
        let mut all = Checked::default();
        for platform in std::iter::once(&options.platform).chain(further) {
            let options = Options { platform: platform.clone(), ..options.clone() };
            let input = self.input(&options, reach);
            let facts = store.map(|store| facts::known(store, self.images(&options, reach)));
            let found = lint::check(&Input { facts: facts.as_ref(), ..input }, rules)?;
            all.is_error |= found.is_error;
            let further = all.warnings.len();
            let known = |warning: &lint::Warning| all.warnings[..further].contains(warning);
            let new: Vec<_> = found.warnings.into_iter().filter(|warning| !known(warning)).collect();
            all.warnings.extend(new);
        }
        all.warnings.sort_by_key(|warning| warning.line);
        Ok(all)
    }

    /// The images that are known by their names. A named context may be anything.
    fn images(&self, options: &Options, reach: Reach) -> Vec<(String, Platform)> {
        let mut images = lint::images(&self.input(options, reach));
        images.retain(|(name, _)| !options.image_contexts.contains(name));
        images
    }

    fn input<'a>(&'a self, options: &'a Options, reach: Reach) -> Input<'a> {
        let (text, dockerfile, problems) = (&self.text[..], &self.dockerfile, &self.problems[..]);
        Input {
            text,
            dockerfile,
            problems,
            options,
            reach,
            ignore: self.ignore.as_ref(),
            context: None,
            facts: None,
        }
    }
}

/// What is on disk, or came on standard input.
struct File {
    name: String,
    text: Vec<u8>,
    ignore: Option<Patterns>,
}

fn file(args: &Lint) -> Result<File, Failure> {
    let given = args.file.as_ref().filter(|path| path.as_path() == Path::new("-") || !path.is_dir());
    let folder = args.file.clone().filter(|_| given.is_none());
    let beside =
        given.and_then(|path| path.parent()).filter(|folder| *folder != Path::new("")).map(PathBuf::from);
    let context = args.context.clone().or(folder.clone()).or(beside).unwrap_or_else(|| PathBuf::from("."));
    let ignore = ignore(&context, given.map(PathBuf::as_path))?;
    let path = match given {
        Some(path) if path == Path::new("-") => {
            return Ok(File { name: "-".to_owned(), text: stdin()?, ignore });
        }
        Some(path) => path.clone(),
        None => usual(&folder.unwrap_or_else(|| context.clone()))?,
    };
    let text = std::fs::read(&path).map_err(unreadable(format!("`{}`", path.display())))?;
    Ok(File { name: path.display().to_string(), text, ignore })
}

fn usual(folder: &Path) -> Result<PathBuf, Failure> {
    let none = || Failure::Usage(format!("no Dockerfile in `{}`", folder.display()));
    let found = source::found_dockerfile(folder).ok_or_else(none)?;
    // As people would write it.
    Ok(found.strip_prefix(".").map(Path::to_owned).unwrap_or(found))
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut text);
    read.map_err(unreadable("the Dockerfile from standard input".to_owned())).map(|_| text)
}

/// Exit code 2: there is nothing to have findings in.
fn unreadable(what: String) -> impl FnOnce(std::io::Error) -> Failure {
    move |e| Failure::Usage(format!("read {what}: {}", store::plain(&e)))
}

fn ignore(context: &Path, file: Option<&Path>) -> Result<Option<Patterns>, Failure> {
    let Some((name, text)) = source::ignore_file(context, file) else { return Ok(None) };
    patterns(&name, &text).map(Some).map_err(Failure::Usage)
}

fn patterns(name: &str, text: &[u8]) -> Result<Patterns, String> {
    Patterns::parse(text).map_err(|problem| format!("{name}:{}: {}", problem.line, problem.message))
}

fn options(args: &Lint, subject: &Subject) -> Result<(Options, Vec<Platform>), Failure> {
    let mut platforms = super::platforms::read(args.platform.as_deref())?;
    let platform = platforms.remove(0);
    let build_args = super::build::pairs(&args.build_args, true)?;
    let options = Options { target: args.target.clone(), build_args, platform, ..Options::here() };
    if let (Some(name), Ok(stages)) = (&options.target, dockerfile::stages(&subject.dockerfile))
        && stages.target(name).is_none()
    {
        return Err(Failure::Usage(format!("target stage `{name}` could not be found")));
    }
    Ok((options, platforms))
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

    #[test]
    fn what_several_platforms_have_in_common_is_told_once() {
        let text = b"FROM busybox AS B\nCMD x\n".to_vec();
        let subject = Subject::read(text, None);
        let further = [Platform::linux("s390x"), Platform::linux("riscv64")];
        let checked = subject.check(&Options::here(), &further, Reach::Asked, None, &buildkit()).unwrap();
        let names: Vec<_> = checked.warnings.iter().map(|warning| warning.rule).collect();
        assert_eq!(names, ["StageNameCasing", "JSONArgsRecommended"]);
    }
}
