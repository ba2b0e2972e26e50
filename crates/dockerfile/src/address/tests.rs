//! Addresses as people and attackers write them, and what each part of them means.

use super::*;

fn parsed(url: &str) -> Git {
    match context(url) {
        Ok(Address::Git(git)) => *git,
        other => panic!("{url}: {other:?}"),
    }
}

fn parts(url: &str) -> (String, Option<String>, Option<String>) {
    let git = parsed(url);
    (git.remote, git.reference, git.subdir)
}

fn git(remote: &str, reference: &str, subdir: &str) -> (String, Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (remote.to_owned(), some(reference), some(subdir))
}

#[test]
fn kinds() {
    let kinds = |urls: &[&str]| urls.iter().map(|url| kind(url)).collect::<Vec<_>>();
    let gits =
        ["git://h/r", "ssh://git@h/r", "https://h/r.git", "http://h/r.git#x", "git@h:r", "github.com/a/b"];
    assert_eq!(kinds(&gits), [Kind::Git; 6]);
    assert_eq!(kinds(&["https://h/r", "http://h/a.tar.gz", "https://h/r?x=.git"]), [Kind::Http; 3]);
    assert_eq!(kinds(&[".", "/a/b.git", "./a@b:c", "dir", ""]), [Kind::Local; 5]);
    assert_eq!(kinds(&["-", "docker-image://a", "oci-layout://b", "ftp://h"]), [Kind::Other; 4]);
}

#[test]
fn fragments() {
    assert_eq!(parts("https://h/r.git"), git("https://h/r.git", "", ""));
    assert_eq!(parts("https://h/r.git#a/b:c/d"), git("https://h/r.git", "a/b", "c/d"));
    assert_eq!(parts("git@h:a/r.git#:d"), git("git@h:a/r.git", "", "d"));
    assert_eq!(parts("github.com/a/b#v1"), git("github.com/a/b", "v1", ""));
    assert_eq!(parsed("https://h/r.git#m:/./a//b/").folder().as_deref(), Some("a/b"));
    assert_eq!(parsed("https://h/r.git#m:/").folder(), None);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(parsed(&format!("https://h/r.git#{commit}")).commit(), Some(commit));
    assert_eq!(parsed("https://h/r.git#0123456").commit(), None);
}

#[test]
fn queries() {
    assert_eq!(parts("https://h/r.git?tag=v1&subdir=a%2Fb"), git("https://h/r.git", "refs/tags/v1", "a/b"));
    assert_eq!(parts("https://h/r.git?branch=refs/heads/m"), git("https://h/r.git", "refs/heads/m", ""));
    assert_eq!(parts("https://h/r.git?ref=x#x:d"), git("https://h/r.git", "x", "d"));
    assert_eq!(parts("https://h/r.git?checksum=abc"), git("https://h/r.git", "abc", ""));
    assert_eq!(parts("https://h/r.git?commit=abc&ref=m&submodules"), git("https://h/r.git", "m", ""));
    let all =
        parsed("https://h/r.git?commit=ABC&keep-git-dir&submodules=0&mtime=commit&fetch-by-commit=true");
    assert_eq!((all.checksum.as_deref(), all.keep_git_dir), (Some("abc"), Some(true)));
    assert!(all.skip_submodules && all.commit_time);
    assert_eq!(parsed("https://h/r.git?keep-git-dir=false").keep_git_dir, Some(false));
}

#[test]
fn queries_that_contradict() {
    for query in [
        "ref=a#b",
        "tag=a&ref=b",
        "tag=a&branch=b",
        "ref=",
        "ref=a&ref=a",
        "nosuch=1",
        "submodules=x",
        "ref=%4",
        "commit=ab&checksum=cd",
        "mtime=now",
    ] {
        assert!(context(&format!("https://h/r.git?{query}")).is_err(), "{query}");
    }
    assert!(context("https://h/r.git?subdir=a#:b").is_err());
}

#[test]
fn nothing_in_an_address_is_an_option_or_a_helper() {
    for url in [
        "ssh://-oProxyCommand=x/r",
        "ssh://git@-oProxyCommand=x/r",
        "ssh://-l@h/r",
        "git@-h:r",
        "-u@h:r",
        "git@h:--upload-pack=x",
        "git://-h/r",
        "https:///r.git",
        "https://:80/r.git",
        "https://h/a b.git",
        "https://h/a\nb.git",
        "https://h/r.git#--upload-pack=touch%20x",
        "https://h/r.git#-x",
        "https://h/r.git?ref=%0aoption",
        "https://h/r.git#a..b",
        "https://h/r.git#a*",
        "https://h/r.git?ref=a:b",
        "https://h/r.git?ref=%2Ba",
        "https://h/r.git#@",
        "https://h/r.git#m:../x",
        "https://h/r.git#m:a/../../x",
        "https://h/r.git#m:a%00",
        "https://h/r.git?checksum=--x",
        "http:///x",
        "http://h/a\tb",
    ] {
        assert!(context(url).is_err(), "{url}");
    }
    // These are no git addresses at all, so git never sees them.
    for url in ["ext::sh -c x", "file:///r.git", "fd::7", "--upload-pack=x", "ext::sh://x.git"] {
        assert!(!matches!(context(url), Ok(Address::Git(_) | Address::Http(_))), "{url}");
        assert_eq!(source(url), Ok(Address::Local), "{url}");
    }
}

#[test]
fn sources_of_add() {
    assert_eq!(source("github.com/a/b"), Ok(Address::Local));
    assert_eq!(source("docker-image://a"), Ok(Address::Local));
    assert_eq!(source("http://h/x"), Ok(Address::Http("http://h/x".to_owned())));
    assert!(matches!(source("git@h:a/b"), Ok(Address::Git(_))));
}

#[test]
fn parts_of_a_repository() {
    let git = parsed("github.com/a/b");
    assert_eq!(
        (git.url(), git.host(), git.is_ssh()),
        ("https://github.com/a/b".into(), "github.com".into(), false)
    );
    let git = parsed("ssh://git@h:22/a");
    assert_eq!((git.host(), git.is_ssh()), ("h:22".to_owned(), true));
    let git = parsed("git@h:a");
    assert_eq!((git.host(), git.is_ssh()), ("h".to_owned(), true));
    assert_eq!(redacted("https://me:pw@h/r"), "https://xxxxx@h/r");
    assert_eq!(redacted("https://token@h/r@x"), "https://xxxxx@h/r@x");
    assert_eq!(redacted("ssh://git@h/r"), "ssh://git@h/r");
    assert_eq!(redacted("git@h:r"), "git@h:r");
}

#[test]
fn names_of_files() {
    for (url, name) in [
        ("http://h/a/b.txt?x=y#z", "b.txt"),
        ("http://h/a/", "a"),
        ("http://h", "__unnamed__"),
        ("http://h/?q=/x", "__unnamed__"),
        ("http://h/a%20b", "a b"),
        ("http://h/a%2Fb", "b"),
        ("http://h/%2e%2e", "__unnamed__"),
        ("http://h/x%zz", "x%zz"),
    ] {
        assert_eq!(file_name(url), name, "{url}");
    }
}
