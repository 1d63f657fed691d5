//! What only one of the dialects has: records and objects that go, and those that the other demands.

use super::{
    ABI_CALLING, ABI_E_FLAGS, ABI_HWCAP, ABI_HWCAP2, ABI_PAGE_SIZE, ABI_VALID, FPU_UNIT, LSM_DUMMY,
    LSM_NONE, NEW_OBJECTS, Native, OBJREF_NUMBER, OBJTYPE, PERSONALITY, ROOT_DIRECTORY,
    THREAD_FLAGS, UFLAGS, UMASK, USUAL_UMASK, text,
};
use crate::error::Error;
use crate::loss::Code;
use ckpt_format::dialect::{R02, R03, R04, R06, R07, R13, R18};
use ckpt_format::{Arch, Object, Tag, records as table};
use ckpt_parser::decoder::Event;
use ckpt_parser::encode::RecordBuilder;
use ckpt_parser::grammar::Role;
use ckpt_parser::source::Source;

impl<S: Source> Native<'_, S> {
    /// Whether the target has no place for a record; what is lost is reported.
    pub(super) fn is_dropped(&mut self, event: &Event, tag: Tag) -> Result<bool, Error> {
        let arch = self.from.dialect.abi.arch;
        if tag == Tag::Objref {
            return Ok(self.drops_object(event));
        }
        let owner = event.object().and_then(|object| object.kind);
        if let Some(kind) = owner.filter(|kind| self.homeless.contains(kind)) {
            self.lose_part(event, tag, kind)?;
            return Ok(true);
        }
        let role = event.role();
        Ok(match (tag, role) {
            (Tag::LsmInfo, _) | (_, Role::LsmName) if self.drops(R03) => {
                self.lose_lsm(event, tag)?;
                true
            }
            (Tag::EpollItems, _) | (_, Role::EpollItems) => self.drops(R02),
            (Tag::SocketFrag, _) if self.drops(R04) => {
                self.lose(
                    event,
                    Code::SocketFrag,
                    "",
                    format!("{} bytes", event.frame.raw),
                );
                true
            }
            (Tag::Thread, _) if self.drops(R07) && arch == Arch::S390x => {
                let flags = self.decoder.view().and_then(|view| view.uint(THREAD_FLAGS));
                if let Some(flags @ 1..) = flags {
                    self.lose(
                        event,
                        Code::ThreadFlags,
                        "thread_info_flags",
                        format!("{flags:#x}"),
                    );
                }
                true
            }
            (Tag::CpuFpu, _) if self.drops(R18) && arch == Arch::Arm => {
                let unit = self.decoder.view().and_then(|view| view.uint(FPU_UNIT));
                let value = unit.map(|unit| unit.to_string()).unwrap_or_default();
                self.lose(event, Code::FpState, "unit", value);
                true
            }
            (Tag::Foreign, _) | (_, Role::ForeignName | Role::ForeignData) if self.drops(R18) => {
                self.lose_foreign(event)?;
                true
            }
            (Tag::ArmAbi, _) if self.drops(R18) => {
                self.lose_abi(event);
                true
            }
            _ => false,
        })
    }

    fn drops_object(&mut self, event: &Event) -> bool {
        let (_, to) = self.revisions();
        let arch = self.from.dialect.abi.arch;
        let Some(view) = self.decoder.view() else {
            return false;
        };
        let (code, number) = (
            view.u32(OBJTYPE).unwrap_or(0),
            view.i32(OBJREF_NUMBER).unwrap_or(0),
        );
        let (from, _) = self.revisions();
        if self.gains(R06) && number >= NEW_OBJECTS {
            self.lose(event, Code::ObjectNumber, "objref", number.to_string());
        }
        let Some(kind) = Object::from_number(code, from, arch) else {
            self.lose(event, Code::UnknownRecord, "objtype", code.to_string());
            return true;
        };
        let dropped = kind.number(to, arch).is_none();
        if dropped && kind == Object::Fs {
            let moved = i64::from(number).saturating_add(self.shift);
            if moved != i64::from(self.new_objects) {
                self.lose(event, Code::Renumbered, "objref", number.to_string());
            }
            self.new_objects = self.new_objects.saturating_add(1);
        }
        dropped
    }

    /// A record of an object that the target has no type for.
    fn lose_part(&mut self, event: &Event, tag: Tag, kind: Object) -> Result<(), Error> {
        match (kind, event.role()) {
            (Object::Fs, Role::Cwd | Role::Root) => {
                let path = self.payload(event, 1 << 16)?;
                if path != ROOT_DIRECTORY {
                    self.lose(event, Code::Directories, event.role().name(), text(&path));
                }
            }
            (Object::Fs, _) => {
                let umask = self.decoder.view().and_then(|view| view.u32(UMASK));
                if let Some(umask) = umask.filter(|umask| *umask != USUAL_UMASK) {
                    self.lose(event, Code::Umask, "umask", format!("{umask:#o}"));
                }
            }
            (Object::Security, Role::Label) => {
                let label = self.payload(event, 1 << 16)?;
                self.lose(event, Code::Label, "label", text(&label));
            }
            (Object::NetNs | Object::Netdev, _) if tag != Tag::NetdevAddr => {
                let name = match event.role() {
                    Role::DeviceName => text(&self.payload(event, 1 << 16)?),
                    _ => String::new(),
                };
                self.lose(event, Code::NetNs, "", name);
            }
            (Object::SemUndo, _) if tag != Tag::Buffer => self.lose(event, Code::SemUndo, "", ""),
            _ => {}
        }
        Ok(())
    }

    fn lose_lsm(&mut self, event: &Event, tag: Tag) -> Result<(), Error> {
        let value = self.payload(event, 1 << 16)?;
        let usual: &[u8] = if tag == Tag::LsmInfo {
            LSM_DUMMY
        } else {
            LSM_NONE
        };
        if value != usual {
            self.lose(event, Code::Lsm, "", text(&value));
        }
        Ok(())
    }

    /// A file that was kept of a foreign image: its name says what it was.
    fn lose_foreign(&mut self, event: &Event) -> Result<(), Error> {
        if event.role() == Role::ForeignName {
            let name = text(&self.payload(event, 1 << 16)?);
            self.lose(event, Code::Foreign, "name", name);
        }
        Ok(())
    }

    fn lose_abi(&mut self, event: &Event) {
        let Some(view) = self.decoder.view() else {
            return;
        };
        let valid = view.u32(ABI_VALID).unwrap_or(0);
        let hex = |id| {
            view.u32(id)
                .map_or(String::new(), |value| format!("{value:#x}"))
        };
        let fields = [
            (valid & 1 != 0, Code::ArmAbi, "personality", PERSONALITY),
            (valid & 2 != 0, Code::ArmAbi, "e_flags", ABI_E_FLAGS),
            (valid & 4 != 0, Code::Hwcap, "hwcap", ABI_HWCAP),
            (valid & 8 != 0, Code::Hwcap, "hwcap2", ABI_HWCAP2),
            (
                view.u32(ABI_CALLING) != Some(0),
                Code::ArmAbi,
                "calling",
                ABI_CALLING,
            ),
            (
                valid & 0x30 != 0x30 || view.u32(ABI_PAGE_SIZE) != Some(4096),
                Code::ArmAbi,
                "page_size",
                ABI_PAGE_SIZE,
            ),
        ];
        let lost: Vec<_> = fields
            .into_iter()
            .filter(|(held, ..)| *held)
            .map(|(_, code, name, id)| (code, name, hex(id)))
            .collect();
        for (code, name, value) in lost {
            self.lose(event, code, name, value);
        }
    }

    /// What the target demands in front of a record.
    pub(super) fn insert_before(&mut self, event: &Event, tag: Tag) -> Result<(), Error> {
        match tag {
            Tag::Container => self.container = true,
            Tag::RestartBlock if self.gains(R07) && self.from.dialect.abi.arch == Arch::S390x => {
                self.build(Tag::Thread, None, |r| r)?;
            }
            Tag::TaskObjs => self.check_queues(event),
            Tag::Header => self.check_ambiguity(event),
            _ => {}
        }
        Ok(())
    }

    /// What the target demands behind a record.
    pub(super) fn insert_behind(&mut self, event: &Event, tag: Tag) -> Result<(), Error> {
        match tag {
            Tag::Container if self.gains(R03) => self.lsm(),
            Tag::Cpu if self.gains(R18) && self.from.dialect.abi.arch == Arch::Arm => {
                self.vfp(event)?;
                self.arm_abi(event)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn lsm(&mut self) -> Result<(), Error> {
        self.emit_payload(Tag::Buffer, LSM_NONE)?;
        self.emit_payload(Tag::LsmInfo, LSM_DUMMY)
    }

    fn vfp(&mut self, event: &Event) -> Result<(), Error> {
        const FLAGS: ckpt_format::FieldId = table::CPU_FPU.id("flags");
        const LEN: ckpt_format::FieldId = table::CPU_FPU.id("regset_len");
        const REGS: ckpt_format::FieldId = table::CPU_FPU.id("fpregs");
        let task = event.place.task.unwrap_or(0);
        let pid = self.pids.get(task as usize).copied();
        let wanted = &self.request.additions.vfp;
        let root = (task == 0).then(|| wanted.get(&0)).flatten();
        let Some(regset) = pid.and_then(|pid| wanted.get(&pid)).or(root).cloned() else {
            return Ok(());
        };
        // Used, 32 double registers; exception registers only in the longer form.
        let flags = if regset.len() >= 272 { 0b111u32 } else { 0b011 };
        let built = RecordBuilder::variant(&self.to, Tag::CpuFpu, Some(1)).map(|r| {
            let start = r
                .view()
                .layout
                .slot(REGS)
                .map_or(0, |slot| slot.offset as usize);
            let mut bytes = r.set(FLAGS, flags).set(LEN, 272u32).finish();
            for (to, from) in bytes.iter_mut().skip(start).zip(&regset) {
                *to = *from;
            }
            bytes
        });
        self.out.bytes(&built.unwrap_or_default())?;
        Ok(())
    }

    fn arm_abi(&mut self, event: &Event) -> Result<(), Error> {
        let mut known = self
            .abi
            .get(&event.place.task.unwrap_or(0))
            .copied()
            .unwrap_or_default();
        known.personality = self.request.additions.personality.or(known.personality);
        let bit = |value: Option<u32>, bit: u32| if value.is_some() { bit } else { 0 };
        // Page size and byte order follow from the image.
        let valid = bit(known.personality, 1) | bit(known.hwcap, 4) | bit(known.hwcap2, 8) | 0x30;
        let page_size = self.decoder.detection().page_size;
        self.build(Tag::ArmAbi, None, |r| {
            r.set(PERSONALITY, known.personality.unwrap_or(0))
                .set(ABI_HWCAP, known.hwcap.unwrap_or(0))
                .set(ABI_HWCAP2, known.hwcap2.unwrap_or(0))
                .set(ABI_PAGE_SIZE, page_size)
                .set(ABI_VALID, valid)
        })
    }

    /// Whether as many queues came as the states of the sockets said.
    fn check_queues(&mut self, event: &Event) {
        let (expected, found) = std::mem::take(&mut self.queues);
        if self.gains(R13) && expected != found {
            let value = format!("{found} queues, expected {expected}");
            self.report(
                Code::HasBuffers,
                "SOCKET",
                event.frame.offset,
                "has_buffers",
                value,
            );
        }
    }

    fn check_ambiguity(&mut self, event: &Event) {
        let detection = self.decoder.detection();
        let among =
            |revision| detection.dialect.revision == revision || detection.also.contains(&revision);
        let flags = self
            .decoder
            .view()
            .and_then(|view| view.uint(UFLAGS))
            .unwrap_or(0);
        let ambiguous = among(ckpt_format::dialect::R10) && among(ckpt_format::dialect::R11);
        if ambiguous && !detection.overridden {
            self.lose(event, Code::Ambiguous, "uflags", format!("{flags:#x}"));
        }
    }
}
