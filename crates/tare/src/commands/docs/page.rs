//! A command's definition to its page of the reference.
//!
//! Pages depend on the definition alone: not on the terminal, nor on the environment.

use clap::{Arg, Command};

/// File names and texts: one page a command, and one that lists them.
pub fn all(command: Command) -> Vec<(String, String)> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![("tare.md".to_owned(), contents(&command))];
    pages.extend(shown(&command).map(|sub| (file_name(sub), page(sub))));
    pages
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn file_name(sub: &Command) -> String {
    format!("tare-{}.md", sub.get_name())
}

fn contents(command: &Command) -> String {
    let row = |sub: &Command| [format!("[`tare {}`]({})", sub.get_name(), file_name(sub)), about(sub)];
    let rows: Vec<_> = shown(command).map(row).collect();
    format!("# tare\n\n{}\n\n{}", about(command), table(["command", "what it does"], &rows))
}

fn page(sub: &Command) -> String {
    let (arguments, options): (Vec<&Arg>, Vec<&Arg>) = args(sub).partition(|arg| arg.is_positional());
    let mut out = format!("# tare {}\n\n{}\n\n```text\n{}\n```\n", sub.get_name(), about(sub), usage(sub));
    out += &section("Arguments", "argument", &arguments);
    out += &section("Options", "option", &options);
    out
}

fn args(sub: &Command) -> impl Iterator<Item = &Arg> {
    sub.get_arguments()
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
}

fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    sentence(&text)
}

/// clap takes the full stop away, since it writes lists.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn usage(sub: &Command) -> String {
    let text = sub.clone().render_usage().to_string();
    text.trim().trim_start_matches("Usage:").trim().to_owned()
}

fn section(title: &str, column: &str, args: &[&Arg]) -> String {
    if args.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = args.iter().map(|arg| [spelling(arg), meaning(arg)]).collect();
    format!("\n## {title}\n\n{}", table([column, "meaning"], &rows))
}

/// `-t`, `--tag NAME`
fn spelling(arg: &Arg) -> String {
    let value = if takes_value(arg) { value_name(arg) } else { String::new() };
    if arg.is_positional() {
        return format!("`{value}`");
    }
    let value = if value.is_empty() { value } else { format!(" {value}") };
    let short = arg.get_short().map(|c| format!("-{c}"));
    let mut names: Vec<String> =
        short.into_iter().chain(arg.get_long().map(|name| format!("--{name}"))).collect();
    names.last_mut().into_iter().for_each(|last| *last += &value);
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn takes_value(arg: &Arg) -> bool {
    arg.is_positional() || arg.get_action().takes_values()
}

fn value_name(arg: &Arg) -> String {
    let names = arg
        .get_value_names()
        .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    names.unwrap_or_else(|| arg.get_id().as_str().to_uppercase())
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut out = sentence(&help);
    if takes_value(arg) {
        out += &choices(arg);
        out += &default(arg);
    }
    out += &environment(arg);
    out
}

fn choices(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    let names: Vec<String> =
        values.iter().filter(|v| !v.is_hide_set()).map(|v| format!("`{}`", v.get_name())).collect();
    if names.is_empty() { String::new() } else { format!(" One of {}.", names.join(", ")) }
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> =
        arg.get_default_values().iter().map(|v| format!("`{}`", v.to_string_lossy())).collect();
    if values.is_empty() { String::new() } else { format!(" Default: {}.", values.join(", ")) }
}

fn environment(arg: &Arg) -> String {
    arg.get_env()
        .map(|name| format!(" Also: `{}` in the environment.", name.to_string_lossy()))
        .unwrap_or_default()
}

fn table(head: [&str; 2], rows: &[[String; 2]]) -> String {
    let rows = rows.iter().map(|[a, b]| format!("| {} | {} |\n", cell(a), cell(b))).collect::<String>();
    format!("| {} | {} |\n|---|---|\n{rows}", head[0], head[1])
}

/// A bar ends a cell even inside backticks.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory};

    use super::*;

    fn example() -> Command {
        let tag = Arg::new("tag").short('t').long("tag").value_name("NAME").help("A name|two");
        let kind = Arg::new("kind").long("kind").value_parser(["a", "b"]).default_value("a").help("Which");
        let quiet =
            Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Says nothing");
        let hidden = Arg::new("later").long("later").hide(true);
        let image = Arg::new("image").required(true).help("The image.");
        let send = Command::new("send").about("Sends").args([tag, kind, quiet, hidden, image]);
        Command::new("tare").about("Makes images").subcommand(send).subcommand(Command::new("__x").hide(true))
    }

    #[test]
    fn a_page_has_usage_arguments_and_options() {
        let pages = all(example());
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["tare.md", "tare-send.md"]);
        let expected = "# tare\n\nMakes images.\n\n| command | what it does |\n|---|---|\n\
            | [`tare send`](tare-send.md) | Sends. |\n";
        assert_eq!(pages[0].1, expected);
        let expected = "# tare send\n\nSends.\n\n```text\ntare send [OPTIONS] <image>\n```\n\n\
            ## Arguments\n\n| argument | meaning |\n|---|---|\n| `IMAGE` | The image. |\n\n\
            ## Options\n\n| option | meaning |\n|---|---|\n\
            | `-t`, `--tag NAME` | A name\\|two. |\n\
            | `--kind KIND` | Which. One of `a`, `b`. Default: `a`. |\n\
            | `-q`, `--quiet` | Says nothing. |\n";
        assert_eq!(pages[1].1, expected);
    }

    #[test]
    fn everything_that_can_be_asked_for_is_explained() {
        let mut command = crate::cli::Cli::command();
        command.build();
        for sub in shown(&command).filter(|sub| sub.get_name() != "help") {
            assert!(!about(sub).is_empty(), "{}", sub.get_name());
            args(sub)
                .for_each(|arg| assert!(arg.get_help().is_some(), "{} {}", sub.get_name(), arg.get_id()));
        }
    }
}
