//! Calldata made to break the reader.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use lazai_api_types::{INTRINSIC_FLOPS_PER_BYTE, key_hash};
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Settings, Status,
    abi::{
        self, ILazErrors as sol, ILazInference, ILazProofVerifier, ILazProofVerifier as P,
        ILazQuote, ILazTokenizer, SolCall, SolError, SolInterface,
    },
    address,
};
use proptest::{prelude::*, sample::Index};

use crate::support::{
    BASE_GAS, Characters, MODEL, SYSTEM, call, precompiles, reply, settings, total,
};

/// Where the fields of a `Generation` stand in the calldata of `generate`.
const STRUCT_OFFSET: usize = 4;
const PROMPT_OFFSET: usize = STRUCT_OFFSET + 32 + 32;
const MAX_TOKENS: usize = PROMPT_OFFSET + 32;
const SEED: usize = MAX_TOKENS + 4 * 32;
const STOP_OFFSET: usize = SEED + 32;
const PROMPT_LENGTH: usize = STOP_OFFSET + 32;
const PROMPT: usize = PROMPT_LENGTH + 32;

#[test]
fn wide_integers_are_refused_and_not_cut() {
    for got in [U256::from(1_u64 << 32), U256::from((1_u64 << 32) + 8), U256::MAX] {
        let refused = refusal(&with_word(MAX_TOKENS, got));
        let max = U256::from(u32::MAX);
        let expected = sol::IntegerOutOfRange { offset: U256::from(MAX_TOKENS), got, max };
        assert_eq!(refused, expected.abi_encode());
    }
    let got = U256::from(1_u128 << 64);
    let max = U256::from(u64::MAX);
    let expected = sol::IntegerOutOfRange { offset: U256::from(SEED), got, max };
    assert_eq!(refusal(&with_word(SEED, got)), expected.abi_encode());
}

#[test]
fn zero_and_too_many_tokens_are_refused() {
    for got in [0, 253, u64::from(u32::MAX)] {
        let refused = refusal(&with_word(MAX_TOKENS, U256::from(got)));
        let expected = sol::InvalidMaxTokens { got: U256::from(got), max: U256::from(252) };
        assert_eq!(refused, expected.abi_encode());
    }
}

#[test]
fn absurd_offsets_are_refused() {
    let right = U256::from(8 * 32);
    for got in [U256::ZERO, right - U256::from(32), right + U256::from(1), U256::MAX] {
        let expected =
            sol::InvalidOffset { offset: U256::from(PROMPT_OFFSET), got, expected: right };
        assert_eq!(refusal(&with_word(PROMPT_OFFSET, got)), expected.abi_encode());
    }
    let (got, expected) = (U256::MAX, U256::from(32));
    let expected = sol::InvalidOffset { offset: U256::from(STRUCT_OFFSET), got, expected };
    assert_eq!(refusal(&with_word(STRUCT_OFFSET, got)), expected.abi_encode());
}

#[test]
fn claimed_lengths_are_not_believed() {
    let room = sample().len() - PROMPT;
    for got in [U256::from(room + 1), U256::from(u64::MAX), U256::MAX] {
        let offset = U256::from(PROMPT_LENGTH);
        let expected = sol::LengthOutOfRange { offset, got, max: U256::from(room) };
        assert_eq!(refusal(&with_word(PROMPT_LENGTH, got)), expected.abi_encode());
    }
    let tokens = ILazTokenizer::decodeCall { model: MODEL.0, tokens: vec![1, 2] };
    let mut input = tokens.abi_encode();
    input[4 + 64..4 + 96].fill(0xff);
    let refused = reply(&call(address::TOKENIZER, &input)).output;
    let (offset, max) = (U256::from(4 + 64), U256::from(2));
    let expected = sol::LengthOutOfRange { offset, got: U256::MAX, max };
    assert_eq!(refused, expected.abi_encode());
}

#[test]
fn every_truncation_is_refused() {
    let whole = sample();
    for length in 0..whole.len() {
        let refused = reply(&call(address::INFERENCE, &whole[..length]));
        assert_eq!(refused.status, Status::Revert, "at {length}");
        assert!(sol::ILazErrorsErrors::abi_decode_validate(&refused.output).is_ok());
    }
    let expected =
        sol::InputTooShort { offset: U256::ZERO, got: U256::from(3), expected: U256::from(4) };
    assert_eq!(refusal(&whole[..3]), expected.abi_encode());
}

