//! `os/arch[/variant]`, and which entry of an index serves it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an image runs on. Names are Go's (`amd64`, `arm64`), as OCI image-index.md wants them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture.
    pub architecture: String,
    /// Operating system.
    pub os: String,
    /// Windows only.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// `v7`, `v8`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on `architecture`, without a variant.
    pub fn linux(architecture: &str) -> Platform {
        Platform {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            os_version: None,
            variant: None,
        }
    }

    /// The platform that this program was built for.
    pub fn host() -> Platform {
        Platform::linux(match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            other => other,
        })
    }

    /// Whether an image for `offered` runs where `self` is wanted: same system and architecture, and the
    /// same variant unless one side leaves it open (arm64's `v8` is its default).
    pub fn accepts(&self, offered: &Platform) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && match (self.normal_variant(), offered.normal_variant()) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }

    fn normal_variant(&self) -> Option<&str> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", Some("v8" | "8")) => None,
            (_, variant) => variant,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|v| write!(f, "/{v}"))
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Platform, String> {
        let mut parts = text.split('/').map(str::to_lowercase);
        let os = parts.next().filter(|s| !s.is_empty());
        let architecture = parts.next().filter(|s| !s.is_empty());
        let variant = parts.next();
        let bad = || format!("`{text}` is not a platform; write it as linux/amd64 or linux/arm/v7");
        if parts.next().is_some() || variant.as_deref() == Some("") {
            return Err(bad());
        }
        let (architecture, variant) = normal(&architecture.ok_or_else(bad)?, variant);
        Ok(Platform { os: os.ok_or_else(bad)?, architecture, os_version: None, variant })
    }
}

fn normal(architecture: &str, variant: Option<String>) -> (String, Option<String>) {
    match (architecture, variant.as_deref()) {
        ("x86_64" | "x86-64", _) => ("amd64".into(), variant),
        ("aarch64", _) | ("arm64", Some("v8" | "8")) => ("arm64".into(), None),
        ("i386", _) => ("386".into(), None),
        ("armhf", _) => ("arm".into(), Some("v7".into())),
        ("armel", _) => ("arm".into(), Some("v6".into())),
        _ => (architecture.into(), variant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<Platform>().ok().map(|p| p.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn names() {
        check("linux/amd64", Some("linux/amd64"));
        check("Linux/x86_64", Some("linux/amd64"));
        check("linux/arm64/v8", Some("linux/arm64"));
        check("linux/arm/v7", Some("linux/arm/v7"));
        for bad in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/arm/"] {
            check(bad, None);
        }
    }

    #[test]
    fn the_default_variant_of_arm64_is_v8() {
        let mut offered = Platform::linux("arm64");
        offered.variant = Some("v8".into());
        assert!(Platform::linux("arm64").accepts(&offered));
        assert!(!Platform::linux("amd64").accepts(&offered));
    }
}
