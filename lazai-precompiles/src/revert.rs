use alloc::string::ToString;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolError;
use lazai_api_types::{InvalidKey, ProofSystemId, Rejection};

use crate::{abi::ILazErrors as sol, input::InputError};

/// Why a call reverts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RevertReason {
    DelegateCall,
    Input(InputError),
    InputTooLong { got: u64, max: u64 },
    InvalidVerifyingKey(InvalidKey),
    KeyAddressTaken { address: Address },
    NoDefaultModel,
    Rejected(Rejection),
    StaticCall,
    UnknownFunction { selector: [u8; 4] },
    UnknownProofSystem { system: ProofSystemId },
    UnknownVerifyingKey { system: ProofSystemId, key_hash: B256 },
    Value { value: U256 },
}

impl RevertReason {
    /// Returns the Solidity custom error.
    pub(crate) fn encode(&self) -> Bytes {
        match self {
            Self::DelegateCall => sol::DelegateCallRefused {}.abi_encode(),
            Self::Input(error) => return encode_input(*error),
            Self::InputTooLong { got, max } => {
                sol::InputTooLong { got: U256::from(*got), max: U256::from(*max) }.abi_encode()
            }
            Self::InvalidVerifyingKey(InvalidKey { reason }) => {
                sol::InvalidVerifyingKey { reason: reason.clone() }.abi_encode()
            }
            Self::KeyAddressTaken { address } => {
                sol::KeyAddressTaken { account: *address }.abi_encode()
            }
            Self::NoDefaultModel => sol::NoDefaultModel {}.abi_encode(),
            Self::Rejected(rejection) => return encode_rejection(rejection),
            Self::StaticCall => sol::StaticCallRefused {}.abi_encode(),
            Self::UnknownFunction { selector } => {
                sol::UnknownFunction { selector: (*selector).into() }.abi_encode()
            }
            Self::UnknownProofSystem { system } => {
                sol::UnknownProofSystem { system: U256::from(system.0) }.abi_encode()
            }
            Self::UnknownVerifyingKey { system, key_hash } => {
                sol::UnknownVerifyingKey { system: U256::from(system.0), keyHash: *key_hash }
                    .abi_encode()
            }
            Self::Value { value } => sol::ValueRefused { value: *value }.abi_encode(),
        }
        .into()
    }
}

impl From<InputError> for RevertReason {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

fn encode_input(error: InputError) -> Bytes {
    match error {
        InputError::IntegerOutOfRange { offset, got, max } => {
            sol::IntegerOutOfRange { offset: U256::from(offset), got, max: U256::from(max) }
                .abi_encode()
        }
        InputError::Length { offset, got, max } => {
            sol::LengthOutOfRange { offset: U256::from(offset), got, max: U256::from(max) }
                .abi_encode()
        }
        InputError::Offset { offset, got, expected } => {
            sol::InvalidOffset { offset: U256::from(offset), got, expected: U256::from(expected) }
                .abi_encode()
        }
        InputError::Padding { offset } => {
            sol::InvalidPadding { offset: U256::from(offset) }.abi_encode()
        }
        InputError::TooShort { offset, got, expected } => sol::InputTooShort {
            offset: U256::from(offset),
            got: U256::from(got),
            expected: U256::from(expected),
        }
        .abi_encode(),
        InputError::TrailingBytes { got, expected } => {
            sol::TrailingBytes { got: U256::from(got), expected: U256::from(expected) }.abi_encode()
        }
        InputError::Utf8 { offset } => sol::InvalidUtf8 { offset: U256::from(offset) }.abi_encode(),
    }
    .into()
}

fn encode_rejection(rejection: &Rejection) -> Bytes {
    match rejection {
        Rejection::EmptyPrompt => sol::EmptyPrompt {}.abi_encode(),
        Rejection::InputTooLong { got, max } => {
            sol::InputTooLong { got: U256::from(*got), max: U256::from(*max) }.abi_encode()
        }
        Rejection::InvalidSampling { parameter, got, max } => sol::InvalidSampling {
            parameter: (*parameter).into(),
            got: U256::from(*got),
            max: U256::from(*max),
        }
        .abi_encode(),
        Rejection::InvalidText => sol::InvalidText {}.abi_encode(),
        Rejection::MaxTokens { got, max } => {
            sol::InvalidMaxTokens { got: U256::from(*got), max: U256::from(*max) }.abi_encode()
        }
        Rejection::PromptTooLong { got, max } => {
            sol::PromptTooLong { got: U256::from(*got), max: U256::from(*max) }.abi_encode()
        }
        Rejection::SpecialToken { token, offset } => {
            sol::SpecialToken { token: U256::from(*token), offset: U256::from(*offset) }
                .abi_encode()
        }
        Rejection::StopList { max_count, max_bytes } => sol::InvalidStopList {
            maxCount: U256::from(*max_count),
            maxBytes: U256::from(*max_bytes),
        }
        .abi_encode(),
        Rejection::UnknownModel { model } => sol::UnknownModel { model: model.0 }.abi_encode(),
        Rejection::UnknownToken { token, index, vocabulary } => sol::UnknownToken {
            token: U256::from(*token),
            index: U256::from(*index),
            vocabulary: U256::from(*vocabulary),
        }
        .abi_encode(),
        Rejection::Unsupported { task } => {
            sol::UnsupportedTask { task: (*task).into() }.abi_encode()
        }
        Rejection::WorkOverflow => sol::WorkOverflow {}.abi_encode(),
        // A rejection that a later port adds; its text is made of integers and constants alone.
        other => sol::Rejected { reason: other.to_string() }.abi_encode(),
    }
    .into()
}
