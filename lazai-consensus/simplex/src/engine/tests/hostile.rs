use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use commonware_codec::{Decode, Encode};
use commonware_consensus::{
    marshal::{self, standard::Standard},
    simplex::types::{
        Activity, ConflictingFinalize, ConflictingNotarize, Finalize, Notarize, Nullify,
        NullifyFinalize, Proposal, Vote,
    },
    types::{Epoch, Round, View},
};
use commonware_p2p::{Receiver as _, Recipients, Sender as _};
use commonware_runtime::{Clock, IoBuf, Quota};
use commonware_utils::NZU32;
use futures::FutureExt;
use lazai_api_types::chain::{Block, MAX_BLOCK_BYTES};
use lazai_consensus::chain::{Equivocation, FixedCommittees, MAX_SEATS};

use super::{
    Cluster,
    cluster::{committee, identity, operator},
    deterministic::simulate,
};
use crate::{
    ChainEvent,
    engine::{
        Digest, Scheme, block::ChainBlock, directory::Directory, limits::BLOCK_OVERHEAD,
        max_message_size, reporter::equivocation,
    },
};

const OPERATORS: [u8; 4] = [1, 2, 3, 4];

fn directory(number: u8) -> Directory {
    let source = Arc::new(FixedCommittees::new(committee(&OPERATORS)));
    Directory::new(source, genesis(), operator(number).1).unwrap()
}

fn genesis() -> alloy_primitives::B256 {
    Block::genesis(alloy_primitives::B256::ZERO).digest()
}

fn scheme(number: u8) -> Scheme {
    directory(number).enter(0).unwrap().scheme.as_ref().clone()
}

fn proposal(epoch: u64, view: u64, payload: u8) -> Proposal<Digest> {
    let round = Round::new(Epoch::new(epoch), View::new(view));
    Proposal::new(round, View::new(view - 1), Digest::from([payload; 32]))
}

/// Three validators, and the channels of a fourth operator that is hostile.
async fn besieged<F: Future<Output = ()>>(
    context: commonware_runtime::deterministic::Context,
    attack: impl Fn(usize, Option<IoBuf>, u64) -> Vec<Vec<u8>>,
    then: impl FnOnce(Cluster) -> F,
) {
    let committees = FixedCommittees::new(committee(&OPERATORS));
    let mut cluster = Cluster::new(context, &OPERATORS, committees, 1_000).await;
    for number in [1, 2, 3] {
        cluster.start(number, Arc::default()).await;
    }
    let control = cluster.oracle.control(identity(4));
    let mut channels = Vec::new();
    for channel in 0..5 {
        channels.push(control.register(channel, Quota::per_second(NZU32!(256))).await.unwrap());
    }
    cluster.reach(2).await;
    for _ in 0..20 {
        let view = cluster.validators[&1].ledger.blocks().last().unwrap().view;
        for (channel, (sender, receiver)) in channels.iter_mut().enumerate() {
            let heard = receiver.recv().now_or_never().and_then(Result::ok);
            for message in attack(channel, heard.map(|(_, message)| message), view) {
                let _ = sender.send(Recipients::All, IoBuf::from(message), false);
            }
        }
        cluster.context.sleep(Duration::from_millis(50)).await;
    }
    let height = cluster.validators[&1].ledger.blocks().last().unwrap().height;
    cluster.reach(height + 10).await;
    cluster.agree();
    then(cluster).await;
}

/// Checks that nobody has stopped, and says who has blocked the hostile operator.
async fn blocked(cluster: Cluster) -> usize {
    for validator in cluster.validators.values() {
        let stopped = |event| matches!(event, ChainEvent::Stopped(_));
        assert!(!validator.events.try_iter().any(stopped));
    }
    let blocked = cluster.oracle.blocked().await.unwrap();
    assert!(blocked.iter().all(|(_, whom)| *whom == identity(4)), "{blocked:?}");
    blocked.len()
}

#[test]
fn malformed_and_oversized_messages_are_refused() {
    // Each at one channel at a time, with and without a good name of the epoch in front.
    for target in 0..5 {
        simulate(21, move |context| {
            let attack = move |channel, _, view| {
                if channel != target {
                    return vec![];
                }
                let largest = usize::try_from(max_message_size()).unwrap();
                let mut claims = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
                claims.extend_from_slice(&[1; 100]);
                vec![
                    vec![],
                    vec![0],
                    [&[0][..], &[0xa5; 40], &[u8::try_from(view % 256).unwrap()]].concat(),
                    claims.clone(),
                    [vec![0], claims].concat(),
                    vec![0; largest],
                ]
            };
            besieged(context, attack, move |cluster| async move {
                // Votes and certificates that cannot be read cost the sender its connections;
                // requests and blocks are dropped.
                assert_eq!(blocked(cluster).await, if target < 2 { 3 } else { 0 });
            })
        });
    }
}

