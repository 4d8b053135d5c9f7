//! One validator as a process: its keys, its part in the chain and in the quorums, and the JSON
//! lines that it reads and writes.

mod announcing_executor;
mod chain;
mod error;
mod member;
mod policy;
mod protocol;
mod quorums;
mod seat_keys;
mod validator;

pub use self::{
    announcing_executor::{AnnouncingExecutor, EventWriter},
    chain::{RAW_PROMPT, genesis},
    error::SetupError,
    member::{Member, MemberConfig},
    protocol::{Event, OutputLine, Receipt, Reply, Request, Task},
    quorums::{QUORUMS, Quorum},
    seat_keys::{CHAIN_ID, SeatKeys},
    validator::{ValidatorOptions, run_validator},
};
pub(crate) use self::{quorums::quorum_name, validator::devices};
