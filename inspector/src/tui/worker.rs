//! The threads that read: one opens the image and answers what the screen wants to know, one builds
//! the index and the model, one searches.
//!
//! The interface never reads the file. It says what the present screen needs as a list of
//! [`Want`]s; the answers arrive as [`Message`]s in the one channel that it waits on.

use super::index::{CHUNK, Chunk, Entry};
use super::model::Derived;
use super::search::{self, Domain};
use super::spool::{self, Spooled};
use crate::backtrace::{self, Frame};
use crate::call::SystemCall;
use crate::detail::{Detail, Record};
use crate::diff::Diff;
use crate::judge;
use crate::open::{Opened, Origin};
use crate::pattern::Pattern;
use crate::symbols::Symbols;
use crate::sysroot::Sysroot;
use ckpt_compat::Assessment;
use ckpt_format::Tables;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::detect::Detection;
use ckpt_parser::diagnostic::Findings;
use ckpt_parser::grammar::Role;
use ckpt_parser::memory::{Memory, Span};
use ckpt_parser::model::{Image, ObjRef, validate};
use ckpt_parser::source::{Source, Window};
use ckpt_parser::text::escape;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Something that the screen needs from the image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// A record's row in the outline.
    Row(At),
    /// A record's fields.
    Fields(At),
    /// Bytes of the image.
    Bytes {
        /// Where.
        offset: u64,
        /// How many.
        len: u32,
    },
    /// Memory of a process.
    Memory {
        /// Address space.
        mm: ObjRef,
        /// First address.
        addr: u64,
        /// How many bytes.
        len: u32,
    },
    /// The calls that a task is in, by its place in the image.
    Calls(u32),
    /// How full of what a stretch of memory is.
    Strip {
        /// Address space.
        mm: ObjRef,
        /// First address.
        start: u64,
        /// Address behind the last byte.
        end: u64,
        /// Number of equal parts to tell about.
        cells: u16,
    },
}

/// Where a record is and what it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// Offset in the image.
    pub offset: u64,
    /// Length up to the next record.
    pub len: u64,
    /// What it is in its place.
    pub role: Role,
}

/// Part of a strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Nothing stored: zero, in a file, or unmapped.
    Absent,
    /// Stored, all zero.
    Zero,
    /// Stored; entropy in bits a byte.
    Data(f32),
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Data {
    /// To [`Want::Row`].
    Row(String),
    /// To [`Want::Fields`].
    Fields(Arc<Detail>),
    /// To [`Want::Bytes`].
    Bytes(Vec<u8>),
    /// To [`Want::Memory`]: bytes, where they come from, and the files that were at hand.
    Memory(Vec<u8>, Vec<Span>, Vec<ObjRef>),
    /// To [`Want::Calls`]: those that have not returned, and the system call.
    Calls(Vec<Frame>, Option<SystemCall>),
    /// To [`Want::Strip`].
    Strip(Vec<Cell>),
    /// It cannot be known before the dialect, or the model, is.
    Later,
    /// Reading failed; why.
    Failed(String),
}

/// What the interface asks of the threads.
#[derive(Debug)]
pub enum Request {
    /// What the screen needs now; older lists that were not begun are dropped.
    Screen(Vec<Want>),
    /// Find something; a search that still runs is stopped.
    Search(Domain, Pattern),
    /// Write a piece of the image to a file.
    Export(super::export::Export),
    /// Judge the image for every target of the catalogue, and this one.
    Judge(Option<String>),
    /// Compare with another image.
    Compare(PathBuf),
    /// Read the symbols of an address space.
    Symbols(ObjRef),
    /// Stop the search.
    Cancel,
    /// Stop reading the image.
    Stop,
}

