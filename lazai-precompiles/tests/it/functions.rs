//! Each function gives what the device gives.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{
    Coprocessor, Generation, Job, ModelId, Output, Prompt, ProofSystemId, Sampling, Task, TokenId,
};
use lazai_precompiles::{
    AiPrecompiles, DuplicateVerifier, MemoryState, Precompile, Settings, Status,
    abi::{self, ILazInference, ILazQuote, ILazTokenizer, Price, SolCall, SolValue},
    address,
};

use crate::support::{
    Characters, Hashes, MODEL, PRICES, call, precompiles, reply, settings, total,
};

#[test]
fn generate_returns_text_and_tokens() {
    let returned = reply(&call(address::INFERENCE, &generate("Why?", 8).abi_encode()));
    assert_eq!(returned.status, Status::Success);
    let result =
        ILazInference::generateCall::abi_decode_returns_validate(&returned.output).unwrap();
    let outcome = Characters::default().run(&job("Why?", 8)).unwrap();
    let Output::Generated { tokens, text, .. } = outcome.output else { panic!("not a text") };
    assert_eq!(result.text, text);
    assert_eq!(result.tokens, tokens.iter().map(|token| token.0).collect::<Vec<_>>());
    assert_eq!(result.promptTokens, 4);
    assert_eq!(returned.work, outcome.work);
}

#[test]
fn zero_names_the_default_model() {
    let mut request = generate("Why?", 8);
    let named = reply(&call(address::INFERENCE, &request.abi_encode()));
    request.request.model = B256::ZERO;
    assert_eq!(reply(&call(address::INFERENCE, &request.abi_encode())), named);
}

#[test]
fn text_and_its_tokens_generate_alike() {
    let request = generate("Why?", 8).request;
    let tokens = ILazTokenizer::encodeCall { model: MODEL.0, text: request.prompt };
    let tokens = reply(&call(address::TOKENIZER, &tokens.abi_encode())).output;
    let from_tokens = ILazInference::generateFromTokensCall {
        request: abi::TokenGeneration {
            model: request.model,
            tokens: ILazTokenizer::encodeCall::abi_decode_returns_validate(&tokens).unwrap(),
            maxTokens: request.maxTokens,
            temperatureMilli: request.temperatureMilli,
            topK: request.topK,
            topPMilli: request.topPMilli,
            seed: request.seed,
            stop: request.stop,
        },
    };
    assert_eq!(
        reply(&call(address::INFERENCE, &from_tokens.abi_encode())).output,
        reply(&call(address::INFERENCE, &generate("Why?", 8).abi_encode())).output,
    );
}

#[test]
fn raw_prompt_returns_raw_text() {
    let returned = reply(&call(address::RAW_PROMPT, b"Why?"));
    let request = generate("Why?", settings().prompt_max_tokens);
    let result = reply(&call(address::INFERENCE, &request.abi_encode())).output;
    let result = ILazInference::generateCall::abi_decode_returns_validate(&result).unwrap();
    assert_eq!(returned.status, Status::Success);
    assert_eq!(returned.output, result.text.into_bytes());
}

#[test]
fn logits_and_embed_return_vectors() {
    let tokens = vec![1, 2, 3];
    let input = ILazInference::logitsCall { model: MODEL.0, tokens: tokens.clone() }.abi_encode();
    let result = reply(&call(address::INFERENCE, &input)).output;
    let result = ILazInference::logitsCall::abi_decode_returns_validate(&result).unwrap();
    let prompt = Prompt::Tokens(tokens.into_iter().map(TokenId).collect());
    let outcome = Characters::default().run(&Job { model: MODEL, task: Task::Logits { prompt } });
    let expected = Output::Logits { values: result.values, fraction_bits: result.fractionBits };
    assert_eq!(outcome.unwrap().output, expected);

    let input = ILazInference::embedCall { model: MODEL.0, text: "Why?".into() }.abi_encode();
    let result = reply(&call(address::INFERENCE, &input)).output;
    let result = ILazInference::embedCall::abi_decode_returns_validate(&result).unwrap();
    let task = Task::Embed { prompt: Prompt::Text("Why?".into()) };
    let outcome = Characters::default().run(&Job { model: MODEL, task }).unwrap();
    let expected = Output::Embedding { values: result.values, fraction_bits: result.fractionBits };
    assert_eq!(outcome.output, expected);
}

#[test]
fn tokenizer_turns_text_into_tokens_and_back() {
    let text = "A short text";
    let input = ILazTokenizer::encodeCall { model: MODEL.0, text: text.into() }.abi_encode();
    let tokens = reply(&call(address::TOKENIZER, &input)).output;
    let tokens = ILazTokenizer::encodeCall::abi_decode_returns_validate(&tokens).unwrap();
    let input = ILazTokenizer::countCall { model: MODEL.0, text: text.into() }.abi_encode();
    let count = reply(&call(address::TOKENIZER, &input)).output;
    assert_eq!(count, U256::from(tokens.len()).to_be_bytes_vec());
    let input = ILazTokenizer::decodeCall { model: MODEL.0, tokens }.abi_encode();
    let decoded = reply(&call(address::TOKENIZER, &input)).output;
    assert_eq!(decoded, text.to_string().abi_encode());
}

