use alloc::vec::Vec;

use alloy_primitives::B256;
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    bls::{SIGNATURE_BYTES, Signature},
    chain::{
        ChainCommittee, ChainVote, Seat,
        finality::{put_proposal, read_proposal},
    },
};

/// Proof that a seat of the chain's committee signed two votes that an honest seat never signs
/// both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Equivocation {
    /// The place of the seat in the committee of the epoch.
    pub seat: u32,
    /// The first vote.
    pub first: SignedChainVote,
    /// The second vote.
    pub second: SignedChainVote,
}

impl Equivocation {
    /// Verifies the evidence for the chain with this genesis digest against the committee of the
    /// epoch of the votes, and returns the convicted seat.
    ///
    /// # Errors
    /// [`EquivocationError`] if it convicts nobody.
    pub fn verify<'a>(
        &self,
        genesis: B256,
        committee: &'a ChainCommittee,
    ) -> Result<&'a Seat, EquivocationError> {
        if !self.first.vote.conflicts_with(&self.second.vote) {
            return Err(EquivocationError::NoConflict);
        }
        let place = usize::try_from(self.seat).unwrap_or(usize::MAX);
        let seat = committee
            .seats()
            .get(place)
            .ok_or(EquivocationError::UnknownSeat { seat: self.seat })?;
        for SignedChainVote { vote, signature } in [&self.first, &self.second] {
            if !signature.verify(&vote.signed_bytes(genesis), &seat.vote_key) {
                return Err(EquivocationError::Signature);
            }
        }
        Ok(seat)
    }

    /// Returns the canonical bytes: version 1 ‖ seat u32 ‖ two votes, each kind u8 (0 notarize, 1
    /// nullify, 2 finalize) ‖ epoch u64 ‖ view u64 ‖, but for a nullification, parent view u64 ‖
    /// digest ‖ signature (48).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.seat.to_be_bytes());
        for SignedChainVote { vote, signature } in [&self.first, &self.second] {
            match vote {
                ChainVote::Notarize(proposal) => {
                    bytes.push(NOTARIZE);
                    put_proposal(&mut bytes, proposal);
                }
                ChainVote::Nullify { epoch, view } => {
                    bytes.push(NULLIFY);
                    bytes.extend_from_slice(&epoch.to_be_bytes());
                    bytes.extend_from_slice(&view.to_be_bytes());
                }
                ChainVote::Finalize(proposal) => {
                    bytes.push(FINALIZE);
                    put_proposal(&mut bytes, proposal);
                }
            }
            bytes.extend_from_slice(&signature.to_bytes());
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical or a signature is no point of its group.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let seat = reader.u32()?;
        let first = SignedChainVote::read(&mut reader)?;
        let second = SignedChainVote::read(&mut reader)?;
        reader.finish()?;
        Ok(Self { seat, first, second })
    }
}

/// A vote and the signature of a seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedChainVote {
    /// The signed vote.
    pub vote: ChainVote,
    /// The signature of [`ChainVote::signed_bytes`].
    pub signature: Signature,
}

impl SignedChainVote {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let vote = match reader.u8()? {
            NOTARIZE => ChainVote::Notarize(read_proposal(reader)?),
            NULLIFY => ChainVote::Nullify { epoch: reader.u64()?, view: reader.u64()? },
            FINALIZE => ChainVote::Finalize(read_proposal(reader)?),
            kind => return Err(DecodeError::Field { field: "kind of vote", got: kind.into() }),
        };
        let signature = Signature::from_bytes(&reader.array::<SIGNATURE_BYTES>()?)?;
        Ok(Self { vote, signature })
    }
}

/// Why evidence is invalid.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EquivocationError {
    /// An honest seat may sign both votes.
    #[error("an honest seat may sign both votes")]
    NoConflict,
    /// A signature does not hold.
    #[error("a signature does not hold for the seat")]
    Signature,
    /// The committee has no such seat.
    #[error("the committee has no seat {seat}")]
    UnknownSeat {
        /// The number of the seat.
        seat: u32,
    },
}

const VERSION: u8 = 1;
const NOTARIZE: u8 = 0;
const NULLIFY: u8 = 1;
const FINALIZE: u8 = 2;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use alloy_primitives::Address;
    use proptest::prelude::*;

    use super::*;
    use crate::{QuorumId, bls::SecretKey, chain::Proposal};

    const GENESIS: B256 = B256::repeat_byte(1);

    fn committee() -> ChainCommittee {
        let secret = secret();
        ChainCommittee::new(vec![Seat {
            quorum: QuorumId::default(),
            operator: Address::ZERO,
            identity: [0; 32],
            vote_key: secret.public_key(),
            possession: secret.prove_possession(Address::ZERO),
            weight: 1,
        }])
        .unwrap()
    }

    fn secret() -> SecretKey {
        SecretKey::from_seed(&[4; 32]).unwrap()
    }

    fn signed(vote: ChainVote) -> SignedChainVote {
        SignedChainVote { vote, signature: secret().sign(&vote.signed_bytes(GENESIS)) }
    }

    fn votes() -> [SignedChainVote; 5] {
        let proposal = |digest| Proposal {
            epoch: 1,
            view: 2,
            parent_view: 1,
            digest: B256::repeat_byte(digest),
        };
        [
            ChainVote::Notarize(proposal(1)),
            ChainVote::Notarize(proposal(2)),
            ChainVote::Nullify { epoch: 1, view: 2 },
            ChainVote::Finalize(proposal(1)),
            ChainVote::Finalize(proposal(2)),
        ]
        .map(signed)
    }

    fn of(first: usize, second: usize) -> Equivocation {
        Equivocation { seat: 0, first: votes()[first], second: votes()[second] }
    }

    #[test]
    fn each_kind_of_conflict_convicts() {
        let committee = committee();
        for (first, second) in [(0, 1), (3, 4), (2, 3), (4, 2)] {
            let evidence = of(first, second);
            assert_eq!(evidence.verify(GENESIS, &committee), Ok(&committee.seats()[0]));
            assert_eq!(Equivocation::decode(&evidence.encode()), Ok(evidence));
        }
    }

    #[test]
    fn nothing_else_convicts() {
        let committee = committee();
        for (first, second) in [(0, 0), (0, 2), (0, 3), (0, 4)] {
            let refused = Err(EquivocationError::NoConflict);
            assert_eq!(of(first, second).verify(GENESIS, &committee), refused);
        }
        let elsewhere = Equivocation { seat: 1, ..of(0, 1) };
        let unknown = Err(EquivocationError::UnknownSeat { seat: 1 });
        assert_eq!(elsewhere.verify(GENESIS, &committee), unknown);
        assert_eq!(of(0, 1).verify(B256::ZERO, &committee), Err(EquivocationError::Signature));
        let mut forged = of(0, 1);
        forged.second.signature = forged.first.signature;
        assert_eq!(forged.verify(GENESIS, &committee), Err(EquivocationError::Signature));
    }

    #[test]
    fn only_the_canonical_bytes_are_read() {
        let bytes = of(2, 3).encode();
        for end in 0..bytes.len() {
            assert!(Equivocation::decode(&bytes[..end]).is_err());
        }
        assert!(Equivocation::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn altered_bytes_never_convict(at in any::<prop::sample::Index>(), by in 1_u8..) {
            let mut bytes = of(2, 4).encode();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            if let Ok(read) = Equivocation::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
                prop_assert!(read.verify(GENESIS, &committee()).is_err());
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(read) = Equivocation::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }
    }
}
