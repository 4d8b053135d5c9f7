use alloc::vec::Vec;

use crate::{Attestation, CertificateError, Committee, Fact, QuorumCertificate, QuorumId};

/// A policy that `k` of several quorums attest one fact, each in its own name.
///
/// # Stability
/// Unstable: no contract or node asks for several quorums yet; for facts that no single quorum is
/// trusted with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompositePolicy<'a> {
    /// The committees of the quorums, each quorum once.
    committees: Vec<&'a Committee>,
    k: usize,
}

impl<'a> CompositePolicy<'a> {
    /// Demands certificates of `k` of the quorums that `committees` speak for.
    ///
    /// # Errors
    /// [`CompositeError`] if `k` is 0 or above their number, or if a quorum appears twice.
    pub fn new(mut committees: Vec<&'a Committee>, k: usize) -> Result<Self, CompositeError> {
        if k == 0 || k > committees.len() {
            return Err(CompositeError::Threshold {
                k: k as u64,
                quorums: committees.len() as u64,
            });
        }
        committees.sort_unstable_by_key(|committee| committee.quorum());
        let twice = committees.array_windows().find(|[a, b]| a.quorum() == b.quorum());
        match twice {
            Some([committee, _]) => Err(CompositeError::Repeated { quorum: committee.quorum() }),
            None => Ok(Self { committees, k }),
        }
    }

    /// Checks that at least `k` of the quorums certify `fact`.
    ///
    /// # Errors
    /// [`CompositeError`] if a certificate is of a quorum that is not asked, if a quorum appears
    /// twice, if a certificate does not hold, or if they are too few. Every certificate given is
    /// checked, so that the answer does not depend on their order.
    pub fn verify(
        &self,
        fact: Fact,
        certificates: &[QuorumCertificate],
    ) -> Result<(), CompositeError> {
        if certificates.len() < self.k {
            let (expected, got) = (self.k as u64, certificates.len() as u64);
            return Err(CompositeError::TooFew { expected, got });
        }
        let mut quorums = Vec::new();
        for certificate in certificates {
            let quorum = certificate.quorum;
            let index = self
                .committees
                .binary_search_by_key(&quorum, |committee| committee.quorum())
                .map_err(|_| CompositeError::Unasked { quorum })?;
            // At most as many as there are committees, because the next one repeats.
            if quorums.contains(&quorum) {
                return Err(CompositeError::Repeated { quorum });
            }
            quorums.push(quorum);
            let committee = self.committees[index];
            let attestation = Attestation { quorum, epoch: committee.epoch(), fact };
            certificate
                .verify(&attestation, committee)
                .map_err(|error| CompositeError::Certificate { quorum, error })?;
        }
        Ok(())
    }
}

/// Why certificates do not satisfy a policy.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CompositeError {
    /// A certificate is invalid.
    #[error("the certificate of quorum {quorum} does not hold: {error}")]
    Certificate {
        /// The quorum of the invalid certificate.
        quorum: QuorumId,
        /// Why the certificate is invalid.
        error: CertificateError,
    },
    /// A quorum appears twice.
    #[error("quorum {quorum} appears twice")]
    Repeated {
        /// The quorum that appears twice.
        quorum: QuorumId,
    },
    /// The demand cannot be met, or demands nothing.
    #[error("{k} of {quorums} quorums cannot be asked for")]
    Threshold {
        /// Number of quorums demanded.
        k: u64,
        /// Quorums of the policy.
        quorums: u64,
    },
    /// There are too few certificates.
    #[error("{expected} certificates are needed, {got} came")]
    TooFew {
        /// Number of certificates demanded.
        expected: u64,
        /// Number of certificates given.
        got: u64,
    },
    /// A certificate is of a quorum that is not asked.
    #[error("quorum {quorum} is not among those asked")]
    Unasked {
        /// The quorum of the certificate.
        quorum: QuorumId,
    },
}
