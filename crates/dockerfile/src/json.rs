//! The JSON that a Dockerfile may hold: the array form of RUN and others, and a whole file that names its frontend.
//!
//! Read as a stream. What is neither a wanted string nor a wanted key is passed over, as five million numbers in
//! a line of ten megabytes would be half a gigabyte of values.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::words::MOST;

/// What a text that begins with `[` is.
#[derive(Debug, PartialEq, Eq)]
pub enum Array {
    /// No JSON.
    None,
    /// An array with something else than strings in it.
    Mixed,
    /// An array of more strings than any instruction has.
    Long,
    /// An array of strings.
    Strings(Vec<String>),
}

/// Reads an array of strings.
pub fn array(text: &str) -> Array {
    if !text.starts_with('[') {
        return Array::None;
    }
    serde_json::from_str(text).unwrap_or(Array::None)
}

/// The string at the key `syntax` of a JSON object.
pub fn syntax(text: &str) -> Option<String> {
    serde_json::from_str::<Syntax>(text).ok()?.0
}

impl<'de> Deserialize<'de> for Array {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Array, D::Error> {
        deserializer.deserialize_seq(Elements)
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Array;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Array, A::Error> {
        let (mut strings, mut mixed) = (Vec::new(), false);
        while let Some(element) = all.next_element::<&RawValue>()? {
            match string(element).map_err(A::Error::custom)? {
                Some(text) if strings.len() <= MOST => strings.push(text),
                Some(_) => {}
                None => mixed = true,
            }
        }
        Ok(match (mixed, strings.len() > MOST) {
            (true, _) => Array::Mixed,
            (false, true) => Array::Long,
            (false, false) => Array::Strings(strings),
        })
    }
}

fn string(element: &RawValue) -> serde_json::Result<Option<String>> {
    element.get().starts_with('"').then(|| serde_json::from_str(element.get())).transpose()
}

struct Syntax(Option<String>);

impl<'de> Deserialize<'de> for Syntax {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Syntax, D::Error> {
        deserializer.deserialize_map(Keys).map(Syntax)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Option<String>, A::Error> {
        let mut found = None;
        while let Some(key) = all.next_key::<String>()? {
            if key == "syntax" {
                found = string(all.next_value::<&RawValue>()?).map_err(A::Error::custom)?;
            } else {
                all.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays() {
        let strings = |all: &[&str]| Array::Strings(all.iter().map(|text| (*text).to_owned()).collect());
        for (text, expected) in [
            ("[]", strings(&[])),
            ("[ \"a\\n\", \"\\u00e9\" ] ", strings(&["a\n", "é"])),
            ("[1]", Array::Mixed),
            ("[\"a\", [\"b\"], {}]", Array::Mixed),
            ("[1", Array::None),
            ("[\"a\"] b", Array::None),
            ("[\"\\ud800\"]", Array::None),
            ("[a]", Array::None),
            ("a", Array::None),
        ] {
            assert_eq!(array(text), expected, "{text}");
        }
        assert_eq!(array(&format!("[{}\"\"]", "\"\",".repeat(MOST))), Array::Long);
        assert_eq!(array(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), Array::Mixed);
    }

    #[test]
    fn a_frontend() {
        for (text, expected) in [
            ("{\"a\": [1, {}], \"syntax\": \"x\"}", Some("x")),
            ("{\"syntax\": \"x\", \"syntax\": \"y\"}", Some("y")),
            ("{\"syntax\": 1}", None),
            ("{\"syntax\": \"x\"", None),
        ] {
            assert_eq!(syntax(text).as_deref(), expected, "{text}");
        }
    }
}
