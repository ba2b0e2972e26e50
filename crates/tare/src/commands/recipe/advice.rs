//! What the go command said when a recipe's step failed, to what its user can do.
//!
//! The go command doesn't know that it ran without a C compiler on purpose, or that there is no shell to type
//! its suggestions into. Each rule here is one sentence of its output, and one of ours.

use std::path::{Path, PathBuf};

use engine::Settings;
use engine::error::StepError;
use recipe::Recipe;
use store::Store;

/// Adds advice to a step's failure, if there is any to give.
pub fn add(recipe: &Recipe, store: &Store, settings: &Settings, error: engine::Error) -> engine::Error {
    let engine::Error::Step(mut step) = error else { return error };
    let modules = store.cache_path(&engine::mounts::cache_name("/go/pkg/mod"));
    let places = Places { modules, context: settings.context.folder().map(Path::to_owned) };
    if let Some(help) = advice(&step, &places, recipe) {
        step.help = Some(help);
    }
    engine::Error::Step(step)
}

/// Where the folders that the go command names are on this machine.
struct Places {
    modules: PathBuf,
    context: Option<PathBuf>,
}

fn advice(step: &StepError, places: &Places, recipe: &Recipe) -> Option<String> {
    if let Some(package) = needs_cgo(&step.tail, places) {
        return Some(format!(
            "package `{package}` has C code (cgo), and tare compiles without a C compiler: use a package in pure Go \
             in its place, or write a Dockerfile with a C compiler in it (`tare init` writes one to start from)"
        ));
    }
    let says = |text: &str| step.tail.iter().any(|line| line.contains(text));
    let go = &recipe.go.version;
    let text = if super::git::misses_git(step) {
        "a module is on no module proxy and has to be fetched with git: install git on this machine, or name a proxy \
         that has it in GOPROXY"
            .to_owned()
    } else if says("missing go.sum entry")
        || says("no required module provides package")
        || says("updates to go.mod needed")
    {
        "go.mod or go.sum is not complete: run `go mod tidy` and commit both".to_owned()
    } else if says("checksum mismatch") || says("SECURITY ERROR") {
        "a module's content is not what go.sum or the checksum database says: find out why before you go on; \
         nothing was built"
            .to_owned()
    } else if says("unknown revision") || says("404 Not Found") || says("410 Gone") || says("invalid version")
    {
        "go.mod asks for a module or a version that isn't there: correct it, or name the proxy that has it in GOPROXY \
         (GOPRIVATE for modules of your own)"
            .to_owned()
    } else if says("requires go >=") {
        format!(
            "the project's own go.mod allows Go {go}, but something in it needs a newer one: raise its go line"
        )
    } else if no_network(step) && is_download(step, recipe) {
        "the module proxy can't be reached: check GOPROXY and HTTPS_PROXY, or build once where there is a network; \
         what is in the store is not downloaded again"
            .to_owned()
    } else if no_network(step) {
        "the modules that this step needs were removed from the store's cache: build once with --no-cache"
            .to_owned()
    } else {
        return None;
    };
    Some(text)
}

fn no_network(step: &StepError) -> bool {
    let signs = ["dial tcp", "no such host", "network is unreachable", "connection refused", "i/o timeout"];
    step.tail.iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
}

fn is_download(step: &StepError, recipe: &Recipe) -> bool {
    recipe.download_line == usize::try_from(step.line).ok()
}

/// The first package that the compiler had trouble with and that has C code in it.
fn needs_cgo(tail: &[String], places: &Places) -> Option<String> {
    tail.iter().flat_map(|line| folders(line)).find_map(|folder| {
        let (here, package) = places.find(&folder)?;
        has_cgo(&here).then_some(package)
    })
}

/// What looks like a folder with Go files: where nothing was left to compile, or where a name wasn't defined.
fn folders(line: &str) -> Vec<String> {
    if let Some((_, folder)) = line.split_once("build constraints exclude all Go files in ") {
        return vec![folder.trim().to_owned()];
    }
    let file = line.split(".go:").next().filter(|_| line.contains(": undefined: ")).unwrap_or_default();
    file.rsplit_once('/').map(|(folder, _)| folder.trim().to_owned()).into_iter().collect()
}

const MODULES: &str = "/go/pkg/mod/";

impl Places {
    /// A folder as the step sees it, or as the compiler shortens it, to where it is and how it is imported.
    fn find(&self, folder: &str) -> Option<(PathBuf, String)> {
        let inside = folder.split_once(MODULES).map(|(_, rest)| rest);
        if let Some(rest) = inside {
            return Some((self.modules.join(rest), without_version(rest)));
        }
        let own = folder.strip_prefix("/src/").unwrap_or(folder).trim_start_matches("./");
        Some((self.context.as_ref()?.join(own), format!("./{own}")))
    }
}

/// `github.com/!burnt/x@v1.2.0/sub` is imported as `github.com/Burnt/x/sub`.
fn without_version(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').map(|part| part.split('@').next().unwrap_or(part)).collect();
    let mut out = String::new();
    let mut capital = false;
    for c in parts.join("/").chars() {
        match (c, capital) {
            ('!', _) => capital = true,
            (c, true) => {
                out.push(c.to_ascii_uppercase());
                capital = false;
            }
            (c, false) => out.push(c),
        }
    }
    out
}

fn has_cgo(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let go = files.map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "go"));
    go.filter_map(|path| std::fs::read(path).ok()).any(|text| imports_c(&String::from_utf8_lossy(&text)))
}

fn imports_c(text: &str) -> bool {
    text.lines().any(|line| matches!(line.trim(), "import \"C\"" | "\"C\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_in_what_the_go_command_prints() {
        let check = |line: &str, want: &[&str]| assert_eq!(folders(line), want, "{line}");
        check(
            "\timports a.b/c: build constraints exclude all Go files in /go/pkg/mod/a.b/c@v1.0.0",
            &["/go/pkg/mod/a.b/c@v1.0.0"],
        );
        check("../go/pkg/mod/a.b/c@v1.0.0/x/y.go:12:5: undefined: foo", &["../go/pkg/mod/a.b/c@v1.0.0/x"]);
        check("./internal/c/y.go:12:5: undefined: foo", &["./internal/c"]);
        check("./main.go:3:1: syntax error", &[]);
    }

    #[test]
    fn a_folder_of_the_module_cache_is_a_package() {
        assert_eq!(without_version("github.com/!burnt!sushi/x@v1.2.0/sub"), "github.com/BurntSushi/x/sub");
    }

    #[test]
    fn c_code_is_seen_by_its_import() {
        assert!(imports_c("package a\n\nimport \"C\"\n"));
        assert!(imports_c("package a\nimport (\n\t\"C\"\n\t\"fmt\"\n)\n"));
        assert!(!imports_c("package a\n// import \"C\" is what cgo needs\n"));
    }
}
