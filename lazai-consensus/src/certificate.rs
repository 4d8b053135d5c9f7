use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use lazai_api_types::codec::{DecodeError, Reader};

use crate::{
    Attestation, Committee, Epoch, MAX_MEMBERS, Member, QuorumId,
    bls::{AggregateKey, SIGNATURE_BYTES, Signature},
};

/// Proof that more than two thirds of a committee's weight have signed one attestation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuorumCertificate {
    /// The quorum that attests.
    pub quorum: QuorumId,
    /// The epoch of the committee that signed.
    pub epoch: Epoch,
    /// The hash of the attestation.
    pub attestation: B256,
    /// The members that signed.
    pub signers: Signers,
    /// The sum of the signers' signatures.
    pub signature: Signature,
}

impl QuorumCertificate {
    /// Verifies that the certificate certifies `attestation` in the name of `committee`.
    ///
    /// # Errors
    /// [`CertificateError`]; the signature is checked last.
    pub fn verify(
        &self,
        attestation: &Attestation,
        committee: &Committee,
    ) -> Result<(), CertificateError> {
        let hash = attestation.hash();
        if hash != self.attestation {
            return Err(CertificateError::Attestation { expected: hash, got: self.attestation });
        }
        self.verify_hash(committee)
    }

    /// Verifies the certificate for the attestation hash that it names, in the name of `committee`.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_hash(&self, committee: &Committee) -> Result<(), CertificateError> {
        if self.quorum != committee.quorum() {
            let (expected, got) = (committee.quorum().0, self.quorum.0);
            return Err(CertificateError::Quorum { expected, got });
        }
        if self.epoch != committee.epoch() {
            let (expected, got) = (committee.epoch().0, self.epoch.0);
            return Err(CertificateError::Epoch { expected, got });
        }
        let count = committee.members().len();
        if usize::from(self.signers.members) != count {
            let got = self.signers.members.into();
            return Err(CertificateError::Members { expected: count as u64, got });
        }
        let weight = self.signers.weight(committee);
        if weight < committee.threshold() {
            let expected = committee.threshold();
            return Err(CertificateError::Weight { expected, got: weight });
        }
        let keys = AggregateKey::of(self.signers.of(committee).map(|member| &member.key));
        match keys {
            Some(keys) if self.signature.verify_aggregate(self.attestation.as_slice(), &keys) => {
                Ok(())
            }
            _ => Err(CertificateError::Signature),
        }
    }

    /// Returns the canonical bytes: version 1 ‖ quorum ‖ epoch u64 ‖ attestation hash ‖ count of
    /// members u8 ‖ bitmap, member `i` at bit `i % 8` of byte `i / 8` ‖ signature (48).
    /// `122 + ceil(n / 8)` bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_CERTIFICATE_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.quorum.0.as_slice());
        bytes.extend_from_slice(&self.epoch.0.to_be_bytes());
        bytes.extend_from_slice(self.attestation.as_slice());
        bytes.push(self.signers.members);
        let bits = self.signers.bits.to_le_bytes();
        bytes.extend(bits.iter().take(self.signers.bitmap_bytes()));
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
        let (quorum, epoch) = (QuorumId(reader.hash()?), Epoch(reader.u64()?));
        let attestation = reader.hash()?;
        let count = reader.u8()?;
        let mut signers = Signers::none(count)
            .ok_or(DecodeError::Field { field: "count of members", got: count.into() })?;
        let mut bits = [0; 16];
        let bitmap = reader.slice(signers.bitmap_bytes())?;
        bits.iter_mut().zip(bitmap).for_each(|(bit, given)| *bit = *given);
        signers.bits = u128::from_le_bytes(bits);
        if signers.bits & !signers.mask() != 0 {
            return Err(DecodeError::Field { field: "bitmap of signers", got: count.into() });
        }
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self {
            quorum,
            epoch,
            attestation,
            signers,
            signature: Signature::from_bytes(&signature)?,
        })
    }
}

