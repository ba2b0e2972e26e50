//! History entries as BuildKit words them (trap 46). The words are interface: tools match on them.

use dockerfile::duration;
use dockerfile::quote::{quote, quote_list};
use oci::History;
use oci::config::Healthcheck;

/// What BuildKit writes as the comment of every entry.
const COMMENT: &str = "buildkit.dockerfile.v0";

/// An entry of an instruction that makes a layer from files or commands: marked as BuildKit's.
pub fn layer(text: String) -> History {
    entry(text + " # buildkit", false)
}

/// WORKDIR: a layer, but without the mark.
pub fn workdir(text: String) -> History {
    entry(text, false)
}

/// An entry of an instruction that only changes the config.
pub fn meta(text: String) -> History {
    entry(text, true)
}

fn entry(text: String, empty_layer: bool) -> History {
    let (created_by, comment) = (Some(text), Some(COMMENT.to_owned()));
    History { created: None, created_by, author: None, comment, empty_layer }
}

/// `RUN |2 A=1 B=2 /bin/sh -c …`: the declared arguments, then the whole command line.
pub fn run(args: &[(String, String)], argv: &[String]) -> String {
    let mut words = vec!["RUN".to_owned()];
    if !args.is_empty() {
        words.push(format!("|{}", args.len()));
        words.extend(args.iter().map(|(k, v)| format!("{k}={v}")));
    }
    words.extend(argv.iter().cloned());
    words.join(" ")
}

/// Go's `%v` of a list of strings: `[a b]`.
pub fn plain_list(words: &[String]) -> String {
    format!("[{}]", words.join(" "))
}

/// Go's `%q` of the health check's struct.
pub fn healthcheck(check: &Healthcheck) -> String {
    let times = [check.interval, check.timeout, check.start_period, check.start_interval];
    let times: Vec<String> = times.iter().map(|ns| format!("\"{}\"", duration::format(*ns))).collect();
    let retries = go_char(check.retries);
    format!("HEALTHCHECK &{{{} {} {retries}}}", quote_list(&check.test), times.join(" "))
}

/// Go's `%q` of a number: a quoted character.
fn go_char(n: i64) -> String {
    match u32::try_from(n).ok().and_then(char::from_u32) {
        Some('\'') => "'\\''".to_owned(),
        Some(c) => format!("'{}'", quote(&c.to_string()).trim_matches('"')),
        None => "'\u{fffd}'".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_names_its_arguments() {
        let args = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
        let argv = ["/bin/sh".to_owned(), "-c".to_owned(), "x".to_owned()];
        assert_eq!(run(&args, &argv), "RUN |2 A=1 B=2 /bin/sh -c x");
        assert_eq!(run(&[], &argv), "RUN /bin/sh -c x");
    }

    #[test]
    fn a_health_check_is_printed_as_go_prints_its_struct() {
        let test = vec!["CMD-SHELL".to_owned(), "say \"hi\"".to_owned()];
        let check = Healthcheck { test, interval: 30_000_000_000, retries: 3, ..Healthcheck::default() };
        let expected = r#"HEALTHCHECK &{["CMD-SHELL" "say \"hi\""] "30s" "0s" "0s" "0s" '\x03'}"#;
        assert_eq!(healthcheck(&check), expected);
    }
}
