//! A checksum database of our own on loopback: what it may say, and what it may not.

use std::path::Path;
use std::time::Duration;

use transport::{Client, Env, Limits};

use super::*;
use crate::auth::Auth;
use crate::settings::Settings;
use crate::testing::log::Log;
use crate::testing::server::{Reply, Routes, Server};
use crate::testing::{Scratch, go, go_zip};

const LOOKUP: &str = "/db/lookup/golang.org/toolchain@v0.0.1-go1.2.3.linux-amd64";

/// A database on a server, and what we remember of it.
struct World {
    scratch: Scratch,
    server: Server,
    log: Log,
}

impl World {
    /// With so many records before Go's and so many after it.
    fn new(before: usize, after: usize) -> World {
        let mut log = Log::new("sum.test", before);
        log.add_module(&go(), go_zip().1);
        (0..after).for_each(|i| {
            log.add(&format!("after.test/m{i}@v1.0.0"), &format!("after.test/m{i} v1.0.0 h1:x\n"))
        });
        let world = World { scratch: Scratch::new(), server: Server::start(Routes::new()), log };
        world.publish(&world.log, world.log.size());
        world
    }

    /// From now on the server has the first `size` records of a log, and nothing else.
    fn publish(&self, log: &Log, size: usize) {
        let mut routes = self.server.routes.lock().unwrap();
        routes.clear();
        log.publish(&mut routes, "/db", size);
    }

    fn look_up(&self) -> Result<Sum> {
        let env = Env::of(&[("GOAUTH", "off")], Path::new("/"));
        let client = Client::new(env.clone(), Limits::default());
        let web = Web::new(&client, Auth::of(&Settings::read(&env)).unwrap(), Duration::from_millis(1));
        let sumdb = Sumdb::parse(&format!("{} {}/db", self.log.verifier(), self.server.url)).unwrap();
        let proxies = Proxies::of(&Settings::read(&env), &go()).unwrap();
        let state = State::new(&self.scratch.path("state"), sumdb.key.name());
        let base = sumdb.base(&web, &proxies)?;
        Database { web: &web, base, key: &sumdb.key, state: &state }.look_up(&go())
    }

    #[track_caller]
    fn check_good(&self) {
        let sum = self.look_up().map(|sum| sum.to_string());
        assert_eq!(sum.as_deref(), Ok(go_zip().1));
    }

    #[track_caller]
    fn check_bad(&self, kind: Kind, word: &str) -> Error {
        let error = self.look_up().unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        error
    }

    fn latest(&self) -> String {
        std::fs::read_to_string(self.scratch.path("state/sum.test/latest")).unwrap_or_default()
    }
}

#[test]
fn records_are_found_in_trees_of_all_sizes() {
    for (before, after) in [(0, 0), (0, 1), (4, 6), (255, 0), (255, 1), (256, 300), (1000, 24), (100, 70_000)]
    {
        let world = World::new(before, after);
        world.check_good();
        assert_eq!(world.latest(), world.log.note(world.log.size()), "{before} {after}");
    }
}

#[test]
fn only_what_is_needed_is_fetched_and_whole_tiles_are_kept() {
    let world = World::new(1000, 500);
    world.check_good();
    let mut first = world.server.paths("/tile/");
    first.sort();
    assert_eq!(first, ["/db/tile/8/0/003", "/db/tile/8/0/005.p/221", "/db/tile/8/1/000.p/5"]);
    world.check_good();
    assert_eq!(world.server.paths("/tile/").len(), 3);
    // What is kept is not trusted.
    world.scratch.write("state/sum.test/tile/8/0/003", &[0; 8192]);
    world.check_good();
    assert_eq!(world.server.paths("/tile/8/0/003").len(), 2);
    world.scratch.write("state/sum.test/tile/8/0/003", b"short");
    world.check_good();
    world.scratch.write("state/sum.test/tile/8/1/000.p/5", &[0; 160]);
    world.check_good();
    assert_eq!(world.server.paths("/tile/8/1/000.p/5").len(), 2);
}

#[test]
fn a_tile_that_was_completed_meanwhile_will_do() {
    let world = World::new(100, 600);
    let old = world.log.lookup(100, 300);
    world.server.forget("/db/tile/8/1/000.p/1");
    world.server.say(LOOKUP, [Reply::ok(old)]);
    // The part of level 0 that a tree of 300 has is only in the whole tile now.
    world.server.say("/db/tile/8/1/000.p/1", [Reply::ok(crate::testing::log::root(&leaves(&world, 0..256)))]);
    world.check_good();
    assert_eq!(world.server.paths("/tile/8/0/001"), ["/db/tile/8/0/001.p/44", "/db/tile/8/0/001"]);
}

