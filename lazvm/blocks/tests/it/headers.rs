//! Each rule of a header, broken alone.

use alloy_primitives::{B64, B256, Bytes, U256};
use lazvm::alloy_consensus::Header;
use lazvm_blocks::{
    ChainSpec, Field, HeaderError,
    alloy_hardforks::{EthereumHardfork as Fork, ForkCondition},
    check_header, next_base_fee,
};
use proptest::prelude::*;

use crate::support::{child, genesis, spec};

const FORKS: [Fork; 8] = [
    Fork::Homestead,
    Fork::Byzantium,
    Fork::London,
    Fork::Paris,
    Fork::Shanghai,
    Fork::Cancun,
    Fork::Prague,
    Fork::Osaka,
];

fn checked(spec: &ChainSpec, header: &Header, parent: &Header) -> Result<(), HeaderError> {
    check_header(spec, header, parent, parent.hash_slow())
}

/// What is wrong with a block above the genesis block of each fork, when `change` has changed it.
fn broken(change: impl Fn(&mut Header)) -> Vec<Result<(), HeaderError>> {
    let check = |fork| {
        let spec = spec(fork);
        let parent = genesis(&spec);
        let mut header = child(&spec, &parent);
        change(&mut header);
        checked(&spec, &header, &parent)
    };
    FORKS.map(check).to_vec()
}

fn fields(change: impl Fn(&mut Header)) -> Vec<Option<Field>> {
    let field = |result: Result<(), HeaderError>| match result {
        Ok(()) => None,
        Err(HeaderError::Mismatch(mismatch)) => Some(mismatch.field),
        Err(other) => panic!("{other}"),
    };
    broken(change).into_iter().map(field).collect()
}

#[test]
fn a_block_that_follows_is_valid() {
    assert!(broken(|_| ()).iter().all(Result::is_ok));
}

#[test]
fn parents_numbers_and_times_follow() {
    assert!(
        fields(|header| header.parent_hash = B256::ZERO)
            .iter()
            .all(|field| *field == Some(Field::ParentHash))
    );
    for number in [0, 2, u64::MAX] {
        assert!(
            fields(|header| header.number = number)
                .iter()
                .all(|field| *field == Some(Field::Number))
        );
    }
    for back in [12, 13] {
        for result in broken(|header| header.timestamp -= back) {
            assert!(matches!(result, Err(HeaderError::Time { parent: 1_000, .. })), "{result:?}");
        }
    }
    // Above the highest number there is none.
    let spec = spec(Fork::Osaka);
    let parent = Header { number: u64::MAX, ..genesis(&spec) };
    let mut header = child(&spec, &genesis(&spec));
    header.parent_hash = parent.hash_slow();
    header.number = 0;
    assert!(checked(&spec, &header, &parent).is_err());
}

#[test]
fn gas_is_bounded() {
    for result in broken(|header| header.gas_used = header.gas_limit + 1) {
        assert!(matches!(result, Err(HeaderError::GasUsed { max: 30_000_000, .. })), "{result:?}");
    }
    let step = 30_000_000 / 1_024;
    for (limit, is_valid) in [
        (30_000_000 + step - 1, true),
        (30_000_000 + step, false),
        (30_000_000 - step + 1, true),
        (30_000_000 - step, false),
        (0, false),
        (u64::MAX, false),
    ] {
        for result in broken(|header| header.gas_limit = limit) {
            let is_refused = matches!(result, Err(HeaderError::GasLimit { .. }));
            assert_eq!(is_refused, !is_valid, "{limit} {result:?}");
        }
    }
}

#[test]
fn gas_limits_have_a_least_and_a_most_value() {
    let spec = spec(Fork::Osaka);
    for (parent_limit, limit, is_valid) in [
        (5_001, 5_000, true),
        (5_000, 4_999, false),
        (i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs(), true),
        (i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs() + 1, false),
    ] {
        let parent = Header { gas_limit: parent_limit, ..genesis(&spec) };
        let header = Header { gas_limit: limit, ..child(&spec, &parent) };
        assert_eq!(checked(&spec, &header, &parent).is_ok(), is_valid, "{limit}");
    }
}

#[test]
fn extra_data_are_short() {
    let with = |bytes: usize| move |header: &mut Header| header.extra_data = vec![1; bytes].into();
    assert!(broken(with(32)).iter().all(Result::is_ok));
    for result in broken(with(33)) {
        assert!(matches!(result, Err(HeaderError::ExtraData { max: 32, got: 33 })), "{result:?}");
    }
}

#[test]
fn base_fees_are_those_of_the_parent() {
    for (fork, field) in FORKS.into_iter().zip(fields(|header| header.base_fee_per_gas = None)) {
        assert_eq!(field, (fork >= Fork::London).then_some(Field::BaseFee), "{fork:?}");
    }
    let one_more = |header: &mut Header| {
        header.base_fee_per_gas = Some(header.base_fee_per_gas.unwrap_or_default() + 1);
    };
    assert!(fields(one_more).iter().all(|field| *field == Some(Field::BaseFee)));
}

/// The first block of London counts the limit of its parent twice, and starts at 1 gwei.
#[test]
fn london_begins() {
    let forks =
        [(Fork::Homestead, ForkCondition::Block(0)), (Fork::London, ForkCondition::Block(1))];
    let spec = ChainSpec::new(1, forks);
    let parent = genesis(&spec);
    assert_eq!(next_base_fee(&spec, &parent), Some(1_000_000_000));
    let mut header = child(&spec, &parent);
    assert!(checked(&spec, &header, &parent).is_err());
    header.gas_limit *= 2;
    assert_eq!(checked(&spec, &header, &parent), Ok(()));
    // The next one does not.
    let mut next = child(&spec, &header);
    assert_eq!(checked(&spec, &next, &header), Ok(()));
    next.gas_limit *= 2;
    assert!(checked(&spec, &next, &header).is_err());
}

