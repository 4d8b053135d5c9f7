use core::time::Duration;

use alloy_primitives::B256;
use commonware_p2p::simulated::Link;
use commonware_runtime::{
    Clock, Runner, Storage, Supervisor,
    deterministic::{Config, Context},
};
use lazai_api_types::chain::Block;
use lazai_consensus::chain::FixedCommittees;

use super::{Cluster, committee};
use crate::ChainEvent;

/// Runs a scenario and returns the state of the simulator at its end.
pub(super) fn simulate<F: Future<Output = ()>>(
    seed: u64,
    scenario: impl FnOnce(Context) -> F,
) -> String {
    let limit = Some(Duration::from_secs(600));
    let runner = commonware_runtime::deterministic::Runner::new(
        Config::new().with_seed(seed).with_timeout(limit),
    );
    runner.start(|context| async move {
        let auditor = context.auditor();
        scenario(context).await;
        auditor.state()
    })
}

fn four_finalize(seed: u64) -> String {
    simulate(seed, |context| async move {
        let operators = [1, 2, 3, 4];
        let committees = FixedCommittees::new(committee(&operators));
        let mut cluster = Cluster::new(context, &operators, committees, 1_000).await;
        cluster.start_all().await;
        cluster.reach(20).await;
        cluster.agree();
        let genesis = Block::genesis(B256::ZERO).digest();
        for validator in cluster.validators.values() {
            let mut certified = 0;
            let mut height = 0;
            for event in validator.events.try_iter() {
                match event {
                    ChainEvent::Finalized { block, certificate } => {
                        height += 1;
                        assert_eq!(block.height, height);
                        if let Some(certificate) = certificate {
                            assert_eq!(certificate.proposal.digest, block.digest());
                            assert_eq!(certificate.verify(genesis, &committee(&operators)), Ok(()));
                            certified += 1;
                        }
                    }
                    ChainEvent::EpochChange { epoch, .. } => assert_eq!(epoch, 0),
                    ChainEvent::Equivocation(_) | ChainEvent::Stopped(_) => {
                        panic!("nobody misbehaves: {event:?}")
                    }
                }
            }
            assert!(height >= 20 && certified >= 18, "{height} {certified}");
        }
    })
}

#[test]
fn four_validators_finalize_and_a_seed_replays() {
    let first = four_finalize(1);
    assert_eq!(first, four_finalize(1));
    assert_ne!(first, four_finalize(2));
}

#[test]
fn a_block_is_final_three_delays_after_its_proposal() {
    simulate(9, |context| async move {
        let operators = [1, 2, 3, 4];
        let committees = FixedCommittees::new(committee(&operators));
        let delay = 100;
        let link = Link {
            latency: Duration::from_millis(delay),
            jitter: Duration::ZERO,
            success_rate: commonware_utils::probability!(1.0),
        };
        let mut cluster = Cluster::with_link(context, &operators, committees, 1_000, link).await;
        cluster.start_all().await;
        cluster.reach(3).await;
        let events = &cluster.validators[&1].events;
        let _ = events.try_iter().count();
        let (mut waits, mut first, mut last) = (Vec::new(), None, 0);
        while waits.len() < 20 {
            cluster.context.sleep(Duration::from_millis(1)).await;
            let now = cluster.context.current().duration_since(std::time::UNIX_EPOCH).unwrap();
            let now = u64::try_from(now.as_millis()).unwrap();
            for event in events.try_iter() {
                if let ChainEvent::Finalized { block, .. } = event {
                    waits.push(now - block.timestamp_ms);
                    last = block.timestamp_ms;
                    first.get_or_insert(last);
                }
            }
        }
        waits.sort_unstable();
        let (median, pace) = (waits[10], (last - first.unwrap()) / 19);
        // Three delays and the work of the simulator's turns; a block each two delays.
        assert!((3 * delay..3 * delay + 40).contains(&median), "{waits:?}");
        assert!((2 * delay..2 * delay + 40).contains(&pace), "{pace}");
    });
}

