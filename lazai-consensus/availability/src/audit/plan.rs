use alloc::vec::Vec;
use core::num::NonZeroU64;

use alloy_primitives::{Address, B256, Keccak256};
use lazai_consensus::{Epoch, QuorumId};

use crate::{
    DatasetCommitment, Place,
    assignment::shard_of_seat,
    place::{draw, leaves_of_column, place_in_column},
};

/// The quorum and the randomness of an audit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Auditor {
    /// The quorum that audits its members.
    pub quorum: QuorumId,
    /// The epoch of the audit.
    pub epoch: Epoch,
    /// Randomness of the chain, fixed after the shards had to be stored and unpredictable at that
    /// time.
    pub beacon: B256,
}

/// The seats of one member in one dataset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holding {
    /// The dataset.
    pub commitment: DatasetCommitment,
    /// The seats of the member, ascending; see [`Assignment::seats`](crate::Assignment::seats).
    pub seats: Vec<u16>,
}

/// The challenges to one member in one epoch: `K` leaves drawn from all that it must store, over
/// all datasets.
///
/// Leaves are drawn uniformly with replacement: a member that lost a share `a` of its leaves is
/// detected with probability `1 - (1 - a)^K`; see [`detection_ppm`](crate::detection_ppm). In per
/// cent:
///
/// | lost | 5 leaves | 20 leaves | 5 leaves, 30 epochs | 20 leaves, 30 epochs |
/// | --- | --- | --- | --- | --- |
/// | 1 % | 4.90 | 18.21 | 77.85 | 99.76 |
/// | 5 % | 22.62 | 64.15 | 99.95 | 100.00 |
///
/// The plan is a function of data on chain, so anyone can compute it.
///
/// # Limits
/// An answer shows that the member can produce the leaf in time, not that it stores the leaf: it
/// may fetch `k` shards from others when it is asked. The deadline should therefore be shorter than
/// such a fetch takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditPlan {
    challenges: Vec<(DatasetCommitment, Place)>,
}

impl AuditPlan {
    /// Draws `count` leaves, at most [`MAX_CHALLENGES`], of the `holdings` of `member`.
    ///
    /// The order of `holdings` is irrelevant. Seats that a dataset does not have and repeated
    /// datasets are ignored. The plan is empty if the member holds nothing.
    ///
    /// # Source
    /// The leaf is the one at `draw(i)` of all leaves: datasets ascending by root, in each the
    /// seats ascending, in each the stripes ascending, in each the leaves of the seat's shard.
    /// `draw(i)` is `x mod total` for the first of the numbers `x`, the leading 8 bytes of
    /// `keccak256("lazvm/audit/1" ‖ seed ‖ i ‖ attempt)`, that is below the largest multiple of
    /// `total` up to 2^64. The seed is
    /// `keccak256("lazvm/audit/1" ‖ quorum ‖ epoch ‖ beacon ‖ member)`. All numbers take 8 bytes,
    /// big-endian.
    #[must_use]
    pub fn new(auditor: &Auditor, member: Address, holdings: &[Holding], count: u16) -> Self {
        let mut columns: Vec<(B256, u16, DatasetCommitment)> = Vec::new();
        for Holding { commitment, seats } in holdings {
            let root = commitment.root();
            let seats = seats.iter().filter(|seat| **seat < commitment.coding().n());
            columns.extend(seats.map(|seat| (root, *seat, *commitment)));
        }
        columns.sort_unstable_by_key(|(root, seat, _)| (*root, *seat));
        columns.dedup_by_key(|(root, seat, _)| (*root, *seat));
        let total = columns.iter().fold(0_u64, |total, (_, _, commitment)| {
            total.saturating_add(leaves_of_column(commitment).get())
        });
        let Some(total) = NonZeroU64::new(total) else { return Self { challenges: Vec::new() } };
        let seed = seed(auditor, member);
        let challenge = |index| challenge(&columns, draw(DOMAIN, &seed, index, total));
        Self { challenges: (0..count.min(MAX_CHALLENGES).into()).filter_map(challenge).collect() }
    }

    /// Returns the challenged leaves, each with its dataset.
    #[must_use]
    pub fn challenges(&self) -> &[(DatasetCommitment, Place)] {
        &self.challenges
    }
}

/// Returns the leaf with the index `drawn` among all leaves.
fn challenge(
    columns: &[(B256, u16, DatasetCommitment)],
    drawn: u64,
) -> Option<(DatasetCommitment, Place)> {
    let mut offset = drawn;
    for (_, seat, commitment) in columns {
        let leaves = leaves_of_column(commitment).get();
        if let Some(beyond) = offset.checked_sub(leaves) {
            offset = beyond;
            continue;
        }
        let (stripe, leaf) = place_in_column(commitment, offset);
        let shard = shard_of_seat(commitment.coding().n(), *seat, stripe);
        return Some((*commitment, Place { stripe, shard, leaf }));
    }
    None
}

fn seed(auditor: &Auditor, member: Address) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(DOMAIN);
    hasher.update(auditor.quorum.0);
    hasher.update(auditor.epoch.0.to_be_bytes());
    hasher.update(auditor.beacon);
    hasher.update(member);
    hasher.finalize()
}

/// Maximum number of challenges in a plan.
pub const MAX_CHALLENGES: u16 = 1_024;

const DOMAIN: &[u8] = b"lazvm/audit/1";
