//! Files and helpers in a scratch home.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Home {
        let dir = std::env::temp_dir().join(format!("tare-credentials-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Home(dir)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// A helper that keeps what it is told in files named for the verb.
    fn helper(&self, name: &str, get: &str) {
        let path = format!("bin/docker-credential-{name}");
        let dir = self.0.display();
        let script = format!("#!/bin/sh\ncat > {dir}/$1.in\nif [ $1 = get ]; then\n{get}\nfi\n");
        std::fs::create_dir_all(self.0.join("bin")).unwrap();
        // Written by another process: a script that some fork of ours has open for writing can't be run.
        let write = [
            "-c",
            "printf %s \"$1\" > \"$0\"; chmod 755 \"$0\"",
            self.0.join(&path).to_str().unwrap(),
            &script,
        ]
        .map(String::from);
        assert!(std::process::Command::new("sh").args(write).status().unwrap().success());
    }

    fn env(&self) -> Env {
        let home = self.0.to_str().unwrap();
        Env::of(&[("HOME", home), ("PATH", &format!("{home}/bin"))], &self.0)
    }

    fn find(&self, host: &str, repository: &str) -> Option<Credentials> {
        find(&self.env(), host, repository).credentials
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn basic(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials::Basic(user.to_owned(), Secret(password.to_owned())))
}

fn auth(pair: &str) -> String {
    STANDARD.encode(pair)
}

#[test]
fn auths_of_docker() {
    let home = Home::new("auths");
    let text = format!(
        r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{}"}},"https://old.example/v1/":{{"auth":"{}"}},
        "t.example":{{"identitytoken":"abc","auth":"{}"}},"r.example":{{"registrytoken":"def"}},"n.example":null,
        "plain.example":{{"username":"u","password":"p"}},"bad.example":{{"auth":"!"}}}}}}"#,
        auth("hub:p:w"),
        auth("old:x\0\0"),
        auth("<token>:"),
    );
    home.write(".docker/config.json", &text);
    assert_eq!(home.find("docker.io", "library/alpine"), basic("hub", "p:w"));
    assert_eq!(home.find("old.example", "a"), basic("old", "x"));
    assert_eq!(home.find("t.example", "a"), Some(Credentials::Identity(Secret("abc".into()))));
    assert_eq!(home.find("r.example", "a"), Some(Credentials::Bearer(Secret("def".into()))));
    assert_eq!(home.find("plain.example", "a"), basic("u", "p"));
    for none in ["n.example", "bad.example", "other.example"] {
        assert_eq!(home.find(none, "a"), None, "{none}");
    }
}

#[test]
fn the_longest_namespace_wins() {
    let home = Home::new("namespace");
    let (a, b) = (auth("host:1"), auth("team:2"));
    let text = format!(r#"{{"auths":{{"q.example":{{"auth":"{a}"}},"q.example/team":{{"auth":"{b}"}}}}}}"#);
    home.write(".config/containers/auth.json", &text);
    assert_eq!(home.find("q.example", "team/app"), basic("team", "2"));
    assert_eq!(home.find("q.example", "teams/app"), basic("host", "1"));
}

#[test]
fn helpers_are_asked_first() {
    let home = Home::new("helper");
    home.write(".docker/config.json", r#"{"credsStore":"all","credHelpers":{"a.example":"one"}}"#);
    home.helper("one", r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"id"}'"#);
    home.helper("all", r#"echo '{"ServerURL":"x","Username":"u","Secret":"s"}'"#);
    assert_eq!(home.find("a.example", "r"), Some(Credentials::Identity(Secret("id".into()))));
    assert_eq!(home.find("docker.io", "r"), basic("u", "s"));
    assert_eq!(home.read("get.in"), "https://index.docker.io/v1/");
}

#[test]
fn a_helper_without_an_answer_is_no_error() {
    let home = Home::new("no-answer");
    home.write(".docker/config.json", r#"{"credsStore":"x"}"#);
    let missing = find(&home.env(), "a.example", "r");
    assert_eq!(missing.notes, ["credential helper `docker-credential-x` is not installed"]);
    home.helper("x", "echo 'credentials not found in native keychain'; exit 1");
    let found = find(&home.env(), "a.example", "r");
    assert!(found.credentials.is_none() && found.notes.is_empty());
    home.helper("x", "echo 'the keychain is locked'; echo more; exit 1");
    assert_eq!(
        find(&home.env(), "a.example", "r").notes,
        ["run `docker-credential-x get`: the keychain is locked"]
    );
}

#[test]
fn a_broken_file_is_told_without_its_secrets() {
    let home = Home::new("broken");
    home.write(".docker/config.json", r#"{"auths":"hunter2"}"#);
    let notes = find(&home.env(), "a.example", "r").notes;
    assert!(notes[0].contains("not valid at line 1") && !notes[0].contains("hunter2"), "{notes:?}");
    assert!(!format!("{:?}", basic("u", "hunter2")).contains("hunter2"));
}

#[test]
fn login_and_logout_keep_the_rest_of_the_file() {
    let home = Home::new("login");
    home.write(
        ".docker/config.json",
        r#"{"psFormat":"x","auths":{"docker.io":{},"b.example":{"auth":"Yjpi"}}}"#,
    );
    let password = Secret("pw".to_owned());
    store(&home.env(), "docker.io", "me", &password).unwrap();
    let text = home.read(".docker/config.json");
    assert!(text.contains("psFormat") && text.contains(HUB_KEY) && !text.contains("\"docker.io\""), "{text}");
    assert_eq!(home.find("docker.io", "a"), basic("me", "pw"));
    let mode = std::fs::metadata(home.0.join(".docker/config.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(erase(&home.env(), "docker.io").unwrap() && !erase(&home.env(), "docker.io").unwrap());
    assert_eq!(home.find("docker.io", "a"), None);
    assert_eq!(home.find("b.example", "a"), basic("b", "b"));
    assert_eq!(std::fs::read_dir(home.0.join(".docker")).unwrap().count(), 1);
}

#[test]
fn login_uses_the_helper_when_there_is_one() {
    let home = Home::new("login-helper");
    home.write(".docker/config.json", r#"{"credsStore":"x"}"#);
    home.helper("x", "exit 1");
    store(&home.env(), "a.example", "me", &Secret("hunter2".to_owned())).unwrap();
    assert!(home.read("store.in").contains(r#""Secret":"hunter2""#));
    let file = home.read(".docker/config.json");
    assert!(file.contains("a.example") && !file.contains("hunter2"), "{file}");
    assert!(erase(&home.env(), "a.example").unwrap());
    assert_eq!(home.read("erase.in"), "a.example");
}

#[test]
fn login_makes_the_first_file() {
    let home = Home::new("first");
    store(&home.env(), "a.example", "me", &Secret("pw".to_owned())).unwrap();
    assert_eq!(home.find("a.example", "x"), basic("me", "pw"));
}
