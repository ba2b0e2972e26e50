//! Several images under one name: to and from a registry, a layout and an archive.

mod fake;
mod support;

use std::fs;
use std::sync::Arc;

use fake::{Fake, Rules};
use oci::{Descriptor, Digest, Index, Platform, Publish, media};
use support::{Scratch, amd64, arm64, check_pull, files_below, image, quick, several};
use transport::archive::Format;
use transport::layout::Selector;
use transport::{Kind, Name, Pull, archive, layout, load};

fn open_layout(spec: &str) -> layout::Source {
    layout::Source::open(spec).unwrap()
}

#[test]
fn an_index_leads_to_the_platform() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (image, memory) = image(1, &[10]);
    fake.add("a", "x", &image, &memory);
    let entry = Descriptor { platform: Some(amd64()), ..image.descriptor.clone() };
    let index = Index::new(vec![entry]).to_bytes();
    let registry = scratch.registry(quick());
    registry.put_manifest(&fake.reference("a:multi"), media::INDEX, &index).unwrap();
    let reference = fake.reference("a:multi");
    let resolved = registry.resolve(&reference, &amd64()).unwrap();
    assert_eq!(resolved.pin(), Digest::of(&index));
    assert_eq!(resolved.manifest.digest, image.descriptor.digest);
    assert_eq!(resolved.index_bytes, Some(index));
    let error = registry.resolve(&reference, &Platform::linux("arm64")).unwrap_err();
    let expected = format!("pull `{reference}`: no image for linux/arm64, only for linux/amd64");
    assert_eq!((error.kind, error.message), (Kind::NotFound, expected));
}

#[test]
fn an_index_is_pushed_after_its_images() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (what, memory) = several();
    let registry = scratch.registry(quick());
    let reference = fake.reference("a:multi");
    registry.push(&what, &memory, &reference, &()).unwrap();
    // What both have is sent once: two layers, two configs.
    assert_eq!(fake.requests("POST /v2/a/blobs/uploads"), 4);
    let manifests: Vec<String> =
        fake.state().log.iter().filter(|line| line.starts_with("PUT /v2/a/manifests/")).cloned().collect();
    let [amd, arm] = what.images() else { panic!("two images") };
    let put = |name: String| format!("PUT /v2/a/manifests/{name}");
    assert_eq!(
        manifests,
        [put(amd.descriptor.digest.to_string()), put(arm.descriptor.digest.to_string()), put("multi".into())]
    );
    check_pull(&registry.source(&reference), amd, &memory);
    let found = registry.resolve(&reference, &arm64()).unwrap();
    assert_eq!((found.pin(), found.manifest.digest), (what.id(), arm.descriptor.digest));
    let again = registry.push(&what, &memory, &reference, &()).unwrap();
    assert_eq!((again.sent, again.skipped), (0, 4));
}

#[test]
fn an_index_goes_into_a_layout_with_its_images() {
    let scratch = Scratch::new();
    let dir = scratch.path("l");
    let (what, memory) = several();
    let target =
        layout::Target { dir: dir.clone(), names: vec![Name::Tag("1".to_owned())], progress: Arc::new(()) };
    assert_eq!(target.publish(&what, &memory).unwrap().skipped, 0);
    assert_eq!(target.publish(&what, &memory).unwrap(), oci::Published { sent: 0, skipped: 7 });
    let index: Index = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    assert_eq!(index.manifests.len(), 1);
    assert_eq!((index.manifests[0].digest, &index.manifests[0].platform), (what.id(), &None));
    for (platform, image) in [amd64(), arm64()].iter().zip(what.images()) {
        let found = open_layout(&format!("{}:1", dir.display())).resolve(platform).unwrap();
        assert_eq!((found.pin(), found.manifest.digest), (what.id(), image.descriptor.digest));
    }
    check_pull(&open_layout(&format!("{}@{}", dir.display(), what.id())), &what.images()[0], &memory);
}

#[test]
fn an_index_goes_into_ocis_archive_only() {
    let scratch = Scratch::new();
    let (what, memory) = several();
    let path = scratch.path("x.tar");
    let target = |format| archive::Target {
        path: path.clone(),
        format,
        names: vec![Name::Image("app:1".parse().unwrap())],
        progress: Arc::new(()),
    };
    let refused = target(Format::Docker).publish(&what, &memory).unwrap_err();
    assert!(refused.ends_with("a Docker archive holds an image for one platform, not several"), "{refused}");
    assert_eq!(files_below(&scratch.path("")), [""; 0]);
    target(Format::Oci).publish(&what, &memory).unwrap();
    let selector = Selector::Name("app:1".to_owned());
    check_pull(&*load::open(&path, selector.clone(), &scratch.path("")).unwrap(), &what.images()[0], &memory);
    let arm = load::open(&path, selector, &scratch.path("")).unwrap().resolve(&arm64()).unwrap();
    assert_eq!(arm.manifest.digest, what.images()[1].descriptor.digest);
}
