//! What LazVM adds to alloy-evm's `EthEvm`: a plain transfer and a loop-heavy contract, in one
//! process.
//!
//! Before criterion's own figures it prints ratios over interleaved rounds, of medians and of the
//! fastest rounds, which other work on the machine disturbs least: `cargo bench -p lazvm --bench
//! overhead`.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/it/support/mod.rs"]
mod support;

use core::{hint::black_box, time::Duration};
use std::{sync::Arc, time::Instant};

use criterion::{Criterion, Throughput, criterion_group};
use lazvm::{
    alloy_evm::{EthEvmFactory, Evm, EvmEnv, EvmFactory},
    revm::{
        context::{BlockEnv, CfgEnv, TxEnv},
        database::InMemoryDB,
        primitives::hardfork::SpecId,
    },
};
use support::{BENEFICIARY, CONTRACT, Letters, SENDER, builder, bytecode, call, database};

const ROUNDS: u32 = 100_000;

fn env() -> EvmEnv {
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
    let block_env = BlockEnv {
        basefee: 20,
        gas_limit: u64::MAX,
        beneficiary: BENEFICIARY,
        ..BlockEnv::default()
    };
    EvmEnv { cfg_env, block_env }
}

fn prestate() -> InMemoryDB {
    database(&[(CONTRACT, &bytecode::looper(ROUNDS))])
}

fn ethereum() -> impl Evm<Tx = TxEnv> {
    EthEvmFactory::default().create_evm(prestate(), env())
}

fn ours() -> impl Evm<Tx = TxEnv> {
    builder(&Arc::new(Letters::default())).factory().unwrap().create_evm(prestate(), env())
}

fn workloads() -> [(&'static str, TxEnv, u32); 2] {
    let mut heavy = call(CONTRACT, "", 0);
    heavy.gas_limit = 100_000_000;
    [("transfer", call(SENDER, "", 0), 2_000), ("loop", heavy, 1)]
}

/// Time of `repeats` runs of `tx`.
fn time(evm: &mut impl Evm<Tx = TxEnv>, tx: &TxEnv, repeats: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        let result = evm.transact_raw(tx.clone()).ok().unwrap();
        assert!(black_box(result).result.is_success());
    }
    start.elapsed()
}

fn print_ratios() {
    let (mut ethereum, mut ours) = (ethereum(), ours());
    for (name, tx, repeats) in workloads() {
        let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
        for round in 0..201 {
            // The order alternates, so that neither always finds the warmer cache.
            for turn in 0..2 {
                let which = (round + turn) % 2;
                times[which].push(match which {
                    0 => time(&mut ethereum, &tx, repeats),
                    _ => time(&mut ours, &tx, repeats),
                });
            }
        }
        let [ethereum, ours] = times.map(|mut times| {
            times.sort_unstable();
            let micros = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(repeats);
            [micros(times[0]), micros(times[times.len() / 2])]
        });
        for (kind, ethereum, ours) in
            [("fastest", ethereum[0], ours[0]), ("median", ethereum[1], ours[1])]
        {
            let ratio = ours / ethereum;
            println!(
                "{name} {kind}: EthEvm {ethereum:.3} us, LazEvm {ours:.3} us, ratio {ratio:.4}"
            );
        }
    }
}

fn overhead(criterion: &mut Criterion) {
    for (name, tx, _) in workloads() {
        let gas = ethereum().transact_raw(tx.clone()).ok().unwrap().result.tx_gas_used();
        let mut group = criterion.benchmark_group(format!("evm::{name}"));
        group.throughput(Throughput::Elements(gas));
        let (mut ethereum, mut ours) = (ethereum(), ours());
        group.bench_function(format!("evm=ethereum gas={gas}"), |bencher| {
            bencher.iter(|| time(&mut ethereum, &tx, 1));
        });
        group.bench_function(format!("evm=lazvm gas={gas}"), |bencher| {
            bencher.iter(|| time(&mut ours, &tx, 1));
        });
        group.finish();
    }
}

criterion_group!(benches, overhead);

fn main() {
    print_ratios();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
