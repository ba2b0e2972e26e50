//! What differs from run to run to what doesn't: times, sizes, digests, this run's folders and ports.

/// What stands for itself in this run, and the word for it.
pub type Names = [(String, &'static str)];

/// Replaces digests and this run's names: for output that a case chose to print.
pub fn names(text: &str, names: &Names) -> String {
    let mut text = text.to_owned();
    for (name, word) in names {
        text = text.replace(name.as_str(), word);
    }
    digests(&text)
}

/// Replaces times, sizes and the names of logs as well: for what tare tells people.
pub fn all(text: &str, known: &Names) -> String {
    measures(&builds(&names(text, known)))
}

/// A build's logs are in a folder that is named for the time.
fn builds(text: &str) -> String {
    let folder = "<store>/builds/";
    let mut parts = text.split(folder);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(folder);
        out.push_str("<build>");
        out.push_str(part.find('/').map_or("", |at| &part[at..]));
    }
    out
}

fn digests(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("sha256:") {
        let (before, after) = rest.split_at(at + "sha256:".len());
        let hex = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(before);
        if hex >= 6 {
            out.push_str("<digest>");
        }
        rest = if hex >= 6 { &after[hex..] } else { after };
    }
    out + rest
}

/// A number with a unit behind it; words with digits in them stay.
fn measures(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
        let (number, behind) = after.split_at(digits);
        let starts_a_word = out.chars().last().is_none_or(|c| !c.is_alphanumeric() && !"_-./:".contains(c));
        rest = match unit(behind).filter(|_| starts_a_word) {
            Some((len, word)) => {
                out.push_str(word);
                &behind[len..]
            }
            None => {
                out.push_str(number);
                behind
            }
        };
    }
    out + rest
}

fn unit(behind: &str) -> Option<(usize, &'static str)> {
    let blank = usize::from(behind.starts_with(' '));
    let letters = behind[blank..].find(|c: char| !c.is_alphanumeric()).unwrap_or(behind.len() - blank);
    match &behind[blank..blank + letters] {
        "s" | "ms" | "m" | "min" | "µs" => Some((blank + letters, "<time>")),
        "B" | "kB" | "KB" | "MB" | "GB" | "KiB" | "MiB" | "GiB" => Some((blank + letters, "<size>")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_digests_go_and_words_stay() {
        let known = [("/tmp/x".to_owned(), "<dir>")];
        let got = all("took 1.2s, 3 MB of 45kB in /tmp/x, sha256:0123456789ab… line 7, go1.26.8 v2s", &known);
        assert_eq!(got, "took <time>, <size> of <size> in <dir>, sha256:<digest>… line 7, go1.26.8 v2s");
        assert_eq!(all("see <store>/builds/1-2/x.log now", &[]), "see <store>/builds/<build>/x.log now");
        assert_eq!(names("1.2s sha256:abc", &[]), "1.2s sha256:abc");
    }
}
