//! The rules that no compiler checks, as tables: who may import whom, how long a file is, what a line
//! must not have in it. Reads sources only; formatting and lints are cargo's.

use crate::units::Count;
use crate::{Result, place, shell};
use std::path::{Path, PathBuf};

/// Who may import whom. A new arrow is a decision, not an accident: it goes with the flow of ARCHITECTURE.md.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("dockerfile", &[]),
    ("plan", &["oci", "dockerfile"]),
    ("lint", &["oci", "dockerfile", "plan"]),
    ("tree", &["oci", "dockerfile"]),
    ("layer", &["oci", "tree"]),
    ("store", &["oci", "plan", "tree", "layer", "trace"]),
    ("transport", &["oci"]),
    ("sandbox", &[]),
    ("trace", &["tree"]),
    ("goproxy", &["oci", "transport"]),
    ("recipe", &["oci"]),
    ("advice", &["oci", "dockerfile", "plan", "recipe"]),
    ("sbom", &["oci"]),
    (
        "engine",
        &[
            "oci",
            "dockerfile",
            "plan",
            "tree",
            "layer",
            "store",
            "transport",
            "goproxy",
            "sbom",
            "sandbox",
            "trace",
        ],
    ),
    (
        "tare",
        &[
            "oci",
            "dockerfile",
            "plan",
            "lint",
            "tree",
            "layer",
            "store",
            "transport",
            "goproxy",
            "recipe",
            "advice",
            "sbom",
            "sandbox",
            "trace",
            "engine",
        ],
    ),
    ("xtask", &[]),
];

/// At this length, two things live in a file.
const MOST_LINES: usize = 500;

/// Files that are longer, and why that is right.
const LONG: &[(&str, &str)] = &[];

/// Crates that may say `unsafe`.
const UNSAFE: &[&str] = &["sandbox", "trace"];

/// Words that no source has, put together so that this file hasn't them either.
const NEVER: &[(&str, &str)] = &[
    (concat!("todo", "!("), "a stub: write it, or leave it out"),
    (concat!("unimplemented", "!("), "a stub: write it, or leave it out"),
    (concat!("dbg", "!("), "left over from debugging"),
    (concat!("#[", "ignore"), "assert today's wrong answer instead, with a word on why it is wrong"),
    (concat!("\"/", "work/"), "a path of one machine"),
    (concat!(" /", "work/"), "a path of one machine"),
    (concat!("/", "farm/"), "a path of one machine"),
];

/// The chore.
pub fn run(_: &[String]) -> Result<()> {
    let count = check();
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed == 0 { Ok(()) } else { Err("tidy found something, see above".into()) }
}

/// Every check, each printed and counted.
pub fn check() -> Count {
    let mut count = Count::default();
    count += Count::of("imports follow the table", joined(imports()));
    count += Count::of("every dependency has its reason", joined(reasons()));
    count += Count::of("files are short and clean", joined(sources()));
    count += Count::of(
        "cargo fmt --check",
        shell::run(place::cargo().args(["fmt", "--all", "--check", "--", "-l"])),
    );
    count += Count::of("cargo clippy", clippy());
    count
}

fn clippy() -> Result<()> {
    shell::run(place::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))
}

fn joined(found: Result<Vec<String>>) -> Result<()> {
    match found? {
        lines if lines.is_empty() => Ok(()),
        lines => Err(lines.join("\n")),
    }
}

fn imports() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in packages()? {
        let name = package.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((_, may)) = MAY_IMPORT.iter().find(|row| row.0 == name) else {
            found.push(format!("`{name}` stands in no row of the table in xtask/src/tidy.rs"));
            continue;
        };
        let ours = |import: &String| MAY_IMPORT.iter().any(|row| row.0 == import);
        let imports = dependencies(&package.join("Cargo.toml"))?;
        for import in imports.iter().filter(|i| ours(i) && !may.contains(&i.as_str())) {
            found.push(format!("`{name}` imports `{import}`, and the table in xtask/src/tidy.rs says no"));
        }
    }
    Ok(found)
}

