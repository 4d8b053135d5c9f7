//! The service of a quorum: its members hold data sets, judge them and workflows, audit each other, and emit certificates.
//!
//! [`QuorumMember`] is the protocol without input and output. A [`Worker`] does its slow tasks on a disk and on models. Each
//! [`Output`] says what to do; with feature `quorum-network`, `QuorumService` does it over TCP.

mod audit;
mod epochs;
mod fetch;
mod handover;
mod holding;
mod job;
mod ledger;
mod limits;
mod member;
mod message;
#[cfg(feature = "quorum-network")]
mod network;
mod peers;
mod policy;
mod poll;
mod refusal;
mod request;
mod task;
mod voting;
mod worker;

pub use job::{decode_job, encode_job};
pub use ledger::{CertificateStore, FileLedger, LedgerError, MemoryLedger};
pub use limits::Limits;
pub use member::{Command, Output, QuorumMember};
pub use message::{MESSAGE_HEAD_BYTES, Message};
#[cfg(feature = "quorum-network")]
pub use network::{MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumService};
pub use policy::{DataPolicy, DataView, Verdict};
pub use refusal::{FORGERY, NUISANCE, Refusal};
pub use request::Request;
pub use task::{Done, KeepError, RestoreFailure, Shards, Task};
pub use worker::{Recovered, Worker};
