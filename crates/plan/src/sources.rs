//! The sources of COPY and ADD: words to paths, addresses and repositories, with the flags that speak of them.

use dockerfile::address::{self, Address};
use dockerfile::{AddFlags, Git};

use crate::graph::Source;

/// What a problem says.
type Result<T> = std::result::Result<T, String>;

/// COPY: paths only.
pub fn of_copy(texts: Vec<String>) -> Result<Vec<Source>> {
    let one = |text: String| match address::source(&text)? {
        Address::Git(_) => Err(format!("`{text}`: source can't be a git ref for COPY; ADD takes one")),
        Address::Http(_) => Err(format!("`{text}`: source can't be a URL for COPY; ADD takes one")),
        Address::Local | Address::Other => Ok(Source::Path(text)),
    };
    texts.into_iter().map(one).collect()
}

/// ADD, of which `checksum` is already expanded.
pub fn of_add(texts: Vec<String>, flags: &AddFlags, checksum: Option<&str>) -> Result<Vec<Source>> {
    if checksum.is_some() && texts.len() != 1 {
        return Err("checksum can't be specified for multiple sources".to_owned());
    }
    texts.into_iter().map(|text| one(text, flags, checksum)).collect()
}

fn one(text: String, flags: &AddFlags, checksum: Option<&str>) -> Result<Source> {
    let found = address::source(&text).map_err(|why| format!("`{}`: {why}", address::redacted(&text)))?;
    match found {
        Address::Http(url) => {
            let checksum = checksum.map(|text| text.parse().map_err(|why| format!("`--checksum`: {why}")));
            Ok(Source::Url { url, checksum: checksum.transpose()? })
        }
        Address::Git(git) => Ok(Source::Git { text, git: Box::new(with_flags(*git, flags, checksum)?) }),
        Address::Local | Address::Other if checksum.is_some() => {
            Err("checksum requires HTTP(S) or Git sources".to_owned())
        }
        Address::Local | Address::Other => Ok(Source::Path(text)),
    }
}

/// The address and the flags may say the same twice, not two different things.
fn with_flags(git: Git, flags: &AddFlags, checksum: Option<&str>) -> Result<Git> {
    let checksum = checksum.map(address::check_commit).transpose()?;
    if let (Some(flag), Some(known)) = (&checksum, &git.checksum)
        && flag != known
    {
        return Err(format!("checksum mismatch: `{flag}` in the flag, `{known}` in the address"));
    }
    if let (Some(flag), Some(known)) = (flags.keep_git_dir, git.keep_git_dir)
        && flag != known
    {
        return Err("inconsistent keep-git-dir configuration: the flag and the address differ".to_owned());
    }
    Ok(Git {
        checksum: git.checksum.or(checksum),
        keep_git_dir: git.keep_git_dir.or(flags.keep_git_dir),
        ..git
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(text: &str, checksum: Option<&str>) -> Result<Source> {
        of_add(vec![text.to_owned()], &AddFlags::default(), checksum).map(|mut all| all.remove(0))
    }

    #[test]
    fn what_a_source_is() {
        assert_eq!(add("a/b", None), Ok(Source::Path("a/b".to_owned())));
        let url = "http://h/x".to_owned();
        assert_eq!(add(&url, None), Ok(Source::Url { url, checksum: None }));
        assert!(matches!(add("https://h/r.git#v1", None), Ok(Source::Git { .. })));
        assert!(of_copy(vec!["http://h/x".to_owned()]).unwrap_err().contains("can't be a URL"));
        assert!(of_copy(vec!["git@h:r".to_owned()]).unwrap_err().contains("can't be a git ref"));
    }

    #[test]
    fn checksums() {
        let sum = format!("sha256:{}", "a".repeat(64));
        assert!(matches!(add("http://h/x", Some(&sum)), Ok(Source::Url { checksum: Some(_), .. })));
        for (text, sum) in [
            ("a", sum.as_str()),
            ("http://h/x", "sha256:abc"),
            ("http://h/x", "md5:abc"),
            ("https://h/r.git", "sha256:abc"),
            ("https://h/r.git?checksum=ab", "cd"),
        ] {
            assert!(add(text, Some(sum)).is_err(), "{text} {sum}");
        }
        let two = vec!["http://h/a".to_owned(), "http://h/b".to_owned()];
        assert!(of_add(two, &AddFlags::default(), Some(&sum)).is_err());
    }

    #[test]
    fn flag_and_address_agree() {
        let keep = AddFlags { keep_git_dir: Some(true), ..AddFlags::default() };
        let git = |text: &str| of_add(vec![text.to_owned()], &keep, None);
        assert!(git("https://h/r.git?keep-git-dir=0").is_err());
        match &git("https://h/r.git").unwrap()[0] {
            Source::Git { git, .. } => assert_eq!(git.keep_git_dir, Some(true)),
            other => panic!("{other:?}"),
        }
    }
}
