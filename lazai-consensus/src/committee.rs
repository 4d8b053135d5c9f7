use alloc::vec::Vec;

use alloy_primitives::{Address, B256, Keccak256};
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Epoch, QuorumId,
    bls::{AggregateKey, PublicKey, Signature, verify_possessions},
    merkle,
};

/// The members that may vote in one epoch of a quorum, with their weights.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committee {
    quorum: QuorumId,
    epoch: Epoch,
    /// The members, ascending by address.
    members: Vec<Member>,
    total_weight: u64,
    aggregate_key: PublicKey,
    root: B256,
}

impl Committee {
    /// Creates a committee of `candidates`, given in any order, after verifying that each knows the
    /// secret of its key.
    ///
    /// # Errors
    /// [`CommitteeError`] if there are none or too many, if an address or a key appears twice, if a
    /// weight is 0, if the weights exceed 64 bits in total, if a proof of possession is false, or
    /// if the keys add up to nothing.
    pub fn new(
        quorum: QuorumId,
        epoch: Epoch,
        mut candidates: Vec<Candidate>,
    ) -> Result<Self, CommitteeError> {
        if candidates.is_empty() || candidates.len() > MAX_MEMBERS {
            return Err(CommitteeError::Size {
                got: candidates.len() as u64,
                max: MAX_MEMBERS as u64,
            });
        }
        candidates.sort_unstable_by_key(|candidate| candidate.address);
        let mut total_weight: u64 = 0;
        let mut previous = None;
        for Candidate { address, weight, .. } in &candidates {
            let (address, weight) = (*address, *weight);
            if previous.replace(address) == Some(address) {
                return Err(CommitteeError::DuplicateMember { address });
            }
            if weight == 0 {
                return Err(CommitteeError::ZeroWeight { address });
            }
            total_weight =
                total_weight.checked_add(weight).ok_or(CommitteeError::WeightOverflow)?;
        }
        let mut keys: Vec<_> =
            candidates.iter().map(|candidate| (candidate.key.to_bytes(), candidate)).collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        if let Some([_, (_, second)]) = keys.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Err(CommitteeError::DuplicateKey { address: second.address });
        }
        // Last, because it takes longest.
        let proofs: Vec<_> = candidates
            .iter()
            .map(|candidate| (candidate.address, candidate.key, candidate.possession))
            .collect();
        if let Some(address) = first_forged(&proofs) {
            return Err(CommitteeError::Possession { address });
        }
        let members: Vec<_> = candidates.iter().map(Candidate::member).collect();
        let aggregate_key = AggregateKey::of(members.iter().map(|member| &member.key))
            .map(|sum| sum.to_public_key())
            .filter(|key| !key.is_identity())
            .ok_or(CommitteeError::NoKey)?;
        let root = root(quorum, epoch, total_weight, &aggregate_key, &members);
        Ok(Self { quorum, epoch, members, total_weight, aggregate_key, root })
    }

    /// Returns the quorum of the committee.
    #[must_use]
    pub const fn quorum(&self) -> QuorumId {
        self.quorum
    }

    /// Returns the epoch of the committee.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the members, ascending by address.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the place of an address among the members.
    #[must_use]
    pub fn index_of(&self, address: Address) -> Option<usize> {
        self.members.binary_search_by_key(&address, |member| member.address).ok()
    }

    /// Returns the weight of all members together; at least 1.
    #[must_use]
    pub const fn total_weight(&self) -> u64 {
        self.total_weight
    }

    /// Returns the least weight that is strictly more than two thirds of the total.
    ///
    /// Arithmetic: `total - floor((total - 1) / 3)`, which equals `floor(2 * total / 3) + 1` and
    /// never exceeds the total.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)]
    pub const fn threshold(&self) -> u64 {
        // The total is at least 1, and what is taken from it is less than a third of it.
        self.total_weight - (self.total_weight - 1) / 3
    }

    /// Returns the sum of all members' keys.
    #[must_use]
    pub const fn aggregate_key(&self) -> &PublicKey {
        &self.aggregate_key
    }

    /// Returns the root that a chain stores of the committee.
    ///
    /// It is
    /// `keccak256("lazvm/committee/1" ‖ quorum ‖ epoch ‖ total weight ‖ count ‖ key ‖ leaves)`: the
    /// count of members is a u32 and the other integers are u64, big-endian; the key is the
    /// aggregate key in EIP-2537's form; `leaves` is the Merkle root over [`Member::leaf`].
    #[must_use]
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// Returns the path from a member's [`leaf`](Member::leaf) to the Merkle root within
    /// [`root`](Self::root).
    #[must_use]
    pub fn path(&self, index: usize) -> Option<Vec<B256>> {
        merkle::path(&leaves(&self.members), index)
    }

    /// Returns the Merkle root of the members' leaves.
    #[must_use]
    pub fn members_root(&self) -> B256 {
        merkle::root(&leaves(&self.members))
    }
}

