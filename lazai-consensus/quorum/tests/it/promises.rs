//! What a quorum has certified stays there, and one dishonest member keeps it from nothing.

use std::sync::Arc;

use alloy_primitives::B256;
use lazai_api_types::{InferenceStatement, Job, ModelId, Task as Work, Work as Cost};
use lazai_availability::{Assignment, Coding, Manifest, Shard, encode};
use lazai_consensus::{Attestation, Attestor, Committee, Epoch, Fact, MemoryVoteStore, Vote};
use lazai_quorum::{
    Command, Effect, Limits, Message, Output, QuorumMember, Recovered, Refusal, Request,
};

use crate::{
    cluster::{Cluster, available, commit, data},
    support::{
        EPOCH, QUORUM, address, attestation, candidate, certificate, checkpoint, committee, secret,
        vote,
    },
};

/// The same data under another name, or kept for another time.
fn renamed(attestation: Attestation, name: u8, until: Epoch) -> Attestation {
    let Fact::Available { version, root, bytes, k, n, .. } = attestation.fact else {
        unreachable!()
    };
    let dataset = B256::repeat_byte(name);
    let fact = Fact::Available { dataset, version, root, bytes, k, n, until_epoch: until };
    Attestation { fact, ..attestation }
}

fn ask(attestation: Attestation, manifest: &Manifest) -> Vec<u8> {
    Message::Ask { attestation, material: manifest.encode() }.encode(QUORUM)
}

/// Begins the next epoch, with these members, at those that run.
fn announce(
    cluster: &mut Cluster,
    members: impl Iterator<Item = usize>,
    running: &[usize],
) -> Arc<Committee> {
    let epoch = Epoch(cluster.committee.epoch().0 + 1);
    let candidates = members.map(|index| candidate(index, 1)).collect();
    let next = Arc::new(Committee::new(QUORUM, epoch, candidates).unwrap());
    for index in running {
        cluster.command(*index, Command::Announce(Arc::clone(&next)));
    }
    next
}

/// A dataset that member 3 alone has, and of which it asks members 1 and 2 to hold what falls to
/// them.
fn ask_two(cluster: &mut Cluster, length: usize) -> (Attestation, Manifest) {
    let coding = Coding::with_stripe_bytes(4, 8_192).unwrap();
    let mut shards = Vec::new();
    let manifest = encode(data(length).as_slice(), coding, &mut shards).unwrap();
    let attestation = renamed(available(&manifest), 0xd2, Epoch(9));
    let root = manifest.root();
    let assignment = Assignment::by_weight(&cluster.committee).unwrap();
    for index in [1, 2] {
        cluster.deliver(index, address(3), &ask(attestation, &manifest));
        for shard in &shards {
            if assignment.holder(shard.stripe, shard.index).map(usize::from) == Some(index) {
                let message = Message::Shard { root, shard: shard.encode() };
                cluster.deliver(index, address(3), &message.encode(QUORUM));
            }
        }
    }
    cluster.run_for(1_000);
    assert!([1, 2].iter().all(|index| cluster.member(*index).vote(&attestation.slot()).is_some()));
    assert_eq!(cluster.member(0).certificate(&attestation.slot()), None);
    (attestation, manifest)
}

#[test]
fn data_under_two_names_is_kept_as_long_as_either_says() {
    let mut cluster = Cluster::new(4);
    let (long, manifest) = cluster.offer(60_000);
    cluster.run_for(2_000);
    let short = renamed(long, 0x0b, EPOCH);
    let request = Request::available(short, Arc::clone(&manifest)).unwrap();
    cluster.command(0, Command::Ask(request));
    cluster.run_for(2_000);
    assert!(cluster.certificate(1, &long).is_some() && cluster.certificate(1, &short).is_some());
    let next = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
    cluster.run_for(10_000);
    for index in 0..4 {
        assert_eq!(cluster.nodes[index].entered, [next.epoch()]);
        assert_eq!(cluster.member(index).available().count(), 1, "{index}");
        assert!(cluster.nodes[index].shard_files(&manifest).len() >= 8, "{index}");
    }
}

