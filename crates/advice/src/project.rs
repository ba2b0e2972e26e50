//! What a project is, by the names at its top, the texts of its manifests and the programs that its Dockerfile runs.

use std::collections::BTreeMap;

use plan::{Op, Plan};
use recipe::Embedded;

/// Files at the top that say what else is needed. Whatever a name in one of them means, it isn't clutter.
pub const TEXTS: &[&str] = &[
    ".gitignore",
    "Cargo.toml",
    "MANIFEST.in",
    "Makefile",
    "angular.json",
    "build.gradle",
    "build.gradle.kts",
    "build.rs",
    "mkdocs.yml",
    "next.config.js",
    "next.config.mjs",
    "next.config.ts",
    "package.json",
    "pom.xml",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tsconfig.json",
    "vite.config.js",
    "vite.config.ts",
    "webpack.config.js",
];

/// A project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Names at the top of its folder.
    pub names: Vec<String>,
    /// The texts of those of [`TEXTS`] that are there.
    pub texts: BTreeMap<String, String>,
    /// What a Go project embeds.
    pub embedded: Option<Embedded>,
    /// All that the Dockerfile's steps and its image run.
    pub script: String,
}

/// Programs that run tests, whatever they are told.
const TESTERS: &[&str] =
    &["test", "tests", "pytest", "tox", "nox", "jest", "vitest", "mocha", "playwright", "cypress"];

/// Programs, or words of their files, that ask git which version this is.
const ASKS_GIT: &[&str] =
    &["setuptools_scm", "setuptools-scm", "hatch-vcs", "versioningit", "vergen", "git2", "git"];

impl Project {
    /// What these plans run, as one text.
    pub fn script(plans: &[Plan]) -> String {
        let runs = plans.iter().flat_map(|plan| &plan.steps).filter_map(|step| match &step.op {
            Op::Run(run) => Some((&run.argv, run.script.as_ref())),
            _ => None,
        });
        let mut out = String::new();
        for (argv, script) in runs {
            out += &(argv.join(" ") + "\n");
            out += &script
                .map(|(_, text)| String::from_utf8_lossy(text).into_owned() + "\n")
                .unwrap_or_default();
        }
        for plan in plans {
            let config = &plan.outcome.config.config;
            let words = config.entrypoint.iter().chain(&config.cmd).flatten();
            words.for_each(|word| out += &format!("{word}\n"));
        }
        out
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Whether it is a Go module or workspace.
    pub fn is_go(&self) -> bool {
        self.has("go.mod") || self.has("go.work")
    }

    /// Whether it is one of Node's.
    pub fn is_node(&self) -> bool {
        self.has("package.json")
    }

    /// Whether it is a Rust package or workspace.
    pub fn is_rust(&self) -> bool {
        self.has("Cargo.toml")
    }

    /// Whether it is one of Python's.
    pub fn is_python(&self) -> bool {
        ["pyproject.toml", "requirements.txt", "setup.py", "Pipfile"].iter().any(|name| self.has(name))
    }

    /// Whether Maven or Gradle builds it.
    pub fn is_java(&self) -> bool {
        ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| self.has(name))
    }

    /// Whether it is known what it is.
    pub fn is_known(&self) -> bool {
        self.is_go() || self.is_node() || self.is_rust() || self.is_python() || self.is_java()
    }

    /// Whether the Dockerfile runs one of these programs, or says the word to one.
    pub fn runs(&self, words: &[&str]) -> bool {
        let is_end = |c: char| c.is_whitespace() || ";|&()\"'`$,[]".contains(c);
        let mut all = self.script.split(is_end).map(|word| word.rsplit('/').next().unwrap_or_default());
        all.any(|word| words.contains(&word))
    }

    /// Whether packages are installed from what `package.json` says.
    pub fn installs_node(&self) -> bool {
        self.runs(&["npm", "yarn", "pnpm", "bun"])
            && (self.runs(&["install", "ci", "i", "add"]) || self.runs(&["yarn"]))
    }

    /// Whether tests are run.
    pub fn runs_tests(&self) -> bool {
        self.runs(TESTERS) || self.runs(&["make"]) && self.mentions("test")
    }

    /// Whether something may ask git for the commit.
    pub fn asks_git(&self) -> bool {
        let has = |name: &str, word: &str| self.texts.get(name).is_some_and(|text| says(text, word));
        let by_make = self.runs(&["make"]) && has("Makefile", "git");
        let manifests = ["pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "build.rs"];
        let by_build = manifests.iter().any(|name| ASKS_GIT.iter().any(|word| has(name, word)));
        self.calls_git() || by_make || by_build
    }

    /// `apk add git` asks for nothing.
    fn calls_git(&self) -> bool {
        let commands = self.script.split(['\n', ';', '&', '|', '(', '`']);
        let mut words = commands.map(|command| command.trim_start().trim_start_matches("/bin/sh -c "));
        words.any(|command| command.split_whitespace().next() == Some("git"))
    }

    /// Whether a manifest, or what the Dockerfile runs, has a name in it. The key of a JSON file is no mention.
    pub fn mentions(&self, name: &str) -> bool {
        let counts = |file: &str| match file {
            ".gitignore" => false,
            "Makefile" => self.runs(&["make"]),
            _ => true,
        };
        let texts = self.texts.iter().filter(|(file, _)| counts(file)).map(|(_, text)| text);
        texts.chain([&self.script]).any(|text| says(text, name))
    }

    /// Whether git is told to ignore a name at the top.
    pub fn is_git_ignored(&self, name: &str) -> bool {
        let lines = self.texts.get(".gitignore").map(|text| text.lines()).into_iter().flatten();
        lines.map(|line| line.trim().trim_start_matches("**/").trim_matches('/')).any(|line| line == name)
    }
}

/// Whether a text has a word, but as the key of a JSON object.
fn says(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let is_key = after.strip_prefix('"').is_some_and(|rest| rest.trim_start().starts_with(':'));
        !before.ends_with(is_part) && !after.starts_with(is_part) && !is_key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(script: &str, texts: &[(&str, &str)]) -> Project {
        let texts = texts.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        Project { script: script.to_owned(), texts, ..Project::default() }
    }

    #[test]
    fn words_of_scripts() {
        let of = |script| project(script, &[]);
        assert!(of("/bin/sh -c cd x && npm ci").installs_node());
        assert!(!of("/bin/sh -c npm run build").installs_node());
        assert!(of("go test ./...").runs_tests() && !of("go build ./latest").runs_tests());
        assert!(of("/bin/sh -c V=$(git describe) make").asks_git());
        assert!(!of("/bin/sh -c apk add git make").asks_git());
    }

    #[test]
    fn manifests_tell_what_is_needed() {
        let of = |name, text| project("", &[(name, text)]);
        assert!(of("pyproject.toml", "readme = \"README.md\"").mentions("README.md"));
        assert!(!of("package.json", "{\"test\" : \"jest\"}").mentions("test"));
        assert!(of("package.json", "{\"files\": [\"test/\"]}").mentions("test"));
        assert!(!of("Makefile", "docs: x").mentions("docs"));
        assert!(of("pyproject.toml", "requires = [\"setuptools_scm\"]").asks_git());
        assert!(of(".gitignore", "/dist/\n").is_git_ignored("dist"));
    }
}
