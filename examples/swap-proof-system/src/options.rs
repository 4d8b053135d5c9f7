use alloy_primitives::B256;
use clap::{ArgAction, Parser};

/// One contract takes proofs of two systems, one after the other: of a model that everybody sees,
/// and of a model that nobody sees.
#[derive(Clone, Debug, Eq, Parser, PartialEq)]
#[command(version)]
pub(crate) struct Options {
    /// The weights of the model
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "3,-1,4,1,-5,9,2,-6",
        allow_hyphen_values = true
    )]
    pub(crate) weights: Vec<i32>,

    /// What the model is asked, a number for each weight
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "2,7,1,8,2,8,1,8")]
    pub(crate) input: Vec<u32>,

    /// What the secrets of the hidden model are made from; whoever knows it knows the weights
    #[arg(long, value_name = "HASH", default_value_t = B256::repeat_byte(0x5e))]
    pub(crate) seed: B256,

    /// Print one JSON object instead
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
}
