//! The service of a quorum: its members hold data sets, judge them and workflows, audit each other, and emit certificates.
//!
//! [`QuorumMember`] is the protocol without input and output. A [`Worker`] does its slow tasks on a disk and on models. Each
//! [`Output`] says what to do; with feature `quorum-network`, `QuorumService` does it over TCP.
//!
//! # Guarantees
//! - What a member vouches for is on disk before it says so: its vote, its shards, and a certificate before it is reported.
//! - Whatever peers send costs a bounded amount of memory and work; what is refused has a name and a price, and who pays too
//!   much is blocked.
//! - A certificate takes two network delays from the request to all members: one to ask, one to vote. Where shards of others
//!   must be read first, two more.
//!
//! # Limits
//! - A data set that is judged, read or repaired is held in memory; see [`Limits::max_data_bytes`].
//! - A member that asks for too much work with true statements is bounded by [`Limits`] alone; fees are up to the chain.
//! - Peers are the members of this epoch, the one before and the next. Others publish through one of them.

mod admission;
mod audit;
mod data_set;
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
mod takeover;
mod task;
mod voting;
mod worker;

pub use job::{decode_job, encode_job};
pub use ledger::{CertificateStore, FileLedger, LedgerError, MemoryLedger};
pub use limits::Limits;
pub use member::{Command, Output, QuorumMember};
pub use message::{MESSAGE_HEAD_BYTES, Message};
#[cfg(feature = "quorum-network")]
pub use network::{
    MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumOrders, QuorumService,
};
pub use policy::{DataPolicy, DataView, Verdict};
pub use refusal::{FORGERY, NUISANCE, Refusal};
pub use request::Request;
pub use task::{Done, KeepError, RestoreFailure, Shards, Task};
pub use worker::{Recovered, Worker};
