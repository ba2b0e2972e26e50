//! Tags that are semantic versions, and the highest of some.
//!
//! `v1.2.3`, `1.2.3`, `v1.2.3-rc.1+build`; of a folder inside the repository, as Go has it, `folder/v1.2.3` first.

use std::cmp::Ordering;

struct Version<'a> {
    numbers: [u64; 3],
    before: Vec<&'a str>,
}

/// Whether a tag may be the version of a folder of the repository.
pub fn is_candidate(tag: &str, below: &str) -> bool {
    own(tag, below).is_some() || parse(tag).is_some()
}

/// The highest version; that of the folder itself, if it has one.
pub fn highest(tags: &[String], below: &str) -> Option<String> {
    let all = || tags.iter().map(String::as_str);
    let best = |a: &&str, b: &&str| order(a, b);
    let of_folder = all().filter_map(|tag| own(tag, below)).max_by(best);
    of_folder.or_else(|| all().filter(|tag| parse(tag).is_some()).max_by(best)).map(str::to_owned)
}

fn own<'a>(tag: &'a str, below: &str) -> Option<&'a str> {
    let rest = tag.strip_prefix(below)?.strip_prefix('/')?;
    parse(rest).map(|_| rest)
}

/// By precedence, and where that is equal (build metadata, a missing `v`) by name, so that there is one answer.
fn order(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(x), Some(y)) => {
            x.numbers.cmp(&y.numbers).then_with(|| stages(&x.before, &y.before)).then_with(|| a.cmp(b))
        }
        _ => a.cmp(b),
    }
}

/// A release comes after what comes before it; else part by part, numbers below words.
fn stages(a: &[&str], b: &[&str]) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, _) | (_, true) => a.is_empty().cmp(&b.is_empty()),
        _ => {
            let parts = a.iter().zip(b).map(|(a, b)| part(a, b));
            parts.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }
    }
}

fn part(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

fn parse(tag: &str) -> Option<Version<'_>> {
    let text = tag.strip_prefix('v').unwrap_or(tag);
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (numbers, before) = text.split_once('-').map_or((text, None), |(n, before)| (n, Some(before)));
    let numbers: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fine = [before, build].into_iter().flatten().all(|words| words.split('.').all(word));
    let before = before.map(|before| before.split('.').collect()).unwrap_or_default();
    fine.then_some(Version { numbers: numbers.try_into().ok()?, before })
}

fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &[&str], below: &str, expected: Option<&str>) {
        let tags: Vec<String> = tags.iter().map(|t| t.to_string()).collect();
        assert_eq!(highest(&tags, below).as_deref(), expected, "{tags:?}");
    }

    #[test]
    fn the_highest() {
        check(&["v1.9.0", "v1.10.0", "v1.10.0-rc.1"], "", Some("v1.10.0"));
        check(&["v1.0.0-rc.2", "v1.0.0-rc.10", "v1.0.0-beta"], "", Some("v1.0.0-rc.10"));
        check(&["v1.0.0-rc", "v1.0.0-1", "v1.0.0-rc.1"], "", Some("v1.0.0-rc.1"));
        check(&["latest", "1.2", "v1.2.3.4", "v01.2.3", "v1.2.x", "v1.2.3-"], "", None);
        check(&["1.2.3"], "", Some("1.2.3"));
        check(&["v2.0.0", "svc/v1.0.0"], "svc", Some("v1.0.0"));
        check(&["v2.0.0", "other/v3.0.0"], "svc", Some("v2.0.0"));
        assert!(!is_candidate("svc/v1.0.0", ""));
    }
}
