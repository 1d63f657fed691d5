//! Address spaces and page contents (§3.8, §4).

use super::*;

ids! {
    mm {
        EXE = MM "exe_objref"; DEF_FLAGS = MM "def_flags"; FLAGS = MM "flags"; START_CODE = MM "start_code"; END_CODE = MM "end_code";
        START_DATA = MM "start_data"; END_DATA = MM "end_data"; START_BRK = MM "start_brk"; BRK = MM "brk"; STACK = MM "start_stack";
        ARG_START = MM "arg_start"; ARG_END = MM "arg_end"; ENV_START = MM "env_start"; ENV_END = MM "env_end";
        END_BRK = MM_CONTEXT "end_brk"; VMA_TYPE = VMA "vma_type"; FILE = VMA "vma_objref"; INODE = VMA "ino_objref"; INO_SIZE = VMA "ino_size";
        START = VMA "vm_start"; END = VMA "vm_end"; VM_FLAGS = VMA "vm_flags"; PGOFF = VMA "vm_pgoff"; HPAGE_ADDR = HPAGE "vaddr"; HPAGE_SHIFT = HPAGE "shift";
    }
}

impl Builder {
    pub(super) fn mm(&mut self, event: &Event, view: &View) {
        let pair = |a, b| (get(view, a), get(view, b));
        let mm = Mm {
            record: record(event),
            exe: objref(view, mm::EXE),
            def_flags: get(view, mm::DEF_FLAGS),
            flags: get(view, mm::FLAGS),
            code: pair(mm::START_CODE, mm::END_CODE),
            data: pair(mm::START_DATA, mm::END_DATA),
            brk: pair(mm::START_BRK, mm::BRK),
            start_stack: get(view, mm::STACK),
            args: pair(mm::ARG_START, mm::ARG_END),
            env: pair(mm::ENV_START, mm::ENV_END),
            ..Mm::default()
        };
        self.image.mms.insert(object_of(event), mm);
    }

    pub(super) fn vma(&mut self, limits: &crate::limits::Limits, event: &Event, view: &View) {
        let at = object_of(event);
        let kind = VmaKind::from_number(get32(view, mm::VMA_TYPE));
        let inode = objref(view, mm::INODE);
        let Some(space) = self.image.mms.get_mut(&at) else {
            return;
        };
        if space.vmas.len() >= limits.vmas as usize {
            return self.finding(
                Code::TooMany,
                event,
                format!("more than {} mappings", limits.vmas),
            );
        }
        let vma = Vma {
            record: record(event),
            start: get(view, mm::START),
            end: get(view, mm::END),
            flags: get(view, mm::VM_FLAGS),
            pgoff: get(view, mm::PGOFF),
            ino_size: get(view, mm::INO_SIZE),
            kind,
            file: objref(view, mm::FILE),
            inode,
            first_run: u32::try_from(space.pages.len()).unwrap_or(u32::MAX),
            num_runs: 0,
            stored: 0,
        };
        space.vmas.push(vma);
        self.implicit(event, inode, Object::Inode);
        self.owner = if kind == VmaKind::ShmAnon {
            let segment = Segment {
                record: record(event),
                size: vma.ino_size,
                pages: Packed::default(),
            };
            self.image.segments.entry(inode).or_insert(segment);
            PageOwner::Segment(inode)
        } else {
            PageOwner::Vma(at)
        };
    }

    pub(super) fn mm_context(&mut self, event: &Event, view: &View) {
        let at = object_of(event);
        if let Some(space) = self.image.mms.get_mut(&at) {
            space.context = record(event);
            space.end_brk = view.u32(mm::END_BRK);
        }
    }

