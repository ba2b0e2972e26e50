//! `tare login` and `tare logout`: what a user says to what the registry is asked and the files keep.

mod prompt;

use std::io::Read;

use engine::origin::Origins;
use transport::Secret;

use super::images::table::print;
use crate::cli::{Login, Logout};
use crate::failure::{Failure, Outcome, doing};

/// No password is longer than this; a whole file on standard input is a mistake.
const MOST: u64 = 64 << 10;

/// Checks credentials with a registry and keeps them.
pub fn login(args: &Login) -> Outcome {
    check(args)?;
    let user = match &args.username {
        Some(user) => user.clone(),
        None => prompt::line("Username: ")?,
    };
    let password = password(args)?;
    let user = not_empty(user, "the username")?;
    let password = Secret(not_empty(password, "the password")?);
    let kept = Origins::default().registry()?.login(&args.registry, &user, &password)?;
    print(&format!("logged in to {} as {user}; the credentials are in {kept}\n", args.registry))?;
    Ok(0)
}

fn check(args: &Login) -> Result<(), Failure> {
    match (&args.username, &args.password, args.password_stdin) {
        (_, Some(_), true) => {
            Err(Failure::Usage("`--password` and `--password-stdin` exclude each other".to_owned()))
        }
        (None, _, true) => Err(Failure::Usage("`--password-stdin` needs `--username`".to_owned())),
        _ => Ok(()),
    }
}

fn password(args: &Login) -> Result<String, Failure> {
    match &args.password {
        Some(password) => {
            eprintln!("warning: others can see the command line; use --password-stdin");
            Ok(password.clone())
        }
        None if args.password_stdin => piped(std::io::stdin()),
        None => prompt::secret("Password: "),
    }
}

/// Everything but the line end that `echo` adds.
fn piped(input: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let read = input.take(MOST).read_to_string(&mut text);
    read.map_err(doing("read the password from standard input"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn not_empty(text: String, what: &str) -> Result<String, Failure> {
    if text.is_empty() { Err(Failure::Usage(format!("{what} is empty"))) } else { Ok(text) }
}

/// Forgets credentials. That there are none is as well.
pub fn logout(args: &Logout) -> Outcome {
    let had = Origins::default().registry()?.logout(&args.registry)?;
    let said = if had { "logged out of" } else { "was not logged in to" };
    print(&format!("{said} {}\n", args.registry))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: Option<&str>, password: Option<&str>, password_stdin: bool) -> Login {
        let (username, password) = (username.map(str::to_owned), password.map(str::to_owned));
        Login { registry: "r.example".to_owned(), username, password, password_stdin }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(check(&login(Some("u"), None, true)).is_ok());
        assert!(check(&login(None, None, false)).is_ok());
        assert!(matches!(check(&login(None, None, true)), Err(Failure::Usage(_))));
        assert!(matches!(check(&login(Some("u"), Some("p"), true)), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_piped_password_loses_its_line_end_and_nothing_else() {
        for (text, expected) in [("a b \r\n", "a b "), ("x", "x"), ("", "")] {
            assert_eq!(piped(text.as_bytes()).ok().as_deref(), Some(expected));
        }
        assert!(piped(&b"\xff"[..]).is_err());
    }
}
