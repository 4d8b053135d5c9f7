//! The numbers by which a chain names reasons. A changed number here is a change of consensus.

use alloy_primitives::B256;
use lazai_api_types::{
    InvalidKey, ModelId, Rejection, SamplingParameter, TaskKind, codec::DecodeError,
};

#[test]
fn codes_of_rejections_are_golden() {
    let golden = [
        (Rejection::EmptyPrompt, 1),
        (Rejection::InputTooLong { got: 2, max: 1 }, 2),
        (Rejection::InvalidSampling { parameter: SamplingParameter::TopP, got: 2, max: 1 }, 3),
        (Rejection::InvalidText, 4),
        (Rejection::MaxTokens { got: 2, max: 1 }, 5),
        (Rejection::PromptTooLong { got: 2, max: 1 }, 6),
        (Rejection::SpecialToken { token: 1, offset: 0 }, 7),
        (Rejection::StopList { max_count: 4, max_bytes: 256 }, 8),
        (Rejection::UnknownModel { model: ModelId(B256::ZERO) }, 9),
        (Rejection::UnknownToken { token: 1, index: 0, vocabulary: 1 }, 10),
        (Rejection::Unsupported { task: TaskKind::Embed }, 11),
        (Rejection::WorkOverflow, 12),
        (Rejection::Unprovable { what: "this" }, 13),
        (Rejection::UnassignedCharacter { character: 0x378, offset: 2 }, 14),
    ];
    for (rejection, code) in golden {
        assert_eq!(rejection.code(), code, "{rejection}");
    }
    assert_eq!(SamplingParameter::Temperature.code(), 1);
    assert_eq!(SamplingParameter::TopP.code(), 2);
    assert_eq!(InvalidKey::PANICKED, 0);
}

#[test]
fn codes_of_tasks_are_golden_and_come_back() {
    let golden = [
        (TaskKind::Count, 0),
        (TaskKind::Decode, 1),
        (TaskKind::Embed, 2),
        (TaskKind::Encode, 3),
        (TaskKind::Generate, 4),
        (TaskKind::Logits, 5),
        (TaskKind::GreedyTokens, 6),
    ];
    for (kind, code) in golden {
        assert_eq!((kind.code(), TaskKind::from_code(code)), (code, Some(kind)));
    }
    assert!((7..=u8::MAX).all(|code| TaskKind::from_code(code).is_none()));
}

#[test]
fn codes_of_malformed_bytes_are_golden() {
    let golden = [
        (DecodeError::Domain { expected: "a" }, 1),
        (DecodeError::Field { field: "a", got: 1 }, 2),
        (DecodeError::Point { field: "a" }, 3),
        (DecodeError::TrailingBytes { count: 1 }, 4),
        (DecodeError::Truncated { got: 1 }, 5),
        (DecodeError::Utf8 { field: "a", offset: 1 }, 6),
        (DecodeError::Version { expected: 1, got: 2 }, 7),
    ];
    for (error, code) in golden {
        assert_eq!(error.code(), code, "{error}");
    }
}
