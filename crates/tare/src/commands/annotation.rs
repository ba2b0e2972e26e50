//! `--annotation` as buildx reads it: `[TYPE[PLATFORM],…:]KEY=VALUE`.

use engine::annotation::{Annotation, Place};
use oci::Platform;

use crate::failure::Failure;

const PLACES: [(&str, Place); 4] = [
    ("manifest", Place::Manifest),
    ("manifest-descriptor", Place::ManifestDescriptor),
    ("index", Place::Index),
    ("index-descriptor", Place::IndexDescriptor),
];

/// Reads every `--annotation` of a build for these platforms.
///
/// # Errors
/// With the one that can't be read, or that is for something that is not built.
pub fn read(texts: &[String], platforms: &[Platform]) -> Result<Vec<Annotation>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        let wrong = |why| Failure::Usage(format!("`--annotation {text}`: {why}"));
        let some = parse(text).map_err(wrong)?;
        some.iter().try_for_each(|one| check(one, platforms)).map_err(wrong)?;
        all.extend(some);
    }
    Ok(all)
}

/// One annotation for each of its types.
fn parse(text: &str) -> Result<Vec<Annotation>, String> {
    let (left, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    let (types, key) = left.split_once(':').unwrap_or(("manifest", left));
    if key.is_empty() {
        return Err("it has no key".to_owned());
    }
    let one = |name| {
        let (place, platform) = place(name)?;
        Ok(Annotation { place, platform, key: key.to_owned(), value: value.to_owned() })
    };
    types.split(',').map(one).collect()
}

fn place(text: &str) -> Result<(Place, Option<Platform>), String> {
    let (name, platform) = match text.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']').ok_or(format!("`{text}` has no `]`"))?)),
        None => (text, None),
    };
    let found = PLACES.iter().find(|(known, _)| *known == name);
    let unknown = || {
        let names: Vec<&str> = PLACES.iter().map(|(known, _)| *known).collect();
        format!("unknown type `{name}`, only {}", names.join(", "))
    };
    let place = found.ok_or_else(unknown)?.1;
    Ok((place, platform.map(str::parse).transpose()?))
}

fn check(annotation: &Annotation, platforms: &[Platform]) -> Result<(), String> {
    let of_index = matches!(annotation.place, Place::Index | Place::IndexDescriptor);
    match &annotation.platform {
        Some(_) if of_index => Err("an index is for all platforms".to_owned()),
        Some(platform) if !platforms.contains(platform) => Err(format!("no image is built for {platform}")),
        _ if of_index && platforms.len() == 1 => {
            Err("index annotations not supported for single platform export".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (Place, Option<&'static str>, &'static str, &'static str);

    fn check(text: &str, expected: Result<&[Row], &str>) {
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        match (read(&[text.to_owned()], &platforms), expected) {
            (Ok(all), Ok(expected)) => {
                let one = |(place, platform, key, value): &Row| Annotation {
                    place: *place,
                    platform: platform.map(Platform::linux),
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                };
                assert_eq!(all, expected.iter().map(one).collect::<Vec<_>>(), "{text}");
            }
            (Err(Failure::Usage(message)), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (found, _) => panic!("{text}: {:?}", found.ok()),
        }
    }

    #[test]
    fn types_and_platforms() {
        check("a=b=c:d", Ok(&[(Place::Manifest, None, "a", "b=c:d")]));
        check("a=", Ok(&[(Place::Manifest, None, "a", "")]));
        check("manifest[linux/arm64/v8]:a=b", Ok(&[(Place::Manifest, Some("arm64"), "a", "b")]));
        check(
            "index,manifest-descriptor[linux/amd64]:a=b",
            Ok(&[(Place::Index, None, "a", "b"), (Place::ManifestDescriptor, Some("amd64"), "a", "b")]),
        );
        check("index-descriptor:a=b", Ok(&[(Place::IndexDescriptor, None, "a", "b")]));
    }

    #[test]
    fn mistakes() {
        check("a", Err("KEY=VALUE"));
        check("=b", Err("no key"));
        check("manifest:=b", Err("no key"));
        check("layer:a=b", Err("unknown type `layer`"));
        check("manifest[linux/amd64:a=b", Err("no `]`"));
        check("manifest[amd64]:a=b", Err("is not a platform"));
        check("manifest[linux/s390x]:a=b", Err("no image is built for linux/s390x"));
        check("index[linux/amd64]:a=b", Err("for all platforms"));
        let single = read(&["index:a=b".to_owned()], &[Platform::linux("amd64")]);
        assert!(matches!(single, Err(Failure::Usage(m)) if m.ends_with("for single platform export")));
    }
}
