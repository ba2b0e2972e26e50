//! The platforms asked for: what build constraints see of them, and what the compiler has to be told.

use oci::Platform;

use crate::constraint::Context;
use crate::problem::{Problem, Result};
use crate::toolchain::GoVersion;

/// The image is Linux's: its users, its certificates, its paths.
pub fn check(platforms: &[Platform]) -> Result<()> {
    match platforms.iter().find(|p| p.os != "linux") {
        None => Ok(()),
        Some(other) => Err(Problem::new(format!(
            "platform `{other}`: a Go project without a Dockerfile becomes a Linux image"
        ))
        .help("write a Dockerfile for other systems")),
    }
}

/// What build constraints are asked about: the first platform, else this machine's.
pub fn context(platforms: &[Platform], go: &GoVersion, tags: &[String]) -> Context {
    let platform = platforms.first().cloned().unwrap_or_else(Platform::host);
    Context { arch: platform.architecture, minor: go.parsed.minor, tags: tags.to_vec() }
}

/// The variables that tell the compiler which level of an architecture is wanted, `GOARM=6`. The variant of each
/// build is in `TARGETVARIANT`; it is used only where builds differ, for not every builder can take its `v` off.
pub fn levels(platforms: &[Platform]) -> Vec<String> {
    [level(platforms, "amd64", "v1"), level(platforms, "arm", "v7"), level(platforms, "arm64", "v8")]
        .into_iter()
        .flatten()
        .collect()
}

fn level(platforms: &[Platform], arch: &str, usual: &str) -> Option<String> {
    let mut variants: Vec<&str> = platforms
        .iter()
        .filter(|p| p.architecture == arch)
        .map(|p| p.variant.as_deref().unwrap_or(usual))
        .collect();
    variants.sort_unstable();
    variants.dedup();
    match variants[..] {
        [] => None,
        [one] if one == usual => None,
        [one] => Some(match arch {
            "amd64" => format!("GOAMD64={one}"),
            "arm" => format!("GOARM={}", one.trim_start_matches('v')),
            _ => format!("GOARM64={}", full(one)),
        }),
        _ => Some(match arch {
            "amd64" => "GOAMD64=$TARGETVARIANT".to_owned(),
            "arm" => "GOARM=${TARGETVARIANT#v}".to_owned(),
            _ => "GOARM64=${TARGETVARIANT:+$TARGETVARIANT.0}".to_owned(),
        }),
    }
}

/// `v9` is `v9.0` for the compiler.
fn full(variant: &str) -> String {
    if variant.contains('.') { variant.to_owned() } else { format!("{variant}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_only_where_they_matter() {
        for (names, expected) in [
            ("", &[][..]),
            ("linux/amd64 linux/arm64 linux/arm/v7 linux/arm", &[]),
            ("linux/amd64/v3", &["GOAMD64=v3"]),
            ("linux/arm/v6 linux/arm64", &["GOARM=6"]),
            ("linux/arm/v6 linux/arm/v7", &["GOARM=${TARGETVARIANT#v}"]),
            ("linux/amd64 linux/amd64/v2 linux/arm64/v9", &["GOAMD64=$TARGETVARIANT", "GOARM64=v9.0"]),
        ] {
            let platforms: Vec<Platform> =
                names.split_whitespace().map(|n| n.parse().expect("a platform")).collect();
            assert_eq!(levels(&platforms), expected, "{names}");
        }
    }

    #[test]
    fn linux_only() {
        assert!(check(&["linux/386".parse().expect("a platform")]).is_ok());
        let problem = check(&["windows/amd64".parse().expect("a platform")]).expect_err("refused");
        assert!(problem.message.starts_with("platform `windows/amd64`: "));
    }
}
