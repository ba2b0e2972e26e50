//! The sources of COPY, ADD and bind mounts that are the context's, and how a path stands to them.

use std::collections::BTreeSet;

use dockerfile::glob::Glob;
use dockerfile::mount::MountType;
use plan::{From, Op, Plan};

use crate::listing::Listing;
use crate::plans::ANYTHING;

/// A path or pattern of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Clean: relative, without `.` and `..`; empty is the whole context.
    pub text: String,
    parts: Vec<Glob>,
}

/// How a path stands to what a source names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They have nothing to do with each other.
    Apart,
    /// The path is a folder in which something is named.
    Above,
    /// The path is what is named.
    Same,
    /// The path is in a folder that is named.
    Below,
}

impl Named {
    /// Reads a source; one that is no pattern at all names nothing.
    pub fn parse(text: &str) -> Option<Named> {
        let text = clean(text);
        let parts = text.split('/').filter(|part| !part.is_empty());
        let parts = parts.map(Glob::parse).collect::<Result<_, _>>().ok()?;
        Some(Named { text, parts })
    }

    /// Whether it takes whatever is there, and so means nothing in particular.
    pub fn is_whole(&self) -> bool {
        self.text.is_empty() || self.text == "*"
    }

    /// Whether it depends on an argument that nobody has given.
    pub fn is_open(&self) -> bool {
        self.text.contains(ANYTHING)
    }

    /// How a path stands to it.
    pub fn standing(&self, path: &str) -> Standing {
        let names: Vec<&str> = path.split('/').collect();
        if !self.parts.iter().zip(&names).all(|(part, name)| part.matches(name)) {
            return Standing::Apart;
        }
        match self.parts.len().cmp(&names.len()) {
            std::cmp::Ordering::Greater => Standing::Above,
            std::cmp::Ordering::Equal => Standing::Same,
            std::cmp::Ordering::Less => Standing::Below,
        }
    }

    /// Whether it finds a file.
    pub fn finds(&self, listing: &Listing) -> bool {
        let is_its = |path: &str| matches!(self.standing(path), Standing::Same | Standing::Below);
        listing.entries.iter().any(|entry| !entry.is_dir && is_its(&entry.path))
    }
}

/// As seen from the context, which nothing leads out of.
pub fn clean(path: &str) -> String {
    plan::path::clean(&format!("/{path}")).trim_start_matches('/').to_owned()
}

/// What plans take from the context, each once.
pub fn sources(plans: &[Plan]) -> Vec<Named> {
    let texts: BTreeSet<String> = plans.iter().flat_map(|plan| &plan.steps).flat_map(|s| of(&s.op)).collect();
    texts.iter().filter_map(|text| Named::parse(text)).collect()
}

fn of(op: &Op) -> Vec<String> {
    match op {
        Op::Copy(copy) if copy.from == From::Context => {
            copy.sources.iter().filter_map(|source| source.path()).map(clean).collect()
        }
        Op::Run(run) => {
            let here = |(mount, from): &&(dockerfile::Mount, From)| {
                *from == From::Context && mount.kind == MountType::Bind
            };
            let mounts = run.mounts.iter().filter(here);
            mounts.map(|(mount, _)| clean(mount.source.as_deref().unwrap_or_default())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standings() {
        for (source, path, expected) in [
            ("docs/", "docs", Standing::Same),
            ("./docs/../docs", "docs/a", Standing::Below),
            ("a/b*/c", "a", Standing::Above),
            ("a/b*/c", "a/bx/c", Standing::Same),
            ("a/b*/c", "a/x", Standing::Apart),
            ("*.md", "README.md", Standing::Same),
            ("*.md", "docs/a.md", Standing::Apart),
        ] {
            assert_eq!(Named::parse(source).map(|n| n.standing(path)), Some(expected), "{source} {path}");
        }
        assert!(Named::parse(".").is_some_and(|n| n.is_whole()));
        assert!(Named::parse("[").is_none());
    }

    #[test]
    fn of_a_dockerfile() {
        let text = b"FROM a AS b\nARG X\nCOPY . .\nADD x/ http://h/y $X /z/\n\
            RUN --mount=type=bind,source=m,target=/m --mount=type=cache,target=/c true\n\
            FROM scratch\nCOPY --from=b /no /\nCOPY <<EOF /y\nEOF\n";
        let (source, _) = dockerfile::parse(text);
        let mut options = plan::Options::here();
        let stages = dockerfile::stages(&source).expect("well-formed");
        for name in crate::open_arguments(&stages, &options) {
            options.build_args.insert(name, ANYTHING.to_owned());
        }
        let plans = crate::plans(&source, &options, &|_, _| None).expect("well-formed");
        let all = sources(&plans);
        assert_eq!(all.iter().map(|n| n.text.as_str()).collect::<Vec<_>>(), ["", "?*", "m", "x"]);
        assert!(all[1].is_open() && !all[1].is_whole());
    }
}
