//! "Did you mean": the known name nearest to an unknown one.

use crate::steps;

/// Names further apart than this have nothing to do with each other.
const NEAR: usize = 3;

/// Nobody mistypes longer names, and the distance of two costs the product of their lengths.
const LONG: usize = 100;

/// The name in `known` that is nearest to `name`, in the letter case of `name`; `None` if none is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if name.len() > LONG {
        return None;
    }
    let lower = name.to_lowercase();
    let known = known.into_iter().filter(|option| option.len() <= LONG);
    let near = known.map(|option| (distance(&lower, &option.to_lowercase()), option));
    let (distance, option) = near.min_by_key(|(distance, _)| *distance)?;
    (distance > 0 && distance < NEAR).then(|| in_case_of(name, option))
}

fn in_case_of(name: &str, option: &str) -> String {
    if name == name.to_lowercase() {
        option.to_lowercase()
    } else if name == name.to_uppercase() {
        option.to_uppercase()
    } else {
        option.to_owned()
    }
}

/// How many letters to insert, drop or replace, or `NEAR` if it takes as many or more.
fn distance(a: &str, b: &str) -> usize {
    steps::note(1);
    if a.len().abs_diff(b.len()) > NEAR * 4 {
        return NEAR;
    }
    steps::note(a.len() * b.len());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()].min(NEAR)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_near_name_in_the_same_case() {
        let known = ["RUN", "COPY", "ENV"];
        for (name, expected) in [
            ("COYP", Some("COPY")),
            ("coyp", Some("copy")),
            ("rn", Some("run")),
            ("COPY", None),
            ("something", None),
            ("", None),
            (&"long".repeat(30), None),
        ] {
            assert_eq!(nearest(name, known).as_deref(), expected, "{name}");
        }
    }
}
