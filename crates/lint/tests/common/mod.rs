//! A Dockerfile's text to what the rules find in it.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::BTreeMap;

use dockerfile::Patterns;
use lint::{Checked, Context, Input, Mended, Reach, Rule};
use oci::{ImageConfig, Platform};
use plan::options::Fact;
use plan::{Base, Facts, Options};

/// What is linted.
pub struct Subject {
    pub text: String,
    pub options: Options,
    pub reach: Reach,
    pub ignore: Option<String>,
    pub facts: Option<Facts>,
    pub context: Option<Context>,
    pub rules: Vec<&'static Rule>,
}

impl Subject {
    pub fn new(text: &str) -> Subject {
        let here = Platform::linux("amd64");
        let options = Options { platform: here.clone(), build_platform: here, ..Options::here() };
        Subject {
            text: text.to_owned(),
            options,
            reach: Reach::Asked,
            ignore: None,
            facts: None,
            context: None,
            rules: lint::ALL.to_vec(),
        }
    }

    pub fn check(&self) -> Result<Checked, String> {
        self.with(|input| lint::check(input, &self.rules))
    }

    /// What is left to be said once it is mended, the text, and what the ignore file gets.
    pub fn mended(&self) -> Mended {
        self.with(|input| lint::mend(input, &self.rules)).unwrap()
    }

    fn with<T>(&self, act: impl FnOnce(&Input) -> T) -> T {
        let (dockerfile, problems) = dockerfile::parse(self.text.as_bytes());
        let ignore = self.ignore.as_ref().map(|text| Patterns::parse(text.as_bytes()).unwrap());
        let input = Input {
            text: self.text.as_bytes(),
            dockerfile: &dockerfile,
            problems: &problems,
            options: &self.options,
            reach: self.reach,
            ignore: ignore.as_ref(),
            context: self.context.as_ref(),
            facts: self.facts.as_ref(),
        };
        act(&input)
    }

    /// `LINE RULE: MESSAGE`
    pub fn found(&self) -> Vec<String> {
        let all = self.check().unwrap().warnings;
        all.iter().map(|found| format!("{} {}: {}", found.line, found.rule, found.message)).collect()
    }
}

/// An image with one layer, for the target platform if its name is asked for with that.
pub fn facts(name: &str, offered: &str, config: oci::Config) -> Facts {
    let platform: Platform = offered.parse().unwrap();
    let digest = oci::Digest::of(name.as_bytes());
    let base = Base { name: name.to_owned(), manifest: digest, layers: vec![oci::DiffId(digest)] };
    let config = ImageConfig {
        architecture: platform.architecture,
        os: platform.os,
        config,
        ..ImageConfig::default()
    };
    let key = (name.to_owned(), Platform::linux("amd64"));
    Facts { images: BTreeMap::from([(key, Fact { base, config })]) }
}
