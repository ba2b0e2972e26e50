//! The socket against the real clients of OpenSSH, and against what a step could send.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::*;

/// A folder, with keys and a socket that serves them.
struct World {
    folder: PathBuf,
    serving: Option<Serving>,
}

impl World {
    fn new(name: &str, kinds: &[&str]) -> World {
        let folder = std::env::temp_dir().join(format!("tare-agent-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let paths: Vec<PathBuf> = kinds.iter().map(|kind| folder.join(kind)).collect();
        for (kind, path) in kinds.iter().zip(&paths) {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-N", "", "-C", "me@home", "-t", kind, "-f"]).arg(path);
            assert!(command.status().expect("openssh-client is installed").success());
        }
        let agent = Agent::read(&paths).unwrap();
        let serving = Serving::start(folder.join("socket"), agent, Access::own()).unwrap();
        World { folder, serving: Some(serving) }
    }

    fn socket(&self) -> PathBuf {
        self.serving.as_ref().unwrap().socket()
    }

    fn client(&self, program: &str, args: &[&str], input: &str) -> Output {
        client(&self.socket(), &self.folder, program, args, input)
    }

    fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(self.socket())?;
        send(&mut stream, request)?;
        receive(&mut stream)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let socket = self.socket();
        self.serving.take();
        assert!(!socket.exists() && !socket.parent().unwrap().exists());
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn client(socket: &Path, folder: &Path, program: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env("SSH_AUTH_SOCK", socket);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssh-client is installed");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

const KINDS: [&str; 3] = ["ed25519", "ecdsa", "rsa"];

#[test]
fn ssh_add_lists_the_keys_without_their_comments() {
    let world = World::new("list", &KINDS);
    let listed = world.client("ssh-add", &["-l"], "");
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    for kind in ["ED25519", "ECDSA", "RSA"] {
        assert!(listed.contains(&format!("({kind})")), "{listed}");
    }
    assert!(!listed.contains("me@home"), "{listed}");
}

#[test]
fn what_ssh_keygen_has_signed_by_it_is_verified() {
    let world = World::new("sign", &KINDS);
    for kind in KINDS {
        let public = format!("{kind}.pub");
        // Only the agent can sign now.
        std::fs::remove_file(world.folder.join(kind)).unwrap();
        let signed = world.client("ssh-keygen", &["-Y", "sign", "-n", "tare", "-f", &public], "hello");
        assert!(signed.status.success(), "{kind}: {}", String::from_utf8_lossy(&signed.stderr));
        std::fs::write(world.folder.join("signature"), signed.stdout).unwrap();
        let key = std::fs::read_to_string(world.folder.join(&public)).unwrap();
        std::fs::write(world.folder.join("allowed"), format!("me {key}")).unwrap();
        let verify = ["-Y", "verify", "-f", "allowed", "-I", "me", "-n", "tare", "-s", "signature"];
        assert!(world.client("ssh-keygen", &verify, "hello").status.success(), "{kind}");
        assert!(!world.client("ssh-keygen", &verify, "hallo").status.success(), "{kind}");
    }
}

#[test]
fn nothing_else_is_done() {
    let world = World::new("refuse", &["ed25519"]);
    for request in [&[][..], &[1], &[9], &[17, 0], &[18], &[19], &[22], &[23], &[25], &[27], &[11, 0], &[13]]
    {
        assert_eq!(world.ask(request).unwrap(), [FAILURE], "{request:?}");
    }
    let added = world.client("ssh-add", &["-D"], "");
    assert!(!added.status.success());
    assert!(world.client("ssh-add", &["-l"], "").status.success());
    // A message that is too long ends the conversation.
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
    assert!(receive(&mut stream).is_err());
}

#[test]
fn connections_have_an_end_and_a_limit() {
    let world = World::new("many", &["ed25519"]);
    let mut all: Vec<UnixStream> =
        (0..MOST + 8).map(|_| UnixStream::connect(world.socket()).unwrap()).collect();
    let mut answered = 0;
    for stream in &mut all {
        let _ = send(stream, &[REQUEST_IDENTITIES]);
        answered += usize::from(receive(stream).is_ok());
    }
    assert_eq!(answered, MOST);
    // They are open still, and that keeps nobody.
    drop(world);
    assert!(all.iter_mut().all(|stream| receive(stream).is_err()));
}

#[test]
fn a_real_agent_is_asked_to_list_and_to_sign_only() {
    let inner = World::new("inner", &["ed25519"]);
    let agent = Agent::read(&[inner.socket()]).unwrap();
    let outer = Serving::start(inner.folder.join("outer"), agent, Access::own()).unwrap();
    let listed = client(&outer.address(), &inner.folder, "ssh-add", &["-l"], "");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("(ED25519)"));
    let signed = client(
        &outer.address(),
        &inner.folder,
        "ssh-keygen",
        &["-Y", "sign", "-n", "x", "-f", "ed25519.pub"],
        "x",
    );
    assert!(signed.status.success());
    let mut stream = UnixStream::connect(outer.socket()).unwrap();
    send(&mut stream, &[19]).unwrap();
    assert_eq!(receive(&mut stream).unwrap(), [FAILURE]);
}

#[test]
fn sockets_and_keys_do_not_mix() {
    let world = World::new("mix", &["ed25519"]);
    let mixed = Agent::read(&[world.folder.join("ed25519"), world.socket()]);
    assert!(mixed.err().is_some_and(|e| e.ends_with("is an agent's socket, which goes with nothing else")));
}

#[test]
fn a_long_path_has_a_short_address_and_the_socket_is_the_owners() {
    let name = "long".repeat(20);
    let world = World::new(&name, &["ed25519"]);
    let serving = world.serving.as_ref().unwrap();
    assert!(serving.socket().as_os_str().len() > LONGEST_PATH);
    let listed = client(&serving.address(), &world.folder, "ssh-add", &["-l"], "");
    assert!(listed.status.success());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&serving.socket()), mode(serving.socket().parent().unwrap())), (0o600, 0o700));
}
