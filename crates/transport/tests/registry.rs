//! Pulling from and pushing to a registry that misbehaves to order.

mod fake;
mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use fake::{Fake, Rules};
use oci::{Digest, Publish};
use support::{Scratch, Seen, amd64, check_pull, image, quick, read, tagged};
use transport::{Kind, Options, Secret, push};

const BIG: usize = 3 << 20;

/// Pulls everything from a registry with these rules.
fn pulled(rules: Rules) -> Fake {
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    let (image, memory) = image(1, &[1000, BIG]);
    fake.add("a/b", "1", &image, &memory);
    check_pull(&scratch.registry(quick()).source(&fake.reference("a/b:1")), &image, &memory);
    fake
}

/// Pushes to a registry with these rules, and looks at what arrived.
fn pushed(rules: Rules, options: Options) -> (Fake, oci::Published) {
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    let (image, memory) = image(2, &[0, 1000, BIG]);
    let done =
        scratch.registry(options).push(&tagged(&image), &memory, &fake.reference("a/b:1"), &()).unwrap();
    let state = fake.state();
    for (digest, bytes) in &memory.blobs {
        assert!(state.blobs[&("a/b".into(), digest.to_string())] == *bytes, "{digest}");
    }
    assert_eq!(state.manifests[&("a/b".into(), "1".into())].1, image.manifest_bytes);
    drop(state);
    (fake, done)
}

#[test]
fn pulls_what_is_there() {
    let fake = pulled(Rules::default());
    assert_eq!(fake.requests("HEAD"), 0);
    assert_eq!(fake.requests("GET /v2/a/b/manifests/1"), 1);
}

#[test]
fn a_dropped_connection_goes_on_where_it_was() {
    let fake = pulled(Rules { cut_download: Some((400_000, 3)), ..Rules::default() });
    assert!(fake.requests("GET /v2/a/b/blobs/") > 3);
    pulled(Rules { cut_download: Some((400_000, 3)), no_ranges: true, ..Rules::default() });
}

#[test]
fn a_connection_that_always_drops_is_an_error() {
    let (scratch, fake) =
        (Scratch::new(), Fake::new(Rules { cut_download: Some((1, 99)), ..Rules::default() }));
    let (image, memory) = image(1, &[1000]);
    fake.add("a", "1", &image, &memory);
    let registry = scratch.registry(quick());
    let error =
        read(&registry.source(&fake.reference("a:1")), &image.manifest.layers[0]).unwrap_err().to_string();
    assert!(error.contains("blob sha256:") && error.contains("the connection broke"), "{error}");
    assert_eq!(fake.requests("GET /v2/a/blobs/"), 5);
}

#[test]
fn comes_back_when_the_registry_is_busy() {
    pulled(Rules { busy: 3, ..Rules::default() });
    pushed(Rules { busy: 3, ..Rules::default() }, quick());
}

#[test]
fn nothing_wrong_is_believed() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules { lies: true, ..Rules::default() }));
    let (image, memory) = image(1, &[1000]);
    fake.add("a", "1", &image, &memory);
    let registry = scratch.registry(quick());
    let pinned = fake.reference(&format!("a@{}", image.descriptor.digest));
    let error = registry.resolve(&pinned, &amd64()).unwrap_err();
    assert!(
        error.kind == Kind::Corrupt && error.message.contains("sent another manifest than sha256:"),
        "{error}"
    );
    let source = registry.source(&fake.reference("a:1"));
    let error = read(&source, &image.manifest.layers[0]).unwrap_err().to_string();
    assert!(error.contains("don't have its digest"), "{error}");
}

#[test]
fn a_huge_manifest_is_refused() {
    let (scratch, fake) =
        (Scratch::new(), Fake::new(Rules { huge_manifest: Some(5 << 20), ..Rules::default() }));
    let error = scratch.registry(quick()).resolve(&fake.reference("a:1"), &amd64()).unwrap_err();
    assert!(error.message.ends_with("the answer has more than 4194304 bytes"), "{error}");
}

