//! Every field of a core of every machine survives writing and reading.

use std::sync::Arc;

use super::*;
use crate::{Result, bytes::Blob};

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

fn sample(machine: Machine, order: Order) -> Core {
    let thread = |tid: i32| Thread {
        siginfo: Some(vec![7; 128]),
        fpregs: Some(vec![8; 116]),
        vfp: Some(vec![9; 260]),
        tls: Some(0xdead_0000 + tid.cast_unsigned()),
        syscall: Some(u32::MAX),
        xfpregs: None,
        xstate: (machine != Machine::Arm).then(|| vec![7; 576]),
        x86_tls: (machine == Machine::X86).then(|| vec![8; 16]),
        other: vec![Note {
            owner: b"LINUX".to_vec(),
            kind: 0x402,
            data: vec![1, 2, 3],
        }],
        status: Status {
            signal: [3, -6, 0],
            cursig: 3,
            pending: 0x10,
            blocked: 0x8000_0000,
            tid,
            ppid: 2,
            pgrp: 3,
            sid: 4,
            times: [(1, 2), (3, 4), (5, 6), (7, 8)],
            regs: (0..machine.num_regs() as u64)
                .map(|i| 0xf000_0000 + i)
                .collect(),
            fp_valid: true,
        },
    };
    Core {
        machine,
        order,
        e_flags: 0x0500_0000,
        process: Some(Process {
            state: 1,
            state_char: b'S',
            nice: -5,
            flags: 0x40,
            uid: 1000,
            gid: 100,
            pid: 10,
            ppid: 2,
            pgrp: 3,
            sid: 4,
            name: b"prog".to_vec(),
            args: b"prog -x".to_vec(),
            ..Process::default()
        }),
        threads: vec![thread(10), thread(11)],
        auxv: vec![(6, 4096), (16, 0x97)],
        files: vec![MappedFile {
            start: 0x8000,
            end: 0x9000,
            offset: 0x2000,
            path: b"/bin/prog".to_vec(),
        }],
        file_unit: 4096,
        segments: Vec::new(),
        other: Vec::new(),
    }
}

#[test]
fn all_machines_and_orders() {
    let kinds = [
        (Machine::Arm, Order::Little),
        (Machine::Arm, Order::Big),
        (Machine::X86, Order::Little),
        (Machine::X86_64, Order::Little),
    ];
    let mappings = [
        Mapping {
            addr: 0x8000,
            len: 0x2000,
            flags: 5,
            file_len: 0,
        },
        Mapping {
            addr: 0x2_0000,
            len: 0x3000,
            flags: 6,
            file_len: 0x2000,
        },
    ];
    for (machine, order) in kinds {
        let core = sample(machine, order);
        let mut out = Vec::new();
        write(&core, &mappings, &mut Pattern, &mut out).unwrap();
        assert!(is_core(&out));
        let back = read(&Blob::new("core", Arc::new(out.clone()))).unwrap();
        assert_eq!(back.segments.len(), 2);
        let s = back.segments[1];
        assert_eq!(
            (s.addr, s.mem_size, s.file_size, s.flags),
            (0x2_0000, 0x3000, 0x2000, 6)
        );
        let at = usize::try_from(s.offset).unwrap();
        assert_eq!((out[at], out[at + 0x1000]), (0x20, 0x21));
        assert_eq!(
            Core {
                segments: Vec::new(),
                ..back
            },
            core
        );
    }
}

#[test]
fn more_segments_than_sixteen_bits_count() {
    let core = sample(Machine::Arm, Order::Little);
    let mappings: Vec<_> = (0..70_000_u64)
        .map(|i| Mapping {
            addr: i << 12,
            len: 4096,
            flags: 4,
            file_len: 0,
        })
        .collect();
    let mut out = Vec::new();
    write(&core, &mappings, &mut Pattern, &mut out).unwrap();
    assert_eq!(
        read(&Blob::new("core", Arc::new(out)))
            .unwrap()
            .segments
            .len(),
        70_000
    );
}

#[test]
fn every_truncation_is_an_answer_or_an_error() {
    let mut out = Vec::new();
    write(
        &sample(Machine::Arm, Order::Big),
        &[],
        &mut Pattern,
        &mut out,
    )
    .unwrap();
    for len in 0..out.len() {
        if let Err(e) = read(&Blob::new("core", Arc::new(out[..len].to_vec()))) {
            assert!(e.to_string().starts_with("core, at 0x"), "{e}");
        }
    }
}