/// What the threads tell the interface.
pub enum Message {
    /// A key, a click, or a new size.
    Input(crossterm::event::Event),
    /// A signal of the operating system.
    Signal(i32),
    /// The image is open: what it was, and bytes of a pipe or a compressed file that are in a temporary file now.
    Opened(Origin, Option<u64>),
    /// A pipe or a compressed file is being unpacked: bytes so far.
    Unpacked(u64),
    /// The dialect is known.
    Detected(Arc<Tables>, Box<Detection>),
    /// Records of the index.
    Chunk {
        /// Its number.
        number: usize,
        /// Its records.
        records: Arc<Chunk>,
        /// Offset behind the last of them.
        end: u64,
        /// Length of the image, if known.
        len: Option<u64>,
    },
    /// All records are indexed: what was found wrong on the way, whether TAIL was there.
    Indexed(Box<Findings>, bool),
    /// The model is being built: records so far.
    Modelling(u64),
    /// The model is there.
    Image(Arc<Image>, Box<Derived>),
    /// Answers.
    Data(Vec<(Want, Data)>),
    /// More places that a search has found; whether it is over.
    Found(Vec<u64>, bool),
    /// An export is done: what to say about it.
    Exported(Result<String, String>),
    /// The image has been judged.
    Judged(Box<Result<Vec<Assessment>, String>>),
    /// The images have been compared.
    Compared(Box<Result<Diff, String>>),
    /// Symbols of an address space.
    Symbols(ObjRef, Arc<Symbols>),
    /// Nothing more can be read; why.
    Failed(String),
}

/// How an image is to be opened.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// The image; `None` for the sample.
    pub path: Option<PathBuf>,
    /// How to read records.
    pub options: Options,
    /// Files of the image's machine.
    pub sysroot: Option<PathBuf>,
}

/// The threads of an image.
pub struct Worker {
    requests: Sender<Request>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    /// Starts reading; everything is told to `tell`.
    pub fn start(how: How, tell: Sender<Message>) -> Worker {
        let (requests, receiver) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            if let Err(error) = serve(&how, &tell, &receiver, &stopped) {
                let _ = tell.send(Message::Failed(error.to_string()));
            }
        });
        Worker { requests, stop }
    }
    /// Asks for something.
    pub fn ask(&self, request: Request) {
        if matches!(request, Request::Stop) {
            self.stop.store(true, Ordering::Relaxed);
        }
        // The thread is gone only if the image could not be opened, which it has said.
        let _ = self.requests.send(request);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What the indexing thread hands to the answering one.
#[derive(Default)]
struct Known {
    tables: Option<(Arc<Tables>, u32)>,
    image: Option<Arc<Image>>,
}

fn serve(
    how: &How,
    tell: &Sender<Message>,
    requests: &Receiver<Request>,
    stop: &Arc<AtomicBool>,
) -> io::Result<()> {
    let path = how.path.as_deref();
    let told = |bytes| drop(tell.send(Message::Unpacked(bytes)));
    let Spooled { opened, copied } = spool::open(path, &how.options.limits, stop, told)
        .map_err(|error| cannot_open(path, &error))?;
    let _ = tell.send(Message::Opened(opened.origin, copied));
    let known = Arc::new(Mutex::new(Known::default()));
    spawn_reader(
        opened.clone(),
        how.options.clone(),
        tell.clone(),
        known.clone(),
        stop.clone(),
    )?;
    let source = opened.source()?;
    let len = source.len();
    let mut answers = Answers {
        window: Window::new(source),
        len,
        known: known.clone(),
        sysroot: Sysroot::new(how.sysroot.clone()),
    };
    let mut jobs = Jobs {
        how,
        opened,
        known,
        tell: tell.clone(),
        stop: stop.clone(),
        latest: Arc::default(),
    };
    while let Ok(first) = requests.recv() {
        // Only the newest screen matters, and it is answered behind what else was asked.
        let mut screen = None;
        let others = std::iter::once(first)
            .chain(requests.try_iter())
            .filter_map(|request| match request {
                Request::Screen(wants) => {
                    screen = Some(wants);
                    None
                }
                other => Some(other),
            });
        for request in others.collect::<Vec<_>>() {
            jobs.begin(request)?;
        }
        if let Some(wants) = screen {
            let found = wants.into_iter().map(|want| {
                let data = answers.answer(&want);
                (want, data)
            });
            let _ = tell.send(Message::Data(found.collect()));
        }
    }
    Ok(())
}

fn cannot_open(path: Option<&Path>, error: &io::Error) -> io::Error {
    let name = path.map_or_else(String::new, |path| path.display().to_string());
    io::Error::new(error.kind(), format!("cannot open {name}: {error}"))
}

/// What is done aside, so that the screen does not wait for it.
struct Jobs<'a> {
    how: &'a How,
    opened: Opened,
    known: Arc<Mutex<Known>>,
    tell: Sender<Message>,
    stop: Arc<AtomicBool>,
    /// Number of the newest search; older ones stop.
    latest: Arc<AtomicU64>,
}

