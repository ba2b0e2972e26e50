//! Which Dockerfile: its path and text to plans; of a Go project without one, the recipe's.

use std::path::{Path, PathBuf};

use dockerfile::Dockerfile;
use plan::lock::Lock;
use plan::{Options, Plan};

use crate::cli::Ignore;
use crate::commands::{facts, recipe, source};
use crate::failure::{Failure, doing};

/// What is built.
pub struct Build {
    /// The Dockerfile's path; of a recipe where there would be one.
    pub file: PathBuf,
    /// What was read of it.
    pub dockerfile: Dockerfile,
    /// What is known of arguments.
    pub options: Options,
    /// Every stage.
    pub plans: Vec<Plan>,
    /// The ignore file that goes with a recipe.
    pub recipe_ignore: Option<String>,
}

impl Build {
    /// Reads it.
    ///
    /// # Errors
    /// If there is none, or it is wrong.
    pub fn read(args: &Ignore, folder: &Path) -> Result<Build, Failure> {
        let (file, text, recipe_ignore) = match path(args, folder)? {
            Some(file) => {
                let text = std::fs::read(&file).map_err(doing(format!("read `{}`", file.display())))?;
                (file, text, None)
            }
            None => {
                let recipe = ::recipe::go(folder, &::recipe::Ask::default()).map_err(recipe::problem)?;
                (folder.join("Dockerfile"), recipe.dockerfile.into_bytes(), Some(recipe.ignore))
            }
        };
        let wrong = |problems| {
            let (name, text) = (file.display().to_string(), text.clone());
            Failure::Dockerfile { name, text, problems }
        };
        let given = crate::commands::build::pairs(&args.build_args, true)?;
        let mut options = Options { build_args: given, ..Options::here() };
        let dockerfile = match dockerfile::parse(&text) {
            (dockerfile, problems) if problems.is_empty() => dockerfile,
            (_, problems) => return Err(wrong(problems)),
        };
        let plans = planned(&dockerfile, &mut options).map_err(wrong)?;
        Ok(Build { dockerfile, options, plans, recipe_ignore, file })
    }
}

/// The plans of a Dockerfile. Arguments without a value may be anything.
///
/// # Errors
/// What is wrong with it.
pub fn planned(source: &Dockerfile, options: &mut Options) -> Result<Vec<Plan>, Vec<dockerfile::Diagnostic>> {
    let stages = dockerfile::stages(source)?;
    for name in advice::open_arguments(&stages, options) {
        options.build_args.insert(name, advice::ANYTHING.to_owned());
    }
    let (store, unpinned) = (facts::store(), Lock::default());
    advice::plans(source, options, &|name, platform| facts::fact(store.as_ref()?, &unpinned, name, platform))
}

/// As a build finds it.
fn path(args: &Ignore, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if let Some(file) = &args.file {
        if file == Path::new("-") {
            return Err(Failure::Usage("`tare ignore` needs a Dockerfile that is a file".to_owned()));
        }
        return Ok(Some(source::named_dockerfile(file, folder)));
    }
    let found = source::found_dockerfile(folder);
    match found.is_some() || ::recipe::is_go_project(folder) {
        true => Ok(found),
        false => Err(Failure::Usage(format!("no Dockerfile in `{}`; name one with -f", folder.display()))),
    }
}
