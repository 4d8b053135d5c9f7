mod programs;
mod proofs;
mod support;
