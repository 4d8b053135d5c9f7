use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolError;
use lazai_api_types::{ProofSystemId, Rejection};

use crate::{abi::ILazErrors as sol, input::InputError};

/// Why a call reverts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RevertReason {
    DelegateCall,
    Input(InputError),
    InputTooLong { got: u64, max: u64 },
    InvalidVerifyingKey { system: ProofSystemId, code: u32 },
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
            Self::InvalidVerifyingKey { system, code } => {
                sol::InvalidVerifyingKey { system: U256::from(system.0), code: *code }.abi_encode()
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
            parameter: parameter.code(),
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
        Rejection::UnassignedCharacter { character, offset } => sol::UnassignedCharacter {
            character: U256::from(*character),
            offset: U256::from(*offset),
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
            sol::UnsupportedTask { task: task.code().into() }.abi_encode()
        }
        Rejection::WorkOverflow => sol::WorkOverflow {}.abi_encode(),
        // A rejection that a later port adds.
        other => sol::Rejected { code: other.code() }.abi_encode(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use lazai_api_types::{ModelId, SamplingParameter, TaskKind};

    use super::*;

    /// A changed value here is a change of consensus: contracts may store what a call reverts with.
    ///
    /// Computed apart from this crate.
    #[test]
    fn revert_data_is_golden() {
        let golden: [(Rejection, &str); 15] = [
            (Rejection::EmptyPrompt, "b8a7f219"),
            (
                Rejection::InputTooLong { got: 5, max: 4 },
                "8d3c9207 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::InvalidSampling {
                    parameter: SamplingParameter::Temperature,
                    got: 5,
                    max: 4,
                },
                "23b9d06e \
                 0000000000000000000000000000000000000000000000000000000000000001 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::InvalidSampling { parameter: SamplingParameter::TopP, got: 5, max: 4 },
                "23b9d06e \
                 0000000000000000000000000000000000000000000000000000000000000002 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (Rejection::InvalidText, "7a2a029c"),
            (
                Rejection::UnassignedCharacter { character: 5, offset: 4 },
                "4327813d \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::MaxTokens { got: 5, max: 4 },
                "7b485723 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::PromptTooLong { got: 5, max: 4 },
                "3b7c8672 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::SpecialToken { token: 5, offset: 4 },
                "3f041af8 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::StopList { max_count: 5, max_bytes: 4 },
                "11ed7241 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004",
            ),
            (
                Rejection::UnknownModel { model: ModelId(B256::repeat_byte(7)) },
                "a2dc0625 \
                 0707070707070707070707070707070707070707070707070707070707070707",
            ),
            (
                Rejection::UnknownToken { token: 5, index: 4, vocabulary: 3 },
                "5acbe3d5 \
                 0000000000000000000000000000000000000000000000000000000000000005 \
                 0000000000000000000000000000000000000000000000000000000000000004 \
                 0000000000000000000000000000000000000000000000000000000000000003",
            ),
            (
                Rejection::Unsupported { task: TaskKind::GreedyTokens },
                "893eec37 \
                 0000000000000000000000000000000000000000000000000000000000000006",
            ),
            (Rejection::WorkOverflow, "07550f76"),
            (
                Rejection::Unprovable { what: "this" },
                "5c9ad676 \
                 000000000000000000000000000000000000000000000000000000000000000d",
            ),
        ];
        for (rejection, expected) in golden {
            let bytes = RevertReason::Rejected(rejection.clone()).encode();
            assert_eq!(
                hex::encode(bytes),
                expected.replace(char::is_whitespace, ""),
                "{rejection}"
            );
        }
        let key = RevertReason::InvalidVerifyingKey { system: ProofSystemId::HALO2, code: 0x0113 };
        let expected = "65899d90 \
                 0000000000000000000000000000000000000000000000000000000000000001 \
                 0000000000000000000000000000000000000000000000000000000000000113";
        assert_eq!(hex::encode(key.encode()), expected.replace(char::is_whitespace, ""));
    }
}
