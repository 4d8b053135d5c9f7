//! Bounds of what the engine holds in memory and how often it asks.

use core::{num::NonZeroUsize, time::Duration};

use commonware_utils::NZUsize;

/// Messages that wait for an actor at most.
pub(super) const MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Views behind the last final one of which votes and certificates are kept.
pub(super) const VIEW_RETENTION: u64 = 128;
/// Final blocks that may be handled before it is on disk that the first of them was.
pub(super) const MAX_UNACKNOWLEDGED: NonZeroUsize = NZUsize!(16);
/// How long a peer is left alone before it is asked again.
pub(super) const FETCH_PAUSE: Duration = Duration::from_millis(100);
/// What a message adds to a block at most: its length, a certificate, and the names of request and answer.
pub(super) const BLOCK_OVERHEAD: usize = 1 << 10;
/// Bytes of a journal that are written at once.
pub(super) const WRITE_BUFFER: NonZeroUsize = NZUsize!(1 << 14);
/// Bytes of a journal that are read at once when a validator starts.
pub(super) const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1 << 16);
