//! Layouts, archives and the Docker daemon: what is written is read back, by us and by others.

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use oci::{Descriptor, Digest, Image, Index, Platform, Publish, media};
use support::{Memory, Scratch, amd64, check_pull, files_below, image, read, tagged};
use transport::archive::Format;
use transport::layout::Selector;
use transport::{Env, Kind, Name, Pull, archive, docker_daemon, layout, load};

fn tag(name: &str) -> Name {
    Name::Tag(name.to_owned())
}

fn named(name: &str) -> Name {
    Name::Image(name.parse().unwrap())
}

fn lay_out(dir: &Path, names: &[Name], image: &Image, memory: &Memory) -> oci::Published {
    let target = layout::Target { dir: dir.to_owned(), names: names.to_vec(), progress: Arc::new(()) };
    target.publish(&tagged(image), memory).unwrap()
}

fn open_layout(spec: &str) -> layout::Source {
    layout::Source::open(spec).unwrap()
}

#[test]
fn a_layout_both_ways() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    let (image, memory) = image(1, &[1000, 0]);
    let first = lay_out(&dir, &[tag("1")], &image, &memory);
    assert_eq!(first.skipped, 0);
    let spec = dir.display();
    for spec in
        [format!("{spec}"), format!("oci-layout://{spec}:1"), format!("{spec}@{}", image.descriptor.digest)]
    {
        check_pull(&open_layout(&spec), &image, &memory);
    }
    assert_eq!(lay_out(&dir, &[tag("1")], &image, &memory).sent, 0);
    let files = files_below(&dir);
    assert_eq!(
        files.iter().filter(|f| !f.starts_with("blobs/sha256/")).collect::<Vec<_>>(),
        ["index.json", "oci-layout"]
    );
    assert_eq!(files.len(), 2 + 4);
}

#[test]
fn a_tag_of_a_layout_moves_and_others_stay() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    let ((one, one_memory), (two, two_memory)) = (image(1, &[10]), image(2, &[20]));
    lay_out(&dir, &[tag("a"), tag("b")], &one, &one_memory);
    let index = fs::read_to_string(dir.join("index.json")).unwrap();
    fs::write(dir.join("index.json"), index.replace("\"digest\"", "\"extra\":[1],\"digest\"")).unwrap();
    lay_out(&dir, &[tag("b"), named("r.example/x:c")], &two, &two_memory);
    let spec = dir.display();
    check_pull(&open_layout(&format!("{spec}:a")), &one, &one_memory);
    for name in ["b", "c"] {
        check_pull(&open_layout(&format!("{spec}:{name}")), &two, &two_memory);
    }
    assert!(fs::read_to_string(dir.join("index.json")).unwrap().contains("\"extra\":[1]"));
    let several = open_layout(&format!("{spec}")).resolve(&amd64()).unwrap_err();
    assert!(several.message.ends_with("it has 3 images, say which one: `a`, `b`, `c`"), "{several}");
    let none = open_layout(&format!("{spec}:z")).resolve(&amd64()).unwrap_err();
    assert!(none.kind == Kind::NotFound && none.message.contains("no image `z`, only `a`"), "{none}");
}

#[test]
fn many_writers_of_a_layout_lose_nothing() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    thread::scope(|scope| {
        for n in 0..8 {
            let dir = &dir;
            scope.spawn(move || {
                let (image, memory) = image(n, &[100]);
                lay_out(dir, &[tag(&format!("t{n}"))], &image, &memory);
            });
        }
    });
    for n in 0..8 {
        let (image, memory) = image(n, &[100]);
        check_pull(&open_layout(&format!("{}:t{n}", dir.display())), &image, &memory);
    }
}

#[test]
fn an_index_in_a_layout_leads_to_the_platform() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    let (image, memory) = image(1, &[10]);
    lay_out(&dir, &[], &image, &memory);
    let entry = Descriptor { platform: Some(amd64()), ..image.descriptor.clone() };
    let inner = Index::new(vec![entry]).to_bytes();
    let top = Descriptor::of(media::INDEX, &inner);
    fs::write(dir.join("blobs/sha256").join(top.digest.hex()), &inner).unwrap();
    fs::write(dir.join("index.json"), Index::new(vec![top.clone()]).to_bytes()).unwrap();
    let source = open_layout(dir.to_str().unwrap());
    assert_eq!(source.resolve(&amd64()).unwrap().pin(), top.digest);
    check_pull(&source, &image, &memory);
    let error = source.resolve(&Platform::linux("arm64")).unwrap_err();
    assert!(error.message.ends_with("no image for linux/arm64, only for linux/amd64"), "{error}");
}

