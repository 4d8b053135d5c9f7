//! The functions that take jobs, and their inputs.

use lazai_precompiles::{
    Precompile,
    abi::{self, ILazInference, ILazQuote, ILazTokenizer, SolCall},
};

use crate::{
    gene::Gene,
    measure::{Function, Input},
    models::Subject,
    texts,
};

/// Returns every function of a model.
pub(crate) fn of_model(subject: &Subject) -> Vec<Function> {
    let id = subject.id.0;
    let mut functions = vec![
        text_function(subject, "encode", Precompile::Tokenizer, move |text| {
            ILazTokenizer::encodeCall { model: id, text }.abi_encode()
        }),
        text_function(subject, "count", Precompile::Tokenizer, move |text| {
            ILazTokenizer::countCall { model: id, text }.abi_encode()
        }),
        token_function(subject, "decode", Precompile::Tokenizer, MAX_TOKENS, move |tokens| {
            ILazTokenizer::decodeCall { model: id, tokens }.abi_encode()
        }),
    ];
    if subject.embeds {
        functions.extend([
            text_function(subject, "embed", Precompile::Inference, move |text| {
                ILazInference::embedCall { model: id, text }.abi_encode()
            }),
            text_function(subject, "quoteEmbed", Precompile::Quote, move |text| {
                ILazQuote::quoteEmbedCall { model: id, text }.abi_encode()
            }),
        ]);
    }
    if subject.generates {
        let context = subject.context + 1;
        functions.extend([
            token_function(subject, "logits", Precompile::Inference, context, move |tokens| {
                ILazInference::logitsCall { model: id, tokens }.abi_encode()
            }),
            token_function(subject, "quoteLogits", Precompile::Quote, context, move |tokens| {
                ILazQuote::quoteLogitsCall { model: id, tokens }.abi_encode()
            }),
            generate(subject, "generate", Precompile::Inference, |request| {
                ILazInference::generateCall { request }.abi_encode()
            }),
            generate(subject, "quoteGenerate", Precompile::Quote, |request| {
                ILazQuote::quoteGenerateCall { request }.abi_encode()
            }),
            generate_from_tokens(subject, "generateFromTokens", Precompile::Inference, |request| {
                ILazInference::generateFromTokensCall { request }.abi_encode()
            }),
            generate_from_tokens(
                subject,
                "quoteGenerateFromTokens",
                Precompile::Quote,
                |request| ILazQuote::quoteGenerateFromTokensCall { request }.abi_encode(),
            ),
        ]);
    }
    functions
}

/// The raw prompt of the default model, which is `subject`.
pub(crate) fn raw_prompt(subject: &Subject) -> Function {
    Function {
        name: format!("raw prompt {}", subject.name),
        precompile: Precompile::RawPrompt,
        listed: listed_texts(subject),
        genes: texts::genes(longest_text(subject)).to_vec(),
        input: Box::new(|genes| {
            let (name, text) = texts::text(genes);
            Input { name, data: text.into_bytes() }
        }),
    }
}

/// Prices, unknown functions, and calldata that is malformed or too long.
pub(crate) fn without_model() -> Vec<Function> {
    let mut functions = vec![Function {
        name: "prices".to_owned(),
        precompile: Precompile::Quote,
        listed: vec![vec![]],
        genes: vec![],
        input: Box::new(|_| Input {
            name: "no arguments".to_owned(),
            data: ILazQuote::pricesCall {}.abi_encode(),
        }),
    }];
    for precompile in Precompile::ALL {
        functions.push(Function {
            name: format!("malformed, {precompile:?}"),
            precompile,
            listed: vec![vec![0, 0, 0], vec![4, 0, 0], vec![65_536, 1, 0], vec![400_000, 1, 255]],
            genes: vec![
                Gene::new(0, 400_000),
                Gene::below(SELECTORS.len() as u32),
                Gene::below(256),
                Gene::new(0, 65_536),
                Gene::below(256),
            ],
            input: Box::new(|genes| {
                let mut data = vec![genes[2] as u8; genes[0] as usize];
                let selector = SELECTORS[genes[1] as usize];
                if let Some(start) = data.first_chunk_mut() {
                    *start = selector;
                }
                if let [_, _, _, at, value] = genes
                    && let Some(byte) = data.get_mut(*at as usize)
                {
                    *byte = *value as u8;
                }
                let name = format!("{} bytes of {}, {genes:?}", genes[0], genes[2]);
                Input { name, data }
            }),
        });
    }
    functions
}

