//! What is worth leaving out of a context, in groups with their reasons: the table of `tare ignore`.
//!
//! Order is that of the proposal. A pattern is proposed if it hides something that is there now; those marked with `+`
//! always. `?` before a pattern: only if git ignores that name, for it may as well be a folder of sources.

use crate::project::Project;

/// How sure it is that no build misses a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Clutter wherever it is found, unless it is named.
    Clutter,
    /// Of use to some build: left alone where a manifest or a step has its name, or some step has read it.
    Doubt,
}

/// Patterns and why.
pub struct Group {
    /// One line.
    pub reason: &'static str,
    /// How sure it is.
    pub care: Care,
    /// With blanks between them.
    pub patterns: &'static str,
    /// Whether it is for this project.
    pub is_for: fn(&Project) -> bool,
}

/// All groups.
pub const GROUPS: &[Group] = &[
    Group {
        reason: "History.",
        care: Care::Clutter,
        patterns: "+**/.git **/.hg **/.svn **/.bzr",
        is_for: |project| !project.asks_git(),
    },
    Group {
        reason: "What is private to this machine.",
        care: Care::Clutter,
        patterns: "+**/.env +**/.env.*",
        is_for: |_| true,
    },
    Group {
        reason: "The build's own instructions.",
        care: Care::Clutter,
        patterns: "+Dockerfile* *.Dockerfile Containerfile* compose*.y*ml docker-compose*.y*ml +*.dockerignore \
            .containerignore tare.toml tare.lock",
        is_for: |_| true,
    },
    Group {
        reason: "What editors and other tools keep here.",
        care: Care::Clutter,
        patterns: ".git?* .circleci .travis.yml .devcontainer .idea .vscode .zed .editorconfig .golangci.* \
            .goreleaser.* .pre-commit-config.yaml **/*.sw? **/.DS_Store **/Thumbs.db",
        is_for: |_| true,
    },
    Group {
        reason: "Packages that the build installs anew.",
        care: Care::Clutter,
        patterns: "**/node_modules",
        is_for: |project| project.is_node() && project.installs_node(),
    },
    Group {
        reason: "What Node's tools leave behind.",
        care: Care::Clutter,
        patterns: "npm-debug.log* yarn-error.log .eslintcache .nyc_output .turbo .parcel-cache ?coverage",
        is_for: Project::is_node,
    },
    Group {
        reason: "What Python leaves behind, and environments of this machine.",
        care: Care::Clutter,
        patterns: "**/__pycache__ **/*.py[co] .venv venv .pytest_cache .mypy_cache .ruff_cache .tox .nox .coverage \
            htmlcov **/*.egg-info .ipynb_checkpoints",
        is_for: Project::is_python,
    },
    Group {
        reason: "What cargo builds anew.",
        care: Care::Clutter,
        patterns: "target **/*.rs.bk",
        is_for: |project| project.is_rust() && project.runs(&["cargo"]),
    },
    Group {
        reason: "What Maven and Gradle build anew.",
        care: Care::Clutter,
        patterns: ".gradle ?target ?build",
        is_for: |project| project.is_java() && project.runs(&["mvn", "mvnw", "gradle", "gradlew"]),
    },
    Group {
        reason: "What was built here.",
        care: Care::Doubt,
        patterns: "?dist ?build ?out ?bin ?.next ?.nuxt ?.output ?.svelte-kit *.test *.prof *.exe",
        is_for: |project| {
            let builders =
                ["go", "npm", "yarn", "pnpm", "bun", "npx", "tsc", "python", "pip", "uv", "poetry"];
            (project.is_go() || project.is_node() || project.is_python()) && project.runs(&builders)
        },
    },
    Group {
        reason: "Words for people.",
        care: Care::Doubt,
        patterns: "*.md LICENSE* NOTICE* CODEOWNERS AUTHORS docs doc",
        is_for: |project| project.is_go() || project.is_node(),
    },
    // What a package says of itself is part of it there: README, LICENSE.
    Group {
        reason: "Words for people.",
        care: Care::Doubt,
        patterns: "CHANGELOG* CONTRIBUTING* CODE_OF_CONDUCT* SECURITY* CODEOWNERS docs doc",
        is_for: |project| {
            (project.is_rust() || project.is_python()) && !(project.is_go() || project.is_node())
        },
    },
    Group {
        reason: "Tests: `go build` reads neither.",
        care: Care::Clutter,
        patterns: "**/*_test.go **/testdata",
        is_for: |project| {
            let imports = project.embedded.as_ref().is_none_or(|embedded| embedded.imports_closed);
            project.is_go() && !imports && !project.runs_tests()
        },
    },
    Group {
        reason: "Tests: no step runs any.",
        care: Care::Doubt,
        patterns: "test tests __tests__ e2e cypress benches",
        is_for: |project| project.is_known() && !project.is_go() && !project.runs_tests(),
    },
    Group {
        reason: "For make, which no step runs.",
        care: Care::Doubt,
        patterns: "Makefile GNUmakefile Taskfile.y*ml justfile",
        is_for: |project| project.is_known() && !project.runs(&["make", "gmake", "task", "just"]),
    },
];

/// A pattern of the table.
pub struct Item {
    /// As it is written into the file.
    pub pattern: &'static str,
    /// Whether it is proposed also if it hides nothing yet.
    pub is_always: bool,
    /// Whether git has to ignore it.
    pub is_if_ignored: bool,
}

impl Group {
    /// Its patterns.
    pub fn items(&self) -> impl Iterator<Item = Item> + use<> {
        self.patterns.split_whitespace().map(|word| Item {
            pattern: word.trim_start_matches(['+', '?']),
            is_always: word.starts_with('+'),
            is_if_ignored: word.starts_with('?'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        for group in GROUPS {
            let text: String = group.items().map(|item| item.pattern.to_owned() + "\n").collect();
            let patterns = dockerfile::Patterns::parse(text.as_bytes()).expect("patterns");
            assert_eq!(patterns.rules().len(), group.items().count(), "{}", group.reason);
            assert!(group.reason.ends_with('.') && !group.reason.contains('\n'));
        }
    }
}
