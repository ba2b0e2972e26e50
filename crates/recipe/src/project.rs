//! A folder to the modules that its build is made of.
//!
//! Either one `go.mod`, or a `go.work` and the modules that it uses; and the folders that `replace` lines
//! name. All of them have to be in the folder, for a build sees nothing else.

use std::path::Path;

use crate::gomod::ModFile;
use crate::problem::{Problem, Result, read_if_there};
use crate::version::{Stage, Version};

/// What is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The modules whose packages are ours: one, or those of the workspace.
    pub modules: Vec<Module>,
    /// `go.work`.
    pub work: Option<ModFile>,
    /// Folders of modules that replace others, and aren't in `modules`.
    pub replaced: Vec<String>,
    /// Dependencies are in `vendor`.
    pub vendored: bool,
}

/// A module and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its folder below the project's, `""` for the project's own.
    pub folder: String,
    /// Its `go.mod`.
    pub file: ModFile,
}

impl Project {
    /// Reads the files of the modules in a folder.
    pub fn read(folder: &Path) -> Result<Project> {
        let work =
            read_if_there(folder, "go.work")?.map(|text| ModFile::work("go.work", &text)).transpose()?;
        let modules = match &work {
            Some(work) => used(folder, work)?,
            None => vec![own(folder)?],
        };
        let vendored = vendored(folder, work.is_some())?;
        let mut project = Project { modules, work, replaced: Vec::new(), vendored };
        if !vendored {
            project.replaced = replaced(folder, &project)?;
        }
        Ok(project)
    }

    /// The module that a folder of the project belongs to, by name alone: nested modules are the caller's.
    pub fn module_of(&self, path: &str) -> Option<&Module> {
        self.modules.iter().filter(|m| below(path, &m.folder).is_some()).max_by_key(|m| m.folder.len())
    }

    /// The files that say which Go is wanted: the workspace's, else the module's.
    pub fn leading(&self) -> Option<&ModFile> {
        self.work.as_ref().or(self.modules.first().map(|m| &m.file))
    }

    /// Whether there are modules to download.
    pub fn has_downloads(&self) -> bool {
        let all = || self.modules.iter().flat_map(|m| &m.file.requires);
        !self.vendored && all().any(|path| !self.is_local(path))
    }

    /// Whether a module is replaced by a folder, or is one of the workspace's.
    fn is_local(&self, path: &str) -> bool {
        self.modules.iter().any(|m| m.file.module == path)
            || self.files().any(|f| f.replaces.iter().any(|r| r.module == path))
    }

    fn files(&self) -> impl Iterator<Item = &ModFile> {
        self.work.iter().chain(self.modules.iter().map(|m| &m.file))
    }
}

/// The rest of `path` below `folder`; both are clean and relative, `""` is the top.
pub fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match path.strip_prefix(folder) {
        Some(rest) if folder.is_empty() || rest.is_empty() => Some(rest),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    }
}

/// `path` seen from `folder`, without `.` and `..`; `None` if that is outside of the project.
pub fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A name in a folder, as a path of the project.
pub fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn own(folder: &Path) -> Result<Module> {
    let text = read_if_there(folder, "go.mod")?.ok_or_else(|| {
        Problem::new(format!("no `go.mod` in `{}`", folder.display())).help(
            "a Go project has one, written by `go mod init example.com/name`; name the folder that it is in",
        )
    })?;
    Ok(Module { folder: String::new(), file: ModFile::module("go.mod", &text)? })
}

fn used(folder: &Path, work: &ModFile) -> Result<Vec<Module>> {
    let mut modules: Vec<Module> = Vec::new();
    for (path, line) in &work.uses {
        let place = joined("", path).ok_or_else(|| outside(&work.file, *line, "use", path))?;
        let name = inside(&place, "go.mod");
        let text = read_if_there(folder, &name)?
            .ok_or_else(|| Problem::new(format!("go.work:{line}: `use {path}`, and there is no `{name}`")))?;
        if !modules.iter().any(|m| m.folder == place) {
            modules.push(Module { file: ModFile::module(&name, &text)?, folder: place });
        }
    }
    match modules.is_empty() {
        false => Ok(modules),
        true => Err(Problem::new("`go.work` uses no module").help("`go work use ./folder` adds one")),
    }
}

/// Whether the go command would build from `vendor`: of a workspace only if it was vendored as one, and
/// otherwise only if it was not.
fn vendored(folder: &Path, workspace: bool) -> Result<bool> {
    let Some(list) = read_if_there(folder, "vendor/modules.txt")? else { return Ok(false) };
    let marked =
        list.lines().next().is_some_and(|first| first.starts_with("## ") && first.contains("workspace"));
    Ok(marked == workspace && !is_ignored(folder)?)
}

/// Whether the project's own `.dockerignore` keeps `vendor` out of the build.
fn is_ignored(folder: &Path) -> Result<bool> {
    let text = read_if_there(folder, ".dockerignore")?.unwrap_or_default();
    Ok(text.lines().any(|line| line.trim().trim_matches('/').trim_start_matches("**/") == "vendor"))
}