impl Jobs<'_> {
    fn begin(&mut self, request: Request) -> io::Result<()> {
        let (opened, known, tell) = (self.opened.clone(), self.known.clone(), self.tell.clone());
        match request {
            // The flag that stops the reader is set when it is asked for.
            Request::Screen(_) | Request::Stop => {}
            Request::Search(domain, pattern) => {
                let latest = self.latest.clone();
                let number = latest.fetch_add(1, Ordering::Relaxed) + 1;
                let image = image_of(&known);
                std::thread::spawn(move || {
                    let current: search::Current =
                        Arc::new(move || latest.load(Ordering::Relaxed) == number);
                    search::run(
                        &opened,
                        image.as_deref(),
                        domain,
                        &pattern,
                        &current,
                        |found, over| {
                            let _ = tell.send(Message::Found(found, over));
                        },
                    );
                });
            }
            Request::Export(export) => {
                let (image, source) = (image_of(&known), opened.source()?);
                std::thread::spawn(move || {
                    let done = export.write(source, image.as_deref());
                    let _ = tell.send(Message::Exported(done.map_err(|e| e.to_string())));
                });
            }
            Request::Judge(target) => {
                let (image, source) = (image_of(&known), opened.source()?);
                let (origin, sysroot) = (opened.origin, self.how.sysroot.clone());
                std::thread::spawn(move || {
                    let judged = image.map_or(Ok(Vec::new()), |image| {
                        let evidence = judge::evidence(&image, source, origin, sysroot)?;
                        Ok(judge::assess(&evidence, target.as_deref()))
                    });
                    let judged = judged.map_err(|e: io::Error| escape(e.to_string().as_bytes()));
                    let _ = tell.send(Message::Judged(Box::new(judged)));
                });
            }
            Request::Compare(path) => {
                let (options, stop) = (self.how.options.clone(), self.stop.clone());
                std::thread::spawn(move || {
                    let diff = compare(&opened, &known, &path, &options, &stop);
                    let diff = diff.map_err(|error| escape(error.to_string().as_bytes()));
                    let _ = tell.send(Message::Compared(Box::new(diff)));
                });
            }
            Request::Symbols(number) => {
                let (image, source) = (image_of(&known), opened.source()?);
                let sysroot = self.how.sysroot.clone();
                std::thread::spawn(move || {
                    let symbols = image.and_then(|image| {
                        let mm = image.mms.get(&number)?;
                        let mut memory = Memory::new(&image, source);
                        Some(Symbols::of(&image, mm, &mut memory, sysroot.as_deref()))
                    });
                    let symbols = Arc::new(symbols.unwrap_or_default());
                    let _ = tell.send(Message::Symbols(number, symbols));
                });
            }
            Request::Cancel => {
                self.latest.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn compare(
    opened: &Opened,
    known: &Mutex<Known>,
    path: &Path,
    options: &Options,
    stop: &AtomicBool,
) -> io::Result<Diff> {
    let read = |opened: &Opened| {
        let mut decoder = opened.decoder(options.clone())?;
        Image::read(&mut decoder, |_| !stop.load(Ordering::Relaxed))
    };
    let other = spool::open(Some(path), &options.limits, stop, |_| {})?.opened;
    // The first image may still be read by its own thread; reading it again is simplest.
    let left = match image_of(known) {
        Some(image) => image,
        None => Arc::new(read(opened)?),
    };
    let right = read(&other)?;
    crate::diff::compare((&left, opened.source()?), (&right, other.source()?))
}

fn image_of(known: &Mutex<Known>) -> Option<Arc<Image>> {
    known.lock().ok()?.image.clone()
}

fn spawn_reader(
    opened: Opened,
    options: Options,
    tell: Sender<Message>,
    known: Arc<Mutex<Known>>,
    stop: Arc<AtomicBool>,
) -> io::Result<()> {
    let read = move || {
        let done = read_all(&opened, &options, &tell, &known, &stop);
        if let Err(error) = done
            && error.kind() != io::ErrorKind::Interrupted
        {
            let _ = tell.send(Message::Failed(error.to_string()));
        }
    };
    std::thread::Builder::new()
        .name("reader".into())
        .spawn(read)?;
    Ok(())
}

/// Indexes all records, then builds the model.
fn read_all(
    opened: &Opened,
    options: &Options,
    tell: &Sender<Message>,
    known: &Mutex<Known>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let len = opened.source()?.len();
    let mut decoder = opened.decoder(options.clone())?;
    let detection = decoder.detection().clone();
    let tables = decoder.tables().clone();
    if let Ok(mut known) = known.lock() {
        known.tables = Some((tables.clone(), detection.page_size));
    }
    let _ = tell.send(Message::Detected(tables, Box::new(detection)));
    index_all(&mut decoder, len, tell, stop)?;
    let complete = decoder.is_complete();
    let findings = std::mem::take(decoder.findings_mut());
    let _ = tell.send(Message::Indexed(Box::new(findings), complete));

    let mut decoder = opened.decoder(options.clone())?;
    let mut image = Image::read(&mut decoder, |progress| {
        let _ = tell.send(Message::Modelling(progress.records));
        !stop.load(Ordering::Relaxed)
    })?;
    let more = validate(&image, options.limits.diagnostics);
    image.findings.extend(more);
    image.findings.sort();
    let derived = Box::new(Derived::of(&image));
    let image = Arc::new(image);
    if let Ok(mut known) = known.lock() {
        known.image = Some(image.clone());
    }
    let _ = tell.send(Message::Image(image, derived));
    Ok(())
}

/// Records after which the screen is told for the first time: it must not wait for the index.
const FIRST: usize = 64;
/// How long the index then gives way to the first screen, on machines with few processors.
const COURTESY: Duration = Duration::from_millis(2);

fn index_all(
    decoder: &mut Decoder<Box<dyn Source>>,
    len: Option<u64>,
    tell: &Sender<Message>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut entries: Vec<Entry> = Vec::with_capacity(CHUNK);
    let mut number = 0;
    let send = |number: usize, entries: &[Entry], end: u64| {
        let records = Arc::new(Chunk::of(entries));
        let _ = tell.send(Message::Chunk {
            number,
            records,
            end,
            len,
        });
    };
    while let Some(event) = decoder.next() {
        let event = event?;
        entries.push(Entry::of(&event));
        let full = entries.len() == CHUNK;
        let first = number == 0 && entries.len() == FIRST;
        if full || first {
            send(number, &entries, event.frame.end());
        }
        if first {
            std::thread::sleep(COURTESY);
        }
        if full {
            number += 1;
            entries.clear();
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
    }
    if !entries.is_empty() {
        send(number, &entries, decoder.offset());
    }
    Ok(())
}

/// Answers what the screen wants to know.
struct Answers {
    window: Window<Box<dyn Source>>,
    /// Length of the image when it was opened, if it was known.
    len: Option<u64>,
    known: Arc<Mutex<Known>>,
    sysroot: Sysroot,
}

/// Bytes of a record that are decoded; further ones are payload.
const HELD: u64 = 64 << 10;

impl Answers {
    fn answer(&mut self, want: &Want) -> Data {
        match self.try_answer(want) {
            Ok(data) => data.unwrap_or(Data::Later),
            Err(error) => Data::Failed(error.to_string()),
        }
    }

    fn try_answer(&mut self, want: &Want) -> io::Result<Option<Data>> {
        let (tables, image) = match self.known.lock() {
            Ok(known) => (known.tables.clone(), known.image.clone()),
            Err(_) => (None, None),
        };
        Ok(match (want, tables, image) {
            (Want::Row(at), Some((tables, page_size)), _) => {
                let bytes = self.bytes(at.offset, at.len.min(512))?;
                let record = record(&tables, page_size, at, bytes);
                Some(Data::Row(record.summary()))
            }
            (Want::Fields(at), Some((tables, page_size)), _) => {
                let bytes = self.bytes(at.offset, at.len.min(HELD))?;
                let record = record(&tables, page_size, at, bytes);
                Some(Data::Fields(Arc::new(record.detail())))
            }
            (Want::Bytes { offset, len }, _, _) => {
                let bytes = self.bytes(*offset, u64::from(*len))?;
                Some(Data::Bytes(bytes.to_vec()))
            }
            (Want::Memory { mm, addr, len }, _, Some(image)) => {
                self.memory(&image, *mm, *addr, *len)?
            }
            // Who has no code to look at, as a zombie, has an answer, too: it is not asked for again and again.
            (Want::Calls(task), _, Some(image)) => self.calls(&image, *task).or_else(|| {
                let task = image.tasks.get(*task as usize);
                let call = task.and_then(|task| SystemCall::recorded(&image, task));
                Some(Data::Calls(Vec::new(), call))
            }),
            (
                Want::Strip {
                    mm,
                    start,
                    end,
                    cells,
                },
                _,
                Some(image),
            ) => {
                let cells = strip(self.window.source(), &image, *mm, *start..*end, *cells)?;
                Some(Data::Strip(cells))
            }
            _ => None,
        })
    }

    /// Bytes of the image; an error if they were there when it was opened, and are gone.
    fn bytes(&mut self, offset: u64, len: u64) -> io::Result<&[u8]> {
        let bytes = self.window.bytes(offset, len as usize)?;
        let wanted = self.len.map_or(0, |end| end.min(offset + len));
        if offset + (bytes.len() as u64) < wanted {
            let why = "the file has become shorter since it was opened: these bytes are gone";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        Ok(bytes)
    }

    fn calls(&mut self, image: &Image, task: u32) -> Option<Data> {
        let task = image.tasks.get(task as usize)?;
        let (regs, abi) = (task.arm()?, task.live.as_ref()?.abi.as_ref());
        let mut memory = Memory::new(image, self.window.source());
        let (memory, sysroot) = (&mut memory, &mut self.sysroot);
        let frames = backtrace::of(regs, abi, image.mm_of(task)?, memory, sysroot);
        let call = SystemCall::of(image, task, memory, sysroot);
        Some(Data::Calls(frames, call))
    }

    fn memory(
        &mut self,
        image: &Image,
        mm: ObjRef,
        addr: u64,
        len: u32,
    ) -> io::Result<Option<Data>> {
        let Some(mm) = image.mms.get(&mm) else {
            return Ok(Some(Data::Failed(format!("no address space {mm}"))));
        };
        let mut memory = Memory::new(image, self.window.source());
        let mut bytes = vec![0; len as usize];
        let spans = memory.read(mm, addr, &mut bytes)?;
        let files = self.sysroot.fill(image, &spans, addr, &mut bytes);
        Ok(Some(Data::Memory(bytes, spans, files)))
    }
}

fn record<'a>(tables: &'a Tables, page_size: u32, at: &At, bytes: &'a [u8]) -> Record<'a> {
    Record {
        tables,
        page_size,
        bytes,
        len: at.len,
        role: at.role,
    }
}

/// Bytes that are looked at for one cell of a strip.
const SAMPLE: u64 = 4096;

fn strip(
    source: &mut Box<dyn Source>,
    image: &Image,
    mm: ObjRef,
    range: std::ops::Range<u64>,
    cells: u16,
) -> io::Result<Vec<Cell>> {
    let Some(mm) = image.mms.get(&mm) else {
        return Ok(Vec::new());
    };
    let step = ((range.end - range.start) / u64::from(cells.max(1))).max(1);
    let mut memory = Memory::new(image, source);
    let mut bytes = vec![0; SAMPLE as usize];
    let mut found = Vec::with_capacity(usize::from(cells));
    for i in 0..u64::from(cells) {
        let start = range.start + i * step;
        let end = (start + step).min(range.end);
        let stored = ckpt_parser::memory::spans(image, mm, start, end)
            .find(|span| matches!(span.backing, ckpt_parser::memory::Backing::Stored(_)));
        let Some(span) = stored else {
            found.push(Cell::Absent);
            continue;
        };
        let len = span.len.min(SAMPLE) as usize;
        let Some(piece) = bytes.get_mut(..len) else {
            continue;
        };
        memory.read(mm, span.addr, piece)?;
        found.push(measure(piece));
    }
    Ok(found)
}

/// Entropy of bytes in bits a byte.
fn measure(bytes: &[u8]) -> Cell {
    let mut counts = [0u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    if counts
        .first()
        .is_some_and(|zeros| *zeros as usize == bytes.len())
    {
        return Cell::Zero;
    }
    let all = bytes.len() as f32;
    let bits = counts.iter().filter(|n| **n > 0).map(|n| {
        let p = *n as f32 / all;
        -p * p.log2()
    });
    Cell::Data(bits.sum())
}
