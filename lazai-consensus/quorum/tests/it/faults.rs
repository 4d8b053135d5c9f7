//! A quorum with members that cheat, lie about their shards, leave, join and crash.

use std::{fs, sync::Arc};

use alloy_primitives::B256;
use lazai_availability::{AuditReport, Coding, Manifest, Shard, encode};
use lazai_consensus::{
    Attestation, Candidate, Committee, Epoch, Evidence, EvidenceError, Fact, Refuter,
};
use lazai_quorum::{Command, Limits, Message, Request};

use crate::{
    cluster::{Cluster, available, data},
    support::{EPOCH, QUORUM, address, attestation, candidate, checkpoint, vote},
};

#[derive(Debug)]
struct NoRefuter;

impl Refuter for NoRefuter {
    fn refutes(&self, _: &Attestation, _: &[u8]) -> Result<bool, EvidenceError> {
        Ok(false)
    }
}

#[test]
fn a_member_that_tells_each_something_else_is_convicted_by_all() {
    let mut cluster = Cluster::new(4);
    let (first, second) = (checkpoint(7, 1), checkpoint(7, 2));
    let committee = Arc::clone(&cluster.committee);
    cluster.stop(3);
    for index in 0..3 {
        cluster.command(index, Command::Attest(first));
    }
    // It votes for the second to members 0 and 1, and for the first to member 2.
    for (to, attestation) in [(0, second), (1, second), (2, first)] {
        let bytes = Message::Vote(vote(3, attestation, &committee)).encode(QUORUM);
        cluster.send(address(3), address(to), bytes);
    }
    cluster.run_for(5_000);
    for index in 0..3 {
        assert!(cluster.certificate(index, &first).is_some());
    }
    let convicted = cluster.nodes.iter().flat_map(|node| &node.convicted);
    let mut count = 0;
    for evidence in convicted {
        let offenders = evidence.verify(&committee, &NoRefuter).unwrap();
        assert_eq!(offenders.members, [address(3)]);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn audits_name_members_that_lost_their_shards() {
    for lazy in [None, Some(1), Some(2)] {
        let limits = Limits { answer_ms: 3_000, ..Limits::default() };
        let mut cluster = Cluster::with_limits(4, limits);
        let (_, manifest) = cluster.offer(60_000);
        cluster.run_for(2_000);
        if let Some(lazy) = lazy {
            let files = cluster.nodes[lazy].shard_files(&manifest);
            assert_eq!(files.len(), 8);
            files.iter().for_each(|file| fs::remove_file(file).unwrap());
        }
        let beacon = B256::repeat_byte(0xbe);
        for index in 0..4 {
            let datasets = vec![manifest.root()];
            cluster.command(index, Command::Audit { beacon, datasets });
        }
        cluster.run_for(20_000);
        let mut report = AuditReport::default();
        (0..4).for_each(|index| report.record(address(index), Some(index) != lazy));
        let audit = attestation(report.fact(beacon));
        for index in 0..4 {
            let (_, certificate) = cluster.certificate(index, &audit).unwrap();
            if let Some(lazy) = lazy {
                let (index, path) = report.failure_path(address(lazy)).unwrap();
                let audit = Box::new((audit, certificate));
                let member = address(lazy);
                let evidence = Evidence::FailedAudit { audit, member, index, path };
                let offenders = evidence.verify(&cluster.committee, &NoRefuter).unwrap();
                assert_eq!(offenders.members, [member]);
            }
        }
    }
}

#[test]
fn an_audit_goes_on_when_its_proposer_is_down() {
    let limits = Limits { answer_ms: 3_000, ..Limits::default() };
    for down in 0..4 {
        let mut cluster = Cluster::with_limits(4, limits);
        let (_, manifest) = cluster.offer(20_000);
        cluster.run_for(2_000);
        cluster.stop(down);
        let beacon = B256::ZERO;
        for index in (0..4).filter(|index| *index != down) {
            let datasets = vec![manifest.root()];
            cluster.command(index, Command::Audit { beacon, datasets });
        }
        cluster.run_for(20_000);
        let mut report = AuditReport::default();
        (0..4).for_each(|index| report.record(address(index), index != down));
        let audit = attestation(report.fact(beacon));
        for index in (0..4).filter(|index| *index != down) {
            assert!(cluster.certificate(index, &audit).is_some(), "{down}: {index}");
        }
    }
}

/// A dataset of which one shard is not the code of the others, committed all the same.
fn inconsistent(n: u16) -> (Manifest, Vec<Shard<'static>>) {
    let coding = Coding::with_stripe_bytes(n, 8_192).unwrap();
    let mut shards = Vec::new();
    encode(data(8_000).as_slice(), coding, &mut shards).unwrap();
    let last = shards.last_mut().unwrap();
    last.bytes.to_mut()[5] ^= 1;
    crate::cluster::commit(coding, 8_000, &shards)
}

#[test]
fn a_dataset_that_is_no_data_is_certified_as_such() {
    let mut cluster = Cluster::new(4);
    let (manifest, shards) = inconsistent(4);
    let root = manifest.root();
    cluster.nodes[0].worker.as_ref().unwrap().with_store(|store| {
        store.add(manifest.clone()).unwrap();
        shards.into_iter().for_each(|shard| store.put(root, shard).unwrap());
    });
    let manifest = Arc::new(manifest);
    let stored = available(&manifest);
    cluster.command(0, Command::Ask(Request::available(stored, manifest).unwrap()));
    cluster.run_for(2_000);
    assert!(cluster.certificate(3, &stored).is_some(), "each shard is the committed one");
    let Fact::Available { dataset, version, .. } = stored.fact else { unreachable!() };
    let policy = B256::repeat_byte(0x70);
    let valid = attestation(Fact::Valid { dataset, version, root, policy, score: 1 });
    cluster.command(1, Command::Ask(Request::valid(valid).unwrap()));
    cluster.run_for(20_000);
    let inconsistent = attestation(Fact::Inconsistent { root });
    for index in 0..4 {
        assert!(cluster.certificate(index, &valid).is_none());
        assert!(cluster.certificate(index, &inconsistent).is_some(), "{index}");
        assert_eq!(cluster.member(index).available().count(), 0);
    }
}

#[test]
fn the_next_committee_takes_over_the_shards() {
    let mut cluster = Cluster::new(4);
    let bytes = data(60_000);
    let (stored, manifest) = cluster.offer(bytes.len());
    let root = manifest.root();
    cluster.run_for(2_000);
    let (_, certificate) = cluster.certificate(0, &stored).unwrap();
    // Member 0 leaves, and a fifth joins.
    cluster.add_node();
    let next = Epoch(EPOCH.0 + 1);
    let candidates: Vec<Candidate> = (1..5).map(|index| candidate(index, 1)).collect();
    let committee = Arc::new(Committee::new(QUORUM, next, candidates).unwrap());
    for index in 0..5 {
        let now_ms = cluster.now_ms;
        // The new one knows from the chain what is kept.
        if index == 4 {
            let hold = Command::Hold { attestation: stored, certificate };
            cluster.member(4).command(now_ms, hold).unwrap();
        }
        cluster.command(index, Command::Announce(Arc::clone(&committee)));
    }
    cluster.run_for(20_000);
    let hand_over = attestation(Fact::HandOver { next, committee: committee.root() });
    for index in 0..5 {
        assert_eq!(
            cluster.nodes[index].entered,
            [next],
            "{index}: {:?}",
            cluster.nodes[index].faults
        );
        assert_eq!(cluster.member(index).epoch(), next);
        let (_, certificate) = cluster.certificate(index, &hand_over).unwrap();
        certificate.verify(&hand_over, &cluster.committee).unwrap();
        // Old certificates stay checkable.
        let member = cluster.member(index);
        let (old, certificate) = *member.certificate(&stored.slot()).unwrap();
        let past = Arc::clone(member.committee(EPOCH).unwrap());
        certificate.verify(&old, &past).unwrap();
    }
    assert_eq!(cluster.nodes[4].shard_files(&manifest).len(), 8);
    // The new committee alone gives the data, without one of its members.
    cluster.stop(0);
    cluster.stop(1);
    cluster.command(4, Command::Read { root });
    cluster.run_for(20_000);
    assert_eq!(cluster.nodes[4].read, [(root, Ok(bytes))]);
    // And it certifies in its own name.
    let said = Attestation { quorum: QUORUM, epoch: next, fact: checkpoint(9, 9).fact };
    (2..5).for_each(|index| cluster.command(index, Command::Attest(said)));
    cluster.run_for(1_000);
    cluster.certificate(4, &said).unwrap().1.verify(&said, &committee).unwrap();
}

#[test]
fn a_member_killed_between_any_two_steps_recovers() {
    let run = |kill_at: Option<u64>| {
        let mut cluster = Cluster::new(4);
        cluster.nodes[1].kill_at = kill_at;
        let (stored, manifest) = cluster.offer(60_000);
        cluster.run_for(10_000);
        (cluster, stored, manifest)
    };
    let steps = run(None).0.nodes[1].steps;
    assert!(steps > 10, "{steps}");
    for kill_at in 1..=steps {
        let (mut cluster, stored, manifest) = run(Some(kill_at));
        // What was certified while it was down it learns from others, or has on disk.
        if cluster.member(1).certificate(&stored.slot()).is_none() {
            let (_, certificate) = cluster.certificate(0, &stored).unwrap();
            let hold = Command::Hold { attestation: stored, certificate };
            cluster.command(1, hold);
            cluster.run_for(10_000);
        }
        assert_eq!(cluster.nodes[1].shard_files(&manifest).len(), 8, "killed at {kill_at}");
        assert_eq!(cluster.member(1).available().count(), 1, "killed at {kill_at}");
        for node in &cluster.nodes {
            assert!(node.convicted.is_empty() && node.faults.is_empty(), "{:?}", node.faults);
        }
        // It may only have voted for what it holds, and it votes on.
        (0..4).for_each(|index| cluster.command(index, Command::Attest(checkpoint(3, 3))));
        cluster.run_for(2_000);
        assert_eq!(cluster.certificate(1, &checkpoint(3, 3)).unwrap().1.signers.count(), 3);
    }
    println!("killed at each of {steps} steps");
}