#[test]
fn fields_come_with_their_fork() {
    type Change = fn(&mut Header);
    let cases: [(Field, Fork, Change, Change); 5] = [
        (
            Field::WithdrawalsRoot,
            Fork::Shanghai,
            |h| h.withdrawals_root = None,
            |h| {
                h.withdrawals_root = Some(B256::ZERO);
            },
        ),
        (
            Field::BlobGasUsed,
            Fork::Cancun,
            |h| h.blob_gas_used = None,
            |h| {
                h.blob_gas_used = Some(0);
            },
        ),
        (
            Field::ExcessBlobGas,
            Fork::Cancun,
            |h| h.excess_blob_gas = None,
            |h| {
                h.excess_blob_gas = Some(0);
            },
        ),
        (
            Field::ParentBeaconBlockRoot,
            Fork::Cancun,
            |h| h.parent_beacon_block_root = None,
            |h| {
                h.parent_beacon_block_root = Some(B256::ZERO);
            },
        ),
        (
            Field::RequestsHash,
            Fork::Prague,
            |h| h.requests_hash = None,
            |h| {
                h.requests_hash = Some(B256::ZERO);
            },
        ),
    ];
    for (field, begins, without, with) in cases {
        for (fork, got) in FORKS.into_iter().zip(fields(without)) {
            assert_eq!(got, (fork >= begins).then_some(field), "{fork:?}");
        }
        for (fork, got) in FORKS.into_iter().zip(fields(with)) {
            assert_eq!(got, (fork < begins).then_some(field), "{fork:?}");
        }
    }
    let list = fields(|header| header.block_access_list_hash = Some(B256::ZERO));
    assert!(list.iter().all(|field| *field == Some(Field::BlockAccessList)));
    let slot = fields(|header| header.slot_number = Some(1));
    assert!(slot.iter().all(|field| *field == Some(Field::SlotNumber)));
}

#[test]
fn work_ends_with_paris() {
    for (fork, field) in FORKS.into_iter().zip(fields(|header| header.nonce = B64::repeat_byte(1)))
    {
        assert_eq!(field, (fork >= Fork::Paris).then_some(Field::Nonce), "{fork:?}");
    }
    for (fork, field) in FORKS.into_iter().zip(fields(|header| header.ommers_hash = B256::ZERO)) {
        assert_eq!(field, (fork >= Fork::Paris).then_some(Field::OmmersHash), "{fork:?}");
    }
    let harder = |header: &mut Header| header.difficulty += U256::from(1);
    assert!(fields(harder).iter().all(|field| *field == Some(Field::Difficulty)));
}

#[test]
fn blobs_are_few_and_whole() {
    let spec = spec(Fork::Osaka);
    let max = spec.blob_params(0).unwrap().max_blob_gas_per_block();
    let parent = genesis(&spec);
    for (used, is_valid) in [
        (0, true),
        (131_072, true),
        (max, true),
        (max + 131_072, false),
        (1, false),
        (u64::MAX, false),
    ] {
        let header = Header { blob_gas_used: Some(used), ..child(&spec, &parent) };
        let result = checked(&spec, &header, &parent);
        assert_eq!(result.is_ok(), is_valid, "{used} {result:?}");
    }
    let parent = Header { blob_gas_used: Some(max), excess_blob_gas: Some(max), ..parent };
    let header = child(&spec, &parent);
    let Err(HeaderError::Mismatch(mismatch)) = checked(&spec, &header, &parent) else { panic!() };
    assert_eq!(mismatch.field, Field::ExcessBlobGas);
}

/// The blocks on the side that moved the money of the DAO say so.
#[test]
fn the_fork_of_the_dao_is_named() {
    let forks = [(Fork::Homestead, ForkCondition::Block(0)), (Fork::Dao, ForkCondition::Block(2))];
    let spec = ChainSpec::new(1, forks);
    let mut parent = genesis(&spec);
    for number in 1..14 {
        let named =
            Header { extra_data: Bytes::from_static(b"dao-hard-fork"), ..child(&spec, &parent) };
        let other = child(&spec, &parent);
        assert_eq!(checked(&spec, &named, &parent), Ok(()), "{number}");
        let is_due = (2..12).contains(&number);
        assert_eq!(checked(&spec, &other, &parent).is_err(), is_due, "{number}");
        parent = named;
    }
}

proptest! {
    /// Whatever a header and its parent say, a rule answers.
    #[test]
    fn no_header_panics(
        numbers in prop::array::uniform12(prop_oneof![any::<u64>(), Just(u64::MAX), Just(0), 0_u64..64]),
        fork in prop::sample::select(FORKS.to_vec()),
        difficulty in any::<[u8; 32]>(),
    ) {
        let spec = spec(fork);
        let [number, time, limit, used, fee, blobs, excess, parent_limit, parent_used, parent_fee, parent_blobs, parent_excess] = numbers;
        let parent = Header {
            number: number.wrapping_sub(1),
            gas_limit: parent_limit,
            gas_used: parent_used,
            base_fee_per_gas: Some(parent_fee),
            blob_gas_used: Some(parent_blobs),
            excess_blob_gas: Some(parent_excess),
            difficulty: U256::from_be_bytes(difficulty),
            ..genesis(&spec)
        };
        let header = Header {
            parent_hash: parent.hash_slow(),
            number,
            timestamp: time,
            gas_limit: limit,
            gas_used: used,
            base_fee_per_gas: Some(fee),
            blob_gas_used: Some(blobs),
            excess_blob_gas: Some(excess),
            ..Header::default()
        };
        let _ = checked(&spec, &header, &parent);
    }
}
