//! Votes outlive crashes.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use alloy_primitives::B256;
use lazai_consensus::{Epoch, Slot, Statement, VoteJournal, VoteStore, VoteStoreError};
use support::checkpoint;

fn slot(height: u64) -> Slot {
    checkpoint(height, 0).slot()
}

#[test]
fn a_vote_is_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let mut journal = VoteJournal::open(&path).unwrap();
    journal.reserve(&slot(1), one).unwrap();
    journal.reserve(&slot(1), one).unwrap();
    journal.reserve(&slot(2), two).unwrap();
    assert_eq!(VoteJournal::open(&path).unwrap_err(), VoteStoreError::Locked);
    drop(journal);
    let mut journal = VoteJournal::open(&path).unwrap();
    assert_eq!(journal.reserved(&slot(1)), Some(one));
    assert_eq!(
        journal.reserve(&slot(1), two),
        Err(VoteStoreError::Conflict { signed: one, got: two })
    );
    assert_eq!(journal.reserve(&slot(2), two), Ok(()));
}

#[test]
fn a_crash_at_any_byte_loses_no_vote_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    // What is on disk after each answer of the journal.
    let mut sizes = Vec::new();
    {
        let mut journal = VoteJournal::open(&path).unwrap();
        sizes.push(fs::metadata(&path).unwrap().len());
        for height in 0..3 {
            journal.reserve(&slot(height), B256::repeat_byte(7)).unwrap();
            sizes.push(fs::metadata(&path).unwrap().len());
        }
    }
    let bytes = fs::read(&path).unwrap();
    for length in 0..=bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let mut journal = VoteJournal::open(&path).unwrap();
        let kept = sizes.iter().skip(1).filter(|size| **size <= length as u64).count() as u64;
        for height in 0..3 {
            assert_eq!(journal.reserved(&slot(height)).is_some(), height < kept, "cut at {length}");
        }
        // It goes on as if nothing had happened.
        journal.reserve(&slot(9), B256::ZERO).unwrap();
        drop(journal);
        assert_eq!(VoteJournal::open(&path).unwrap().reserved(&slot(9)), Some(B256::ZERO));
    }
}

#[test]
fn damage_is_not_taken_for_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    {
        let mut journal = VoteJournal::open(&path).unwrap();
        journal.reserve(&slot(1), B256::repeat_byte(7)).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x40;
        fs::write(&path, &altered).unwrap();
        assert!(matches!(VoteJournal::open(&path), Err(VoteStoreError::Damaged { .. })), "{at}");
    }
}

#[test]
fn forgotten_epochs_are_not_voted_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    let in_epoch = |epoch| Statement { epoch: Epoch(epoch), ..checkpoint(1, 1) }.slot();
    let mut journal = VoteJournal::open(&path).unwrap();
    for epoch in 1..6 {
        journal.reserve(&in_epoch(epoch), B256::repeat_byte(1)).unwrap();
    }
    let before = fs::metadata(&path).unwrap().len();
    journal.forget_before(Epoch(4)).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < before);
    let forgotten = VoteStoreError::Forgotten { first: 4, got: 3 };
    assert_eq!(journal.reserve(&in_epoch(3), B256::repeat_byte(1)), Err(forgotten.clone()));
    journal.reserve(&in_epoch(6), B256::repeat_byte(1)).unwrap();
    drop(journal);
    let mut journal = VoteJournal::open(&path).unwrap();
    assert_eq!(journal.reserve(&in_epoch(3), B256::ZERO), Err(forgotten));
    for epoch in 4..=6 {
        assert_eq!(journal.reserved(&in_epoch(epoch)), Some(B256::repeat_byte(1)));
    }
}
