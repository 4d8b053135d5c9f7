//! LazVM as an executor of blocks: what it builds it accepts, what it refuses every node refuses,
//! and what it committed is there after a crash.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod faults;
mod hostile;
mod journal;
#[path = "../../examples/replay/replayer.rs"]
mod replayer;
mod rules;
mod simulation;
#[path = "../../examples/replay/storyteller.rs"]
mod storyteller;
mod support;
