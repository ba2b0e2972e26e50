//! Go's version names: `1.26` (the language), `1.26rc1`, `1.26.8`, in their order; and the newest of each.

use std::fmt;

/// A version, ordered as the go command orders them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `1`.
    pub major: u64,
    /// `26`.
    pub minor: u64,
    /// What comes after.
    pub stage: Stage,
}

/// The end of a version's name. The order of the variants is that of the versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `1.26` alone: the language's version, before everything that implements it.
    Language,
    /// `beta1`, `rc2`.
    Before(String, u64),
    /// `.8`.
    Patch(u64),
}

/// The newest patch release of each minor of Go 1, as a toolchain module. A later one can always be named; a
/// stale line here only means that `go 1.N` without a patch release gets an older one.
const NEWEST: &[(u64, u64)] = &[(21, 13), (22, 12), (23, 12), (24, 13), (25, 14), (26, 11), (27, 4)];

/// The first version that exists as a toolchain module.
pub const FIRST: Version = Version { major: 1, minor: 21, stage: Stage::Patch(0) };

impl Version {
    /// Reads `1.26`, `1.26rc1`, `1.26.8`.
    pub fn parse(text: &str) -> Option<Version> {
        let (major, rest) = text.split_once('.')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (minor, rest) = rest.split_at(digits);
        let stage = match rest {
            "" => Stage::Language,
            _ => match rest.strip_prefix('.') {
                Some(patch) => Stage::Patch(number(patch)?),
                None => before(rest)?,
            },
        };
        Some(Version { major: number(major)?, minor: number(minor)?, stage })
    }

    /// The newest that is known.
    pub fn newest() -> Version {
        NEWEST.iter().map(|&(minor, patch)| Version::patch(minor, patch)).next_back().unwrap_or(FIRST)
    }

    /// The same, with the newest patch release known if it names none.
    pub fn with_patch(self) -> Version {
        match self.stage {
            Stage::Language => {
                let known = NEWEST.iter().find(|row| self.major == 1 && row.0 == self.minor);
                Version { stage: Stage::Patch(known.map_or(0, |row| row.1)), ..self }
            }
            _ => self,
        }
    }

    /// Of a table's row.
    fn patch(minor: u64, patch: u64) -> Version {
        Version { major: 1, minor, stage: Stage::Patch(patch) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match &self.stage {
            Stage::Language => Ok(()),
            Stage::Before(name, n) => write!(f, "{name}{n}"),
            Stage::Patch(n) => write!(f, ".{n}"),
        }
    }
}

fn before(text: &str) -> Option<Stage> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (name, n) = text.split_at(digits);
    let known = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
    known.then_some(Stage::Before(name.to_owned(), number(n)?))
}

/// Decimal, without a leading zero or sign.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["1.21", "1.21rc1", "1.21beta2", "1.21.0", "1.26.10", "1.9"] {
            assert_eq!(Version::parse(name).map(|v| v.to_string()).as_deref(), Some(name));
        }
        for bad in [
            "", "1", "1.", "1.x", "1.21.", "1.21.x", "01.2", "1.021", "1.21rc", "1.21-rc1", "go1.21",
            "1.2.3.4",
        ] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_language_comes_before_its_candidates_and_those_before_its_releases() {
        let names =
            ["1.20.14", "1.21", "1.21beta1", "1.21rc1", "1.21rc2", "1.21rc10", "1.21.0", "1.21.10", "1.22"];
        let versions: Vec<_> = names.iter().map(|n| Version::parse(n).expect("a version")).collect();
        assert!(versions.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn patches_come_from_the_table() {
        let patched = |name: &str| Version::parse(name).map(|v| v.with_patch().to_string());
        assert_eq!(patched("1.23").as_deref(), Some("1.23.12"));
        assert_eq!(patched("1.23.4").as_deref(), Some("1.23.4"));
        assert_eq!(patched("1.26rc1").as_deref(), Some("1.26rc1"));
        assert_eq!(patched("1.99").as_deref(), Some("1.99.0"));
        assert_eq!(Version::newest().to_string(), "1.27.4");
    }
}
