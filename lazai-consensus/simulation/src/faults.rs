use alloc::vec::Vec;
use core::time::Duration;

/// The latency and loss of messages from one node to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    /// Mean latency of a message.
    pub latency: Duration,
    /// Standard deviation of the latency.
    pub jitter: Duration,
    /// Lost messages, in thousandths.
    pub loss_permille: u16,
}

impl Link {
    /// Creates a link with a constant latency and without loss.
    #[must_use]
    pub const fn fixed(latency: Duration) -> Self {
        Self { latency, jitter: Duration::ZERO, loss_permille: 0 }
    }
}

/// An interval in which no message passes between the groups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Partition {
    /// Start of the interval.
    pub from: Duration,
    /// End of the interval.
    pub to: Duration,
    /// The groups of nodes. A node in none of them is isolated.
    pub groups: Vec<Vec<u16>>,
}

impl Partition {
    /// Returns whether the partition separates the two nodes.
    #[must_use]
    pub fn separates(&self, a: u16, b: u16) -> bool {
        !self.groups.iter().any(|group| group.contains(&a) && group.contains(&b))
    }
}

/// A crash and restart of a node. It restarts with its durable state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crash {
    /// The crashed node.
    pub node: u16,
    /// Time of the crash.
    pub at: Duration,
    /// Time of the restart.
    pub until: Duration,
    /// The state of the disk after the crash.
    pub disk: Disk,
}

/// The state of a node's disk after a crash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disk {
    /// All durable data is kept.
    Kept,
    /// The disk is empty: the node forgets its votes and counts as faulty. This is a test of the
    /// checker.
    Lost,
}

/// A stop of all nodes at once, in the middle of their writes, and their restart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PowerCut {
    /// Time of the stop.
    pub at: Duration,
    /// Time of the restart.
    pub until: Duration,
}

/// Failure rates of disk operations, equal for all nodes. A node with a failed operation stops, and
/// is restarted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StorageFaults {
    /// End of the faults.
    pub until: Duration,
    /// Failed opens of a file, in millionths.
    pub open_ppm: u32,
    /// Failed reads, in millionths.
    pub read_ppm: u32,
    /// Failed writes, in millionths. Half of the bytes of a failed write reach the disk.
    pub write_ppm: u32,
    /// Failed syncs, in millionths.
    pub sync_ppm: u32,
}

/// The signature scheme of the votes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Signatures {
    /// Aggregated BLS12-381 signatures, as on the chain.
    Bls,
    /// Lists of Ed25519 signatures.
    Ed25519,
    /// Unforgeable numbers from a table shared by all nodes, without the cost of cryptography.
    /// Their certificates name no signers.
    #[default]
    Mock,
}
