use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use lazai_consensus::{Candidate, Committee, Epoch, QuorumId, Roster, bls::SecretKey};

use crate::node::{SeatKeys, SetupError};

/// A quorum of the example. Every node is a member of it, with a voting key of its own.
#[derive(Clone, Debug)]
pub struct Quorum {
    /// Name for people.
    pub name: &'static str,
    /// Id in attestations.
    pub id: QuorumId,
    /// The members.
    pub committee: Arc<Committee>,
    /// The encoded roster by which a chain enrolls the committee.
    pub roster: Vec<u8>,
}

/// Names of the example's quorums.
pub const QUORUMS: [&str; 2] = ["health records", "city sensors"];

impl Quorum {
    /// Creates the quorum `name` of `members` nodes with equal weight.
    ///
    /// # Errors
    /// [`SetupError`] if the example's keys do not make a committee.
    pub fn new(name: &'static str, members: usize) -> Result<Self, SetupError> {
        let id = QuorumId(keccak256(name));
        let candidate = |index: usize| {
            let (address, secret) = (member_address(index)?, member_key(name, index)?);
            let possession = secret.prove_possession(address);
            Ok(Candidate { address, weight: 1, key: secret.public_key(), possession })
        };
        let candidates = (0..members).map(candidate);
        let candidates = candidates.collect::<Result<Vec<_>, SetupError>>()?;
        let roster = Roster { quorum: id, epoch: EPOCH, candidates: candidates.clone() }.encode();
        let committee = Arc::new(Committee::new(id, EPOCH, candidates)?);
        Ok(Self { name, id, committee, roster })
    }

    /// Returns the index of the node behind a member, if it is one of the example's.
    #[must_use]
    pub fn node_of(&self, member: Address) -> Option<usize> {
        (0..self.committee.members().len())
            .find(|index| member_address(*index).is_ok_and(|address| address == member))
    }
}

/// Returns the name of the quorum with this id.
pub(crate) fn quorum_name(id: B256) -> &'static str {
    QUORUMS.into_iter().find(|name| keccak256(name) == id).unwrap_or("another quorum")
}

/// Returns the wallet address of a node, which is the same in the chain and in every quorum.
pub(crate) fn member_address(index: usize) -> Result<Address, SetupError> {
    Ok(SeatKeys::new(index)?.wallet.address())
}

/// Derives the key with which a node votes in a quorum.
pub(crate) fn member_key(name: &str, index: usize) -> Result<SecretKey, SetupError> {
    let seed = keccak256(format!("lazvm/example-member/1/{name}/{index}"));
    Ok(SecretKey::from_seed(seed.as_slice())?)
}

/// The only epoch of the example.
pub(crate) const EPOCH: Epoch = Epoch(1);
