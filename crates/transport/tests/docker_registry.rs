//! Against Debian's docker-registry, on loopback, with its files in a scratch directory.

mod support;

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Memory, Scratch, amd64, check_pull, image, quick, tagged};
use transport::{Kind, Options};

/// A running registry, ended with the test.
struct Server {
    child: Child,
    host: String,
    scratch: Scratch,
}

impl Server {
    fn start() -> Server {
        Server::start_with("")
    }

    /// With certificates; `more` goes below `tls:`.
    fn start_tls(more: &str) -> Server {
        let certs = certs();
        Server::start_with(&format!(
            "  tls:\n    certificate: {certs}/server.crt\n    key: {certs}/server.key\n{more}"
        ))
    }

    /// Somebody else may take a free port between our look at it and the registry's: then again.
    fn start_with(more: &str) -> Server {
        (0..5).find_map(|_| Server::start_once(more)).expect("docker-registry did not start")
    }

    fn start_once(more: &str) -> Option<Server> {
        let scratch = Scratch::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let files = scratch.path("files");
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n{more}",
            files.display()
        );
        scratch.write("config.yml", &config);
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(scratch.path("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install docker-registry");
        let mut server = Server { child, host, scratch };
        server.is_up().then_some(server)
    }

    /// Waits until it answers or has ended.
    fn is_up(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(30);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            if TcpStream::connect(&self.host).is_ok() {
                return matches!(self.child.try_wait(), Ok(None));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Puts files of `certs` into certs.d.
    fn trust(&self, files: &[(&str, &str)]) {
        for (from, to) in files {
            let text = std::fs::read_to_string(format!("{}/{from}", certs())).unwrap();
            self.scratch.write(&format!("etc/containers/certs.d/{}/{to}", self.host), &text);
        }
    }

    fn push(&self) -> transport::Result<oci::Published> {
        let (image, memory) = image(1, &[100]);
        self.scratch.registry(quick()).push(&tagged(&image), &memory, &self.reference("a:1"), &())
    }

    fn reference(&self, rest: &str) -> oci::Reference {
        format!("{}/{rest}", self.host).parse().unwrap()
    }
}

fn certs() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certs")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn push_pull_mount_and_tags() {
    let server = Server::start();
    let registry = server.scratch.registry(quick());
    let (image, memory) = image(1, &[100, 5 << 20, 0]);

    let first = registry.push(&tagged(&image), &memory, &server.reference("team/app:1"), &()).unwrap();
    assert_eq!(first.skipped, 0);
    check_pull(&registry.source(&server.reference("team/app:1")), &image, &memory);
    check_pull(
        &registry.source(&server.reference(&format!("team/app@{}", image.descriptor.digest))),
        &image,
        &memory,
    );

    let second = registry.push(&tagged(&image), &memory, &server.reference("team/app:2"), &()).unwrap();
    assert_eq!((second.sent, second.skipped), (0, 4));
    registry
        .put_manifest(&server.reference("team/app:3"), &image.descriptor.media_type, &image.manifest_bytes)
        .unwrap();
    check_pull(&registry.source(&server.reference("team/app:3")), &image, &memory);

    let mounting =
        Memory { blobs: memory.blobs.clone(), elsewhere: vec!["team/app".into()], ..Memory::default() };
    let third = registry.push(&tagged(&image), &mounting, &server.reference("other:1"), &()).unwrap();
    assert_eq!((third.sent, third.skipped), (0, 4));
    assert!(mounting.opened.lock().unwrap().is_empty());
    check_pull(&registry.source(&server.reference("other:1")), &image, &memory);
    assert!(registry.exists(&server.reference("other:1"), &image.id()).unwrap());

    let missing = registry.resolve(&server.reference("team/app:9"), &amd64()).unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    assert!(missing.message.contains("manifest unknown"), "{missing}");
}

#[test]
fn chunks_are_put_together() {
    let server = Server::start();
    let registry = server.scratch.registry(Options { chunk: Some(1 << 20), ..quick() });
    let (image, memory) = image(2, &[3_500_000]);
    registry.push(&tagged(&image), &memory, &server.reference("a:1"), &()).unwrap();
    check_pull(&registry.source(&server.reference("a:1")), &image, &memory);
}

#[test]
fn a_loopback_registry_may_speak_tls() {
    let server = Server::start_tls("");
    server.push().unwrap();
    let (image, memory) = image(1, &[100]);
    check_pull(&server.scratch.registry(quick()).source(&server.reference("a:1")), &image, &memory);
}

#[test]
fn certificates_are_checked_against_certs_d() {
    let server = Server::start_tls("");
    server.trust(&[("other.crt", "ca.crt")]);
    let error = server.push().unwrap_err();
    assert!(
        error.kind == Kind::Unreachable && error.message.contains("set up TLS with `127.0.0.1:"),
        "{error}"
    );
    let hint = format!("put the CA's certificate into /etc/containers/certs.d/{}/ca.crt", server.host);
    assert!(error.hint.unwrap().starts_with(&hint));
    server.trust(&[("ca.crt", "ca.crt")]);
    server.push().unwrap();
}

#[test]
fn a_client_certificate_is_shown() {
    let server = Server::start_tls(&format!("    clientcas:\n      - {}/ca.crt\n", certs()));
    server.trust(&[("ca.crt", "ca.crt")]);
    server.push().unwrap_err();
    server.trust(&[("client.crt", "x.cert"), ("client.key", "x.key")]);
    server.push().unwrap();
    server.trust(&[("server.key", "x.key")]);
    let error = server.push().unwrap_err();
    assert!(error.kind == Kind::Config && error.message.contains("x.cert`: with key `"), "{error}");
}

#[test]
fn a_bundle_of_the_environment_is_trusted() {
    let server = Server::start_tls("");
    // In certs.d for the host, so that loopback is checked at all.
    server.trust(&[("other.crt", "ca.crt")]);
    let home = server.scratch.path("");
    let bundle = format!("{}/ca.crt", certs());
    let env = transport::Env::of(&[("HOME", home.to_str().unwrap()), ("SSL_CERT_FILE", &bundle)], &home);
    let registries = transport::Registries::load(&env).unwrap();
    let client = transport::Client::new(env, quick().limits);
    let registry = transport::Registry::new(client, registries, quick());
    let (image, memory) = image(1, &[100]);
    registry.push(&tagged(&image), &memory, &server.reference("a:1"), &()).unwrap();
}
