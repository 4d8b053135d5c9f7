//! Votes outlive crashes.

use std::fs;

use alloy_primitives::B256;
use lazai_consensus::{Attestation, Epoch, Slot, VoteJournal, VoteStore, VoteStoreError};

use crate::support::checkpoint;

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
    let in_epoch = |epoch| Attestation { epoch: Epoch(epoch), ..checkpoint(1, 1) }.slot();
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

/// A process that was killed may have written a record that no disk has yet. Its vote is then given
/// again, so it must be written again: what the system wrote back too late, or failed to, is not
/// asked about.
#[test]
fn what_is_found_is_made_durable_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before) = (folder.path().join("votes"), folder.path().join("before"));
    VoteJournal::open(&path).unwrap().reserve(&slot(1), B256::repeat_byte(7)).unwrap();
    fs::hard_link(&path, &before).unwrap();
    let old = fs::read(&before).unwrap();
    let mut journal = VoteJournal::open(&path).unwrap();
    journal.reserve(&slot(2), B256::repeat_byte(8)).unwrap();
    assert_eq!(fs::read(&before).unwrap(), old, "the file that was found is not written to");
    assert!(fs::read(&path).unwrap().starts_with(&old));
}

/// The journal is replaced by others of its name, so the lock must not be one of them.
#[test]
fn no_name_unlocks_a_journal() {
    for name in ["votes", "votes.lock", "votes.new", ".votes", "votes.1"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut journal = VoteJournal::open(&path).unwrap();
        journal.reserve(&slot(1), B256::repeat_byte(7)).unwrap();
        journal.forget_before(Epoch(1)).unwrap();
        assert_eq!(VoteJournal::open(&path).unwrap_err(), VoteStoreError::Locked, "{name}");
        assert_eq!(journal.reserved(&slot(1)), Some(B256::repeat_byte(7)));
        drop(journal);
        let journal = VoteJournal::open(&path).unwrap();
        assert_eq!(journal.reserved(&slot(1)), Some(B256::repeat_byte(7)), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_journal_has_one_lock_whatever_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("votes"), folder.path().join("link"));
    drop(VoteJournal::open(&path).unwrap());
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut journal = VoteJournal::open(&link).unwrap();
    assert_eq!(VoteJournal::open(&path).unwrap_err(), VoteStoreError::Locked);
    journal.reserve(&slot(1), B256::repeat_byte(7)).unwrap();
    journal.forget_before(Epoch(1)).unwrap();
    drop(journal);
    let journal = VoteJournal::open(&path).unwrap();
    assert_eq!(journal.reserved(&slot(1)), Some(B256::repeat_byte(7)));
}

/// Runs itself again in a process that may open few files.
#[cfg(unix)]
#[test]
fn a_replacement_that_fails_loses_no_vote_given_after_it() {
    const NAME: &str = "a_replacement_that_fails_loses_no_vote_given_after_it";
    const CHILD: &str = "LAZAI_JOURNAL_WITH_FEW_FILES";
    if std::env::var_os(CHILD).is_none() {
        let run = "ulimit -n 64 && exec \"$0\" --exact \"$1\" --nocapture";
        let status = std::process::Command::new("sh")
            .args(["-c", run])
            .args([std::env::current_exe().unwrap().as_os_str(), NAME.as_ref()])
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    let mut journal = VoteJournal::open(&path).unwrap();
    let mut failures = 0;
    // With no file left to open, with one, with two, until it works.
    for left in 0..4 {
        let mut others: Vec<_> = core::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        others.truncate(others.len() - left);
        let forgotten = journal.forget_before(Epoch(left as u64 + 1));
        failures += u32::from(forgotten.is_err());
        let height = left as u64;
        let voted = journal.reserve(&slot(height), B256::repeat_byte(7));
        drop(others);
        drop(journal);
        journal = VoteJournal::open(&path).unwrap();
        assert_eq!(journal.reserved(&slot(height)).is_some(), voted.is_ok(), "{left}");
    }
    assert!((1..4).contains(&failures), "{failures}");
}
