use core::time::Duration;

use commonware_runtime::{
    Runner,
    deterministic::{Config, Context},
};

use super::{Cluster, committee};
use crate::chain::{ChainEvent, FixedCommittees};

/// Runs a scenario and returns the state of the simulator at its end.
fn simulate<F: Future<Output = ()>>(seed: u64, scenario: impl FnOnce(Context) -> F) -> String {
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
        let genesis = crate::chain::Block::genesis(alloy_primitives::B256::ZERO).digest();
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
