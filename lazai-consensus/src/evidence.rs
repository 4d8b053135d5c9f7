use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt::Debug;

use alloy_primitives::{Address, B256};

use crate::{
    Attestation, CertificateError, Committee, Fact, QuorumCertificate, Signers, Vote, VoteError,
    merkle,
};

/// Proof that members broke the rules, for anyone who knows their committee.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Evidence {
    /// A member signed two attestations in one slot.
    DoubleVote {
        /// The first vote.
        first: Box<Vote>,
        /// The second vote.
        second: Box<Vote>,
    },
    /// A member did not answer an audit: its quorum's certificate of the audit lists it.
    FailedAudit {
        /// The certified audit.
        audit: Box<(Attestation, QuorumCertificate)>,
        /// The address of the member that failed.
        member: Address,
        /// The place of the address among those that failed.
        index: u64,
        /// The Merkle path from the address to the root of those that failed.
        path: Vec<B256>,
    },
    /// A quorum certified an attestation that is refuted.
    FalseValidity {
        /// The certified attestation.
        certified: Box<(Attestation, QuorumCertificate)>,
        /// The refutation that a [`Refuter`] judges.
        refutation: Vec<u8>,
    },
    /// A quorum certified two attestations in one slot: those that signed both voted twice.
    TwoCertificates {
        /// The first certified attestation.
        first: Box<(Attestation, QuorumCertificate)>,
        /// The second certified attestation.
        second: Box<(Attestation, QuorumCertificate)>,
    },
}

impl Evidence {
    /// Verifies the evidence and returns the members that it convicts.
    ///
    /// # Errors
    /// [`EvidenceError`] if it shows nothing.
    pub fn verify(
        &self,
        committee: &Committee,
        refuter: &dyn Refuter,
    ) -> Result<Offenders, EvidenceError> {
        match self {
            Self::DoubleVote { first, second } => {
                contradict(&first.attestation, &second.attestation)?;
                if first.voter != second.voter {
                    return Err(EvidenceError::TwoVoters);
                }
                let member = first.verify(committee)?;
                second.verify(committee)?;
                Ok(Offenders { members: [member.address].into(), weight: member.weight })
            }
            Self::FailedAudit { audit, member, index, path } => {
                let (attestation, certificate) = audit.as_ref();
                let Fact::Audit { failed, failed_count, .. } = attestation.fact else {
                    return Err(EvidenceError::NoAudit);
                };
                certificate.verify(attestation, committee)?;
                let leaf = merkle::leaf(member.as_slice());
                if !merkle::verify(&failed, leaf, *index, failed_count.into(), path) {
                    return Err(EvidenceError::NotListed { member: *member });
                }
                let place = committee.index_of(*member);
                let weight = place.and_then(|place| committee.members().get(place));
                let weight = weight.ok_or(EvidenceError::NotListed { member: *member })?.weight;
                Ok(Offenders { members: [*member].into(), weight })
            }
            Self::FalseValidity { certified, refutation } => {
                let (attestation, certificate) = certified.as_ref();
                certificate.verify(attestation, committee)?;
                if !refuter.refutes(attestation, refutation)? {
                    return Err(EvidenceError::NotRefuted);
                }
                Ok(Offenders::of(certificate.signers, committee))
            }
            Self::TwoCertificates { first, second } => {
                contradict(&first.0, &second.0)?;
                first.1.verify(&first.0, committee)?;
                second.1.verify(&second.0, committee)?;
                Ok(Offenders::of(first.1.signers.intersection(second.1.signers), committee))
            }
        }
    }
}

/// Judges whether a certified attestation is false: a proof system, a rerun of the model, a Merkle
/// opening.
pub trait Refuter: Debug + Send + Sync {
    /// Returns whether `refutation`, which may be hostile, shows that `attestation` is false. The
    /// answer is the same on every machine.
    ///
    /// # Errors
    /// [`EvidenceError::Undecided`] if this machine cannot tell.
    fn refutes(&self, attestation: &Attestation, refutation: &[u8]) -> Result<bool, EvidenceError>;
}

/// Returns an error for two attestations that a member may both sign.
pub(crate) fn contradict(first: &Attestation, second: &Attestation) -> Result<(), EvidenceError> {
    if first.slot() != second.slot() || first == second {
        return Err(EvidenceError::NoContradiction);
    }
    Ok(())
}

/// The members that evidence convicts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offenders {
    /// The addresses, ascending.
    pub members: Vec<Address>,
    /// The total weight.
    pub weight: u64,
}

impl Offenders {
    fn of(signers: Signers, committee: &Committee) -> Self {
        Self { members: signers.addresses(committee), weight: signers.weight(committee) }
    }
}

/// Why evidence is invalid.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvidenceError {
    /// A certificate in the evidence is invalid.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The attestation is not of an audit.
    #[error("the attestation is of no audit")]
    NoAudit,
    /// The two attestations do not contradict each other.
    #[error("the two attestations are equal or answer different questions")]
    NoContradiction,
    /// The audit does not list the member.
    #[error("{member} is not among those that failed the audit")]
    NotListed {
        /// The member that is accused.
        member: Address,
    },
    /// The attestation is not shown to be false.
    #[error("the refutation does not show that the attestation is false")]
    NotRefuted,
    /// The votes are of two members.
    #[error("the votes are of two members")]
    TwoVoters,
    /// This machine cannot decide.
    #[error("this node cannot judge the refutation: {reason}")]
    Undecided {
        /// What is missing, and how to provide it.
        reason: String,
    },
    /// A vote in the evidence is invalid.
    #[error(transparent)]
    Vote(#[from] VoteError),
}