#[test]
fn replayed_messages_change_nothing() {
    simulate(22, |context| {
        let attack = |_: usize, heard: Option<IoBuf>, _| {
            // Said by others, and said again for another epoch.
            let heard = heard.map(|heard| heard.as_ref().to_vec()).unwrap_or_default();
            let mut elsewhere = heard.clone();
            if let Some(epoch) = elsewhere.first_mut() {
                *epoch = 7;
            }
            vec![heard.clone(), heard, elsewhere]
        };
        besieged(context, attack, |cluster| async move {
            blocked(cluster).await;
        })
    });
}

#[test]
fn votes_for_another_epoch_get_their_sender_blocked() {
    simulate(23, |context| {
        let scheme = scheme(4);
        let attack = move |channel, _, view| {
            let round = Round::new(Epoch::new(9), View::new(view + 1));
            let vote =
                Vote::<Scheme, Digest>::Nullify(Nullify::sign::<Digest>(&scheme, round).unwrap());
            let message = [&[0][..], &vote.encode()].concat();
            if channel == 0 { vec![message] } else { vec![] }
        };
        besieged(context, attack, |cluster| async move {
            assert_eq!(blocked(cluster).await, 3);
        })
    });
}

#[test]
fn a_seat_that_votes_twice_is_convicted() {
    simulate(24, |context| {
        let scheme = scheme(4);
        let attack = move |channel, _, view| {
            if channel != 0 {
                return vec![];
            }
            let vote = |ahead, payload| {
                let notarize = Notarize::sign(&scheme, proposal(0, view + ahead, payload)).unwrap();
                let vote = Vote::<Scheme, Digest>::Notarize(notarize);
                [&[0][..], &vote.encode()].concat()
            };
            vec![vote(1, 1), vote(1, 2), vote(2, 1), vote(2, 2)]
        };
        besieged(context, attack, |cluster| async move {
            let committee = committee(&OPERATORS);
            for validator in cluster.validators.values() {
                let evidence = validator.events.try_iter().find_map(|event| match event {
                    ChainEvent::Equivocation(evidence) => Some(evidence),
                    _ => None,
                });
                let evidence = Equivocation::decode(&evidence.unwrap().encode()).unwrap();
                let seat = evidence.verify(genesis(), &committee).unwrap();
                assert_eq!(seat.operator.0[0], 4);
            }
        })
    });
}

#[test]
fn each_kind_of_evidence_is_checked_without_the_engine() {
    let committee = committee(&OPERATORS);
    let scheme = scheme(2);
    let notarize = |payload| Notarize::sign(&scheme, proposal(3, 300, payload)).unwrap();
    let finalize = |payload| Finalize::sign(&scheme, proposal(3, 300, payload)).unwrap();
    let round = Round::new(Epoch::new(3), View::new(300));
    let nullify = Nullify::sign::<Digest>(&scheme, round).unwrap();
    let conflicts = [
        Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
        Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
        Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
    ];
    for conflict in &conflicts {
        let evidence = equivocation(conflict).unwrap();
        let seat = evidence.verify(genesis(), &committee).unwrap();
        assert_eq!(seat.operator.0[0], 2);
    }
    assert_eq!(equivocation(&Activity::Notarize(notarize(1))), None);
}

#[test]
fn the_network_carries_the_largest_messages() {
    let directory = directory(1);
    let block = marshal::max_payload_size::<Standard<ChainBlock>, Scheme>(MAX_SEATS, &directory);
    assert!(block <= MAX_BLOCK_BYTES + BLOCK_OVERHEAD, "{block}");
    let block = Block {
        payload: vec![0; lazai_api_types::chain::MAX_PAYLOAD_BYTES],
        ..Block::genesis(genesis())
    };
    let largest = ChainBlock::new(block.clone(), directory.clone());
    let encoded = largest.encode();
    assert!(encoded.len() <= usize::try_from(max_message_size()).unwrap());
    assert_eq!(largest.inner().encode().len(), encoded.len());
    let read = ChainBlock::decode_cfg(encoded.clone(), &directory).unwrap();
    assert_eq!(read.block, block);
    // One byte more is no block, and a claim beyond the limit is refused before it is followed.
    let longer = Bytes::from([&encoded[..], &[0]].concat());
    assert!(ChainBlock::decode_cfg(longer, &directory).is_err());
    let claim = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
    assert!(ChainBlock::decode_cfg(claim, &directory).is_err());
}
