//! What the quorums of a chain agree on, without the engine: committees with seats, leaders,
//! finality and equivocation.

mod challenge;
mod committee;
mod elector;
mod epoch;
mod equivocation;
mod finality;
mod fraud;
mod randomness;
mod seats;
mod vote;

pub use challenge::{
    ChallengeError, ChallengeState, ChallengeWindow, ChallengedBlock, DEFAULT_CHALLENGE_BLOCKS,
    FraudVerifier, Judgement, Penalty,
};
pub use committee::{
    ChainCommittee, ChainCommitteeError, CommitteeSource, CommitteeSourceError, FixedCommittees,
    Seat,
};
pub use elector::{LeaderSchedule, LeaderScheduleError};
pub use epoch::{
    DEFAULT_EPOCH_LENGTH, EpochError, EpochSchedule, StakeLedger, epoch_seed, select_committee,
};
pub use equivocation::{Equivocation, EquivocationError, SignedChainVote};
pub use finality::{FinalityCertificate, FinalityError};
pub use fraud::{FraudProof, FraudProofError, MAX_CHALLENGE_BYTES};
pub use seats::{
    MAX_QUORUMS, MAX_SEATS, SeatsError, StakeShare, most_seats, seats, tolerated_stake,
};
pub use vote::{ChainVote, Proposal, chain_namespace};
