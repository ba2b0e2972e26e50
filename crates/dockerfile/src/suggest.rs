//! "Did you mean": the known name nearest to an unknown one.

/// Names further apart than this have nothing to do with each other.
const NEAR: usize = 3;

/// The name in `known` that is nearest to `name`, in the letter case of `name`; `None` if none is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = name.to_lowercase();
    let near = known.into_iter().map(|option| (distance(&lower, &option.to_lowercase()), option));
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
    // Also keeps a keyword of ten million letters from costing as many steps.
    if a.len().abs_diff(b.len()) > NEAR * 4 {
        return NEAR;
    }
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
        ] {
            assert_eq!(nearest(name, known).as_deref(), expected, "{name}");
        }
    }
}
