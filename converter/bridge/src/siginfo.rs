//! Queued signals: the kernel's `siginfo` of 128 bytes, and the record of the stream (§3.11).

use crate::{
    bytes::{Fields, Order, push_uint},
    core::Machine,
};

/// Bytes of a siginfo as the kernel shows it.
const KERNEL_LEN: usize = 128;
/// Bytes of `ckpt_siginfo` since R13.
pub(crate) const RECORD_LEN: usize = 88;

/// A queued signal. Which fields mean anything depends on the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SigInfo {
    pub(crate) signo: u32,
    errno: u32,
    code: i32,
    pid: u32,
    uid: u32,
    value: u64,
    status: u32,
    times: (u64, u64),
    addr: u64,
    band: u64,
    fd: u32,
}

/// What a siginfo tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Sender,
    Value,
    Timer,
    Child,
    Fault,
    Poll,
}

/// Whether a siginfo of the kernel of ARM is what `now` was before it went through a stream.
pub(crate) fn same(before: &[u8], now: &[u8]) -> bool {
    let (order, machine) = (Order::Little, Machine::Arm);
    let info = SigInfo::from_kernel(before, order, machine);
    before == now
        || SigInfo::from_record(&info.to_record(order), order).to_kernel(order, machine) == now
}

impl SigInfo {
    /// From the fields that short records have.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the fields of one C structure"
    )]
    pub(crate) fn from_parts(
        signo: u32,
        errno: i32,
        code: i32,
        pid: u32,
        uid: u32,
        value: u64,
        addr: u64,
        status: i32,
    ) -> Self {
        let code = short_code(code.cast_unsigned());
        let (errno, status) = (errno.cast_unsigned(), status.cast_unsigned());
        Self {
            signo,
            errno,
            code,
            pid,
            uid,
            value,
            status,
            addr,
            ..Self::default()
        }
    }

    fn class(&self) -> Class {
        match (self.code, self.signo) {
            (-2, _) => Class::Timer,
            (-6 | 0, _) => Class::Sender,
            (i32::MIN..=0, _) => Class::Value,
            (_, 17) => Class::Child,
            (_, 29) => Class::Poll,
            (_, 4 | 5 | 7 | 8 | 11) => Class::Fault,
            _ => Class::Sender,
        }
    }

    /// Reads the kernel's form.
    pub(crate) fn from_kernel(bytes: &[u8], order: Order, machine: Machine) -> Self {
        let f = Fields { data: bytes, order };
        let word = machine.word();
        let union = if word == 8 { 16 } else { 12 };
        let u32_at = |at| f.u32(at).unwrap_or(0);
        let word_at = |at| f.uint(at, word).unwrap_or(0);
        let mut info = Self {
            signo: u32_at(0),
            errno: u32_at(4),
            code: f.i32(8).unwrap_or(0),
            ..Self::default()
        };
        match info.class() {
            Class::Fault => info.addr = word_at(union),
            Class::Poll => (info.band, info.fd) = (word_at(union), u32_at(union + word)),
            class => {
                (info.pid, info.uid) = (u32_at(union), u32_at(union + 4));
                if class == Class::Child {
                    info.status = u32_at(union + 8);
                    let times = (union + 12).next_multiple_of(word);
                    info.times = (word_at(times), word_at(times + word));
                } else {
                    info.value = word_at(union + 8);
                }
            }
        }
        info
    }

    /// The kernel's form.
    pub(crate) fn to_kernel(self, order: Order, machine: Machine) -> Vec<u8> {
        let word = machine.word();
        let mut out = Vec::with_capacity(KERNEL_LEN);
        let mut push = |value: u64, size: usize| {
            out.resize(out.len().next_multiple_of(size), 0);
            push_uint(&mut out, order, value, size);
        };
        push(self.signo.into(), 4);
        push(self.errno.into(), 4);
        push(self.code.cast_unsigned().into(), 4);
        if word == 8 {
            push(0, 4);
        }
        match self.class() {
            Class::Fault => push(self.addr, word),
            Class::Poll => {
                push(self.band, word);
                push(self.fd.into(), 4);
            }
            class => {
                push(self.pid.into(), 4);
                push(self.uid.into(), 4);
                if class == Class::Child {
                    push(self.status.into(), 4);
                    push(self.times.0, word);
                    push(self.times.1, word);
                } else {
                    push(self.value, word);
                }
            }
        }
        out.resize(KERNEL_LEN, 0);
        out
    }

    /// The record. Its code has the class in the upper half, as kernels of the time kept it.
    pub(crate) fn to_record(self, order: Order) -> Vec<u8> {
        let class: u32 = match (self.class(), self.code) {
            (Class::Timer, _) => 1,
            (Class::Poll, _) => 2,
            (Class::Fault, _) => 3,
            (Class::Child, _) => 4,
            (_, -3) => 6,
            _ => 0,
        };
        let low = self.code.cast_unsigned();
        let code = if class == 0 {
            low
        } else {
            class << 16 | low & 0xffff
        };
        let timer = self.class() == Class::Timer;
        let (tid, overrun) = if timer { (self.pid, self.uid) } else { (0, 0) };
        let (pid, uid) = if timer { (0, 0) } else { (self.pid, self.uid) };
        let low_value = self.value & 0xffff_ffff;
        let mut out = Vec::with_capacity(RECORD_LEN);
        let words = [self.signo, self.errno, code, pid, uid, self.fd, tid];
        for word in words.into_iter().map(u64::from).chain([
            self.band,
            overrun.into(),
            0,
            self.status.into(),
            low_value,
        ]) {
            push_uint(&mut out, order, word, 4);
        }
        for value in [self.value, self.times.0, self.times.1, self.addr] {
            push_uint(&mut out, order, value, 8);
        }
        out.resize(RECORD_LEN, 0);
        out
    }

    /// Reads the record.
    pub(crate) fn from_record(bytes: &[u8], order: Order) -> Self {
        let f = Fields { data: bytes, order };
        let u32_at = |at| f.u32(at).unwrap_or(0);
        let u64_at = |at| f.uint(at, 8).unwrap_or(0);
        let mut info = Self {
            signo: u32_at(0),
            errno: u32_at(4),
            code: short_code(u32_at(8)),
            pid: u32_at(12),
            uid: u32_at(16),
            fd: u32_at(20),
            band: u32_at(28).into(),
            status: u32_at(40),
            value: u64_at(48),
            times: (u64_at(56), u64_at(64)),
            addr: u64_at(72),
        };
        if info.class() == Class::Timer {
            (info.pid, info.uid) = (u32_at(24), u32_at(32));
        }
        info
    }
}

