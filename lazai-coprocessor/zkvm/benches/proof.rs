//! Verification of proofs of zkVMs: `cargo bench -p lazai-zkvm --bench proof`.
//!
//! The proofs are real ones: `LAZVM_FIXTURES` names the folder that holds them.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/it/fixtures.rs"]
mod fixtures;

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lazai_api_types::{Claim, ProofVerifier};
use lazai_zkvm::{groth16::Groth16Verifier, plonk::PlonkVerifier};

use fixtures::Case;

fn groth16(criterion: &mut Criterion) {
    let cases = [
        ("ziren", fixtures::ziren("groth16")),
        ("sp1", fixtures::sp1("groth16")),
        ("risc_zero", fixtures::risc_zero()),
    ];
    measure(criterion, "groth16", &Groth16Verifier, cases);
}

fn plonk(criterion: &mut Criterion) {
    let cases = [("ziren", fixtures::ziren("plonk")), ("sp1", fixtures::sp1("plonk"))];
    measure(criterion, "plonk", &PlonkVerifier, cases);
}

/// Measures admission of the key, and verification from bytes to verdict.
fn measure<const N: usize>(
    criterion: &mut Criterion,
    system: &str,
    verifier: &dyn ProofVerifier,
    cases: [(&str, Option<Case>); N],
) {
    let mut group = criterion.benchmark_group(system);
    for (name, case) in cases {
        let Some(case) = case else { continue };
        let key = case.key.encode();
        group.bench_function(format!("admit/zkvm={name}"), |bencher| {
            bencher.iter(|| verifier.admit(black_box(&key)).unwrap());
        });
        group.bench_function(format!("verify/zkvm={name}"), |bencher| {
            bencher.iter(|| {
                let claim = Claim::Values(&case.values);
                assert!(verifier.verify(black_box(&key), claim, &case.proof).unwrap());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, groth16, plonk);
criterion_main!(benches);
