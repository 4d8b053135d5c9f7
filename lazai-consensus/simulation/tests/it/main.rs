//! Clusters under random faults: a part of the campaign, and proof that the checker detects
//! violations.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::B256;

use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};
use lazai_simulation::{
    Case, Cluster, ClusterError, Crash, Disk, HashLedger, Link, Partition, Pattern, PowerCut,
    Region, Scenario, Signatures, StorageFaults, Twins, Violation,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs seeds of a scenario and prints the objections.
fn sweep(scenario: Scenario, sizes: &[u16], seeds: core::ops::Range<u64>) {
    for seed in seeds {
        let case = Case::of(seed, Some(scenario), sizes);
        let report = case.run().unwrap();
        let objections = case.objections(&report);
        assert_eq!(objections, [], "{case:?}: {}", case.command());
    }
}

#[test]
fn as_many_twins_as_are_tolerated_break_nothing() {
    sweep(Scenario::Twins, &[4, 7, 10], 0..24);
}

#[test]
fn lost_messages_splits_crashes_and_broken_disks_break_nothing() {
    sweep(Scenario::Sweep, &[4, 7, 10], 0..24);
}

#[test]
fn blocks_are_final_again_soon_after_a_split_without_quorum() {
    sweep(Scenario::Heal, &[4, 7, 10], 0..6);
}

#[test]
fn validators_of_the_chain_hold_under_the_same_faults() {
    sweep(Scenario::Chain, &[4], 0..6);
}

#[test]
fn validators_commit_the_same_blocks_in_three_delays_and_replay() {
    let delay = ms(100);
    let run = |seed| {
        let ledgers: Vec<HashLedger> = (0..4).map(|_| HashLedger::default()).collect();
        let executors = ledgers.clone();
        let report = Cluster::builder()
            .seed(seed)
            .link(Link::fixed(delay))
            .duration(Duration::from_secs(10))
            .epoch_length(10)
            .executors(move |node| Arc::new(executors[usize::from(node)].clone()))
            .run()
            .unwrap();
        assert_eq!(report.violations, []);
        (report, ledgers)
    };
    let (report, ledgers) = run(3);
    let chains: Vec<_> = ledgers.iter().map(HashLedger::blocks).collect();
    let shortest = chains.iter().map(Vec::len).min().unwrap();
    // Three changes of the epoch, at least.
    assert!(shortest > 30, "{shortest} blocks");
    assert!(chains.iter().all(|chain| chain[..shortest] == chains[0][..shortest]));
    assert!(report.finalized >= shortest as u64);
    // The median: where an epoch ends, the next block waits for its finality. The steps of the
    // runtime are 1 ms.
    let last = report.finality.in_delays(50, delay).unwrap();
    assert!((3_000..3_500).contains(&last), "{last}");
    assert_eq!(run(3).0.hash, report.hash);
    assert_ne!(run(4).0.hash, report.hash);
}

/// An executor with a wrong state from a height on.
#[derive(Debug)]
struct Drifting(HashLedger, u64);

impl BlockExecutor for Drifting {
    fn genesis_state_root(&self) -> B256 {
        self.0.genesis_state_root()
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        max_bytes: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        self.0.build(pending, context, max_bytes)
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        let root = self.0.validate(pending, context, payload)?;
        Ok(if context.height >= self.1 { !root } else { root })
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        self.0.commit(block)
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        self.0.committed()
    }
}

#[test]
fn an_executor_with_a_state_of_its_own_is_found() {
    let ledgers: Vec<HashLedger> = (0..4).map(|_| HashLedger::default()).collect();
    let report = Cluster::builder()
        .executors(move |node| {
            let ledger = ledgers[usize::from(node)].clone();
            let from = if node == 2 { 3 } else { u64::MAX };
            Arc::new(Drifting(ledger, from))
        })
        .run()
        .unwrap();
    // The executor that answers first is the reference for the others.
    let drifted =
        |violation: &Violation| matches!(violation, Violation::StateDivergence { height: 3, .. });
    assert!(report.violations.iter().any(drifted), "{:?}", report.violations);
}

#[test]
fn an_executor_that_comes_back_empty_is_found() {
    let report = Cluster::builder()
        .crash(Crash { node: 1, at: ms(2_000), until: ms(2_500), disk: Disk::Kept })
        .liveness(1, Duration::from_secs(5))
        .executors(|_| Arc::new(HashLedger::default()))
        .run()
        .unwrap();
    assert!(report.violations.contains(&Violation::Lost { node: 1 }), "{:?}", report.violations);
}

#[test]
fn one_twin_too_many_breaks_agreement_and_is_named() {
    for nodes in [4, 7, 10] {
        let runs = (0..6).map(|seed| {
            let report = Scenario::Beyond.cluster(nodes, seed).run().unwrap();
            assert_eq!(Scenario::Beyond.objections(nodes, &report), []);
            assert_eq!(report.is_unsafe(), report.disagrees());
            // An attack may come too late to break agreement.
            let named = report.evidence.len() > usize::from(nodes - 1) / 3;
            assert!(named || !report.disagrees(), "{:?}", report.evidence);
            report.disagrees()
        });
        let broken = runs.filter(|broken| *broken).count();
        assert!(broken >= 3, "{nodes} nodes: agreement broke in {broken} of 6 runs");
    }
}

/// A leader of view 1 that stops after its proposal, and restarts before the view ends.
fn restarted_leader(disk: Disk) -> Cluster {
    Cluster::builder()
        .link(Link::fixed(ms(300)))
        .crash(Crash { node: 1, at: ms(100), until: ms(200), disk })
        .signatures(Signatures::Ed25519)
}

#[test]
fn a_leader_that_forgets_its_vote_is_named() {
    // Votes are durable before they are sent: with its disk, the leader repeats its vote.
    let kept = restarted_leader(Disk::Kept).run().unwrap();
    assert_eq!((kept.violations.as_slice(), kept.evidence.len()), (&[][..], 0));
    let lost = restarted_leader(Disk::Lost).run().unwrap();
    assert_eq!(lost.violations, []);
    assert_eq!(Vec::from_iter(lost.evidence), [1]);
}

#[test]
fn a_cluster_without_quorum_is_found_stalled() {
    let report = Cluster::builder()
        .crash(Crash { node: 0, at: ms(0), until: Duration::from_secs(60), disk: Disk::Kept })
        .crash(Crash { node: 1, at: ms(0), until: Duration::from_secs(60), disk: Disk::Kept })
        .run()
        .unwrap();
    // Two of four wait for the others, and all go on when they are back.
    assert_eq!(report.violations, []);
    assert!(report.elapsed >= Duration::from_secs(60));

    let lossy = Link { loss_permille: 1000, ..Link::fixed(ms(50)) };
    let report = Cluster::builder().link(lossy).liveness(3, Duration::from_secs(5)).run().unwrap();
    let stalled = |violation: &Violation| matches!(violation, Violation::Stalled { got: 0, .. });
    assert_eq!(report.violations.len(), 4);
    assert!(report.violations.iter().all(stalled) && !report.is_unsafe());
}

#[test]
fn a_cluster_recovers_from_power_cuts_with_writes_cut_in_the_middle() {
    let mut cluster = Cluster::builder().nodes(4).seed(5);
    for second in 1..6 {
        let at = Duration::from_secs(second) + ms(37 * second);
        cluster = cluster.power_cut(PowerCut { at, until: at + ms(300) });
    }
    let report = cluster.run().unwrap();
    assert_eq!(report.violations, []);
    assert!(report.crashes >= 20 && report.finalized > 10, "{report:?}");
}

#[test]
fn disks_that_refuse_stop_nodes_and_nothing_else() {
    let refusals = (0..4).map(|seed| {
        let faults = StorageFaults {
            until: Duration::from_secs(4),
            write_ppm: 20_000,
            sync_ppm: 20_000,
            ..StorageFaults::default()
        };
        let report = Cluster::builder().seed(seed).storage_faults(faults).run().unwrap();
        assert_eq!(report.violations, [], "seed {seed}");
        report.refused
    });
    assert!(refusals.sum::<u64>() > 0);
}

#[test]
fn equal_seeds_give_equal_hashes_and_others_do_not() {
    let hash = |scenario: Scenario, seed| scenario.cluster(4, seed).run().unwrap().hash;
    for scenario in [Scenario::Beyond, Scenario::Heal, Scenario::Sweep, Scenario::Twins] {
        assert_eq!(hash(scenario, 1), hash(scenario, 1));
        assert_ne!(hash(scenario, 1), hash(scenario, 2));
    }
}

#[test]
fn replays_are_of_all_scenarios_and_sizes() {
    for (every, replays) in [(1, 10_000), (7, 1_428), (100, 100)] {
        let cases = (0..10_000).map(|seed| Case::of(seed, None, &[4, 7, 10]));
        let replayed: Vec<_> = cases.filter(|case| case.is_replayed(every)).collect();
        assert!(replayed.len().abs_diff(replays) <= 1, "{every}: {}", replayed.len());
        for scenario in [Scenario::Beyond, Scenario::Heal, Scenario::Sweep, Scenario::Twins] {
            for nodes in [4, 7, 10] {
                let is_meant = |case: &&Case| case.scenario == scenario && case.nodes == nodes;
                assert!(replayed.iter().any(|case| is_meant(&case)), "{every}: {scenario} {nodes}");
            }
        }
    }
}

#[test]
fn a_block_takes_two_delays_and_finality_three() {
    let delay = ms(100);
    for signatures in [Signatures::Mock, Signatures::Bls] {
        let report = Cluster::builder()
            .link(Link::fixed(delay))
            .step(Duration::from_micros(10))
            .duration(Duration::from_secs(5))
            .signatures(signatures)
            .run()
            .unwrap();
        assert_eq!(report.violations, []);
        let block = report.block_time.in_delays(50, delay).unwrap();
        let last = report.finality.in_delays(99, delay).unwrap();
        assert!((2_000..2_050).contains(&block), "{block}");
        assert!((3_000..3_050).contains(&last), "{last}");
    }
}

#[test]
fn regions_decide_the_delay() {
    let report = Cluster::builder().regions(&Region::ALL).run().unwrap();
    assert_eq!(report.violations, []);
    let near = Region::EuWest1.one_way(Region::EuCentral1);
    assert_eq!(near, Duration::from_micros(13_500));
    assert_eq!(near, Region::EuCentral1.one_way(Region::EuWest1));
    for (i, one) in Region::ALL.into_iter().enumerate() {
        for other in &Region::ALL[i + 1..] {
            assert!(one.one_way(*other) > one.one_way(one));
        }
    }
}

#[test]
fn scripts_of_twins_are_drawn_within_bounds() {
    let twins = Twins::draw(7, 2, 5, Pattern::Sustained, 3).unwrap();
    assert_eq!((twins.nodes.len(), twins.views()), (2, 5));
    assert!(twins.rounds.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(Twins::draw(4, 0, 3, Pattern::Sampled, 0), None);
    assert_eq!(Twins::draw(4, 4, 3, Pattern::Sampled, 0), None);
    assert_eq!(Twins::draw(4, 1, 0, Pattern::Sampled, 0), None);
    assert_eq!(Twins::draw(65, 1, 1, Pattern::Sampled, 0), None);
}

#[test]
fn clusters_that_cannot_be_are_refused() {
    let (from, to) = (ms(2), ms(1));
    let refused = |cluster: Cluster| cluster.run().unwrap_err();
    assert_eq!(refused(Cluster::builder().nodes(0)), ClusterError::Nodes { max: 64, got: 0 });
    assert_eq!(refused(Cluster::builder().nodes(65)), ClusterError::Nodes { max: 64, got: 65 });
    let split = Partition { from, to, groups: vec![vec![0, 1]] };
    assert_eq!(refused(Cluster::builder().partition(split)), ClusterError::Backwards { from, to });
    let split = Partition { from: to, to: from, groups: vec![vec![4]] };
    let nobody = ClusterError::NoSuchNode { nodes: 4, got: 4 };
    assert_eq!(refused(Cluster::builder().partition(split)), nobody);
    assert_eq!(refused(Cluster::builder().step(Duration::ZERO)), ClusterError::NoStep);
    let short = Cluster::builder().epoch_length(1);
    assert_eq!(refused(short), ClusterError::EpochLength { got: 1 });
    let twice = Cluster::builder()
        .twins(Twins::split(4, 1, 1, 0).unwrap())
        .executors(|_| Arc::new(HashLedger::default()));
    assert_eq!(refused(twice), ClusterError::Executors);
    let regions = ClusterError::Regions { expected: 4, got: 3 };
    assert_eq!(refused(Cluster::builder().regions(&Region::ALL[..3])), regions);
}
