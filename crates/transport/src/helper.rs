//! Docker's credential helpers: `docker-credential-NAME get|store|erase`, a JSON object each way.
//!
//! See docker-credential-helpers' README. A helper speaks on stdout even when it fails.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::credentials::Secret;
use crate::env::Env;
use crate::error::{Error, Kind, Result};

/// What a helper knows.
#[derive(Debug)]
pub(crate) struct Answer {
    pub username: String,
    pub secret: Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    username: String,
    secret: String,
}

/// Credentials for a server; `None` if the helper has none.
pub(crate) fn get(env: &Env, name: &str, server: &str) -> Result<Option<Answer>> {
    let output = run(env, name, "get", server)?;
    if !output.status.success() {
        return if is_not_found(&output) { Ok(None) } else { Err(failed(name, "get", &output)) };
    }
    let bad =
        |_| Error::new(Kind::Config, format!("run `docker-credential-{name} get`: its answer is not valid"));
    let wire: Wire = serde_json::from_slice(&output.stdout).map_err(bad)?;
    let answer = Answer { username: wire.username, secret: Secret(wire.secret) };
    Ok(Some(answer).filter(|a| !a.secret.0.is_empty()))
}

/// Hands credentials to a helper.
pub(crate) fn store(env: &Env, name: &str, server: &str, user: &str, password: &Secret) -> Result<()> {
    let wire = json!({ "ServerURL": server, "Username": user, "Secret": password.0 });
    let output = run(env, name, "store", &wire.to_string())?;
    if output.status.success() { Ok(()) } else { Err(failed(name, "store", &output)) }
}

/// Makes a helper forget; tells whether it knew.
pub(crate) fn erase(env: &Env, name: &str, server: &str) -> Result<bool> {
    let output = run(env, name, "erase", server)?;
    match output.status.success() {
        true => Ok(true),
        false if is_not_found(&output) => Ok(false),
        false => Err(failed(name, "erase", &output)),
    }
}

fn run(env: &Env, name: &str, verb: &str, input: &str) -> Result<Output> {
    let program = find(env, name)?;
    let trouble = |e| Error::io(format_args!("run `docker-credential-{name} {verb}`"), &e);
    let mut child = Command::new(program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(trouble)?;
    // A helper that needs no input may be gone already; its answer counts.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    child.wait_with_output().map_err(trouble)
}

/// Searches `PATH` of the environment that we were given, not of the process.
fn find(env: &Env, name: &str) -> Result<PathBuf> {
    let missing =
        || Error::new(Kind::Config, format!("credential helper `docker-credential-{name}` is not installed"));
    if name.contains('/') {
        return Err(missing());
    }
    let path = env.var("PATH").unwrap_or_default();
    let file = format!("docker-credential-{name}");
    std::env::split_paths(&path).map(|dir| dir.join(&file)).find(|p| p.is_file()).ok_or_else(missing)
}

fn is_not_found(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains("credentials not found")
}

/// stdout of a failure is the reason; only its first line, should a helper think of adding more.
fn failed(name: &str, verb: &str, output: &Output) -> Error {
    let said =
        String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
    let reason = said.lines().next().unwrap_or_default().trim();
    let reason = if reason.is_empty() { output.status.to_string() } else { reason.to_owned() };
    Error::new(Kind::Config, format!("run `docker-credential-{name} {verb}`: {reason}"))
}
