//! What is known of registers and of the stack at a place in code.

use hashbrown::HashMap;

use super::memory::Window;
use crate::arm::{CC, CS, EQ, Flow, HI, Insn, LS, Transfer, Trap, Value};
use crate::feature::{Feature, FeatureSet};

/// Registers whose values are known on the way through straight code.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    values: [Option<u32>; 16],
    /// Those of them that a call may have changed since; compilers know which local functions do not: bit n for rn.
    stale: u16,
    /// Registers that had the bits of FPSCR.LEN or STRIDE set, whatever else is in them: bit n for rn.
    vector_bits: u16,
    /// Registers whose values depend on memory that may hold others later: bit n for rn.
    loaded: u16,
    /// Registers that hold words of memory or arguments as they are: bit n for rn.
    words: u16,
    /// Registers that were computed from what is not known, in another way than C libraries compute pointers: bit n for rn.
    computed: u16,
    /// Those of them that lead to one of many places which are alike: bit n for rn.
    indexed: u16,
    /// Registers that hold the address of a text that the code may have made, or something that it kept on the stack: bit n
    /// for rn.
    made: u16,
    /// Those that were loaded from variables on the stack.
    kept: u16,
    /// What was stored where the stack pointer leads to, for a function to be called, was the address of such a text.
    passes_made: bool,
    /// lr was taken back from the stack, so that the function is done.
    is_leaving: bool,
    /// The constant of the last `tst`.
    tested: u32,
    /// Register and constant of the last `cmp`, while its flags last.
    compared: Option<(u8, u32)>,
    /// A register that holds an unsigned number below this one.
    below: Option<(u8, u32)>,
    /// The register that the last `and` with a constant wrote, and the constant.
    masked: Option<(u8, u32)>,
    /// Constant of the `tst` whose branch on zero was not taken: that bit is set here.
    guards: u32,
    /// Where those branches go: from there on nothing is guarded.
    guard_end: u32,
}

/// What is remembered of registers across jumps.
#[derive(Clone, Copy, Default)]
pub(super) struct Made {
    made: u16,
    kept: u16,
}

/// FPSCR.LEN and STRIDE.
const VECTOR_BITS: u32 = 0x0037_0000;

impl Known {
    /// All registers but pc, which instructions take from their own address.
    pub(super) fn of(regs: Option<[u32; 16]>) -> Self {
        let mut known = Self::default();
        if let Some(regs) = regs {
            known.values = regs.map(Some);
            if let Some(pc) = known.values.last_mut() {
                *pc = None;
            }
        }
        known
    }

    /// Where a function begins: the words that it is given in r0 to r3 are as its caller had them.
    pub(super) fn at_call() -> Self {
        Self {
            words: 0xf,
            ..Self::default()
        }
    }

    pub(super) fn get(&self, reg: u8) -> Option<u32> {
        self.guess(reg).filter(|_| !self.is_stale(reg))
    }

    /// What a register holds if no call changed it.
    pub(super) fn guess(&self, reg: u8) -> Option<u32> {
        self.values.get(usize::from(reg)).copied().flatten()
    }

    fn is_stale(&self, reg: u8) -> bool {
        self.stale >> (reg & 15) & 1 == 1
    }