#[test]
fn both_names_of_data_that_is_taken_in_are_voted_for() {
    let mut cluster = Cluster::new(4);
    let (first, manifest) = cluster.offer(400_000);
    let second = renamed(first, 0x0b, Epoch(9));
    cluster.command(0, Command::Ask(Request::available(second, manifest).unwrap()));
    cluster.run_for(20_000);
    for index in 0..4 {
        assert!(cluster.certificate(index, &first).is_some(), "{index}");
        assert!(cluster.certificate(index, &second).is_some(), "{index}");
    }
}

#[test]
fn what_was_vouched_for_is_kept_though_the_certificate_is_withheld() {
    for is_restarted in [false, true] {
        let mut cluster = Cluster::new(4);
        cluster.stop(3);
        let (attestation, manifest) = ask_two(&mut cluster, 20_000);
        if is_restarted {
            [1, 2].into_iter().for_each(|index| cluster.stop(index));
            [1, 2].into_iter().for_each(|index| cluster.start(index));
        }
        let next = announce(&mut cluster, 0..4, &[0, 1, 2]);
        cluster.run_for(10_000);
        // Now member 3 shows what it has had all along, and which says until epoch 9.
        let withheld = certificate(&attestation, &[1, 2, 3], 4);
        withheld.verify(&attestation, &cluster.committee).unwrap();
        for index in [1, 2] {
            assert_eq!(cluster.nodes[index].entered, [next.epoch()]);
            let kept = cluster.nodes[index].shard_files(&manifest).len();
            assert_eq!(kept, 3, "member {index}, restarted: {is_restarted}");
        }
    }
}

#[test]
fn expired_data_does_not_hold_up_epochs() {
    let mut cluster = Cluster::new(4);
    let manifest = cluster.publish(0, &data(20_000), 8_192);
    let attestation = renamed(available(&manifest), 0x0a, EPOCH);
    cluster.command(0, Command::Ask(Request::available(attestation, manifest).unwrap()));
    cluster.run_for(2_000);
    assert!(cluster.certificate(1, &attestation).is_some());
    let next = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
    cluster.run_for(10_000);
    (0..4).for_each(|index| cluster.stop(index));
    cluster.committee = next;
    (0..4).for_each(|index| cluster.start(index));
    let last = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
    cluster.run_for(10_000);
    for index in 0..4 {
        assert_eq!(cluster.member(index).epoch(), last.epoch(), "{index}");
    }
}

