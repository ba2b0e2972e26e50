//! `go.mod` and `go.work`: text to the directives that matter for a build.
//!
//! Reads them as the go command does: verbs, blocks in parentheses, `//` comments, quoted words. Verbs that
//! aren't known are passed over, for a later Go may know them; what is malformed is the user's to mend.
//! See the Go modules reference, "go.mod files" and "Workspaces".

use crate::problem::{Problem, Result};
use crate::version::Version;

/// What `go.mod` and `go.work` have in common, and what either says of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModFile {
    /// Where it is, for messages: `go.mod`, `svc/go.mod`.
    pub file: String,
    /// `module`; empty in `go.work`.
    pub module: String,
    /// `go`.
    pub go: Option<(Version, usize)>,
    /// `toolchain`, without `go` in front; `default` is none.
    pub toolchain: Option<(String, usize)>,
    /// Paths of required modules.
    pub requires: Vec<String>,
    /// Modules that are replaced by a folder.
    pub replaces: Vec<Replace>,
    /// Packages that are tools.
    pub tools: Vec<String>,
    /// Folders that patterns pass over.
    pub ignores: Vec<String>,
    /// `use` of `go.work`, and the line.
    pub uses: Vec<(String, usize)>,
}

/// `replace module => ./folder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// The module.
    pub module: String,
    /// The folder, as it stands there.
    pub folder: String,
    /// The line.
    pub line: usize,
}

struct Directive {
    line: usize,
    verb: String,
    words: Vec<String>,
}

impl ModFile {
    /// Reads a `go.mod`.
    pub fn module(file: &str, text: &str) -> Result<ModFile> {
        let read = ModFile::read(file, text)?;
        match read.module.is_empty() {
            false => Ok(read),
            true => Err(Problem::new(format!("`{file}` has no `module` line")).help(
                "it begins with the module's path, `module example.com/name`; `go mod init` writes it",
            )),
        }
    }

    /// Reads a `go.work`.
    pub fn work(file: &str, text: &str) -> Result<ModFile> {
        ModFile::read(file, text)
    }

    fn read(file: &str, text: &str) -> Result<ModFile> {
        let mut out = ModFile { file: file.to_owned(), ..ModFile::default() };
        for directive in directives(text).map_err(|(line, why)| at(file, line, &why))? {
            let line = directive.line;
            out.take(directive).map_err(|why| at(file, line, &why))?;
        }
        Ok(out)
    }

    fn take(&mut self, directive: Directive) -> std::result::Result<(), String> {
        let Directive { line, verb, words } = directive;
        let first = || words.first().cloned().ok_or_else(|| format!("`{verb}` without a value"));
        match verb.as_str() {
            "module" => self.module = first()?,
            "go" => {
                let name = first()?;
                let version = Version::parse(&name).ok_or_else(|| format!("`{name}` is not a Go version"))?;
                self.go = Some((version, line));
            }
            "toolchain" => self.toolchain = toolchain(&first()?)?.map(|name| (name, line)),
            "require" => self.requires.push(first()?),
            "replace" => self.replaces.extend(replace(&words, line)?),
            "tool" => self.tools.push(first()?),
            "ignore" => self.ignores.push(first()?),
            "use" => self.uses.push((first()?, line)),
            _ => {}
        }
        Ok(())
    }
}

/// `go1.26.8` to `1.26.8`; `default` and `local` leave the choice to the `go` line.
fn toolchain(name: &str) -> std::result::Result<Option<String>, String> {
    if matches!(name, "default" | "local") {
        return Ok(None);
    }
    let version = name.strip_prefix("go").ok_or_else(|| format!("`{name}` is not a toolchain's name"))?;
    Ok(Some(version.to_owned()))
}

fn replace(words: &[String], line: usize) -> std::result::Result<Option<Replace>, String> {
    let arrow = words.iter().position(|w| w == "=>").ok_or("`replace` without `=>`")?;
    let module = words.first().filter(|_| arrow > 0).ok_or("`replace` without a module")?;
    let folder = words.get(arrow + 1).ok_or("`replace` without a replacement")?;
    let local =
        matches!(folder.as_str(), "." | "..") || ["./", "../", "/"].iter().any(|p| folder.starts_with(p));
    Ok(local.then(|| Replace { module: module.clone(), folder: folder.clone(), line }))
}

/// Lines to directives, blocks taken apart.
fn directives(text: &str) -> std::result::Result<Vec<Directive>, (usize, String)> {
    let mut out = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = index + 1;
        let mut words = words(line).map_err(|why| (number, why))?;
        if words.is_empty() {
            continue;
        }
        let is = |word: Option<&Word>, c: &str| word.is_some_and(|w| !w.quoted && w.text == c);
        if let Some((_, verb)) = &block {
            match is(words.first(), ")") {
                true => block = None,
                false => out.push(Directive { line: number, verb: verb.clone(), words: texts(words) }),
            }
            continue;
        }
        let verb = words.remove(0).text;
        if is(words.first(), "(") {
            block = (!is(words.last(), ")")).then_some((number, verb));
        } else {
            out.push(Directive { line: number, verb, words: texts(words) });
        }
    }
    match block {
        None => Ok(out),
        Some((line, verb)) => {
            Err((line, format!("the block of `{verb}` has no end; a line with `)` closes it")))
        }
    }
}