#[test]
fn trailing_bytes_are_refused() {
    let mut input = sample();
    let expected = U256::from(input.len());
    for added in [1, 31, 1] {
        input.resize(input.len() + added, 0);
        let expected = sol::TrailingBytes { got: U256::from(input.len()), expected };
        assert_eq!(refusal(&input), expected.abi_encode());
    }
    let mut prices = ILazQuote::pricesCall {}.abi_encode();
    prices.push(0);
    let (got, expected) = (U256::from(5), U256::from(4));
    let refused = reply(&call(address::QUOTE, &prices)).output;
    assert_eq!(refused, sol::TrailingBytes { got, expected }.abi_encode());
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut input = sample();
    input[PROMPT + 2] = 0xff;
    let offset = U256::from(PROMPT + 2);
    assert_eq!(refusal(&input), sol::InvalidUtf8 { offset }.abi_encode());
    let raw = reply(&call(address::RAW_PROMPT, b"Why\xff?"));
    assert_eq!(raw.output, sol::InvalidUtf8 { offset: U256::from(3) }.abi_encode());
}

#[test]
fn dirty_padding_is_refused() {
    let mut input = sample();
    input[PROMPT + 31] = 1;
    let offset = U256::from(PROMPT + 31);
    assert_eq!(refusal(&input), sol::InvalidPadding { offset }.abi_encode());
}

#[test]
fn long_input_is_refused_unread_and_paid_by_its_length() {
    let max = settings().max_input_bytes;
    for address in [address::INFERENCE, address::RAW_PROMPT] {
        for got in [max + 1, 8 * max] {
            let input = vec![b'a'; got];
            let refused = reply(&call(address, &input));
            let expected = sol::InputTooLong { got: U256::from(got), max: U256::from(max) };
            let price = BASE_GAS + (got as u64 * INTRINSIC_FLOPS_PER_BYTE).div_ceil(1_000);
            assert_eq!((refused.status, total(refused.charged)), (Status::Revert, price));
            assert_eq!(refused.output, expected.abi_encode());
        }
    }
}

#[test]
fn unknown_functions_pay_for_their_calldata() {
    let refused = reply(&call(address::INFERENCE, &[7; 50_000]));
    assert_eq!(total(refused.charged), BASE_GAS + 51_200);
}

#[test]
fn unknown_names_are_refused() {
    let refused = refusal(&[1, 2, 3, 4, 5]);
    assert_eq!(refused, sol::UnknownFunction { selector: [1, 2, 3, 4].into() }.abi_encode());
    // A function of another precompile.
    let input = ILazQuote::pricesCall {}.abi_encode();
    let selector = ILazQuote::pricesCall::SELECTOR.into();
    assert_eq!(refusal(&input), sol::UnknownFunction { selector }.abi_encode());

    let model = U256::from(9).into();
    let input = ILazTokenizer::countCall { model, text: "Why?".into() }.abi_encode();
    let refused = reply(&call(address::TOKENIZER, &input)).output;
    assert_eq!(refused, sol::UnknownModel { model }.abi_encode());

    let input = ILazProofVerifier::quoteRegisterCall { system: 2, keyBytes: 8 }.abi_encode();
    let refused = reply(&call(address::PROOF_VERIFIER, &input)).output;
    assert_eq!(refused, sol::UnknownProofSystem { system: U256::from(2) }.abi_encode());
}

#[test]
fn without_a_default_model_it_must_be_named() {
    let device = Arc::new(Characters::default());
    let precompiles = AiPrecompiles::new(device, vec![], Settings::default()).unwrap();
    let refused =
        precompiles.call(&call(address::RAW_PROMPT, b"Why?"), &mut MemoryState::default()).unwrap();
    assert_eq!(refused.output, sol::NoDefaultModel {}.abi_encode());
}

