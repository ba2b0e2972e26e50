//! Go's build info: the text in a program to a list of modules and settings, and back.
//!
//! Fed by `read`, feeds `parts`. A line a thing, columns apart by tabs:
//! ```text
//! path  example.com/shop/cmd/shop
//! mod  example.com/shop  (devel)
//! dep  example.com/a  v1.2.3  h1:…=
//! dep  example.com/b  v1.0.0
//! =>  example.com/fork  v1.0.1  h1:…=
//! build  CGO_ENABLED=0
//! ```
//! Lines of other kinds are left for the future. See `runtime/debug` of Go's library.

use crate::quote::{quote, unquote};

/// What a program says about how it was built.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct BuildInfo {
    /// `go1.26.8`; may have more to say after a blank or a hyphen.
    pub go_version: String,
    /// Import path of the main package; empty if the program was built without modules.
    pub path: String,
    /// The module of the main package.
    pub main: Option<Module>,
    /// All others that packages came from, direct or not.
    pub deps: Vec<Module>,
    /// `GOOS`, `-tags`, `vcs.revision`, …
    pub settings: Vec<(String, String)>,
}

/// A module of a program.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Module {
    /// `example.com/a/v2`, or the folder if it replaces one.
    pub path: String,
    /// `v2.0.1`, or `(devel)` for one that has none.
    pub version: String,
    /// `h1:…`; empty for the main module, folders, and what is vendored.
    pub sum: String,
    /// What was taken in its place.
    pub replace: Option<Box<Module>>,
}

impl BuildInfo {
    /// The value of a build setting.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }
}

/// What `go version -m` prints after a file's name, colon and blank: the version, then lines with a tab before
/// each.
pub fn text(info: &BuildInfo) -> String {
    let mut out = String::new();
    if !info.path.is_empty() {
        out.push_str(&format!("path\t{}\n", info.path));
    }
    info.main.iter().for_each(|main| out.push_str(&module_text("mod", main)));
    info.deps.iter().for_each(|dep| out.push_str(&module_text("dep", dep)));
    info.settings.iter().for_each(|(key, value)| out.push_str(&setting_text(key, value)));
    let lines: String = out.split_terminator('\n').map(|line| format!("\t{line}\n")).collect();
    format!("{}\n{lines}", info.go_version)
}

fn module_text(word: &str, module: &Module) -> String {
    let Module { path, version, sum, replace } = module;
    match replace {
        None => format!("{word}\t{path}\t{version}\t{sum}\n"),
        // Go leaves a line empty after a replacement.
        Some(other) => format!("{word}\t{path}\t{version}\n{}\n", module_text("=>", other)),
    }
}

fn setting_text(key: &str, value: &str) -> String {
    let key = if key_needs_quotes(key) { quote(key) } else { key.to_owned() };
    let value = if needs_quotes(value) { quote(value) } else { value.to_owned() };
    format!("build\t{key}={value}\n")
}

fn key_needs_quotes(key: &str) -> bool {
    key.is_empty() || key.contains('=') || needs_quotes(key)
}

fn needs_quotes(text: &str) -> bool {
    text.contains([' ', '\t', '\r', '\n', '"', '`'])
}

/// The build info in the text of a program's modules.
pub(crate) fn parse(version: &str, modules: &str) -> Result<BuildInfo, String> {
    let mut parser = Parser::default();
    // What comes after the last newline is no line.
    for (i, line) in modules.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).enumerate() {
        parser.line(line).map_err(|e| format!("line {} of the Go build info: {e}", i + 1))?;
    }
    Ok(BuildInfo { go_version: version.to_owned(), ..parser.info })
}

#[derive(Default)]
struct Parser {
    info: BuildInfo,
    last: Last,
}

/// What a replacement is for.
#[derive(Default)]
enum Last {
    #[default]
    None,
    Main,
    Dep,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        match line.split_once('\t') {
            Some(("path", path)) => self.info.path = path.to_owned(),
            Some(("mod", columns)) => {
                self.info.main = Some(module(columns)?).filter(|main| *main != Module::default());
                self.last = Last::Main;
            }
            Some(("dep", columns)) => {
                self.info.deps.push(module(columns)?);
                self.last = Last::Dep;
            }
            Some(("=>", columns)) => self.replacement(columns)?,
            Some(("build", setting)) => self.info.settings.push(parse_setting(setting)?),
            _ => {}
        }
        Ok(())
    }

    fn replacement(&mut self, columns: &str) -> Result<(), String> {
        let other = match columns.split('\t').count() {
            3 => module(columns)?,
            found => return Err(format!("a replacement has 3 columns, not {found}")),
        };
        let replaced = match std::mem::take(&mut self.last) {
            Last::None => return Err("a replacement follows no module".to_owned()),
            Last::Main => self.info.main.get_or_insert_default(),
            Last::Dep => self.info.deps.last_mut().expect("a dependency was pushed"),
        };
        replaced.replace = Some(Box::new(other));
        Ok(())
    }
}

