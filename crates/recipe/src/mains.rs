//! Which programs a project is built to: packages as the user or the project names them, and the names of their files.
//!
//! Named ones are taken, patterns as the programs that they match. Otherwise: the project's own folder if it is a
//! program; else the only one there is; else the tools of `go.mod`. Two without a choice are a question back.
//! Looks at package clauses and build constraints alone; the compiler has the last word.

use crate::constraint::{self, Context};
use crate::glob::package_matches;
use crate::problem::{Problem, Result, unreadable};
use crate::project::{Module, Project, below, inside, joined};
use crate::source::Head;
use crate::version::{Stage, Version};
use crate::walk::{self, Folder, Folders, Walk};

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Main {
    /// As the go command is told: `./cmd/shop`, or a dependency's package.
    pub package: String,
    /// The name of its file.
    pub name: String,
    /// Its path in the image.
    pub path: String,
}

/// What the choice is made from.
pub struct Wanted<'a> {
    /// The project's folder.
    pub folders: &'a Folders<'a>,
    /// Its modules.
    pub project: &'a Project,
    /// What was asked for.
    pub asked: &'a [String],
    /// For which build.
    pub context: &'a Context,
}

/// What a folder of Go files is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Program,
    Package(String),
    /// All its files are for other systems.
    Elsewhere,
    /// All its files that are for this build call C.
    NeedsC,
    Empty,
}

/// How many programs a question lists.
const LISTED: usize = 20;

/// The programs to build: one or more, in the order in which they were asked for, no two of one name.
pub fn choose(wanted: &Wanted) -> Result<Vec<Main>> {
    let mut mains = if wanted.asked.is_empty() { wanted.unasked()? } else { wanted.each(wanted.asked)? };
    let mut seen = std::collections::BTreeSet::new();
    mains.retain(|main| seen.insert(main.package.clone()));
    for (at, main) in mains.iter().enumerate() {
        if let Some(twin) = mains[..at].iter().find(|m| m.name == main.name) {
            let (one, two, name) = (&twin.package, &main.package, &main.name);
            return Err(Problem::new(format!("`{one}` and `{two}` would both become `{name}`"))
                .help("build them into images of their own, or give one another name: a program is called as its folder"));
        }
    }
    Ok(mains)
}

/// What the go command calls a program: the last element of its path, but for a version.
pub fn program_name(path: &str) -> &str {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    match is_version(last) && !parent.is_empty() {
        true => parent.rsplit('/').next().unwrap_or(parent),
        false => last,
    }
}

/// `v2` and up.
fn is_version(element: &str) -> bool {
    let digits = element.strip_prefix('v').unwrap_or_default();
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && digits != "1"
}

