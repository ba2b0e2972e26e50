//! # tag-without-patch-or-os
//!
//! Finds official images with a tag that leaves open the last number of the version, or what system is below.
//!
//! ## Why
//! `golang:1.26` gets another compiler with every patch, and another system once a year. `golang:1.26.8-alpine3.23`
//! gets neither. Looked at are the languages' images and those of systems, of which it is known how their tags are
//! made. With a digest behind it there is no finding.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26-alpine
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23
//! ```

use crate::image;
use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "tag-without-patch-or-os",
    description: "The base image's tag leaves open which patch or system it is",
    check,
    source: include_str!("tag_without_patch_or_os.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let images = scene.stages.iter().filter(|sight| sight.is_image && sight.image.unset.is_empty());
    images.filter_map(|sight| Some(found(sight, missing(&sight.image.text)?))).collect()
}

/// Images of languages, whose tags are a version of three numbers, and a system.
const LANGUAGES: [&str; 6] = ["golang", "node", "php", "python", "ruby", "rust"];

/// Images of systems, and how many numbers their versions have.
const SYSTEMS: [(&str, usize); 7] = [
    ("almalinux", 2), ("alpine", 3), ("busybox", 3), ("debian", 2), ("fedora", 1), ("rockylinux", 2), ("ubuntu", 2),
];

/// Names of systems as they stand in tags; Alpine's has its version behind it.
const BELOW: [&str; 13] = [
    "bookworm", "bullseye", "buster", "trixie", "forky", "noble", "jammy", "focal", "alpine3", "ubi8", "ubi9", "ubi10",
    "windowsservercore",
];

/// What a tag leaves open.
fn missing(text: &str) -> Option<&'static str> {
    let name = image::name(text);
    let (image, tag) = (name.official()?, name.tag.filter(|_| !name.has_digest)?);
    if let Some((_, numbers)) = SYSTEMS.iter().find(|(system, _)| *system == image) {
        let has_date = tag.split('-').any(|part| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit()));
        // Without any number, it is another rule's, but for a release's name.
        let counts = tag.contains(|c: char| c.is_ascii_digit()) || ["debian", "ubuntu"].contains(&image) && tag != "latest";
        return (numbers_of(tag) < *numbers && !has_date && counts).then_some("which patch");
    }
    if !LANGUAGES.contains(&image) || !tag.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match (numbers_of(tag) >= 3, BELOW.iter().any(|system| tag.contains(system))) {
        (true, true) => None,
        (true, false) => Some("which system"),
        (false, true) => Some("which patch"),
        (false, false) => Some("which patch and which system"),
    }
}

fn numbers_of(tag: &str) -> usize {
    let version = tag.split('-').next().unwrap_or_default();
    version.split('.').take_while(|part| part.starts_with(|c: char| c.is_ascii_digit())).count()
}

fn found<'s>(sight: &'s Sight, what: &str) -> Finding<'s> {
    let image = &sight.image.text;
    Spot::of(sight.instruction).finding(format!("`{image}` leaves open {what} it is"))
}
