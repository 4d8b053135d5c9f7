//! The demo: a chain on which a model answers, quorums that certify data, a node that is killed,
//! and one that is slashed.

mod contract;
mod error;
mod run_context;
mod steps;

pub use self::{
    error::DemoError,
    run_context::{DemoReport, Entry},
    steps::run_demo,
};