    /// Takes over the effect of an instruction. Memory on the stack counts as known only where the stack is followed.
    pub(super) fn step(&mut self, insn: &Insn, window: &mut Window<'_>, stack: Option<&mut Stack>) {
        // A conditional instruction that would have left has no effect where control stays.
        if insn.conditional && insn.flow == Flow::Return {
            return;
        }
        let before = *self;
        let value = insn
            .value
            .filter(|_| !insn.conditional)
            .and_then(|(reg, value)| Some((reg, before.value(reg, value, window)?)));
        if let (true, Flow::Jump(to, _)) = (insn.condition == EQ, insn.flow) {
            self.guards = self.tested_bit();
            self.guard_end = to;
        }
        self.tested = self.test_of(insn);
        let overwritten = |(reg, _): &(u8, u32)| insn.writes >> (reg & 15) & 1 == 1;
        self.masked = match insn.masks {
            // `orrs rN, rN, #0` leaves what it tests.
            _ if self.tested != 0 && insn.tests.is_none() => self.masked,
            masks if !insn.conditional && masks.is_some() => masks,
            _ => self.masked.filter(|masked| !overwritten(masked)),
        };
        self.compare(insn);
        let vector = matches!(insn.value, Some((_, Value::Or(_, bits))) if bits & VECTOR_BITS != 0);
        self.vector_bits &= !insn.writes;
        if let Some((reg, _)) = insn.value.filter(|_| vector) {
            self.vector_bits |= 1 << (reg & 15);
        }
        for number in 0..16 {
            if insn.writes >> number & 1 == 1 {
                self.set(number, None);
            }
        }
        self.loaded &= !insn.writes;
        if let Some((reg, value)) = insn.value
            && before.depends_on_memory(value)
        {
            self.loaded |= 1 << (reg & 15);
        }
        // Literals stay what they are.
        let loads = |transfer: &&Transfer| transfer.load && insn.literal.is_none();
        let transfer = insn.transfer.as_ref().filter(loads);
        self.loaded |= transfer.map_or(0, |transfer| transfer.list);
        let is_guess = insn
            .value
            .is_some_and(|(reg, value)| before.is_guess(reg, value));
        self.trace(insn, &before, value.is_some() && !is_guess);
        let restores = transfer.is_some_and(|transfer| {
            transfer.base == 13 && transfer.moves > 0 && transfer.list >> 14 & 1 == 1
        });
        self.is_leaving =
            restores && !insn.conditional || self.is_leaving && insn.writes >> 14 & 1 == 0;
        if let Some((reg, value)) = value {
            self.set(reg, Some(value));
            self.stale |= u16::from(is_guess) << (reg & 15);
        }
        if let Some(transfer) = &insn.transfer {
            self.transfer(transfer, insn.conditional, &before, window, stack);
        }
    }

    /// Where the values of registers come from.
    fn trace(&mut self, insn: &Insn, before: &Self, is_known: bool) {
        let loaded = if insn.loads { insn.writes } else { 0 };
        let mut computed = match insn.value {
            // A floating-point register is a place to keep a pointer.
            _ if insn.loads || is_known || insn.needs.has(Feature::Vfp) => 0,
            Some((_, Value::Offset(_, 0) | Value::Or(_, 1))) => copied(insn, before.computed),
            // A pointer that is deciphered; the place of a file and an offset in it, as loaders add them.
            Some((_, Value::Xor(..) | Value::Sum(..))) => 0,
            _ => insn.writes,
        };
        if insn.conditional {
            computed |= self.computed & insn.writes;
        }
        self.words = self.words & !insn.writes | loaded | copied(insn, before.words);
        self.computed = self.computed & !insn.writes | computed;
        self.trace_made(insn, before);
        self.indexed &= !insn.writes;
        if let Some((reg, Value::Indexed(_))) = insn.value {
            self.indexed |= 1 << (reg & 15);
        }
    }

