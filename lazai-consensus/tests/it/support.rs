//! Committees with known secrets.
#![allow(dead_code)]

use alloy_primitives::{Address, B256};
use lazai_consensus::{
    Attestation, Attestor, Candidate, Committee, Epoch, Fact, MemoryVoteStore, QuorumCertificate,
    QuorumId, Signers, Vote,
    bls::{SecretKey, Signature},
};

pub(crate) const QUORUM: QuorumId = QuorumId(B256::repeat_byte(0x51));
pub(crate) const EPOCH: Epoch = Epoch(3);

/// The secret of the member at `index`.
pub(crate) fn secret(index: usize) -> SecretKey {
    let mut seed = [0x5e; 32];
    seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
    SecretKey::from_seed(&seed).unwrap()
}

/// The address of the member at `index`; ascending with it.
pub(crate) fn address(index: usize) -> Address {
    let mut bytes = [0xa0; 20];
    bytes[..8].copy_from_slice(&(index as u64).to_be_bytes());
    Address::new(bytes)
}

pub(crate) fn candidate(index: usize, weight: u64) -> Candidate {
    let (address, secret) = (address(index), secret(index));
    let possession = secret.prove_possession(address);
    Candidate { address, weight, key: secret.public_key(), possession }
}

pub(crate) fn committee(weights: &[u64]) -> Committee {
    let candidates = weights.iter().enumerate();
    let candidates = candidates.map(|(index, weight)| candidate(index, *weight)).collect();
    Committee::new(QUORUM, EPOCH, candidates).unwrap()
}

pub(crate) const fn attestation(fact: Fact) -> Attestation {
    Attestation { quorum: QUORUM, epoch: EPOCH, fact }
}

pub(crate) const fn checkpoint(height: u64, root: u8) -> Attestation {
    attestation(Fact::Checkpoint { height, state_root: B256::repeat_byte(root) })
}

/// A vote that keeps no promise: for what a dishonest member signs.
pub(crate) fn vote(index: usize, attestation: Attestation, committee: &Committee) -> Vote {
    let store = MemoryVoteStore::default();
    Attestor::new(address(index), secret(index), store).attest(attestation, committee).unwrap()
}

pub(crate) fn certificate(
    attestation: &Attestation,
    members: &[usize],
    of: u8,
) -> QuorumCertificate {
    let mut signers = Signers::none(of).unwrap();
    let hash = attestation.hash();
    let signatures: Vec<_> =
        members.iter().map(|index| secret(*index).sign(hash.as_slice())).collect();
    for index in members {
        assert!(signers.insert(*index));
    }
    QuorumCertificate {
        quorum: attestation.quorum,
        epoch: attestation.epoch,
        attestation: hash,
        signers,
        signature: Signature::aggregate(&signatures).unwrap(),
    }
}