fn leaves(world: &World, range: std::ops::Range<usize>) -> Vec<crate::tree::Hash> {
    let routes = world.server.routes.lock().unwrap();
    let bytes = &routes["/db/tile/8/0/000"][0].body;
    bytes.as_chunks().0[range].to_vec()
}

#[test]
fn a_changed_record_is_found() {
    let world = World::new(300, 5);
    let evil =
        world.log.lookup(300, 306).replace(go_zip().1, "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=");
    world.server.say(LOOKUP, [Reply::ok(evil)]);
    world.check_bad(Kind::Security, "record 300 is not what the signed tree of 306 records has");
}

#[test]
fn another_records_number_is_found() {
    let world = World::new(300, 5);
    for id in ["299", "305"] {
        world.server.say(LOOKUP, [Reply::ok(world.log.lookup(300, 306).replacen("300", id, 1))]);
        world.check_bad(Kind::Security, "is not what the signed tree");
    }
    for id in ["306", "18446744073709551615"] {
        world.server.say(LOOKUP, [Reply::ok(world.log.lookup(300, 306).replacen("300", id, 1))]);
        world.check_bad(Kind::Security, "is beyond the signed tree");
    }
}

#[test]
fn another_modules_record_is_found() {
    let world = World::new(300, 5);
    world.server.say(LOOKUP, [Reply::ok(world.log.lookup(7, 306))]);
    world.check_bad(Kind::Security, "has no h1: checksum");
}

#[test]
fn a_false_signature_is_found() {
    let world = World::new(300, 5);
    let good = world.log.lookup(300, 306);
    world.server.say(LOOKUP, [Reply::ok(good.replace("database tree\n306", "database tree\n305"))]);
    world.check_bad(Kind::Security, "its signature is false");
    let unsigned = good.split("\n\n—").next().unwrap().to_owned();
    world.server.say(LOOKUP, [Reply::ok(unsigned)]);
    world.check_bad(Kind::Security, "it is not a signed note");
    assert_eq!(world.latest(), "");
}

#[test]
fn malformed_answers_are_found() {
    let world = World::new(3, 0);
    let good = world.log.lookup(3, 4);
    for bad in ["", "x", "3\n", "03\nx\n\ny", "-3\nx\n\ny", "3\nno end", &good.replacen('\n', "\r\n", 1)] {
        world.server.say(LOOKUP, [Reply::ok(bad)]);
        world.check_bad(Kind::Security, "checksum database `sum.test`");
    }
    world.server.say(LOOKUP, [Reply::ok(&b"\xff\xfe"[..])]);
    world.check_bad(Kind::Security, "UTF-8");
    let no_tree = format!("3\nx\n\n{}", world.log.sign("another text\n"));
    world.server.say(LOOKUP, [Reply::ok(no_tree)]);
    world.check_bad(Kind::Security, "does not name a tree");
}

#[test]
fn changed_tiles_are_found() {
    let world = World::new(300, 400);
    for (path, word) in [
        ("/db/tile/8/0/002.p/189", "do not make up the signed tree"),
        ("/db/tile/8/1/000.p/2", "do not make up the signed tree"),
        ("/db/tile/8/0/001", "`tile/8/0/001` is not a tile of the signed tree"),
    ] {
        let good = world.server.routes.lock().unwrap()[path].clone();
        let mut evil = good.clone();
        evil[0].body[5] ^= 1;
        world.server.say(path, evil);
        world.check_bad(Kind::Security, word);
        let mut short = good.clone();
        short[0].body.pop();
        world.server.say(path, short);
        world.check_bad(Kind::Security, "which is not a tile");
        world.server.say(path, good);
    }
    assert!(!world.scratch.path("state/sum.test/tile/8/0/001").exists());
    world.check_good();
    assert!(world.scratch.path("state/sum.test/tile/8/0/001").exists());
}

#[test]
fn a_longer_tree_is_remembered_and_a_shorter_one_is_fine() {
    let world = World::new(300, 400);
    world.publish(&world.log, 350);
    world.check_good();
    assert_eq!(world.latest(), world.log.note(350));
    world.publish(&world.log, 701);
    world.check_good();
    assert_eq!(world.latest(), world.log.note(701));
    // A server that lags: its tree is checked to be a part of the one that we know.
    world.publish(&world.log, 690);
    world.check_good();
    assert_eq!(world.latest(), world.log.note(701));
}