    /// What depends on the stack pointer.
    fn trace_made(&mut self, insn: &Insn, before: &Self) {
        let is_near = |reg: u8| (before.made | 1 << 13) >> (reg & 15) & 1 == 1;
        let made = insn.value.filter(|(_, value)| match *value {
            Value::Const(_)
            | Value::Literal(_)
            | Value::Upper(_)
            | Value::WordAt(..)
            | Value::WordFrom(..) => false,
            Value::Offset(from, _) | Value::Or(from, _) | Value::Indexed(from) => is_near(from),
            Value::Sum(a, b) | Value::Xor(a, b) => is_near(a) || is_near(b),
        });
        let made = made.map_or(0, |(reg, _)| 1 << (reg & 15));
        let transfer = insn.transfer.as_ref();
        // By the stack pointer itself functions take back what they had no registers for: constants, too.
        let is_variable = |base| is_near(base) && base != 13;
        let kept = transfer.filter(|transfer| transfer.load && is_variable(transfer.base));
        let kept = kept.map_or(0, |transfer| transfer.list);
        let lost = if insn.conditional { 0 } else { insn.writes };
        if let Some(reg) = stored_on_top(insn) {
            self.passes_made = before.is_made(reg);
        }
        self.made = self.made & !lost | made;
        self.kept = self.kept & !lost | kept | copied(insn, before.kept);
    }

    /// What a comparison and the branch behind it tell of a register: `cmp rN, #limit; bhi` that is not taken.
    fn compare(&mut self, insn: &Insn) {
        let writes = |reg: u8| insn.writes >> (reg & 15) & 1 == 1;
        let is_branch = matches!(insn.flow, Flow::Jump(..)) && insn.conditional;
        self.below = match (self.compared, insn.condition) {
            (Some((reg, limit)), HI) if is_branch => limit.checked_add(1).map(|end| (reg, end)),
            (Some((reg, limit)), CS) if is_branch => Some((reg, limit)),
            _ => self.below.filter(|(reg, _)| !writes(*reg)),
        };
        // Of the others only loads, stores and branches leave the flags alone in every encoding.
        let keeps = insn.transfer.is_some() || insn.literal.is_some() || is_branch;
        let kept = self.compared.filter(|(reg, _)| keeps && !writes(*reg));
        self.compared = if insn.conditional {
            kept
        } else {
            insn.compares.or(kept)
        };
    }

    /// How many entries a jump through a table can take, if its index was compared before.
    pub(super) fn entries(&self, index: u8, jump: &Insn) -> Option<u32> {
        let of_index = |bound: Option<(u8, u32)>| bound.filter(|(reg, _)| *reg == index);
        let compared = of_index(self.compared).map(|(_, limit)| limit);
        match jump.condition {
            LS if jump.conditional => compared?.checked_add(1),
            CC if jump.conditional => compared,
            _ => of_index(self.below).map(|(_, end)| end),
        }
    }

    /// The bits that an instruction tests of a register for zero.
    fn test_of(&self, insn: &Insn) -> u32 {
        let of_register = |reg| {
            let masked = self.masked.filter(|(masked, _)| *masked == reg);
            masked.map(|(_, constant)| constant)
        };
        let tested = insn
            .tests
            .or_else(|| insn.tests_register.and_then(of_register));
        tested.filter(|_| !insn.conditional).unwrap_or(0)
    }

    fn depends_on_memory(&self, value: Value) -> bool {
        match value {
            Value::Const(_) | Value::Literal(_) | Value::Upper(_) => false,
            Value::Offset(base, _) | Value::Or(base, _) | Value::Indexed(base) => {
                self.may_change(base)
            }
            Value::Sum(a, b) | Value::Xor(a, b) => self.may_change(a) || self.may_change(b),
            Value::WordAt(..) | Value::WordFrom(..) => true,
        }
    }

    /// Does what a register holds depend on memory, which may hold something else later?
    pub(super) fn may_change(&self, reg: u8) -> bool {
        self.loaded >> (reg & 15) & 1 == 1
    }

    fn set(&mut self, reg: u8, value: Option<u32>) {
        if let Some(slot) = self.values.get_mut(usize::from(reg)) {
            *slot = value;
            self.stale &= !(1 << (reg & 15));
        }
    }

