//! Text to the words of a Dockerfile: variables, quotes and escapes mean themselves afterwards.
//!
//! What no Dockerfile can hold, a line break above all, is refused.

use crate::problem::{Problem, Result};

/// A word that variables are filled into: of COPY, EXPOSE, USER.
pub fn word(text: &str) -> String {
    text.chars().flat_map(|c| "\\\"'$".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The value of an ENV; quoted only if it has to be.
pub fn value(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:,@%+=-".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!(
            "\"{}\"",
            text.chars()
                .flat_map(|c| "\\\"$".contains(c).then_some('\\').into_iter().chain([c]))
                .collect::<String>()
        ),
    }
}

/// A list in JSON, as RUN, ENTRYPOINT, CMD and COPY take it.
pub fn json<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<String> = words.iter().map(|w| string(w.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// Refuses what has no place on a line.
pub fn one_line(what: &str, text: &str) -> Result<()> {
    match text.chars().any(char::is_control) {
        false => Ok(()),
        true => Err(Problem::new(format!(
            "{what}: {text:?} has a control character, which a Dockerfile can't hold"
        ))),
    }
}

/// Refuses what no program can be given: arguments end at the first NUL.
pub fn no_nul(what: &str, words: &[String]) -> Result<()> {
    match words.iter().any(|word| word.contains('\0')) {
        false => Ok(()),
        true => Err(Problem::new(format!("{what}: a NUL character can't be part of an argument"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_themselves() {
        assert_eq!(word(r#"a$b"c'd\e"#), r#"a\$b\"c\'d\\e"#);
        assert_eq!(value("200MiB"), "200MiB");
        assert_eq!(value(""), r#""""#);
        assert_eq!(value(r#"it's "$5" \"#), r#""it's \"\$5\" \\""#);
        assert_eq!(json(&["a b", "\"\\\n\u{1}", "$x"]), r#"["a b", "\"\\\n\u0001", "$x"]"#);
    }

    #[test]
    fn lines_stay_lines() {
        assert!(one_line("env", "fine").is_ok());
        assert!(one_line("env", "a\nb").is_err());
        assert!(no_nul("cmd", &["a\0".into()]).is_err());
    }
}
