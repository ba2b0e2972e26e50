//! A store on a real disk: what is written is found again, what is cut short is not, and room is made.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use oci::{Config, Descriptor, Image, ImageConfig, Platform, Tagged, media};
use plan::{Key, Part};
use store::layers::{Maker, Meta};
use store::usage::Room;
use store::{BlobRecord, LayerId, Resolution, Store, Stored, Variant};

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tare-store-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn store(&self) -> Store {
        Store::open(&self.0.join("home")).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        store::clean::remove_tree(&self.0);
    }
}

fn layer(n: u8) -> LayerId {
    LayerId::Made([n; 32])
}

/// A made layer with one file of `size` bytes on disk.
fn put_layer(store: &Store, id: &LayerId, size: usize) {
    let folder = store.scratch("layer").unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), vec![b'x'; size]).unwrap();
    store.place_fs(id, &folder).unwrap();
    let meta = Meta {
        maker: Maker::Run,
        started: (1, 2),
        bytes: size as u64,
        entries: 1,
        traceable: false,
        copied: Vec::new(),
    };
    store.put_layer(id, &[], &meta).unwrap();
}

fn put_image(store: &Store, name: &str, layers: Vec<LayerId>) -> Stored {
    put_tagged(store, name, &image(store, name).into(), vec![layers])
}

fn image(store: &Store, user: &str) -> Image {
    let config =
        ImageConfig { config: Config { user: user.into(), ..Config::default() }, ..ImageConfig::default() };
    let image = Image::new(config, Vec::new());
    store.put_blob(&image.manifest_bytes).unwrap();
    store.put_blob(&image.config_bytes).unwrap();
    image
}

fn put_tagged(store: &Store, name: &str, what: &Tagged, layers: Vec<Vec<LayerId>>) -> Stored {
    store.put_blob(what.bytes()).unwrap();
    let stored = Stored::new(&format!("docker.io/library/{name}:latest"), what, layers, 7, "preserve");
    store.put_image(&stored).unwrap();
    stored
}

/// One name for two platforms whose images share a layer.
fn put_index(store: &Store, name: &str) -> (Stored, Tagged) {
    let one = |architecture: &str| (Platform::linux(architecture), image(store, architecture));
    let what = Tagged::index(vec![one("amd64"), one("arm64")], Default::default());
    (put_tagged(store, name, &what, vec![vec![layer(1), layer(2)], vec![layer(1), layer(3)]]), what)
}

fn key(text: &str) -> Key {
    Key::of(vec![Part::plain("command", text)])
}

#[test]
fn a_store_of_another_version_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    drop(scratch.store());
    let version = scratch.0.join("home/version");
    fs::write(&version, "tare store 99\n").unwrap();
    let message = Store::open(&scratch.0.join("home")).err().unwrap().to_string();
    assert!(message.contains("tare store 99") && message.contains("TARE_HOME"), "{message}");
    assert_eq!(fs::read_to_string(&version).unwrap(), "tare store 99\n");
}

#[test]
fn a_blob_has_no_name_before_it_is_whole() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let blob = Descriptor::of(media::CONFIG, b"hello");
    let mut writer = store.new_blob().unwrap();
    writer.write_all(b"hel").unwrap();
    drop(writer);
    assert!(!store.has_blob(&blob));
    let mut writer = store.new_blob().unwrap();
    std::io::Write::write_all(&mut writer, b"hello").unwrap();
    assert_eq!(writer.commit().unwrap(), (blob.digest, 5));
    assert!(store.has_blob(&blob));
    assert_eq!(store.small_blob(&blob.digest).as_deref(), Some(b"hello".as_slice()));
}

#[test]
fn a_blob_is_read_while_it_is_written() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for whole in [true, false] {
        let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| (i / 7) as u8).collect();
        let mut writer = store.new_hashed_blob().unwrap();
        writer.write_all(&bytes[..1000]).unwrap();
        let mut reader = writer.reader().unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        bytes[1000..].chunks(100_003).for_each(|part| writer.write_all(part).unwrap());
        assert_eq!(writer.written(), 1 << 20);
        if whole {
            writer.commit_as(&oci::Digest::of(&bytes)).unwrap();
            assert!(reading.join().unwrap().unwrap() == bytes);
        } else {
            drop(writer);
            assert!(reading.join().unwrap().is_err());
        }
    }
}

#[test]
fn a_damaged_small_blob_is_as_good_as_none() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let digest = store.put_blob(b"hello").unwrap();
    fs::write(store.blob_path(&digest), b"jello").unwrap();
    assert_eq!(store.small_blob(&digest), None);
}

