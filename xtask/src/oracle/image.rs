//! An image to lines that can be compared: what its config says, and what its merged layers hold.
//!
//! Only what Dockerfiles can say is listed, and times are not: both builders take them from the clock.

use super::tree;
use crate::Result;
use crate::case::image::Image;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// Reads what `dir:` makes: the manifest, and each blob named for its digest.
pub fn read_folder(folder: &Path) -> Result<Image> {
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().and_then(|d| d.strip_prefix("sha256:"));
        read(&folder.join(digest.ok_or("a descriptor has no digest")?))
    };
    let manifest = json(&read(&folder.join("manifest.json"))?)?;
    let config = json(&blob(&manifest["config"])?)?;
    let layers = manifest["layers"].as_array().ok_or("the manifest has no layers")?;
    Ok(Image { config, layers: layers.iter().map(|layer| unzip(blob(layer)?)).collect::<Result<_>>()? })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| format!("read `{}`: {e}", path.display()))
}

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| format!("JSON of an image: {e}"))
}

/// Layers are compressed or not, as they were in the storage.
fn unzip(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut tar = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).map_err(|e| format!("unzip a layer: {e}"))?;
    Ok(tar)
}

/// One line for each setting and each object.
pub fn listing(image: &Image) -> Result<Vec<String>> {
    let mut lines = settings(&image.config["config"]);
    lines.extend(tree::lines(&image.layers)?);
    Ok(lines)
}

/// Nothing, empty and null are the same; no working directory is `/`, as OCI's config.md has it.
fn settings(config: &Value) -> Vec<String> {
    let mut lines = vec![format!("WorkingDir {}", text(&config["WorkingDir"]).unwrap_or("/"))];
    for key in ["User", "StopSignal"] {
        lines.extend(text(&config[key]).map(|value| format!("{key} {value}")));
    }
    for key in ["Cmd", "Entrypoint", "Shell", "OnBuild", "Healthcheck"] {
        let value = &config[key];
        lines.extend((!is_empty(value)).then(|| format!("{key} {value}")));
    }
    for key in ["ExposedPorts", "Volumes"] {
        lines.extend(config[key].as_object().into_iter().flatten().map(|(name, _)| format!("{key} {name}")));
    }
    let variables = config["Env"].as_array().into_iter().flatten();
    lines.extend(variables.map(|variable| format!("Env {variable}")));
    let labels = config["Labels"].as_object().into_iter().flatten();
    lines.extend(labels.map(|(name, value)| format!("Label {name}={value}")));
    lines
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(items) => items.is_empty(),
        other => other.is_null(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_says_nothing_is_not_listed() {
        let empty = json!({"Cmd": [], "Entrypoint": null, "User": "", "Volumes": {}, "WorkingDir": ""});
        assert_eq!(settings(&empty), ["WorkingDir /"]);
        assert_eq!(settings(&Value::Null), ["WorkingDir /"]);
    }

    #[test]
    fn each_variable_label_and_port_has_its_line() {
        let config = json!({"Env": ["A=1"], "Labels": {"l": "x y"}, "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Test": ["NONE"]}, "WorkingDir": "/w"});
        let expected = [
            "WorkingDir /w",
            "Healthcheck {\"Test\":[\"NONE\"]}",
            "ExposedPorts 80/tcp",
            "Env \"A=1\"",
            "Label l=\"x y\"",
        ];
        assert_eq!(settings(&config), expected);
    }
}