#[test]
fn two_histories_are_a_security_error() {
    let world = World::new(300, 400);
    world.check_good();
    let mut other = Log::new("sum.test", 299);
    other.add("changed.test/m@v1.0.0", "changed.test/m v1.0.0 h1:y\n");
    other.add_module(&go(), go_zip().1);
    (0..1000).for_each(|i| other.add(&format!("x{i}"), &format!("x{i} v1 h1:x\n")));

    // A longer history, one of the same length, and an attempt to go back behind the change.
    world.publish(&other, 1200);
    let error = world.check_bad(Kind::Security, "SECURITY ERROR");
    assert!(error.to_string().contains(world.log.note(701).trim_end()), "both notes are the proof: {error}");
    assert!(error.to_string().contains(other.note(1200).trim_end()), "both notes are the proof: {error}");
    world.publish(&other, 701);
    world.check_bad(Kind::Security, "SECURITY ERROR");
    world.publish(&world.log, 701);
    world.server.say(LOOKUP, [Reply::ok(other.lookup(300, 350))]);
    world.check_bad(Kind::Security, "SECURITY ERROR");
    world.publish(&other, 350);
    world.check_bad(Kind::Security, "SECURITY ERROR");
    // Without the tiles that we have kept there is no proof, but no trust either.
    std::fs::remove_dir_all(world.scratch.path("state/sum.test/tile")).unwrap();
    world.check_bad(Kind::Network, "404 Not Found");
    assert_eq!(world.latest(), world.log.note(701), "what we know stays");
}

#[test]
fn a_damaged_memory_is_an_error() {
    let world = World::new(3, 0);
    world.scratch.write("state/sum.test/latest", b"nonsense");
    assert!(world.check_bad(Kind::File, "latest").help().unwrap().contains("delete it"));
}

#[test]
fn an_unknown_module_can_t_be_checked() {
    let world = World::new(3, 0);
    world.server.forget(LOOKUP);
    world.check_bad(Kind::Mismatch, "404 Not Found");
}

#[test]
fn several_may_look_up_at_once() {
    let world = World::new(300, 400);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| world.check_good());
        }
    });
    assert_eq!(world.latest(), world.log.note(701));
    let names = std::fs::read_dir(world.scratch.path("state/sum.test")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["latest", "latest.lock", "tile"]);
}

#[test]
fn gosumdb_names_a_key_and_maybe_an_address() {
    let key = Log::new("sum.test", 0).verifier();
    let name =
        |text: &str| Sumdb::parse(text).map(|s| (s.key.name().to_owned(), s.url.map(|url| url.to_string())));
    assert_eq!(name("sum.golang.org").unwrap(), ("sum.golang.org".to_owned(), None));
    let china = Some("https://sum.golang.google.cn".to_owned());
    assert_eq!(name("sum.golang.google.cn").unwrap(), ("sum.golang.org".to_owned(), china));
    assert_eq!(name(&key).unwrap(), ("sum.test".to_owned(), None));
    assert_eq!(name(&format!(" {key}  https://x.test/y ")).unwrap().1.as_deref(), Some("https://x.test/y"));
    let outside = Log::new("sum.test/../../x", 0).verifier();
    for bad in [" ", "sum.test", &format!("{key} x"), &format!("{key} https://x.test more"), &outside] {
        assert_eq!(name(bad).unwrap_err().kind, Kind::Settings, "{bad}");
    }
}

#[test]
fn the_database_is_asked_through_the_first_proxy_that_offers_it() {
    let env = |list: &str| Env::of(&[("GOPROXY", list), ("GOAUTH", "off")], Path::new("/"));
    let sumdb = Sumdb::parse(&Log::new("sum.test", 0).verifier()).unwrap();
    let base = |list: &str| {
        let env = env(list);
        let client = Client::new(env.clone(), Limits::default());
        let settings = Settings::read(&env);
        let web = Web::new(&client, Auth::of(&settings).unwrap(), Duration::from_millis(1));
        sumdb
            .base(&web, &Proxies::of(&settings, &go()).unwrap())
            .map(|url| url.to_string())
            .map_err(|e| e.kind)
    };
    let offers = Server::start([("/go/sumdb/sum.test/supported".to_owned(), vec![Reply::ok("")])].into());
    let good = format!("{}/go", offers.url);
    let silent = Server::start(Routes::new());
    let broken = Server::start([("/sumdb/sum.test/supported".to_owned(), vec![Reply::new(400, "")])].into());
    let (silent, broken) = (&silent.url, &broken.url);
    let there = Ok(format!("{good}/sumdb/sum.test"));
    let directly = Ok("https://sum.test".to_owned());
    assert_eq!(base(&format!("{silent},{broken}|direct")), directly);
    assert_eq!(base(&format!("{silent},direct")), directly);
    assert_eq!(base(&format!("{broken},direct")), Err(Kind::Network));
    assert_eq!(base("off"), directly);
    assert_eq!(base(&format!("{silent},{good},direct")), there);
    assert_eq!(base(&format!("{broken}|{good}/")), there);
}