impl Wanted<'_> {
    fn each(&self, asked: &[String]) -> Result<Vec<Main>> {
        let found = asked.iter().map(|pattern| self.one(pattern)).collect::<Result<Vec<_>>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What one word of the user's stands for.
    fn one(&self, asked: &str) -> Result<Vec<Main>> {
        if asked == "tool" {
            return self.tools();
        }
        let local = self.local(asked)?;
        match (local, asked.contains("...")) {
            (Some(pattern), true) => self.matching(asked, &pattern),
            (Some(path), false) => self.folder(asked, &path).map(|main| vec![main]),
            (None, true) => {
                Err(Problem::new(format!("main: `{asked}` is not a pattern of this module's packages"))
                    .help("patterns of our own begin with `./`; name a dependency's programs one by one"))
            }
            (None, false) => self.dependency(asked).map(|main| vec![main]),
        }
    }

    /// The path in the project, if the word names something of ours; `""` for the project's own folder.
    fn local(&self, asked: &str) -> Result<Option<String>> {
        if asked.ends_with(".go") {
            return Err(
                Problem::new(format!("main: `{asked}` is a file")).help("name the folder that it is in")
            );
        }
        let is_path = matches!(asked, "." | "..") || ["./", "../", "/"].iter().any(|p| asked.starts_with(p));
        if is_path {
            return joined("", asked).map(Some).ok_or_else(|| {
                Problem::new(format!("main: `{asked}` is outside of the folder that is built"))
                    .help("name it from that folder on, as `./cmd/app`, or build another one")
            });
        }
        let ours = |m: &&Module| below(asked, &m.file.module).is_some();
        let module = self.project.modules.iter().filter(ours).max_by_key(|m| m.file.module.len());
        let module = module.filter(|m| !self.is_required(asked, m.file.module.len()));
        Ok(module.map(|m| inside_or(&m.folder, below(asked, &m.file.module).unwrap_or_default())))
    }

    /// Whether a required module has the package, one with a longer path than this.
    fn is_required(&self, asked: &str, longer_than: usize) -> bool {
        let mut all = self.project.modules.iter().flat_map(|m| &m.file.requires);
        all.any(|path| path.len() > longer_than && below(asked, path).is_some())
    }

    /// A folder that has to be a program.
    fn folder(&self, asked: &str, path: &str) -> Result<Main> {
        let Some(folder) = walk::list(self.folders.root, path)? else {
            return Err(self.with_list(Problem::new(format!("main: there is no folder `{}`", shown(path)))));
        };
        let module = self.module(asked, path)?;
        let Context { arch, .. } = self.context;
        let why = match self.kind(&folder)? {
            Kind::Program => return Ok(program(module, path)),
            Kind::Package(name) => format!("is package `{name}`, not a program"),
            Kind::Elsewhere => format!("has no Go file that is built for linux/{arch} with these tags"),
            Kind::NeedsC => return Err(needs_c(asked)),
            Kind::Empty => "has no Go files".to_owned(),
        };
        Err(self.with_list(Problem::new(format!("main: `{asked}` {why}"))))
    }

    /// The module that a folder belongs to: that of the nearest `go.mod`, which has to be part of the build.
    fn module(&self, asked: &str, path: &str) -> Result<&Module> {
        let mut nearest = path;
        while !nearest.is_empty() && !self.folders.root.join(nearest).join("go.mod").is_file() {
            nearest = nearest.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        self.project.modules.iter().find(|m| m.folder == nearest).ok_or_else(|| match nearest {
            "" => Problem::new(format!("main: `{asked}` is in none of the modules that `go.work` uses"))
                .help("`go work use ./FOLDER` adds the module that it is in"),
            _ => Problem::new(format!("main: `{asked}` is in another module, `{nearest}/go.mod`")).help(
                format!("build it there, with `tare build {nearest}`, or add a `go.work` that uses both"),
            ),
        })
    }

    fn matching(&self, asked: &str, pattern: &str) -> Result<Vec<Main>> {
        let (all, c) = self.programs()?;
        let pattern = shown(pattern);
        let fits = |main: &Main| package_matches(&pattern, &main.package);
        let found: Vec<Main> = all.iter().filter(|main| fits(main)).cloned().collect();
        match (found.is_empty(), c.iter().find(|package| package_matches(&pattern, package))) {
            (false, _) => Ok(found),
            (true, Some(package)) => Err(needs_c(package)),
            (true, None) => Err(listed(Problem::new(format!("main: no program matches `{asked}`")), &all)),
        }
    }

    /// A package of a required module. Whether it is a program is seen when it is there.
    fn dependency(&self, asked: &str) -> Result<Main> {
        let pruned = Version { major: 1, minor: 17, stage: Stage::Language };
        // Before Go 1.17 go.mod did not name all the modules that a build may use.
        let is_old = |m: &Module| m.file.go.as_ref().is_none_or(|(go, _)| *go < pruned);
        if self.is_required(asked, 0) || self.project.modules.iter().any(is_old) {
            return Ok(named(asked.to_owned(), asked));
        }
        let problem = Problem::new(format!("main: no module that `go.mod` requires has a package `{asked}`"));
        Err(match self.folders.root.join(asked).is_dir() {
            true => problem.help(format!("a folder is named with `./`: `--main ./{asked}`")),
            false => problem.help(format!("`go get -tool {asked}` adds it")),
        })
    }

    fn unasked(&self) -> Result<Vec<Main>> {
        if let Some(module) = self.project.modules.iter().find(|m| m.folder.is_empty())
            && let Some(folder) = walk::list(self.folders.root, "")?
            && self.kind(&folder)? == Kind::Program
        {
            return Ok(vec![program(module, "")]);
        }
        let (all, c) = self.programs()?;
        match (all.len(), c.first()) {
            (1, _) => Ok(all),
            (0, Some(package)) => Err(needs_c(package)),
            (0, None) => self.tools_or_none(),
            _ => Err(question(&all)),
        }
    }

    fn tools_or_none(&self) -> Result<Vec<Main>> {
        match self.project.modules.iter().all(|m| m.file.tools.is_empty()) {
            false => self.tools(),
            true => Err(Problem::new("no main package: nothing here is a program").help(
                "a program is a folder of Go files with `package main`; one of a dependency is named with \
                 `--main example.com/tool/cmd/tool`",
            )),
        }
    }

    fn tools(&self) -> Result<Vec<Main>> {
        let tools: Vec<String> = self.project.modules.iter().flat_map(|m| m.file.tools.clone()).collect();
        match tools.is_empty() {
            false => self.each(&tools),
            true => {
                Err(Problem::new("main: `go.mod` has no `tool` line").help("`go get -tool PACKAGE` adds one"))
            }
        }
    }

    /// All programs of the modules, and the packages that could be some with a C compiler.
    fn programs(&self) -> Result<(Vec<Main>, Vec<String>)> {
        let walk = self.folders.all()?;
        let (mut all, mut c) = (Vec::new(), Vec::new());
        for folder in self.ours(walk) {
            let Some(module) = self.project.module_of(&folder.path) else { continue };
            match self.kind(folder)? {
                Kind::Program => all.push(program(module, &folder.path)),
                Kind::NeedsC => c.push(shown(&folder.path)),
                _ => {}
            }
        }
        Ok((all, c))
    }

    /// The folders that `./...` stands for, in all modules.
    fn ours<'w>(&self, walk: &'w Walk) -> Vec<&'w Folder> {
        let is_module = |path: &str| self.project.modules.iter().any(|m| m.folder == path);
        let foreign: Vec<&str> =
            walk.folders.iter().filter(|f| f.has_module && !is_module(&f.path)).map(|f| &*f.path).collect();
        let is_foreign = |path: &str| {
            foreign.iter().filter_map(|f| below(path, f).map(|_| f.len())).max()
                > self.project.module_of(path).map(|m| m.folder.len())
        };
        walk.folders.iter().filter(|f| !is_foreign(&f.path) && !self.passed_over(&f.path)).collect()
    }

    /// Whether patterns leave a folder out, for its name or by an `ignore` line.
    fn passed_over(&self, path: &str) -> bool {
        let ignored = |m: &Module| {
            below(path, &m.folder)
                .is_some_and(|rest| m.file.ignores.iter().any(|line| is_ignored(rest, line)))
        };
        path.split('/').any(|part| part.starts_with('_')) || self.project.modules.iter().any(ignored)
    }

    fn kind(&self, folder: &Folder) -> Result<Kind> {
        let mut kind = if folder.sources.is_empty() { Kind::Empty } else { Kind::Elsewhere };
        for name in folder.sources.iter().filter(|name| constraint::name_fits(name, self.context)) {
            let path = inside(&folder.path, name);
            let head = match Head::read(&self.folders.root.join(&path)) {
                Ok(head) => head,
                // A link to nowhere, as editors make them for a lock: the go command passes it over.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
                Err(e) => return Err(unreadable(&path, &e)),
            };
            match head.filter(|head| head.fits(self.context)) {
                None => {}
                Some(head) if head.needs_c() => {
                    kind = if head.package == "main" { Kind::NeedsC } else { kind }
                }
                Some(head) if head.package == "main" => return Ok(Kind::Program),
                Some(head) => return Ok(Kind::Package(head.package)),
            }
        }
        Ok(kind)
    }

    fn with_list(&self, problem: Problem) -> Problem {
        match self.programs() {
            Ok((all, _)) => listed(problem, &all),
            Err(_) => problem,
        }
    }
}

