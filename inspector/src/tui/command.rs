//! The command line.

use super::export::Form;
use super::keys::TABLE;
use super::layout::View;
use super::look::Ink;
use super::model::{Link, Model, Quit};
use super::update::{export, follow, open_view, say, search, set_filter};
use super::worker::Request;
use super::{panes, update};
use crate::pattern::parse_number;
use ckpt_format::Tag;

/// Commands: name, arguments, what it does.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "goto",
        "WHERE",
        "0x8000, pc, lr+8, main: to an address; #12: to a record; @0x1f0: to an offset",
    ),
    (
        "record",
        "[TYPE] N",
        "to record N, or to the Nth of a type (record vma 12)",
    ),
    ("object", "N", "to the definition of a shared object"),
    ("task", "PID", "to a task"),
    ("view", "NAME", "to a view"),
    ("search", "PATTERN", "as / does"),
    ("filter", "WORD", "as f does"),
    ("target", "NAME", "check compatibility with a target"),
    ("diff", "FILE", "compare with another image"),
    (
        "export",
        "raw|hex|json FILE",
        "write the selection to a new file",
    ),
    ("help", "", "the keys"),
    ("quit", "", "leave"),
];

/// What is to follow a command that is typed without its argument; of an empty line, the commands.
pub fn usage(text: &str) -> Option<String> {
    if text.is_empty() {
        let names = COMMANDS.iter().map(|(name, ..)| *name);
        return Some(names.collect::<Vec<_>>().join(" "));
    }
    let named = |(name, args, _): &&(&str, &str, &str)| {
        !args.is_empty() && text.strip_suffix(' ') == Some(name)
    };
    let (_, args, help) = COMMANDS.iter().find(named)?;
    Some(format!("{args} · {help}"))
}

/// Completions of a line.
pub fn complete(model: &Model, text: &str) -> Vec<String> {
    let Some((command, rest)) = text.split_once(' ') else {
        let names = COMMANDS.iter().filter(|(name, ..)| name.starts_with(text));
        return names
            .map(|(name, args, _)| {
                if args.is_empty() {
                    (*name).to_owned()
                } else {
                    format!("{name} ")
                }
            })
            .collect();
    };
    let choices: Vec<String> = match command {
        "goto" => places(model, rest),
        "record" => Tag::ALL
            .iter()
            .map(|tag| format!("{} ", tag.name().to_lowercase()))
            .collect(),
        "view" => View::ALL
            .iter()
            .map(|view| view.name().to_lowercase())
            .collect(),
        "target" => model
            .compat
            .judged
            .iter()
            .map(|assessment| assessment.target.clone())
            .collect(),
        "task" => {
            let tasks = model.image.as_ref().map_or(&[][..], |image| &image.tasks);
            tasks
                .iter()
                .take(1000)
                .map(|task| task.pid.to_string())
                .collect()
        }
        "export" => Form::NAMES
            .iter()
            .map(|(name, _)| format!("{name} "))
            .collect(),
        "diff" => files(rest),
        _ => Vec::new(),
    };
    choices
        .into_iter()
        .filter(|choice| choice.starts_with(rest))
        .map(|choice| format!("{command} {choice}"))
        .collect()
}

/// Names that stand for an address: registers, and symbols that begin like this.
fn places(model: &Model, begin: &str) -> Vec<String> {
    let live = model.current_task().and_then(|task| task.live.as_ref());
    let registers = live.map_or(Vec::new(), |live| live.regs.list());
    let mut names: Vec<String> = registers.into_iter().map(|(name, _)| name).collect();
    let symbols = model.current_mm().and_then(|(mm, _)| model.symbols_of(mm));
    if let Some(symbols) = symbols.filter(|_| !begin.is_empty()) {
        let starting = symbols.starting(begin).take(MOST_CHOICES);
        names.extend(starting.map(str::to_owned));
    }
    names.dedup();
    names
}

/// Symbols that are offered at once.
const MOST_CHOICES: usize = 200;