#[test]
fn a_member_without_room_is_not_ready() {
    let limits = Limits { max_shards: 10, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    cluster.offer(60_000);
    cluster.run_for(2_000);
    // Two members would have to hold sixteen shards each.
    announce(&mut cluster, 1..3, &[0, 1, 2, 3]);
    cluster.run_for(30_000);
    for index in 0..4 {
        assert_eq!(cluster.nodes[index].entered, [], "{index}");
    }
    assert!(!cluster.nodes[1].faults.is_empty());
}

#[test]
fn what_is_kept_is_not_counted_twice() {
    // Eight shards of 4 KiB.
    let limits = Limits { max_stored_bytes: 48 << 10, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    cluster.offer(60_000);
    cluster.run_for(2_000);
    let next = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
    cluster.run_for(10_000);
    for index in 0..4 {
        assert_eq!(cluster.nodes[index].entered, [next.epoch()]);
        assert_eq!(cluster.nodes[index].faults, Vec::<String>::new());
    }
}

/// Member 0 is down, which held what falls to member 1 in the next epoch, and member 3, which held
/// what falls to member 4.
fn hand_over_without_two(cluster: &mut Cluster, stored: Attestation) {
    let (_, certificate) = cluster.certificate(1, &stored).unwrap();
    cluster.add_node();
    cluster.command(4, Command::Hold { attestation: stored, certificate });
    cluster.stop(0);
    cluster.stop(3);
    let next = announce(cluster, 1..5, &[1, 2, 4]);
    cluster.run_for(60_000);
    for index in [1, 2, 4] {
        let node = &cluster.nodes[index];
        assert_eq!(node.entered, [next.epoch()], "{index}: {:?}", node.faults);
    }
}

#[test]
fn data_larger_than_memory_is_repaired() {
    let limits = Limits { max_data_bytes: 20_000, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (stored, manifest) = cluster.offer(60_000);
    cluster.run_for(2_000);
    hand_over_without_two(&mut cluster, stored);
    assert_eq!(cluster.nodes[4].shard_files(&manifest).len(), 8);
}

/// A dataset of which one shard is not the code of the others, on the disk of member 0.
fn inconsistent(cluster: &mut Cluster, stripe_bytes: u32, length: usize) -> Attestation {
    let coding = Coding::with_stripe_bytes(4, stripe_bytes).unwrap();
    let mut shards = Vec::new();
    encode(data(length).as_slice(), coding, &mut shards).unwrap();
    shards.last_mut().unwrap().bytes.to_mut()[5] ^= 1;
    let (manifest, shards): (Manifest, Vec<Shard<'static>>) =
        commit(coding, length as u64, &shards);
    let root = manifest.root();
    cluster.nodes[0].worker.as_ref().unwrap().with_store(|store| {
        store.add(manifest.clone()).unwrap();
        shards.into_iter().for_each(|shard| store.put(root, shard).unwrap());
    });
    let stored = available(&manifest);
    cluster.command(0, Command::Ask(Request::available(stored, Arc::new(manifest)).unwrap()));
    cluster.run_for(2_000);
    stored
}

#[test]
fn data_that_is_none_does_not_hold_up_epochs() {
    let mut cluster = Cluster::new(4);
    let stored = inconsistent(&mut cluster, 8_192, 8_000);
    hand_over_without_two(&mut cluster, stored);
}

#[test]
fn large_stripes_that_are_no_data_are_certified_as_such() {
    let mut cluster = Cluster::new(4);
    let stored = inconsistent(&mut cluster, 16 << 20, 16 << 20);
    let Fact::Available { dataset, version, root, .. } = stored.fact else { unreachable!() };
    let policy = B256::repeat_byte(0x70);
    let valid = attestation(Fact::Valid { dataset, version, root, policy, score: 1 });
    cluster.command(1, Command::Ask(Request::valid(valid).unwrap()));
    cluster.run_for(20_000);
    for index in 0..4 {
        let node = &cluster.nodes[index];
        let found = cluster.certificate(index, &attestation(Fact::Inconsistent { root }));
        assert!(found.is_some(), "{index}: {:?}", node.faults);
    }
    // What could not be shown in one message is not taken.
    let coding = Coding::with_stripe_bytes(4, 32 << 20).unwrap();
    let manifest = encode(data(20 << 20).as_slice(), coding, &mut Vec::new()).unwrap();
    let asked = ask(renamed(available(&manifest), 0x0c, EPOCH), &manifest);
    cluster.deliver(1, address(0), &asked);
    let refusal = cluster.nodes[1].refusals.last();
    assert!(matches!(refusal, Some(Refusal::TooLarge { .. })), "{refusal:?}");
}

#[test]
fn who_asks_for_more_than_others_can_take_is_not_blocked() {
    let limits = Limits { max_data_bytes: 10_000, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (stored, _) = cluster.offer(20_000);
    cluster.run_for(2_000);
    let Fact::Available { dataset, version, root, .. } = stored.fact else { unreachable!() };
    let policy = B256::repeat_byte(0x70);
    let valid = attestation(Fact::Valid { dataset, version, root, policy, score: 1 });
    let material = Vec::new();
    let bytes = Message::Ask { attestation: valid, material }.encode(QUORUM);
    for _ in 0..12 {
        (0..3).for_each(|to| cluster.send(address(3), address(to), bytes.clone()));
        cluster.run_for(1_000);
    }
    for index in 0..3 {
        assert_eq!(cluster.member(index).penalty(address(3)), 0);
        assert!(cluster.nodes[index].blocked.is_empty());
    }
}

#[test]
fn audits_do_not_depend_on_what_one_member_has_heard() {
    let limits = Limits { answer_ms: 3_000, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (_, manifest) = cluster.offer(20_000);
    cluster.run_for(2_000);
    cluster.stop(3);
    let (attestation, _) = ask_two(&mut cluster, 30_000);
    cluster.start(3);
    let certificate = certificate(&attestation, &[1, 2, 3], 4);
    let told = Message::Certified { attestation, certificate }.encode(QUORUM);
    cluster.deliver(1, address(3), &told);
    assert_eq!(cluster.member(1).available().count(), 2);
    let beacon = B256::repeat_byte(0xbe);
    for index in 0..4 {
        let datasets = vec![manifest.root()];
        cluster.command(index, Command::Audit { beacon, datasets });
    }
    cluster.run_for(20_000);
    for index in 0..4 {
        assert!(cluster.nodes[index].blocked.is_empty());
        let audits =
            cluster.nodes[index].certified.iter().map(|(_, attestation, _)| attestation.fact);
        let failed: Vec<_> = audits
            .filter_map(|fact| match fact {
                Fact::Audit { failed_count, .. } => Some(failed_count),
                _ => None,
            })
            .collect();
        assert_eq!(failed, [0], "{index}");
    }
    // One that does not know what is asked for says so, and convicts nobody.
    let datasets = vec![B256::ZERO];
    let now_ms = cluster.now_ms;
    let mut stranger = Cluster::new(4);
    let refused = stranger.member(0).command(now_ms, Command::Audit { beacon, datasets });
    assert_eq!(refused, Err(Refusal::UnknownDataset { root: B256::ZERO }));
}

#[test]
fn weights_without_their_shards_certify_nothing() {
    let member = |weights: &[u64], index: usize| {
        let signer = Attestor::new(address(index), secret(index), MemoryVoteStore::default());
        let committee = Arc::new(committee(weights));
        QuorumMember::new(signer, committee, Limits::default(), Recovered::default())
    };
    let manifest = |n| {
        let coding = Coding::with_stripe_bytes(n, 8_192).unwrap();
        encode(data(8_000).as_slice(), coding, &mut Vec::new()).unwrap()
    };
    // Of four shards member 0 would hold two and member 3 none: members 0, 1 and 3 certify, and if
    // 0 lies one shard is left.
    let refused = manifest(4);
    let mut heavy = member(&[3, 3, 3, 1], 1);
    let refusal = heavy.receive(1, address(0), &ask(available(&refused), &refused)).unwrap_err();
    assert_eq!(refusal, Refusal::Coding { expected: 10, got: 4 });
    assert!(heavy.next_output().is_some_and(|output| matches!(output, Output::Withheld { .. })));
    let taken = manifest(10);
    heavy.receive(1, address(0), &ask(available(&taken), &taken)).unwrap();
    // Equal weights need no shard for each unit.
    member(&[10; 4], 1).receive(1, address(0), &ask(available(&refused), &refused)).unwrap();
}

#[test]
fn an_admission_that_comes_to_nothing_leaves_nothing() {
    let mut cluster = Cluster::new(4);
    cluster.stop(3);
    for name in 0..20 {
        let coding = Coding::with_stripe_bytes(4, 8_192).unwrap();
        let mut shards = Vec::new();
        let manifest = encode(data(20_000 + name).as_slice(), coding, &mut shards).unwrap();
        let attestation = renamed(available(&manifest), name.to_le_bytes()[0], Epoch(9));
        cluster.deliver(1, address(3), &ask(attestation, &manifest));
        for shard in shards.iter().filter(|shard| shard.stripe == 0) {
            let message = Message::Shard { root: manifest.root(), shard: shard.encode() };
            cluster.deliver(1, address(3), &message.encode(QUORUM));
        }
        cluster.run_for(20_000);
    }
    let patience = cluster.limits.patience_ms;
    cluster.run_for(patience + 1_000);
    let kept = cluster.nodes[1].worker.as_ref().unwrap().with_store(|store| store.datasets());
    assert_eq!(kept, Vec::<B256>::new());
    assert_eq!(cluster.member(1).load()[1..], [0, 0, 0, 0]);
}

#[test]
fn one_peer_does_not_take_all_slots() {
    let limits = Limits { max_slots: 40, max_slots_per_peer: 8, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (stored, manifest) = cluster.offer(8_000);
    cluster.run_for(2_000);
    cluster.stop(3);
    // Each is asked for names that the others do not hear of, and has no reason not to vote.
    for name in 0..60 {
        for index in 0..3 {
            let name = u8::try_from(index * 64 + name).unwrap();
            cluster.deliver(index, address(3), &ask(renamed(stored, name, Epoch(9)), &manifest));
        }
    }
    for index in 0..3 {
        let quota = Refusal::Quota { peer: address(3), unit: "slots", max: 8 };
        assert!(cluster.nodes[index].refusals.contains(&quota), "{index}");
        assert!(cluster.member(index).load()[0] <= 40);
    }
    (0..3).for_each(|index| cluster.command(index, Command::Attest(checkpoint(1, 1))));
    cluster.run_for(2_000);
    assert!((0..3).all(|index| cluster.certificate(index, &checkpoint(1, 1)).is_some()));
}

#[test]
fn one_peer_brings_no_more_than_its_share() {
    let limits = Limits { max_uncertified_per_peer: 3, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    cluster.stop(3);
    for name in 0..6 {
        let coding = Coding::with_stripe_bytes(4, 8_192).unwrap();
        let mut shards = Vec::new();
        let manifest = encode(data(4_000 + name).as_slice(), coding, &mut shards).unwrap();
        let attestation = renamed(available(&manifest), name.to_le_bytes()[0], Epoch(9));
        cluster.deliver(1, address(3), &ask(attestation, &manifest));
        for shard in shards {
            let message = Message::Shard { root: manifest.root(), shard: shard.encode() };
            cluster.deliver(1, address(3), &message.encode(QUORUM));
        }
    }
    assert_eq!(cluster.member(1).load()[1], 3);
    let unit = "datasets that nobody certified";
    let quota = Refusal::Quota { peer: address(3), unit, max: 3 };
    assert!(cluster.nodes[1].refusals.contains(&quota));
}

#[test]
fn who_asks_first_and_sends_nothing_does_not_keep_others_from_sending() {
    let mut cluster = Cluster::new(4);
    cluster.stop(3);
    let manifest = cluster.publish(0, &data(400_000), 8_192);
    let attestation = available(&manifest);
    (1..3).for_each(|index| cluster.deliver(index, address(3), &ask(attestation, &manifest)));
    cluster.command(0, Command::Ask(Request::available(attestation, manifest).unwrap()));
    cluster.run_for(60_000);
    assert!((0..3).all(|index| cluster.certificate(index, &attestation).is_some()));
}

#[test]
fn answers_are_charged_to_who_asks() {
    let limits = Limits { bytes_per_window: 50_000, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (_, manifest) = cluster.offer(400_000);
    cluster.run_for(60_000);
    let root = manifest.root();
    assert!(cluster.member(1).available().count() == 1);
    for want in [Message::WantManifest { root }, Message::Want { root, stripe: 0, index: 1 }] {
        cluster.run_for(2_000);
        let before = cluster.log.len();
        let bytes = want.encode(QUORUM);
        (0..400).for_each(|_| cluster.deliver(1, address(3), &bytes));
        let sent: usize = cluster.log[before..].iter().map(Vec::len).sum();
        assert!((1_000..60_000).contains(&sent), "{sent} bytes for {want:?}");
        assert_eq!(cluster.member(1).penalty(address(3)), 0);
    }
}

#[test]
fn one_who_is_convicted_is_not_checked_again() {
    let mut cluster = Cluster::new(4);
    let committee = Arc::clone(&cluster.committee);
    let votes: Vec<_> = (0..40).map(|root| vote(3, checkpoint(1, root), &committee)).collect();
    for vote in votes {
        cluster.deliver(0, address(3), &Message::Vote(vote).encode(QUORUM));
    }
    assert_eq!(cluster.nodes[0].convicted.len(), 1);
    assert_eq!(cluster.nodes[0].refusals, vec![Refusal::Unasked; 38]);
}

#[test]
fn nobody_is_blamed_for_handing_on_what_another_has_forged() {
    for is_early in [true, false] {
        let mut cluster = Cluster::new(4);
        cluster.stop(3);
        let committee = Arc::clone(&cluster.committee);
        for height in 0..6 {
            let (first, second) = (checkpoint(height, 1), checkpoint(height, 2));
            let honest = Message::Vote(vote(3, first, &committee)).encode(QUORUM);
            let forged = Vote { attestation: second, ..vote(3, first, &committee) };
            let forged = Message::Vote(forged).encode(QUORUM);
            if is_early {
                cluster.deliver(0, address(3), &forged);
            }
            (1..3).for_each(|index| cluster.deliver(index, address(3), &honest));
            (0..3).for_each(|index| cluster.command(index, Command::Attest(first)));
            cluster.run_for(1_000);
            if !is_early {
                cluster.deliver(0, address(3), &forged);
                cluster.run_for(1_000);
            }
        }
        for index in 1..3 {
            assert_eq!(cluster.member(index).penalty(address(0)), 0, "{index}");
            assert!(cluster.nodes[index].blocked.is_empty(), "{index}");
        }
        assert!(cluster.nodes[0].blocked.contains(&address(3)));
    }
}

#[test]
fn one_peer_has_few_jobs_run_at_a_time() {
    let signer = Attestor::new(address(0), secret(0), MemoryVoteStore::default());
    let committee = Arc::new(committee(&[1; 4]));
    let limits = Limits::default();
    let mut member = QuorumMember::new(signer, committee, limits, Recovered::default());
    let mut refused = 0;
    for text in 0..50 {
        let model = ModelId(B256::repeat_byte(1));
        let job = Job { model, task: Work::Count { text: text.to_string() } };
        let (output, context) = (B256::ZERO, B256::ZERO);
        let work = Cost { flops: 0, peak_bytes: 0 };
        let run = InferenceStatement { model, input: job.hash(), output, work, context };
        let attestation = attestation(Fact::Workflow { run });
        let ask = Message::Ask { attestation, material: job.encode() }.encode(QUORUM);
        refused += u32::from(member.receive(1, address(3), &ask).is_err());
    }
    let outputs = core::iter::from_fn(|| member.next_output());
    let runs = outputs.filter(|output| matches!(output, Output::Run(Effect::Rerun { .. }))).count();
    assert_eq!((runs, refused), (limits.max_judgements_per_peer, 48));
}

#[test]
fn an_epoch_begins_by_the_word_of_its_own_members() {
    let mut cluster = Cluster::new(4);
    let next = announce(&mut cluster, 4..8, &[0]);
    let early = attestation(Fact::EpochSyncDone { next: next.epoch() });
    let certificate = certificate(&early, &[1, 2, 3], 4);
    let told = Message::Certified { attestation: early, certificate }.encode(QUORUM);
    cluster.deliver(0, address(1), &told);
    assert!(cluster.member(0).certificate(&early.slot()).is_some(), "it is a certificate");
    assert_eq!(cluster.member(0).epoch(), EPOCH);
}

#[test]
fn epochs_go_on_and_data_stays_whatever_is_lost_and_killed() {
    for seed in 0..8_u64 {
        let mut cluster = Cluster::new(4);
        cluster.loss_percent = seed % 4 * 10;
        cluster.delay_ms = 20 + seed * 13 % 150;
        let mut roots = Vec::new();
        for round in 0..3_usize {
            for (index, node) in cluster.nodes.iter_mut().enumerate() {
                let step = seed * 7 + round as u64 * 11 + index as u64 * 5;
                node.kill_at = (index != round).then_some(node.steps + step % 37 + 1);
            }
            let length = 20_000 + round * 9_000;
            let manifest = cluster.publish(round, &data(length), 8_192);
            let epoch = cluster.committee.epoch();
            let named = renamed(available(&manifest), round.to_le_bytes()[0], Epoch(9));
            let stored = Attestation { epoch, ..named };
            roots.push((manifest.root(), length));
            let request = Request::available(stored, Arc::clone(&manifest)).unwrap();
            cluster.command(round, Command::Ask(request));
            cluster.run_for(40_000);
            let (_, certificate) = cluster.certificate(round, &stored).unwrap();
            // Whoever was down learns from the chain what was certified.
            for index in 0..4 {
                if cluster.member(index).certificate(&stored.slot()).is_none() {
                    let hold = Command::Hold { attestation: stored, certificate };
                    cluster.command(index, hold);
                }
            }
            let next = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
            for _ in 0..20 {
                cluster.run_for(5_000);
                for index in 0..4 {
                    cluster.command(index, Command::Announce(Arc::clone(&next)));
                }
            }
            for index in 0..4 {
                let faults = cluster.nodes[index].faults.clone();
                assert_eq!(cluster.member(index).epoch(), next.epoch(), "{seed}: {faults:?}");
                assert!(cluster.nodes[index].blocked.is_empty(), "{seed} {round}");
                assert!(cluster.nodes[index].convicted.is_empty(), "{seed} {round}");
            }
            cluster.committee = next;
        }
        cluster.loss_percent = 0;
        cluster.nodes.iter_mut().for_each(|node| node.kill_at = None);
        cluster.run_for(1_000);
        (0..2).for_each(|index| cluster.stop(index));
        for (root, length) in roots {
            cluster.command(3, Command::Read { root });
            cluster.run_for(20_000);
            let load = cluster.member(3).load();
            let node = &mut cluster.nodes[3];
            let is_read = node.read.pop() == Some((root, Ok(data(length))));
            assert!(is_read, "{seed}: {load:?} {:?} {:?}", node.faults, node.refusals);
        }
    }
}

#[test]
fn votes_of_past_epochs_make_room() {
    let mut cluster = Cluster::new(4);
    let length = |cluster: &Cluster| cluster.nodes[1].votes_len();
    for height in 0..20 {
        (0..4).for_each(|index| cluster.command(index, Command::Attest(checkpoint(height, 1))));
    }
    cluster.run_for(1_000);
    let full = length(&cluster);
    for _ in 0..2 {
        let next = announce(&mut cluster, 0..4, &[0, 1, 2, 3]);
        cluster.run_for(5_000);
        assert_eq!(cluster.member(1).epoch(), next.epoch());
        cluster.committee = next;
    }
    assert!(length(&cluster) < full / 2, "{} of {full} bytes", length(&cluster));
    // Restarted in an epoch that is over, it does not vote in it.
    cluster.stop(1);
    let old = Arc::new(committee(&[1; 4]));
    let current = core::mem::replace(&mut cluster.committee, old);
    cluster.start(1);
    cluster.command(1, Command::Attest(checkpoint(3, 2)));
    assert_eq!(cluster.member(1).vote(&checkpoint(3, 2).slot()), None);
    assert!(!cluster.nodes[1].faults.is_empty());
    drop(current);
}
