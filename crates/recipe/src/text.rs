//! The Dockerfile: all that was found out, as text.
//!
//! Two stages: one with the toolchain, on the builder's own platform, and the image, with nothing in it but what
//! the programs need. RUN is in exec form everywhere: tare's own toolchain image has no shell. No syntax newer than
//! buildah 1.28 (Debian 12) reads: one variable an ARG, no here-documents, no `--parents`.
//! `tests/golden` shows some whole.

use std::path::Path;

use oci::Platform;

use crate::interface::{self, Interface};
use crate::mains::{Main, program_name};
use crate::problem::{Problem, Result};
use crate::project::{Project, inside, joined};
use crate::toolchain::GoVersion;
use crate::{Ask, platform, quote};

/// All that the text is made of.
pub struct Parts<'a> {
    /// The project's folder.
    pub folder: &'a Path,
    /// Its modules.
    pub project: &'a Project,
    /// Settings and flags.
    pub wish: &'a Ask,
    /// The programs.
    pub mains: &'a [Main],
    /// The toolchain.
    pub go: &'a GoVersion,
    /// For which platforms.
    pub platforms: &'a [Platform],
}

/// The Dockerfile, and where in it is what.
#[derive(Default)]
pub struct Text {
    /// The text.
    pub dockerfile: String,
    /// Lines of RUNs that need no network.
    pub offline: Vec<usize>,
    /// The line of the RUN that downloads.
    pub download_line: Option<usize>,
    /// What the user should know.
    pub note: Option<String>,
}

/// What the go command reads when it fetches modules. GOFLAGS is for all of its steps.
const DOWNLOAD_VARIABLES: &[&str] =
    &["GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH"];

const MODULES: &str = "--mount=type=cache,target=/go/pkg/mod";
const SECRETS: &[&str] = &[
    "--mount=type=secret,id=netrc,target=/root/.netrc",
    "--mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt",
];
const BUILDS: &str = "--mount=type=cache,target=/root/.cache/go-build";

/// `nobody` of Alpine, of Debian and of tare's own toolchain image. By number, as Kubernetes' `runAsNonRoot` wants it.
const NOBODY: &str = "65534:65534";