#[test]
fn an_action_is_found_as_long_as_its_layer_is_there() {
    let scratch = Scratch::new();
    let store = scratch.store();
    put_layer(&store, &layer(1), 10);
    store.put_action(&key("make"), layer(1), 12, Vec::new()).unwrap();
    let action = store.action(&key("make")).unwrap();
    assert_eq!((action.layer, action.millis), (layer(1), 12));
    assert_eq!(store.action(&key("other")), None);
    store::clean::remove_tree(&store.layer_fs(&layer(1)));
    assert_eq!(store.action(&key("make")), None);
}

#[test]
fn of_two_equal_layers_the_first_stays() {
    let scratch = Scratch::new();
    let store = scratch.store();
    put_layer(&store, &layer(1), 10);
    let meta = Meta {
        maker: Maker::Copy,
        started: (9, 9),
        bytes: 10,
        entries: 1,
        traceable: false,
        copied: Vec::new(),
    };
    store.put_layer(&layer(1), &[], &meta).unwrap();
    assert_eq!(store.layer_meta(&layer(1)).unwrap().started, (1, 2));
}

#[test]
fn a_layer_without_files_can_live_as_a_blob() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let meta = Meta {
        maker: Maker::Copy,
        started: (1, 0),
        bytes: 1,
        entries: 1,
        traceable: false,
        copied: Vec::new(),
    };
    store.put_layer(&layer(2), &[], &meta).unwrap();
    assert!(!store.has_layer(&layer(2)));
    let digest = store.put_blob(b"a compressed layer").unwrap();
    let blob = Descriptor::new(media::LAYER_GZIP, digest, 18);
    let record = BlobRecord { diff_id: oci::DiffId(digest), blob };
    let variant = Variant { time: None, compression: media::Compression::Gzip, level: None };
    store.put_layer_blob(&layer(2), &variant, &record).unwrap();
    assert!(store.has_layer(&layer(2)));
    assert_eq!(store.layer_blob(&layer(2), &variant), Some(record.clone()));
    assert_eq!(store.layer_blob(&layer(2), &Variant { time: Some(5), ..variant }), None);
    assert_eq!(store.any_blob(&layer(2)), Some(record));
}

#[test]
fn images_by_name_and_by_id() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let app = put_image(&store, "app", Vec::new());
    let name = |text: &str| text.parse::<oci::Reference>().unwrap();
    assert_eq!(store.image(&name("app")), Some(app.clone()));
    assert_eq!(store.image(&name("app:other")), None);
    assert_eq!(store.image(&name(&format!("any@{}", app.manifest.digest))), Some(app.clone()));
    assert_eq!(store.images_of_id(&app.id.short()), std::slice::from_ref(&app));
    assert!(store.remove_image(&app.name).unwrap());
    assert!(!store.remove_image(&app.name).unwrap());
}

#[test]
fn an_index_has_an_image_for_each_platform() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (app, what) = put_index(&store, "app");
    let name = |text: &str| text.parse::<oci::Reference>().unwrap();
    assert_eq!(
        (app.id, &app.manifest, &app.layers[..]),
        (what.id(), what.descriptor(), &[1, 2, 3].map(layer)[..])
    );
    assert_eq!(store.image(&name("app")), Some(app.clone()));
    assert_eq!(store.load(&app).unwrap().bytes(), what.bytes());
    let arm = app.on(&Platform::linux("arm64")).unwrap();
    assert_eq!((&arm.manifest, &arm.layers[..]), (&what.images()[1].descriptor, &[1, 3].map(layer)[..]));
    assert_eq!(store.load(&arm).unwrap().id(), arm.id);
    assert_eq!(app.on(&Platform::linux("mips")), None);
    assert_eq!(store.image(&name(&format!("app@{}", app.manifest.digest))), Some(app.clone()));
    assert_eq!(store.image(&name(&format!("any@{}", arm.manifest.digest))), Some(arm));
    assert_eq!(store.images_of_id(&app.id.short()), [app]);
}

#[test]
fn a_record_of_one_image_is_as_it_always_was() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let app = put_image(&store, "app", vec![layer(1)]);
    let record = fs::read_to_string(
        fs::read_dir(scratch.0.join("home/images")).unwrap().next().unwrap().unwrap().path(),
    )
    .unwrap();
    assert!(!record.contains("platforms"), "{record}");
    assert_eq!((store.images(), app.on(&Platform::linux("mips"))), (vec![app.clone()], Some(app)));
}

#[test]
fn a_tag_is_remembered_a_platform_at_a_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let manifest = Descriptor::of(media::MANIFEST, b"{}");
    let resolution = Resolution { name: "x:1".into(), manifest, index: None, at: 3 };
    store.put_resolution(&oci::Platform::linux("amd64"), &resolution).unwrap();
    assert_eq!(store.resolution("x:1", &oci::Platform::linux("amd64")), Some(resolution));
    assert_eq!(store.resolution("x:1", &oci::Platform::linux("arm64")), None);
}

