//! The config that the old Dockerfile's image has, to what the new one's is to have.
//!
//! Of the base image's own settings nothing is known, and nothing needed: there is no base.

use oci::config::{Config, Healthcheck};
use plan::Op;

use super::{Changed, Last, Old, Taken, shell};

/// Variables that are for whoever compiles.
const FOR_COMPILING: &[&str] = &[
    "GOOS",
    "GOARCH",
    "GOARM",
    "GOAMD64",
    "GOARM64",
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GOCACHE",
    "GOMODCACHE",
    "GOPROXY",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOINSECURE",
    "GOFLAGS",
    "GOTOOLCHAIN",
    "GOEXPERIMENT",
    "GOVCS",
    "GO111MODULE",
    "GOWORK",
    "GOLANG_VERSION",
];

/// Programs that start another one, and what stands between them.
const WRAPPERS: &[&str] = &["tini", "dumb-init", "catatonit", "docker-init"];

/// Takes the config over.
pub fn take(old: &Old, last: &Last, taken: &mut Taken) {
    let config = &old.plan.outcome.config.config;
    env(config, taken);
    ports(config, taken);
    user(old, config, taken);
    start(config, last, taken);
    let interface = taken.ask.interface.get_or_insert_default();
    interface.volumes = config.volumes.keys().cloned().collect();
    interface.labels = config.labels.clone();
    let author = &old.plan.outcome.config.author;
    if !author.is_empty() {
        let name = "org.opencontainers.image.authors".to_owned();
        interface.labels.entry(name).or_insert_with(|| author.clone());
    }
    interface.stop_signal = Some(config.stop_signal.clone()).filter(|signal| !signal.is_empty());
    // The folder of the compiler's stage is nobody's; one that somebody set for the image is.
    let sets_folder = last.steps.iter().any(|id| matches!(old.plan.step(*id).op, Op::Workdir(_)));
    interface.workdir = Some(config.working_dir.clone()).filter(|_| sets_folder || last.is_single);
    for path in config.volumes.keys() {
        taken.notes.push(format!("VOLUME {path}: it is root's in a new container, and the program runs as another user: `--user` or the volume's owner has to fit"));
    }
    for trigger in &config.on_build {
        taken.notes.push(format!(
            "`ONBUILD {trigger}` is not carried over: there is no shell and no package in the image"
        ));
    }
    if let Some(check) = &config.healthcheck {
        health(check, last, taken);
    }
    stays(config, taken);
}

