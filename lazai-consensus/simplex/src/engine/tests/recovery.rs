use core::time::Duration;
use std::sync::Arc;

use commonware_runtime::Clock;
use lazai_api_types::chain::{Block, BlockExecutionError, BlockExecutor};
use lazai_consensus::chain::FixedCommittees;

use super::{Cluster, Ledger, committee, deterministic::simulate};
use crate::{ChainError, ChainEvent};

const OPERATORS: [u8; 4] = [1, 2, 3, 4];

/// Returns the seat of an operator.
fn seat(number: u8) -> u32 {
    let committee = committee(&OPERATORS);
    let place = committee.seats().iter().position(|seat| seat.operator.0[0] == number);
    u32::try_from(place.unwrap()).unwrap()
}

async fn running(context: commonware_runtime::deterministic::Context, height: u64) -> Cluster {
    let committees = FixedCommittees::new(committee(&OPERATORS));
    let mut cluster = Cluster::new(context, &OPERATORS, committees, 10).await;
    cluster.start_all().await;
    cluster.reach(height).await;
    cluster
}

#[test]
fn an_executor_behind_the_journal_is_brought_up() {
    simulate(11, |context| async move {
        let mut cluster = running(context, 25).await;
        for (number, height) in [(1, 24), (2, 9), (3, 0)] {
            let ledger = cluster.crash(number).await;
            let before = ledger.blocks();
            ledger.roll_back(height);
            cluster.start(number, ledger).await;
            // Enough time to read the journal, and not enough for a new block.
            cluster.context.sleep(Duration::from_millis(5)).await;
            let after = cluster.validators[&number].ledger.blocks();
            assert_eq!(after[..before.len()], before);
        }
        cluster.reach(40).await;
        cluster.agree();
    });
}

#[test]
fn an_executor_ahead_of_the_journal_commits_nothing_twice() {
    simulate(12, |context| async move {
        let mut cluster = running(context, 20).await;
        let ledger = cluster.crash(4).await;
        // The journal is lost, the state is not. The ledger would panic on a block that it has.
        let height = ledger.blocks().last().unwrap().height;
        cluster.start_with(4, ledger, "replaced").await;
        cluster.reach(70).await;
        cluster.agree();
        // It does not know how it voted, so it is silent until the next epoch.
        let own = |block: &&Block| block.proposer == seat(4);
        let blocks = cluster.validators[&1].ledger.blocks();
        // What it proposed before it crashed may still become final.
        let silent = (height + 4)..(height / 10 + 1) * 10;
        assert!(!blocks.iter().filter(own).any(|block| silent.contains(&block.height)));
        assert!(blocks.iter().filter(own).any(|block| block.height >= silent.end));
        let first = cluster.validators[&4].events.try_iter().find_map(|event| match event {
            ChainEvent::Finalized { block, .. } => Some(block.height),
            _ => None,
        });
        assert_eq!(first, Some(height + 1));
    });
}

#[test]
fn a_new_validator_with_nothing_fetches_the_chain() {
    simulate(13, |context| async move {
        let mut cluster = running(context, 25).await;
        cluster.crash(4).await;
        cluster.start_with(4, Arc::default(), "replaced").await;
        cluster.reach(40).await;
        cluster.agree();
    });
}

#[test]
fn an_executor_of_another_chain_is_refused() {
    simulate(14, |context| async move {
        let mut cluster = running(context, 12).await;
        cluster.crash(4).await;
        let other = Ledger::default();
        let mut block = cluster.validators[&1].ledger.blocks()[0].clone();
        block.timestamp_ms += 1;
        other.commit(&block).unwrap();
        let expected = (block.digest(), cluster.validators[&1].ledger.blocks()[0].digest());
        // With a journal, at once; without, as soon as the chain is there to compare with.
        for partition in ["validator-4", "replaced"] {
            cluster.start_with(4, Arc::new(other.copy()), partition).await;
            let validator = cluster.validators.remove(&4).unwrap();
            let ended = validator.handle.await.unwrap();
            let diverged =
                ChainError::Diverged { height: 1, executor: expected.0, journal: expected.1 };
            assert_eq!(ended, Err(diverged.clone()), "{partition}");
            let told = validator.events.try_iter().last();
            assert!(matches!(told, Some(ChainEvent::Stopped(error)) if error == diverged));
        }
        cluster.reach(20).await;
        cluster.agree();
    });
}

#[test]
fn a_broken_executor_abstains_and_then_stops_its_validator() {
    simulate(15, |context| async move {
        let mut cluster = running(context, 5).await;
        cluster.validators[&4].ledger.break_down();
        let broken = cluster.validators.remove(&4).unwrap();
        let ended = broken.handle.await.unwrap();
        let fault = BlockExecutionError::Fault { reason: "broken".into() };
        assert_eq!(ended, Err(ChainError::Execution(fault)));
        let height = cluster.validators[&1].ledger.blocks().last().unwrap().height;
        cluster.reach(height + 10).await;
        cluster.agree();
    });
}

#[test]
fn a_block_that_is_rejected_never_becomes_final() {
    simulate(16, |context| async move {
        let cluster = running(context, 3).await;
        cluster.validators[&4].ledger.propose_nonsense();
        let from = cluster.validators[&1].ledger.blocks().last().unwrap().height;
        cluster.reach(from + 20).await;
        cluster.agree();
        let blocks = cluster.validators[&1].ledger.blocks();
        assert!(blocks.iter().all(|block| block.payload != b"nonsense"));
        // The fourth has the largest weight, so it was its turn more than once.
        let later = blocks.iter().filter(|block| block.height > from + 1);
        assert!(later.clone().all(|block| block.proposer != seat(4)));
    });
}
