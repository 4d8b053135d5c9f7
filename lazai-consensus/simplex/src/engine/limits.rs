//! Bounds of what the engine holds in memory and how often it asks.

use core::{num::NonZeroUsize, time::Duration};

use commonware_utils::NZUsize;

/// Most messages that wait for an actor.
pub(super) const MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Number of views behind the last final one whose votes and certificates are kept.
pub(super) const VIEW_RETENTION: u64 = 128;
/// Most final blocks that are handled before the acknowledgement of the first of them is on disk.
pub(super) const MAX_UNACKNOWLEDGED: NonZeroUsize = NZUsize!(16);
/// Pause between two requests to one peer.
pub(super) const FETCH_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes that a message adds to a block: its length, a certificate, and the names of request
/// and answer.
pub(super) const BLOCK_OVERHEAD: usize = 1 << 10;
/// Bytes of the write buffer of a journal.
pub(super) const WRITE_BUFFER: NonZeroUsize = NZUsize!(1 << 14);
/// Bytes of the buffer from which a journal is replayed when a validator starts.
pub(super) const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1 << 16);