#[test]
fn pruning_keeps_what_images_need() {
    let scratch = Scratch::new();
    let store = scratch.store();
    put_layer(&store, &layer(1), 100_000);
    put_layer(&store, &layer(2), 100_000);
    put_image(&store, "app", vec![layer(1)]);
    let dangling = store.put_blob(b"nobody names this").unwrap();
    assert!(store.prune(Room::Unused).unwrap() >= 100_000);
    assert!(store.has_layer(&layer(1)) && !store.has_layer(&layer(2)));
    assert_eq!(store.small_blob(&dangling), None);
    assert!(store.load_image(&store.images()[0].manifest).is_ok());
}

#[test]
fn pruning_keeps_what_an_index_needs() {
    let scratch = Scratch::new();
    let store = scratch.store();
    (1..=4).for_each(|n| put_layer(&store, &layer(n), 1000));
    let (app, what) = put_index(&store, "app");
    store.prune(Room::Unused).unwrap();
    assert_eq!((1..=4).map(|n| store.has_layer(&layer(n))).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(store.load(&app).unwrap().id(), what.id());
    store.remove_image(&app.name).unwrap();
    store.prune(Room::Unused).unwrap();
    assert!(!store.has_layer(&layer(1)) && store.load(&app).is_err());
}

#[test]
fn a_size_cap_takes_the_least_recently_used() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for n in 1..=3 {
        put_layer(&store, &layer(n), 1_000_000);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    store.touch(&layer(1));
    store.prune(Room::AtMost(2_500_000)).unwrap();
    let left: Vec<bool> = (1..=3).map(|n| store.has_layer(&layer(n))).collect();
    assert_eq!(left, [true, false, true]);
}

#[test]
fn a_prune_waits_for_nobody() {
    let scratch = Scratch::new();
    let (store, other) = (scratch.store(), scratch.store());
    let user = store.share().unwrap();
    assert!(other.alone().unwrap().is_none());
    drop(user);
    assert!(other.alone().unwrap().is_some());
}

#[test]
fn the_dead_are_swept_and_the_living_are_not() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let own = store.scratch("work").unwrap();
    fs::write(&own, b"in progress").unwrap();
    let dead = scratch.0.join("home/tmp/1-0-1");
    fs::create_dir_all(dead.join("locked")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dead.join("locked"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::write(dead.with_extension("lock"), b"").unwrap();
    scratch.store().sweep();
    assert!(own.exists());
    assert!(!dead.exists() && !dead.with_extension("lock").exists());
    drop(store);
    assert!(!own.exists());
}

#[test]
fn names_of_layers_both_ways() {
    for id in [layer(7), LayerId::Base(oci::DiffId(oci::Digest::of(b"x")))] {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    for bad in ["", "made-", "sha256-00", "other-00"] {
        assert!(bad.parse::<LayerId>().is_err(), "{bad}");
    }
    assert!(Path::new(&layer(7).to_string()).components().count() == 1);
}

#[test]
fn addresses_are_remembered_without_a_trace_of_their_passwords() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let url = "https://me:geheim@h/x";
    let download = store::Download {
        url: "https://h/x".into(),
        file: oci::Digest::of(b"x"),
        etag: Some("a".into()),
        last_modified: None,
        at: 7,
    };
    store.put_download(url, &download).unwrap();
    assert_eq!(store.download(url), Some(download));
    assert_eq!(store.download("https://h/x"), None);
    let text = |n: &str| n.to_owned();
    let commit = store::Commit {
        remote: text("https://h/r"),
        reference: text("refs/heads/m"),
        object: text("a"),
        commit: text("a"),
        at: 7,
    };
    // Two kinds of address with one text are two addresses.
    store.put_commit(url, &commit).unwrap();
    assert_eq!((store.commit(url), store.download(url).is_some()), (Some(commit), true));
    for entry in fs::read_dir(store.root().join("refs")).unwrap().flatten() {
        assert!(!fs::read_to_string(entry.path()).unwrap().contains("geheim"));
    }
}

#[test]
fn room_is_made_of_repositories() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (path, _) = store.repository("https://h/r");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("pack"), vec![b'x'; 100_000]).unwrap();
    let _alone = store.alone().unwrap().unwrap();
    store.prune(Room::AtMost(10_000_000)).unwrap();
    assert!(path.exists());
    assert!(store.prune(Room::AtMost(10_000)).unwrap() >= 100_000);
    assert!(!path.exists());
}

#[test]
fn a_file_without_a_name_leaves_nothing() {
    use std::io::{Read, Seek, Write};
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut file = store.nameless().unwrap();
    drop(store);
    assert_eq!(fs::read_dir(scratch.0.join("home/tmp")).unwrap().count(), 0);
    file.write_all(b"still here").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "still here");
}
