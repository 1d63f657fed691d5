//! The head of an image and its table of pids (§1.8, §2.4).

use super::*;
use crate::frame::{HEAD_MAGIC, TAIL_MAGIC};

ids! {
    header {
        ARCH_ID = HEADER "arch_id"; MAJOR = HEADER "major"; MINOR = HEADER "minor"; PATCH = HEADER "patch";
        REV = HEADER "rev"; HEAD_MAGIC = HEADER "magic"; TAIL_MAGIC = TAIL "magic"; TIME = HEADER "time"; UFLAGS = HEADER "uflags";
        CPU_ARCHITECTURE = HEADER_ARCH "cpu_architecture"; MMU = HEADER_ARCH "mmu"; AEABI = HEADER_ARCH "aeabi";
        OABI_COMPAT = HEADER_ARCH "oabi_compat"; LSM = LSM_INFO "info"; PID_OFFSET = PIDS "offset";
        FOREIGN_FORMAT = FOREIGN "format"; FOREIGN_SIZE = FOREIGN "size";
    }
}

impl Builder {
    /// HEADER and TAIL have a magic number each (§1.5).
    pub(super) fn magic(&mut self, event: &Event, view: &View) {
        let (id, expected) = match event.tag {
            Some(Tag::Tail) => (header::TAIL_MAGIC, TAIL_MAGIC),
            _ => (header::HEAD_MAGIC, HEAD_MAGIC),
        };
        let found = get(view, id);
        if found != expected {
            let found = format!("magic {found:#018x}, expected {expected:#018x}");
            self.finding(Code::BadMagic, event, found);
        }
    }

    pub(super) fn header(&mut self, event: &Event, view: &View) {
        self.magic(event, view);
        let slots = view.layout.slots.iter().filter_map(|slot| {
            let name = slot.name.strip_prefix("constants.")?;
            Some((name.to_owned(), u16::try_from(view.element(slot, 0)?).ok()?))
        });
        let small = |id| u16::try_from(get(view, id)).unwrap_or(0);
        self.image.header = Header {
            record: record(event),
            arch_id: get32(view, header::ARCH_ID),
            kernel: (
                small(header::MAJOR),
                small(header::MINOR),
                small(header::PATCH),
            ),
            rev: small(header::REV),
            time: get(view, header::TIME),
            uflags: get(view, header::UFLAGS),
            constants: slots.collect(),
            ..Header::default()
        };
    }

    pub(super) fn head_part(&mut self, event: &Event, tag: Tag, view: &View) {
        match tag {
            Tag::LsmInfo => {
                let info = view.raw(header::LSM).unwrap_or_default();
                self.image.header.lsm_info = info.to_vec();
            }
            Tag::Pids => self.image.pid_offset = get32(view, header::PID_OFFSET),
            _ => self.header_arch(event, view),
        }
    }

    /// A file of a foreign image; its name and bytes follow (§10.6).
    pub(super) fn foreign(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        if self.image.foreign.len() >= limits.objects as usize {
            let found = format!("more than {} foreign files", limits.objects);
            return self.finding(Code::TooMany, event, found);
        }
        self.image.foreign.push(ForeignFile {
            record: record(event),
            format: get32(view, header::FOREIGN_FORMAT),
            size: get(view, header::FOREIGN_SIZE),
            ..ForeignFile::default()
        });
    }

    fn header_arch(&mut self, event: &Event, view: &View) {
        self.image.header.arch_record = record(event);
        if view.layout.slot(header::CPU_ARCHITECTURE).is_some() {
            self.image.header.arm = Some(ArmHeader {
                cpu_architecture: get32(view, header::CPU_ARCHITECTURE),
                mmu: get(view, header::MMU) != 0,
                aeabi: get(view, header::AEABI) != 0,
                oabi_compat: get(view, header::OABI_COMPAT) != 0,
            });
        }
    }

    /// Pid tables may be longer than what a payload holds at once; they are read piece by piece.
    pub(super) fn pids<S: Source>(
        &mut self,
        decoder: &mut Decoder<S>,
        event: &Event,
    ) -> io::Result<()> {
        let dialect = decoder.tables().dialect;
        let order = dialect.abi.order;
        let limit = (decoder.options().limits.tasks as usize)
            .saturating_mul(32)
            .min(decoder.options().limits.held_len.max(32 << 20) as usize);
        let bytes = decoder.payload(HEADER_LEN, limit)?.to_vec();
        let words: Vec<i32> = bytes
            .chunks_exact(4)
            .map(|word| (read_uint(word, order) as u32).cast_signed())
            .collect();
        let left = match event.role() {
            Role::Pids => self.read_pid_objects(&words),
            Role::Vpids => {
                let depths = self.depths.iter().map(|depth| *depth as usize);
                let used = depths.fold(0, usize::saturating_add);
                self.vpids = words;
                self.vpids.len().saturating_sub(used)
            }
            _ => self.pid_rows_from(&words, dialect.revision),
        };
        if left > 0 {
            let found = format!("{left} words at the end that make no entry");
            self.finding(Code::BadPids, event, found);
        }
        Ok(())
    }

