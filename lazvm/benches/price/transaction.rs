//! A whole transaction: a contract that doubles a text in its memory and calls a precompile with it
//! until the gas is gone.

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, TxKind, U256, address};
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
    run(machine, "ecrecover", target, signature, 0, 0)
}

/// Loops calls of every function that reads a text, for the texts of the list.
pub(crate) fn texts(machine: &Machine, subject: &Subject) -> Vec<Attack> {
    let model = subject.id.0;
    let mut attacks = Vec::new();
    for pattern in PATTERNS {
        // The head is followed by a pattern that fills words, so that its doubles do too.
        let word: String = pattern.chars().cycle().take(pattern.chars().count() * 32).collect();
        let text = word.repeat(32_768 / word.len());
        let doublings = 4.min((text.len() / word.len()).ilog2());
        let text = word.repeat(1 << (text.len() / word.len()).ilog2());
        let calls: [(&str, Precompile, Vec<u8>); 5] = [
            ("encode", Precompile::Tokenizer, {
                ILazTokenizer::encodeCall { model, text: text.clone() }.abi_encode()
            }),
            ("count", Precompile::Tokenizer, {
                ILazTokenizer::countCall { model, text: text.clone() }.abi_encode()
            }),
            ("embed", Precompile::Inference, {
                ILazInference::embedCall { model, text: text.clone() }.abi_encode()
            }),
            ("quoteEmbed", Precompile::Quote, {
                ILazQuote::quoteEmbedCall { model, text: text.clone() }.abi_encode()
            }),
            ("raw prompt", Precompile::RawPrompt, text.clone().into_bytes()),
        ];
        for (name, precompile, data) in calls {
            if name.to_lowercase().contains("embed") && !subject.embeds {
                continue;
            }
            let bytes = text.len() >> doublings;
            let name = format!("{name} {} of {} bytes of {pattern:?}", subject.name, text.len());
            attacks.push(run(machine, &name, precompile.address(), &data, bytes, doublings));
        }
    }
    let request = abi::TokenGeneration {
        model,
        tokens: vec![2],
        maxTokens: subject.context.min(256) - 1,
        temperatureMilli: 1_000,
        topK: 0,
        topPMilli: 999,
        seed: 1,
        stop: vec!["\u{1}".into(); 4],
    };
    if subject.generates {
        let data = ILazInference::generateFromTokensCall { request }.abi_encode();
        let name = format!("generateFromTokens {}", subject.name);
        attacks.push(run(machine, &name, Precompile::Inference.address(), &data, 0, 0));
    }
    attacks
}

/// Runs a contract that calls `target` with `data`, whose last text is made of its first
/// `pattern_bytes` bytes by doubling, until the gas is gone.
fn run(
    machine: &Machine,
    name: &str,
    target: Address,
    data: &[u8],
    pattern_bytes: usize,
    doublings: u32,
) -> Attack {
    let mut code = vec![op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY];
    let push = |code: &mut Vec<u8>, number: usize| {
        code.push(op::PUSH4);
        code.extend((number as u32).to_be_bytes());
    };
    let head = data.len() - (pattern_bytes << doublings);
    let sent = if doublings == 0 { data } else { &data[..head + pattern_bytes] };
    for step in 0..doublings {
        let bytes = pattern_bytes << step;
        push(&mut code, bytes);
        push(&mut code, head);
        push(&mut code, head + bytes);
        code.push(op::MCOPY);
    }
    let start = code.len();
    code.push(op::JUMPDEST);
    code.extend([op::PUSH0, op::PUSH0]);
    push(&mut code, data.len());
    code.push(op::PUSH0);
    code.push(op::PUSH20);
    code.extend(target.as_slice());
    code.extend([op::GAS, op::STATICCALL, op::POP]);
    push(&mut code, start);
    code.push(op::JUMP);

    let mut db = InMemoryDB::default();
    let balance = U256::from(u128::MAX);
    db.insert_account_info(SENDER, AccountInfo { balance, ..AccountInfo::default() });
    let code = Bytecode::new_raw(code.into());
    db.insert_account_info(CONTRACT, AccountInfo::default().with_code(code));
    let transaction = TxEnv::builder()
        .caller(SENDER)
        .kind(TxKind::Call(CONTRACT))
        .data(Bytes::copy_from_slice(sent))
        .gas_limit(GAS)
        .chain_id(Some(1))
        .build()
        .unwrap();
    let mut vm = LazVm::builder()
        .coprocessor(Arc::clone(&machine.device))
        // Each call pays for its run, so each must be one.
        .outcome_cache(0)
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

const SENDER: Address = address!("00000000000000000000000000000000000000f0");
const CONTRACT: Address = address!("00000000000000000000000000000000000c0de1");

/// Gas of a transaction, a quarter of Ethereum's limit.
const GAS: u64 = 1 << 22;

/// Texts whose repetition is slow to read, and one that is not.
const PATTERNS: [&str; 5] =
    ["\t\tx", "e\u{301}", " a", "\u{fdfa}", "The quick brown fox jumps over it. "];