/// Returns the owner of the first false proof of possession. Halves are verified as a batch, so
/// naming one takes twice as long as finding none.
fn first_forged(mut proofs: &[(Address, PublicKey, Signature)]) -> Option<Address> {
    if verify_possessions(proofs) {
        return None;
    }
    while proofs.len() > 1 {
        let (first, second) = proofs.split_at(proofs.len() / 2);
        proofs = if verify_possessions(first) { second } else { first };
    }
    proofs.first().map(|(address, ..)| *address)
}

fn leaves(members: &[Member]) -> Vec<B256> {
    members.iter().map(Member::leaf).collect()
}

fn root(
    quorum: QuorumId,
    epoch: Epoch,
    total_weight: u64,
    aggregate_key: &PublicKey,
    members: &[Member],
) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(b"lazvm/committee/1");
    hasher.update(quorum.0);
    hasher.update(epoch.0.to_be_bytes());
    hasher.update(total_weight.to_be_bytes());
    // At most MAX_MEMBERS.
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    hasher.update(count.to_be_bytes());
    hasher.update(aggregate_key.to_eip2537());
    hasher.update(merkle::root(&leaves(members)));
    hasher.finalize()
}

/// A member that may vote: a candidate whose proof of possession was verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    /// The wallet of the member.
    pub address: Address,
    /// The weight of its vote; at least 1.
    pub weight: u64,
    /// The public key of its votes.
    pub key: PublicKey,
}

impl Member {
    /// Returns the member's leaf of the Merkle tree:
    /// `keccak256(0x00 ‖ address ‖ weight as u64 big-endian ‖ key in EIP-2537's form)`.
    #[must_use]
    pub fn leaf(&self) -> B256 {
        let mut bytes = Vec::with_capacity(20 + 8 + 256);
        bytes.extend_from_slice(self.address.as_slice());
        bytes.extend_from_slice(&self.weight.to_be_bytes());
        bytes.extend_from_slice(&self.key.to_eip2537());
        merkle::leaf(&bytes)
    }
}

/// A wallet that asks to become a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The wallet of the candidate.
    pub address: Address,
    /// The weight of its vote.
    pub weight: u64,
    /// The public key of its votes.
    pub key: PublicKey,
    /// The proof that it knows the secret of the key
    /// ([`SecretKey::prove_possession`](crate::bls::SecretKey::prove_possession)).
    pub possession: Signature,
}

impl Candidate {
    const fn member(&self) -> Member {
        Member { address: self.address, weight: self.weight, key: self.key }
    }
}

/// The decoded candidates of a committee, before their proofs of possession are verified.
///
/// Bytes: version 1 ‖ quorum ‖ epoch u64 ‖ count u16 ‖ per candidate, ascending by address: address
/// ‖ weight u64 ‖ key (96) ‖ proof of possession (48). Integers are big-endian.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Roster {
    /// The quorum of the committee.
    pub quorum: QuorumId,
    /// The epoch of the committee.
    pub epoch: Epoch,
    /// The candidates, ascending by address.
    pub candidates: Vec<Candidate>,
}

