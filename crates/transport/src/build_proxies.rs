//! The proxies that Docker's `config.json` has for builds, as variables of their steps.
//!
//! ```text
//! {"proxies": {"default": {"httpProxy": "…", "httpsProxy": "…", "noProxy": "…", "ftpProxy": "…", "allProxy": "…"},
//!              "tcp://host:2376": {…}}}
//! ```
//! An entry for the daemon's address goes before `default`. There is no daemon, but its address is still in
//! `DOCKER_HOST`, and with it the entry that the user means. URLs may hold passwords: nothing here shows one.
//! How tare itself reaches servers is `proxy`'s.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::credentials;
use crate::env::Env;
use crate::error::Result;

/// Where Docker looks for its daemon if nobody says.
const USUAL_HOST: &str = "unix:///var/run/docker.sock";

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    proxies: Option<BTreeMap<String, Entry>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    http_proxy: String,
    https_proxy: String,
    no_proxy: String,
    ftp_proxy: String,
    all_proxy: String,
}

/// Variables by name, each in upper and in lower case; none without a file.
///
/// # Errors
/// If the file can't be read.
pub fn read(env: &Env) -> Result<BTreeMap<String, String>> {
    let Some(path) = credentials::docker_config(env) else { return Ok(BTreeMap::new()) };
    let file: File = credentials::read(&path)?;
    let mut entries = file.proxies.unwrap_or_default();
    let host = env.var("DOCKER_HOST").unwrap_or_else(|| USUAL_HOST.to_owned());
    Ok(entries.remove(&host).or_else(|| entries.remove("default")).map(variables).unwrap_or_default())
}

fn variables(entry: Entry) -> BTreeMap<String, String> {
    let all = [
        ("HTTP_PROXY", entry.http_proxy),
        ("HTTPS_PROXY", entry.https_proxy),
        ("NO_PROXY", entry.no_proxy),
        ("FTP_PROXY", entry.ftp_proxy),
        ("ALL_PROXY", entry.all_proxy),
    ];
    let given = all.into_iter().filter(|(_, value)| !value.is_empty());
    given.flat_map(|(name, value)| [(name.to_lowercase(), value.clone()), (name.to_owned(), value)]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(test: &str, text: &str, host: &str, expected: std::result::Result<&[(&str, &str)], &str>) {
        let folder = std::env::temp_dir().join(format!("tare-build-proxies-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), text).unwrap();
        let env =
            Env::of(&[("DOCKER_CONFIG", folder.to_str().unwrap()), ("DOCKER_HOST", host)], Path::new("/"));
        let found = read(&env);
        std::fs::remove_dir_all(&folder).unwrap();
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
            }
            (Err(e), Err(part)) => {
                assert!(e.message.contains(part) && !e.message.contains("pass"), "{}", e.message)
            }
            (found, _) => panic!("{test}: {found:?}"),
        }
    }

    const TWO: &str = r#"{"auths": {}, "proxies": {
        "default": {"httpProxy": "http://u:pass@p:1", "noProxy": "a,b"},
        "tcp://far:1": {"allProxy": "socks://x", "httpsProxy": ""}}}"#;

    #[test]
    fn the_hosts_entry_goes_before_the_default() {
        let default = [
            ("HTTP_PROXY", "http://u:pass@p:1"),
            ("NO_PROXY", "a,b"),
            ("http_proxy", "http://u:pass@p:1"),
            ("no_proxy", "a,b"),
        ];
        check("default", TWO, "", Ok(&default));
        check("other", TWO, "tcp://near:1", Ok(&default));
        check("host", TWO, "tcp://far:1", Ok(&[("ALL_PROXY", "socks://x"), ("all_proxy", "socks://x")]));
    }

    #[test]
    fn a_file_without_any_or_none_at_all() {
        for (test, text) in
            [("empty", "{}"), ("null", r#"{"proxies": null}"#), ("none", r#"{"proxies": {}}"#)]
        {
            check(test, text, "", Ok(&[]));
        }
        assert!(read(&Env::of(&[], Path::new("/"))).unwrap().is_empty());
        assert!(read(&Env::of(&[("DOCKER_CONFIG", "/no/such")], Path::new("/"))).unwrap().is_empty());
    }

    #[test]
    fn a_wrong_file_is_told_without_its_words() {
        check("wrong", r#"{"proxies": {"default": "http://u:pass@p:1"}}"#, "", Err("not valid at line 1"));
    }
}