#[test]
fn operators_join_and_leave_at_the_edges_of_epochs() {
    simulate(3, |context| async move {
        let committees =
            FixedCommittees::new(committee(&[1, 2, 3, 4])).with_change(2, committee(&[2, 3, 4, 5]));
        let mut cluster = Cluster::new(context, &[1, 2, 3, 4, 5], committees, 8).await;
        cluster.start_all().await;
        // The fifth follows until it joins, the first afterwards.
        cluster.reach(60).await;
        cluster.agree();
        let blocks = cluster.validators[&1].ledger.blocks();
        for block in &blocks {
            assert_eq!(block.epoch, block.height / 8);
            let first = block.height % 8 == 0 || block.height == 1;
            assert_eq!(block.parent_view == 0, first, "{block:?}");
        }
        let proposer = |block: &Block| {
            let members: &[u8] = if block.epoch < 2 { &[1, 2, 3, 4] } else { &[2, 3, 4, 5] };
            let committee = committee(members);
            let seat = usize::try_from(block.proposer).unwrap();
            committee.seats()[seat].operator.0[0]
        };
        let (before, after) = blocks.split_at(15);
        assert!(before.iter().any(|block| proposer(block) == 1));
        assert!(before.iter().all(|block| proposer(block) != 5));
        assert!(after.iter().any(|block| proposer(block) == 5));
        assert!(after.iter().all(|block| proposer(block) != 1));
        let epochs = cluster.validators[&5].events.try_iter().filter_map(|event| match event {
            ChainEvent::EpochChange { epoch, .. } => Some(epoch),
            _ => None,
        });
        assert!(epochs.take(7).eq(0..7));
    });
}

#[test]
fn a_validator_that_sleeps_over_epochs_catches_up() {
    simulate(4, |context| async move {
        let committees = FixedCommittees::new(committee(&[1, 2, 3, 4]));
        let mut cluster = Cluster::new(context, &[1, 2, 3, 4], committees, 6).await;
        cluster.start_all().await;
        cluster.reach(4).await;
        let asleep = cluster.crash(4).await;
        cluster.reach(30).await;
        cluster.start(4, asleep).await;
        cluster.reach(45).await;
        cluster.agree();
    });
}

#[test]
fn votes_of_epochs_that_are_over_for_good_are_removed() {
    simulate(8, |context| async move {
        let operators = [1, 2, 3, 4];
        let committees = FixedCommittees::new(committee(&operators));
        let mut cluster = Cluster::new(context, &operators, committees, 8).await;
        cluster.start_all().await;
        let storage = cluster.context.child("storage");
        let has_votes = async |number: u8, epoch: u64| {
            storage.scan(&format!("validator-{number}-consensus-{epoch}")).await.is_ok()
        };
        cluster.reach(20).await;
        for number in operators {
            assert!(has_votes(number, 0).await, "the block before the third epoch may come back");
        }
        cluster.reach(60).await;
        for number in operators {
            for epoch in 0..5 {
                assert!(!has_votes(number, epoch).await, "{number} {epoch}");
            }
            // Sixteen blocks before the epoch of block 60, or that after it.
            assert!(has_votes(number, 6).await && has_votes(number, 7).await, "{number}");
        }
        for number in operators {
            let ledger = cluster.crash(number).await;
            cluster.start(number, ledger).await;
        }
        cluster.reach(90).await;
        cluster.agree();
    });
}

#[test]
fn all_crash_again_and_again_and_lose_nothing() {
    for seed in 5..7 {
        simulate(seed, |context| async move {
            let operators = [1, 2, 3, 4];
            let committees = FixedCommittees::new(committee(&operators));
            let mut cluster = Cluster::new(context, &operators, committees, 5).await;
            cluster.start_all().await;
            for round in 1..=4 {
                // At another moment of a view each time, and at the edge of an epoch now and then.
                cluster.reach(5 * round - 1).await;
                cluster.context.sleep(Duration::from_millis(17 * round * seed)).await;
                for number in operators {
                    let ledger = cluster.crash(number).await;
                    cluster.start(number, ledger).await;
                }
            }
            cluster.reach(26).await;
            cluster.agree();
        });
    }
}
