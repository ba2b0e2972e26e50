//! Go's string literals, which build settings are written in when they have blanks or quotes in them.
//!
//! Used by `info`. See `strconv.Quote` and `strconv.Unquote` of Go's library.

/// `text` as a literal in double quotes.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

fn escape(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        _ if printable(c) => c.to_string(),
        _ => match u32::from(c) {
            code @ ..0x80 => format!("\\x{code:02x}"),
            code @ ..0x1_0000 => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        },
    }
}

/// Whether Go shows `c` as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
///
/// That is what `escape_debug` leaves alone, but for quotes, and for marks at the beginning of a string.
fn printable(c: char) -> bool {
    c == '\'' || format!("a{c}").escape_debug().nth(1) == Some(c)
}

/// The literal that `text` begins with, and what follows it; `None` if there is none.
pub(crate) fn unquote(text: &str) -> Option<(String, &str)> {
    match text.chars().next()? {
        '`' => text[1..].split_once('`').map(|(raw, rest)| (raw.replace('\r', ""), rest)),
        '"' => interpreted(&text[1..]),
        _ => None,
    }
}

fn interpreted(text: &str) -> Option<(String, &str)> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), rest)),
            '\n' => return None,
            '\\' => rest = unescape(rest, &mut bytes)?,
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

/// What an escape stands for, onto `bytes`; what follows it.
fn unescape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let (name, rest) = (*text.as_bytes().first()?, text.get(1..)?);
    let plain = match name {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => name,
        b'x' => return byte(rest, 2, 16, bytes),
        b'0'..=b'7' => return byte(text, 3, 8, bytes),
        b'u' => return rune(rest, 4, bytes),
        b'U' => return rune(rest, 8, bytes),
        _ => return None,
    };
    bytes.push(plain);
    Some(rest)
}

fn byte<'a>(text: &'a str, digits: usize, radix: u32, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let (code, rest) = number(text, digits, radix)?;
    bytes.push(u8::try_from(code).ok()?);
    Some(rest)
}

fn rune<'a>(text: &'a str, digits: usize, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let (code, rest) = number(text, digits, 16)?;
    bytes.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).bytes());
    Some(rest)
}

fn number(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let number = text.get(..digits)?;
    let all = number.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(number, radix).ok().filter(|_| all)?;
    Some((code, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn both_ways(text: &str, literal: &str) {
        assert_eq!(quote(text), literal);
        assert_eq!(unquote(&format!("{literal}=x")), Some((text.to_owned(), "=x")));
    }

    #[test]
    fn there_and_back() {
        both_ways("", r#""""#);
        both_ways("-X 'a=b c'", r#""-X 'a=b c'""#);
        both_ways("\"`\\", r#""\"`\\""#);
        both_ways("\x07\x08\x0c\n\r\t\x0b\0\x7f", r#""\a\b\f\n\r\t\v\x00\x7f""#);
        both_ways("é\u{301}€😀", "\"é\u{301}€😀\"");
        both_ways("\u{a0}\u{200b}\u{e0001}", r#""\u00a0\u200b\U000e0001""#);
    }

    #[test]
    fn what_only_people_write() {
        assert_eq!(unquote("`a\"\\\r`b"), Some(("a\"\\".to_owned(), "b")));
        assert_eq!(unquote(r#""\x41\102\303\251""#), Some(("ABé".to_owned(), "")));
        assert_eq!(unquote(r#""\xff""#), Some(("\u{fffd}".to_owned(), "")));
    }

    #[test]
    fn no_literals() {
        for bad in [
            "",
            "a",
            "\"",
            "`",
            r#""\"#,
            r#""\""#,
            r#""\q""#,
            r#""\'""#,
            r#""\x1""#,
            r#""\x+1""#,
            r#""\400""#,
            r#""\18""#,
            r#""\ud800""#,
            r#""\U00110000""#,
            "\"\n\"",
            r#""\é""#,
            r#""\u00é""#,
        ] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }
}
