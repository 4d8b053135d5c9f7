mod golden;
mod lookups;
mod programs;
mod proofs;
mod statements;
mod support;
mod tampering;
