//! Agreement of all quorums on one chain of blocks: the block, the port to what executes it, and who proposes.

mod block;
mod challenge;
mod elector;
mod epoch;
mod executor;
mod fraud;
mod randomness;
mod seats;

pub use block::{Block, MAX_PAYLOAD_BYTES};
pub use challenge::{
    ChallengeError, ChallengeWindow, ChallengedBlock, DEFAULT_CHALLENGE_BLOCKS, Finding,
    FraudVerifier, Penalty, Verdict, WindowState,
};
pub use elector::{LeaderSchedule, LeaderScheduleError};
pub use epoch::{
    DEFAULT_EPOCH_LENGTH, EpochError, EpochSchedule, Roster, epoch_seed, select_committee,
};
pub use executor::{BlockBody, BlockContext, BlockExecutor, ExecutionError};
pub use fraud::{FraudProof, FraudProofError, MAX_CHALLENGE_BYTES};
pub use seats::{
    MAX_QUORUMS, MAX_SEATS, SeatsError, StakeShare, most_seats, seats, tolerated_stake,
};
