//! `tare expand`: a word of a Dockerfile with its variables filled in, as a build would.
//!
//! Only variables given on the command line are set: a build does not see the caller's environment either.

use dockerfile::expand::{ExpandError, Mode, expand, expand_words};
use serde_json::Value;

use super::images::table::print;
use crate::cli::Expand;
use crate::failure::{Failure, Outcome};

/// Prints what a word comes to.
pub fn run(args: &Expand) -> Outcome {
    let escape = dockerfile::directive::escape(&args.escape).map_err(|p| Failure::Usage(p.message))?;
    let vars = args.env.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
    let value = match args.words {
        true => words(&args.word, escape, &vars),
        false => word(&args.word, escape, &vars),
    };
    let value = value.map_err(|e| Failure::Usage(e.to_string()))?;
    print(&if args.json { format!("{value}\n") } else { plain(&value) })?;
    Ok(0)
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    let bad = || Failure::Usage(format!("`--env {text}` is not name=value"));
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(bad)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn word(text: &str, escape: char, vars: &[(String, String)]) -> Result<Value, ExpandError> {
    expand(text, escape, vars, Mode::WORD).map(|expanded| Value::from(expanded.text))
}

fn words(text: &str, escape: char, vars: &[(String, String)]) -> Result<Value, ExpandError> {
    expand_words(text, escape, vars, Mode::WORD).map(Value::from)
}

/// One a line.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(words) => words.iter().map(plain).collect(),
        Value::String(text) => format!("{text}\n"),
        other => format!("{other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_or_words() {
        let vars = [("a".to_owned(), "x y".to_owned()), ("b".to_owned(), "1".to_owned())];
        assert_eq!(word("'$a' $a", '\\', &vars), Ok(json!("$a x y")));
        assert_eq!(words("$a\"$a\" `$b", '`', &vars), Ok(json!(["x", "yx y", "$b"])));
        assert_eq!(plain(&json!(["x", "y z"])), "x\ny z\n");
        assert!(word("${a", '\\', &vars).is_err());
    }

    #[test]
    fn variables_need_a_name_and_a_value() {
        assert!(matches!(pair("a=b=c"), Ok((name, value)) if name == "a" && value == "b=c"));
        assert!(pair("a").is_err());
        assert!(pair("=a").is_err());
    }
}
