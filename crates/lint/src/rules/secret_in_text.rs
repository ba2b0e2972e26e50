//! # secret-in-text
//!
//! Finds what looks like a key or a password, by its shape, anywhere in an instruction.
//!
//! ## Why
//! It is in the image's config or history, and in the repository. Looked for are the forms that well-known services
//! give their keys, private keys, passwords in addresses, and values of `ENV` and `ARG` that are too random to be
//! anything else. `RUN --mount=type=secret` leaves no trace. The value itself isn't shown, here or in logs; change
//! it, for it is known by now.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! ENV REPOSITORY=https://bot:hunter2@example.org/repository
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! ENV REPOSITORY=https://example.org/repository
//! ```

use dockerfile::Kind;

use crate::lines::Line;
use crate::rule::{Finding, Needs, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "secret-in-text",
    needs: Needs::Syntax,
    description: "What looks like a secret stands in the file",
    check,
    source: include_str!("secret_in_text.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.lines().filter_map(|line| Some(line.finding(message(secret(line)?)))).collect()
}

fn message(what: &str) -> String {
    format!("this looks like {what}: hand it over with `RUN --mount=type=secret`")
}

/// How keys of well-known services begin, and how long the rest is at least.
const SHAPES: [(&str, usize, &str); 19] = [
    ("AKIA", 16, "a key of AWS"),
    ("ASIA", 16, "a key of AWS"),
    ("ghp_", 30, "a token of GitHub"),
    ("gho_", 30, "a token of GitHub"),
    ("ghs_", 30, "a token of GitHub"),
    ("ghu_", 30, "a token of GitHub"),
    ("github_pat_", 30, "a token of GitHub"),
    ("glpat-", 18, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("sk_live_", 20, "a key of Stripe"),
    ("rk_live_", 20, "a key of Stripe"),
    ("AIza", 35, "a key of Google"),
    ("npm_", 36, "a token of npm"),
    ("pypi-AgEIcHlwaS", 40, "a token of PyPI"),
    ("dckr_pat_", 20, "a token of Docker Hub"),
    ("hf_", 34, "a token of Hugging Face"),
    ("SG.", 40, "a key of SendGrid"),
    ("eyJhbGciOi", 40, "a signed token"),
];

fn secret(line: &Line) -> Option<&'static str> {
    let whole = &line.instruction.original;
    let documents = line.instruction.heredocs().iter().map(|document| document.content.as_str());
    std::iter::once(whole.as_str()).chain(documents).find_map(in_text).or_else(|| in_values(line))
}

fn in_text(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let words = || text.split(|c: char| !is_inside(c)).filter(|word| word.len() >= 20);
    let shaped = words().find_map(|word| {
        let known = SHAPES.iter().find(|(start, rest, _)| word.starts_with(start) && word.len() >= start.len() + rest);
        known.map(|(_, _, what)| *what)
    });
    shaped.or_else(|| has_password(text).then_some("an address with a password"))
}

/// `scheme://user:password@host`, the password not from a variable.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let end = rest.find(|c: char| c.is_whitespace() || "/\"'".contains(c)).unwrap_or(rest.len());
        let user = rest[..end].rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        user.is_some_and(|(_, password)| !password.is_empty() && !password.contains(['$', '<', '{', '*']))
    })
}

fn in_values(line: &Line) -> Option<&'static str> {
    let is_random = match line.kind {
        Kind::Env(pairs) => pairs.iter().any(|pair| is_random(&pair.value)),
        Kind::Arg(all) => all.iter().filter_map(|arg| arg.default.as_deref()).any(is_random),
        _ => false,
    };
    is_random.then_some("a secret")
}

/// Small and large letters and digits, long, and with few of them twice. Checksums have no large letters, paths and
/// names have words.
fn is_random(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let has = |is: fn(&char) -> bool| value.chars().filter(is).count() >= 4;
    let is_mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    (24..=512).contains(&value.len()) && value.chars().all(is_base64) && is_mixed && entropy(value) > 4.2
}

/// Bits a letter.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    let share = |count: &u32| f64::from(*count) / length;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}