fn text_function(
    subject: &Subject,
    name: &str,
    precompile: Precompile,
    encode: impl Fn(String) -> Vec<u8> + 'static,
) -> Function {
    Function {
        name: format!("{name} {}", subject.name),
        precompile,
        listed: listed_texts(subject),
        genes: texts::genes(longest_text(subject)).to_vec(),
        input: Box::new(move |genes| {
            let (name, text) = texts::text(genes);
            Input { name, data: encode(text) }
        }),
    }
}

fn token_function(
    subject: &Subject,
    name: &str,
    precompile: Precompile,
    max_tokens: u32,
    encode: impl Fn(Vec<u32>) -> Vec<u8> + 'static,
) -> Function {
    let max_tokens = max_tokens.min(MAX_TOKENS);
    let [first, second] = [Gene::new(0, subject.vocabulary), Gene::below(subject.vocabulary)];
    let full = max_tokens - 1;
    let mut listed: Vec<_> = [1, 2, 16, full / 2, full, max_tokens]
        .map(|count| vec![count, 2, 2, subject.vocabulary - 1])
        .to_vec();
    // Tokens of the middle of a vocabulary, where the bench's tokenizers have their long ones.
    let middle = if subject.own_tokenizer { 250..subject.vocabulary.min(330) } else { 0..1 };
    listed.extend(middle.map(|token| vec![full, token, token, token]));
    Function {
        name: format!("{name} {}", subject.name),
        precompile,
        listed,
        genes: vec![Gene::new(0, max_tokens), first, second, second],
        input: Box::new(move |genes| {
            let tokens = tokens(genes);
            let name = format!("{} tokens {:?}", tokens.len(), &genes[1..4]);
            Input { name, data: encode(tokens) }
        }),
    }
}

fn generate(
    subject: &Subject,
    name: &str,
    precompile: Precompile,
    encode: impl Fn(abi::Generation) -> Vec<u8> + 'static,
) -> Function {
    let model = subject.id.0;
    let mut genes = texts::genes(longest_text(subject)).to_vec();
    genes.extend(generation_genes(subject));
    let mut listed: Vec<Vec<u32>> = Vec::new();
    for generation in listed_generations(subject) {
        listed.push(texts::listed(20, 1).next().unwrap().into_iter().chain(generation).collect());
    }
    listed.extend(listed_texts(subject).into_iter().map(|mut genes| {
        genes.extend([1, 0, 0, 0, 0, 0, 0]);
        genes
    }));
    Function {
        name: format!("{name} {}", subject.name),
        precompile,
        listed,
        genes,
        input: Box::new(move |genes| {
            let (text, generation) = genes.split_at(7);
            let (name, prompt) = texts::text(text);
            let [max_tokens, temperature, top_k, top_p, stops, stop_bytes, seed] =
                *generation.as_array().unwrap();
            let request = abi::Generation {
                model,
                prompt,
                maxTokens: max_tokens,
                temperatureMilli: temperature,
                topK: top_k,
                topPMilli: top_p,
                seed: seed.into(),
                stop: stop_texts(stops, stop_bytes),
            };
            let name = format!("{name}, {}", generation_name(generation));
            Input { name, data: encode(request) }
        }),
    }
}

fn generate_from_tokens(
    subject: &Subject,
    name: &str,
    precompile: Precompile,
    encode: impl Fn(abi::TokenGeneration) -> Vec<u8> + 'static,
) -> Function {
    let model = subject.id.0;
    let token = Gene::below(subject.vocabulary);
    let mut genes = vec![Gene::new(0, (subject.context + 1).min(MAX_TOKENS)), token, token, token];
    genes.extend(generation_genes(subject));
    let listed = listed_generations(subject).into_iter();
    let listed = listed.map(|generation| [2, 2, 3, 4].into_iter().chain(generation).collect());
    Function {
        name: format!("{name} {}", subject.name),
        precompile,
        listed: listed.collect(),
        genes,
        input: Box::new(move |genes| {
            let (prompt, generation) = genes.split_at(4);
            let tokens = tokens(prompt);
            let [max_tokens, temperature, top_k, top_p, stops, stop_bytes, seed] =
                *generation.as_array().unwrap();
            let name = format!(
                "{} tokens {:?}, {}",
                tokens.len(),
                &prompt[1..],
                generation_name(generation)
            );
            let request = abi::TokenGeneration {
                model,
                tokens,
                maxTokens: max_tokens,
                temperatureMilli: temperature,
                topK: top_k,
                topPMilli: top_p,
                seed: seed.into(),
                stop: stop_texts(stops, stop_bytes),
            };
            Input { name, data: encode(request) }
        }),
    }
}

