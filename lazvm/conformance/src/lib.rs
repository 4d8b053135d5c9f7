#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod block;
mod engine;
mod file;
mod folder;
mod report;
mod root;
mod state;
mod verdict;

pub use engine::Engines;
pub use file::Kind;
pub use folder::{Options, run};
pub use report::{Failure, Report};
pub use verdict::Verdict;
