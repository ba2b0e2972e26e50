//! Modules that compile without a C compiler and then don't work: what the compiler can't say, as notes.
//!
//! A package that needs C and says so stops the build, with advice of its own. These have a stand-in for builds
//! without cgo, which fails when it is used.

use crate::project::Project;

/// Module, and what does the same in pure Go.
const HOLLOW: [(&str, &str); 3] = [
    ("github.com/mattn/go-sqlite3", "modernc.org/sqlite or github.com/ncruces/go-sqlite3"),
    ("github.com/mutecomm/go-sqlcipher", "github.com/ncruces/go-sqlite3"),
    ("github.com/mutecomm/go-sqlcipher/v4", "github.com/ncruces/go-sqlite3"),
];

/// What to tell about the project's requirements.
pub fn notes(project: &Project) -> Vec<String> {
    let requires = |module: &str| project.modules.iter().any(|m| m.file.requires.iter().any(|r| r == module));
    let found = HOLLOW.iter().filter(|(module, _)| requires(module));
    found.map(|(module, instead)| note(module, instead)).collect()
}

fn note(module: &str, instead: &str) -> String {
    format!(
        "`{module}` needs C code (cgo): compiled without, it fails when it is first used; {instead} is in pure Go, \
         or write a Dockerfile with a C compiler in it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn check(requires: &str, count: usize) {
        let scratch = Scratch::new(&[("go.mod", &format!("module a.b/c\n\nrequire {requires} v1.0.0\n"))]);
        let found = notes(&Project::read(&scratch.path).unwrap());
        assert_eq!(found.len(), count, "{found:?}");
    }

    #[test]
    fn a_module_that_compiles_to_nothing_is_told() {
        check("github.com/mattn/go-sqlite3", 1);
        check("github.com/google/uuid", 0);
    }
}