#[test]
fn a_redirect_does_not_take_the_credentials_along() {
    let storage = Fake::new(Rules::default());
    let rules = Rules {
        redirect: Some(format!("http://{}", storage.host)),
        basic: Some(basic()),
        ..Rules::default()
    };
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    let (image, memory) = image(1, &[1000]);
    fake.add("a", "1", &image, &memory);
    storage.add("a", "1", &image, &memory);
    logged_in(&scratch, &fake);
    check_pull(&scratch.registry(quick()).source(&fake.reference("a:1")), &image, &memory);
    assert!(fake.state().auth.contains(&basic()));
    assert!(storage.state().auth.iter().all(String::is_empty) && storage.requests("GET") > 0);
}

fn basic() -> String {
    // `me:hunter2`
    "Basic bWU6aHVudGVyMg==".to_owned()
}

fn logged_in(scratch: &Scratch, fake: &Fake) {
    let auth = format!(r#"{{"auths":{{"{}":{{"auth":"bWU6aHVudGVyMg=="}}}}}}"#, fake.host);
    scratch.write(".docker/config.json", &auth);
}

#[test]
fn basic_authentication() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules { basic: Some(basic()), ..Rules::default() }));
    let (image, memory) = image(1, &[1000]);
    let registry = scratch.registry(quick());
    let target = fake.reference("a:1");
    let error = registry.push(&tagged(&image), &memory, &target, &()).unwrap_err();
    let host = &fake.host;
    assert_eq!(error.kind, Kind::Denied);
    // The probe for a config is a HEAD, whose answer has no words.
    assert_eq!(error.message, format!("push `{target}`: unauthorized: authentication required"));
    assert_eq!(
        error.hint.unwrap(),
        format!("`tare login {host}` if it needs credentials, there are none for `{host}`")
    );
    logged_in(&scratch, &fake);
    scratch.registry(quick()).push(&tagged(&image), &memory, &target, &()).unwrap();
    check_pull(&scratch.registry(quick()).source(&target), &image, &memory);
}

#[test]
fn tokens_for_everybody_and_for_users() {
    for wanted in [None, Some(basic())] {
        let (scratch, fake) = (Scratch::new(), Fake::new(Rules { bearer: Some(wanted), ..Rules::default() }));
        logged_in(&scratch, &fake);
        let (image, memory) = image(1, &[1000, BIG]);
        let registry = scratch.registry(quick());
        registry.push(&tagged(&image), &memory, &fake.reference("a/b:1"), &()).unwrap();
        assert_eq!(fake.requests("GET /token"), 1);
        check_pull(&registry.source(&fake.reference("a/b:1")), &image, &memory);
        assert_eq!(fake.requests("GET /token"), 2);
    }
}

#[test]
fn a_refresh_token_is_posted() {
    let rules = Rules { bearer: Some(Some("refresh".to_owned())), ..Rules::default() };
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    scratch.write(
        ".docker/config.json",
        &format!(r#"{{"auths":{{"{}":{{"identitytoken":"refresh"}}}}}}"#, fake.host),
    );
    let (image, memory) = image(1, &[10]);
    fake.add("a", "1", &image, &memory);
    check_pull(&scratch.registry(quick()).source(&fake.reference("a:1")), &image, &memory);
    assert_eq!((fake.requests("POST /token"), fake.requests("GET /token")), (1, 0));
}

#[test]
fn a_token_that_ends_during_a_push_is_renewed() {
    for count in 1..8 {
        let rules = Rules { bearer: Some(None), forget_tokens_after: Some(count), ..Rules::default() };
        let (fake, _) = pushed(rules, Options { uploads: 1, ..quick() });
        assert!(fake.requests("GET /token") >= 2, "{count}");
    }
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let rules = Rules { bearer: Some(Some("other".to_owned())), ..Rules::default() };
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    logged_in(&scratch, &fake);
    let error = scratch.registry(quick()).resolve(&fake.reference("a:1"), &amd64()).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("incorrect username or password") && text.contains("don't allow it"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("bWU6"), "{text}");
}

#[test]
fn login_checks_before_it_keeps() {
    for rules in [
        Rules { basic: Some(basic()), ..Rules::default() },
        Rules { bearer: Some(Some(basic())), ..Rules::default() },
    ] {
        let (scratch, fake) = (Scratch::new(), Fake::new(rules));
        let registry = scratch.registry(quick());
        let wrong = registry.login(&fake.host, "me", &Secret("wrong".into())).unwrap_err();
        assert!(wrong.kind == Kind::Denied && wrong.message.starts_with("log in to `127.0.0.1:"), "{wrong}");
        assert!(!scratch.path(".docker/config.json").exists());
        let place = registry.login(&fake.host, "me", &Secret("hunter2".into())).unwrap();
        assert_eq!(place, format!("`{}`", scratch.path(".docker/config.json").display()));
        assert!(std::fs::read_to_string(scratch.path(".docker/config.json")).unwrap().contains(&fake.host));
        assert!(registry.logout(&fake.host).unwrap() && !registry.logout(&fake.host).unwrap());
    }
}

#[test]
fn pushes_what_is_missing_and_counts_it() {
    let (fake, done) = pushed(Rules::default(), quick());
    assert_eq!(done.skipped, 0);
    assert!(done.sent > 1000 + BIG as u64 && done.sent < 2000 + BIG as u64);
    assert_eq!(fake.requests("PATCH"), 1);
    assert_eq!(fake.state().log.last().unwrap(), "PUT /v2/a/b/manifests/1");
}

#[test]
fn a_second_push_sends_nothing() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (image, memory) = image(2, &[1000, 2000]);
    let registry = scratch.registry(quick());
    registry.push(&tagged(&image), &memory, &fake.reference("a:1"), &()).unwrap();
    memory.opened.lock().unwrap().clear();
    let target = push::Target { registry, reference: fake.reference("a:2"), progress: Arc::new(()) };
    let done = target.publish(&tagged(&image), &memory).unwrap();
    assert_eq!((done.sent, done.skipped), (0, 3));
    assert!(memory.opened.lock().unwrap().is_empty());
}

