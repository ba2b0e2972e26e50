//! `--secret` and `--ssh`: where values and agents are. Only private keys are read here, as nothing should have been
//! built when one turns out to be encrypted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::agent::Agent;
use engine::settings::Secret;

use crate::failure::Failure;

/// Reads every `--secret`.
///
/// # Errors
/// With the part that is wrong.
pub fn secrets(specs: &[String]) -> Result<BTreeMap<String, Secret>, Failure> {
    let one = |spec: &String| secret(spec).map_err(|why| Failure::Usage(format!("`--secret {spec}`: {why}")));
    specs.iter().map(one).collect()
}

/// `id=ID[,src=FILE][,env=VARIABLE][,type=file|env]`; without a place, the variable of that name, else the file.
fn secret(spec: &str) -> Result<(String, Secret), String> {
    let (mut id, mut file, mut variable, mut kind) = (None, None, None, None);
    for field in spec.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(|| format!("`{field}` is not key=value"))?;
        match key.to_lowercase().as_str() {
            "id" => id = Some(value.to_owned()),
            "source" | "src" => file = Some(value.to_owned()),
            "env" => variable = Some(value.to_owned()),
            "type" if value == "file" || value == "env" => kind = Some(value.to_owned()),
            "type" => return Err(format!("unsupported secret type `{value}`: file or env")),
            _ => return Err(format!("unexpected key `{key}`: id, src, env or type")),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or("it needs an id")?;
    // With type=env, src names the variable.
    if kind.as_deref() == Some("env") {
        variable = variable.or(file.take());
    }
    let place = match (file, variable) {
        (Some(_), Some(_)) => return Err("src and env exclude each other".to_owned()),
        (Some(file), None) => Secret::File(PathBuf::from(file)),
        (None, Some(variable)) => Secret::Variable(variable),
        (None, None) if std::env::var_os(&id).is_some() => Secret::Variable(id.clone()),
        (None, None) => Secret::File(PathBuf::from(&id)),
    };
    Ok((id, place))
}

/// Reads every `--ssh`.
///
/// # Errors
/// If there is no socket, or a key that can't be used.
pub fn agents(specs: &[String]) -> Result<BTreeMap<String, Agent>, Failure> {
    let one = |spec: &String| agent(spec).map_err(|why| Failure::Usage(format!("`--ssh {spec}`: {why}")));
    specs.iter().map(one).collect()
}

/// `ID[=SOCKET|KEYFILE[,KEYFILE…]]`
fn agent(spec: &str) -> Result<(String, Agent), String> {
    let (id, paths) = match spec.split_once('=') {
        Some((id, paths)) => (id, paths.split(',').map(PathBuf::from).collect()),
        None => (spec, vec![own_agent()?]),
    };
    let id = if id.is_empty() { "default" } else { id };
    Ok((id.to_owned(), Agent::read(&paths)?))
}

fn own_agent() -> Result<PathBuf, String> {
    let own = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
    let own =
        own.ok_or("SSH_AUTH_SOCK is not set: start an agent, or name its socket or key files behind a `=`")?;
    let socket = PathBuf::from(own);
    match engine::agent::is_socket(&socket) {
        true => Ok(socket),
        false => Err(format!("SSH_AUTH_SOCK is `{}`, which is not an agent's socket", socket.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_secrets() {
        let file = |path: &str| Secret::File(PathBuf::from(path));
        for (spec, id, place) in [
            ("id=a,src=/f", "a", file("/f")),
            ("id=a,env=V", "a", Secret::Variable("V".into())),
            ("type=env,id=a,src=V", "a", Secret::Variable("V".into())),
            ("id=no-such-variable", "no-such-variable", file("no-such-variable")),
        ] {
            assert_eq!(secret(spec), Ok((id.to_owned(), place)), "{spec}");
        }
        for spec in ["src=/f", "id=", "id=a,oops=1", "id", "id=a,src=x,env=y", "id=a,type=magic"] {
            assert!(secret(spec).is_err(), "{spec}");
        }
    }
}
