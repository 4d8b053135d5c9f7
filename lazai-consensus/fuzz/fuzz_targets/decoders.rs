//! Reads hostile bytes as everything that quorums, validators, contracts and readers send each
//! other; what can be read is canonical.

#![no_main]

use lazai_api_types::chain::Block;
use lazai_availability::{
    DatasetCommitment, InconsistencyProof, Manifest, Opening, OpeningKey, OpeningProof,
    OpeningValues, Shard, encryption::Grant,
};
use lazai_consensus::{
    Attestation, QuorumCertificate, QuorumId, Refutation, Roster, Vote,
    chain::{Equivocation, FinalityCertificate, FraudProof},
    governance::Proposal,
};
use lazai_quorum::Message;
use libfuzzer_sys::fuzz_target;

/// Asserts that reading and writing again gives the same bytes.
macro_rules! canonical {
    ($bytes:expr, $($kind:ty),+) => {
        $(if let Ok(read) = <$kind>::decode($bytes) {
            assert_eq!(read.encode(), $bytes, stringify!($kind));
        })+
    };
}

fuzz_target!(|bytes: &[u8]| {
    canonical!(bytes, Block, Equivocation, FinalityCertificate, FraudProof, Manifest);
    canonical!(bytes, QuorumCertificate, Refutation<'_>, Roster, Attestation, Vote);
    canonical!(bytes, Grant, OpeningKey, OpeningProof, OpeningValues, Proposal);
    // Behind the head that all messages of a quorum have.
    let message = [[2].as_slice(), &[0; 32], bytes].concat();
    if let Ok(read) = Message::decode(&message, QuorumId::default()) {
        assert_eq!(read.encode(QuorumId::default()), message);
    }
    // Openings and shards are read for a commitment, which is hostile too.
    let Some((front, rest)) = bytes.split_at_checked(lazai_availability::COMMITMENT_BYTES) else {
        return;
    };
    let Ok(commitment) = DatasetCommitment::decode(front) else { return };
    assert_eq!(commitment.encode(), front);
    if let Ok(opening) = Opening::decode(rest, &commitment) {
        assert_eq!(opening.encode(), rest);
    }
    if let Ok(shard) = Shard::decode(rest, &commitment) {
        assert_eq!(shard.encode(), rest);
    }
    if let Ok(proof) = InconsistencyProof::decode(rest, &commitment) {
        assert_eq!(proof.encode(), rest);
    }
});