struct Word {
    text: String,
    quoted: bool,
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|w| w.text).collect()
}

fn words(line: &str) -> std::result::Result<Vec<Word>, String> {
    let mut out = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        let length = match first {
            '"' | '`' => {
                let (text, length) = quoted(rest, first)?;
                out.push(Word { text, quoted: true });
                length
            }
            '(' | ')' => {
                out.push(Word { text: first.to_string(), quoted: false });
                1
            }
            _ => {
                let length = bare(rest);
                out.push(Word { text: rest[..length].to_owned(), quoted: false });
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(out)
}

/// How long the word is that the text begins with.
fn bare(text: &str) -> usize {
    let end = text.find(|c: char| c.is_whitespace() || "()\"`".contains(c)).unwrap_or(text.len());
    text[..end].find("//").unwrap_or(end)
}

/// A quoted word, and how long it is with its quotes.
fn quoted(text: &str, quote: char) -> std::result::Result<(String, usize), String> {
    let mut out = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, c)) = letters.next() {
        match c {
            c if c == quote => return Ok((out, at + 1)),
            '\\' if quote == '"' => out.extend(letters.next().map(|(_, c)| c)),
            c => out.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

fn at(file: &str, line: usize, why: &str) -> Problem {
    Problem::new(format!("{file}:{line}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// Deprecated: by itself.\nmodule \"example.com/shop\" // ours\n\ngo 1.23\ntoolchain go1.26.8\n\
        require example.com/one v1.0.0\nrequire (\n\texample.com/two v2.0.0 // indirect\n\n\t// a comment\n\t`example.com/three` v0.1.0\n)\n\
        exclude example.com/two v1.9.0\nretract [v1.0.0, v1.1.0]\nreplace(\n\texample.com/one v1.0.0 => ./one\n\
        \texample.com/two => example.com/fork v1.0.0\n)\nreplace example.com/three => \"../th ree\"\ntool example.com/two/cmd/gen\n\
        ignore ./web/node_modules\ngodebug default=go1.21\nrequire ()\nfuture thing\n";

    #[test]
    fn every_directive() {
        let file = ModFile::module("go.mod", TEXT).expect("well-formed");
        assert_eq!(file.module, "example.com/shop");
        assert_eq!(file.go, Some((Version::parse("1.23").expect("a version"), 4)));
        assert_eq!(file.toolchain, Some(("1.26.8".to_owned(), 5)));
        assert_eq!(file.requires, ["example.com/one", "example.com/two", "example.com/three"]);
        assert_eq!(file.tools, ["example.com/two/cmd/gen"]);
        assert_eq!(file.ignores, ["./web/node_modules"]);
        let replaces: Vec<_> = file.replaces.iter().map(|r| (&*r.module, &*r.folder, r.line)).collect();
        assert_eq!(replaces, [("example.com/one", "./one", 16), ("example.com/three", "../th ree", 19)]);
    }

    #[test]
    fn a_workspace() {
        let file =
            ModFile::work("go.work", "go 1.26.0\nuse ./a\nuse (\n\t./b\n\t.\n)\n").expect("well-formed");
        assert_eq!(file.uses, [("./a".to_owned(), 2), ("./b".to_owned(), 4), (".".to_owned(), 5)]);
    }

    fn check(text: &str, message: &str) {
        assert_eq!(ModFile::module("go.mod", text).expect_err("malformed").message, message);
    }

    #[test]
    fn malformed_files_are_told_with_their_line() {
        check("go 1.26.0\n", "`go.mod` has no `module` line");
        check("module a\n\ngo one\n", "go.mod:3: `one` is not a Go version");
        check("module \"a\n", "go.mod:1: a quote is not closed");
        check(
            "module a\nrequire (\n\tb v1\n",
            "go.mod:2: the block of `require` has no end; a line with `)` closes it",
        );
        check("module a\nreplace b\n", "go.mod:2: `replace` without `=>`");
        check("module a\nreplace b =>\n", "go.mod:2: `replace` without a replacement");
        check("module a\ntoolchain 1.26.8\n", "go.mod:2: `1.26.8` is not a toolchain's name");
        check("module\n", "go.mod:1: `module` without a value");
    }

    #[test]
    fn a_default_toolchain_is_none() {
        let file = ModFile::module("go.mod", "module a\ntoolchain default\n").expect("well-formed");
        assert_eq!(file.toolchain, None);
    }
}
