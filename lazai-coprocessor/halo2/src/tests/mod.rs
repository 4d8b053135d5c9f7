mod golden;
mod programs;
mod proofs;
mod statements;
mod support;
mod sweep;
mod tampering;