/// Most tokens, temperature, top-k, top-p, stop texts and their bytes, seed.
const fn generation_genes(subject: &Subject) -> [Gene; 7] {
    [
        Gene::new(0, subject.context),
        Gene::new(0, 1_500),
        Gene::new(0, subject.vocabulary),
        Gene::new(0, 1_000),
        Gene::new(0, 5),
        Gene::new(0, 257),
        Gene::below(1_000),
    ]
}

fn listed_generations(subject: &Subject) -> Vec<[u32; 7]> {
    let most = subject.context.min(256) - 24;
    let some_k = subject.vocabulary - 1;
    // Many stop texts, which are refused.
    let mut listed = vec![[1, 0, 0, 0, 900, 0, 1], [1, 0, 0, 0, 200, 250, 1]];
    for max_tokens in [1, 2, 16, most] {
        for (temperature, top_k, top_p) in [(0, 0, 0), (1_000, 0, 0), (1_500, some_k, 999)] {
            for stops in [0, 4] {
                for seed in [1, 2] {
                    listed.push([max_tokens, temperature, top_k, top_p, stops, 256, seed]);
                }
            }
        }
    }
    listed
}

fn generation_name(generation: &[u32]) -> String {
    let [max_tokens, temperature, top_k, top_p, stops, stop_bytes, seed] = generation else {
        return String::new();
    };
    format!(
        "{max_tokens} new, temperature {temperature}, top-k {top_k}, top-p {top_p}, {stops} stops \
         of {stop_bytes} bytes, seed {seed}"
    )
}

/// Texts that no model writes; most that it writes begin like them.
fn stop_texts(count: u32, bytes: u32) -> Vec<String> {
    (0..count).map(|_| "a".repeat(bytes as usize)).collect()
}

/// A first token, then two others in turn.
fn tokens(genes: &[u32]) -> Vec<u32> {
    let others = [genes[2], genes[3]].into_iter().cycle();
    core::iter::once(genes[1]).chain(others).take(genes[0] as usize).collect()
}

/// Texts that are always measured: short ones, the longest that a model reads and the longest that
/// calldata holds; few of them where another model has the same tokenizer.
fn listed_texts(subject: &Subject) -> Vec<Vec<u32>> {
    let mut lengths = vec![1, 256, longest_text(subject), MAX_CALLDATA];
    lengths.dedup();
    let fragments = if subject.own_tokenizer { texts::ALL } else { 2 };
    lengths.into_iter().flat_map(|length| texts::listed(length, fragments)).collect()
}

/// Bytes of the longest text that is read.
fn longest_text(subject: &Subject) -> u32 {
    subject.longest_text.min(MAX_CALLDATA)
}

/// Bytes of a text whose calldata has no more than 64 KiB, with the words around it.
const MAX_CALLDATA: u32 = 64_800;

/// Tokens that 64 KiB of calldata hold.
const MAX_TOKENS: u32 = 2_040;

const SELECTORS: [[u8; 4]; 12] = [
    [0; 4],
    ILazInference::generateCall::SELECTOR,
    ILazInference::generateFromTokensCall::SELECTOR,
    ILazInference::logitsCall::SELECTOR,
    ILazInference::embedCall::SELECTOR,
    ILazTokenizer::encodeCall::SELECTOR,
    ILazTokenizer::decodeCall::SELECTOR,
    ILazQuote::quoteGenerateCall::SELECTOR,
    ILazQuote::pricesCall::SELECTOR,
    abi::ILazProofVerifier::verifyCall::SELECTOR,
    abi::ILazProofVerifier::verifyValuesCall::SELECTOR,
    abi::ILazProofVerifier::registerCall::SELECTOR,
];
