//! Cores of every machine and byte order on the way to a stream and back.

use std::sync::Arc;

use ckpt_bridge::{
    Result,
    bytes::{Blob, Order},
    core::{self, Content, Core, Machine, Mapping, Process, Sink, Status, Thread},
    from_core, open_stream, to_core, to_stream,
};
use ckpt_parser::decoder::Options;

struct Pattern;

impl Content for Pattern {
    fn copy(&mut self, m: &Mapping, out: &mut dyn Sink) -> Result<()> {
        let bytes: Vec<u8> = (m.addr..m.addr + m.file_len)
            .map(|a| u8::try_from(a >> 12 & 0xff).unwrap())
            .collect();
        out.write_all(&bytes).unwrap();
        Ok(())
    }
}

/// Selectors must be ones that the machine has; other registers are a pattern.
fn register(machine: Machine, i: usize) -> u64 {
    let pattern = 0x1000_0000 + i as u64;
    match (machine, i) {
        (Machine::X86, 7..=9 | 16) | (Machine::X86_64, 20 | 23 | 24) => {
            [0x7b, 0x2b][usize::from(machine == Machine::X86_64)]
        }
        (Machine::X86, 13) => 0x73,
        (Machine::X86, 10) | (Machine::X86_64, 17) => 0x33,
        (Machine::X86_64, 25 | 26) => 0,
        (Machine::X86_64, _) => pattern << 32 | pattern,
        _ => pattern,
    }
}

fn sample(machine: Machine, order: Order) -> Core {
    let arm = machine == Machine::Arm;
    let fp = |len: u8| {
        Some(
            (0..u16::from(len) * 4)
                .map(|i| u8::try_from(i % 251).unwrap())
                .collect::<Vec<u8>>(),
        )
    };
    let thread = |tid: i32| Thread {
        siginfo: Some(vec![0; 128]),
        fpregs: match machine {
            Machine::Arm => fp(29),
            Machine::X86_64 => fp(128),
            Machine::X86 => None,
        },
        vfp: if arm { fp(65) } else { None },
        tls: arm.then_some(0x1234_5670 + tid.cast_unsigned()),
        syscall: arm.then_some(162),
        xfpregs: if machine == Machine::X86 {
            fp(128)
        } else {
            None
        },
        xstate: if machine == Machine::X86_64 {
            fp(208)
        } else {
            None
        },
        // 4 GiB from 0xb7e4_c6c0 on.
        x86_tls: (machine == Machine::X86).then(|| {
            let words = [6_u32, 0xb7e4_c6c0, 0xf_ffff, 0x51];
            words.into_iter().flat_map(u32::to_le_bytes).collect()
        }),
        other: Vec::new(),
        status: Status {
            signal: [0; 3],
            cursig: 0,
            pending: 0,
            blocked: 0x8000_0201,
            tid,
            ppid: 2,
            pgrp: 10,
            sid: 4,
            times: core::Times::default(),
            regs: (0..machine.num_regs())
                .map(|i| register(machine, i))
                .collect(),
            fp_valid: true,
        },
    };
    Core {
        machine,
        order,
        e_flags: if arm { 0x0580_0200 } else { 0 },
        process: Some(Process {
            state: 0,
            state_char: b'R',
            uid: 1000,
            gid: 100,
            pid: 10,
            ppid: 2,
            pgrp: 10,
            sid: 4,
            name: b"prog".to_vec(),
            ..Process::default()
        }),
        threads: vec![thread(10), thread(11)],
        auxv: vec![(6, 4096), (16, 0x97)],
        files: Vec::new(),
        file_unit: 4096,
        segments: Vec::new(),
        other: Vec::new(),
    }
}

#[test]
fn all_that_a_core_says_comes_back() {
    let mappings = [
        Mapping {
            addr: 0x8000,
            len: 0x2000,
            flags: 5,
            file_len: 0x2000,
        },
        Mapping {
            addr: 0x2_0000,
            len: 0x3000,
            flags: 6,
            file_len: 0,
        },
    ];
    let kinds = [
        (Machine::Arm, Order::Little),
        (Machine::Arm, Order::Big),
        (Machine::X86, Order::Little),
        (Machine::X86_64, Order::Little),
    ];
    for (machine, order) in kinds {
        let core = sample(machine, order);
        let mut bytes = Vec::new();
        core::write(&core, &mappings, &mut Pattern, &mut bytes).unwrap();
        let blob = Blob::new("core", Arc::new(bytes));
        let (tree, _) = from_core(&blob, &core::read(&blob).unwrap()).unwrap();
        let stream = Blob::new("stream", Arc::new(to_stream(&tree)));
        let back = open_stream(&stream, Options::default()).unwrap();
        let mut again = Vec::new();
        to_core(&back.tree, 10, &mut again).unwrap();
        let again = Blob::new("again", Arc::new(again));
        let found = core::read(&again).unwrap();
        assert_eq!(
            (found.machine, found.order, found.e_flags),
            (machine, order, core.e_flags)
        );
        let mut threads = found.threads.clone();
        if machine == Machine::X86 {
            // The older form of what the core has.
            let old = threads.iter_mut().filter_map(|t| t.fpregs.take());
            assert_eq!(old.map(|area| area.len()).collect::<Vec<_>>(), [108, 108]);
        }
        assert_eq!(threads, core.threads, "{machine:?} {order:?}");
        assert_eq!(found.process, core.process);
        assert_eq!(found.auxv, core.auxv);
        let s = found.segments[0];
        assert_eq!(
            (s.addr, s.file_size, found.segments[1].file_size),
            (0x8000, 0x2000, 0)
        );
        assert_eq!(again.read(s.offset + 0x1000, 1, 1).unwrap(), [9]);
    }
}