/// Files whose path begins like this; directories end with a slash.
fn files(begin: &str) -> Vec<String> {
    let (folder, name) = begin
        .rsplit_once('/')
        .map_or(("", begin), |(folder, name)| (folder, name));
    let look_in = match (folder, begin.starts_with('/')) {
        ("", true) => "/",
        ("", false) => ".",
        (folder, _) => folder,
    };
    let entries = std::fs::read_dir(look_in)
        .into_iter()
        .flatten()
        .flatten()
        .take(10_000);
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let file = entry
                .file_name()
                .into_string()
                .ok()
                .filter(|file| file.starts_with(name))?;
            let slash = if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                "/"
            } else {
                ""
            };
            let above = &begin[..begin.len() - name.len()];
            Some(format!("{above}{file}{slash}"))
        })
        .collect();
    found.sort();
    found
}

/// Does what a line says.
pub fn run(model: &mut Model, line: &str) -> Option<Request> {
    let line = line.trim();
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let matching: Vec<&str> = COMMANDS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| name.starts_with(command))
        .collect();
    let command = match matching[..] {
        _ if command.is_empty() => return None,
        [only] => only,
        _ if matching.contains(&command) => command,
        _ => {
            let names: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
            say(
                model,
                format!("{command}: no such command; there are {}", names.join(", ")),
                Ink::Bad,
            );
            return None;
        }
    };
    match command {
        "goto" => goto(model, rest),
        "record" => record(model, rest),
        "object" => match rest.parse() {
            Ok(number) => follow(model, Link::Object(number)),
            Err(_) => say(model, "object N", Ink::Bad),
        },
        "task" => task(model, rest),
        "view" => match View::ALL
            .iter()
            .find(|view| view.name().eq_ignore_ascii_case(rest))
        {
            Some(view) => open_view(model, *view),
            None => say(model, format!("no view is called {rest}"), Ink::Bad),
        },
        "search" => return search(model, rest),
        "filter" => set_filter(model, rest),
        "target" => {
            open_view(model, View::Compat);
            return panes::compat::choose_named(model, rest);
        }
        "diff" => return diff(model, rest),
        "export" => return write(model, rest),
        "help" => return update::update(model, super::keys::Action::Help),
        _ => model.quit = Some(Quit::Clean),
    }
    None
}

fn diff(model: &mut Model, path: &str) -> Option<Request> {
    if path.is_empty() {
        say(model, "diff FILE", Ink::Bad);
        return None;
    }
    model.diff.other = Some(ckpt_parser::text::escape(path.as_bytes()));
    model.diff.diff = None;
    open_view(model, View::Diff);
    Some(Request::Compare(path.into()))
}

fn write(model: &mut Model, rest: &str) -> Option<Request> {
    let (form, to) = rest.split_once(' ').unwrap_or((rest, ""));
    let form = Form::NAMES.iter().find(|(name, _)| *name == form);
    match (form, to.trim()) {
        (Some((_, form)), to) if !to.is_empty() => {
            let wanted = export(model, *form, to).map(Request::Export);
            if wanted.is_none() {
                say(model, "Nothing to export here", Ink::Warn);
            }
            wanted
        }
        _ => {
            say(model, "export raw|hex|json FILE", Ink::Bad);
            None
        }
    }
}

fn task(model: &mut Model, rest: &str) {
    let found = rest
        .parse()
        .ok()
        .and_then(|pid| model.image.as_ref()?.task_by_pid(pid))
        .map(|task| task.index);
    match found {
        Some(task) => {
            let view = if model.view == View::Registers {
                View::Registers
            } else {
                View::Tasks
            };
            follow(model, Link::Task(task, view));
        }
        None => say(model, format!("no task has pid {rest}"), Ink::Bad),
    }
}

fn record(model: &mut Model, rest: &str) {
    let (kind, number) = rest.rsplit_once(' ').unwrap_or(("", rest));
    let number = match (kind, parse_number(number)) {
        (_, Some(number)) => number,
        // "record vma" is the first one.
        ("", None) if !rest.is_empty() => return nth(model, rest, 1),
        _ => return say(model, "record [TYPE] N", Ink::Bad),
    };
    if !kind.is_empty() {
        return nth(model, kind.trim(), number);
    }
    if number >= model.index.len() {
        return say(
            model,
            format!("the last record is {}", model.index.len().saturating_sub(1)),
            Ink::Bad,
        );
    }
    follow(model, Link::Record(number, 0));
}

