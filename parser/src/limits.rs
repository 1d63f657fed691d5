//! Bounds on what a reader accepts, so that memory and time do not depend on what an image says.

/// Limits of a reader. [`Limits::default`] suits every image that a kernel can have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record that is not a payload, in bytes; its bytes are held in memory.
    pub record_len: u32,
    /// Longest payload record (buffers, pipe contents), in bytes; only its start is held.
    pub payload_len: u32,
    /// Bytes of a payload that are held in memory at once.
    pub held_len: u32,
    /// Nesting of shared objects.
    pub depth: u32,
    /// Records in an image.
    pub frames: u64,
    /// Shared objects that a model holds.
    pub objects: u32,
    /// Tasks that a model holds.
    pub tasks: u32,
    /// Mappings of one address space.
    pub vmas: u32,
    /// Page runs of a whole image.
    pub page_runs: u32,
    /// Descriptors of one table.
    pub descriptors: u32,
    /// How far to look for the next record behind damage, in bytes.
    pub resync: u64,
    /// Diagnostics that are kept; further ones are only counted.
    pub diagnostics: u32,
    /// Records that detection looks at before it settles for what it has.
    pub detection_frames: u32,
    /// Bytes of a pipe that detection may hold back.
    pub detection_bytes: u32,
    /// Bytes that a compressed image may unpack to for each byte of its own, beyond the first
    /// 64 MiB.
    pub expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            record_len: 1 << 20,
            payload_len: u32::MAX,
            held_len: 1 << 20,
            depth: 512,
            frames: 1 << 32,
            objects: 1 << 21,
            tasks: 1 << 20,
            vmas: 1 << 22,
            page_runs: 1 << 24,
            descriptors: 1 << 20,
            resync: 16 << 20,
            diagnostics: 1000,
            detection_frames: 1 << 16,
            detection_bytes: 4 << 20,
            expansion: 4096,
        }
    }
}

/// What to do about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Stop at the first error-level diagnostic.
    Strict,
    /// Keep what can be read and go on at the next record.
    Salvage,
}
