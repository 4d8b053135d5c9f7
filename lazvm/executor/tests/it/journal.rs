use core::num::NonZeroU64;
use std::{fs, path::Path};

use alloy_primitives::{Address, Bytes, keccak256};
use lazai_api_types::chain::{Block, BlockExecutor};
use lazvm_executor::{
    GenesisAccount, GenesisError, JournalError, LazVmExecutor, OpenError, Opened, SnapshotError,
    StoreError, TransactionRequest,
};

use crate::support::*;

fn open(folder: &Path, snapshot_every: u64) -> Result<(LazVmExecutor, Opened), OpenError> {
    LazVmExecutor::open(genesis(), devices(), folder, NonZeroU64::new(snapshot_every).unwrap())
}

/// A folder with the given blocks, and where each record of the journal ends.
fn written(blocks: &[Block], snapshot_every: u64) -> (Folder, Vec<u64>) {
    let folder = Folder::new();
    let (executor, _) = open(folder.path(), snapshot_every).unwrap();
    let length = || fs::metadata(folder.path().join("journal")).unwrap().len();
    let mut ends = vec![length()];
    for block in blocks {
        executor.commit(block).unwrap();
        ends.push(length());
    }
    (folder, ends)
}

const NEVER: u64 = u64::MAX;

#[test]
fn committed_blocks_survive_and_give_the_same_state() {
    let blocks = three_blocks();
    for every in [1, 2, 3, NEVER] {
        let (folder, _) = written(&blocks, every);
        let (executor, opened) = open(folder.path(), every).unwrap();
        let snapshot_height = if every == NEVER { 0 } else { 3 / every * every };
        let expected = Opened {
            height: 3,
            snapshot_height,
            replayed: 3 - snapshot_height,
            ..Opened::default()
        };
        assert_eq!(opened, expected);
        let memory = executor_of(&blocks);
        assert_eq!(executor.status().unwrap(), memory.status().unwrap());
        for block in &blocks {
            assert_eq!(executor.digest(block.height).unwrap(), Some(block.digest()));
        }
        // The state is all there: the next block comes out the same.
        for executor in [&executor, &memory] {
            submit(executor, "alice", 2, prompt("The dog"));
        }
        assert_eq!(build(&executor, &[]), build(&memory, &[]));
    }
}

#[test]
fn a_delegation_of_the_genesis_is_one_after_a_snapshot_too() {
    let [delegated, target] = [0xd1, 0xd2].map(Address::repeat_byte);
    let account = |code: &[u8]| GenesisAccount {
        code: Bytes::copy_from_slice(code),
        ..GenesisAccount::default()
    };
    let mut genesis = genesis();
    // PUSH1 1, PUSH0, CALLDATALOAD, SSTORE
    genesis.accounts.insert(target, account(&[0x60, 0x01, 0x5f, 0x35, 0x55]));
    let delegation = [&[0xef, 0x01, 0x00], target.as_slice()].concat();
    genesis.accounts.insert(delegated, account(&delegation));
    let folder = Folder::new();
    let open = || {
        let every = NonZeroU64::MIN;
        LazVmExecutor::open(genesis.clone(), devices(), folder.path(), every).unwrap()
    };
    let first = build(&open().0, &[]);
    open().0.commit(&first).unwrap();
    let (reopened, opened) = open();
    assert_eq!(opened.snapshot_height, 1);
    let fresh = LazVmExecutor::in_memory(genesis.clone(), devices()).unwrap();
    fresh.commit(&first).unwrap();
    let call = TransactionRequest::call(delegated, [9; 32]);
    let [second, other] = [&fresh, &reopened].map(|executor| {
        submit(executor, "alice", 0, call.clone());
        build(executor, &[])
    });
    assert_eq!(second, other);
    let called = submit(&fresh, "alice", 0, call);
    fresh.commit(&second).unwrap();
    // The code of the target ran.
    assert!(fresh.receipt(&called).unwrap().unwrap().success);

    // What only begins as a delegation is no code.
    for end in [2, 3, 22] {
        genesis.accounts.insert(delegated, account(&delegation[..end]));
        let refused = LazVmExecutor::in_memory(genesis.clone(), devices()).unwrap_err();
        assert_eq!(refused, GenesisError::Delegation { address: delegated });
    }
}

#[test]
fn a_journal_torn_at_any_byte_opens_with_the_blocks_before() {
    let blocks = three_blocks();
    let (folder, ends) = written(&blocks, NEVER);
    let bytes = fs::read(folder.path().join("journal")).unwrap();
    let roots: Vec<_> = blocks.iter().map(|block| block.state_root).collect();
    for cut in usize::try_from(ends[0]).unwrap()..=bytes.len() {
        // Each cut, plain and with the zeros that a file system leaves where data did not arrive.
        for zeros in [0, 40] {
            let torn = Folder::new();
            let mut left = bytes[..cut].to_vec();
            left.resize(cut + zeros, 0);
            fs::write(torn.path().join("journal"), &left).unwrap();
            let whole = ends.iter().rposition(|end| *end <= cut as u64).unwrap();
            // Opening executes the blocks again, a model among them: enough to do at a sample of
            // the cuts.
            if whole > 1 && cut % 29 > 1 && !ends.contains(&(cut as u64)) {
                continue;
            }
            let (executor, opened) = open(torn.path(), NEVER).unwrap();
            assert_eq!((opened.height, opened.replayed), (whole as u64, whole as u64), "{cut}");
            assert_eq!(opened.cut_bytes, left.len() as u64 - ends[whole], "{cut}");
            let last = whole.checked_sub(1).map(|last| blocks[last].digest());
            assert_eq!(executor.committed().unwrap(), last.map(|last| (whole as u64, last)));
            // It goes on from there, and what was torn is gone for good.
            if let Some(next) = blocks.get(whole) {
                executor.commit(next).unwrap();
                assert_eq!(executor.status().unwrap().state_root, roots[whole]);
                drop(executor);
                assert_eq!(open(torn.path(), NEVER).unwrap().1.height, whole as u64 + 1);
            }
        }
    }
}