fn program(module: &Module, path: &str) -> Main {
    let rest = below(path, &module.folder).unwrap_or_default();
    let import = inside_or(&module.file.module, rest);
    named(shown(path), &import)
}

fn named(package: String, import: &str) -> Main {
    let name = program_name(import).to_owned();
    Main { package, path: format!("/usr/local/bin/{name}"), name }
}

/// `folder/rest`, or the folder if there is no rest.
fn inside_or(folder: &str, rest: &str) -> String {
    if rest.is_empty() { folder.to_owned() } else { inside(folder, rest) }
}

/// As the go command names it.
fn shown(path: &str) -> String {
    if path.is_empty() { ".".to_owned() } else { format!("./{path}") }
}

/// `ignore ./a/b` is that folder of the module, `ignore b` any of that name; both with all below.
fn is_ignored(path: &str, line: &str) -> bool {
    match line.strip_prefix("./") {
        Some(folder) => below(path, folder.trim_end_matches('/')).is_some(),
        None => format!("/{path}/").contains(&format!("/{}/", line.trim_matches('/'))),
    }
}

fn needs_c(package: &str) -> Problem {
    Problem::new(format!("main: `{package}` needs cgo, and programs are built without a C compiler")).help(
        "replace what it imports \"C\" for by Go, guard those files with `//go:build cgo`, or write a Dockerfile \
         that has a compiler",
    )
}

fn question(all: &[Main]) -> Problem {
    let first = &all[0].package;
    let tops: Vec<&str> = all.iter().map(|m| m.package.split('/').nth(1).unwrap_or_default()).collect();
    let together = if tops.iter().all(|top| *top == tops[0]) {
        format!("./{}/...", tops[0])
    } else {
        "./...".to_owned()
    };
    Problem::new(format!("{} programs here, and none chosen: {}", all.len(), names(all))).help(format!(
        "choose with `--main {first}`, or for good with `main = \"{first}\"` in tare.toml; `--main {together}` takes all"
    ))
}

fn listed(problem: Problem, all: &[Main]) -> Problem {
    match all.is_empty() {
        true => problem.help("there is no program here; one is a folder of Go files with `package main`"),
        false => problem.help(format!("programs here: {}", names(all))),
    }
}

fn names(all: &[Main]) -> String {
    let mut names: Vec<String> = all.iter().take(LISTED).map(|m| format!("`{}`", m.package)).collect();
    if all.len() > LISTED {
        names.push(format!("and {} more", all.len() - LISTED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
