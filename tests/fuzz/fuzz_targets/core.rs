#![no_main]

ckpt_fuzz::target!(foreign::core);
