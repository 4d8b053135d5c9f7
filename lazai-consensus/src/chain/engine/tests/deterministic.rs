use core::time::Duration;

use alloy_primitives::B256;
use commonware_runtime::{
    Clock, Runner,
    deterministic::{Config, Context},
};

use super::{Cluster, committee};
use crate::chain::{Block, ChainEvent, FixedCommittees};

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
