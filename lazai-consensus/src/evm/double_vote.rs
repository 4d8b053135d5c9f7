use alloc::vec::Vec;

use super::{calldata, certificate::EvmCertificate};
use crate::{Committee, EvidenceError, Vote, VoteError, bls::Signature, evidence::contradict};

/// Returns the calldata of
/// `DoubleVoteVerifier.verify(bytes32 committee, bytes first, bytes second, bytes evidence)` that
/// checks that one member gave both votes.
///
/// The evidence has the form of an [`EvmCertificate`] that lists the voter alone, with the sum of
/// its two signatures.
///
/// # Errors
/// [`EvidenceError`] if the votes convict nobody, so that no gas is spent on them.
pub fn double_vote_calldata(
    first: &Vote,
    second: &Vote,
    committee: &Committee,
) -> Result<Vec<u8>, EvidenceError> {
    contradict(&first.attestation, &second.attestation)?;
    if first.voter != second.voter {
        return Err(EvidenceError::TwoVoters);
    }
    first.verify(committee)?;
    second.verify(committee)?;
    let unknown = VoteError::UnknownVoter { voter: first.voter };
    let place = committee.index_of(first.voter).ok_or(unknown)?;
    let unsigned = VoteError::Signature { voter: first.voter };
    let sum = Signature::aggregate([&first.signature, &second.signature]).ok_or(unsigned)?;
    let evidence = EvmCertificate::listing(&[place], &sum, committee);
    let (first, second) = (first.attestation.encode(), second.attestation.encode());
    Ok(calldata(SELECTOR, &committee.root(), &[&first, &second, evidence.as_bytes()]))
}

/// The selector of `verify(bytes32,bytes,bytes,bytes)`.
const SELECTOR: [u8; 4] = [0xc6, 0x58, 0xda, 0x51];
