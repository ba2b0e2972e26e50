//! `tare images`, `inspect`, `tag` and `rmi`: what the store knows by name.

pub mod table;

use oci::{Image, Platform};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Store, Stored};

use self::table::{print, table};
use super::names;
use crate::cli::{Images, Names, Tag};
use crate::failure::{Failure, Outcome};
use crate::units;

/// What stands in the table for a name that isn't there.
const NOTHING: &str = "<none>";

/// A line of `tare images --json`. Fields are only ever added.
#[derive(Serialize)]
struct Listed {
    /// Fully qualified; null for an image without a name.
    name: Option<String>,
    id: String,
    /// The manifest's, or the index's.
    digest: String,
    created: String,
    /// Of the layers as they are kept: what came from a registry is compressed, what was made here and stays isn't.
    size: u64,
    layers: usize,
    timestamps: String,
    /// What an index has images for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
}

/// Lists the stored images.
pub fn list(args: &Images) -> Outcome {
    let images = crate::home::store()?.images();
    let text = match (args.json, args.quiet) {
        (true, _) => json(&images.iter().map(listed).collect::<Vec<_>>()),
        (false, true) => ids(&images),
        (false, false) => rows(&images, engine::clock::now()),
    };
    print(&text)?;
    Ok(0)
}

fn listed(stored: &Stored) -> Listed {
    Listed {
        name: names::reference(stored).map(|name| name.to_string()),
        id: stored.id.to_string(),
        digest: stored.manifest.digest.to_string(),
        created: oci::time::rfc3339(stored.at, 0),
        size: stored.size,
        layers: stored.layers.len(),
        timestamps: stored.timestamps.clone(),
        platforms: stored.platforms.iter().map(|member| member.platform.to_string()).collect(),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("lists are plain data") + "\n"
}

/// Each image once, however many names it has.
fn ids(images: &[Stored]) -> String {
    let mut seen = Vec::new();
    for stored in images {
        if !seen.contains(&stored.id) {
            seen.push(stored.id);
        }
    }
    seen.iter().map(|id| id.short() + "\n").collect()
}

fn rows(images: &[Stored], now: i64) -> String {
    let rows: Vec<_> = images.iter().map(|stored| row(stored, now)).collect();
    table(["NAME", "TAG", "IMAGE ID", "CREATED", "SIZE"], &rows)
}

fn row(stored: &Stored, now: i64) -> [String; 5] {
    let name = names::reference(stored);
    let tag = name.as_ref().and_then(|name| name.tag.clone());
    let name = name.map(|name| oci::Reference { tag: None, digest: None, ..name }.familiar());
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let age = units::ago(now.saturating_sub(stored.at));
    [or_nothing(name), or_nothing(tag), stored.id.short(), age, units::bytes(stored.size)]
}

/// Prints everything about some images.
pub fn inspect(args: &Names) -> Outcome {
    let store = crate::home::store()?;
    let mut found = Vec::new();
    let code = each(&args.names, |name| {
        let stored = names::find(&store, name)?;
        found.push(inspected(&store, &stored)?);
        Ok(())
    });
    print(&json(&found))?;
    Ok(code)
}

fn inspected(store: &Store, stored: &Stored) -> Result<Value, Failure> {
    if stored.platforms.is_empty() {
        return Ok(details(stored, &store.load_image(&stored.manifest)?));
    }
    let member = |member: &store::Member| {
        let image = store.load_image(&member.manifest)?;
        Ok(member_details(&details(&stored.alone(member), &image), &member.platform))
    };
    let members = stored.platforms.iter().map(member).collect::<Result<Vec<_>, Failure>>()?;
    Ok(json!({
        "name": names::reference(stored).map(|name| name.to_string()),
        "id": stored.id,
        "digest": stored.manifest.digest,
        "mediaType": stored.manifest.media_type,
        "size": stored.size,
        "timestamps": stored.timestamps,
        "manifests": members,
    }))
}

/// An image of an index has no name of its own; what the index says of it goes first.
fn member_details(details: &Value, platform: &Platform) -> Value {
    let mut out = json!({ "platform": platform.to_string() });
    let own =
        details.as_object().into_iter().flatten().filter(|(key, _)| *key != "name" && *key != "timestamps");
    own.for_each(|(key, value)| out[key] = value.clone());
    out
}

fn details(stored: &Stored, image: &Image) -> Value {
    let config = &image.config;
    json!({
        "name": names::reference(stored).map(|name| name.to_string()),
        "id": stored.id,
        "digest": stored.manifest.digest,
        "mediaType": stored.manifest.media_type,
        "size": stored.size,
        "created": config.created,
        "architecture": config.architecture,
        "variant": config.variant,
        "os": config.os,
        "timestamps": stored.timestamps,
        "layers": layers(image),
        "config": config.config,
        "history": config.history,
    })
}

fn layers(image: &Image) -> Vec<Value> {
    let both = image.manifest.layers.iter().zip(&image.config.rootfs.diff_ids);
    both.map(|(blob, diff_id)| {
        json!({ "digest": blob.digest, "size": blob.size, "diffId": diff_id, "mediaType": blob.media_type })
    })
    .collect()
}

/// Gives an image another name.
pub fn tag(args: &Tag) -> Outcome {
    let name = names::new_name(&args.name)?;
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    let stored = names::find(&store, &args.source)?;
    store.put_image(&Stored { name: name.to_string(), ..stored.clone() })?;
    if names::is_unnamed(&stored) {
        store.remove_image(&stored.name)?;
    }
    Ok(0)
}

/// Takes names away: one by name, all of an image by id.
pub fn remove(args: &Names) -> Outcome {
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    Ok(each(&args.names, |name| {
        names::find_all(&store, name)?.iter().try_for_each(|stored| untag(&store, stored))
    }))
}

fn untag(store: &Store, stored: &Stored) -> Result<(), Failure> {
    if store.remove_image(&stored.name)? {
        print(&format!("untagged {}\n", names::display(stored)))?;
    }
    Ok(())
}

/// Does it for each name, tells what failed, and gives the exit code.
fn each(names: &[String], mut work: impl FnMut(&str) -> Result<(), Failure>) -> i32 {
    names.iter().filter_map(|name| work(name).err()).map(Failure::report).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use oci::{Descriptor, Digest};

    use super::*;

    fn stored(name: &str, content: &str) -> Stored {
        let id = Digest::of(content.as_bytes());
        let (manifest, name) = (Descriptor::of("x", b""), name.to_owned());
        Stored {
            name,
            manifest,
            id,
            layers: vec![],
            at: 1000,
            size: 7_234_567,
            plain: false,
            timestamps: "preserve".to_owned(),
            platforms: vec![],
        }
    }

    #[test]
    fn the_list_says_what_it_counts() {
        let unnamed = Digest::of(b"b").to_string();
        let images = [stored("docker.io/library/app:1", "a"), stored(&unnamed, "b")];
        let expected = "\
NAME     TAG      IMAGE ID       CREATED       SIZE
app      1        ca978112ca1b   2 hours ago   7.23 MB
<none>   <none>   3e23e8160039   2 hours ago   7.23 MB
";
        assert_eq!(rows(&images, 8200), expected);
        assert_eq!(rows(&[], 0), "NAME   TAG   IMAGE ID   CREATED   SIZE\n");
    }

    #[test]
    fn an_id_is_listed_once() {
        let images = [
            stored("docker.io/library/a:1", "a"),
            stored("docker.io/library/b:1", "b"),
            stored("x.example/a:1", "a"),
        ];
        assert_eq!(ids(&images), "ca978112ca1b\n3e23e8160039\n");
    }

    #[test]
    fn json_has_every_field() {
        let value = serde_json::to_value(listed(&stored("docker.io/library/app:1", "a"))).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "id", "digest", "created", "size", "layers", "timestamps"]);
        assert_eq!(value["created"], "1970-01-01T00:16:40Z");
    }

    #[test]
    fn an_index_says_what_it_is_for() {
        let image = Image::new(oci::ImageConfig::default(), vec![]);
        let both = ["linux/arm64", "linux/amd64"].map(|p| (p.parse().unwrap(), image.clone()));
        let what = oci::Tagged::index(both.to_vec(), Default::default());
        let app = Stored::new("docker.io/library/app:1", &what, vec![vec![]; 2], 1000, "preserve");
        let listed = serde_json::to_value(listed(&app)).unwrap();
        assert_eq!(listed["platforms"], json!(["linux/arm64", "linux/amd64"]));
        let member =
            member_details(&details(&app.alone(&app.platforms[0]), &image), &app.platforms[0].platform);
        assert_eq!((&member["platform"], &member["id"]), (&json!("linux/arm64"), &json!(image.id())));
        assert_eq!(member.get("name"), None);
    }

    #[test]
    fn details_keep_the_images_own_config() {
        let mut config =
            oci::ImageConfig { os: "linux".into(), architecture: "amd64".into(), ..Default::default() };
        config.config.cmd = Some(vec!["/app".to_owned()]);
        config.rootfs.diff_ids = vec![oci::DiffId(Digest::of(b"plain"))];
        let image = Image::new(config, vec![Descriptor::of(oci::media::LAYER_GZIP, b"packed")]);
        let value = details(&stored("docker.io/library/app:1", "a"), &image);
        assert_eq!(value["config"], json!({ "Cmd": ["/app"] }));
        assert_eq!(value["layers"][0]["diffId"], Digest::of(b"plain").to_string());
        assert_eq!(value["layers"][0]["size"], 6);
    }

    #[test]
    fn one_failure_does_not_stop_the_others() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let mut done = Vec::new();
        let code = each(&names, |name| {
            done.push(name.to_owned());
            if name == "b" { Err(Failure::Other("b is not there".to_owned())) } else { Ok(()) }
        });
        assert_eq!((code, done), (1, names.to_vec()));
    }
}
