//! A Go file to the end of its imports.
//!
//! go/build/read.go (`readGoInfo`), cmd/go/internal/modindex/build.go and cmd/go/internal/imports/read.go read a
//! file up to the first token behind the last import, and decide by that part alone whether and how it belongs to a
//! package: comments with constraints, the package clause, the imports. Of a test file `go build` needs no more.
//! This is the same reader; wherever that one reads on, here the whole file counts.

/// Where the part that go reads ends; nothing where it reads the whole file or it isn't sure that it doesn't: at
/// a syntax error, at a zero byte, at a file without anything behind the imports, and at one that imports `embed`.
pub(crate) fn end(text: &[u8]) -> Option<usize> {
    let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut scan = Scan { text, at: start };
    scan.keyword(b"package")?;
    scan.word()?;
    while scan.next()? == b'i' {
        scan.keyword(b"import")?;
        if scan.next()? != b'(' {
            scan.import()?;
            continue;
        }
        scan.at += 1;
        while scan.next()? != b')' {
            scan.import()?;
        }
        scan.at += 1;
    }
    (!text[..scan.at].contains(&0)).then_some(scan.at)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// The next byte that is neither blank nor in a comment; semicolons are as good as blanks here.
    fn next(&mut self) -> Option<u8> {
        loop {
            let rest = &self.text[self.at..];
            self.at += match rest {
                [b' ' | b'\x0c' | b'\t' | b'\r' | b'\n' | b';', ..] => 1,
                [b'/', b'/', comment @ ..] => 2 + comment.iter().position(|&b| b == b'\n')?,
                [b'/', b'*', comment @ ..] => 4 + comment.windows(2).position(|pair| pair == b"*/")?,
                [b'/', ..] => return None,
                _ => return rest.first().copied(),
            };
        }
    }

    fn keyword(&mut self, word: &[u8]) -> Option<()> {
        self.next()?;
        let rest = self.text[self.at..].strip_prefix(word)?;
        self.at += word.len();
        (!is_part(*rest.first()?)).then_some(())
    }

    fn word(&mut self) -> Option<()> {
        if !is_part(self.next()?) {
            return None;
        }
        self.at += self.text[self.at..].iter().position(|&b| !is_part(b))?;
        Some(())
    }

    /// A path, with or without a name before it.
    fn import(&mut self) -> Option<()> {
        match self.next()? {
            b'.' => self.at += 1,
            first if is_part(first) => self.word()?,
            _ => {}
        }
        let quote = self.next()?;
        let body = &self.text[self.at + 1..];
        let path = &body[..body.iter().position(|&b| b == quote)?];
        self.at += path.len() + 2;
        let plain = match quote {
            b'`' => true,
            // With an escape it could be `embed` all the same.
            b'"' => !path.iter().any(|b| matches!(b, b'\\' | b'\n')),
            _ => false,
        };
        // Carriage returns are dropped from raw strings.
        (plain && path != b"embed" && !path.contains(&b'\r')).then_some(())
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        for (head, rest) in [
            ("package a\n", "func f() {}\n"),
            ("\u{feff}// c\n\n//go:build x\npackage ä /* package */ ;\n", "var x = 1"),
            (
                "/* import \"no\" */ package a\nimport \"x\"\nimport . `y`; import _ \"z\"\n// more\n",
                "type t int\n",
            ),
            (
                "package a\nimport (\n\tx \"a\" // one\n\t\"b\" /* ) */\n)\nimport()\n",
                "const c = `\nimport \"late\"`\n",
            ),
            ("package a;import\"C\";", "}"),
            ("/**/package a\n", "\0"),
        ] {
            assert_eq!(end(format!("{head}{rest}").as_bytes()), Some(head.len()), "{head}");
        }
    }

    #[test]
    fn where_it_is_not_sure_there_is_none() {
        for text in [
            "",
            "package a\n",
            "package a\nimport \"x\"\n",
            "package a // no end",
            "package a /* no end",
            "packages a\nvar x = 1\n",
            "package 'a'\nvar x = 1\n",
            "package a / b\n",
            "package a\nif x {}\n",
            "package a\nimport x\nvar x = 1\n",
            "package a\nimport \"x\nvar x = 1\n",
            "package a\nimport (\n\"x\"\n\nvar x = 1\n",
            "package a\nimport \"embed\"\nvar x = 1\n",
            "package a\nimport _ `embed`\nvar x = 1\n",
            "package a\nimport `em\rbed`\nvar x = 1\n",
            "package a\nimport \"emb\\x65d\"\nvar x = 1\n",
            "package a\nimport \"embed\\\"\"\nvar x = 1\n",
            "// \0\npackage a\nvar x = 1\n",
            "/*/ package a\nvar x = 1\n",
        ] {
            assert_eq!(end(text.as_bytes()), None, "{text}");
        }
    }
}
