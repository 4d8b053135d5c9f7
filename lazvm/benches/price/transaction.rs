//! A whole transaction: a contract that doubles a text in its memory and calls a precompile with it
//! until the gas is gone.

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use lazai_api_types::{Coprocessor as _, GasPricing as _, Job, Prompt, Task, TokenId};
use lazai_precompiles::{
    Precompile,
    abi::{self, ILazInference, ILazQuote, ILazTokenizer, SolCall},
};
use lazvm::{
    LazVm,
    revm::{
        bytecode::opcode as op,
        context::TxEnv,
        database::InMemoryDB,
        primitives::hardfork::SpecId,
        state::{AccountInfo, Bytecode},
    },
};

use crate::{clock::fastest, measure::Machine, models::Subject};

/// A transaction, its gas and its time.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) gas: u64,
    pub(crate) time: Duration,
}

impl Attack {
    /// Gas a second, in millions.
    pub(crate) fn rate(&self) -> f64 {
        self.gas as f64 / self.time.as_secs_f64() / 1e6
    }
}

/// Loops calls of `ecrecover`.
pub(crate) fn ecrecover(machine: &Machine, signature: &[u8]) -> Attack {
    let target = address!("0000000000000000000000000000000000000001");
    run(machine, "ecrecover", &[(target, signature.to_vec())], 0, 0)
}

/// Loops calls of every function that reads a text, for the texts of the list: the longest that the
/// model reads, and longer ones.
pub(crate) fn texts(machine: &Machine, subject: &Subject) -> Vec<Attack> {
    let longest = subject.longest_text.min(MOST_TEXT);
    let mut attacks: Vec<Attack> =
        PATTERNS.iter().flat_map(|pattern| of_text(machine, subject, pattern, longest)).collect();
    if longest < MOST_TEXT {
        attacks.extend(of_text(machine, subject, PATTERNS[0], MOST_TEXT));
    }
    if subject.generates {
        let request = abi::TokenGeneration {
            model: subject.id.0,
            tokens: vec![2],
            maxTokens: subject.context.min(256) - 1,
            temperatureMilli: 1_000,
            topK: 0,
            topPMilli: 999,
            seed: 1,
            stop: vec!["\u{1}".into(); 4],
        };
        let data = ILazInference::generateFromTokensCall { request }.abi_encode();
        let name = format!("generateFromTokens {}", subject.name);
        let call = (Precompile::Inference.address(), data);
        attacks.push(run(machine, &name, &[call], 0, 0));
    }
    attacks
}

/// Loops a call of every model in turn, so that none finds its weights in the cache.
pub(crate) fn turns(machine: &Machine, subjects: &[Subject]) -> Vec<Attack> {
    let turn = |tokens: usize| {
        let calls: Vec<_> = subjects
            .iter()
            .map(|subject| {
                let model = subject.id.0;
                let data = if subject.generates {
                    let tokens = vec![2; tokens];
                    ILazInference::logitsCall { model, tokens }.abi_encode()
                } else {
                    ILazInference::embedCall { model, text: "a".repeat(tokens) }.abi_encode()
                };
                (Precompile::Inference.address(), data)
            })
            .collect();
        run(machine, &format!("all models in turn, {tokens} tokens"), &calls, 0, 0)
    };
    [1, 16].map(turn).to_vec()
}

/// Loops a call of a job whose outcome is remembered, with too little gas for its quote.
pub(crate) fn remembered(machine: &Machine, subject: &Subject) -> Option<Attack> {
    if !subject.generates {
        return None;
    }
    let (model, tokens) = (subject.id.0, vec![2]);
    let data = ILazInference::logitsCall { model, tokens: tokens.clone() }.abi_encode();
    let job = Job {
        model: subject.id,
        task: Task::Logits { prompt: Prompt::Tokens(tokens.into_iter().map(TokenId).collect()) },
    };
    let reading = machine.pricing.gas(&machine.device.reading_work(&job).unwrap()).unwrap();
    let call = (Precompile::Inference.address(), data);
    let attack = Loop {
        first: Some(call.clone()),
        calls: vec![call],
        gas: Some(reading.total().unwrap() as u32),
        outcome_bytes: 32 << 20,
        ..Loop::default()
    };
    Some(attack.run(machine, &format!("remembered logits {}, a gas short", subject.name)))
}

/// Loops calls of every function that reads a text, for the text of at most `most` bytes that
/// repeats `pattern`.
fn of_text(machine: &Machine, subject: &Subject, pattern: &str, most: u32) -> Vec<Attack> {
    // The head is followed by a pattern that fills words, so that its doubles do too.
    let word: String = pattern.chars().cycle().take(pattern.chars().count() * 32).collect();
    let Some(power) = (most as usize / word.len()).checked_ilog2() else { return Vec::new() };
    let (doublings, text) = (power.min(4), word.repeat(1 << power));
    let model = subject.id.0;
    let mut calls = vec![
        ("encode", Precompile::Tokenizer, {
            ILazTokenizer::encodeCall { model, text: text.clone() }.abi_encode()
        }),
        ("count", Precompile::Tokenizer, {
            ILazTokenizer::countCall { model, text: text.clone() }.abi_encode()
        }),
    ];
    if subject.embeds {
        calls.extend([
            ("embed", Precompile::Inference, {
                ILazInference::embedCall { model, text: text.clone() }.abi_encode()
            }),
            ("quoteEmbed", Precompile::Quote, {
                ILazQuote::quoteEmbedCall { model, text: text.clone() }.abi_encode()
            }),
        ]);
    }
    if machine.settings.default_model == Some(subject.id) {
        calls.push(("raw prompt", Precompile::RawPrompt, text.clone().into_bytes()));
    }
    let calls = calls.into_iter().map(|(name, precompile, data)| {
        let bytes = text.len() >> doublings;
        let name = format!("{name} {} of {} bytes of {pattern:?}", subject.name, text.len());
        run(machine, &name, &[(precompile.address(), data)], bytes, doublings)
    });
    calls.collect()
}