#[test]
fn a_damaged_layout_is_found_out() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    let (image, memory) = image(1, &[100]);
    lay_out(&dir, &[], &image, &memory);
    let layer = &image.manifest.layers[0];
    fs::write(dir.join("blobs/sha256").join(layer.digest.hex()), [0; 100]).unwrap();
    let source = open_layout(dir.to_str().unwrap());
    assert!(read(&source, layer).unwrap_err().to_string().contains("don't have its digest"));
    fs::remove_file(dir.join("blobs/sha256").join(image.id().hex())).unwrap();
    let resolved = source.resolve(&amd64()).unwrap();
    assert_eq!(source.config(&resolved).unwrap_err().kind, Kind::NotFound);
    assert!(layout::Source::open("/nonexistent:x").is_err_and(|e| e.kind == Kind::NotFound));
}

#[test]
fn a_wrong_blob_leaves_no_name() {
    let scratch = Scratch::new();
    let (image, mut memory) = image(1, &[100]);
    memory.blobs.get_mut(&image.manifest.layers[0].digest).unwrap()[0] ^= 1;
    let target = layout::Target { dir: scratch.path("l"), names: vec![tag("x")], progress: Arc::new(()) };
    assert!(target.publish(&tagged(&image), &memory).unwrap_err().contains("don't have its digest"));
    assert!(!scratch.path("l/index.json").exists());
    let path = scratch.path("x.tar");
    let target = archive::Target { path, format: Format::Oci, names: vec![], progress: Arc::new(()) };
    assert!(target.publish(&tagged(&image), &memory).unwrap_err().contains("don't have its digest"));
    assert!(files_below(&scratch.path("")).iter().all(|file| file.starts_with("l/")));
}

fn archived(format: Format, names: &[Name], image: &Image, memory: &Memory) -> Vec<u8> {
    let mut out = Vec::new();
    archive::write(&mut out, format, &tagged(image), names, memory, &()).unwrap();
    out
}

#[test]
fn archives_both_ways() {
    let scratch = Scratch::new();
    let (image, memory) = image(1, &[1000, 0, 513]);
    for format in [Format::Oci, Format::Docker] {
        let path = scratch.path("x.tar");
        let names = vec![named("app:1"), named("r.example/app:2")];
        let target =
            archive::Target { path: path.clone(), format, names: names.clone(), progress: Arc::new(()) };
        target.publish(&tagged(&image), &memory).unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            archived(format, &names, &image, &memory),
            "same input, same bytes"
        );
        for selector in ["1", "app:1", "r.example/app:2"] {
            let selector = Selector::Name(selector.to_owned());
            check_pull(&*load::open(&path, selector, &scratch.path("")).unwrap(), &image, &memory);
        }
    }
    assert_eq!(files_below(&scratch.path("")), ["x.tar"]);
}

#[test]
fn entries_are_sorted_and_from_1970() {
    let (image, memory) = image(1, &[1000]);
    let bytes = archived(Format::Docker, &[named("app:1")], &image, &memory);
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut paths = Vec::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        assert_eq!((entry.header().mtime().unwrap(), entry.header().uid().unwrap()), (0, 0));
        paths.push(entry.path().unwrap().display().to_string());
    }
    assert!(paths.is_sorted() && paths.len() == 2 + 3 + 3, "{paths:?}");
}

#[test]
fn dockers_table_names_what_docker_needs() {
    let (image, memory) = image(1, &[1000]);
    let bytes =
        archived(Format::Docker, &[named("app:1"), named("r.example/app:2"), tag("x")], &image, &memory);
    let mut archive = tar::Archive::new(&bytes[..]);
    let table =
        archive.entries().unwrap().map(Result::unwrap).find(|e| e.path().unwrap().ends_with("manifest.json"));
    let mut text = String::new();
    table.unwrap().read_to_string(&mut text).unwrap();
    let (config, layer) = (image.id().hex(), image.manifest.layers[0].digest.hex());
    assert_eq!(
        text,
        format!(
            r#"[{{"Config":"blobs/sha256/{config}","RepoTags":["app:1","r.example/app:2"],"Layers":["blobs/sha256/{layer}"]}}]"#
        )
    );
}

