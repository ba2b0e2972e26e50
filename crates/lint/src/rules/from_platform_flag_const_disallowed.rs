//! # FromPlatformFlagConstDisallowed
//!
//! Finds a `--platform` in `FROM` that is the same whatever the image is for.
//!
//! ## Why
//! With a constant, a build for another platform makes an image of the wrong one. `$BUILDPLATFORM` is for stages with
//! tools; a stage that is meant for one platform only says so in its name: with `AS amd64-tools` there is no finding.
//!
//! ## Bad
//! ```dockerfile
//! FROM --platform=linux/amd64 busybox:1.37.0 AS tools
//! ```
//! ## Good
//! ```dockerfile
//! FROM --platform=$BUILDPLATFORM busybox:1.37.0 AS tools
//! FROM --platform=linux/arm64 busybox:1.37.0 AS arm64-only
//! ```

use dockerfile::quote::quote;
use oci::Platform;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    aliases: &["DL3029"],
    description: "FROM --platform flag should not use a constant value",
    url: "https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/",
    check,
    source: include_str!("from_platform_flag_const_disallowed.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.stages.iter().filter_map(one).collect()
}

fn one<'s>(sight: &'s Sight) -> Option<Finding<'s>> {
    let word = sight.platform.as_ref().filter(|word| word.used.is_empty() && word.unset.is_empty())?;
    let platform = read(&word.text)?;
    let name = sight.from.alias.as_deref().unwrap_or_default();
    let is_named = name.contains(&platform.os) || name.contains(&platform.architecture);
    let message = || format!("FROM --platform flag should not use constant value {}", quote(&word.text));
    (!is_named).then(|| Spot::of(sight.instruction).finding(message()))
}

/// A system alone, or an architecture alone, means this machine's other half.
fn read(text: &str) -> Option<Platform> {
    const SYSTEMS: [&str; 7] = ["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "wasip1"];
    let here = Platform::host();
    match text {
        "" => None,
        _ if text.contains('/') => text.parse().ok(),
        _ if SYSTEMS.contains(&text.to_lowercase().as_str()) => Some(Platform { os: text.to_lowercase(), ..here }),
        _ => format!("{}/{text}", here.os).parse().ok(),
    }
}
