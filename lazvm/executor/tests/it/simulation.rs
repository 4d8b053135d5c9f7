use std::collections::BTreeSet;

use crate::replayer::Replayer;

#[test]
fn a_seed_replays_with_real_blocks() {
    let replayer = Replayer::new(&[4, 7]).unwrap();
    let mut hashes = BTreeSet::new();
    for seed in 0..8 {
        let replay = replayer.replay(seed).unwrap();
        assert_eq!(replay.case.seed, seed);
        assert!(replay.is_clean(), "{replay:#?}");
        // Blocks in which something happened, not only blocks.
        assert!(replay.first.transactions >= 12, "{replay:#?}");
        hashes.insert(replay.first.report.hash);
    }
    assert_eq!(hashes.len(), 8, "each seed gives a run of its own");
}

/// A refused write may be reported with the next one, seconds after the last fault.
#[test]
fn a_node_that_hears_late_of_its_disk_is_excused() {
    let replayer = Replayer::new(&[10]).unwrap();
    // What a seed does to a disk depends on the bytes of the blocks.
    let mut refused = (800..860).map(|seed| {
        let replay = replayer.replay(seed).unwrap();
        assert!(replay.is_clean(), "{replay:#?}");
        replay.first.report.refused
    });
    assert!(refused.any(|refused| refused >= 3));
}
