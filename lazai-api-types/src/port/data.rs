use alloc::vec::Vec;
use core::fmt::Debug;

use alloy_primitives::B256;

use crate::PortError;

/// Reads off-chain data by its commitment.
///
/// # Stability
/// Unstable: nothing in this repository implements or calls it yet; it is the port by which jobs
/// over certified datasets will read them.
pub trait DataSource: Debug + Send + Sync {
    /// Returns the bytes behind `commitment`, at most `max_bytes` of them; an implementation checks
    /// them against it.
    ///
    /// # Errors
    /// [`PortError::Fault`] if this machine cannot get them, which says nothing about whether they
    /// exist.
    fn read(&self, commitment: B256, max_bytes: u64) -> Result<Vec<u8>, PortError>;
}
