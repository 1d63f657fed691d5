//! A short tour, shown with the embedded sample.

use super::layout::View;

/// Title and text of each page.
pub const PAGES: &[(&str, &str)] = &[
    (
        "Welcome",
        "No image was named, so this is the sample that comes with the program: a sensor daemon with two threads, a shell on a terminal, a logger and a zombie, checkpointed on an ARM machine.\n\nEnter goes on, Esc ends the tour. ? lists all keys at any time.",
    ),
    (
        "1 Records",
        "The stream as it was written. Space opens a node, Enter goes to the fields; Enter on a reference jumps to what it refers to, Backspace comes back. In the bytes, moving the cursor selects the field it is in.",
    ),
    (
        "2 Tasks",
        "Processes and threads with what they were doing. Enter shows the registers of a task; w goes to the pane that tells all about it.",
    ),
    (
        "3 Registers",
        "Each register and what it points to, the code around pc, floating-point registers. p changes how those are cut: d, s or q lanes, as hex, integers or floats. t goes to the next task.",
    ),
    (
        "4 Memory",
        "Mappings, their pages, and bytes or code at an address. @ goes to an address or register, / searches all memory of the process, Enter follows the pointer at the cursor, d disassembles.",
    ),
    (
        "5 Files and sockets",
        "Descriptors, what they are, who shares them, and what waits in pipes, sockets and queues.",
    ),
    (
        "6 Compat",
        "On which processors and kernels this process could go on, rule by rule, with the evidence a key press away.",
    ),
    (
        "7 Problems",
        "What is wrong with an image, and where. Enter goes to the bytes. This image is whole.\n\nOpen your own with: ckpt-inspect IMAGE",
    ),
];

/// The view that a page speaks of.
pub fn view_of(page: usize) -> Option<View> {
    View::ALL.get(page.checked_sub(1)?).copied()
}