    fn value(&self, reg: u8, value: Value, window: &mut Window<'_>) -> Option<u32> {
        Some(match value {
            Value::Const(value) => value,
            Value::Literal(addr) => window.word(addr)?,
            Value::Upper(high) => self.guess(reg)? & 0xffff | u32::from(high) << 16,
            Value::Offset(base, offset) => self.guess(base)?.wrapping_add_signed(offset),
            Value::Or(base, bits) => self.guess(base)? | bits,
            Value::Indexed(_) => return None,
            Value::Sum(a, b) => self.guess(a)?.wrapping_add(self.guess(b)?),
            Value::Xor(a, b) => self.guess(a)? ^ self.guess(b)?,
            Value::WordFrom(base, index) => window.word(base.wrapping_add(self.guess(index)?))?,
            Value::WordAt(a, b) => {
                let addr = self.guess(a)?.wrapping_add(self.guess(b)?);
                (!self.near_stack(addr)).then(|| window.word(addr))??
            }
        })
    }

    /// Does a value depend on a register that a call may have changed?
    fn is_guess(&self, reg: u8, value: Value) -> bool {
        match value {
            Value::Const(_) | Value::Literal(_) => false,
            Value::Upper(_) => self.is_stale(reg),
            Value::Offset(base, _)
            | Value::Or(base, _)
            | Value::Indexed(base)
            | Value::WordFrom(_, base) => self.is_stale(base),
            Value::Sum(a, b) | Value::Xor(a, b) | Value::WordAt(a, b) => {
                self.is_stale(a) || self.is_stale(b)
            }
        }
    }

    /// Loads take over words of memory, stores to the stack are remembered, the base moves.
    fn transfer(
        &mut self,
        transfer: &Transfer,
        conditional: bool,
        before: &Self,
        window: &mut Window<'_>,
        mut stack: Option<&mut Stack>,
    ) {
        let Some(base) = before.get(transfer.base) else {
            return;
        };
        for reg in registers(transfer.list) {
            let Some(offset) = transfer.offset_of(reg) else {
                continue;
            };
            let addr = base.wrapping_add_signed(offset);
            match stack.as_deref_mut().filter(|stack| stack.holds(addr)) {
                Some(stack) if !transfer.load => {
                    stack.store(addr, before.get(reg).filter(|_| !conditional));
                }
                Some(stack) if !conditional => self.set(reg, stack.load(addr, window)),
                None if transfer.load && !conditional && !self.near_stack(addr) => {
                    self.set(reg, window.word(addr));
                }
                _ => {}
            }
        }
        let loaded = transfer.load && transfer.list >> transfer.base & 1 == 1;
        if transfer.moves != 0 && !conditional && !loaded {
            self.set(
                transfer.base,
                Some(base.wrapping_add_signed(transfer.moves)),
            );
        }
    }

    /// Is an address so near to the stack pointer that what lies there changes from call to call?
    fn near_stack(&self, addr: u32) -> bool {
        self.get(13)
            .is_some_and(|sp| addr.wrapping_sub(sp.wrapping_sub(NEAR_LEN)) < 2 * NEAR_LEN)
    }

    /// Keeps what is known on both ways to a place.
    pub(super) fn meet(&self, other: &Self) -> Self {
        let mut met = *self;
        for (slot, value) in met.values.iter_mut().zip(other.values) {
            *slot = slot.filter(|known| value == Some(*known));
        }
        met.vector_bits &= other.vector_bits;
        met.stale |= other.stale;
        met.loaded |= other.loaded;
        met.words &= other.words;
        met.computed |= other.computed;
        met.indexed &= other.indexed;
        met.made |= other.made;
        met.kept |= other.kept;
        met.passes_made |= other.passes_made;
        met.is_leaving &= other.is_leaving;
        if (self.guards, self.guard_end) != (other.guards, other.guard_end) {
            met.guards = 0;
        }
        if self.tested != other.tested {
            met.tested = 0;
        }
        met.compared = self.compared.filter(|_| self.compared == other.compared);
        met.below = self.below.filter(|_| self.below == other.below);
        met.masked = self.masked.filter(|_| self.masked == other.masked);
        met
    }

