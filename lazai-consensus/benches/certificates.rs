//! Votes, certificates and rosters on one core:
//! `cargo bench -p lazai-consensus --bench certificates`.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/it/support.rs"]
mod support;

use core::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use lazai_api_types::{Claim, ProofVerifier};
use lazai_consensus::{
    Attestation, Progress, QuorumCertificate, Roster, Tally, Vote,
    bls::{Signed, verify_batch},
    evm::to_evm_calldata,
    verifier::QuorumVerifier,
};
use support::{EPOCH, QUORUM, candidate, certificate, checkpoint, committee, vote};

const SIZES: [usize; 4] = [4, 13, 31, 100];

fn votes(criterion: &mut Criterion) {
    let attestation = checkpoint(7, 9);
    for n in SIZES {
        let committee = committee(&vec![10; n]);
        let votes: Vec<_> = (0..n).map(|index| vote(index, attestation, &committee)).collect();
        let mut group = criterion.benchmark_group("votes");
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(format!("verify/how=one-by-one n={n}"), |bencher| {
            bencher.iter(|| votes.iter().all(|vote| vote.verify(&committee).is_ok()));
        });
        let hash = attestation.hash();
        let signed: Vec<_> = votes
            .iter()
            .zip(committee.members())
            .map(|(vote, member)| Signed {
                message: hash.as_slice(),
                key: member.key,
                signature: vote.signature,
            })
            .collect();
        group.bench_function(format!("verify/how=batch n={n}"), |bencher| {
            bencher.iter(|| verify_batch(&signed));
        });
        // Up to the certificate; the votes that come after it are each checked with all.
        let threshold = 2 * n / 3 + 1;
        group.throughput(Throughput::Elements(threshold as u64));
        group.bench_function(format!("tally/n={n} votes={threshold}"), |bencher| {
            bencher.iter(|| {
                let mut tally = Tally::new(&committee, attestation.slot()).unwrap();
                let progress: Vec<_> =
                    votes[..threshold].iter().map(|vote| tally.add(vote).unwrap()).collect();
                assert!(matches!(progress.last(), Some(Progress::Certified(_))));
            });
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("votes");
    let bytes = vote(0, attestation, &committee(&[10; 4])).encode();
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |bencher| bencher.iter(|| Vote::decode(black_box(&bytes))));
    group.bench_function("sign", |bencher| {
        let (secret, hash) = (support::secret(0), attestation.hash());
        bencher.iter(|| secret.sign(hash.as_slice()));
    });
    group.finish();
}

fn certificates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("certificates");
    let attestation = checkpoint(7, 9);
    for n in SIZES {
        let committee = committee(&vec![10; n]);
        let present: Vec<_> = (0..n).collect();
        let certificate = certificate(&attestation, &present, n as u8);
        let bytes = certificate.encode();
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("verify/n={n}"), |bencher| {
            bencher.iter(|| certificate.verify(&attestation, &committee).unwrap());
        });
        group.bench_function(format!("encode/n={n} bytes={}", bytes.len()), |bencher| {
            bencher.iter(|| certificate.encode());
        });
        group.bench_function(format!("decode/n={n} bytes={}", bytes.len()), |bencher| {
            bencher.iter(|| QuorumCertificate::decode(black_box(&bytes)).unwrap());
        });
        group.bench_function(format!("calldata/n={n}"), |bencher| {
            bencher.iter(|| to_evm_calldata(&certificate, &attestation, &committee).unwrap());
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("statements");
    let bytes = attestation.encode();
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Attestation::decode(black_box(&bytes)).unwrap());
    });
    group.bench_function("hash", |bencher| bencher.iter(|| black_box(&attestation).hash()));
    group.finish();
}

/// What a chain pays for: keys that it does not know yet, and certificates under keys that it
/// knows.
fn proofs(criterion: &mut Criterion) {
    let attestation = checkpoint(7, 9);
    let values = attestation.encode();
    for n in SIZES {
        let candidates = (0..n).map(|index| candidate(index, 10)).collect();
        let key = Roster { quorum: QUORUM, epoch: EPOCH, candidates }.encode();
        let present: Vec<_> = (0..n).collect();
        let certificate = certificate(&attestation, &present, n as u8).encode();
        let proof = [&[1], certificate.as_slice()].concat();
        let mut group = criterion.benchmark_group("proofs");
        group.bench_function(format!("decode-roster/n={n}"), |bencher| {
            bencher.iter(|| Roster::decode(black_box(&key)).unwrap());
        });
        group.bench_function(format!("admit/n={n}"), |bencher| {
            bencher.iter_batched(
                QuorumVerifier::new,
                |verifier| verifier.admit(&key).unwrap(),
                BatchSize::PerIteration,
            );
        });
        let known = QuorumVerifier::new();
        known.admit(&key).unwrap();
        group.bench_function(format!("verify/n={n}"), |bencher| {
            bencher.iter(|| known.verify(&key, Claim::Values(&values), &proof).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, votes, certificates, proofs);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
