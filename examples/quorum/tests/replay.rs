//! LazVM under the simulated chain: the same seed gives the same run, block for block, with answers of a model in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use quorum::replay::Replayer;

#[test]
fn a_seed_replays_with_real_blocks() {
    let replayer = Replayer::new(&[4, 7]).unwrap();
    let mut hashes = BTreeSet::new();
    for seed in 0..8 {
        let replay = replayer.replay(seed).unwrap();
        assert!(replay.is_clean(), "{replay:#?}");
        // Blocks in which something happened, not only blocks.
        assert!(replay.first.transactions >= 12, "{replay:#?}");
        hashes.insert(replay.first.report.hash);
    }
    assert_eq!(hashes.len(), 8, "each seed gives a run of its own");
}

/// A write that a disk refuses may be told with the next one, seconds after the last fault.
#[test]
fn a_node_that_hears_late_of_its_disk_is_excused() {
    let replay = Replayer::new(&[10]).unwrap().replay(800).unwrap();
    assert!(replay.is_clean(), "{replay:#?}");
    assert!(replay.first.report.refused >= 3, "{replay:#?}");
}
