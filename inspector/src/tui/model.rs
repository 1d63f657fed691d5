//! What the interface knows and shows. Only [`super::update`] changes it; [`super::view`] draws it.

use super::index::Index;
use super::keys::Keymap;
use super::layout::{Areas, Splits, View, areas};
use super::look::{Ink, Look};
use super::panes;
use super::prompt::Prompt;
use super::search::Domain;
use super::worker::{At, Data, Request, Want};
use crate::open::Origin;
use crate::symbols::Symbols;
use crate::tree::tree;
use ckpt_compat::arm::Isa;
use ckpt_format::{Order, Tables};
use ckpt_parser::detect::Detection;
use ckpt_parser::diagnostic::Diagnostic;
use ckpt_parser::model::{Ends, Holders, Image, Mm, ObjRef, Task};
use ratatui::layout::Rect;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Cursor and first shown line of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The line with the cursor.
    pub cursor: usize,
    /// The line at the top.
    pub top: usize,
}

impl Scroll {
    /// Keeps cursor and top within a list of `len` lines of which `height` are shown.
    pub fn fit(&mut self, len: usize, height: usize) {
        self.cursor = self.cursor.min(len.saturating_sub(1));
        let most = len.saturating_sub(height.max(1));
        self.top = self.top.min(most).min(self.cursor);
        self.top = self
            .top
            .max((self.cursor + 1).saturating_sub(height.max(1)));
    }
}

/// How far reading has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Opening the file.
    #[default]
    Opening,
    /// Unpacking; bytes so far.
    Unpacking(u64),
    /// Indexing; offset so far, length if known.
    Indexing(u64, Option<u64>),
    /// Building the model; records so far.
    Modelling(u64),
    /// Done.
    Ready,
    /// The user stopped it.
    Stopped,
    /// It cannot be read; why.
    Failed(String),
}

impl Phase {
    /// Whether more of the image is to come.
    pub fn is_reading(&self) -> bool {
        !matches!(self, Phase::Ready | Phase::Stopped | Phase::Failed(_))
    }
}

/// What Enter follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A record, and a byte in it.
    Record(u64, u64),
    /// An offset in the image.
    Offset(u64),
    /// The definition of a shared object.
    Object(ObjRef),
    /// An address of an address space.
    Address(ObjRef, u64),
    /// An instruction of an address space, ARM or Thumb.
    Code(ObjRef, u64, Isa),
    /// A register of a task, by the name of its field.
    Register(u32, &'static str),
    /// A task, in this view.
    Task(u32, View),
    /// An open file, in the Files view.
    File(ObjRef),
    /// Another target for the compatibility check.
    Target(usize),
}

/// A line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Pieces of text, left to right.
    pub cells: Vec<(String, Ink)>,
    /// What Enter follows.
    pub link: Option<Link>,
}

impl Row {
    /// A line of one piece.
    pub fn new(text: impl Into<String>, ink: Ink) -> Row {
        Row {
            cells: vec![(text.into(), ink)],
            link: None,
        }
    }
    /// A name in a column of 14 and a value.
    pub fn pair(name: &str, value: impl Into<String>, ink: Ink) -> Row {
        Row::new(format!("{name:<14} "), Ink::Name).and(value, ink)
    }
    /// The same line with another piece.
    pub fn and(mut self, text: impl Into<String>, ink: Ink) -> Row {
        self.cells.push((text.into(), ink));
        self
    }
    /// The same line with something to follow.
    pub fn link(mut self, link: Link) -> Row {
        self.link = Some(link);
        self
    }
    /// Its text.
    pub fn text(&self) -> String {
        self.cells.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// A place one can come back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// View.
    pub view: View,
    /// Pane.
    pub pane: usize,
    /// Record.
    pub record: u64,
    /// Byte in the record.
    pub byte: u64,
    /// Task.
    pub task: u32,
    /// Address space.
    pub mm: ObjRef,
    /// Address.
    pub addr: u64,
    /// Line of the first pane, in views that have no place of their own.
    pub line: usize,
}

/// What the lines of a pane must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The word, in small letters.
    pub word: String,
    /// The pane.
    pub pane: usize,
}

/// The lines that a filter lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// The view.
    pub view: View,
    /// The pane.
    pub pane: usize,
    /// The lines.
    pub lines: Vec<usize>,
}

/// How memory is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code {
    /// As bytes.
    #[default]
    Bytes,
    /// As ARM instructions.
    Arm,
    /// As Thumb instructions.
    Thumb,
}

/// How vector registers are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Bytes of a lane: 16, 8 or 4.
    pub size: usize,
    /// Number format.
    pub format: Format,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Hex,
    Int,
    Float,
}