/// The folders of modules that stand in for required ones.
fn replaced(folder: &Path, project: &Project) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for (place, file) in
        project.work.iter().map(|w| ("", w)).chain(project.modules.iter().map(|m| (&*m.folder, &m.file)))
    {
        for replace in file.replaces.iter().filter(|r| matters(project, &r.module)) {
            let path = joined(place, &replace.folder)
                .ok_or_else(|| outside(&file.file, replace.line, "replace", &replace.folder))?;
            if !folder.join(&path).join("go.mod").is_file() {
                let (file, line, module) = (&file.file, replace.line, &replace.module);
                return Err(Problem::new(format!(
                    "{file}:{line}: `{module}` is replaced by `{}`, and there is no `{}`",
                    replace.folder,
                    inside(&path, "go.mod")
                )));
            }
            if !project.modules.iter().any(|m| m.folder == path) {
                out.push(path);
            }
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Whether a replaced module is part of the build. Since Go 1.17 `go.mod` names every module that is.
fn matters(project: &Project, module: &str) -> bool {
    let pruned = Version { major: 1, minor: 17, stage: Stage::Language };
    let old = |file: &ModFile| file.go.as_ref().is_none_or(|(go, _)| *go < pruned);
    !project.modules.iter().any(|m| m.file.module == module)
        && project.modules.iter().any(|m| old(&m.file) || m.file.requires.iter().any(|r| r == module))
}

fn outside(file: &str, line: usize, verb: &str, path: &str) -> Problem {
    let help = match verb {
        "use" => "build the folder that holds all the modules of the workspace, with a `go.work` in it",
        _ => {
            "run `go mod vendor`, which copies that module into the project, or build the folder above: \
             `go work init` there, `go work use` with each module, and `tare build --main ./FOLDER` names what to build"
        }
    };
    Problem::new(format!("{file}:{line}: `{verb}` of `{path}`, which is outside of the folder that is built"))
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn paths_stay_inside() {
        for (folder, path, expected) in [
            ("", "./a", Some("a")),
            ("", ".", Some("")),
            ("a/b", "../c", Some("a/c")),
            ("a", "../..", None),
            ("", "../x", None),
            ("", "/abs", None),
        ] {
            assert_eq!(joined(folder, path).as_deref(), expected, "{folder} {path}");
        }
        assert_eq!(below("a/b", "a"), Some("b"));
        assert_eq!(below("ab", "a"), None);
        assert_eq!(below("a", ""), Some("a"));
    }

    fn message(scratch: &Scratch) -> String {
        Project::read(&scratch.path).expect_err("a problem").message
    }

    #[test]
    fn a_module_next_door_has_to_be_brought_in() {
        let scratch =
            Scratch::new(&[("go.mod", "module a\ngo 1.26.0\nrequire b v0.0.0\nreplace b => ../b\n")]);
        assert_eq!(
            message(&scratch),
            "go.mod:4: `replace` of `../b`, which is outside of the folder that is built"
        );
        scratch.write("vendor/modules.txt", "# b v0.0.0 => ../b\n");
        assert!(Project::read(&scratch.path).expect("it is vendored").vendored);
        scratch.write(".dockerignore", "/vendor/\n");
        assert_eq!(
            message(&scratch),
            "go.mod:4: `replace` of `../b`, which is outside of the folder that is built"
        );
    }

    #[test]
    fn an_unused_replacement_does_not_matter() {
        let scratch = Scratch::new(&[("go.mod", "module a\ngo 1.26.0\nreplace b => ../b\n")]);
        assert_eq!(Project::read(&scratch.path).expect("fine").replaced, [""; 0]);
    }

    #[test]
    fn replacing_folders_need_their_file() {
        let scratch =
            Scratch::new(&[("go.mod", "module a\ngo 1.26.0\nrequire b v0.0.0\nreplace b => ./b\n")]);
        assert_eq!(message(&scratch), "go.mod:4: `b` is replaced by `./b`, and there is no `b/go.mod`");
        scratch.write("b/go.mod", "module b\n");
        let project = Project::read(&scratch.path).expect("fine");
        assert_eq!(project.replaced, ["b"]);
        assert!(!project.has_downloads());
    }

    #[test]
    fn a_workspace_is_its_modules() {
        let scratch = Scratch::new(&[
            ("go.work", "go 1.26.0\nuse ./a\nuse ./b\n"),
            (
                "a/go.mod",
                "module example.com/a\ngo 1.26.0\nrequire example.com/b v0.0.0\nreplace example.com/b => ../b\n",
            ),
        ]);
        assert_eq!(message(&scratch), "go.work:3: `use ./b`, and there is no `b/go.mod`");
        scratch.write("b/go.mod", "module example.com/b\n");
        let project = Project::read(&scratch.path).expect("fine");
        assert_eq!(project.modules.iter().map(|m| &*m.folder).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(project.replaced, [""; 0]);
        assert!(!project.has_downloads());
        assert_eq!(project.module_of("b/cmd/x").map(|m| &*m.folder), Some("b"));
        assert_eq!(project.module_of("bc").map(|m| &*m.folder), None);
    }

    #[test]
    fn without_a_module() {
        let scratch = Scratch::new(&[("main.go", "package main\n")]);
        assert!(message(&scratch).starts_with("no `go.mod` in `"));
    }
}
