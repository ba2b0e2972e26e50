//! Lists of proxies, lock files and databases on loopback, and what becomes of a download.

use std::path::Path;
use std::sync::Mutex;

use transport::Limits;

use super::*;
use crate::testing::log::Log;
use crate::testing::server::{Reply, Server};
use crate::testing::{Scratch, go, go_zip};

const ZIP: &str = "/golang.org/toolchain/@v/v0.0.1-go1.2.3.linux-amd64.zip";

/// A proxy that has Go, and a database that knows it.
struct World {
    scratch: Scratch,
    server: Server,
    log: Log,
}

impl World {
    fn new() -> World {
        let (zip, sum) = go_zip();
        let mut log = Log::new("sum.test", 300);
        log.add_module(&go(), sum);
        let server = Server::start([(ZIP.to_owned(), vec![Reply::ok(zip)])].into());
        log.publish(&mut server.routes.lock().unwrap(), "/sumdb/sum.test", log.size());
        World { scratch: Scratch::new(), server, log }
    }

    /// Fetches with these variables over our own; what came is in `x.zip`.
    fn fetch_with(&self, vars: &[(&str, &str)], known: Option<&Sum>, progress: &dyn Progress) -> Result<Sum> {
        let sumdb = self.log.verifier();
        let mut all: Vec<(&str, &str)> = vec![("GOPROXY", &self.server.url), ("GOSUMDB", &sumdb)];
        all.retain(|(name, _)| !vars.iter().any(|(other, _)| other == name));
        all.extend(vars);
        let env = self.scratch.env(&all);
        let client = Client::new(env.clone(), Limits::default());
        let mut fetcher = Fetcher::new(client, Settings::read(&env), self.scratch.path("state"));
        fetcher.backoff = Duration::from_millis(1);
        let mut out = self.scratch.file("x.zip", b"what was there before, and is longer than nothing");
        fetcher.fetch(&go(), known, &mut out, progress)
    }

    fn fetch(&self, vars: &[(&str, &str)]) -> Result<Sum> {
        self.fetch_with(vars, None, &())
    }

    fn got(&self) -> Vec<u8> {
        std::fs::read(self.scratch.path("x.zip")).unwrap()
    }
}

#[track_caller]
fn check(result: Result<Sum>, expected: Result<&str, Kind>) {
    let got = result.as_ref().map(Sum::to_string).map_err(|e| e.kind);
    assert_eq!(got, expected.map(str::to_owned), "{:?}", result.err());
}

#[test]
fn a_toolchain_is_checked_by_the_database() {
    let world = World::new();
    let (zip, sum) = go_zip();
    check(world.fetch(&[]), Ok(sum));
    assert_eq!(world.got(), zip);
    let mut zip = Zip::open(std::fs::File::open(world.scratch.path("x.zip")).unwrap(), &go()).unwrap();
    assert_eq!(zip.sum().unwrap().to_string(), sum);
}

#[test]
fn another_zip_is_refused() {
    let world = World::new();
    let name = format!("{}/bin/go", go());
    world.server.say(ZIP, [Reply::ok(crate::testing::zip(&[(&name, "evil")]))]);
    let error = world.fetch(&[]).unwrap_err();
    assert_eq!(error.kind, Kind::Mismatch);
    assert!(error.to_string().contains("sum.test says h1:"), "{error}");
    let other: Sum = go_zip().1.parse().unwrap();
    check(world.fetch_with(&[], Some(&other), &()), Err(Kind::Mismatch));
}

#[test]
fn what_is_no_zip_is_refused() {
    let world = World::new();
    world.server.say(ZIP, [Reply::ok("<html>log in first</html>")]);
    check(world.fetch(&[]), Err(Kind::Zip));
}

#[test]
fn a_known_sum_takes_the_place_of_the_database() {
    let world = World::new();
    let known: Sum = go_zip().1.parse().unwrap();
    check(world.fetch_with(&[("GOSUMDB", "off")], Some(&known), &()), Ok(go_zip().1));
    assert_eq!(world.server.paths("sumdb"), [""; 0]);
    assert!(!world.scratch.path("state").exists());
}

#[test]
fn a_toolchain_is_checked_whatever_the_patterns_say() {
    let world = World::new();
    let error = world.fetch(&[("GOSUMDB", "off")]).unwrap_err();
    assert_eq!(error.kind, Kind::Settings);
    assert_eq!(world.server.log().len(), 0, "nothing is downloaded in vain");
    world.server.forget("/sumdb/sum.test/lookup/golang.org/toolchain@v0.0.1-go1.2.3.linux-amd64");
    check(world.fetch(&[("GONOSUMDB", "golang.org")]), Err(Kind::Mismatch));
    check(world.fetch(&[("GOPRIVATE", "*"), ("GONOPROXY", "none")]), Err(Kind::Mismatch));
}