fn module(columns: &str) -> Result<Module, String> {
    let columns: Vec<&str> = columns.split('\t').collect();
    let (path, version, sum) = match columns[..] {
        [path, version] => (path, version, ""),
        [path, version, sum] => (path, version, sum),
        _ => return Err(format!("a module has 2 or 3 columns, not {}", columns.len())),
    };
    Ok(Module { path: path.to_owned(), version: version.to_owned(), sum: sum.to_owned(), replace: None })
}

fn parse_setting(setting: &str) -> Result<(String, String), String> {
    let (key, value) = if setting.starts_with(['`', '"']) {
        let (key, rest) = unquote(setting).ok_or("the quotes of a setting's key don't match")?;
        (key, rest.strip_prefix('=').ok_or("a setting has no `=` after its key")?)
    } else {
        let (key, value) = setting.split_once('=').ok_or("a setting has no `=`")?;
        match key_needs_quotes(key) {
            true => return Err(format!("the setting's key `{key}` has no quotes")),
            false => (key.to_owned(), value),
        }
    };
    Ok((key, parse_value(value)?))
}

fn parse_value(value: &str) -> Result<String, String> {
    if value.starts_with(['`', '"']) {
        return match unquote(value) {
            Some((text, "")) => Ok(text),
            _ => Err("the quotes of a setting's value don't match".to_owned()),
        };
    }
    match needs_quotes(value) {
        true => Err(format!("the setting's value `{value}` has no quotes")),
        false => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(modules: &str, message: &str) {
        assert_eq!(parse("go1.26", modules), Err(format!("line 1 of the Go build info: {message}")));
    }

    #[test]
    fn every_line_and_back() {
        let modules = "path\texample.com/a/cmd\nmod\texample.com/a\t(devel)\t\ndep\tb\tv1.0.0\th1:x=\ndep\tc\tv1\n\
            =>\t./c\t(devel)\t\n\nbuild\t-tags=a,b\nbuild\t-ldflags=\"-X 'a=b' \\\"\"\nbuild\t\"a b\"=`x y`\nnew\tline\ncut";
        let info = parse("go1.26.8", modules).unwrap();
        assert_eq!((info.path.as_str(), info.deps.len()), ("example.com/a/cmd", 2));
        assert_eq!(info.main.as_ref().unwrap().version, "(devel)");
        assert_eq!(info.deps[1].replace.as_ref().unwrap().path, "./c");
        assert_eq!(info.setting("a b"), Some("x y"));
        assert_eq!(
            text(&info),
            "go1.26.8\n\tpath\texample.com/a/cmd\n\tmod\texample.com/a\t(devel)\t\n\tdep\tb\tv1.0.0\th1:x=\n\
             \tdep\tc\tv1\n\t=>\t./c\t(devel)\t\n\t\n\tbuild\t-tags=a,b\n\tbuild\t-ldflags=\"-X 'a=b' \\\"\"\n\
             \tbuild\t\"a b\"=\"x y\"\n"
        );
    }

    #[test]
    fn a_program_without_modules() {
        let info = parse("go1.16", "").unwrap();
        assert_eq!((text(&info).as_str(), info.main), ("go1.16\n", None));
    }

    #[test]
    fn what_go_refuses() {
        fails("dep\ta\n", "a module has 2 or 3 columns, not 1");
        fails("mod\ta\tb\tc\td\n", "a module has 2 or 3 columns, not 4");
        fails("=>\ta\tb\tc\n", "a replacement follows no module");
        fails("=>\ta\tb\n", "a replacement has 3 columns, not 2");
        fails("build\t\n", "a setting has no `=`");
        fails("build\t=a\n", "the setting's key `` has no quotes");
        fails("build\ta b=c\n", "the setting's key `a b` has no quotes");
        fails("build\t\"a\"b=c\n", "a setting has no `=` after its key");
        fails("build\t\"a=c\n", "the quotes of a setting's key don't match");
        fails("build\ta=b c\n", "the setting's value `b c` has no quotes");
        fails("build\ta=\"b\"c\n", "the quotes of a setting's value don't match");
    }
}
