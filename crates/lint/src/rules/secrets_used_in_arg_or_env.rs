//! # SecretsUsedInArgOrEnv
//!
//! Finds arguments and environment variables whose names say that they are secret.
//!
//! ## Why
//! Both stay in the image: `ENV` in its config, `ARG` in its history. Everybody who can pull it can read them. A
//! `RUN --mount=type=secret` leaves no trace.
//!
//! ## Bad
//! ```dockerfile
//! FROM busybox:1.37.0
//! ARG API_TOKEN
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0
//! RUN --mount=type=secret,id=api,env=API true
//! ENV API_TOKEN_FILE=/run/secrets/api
//! ```

use dockerfile::Kind;
use dockerfile::quote::quote;

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "SecretsUsedInArgOrEnv",
    description: "Sensitive data should not be used in the ARG or ENV commands",
    url: "https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/",
    check,
    source: include_str!("secrets_used_in_arg_or_env.rs"),
    ..Rule::BUILDKIT
};

/// Words that a name is secret by, and words that make it harmless again.
const SECRET: [&str; 10] =
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];
const HARMLESS: [&str; 3] = ["public", "file", "version"];

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.steps().flat_map(one).collect()
}

fn one<'s>(step: &'s Step) -> Vec<Finding<'s>> {
    let names: Vec<&String> = match &step.instruction.kind {
        Kind::Env(_) => step.words.iter().collect(),
        Kind::Arg(all) => all.iter().map(|arg| &arg.name).collect(),
        _ => Vec::new(),
    };
    let keyword = step.instruction.kind.keyword();
    let message =
        |name: &str| format!("Do not use ARG or ENV instructions for sensitive data ({keyword} {})", quote(name));
    let secret = names.into_iter().filter(|name| has_word(name, &SECRET) && !has_word(name, &HARMLESS));
    secret.map(|name| step.spot().finding(message(name))).collect()
}

/// Whether a name, cut at `_`, has one of these words in it.
fn has_word(name: &str, words: &[&str]) -> bool {
    name.split('_').any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)))
}