/// A search and what it has found.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// As typed.
    pub text: String,
    /// Where; `None` in lists.
    pub domain: Option<Domain>,
    /// Offsets or addresses, in order.
    pub hits: Vec<u64>,
    /// Nothing more will come.
    pub over: bool,
    /// Length of a match in bytes.
    pub len: u64,
    /// The first match has been gone to.
    pub shown: bool,
    /// The number of the match that was told last.
    pub told: usize,
}

/// How to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quit {
    /// Leave the screen as it was before.
    Clean,
    /// Leave what is shown.
    Keep,
}

/// What lies over the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The keys; first line.
    Help(usize),
    /// The bookmarks; the one with the cursor.
    Bookmarks(usize),
    /// The tour of a first visit; page.
    Tour(usize),
}

/// A line of the Files view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLine {
    /// A descriptor table.
    Table(ObjRef),
    /// A descriptor: table, place in it.
    Fd(ObjRef, u32),
    /// Files that no descriptor holds.
    Others,
    /// Such a file.
    File(ObjRef),
    /// IPC namespace.
    Ipc(ObjRef),
    /// A message queue of one.
    Queue(ObjRef, u32),
    /// A shared segment of one.
    Segment(ObjRef, u32),
    /// A semaphore set of one.
    Semaphores(ObjRef, u32),
}

/// What the views want to know of an image in another order than it stands there.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    /// Tasks as a tree: index and depth.
    pub order: Vec<(u32, u16)>,
    /// Lines of the Files view.
    pub files: Vec<FileLine>,
    /// Who holds a file.
    pub holders: Holders,
    /// Which files are the two ends of something.
    pub ends: Ends,
    /// How often a file is mapped in an address space.
    pub mapped: BTreeMap<(ObjRef, ObjRef), usize>,
    /// Bytes of the mappings of an address space.
    pub sizes: BTreeMap<ObjRef, u64>,
}

impl Derived {
    /// Of an image; takes a moment if it is large.
    pub fn of(image: &Image) -> Derived {
        let (mut mapped, mut sizes) = (BTreeMap::new(), BTreeMap::new());
        for (number, mm) in &image.mms {
            let size: &mut u64 = sizes.entry(*number).or_default();
            for vma in &mm.vmas {
                *size = size.saturating_add(vma.len());
                if vma.file > 0 {
                    *mapped.entry((vma.file, *number)).or_default() += 1;
                }
            }
        }
        let holders = image.holders();
        Derived {
            order: tree(image)
                .iter()
                .map(|(task, depth)| (task.index, *depth))
                .collect(),
            files: panes::files::lines(image, &holders),
            holders,
            ends: image.ends(),
            mapped,
            sizes,
        }
    }
}

/// Everything.
pub struct Model {
    /// Colours and glyphs.
    pub look: Look,
    /// Keys.
    pub keys: Keymap,
    /// The terminal.
    pub screen: Rect,
    /// The view that is shown.
    pub view: View,
    /// The pane that has the keys, by view.
    pub focus: [usize; 8],
    /// Dragged dividers, by view.
    pub splits: [Option<Splits>; 8],
    /// The image's name, safe to show.
    pub name: String,
    /// How far reading has come.
    pub phase: Phase,
    /// What the image was, once it is open.
    pub origin: Option<Origin>,
    /// Tables of the dialect.
    pub tables: Option<Arc<Tables>>,
    /// The dialect and why.
    pub detection: Option<Box<Detection>>,
    /// What is wrong.
    pub findings: Vec<Diagnostic>,
    /// The records.
    pub index: Index,
    /// The model of the image, when it is there.
    pub image: Option<Arc<Image>>,
    /// What follows from it.
    pub derived: Derived,
    /// Cursors, by view and pane.
    pub lists: [[Scroll; 3]; 8],
    /// What lines must contain, by view; Records filters its index.
    pub filters: [Option<Filter>; 8],
    /// Lines that the filter of the view lets pass.
    pub passing: Option<Passing>,
    /// The line, or the record, that was selected before the filter that is being typed.
    pub unfiltered: usize,
    /// The task that Registers and Memory show.
    pub task: u32,
    /// The address space that Memory shows; 0 for that of the task.
    pub mm: ObjRef,
    /// The address under the cursor.
    pub addr: u64,
    /// The first address shown.
    pub addr_top: u64,
    /// The byte under the cursor in the present record.
    pub byte: u64,
    /// First shown row of the record's bytes.
    pub byte_top: u64,
    /// How memory is shown.
    pub code: Code,
    /// How vector registers are shown.
    pub lanes: Lanes,
    /// Answers to what the screen wants.
    pub cache: HashMap<Want, Data>,
    /// What was asked for and not answered.
    pub asked: HashSet<Want>,
    /// Symbols of address spaces; `None` while they are being read.
    pub symbols: BTreeMap<ObjRef, Option<Arc<Symbols>>>,
    /// A line that is being typed.
    pub prompt: Option<Prompt>,
    /// What lies over the view.
    pub overlay: Option<Overlay>,
    /// What was said last.
    pub message: Option<(String, Ink)>,
    /// Places that were left, and which of them is the present one.
    pub history: (Vec<Place>, usize),
    /// Bookmarks.
    pub bookmarks: Vec<Place>,
    /// The search.
    pub search: Search,
    /// Leave, and how.
    pub quit: Option<Quit>,
    /// Text for the clipboard.
    pub clipboard: Option<String>,
    /// The process is to be stopped (C-z).
    pub suspend: bool,
    /// Everything is to be drawn anew.
    pub redraw: bool,
    /// The divider that is being dragged.
    pub drag: Option<usize>,
    /// The comparison with another image.
    pub diff: panes::diff::State,
    /// The compatibility check.
    pub compat: panes::compat::State,
}