#[test]
fn without_a_tag_the_digest_is_the_name() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (image, memory) = image(2, &[10]);
    let registry = scratch.registry(quick());
    let mut target = fake.reference("a:1");
    target.tag = None;
    registry.push(&tagged(&image), &memory, &target, &()).unwrap();
    let name = image.descriptor.digest.to_string();
    assert_eq!(fake.state().manifests.keys().collect::<Vec<_>>(), [&("a".to_owned(), name)]);
    target.digest = Some(Digest::of(b"other"));
    let error = registry.push(&tagged(&image), &memory, &target, &()).unwrap_err();
    assert!(error.message.ends_with(&format!("the image is {}", image.descriptor.digest)), "{error}");
}

#[test]
fn a_broken_upload_goes_on_where_it_was() {
    let (fake, done) = pushed(Rules { cut_upload: Some((1 << 20, 2)), ..Rules::default() }, quick());
    assert_eq!(fake.requests("PATCH"), 3);
    assert!(done.sent < 2000 + BIG as u64, "no byte is counted twice");
    let (fake, _) = pushed(Rules { cut_upload: Some((0, 3)), ..Rules::default() }, quick());
    assert_eq!(fake.requests("PATCH"), 4);
}

#[test]
fn a_commit_whose_answer_is_lost_counts() {
    let (fake, _) = pushed(Rules { lose_commits: 4, ..Rules::default() }, quick());
    assert_eq!(fake.requests("PATCH"), 1, "the big blob is not sent again");
}

#[test]
fn an_upload_that_the_registry_forgot_starts_again() {
    let (fake, _) = pushed(Rules { forget_uploads: 2, ..Rules::default() }, quick());
    assert_eq!(fake.requests("PATCH"), 3);
}

#[test]
fn uploads_in_chunks_when_told_or_made_to() {
    let (fake, _) = pushed(Rules::default(), Options { chunk: Some(1 << 20), ..quick() });
    assert_eq!(fake.requests("PATCH"), 3);
    let (fake, _) = pushed(Rules { longest: Some(2 << 20), ..Rules::default() }, quick());
    assert_eq!(fake.requests("PATCH"), 1 + 3);
}

#[test]
fn a_registry_without_head_gets_everything() {
    let (fake, done) = pushed(Rules { no_head: true, ..Rules::default() }, quick());
    assert_eq!(done.skipped, 0);
    let scratch = Scratch::new();
    let (image, _) = image(2, &[0, 1000, BIG]);
    let registry = scratch.registry(quick());
    assert!(registry.exists(&fake.reference("a/b:1"), &image.id()).unwrap());
    assert!(!registry.exists(&fake.reference("a/b:1"), &Digest::of(b"?")).unwrap());
}