    /// What an instruction needs with these registers: writing LEN or STRIDE to FPSCR needs short vectors.
    pub(super) fn needs(&self, insn: &Insn) -> FeatureSet {
        let vectors = insn.fpscr_from.is_some_and(|reg| {
            self.vector_bits >> (reg & 15) & 1 == 1
                || self.get(reg).is_some_and(|value| value & VECTOR_BITS != 0)
        });
        let undefined = matches!(insn.flow, Flow::Trap(Trap::Udf | Trap::Undefined));
        insn.needs
            .with_if(vectors, Feature::ShortVectors)
            .with_if(undefined, Feature::Undefined)
    }

    /// Of these features, those that a test of AT_HWCAP in front of the code covers.
    pub(super) fn guarded(&self, needs: FeatureSet, addr: u32) -> FeatureSet {
        if addr < self.guard_end {
            needs.meet(features_behind(self.guards))
        } else {
            FeatureSet::EMPTY
        }
    }

    /// The bit that the instruction before this place tested for zero.
    pub(super) fn tested_bit(&self) -> u32 {
        one_bit(self.tested)
    }

    /// Is what a register holds a word of memory or an argument, not computed from any?
    pub(super) fn is_word(&self, reg: u8) -> bool {
        self.words >> (reg & 15) & 1 == 1
    }

    /// Was what a register holds computed on this way, and not known?
    pub(super) fn is_computed(&self, reg: u8) -> bool {
        self.computed >> (reg & 15) & 1 == 1
    }

    /// Was it computed as one of many places that are alike, as parts of a function are (libgcc's divisions)?
    pub(super) fn is_indexed(&self, reg: u8) -> bool {
        self.indexed >> (reg & 15) & 1 == 1
    }

    /// Registers with addresses of what the code may have made, and with what it kept on the stack. That does not hold on
    /// all ways to a place, but on one.
    pub(super) fn made(&self) -> Made {
        Made {
            made: self.made,
            kept: self.kept,
        }
    }

    /// May a register hold the address of a text that the code made?
    pub(super) fn is_made(&self, reg: u8) -> bool {
        self.made >> (reg & 15) & 1 == 1
    }

    /// Is the argument that lies on the stack such an address?
    pub(super) fn passes_made(&self) -> bool {
        self.passes_made
    }

    /// Was it loaded from a variable on the stack?
    pub(super) fn is_kept(&self, reg: u8) -> bool {
        self.kept >> (reg & 15) & 1 == 1
    }

    /// Takes what a register holds for the address of such a text.
    pub(super) fn note_made(&mut self, reg: u8, is_made: bool) {
        self.made |= u16::from(is_made) << (reg & 15);
    }

    /// On a way that comes from a place where this was known.
    pub(super) fn with(self, Made { made, kept }: Made) -> Self {
        Self { made, kept, ..self }
    }

    /// Does a jump from here leave the function, as a call in tail position: was lr taken back from the stack?
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Other ways lead here, too, with other values in registers. What this one tested is asked for where it matters.
    pub(super) fn join(&mut self) {
        self.values = [None; 16];
        self.stale = 0;
        self.words = 0;
        self.computed = 0;
        self.indexed = 0;
        self.is_leaving = false;
    }

    /// Does an instruction at an address call: by `bl` and the like, or by a jump while lr holds what follows it?
    pub(super) fn calls(&self, insn: &Insn, addr: u32) -> bool {
        let next = addr.wrapping_add(u32::from(insn.len));
        match insn.flow {
            Flow::Call(..) | Flow::CallRegister(_) => true,
            Flow::Next | Flow::Return | Flow::Syscall(_) | Flow::Trap(_) => false,
            _ => self.get(14).is_some_and(|lr| lr & !1 == next),
        }
    }

