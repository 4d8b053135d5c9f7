#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod admission;
mod audit;
mod dataset;
mod epochs;
mod fetch;
mod handover;
mod holding;
mod ledger;
mod limits;
mod member;
mod message;
mod peers;
mod policy;
mod poll;
mod refusal;
mod request;
mod takeover;
mod task;
mod voting;
mod worker;

pub use ledger::{CertificateStore, FileLedger, LedgerError, MemoryLedger};
pub use limits::Limits;
pub use member::{Command, Output, QuorumMember};
pub use message::{MESSAGE_HEAD_BYTES, Message};
pub use policy::{DataPolicy, DataView, Verdict};
pub use refusal::{FORGERY, NUISANCE, Refusal};
pub use request::Request;
pub use task::{Done, KeepError, RestoreFailure, Shards, Task};
pub use worker::{Recovered, Worker};
