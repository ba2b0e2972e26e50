//! `tare run`: a stored image's program in the sandbox.

use std::path::PathBuf;

use engine::container::{Request, prepare};
use oci::Platform;
use sandbox::{Input, Io, Output};
use store::Stored;

use crate::cli::Run;
use crate::failure::{Failure, Outcome, doing};

/// Runs it, and gives its exit code.
pub fn run(args: Run) -> Outcome {
    let (image, words) = args.command.split_first().expect("clap requires the image");
    if image.starts_with('-') {
        return Err(Failure::Usage(format!("unexpected argument `{image}`: see `tare run --help`")));
    }
    let request = Request { args: words.to_vec(), ..request(&args)? };
    crate::namespace::enter()?;
    let store = crate::home::store()?;
    let _user = store.share()?;
    store.sweep();
    let stored = here(&super::names::find(&store, image)?)?;
    let step = prepare(&store, &stored, &request)?;
    let stdin = if args.interactive { Input::Inherit } else { Input::Empty };
    let io = Io { stdin, stdout: Output::Inherit, stderr: Output::Inherit };
    let running = sandbox::spawn(&step, io).map_err(doing("start a sandbox"))?;
    if !args.tty {
        forward(running.control());
    }
    let ended = running.wait();
    match ended {
        Ok(finished) => Ok(finished.exit.code()),
        Err(e) => {
            eprintln!("error: {e}");
            Ok(e.code().unwrap_or(1))
        }
    }
}

/// Of an index the image that runs on this machine.
fn here(stored: &Stored) -> Result<Stored, Failure> {
    let host = Platform::host();
    stored.on(&host).ok_or_else(|| {
        let offered: Vec<String> =
            stored.platforms.iter().map(|member| member.platform.to_string()).collect();
        let (name, offered) = (super::names::display(stored), offered.join(", "));
        Failure::Other(format!("image `{name}` is for {offered}, not for {host}"))
    })
}

/// The program decides what a signal means.
fn forward(control: sandbox::Control) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    let Ok(mut signals) =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
    else {
        return;
    };
    std::thread::spawn(move || signals.forever().for_each(|signal| control.signal(signal)));
}

fn request(args: &Run) -> Result<Request, Failure> {
    args.publish.iter().try_for_each(|p| check_port(p))?;
    let offline = match args.network.as_str() {
        "host" => false,
        "none" => true,
        other => return Err(Failure::Usage(format!("`--network {other}`: host or none"))),
    };
    Ok(Request {
        entrypoint: args.entrypoint.clone(),
        env: args.env.iter().filter_map(|e| variable(e)).collect(),
        volumes: args.volumes.iter().map(|v| volume(v)).collect::<Result<_, _>>()?,
        user: args.user.clone(),
        workdir: args.workdir.clone(),
        tty: args.tty,
        offline,
        read_only: args.read_only,
        ..Request::default()
    })
}

/// `K=V`, or the caller's `K`.
fn variable(text: &str) -> Option<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => Some((text.to_owned(), std::env::var(text).ok()?)),
    }
}

/// `HOST:CONTAINER`, `HOST:CONTAINER:ro`; both absolute, or the host's relative to here.
fn volume(text: &str) -> Result<(PathBuf, PathBuf, bool), Failure> {
    let bad = |why: &str| Failure::Usage(format!("`-v {text}`: {why}"));
    let parts: Vec<&str> = text.split(':').collect();
    let (host, target, readonly) = match parts.as_slice() {
        [host, target] | [host, target, "rw"] => (host, target, false),
        [host, target, "ro"] => (host, target, true),
        [_, _, other] => return Err(bad(&format!("`{other}` is neither ro nor rw"))),
        _ => return Err(bad("write it as HOST:CONTAINER or HOST:CONTAINER:ro")),
    };
    if !host.contains('/') && !host.starts_with('.') {
        return Err(bad("named volumes are not supported; give a path"));
    }
    match target.starts_with('/') {
        true => Ok((PathBuf::from(host), PathBuf::from(target), readonly)),
        false => Err(bad("the path in the container must be absolute")),
    }
}

/// The container has the host's network, so a port can't become another one.
fn check_port(text: &str) -> Result<(), Failure> {
    let ports: Vec<&str> = text.split('/').next().unwrap_or_default().rsplitn(3, ':').collect();
    let bad = |why: String| Err(Failure::Usage(format!("`-p {text}`: {why}")));
    match ports.as_slice() {
        [inner, outer, ..] if inner == outer && inner.parse::<u16>().is_ok() => Ok(()),
        [inner, outer, ..] if inner.parse::<u16>().is_ok() && outer.parse::<u16>().is_ok() => bad(format!(
            "containers use the host's network, so port {inner} can't become {outer}; use -p {inner}:{inner}"
        )),
        _ => bad("write it as PORT:PORT".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_without_an_image_for_this_machine_says_what_it_has() {
        let stored = |platform: Platform| {
            let image = oci::Image::new(oci::ImageConfig::default(), vec![]);
            let what = oci::Tagged::index(vec![(platform, image)], Default::default());
            Stored::new("docker.io/library/app:1", &what, vec![vec![]], 0, "preserve")
        };
        let own = stored(Platform::host());
        assert_eq!(here(&own).ok().map(|found| found.id), Some(own.platforms[0].id));
        let expected = format!("image `app:1` is for linux/mips, not for {}", Platform::host());
        assert!(matches!(here(&stored(Platform::linux("mips"))), Err(Failure::Other(m)) if m == expected));
    }

    #[test]
    fn ports_must_be_the_same() {
        for (text, good) in [
            ("80:80", true),
            ("127.0.0.1:80:80", true),
            ("80:80/tcp", true),
            ("8080:80", false),
            ("80", false),
        ] {
            assert_eq!(check_port(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn volumes_are_paths() {
        assert!(volume("/a:/b").is_ok_and(|v| v == ("/a".into(), "/b".into(), false)));
        assert!(volume("./a:/b:ro").is_ok_and(|v| v.2));
        for bad in ["data:/b", "/a", "/a:b", "/a:/b:rx"] {
            assert!(volume(bad).is_err(), "{bad}");
        }
    }
}
