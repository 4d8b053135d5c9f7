use alloc::vec::Vec;
use core::fmt::Debug;

use alloy_primitives::B256;

use crate::PortError;

/// Off-chain data, by commitment.
pub trait DataSource: Debug + Send + Sync {
    /// Returns the bytes behind `commitment`, at most `max_bytes` of them; an implementation checks
    /// them against it.
    ///
    /// # Errors
    /// [`PortError::Fault`] if this machine cannot get them, which says nothing about whether they
    /// exist.
    fn read(&self, commitment: B256, max_bytes: u64) -> Result<Vec<u8>, PortError>;
}