    /// A called function keeps r4 to r11 (AAPCS). That the number of a system call, in r7, was set before is not relied on.
    pub(super) fn call(&mut self) {
        self.masked = None;
        self.compared = None;
        self.is_leaving = false;
        self.below = self.below.filter(|(reg, _)| (4..12).contains(reg));
        self.stale |= 0x100f;
        self.made &= !0x100f;
        self.passes_made = false;
        self.kept &= !0x100f;
        self.set(7, None);
        self.set(14, None);
    }
}

/// The register that an instruction copies another one to, if that is in a list.
fn copied(insn: &Insn, list: u16) -> u16 {
    match insn.value {
        // A pointer to Thumb code has bit 0 set.
        Some((_, Value::Offset(from, 0) | Value::Or(from, 1))) if list >> (from & 15) & 1 == 1 => {
            insn.computes()
        }
        _ => 0,
    }
}

/// The register that an instruction stores where the stack pointer leads to.
fn stored_on_top(insn: &Insn) -> Option<u8> {
    let transfer = insn.transfer.as_ref()?;
    let on_top = transfer.base == 13 && transfer.first == transfer.moves.min(0);
    registers(transfer.list)
        .next()
        .filter(|_| on_top && !transfer.load)
}

/// The registers of a list, bit n for rn.
pub(super) fn registers(list: u16) -> impl Iterator<Item = u8> {
    let rests = std::iter::successors(Some(list), |rest| Some(rest & rest.wrapping_sub(1)));
    rests
        .take_while(|rest| *rest != 0)
        .map(|rest| (rest.trailing_zeros() & 15) as u8)
}

/// The bits of AT_HWCAP that stand for units: fpa, vfp, iwmmxt, crunch, neon, vfpv3, vfpv3d16, vfpv4, idiva, idivt, vfpd32,
/// and from fphp to i8mm.
pub(super) const UNIT_BITS: u32 = 0x0fcf_7660;

/// A mask with other bits than one is not a test of a capability.
const fn one_bit(mask: u32) -> u32 {
    if mask.is_power_of_two() { mask } else { 0 }
}

/// What is advertised where these bits of AT_HWCAP were seen to be set.
pub(super) fn features_behind(bits: u32) -> FeatureSet {
    if bits == 0 {
        return FeatureSet::EMPTY;
    }
    let advertised = crate::target::features_of_hwcap(bits, 0);
    let shared = advertised.has(Feature::Iwmmxt) || advertised.has(Feature::Fpa);
    advertised.with_if(shared, Feature::FpaOrIwmmxt)
}

/// Around the stack pointer, bytes.
const NEAR_LEN: u32 = 64 << 10;
/// How far above the stack pointer of a stopped thread its frames are looked at, and below it new ones, bytes.
const STACK_LEN: u32 = 1 << 20;

/// The stack of a thread from where it stopped: what lay there then, and what the code that follows puts there.
pub(super) struct Stack {
    /// The stack pointer there.
    top: u32,
    /// Words written since; `None` for a value that is not known.
    written: HashMap<u32, Option<u32>>,
}

impl Stack {
    pub(super) fn new(top: u32) -> Self {
        Self {
            top,
            written: HashMap::new(),
        }
    }

    fn holds(&self, addr: u32) -> bool {
        addr.wrapping_sub(self.top.wrapping_sub(STACK_LEN)) < 2 * STACK_LEN
    }

    fn store(&mut self, addr: u32, value: Option<u32>) {
        self.written
            .entry(addr)
            .and_modify(|known| *known = known.filter(|known| value == Some(*known)))
            .or_insert(value);
    }

    /// Did the code that was followed put a word there?
    pub(super) fn wrote(&self, addr: u32) -> bool {
        self.written.contains_key(&addr)
    }

    pub(super) fn load(&self, addr: u32, window: &mut Window<'_>) -> Option<u32> {
        match self.written.get(&addr) {
            Some(value) => *value,
            // Below lies what earlier calls left.
            None if addr >= self.top => window.word(addr),
            None => None,
        }
    }
}