#[test]
fn blobs_are_mounted_from_where_they_are() {
    for (mounts, sent) in [(true, false), (false, true)] {
        let rules = Rules { mounts, bearer: Some(None), ..Rules::default() };
        let (scratch, fake) = (Scratch::new(), Fake::new(rules));
        let (image, mut memory) = image(3, &[BIG]);
        let layer = &image.manifest.layers[0];
        fake.add_blob("base", &memory.blobs[&layer.digest], layer.digest);
        memory.elsewhere = vec!["a".into(), "base".into()];
        let done =
            scratch.registry(quick()).push(&tagged(&image), &memory, &fake.reference("a:1"), &()).unwrap();
        assert_eq!(done.skipped, usize::from(!sent), "the config is nowhere");
        assert_eq!(memory.opened.lock().unwrap().len(), usize::from(sent));
        // 202 opened an upload: no other is opened for it.
        assert_eq!(fake.requests("POST /v2/a/blobs/uploads/"), 2);
    }
}

#[test]
fn a_refused_push_says_what_the_registry_said() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules { read_only: true, ..Rules::default() }));
    let (image, memory) = image(1, &[10]);
    let target = fake.reference("a:1");
    let error =
        scratch.registry(quick()).push(&tagged(&image), &memory, &target, &()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("push `{target}`: blob sha256:")), "{error}");
    assert!(
        error.contains(": denied: requested access to the resource is denied\nhint: `tare login 127."),
        "{error}"
    );
    assert!(fake.state().manifests.is_empty());
}

#[test]
fn a_blob_that_is_not_what_it_should_be_is_not_pushed() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let registry = scratch.registry(quick());
    let push = |change: &dyn Fn(&mut Vec<u8>)| {
        let (image, mut memory) = image(1, &[BIG]);
        change(memory.blobs.get_mut(&image.manifest.layers[0].digest).unwrap());
        registry.push(&tagged(&image), &memory, &fake.reference("a:1"), &()).unwrap_err().message
    };
    let short = push(&|bytes| bytes.truncate(BIG - 1));
    assert!(short.contains("it is shorter than its descriptor says"), "{short}");
    let wrong = push(&|bytes| bytes[0] ^= 1);
    assert!(wrong.contains("digest invalid: provided digest did not match"), "{wrong}");
    let (image, _) = image(1, &[BIG]);
    let missing = registry
        .push(&tagged(&image), &support::Memory::default(), &fake.reference("a:1"), &())
        .unwrap_err()
        .message;
    assert!(missing.contains("read it: entity not found"), "{missing}");
    assert!(fake.state().manifests.is_empty());
}

#[test]
fn nobody_listens() {
    let scratch = Scratch::new();
    let registry = scratch.registry(quick());
    let reference = "127.0.0.1:1/a:1".parse().unwrap();
    let error = registry.resolve(&reference, &amd64()).unwrap_err();
    assert_eq!(error.message, "pull `127.0.0.1:1/a:1`: connect to `127.0.0.1:1`: connection refused");
    assert_eq!(error.kind, Kind::Unreachable);
    let (image, memory) = image(1, &[10]);
    let error = registry.push(&tagged(&image), &memory, &reference, &()).unwrap_err();
    assert_eq!(error.message, "push `127.0.0.1:1/a:1`: connect to `127.0.0.1:1`: connection refused");
}

#[test]
fn what_is_not_there() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let reference = fake.reference("a:1");
    let error = scratch.registry(quick()).resolve(&reference, &amd64()).unwrap_err();
    assert_eq!(
        (error.kind, error.message),
        (Kind::NotFound, format!("pull `{reference}`: manifest unknown"))
    );
}

/// `name.example` with the mirror first.
fn mirrored(scratch: &Scratch, mirror: &str, own: &str) {
    let text = format!(
        "[[registry]]\nprefix = \"name.example\"\nlocation = \"{own}\"\n[[registry.mirror]]\nlocation = \"{mirror}/m\"\n"
    );
    scratch.write("etc/containers/registries.conf", &text);
}

