//! A case's folder to what still uses it: processes, mounts in any namespace, temporary files of the store.

use std::path::Path;
use std::time::{Duration, Instant};

/// A process that was told to end may need a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// One line for each thing that is left.
pub fn find(dir: &Path, tmp: &Path) -> Vec<String> {
    let start = Instant::now();
    loop {
        let found = look(dir, tmp);
        if found.is_empty() || start.elapsed() > PATIENCE {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn look(dir: &Path, tmp: &Path) -> Vec<String> {
    let mark = format!("{}/", dir.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|b| b.is_ascii_digit()) || name == std::process::id().to_string() {
            continue;
        }
        found.extend(traces(&path, &mark).map(|what| format!("left behind: {what} of process {name}")));
    }
    let files = std::fs::read_dir(tmp).into_iter().flatten().flatten();
    found.extend(files.map(|f| format!("left behind: {}", f.path().display())));
    found
}

/// Processes of other users hide most of this, but never their mounts: overlays name their folders there.
fn traces(process: &Path, mark: &str) -> Option<String> {
    let has = |name: &str| {
        let bytes = std::fs::read(process.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(mark)
    };
    let cwd = std::fs::read_link(process.join("cwd")).unwrap_or_default();
    if has("mountinfo") {
        return Some("a mount".into());
    }
    let alive = has("environ") || has("cmdline") || format!("{}/", cwd.display()).starts_with(mark);
    alive.then(|| {
        String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap_or_default())
            .replace('\0', " ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_and_a_file_are_found() {
        let dir = std::env::temp_dir().join(format!("xtask-leftover-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("tmp")).expect("a folder");
        assert_eq!(look(&dir, &dir.join("tmp")), Vec::<String>::new());
        std::fs::write(dir.join("tmp/x"), "").expect("a file");
        let mut child = Command::new("sleep")
            .arg("60")
            .env("MARK", format!("{}/a", dir.display()))
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep");
        assert_eq!(look(&dir, &dir.join("tmp")).len(), 2);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        std::fs::remove_dir_all(&dir).expect("it is ours");
    }
}
