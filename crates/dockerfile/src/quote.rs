//! Go's `%q`, in which BuildKit writes commands into histories and words into messages.

use std::fmt::Write;

/// `text` in double quotes, with Go's escapes.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text);
    quoted
}

/// Words as Go prints a list with `%q`: `["a" "b"]`.
pub fn quote_list(words: &[String]) -> String {
    let mut list = String::from("[");
    for (index, word) in words.iter().enumerate() {
        list.push_str(if index == 0 { "" } else { " " });
        push_quoted(&mut list, word);
    }
    list.push(']');
    list
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    text.chars().for_each(|c| push(out, c));
    out.push('"');
}

fn push(out: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0b' => "\\v",
        c if is_printable(c) => return out.push(c),
        c => return push_code(out, c),
    };
    out.push_str(short);
}

fn push_code(out: &mut String, c: char) {
    let code = u32::from(c);
    let written = match code {
        0..=0x7f => write!(out, "\\x{code:02x}"),
        0x80..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    written.expect("writing to a string succeeds");
}

// Go's tables in short: letters, marks, numbers, punctuation and symbols print, blanks but the plain
// space and the private planes do not.
fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || is_format(c))
}

fn is_format(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x600..=0x605 | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xe000..=0xf8ff | 0xfff0..=0xfffb | 0xe0000..=0xe007f | 0xf0000..=0x10ffff)
}

#[cfg(test)]
mod tests {
    use super::{quote, quote_list};

    #[test]
    fn quotes_like_go() {
        for (text, expected) in [
            ("a b", r#""a b""#),
            ("\"\\\n\t\x07", r#""\"\\\n\t\a""#),
            ("é\u{a0}\u{7f}\u{e000}\u{10ffff}", r#""é\u00a0\x7f\ue000\U0010ffff""#),
        ] {
            assert_eq!(quote(text), expected);
        }
        assert_eq!(quote_list(&["/bin/sh".into(), "-c".into()]), r#"["/bin/sh" "-c"]"#);
    }
}