/// The code that programs see: kernels of the time kept the class in its upper half.
fn short_code(code: u32) -> i32 {
    if matches!(code >> 16, 1..=6) {
        i32::from(u16::try_from(code & 0xffff).unwrap_or(0).cast_signed())
    } else {
        code.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_come_back() {
        for machine in [Machine::Arm, Machine::X86_64] {
            for (signo, code) in [
                (10, 0),
                (34, -1),
                (14, -2),
                (12, -3),
                (17, 1),
                (11, 1),
                (29, 4),
                (15, -6),
            ] {
                let base = SigInfo {
                    signo,
                    errno: 3,
                    code,
                    ..SigInfo::default()
                };
                let info = match base.class() {
                    Class::Fault => SigInfo {
                        addr: 0xbeef_0000,
                        ..base
                    },
                    Class::Poll => SigInfo {
                        band: 0x41,
                        fd: 7,
                        ..base
                    },
                    Class::Child => SigInfo {
                        pid: 5,
                        uid: 6,
                        status: 9,
                        times: (1, 2),
                        ..base
                    },
                    _ => SigInfo {
                        pid: 5,
                        uid: 6,
                        value: 0x1234_5678,
                        ..base
                    },
                };
                let kernel = info.to_kernel(Order::Little, machine);
                assert_eq!(kernel.len(), KERNEL_LEN);
                assert_eq!(SigInfo::from_kernel(&kernel, Order::Little, machine), info);
                let record = info.to_record(Order::Big);
                assert_eq!(
                    (record.len(), SigInfo::from_record(&record, Order::Big)),
                    (RECORD_LEN, info)
                );
            }
        }
    }
}
