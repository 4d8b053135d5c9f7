mod programs;
mod proofs;
mod support;
mod sweep;
mod tampering;
