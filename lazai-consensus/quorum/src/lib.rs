#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod assignment;
mod auditing;
mod context;
mod effect;
mod epochs;
mod event;
mod fetching;
mod holding;
mod interface;
mod ledger;
mod limits;
mod member;
mod message;
mod peers;
mod policy;
mod refusal;
mod request;
mod voting;
mod worker;

pub use effect::{Effect, EffectResult, KeepError, RestoreFailure, Shards};
pub use interface::{Command, Output};
pub use ledger::{CertificateStore, FileLedger, LedgerError, MemoryLedger};
pub use limits::Limits;
pub use member::QuorumMember;
pub use message::{MESSAGE_HEAD_BYTES, Message};
pub use policy::{DataPolicy, DataView, Verdict};
pub use refusal::{FORGERY, NUISANCE, Refusal};
pub use request::Request;
pub use worker::{Recovered, Worker};
