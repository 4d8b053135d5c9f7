use alloc::vec::Vec;

use alloy_primitives::B256;
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Signers,
    bls::{AggregateKey, SIGNATURE_BYTES, Signature},
    chain::{ChainCommittee, ChainVote, MAX_SEATS, Proposal},
};

/// Proof that a block is final: more than two thirds of the seats of its epoch have signed that it
/// is.
///
/// All its ancestors are final with it. Whoever knows the digest of the genesis block and the
/// committee can check it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FinalityCertificate {
    /// The final block with its view.
    pub proposal: Proposal,
    /// The seats that signed.
    pub signers: Signers,
    /// The sum of the signers' signatures.
    pub signature: Signature,
}

impl FinalityCertificate {
    /// Verifies the certificate for the chain with this genesis digest against the committee of the
    /// epoch that it names.
    ///
    /// # Errors
    /// [`FinalityError`]; the signature is checked last.
    pub fn verify(&self, genesis: B256, committee: &ChainCommittee) -> Result<(), FinalityError> {
        let seats = committee.seats();
        if usize::from(self.signers.members()) != seats.len() {
            let got = self.signers.members().into();
            return Err(FinalityError::Seats { expected: seats.len() as u64, got });
        }
        let expected = committee.threshold() as u64;
        if u64::from(self.signers.count()) < expected {
            return Err(FinalityError::Signers { expected, got: self.signers.count().into() });
        }
        let signed = seats.iter().enumerate().filter(|(place, _)| self.signers.contains(*place));
        let keys = AggregateKey::of(signed.map(|(_, seat)| &seat.vote_key));
        let message = ChainVote::Finalize(self.proposal).signed_bytes(genesis);
        match keys {
            Some(keys) if self.signature.verify_aggregate(&message, &keys) => Ok(()),
            _ => Err(FinalityError::Signature),
        }
    }

    /// Returns the seats that signed, ascending.
    #[must_use]
    pub fn seats(&self) -> Vec<u32> {
        (0..MAX_SEATS)
            .filter(|seat| usize::try_from(*seat).is_ok_and(|seat| self.signers.contains(seat)))
            .collect()
    }

    /// Returns the canonical bytes: version 1 ‖ epoch u64 ‖ view u64 ‖ parent view u64 ‖ digest ‖
    /// count of seats u8 ‖ bitmap, seat `i` at bit `i % 8` of byte `i / 8` ‖ signature (48).
    /// `106 + ceil(n / 8)` bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        put_proposal(&mut bytes, &self.proposal);
        let count = self.signers.members();
        bytes.push(count);
        let bits = self.signers.bits().to_le_bytes();
        bytes.extend(bits.iter().take(usize::from(count).div_ceil(8)));
        bytes.extend_from_slice(&self.signature.to_bytes());
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not canonical or the signature is no point of its group.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let proposal = read_proposal(&mut reader)?;
        let count = reader.u8()?;
        let mut signers = Signers::none(count)
            .ok_or(DecodeError::Field { field: "count of seats", got: count.into() })?;
        let bitmap = reader.slice(usize::from(count).div_ceil(8))?;
        for (place, byte) in bitmap.iter().enumerate() {
            for bit in 0..8 {
                let seat = place.saturating_mul(8).saturating_add(bit);
                if byte >> bit & 1 == 1 && !signers.insert(seat) {
                    return Err(DecodeError::Field {
                        field: "bitmap of signers",
                        got: seat as u64,
                    });
                }
            }
        }
        let signature = reader.array::<SIGNATURE_BYTES>()?;
        reader.finish()?;
        Ok(Self { proposal, signers, signature: Signature::from_bytes(&signature)? })
    }
}

pub(super) fn put_proposal(bytes: &mut Vec<u8>, proposal: &Proposal) {
    for word in [proposal.epoch, proposal.view, proposal.parent_view] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.extend_from_slice(proposal.digest.as_slice());
}

pub(super) fn read_proposal(reader: &mut Reader<'_>) -> Result<Proposal, DecodeError> {
    let (epoch, view, parent_view) = (reader.u64()?, reader.u64()?, reader.u64()?);
    Ok(Proposal { epoch, view, parent_view, digest: reader.hash()? })
}

