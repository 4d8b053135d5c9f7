//! How a quorum governs itself: proposals, weighted votes, and certificates as their result.
//!
//! A member votes on a [`Proposal`] as on any other attestation, once, by an
//! [`Attestor`](crate::Attestor) and a [`Tally`](crate::Tally). The certificate of
//! [`Fact::Decision`](crate::Fact::Decision) decides, and is final: another one convicts those who
//! signed both. A [`Charter`] is what the decisions have led to.

mod charter;
mod proposal;

pub use charter::{Charter, CharterError, DatasetTerms};
pub use proposal::{Action, MAX_PRICE_STEP_DIVISOR, MAX_PROPOSAL_BYTES, MAX_TEXT_BYTES, Proposal};
