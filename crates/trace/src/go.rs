//! Names to what they mean to `go build`.
//!
//! go lists a package's directory, takes the sources by their suffix, and asks for the status of every name in it,
//! only to know whether its index of the directory is still good (cmd/go/internal/modindex/read.go, `dirHash`: a
//! key of names, sizes and times). So the status of a README goes into a key of go's own cache and into nothing
//! that it builds.

use crate::look::Look;
use crate::tree::{Holds, Node};

/// Suffixes of what can be part of a package: those of go/build/build.go (`fileListForExt`), those of module files
/// and profiles, those that a linker takes, and those that modfetch/fetch.go asks for to find out whether it has a
/// module.
const SUFFIXES: [&str; 29] = [
    "go", "c", "cc", "cpp", "cxx", "m", "h", "hh", "hpp", "hxx", "f", "F", "for", "f90", "s", "S", "sx",
    "swig", "swigcxx", "syso", "mod", "sum", "work", "pgo", "a", "o", "so", "zip", "ziphash",
];

/// Names that go asks for as such: the marks of version control, of which some may be files
/// (cmd/go/internal/vcs/vcs.go, `RootNames`), the list of what is vendored, and a toolchain's settings.
const NAMES: [&str; 8] = [".git", ".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_", "modules.txt", "go.env"];

/// Whether a regular file of this name can be an input of a build.
pub(crate) fn is_input(name: &[u8]) -> bool {
    let suffix = name.iter().rposition(|&b| b == b'.').map(|dot| &name[dot + 1..]);
    suffix.is_some_and(|suffix| SUFFIXES.iter().any(|s| s.as_bytes() == suffix))
        || NAMES.iter().any(|n| n.as_bytes() == name)
}

/// What a listed file's size stands for, if go has read the file before and knows it by that: of a Go file the head,
/// and whatever else can be an input is rare, and taken whole.
pub(crate) fn indexed(name: &[u8]) -> Option<Look> {
    match name {
        name if name.ends_with(b".go") => Some(Look::GoHead),
        name if is_input(name) => Some(Look::Content),
        _ => None,
    }
}

/// Whether it is a test, of which `go build` reads the imports and nothing more.
pub(crate) fn is_test(name: &[u8]) -> bool {
    name.ends_with(b"_test.go")
}

/// Whether a name in a directory counts. A directory may be a package, a link is followed or warned about, and a
/// whiteout may hide either.
pub(crate) fn means_something(node: &Node) -> bool {
    let counts = match node.holds {
        Holds::File { .. } => false,
        Holds::Dir(_) => !is_passed_over(&node.name),
        Holds::Symlink { .. } | Holds::Whiteout => true,
    };
    counts || is_input(&node.name)
}

/// Whether `./...` and the like don't go into a directory of that name (cmd/go/internal/modload/search.go,
/// `matchPackages` and `walkFromIndex`; cmd/go/internal/search/search.go, `MatchDirs` and `MatchPackages`).
///
/// Whoever else lists directories for a build either takes no directory from the list (go/build, modindex,
/// imports/scan.go, load/pkg.go's `hasGoFiles`), only one that has a source's name (internal/goroot/gc.go), puts it into
/// an index of a module that is asked by import path (modindex/scan.go), or embeds it, which is `embed`'s business.
/// What is imported from such a directory all the same is looked up by its name.
fn is_passed_over(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'.' | b'_')) || name == b"testdata"
}