    pub(super) fn pages<S: Source>(&mut self, decoder: &Decoder<S>, event: &Event, count: u64) {
        let page = self.image.page_size();
        let word = usize::from(self.word);
        let expected = count
            .saturating_mul(page.saturating_add(u64::from(self.word)))
            .saturating_add(HEADER_LEN);
        if expected != u64::from(event.frame.len) {
            let found = format!(
                "{} bytes for {}",
                event.frame.len,
                text::count(count, "page")
            );
            self.finding(Code::BadPageGroup, event, found);
        }
        let limit = decoder.options().limits.page_runs;
        let order = decoder.tables().dialect.abi.order;
        let contents = event.pages_offset(self.word);
        let head = decoder.head();
        let addresses = head
            .get(HEADER_SIZE..)
            .unwrap_or_default()
            .chunks_exact(word);
        let have =
            u64::from(event.frame.len).saturating_sub(contents.saturating_sub(event.frame.offset));
        let mut run = PageRun::default();
        for (i, address) in
            (0u64..).zip(addresses.take(usize::try_from(count).unwrap_or(usize::MAX)))
        {
            let at = i.saturating_mul(page);
            if at.saturating_add(page) > have {
                break;
            }
            let mut addr = read_uint(address, order);
            if let PageOwner::Segment(_) = self.owner {
                addr = addr.saturating_mul(page);
            }
            if run.len > 0 && addr == run.addr.saturating_add(run.len) {
                run.len = run.len.saturating_add(page);
                continue;
            }
            self.add_run(run, limit, event);
            run = PageRun {
                addr,
                offset: contents.saturating_add(at),
                len: page,
            };
        }
        self.add_run(run, limit, event);
    }

    pub(super) fn add_run(&mut self, run: PageRun, limit: u32, event: &Event) {
        if run.len == 0 {
            return;
        }
        self.image.num_pages = self
            .image
            .num_pages
            .saturating_add(run.len.checked_div(self.image.page_size()).unwrap_or(0));
        let runs = match self.owner {
            PageOwner::None => return,
            PageOwner::Vma(mm) => {
                let Some(space) = self.image.mms.get_mut(&mm) else {
                    return;
                };
                if space.pages.len() < limit as usize
                    && let Some(vma) = space.vmas.last_mut()
                {
                    vma.num_runs = vma.num_runs.saturating_add(1);
                    vma.stored = vma.stored.saturating_add(run.len);
                }
                &mut space.pages
            }
            PageOwner::Segment(inode) => &mut self.image.segments.entry(inode).or_default().pages,
        };
        if runs.len() < limit as usize {
            runs.push(run);
        } else {
            self.finding(Code::TooMany, event, format!("more than {limit} page runs"));
        }
    }

    /// A private mapping gives the address, a shared one the index in its segment (§4.1).
    pub(super) fn huge_page_address(&mut self, view: &View) {
        let value = get(view, mm::HPAGE_ADDR);
        let size = 1u64.checked_shl(get32(view, mm::HPAGE_SHIFT)).unwrap_or(0);
        self.huge_addr = match self.owner {
            PageOwner::Vma(mm) => match self.image.mms.get(&mm).and_then(|space| space.vmas.last())
            {
                Some(vma) if vma.inode != 0 => vma.start.saturating_add(value.saturating_mul(size)),
                _ => value,
            },
            _ => value.saturating_mul(size),
        };
    }

    /// Native words up to R06, 64 bits since; the constants block settles doubtful cases (§3.8).
    pub(super) fn auxv<S: Source>(
        &mut self,
        decoder: &mut Decoder<S>,
        event: &Event,
    ) -> io::Result<()> {
        let dialect = decoder.tables().dialect;
        let extent = body(event);
        let constant = self
            .image
            .header
            .constants
            .get(1)
            .map_or(0, |(_, value)| u64::from(*value));
        let wide = match extent.len {
            len if len == constant.saturating_mul(8) => true,
            len if len == constant => false,
            _ => dialect.revision >= R07,
        };
        let width = if wide { 8 } else { usize::from(self.word) };
        let bytes = decoder.payload(HEADER_LEN, MAX_TEXT)?;
        let words: Vec<u64> = bytes
            .chunks_exact(width)
            .map(|word| read_uint(word, dialect.abi.order))
            .collect();
        let pairs = words
            .chunks_exact(2)
            .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        let auxv = pairs.take_while(|(kind, _)| *kind != 0).collect();
        let at = object_of(event);
        if let Some(space) = self.image.mms.get_mut(&at) {
            space.auxv = auxv;
            space.auxv_at = extent;
        }
        Ok(())
    }
}
