//! # pipe-without-pipefail
//!
//! Finds a `RUN` with a pipe of which only the last command may fail.
//!
//! ## Why
//! A shell asks for the last command's result. `curl … | tar x` goes on with half a file, or with none. `SHELL` with
//! `-o pipefail` makes the others count; dash, which is Debian's `/bin/sh`, hasn't got it, bash and Alpine's ash
//! have.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN curl http://example.org/list | sort > /list
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! SHELL ["/bin/bash", "-o", "pipefail", "-c"]
//! RUN curl http://example.org/list | sort > /list
//! ```

use dockerfile::Kind;

use crate::lines::Part;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "pipe-without-pipefail",
    aliases: &["DL4006"],
    description: "A command in a pipe may fail unseen",
    url: "https://github.com/hadolint/hadolint/wiki/DL4006",
    check,
    source: include_str!("pipe_without_pipefail.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().flat_map(part).collect()
}

fn part<'s>(part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let (mut is_set, mut found) = (false, Vec::new());
    for line in &part.lines {
        if let Kind::Shell(words) = line.kind {
            is_set = sets(words);
        }
        let has_pipe = line.script.as_ref().is_some_and(|script| script.has_pipe);
        if has_pipe && !is_set && !line.commands().iter().any(is_own) {
            found.push(line.finding("only the last command of the pipe may fail: set `-o pipefail` with SHELL"));
        }
    }
    found
}

fn sets(shell: &[String]) -> bool {
    let name = shell.first().and_then(|path| path.rsplit('/').next());
    let can = name.is_some_and(|name| ["bash", "zsh", "ash"].contains(&name));
    can && shell.windows(2).any(|pair| pair[0].starts_with('-') && pair[0].ends_with('o') && pair[1] == "pipefail")
}

/// `set -o pipefail` in the RUN itself.
fn is_own(command: &Command) -> bool {
    command.runs("set", &["pipefail"])
}
