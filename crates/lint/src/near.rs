//! "Did you mean", as BuildKit asks it of variables: fewer than three letters away, and their case counts.

/// Names further apart than this have nothing to do with each other.
const NEAR: usize = 3;

/// The nearest of `known`; the first of several as near. None if `name` itself is among them.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().collect();
    let mut best = (NEAR, None);
    for option in known {
        match distance(&name, option) {
            0 => return None,
            found if found < best.0 => best = (found, Some(option)),
            _ => {}
        }
    }
    best.1
}

/// ` (did you mean NAME?)`, or nothing.
pub fn question(sign: &str, near: Option<&str>) -> String {
    near.map(|near| format!(" (did you mean {sign}{near}?)")).unwrap_or_default()
}

/// How many letters to insert, drop or replace, or `NEAR` if it takes as many or more.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) >= NEAR {
        return NEAR;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()].min(NEAR)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn letters_count_as_written() {
        let known = ["PATH", "DIR_ASSETS", "foo"];
        for (name, expected) in [
            ("PAHT", Some("PATH")),
            ("DIR_ASSET", Some("DIR_ASSETS")),
            ("path", None),
            ("foo", None),
            ("FOO", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
