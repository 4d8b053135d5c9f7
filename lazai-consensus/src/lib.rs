#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]

extern crate alloc;

mod attestation;
pub mod bls;
mod certificate;
pub mod chain;
mod committee;
mod composite;
mod counted_vote;
mod error_source;
mod evidence;
pub mod evm;
#[cfg(feature = "std")]
mod file_lock;
pub mod governance;
pub mod merkle;
mod quorum;
mod refuter;
mod tally;
pub mod verifier;
mod vote;
mod vote_store;

pub use attestation::{Attestation, Fact, FactKind, MAX_ATTESTATION_BYTES, Slot};
pub use certificate::{CertificateError, MAX_CERTIFICATE_BYTES, QuorumCertificate, Signers};
pub use committee::{
    Candidate, Committee, CommitteeError, MAX_MEMBERS, MAX_ROSTER_BYTES, Member, Roster,
};
pub use composite::{CompositeError, CompositePolicy};
pub use counted_vote::CountedVote;
pub use error_source::ErrorSource;
pub use evidence::{Evidence, EvidenceError, Offenders, Refuter};
#[cfg(feature = "std")]
pub use file_lock::FileLock;
pub use quorum::{Epoch, QuorumId};
pub use refuter::{ProofRefuter, Refutation};
pub use tally::{Counted, Progress, Tally};
pub use vote::{AttestError, Attestor, MAX_VOTE_BYTES, Vote, VoteError};
#[cfg(feature = "std")]
pub use vote_store::VoteJournal;
pub use vote_store::{MemoryVoteStore, VoteStore, VoteStoreError};
