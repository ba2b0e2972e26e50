//! `tare context parse-url`: what the context argument of a build stands for.

use dockerfile::address::{self, Address as Parsed};
use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// What an address stands for. Fields are only ever added.
#[derive(Serialize, Debug, PartialEq, Eq, Default)]
struct Address {
    kind: &'static str,
    /// Without ref and folder; null unless `kind` is `git` or `http`.
    remote: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    subdir: Option<String>,
}

/// Prints what an address stands for.
pub fn run(json: bool, url: &str) -> Outcome {
    if !json {
        return Err(Failure::Usage(
            "`tare context parse-url` prints JSON only so far: ask for it with --json".into(),
        ));
    }
    let parsed = address::context(url).map_err(|message| Failure::Usage(format!("`{url}`: {message}")))?;
    super::print_json(&address(parsed))?;
    Ok(0)
}

fn address(parsed: Parsed) -> Address {
    match parsed {
        Parsed::Local => Address { kind: "local", ..Address::default() },
        Parsed::Other => Address { kind: "other", ..Address::default() },
        Parsed::Http(url) => Address { kind: "http", remote: Some(url), ..Address::default() },
        Parsed::Git(git) => {
            let (remote, reference, subdir) = (Some(git.remote), git.reference, git.subdir);
            Address { kind: "git", remote, reference, subdir }
        }
    }
}
