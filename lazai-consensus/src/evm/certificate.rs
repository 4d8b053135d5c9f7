use alloc::vec::Vec;

use super::{calldata, siblings::siblings};
use crate::{CertificateError, Committee, Member, QuorumCertificate, Statement};

/// A certificate in the form that `contracts/QuorumVerifier.sol` reads.
///
/// Bytes, integers big-endian, points as in EIP-2537: total weight u64 ‖ count of members u32 ‖ sum of all keys (256) ‖ Merkle
/// root of the members ‖ sum of the signatures (128) ‖ count of the absent u8 ‖ per absent member, ascending: place u8 ‖ address
/// ‖ weight u64 ‖ key (256) ‖ siblings, 32 each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EvmCertificate(Vec<u8>);

impl EvmCertificate {
    /// Brings a certificate into the form, once it is found to hold.
    ///
    /// # Errors
    /// [`CertificateError`] if it does not certify `statement` in the name of `committee`.
    pub fn new(
        certificate: &QuorumCertificate,
        statement: &Statement,
        committee: &Committee,
    ) -> Result<Self, CertificateError> {
        certificate.verify(statement, committee)?;
        let members = committee.members();
        let absent: Vec<_> =
            (0..members.len()).filter(|place| !certificate.signers.contains(*place)).collect();
        let leaves: Vec<_> = members.iter().map(Member::leaf).collect();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&committee.total_weight().to_be_bytes());
        bytes.extend_from_slice(&u32::from(certificate.signers.members()).to_be_bytes());
        bytes.extend_from_slice(&committee.aggregate_key().to_eip2537());
        bytes.extend_from_slice(committee.members_root().as_slice());
        bytes.extend_from_slice(&certificate.signature.to_eip2537());
        bytes.push(absent_count(certificate));
        for (place, member) in (0_u8..).zip(members) {
            if !certificate.signers.contains(place.into()) {
                bytes.push(place);
                bytes.extend_from_slice(member.address.as_slice());
                bytes.extend_from_slice(&member.weight.to_be_bytes());
                bytes.extend_from_slice(&member.key.to_eip2537());
            }
        }
        for sibling in siblings(&leaves, &absent) {
            bytes.extend_from_slice(sibling.as_slice());
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// At most 127, as a quorum has a member at least.
fn absent_count(certificate: &QuorumCertificate) -> u8 {
    let signers = u8::try_from(certificate.signers.count()).unwrap_or(u8::MAX);
    certificate.signers.members().saturating_sub(signers)
}

/// The call of `QuorumVerifier.verify(bytes32 committee, bytes statement, bytes certificate)` that checks `certificate`.
///
/// # Errors
/// [`CertificateError`] if it does not certify `statement` in the name of `committee`, so that no gas is spent on it.
pub fn to_evm_calldata(
    certificate: &QuorumCertificate,
    statement: &Statement,
    committee: &Committee,
) -> Result<Vec<u8>, CertificateError> {
    let certificate = EvmCertificate::new(certificate, statement, committee)?;
    let arguments = [statement.encode(), certificate.0];
    let [statement, certificate] = &arguments;
    Ok(calldata(SELECTOR, &committee.root(), &[statement, certificate]))
}

/// `verify(bytes32,bytes,bytes)`.
const SELECTOR: [u8; 4] = [0x5b, 0xf4, 0x8e, 0x3a];
