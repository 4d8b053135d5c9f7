use alloc::vec::Vec;

use super::{calldata, siblings::siblings};
use crate::{Attestation, CertificateError, Committee, Member, QuorumCertificate, bls::Signature};

/// A certificate in the form that `contracts/QuorumVerifier.sol` reads.
///
/// Bytes, integers big-endian, points as in EIP-2537: total weight u64 ‖ count of members u32 ‖ sum
/// of all keys (256) ‖ Merkle root of the members ‖ sum of the signatures (128) ‖ count of the
/// absent u8 ‖ per absent member, ascending: place u8 ‖ address ‖ weight u64 ‖ key (256) ‖
/// siblings, 32 each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EvmCertificate(Vec<u8>);

impl EvmCertificate {
    /// Converts a certificate after verifying it.
    ///
    /// # Errors
    /// [`CertificateError`] if it does not certify `attestation` in the name of `committee`.
    pub fn new(
        certificate: &QuorumCertificate,
        attestation: &Attestation,
        committee: &Committee,
    ) -> Result<Self, CertificateError> {
        certificate.verify(attestation, committee)?;
        let places = 0..committee.members().len();
        let absent: Vec<_> = places.filter(|place| !certificate.signers.contains(*place)).collect();
        Ok(Self::listing(&absent, &certificate.signature, committee))
    }

    /// Encodes the members at the ascending `places` with a signature.
    pub(super) fn listing(places: &[usize], signature: &Signature, committee: &Committee) -> Self {
        let members = committee.members();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&committee.total_weight().to_be_bytes());
        // At most 128.
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&committee.aggregate_key().to_eip2537());
        bytes.extend_from_slice(committee.members_root().as_slice());
        bytes.extend_from_slice(&signature.to_eip2537());
        bytes.push(byte(places.len()));
        for place in places {
            if let Some(member) = members.get(*place) {
                bytes.push(byte(*place));
                bytes.extend_from_slice(member.address.as_slice());
                bytes.extend_from_slice(&member.weight.to_be_bytes());
                bytes.extend_from_slice(&member.key.to_eip2537());
            }
        }
        let leaves: Vec<_> = members.iter().map(Member::leaf).collect();
        for sibling in siblings(&leaves, places) {
            bytes.extend_from_slice(sibling.as_slice());
        }
        Self(bytes)
    }

    /// Returns the encoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Converts a place, or a number of members below all of them, which is at most 127.
fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Returns the calldata of
/// `QuorumVerifier.verify(bytes32 committee, bytes statement, bytes certificate)` that checks
/// `certificate`.
///
/// # Errors
/// [`CertificateError`] if it does not certify `attestation` in the name of `committee`, so that no
/// gas is spent on it.
pub fn to_evm_calldata(
    certificate: &QuorumCertificate,
    attestation: &Attestation,
    committee: &Committee,
) -> Result<Vec<u8>, CertificateError> {
    let certificate = EvmCertificate::new(certificate, attestation, committee)?;
    let arguments = [attestation.encode(), certificate.0];
    let [attestation, certificate] = &arguments;
    Ok(calldata(SELECTOR, &committee.root(), &[attestation, certificate]))
}

/// The selector of `verify(bytes32,bytes,bytes)`.
const SELECTOR: [u8; 4] = [0x5b, 0xf4, 0x8e, 0x3a];
