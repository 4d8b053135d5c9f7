//! Whatever a hostile member sends is refused at bounded cost, and the others go on.

use std::{sync::Arc, time::Instant};

use alloy_primitives::B256;
use lazai_api_types::{
    Generation, Job, ModelId, Prompt, Sampling, Task, TokenId, codec::DecodeError,
};
use lazai_consensus::{Attestation, Epoch, Fact, QuorumId, Vote, VoteError, bls::Signature};
use lazai_quorum::{Command, FORGERY, Limits, Message, Refusal};
use proptest::prelude::*;

use crate::cluster::Cluster;
use crate::support::{EPOCH, QUORUM, address, checkpoint, committee, secret, vote};

fn root_of(attestation: &Attestation) -> B256 {
    let Fact::Available { root, .. } = attestation.fact else { unreachable!() };
    root
}

/// Messages of every kind that members really send.
fn messages() -> Vec<Vec<u8>> {
    let limits = Limits { answer_ms: 2_000, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let (stored, _) = cluster.offer(20_000);
    cluster.run_for(2_000);
    for index in 0..4 {
        let datasets = vec![root_of(&stored)];
        cluster.command(index, Command::Audit { beacon: B256::ZERO, datasets });
    }
    cluster.run_for(5_000);
    let mut messages = core::mem::take(&mut cluster.log);
    let vote = vote(3, checkpoint(1, 1), &cluster.committee);
    let root = B256::repeat_byte(1);
    let more = [
        Message::Relay(vote),
        Message::Want { root, stripe: 0, index: 0 },
        Message::WantAnswer { epoch: EPOCH, member: address(1) },
        Message::WantManifest { root },
        Message::Manifest { root, manifest: vec![1; 80] },
    ];
    messages.extend(more.iter().map(|message| message.encode(QUORUM)));
    messages.sort_unstable();
    messages.dedup();
    let mut kinds: Vec<_> = messages.iter().map(|message| message[33]).collect();
    kinds.dedup();
    assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "all kinds");
    messages
}

#[test]
fn messages_have_one_form() {
    for bytes in messages() {
        let message = Message::decode(&bytes, QUORUM).unwrap();
        assert_eq!(message.encode(QUORUM), bytes);
        for length in (0..bytes.len().min(400)).chain([bytes.len() - 1]) {
            if let Ok(cut) = Message::decode(&bytes[..length], QUORUM) {
                // What takes the rest of the bytes is judged where it is used.
                assert_eq!(cut.encode(QUORUM), &bytes[..length]);
                assert!(matches!(
                    cut,
                    Message::Answer { .. }
                        | Message::Ask { .. }
                        | Message::Manifest { .. }
                        | Message::Shard { .. }
                ));
            }
        }
        let other = QuorumId(B256::ZERO);
        let refused = Message::decode(&bytes, other);
        assert!(matches!(refused, Err(DecodeError::Field { .. })), "{refused:?}");
    }
}

#[test]
fn each_offence_has_its_name_and_price() {
    let mut cluster = Cluster::new(4);
    let peer = address(3);
    let committee = Arc::clone(&cluster.committee);
    let honest = vote(3, checkpoint(1, 1), &committee);
    let bytes = |vote| Message::Vote(vote).encode(QUORUM);
    let mut refuse = |from, bytes: &[u8]| {
        let before = cluster.member(0).penalty(from);
        let refusal = cluster.member(0).receive(1_000, from, bytes).unwrap_err();
        assert_eq!(cluster.member(0).penalty(from) - before, refusal.penalty(), "{refusal}");
        refusal
    };
    let stranger = address(9);
    assert_eq!(refuse(stranger, &bytes(honest)), Refusal::UnknownSender { peer: stranger });
    let own = address(0);
    assert_eq!(refuse(own, &bytes(honest)), Refusal::UnknownSender { peer: own });
    let max = Limits::default().max_message_bytes as u64;
    let long = vec![0; Limits::default().max_message_bytes + 1];
    assert_eq!(refuse(peer, &long), Refusal::TooLong { got: max + 1, max });
    assert!(matches!(refuse(peer, b"junk"), Refusal::Decode(_)));
    assert_eq!(refuse(address(2), &bytes(honest)), Refusal::NotYours { voter: peer });
    let epoch = |epoch| Vote {
        attestation: Attestation { epoch: Epoch(epoch), ..honest.attestation },
        ..honest
    };
    for got in [0, EPOCH.0 - 2, EPOCH.0 + 1, u64::MAX] {
        let expected = EPOCH.0;
        assert_eq!(refuse(peer, &bytes(epoch(got))), Refusal::Epoch { expected, got });
    }
    let elsewhere = Attestation { quorum: QuorumId(B256::ZERO), ..honest.attestation };
    let refusal = refuse(address(1), &bytes(Vote { attestation: elsewhere, ..honest }));
    assert_eq!(refusal, Refusal::NotYours { voter: peer });
    let refusal = refuse(peer, &bytes(Vote { attestation: elsewhere, ..honest }));
    assert!(matches!(refusal, Refusal::Vote(VoteError::Quorum { .. })), "{refusal}");
    let ask = Message::Ask { attestation: checkpoint(1, 1), material: vec![] }.encode(QUORUM);
    assert_eq!(refuse(address(2), &ask), Refusal::Unrequestable);
    let want = Message::Want { root: B256::ZERO, stripe: 0, index: 0 }.encode(QUORUM);
    assert_eq!(refuse(address(2), &want), Refusal::UnknownDataset { root: B256::ZERO });
    let relay = Message::Relay(honest).encode(QUORUM);
    assert_eq!(refuse(address(2), &relay), Refusal::Unasked);
}