fn packages() -> Result<Vec<PathBuf>> {
    let crates = place::root().join("crates");
    let entries = std::fs::read_dir(&crates).map_err(|e| format!("list `{}`: {e}", crates.display()))?;
    let mut all: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.join("Cargo.toml").is_file()).collect();
    all.push(place::root().join("xtask"));
    all.sort();
    Ok(all)
}

fn dependencies(manifest: &Path) -> Result<Vec<String>> {
    let text = shell::read(manifest)?;
    let value: toml::Table = text.parse().map_err(|e| format!("`{}`: {e}", manifest.display()))?;
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    Ok(tables.iter().filter_map(|t| value.get(*t)?.as_table()).flat_map(|t| t.keys().cloned()).collect())
}

/// A dependency of the workspace has a comment behind it; ours have theirs in ARCHITECTURE.md.
fn reasons() -> Result<Vec<String>> {
    let text = shell::read(&place::root().join("Cargo.toml"))?;
    let table = text.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    Ok(table.lines().filter(|line| lacks_reason(line)).map(|line| format!("no reason: {line}")).collect())
}

fn lacks_reason(line: &str) -> bool {
    let is_dependency = line.contains('=') && !line.starts_with('#') && !line.contains("path = \"crates/");
    is_dependency && !line.contains(" # ")
}

fn sources() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in ["crates", "xtask"] {
        walk(&place::root().join(name), &mut |file| {
            let text = shell::read(file)?;
            let shown = file.strip_prefix(place::root()).unwrap_or(file).to_string_lossy().into_owned();
            found.extend(faults(&shown, &text));
            Ok(())
        })?;
    }
    Ok(found)
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("list `{}`: {e}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, visit)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path)?;
        }
    }
    Ok(())
}

fn faults(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES && !LONG.iter().any(|row| row.0 == file) {
        found.push(format!("{file}: {lines} lines: which two things live there?"));
    }
    if !text.starts_with("//!") {
        found.push(format!("{file}: doesn't open with what it turns into what"));
    }
    let may_unsafe = UNSAFE.iter().any(|name| file.starts_with(&format!("crates/{name}/")));
    for (number, line) in text.lines().enumerate() {
        let mut fault = |why: &str| found.push(format!("{file}:{}: {why}: {}", number + 1, line.trim()));
        if !may_unsafe && says_unsafe(line) {
            fault("unsafe lives in sandbox alone");
        }
        for (_, why) in NEVER.iter().filter(|(word, _)| line.contains(word)) {
            fault(why);
        }
    }
    found
}

/// The keyword, not the word in a comment or a lint's name.
fn says_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    [
        concat!("unsafe", " {"),
        concat!("unsafe", " fn"),
        concat!("unsafe", " impl"),
        concat!("unsafe", " extern"),
    ]
    .iter()
    .any(|form| code.contains(form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_with_their_line() {
        let long = "//! x\n".repeat(MOST_LINES + 1);
        assert_eq!(faults("crates/a/src/b.rs", &long).len(), 1);
        let stub = format!("//! x\nfn f() {{ {} }}\n", concat!("todo", "!()"));
        assert!(faults("crates/a/src/b.rs", &stub)[0].starts_with("crates/a/src/b.rs:2: a stub"));
        let keyword = format!("//! x\n{} {{ }} // here\n", "unsafe");
        assert_eq!(faults("crates/oci/src/b.rs", &keyword).len(), 1);
        assert_eq!(faults("crates/sandbox/src/b.rs", &keyword).len(), 0);
        assert_eq!(faults("crates/oci/src/b.rs", "fn main() {}\n").len(), 1);
    }

    #[test]
    fn a_dependency_needs_a_reason_behind_it() {
        assert!(lacks_reason("libc = \"0.2\""));
        assert!(!lacks_reason("libc = \"0.2\" # clone3"));
        assert!(!lacks_reason("oci = { path = \"crates/oci\" }"));
    }
}