#[test]
fn a_record_in_the_data_of_a_user_does_not_stop_a_node() {
    // A whole and sound record of a later block, as calldata.
    let mut record = b"LZB1".to_vec();
    record.extend(9_u64.to_be_bytes());
    record.extend(3_u32.to_be_bytes());
    record.extend([1, 2, 3]);
    let sum = keccak256(&record);
    record.extend(sum);
    let proposer = executor();
    submit(&proposer, "alice", 0, TransactionRequest::call(Address::repeat_byte(7), record));
    let block = build(&proposer, &[]);
    let (folder, ends) = written(core::slice::from_ref(&block), NEVER);
    let path = folder.path().join("journal");
    let bytes = fs::read(&path).unwrap();
    for cut in 1..40 {
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let (_, opened) = open(folder.path(), NEVER).unwrap();
        assert_eq!(opened.cut_bytes, ends[1] - ends[0] - cut as u64);
    }
}

#[test]
fn damage_in_the_middle_is_loud() {
    let blocks = three_blocks();
    let (folder, ends) = written(&blocks, NEVER);
    let path = folder.path().join("journal");
    let bytes = fs::read(&path).unwrap();
    for at in usize::try_from(ends[0]).unwrap()..usize::try_from(ends[1]).unwrap() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let expected = JournalError::Damaged { height: 1, offset: ends[0] };
        assert_eq!(open(folder.path(), NEVER).unwrap_err(), expected.into(), "{at}");
        // Nothing was thrown away.
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    let header = usize::try_from(ends[0]).unwrap();
    for other in [&bytes[..header - 1], &[b"x", &bytes[1..]].concat(), &[]] {
        fs::write(&path, other).unwrap();
        assert_eq!(open(folder.path(), NEVER).unwrap_err(), JournalError::Header.into());
    }
}

#[test]
fn a_snapshot_is_believed_only_where_the_journal_agrees() {
    let blocks = three_blocks();
    let (folder, ends) = written(&blocks, 2);
    let (journal, snapshot) = (folder.path().join("journal"), folder.path().join("snapshot"));
    let status = open(folder.path(), 2).unwrap().0.status().unwrap();
    let whole = fs::read(&snapshot).unwrap();
    let refused = |expected: Option<SnapshotError>| {
        let (executor, opened) = open(folder.path(), 2).unwrap();
        assert_eq!((opened.snapshot_height, opened.replayed), (0, opened.height));
        assert_eq!(opened.snapshot_refused, expected);
        executor.status().unwrap()
    };
    for cut in (0..whole.len()).step_by(37) {
        fs::write(&snapshot, &whole[..cut]).unwrap();
        assert_eq!(refused(Some(SnapshotError::Checksum)), status);
    }
    // The state of another chain, with a sum that is right.
    let (other, _) = written(&blocks[..2], 1);
    let mut longer = blocks[..2].to_vec();
    let executor = executor_of(&longer);
    submit(&executor, "carol", 0, prompt("Once"));
    longer.push(build(&executor, &[]));
    drop(other);
    let (other, _) = written(&longer, 3);
    fs::copy(other.path().join("snapshot"), &snapshot).unwrap();
    let (executor, opened) = open(folder.path(), 2).unwrap();
    let expected = SnapshotError::Commitment {
        height: 3,
        expected: blocks[2].state_root,
        got: longer[2].state_root,
    };
    assert_eq!(opened.snapshot_refused, Some(expected));
    assert_eq!(executor.status().unwrap(), status);
    drop(executor);

    // A state ahead of the journal is not one that anything was acknowledged for.
    fs::write(&snapshot, &whole).unwrap();
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..usize::try_from(ends[1]).unwrap()]).unwrap();
    let status = refused(Some(SnapshotError::Ahead { last: 1, got: 2 }));
    assert_eq!(status.state_root, blocks[0].state_root);
}

#[test]
fn a_folder_has_one_owner_and_one_chain() {
    let (folder, _) = written(&three_blocks()[..1], NEVER);
    let (executor, _) = open(folder.path(), NEVER).unwrap();
    let locked = StoreError::Locked { folder: folder.path().to_owned() };
    assert_eq!(open(folder.path(), NEVER).unwrap_err(), locked.into());
    drop(executor);
    let mut genesis = genesis();
    genesis.base_fee += 1;
    let other = LazVmExecutor::open(genesis, devices(), folder.path(), NonZeroU64::MAX);
    assert_eq!(other.unwrap_err(), JournalError::Header.into());
}

fn executor_of(blocks: &[Block]) -> LazVmExecutor {
    let memory = executor();
    for block in blocks {
        memory.commit(block).unwrap();
    }
    memory
}