/// Writes the Dockerfile.
pub fn write(parts: &Parts) -> Result<Text> {
    let mut text = Text::default();
    text.toolchain(parts);
    text.modules(parts)?;
    text.compile(parts)?;
    text.image(parts)?;
    text.start(parts)?;
    Ok(text)
}

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.dockerfile.push_str(line.as_ref());
        self.dockerfile.push('\n');
    }

    fn comment(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line(format!("# {line}")));
    }

    fn block(&mut self, lines: &[&str]) {
        self.line("");
        self.comment(lines);
    }

    /// A RUN in exec form; gives its first line's number.
    fn run(&mut self, mounts: &[&str], command: &[&str]) -> usize {
        let number = self.dockerfile.matches('\n').count() + 1;
        let words: Vec<String> = mounts.iter().map(|m| m.to_string()).chain([quote::json(command)]).collect();
        self.line(format!("RUN {}", words.join(" \\\n    ")));
        number
    }

    fn toolchain(&mut self, parts: &Parts) {
        self.line("# syntax=docker/dockerfile:1");
        self.block(&[
            "The compiler runs on the machine that builds, and compiles for the platform that is asked for:",
            "nothing is emulated.",
        ]);
        self.line(format!("FROM --platform=$BUILDPLATFORM {} AS build", parts.go.image()));
        self.comment(&["This empty folder becomes the image's /tmp."]);
        self.line("WORKDIR /empty/tmp");
        self.line("WORKDIR /src");
        self.comment(&["Programs that need no C library, and this Go, not one that a file asks for."]);
        self.line("ENV CGO_ENABLED=0 GOTOOLCHAIN=local");
        self.line("ARG GOFLAGS");
    }

    fn modules(&mut self, parts: &Parts) -> Result<()> {
        if !parts.project.has_downloads() {
            return Ok(());
        }
        self.block(&[
            "Dependencies come first and by themselves: while go.mod stays as it is, they aren't fetched again.",
            "From where is up to these, given with --build-arg; a private proxy's password is the secret `netrc`,",
            "its certificate authority the secret `ca`. Modules that only git can fetch need an image that has git.",
        ]);
        DOWNLOAD_VARIABLES.iter().for_each(|name| self.line(format!("ARG {name}")));
        for (files, to) in module_files(parts) {
            self.line(copy("", &files, &to)?);
        }
        let mounts: Vec<&str> = [MODULES].iter().chain(SECRETS).copied().collect();
        self.download_line = Some(self.run(&mounts, &["go", "mod", "download"]));
        Ok(())
    }

    fn compile(&mut self, parts: &Parts) -> Result<()> {
        self.block(&[
            "The same sources give the same bytes, in any folder and at any commit: no paths, no revision, no id.",
        ]);
        self.line("COPY . .");
        let levels = platform::levels(parts.platforms);
        let arguments = ["TARGETOS", "TARGETARCH", "TARGETVARIANT"];
        let needed = if levels.iter().any(|l| l.contains("TARGETVARIANT")) { 3 } else { 2 };
        arguments[..needed].iter().for_each(|name| self.line(format!("ARG {name}")));
        let target = ["GOOS=$TARGETOS".to_owned(), "GOARCH=$TARGETARCH".to_owned()];
        self.line(format!("ENV {}", target.into_iter().chain(levels).collect::<Vec<_>>().join(" ")));
        let command = command(parts)?;
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let mounts = if parts.project.has_downloads() { &[MODULES, BUILDS][..] } else { &[BUILDS] };
        let line = self.run(mounts, &command);
        self.offline.push(line);
        Ok(())
    }

    fn image(&mut self, parts: &Parts) -> Result<()> {
        self.block(&[
            "The image: users, certificate authorities, time zones, /tmp and the programs. No shell, no packages.",
        ]);
        self.line("FROM scratch");
        self.line("COPY --from=build /etc/passwd /etc/group /etc/");
        self.line("COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/");
        self.line("COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/share/");
        // A folder that is copied itself gets the mode in BuildKit, but not in buildah; one inside of it does in both.
        self.line("COPY --from=build --chmod=1777 /empty/ /");
        interface::programs(parts.mains)?.iter().for_each(|line| self.line(line));
        for (path, to) in &parts.wish.includes {
            self.line(include(parts.folder, path, to)?);
        }
        let path = interface::path(parts.mains).map(|path| format!("PATH={path} ")).unwrap_or_default();
        self.line(format!("ENV {path}ZONEINFO=/usr/share/zoneinfo.zip"));
        for (name, value) in &parts.wish.env {
            self.line(variable(name, value)?);
        }
        for port in &parts.wish.expose {
            self.line(format!("EXPOSE {}", expose(port)?));
        }
        let interface = parts.wish.interface.as_ref().map(Interface::lines).transpose()?;
        interface.into_iter().flatten().for_each(|line| self.line(line));
        Ok(())
    }

    fn start(&mut self, parts: &Parts) -> Result<()> {
        let user = parts.wish.user.as_deref().unwrap_or(NOBODY);
        self.line(format!("USER {}", self::user(user)?));
        let entrypoint = entrypoint(parts)?;
        quote::no_nul("entrypoint", &entrypoint)?;
        quote::no_nul("cmd", &parts.wish.cmd)?;
        match entrypoint.is_empty() {
            true if keeps_start(parts) => {}
            false => self.line(format!("ENTRYPOINT {}", quote::json(&entrypoint))),
            true => self.note = Some(no_entrypoint(parts.mains)),
        }
        if !parts.wish.cmd.is_empty() {
            self.line(format!("CMD {}", quote::json(&parts.wish.cmd)));
        }
        Ok(())
    }
}

/// The files that say what to download, by the folder that they go to.
fn module_files(parts: &Parts) -> Vec<(Vec<String>, String)> {
    let there = |path: &String| parts.folder.join(path).is_file();
    let group = |folder: &str, names: &[&str]| {
        let files: Vec<String> = names.iter().map(|name| inside(folder, name)).filter(there).collect();
        (files, if folder.is_empty() { "./".to_owned() } else { format!("./{folder}/") })
    };
    let work = parts.project.work.as_ref().map(|_| group("", &["go.work", "go.work.sum"]));
    let modules = parts.project.modules.iter().map(|m| group(&m.folder, &["go.mod", "go.sum"]));
    let replaced = parts.project.replaced.iter().map(|folder| group(folder, &["go.mod"]));
    work.into_iter().chain(modules).chain(replaced).collect()
}

fn command(parts: &Parts) -> Result<Vec<String>> {
    let mut ldflags = "-ldflags=-buildid=".to_owned();
    if let Some(more) = parts.wish.ldflags.as_deref().map(str::trim).filter(|more| !more.is_empty()) {
        quote::no_nul("ldflags", &[more.to_owned()])?;
        ldflags += &format!(" {more}");
    }
    let mut out: Vec<String> = ["go", "build", "-trimpath", "-buildvcs=false"].map(str::to_owned).into();
    if !parts.wish.tags.is_empty() {
        out.push(format!("-tags={}", tags(&parts.wish.tags)?));
    }
    out.extend([ldflags, "-o".to_owned(), "/out/".to_owned()]);
    out.extend(parts.mains.iter().map(|main| main.package.clone()));
    Ok(out)
}

fn tags(tags: &[String]) -> Result<String> {
    let fine = |tag: &&String| tag.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    match tags.iter().find(|tag| !fine(tag)) {
        None => Ok(tags.join(",")),
        Some(tag) => Err(Problem::new(format!("tags: `{tag}` is not a build tag"))
            .help("one is made of letters, digits, `_` and `.`")),
    }
}

