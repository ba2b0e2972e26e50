//! What an image of before offers to those who run it, and a recipe's image is to offer too: as lines of a Dockerfile.
//!
//! Where its programs are and what is started stay exactly as they were, so that whatever calls the image goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::mains::Main;
use crate::problem::Result;
use crate::quote;

/// An image's interface beside what [`crate::Ask`] has of it anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Where each program is, in the order of the programs. Others than asked for, and none counts.
    pub programs: Vec<String>,
    /// Whether `entrypoint` and `cmd` of [`crate::Ask`] are as they are, also if they are empty.
    pub keeps_start: bool,
    /// The folder that it starts in.
    pub workdir: Option<String>,
    /// Folders that are volumes.
    pub volumes: Vec<String>,
    /// The signal that ends it.
    pub stop_signal: Option<String>,
    /// What stands behind HEALTHCHECK: flags, and `CMD` with its words.
    pub healthcheck: Option<(Vec<String>, Vec<String>)>,
    /// Labels: unlike those of a commit they are part of the text.
    pub labels: BTreeMap<String, String>,
}

/// Folders in which programs are looked for by their bare names.
const USUAL: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

impl Interface {
    /// Puts programs where they were.
    pub fn place(&self, mains: &mut [Main]) {
        if self.programs.len() == mains.len() {
            mains.iter_mut().zip(&self.programs).for_each(|(main, path)| main.path.clone_from(path));
        }
    }

    /// Its lines, those that stand in front of USER.
    pub fn lines(&self) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for (name, value) in &self.labels {
            quote::one_line("label", name)?;
            quote::one_line(&format!("label `{name}`"), value)?;
            out.push(format!("LABEL {}={}", quote::value(name), quote::value(value)));
        }
        for path in &self.volumes {
            quote::one_line("volume", path)?;
            out.push(format!("VOLUME {}", quote::json(&[quote::word(path)])));
        }
        if let Some(path) = &self.workdir {
            quote::one_line("working directory", path)?;
            out.push(format!("WORKDIR {}", quote::word(path)));
        }
        out.extend(self.stop_signal.as_ref().map(|signal| format!("STOPSIGNAL {}", quote::word(signal))));
        if let Some((flags, words)) = &self.healthcheck {
            quote::no_nul("healthcheck", words)?;
            let flags: String = flags.iter().map(|flag| format!("{flag} ")).collect();
            out.push(format!("HEALTHCHECK {flags}CMD {}", quote::json(words)));
        }
        Ok(out)
    }
}

/// Where the go command puts a program, by default the image's place too.
pub const FOLDER: &str = "/usr/local/bin/";

/// The lines that bring the programs: the folder as it is, or one by one where they go elsewhere.
pub fn programs(mains: &[Main]) -> Result<Vec<String>> {
    let is_usual = |main: &Main| main.path == format!("{FOLDER}{}", main.name);
    if mains.iter().all(is_usual) {
        return Ok(vec![format!("COPY --from=build /out/ {FOLDER}")]);
    }
    let one = |main: &Main| {
        quote::one_line("program", &main.path)?;
        let words = [quote::word(&format!("/out/{}", main.name)), quote::word(&main.path)];
        let is_plain = !words.concat().contains(char::is_whitespace);
        Ok(format!("COPY --from=build {}", if is_plain { words.join(" ") } else { quote::json(&words) }))
    };
    mains.iter().map(one).collect()
}

/// Where programs are looked for by their bare names; none if they are where nobody would look.
pub fn path(mains: &[Main]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let folders = mains.iter().filter_map(|main| main.path.rsplit_once('/').map(|(folder, _)| folder));
    let folders: Vec<&str> =
        folders.filter(|folder| USUAL.contains(folder) && seen.insert(*folder)).collect();
    (!folders.is_empty()).then(|| folders.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main(name: &str, path: &str) -> Main {
        Main { package: format!("./{name}"), name: name.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn programs_go_where_they_were() {
        let mut mains = [main("a", "/usr/local/bin/a"), main("b", "/usr/local/bin/b")];
        assert_eq!(programs(&mains).expect("lines"), ["COPY --from=build /out/ /usr/local/bin/"]);
        Interface { programs: vec!["/x".into()], ..Interface::default() }.place(&mut mains);
        assert_eq!(mains[0].path, "/usr/local/bin/a");
        Interface { programs: vec!["/my app".into(), "/bin/$b".into()], ..Interface::default() }
            .place(&mut mains);
        let expected = ["COPY --from=build [\"/out/a\", \"/my app\"]", "COPY --from=build /out/b /bin/\\$b"];
        assert_eq!(programs(&mains).expect("lines"), expected);
        assert_eq!(path(&mains).as_deref(), Some("/bin"));
        assert_eq!(path(&mains[..1]), None);
    }

    #[test]
    fn lines_of_everything() {
        let all = Interface {
            programs: Vec::new(),
            keeps_start: true,
            workdir: Some("/my data".into()),
            volumes: vec!["/data".into()],
            stop_signal: Some("SIGINT".into()),
            healthcheck: Some((vec!["--interval=5s".into()], vec!["/app".into(), "ok".into()])),
            labels: [("a.b".to_owned(), "c \"d\"".to_owned())].into(),
        };
        let expected = [
            "LABEL a.b=\"c \\\"d\\\"\"",
            "VOLUME [\"/data\"]",
            "WORKDIR /my data",
            "STOPSIGNAL SIGINT",
            "HEALTHCHECK --interval=5s CMD [\"/app\", \"ok\"]",
        ];
        assert_eq!(all.lines().expect("lines"), expected);
        let broken = Interface { workdir: Some("a\nb".into()), ..Interface::default() };
        assert!(broken.lines().is_err());
    }
}
