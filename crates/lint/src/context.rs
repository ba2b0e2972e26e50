//! What lies in a build context, as far as rules ask: handed in, for nothing here reads a folder.

use dockerfile::Patterns;

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

    /// The names that a build sees.
    pub fn seen(&self, ignore: Option<&Patterns>) -> Vec<&str> {
        let names = self.names.iter().map(|name| name.trim_end_matches('/'));
        names.filter(|name| !ignore.is_some_and(|ignore| ignore.matches(name))).collect()
    }
}
