//! The programs that GOAUTH may name, to the headers that they give: `git credential` and commands that
//! speak the go command's own protocol.
//!
//! They run on this machine, with its environment, as they do for the go command.
//! See `go help goauth` and git-credential(1).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::auth::{Headers, Refusal, basic};

/// Headers for addresses that begin with a prefix.
pub(crate) type Credential = (String, Headers);

/// Runs a command: without more at the start, with an address and the server's refusal later.
pub(crate) fn run(words: &[String], refusal: Option<(&str, &Refusal)>) -> Result<Vec<Credential>, String> {
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).args(refusal.map(|(url, _)| url));
    let input = refusal.map(|(_, refusal)| refusal.to_string()).unwrap_or_default();
    parse(&output(command, &input)?)
}

/// What git's helpers know for an address, and git's own words, to be repeated in `git_verdict`.
pub(crate) fn git(dir: &Path, url: &str) -> Result<(Credential, String), String> {
    let mut command = Command::new("git");
    command.args(["credential", "fill"]).current_dir(dir);
    let text = output(command, &format!("url={url}\n"))?;
    let field = |name: &str| text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let or_empty = |name| field(name).unwrap_or_default();
    let path = field("path").map(|path| format!("/{path}")).unwrap_or_default();
    let prefix = format!("{}://{}{path}", or_empty("protocol"), or_empty("host"));
    if !url.starts_with(&prefix) {
        return Err("it gave a login for another address".to_owned());
    }
    let header = basic(or_empty("username"), or_empty("password"));
    Ok(((prefix, vec![header]), text.clone()))
}

/// Tells git's helpers whether the login was good. Whether they listen is their affair.
pub(crate) fn git_verdict(dir: &Path, words: &str, is_good: bool) {
    let mut command = Command::new("git");
    command.args(["credential", if is_good { "approve" } else { "reject" }]).current_dir(dir);
    let _ = output(command, words);
}

fn output(mut command: Command, input: &str) -> Result<String, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| crate::error::cause(&e))?;
    // A command need not read what it is told. What it is told fits into a pipe, so this can't hang.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|e| crate::error::cause(&e))?;
    if !output.status.success() {
        return Err(failure(&output));
    }
    String::from_utf8(output.stdout).map_err(|_| "its output is not UTF-8".to_owned())
}

fn failure(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    format!("{} {said}", output.status).trim_end().to_owned()
}

/// Sets of addresses, an empty line, headers, an empty line.
fn parse(text: &str) -> Result<Vec<Credential>, String> {
    let mut found = Vec::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while lines.peek().is_some() {
        let urls = block(&mut lines).ok_or("there is no empty line after the addresses")?;
        let headers = block(&mut lines).ok_or("there is no empty line after the headers")?;
        let headers = headers.into_iter().map(header).collect::<Result<Headers, String>>()?;
        for url in urls {
            if !url.starts_with("https://") {
                return Err("an address does not begin with https://".to_owned());
            }
            found.push((url.to_owned(), headers.clone()));
        }
    }
    Ok(found)
}

/// The lines up to an empty one.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<Vec<&'a str>> {
    let mut block = Vec::new();
    loop {
        match lines.next()?.strip_suffix('\n')? {
            "" => return Some(block),
            line => block.push(line),
        }
    }
}

fn header(line: &str) -> Result<(String, String), String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match line.split_once(": ") {
        Some((name, value))
            if !name.is_empty() && name.chars().all(is_token) && !value.contains(char::is_control) =>
        {
            Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err("a header line is not valid".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_as_documented() {
        let text = "https://a.test\nhttps://b.test/api/\n\nAuthorization: Basic x\nX-More: y z\n\nhttps://c.test\n\n\n";
        let found = parse(text).unwrap();
        let headers =
            vec![("authorization".to_owned(), "Basic x".to_owned()), ("x-more".to_owned(), "y z".to_owned())];
        let expected =
            [("https://a.test", &headers), ("https://b.test/api/", &headers), ("https://c.test", &vec![])];
        assert_eq!(found, expected.map(|(url, headers)| (url.to_owned(), headers.clone())));
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn other_output_is_refused() {
        for bad in [
            "x",
            "https://a.test\n",
            "https://a.test\n\nA: b\n",
            "http://a.test\n\nA: b\n\n",
            "https://a.test\n\nA b\n\n",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_failing_command_says_why() {
        let words = ["sh", "-c", "echo no luck >&2; exit 3"].map(str::to_owned);
        assert_eq!(run(&words, None).unwrap_err(), "exit status: 3 no luck");
        assert_eq!(run(&["/none/such".to_owned()], None).unwrap_err(), "no such file or directory");
    }
}
