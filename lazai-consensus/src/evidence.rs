use alloc::{boxed::Box, string::String, vec::Vec};

use alloy_primitives::{Address, B256};

use crate::{
    Attestation, CertificateError, Committee, Fact, QuorumCertificate, Refuter, Signers, Vote,
    VoteError, merkle,
};

/// What shows that members broke the rules, to anyone who knows their committee.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Evidence {
    /// A member signed two attestations in one slot.
    DoubleVote {
        /// One vote.
        first: Box<Vote>,
        /// The other.
        second: Box<Vote>,
    },
    /// A member did not answer an audit: its quorum's certificate of the audit lists it.
    FailedAudit {
        /// The certified audit.
        audit: Box<(Attestation, QuorumCertificate)>,
        /// Who failed.
        member: Address,
        /// The place of the address among those that failed.
        index: u64,
        /// The path from it to the root of those that failed.
        path: Vec<B256>,
    },
    /// A quorum certified what is refuted.
    FalseValidity {
        /// The certified attestation.
        certified: Box<(Attestation, QuorumCertificate)>,
        /// What a [`Refuter`] takes to show that it is false.
        refutation: Vec<u8>,
    },
    /// A quorum certified two attestations in one slot: those that signed both voted twice.
    TwoCertificates {
        /// One certified attestation.
        first: Box<(Attestation, QuorumCertificate)>,
        /// The other.
        second: Box<(Attestation, QuorumCertificate)>,
    },
}

impl Evidence {
    /// Checks the evidence and names those whom it convicts.
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

/// Refuses two attestations that a member may both sign.
pub(crate) fn contradict(first: &Attestation, second: &Attestation) -> Result<(), EvidenceError> {
    if first.slot() != second.slot() || first == second {
        return Err(EvidenceError::NoContradiction);
    }
    Ok(())
}

/// Those whom evidence convicts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offenders {
    /// Their addresses, ascending.
    pub members: Vec<Address>,
    /// Their weight together.
    pub weight: u64,
}

impl Offenders {
    fn of(signers: Signers, committee: &Committee) -> Self {
        Self { members: signers.addresses(committee), weight: signers.weight(committee) }
    }
}

/// Why evidence convicts nobody.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvidenceError {
    /// A certificate in it does not hold.
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
        /// The member.
        member: Address,
    },
    /// The attestation is not shown to be false.
    #[error("the refutation does not show that the attestation is false")]
    NotRefuted,
    /// The votes are of two members.
    #[error("the votes are of two members")]
    TwoVoters,
    /// This machine cannot tell.
    #[error("this node cannot judge the refutation: {reason}")]
    Undecided {
        /// What is missing, and what to do.
        reason: String,
    },
    /// A vote in it does not hold.
    #[error(transparent)]
    Vote(#[from] VoteError),
}
