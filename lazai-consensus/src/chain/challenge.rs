use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt::Debug;

use alloy_primitives::{Address, B256};

use crate::chain::FraudProof;

/// Judges the data of a challenge: a Merkle opening, a proof, or a hardware quote.
///
/// # Stability
/// Unstable: as [`ChallengeWindow`], which alone calls it.
pub trait FraudVerifier: Debug {
    /// Judges `proof` against the block that it disputes.
    ///
    /// An implementation is a function of its arguments alone, bounds what it reads, and answers
    /// the same on every machine: its answer takes stake away.
    fn judge(&self, block: &ChallengedBlock, proof: &FraudProof) -> Judgement;
}

/// How a verifier decides a challenge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// The proof shows nothing against the block.
    Dismissed,
    /// The block is wrong.
    Upheld {
        /// Whether it is also shown that the signers knew, so that they are slashed with the
        /// proposer.
        collusion: bool,
    },
}

/// A final block that can be challenged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChallengedBlock {
    /// The height of the block.
    pub height: u64,
    /// The digest of the block.
    pub digest: B256,
    /// The epoch of the committee.
    pub epoch: u64,
    /// The seat that proposed it.
    pub proposer: u32,
    /// The seats that signed the finality of the block, ascending.
    pub signers: Vec<u32>,
}

/// Tracks until when final blocks can be challenged, and who pays if one was wrong.
///
/// ```text
/// finalized ──> open ──(length blocks later)──> expired
///                 └──(proof upheld)──> upheld
/// ```
///
/// A sans-I/O state machine: the executor feeds it with each final block and each challenge, in the
/// order of the chain, so that all nodes agree. A block is judged once: the first proof that holds
/// ends its window.
///
/// # Stability
/// Unstable: no executor uses challenge windows yet. They are the rule of when what rests on a
/// block may be paid out, and disputes over single steps of a run will feed them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChallengeWindow {
    length: u64,
    /// The height of the highest final block.
    tip: u64,
    /// The blocks that can be challenged, by digest.
    open: BTreeMap<B256, ChallengedBlock>,
    /// The digest at each open height, so that windows close in order.
    heights: BTreeMap<u64, B256>,
    /// Blocks with an upheld proof, until their window would have closed.
    upheld: BTreeMap<u64, B256>,
}

impl ChallengeWindow {
    /// Creates a window of `length` blocks: the block at height `h` can be challenged until the
    /// block at `h + length` is final.
    #[must_use]
    pub const fn new(length: u64) -> Self {
        Self {
            length,
            tip: 0,
            open: BTreeMap::new(),
            heights: BTreeMap::new(),
            upheld: BTreeMap::new(),
        }
    }

    /// Opens the window of a final block and closes those that end with it; returns the digests
    /// that expired, ascending by height: what rests on them may be paid out.
    ///
    /// # Errors
    /// [`ChallengeError::OutOfOrder`] if the block is not above the last one; nothing changes then.
    pub fn finalize(&mut self, block: ChallengedBlock) -> Result<Vec<B256>, ChallengeError> {
        if block.height <= self.tip {
            return Err(ChallengeError::OutOfOrder { expected_above: self.tip, got: block.height });
        }
        self.tip = block.height;
        self.heights.insert(block.height, block.digest);
        self.open.insert(block.digest, block);
        // What stays open is above this height.
        let closed = self.tip.saturating_sub(self.length);
        let mut expired = Vec::new();
        while let Some(entry) = self.heights.first_entry()
            && *entry.key() <= closed
        {
            let digest = entry.remove();
            if self.open.remove(&digest).is_some() {
                expired.push(digest);
            }
        }
        self.upheld.retain(|height, _| *height > closed);
        Ok(expired)
    }