/// Runs a contract that makes `calls` in turn until the gas is gone. The last text of a single call
/// is made of its first `pattern_bytes` bytes by doubling.
fn run(
    machine: &Machine,
    name: &str,
    calls: &[(Address, Vec<u8>)],
    pattern_bytes: usize,
    doublings: u32,
) -> Attack {
    Loop { calls: calls.to_vec(), pattern_bytes, doublings, ..Loop::default() }.run(machine, name)
}

/// A contract that makes calls in turn until the gas is gone.
#[derive(Debug, Default)]
struct Loop {
    /// A call that is made once, before the others, with all gas.
    first: Option<(Address, Vec<u8>)>,
    calls: Vec<(Address, Vec<u8>)>,
    /// Gas of each call; all that is left if there is none.
    gas: Option<u32>,
    /// Bytes at the end of the calls' data of which `doublings` make the rest.
    pattern_bytes: usize,
    doublings: u32,
    /// Bytes of outcomes that are remembered.
    outcome_bytes: usize,
}

impl Loop {
    /// The code, and the data that is sent to it.
    fn code(&self) -> (Vec<u8>, Vec<u8>) {
        let mut code = vec![op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY];
        let calls = self.first.iter().chain(&self.calls);
        let mut sent: Vec<u8> = calls.flat_map(|(_, data)| data.iter().copied()).collect();
        let head = sent.len() - (self.pattern_bytes << self.doublings);
        for step in 0..self.doublings {
            let bytes = self.pattern_bytes << step;
            push(&mut code, bytes);
            push(&mut code, head);
            push(&mut code, head + bytes);
            code.push(op::MCOPY);
        }
        if self.doublings > 0 {
            sent.truncate(head + self.pattern_bytes);
        }
        let mut offset = 0;
        if let Some(first) = &self.first {
            call(&mut code, first, &mut offset, None);
        }
        let start = code.len();
        code.push(op::JUMPDEST);
        for each in &self.calls {
            call(&mut code, each, &mut offset, self.gas);
        }
        push(&mut code, start);
        code.push(op::JUMP);
        (code, sent)
    }

    fn run(&self, machine: &Machine, name: &str) -> Attack {
        let (code, sent) = self.code();
        let mut db = InMemoryDB::default();
        let balance = U256::from(u128::MAX);
        db.insert_account_info(SENDER, AccountInfo { balance, ..AccountInfo::default() });
        let code = Bytecode::new_raw(code.into());
        db.insert_account_info(CONTRACT, AccountInfo::default().with_code(code));
        let transaction = TxEnv::builder()
            .caller(SENDER)
            .kind(TxKind::Call(CONTRACT))
            .data(Bytes::from(sent))
            .gas_limit(GAS)
            .chain_id(Some(1))
            .build()
            .unwrap();
        let mut vm = LazVm::builder()
            .coprocessor(Arc::clone(&machine.device))
            // Unless said otherwise, each call pays for its run, and is one.
            .outcome_cache(self.outcome_bytes)
            .settings(machine.settings.clone())
            .gas_schedule(machine.pricing)
            .spec(SpecId::OSAKA)
            .build(db)
            .unwrap();
        let mut gas = 0;
        let time = fastest(
            Duration::ZERO,
            || (),
            |()| gas = vm.transact(transaction.clone()).unwrap().execution.gas_used(),
        );
        Attack { name: name.to_owned(), gas, time }
    }
}

/// Adds a call with the data at `offset`.
fn call(
    code: &mut Vec<u8>,
    (target, data): &(Address, Vec<u8>),
    offset: &mut usize,
    gas: Option<u32>,
) {
    code.extend([op::PUSH0, op::PUSH0]);
    push(code, data.len());
    push(code, *offset);
    code.push(op::PUSH20);
    code.extend(target.as_slice());
    match gas {
        Some(gas) => push(code, gas as usize),
        None => code.push(op::GAS),
    }
    code.extend([op::STATICCALL, op::POP]);
    *offset += data.len();
}

fn push(code: &mut Vec<u8>, number: usize) {
    code.push(op::PUSH4);
    code.extend((number as u32).to_be_bytes());
}

const SENDER: Address = address!("00000000000000000000000000000000000000f0");
const CONTRACT: Address = address!("00000000000000000000000000000000000c0de1");

/// Gas of a transaction, a quarter of Ethereum's limit.
const GAS: u64 = 1 << 22;

/// Bytes of the longest text.
const MOST_TEXT: u32 = 1 << 15;

/// Texts whose repetition is slow to read, and one that is not.
const PATTERNS: [&str; 5] =
    ["\t\tx", "e\u{301}", " a", "\u{fdfa}", "The quick brown fox jumps over it. "];
