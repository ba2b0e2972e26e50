//! The logins in a .netrc file.
//!
//! `macdef` runs to the next empty line; `default` is not for the go command, so not for us.

/// A machine's login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub machine: String,
    pub name: String,
    pub password: String,
}

/// All logins that are whole, in the order of the file.
pub(crate) fn parse(text: &str) -> Vec<Login> {
    let mut found = Vec::new();
    let (mut machine, mut name, mut password) = (None, None, None);
    let mut is_macro = false;
    for line in text.lines() {
        if is_macro {
            is_macro = !line.is_empty();
            continue;
        }
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "default" => return found,
                "machine" => (machine, name, password) = (words.next(), None, None),
                "login" => name = words.next(),
                "password" => password = words.next(),
                "macdef" => is_macro = words.next().is_some(),
                _ => _ = words.next(),
            }
            if let (Some(m), Some(n), Some(p)) = (machine, name, password) {
                found.push(Login { machine: m.to_owned(), name: n.to_owned(), password: p.to_owned() });
                (machine, name, password) = (None, None, None);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[[&str; 3]]) {
        let found = parse(text);
        let found: Vec<[&str; 3]> = found.iter().map(|l| [&*l.machine, &*l.name, &*l.password]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn logins_stand_on_one_line_or_several() {
        check("machine a login b password c", &[["a", "b", "c"]]);
        check(
            "machine a\n  login b\n  password c\nmachine d account x password f login e\n",
            &[["a", "b", "c"], ["d", "e", "f"]],
        );
    }

    #[test]
    fn what_is_not_whole_is_left_out() {
        check("machine a login b\nmachine c login d password e", &[["c", "d", "e"]]);
        check("login b password c\nmachine a", &[]);
        check("machine a login b password", &[]);
    }

    #[test]
    fn macros_and_what_follows_default_are_skipped() {
        check(
            "macdef init\nmachine a login b password c\n\nmachine d login e password f",
            &[["d", "e", "f"]],
        );
        check(
            "machine a login b password c\ndefault login x password y\nmachine d login e password f",
            &[["a", "b", "c"]],
        );
    }
}
