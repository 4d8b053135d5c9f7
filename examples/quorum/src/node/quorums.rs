use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use lazai_consensus::{
    Candidate, Committee, CommitteeError, Epoch, QuorumId, Roster,
    bls::{InvalidKeyMaterial, SecretKey},
};

use crate::node::{KeyError, SeatKeys};

/// A quorum of the example: every node is a member of it, with a key of its own.
#[derive(Clone, Debug)]
pub struct Quorum {
    /// What people call it.
    pub name: &'static str,
    /// How statements name it.
    pub id: QuorumId,
    /// Its members.
    pub committee: Arc<Committee>,
    /// The bytes by which a chain knows the committee.
    pub roster: Vec<u8>,
}

/// The names of the example's quorums.
pub const QUORUMS: [&str; 2] = ["health records", "city sensors"];

impl Quorum {
    /// The quorum `name` of `members` nodes, of equal weight.
    ///
    /// # Errors
    /// [`QuorumSetupError`] if the example's keys do not make a committee, which they do.
    pub fn new(name: &'static str, members: usize) -> Result<Self, QuorumSetupError> {
        let id = QuorumId(keccak256(name));
        let candidate = |index: usize| {
            let (address, secret) = (member_address(index)?, member_key(name, index)?);
            let possession = secret.prove_possession(address);
            Ok(Candidate { address, weight: 1, key: secret.public_key(), possession })
        };
        let candidates = (0..members).map(candidate);
        let candidates = candidates.collect::<Result<Vec<_>, QuorumSetupError>>()?;
        let roster = Roster { quorum: id, epoch: EPOCH, candidates: candidates.clone() }.encode();
        let committee = Arc::new(Committee::new(id, EPOCH, candidates)?);
        Ok(Self { name, id, committee, roster })
    }

    /// The node behind a member.
    #[must_use]
    pub fn node_of(&self, member: Address) -> Option<usize> {
        (0..self.committee.members().len())
            .find(|index| member_address(*index).is_ok_and(|address| address == member))
    }
}

/// The name of a quorum by its id, for people.
#[must_use]
pub fn quorum_name(id: B256) -> &'static str {
    QUORUMS.into_iter().find(|name| keccak256(name) == id).unwrap_or("another quorum")
}

/// The wallet of a node, in the chain and in every quorum.
///
/// # Errors
/// [`KeyError`] if the example's names give no keys, which they do.
pub fn member_address(index: usize) -> Result<Address, KeyError> {
    Ok(SeatKeys::new(index)?.wallet.address())
}

/// The key with which a node votes in a quorum.
pub(crate) fn member_key(name: &str, index: usize) -> Result<SecretKey, InvalidKeyMaterial> {
    let seed = keccak256(format!("lazvm/example-member/1/{name}/{index}"));
    SecretKey::from_seed(seed.as_slice())
}

/// Why the example's keys do not make a quorum.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuorumSetupError {
    /// No committee.
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    /// No wallet.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No voting key.
    #[error(transparent)]
    Vote(#[from] InvalidKeyMaterial),
}

/// The epoch of the example, which has only one.
pub const EPOCH: Epoch = Epoch(1);