    /// Lets `verifier` judge a challenge, and returns the penalty if it is upheld; the window of
    /// the block then ends.
    ///
    /// `None` means that the challenge is dismissed: the block stays open, and the executor charges
    /// the challenger for the judgement.
    ///
    /// # Errors
    /// [`ChallengeError::NotOpen`] if the block is unknown or its window is over, and
    /// [`ChallengeError::AlreadyUpheld`] if another proof held before.
    pub fn challenge(
        &mut self,
        proof: &FraudProof,
        verifier: &dyn FraudVerifier,
    ) -> Result<Option<Penalty>, ChallengeError> {
        let digest = proof.disputed_block;
        if self.upheld.values().any(|upheld| *upheld == digest) {
            return Err(ChallengeError::AlreadyUpheld { digest });
        }
        let block = self.open.get(&digest).ok_or(ChallengeError::NotOpen { digest })?;
        match verifier.judge(block, proof) {
            Judgement::Dismissed => Ok(None),
            Judgement::Upheld { collusion } => {
                let penalty = Penalty {
                    height: block.height,
                    digest,
                    epoch: block.epoch,
                    proposer: block.proposer,
                    colluders: if collusion { block.signers.clone() } else { Vec::new() },
                    challenger: proof.challenger,
                };
                self.upheld.insert(block.height, digest);
                self.open.remove(&digest);
                Ok(Some(penalty))
            }
        }
    }

    /// Returns the state of the block with `digest`. A block whose window is over, and one that was
    /// never final, are both [`ChallengeState::Closed`].
    #[must_use]
    pub fn state(&self, digest: B256) -> ChallengeState {
        if let Some(block) = self.open.get(&digest) {
            return ChallengeState::Open { until: block.height.saturating_add(self.length) };
        }
        if self.upheld.values().any(|upheld| *upheld == digest) {
            return ChallengeState::Upheld;
        }
        ChallengeState::Closed
    }
}

impl Default for ChallengeWindow {
    /// Creates a window of [`DEFAULT_CHALLENGE_BLOCKS`] blocks.
    fn default() -> Self {
        Self::new(DEFAULT_CHALLENGE_BLOCKS)
    }
}

/// The state of a block with respect to challenges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChallengeState {
    /// The block can no longer be challenged, or never could.
    Closed,
    /// The block can be challenged.
    Open {
        /// The height whose finality closes the window.
        until: u64,
    },
    /// A challenge of the block was upheld.
    Upheld,
}

/// The seats that pay for a wrong block, and the challenger that is rewarded. The amounts are
/// policy: see [`StakeLedger::slash`](crate::chain::StakeLedger::slash).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Penalty {
    /// The height of the wrong block.
    pub height: u64,
    /// The digest of the block.
    pub digest: B256,
    /// The epoch in whose committee the seats are.
    pub epoch: u64,
    /// The seat that proposed it, which is always slashed.
    pub proposer: u32,
    /// The seats that signed it, if collusion is shown; else empty.
    pub colluders: Vec<u32>,
    /// The challenger to reward.
    pub challenger: Address,
}

/// Why a challenge is not judged.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChallengeError {
    /// Another challenge of the block was upheld before.
    #[error("a challenge of block {digest} was upheld before")]
    AlreadyUpheld {
        /// The digest of the disputed block.
        digest: B256,
    },
    /// The block is unknown or its window is over.
    #[error("block {digest} cannot be challenged: it is not final here, or its window is over")]
    NotOpen {
        /// The digest of the disputed block.
        digest: B256,
    },
    /// Blocks came out of order.
    #[error("a final block above height {expected_above} was expected, and one at {got} came")]
    OutOfOrder {
        /// The last height.
        expected_above: u64,
        /// The height given.
        got: u64,
    },
}