fn env(config: &Config, taken: &mut Taken) {
    let usual = |name: &str, value: &str| {
        name == "PATH" && value.ends_with("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    };
    for (name, value) in config.env.iter().filter_map(|pair| pair.split_once('=')) {
        let is_compiler = FOR_COMPILING.contains(&name) || name.starts_with("CGO_");
        if !is_compiler && !usual(name, value) {
            taken.ask.env.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn ports(config: &Config, taken: &mut Taken) {
    let short = |port: &String| port.strip_suffix("/tcp").unwrap_or(port).to_owned();
    taken.ask.expose = config.exposed_ports.keys().map(short).collect();
    let is_low = |port: &String| {
        port.split(['/', '-']).next().and_then(|n| n.parse().ok()).is_some_and(|n: u16| n < 1024)
    };
    for port in taken.ask.expose.iter().filter(|port| is_low(port)) {
        taken.notes.push(format!("port {port}: on the host's network only root may listen there; in a network of its own any user may"));
    }
}

/// Numbers stay. A name has to be in the image's list of users, which is that of the toolchain's.
fn user(old: &Old, config: &Config, taken: &mut Taken) {
    let user = config.user.as_str();
    let name = user.split(':').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name {
        "" if taken.facts.base.as_deref().is_some_and(|base| base.contains("nonroot")) => {
            taken.ask.user = Some("65532:65532".to_owned());
        }
        "" | "root" | "0" => taken.facts.user = Changed::From("root".to_owned()),
        "nobody" => taken.facts.user = Changed::From("nobody".to_owned()),
        "nonroot" => taken.ask.user = Some("65532:65532".to_owned()),
        name if is_number(name) && user.split(':').all(is_number) => taken.ask.user = Some(user.to_owned()),
        name => {
            taken.ask.user = number_of(old, name);
            taken.facts.user = Changed::From(name.to_owned());
        }
    }
}

/// The number that a step gives to the user that it makes.
fn number_of(old: &Old, name: &str) -> Option<String> {
    let runs = old.plan.steps.iter().filter_map(|step| match &step.op {
        Op::Run(run) => Some(run),
        _ => None,
    });
    let mut commands = runs.flat_map(|run| shell::commands(run));
    commands.find_map(|command| {
        let makes = command.is("adduser") || command.is("useradd");
        let is_its = command.words.iter().any(|word| word == name);
        let at = command.words.iter().position(|word| ["-u", "--uid"].contains(&word.as_str()));
        let next = at.and_then(|at| command.words.get(at + 1)).cloned();
        let joined = command.words.iter().find_map(|word| word.strip_prefix("--uid=").map(str::to_owned));
        next.or(joined).filter(|number| makes && is_its && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// ENTRYPOINT and CMD as they are, as long as what they start is there.
fn start(config: &Config, last: &Last, taken: &mut Taken) {
    let mut entrypoint = exec(config.entrypoint.as_deref(), "ENTRYPOINT", taken);
    let mut cmd = exec(config.cmd.as_deref(), "CMD", taken);
    unwrap(&mut entrypoint, taken);
    if entrypoint.is_empty() {
        unwrap(&mut cmd, taken);
    }
    let first = |words: &[String]| words.first().cloned();
    let is_there = |word: &str| is_program(word, config, last);
    // Behind an ENTRYPOINT in shell form CMD has no say.
    let is_unread = config.entrypoint.is_some() && entrypoint.is_empty();
    let started = first(&entrypoint).or_else(|| first(&cmd)).filter(|_| !is_unread);
    match started {
        Some(word) if is_there(&word) => {
            (taken.ask.entrypoint, taken.ask.cmd) = (entrypoint, cmd);
            taken.facts.starts_as_before = true;
            keeps_start(taken);
        }
        // A script that ends in `exec "$@"`: what it would have started is named behind it.
        Some(script) if !is_unread && first(&cmd).is_some_and(|word| is_there(&word)) => {
            taken.notes.push(format!(
                "`{script}` is not carried over: there is no shell; what CMD names is started without it"
            ));
            taken.ask.cmd = cmd;
            keeps_start(taken);
        }
        other => {
            if let Some(word) = other {
                taken.notes.push(format!(
                    "ENTRYPOINT or CMD with `{word}` is not carried over: it is not a program of the image"
                ));
            }
            // Else the recipe chooses.
            if let [one] = &last.programs[..] {
                taken.ask.entrypoint = vec![one.path.clone()];
                keeps_start(taken);
            }
        }
    }
}

fn keeps_start(taken: &mut Taken) {
    taken.ask.interface.get_or_insert_default().keeps_start = true;
}

/// Words; those of a shell's line, if any program could be told them.
fn exec(words: Option<&[String]>, keyword: &'static str, taken: &mut Taken) -> Vec<String> {
    match words {
        Some([shell, option, text]) if shell.ends_with("sh") && option == "-c" => match shell::plain(text) {
            Some(words) => {
                taken.facts.shell_forms.push(keyword);
                words
            }
            None => {
                taken
                    .notes
                    .push(format!("`{keyword} {text}` is not carried over: there is no shell to read it"));
                Vec::new()
            }
        },
        words => words.unwrap_or_default().to_vec(),
    }
}

/// The program itself is process 1 as well.
fn unwrap(words: &mut Vec<String>, taken: &mut Taken) {
    let name = words.first().map(|word| word.rsplit('/').next().unwrap_or_default().to_owned());
    let Some(name) = name.filter(|name| WRAPPERS.contains(&name.as_str())) else { return };
    let own = words.iter().skip(1).take_while(|word| word.starts_with('-') && *word != "--").count();
    let end = words.get(own + 1).is_some_and(|word| word == "--");
    words.drain(..1 + own + usize::from(end));
    taken.facts.wrapper = Some(name);
}

fn is_program(word: &str, config: &Config, last: &Last) -> bool {
    match word.contains('/') {
        true => last.program(&plan::path::join(&config.working_dir, word)).is_some(),
        false => {
            let path = config.env.iter().find_map(|pair| pair.strip_prefix("PATH=")).unwrap_or_default();
            path.split(':').any(|folder| last.program(&plan::path::join(folder, word)).is_some())
        }
    }
}

fn health(check: &Healthcheck, last: &Last, taken: &mut Taken) {
    let words = match check.test.split_first() {
        Some((kind, words)) if kind == "CMD" => words.to_vec(),
        Some((kind, words)) if kind == "CMD-SHELL" => {
            words.first().and_then(|text| shell::plain(text)).unwrap_or_else(|| words.to_vec())
        }
        _ => return,
    };
    if words.first().is_none_or(|word| last.program(word).is_none()) {
        let text = words.join(" ");
        taken.notes.push(format!("`HEALTHCHECK CMD {text}` is not carried over: the image has no program for it; the program itself could have a flag for that"));
        return;
    }
    let times = [
        ("interval", check.interval),
        ("timeout", check.timeout),
        ("start-period", check.start_period),
        ("start-interval", check.start_interval),
    ];
    let times = times.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("--{name}={}", duration(*n)));
    let retries = (check.retries > 0).then(|| format!("--retries={}", check.retries));
    let flags = times.chain(retries).collect();
    taken.ask.interface.get_or_insert_default().healthcheck = Some((flags, words));
}

fn duration(nanoseconds: i64) -> String {
    match nanoseconds {
        n if n % 1_000_000_000 == 0 => format!("{}s", n / 1_000_000_000),
        n => format!("{}ms", n / 1_000_000),
    }
}

/// What of all that is there and stays, for people.
fn stays(config: &Config, taken: &mut Taken) {
    let Taken { ask, stays, facts, .. } = taken;
    let starts = |words: &[String]| facts.starts_as_before && !words.is_empty();
    let words = |keyword: &str, words: &[String]| format!("{keyword} {}", words.join(" "));
    let interface = ask.interface.clone().unwrap_or_default();
    stays.extend(starts(&ask.entrypoint).then(|| words("ENTRYPOINT", &ask.entrypoint)));
    stays.extend(starts(&ask.cmd).then(|| words("CMD", &ask.cmd)));
    let names: Vec<String> = ask.env.keys().cloned().collect();
    stays.extend((!names.is_empty()).then(|| words("ENV", &names)));
    stays.extend((!ask.expose.is_empty()).then(|| words("EXPOSE", &ask.expose)));
    let labels: Vec<String> = interface.labels.keys().cloned().collect();
    stays.extend((!labels.is_empty()).then(|| words("LABEL", &labels)));
    stays.extend((!interface.volumes.is_empty()).then(|| words("VOLUME", &interface.volumes)));
    stays.extend(interface.workdir.as_ref().map(|path| format!("WORKDIR {path}")));
    stays.extend(interface.stop_signal.as_ref().map(|signal| format!("STOPSIGNAL {signal}")));
    stays.extend(interface.healthcheck.is_some().then(|| "HEALTHCHECK".to_owned()));
    stays.extend(ask.user.as_ref().filter(|user| **user == config.user).map(|user| format!("USER {user}")));
}