    /// Entries of variable size: depth, then 1 + depth numbers (§2.4). Gives the number of words that make no entry.
    fn read_pid_objects(&mut self, mut words: &[i32]) -> usize {
        while let Some((depth, rest)) = words.split_first() {
            let Some(count) = usize::try_from(*depth)
                .ok()
                .map(|depth| depth.saturating_add(1))
            else {
                break;
            };
            let Some((numbers, rest)) = rest.split_at_checked(count) else {
                break;
            };
            self.image.pids.push(PidObject {
                depth: depth.cast_unsigned(),
                numbers: numbers.to_vec(),
            });
            words = rest;
        }
        words.len()
    }

    fn pid_rows_from(&mut self, words: &[i32], revision: ckpt_format::Revision) -> usize {
        let width = if revision == R08 { 8 } else { 6 };
        for row in words.chunks_exact(width) {
            let at = |i: usize| row.get(i).copied().unwrap_or(0);
            let depth = if revision < R08 {
                0
            } else {
                at(width.saturating_sub(if revision == R08 { 2 } else { 1 }))
            };
            self.depths.push(u32::try_from(depth).unwrap_or(0));
            let plain = PidRow {
                vpid: at(0),
                vppid: at(1),
                vtgid: at(2),
                vpgid: at(3),
                vsid: at(4),
            };
            let row = if revision >= R15 {
                self.pid_objects.push(self.pid_index(plain.vpid));
                self.untag(plain)
            } else {
                plain
            };
            self.pid_rows.push(row);
        }
        words.chunks_exact(width).remainder().len()
    }

    fn pid_index(&self, tag: i32) -> usize {
        let index = i64::from(tag).saturating_sub(i64::from(self.image.pid_offset));
        usize::try_from(index).unwrap_or(usize::MAX)
    }

    /// R15 and later hold numbers of pid objects, not pids (§2.4).
    fn untag(&self, row: PidRow) -> PidRow {
        let shift = i64::from(self.image.pid_offset).saturating_sub(1);
        let number = |index: i64| {
            let at = usize::try_from(index.saturating_sub(1)).ok()?;
            self.image.pids.get(at)?.numbers.first().copied()
        };
        let pid = |tag: i32| {
            if tag == 0 {
                0
            } else {
                number(i64::from(tag).saturating_sub(shift)).unwrap_or(tag)
            }
        };
        // The tools never shift the parent's number; kernels may have stored it either way.
        let parent = |tag: i32| {
            let shifted = number(i64::from(tag).saturating_sub(shift));
            if tag == 0 {
                0
            } else {
                shifted.or_else(|| number(i64::from(tag))).unwrap_or(tag)
            }
        };
        PidRow {
            vpid: pid(row.vpid),
            vppid: parent(row.vppid),
            vtgid: pid(row.vtgid),
            vpgid: pid(row.vpgid),
            vsid: pid(row.vsid),
        }
    }

    /// Pids of a task in the namespaces below the root's. Tasks come in the order of their rows, so
    /// the numbers of R08 to R14 are taken from the front.
    pub(super) fn nested_pids(&mut self, index: u32, event: &Event) -> Vec<i32> {
        let depth = self.depths.get(index as usize).copied().unwrap_or(0) as usize;
        if self.image.pids.is_empty() {
            let from = self.vpids_used;
            self.vpids_used = from.saturating_add(depth);
            if let Some(numbers) = self.vpids.get(from..self.vpids_used) {
                return numbers.to_vec();
            }
            let levels = text::count(depth, "inner namespace");
            self.finding(Code::BadPids, event, format!("no pids for {levels}"));
            return Vec::new();
        }
        let object = self
            .pid_objects
            .get(index as usize)
            .and_then(|at| self.image.pids.get(*at));
        let numbers = object.map(|object| object.numbers.iter().skip(1).copied());
        numbers.map(Iterator::collect).unwrap_or_default()
    }
}
