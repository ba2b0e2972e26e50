//! Variables: what `$NAME` means at a place of the Dockerfile.
//!
//! ENV and declared ARGs live in one ordered list, because the later of the two wins (trap 35).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use dockerfile::expand::{Expanded, Mode, Vars, expand, expand_words_counted};
use dockerfile::steps;
use oci::Platform;

use crate::Options;
use crate::budget::Budget;

/// The names of the proxy arguments that need no declaration; any letter case (trap 37).
const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// An ordered list of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    vars: Vec<(String, String)>,
    /// Where in the list each name is: a hundred thousand ENVs would be looked through a hundred thousand times.
    places: HashMap<String, usize>,
    bytes: usize,
    /// What filling variables in is charged to.
    pub budget: Budget,
}

/// What a variable takes beside its text.
const EACH: usize = size_of::<(String, String)>();

impl Scope {
    /// An empty one, whose variables are charged to a budget that there is: a few lines could take all memory.
    pub fn within(budget: &Budget) -> Scope {
        Scope { budget: budget.clone(), ..Scope::default() }
    }

    /// Sets a variable; one that was there keeps its place.
    pub fn set(&mut self, name: &str, value: &str) {
        steps::note(name.len() + value.len());
        match self.places.get(name) {
            Some(place) => {
                let old = std::mem::replace(&mut self.vars[*place].1, value.to_owned());
                self.bytes = self.bytes - old.len() + value.len();
            }
            None => {
                self.places.insert(name.to_owned(), self.vars.len());
                self.vars.push((name.to_owned(), value.to_owned()));
                self.bytes += EACH + name.len() + value.len();
            }
        }
    }

    /// Sets a variable if it is there. Whether it was.
    pub fn replace(&mut self, name: &str, value: &str) -> bool {
        let known = self.places.contains_key(name);
        if known {
            self.set(name, value);
        }
        known
    }

    /// A variable's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        steps::note(name.len());
        self.places.get(name).map(|place| self.vars[*place].1.as_str())
    }

    /// What a copy of all takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A word with its variables filled in.
    ///
    /// # Errors
    /// If it can't be expanded, or the budget is spent.
    pub fn expand(&self, text: &str, escape: char, mode: Mode) -> Result<Expanded, String> {
        let expanded = expand(text, escape, self, mode).map_err(|e| self.budget.failed(&e))?;
        self.budget.charge(expanded.work)?;
        Ok(expanded)
    }

    /// A word that may become several.
    ///
    /// # Errors
    /// As [`Scope::expand`].
    pub fn expand_words(&self, text: &str, escape: char) -> Result<Vec<String>, String> {
        let words = expand_words_counted(text, escape, self, Mode::WORD);
        let (words, work) = words.map_err(|e| self.budget.failed(&e))?;
        self.budget.charge(work)?;
        Ok(words)
    }

    /// All of them, in order of their first definition.
    pub fn all(&self) -> &[(String, String)] {
        &self.vars
    }
}

impl Vars for Scope {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(name).map(Cow::Borrowed)
    }
}

/// Whether a build argument is one of the predefined proxies.
pub fn is_proxy(name: &str) -> bool {
    PROXIES.iter().any(|p| p.eq_ignore_ascii_case(name))
}

/// The predefined platform arguments, and the target's name.
pub fn platform_args(options: &Options, target: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (prefix, platform) in [("BUILD", &options.build_platform), ("TARGET", &options.platform)] {
        for (suffix, value) in parts(platform) {
            out.insert(format!("{prefix}{suffix}"), value);
        }
    }
    out.insert("TARGETSTAGE".to_owned(), target.to_owned());
    out
}

fn parts(platform: &Platform) -> [(&'static str, String); 5] {
    [
        ("PLATFORM", platform.to_string()),
        ("OS", platform.os.clone()),
        ("OSVERSION", platform.os_version.clone().unwrap_or_default()),
        ("ARCH", platform.architecture.clone()),
        ("VARIANT", platform.variant.clone().unwrap_or_default()),
    ]
}

/// What BuildKit says of such arguments, all in one sentence.
pub fn unconsumed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("one or more build-args [{}] were not consumed", names.join(" ")))
}

/// The build arguments that no ARG declares: most likely a slip of the pen.
pub fn unused(options: &Options, declared: &BTreeSet<String>) -> Vec<String> {
    let known = |name: &str| {
        declared.contains(name)
            || is_proxy(name)
            || name.starts_with("BUILDKIT_")
            || name == "SOURCE_DATE_EPOCH"
    };
    options.build_args.keys().filter(|name| !known(name)).cloned().collect()
}
