//! `--add-host`, `--ulimit` and `--shm-size`, as Docker reads them.

use std::net::IpAddr;

use engine::settings::Surroundings;
use sandbox::Ulimit;

use crate::cli::Build;
use crate::failure::Failure;
use crate::units;

/// Docker's names of limits.
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Reads the three flags.
///
/// # Errors
/// With the flag that is wrong.
pub fn read(args: &Build) -> Result<Surroundings, Failure> {
    let all = |name: &str, texts: &[String]| -> Vec<(String, String)> {
        texts.iter().map(|text| (format!("--{name} {text}"), text.clone())).collect()
    };
    let mut out = Surroundings::default();
    for (flag, text) in all("add-host", &args.add_host) {
        out.hosts.push(host(&text).map_err(|why| Failure::Usage(format!("`{flag}`: {why}")))?);
    }
    for (flag, text) in all("ulimit", &args.ulimit) {
        out.ulimits.push(limit(&text).map_err(|why| Failure::Usage(format!("`{flag}`: {why}")))?);
    }
    if let Some(text) = &args.shm_size {
        let bad = || Failure::Usage(format!("`--shm-size {text}` is not a size; write it as 128MiB"));
        out.shm_size = Some(units::parse_bytes(text).filter(|n| *n > 0).ok_or_else(bad)?);
    }
    Ok(out)
}

/// `NAME:IP` or `NAME=IP`. Steps are on the host's network, so the host's gateway is the host itself.
fn host(text: &str) -> Result<(String, IpAddr), String> {
    let at = text.find('=').or_else(|| text.find(':')).ok_or("write it as NAME:IP")?;
    let (name, ip) = (&text[..at], &text[at + 1..]);
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    let address = match bare {
        "host-gateway" => IpAddr::from([127, 0, 0, 1]),
        ip => ip.parse().map_err(|_| format!("`{ip}` is not an IP address"))?,
    };
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match !name.is_empty() && name.chars().all(good) {
        true => Ok((name.to_owned(), address)),
        false => Err(format!("`{name}` is not a host name")),
    }
}

/// `NAME=SOFT[:HARD]`; -1 is no limit.
fn limit(text: &str) -> Result<Ulimit, String> {
    let (name, values) = text.split_once('=').ok_or("write it as NAME=SOFT or NAME=SOFT:HARD")?;
    if !LIMITS.contains(&name) {
        return Err(format!("there is no limit `{name}`; there are {}", LIMITS.join(", ")));
    }
    let number = |text: &str| match text {
        "-1" => Ok(u64::MAX),
        text => text.parse::<u64>().map_err(|_| format!("`{text}` is not a number")),
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let (soft, hard) = (number(soft)?, number(hard)?);
    match soft <= hard {
        true => Ok(Ulimit { name: name.to_owned(), soft, hard }),
        false => Err("the soft limit is above the hard one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, name, ip) in [
            ("a:1.2.3.4", "a", "1.2.3.4"),
            ("a=::1", "a", "::1"),
            ("a:[::1]", "a", "::1"),
            ("g:host-gateway", "g", "127.0.0.1"),
        ] {
            assert_eq!(host(text), Ok((name.to_owned(), ip.parse().unwrap())), "{text}");
        }
        for text in ["a", "a:b", ":1.2.3.4", "a b:1.2.3.4", "a\nb:1.2.3.4"] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits() {
        let check = |text: &str, expected: Option<(u64, u64)>| {
            assert_eq!(limit(text).ok().map(|l| (l.soft, l.hard)), expected, "{text}");
        };
        check("nofile=10", Some((10, 10)));
        check("nofile=10:20", Some((10, 20)));
        check("core=-1", Some((u64::MAX, u64::MAX)));
        for text in ["nofile", "files=1", "nofile=x", "nofile=2:1"] {
            check(text, None);
        }
    }
}