/// A set of members of a committee, by their places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signers {
    members: u8,
    bits: u128,
}

impl Signers {
    /// Creates an empty set for a committee of `members`; `None` if that is 0 or above
    /// [`MAX_MEMBERS`].
    #[must_use]
    pub const fn none(members: u8) -> Option<Self> {
        if members == 0 || members as usize > MAX_MEMBERS {
            return None;
        }
        Some(Self { members, bits: 0 })
    }

    /// Adds the member at a place, and returns `false` if there is no such place.
    #[must_use]
    pub const fn insert(&mut self, index: usize) -> bool {
        if index >= self.members as usize {
            return false;
        }
        self.bits |= 1 << index;
        true
    }

    /// Returns whether the member at a place is in the set.
    #[must_use]
    pub const fn contains(&self, index: usize) -> bool {
        index < self.members as usize && self.bits >> index & 1 == 1
    }

    /// Returns the size of the committee.
    #[must_use]
    pub const fn members(&self) -> u8 {
        self.members
    }

    /// Returns the set as an integer with member `i` at bit `i`.
    #[must_use]
    pub const fn bits(&self) -> u128 {
        self.bits
    }

    /// Returns the number of members in the set.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.bits.count_ones()
    }

    /// Returns the members of a committee that are in the set.
    pub fn of(self, committee: &Committee) -> impl Iterator<Item = &Member> {
        let members = committee.members().iter().enumerate();
        members.filter(move |(index, _)| self.contains(*index)).map(|(_, member)| member)
    }

    /// Returns the ascending addresses of the members in the set.
    #[must_use]
    pub fn addresses(self, committee: &Committee) -> Vec<Address> {
        self.of(committee).map(|member| member.address).collect()
    }

    /// Returns the total weight of the members in the set.
    #[must_use]
    pub fn weight(self, committee: &Committee) -> u64 {
        // Each member is added once, so the sum never exceeds the total, which fits.
        self.of(committee).fold(0, |sum, member| sum.saturating_add(member.weight))
    }

    /// Returns the members that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self { members: self.members, bits: self.bits & other.bits & self.mask() }
    }

    const fn bitmap_bytes(self) -> usize {
        (self.members as usize).div_ceil(8)
    }

    /// Returns the bits of all places.
    const fn mask(self) -> u128 {
        // From 1 to 128 places.
        u128::MAX >> 128_u32.saturating_sub(self.members as u32)
    }
}

/// Why a certificate is invalid.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate is of another epoch.
    #[error("the certificate is of epoch {got}, the committee of epoch {expected}")]
    Epoch {
        /// The epoch of the committee.
        expected: u64,
        /// The epoch of the certificate.
        got: u64,
    },
    /// The bitmap is of a committee of another size.
    #[error("the certificate is of a committee of {got} members, this one has {expected}")]
    Members {
        /// Members of the committee.
        expected: u64,
        /// Members of the bitmap.
        got: u64,
    },
    /// The certificate is of another quorum.
    #[error("the certificate is of quorum {got}, the committee of quorum {expected}")]
    Quorum {
        /// The quorum of the committee.
        expected: B256,
        /// The quorum of the certificate.
        got: B256,
    },
    /// The signature is not that of all signers.
    #[error("the signature is not that of all signers for this attestation")]
    Signature,
    /// The certificate is of another attestation.
    #[error("the certificate is of attestation {got}, not of {expected}")]
    Attestation {
        /// The attestation asked for.
        expected: B256,
        /// The attestation of the certificate.
        got: B256,
    },
    /// The signers have too little weight.
    #[error("the signers weigh {got}, a quorum weighs at least {expected}")]
    Weight {
        /// The committee's threshold.
        expected: u64,
        /// The weight of the signers.
        got: u64,
    },
}

/// Most bytes of a certificate.
pub const MAX_CERTIFICATE_BYTES: usize = 1 + 32 + 8 + 32 + 1 + MAX_MEMBERS / 8 + SIGNATURE_BYTES;

const VERSION: u8 = 1;