fn nth(model: &mut Model, kind: &str, number: u64) {
    let kind = kind.to_lowercase();
    let is = |i: &u64| {
        model
            .index
            .get(*i)
            .is_some_and(|e| e.title().to_lowercase().starts_with(&kind))
    };
    let skip = usize::try_from(number.max(1) - 1).unwrap_or(usize::MAX);
    match (0..model.index.len()).filter(is).nth(skip) {
        Some(record) => follow(model, Link::Record(record, 0)),
        None => say(
            model,
            format!("there is no {kind} number {number}"),
            Ink::Bad,
        ),
    }
}

/// Shows d0 to d31, q0 to q15 or s0 to s31 of the task. False if the name is none of these; a number that is written
/// like one, as `d0000`, is an address, but not one that could only be a slip, as `d99`.
fn vector_register(model: &mut Model, name: &str) -> bool {
    let (kind, number) = name.split_at_checked(1).unwrap_or_default();
    let (size, count) = match kind {
        "d" => (8, 32),
        "q" => (16, 16),
        "s" => (4, 32),
        _ => return false,
    };
    let Some(number) = (0..100).find(|n: &u32| n.to_string() == number) else {
        return false;
    };
    let asked = name.to_owned();
    if number >= count {
        let hex = if kind == "d" {
            format!("; as an address: 0x{asked}")
        } else {
            String::new()
        };
        let text = format!(
            "{asked} is no register: {kind}0 to {kind}{}{hex}",
            count - 1
        );
        say(model, text, Ink::Bad);
        return true;
    }
    let before = (model.view, model.lanes);
    let place = model.place();
    model.view = View::Registers;
    model.lanes.size = size;
    let name = match size {
        4 => format!("d{}", number / 2),
        _ => name.to_owned(),
    };
    if panes::registers::select(model, &name) {
        update::leave(model, place);
    } else {
        (model.view, model.lanes) = before;
        say(model, format!("This thread has no {asked}"), Ink::Bad);
    }
    true
}

/// Goes to an address, a register plus or minus something, a record or an offset.
fn goto(model: &mut Model, rest: &str) {
    if let Some(number) = rest.strip_prefix('#') {
        return record(model, number);
    }
    if let Some(offset) = rest.strip_prefix('@') {
        return match parse_number(offset) {
            Some(offset) => follow(model, Link::Offset(offset)),
            None => say(model, format!("{offset}: not an offset"), Ink::Bad),
        };
    }
    if vector_register(model, rest) {
        return;
    }
    let (base, delta) = match rest.find(['+', '-']).filter(|at| *at > 0) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let base = base.trim();
    let live = model.current_task().and_then(|task| task.live.as_ref());
    let register = live.and_then(|live| live.regs.get(base));
    let space = model.current_mm().map(|(mm, _)| mm);
    let symbol = || model.symbols_of(space?)?.find(base);
    let hex = || u64::from_str_radix(base, 16).ok();
    let delta = match (delta.get(..1), delta.get(1..).and_then(parse_number)) {
        (None | Some(""), _) => 0,
        (Some("-"), Some(by)) => by.wrapping_neg(),
        (_, Some(by)) => by,
        (_, None) => return say(model, format!("{rest}: not an address"), Ink::Bad),
    };
    let Some(addr) = register
        .or_else(|| parse_number(base))
        .or_else(symbol)
        .or_else(hex)
        .map(|base| base.wrapping_add(delta))
    else {
        return say(
            model,
            format!("{rest}: no address, no register and no symbol that is known"),
            Ink::Bad,
        );
    };
    match space {
        Some(mm) => follow(model, Link::Address(mm, addr)),
        None => say(model, "No task with memory is selected", Ink::Warn),
    }
}

/// Commands and keys as lines of the help: name and words; headings have no name.
pub fn help(model: &Model) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut group = "";
    for binding in TABLE {
        if binding.group != group {
            group = binding.group;
            lines.push((String::new(), group.to_owned()));
        }
        let keys = model.keys.keys_of(binding.action).join(" ");
        lines.push((keys, binding.help.to_owned()));
    }
    lines.push((String::new(), "Commands".to_owned()));
    lines.extend(
        COMMANDS
            .iter()
            .map(|(name, args, help)| (format!(":{name} {args}"), (*help).to_owned())),
    );
    lines
}
