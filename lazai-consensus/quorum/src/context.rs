use alloy_primitives::Address;
use lazai_consensus::QuorumId;

use crate::{Limits, epochs::Epochs};

/// What each part of a member reads and none of them changes: the member's name, its limits, the
/// committees that it knows and the time.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The address of the member.
    pub(crate) own: Address,
    pub(crate) quorum: QuorumId,
    pub(crate) limits: Limits,
    pub(crate) epochs: Epochs,
    pub(crate) now_ms: u64,
}

impl Context {
    /// Returns the time `wait_ms` from now.
    pub(crate) const fn after_ms(&self, wait_ms: u64) -> u64 {
        self.now_ms.saturating_add(wait_ms)
    }
}