#[test]
fn compressed_archives_are_read() {
    let scratch = Scratch::new();
    let (image, memory) = image(1, &[1000]);
    let bytes = archived(Format::Oci, &[], &image, &memory);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let zstd = zstd::encode_all(&bytes[..], 1).unwrap();
    for (name, bytes) in [("a.gz", gzip.finish().unwrap()), ("a.zst", zstd)] {
        fs::write(scratch.path(name), bytes).unwrap();
        check_pull(
            &*load::open(&scratch.path(name), Selector::Any, &scratch.path("")).unwrap(),
            &image,
            &memory,
        );
    }
    assert_eq!(files_below(&scratch.path("")), ["a.gz", "a.zst"]);
    fs::write(scratch.path("a.xz"), b"\xfd7zXZ\0").unwrap();
    let error = load::open(&scratch.path("a.xz"), Selector::Any, &scratch.path("")).err().unwrap();
    assert!(error.message.ends_with("only gzip and zstd are supported, decompress it first"), "{error}");
}

/// What Docker wrote before version 25: a folder a layer, links for shared ones.
fn old_docker_archive(path: &Path, layers: &[&[u8]], config: &[u8], tags: &str) {
    let mut out = tar::Builder::new(File::create(path).unwrap());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, name, bytes).unwrap();
    };
    let mut paths = Vec::new();
    for (n, layer) in layers.iter().enumerate() {
        add(&format!("l{n}/layer.tar"), layer);
        paths.push(format!("\"l{n}/layer.tar\""));
    }
    add("c.json", config);
    paths.push("\"linked/layer.tar\"".to_owned());
    let table = format!(r#"[{{"Config":"c.json","RepoTags":{tags},"Layers":[{}]}}]"#, paths.join(","));
    add("manifest.json", table.as_bytes());
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    out.append_link(&mut link, "linked/layer.tar", "../l0/layer.tar").unwrap();
    out.finish().unwrap();
}

#[test]
fn old_docker_archives_are_read() {
    let scratch = Scratch::new();
    let plain = b"a tar".to_vec();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"another tar").unwrap();
    let gzip = gzip.finish().unwrap();
    let ids = [Digest::of(&plain), Digest::of(b"another tar"), Digest::of(&plain)]
        .map(|d| format!("\"{d}\""))
        .join(",");
    let config =
        format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{ids}]}}}}"#);
    let path = scratch.path("old.tar");
    old_docker_archive(&path, &[&plain, &gzip], config.as_bytes(), r#"["app:1"]"#);
    for selector in
        [Selector::Any, Selector::Name("app:1".into()), Selector::Name("docker.io/library/app:1".into())]
    {
        let source = load::open(&path, selector, &scratch.path("")).unwrap();
        let image = source.image(&amd64()).unwrap();
        assert_eq!(image.config_bytes, config.as_bytes());
        let bytes: Vec<_> =
            image.manifest.layers.iter().map(|layer| read(&*source, layer).unwrap()).collect();
        assert_eq!(bytes, [plain.clone(), gzip.clone(), plain.clone()]);
        assert_eq!(image.manifest.layers[0].media_type, media::LAYER_TAR);
        assert_eq!(image.manifest.layers[1].media_type, media::LAYER_GZIP);
    }
    let error = load::open(&path, Selector::Name("z:1".into()), &scratch.path("")).err().unwrap();
    assert!(error.message.ends_with("say which one: app:1"), "{error}");
}

#[test]
fn what_is_no_archive_is_refused() {
    let scratch = Scratch::new();
    let mut empty = tar::Builder::new(Vec::new());
    empty.finish().unwrap();
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("text", b"hello".repeat(500)),
        ("tar", empty.into_inner().unwrap()),
        ("gz", b"\x1f\x8bxx".to_vec()),
    ] {
        fs::write(scratch.path(name), bytes).unwrap();
        let error = load::open(&scratch.path(name), Selector::Any, &scratch.path("")).err().unwrap();
        assert!(error.message.starts_with("read `"), "{error}");
    }
    let error = load::open(&scratch.path("none"), Selector::Any, &scratch.path("")).err().unwrap();
    assert_eq!(error.kind, Kind::NotFound);
}