#[test]
fn mirrors_are_asked_first_and_may_fail() {
    let (image, memory) = image(1, &[1000]);
    let (mirror, own) = (Fake::new(Rules::default()), Fake::new(Rules::default()));
    let scratch = Scratch::new();
    mirrored(&scratch, &mirror.host, &own.host);
    let reference: oci::Reference = "name.example/a:1".parse().unwrap();
    mirror.add("m/a", "1", &image, &memory);
    check_pull(&scratch.registry(quick()).source(&reference), &image, &memory);
    assert!(own.state().log.is_empty());

    own.add("a", "1", &image, &memory);
    mirror.state().blobs.clear();
    check_pull(&scratch.registry(quick()).source(&reference), &image, &memory);
    assert_eq!(own.requests("GET /v2/a/manifests"), 0);

    mirrored(&scratch, "127.0.0.1:1", &own.host);
    check_pull(&scratch.registry(quick()).source(&reference), &image, &memory);
    own.state().manifests.clear();
    let error = scratch.registry(quick()).resolve(&reference, &amd64()).unwrap_err();
    let mirror = "(mirror `127.0.0.1:1`: connect to `127.0.0.1:1`: connection refused)";
    assert_eq!(error.message, format!("pull `name.example/a:1`: manifest unknown {mirror}"));
}

#[test]
fn a_download_moves_to_another_host() {
    let (image, memory) = image(1, &[BIG]);
    let (mirror, own) = (
        Fake::new(Rules { cut_download: Some((1000, 99)), ..Rules::default() }),
        Fake::new(Rules::default()),
    );
    let scratch = Scratch::new();
    mirrored(&scratch, &mirror.host, &own.host);
    mirror.add("m/a", "1", &image, &memory);
    own.add("a", "1", &image, &memory);
    let reference = "name.example/a:1".parse().unwrap();
    assert_eq!(
        read(&scratch.registry(quick()).source(&reference), &image.manifest.layers[0]).unwrap(),
        memory.blobs[&image.manifest.layers[0].digest]
    );
    assert_eq!((mirror.requests("GET /v2/m/a/blobs"), own.requests("GET /v2/a/blobs")), (1, 1));
}

#[test]
fn progress_is_heard_both_ways() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (image, memory) = image(1, &[BIG, 5]);
    let registry = scratch.registry(quick());
    let pushed = Seen::default();
    registry.push(&tagged(&image), &memory, &fake.reference("a:1"), &pushed).unwrap();
    let pulled = Seen::default();
    for layer in &image.manifest.layers {
        let mut blob = registry.blob(&fake.reference("a:1"), layer, &pulled).unwrap();
        std::io::copy(&mut blob, &mut std::io::sink()).unwrap();
        assert_eq!(pulled.0.lock().unwrap()[&layer.digest], layer.size);
        assert_eq!(pushed.0.lock().unwrap()[&layer.digest], layer.size);
    }
}

/// A proxy that tunnels everything to one address.
fn proxy(to: String) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            log.lock().unwrap().push(String::from_utf8(head).unwrap());
            let server = TcpStream::connect(&to).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, asked)
}

#[test]
fn a_proxy_is_used_and_its_password_is_not_shown() {
    let (image, memory) = image(1, &[1000]);
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    fake.add("a", "1", &image, &memory);
    let (address, asked) = proxy(fake.host.clone());
    let url = format!("http://me:hunter2@{address}");
    let home = scratch.path("");
    let vars = [("HOME", home.to_str().unwrap()), ("HTTP_PROXY", &url), ("HTTPS_PROXY", &url)];
    let env = transport::Env::of(&vars, &home);
    let mut registries = transport::Registries::load(&env).unwrap();
    registries.allow_insecure("r.example:5000");
    let registry = transport::Registry::new(transport::Client::new(env, quick().limits), registries, quick());
    // Listed as insecure: https is tried first, and the fake speaks none.
    check_pull(&registry.source(&"r.example:5000/a:1".parse().unwrap()), &image, &memory);
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|head| head.starts_with("CONNECT r.example:5000 ")), "{asked:?}");
    assert!(asked[0].contains("Proxy-Authorization: Basic bWU6aHVudGVyMg=="));
    assert!(!format!("{registry:?}").contains("hunter2"));
}
