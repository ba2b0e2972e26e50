//! git's settings file: sections, keys, values. Without `include`.

/// The settings, in order; of one that is there twice, the last counts.
#[derive(Default)]
pub struct Config {
    entries: Vec<Entry>,
}

struct Entry {
    section: String,
    subsection: Option<String>,
    key: String,
    value: String,
}

impl Config {
    /// Reads what can be read.
    pub fn parse(text: &str) -> Config {
        let mut config = Config::default();
        let (mut section, mut subsection) = (String::new(), None);
        let joined = text.replace("\\\r\n", "").replace("\\\n", "");
        for line in joined.lines().map(str::trim) {
            if let Some(header) = line.strip_prefix('[') {
                (section, subsection) = header_of(header);
            } else if !line.is_empty() && !line.starts_with(['#', ';']) {
                let (key, value) = line.split_once('=').unwrap_or((line, "true"));
                let (key, value) = (key.trim().to_lowercase(), value_of(value.trim()));
                config.entries.push(Entry {
                    section: section.clone(),
                    subsection: subsection.clone(),
                    key,
                    value,
                });
            }
        }
        config
    }

    /// A value.
    pub fn get(&self, section: &str, subsection: Option<&str>, key: &str) -> Option<&str> {
        let fits = |e: &&Entry| e.section == section && e.subsection.as_deref() == subsection && e.key == key;
        self.entries.iter().rev().find(fits).map(|e| e.value.as_str())
    }
}

/// `remote "origin"]`.
fn header_of(text: &str) -> (String, Option<String>) {
    let name = |text: &str| text.trim().to_lowercase();
    match text.split_once('"') {
        None => (name(text.split(']').next().unwrap_or_default()), None),
        Some((section, rest)) => (name(section), Some(unquoted(rest).0)),
    }
}

/// Up to the closing quote, and the rest.
fn unquoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            '"' => return (out, &text[at + 1..]),
            '\\' => out.extend(letters.next().map(|(_, c)| c)),
            c => out.push(c),
        }
    }
    (out, "")
}

/// Without quotes and comments.
fn value_of(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '#', ';', '\\']) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        match &rest[at..=at] {
            "\"" => {
                let (inner, behind) = unquoted(after);
                out.push_str(&inner);
                rest = behind;
            }
            "\\" => {
                out.extend(after.chars().next());
                rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
            }
            _ => return out.trim_end().to_owned(),
        }
    }
    out.push_str(rest);
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let text = "[core]\n\tfileMode = false ; why\n\tbare\n# no\n[Remote \"ori\\\"gin\"]\n\turl = \"a # b\" # c\n\
            [remote \"origin\"]\nurl=one\nURL = two\\\n three\n";
        let config = Config::parse(text);
        assert_eq!(config.get("core", None, "filemode"), Some("false"));
        assert_eq!(config.get("core", None, "bare"), Some("true"));
        assert_eq!(config.get("remote", Some("ori\"gin"), "url"), Some("a # b"));
        assert_eq!(config.get("remote", Some("origin"), "url"), Some("two three"));
        assert_eq!(config.get("remote", Some("other"), "url"), None);
        Config::parse("[\n[\"\n=\n\"\n\\");
    }
}
