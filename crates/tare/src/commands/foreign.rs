//! Flags of other builders that tare doesn't do: values that ask for nothing are taken, the rest is refused
//! by name.

use crate::cli::Build;
use crate::failure::Failure;

/// Refuses the first flag that asks for something we don't do yet.
///
/// # Errors
/// With the flag's name.
pub fn refuse(args: &Build) -> Result<(), Failure> {
    let f = &args.foreign;
    let attestations = "attestations are not supported yet";
    only(&["false", "0", "disabled=true"], "provenance", f.provenance.as_deref(), attestations)?;
    only(&["default"], "builder", f.builder.as_deref(), "tare is the only builder")?;
    only(&["default"], "network", f.network.as_deref(), "use RUN --network in the Dockerfile")?;
    let lists = [
        ("cache-to", &f.cache_to),
        ("cache-from", &f.cache_from),
        ("attest", &f.attest),
        ("allow", &f.allow),
    ];
    for (name, values) in lists {
        if let Some(value) = values.first() {
            return Err(unsupported(name, value));
        }
    }
    match f.squash {
        true => Err(Failure::Usage("`--squash` is not supported yet".to_owned())),
        false => Ok(()),
    }
}

fn only(allowed: &[&str], name: &str, value: Option<&str>, why: &str) -> Result<(), Failure> {
    match value {
        Some(value) if !allowed.contains(&value) => Err(Failure::Usage(format!("`--{name}={value}`: {why}"))),
        _ => Ok(()),
    }
}

fn unsupported(name: &str, value: &str) -> Failure {
    Failure::Usage(format!("`--{name} {value}`: `--{name}` is not supported yet"))
}
