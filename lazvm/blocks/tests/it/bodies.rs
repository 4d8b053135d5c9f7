//! What a header says of its body.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, Sealed};
use lazvm::alloy_consensus::{
    Header,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use lazvm_blocks::{BlockError, Field, alloy_hardforks::EthereumHardfork as Fork, check_body};

use crate::support::{child, genesis, sealed, spec, transaction};

fn field(result: Result<(), BlockError>) -> Option<Field> {
    match result {
        Ok(()) => None,
        Err(BlockError::Mismatch(mismatch)) => Some(mismatch.field),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_root_is_that_of_the_body() {
    let spec = spec(Fork::Prague);
    let mut header = child(&spec, &genesis(&spec));
    let transactions =
        vec![transaction(0, Address::ZERO, 1, 1), transaction(1, Address::ZERO, 2, 1)];
    assert_eq!(
        field(check_body(&spec, &sealed(header.clone(), transactions.clone()))),
        Some(Field::TransactionsRoot)
    );
    header.transactions_root = calculate_transaction_root(&transactions);
    assert_eq!(field(check_body(&spec, &sealed(header.clone(), transactions.clone()))), None);
    let swapped = transactions.iter().rev().cloned().collect();
    assert_eq!(
        field(check_body(&spec, &sealed(header.clone(), swapped))),
        Some(Field::TransactionsRoot)
    );

    let mut block = sealed(header.clone(), transactions.clone()).into_inner();
    block.body.ommers.push(Header::default());
    let with_ommer = Sealed::new_unchecked(block, B256::ZERO);
    assert_eq!(field(check_body(&spec, &with_ommer)), Some(Field::OmmersHash));

    let withdrawal = Withdrawal { index: 1, validator_index: 2, address: Address::ZERO, amount: 3 };
    let mut block = sealed(header.clone(), transactions.clone()).into_inner();
    block.body.withdrawals = Some(vec![withdrawal].into());
    let paid = Sealed::new_unchecked(block.clone(), B256::ZERO);
    assert_eq!(field(check_body(&spec, &paid)), Some(Field::WithdrawalsRoot));
    block.header.withdrawals_root = Some(calculate_withdrawals_root(&[withdrawal]));
    let paid = Sealed::new_unchecked(block.clone(), B256::ZERO);
    assert_eq!(field(check_body(&spec, &paid)), None);
    block.body.withdrawals = None;
    let unpaid = Sealed::new_unchecked(block, B256::ZERO);
    assert_eq!(field(check_body(&spec, &unpaid)), Some(Field::WithdrawalsRoot));

    header.blob_gas_used = Some(131_072);
    assert_eq!(field(check_body(&spec, &sealed(header, transactions))), Some(Field::BlobGasUsed));
}

/// Their signatures would take seconds to check.
#[test]
fn a_block_has_no_more_transactions_than_gas() {
    let spec = spec(Fork::Prague);
    let header = child(&spec, &genesis(&spec));
    let transactions = vec![transaction(0, Address::ZERO, 1, 1); 2_858];
    match check_body(&spec, &sealed(header, transactions)) {
        Err(BlockError::Transactions { max: 2_857, got: 2_858 }) => {}
        other => panic!("{other:?}"),
    }
}

/// EIP-7934.
#[test]
fn blocks_of_osaka_are_small() {
    for (fork, is_valid) in [(Fork::Prague, true), (Fork::Osaka, false)] {
        let spec = spec(fork);
        let header =
            Header { extra_data: Bytes::from(vec![0; 8 << 20]), ..child(&spec, &genesis(&spec)) };
        match check_body(&spec, &sealed(header, Vec::new())) {
            Ok(()) => assert!(is_valid),
            Err(BlockError::Size { max, got }) => assert!(!is_valid && max == 8 << 20 && got > max),
            Err(other) => panic!("{other}"),
        }
    }
}
