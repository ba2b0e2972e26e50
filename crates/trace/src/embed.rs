//! `//go:embed` in a directory's sources to what of the directory it could reach.
//!
//! cmd/go/internal/load/pkg.go (`resolveEmbed`) matches patterns against the names in a package's directory, walks
//! the directories that they name, and asks for the status of all that it finds. What is looked at for that matters.
//! This reader says "yes" too often rather than too rarely: of a pattern only the first component counts, one
//! with a character of globs reaches everything, and so does one that isn't understood.

/// What patterns begin with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Embeds {
    /// Some pattern may match any name.
    any: bool,
    /// The first components of the others.
    names: Vec<Vec<u8>>,
}

const DIRECTIVE: &[u8] = b"//go:embed";

impl Embeds {
    /// Of the sources in one directory.
    pub(crate) fn of(sources: &[Vec<u8>]) -> Embeds {
        let mut embeds = Embeds::default();
        sources.iter().for_each(|text| embeds.read(text));
        embeds
    }

    /// Whether a name in the directory, or what is below it, could be embedded.
    pub(crate) fn reach(&self, name: &[u8]) -> bool {
        self.any || self.names.iter().any(|first| first == name)
    }

    /// Whether all names in the directory are matched against a pattern.
    pub(crate) fn reach_any(&self) -> bool {
        self.any
    }

    // Wherever it stands: in a string it does no harm, and a comment may start behind code.
    fn read(&mut self, text: &[u8]) {
        for line in text.split(|&b| b == b'\n') {
            let mut rest = line;
            while let Some(at) = rest.windows(DIRECTIVE.len()).position(|part| part == DIRECTIVE) {
                rest = &rest[at + DIRECTIVE.len()..];
                if rest.first().is_some_and(|&b| is_blank(b)) {
                    self.patterns(rest);
                }
            }
        }
    }

    fn patterns(&mut self, mut rest: &[u8]) {
        loop {
            rest = &rest[rest.iter().take_while(|&&b| is_blank(b)).count()..];
            let Some(&first) = rest.first() else { return };
            if !matches!(first, b'"' | b'`') {
                let end = rest.iter().position(|&b| is_blank(b)).unwrap_or(rest.len());
                self.pattern(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let Some(length) = rest[1..].iter().position(|&b| b == first) else {
                self.any = true;
                return;
            };
            self.pattern(&rest[1..=length]);
            rest = &rest[length + 2..];
        }
    }

    fn pattern(&mut self, pattern: &[u8]) {
        let pattern = pattern.strip_prefix(b"all:").unwrap_or(pattern);
        let first = pattern.split(|&b| b == b'/').next().unwrap_or_default();
        // A backslash may be an escape of a pattern or of a string, and bytes behind ASCII may be blanks to go.
        let odd = |b: &u8| matches!(b, b'*' | b'?' | b'[' | b'\\' | b'"' | b'`') || *b >= 0x80;
        if first.is_empty() || first == b"." || first.iter().any(odd) {
            self.any = true;
        } else {
            self.names.push(first.to_vec());
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, any: bool, names: &[&str]) {
        let embeds = Embeds::of(&[text.as_bytes().to_vec()]);
        let expected = Embeds { any, names: names.iter().map(|name| name.as_bytes().to_vec()).collect() };
        assert_eq!(embeds, expected, "{text}");
    }

    #[test]
    fn patterns_of_directives() {
        check(
            "package a\n//go:embed a.txt \"b c\" `d/e` all:static/x*\n",
            false,
            &["a.txt", "b c", "d", "static"],
        );
        check("var x embed.FS //go:embed\tx\r\n", false, &["x"]);
        check("//go:embed \n//go:embedded no\n// go:embed no\n", false, &[]);
        for any in [
            "*.html",
            "a?/x",
            "[ab]",
            "a\\b",
            ".",
            "./a",
            "all:*",
            "all:",
            "\"open",
            "\"a\\tb\"",
            "a\u{a0}b",
            "a\"b",
        ] {
            check(&format!("//go:embed {any}\n"), true, &[]);
        }
    }

    #[test]
    fn what_they_reach() {
        let embeds = Embeds::of(&[b"//go:embed static/a.html README".to_vec(), b"package a".to_vec()]);
        assert!(embeds.reach(b"static") && embeds.reach(b"README"));
        assert!(!embeds.reach(b"readme") && !embeds.reach(b"a.html") && !embeds.reach_any());
        let embeds = Embeds::of(&[b"//go:embed *.md".to_vec()]);
        assert!(embeds.reach(b"anything") && embeds.reach_any());
    }
}