/// Blocks during which a final block can be challenged, unless a chain says otherwise.
pub const DEFAULT_CHALLENGE_BLOCKS: u64 = 100;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use alloy_primitives::keccak256;

    use super::*;

    /// Upholds a proof that names the block's preimage of a hash; the second byte claims collusion.
    #[derive(Debug)]
    struct Preimage;

    impl FraudVerifier for Preimage {
        fn judge(&self, block: &ChallengedBlock, proof: &FraudProof) -> Judgement {
            match proof.challenge_data.split_last() {
                Some((collusion, preimage)) if keccak256(preimage) == block.digest => {
                    Judgement::Upheld { collusion: *collusion == 1 }
                }
                _ => Judgement::Dismissed,
            }
        }
    }

    fn block(height: u64) -> ChallengedBlock {
        ChallengedBlock {
            height,
            digest: keccak256(height.to_be_bytes()),
            epoch: 0,
            proposer: 2,
            signers: vec![0, 1, 2],
        }
    }

    fn proof(height: u64, says: u64, collusion: u8) -> FraudProof {
        let mut challenge_data = says.to_be_bytes().to_vec();
        challenge_data.push(collusion);
        FraudProof {
            disputed_block: block(height).digest,
            challenge_data,
            timestamp: 0,
            challenger: Address::repeat_byte(7),
        }
    }

    #[test]
    fn a_window_closes_after_its_length() {
        let mut window = ChallengeWindow::default();
        for height in 1..=100 {
            assert_eq!(window.finalize(block(height)), Ok(vec![]));
        }
        let first = block(1).digest;
        assert_eq!(window.state(first), ChallengeState::Open { until: 101 });
        assert_eq!(window.finalize(block(101)), Ok(vec![first]));
        assert_eq!(window.state(first), ChallengeState::Closed);
        let over = ChallengeError::NotOpen { digest: first };
        assert_eq!(window.challenge(&proof(1, 1, 0), &Preimage), Err(over));
        assert!(matches!(window.challenge(&proof(2, 2, 0), &Preimage), Ok(Some(_))));
    }

    #[test]
    fn the_proposer_pays_and_colluders_only_if_shown() {
        for (collusion, colluders) in [(0, vec![]), (1, vec![0, 1, 2])] {
            let mut window = ChallengeWindow::new(10);
            window.finalize(block(1)).unwrap();
            let Ok(Some(penalty)) = window.challenge(&proof(1, 1, collusion), &Preimage) else {
                panic!("the proof holds");
            };
            assert_eq!((penalty.height, penalty.proposer), (1, 2));
            assert_eq!(penalty.colluders, colluders);
            assert_eq!(penalty.challenger, Address::repeat_byte(7));
            let digest = block(1).digest;
            assert_eq!(window.state(digest), ChallengeState::Upheld);
            let again = ChallengeError::AlreadyUpheld { digest };
            assert_eq!(window.challenge(&proof(1, 1, 0), &Preimage), Err(again));
        }
    }

    #[test]
    fn a_proof_that_shows_nothing_leaves_the_block_open() {
        let mut window = ChallengeWindow::new(10);
        window.finalize(block(1)).unwrap();
        assert_eq!(window.challenge(&proof(1, 5, 0), &Preimage), Ok(None));
        assert_eq!(window.state(block(1).digest), ChallengeState::Open { until: 11 });
    }

    #[test]
    fn an_upheld_block_does_not_expire_into_a_payout() {
        let mut window = ChallengeWindow::new(2);
        window.finalize(block(1)).unwrap();
        window.challenge(&proof(1, 1, 0), &Preimage).unwrap();
        window.finalize(block(2)).unwrap();
        assert_eq!(window.finalize(block(3)), Ok(vec![]));
        assert_eq!(window.state(block(1).digest), ChallengeState::Closed);
    }

    #[test]
    fn blocks_come_in_order() {
        let mut window = ChallengeWindow::new(2);
        window.finalize(block(5)).unwrap();
        let error = ChallengeError::OutOfOrder { expected_above: 5, got: 5 };
        assert_eq!(window.finalize(block(5)), Err(error));
        let unknown = ChallengeError::NotOpen { digest: block(6).digest };
        assert_eq!(window.challenge(&proof(6, 6, 0), &Preimage), Err(unknown));
    }
}
