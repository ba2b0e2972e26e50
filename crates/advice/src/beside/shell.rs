//! A RUN to the commands in it, as far as it is asked what they are: words without their quotes, and where they run.
//!
//! Expands nothing: a word may have a `$` in it. Loops and conditions are taken for lists.

use plan::Run;

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its name and arguments.
    pub words: Vec<String>,
    /// Variables that are set for it alone, or in the script before.
    pub vars: Vec<(String, String)>,
    /// The folder it runs in, as far as `cd` says.
    pub cwd: String,
}

/// Words of the shell's own that stand before a command.
const KEYWORDS: &[&str] =
    &["if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "{", "command"];

/// Commands that do nothing to the image.
const IDLE: &[&str] = &["fi", "done", "esac", "}", "set", "true", ":", "export", "cd"];

impl Command {
    /// Whether that is its name.
    pub fn is(&self, name: &str) -> bool {
        self.words.first().is_some_and(|word| word.rsplit('/').next() == Some(name))
    }

    /// Its arguments that are no options.
    pub fn plain(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// For people.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// The commands of a RUN.
pub fn commands(run: &Run) -> Vec<Command> {
    if let Some((_, text)) = &run.script {
        return script(&String::from_utf8_lossy(text), &run.cwd);
    }
    match &run.argv[..] {
        [shell, option, text] if is_shell(shell) && option.starts_with('-') && option.ends_with('c') => {
            script(text, &run.cwd)
        }
        [shell, rest @ .., text]
            if is_shell(shell) && rest.last().is_some_and(|word| word.ends_with('c')) =>
        {
            script(text, &run.cwd)
        }
        words => vec![Command { words: words.to_vec(), cwd: run.cwd.clone(), vars: Vec::new() }],
    }
}

fn is_shell(word: &str) -> bool {
    ["sh", "bash", "ash", "dash"].contains(&word.rsplit('/').next().unwrap_or_default())
}

/// The commands of a script.
pub fn script(text: &str, cwd: &str) -> Vec<Command> {
    let (mut out, mut cwd, mut exported) = (Vec::new(), cwd.to_owned(), Vec::new());
    for words in lists(text) {
        let mut vars: Vec<(String, String)> = exported.clone();
        let mut rest = words.into_iter().skip_while(|word| KEYWORDS.contains(&word.as_str())).peekable();
        while let Some((name, value)) = rest.peek().and_then(|word| assignment(word)) {
            vars.push((name, value));
            rest.next();
        }
        let words: Vec<String> = rest.collect();
        match words.first().map(String::as_str) {
            None => exported = vars,
            Some("export") => exported.extend(words.iter().skip(1).filter_map(|word| assignment(word))),
            Some("cd") => cwd = plan::path::join(&cwd, words.get(1).map_or("/root", String::as_str)),
            Some(name) if IDLE.contains(&name) => {}
            Some(_) => out.push(Command { words, vars, cwd: cwd.clone() }),
        }
    }
    out
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits =
        !name.is_empty() && name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit());
    fits.then(|| (name.to_owned(), value.to_owned()))
}

/// The words of each command of a list.
fn lists(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut words) = (Vec::new(), Vec::new());
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut depth = 0_u32;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\\') | (Some('"'), '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(next) if quote.is_some() && !"\"\\$`".contains(next) => {
                    word.get_or_insert_default().extend(['\\', next]);
                }
                Some(next) => word.get_or_insert_default().push(next),
            },
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '(') if word.as_ref().is_some_and(|word| word.ends_with('$')) || depth > 0 => {
                depth += 1;
                word.get_or_insert_default().push(c);
            }
            (None, ')') if depth > 0 => {
                depth -= 1;
                word.get_or_insert_default().push(c);
            }
            (None, c) if depth > 0 => word.get_or_insert_default().push(c),
            (None, '#') if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '\n' | ';' | '&' | '|' | '(' | ')') => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all.retain(|words| !words.is_empty());
    all
}

/// A command line without anything that only a shell understands, as its words.
pub fn plain(text: &str) -> Option<Vec<String>> {
    if text.contains(['$', '`', '|', ';', '&', '<', '>', '*', '?', '(', '\n', '~']) {
        return None;
    }
    let mut words = lists(text).into_iter().next()?;
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
    }
    let is_command = words.first().is_some_and(|word| assignment(word).is_none());
    is_command.then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let shown = |c: &Command| format!("{} {}", c.cwd, c.words.join("|"));
        assert_eq!(script(text, "/w").iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn commands_and_their_folders() {
        check("a b && cd x; c 'd e' \"f\\\"g\" || h", &["/w a|b", "/w/x c|d e|f\"g", "/w/x h"]);
        check("set -ex\n# no\nif a; then b; fi", &["/w a", "/w b"]);
        check("X=1 a -ldflags=\"-X b=$(c d)\" e", &["/w a|-ldflags=-X b=$(c d)|e"]);
        check("a $(b; c) d", &["/w a|$(b; c)|d"]);
        check("a 'b", &["/w a|b"]);
        let one = &script("export A=1; B=2 c", "/")[0];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(one.vars, [pair("A", "1"), pair("B", "2")]);
    }

    #[test]
    fn plain_command_lines() {
        let words = |text: &str| plain(text).unwrap_or_default().join("|");
        assert_eq!(words("exec /app --x 'a b'"), "/app|--x|a b");
        for text in ["/app $X", "a && b", "X=1 a", "", "a > b"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