#[test]
fn quote_is_what_a_run_of_all_tokens_costs() {
    let request = generate("Why?", 3);
    let ran = reply(&call(address::INFERENCE, &request.abi_encode()));
    let result = ILazInference::generateCall::abi_decode_returns_validate(&ran.output).unwrap();
    assert_eq!(result.tokens.len(), 3, "the sample must use all its tokens");

    let input = ILazQuote::quoteGenerateCall { request: request.request }.abi_encode();
    let quoted = reply(&call(address::QUOTE, &input));
    let price = Price::abi_decode_validate(&quoted.output).unwrap();
    assert_eq!((price.gasAI, price.gasInference), (ran.charged.gas_ai, ran.charged.gas_inference));
    assert_eq!((price.flops, price.peakBytes), (ran.work.flops, ran.work.peak_bytes));
    assert_eq!(price.priceWei, U256::from(PRICES.header));
    assert_eq!(price.feeWei, U256::from(PRICES.header) * U256::from(total(ran.charged)));
    assert!(total(quoted.charged) < total(ran.charged));
    assert_eq!(quoted.quoted, None);
}

#[test]
fn every_quote_function_tells_the_price_of_its_function() {
    let (model, text) = (MODEL.0, String::from("Why?"));
    let tokens = vec![1, 2, 3];
    let token_generation = abi::TokenGeneration {
        model,
        tokens: tokens.clone(),
        maxTokens: 2,
        temperatureMilli: 0,
        topK: 0,
        topPMilli: 0,
        seed: 0,
        stop: vec![],
    };
    let pairs = [
        (
            ILazQuote::quoteLogitsCall { model, tokens: tokens.clone() }.abi_encode(),
            ILazInference::logitsCall { model, tokens }.abi_encode(),
        ),
        (
            ILazQuote::quoteEmbedCall { model, text: text.clone() }.abi_encode(),
            ILazInference::embedCall { model, text }.abi_encode(),
        ),
        (
            ILazQuote::quoteGenerateFromTokensCall { request: token_generation.clone() }
                .abi_encode(),
            ILazInference::generateFromTokensCall { request: token_generation }.abi_encode(),
        ),
    ];
    for (quote, run) in pairs {
        let price = reply(&call(address::QUOTE, &quote)).output;
        let price = Price::abi_decode_validate(&price).unwrap();
        let ran = reply(&call(address::INFERENCE, &run));
        assert_eq!(ran.status, Status::Success);
        let paid = (ran.charged.gas_ai, ran.charged.gas_inference);
        assert_eq!((price.gasAI, price.gasInference), paid);
    }
}

#[test]
fn prices_are_those_of_the_block() {
    let output = reply(&call(address::QUOTE, &ILazQuote::pricesCall {}.abi_encode())).output;
    let prices = ILazQuote::pricesCall::abi_decode_returns_validate(&output).unwrap();
    let expected = [PRICES.evm, PRICES.ai, PRICES.inference, PRICES.header].map(U256::from);
    assert_eq!([prices.evm, prices.ai, prices.inference, prices.header], expected);
}

#[test]
fn other_addresses_are_not_ours() {
    let device = Arc::default();
    let precompiles = precompiles(&device);
    for suffix in [0xa10000_u32, 0xa10003, 0xa10004, 0xa10007, 1, 0x998] {
        let mut bytes = [0; 20];
        bytes[16..].copy_from_slice(&suffix.to_be_bytes());
        assert_eq!(Precompile::at(&bytes.into()), None);
    }
    for precompile in Precompile::ALL {
        let address = precompile.address();
        assert_eq!(Precompile::at(&address), Some(precompile));
        assert!(precompiles.call(&call(address, b""), &mut MemoryState::default()).is_ok());
    }
}

#[test]
fn solidity_and_rust_name_the_same_addresses() {
    let source = include_str!("../../solidity/LazAI.sol");
    let constants: Vec<_> = source
        .lines()
        .filter_map(|line| line.split_once("(0x")?.1.split_once(')'))
        .map(|(address, _)| address.parse::<Address>().unwrap())
        .collect();
    let expected =
        [address::INFERENCE, address::TOKENIZER, address::PROOF_VERIFIER, address::QUOTE];
    assert_eq!(constants, expected);
}

#[test]
fn one_id_belongs_to_one_verifier() {
    let twice = |id| Arc::new(Hashes(ProofSystemId(id)));
    let built = AiPrecompiles::new(
        Arc::new(Characters::default()),
        vec![twice(7), twice(8), twice(7)],
        Settings::default(),
    );
    assert_eq!(built.unwrap_err(), DuplicateVerifier { system: ProofSystemId(7) });
}

#[test]
fn reply_carries_the_quote() {
    let quote = Characters::default().quote(&job("Why?", 8)).unwrap();
    let returned = reply(&call(address::INFERENCE, &generate("Why?", 8).abi_encode()));
    assert_eq!(returned.quoted, Some(quote));
}

fn generate(prompt: &str, max_tokens: u32) -> ILazInference::generateCall {
    ILazInference::generateCall {
        request: abi::Generation {
            model: MODEL.0,
            prompt: prompt.into(),
            maxTokens: max_tokens,
            temperatureMilli: 0,
            topK: 0,
            topPMilli: 0,
            seed: 0,
            stop: vec![],
        },
    }
}

pub(crate) fn job(prompt: &str, max_tokens: u32) -> Job {
    let task = Task::Generate(Generation {
        prompt: Prompt::Text(prompt.into()),
        max_tokens,
        sampling: Sampling::default(),
        stop: vec![],
    });
    Job { model: ModelId(MODEL.0), task }
}
