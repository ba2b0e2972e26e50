//! # copied-secret
//!
//! Finds files copied from the context that are secret by their names.
//!
//! ## Why
//! A later `RUN rm` hides the file: it is in the layer, for everybody who can pull the image. `RUN
//! --mount=type=secret` shows a file to one step and keeps nothing. Public halves, certificates and examples are let
//! through.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY id_rsa /root/.ssh/
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY id_rsa.pub /root/.ssh/
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Finding, Needs, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copied-secret",
    needs: Needs::Syntax,
    description: "A secret file is copied",
    check,
    source: include_str!("copied_secret.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let found = |line: &'s Line<'s>| {
        let name = find::from_context(line).find(|source| is_secret(source))?;
        Some(line.finding(format!("`{name}` is secret by its name: use `RUN --mount=type=secret`")))
    };
    scene.lines().filter_map(found).collect()
}

/// Names of secret files.
const NAMES: [&str; 17] = [
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env", ".npmrc", ".netrc", "_netrc", ".pypirc", ".git-credentials",
    ".pgpass", ".htpasswd", "kubeconfig", ".ssh", ".aws", ".gnupg", ".vault-token",
];

const ENDS: [&str; 6] = [".key", ".p12", ".pfx", ".ppk", ".kdbx", ".pem"];

/// What a name has if it is public.
const PUBLIC: [&str; 6] = ["pub", "cert", "chain", "ca.", "ca-", "root"];

const EXAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "test"];

fn is_secret(source: &str) -> bool {
    let path = source.trim_matches(['"', '\'']).trim_end_matches('/').to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_key = ENDS.iter().any(|end| name.ends_with(end)) && !PUBLIC.iter().any(|word| name.contains(word));
    let is_env = name.starts_with(".env.");
    let is_known = NAMES.contains(&name) || path.ends_with(".docker/config.json");
    (is_known || is_key || is_env) && !EXAMPLES.iter().any(|word| name.contains(word))
}
