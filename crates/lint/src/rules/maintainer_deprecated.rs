//! # MaintainerDeprecated
//!
//! Finds `MAINTAINER`, which a label has long taken the place of.
//!
//! ## Why
//! Tools that show who made an image read the label that the OCI image format names. What `MAINTAINER` sets hardly
//! any of them reads.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! MAINTAINER team@example.org
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! LABEL org.opencontainers.image.authors="team@example.org"
//! ```

use dockerfile::{Instruction, Kind};

use crate::lines::Pen;
use crate::rule::{Changes, Edit, Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "MaintainerDeprecated",
    aliases: &["DL4000"],
    needs: Needs::Syntax,
    description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    url: "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
    check,
    fix: Some(Changes::Config(&["author", "Labels"])),
    source: include_str!("maintainer_deprecated.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.input.dockerfile.instructions.iter();
    let pen = scene.pen();
    let name = |one: &'s Instruction| if let Kind::Maintainer(name) = &one.kind { Some((one, name)) } else { None };
    let found = all.filter_map(name);
    found.map(|(one, name)| Spot::of(one).finding(MESSAGE).mended_by(fix(one, name, &pen))).collect()
}

const MESSAGE: &str = "Maintainer instruction is deprecated in favor of using label";

/// Quotes and variables would mean something else in a label.
fn fix(instruction: &Instruction, name: &str, pen: &Pen) -> Vec<Edit> {
    if name.is_empty() || name.contains(['"', '\'', '\\', '$', '`']) {
        return Vec::new();
    }
    let is_small = instruction.keyword_text == instruction.keyword_text.to_lowercase();
    let keyword = if is_small { "label" } else { "LABEL" };
    let text = format!("{keyword} org.opencontainers.image.authors=\"{name}\"");
    pen.rewrite(instruction, 0..instruction.original.trim_end().len(), &text)
}
