use alloc::vec::Vec;
use core::time::Duration;

/// How messages travel from one node to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    /// Mean time of a message on its way.
    pub latency: Duration,
    /// Standard deviation of that time.
    pub jitter: Duration,
    /// Messages lost, in thousandths.
    pub loss_permille: u16,
}

impl Link {
    /// Creates a link that takes exactly `latency` and loses nothing.
    #[must_use]
    pub const fn fixed(latency: Duration) -> Self {
        Self { latency, jitter: Duration::ZERO, loss_permille: 0 }
    }
}

/// A time in which no message passes between the groups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Partition {
    /// When it begins.
    pub from: Duration,
    /// When it ends.
    pub to: Duration,
    /// The groups, by node. A node in none of them is alone.
    pub groups: Vec<Vec<u16>>,
}

impl Partition {
    /// Returns whether it keeps the two nodes apart.
    #[must_use]
    pub fn separates(&self, a: u16, b: u16) -> bool {
        !self.groups.iter().any(|group| group.contains(&a) && group.contains(&b))
    }
}

/// A node that stops at once and comes back with what it had made durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crash {
    /// The node.
    pub node: u16,
    /// When it stops.
    pub at: Duration,
    /// When it starts again.
    pub until: Duration,
    /// What is left on its disk.
    pub disk: Disk,
}

/// What a crash leaves on the disk of a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disk {
    /// All that had been made durable.
    Kept,
    /// Nothing: the node forgets its votes, which makes it a faulty one. A check of the checker.
    Lost,
}

/// A moment at which all nodes stop at once, with writes cut in the middle, and the time until they
/// start again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PowerCut {
    /// When all stop.
    pub at: Duration,
    /// When all start again.
    pub until: Duration,
}

/// How often the disks refuse, for all nodes alike. A node whose disk refuses stops, and is started
/// again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StorageFaults {
    /// Until when.
    pub until: Duration,
    /// Refused opens of a file, in millionths.
    pub open_ppm: u32,
    /// Refused reads, in millionths.
    pub read_ppm: u32,
    /// Refused writes, half of whose bytes still reach the disk, in millionths.
    pub write_ppm: u32,
    /// Refused syncs, in millionths.
    pub sync_ppm: u32,
}

/// What signs the votes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Signatures {
    /// Aggregated BLS12-381 signatures, as on the chain.
    Bls,
    /// Lists of Ed25519 signatures.
    Ed25519,
    /// Numbers that a table shared by all nodes vouches for: no forgery, and no time spent on
    /// curves. Their certificates name no signers.
    #[default]
    Mock,
}