impl Roster {
    /// Returns the canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut candidates = self.candidates.clone();
        candidates.sort_unstable_by_key(|candidate| candidate.address);
        let mut bytes = Vec::new();
        bytes.push(VERSION);
        bytes.extend_from_slice(self.quorum.0.as_slice());
        bytes.extend_from_slice(&self.epoch.0.to_be_bytes());
        // More than MAX_MEMBERS are encoded with a count that no reader accepts.
        let count = u16::try_from(candidates.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        for candidate in &candidates {
            bytes.extend_from_slice(candidate.address.as_slice());
            bytes.extend_from_slice(&candidate.weight.to_be_bytes());
            bytes.extend_from_slice(&candidate.key.to_bytes());
            bytes.extend_from_slice(&candidate.possession.to_bytes());
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; points are checked, proofs of possession are not.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical or name more than [`MAX_MEMBERS`] candidates.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let (quorum, epoch) = (QuorumId(reader.hash()?), Epoch(reader.u64()?));
        let count = reader.u16()?;
        if usize::from(count) > MAX_MEMBERS {
            return Err(DecodeError::Field { field: "count of members", got: count.into() });
        }
        // Before the points, which take longer to check than the rest.
        let expected = usize::from(count).saturating_mul(CANDIDATE_BYTES);
        if reader.remaining() < expected {
            return Err(DecodeError::Truncated { got: bytes.len() as u64 });
        }
        let mut candidates: Vec<Candidate> = Vec::with_capacity(count.into());
        for _ in 0..count {
            let candidate = Candidate {
                address: reader.address()?,
                weight: reader.u64()?,
                key: PublicKey::from_bytes(&reader.array()?)?,
                possession: Signature::from_bytes(&reader.array()?)?,
            };
            if candidates.last().is_some_and(|last| last.address >= candidate.address) {
                let got = candidates.len() as u64;
                return Err(DecodeError::Field { field: "order of members", got });
            }
            candidates.push(candidate);
        }
        reader.finish()?;
        Ok(Self { quorum, epoch, candidates })
    }

    /// Verifies the candidates and creates the committee.
    ///
    /// # Errors
    /// As [`Committee::new`].
    pub fn seat(self) -> Result<Committee, CommitteeError> {
        Committee::new(self.quorum, self.epoch, self.candidates)
    }
}

/// Why candidates do not form a committee.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommitteeError {
    /// A key belongs to two members.
    #[error("the key of {address} is another member's, too")]
    DuplicateKey {
        /// One of the two members.
        address: Address,
    },
    /// An address appears twice.
    #[error("{address} is a member twice")]
    DuplicateMember {
        /// The address that appears twice.
        address: Address,
    },
    /// The keys add up to the identity, which takes someone who knows all secrets; no
    /// certificate of all members would hold.
    #[error("the keys of the members add up to nothing")]
    NoKey,
    /// A member has not shown that it knows the secret of its key.
    #[error("the proof of possession of {address} does not hold for its key and address")]
    Possession {
        /// The address of the candidate with the false proof.
        address: Address,
    },
    /// There are no members, or too many.
    #[error("a committee has {got} members, but must have from 1 to {max}")]
    Size {
        /// Number of candidates given.
        got: u64,
        /// Most members of a committee.
        max: u64,
    },
    /// The weights are too large.
    #[error("the weights of a committee exceed 64 bits in total")]
    WeightOverflow,
    /// A member would have no vote.
    #[error("the weight of {address} is 0")]
    ZeroWeight {
        /// The address of the candidate with weight 0.
        address: Address,
    },
}

impl CommitteeError {
    /// Returns the number of the reason, from 1 to 255; it never changes.
    pub(crate) const fn code(&self) -> u32 {
        match self {
            Self::DuplicateKey { .. } => 1,
            Self::DuplicateMember { .. } => 2,
            Self::NoKey => 3,
            Self::Possession { .. } => 4,
            Self::Size { .. } => 5,
            Self::WeightOverflow => 6,
            Self::ZeroWeight { .. } => 7,
        }
    }
}

/// Most members of a committee: its roster then fits where a chain stores a verifying key, in the
/// code of one contract.
pub const MAX_MEMBERS: usize = 128;

/// Most bytes of a roster.
pub const MAX_ROSTER_BYTES: usize = 1 + 32 + 8 + 2 + MAX_MEMBERS * CANDIDATE_BYTES;

const VERSION: u8 = 1;
const CANDIDATE_BYTES: usize = 20 + 8 + 96 + 48;
