use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use alloy_primitives::{Address, B256};

use super::{Action, MAX_PRICE_STEP_DIVISOR, MAX_TEXT_BYTES, Proposal};
use crate::{
    Candidate, CertificateError, Committee, CommitteeError, Epoch, MAX_MEMBERS, QuorumCertificate,
    QuorumId, Roster,
};

/// The decisions of a quorum so far: its members of the next epoch, its prices, and the datasets
/// that it admits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Charter {
    quorum: QuorumId,
    epoch: Epoch,
    /// The members of the next epoch, by address.
    candidates: BTreeMap<Address, Candidate>,
    prices: BTreeMap<B256, u64>,
    datasets: BTreeMap<(B256, u64), DatasetTerms>,
    /// The proposals of this epoch that were decided.
    decided: BTreeSet<B256>,
}

impl Charter {
    /// Creates the charter of a quorum in an epoch, with its first members and prices.
    #[must_use]
    pub fn new(members: Roster, prices: BTreeMap<B256, u64>) -> Self {
        let Roster { quorum, epoch, candidates } = members;
        let candidates = candidates.into_iter().map(|candidate| (candidate.address, candidate));
        Self {
            quorum,
            epoch,
            candidates: candidates.collect(),
            prices,
            datasets: BTreeMap::new(),
            decided: BTreeSet::new(),
        }
    }

    /// Checks that a proposal can be enacted now, which a member should do before it votes.
    ///
    /// # Errors
    /// [`CharterError`].
    pub fn check(&self, proposal: &Proposal) -> Result<(), CharterError> {
        if proposal.quorum != self.quorum {
            let (expected, got) = (self.quorum, proposal.quorum);
            return Err(CharterError::Quorum { expected, got });
        }
        if proposal.epoch != self.epoch {
            let (expected, got) = (self.epoch.0, proposal.epoch.0);
            return Err(CharterError::Expired { expected, got });
        }
        let proposal_hash = proposal.hash();
        if self.decided.contains(&proposal_hash) {
            return Err(CharterError::Decided { proposal: proposal_hash });
        }
        match &proposal.action {
            Action::AddMember(candidate) => self.check_candidate(candidate),
            Action::AdmitDataset { dataset, version, until_epoch, .. } => {
                if self.datasets.contains_key(&(*dataset, *version)) {
                    return Err(CharterError::KnownDataset { dataset: *dataset });
                }
                if *until_epoch < self.epoch {
                    let (expected, got) = (self.epoch.0, until_epoch.0);
                    return Err(CharterError::Expired { expected, got });
                }
                Ok(())
            }
            Action::ChangePrice { item, from, to } => self.check_price(*item, *from, *to),
            Action::ChangeWeight { member, weight } => {
                let candidate = self.member(*member)?;
                if *weight == 0 {
                    return Err(CommitteeError::ZeroWeight { address: *member }.into());
                }
                self.check_total(weight.saturating_sub(candidate.weight))
            }
            Action::RemoveMember { member } => {
                self.member(*member)?;
                if self.candidates.len() == 1 {
                    let max = MAX_MEMBERS as u64;
                    return Err(CommitteeError::Size { got: 0, max }.into());
                }
                Ok(())
            }
            Action::RetireDataset { dataset, version } => {
                let is_known = self.datasets.contains_key(&(*dataset, *version));
                let unknown = CharterError::UnknownDataset { dataset: *dataset };
                if is_known { Ok(()) } else { Err(unknown) }
            }
            Action::Text(text) if text.len() > MAX_TEXT_BYTES => {
                let (max, got) = (MAX_TEXT_BYTES as u64, text.len() as u64);
                Err(CharterError::TextTooLong { max, got })
            }
            Action::Text(_) => Ok(()),
        }
    }

    /// Enacts a proposal that the committee of this epoch has approved, or records that it was
    /// rejected.
    ///
    /// Certificates must be enacted in the order in which the chain includes them: two proposals
    /// may each be possible, but not both.
    ///
    /// # Errors
    /// [`CharterError`] if the certificate is not of a decision on this proposal, or if the
    /// proposal cannot be enacted; the charter is then as it was.
    pub fn enact(
        &mut self,
        proposal: &Proposal,
        approved: bool,
        certificate: &QuorumCertificate,
        committee: &Committee,
    ) -> Result<(), CharterError> {
        certificate.verify(&proposal.decision(approved), committee)?;
        self.check(proposal)?;
        if approved {
            self.apply(&proposal.action);
        }
        self.decided.insert(proposal.hash());
        Ok(())
    }

    /// Returns the charter of the next epoch. Proposals of this epoch that were not decided expire.
    ///
    /// # Errors
    /// [`CharterError::LastEpoch`] if there is no later epoch.
    pub fn next(&self) -> Result<Self, CharterError> {
        let epoch = Epoch(self.epoch.0.checked_add(1).ok_or(CharterError::LastEpoch)?);
        let mut next = Self { epoch, decided: BTreeSet::new(), ..self.clone() };
        next.datasets.retain(|_, terms| terms.until_epoch >= epoch);
        Ok(next)
    }

    /// Returns the roster of the committee of the next epoch.
    ///
    /// # Errors
    /// [`CharterError::LastEpoch`] if there is no later epoch.
    pub fn next_roster(&self) -> Result<Roster, CharterError> {
        let epoch = Epoch(self.epoch.0.checked_add(1).ok_or(CharterError::LastEpoch)?);
        let candidates: Vec<_> = self.candidates.values().copied().collect();
        Ok(Roster { quorum: self.quorum, epoch, candidates })
    }

