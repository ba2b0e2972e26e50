//! Parser directives: the `# name=value` lines at the very top.
//!
//! Fed by `lex` line by line; the first line that is none ends them. `syntax` and `check` are found by a
//! second, looser look at the text, as BuildKit does: `//` comments, JSON and a `#!` first line are
//! other languages' ways to name their frontend.

use crate::diagnostic::Problem;
use crate::json;

/// What the directives of a file say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directives {
    /// The frontend named by `syntax`, without its arguments.
    pub syntax: Option<String>,
    /// The character that escapes and continues lines: `\` or a backtick.
    pub escape: char,
    /// The linter's configuration from `check`, as written.
    pub check: Option<String>,
}

impl Default for Directives {
    fn default() -> Directives {
        Directives { syntax: None, escape: '\\', check: None }
    }
}

const NAMES: [&str; 3] = ["syntax", "escape", "check"];

/// Reads directives until a line is none.
#[derive(Debug)]
pub struct Reader {
    comment: &'static str,
    seen: [bool; 3],
    done: bool,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::with_comment("#")
    }
}

impl Reader {
    /// A reader for directives behind another comment sign.
    pub fn with_comment(comment: &'static str) -> Reader {
        Reader { comment, seen: [false; 3], done: false }
    }

    /// The directive on `line`, if it is one: lower-cased name and value. A directive given twice is an error.
    pub fn line<'a>(&mut self, line: &'a str) -> Result<Option<(&'static str, &'a str)>, Problem> {
        let found = (!self.done).then(|| split(line, self.comment)).flatten();
        let Some((index, value)) = found else {
            self.done = true;
            return Ok(None);
        };
        if std::mem::replace(&mut self.seen[index], true) {
            return Err(format!("only one {} parser directive can be used", NAMES[index]).into());
        }
        Ok(Some((NAMES[index], value)))
    }

    /// Whether a line that is no directive was met.
    pub fn is_done(&self) -> bool {
        self.done
    }
}

fn split<'a>(line: &'a str, comment: &str) -> Option<(usize, &'a str)> {
    let (name, value) = line.strip_prefix(comment)?.trim_start().split_once('=')?;
    let name = name.trim_end_matches(is_space);
    let index = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    let trimmed = value.trim_matches(is_space);
    // A value of nothing but spaces is its last space in BuildKit, because something has to be there.
    let value = if trimmed.is_empty() { &value[value.len().saturating_sub(1)..] } else { trimmed };
    (!value.is_empty()).then_some((index, value))
}

// What `\s` means to Go: no vertical tab, no Unicode.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// The escape character a directive's value names.
pub fn escape(value: &str) -> Result<char, Problem> {
    match value {
        "\\" => Ok('\\'),
        "`" => Ok('`'),
        _ => Err(Problem::new(format!("invalid escape token '{value}' does not match ` or \\"))),
    }
}

/// The frontend that the text asks for, in any of the forms BuildKit reads.
pub fn syntax(text: &str) -> Option<String> {
    let body = without_shebang(text);
    let named = find("syntax", body, "#").or_else(|| find("syntax", body, "//")).map(String::from);
    let value = named.or_else(|| syntax_json(body))?;
    Some(value.split(' ').next().unwrap_or_default().to_owned())
}

/// The value of the `check` directive.
pub fn check(text: &str) -> Option<String> {
    find("check", without_shebang(text), "#").map(String::from)
}

fn find<'a>(name: &str, text: &'a str, comment: &'static str) -> Option<&'a str> {
    let mut reader = Reader::with_comment(comment);
    let directives = text.lines().map_while(|line| reader.line(line).ok().flatten());
    directives.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn without_shebang(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with("#!") {
        return text;
    }
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

fn syntax_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    json::syntax(text)
}
