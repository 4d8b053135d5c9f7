//! Validators as child processes on one machine, and the blocks that they have announced so far.

mod error;
mod final_blocks;
mod process;
mod validators;

pub use self::{
    error::FleetError,
    final_blocks::{FinalBlocks, Fork},
    process::NodeEvent,
    validators::{Fleet, VALIDATORS},
};