#[test]
fn forged_votes_block_their_sender_and_stop_nothing() {
    let mut cluster = Cluster::new(4);
    cluster.stop(3);
    let attestation = checkpoint(7, 7);
    for height in 7..12 {
        let attestation = checkpoint(height, 7);
        let signature = secret(3).sign(b"something else");
        let forged = Vote { attestation, voter: address(3), signature };
        let bytes = Message::Vote(forged).encode(QUORUM);
        (0..3).for_each(|to| cluster.send(address(3), address(to), bytes.clone()));
    }
    cluster.run_for(1_000);
    for height in 7..12 {
        (0..3).for_each(|index| {
            cluster.command(index, Command::Attest(checkpoint(height, 7)));
        });
    }
    cluster.run_for(5_000);
    for index in 0..3 {
        let (_, certificate) = cluster.certificate(index, &attestation).unwrap();
        certificate.verify(&attestation, &cluster.committee).unwrap();
        assert_eq!(certificate.signers.count(), 3);
        assert!(cluster.member(index).penalty(address(3)) >= 4 * FORGERY);
        assert!(cluster.nodes[index].blocked.contains(&address(3)));
        assert!(cluster.nodes[index].convicted.is_empty());
    }
}

#[test]
fn floods_are_cut_off_and_leave_nothing_behind() {
    let limits = Limits { max_slots: 100, max_slots_per_peer: 20, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let committee = Arc::clone(&cluster.committee);
    let start = Instant::now();
    let genuine: Vec<_> = (0..60).map(|at| vote(3, checkpoint(at, 1), &committee)).collect();
    for vote in &genuine {
        let bytes = Message::Vote(*vote).encode(QUORUM);
        cluster.deliver(0, address(3), &bytes);
    }
    let quota = Refusal::Quota { peer: address(3), unit: "slots", max: 20 };
    assert_eq!(cluster.nodes[0].refusals, vec![quota; 40]);
    assert_eq!(cluster.member(0).load()[0], 20);
    // A replay counts as one message, whatever it is.
    let bytes = Message::Vote(genuine[0]).encode(QUORUM);
    let mut is_blocked = false;
    for _ in 0..20_000 {
        cluster.deliver(0, address(3), &bytes);
        is_blocked |= cluster.nodes[0].blocked.contains(&address(3));
    }
    assert!(is_blocked);
    println!("20060 messages refused or counted in {:.1} s", start.elapsed().as_secs_f64());
    // Others are served, and in time the slots of the flood are forgotten.
    (0..3).for_each(|index| cluster.command(index, Command::Attest(checkpoint(500, 1))));
    cluster.run_for(1_000);
    assert!(cluster.certificate(0, &checkpoint(500, 1)).is_some());
    cluster.run_for(limits.patience_ms);
    assert_eq!(cluster.member(0).load(), [1, 0, 0, 0, 0]);
}

/// Turns a valid message into one that is almost valid.
fn mutate(bytes: &mut Vec<u8>, random: &mut impl FnMut() -> usize) {
    match random() % 5 {
        0 => {
            let at = random() % bytes.len();
            bytes[at] ^= 1_u8 << (random() % 8);
        }
        1 => bytes.truncate(random() % bytes.len()),
        2 => bytes.extend((0..random() % 40).map(|at| (at % 256).to_le_bytes()[0])),
        3 => {
            // Not in the head, so that it is read.
            let at = 34 + random() % (bytes.len().max(36) - 35);
            let end = (at + 8).min(bytes.len());
            bytes[at.min(end)..end].fill(0xff);
        }
        _ => {}
    }
}

#[test]
fn mutated_messages_do_no_harm() {
    let messages = messages();
    let limits = Limits { block_at: u32::MAX, messages_per_window: u64::MAX, ..Limits::default() };
    let mut cluster = Cluster::with_limits(4, limits);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    cluster.stop(3);
    for index in 0..3 {
        cluster.command(index, Command::Audit { beacon: B256::ZERO, datasets: Vec::new() });
    }
    let (stored, _) = cluster.offer(20_000);
    for round in 0..3_000 {
        let mut bytes = messages[random() % messages.len()].clone();
        mutate(&mut bytes, &mut random);
        let to = random() % 3;
        cluster.deliver(to, address(3), &bytes);
        if round % 100 == 0 {
            cluster.run_for(10);
        }
    }
    cluster.run_for(5_000);
    for index in 0..3 {
        let (_, certificate) = cluster.certificate(index, &stored).unwrap();
        certificate.verify(&stored, &cluster.committee).unwrap();
        let load = cluster.member(index).load();
        assert!(load[0] <= 300 && load[1] <= 64 && load[2] <= 8 && load[3] <= 4, "{load:?}");
        assert!(cluster.nodes[index].faults.is_empty(), "{:?}", cluster.nodes[index].faults);
        assert_eq!(cluster.nodes[index].convicted, [], "nobody voted twice");
    }
    let refusals: usize = cluster.nodes.iter().map(|node| node.refusals.len()).sum();
    println!("3000 mutated messages, {refusals} refused");
    assert!(refusals > 1_500);
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

fn prompt() -> impl Strategy<Value = Prompt> {
    prop_oneof![
        text().prop_map(Prompt::Text),
        prop::collection::vec(any::<u32>().prop_map(TokenId), 0..20).prop_map(Prompt::Tokens),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    let tokens = prop::collection::vec(any::<u32>().prop_map(TokenId), 0..20);
    let sampling = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>()).prop_map(
        |(temperature_milli, top_k, top_p_milli, seed)| Sampling {
            temperature_milli,
            top_k,
            top_p_milli,
            seed,
        },
    );
    let stop = prop::collection::vec(text(), 0..5);
    let task = prop_oneof![
        text().prop_map(|text| Task::Count { text }),
        tokens.prop_map(|tokens| Task::Decode { tokens }),
        prompt().prop_map(|prompt| Task::Embed { prompt }),
        text().prop_map(|text| Task::Encode { text }),
        (prompt(), any::<u32>(), sampling, stop).prop_map(
            |(prompt, max_tokens, sampling, stop)| Task::Generate(Generation {
                prompt,
                max_tokens,
                sampling,
                stop
            })
        ),
        (prop::collection::vec(any::<u32>().prop_map(TokenId), 0..20), any::<u32>())
            .prop_map(|(tokens, count)| Task::GreedyTokens { tokens, count }),
        prompt().prop_map(|prompt| Task::Logits { prompt }),
    ];
    (any::<[u8; 32]>(), task)
        .prop_map(|(model, task)| Job { model: ModelId(B256::new(model)), task })
}

proptest! {
    #[test]
    fn jobs_round_trip(job in job()) {
        let bytes = job.encode();
        prop_assert_eq!(Job::decode(&bytes), Ok(job));
        for length in 0..bytes.len() {
            prop_assert!(Job::decode(&bytes[..length]).is_err());
        }
        prop_assert!(Job::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn random_jobs_are_read_or_refused(
        kind in 0..8_u8,
        tail in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = 11_u64.to_le_bytes().to_vec();
        bytes.extend(b"lazvm/job/1");
        bytes.extend([7; 32]);
        bytes.push(kind);
        bytes.extend(tail);
        if let Ok(job) = Job::decode(&bytes) {
            prop_assert_eq!(job.encode(), bytes);
        }
    }

    #[test]
    fn random_messages_are_read_or_refused(
        kind in 0..12_u8,
        tail in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = vec![2];
        bytes.extend(QUORUM.0);
        bytes.push(kind);
        bytes.extend(tail);
        if let Ok(message) = Message::decode(&bytes, QUORUM) {
            prop_assert_eq!(message.encode(QUORUM), bytes);
        }
    }
}

#[test]
fn signatures_are_points() {
    // A vote whose signature is no point is not even counted.
    let committee = committee(&[1; 4]);
    let mut bytes = Message::Vote(vote(3, checkpoint(1, 1), &committee)).encode(QUORUM);
    let at = 34 + 1 + 20;
    bytes[at..at + 48].fill(0xff);
    assert!(Signature::from_bytes(&[0xff; 48]).is_err());
    assert!(matches!(Message::decode(&bytes, QUORUM), Err(DecodeError::Point { .. })));
}