/// COPY of paths of the context; words with blanks want the JSON form.
fn copy(flags: &str, from: &[String], to: &str) -> Result<String> {
    let words: Vec<String> = from.iter().map(String::as_str).chain([to]).map(quote::word).collect();
    from.iter().try_for_each(|path| quote::one_line("path", path))?;
    quote::one_line("destination", to)?;
    let plain =
        words.iter().all(|word| !word.contains(char::is_whitespace) && !word.starts_with(['-', '<', '[']));
    let words = if plain { words.join(" ") } else { quote::json(&words) };
    Ok(format!("COPY {flags}{words}"))
}

fn include(folder: &Path, path: &str, to: &str) -> Result<String> {
    let problem = |why: &str| Problem::new(format!("include: `{path}:{to}`: {why}"));
    let clean = joined("", path).ok_or_else(|| problem("the path is outside of the folder that is built"))?;
    if clean.is_empty() {
        return Err(
            problem("that is the whole project").help("name the files and folders that the program reads")
        );
    }
    if clean.contains(['*', '?', '[', '\\']) {
        return Err(problem("patterns are not possible").help("name a folder"));
    }
    if !folder.join(&clean).exists() {
        return Err(problem("there is no such path").help("it is looked for in the project's folder"));
    }
    if !to.starts_with('/') {
        return Err(problem("the destination is not an absolute path")
            .help(format!("write it as `{path}:/srv/{clean}`")));
    }
    copy("", &[clean], to)
}

fn variable(name: &str, value: &str) -> Result<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || !name.chars().all(fine) || name.starts_with('-') {
        return Err(Problem::new(format!("env: `{name}` is not the name of a variable")));
    }
    quote::one_line(&format!("env: `{name}`"), value)?;
    Ok(format!("ENV {name}={}", quote::value(value)))
}

fn expose(port: &str) -> Result<&str> {
    let (range, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let ends = range.split_once('-').unwrap_or((range, range));
    let is_port = |text: &str| text.parse::<u16>().is_ok() && text.bytes().all(|b| b.is_ascii_digit());
    match is_port(ends.0) && is_port(ends.1) && matches!(protocol, "tcp" | "udp" | "sctp") {
        true => Ok(port),
        false => Err(Problem::new(format!("expose: `{port}` is not a port"))
            .help("write it as 8080, 53/udp or 7000-7010")),
    }
}

fn user(user: &str) -> Result<String> {
    match user.is_empty() || user.contains(|c: char| c.is_whitespace() || c.is_control()) {
        false => Ok(quote::word(user)),
        true => {
            Err(Problem::new(format!("user: {user:?} is not a user"))
                .help("write it as 1000, 1000:1000 or name"))
        }
    }
}

/// Whether what an image of before starts is what this one does.
fn keeps_start(parts: &Parts) -> bool {
    parts.wish.interface.as_ref().is_some_and(|interface| interface.keeps_start)
}

/// What was chosen, else the only program, else the one that is called as the module.
fn entrypoint(parts: &Parts) -> Result<Vec<String>> {
    if keeps_start(parts) {
        return Ok(parts.wish.entrypoint.clone());
    }
    if let [first, rest @ ..] = &parts.wish.entrypoint[..] {
        let first = if first.contains('/') { first.clone() } else { program(parts, first)? };
        return Ok([first].into_iter().chain(rest.iter().cloned()).collect());
    }
    let own =
        parts.project.modules.iter().find(|m| m.folder.is_empty()).map(|m| program_name(&m.file.module));
    let chosen = match parts.mains {
        [one] => Some(one),
        several => several.iter().find(|main| Some(main.name.as_str()) == own),
    };
    Ok(chosen.map(|main| main.path.clone()).into_iter().collect())
}

/// Where a program is that goes by its name: it was compiled, or comes with the included files.
fn program(parts: &Parts, name: &str) -> Result<String> {
    let path = format!("/usr/local/bin/{name}");
    let names: Vec<String> = parts.mains.iter().map(|main| format!("`{}`", main.name)).collect();
    match parts.mains.iter().any(|main| main.path == path) || !parts.wish.includes.is_empty() {
        true => Ok(path),
        false => Err(Problem::new(format!("entrypoint: the image has no program `{name}`"))
            .help(format!("it has {}; write a path if something else is to be started", names.join(", ")))),
    }
}

fn no_entrypoint(mains: &[Main]) -> String {
    let name = mains.first().map_or("", |main| &main.name);
    format!(
        "the image has {} programs and no entrypoint: its user names one, as in `docker run IMAGE {name}`; \
         `--entrypoint {name}` chooses",
        mains.len()
    )
}

#[cfg(test)]
mod tests;
