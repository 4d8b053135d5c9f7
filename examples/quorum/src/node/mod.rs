//! One validator as a process of its own: what it is told, what it tells, and how it runs.

mod chain;
mod control;
mod grading;
mod member;
mod quorums;
mod told;
mod validator;

pub use self::{
    chain::{
        CHAIN_ID, ChainSetupError, KeyError, RAW_PROMPT, SeatKeys, chain_config, committee,
        genesis, place_of, quorum_of,
    },
    control::{Event, Line, Receipt, Reply, Request, Task},
    grading::policy,
    member::{Member, MemberConfig, MemberError},
    quorums::{EPOCH, QUORUMS, Quorum, QuorumSetupError, member_address, quorum_name},
    told::{Told, Voice},
    validator::{ValidatorError, ValidatorOptions, run_validator},
};
