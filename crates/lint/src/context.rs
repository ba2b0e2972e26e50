//! What lies in a build context, as far as rules ask: handed in, for nothing here reads a folder.

use dockerfile::Patterns;

use crate::clutter;

/// What lies in a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The names at its top, sorted; a folder's ends in `/`.
    pub names: Vec<String>,
}

impl Context {
    /// Whether there is a file of that name, or a folder.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.trim_end_matches('/') == name)
    }

    /// The names of Dockerfiles.
    pub fn dockerfiles(&self) -> Vec<&str> {
        let names = self.names.iter().map(String::as_str);
        names.filter(|name| clutter::is_dockerfile(name)).collect()
    }

    /// Whether any name is one of those that a build rarely has a use for, but for the Dockerfiles themselves.
    pub fn has_clutter(&self) -> bool {
        let mut names = self.names.iter().map(|name| name.trim_end_matches('/'));
        names.any(|name| clutter::is_clutter(name) && !clutter::is_dockerfile(name))
    }

    /// Leaves out what a build rarely has a use for, and another Dockerfile asks for: it is not to be kept out.
    pub fn spare(&mut self, is_asked_for: impl Fn(&str) -> bool) {
        self.names.retain(|name| {
            let name = name.trim_end_matches('/');
            !(clutter::is_clutter(name) && is_asked_for(name))
        });
    }

    /// The names that a build sees.
    pub fn seen(&self, ignore: Option<&Patterns>) -> Vec<&str> {
        let names = self.names.iter().map(|name| name.trim_end_matches('/'));
        names.filter(|name| !ignore.is_some_and(|ignore| ignore.matches(name))).collect()
    }
}
