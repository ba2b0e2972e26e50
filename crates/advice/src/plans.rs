//! A Dockerfile to plans in which every stage is, also those that the target doesn't need.
//!
//! Of base images only what is handed in is known. What isn't is guessed: an image sets little that decides where
//! files go.

use std::collections::BTreeSet;

use dockerfile::{Diagnostic, Dockerfile, Kind, Stages};
use oci::{ImageConfig, Platform};
use plan::options::Fact;
use plan::{Base, Facts, Options, Plan};

/// What stands in for the value of an argument that nobody has given: as a wildcard, anything.
pub const ANYTHING: &str = "?*";

/// A file with more stages that nothing leads to than this is looked at no further.
const MOST: usize = 64;

/// What is known of an image.
pub type Guess<'a> = &'a dyn Fn(&str, &Platform) -> Option<Fact>;

/// The target's plan, and behind it those of the stages that it doesn't need.
///
/// # Errors
/// What is wrong with the Dockerfile.
pub fn plans(source: &Dockerfile, options: &Options, known: Guess) -> Result<Vec<Plan>, Vec<Diagnostic>> {
    let stages = dockerfile::stages(source)?;
    let mut all = vec![one(source, &stages, options, known)?];
    let mut seen = labels(&all[0]);
    for stage in stages.stages.iter().rev() {
        if !seen.contains(&plan::state::label(stage)) && all.len() < MOST {
            let options = Options { target: Some(stage.index.to_string()), ..options.clone() };
            let plan = one(source, &stages, &options, known)?;
            seen.extend(labels(&plan));
            all.push(plan);
        }
    }
    Ok(all)
}

fn labels(plan: &Plan) -> BTreeSet<String> {
    plan.steps.iter().map(|step| step.stage.clone()).collect()
}

fn one(
    source: &Dockerfile,
    stages: &Stages,
    options: &Options,
    known: Guess,
) -> Result<Plan, Vec<Diagnostic>> {
    let wants = plan::wants(source, stages, options).map_err(|problem| vec![problem])?;
    let fact =
        |name: &str, platform: &Platform| known(name, platform).unwrap_or_else(|| guess(name, platform));
    let images = wants.into_iter().map(|want| {
        let fact = fact(&want.name, &want.platform);
        ((want.name, want.platform), fact)
    });
    plan::lower(source, stages, options, &Facts { images: images.collect() })
}

/// What the official images for Go set, and of others what all set.
fn guess(name: &str, platform: &Platform) -> Fact {
    let mut config = ImageConfig {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        ..ImageConfig::default()
    };
    let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    config.config.env = vec![format!("PATH={usual}")];
    if is_golang(name) {
        config.config.env = vec![format!("PATH=/go/bin:/usr/local/go/bin:{usual}"), "GOPATH=/go".to_owned()];
        config.config.working_dir = "/go".to_owned();
    }
    let manifest = oci::Digest::of(name.as_bytes());
    Fact { base: Base { name: name.to_owned(), manifest, layers: Vec::new() }, config }
}

/// Whether an image is the official one for Go, be it a mirror's.
pub fn is_golang(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next() == Some("golang")
}

/// Arguments of stages that have no value unless somebody gives one. Those before the first FROM name images, and
/// those that every build sets have one.
pub fn open_arguments(stages: &Stages, given: &Options) -> Vec<String> {
    let is_global = |name: &str| stages.global_args.iter().any(|(arg, _)| arg.name == name);
    let is_set = |name: &str| name.starts_with("TARGET") || name.starts_with("BUILD");
    let args = stages.stages.iter().flat_map(|stage| stage.instructions).filter_map(|i| match &i.kind {
        Kind::Arg(args) => Some(args),
        _ => None,
    });
    let open = args.flatten().filter(|arg| arg.default.is_none()).map(|arg| &arg.name);
    let open = open.filter(|name| !is_global(name) && !is_set(name) && !given.build_args.contains_key(*name));
    open.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_in_some_plan() {
        let text =
            b"FROM golang AS a\nCOPY a .\nFROM a AS test\nCOPY b .\nFROM scratch\nCOPY --from=a /go/a /\n";
        let (source, _) = dockerfile::parse(text);
        let all = plans(&source, &Options::here(), &|_, _| None).expect("well-formed");
        let texts = |plan: &Plan| plan.steps.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&all[0]), ["FROM golang AS a", "COPY a .", "COPY --from=a /go/a /"]);
        assert_eq!(texts(&all[1]), ["FROM golang AS a", "COPY a .", "COPY b ."]);
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn open_arguments_have_no_default() {
        let text = b"ARG V=1\nFROM a:$V\nARG V\nARG A B=2\nARG TARGETOS\nARG C\n";
        let (source, _) = dockerfile::parse(text);
        let stages = dockerfile::stages(&source).expect("well-formed");
        let mut options = Options::here();
        options.build_args.insert("C".to_owned(), "x".to_owned());
        assert_eq!(open_arguments(&stages, &options), ["A"]);
    }

    #[test]
    fn images_for_go() {
        for (name, yes) in [("golang", true), ("mirror.test/library/golang:1@x", true), ("a/golangci", false)]
        {
            assert_eq!(is_golang(name), yes, "{name}");
        }
    }
}
