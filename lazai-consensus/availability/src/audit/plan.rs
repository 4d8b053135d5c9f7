use alloc::vec::Vec;
use core::num::NonZeroU64;

use alloy_primitives::{Address, B256, Keccak256};
use lazai_consensus::{Epoch, QuorumId};

use crate::{
    DatasetCommitment, Place,
    assignment::shard_of_seat,
    place::{draw, leaves_of_column, place_in_column},
};

/// In whose name, and by what chance, members are asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Auditor {
    /// The quorum that audits its members.
    pub quorum: QuorumId,
    /// The epoch of the audit.
    pub epoch: Epoch,
    /// What nobody could foresee when the shards had to be stored: randomness of the chain that was
    /// fixed later.
    pub beacon: B256,
}

/// What a member has to hold of one data set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holding {
    /// The data set.
    pub commitment: DatasetCommitment,
    /// The seats of the member, ascending; see [`Assignment::seats`](crate::Assignment::seats).
    pub seats: Vec<u16>,
}

/// What one member is asked in one epoch: `K` leaves of all that it has to hold, over all data
/// sets.
///
/// Each leaf is as likely as the others, and drawn with replacement: whoever has lost a share `a`
/// of its leaves is found with probability `1 - (1 - a)^K`; see
/// [`detection_ppm`](crate::detection_ppm). In per cent:
///
/// | lost | 5 leaves | 20 leaves | 5 leaves, 30 epochs | 20 leaves, 30 epochs |
/// | --- | --- | --- | --- | --- |
/// | 1 % | 4.90 | 18.21 | 77.85 | 99.76 |
/// | 5 % | 22.62 | 64.15 | 99.95 | 100.00 |
///
/// The plan follows from what is on chain: anybody computes the same.
///
/// # Limits
/// An answer shows that the member can get the leaf in time, not that it keeps it: it may fetch `k`
/// shards from others when it is asked. The time for an answer should therefore be shorter than
/// that takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditPlan {
    challenges: Vec<(DatasetCommitment, Place)>,
}

impl AuditPlan {
    /// What `member` is asked: `count` leaves of its `holdings`, given in any order; at most
    /// [`MAX_CHALLENGES`], and none if it holds nothing. Seats that a data set has not are left
    /// out, and so is a data set that comes twice.
    ///
    /// # Source
    /// The leaf is the one at `draw(i)` of all leaves: data sets ascending by root, in each the
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

    /// The leaves asked for, each with its data set.
    #[must_use]
    pub fn challenges(&self) -> &[(DatasetCommitment, Place)] {
        &self.challenges
    }
}

/// The leaf at `drawn` of all leaves.
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

/// Most leaves that a member is asked for at once.
pub const MAX_CHALLENGES: u16 = 1_024;

const DOMAIN: &[u8] = b"lazvm/audit/1";
