//! A Dockerfile with what lies around it to what is found in it, or to a mended one: for each of the platforms, with
//! what is known of the images that it stands on.

use dockerfile::{Diagnostic, Dockerfile, Patterns};
use lint::{Checked, Context, Input, Mended, Reach, Rule};
use oci::Platform;
use plan::{Facts, Options};

use crate::commands::facts::Images;

/// What is looked at: a Dockerfile, what its context keeps out, and what lies in that, if it is known.
#[derive(Default)]
pub struct Subject {
    pub text: Vec<u8>,
    pub dockerfile: Dockerfile,
    pub problems: Vec<Diagnostic>,
    pub ignore: Option<Patterns>,
    pub context: Option<Context>,
}

/// How it is looked at.
pub struct Look<'a> {
    /// For the first platform.
    pub options: &'a Options,
    /// The others.
    pub further: &'a [Platform],
    pub reach: Reach,
    pub rules: &'a [&'static Rule],
    /// What is known of images.
    pub known: &'a dyn Fn(Images) -> Facts,
}

impl Look<'_> {
    fn each(&self) -> impl Iterator<Item = Options> {
        let platforms = std::iter::once(&self.options.platform).chain(self.further);
        platforms.map(|platform| Options { platform: platform.clone(), ..self.options.clone() })
    }
}

impl Subject {
    /// Reads a Dockerfile.
    pub fn read(text: Vec<u8>, ignore: Option<Patterns>) -> Subject {
        let (dockerfile, mut problems) = dockerfile::parse(&text);
        if problems.is_empty() {
            problems.extend(dockerfile::stages(&dockerfile).err().into_iter().flatten());
        }
        Subject { text, dockerfile, problems, ignore, context: None }
    }

    /// What is found for any of the platforms, once.
    ///
    /// # Errors
    /// If the directive `check` can't be understood.
    pub fn check(&self, look: &Look) -> Result<Checked, String> {
        let mut all = Checked::default();
        for options in look.each() {
            let facts = (look.known)(self.images(&options, look.reach));
            let input = Input { facts: Some(&facts), ..self.input(&options, look.reach) };
            let found = lint::check(&input, look.rules)?;
            all.is_error |= found.is_error;
            let further = all.warnings.len();
            let known = |warning: &lint::Warning| all.warnings[..further].contains(warning);
            let new: Vec<_> = found.warnings.into_iter().filter(|warning| !known(warning)).collect();
            all.warnings.extend(new);
        }
        all.warnings.sort_by_key(|warning| warning.line);
        Ok(all)
    }

    /// The file with everything mended that is safe to, for one platform after the other.
    ///
    /// # Errors
    /// As [`Subject::check`].
    pub fn mended(&self, look: &Look) -> Result<Mended, String> {
        let mut all = Mended { text: self.text.clone(), ..Mended::default() };
        for options in look.each() {
            let facts = (look.known)(self.images(&options, look.reach));
            let (dockerfile, problems) = dockerfile::parse(&all.text);
            let input = self.input(&options, look.reach);
            let extended = lint::extended(self.ignore.as_ref(), &all.unseen);
            let ignore = extended.as_ref().or(self.ignore.as_ref());
            let input =
                Input { text: &all.text, dockerfile: &dockerfile, problems: &problems, ignore, ..input };
            let one = lint::mend(&Input { facts: Some(&facts), ..input }, look.rules)?;
            all = merged(all, one);
        }
        Ok(all)
    }

    /// The images that are known by their names. A named context may be anything.
    pub fn images(&self, options: &Options, reach: Reach) -> Images {
        let mut images = lint::images(&self.input(options, reach));
        images.retain(|(name, _)| !options.image_contexts.contains(name));
        images
    }

    /// The same for `lint`.
    pub fn input<'a>(&'a self, options: &'a Options, reach: Reach) -> Input<'a> {
        Input {
            text: &self.text,
            dockerfile: &self.dockerfile,
            problems: &self.problems,
            options,
            reach,
            ignore: self.ignore.as_ref(),
            context: self.context.as_ref(),
            facts: None,
        }
    }
}

/// The patterns of an ignore file.
///
/// # Errors
/// With the line that is none.
pub fn patterns(name: &str, text: &[u8]) -> Result<Patterns, String> {
    Patterns::parse(text).map_err(|problem| format!("{name}:{}: {}", problem.line, problem.message))
}

fn merged(mut all: Mended, one: Mended) -> Mended {
    let changes: Vec<_> = one.changes.into_iter().filter(|new| !all.changes.contains(new)).collect();
    all.changes.extend(changes);
    all.unseen.extend(one.unseen);
    Mended { text: one.text, count: all.count + one.count, ..all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_platforms_have_in_common_is_told_once() {
        let text = b"FROM busybox AS B\nCMD x\n".to_vec();
        let further = [Platform::linux("s390x"), Platform::linux("riscv64")];
        let (options, rules, known) = (Options::here(), super::super::buildkit(), |_| Facts::default());
        let look =
            Look { options: &options, further: &further, reach: Reach::Asked, rules: &rules, known: &known };
        let subject = Subject::read(text, None);
        let checked = subject.check(&look).unwrap();
        let names: Vec<_> = checked.warnings.iter().map(|warning| warning.rule).collect();
        assert_eq!(names, ["StageNameCasing", "JSONArgsRecommended"]);
        let mended = subject.mended(&look).unwrap();
        assert_eq!((mended.count, &mended.text[..]), (2, &b"FROM busybox AS b\nCMD [\"x\"]\n"[..]));
    }
}