#[test]
fn other_modules_follow_the_patterns() {
    let world = World::new();
    let module = Module { path: "corp.test/M".to_owned(), version: "v1.0.0".to_owned() };
    let zip = crate::testing::zip(&[("corp.test/M@v1.0.0/go.mod", "module corp.test/M\n")]);
    world.server.say("/corp.test/!m/@v/v1.0.0.zip", [Reply::ok(zip)]);
    let fetch = |vars: &[(&str, &str)]| {
        let sumdb = world.log.verifier();
        let mut all: Vec<(&str, &str)> = vec![("GOPROXY", &world.server.url)];
        all.extend(vars);
        if vars.is_empty() {
            all.push(("GOSUMDB", &sumdb));
        }
        let env = world.scratch.env(&all);
        let fetcher = Fetcher::new(
            Client::new(env.clone(), Limits::default()),
            Settings::read(&env),
            world.scratch.path("state"),
        );
        fetcher.fetch(&module, None, &mut world.scratch.file("m.zip", b""), &()).map_err(|e| e.kind)
    };
    assert_eq!(fetch(&[]), Err(Kind::Mismatch), "the database does not know it");
    assert!(fetch(&[("GOSUMDB", "off")]).is_ok());
    assert!(fetch(&[("GONOSUMDB", "corp.test")]).is_ok());
    assert_eq!(fetch(&[("GOPRIVATE", "corp.test")]), Err(Kind::Settings));
}

#[test]
fn a_folder_may_be_the_proxy() {
    let world = World::new();
    let (zip, sum) = go_zip();
    world.scratch.write(&format!("proxy{ZIP}"), &zip);
    let url = format!("file://{}", world.scratch.path("proxy").display());
    // On its own it is trusted, even with GOSUMDB=off.
    check(world.fetch(&[("GOPROXY", &url), ("GOSUMDB", "off")]), Ok(sum));
    let list = format!("{url},{}", world.server.url);
    check(world.fetch(&[("GOPROXY", &list), ("GOSUMDB", "off")]), Err(Kind::Settings));
    check(world.fetch(&[("GOPROXY", &list)]), Ok(sum));
    assert_eq!(world.server.paths(".zip"), [""; 0]);
    std::fs::remove_dir_all(world.scratch.path("proxy")).unwrap();
    check(world.fetch(&[("GOPROXY", &list)]), Ok(sum));
    check(world.fetch(&[("GOPROXY", &url)]), Err(Kind::NotFound));
}

#[test]
fn the_next_proxy_is_asked_by_the_lists_rules() {
    let world = World::new();
    let broken = Server::start([(ZIP.to_owned(), vec![Reply::new(400, "")])].into());
    let empty = Server::start(Default::default());
    let fetch = |list: String| world.fetch(&[("GOPROXY", &list)]);
    let (broken, empty, good) = (&broken.url, &empty.url, &world.server.url);
    check(fetch(format!("{empty},{good}")), Ok(go_zip().1));
    check(fetch(format!("{broken},{good}")), Err(Kind::Network));
    check(fetch(format!("{broken}|{good}")), Ok(go_zip().1));
    check(fetch(format!("{empty},off")), Err(Kind::NotFound));
    check(fetch("direct".to_owned()), Err(Kind::Settings));
}

#[test]
fn a_version_that_is_not_there_has_help() {
    let error = World::new();
    error.server.forget(ZIP);
    let error = error.fetch(&[]).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(error.to_string().ends_with("404 Not Found: not found: no such thing"), "{error}");
    assert!(error.help().is_some());
}

#[test]
fn nobody_there_has_help() {
    let error = World::new().fetch(&[("GOPROXY", "http://127.0.0.1:1")]).unwrap_err();
    assert_eq!(error.kind, Kind::Network);
    assert!(error.help().unwrap().contains("GOPROXY"));
}

struct Heard(Mutex<Vec<(u64, Option<u64>)>>);

impl Progress for Heard {
    fn at(&self, done: u64, total: Option<u64>) {
        self.0.lock().unwrap().push((done, total));
    }
}

#[test]
fn a_broken_download_starts_again() {
    let world = World::new();
    let (zip, sum) = go_zip();
    world.server.say(ZIP, [Reply::ok(zip.clone()).cut(100), Reply::new(502, ""), Reply::ok(zip.clone())]);
    let heard = Heard(Mutex::default());
    check(world.fetch_with(&[], None, &heard), Ok(sum));
    assert_eq!(world.got(), zip);
    let heard = heard.0.into_inner().unwrap();
    let length = zip.len() as u64;
    assert_eq!(heard.first(), Some(&(0, Some(length))));
    assert_eq!(heard.last(), Some(&(length, Some(length))));
    assert_eq!(heard.iter().filter(|(done, _)| *done == 0).count(), 2);
}

#[test]
fn a_zip_beyond_gos_limit_is_not_read() {
    let world = World::new();
    world.server.say(ZIP, [Reply::ok("x").with("Content-Length", "600000000")]);
    check(world.fetch(&[]), Err(Kind::Zip));
    assert_eq!(world.server.paths(".zip").len(), 1);
}

#[test]
fn settings_and_fetchers_don_t_show_passwords() {
    let env = Scratch::new().env(&[("GOPROXY", "https://me:secret@x.test")]);
    let settings = Settings::read(&env);
    let fetcher = Fetcher::new(Client::new(env, Limits::default()), settings, Path::new("/none").into());
    assert!(!format!("{fetcher:?}").contains("secret"));
}
