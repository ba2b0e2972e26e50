//! A folder of Go modules (GOMODCACHE/cache/download) to a module proxy on loopback.
//!
//! The port is fixed, because it stands in the config of the golang base images. Several runs may want it
//! at once: the first one serves, the others wait in a thread until it is free. They all serve the same.

use super::registry::get;
use crate::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The port that golang images name, if nobody else has it.
const PORT: u16 = 5057;
/// What tells our proxy from somebody else's server.
const HELLO: &str = "a Go module proxy of tare's tests";

/// Serves `dir` until the process ends; returns the URL, which is the same in every run unless the port is
/// a stranger's.
pub fn start(dir: &Path) -> Result<String> {
    let dir = dir.to_path_buf();
    match TcpListener::bind(("127.0.0.1", PORT)) {
        Ok(listener) => serve(listener, dir),
        Err(_) if is_ours() => wait_in_line(dir),
        Err(_) => return start_elsewhere(dir),
    }
    Ok(format!("http://127.0.0.1:{PORT}"))
}

fn is_ours() -> bool {
    get(&format!("127.0.0.1:{PORT}"), "/.tare").is_ok_and(|answer| answer.contains(HELLO))
}

fn wait_in_line(dir: PathBuf) {
    std::thread::spawn(move || {
        loop {
            match TcpListener::bind(("127.0.0.1", PORT)) {
                Ok(listener) => return accept(&listener, &dir),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    });
}

fn start_elsewhere(dir: PathBuf) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| format!("serve Go modules: {e}"))?;
    let addr = listener.local_addr().map_err(|e| format!("serve Go modules: {e}"))?;
    serve(listener, dir);
    Ok(format!("http://{addr}"))
}

fn serve(listener: TcpListener, dir: PathBuf) {
    std::thread::spawn(move || accept(&listener, &dir));
}

fn accept(listener: &TcpListener, dir: &Path) {
    for stream in listener.incoming().flatten() {
        let dir = dir.to_path_buf();
        std::thread::spawn(move || {
            // A client that goes away is nobody's concern.
            let _ = answer(stream, &dir);
        });
    }
}

fn answer(stream: TcpStream, dir: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut stream = reader.into_inner();
    let target = request.split(' ').nth(1).unwrap_or("/");
    if target == "/.tare" {
        return send(&mut stream, "200 OK", HELLO.as_bytes());
    }
    match file(dir, target).and_then(|path| std::fs::read(path).ok()) {
        Some(bytes) => send(&mut stream, "200 OK", &bytes),
        None => send(&mut stream, "404 Not Found", b"not found"),
    }
}

fn send(stream: &mut TcpStream, status: &str, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

/// The file that a request names; nothing above `dir`.
fn file(dir: &Path, target: &str) -> Option<PathBuf> {
    let text = decode(target.split('?').next()?)?;
    let relative = Path::new(text.trim_start_matches('/'));
    relative.components().all(|c| matches!(c, Component::Normal(_))).then(|| dir.join(relative))
}

/// Go writes `!` as `%21`.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b => b,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_a_file_below_the_folder_only() {
        let named = |target| file(Path::new("/d"), target);
        assert_eq!(named("/a.b/%21x/@v/v1.0.0.zip?q=1"), Some("/d/a.b/!x/@v/v1.0.0.zip".into()));
        assert_eq!(named("/../etc/passwd"), None);
        assert_eq!(named("/%2e%2e/etc/passwd"), None);
        assert_eq!(named("/%zz"), None);
    }
}