/// Why a finality certificate is invalid.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FinalityError {
    /// The certificate is of a committee of another size.
    #[error("the certificate is of {got} seats, the committee has {expected}")]
    Seats {
        /// Seats of the committee.
        expected: u64,
        /// Seats of the certificate.
        got: u64,
    },
    /// The signature does not hold.
    #[error("the signature of the certificate does not hold")]
    Signature,
    /// Too few seats signed.
    #[error("{got} seats signed, finality takes {expected}")]
    Signers {
        /// The threshold of the committee.
        expected: u64,
        /// Seats that signed.
        got: u64,
    },
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use alloy_primitives::Address;
    use proptest::prelude::*;

    use super::*;
    use crate::{QuorumId, bls::SecretKey, chain::Seat};

    const GENESIS: B256 = B256::repeat_byte(1);

    fn secret(place: u8) -> SecretKey {
        SecretKey::from_seed(&[place; 32]).unwrap()
    }

    fn committee(seats: u8) -> ChainCommittee {
        let seat = |place: u8| Seat {
            quorum: QuorumId::default(),
            operator: Address::ZERO,
            identity: [place; 32],
            vote_key: secret(place).public_key(),
            possession: secret(place).prove_possession(Address::ZERO),
            weight: 1,
        };
        ChainCommittee::new((0..seats).map(seat).collect()).unwrap()
    }

    fn certificate(seats: u8, signed: &[u8]) -> FinalityCertificate {
        let proposal = Proposal { epoch: 2, view: 7, parent_view: 5, digest: B256::repeat_byte(9) };
        let message = ChainVote::Finalize(proposal).signed_bytes(GENESIS);
        let signatures: Vec<_> = signed.iter().map(|place| secret(*place).sign(&message)).collect();
        let mut signers = Signers::none(seats).unwrap();
        assert!(signed.iter().all(|place| signers.insert(usize::from(*place))));
        FinalityCertificate {
            proposal,
            signers,
            signature: Signature::aggregate(&signatures).unwrap(),
        }
    }

    #[test]
    fn more_than_two_thirds_make_a_block_final() {
        let committee = committee(4);
        let holds = certificate(4, &[0, 2, 3]);
        assert_eq!(holds.verify(GENESIS, &committee), Ok(()));
        assert_eq!(holds.seats(), vec![0, 2, 3]);
        let few = FinalityError::Signers { expected: 3, got: 2 };
        assert_eq!(certificate(4, &[0, 1]).verify(GENESIS, &committee), Err(few));
        let size = FinalityError::Seats { expected: 4, got: 7 };
        assert_eq!(certificate(7, &[0, 1, 2, 3, 4]).verify(GENESIS, &committee), Err(size));
    }

    #[test]
    fn anything_changed_breaks_the_signature() {
        let committee = committee(4);
        let holds = certificate(4, &[0, 1, 2]);
        let refused = Err(FinalityError::Signature);
        assert_eq!(holds.verify(B256::ZERO, &committee), refused);
        let alter: [fn(&mut FinalityCertificate); 5] = [
            |changed| changed.proposal.epoch = 3,
            |changed| changed.proposal.view = 8,
            |changed| changed.proposal.parent_view = 4,
            |changed| changed.proposal.digest = B256::ZERO,
            |changed| assert!(changed.signers.insert(3)),
        ];
        for alter in alter {
            let mut changed = holds;
            alter(&mut changed);
            assert_eq!(changed.verify(GENESIS, &committee), refused);
        }
    }

    #[test]
    fn only_the_canonical_bytes_are_read() {
        let holds = certificate(10, &[0, 1, 2, 3, 4, 5, 9]);
        let bytes = holds.encode();
        assert_eq!(bytes.len(), 108);
        assert_eq!(FinalityCertificate::decode(&bytes), Ok(holds));
        for end in 0..bytes.len() {
            assert!(FinalityCertificate::decode(&bytes[..end]).is_err());
        }
        assert!(FinalityCertificate::decode(&[&bytes[..], &[0]].concat()).is_err());
        // A bit above the last seat.
        let mut beyond = bytes;
        beyond[1 + 56 + 1 + 1] |= 0x80;
        let refused = DecodeError::Field { field: "bitmap of signers", got: 15 };
        assert_eq!(FinalityCertificate::decode(&beyond), Err(refused));
    }

    proptest! {
        #[test]
        fn altered_bytes_never_verify(at in any::<prop::sample::Index>(), by in 1_u8..) {
            let holds = certificate(4, &[0, 1, 2]);
            let mut bytes = holds.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            if let Ok(read) = FinalityCertificate::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
                prop_assert!(read.verify(GENESIS, &committee(4)).is_err());
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(read) = FinalityCertificate::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }
    }
}