impl Model {
    /// Nothing is known yet.
    pub fn new(name: String, look: Look, keys: Keymap) -> Model {
        Model {
            look,
            keys,
            screen: Rect::new(0, 0, 80, 24),
            view: View::Records,
            focus: [0; 8],
            splits: [None; 8],
            name,
            phase: Phase::Opening,
            origin: None,
            tables: None,
            detection: None,
            findings: Vec::new(),
            index: Index::new(OPEN_LEVEL),
            image: None,
            derived: Derived::default(),
            lists: [[Scroll::default(); 3]; 8],
            filters: [const { None }; 8],
            passing: None,
            unfiltered: 0,
            task: 0,
            mm: 0,
            addr: 0,
            addr_top: 0,
            byte: 0,
            byte_top: 0,
            code: Code::Bytes,
            lanes: Lanes {
                size: 8,
                format: Format::Hex,
            },
            cache: HashMap::new(),
            asked: HashSet::new(),
            symbols: BTreeMap::new(),
            prompt: None,
            overlay: None,
            message: None,
            history: (Vec::new(), 0),
            bookmarks: Vec::new(),
            search: Search::default(),
            quit: None,
            clipboard: None,
            suspend: false,
            redraw: false,
            drag: None,
            diff: panes::diff::State::default(),
            compat: panes::compat::State::default(),
        }
    }
    /// Where the panes are.
    pub fn areas(&self) -> Areas {
        let splits = self.splits[self.view as usize].unwrap_or(self.view.splits(self.screen.width));
        areas(self.view, self.screen, splits)
    }
    /// The inside of a pane, below its title.
    pub fn inside(&self, pane: usize) -> Rect {
        let area = self.areas().panes.get(pane).copied().unwrap_or_default();
        Rect::new(
            area.x,
            area.y + 1.min(area.height),
            area.width,
            area.height.saturating_sub(1),
        )
    }
    /// The pane that has the keys.
    pub fn pane(&self) -> usize {
        self.focus[self.view as usize].min(self.view.panes() - 1)
    }
    /// Cursor of a pane of the present view.
    pub fn scroll(&self, pane: usize) -> Scroll {
        self.lists[self.view as usize]
            .get(pane)
            .copied()
            .unwrap_or_default()
    }
    /// The same, to change.
    pub fn scroll_mut(&mut self, view: View, pane: usize) -> &mut Scroll {
        &mut self.lists[view as usize][pane.min(2)]
    }
    /// The record under the cursor of the outline.
    pub fn record(&self) -> Option<u64> {
        self.index
            .at_row(self.lists[View::Records as usize][0].cursor as u64)
    }
    /// The line under the cursor of a pane, counted without the filter.
    pub fn line(&self, view: View, pane: usize) -> Option<usize> {
        self.line_of(view, pane, self.lists[view as usize].get(pane)?.cursor)
    }
    /// What line a row of a pane shows.
    pub fn line_of(&self, view: View, pane: usize, row: usize) -> Option<usize> {
        match self.passing(view, pane) {
            Some(lines) => lines.get(row).copied(),
            None => Some(row),
        }
    }
    /// The row that shows a line of a pane, if its filter lets it pass.
    pub fn row_of(&self, view: View, pane: usize, line: usize) -> Option<usize> {
        match self.passing(view, pane) {
            Some(lines) => lines.iter().position(|passes| *passes == line),
            None => Some(line),
        }
    }
    /// The lines that the filter of a pane lets pass, if it has one.
    pub fn passing(&self, view: View, pane: usize) -> Option<&[usize]> {
        let passing = self.passing.as_ref()?;
        ((passing.view, passing.pane) == (view, pane)).then_some(&passing.lines)
    }
    /// The word that the lines of a pane of the present view must contain.
    pub fn filter(&self, pane: usize) -> Option<&str> {
        if self.view == View::Records {
            return self.index.filter().filter(|_| pane == 0);
        }
        let filter = self.filters[self.view as usize].as_ref()?;
        (filter.pane == pane).then_some(&filter.word)
    }
    /// Where a record is, for wants.
    pub fn at(&self, record: u64) -> Option<At> {
        let entry = self.index.get(record)?;
        Some(At {
            offset: entry.offset(),
            len: self.index.end_of(record).saturating_sub(entry.offset()),
            role: entry.role(),
        })
    }
    /// The task that Registers and Memory show.
    pub fn current_task(&self) -> Option<&Task> {
        self.image.as_ref()?.tasks.get(self.task as usize)
    }
    /// The address space that Memory shows.
    pub fn current_mm(&self) -> Option<(ObjRef, &Mm)> {
        let image = self.image.as_ref()?;
        let number = if self.mm != 0 {
            self.mm
        } else {
            self.current_task()?.live.as_ref()?.mm
        };
        Some((number, image.mms.get(&number)?))
    }
    /// Byte order of the image.
    pub fn order(&self) -> Order {
        self.tables
            .as_ref()
            .map_or(Order::Little, |tables| tables.dialect.abi.order)
    }
    /// Bytes of a pointer.
    pub fn word(&self) -> usize {
        self.tables
            .as_ref()
            .map_or(4, |tables| usize::from(tables.dialect.abi.arch.word_size()))
    }
    /// The short name of an image that is no stream.
    pub fn foreign(&self) -> Option<&'static str> {
        self.origin.and_then(Origin::foreign)
    }
    /// What the image is and what it is shown as; empty until that is known.
    pub fn shown_as(&self) -> String {
        let dialect = self.detection.as_ref().map(|detection| detection.dialect);
        let dialect = dialect.map_or(String::new(), |d| {
            format!("{} {}", d.revision, d.abi.arch.name())
        });
        match self.foreign() {
            Some(name) if !dialect.is_empty() => format!("{name} as {dialect}"),
            _ => dialect,
        }
    }
    /// An answer, if it is there.
    pub fn data(&self, want: &Want) -> Option<&Data> {
        self.cache.get(want)
    }
    /// Where we are.
    pub fn place(&self) -> Place {
        Place {
            view: self.view,
            pane: self.pane(),
            record: self.record().unwrap_or(0),
            byte: self.byte,
            task: self.task,
            mm: self.mm,
            addr: self.addr,
            line: self.lists[self.view as usize][0].cursor,
        }
    }
    /// The symbols of an address space, once they are known.
    pub fn symbols_of(&self, mm: ObjRef) -> Option<&Symbols> {
        self.symbols.get(&mm)?.as_deref()
    }
    /// What the screen needs and nobody was asked for yet.
    pub fn requests(&mut self) -> impl Iterator<Item = Request> + use<> {
        let screen = self.screen_request();
        self.symbols_request().into_iter().chain(screen)
    }
    /// Symbols of the address space that is shown, where symbols are shown.
    fn symbols_request(&mut self) -> Option<Request> {
        if !matches!(self.view, View::Registers | View::Memory) {
            return None;
        }
        let (mm, _) = self.current_mm()?;
        if self.symbols.contains_key(&mm) {
            return None;
        }
        if self.symbols.len() >= MOST_SPACES {
            self.symbols.clear();
        }
        self.symbols.insert(mm, None);
        Some(Request::Symbols(mm))
    }
    /// Answers that no screen needs any more are dropped when there are too many.
    fn screen_request(&mut self) -> Option<Request> {
        let mut wants = Vec::new();
        panes::wants(self, &mut wants);
        if self.cache.len() > MOST_ANSWERS {
            let keep: HashSet<&Want> = wants.iter().collect();
            self.cache.retain(|want, _| keep.contains(want));
        }
        wants.retain(|want| !self.cache.contains_key(want));
        if wants.is_empty() || wants.iter().all(|want| self.asked.contains(want)) {
            return None;
        }
        self.asked = wants.iter().cloned().collect();
        Some(Request::Screen(wants))
    }
    /// Whether an answer is on its way.
    pub fn waiting(&self) -> bool {
        !self.asked.is_empty()
    }
    /// Whether symbols are being read.
    pub fn awaits_symbols(&self) -> bool {
        self.symbols.values().any(Option::is_none)
    }
}

/// Nodes of the outline above this depth are open at first.
pub const OPEN_LEVEL: u8 = 2;
/// Answers that are kept; a screen needs fewer than a hundred.
const MOST_ANSWERS: usize = 512;
/// Address spaces whose symbols are kept.
const MOST_SPACES: usize = 8;
