//! `--platform`: a list to platforms, and outputs that take only one.

use engine::Output;
use oci::Platform;

use crate::failure::Failure;

/// The platforms of a list, each once, in its order; this machine's without one. Never empty.
///
/// # Errors
/// If one isn't a platform.
pub fn read(list: Option<&str>) -> Result<Vec<Platform>, Failure> {
    let mut all = Vec::new();
    for text in list.into_iter().flat_map(|list| list.split(',')) {
        let platform: Platform = text.trim().parse().map_err(Failure::Usage)?;
        if !all.contains(&platform) {
            all.push(platform);
        }
    }
    Ok(if all.is_empty() { vec![Platform::host()] } else { all })
}

/// Refuses what can't hold several platforms.
///
/// # Errors
/// With what can.
pub fn check(platforms: &[Platform], outputs: &[Output]) -> Result<(), Failure> {
    let one = |output: &&Output| matches!(output, Output::Docker { .. } | Output::Load);
    match outputs.iter().find(one) {
        Some(output) if platforms.len() > 1 => Err(Failure::Usage(format!(
            "{} takes an image for one platform, not for {}: build one, or write `-o type=oci,dest=FILE`",
            if *output == Output::Load { "`--load`" } else { "a Docker archive" },
            platforms.len()
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_read(list: &str, expected: Result<&[&str], &str>) {
        match (read(Some(list)), expected) {
            (Ok(all), Ok(names)) => {
                assert_eq!(all.iter().map(Platform::to_string).collect::<Vec<_>>(), names, "{list}")
            }
            (Err(Failure::Usage(message)), Err(part)) => assert!(message.contains(part), "{list}: {message}"),
            (found, _) => panic!("{list}: {:?}", found.ok()),
        }
    }

    #[test]
    fn a_list_has_each_platform_once_in_its_order() {
        check_read("linux/arm64,linux/amd64", Ok(&["linux/arm64", "linux/amd64"]));
        check_read(
            "linux/amd64, linux/arm64/v8,linux/x86_64,linux/arm64",
            Ok(&["linux/amd64", "linux/arm64"]),
        );
        check_read("linux/arm/v7", Ok(&["linux/arm/v7"]));
        for bad in ["", "linux/amd64,", "arm64"] {
            check_read(bad, Err("is not a platform"));
        }
        assert_eq!(read(None).ok(), Some(vec![Platform::host()]));
    }

    #[test]
    fn docker_takes_one_platform() {
        let list = |text| read(Some(text)).ok().unwrap();
        let (one, two) = (list("linux/arm64"), list("linux/arm64,linux/amd64"));
        for output in [Output::Load, Output::Docker { dest: None }] {
            assert!(check(&one, std::slice::from_ref(&output)).is_ok());
            assert!(matches!(check(&two, &[output]), Err(Failure::Usage(m)) if m.contains("type=oci")));
        }
        assert!(check(&two, &[Output::Tar { dest: None }, Output::Image { push: true }]).is_ok());
    }
}
