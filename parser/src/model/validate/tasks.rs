//! Tasks, their registers and what is pending for them.

use super::Check;
use crate::diagnostic::Code;
use crate::model::{ArmAbi, FpFile, FpRegs, Live, Object, Pending, RecordAt, Regs, Task};
use ckpt_format::Arch;
use std::collections::HashSet;

impl Check<'_> {
    pub(super) fn tasks(&mut self) {
        let image = self.image;
        let pids: HashSet<i32> = image.tasks.iter().map(|task| task.pid).collect();
        for task in &image.tasks {
            self.task(task, &pids);
            if let Some(live) = &task.live {
                self.live(task, live);
            }
        }
    }

    fn task(&mut self, task: &Task, pids: &HashSet<i32>) {
        let mut on = self.on(task.record, "TASK", || format!("task[{}]", task.index));
        if task.pid <= 0 {
            on.wrong(Code::BadPid, "pid", task.pid.to_string(), "a pid above 0");
        }
        if !pids.contains(&task.tgid) && task.tgid != 0 {
            let found = format!("no task {}", task.tgid);
            on.wrong(
                Code::BadPid,
                "tgid",
                found,
                "the leader of the thread group",
            );
        }
        if !task.is_zombie() && task.exit_code != 0 {
            let found = task.exit_code.to_string();
            on.wrong(Code::BadTask, "exit_code", found, "0 for a live task");
        }
        if task.is_zombie() && task.exit_state != 16 {
            let found = task.exit_state.to_string();
            on.wrong(Code::BadTask, "exit_state", found, "0 or 16");
        }
        if task.exit_signal > 64 && task.exit_signal != u32::MAX {
            let found = task.exit_signal.to_string();
            on.wrong(Code::BadSignal, "exit_signal", found, "1 to 64");
        }
        let Some(live) = &task.live else { return };
        if live.regs == Regs::Missing {
            on.wrong(Code::Incomplete, "", "no registers", "a CPU record");
        }
        if !has_objects(live) {
            on.wrong(Code::Incomplete, "", "no objects", "a TASK_OBJS record");
        }
    }

    fn live(&mut self, task: &Task, live: &Live) {
        let path = || format!("task[{}]", task.index);
        let mut on = self.on(live.objs_record, "TASK_OBJS", path);
        for (field, objref, kind, needed) in [
            ("files_objref", live.files, Object::FileTable, true),
            ("mm_objref", live.mm, Object::Mm, true),
            ("fs_objref", live.fs, Object::Fs, false),
            ("sem_undo_objref", live.sem_undo, Object::SemUndo, false),
            ("sighand_objref", live.sighand, Object::Sighand, true),
            ("signal_objref", live.signal, Object::Signal, false),
        ] {
            on.refers(field, objref, kind);
            if needed && objref == 0 && has_objects(live) {
                on.wrong(Code::Incomplete, field, "no object", "an object number");
            }
        }
        let mut on = self.on(live.objs_record, "TASK_CREDS", path);
        on.refers("cred_ref", live.cred, Object::Cred);
        on.refers("ecred_ref", live.ecred, Object::Cred);
        self.on(live.objs_record, "TASK_NS", path)
            .refers("ns_objref", live.ns, Object::Ns);
        self.pending(path, &live.pending);
        if self.image.arch() == Arch::Arm {
            self.register_files(task.index, &live.fpu);
            if let Some(abi) = &live.abi {
                self.abi(task.index, abi);
            }
        }
    }

    /// §10.4: order, flags and lengths of the register files of a thread.
    fn register_files(&mut self, index: u32, files: &[FpFile]) {
        let path = || format!("task[{index}].fpu");
        let mut before = 0;
        for file in files {
            let (number, len) = match (file.unit(), &file.regs) {
                (Some((number, len)), _) => (number, Some(len)),
                (None, FpRegs::Other(number, _)) => (*number, None),
                (None, _) => continue,
            };
            let mut on = self.on(file.record, "CPU_FPU", path);
            if number <= before {
                let found = format!("{number} after {before}");
                on.wrong(Code::BadExtension, "unit", found, "ascending units");
            }
            before = number;
            if let Some(len) = len.filter(|len| *len != file.regset_len) {
                let (found, expected) = (file.regset_len.to_string(), len.to_string());
                on.wrong(Code::BadExtension, "regset_len", found, expected);
            }
            if file.flags & !flags_of(number) != 0 {
                let found = format!("{:#x}", file.flags);
                on.wrong(Code::BadExtension, "flags", found, "flags of the unit");
            }
        }
        let used = |wanted: u32| {
            let is_it = |file: &FpFile| file.unit().is_some_and(|(unit, _)| unit == wanted);
            files.iter().find(|file| file.is_used() && is_it(file))
        };
        if let (Some(_), Some(file)) = (used(FPA), used(IWMMXT)) {
            let (found, expected) = ("FPA and iWMMXt in use", "one of them");
            self.on(file.record, "CPU_FPU", path).wrong(
                Code::BadExtension,
                "unit",
                found,
                expected,
            );
        }
    }

    /// §10.4: the ABI of a process does not contradict itself.
    fn abi(&mut self, index: u32, abi: &ArmAbi) {
        let mut on = self.on(abi.record, "ARM_ABI", || format!("task[{index}].abi"));
        if let Some(size) = abi.page_size.filter(|size| !size.is_power_of_two()) {
            let found = size.to_string();
            on.wrong(Code::BadExtension, "page_size", found, "a power of two");
        }
        if let Some(endian) = abi.endian.filter(|endian| *endian > 2) {
            on.wrong(Code::BadExtension, "endian", endian.to_string(), "0 to 2");
        }
        let version = abi.e_flags.map(|flags| flags >> 24);
        let fits = match (version, abi.calling) {
            (Some(0), calling) => calling <= 1,
            (Some(_), calling) => matches!(calling, 0 | 2 | 3),
            (None, calling) => calling <= 3,
        };
        if !fits {
            let expected = match abi.e_flags {
                Some(e_flags) => format!("what fits e_flags {e_flags:#010x}"),
                None => "0 to 3".to_owned(),
            };
            let found = abi.calling.to_string();
            on.wrong(Code::BadExtension, "calling", found, expected);
        }
    }

    pub(super) fn pending(&mut self, path: impl Fn() -> String, pending: &Pending) {
        let mut on = self.on(pending.record, "SIGPENDING", path);
        let signals = pending.queue.iter().map(|info| info.signo);
        for signo in signals.filter(|signo| !(1..=64).contains(signo)) {
            let found = signo.to_string();
            on.wrong(Code::BadSignal, "siginfo", found, "1 to 64");
        }
    }
}

/// Numbers of units (§10.2).
const VFP: u32 = 1;
const FPA: u32 = 2;
const IWMMXT: u32 = 3;

/// The flags that a unit may have (§10.2): D32 and EXC are of VFP alone.
fn flags_of(unit: u32) -> u32 {
    let (all, vfp_only) = (0x1f, 0x6);
    if unit == VFP { all } else { all & !vfp_only }
}

/// Whether the record that names the objects of a task was there; the first record of an image is none.
fn has_objects(live: &Live) -> bool {
    live.objs_record != RecordAt::default()
}
