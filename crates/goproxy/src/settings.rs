//! What the go command's variables say, without a go command: the environment, then the GOENV file.
//!
//! Knows the variables' defaults and how they default to each other, not what they mean.
//! See `go help environment`. A Go installation's own go.env is not read, as there is no installation.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use transport::Env;

use crate::pattern;

/// The go command's variables.
#[derive(Clone)]
pub struct Settings {
    env: Env,
    file: HashMap<String, String>,
}

impl Settings {
    /// Reads the GOENV file, if there is one. A file that can't be read counts as none, as with the go
    /// command.
    pub fn read(env: &Env) -> Settings {
        let text = file(env).and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        Settings { env: env.clone(), file: parse(&String::from_utf8_lossy(&text)) }
    }

    /// A variable's value: the environment's, else the GOENV file's. Empty counts as not set.
    pub fn var(&self, name: &str) -> Option<String> {
        self.env.var(name).or_else(|| self.file.get(name).filter(|value| !value.is_empty()).cloned())
    }

    pub(crate) fn proxy(&self) -> String {
        self.var("GOPROXY").unwrap_or_else(|| "https://proxy.golang.org,direct".to_owned())
    }

    pub(crate) fn sumdb(&self) -> String {
        self.var("GOSUMDB").unwrap_or_else(|| "sum.golang.org".to_owned())
    }

    pub(crate) fn auth(&self) -> String {
        self.var("GOAUTH").unwrap_or_else(|| "netrc".to_owned())
    }

    /// Whether GONOPROXY, or GOPRIVATE in its place, names the module.
    pub(crate) fn skips_proxy(&self, path: &str) -> bool {
        self.matches("GONOPROXY", path)
    }

    /// Whether GONOSUMDB, or GOPRIVATE in its place, names the module.
    pub(crate) fn skips_sumdb(&self, path: &str) -> bool {
        self.matches("GONOSUMDB", path)
    }

    fn matches(&self, name: &str, path: &str) -> bool {
        let globs = self.var(name).or_else(|| self.var("GOPRIVATE"));
        globs.is_some_and(|globs| pattern::matches(&globs, path))
    }

    /// `$NETRC`, else ~/.netrc. The go command asks the environment alone for it.
    pub(crate) fn netrc(&self) -> Option<PathBuf> {
        self.env.path("NETRC").or_else(|| self.env.home(".netrc"))
    }
}

impl fmt::Debug for Settings {
    // GOPROXY may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

fn file(env: &Env) -> Option<PathBuf> {
    match env.var("GOENV") {
        Some(off) if off == "off" => None,
        Some(file) => Some(PathBuf::from(file)),
        // Go refuses a relative XDG_CONFIG_HOME and then has no file at all.
        None => match env.path("XDG_CONFIG_HOME") {
            Some(dir) => dir.is_absolute().then(|| dir.join("go/env")),
            None => env.home(".config/go/env"),
        },
    }
}

/// `NAME=value` a line, the last one counts. No quotes, no comments: what isn't a variable is skipped.
fn parse(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    lines.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn proxy(scratch: &Scratch, vars: &[(&str, &str)]) -> String {
        Settings::read(&scratch.env(vars)).proxy()
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let scratch = Scratch::new();
        scratch.write(
            ".config/go/env",
            b"# a comment=1\n\ngoproxy=x\nGOPROXY=https://file.test\nGOFLAGS=-v\nGOSUMDB=\n",
        );
        assert_eq!(proxy(&scratch, &[]), "https://file.test");
        assert_eq!(proxy(&scratch, &[("GOPROXY", "off")]), "off");
        assert_eq!(proxy(&scratch, &[("GOPROXY", "")]), "https://file.test");
        assert_eq!(proxy(&scratch, &[("GOENV", "off")]), "https://proxy.golang.org,direct");
        let settings = Settings::read(&scratch.env(&[]));
        assert_eq!(settings.var("GOFLAGS").as_deref(), Some("-v"));
        assert_eq!(settings.var("GOSUMDB"), None);
        assert_eq!(settings.sumdb(), "sum.golang.org");
        assert_eq!(settings.var("GOMODCACHE"), None);
    }

    #[test]
    fn the_file_may_be_elsewhere() {
        let scratch = Scratch::new();
        scratch.write("xdg/go/env", b"GOPROXY=https://xdg.test");
        scratch.write("own", b"GOPROXY=https://own.test\r\n");
        let xdg = scratch.path("xdg").to_str().unwrap().to_owned();
        let own = scratch.path("own").to_str().unwrap().to_owned();
        assert_eq!(proxy(&scratch, &[("XDG_CONFIG_HOME", &xdg)]), "https://xdg.test");
        assert_eq!(proxy(&scratch, &[("XDG_CONFIG_HOME", "relative")]), "https://proxy.golang.org,direct");
        assert_eq!(proxy(&scratch, &[("XDG_CONFIG_HOME", &xdg), ("GOENV", &own)]), "https://own.test");
    }

    #[test]
    fn goprivate_stands_in_for_both() {
        let scratch = Scratch::new();
        let private = Settings::read(&scratch.env(&[("GOPRIVATE", "corp.test")]));
        assert!(private.skips_proxy("corp.test/a") && private.skips_sumdb("corp.test/a"));
        let vars = [("GOPRIVATE", "corp.test"), ("GONOPROXY", "none")];
        let mixed = Settings::read(&scratch.env(&vars));
        assert!(!mixed.skips_proxy("corp.test/a") && mixed.skips_sumdb("corp.test/a"));
    }
}
