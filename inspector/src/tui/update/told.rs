//! What the threads say.

use super::{find, fit, input, next_match, panes, registers, say, select_field};
use crate::tui::layout::View;
use crate::tui::look::Ink;
use crate::tui::model::{Model, Phase};
use crate::tui::worker::{Data, Message, Request, Want};
use crate::words;
use ckpt_parser::text::escape;

/// What a message of the threads leads to.
pub fn told(model: &mut Model, message: Message) -> Option<Request> {
    let mut request = None;
    match message {
        Message::Input(event) => return input(model, &event),
        Message::Signal(_) => {}
        Message::Opened(origin, copied) => {
            model.origin = Some(origin);
            model.phase = Phase::Indexing(0, None);
            if let Some(bytes) = copied {
                let folder = escape(std::env::temp_dir().as_os_str().as_encoded_bytes());
                let size = words::size(bytes);
                let text = format!("Unpacked {size} into {folder}; gone when you leave");
                say(model, text, Ink::Dim);
            }
        }
        Message::Unpacked(bytes) => model.phase = Phase::Unpacking(bytes),
        Message::Detected(tables, detection) => {
            model.tables = Some(tables);
            forget_later(model);
            model.findings.clone_from(&detection.diagnostics);
            model.detection = Some(detection);
        }
        Message::Chunk {
            number,
            records,
            end,
            len,
        } => {
            model.index.put(number, records, end);
            if model.phase != Phase::Stopped {
                model.phase = Phase::Indexing(end, len);
            }
        }
        Message::Indexed(findings, _) => {
            model.findings = findings.kept().to_vec();
            model.phase = Phase::Modelling(0);
        }
        Message::Modelling(records) => {
            if model.phase != Phase::Stopped {
                model.phase = Phase::Modelling(records);
            }
        }
        Message::Image(image, derived) => {
            model.derived = *derived;
            model.findings = image.findings.kept().to_vec();
            model.image = Some(image);
            model.phase = Phase::Ready;
            forget_later(model);
            registers::show_pc(model);
            request = panes::compat::begin(model);
        }
        Message::Data(answers) => answered(model, answers),
        Message::Found(hits, over) => found(model, hits, over),
        Message::Exported(Ok(text)) => say(model, text, Ink::Good),
        Message::Exported(Err(why)) => say(model, why, Ink::Bad),
        Message::Failed(why) => {
            // The pane has the room to say it, the bottom line has not.
            model.phase = Phase::Failed(escape(why.as_bytes()));
        }
        Message::Symbols(mm, symbols) => {
            // Those of a space that was dropped meanwhile are asked for again when it is shown.
            if let Some(place) = model.symbols.get_mut(&mm) {
                *place = Some(symbols);
            }
        }
        Message::Compared(diff) => panes::diff::compared(model, *diff),
        Message::Judged(judged) => panes::compat::judged(model, *judged),
    }
    fit(model);
    request
}

/// Answers to what the screen wanted.
fn answered(model: &mut Model, answers: Vec<(Want, Data)>) {
    model.asked.clear();
    // An answer may have crossed the news that it waits for: it is asked for again.
    let known = |want: &Want| match want {
        Want::Row(_) | Want::Fields(_) => model.tables.is_some(),
        _ => model.image.is_some(),
    };
    let stale = |(want, data): &(Want, Data)| matches!(data, Data::Later) && known(want);
    let answers: Vec<_> = answers
        .into_iter()
        .filter(|answer| !stale(answer))
        .collect();
    let fields = answers
        .iter()
        .any(|(want, _)| matches!(want, Want::Fields(_)));
    model.cache.extend(answers);
    // Who was sent to a byte of the record is shown its field.
    if fields && model.view == View::Records {
        select_field(model);
    }
}

/// What a search has found since it was last heard of.
fn found(model: &mut Model, hits: Vec<u64>, over: bool) {
    model.search.hits.extend(hits);
    // Those of buffers come in the order of what holds them.
    model.search.hits.sort_unstable();
    model.search.over = over;
    if !model.search.shown && (over || !model.search.hits.is_empty()) {
        model.search.shown = true;
        next_match(model, false);
    } else if over {
        find::recount(model);
    }
}

/// What could not be known is asked for again.
fn forget_later(model: &mut Model) {
    model.cache.retain(|_, data| !matches!(data, Data::Later));
}