/// A daemon that reads one request and gives one answer; returns the body.
fn daemon(socket: &Path, answer: &'static str) -> thread::JoinHandle<Vec<u8>> {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while !seen.ends_with(b"\r\n0\r\n\r\n") {
            let count = stream.read(&mut buffer).unwrap();
            seen.extend(&buffer[..count]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        seen
    })
}

fn unchunk(request: &[u8]) -> Vec<u8> {
    let mut rest = &request[request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4..];
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        body.extend(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
        if size == 0 {
            return body;
        }
    }
}

fn load_into(env: Env) -> Result<oci::Published, String> {
    let (image, memory) = image(1, &[300_000]);
    docker_daemon::Target { env, names: vec![named("app:1")], progress: Arc::new(()) }
        .publish(&tagged(&image), &memory)
}

fn docker_host(scratch: &Scratch, socket: &Path) -> Env {
    Env::of(&[("DOCKER_HOST", &format!("unix://{}", socket.display()))], &scratch.path(""))
}

#[test]
fn a_daemon_gets_dockers_archive() {
    let scratch = Scratch::new();
    let socket = scratch.path("d.sock");
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n{\"stream\":\"Loaded image: x\"}\r\n\r\n0\r\n\r\n";
    let server = daemon(&socket, answer);
    load_into(docker_host(&scratch, &socket)).unwrap();
    let request = server.join().unwrap();
    assert!(request.starts_with(b"POST /images/load?quiet=1 HTTP/1.1\r\n"));
    let (image, memory) = image(1, &[300_000]);
    assert_eq!(unchunk(&request), archived(Format::Docker, &[named("app:1")], &image, &memory));
}

#[test]
fn a_daemons_words_are_passed_on() {
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\n\r\n{\"stream\":\"x\"}\n{\"errorDetail\":{},\"error\":\"no space left\"}\n",
            "no space left",
        ),
        ("HTTP/1.1 500 X\r\nContent-Length: 17\r\n\r\n{\"message\":\"bad\"}", "bad"),
        ("HTTP/1.1 404 Not Found\r\n\r\n", "the daemon answered 404"),
        ("", "it is not HTTP"),
    ] {
        let scratch = Scratch::new();
        let socket = scratch.path("d.sock");
        let server = daemon(&socket, answer);
        let error = load_into(docker_host(&scratch, &socket)).unwrap_err();
        assert!(error.starts_with("load the image into Docker: ") && error.ends_with(expected), "{error}");
        server.join().unwrap();
    }
}

#[test]
fn a_daemon_that_is_not_there_is_no_mystery() {
    let scratch = Scratch::new();
    let error = load_into(scratch.env()).unwrap_err();
    let socket = scratch.path("var/run/docker.sock");
    let expected = format!(
        "load the image into Docker: connect to `{}`: no such file or directory\nhint: is the daemon",
        socket.display()
    );
    assert!(error.starts_with(&expected) && error.contains("tare's own store"), "{error}");
    let error = load_into(Env::of(&[("DOCKER_HOST", "tcp://10.0.0.1:2375")], &scratch.path(""))).unwrap_err();
    assert!(error.contains("`tcp://10.0.0.1:2375` is not a unix socket"), "{error}");
}

#[test]
fn dockers_context_tells_the_socket() {
    let scratch = Scratch::new();
    scratch.write(".docker/config.json", r#"{"currentContext":"mine"}"#);
    let meta = format!(".docker/contexts/meta/{}/meta.json", Digest::of(b"mine").hex());
    let socket = scratch.path("ctx.sock");
    scratch
        .write(&meta, &format!(r#"{{"Endpoints":{{"docker":{{"Host":"unix://{}"}}}}}}"#, socket.display()));
    let server = daemon(&socket, "HTTP/1.1 200 OK\r\n\r\n");
    load_into(scratch.env()).unwrap();
    server.join().unwrap();
}