#[test]
fn rejections_of_the_device_keep_their_figures() {
    let refused = reply(&call(address::RAW_PROMPT, b"")).output;
    assert_eq!(refused, sol::EmptyPrompt {}.abi_encode());
    let long = reply(&call(address::RAW_PROMPT, &[b'a'; 256])).output;
    let (got, max) = (U256::from(256), U256::from(255));
    assert_eq!(long, sol::PromptTooLong { got, max }.abi_encode());
    let input = ILazInference::logitsCall { model: MODEL.0, tokens: vec![0, 95] }.abi_encode();
    let (token, index) = (U256::from(95), U256::from(1));
    let expected = sol::UnknownToken { token, index, vocabulary: U256::from(95) };
    assert_eq!(refusal(&input), expected.abi_encode());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_answered(
        address in any_address(),
        input in prop::collection::vec(any::<u8>(), 0..600),
        selector in prop::option::of(any_selector()),
        gas_limit in 0..200_000_u64,
    ) {
        let mut input = input;
        if let (Some(selector), Some(start)) = (selector, input.first_chunk_mut()) {
            *start = selector;
        }
        check(address, &input, gas_limit)?;
    }

    #[test]
    fn mutated_calls_are_answered(
        (address, input) in any_call(),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        words in prop::collection::vec((any::<Index>(), any::<u16>()), 0..2),
        cut in prop::option::of(any::<Index>()),
        gas_limit in 0..20_000_000_u64,
    ) {
        let mut input = input;
        for (index, byte) in mutations {
            let index = index.index(input.len());
            input[index] = byte;
        }
        for (index, word) in words {
            let start = 4 + 32 * index.index(input.len() / 32);
            if let Some(bytes) = input.get_mut(start..start + 32) {
                bytes.copy_from_slice(&U256::from(word).to_be_bytes::<32>());
            }
        }
        if let Some(cut) = cut {
            input.truncate(cut.index(input.len()));
        }
        check(address, &input, gas_limit)?;
    }

    #[test]
    fn whatever_an_encoder_writes_is_read((address, input) in any_call()) {
        let reply = reply(&Call { gas_limit: u64::MAX, ..call(address, &input) });
        if reply.status == Status::Revert {
            use sol::ILazErrorsErrors as E;
            let error = E::abi_decode_validate(&reply.output).unwrap();
            prop_assert!(
                matches!(
                    error,
                    E::EmptyPrompt(_) | E::InvalidMaxTokens(_) | E::InvalidStopList(_)
                        | E::InvalidText(_) | E::InvalidVerifyingKey(_) | E::PromptTooLong(_)
                        | E::UnassignedCharacter(_) | E::UnknownModel(_) | E::UnknownProofSystem(_) | E::UnknownToken(_)
                        | E::UnknownVerifyingKey(_) | E::InputTooLong(_) | E::WorkOverflow(_)
                ),
                "{error:?}"
            );
        }
    }
}

/// A chain on which [`KEY`] is registered.
fn state() -> MemoryState {
    let mut state = MemoryState::default();
    let input = P::registerCall { system: SYSTEM.0, verifyingKey: KEY.into() }.abi_encode();
    let register = Call { gas_limit: u64::MAX, ..call(address::PROOF_VERIFIER, &input) };
    precompiles(&Arc::default()).call(&register, &mut state).unwrap();
    assert_eq!(state.accounts.len(), 1);
    state
}

const KEY: &[u8] = &[3; 12];

/// No panic, a typed error, a charge within the limit, and nothing accepted that an encoder would
/// not write.
fn check(address: Address, input: &[u8], gas_limit: u64) -> Result<(), TestCaseError> {
    let device = Arc::<Characters>::default();
    let call = Call { gas_limit, ..call(address, input) };
    let mut state = state();
    let before = state.clone();
    let reply = precompiles(&device).call(&call, &mut state);
    let reply = reply.map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    let charged = total(reply.charged);
    prop_assert!(charged + reply.charged_evm <= gas_limit);
    prop_assert!(reply.status == Status::Success || state == before);
    if gas_limit >= BASE_GAS {
        prop_assert!(charged >= BASE_GAS);
    } else {
        prop_assert_eq!(reply.status, Status::OutOfGas);
    }
    match reply.status {
        Status::OutOfGas => prop_assert!(reply.output.is_empty() && device.counts().1 == 0),
        Status::Revert => {
            prop_assert!(sol::ILazErrorsErrors::abi_decode_validate(&reply.output).is_ok());
            prop_assert_eq!(device.counts().1, 0);
        }
        Status::Success if address == address::RAW_PROMPT => {}
        Status::Success => prop_assert_eq!(reencode(address, input), Some(input.to_vec())),
    }
    Ok(())
}

fn reencode(address: Address, input: &[u8]) -> Option<Vec<u8>> {
    fn again<I: SolInterface>(input: &[u8]) -> Option<Vec<u8>> {
        Some(I::abi_decode_validate(input).ok()?.abi_encode())
    }
    match address {
        address::INFERENCE => again::<ILazInference::ILazInferenceCalls>(input),
        address::TOKENIZER => again::<ILazTokenizer::ILazTokenizerCalls>(input),
        address::PROOF_VERIFIER => again::<ILazProofVerifier::ILazProofVerifierCalls>(input),
        _ => again::<ILazQuote::ILazQuoteCalls>(input),
    }
}

fn any_address() -> impl Strategy<Value = Address> {
    prop::sample::select(vec![
        address::INFERENCE,
        address::TOKENIZER,
        address::PROOF_VERIFIER,
        address::QUOTE,
        address::RAW_PROMPT,
    ])
}

fn any_selector() -> impl Strategy<Value = [u8; 4]> {
    let selectors = [
        ILazInference::ILazInferenceCalls::SELECTORS,
        ILazTokenizer::ILazTokenizerCalls::SELECTORS,
        ILazProofVerifier::ILazProofVerifierCalls::SELECTORS,
        ILazQuote::ILazQuoteCalls::SELECTORS,
    ];
    prop::sample::select(selectors.concat())
}

