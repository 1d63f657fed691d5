#![no_main]

ckpt_fuzz::target!(document);
