//! Plain progress to one line a step: `CACHED [b 2/3] COPY a b`.
//!
//! Only steps of the Dockerfile: those with a number in their brackets. Stages that run at the same time
//! come in any order, so the lines are sorted by stage and number.

use std::collections::BTreeMap;

struct Step {
    text: String,
    end: &'static str,
}

/// The steps of a build's plain output.
pub fn list(output: &str) -> String {
    let mut steps: BTreeMap<&str, Step> = BTreeMap::new();
    for line in output.lines() {
        let Some((id, rest)) = line.strip_prefix('#').and_then(|l| l.split_once(' ')) else { continue };
        match steps.get_mut(id) {
            None => {
                steps.insert(id, Step { text: rest.to_owned(), end: "UNFINISHED" });
            }
            Some(step) => step.end = end(rest).unwrap_or(step.end),
        }
    }
    let mut numbered: Vec<_> = steps.values().filter_map(|s| Some((place(&s.text)?, s))).collect();
    numbered.sort_by(|a, b| a.0.cmp(&b.0));
    numbered.iter().map(|(_, step)| format!("{} {}\n", step.end, step.text)).collect()
}

fn end(rest: &str) -> Option<&'static str> {
    match rest.split([' ', ':']).next()? {
        "CACHED" => Some("CACHED"),
        "DONE" => Some("RAN"),
        "ERROR" => Some("FAILED"),
        "CANCELED" => Some("CANCELED"),
        _ => None,
    }
}

/// `[builder 2/6] RUN x` is at `("builder", 2)`.
fn place(text: &str) -> Option<(&str, u32)> {
    let (inside, _) = text.strip_prefix('[')?.split_once(']')?;
    let (stage, number) = inside.rsplit_once(' ').unwrap_or(("", inside));
    let (number, of) = number.split_once('/')?;
    of.parse::<u32>().ok()?;
    Some((stage, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn steps_have_their_end_and_a_fixed_order() {
        let output = "#1 [internal] load build context\n#1 DONE 0.0s\n#3 [b 10/10] COPY a b\n#2 [b 2/10] RUN x\n\
                      #3 CACHED\n#2 0.1 DONE is what it prints\n#2 DONE 1.2s\n#4 [1/1] RUN y\n#4 ERROR: exit 1\ndone\n";
        assert_eq!(
            super::list(output),
            "FAILED [1/1] RUN y\nRAN [b 2/10] RUN x\nCACHED [b 10/10] COPY a b\n"
        );
    }
}