fn any_call() -> impl Strategy<Value = (Address, Vec<u8>)> {
    let text = prop_oneof!["[ -~]{0,70}", any::<String>()];
    let stop = prop::collection::vec("[ -~]{0,40}", 0..6);
    let tokens = prop::collection::vec(0..100_u32, 0..20);
    let model =
        prop_oneof![Just(MODEL.0), Just(U256::ZERO.into()), any::<[u8; 32]>().prop_map(Into::into)];
    let numbers = (0..40_u32, any::<(u32, u32, u32, u64)>());
    (0..16_u8, model, text, tokens, stop, numbers, any::<Vec<u8>>()).prop_map(
        |(function, model, text, tokens, stop, (max_tokens, sampling), proof)| {
            let (temperature, top_k, top_p, seed) = sampling;
            let generation = abi::Generation {
                model,
                prompt: text.clone(),
                maxTokens: max_tokens,
                temperatureMilli: temperature,
                topK: top_k,
                topPMilli: top_p,
                seed,
                stop: stop.clone(),
            };
            let continuation = abi::TokenGeneration {
                model,
                tokens: tokens.clone(),
                maxTokens: max_tokens,
                temperatureMilli: temperature,
                topK: top_k,
                topPMilli: top_p,
                seed,
                stop,
            };
            let statement = abi::Statement {
                model,
                input: model,
                output: model,
                flops: seed,
                peakBytes: seed,
                context: model,
            };
            let named = if top_k % 2 == 0 { key_hash(SYSTEM, KEY) } else { model };
            let system = if max_tokens < 20 { 1_000 } else { top_k };
            match function {
                0 => (
                    address::INFERENCE,
                    ILazInference::generateCall { request: generation }.abi_encode(),
                ),
                1 => (
                    address::INFERENCE,
                    ILazInference::generateFromTokensCall { request: continuation }.abi_encode(),
                ),
                2 => (address::INFERENCE, ILazInference::logitsCall { model, tokens }.abi_encode()),
                3 => (address::INFERENCE, ILazInference::embedCall { model, text }.abi_encode()),
                4 => (address::TOKENIZER, ILazTokenizer::encodeCall { model, text }.abi_encode()),
                5 => (address::TOKENIZER, ILazTokenizer::decodeCall { model, tokens }.abi_encode()),
                6 => (address::TOKENIZER, ILazTokenizer::countCall { model, text }.abi_encode()),
                7 => (
                    address::QUOTE,
                    ILazQuote::quoteGenerateCall { request: generation }.abi_encode(),
                ),
                8 => (address::QUOTE, ILazQuote::quoteLogitsCall { model, tokens }.abi_encode()),
                9 => (
                    address::PROOF_VERIFIER,
                    P::verifyCall { system, keyHash: named, statement, proof: proof.into() }
                        .abi_encode(),
                ),
                10 => (
                    address::PROOF_VERIFIER,
                    P::verifyValuesCall {
                        system,
                        keyHash: named,
                        values: text.into_bytes().into(),
                        proof: proof.into(),
                    }
                    .abi_encode(),
                ),
                11 => (
                    address::PROOF_VERIFIER,
                    P::registerCall { system, verifyingKey: proof.into() }.abi_encode(),
                ),
                12 => (
                    address::PROOF_VERIFIER,
                    P::quoteCall {
                        system,
                        keyBytes: seed,
                        valuesBytes: seed,
                        proofBytes: max_tokens.into(),
                    }
                    .abi_encode(),
                ),
                13 => (
                    address::PROOF_VERIFIER,
                    P::quoteRegisterCall { system, keyBytes: max_tokens.into() }.abi_encode(),
                ),
                14 => (address::PROOF_VERIFIER, P::keyCall { system, keyHash: named }.abi_encode()),
                _ => (
                    address::PROOF_VERIFIER,
                    P::isRegisteredCall { system, keyHash: named }.abi_encode(),
                ),
            }
        },
    )
}

fn sample() -> Vec<u8> {
    let request = abi::Generation {
        model: MODEL.0,
        prompt: "Why?".into(),
        maxTokens: 8,
        temperatureMilli: 0,
        topK: 0,
        topPMilli: 0,
        seed: 0,
        stop: vec!["one".into(), "two".into()],
    };
    ILazInference::generateCall { request }.abi_encode()
}

fn with_word(offset: usize, word: U256) -> Vec<u8> {
    let mut input = sample();
    input[offset..offset + 32].copy_from_slice(&word.to_be_bytes::<32>());
    input
}

fn refusal(input: &[u8]) -> Vec<u8> {
    let refused = reply(&call(address::INFERENCE, input));
    assert_eq!(refused.status, Status::Revert);
    refused.output.into()
}