    /// Returns the epoch of the charter.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the price of an item.
    #[must_use]
    pub fn price(&self, item: B256) -> Option<u64> {
        self.prices.get(&item).copied()
    }

    /// Returns the terms of a dataset; `None` if it is not admitted.
    #[must_use]
    pub fn dataset(&self, dataset: B256, version: u64) -> Option<DatasetTerms> {
        self.datasets.get(&(dataset, version)).copied()
    }

    fn apply(&mut self, action: &Action) {
        match action {
            Action::AddMember(candidate) => {
                self.candidates.insert(candidate.address, **candidate);
            }
            Action::AdmitDataset { dataset, version, root, until_epoch } => {
                let terms = DatasetTerms { root: *root, until_epoch: *until_epoch };
                self.datasets.insert((*dataset, *version), terms);
            }
            Action::ChangePrice { item, to, .. } => {
                self.prices.insert(*item, *to);
            }
            Action::ChangeWeight { member, weight } => {
                if let Some(candidate) = self.candidates.get_mut(member) {
                    candidate.weight = *weight;
                }
            }
            Action::RemoveMember { member } => {
                self.candidates.remove(member);
            }
            Action::RetireDataset { dataset, version } => {
                self.datasets.remove(&(*dataset, *version));
            }
            Action::Text(_) => {}
        }
    }

    fn check_candidate(&self, candidate: &Candidate) -> Result<(), CharterError> {
        let address = candidate.address;
        if self.candidates.contains_key(&address) {
            return Err(CommitteeError::DuplicateMember { address }.into());
        }
        if self.candidates.values().any(|member| member.key == candidate.key) {
            return Err(CommitteeError::DuplicateKey { address }.into());
        }
        if candidate.weight == 0 {
            return Err(CommitteeError::ZeroWeight { address }.into());
        }
        if self.candidates.len() >= MAX_MEMBERS {
            let got = (self.candidates.len() as u64).saturating_add(1);
            return Err(CommitteeError::Size { got, max: MAX_MEMBERS as u64 }.into());
        }
        self.check_total(candidate.weight)?;
        if !candidate.key.verify_possession(&candidate.possession, address) {
            return Err(CommitteeError::Possession { address }.into());
        }
        Ok(())
    }

    fn check_price(&self, item: B256, from: u64, to: u64) -> Result<(), CharterError> {
        let now = self.price(item).ok_or(CharterError::UnknownPrice { item })?;
        if now != from {
            return Err(CharterError::StalePrice { expected: now, got: from });
        }
        // At least 1, so that small prices are not stuck.
        let max = (now / MAX_PRICE_STEP_DIVISOR).max(1);
        let got = now.abs_diff(to);
        if got == 0 || got > max {
            return Err(CharterError::PriceStep { max, got });
        }
        Ok(())
    }

    fn check_total(&self, more: u64) -> Result<(), CharterError> {
        let weights = self.candidates.values().map(|candidate| candidate.weight);
        let total = weights.chain([more]).try_fold(0_u64, u64::checked_add);
        total.map(|_| ()).ok_or(CommitteeError::WeightOverflow.into())
    }

    fn member(&self, address: Address) -> Result<&Candidate, CharterError> {
        self.candidates.get(&address).ok_or(CharterError::UnknownMember { address })
    }
}

/// The terms on which a dataset is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DatasetTerms {
    /// The commitment to the dataset.
    pub root: B256,
    /// The last epoch in which the dataset is kept.
    pub until_epoch: Epoch,
}

/// Why a proposal cannot be enacted.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CharterError {
    /// The certificate is invalid.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The members would not form a committee.
    #[error(transparent)]
    Committee(#[from] CommitteeError),
    /// The proposal was decided before.
    #[error("proposal {proposal} was decided before")]
    Decided {
        /// The hash of the proposal.
        proposal: B256,
    },
    /// The proposal is of another epoch.
    #[error("epoch {got} is not the current epoch {expected}, or ends before it")]
    Expired {
        /// The current epoch.
        expected: u64,
        /// The epoch given.
        got: u64,
    },
    /// The dataset is admitted already.
    #[error("dataset {dataset} is admitted in this version already")]
    KnownDataset {
        /// The name of the dataset.
        dataset: B256,
    },
    /// Epochs are numbered by 64 bits.
    #[error("there is no later epoch")]
    LastEpoch,
    /// The price would change by nothing, or by too much.
    #[error("the price would change by {got}, but may change by 1 to {max}")]
    PriceStep {
        /// Most by which the price may change.
        max: u64,
        /// The proposed change.
        got: u64,
    },
    /// The proposal is of another quorum.
    #[error("the proposal is for quorum {got}, this is the charter of {expected}")]
    Quorum {
        /// The quorum of the charter.
        expected: QuorumId,
        /// The quorum of the proposal.
        got: QuorumId,
    },
    /// The price has changed since it was proposed.
    #[error("the price is {expected} now, not {got}: propose again")]
    StalePrice {
        /// The price now.
        expected: u64,
        /// The price in the proposal.
        got: u64,
    },
    /// The text is too long.
    #[error("the text has {got} bytes, above the limit {max}")]
    TextTooLong {
        /// Most bytes of a text.
        max: u64,
        /// Number of bytes given.
        got: u64,
    },
    /// The dataset is not admitted.
    #[error("dataset {dataset} is not admitted in this version")]
    UnknownDataset {
        /// The name of the dataset.
        dataset: B256,
    },
    /// The address is no member's.
    #[error("{address} is no member")]
    UnknownMember {
        /// The address that is no member's.
        address: Address,
    },
    /// The item has no price.
    #[error("item {item} has no price")]
    UnknownPrice {
        /// The item without a price.
        item: B256,
    },
}
