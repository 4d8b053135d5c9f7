use std::sync::OnceLock;

use alloy_consensus::{SignableTransaction, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Signature, U256};
use lazai_api_types::chain::{Block, BlockExecutionError, BlockExecutor};
use lazvm_executor::{
    Genesis, LazVmExecutor, SignedTransaction, TransactionError, TransactionRequest,
};
use proptest::prelude::*;

use crate::support::*;

/// A block of two transfers, and an executor that judges it.
fn sample() -> &'static (LazVmExecutor, Block) {
    static SAMPLE: OnceLock<(LazVmExecutor, Block)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let proposer = executor();
        for (name, value) in [("alice", 1), ("bob", 2)] {
            let request = TransactionRequest::transfer(Address::repeat_byte(7), U256::from(value));
            submit(&proposer, name, 0, request);
        }
        (executor(), build(&proposer, &[]))
    })
}

fn judge(payload: &[u8]) -> Result<(), BlockExecutionError> {
    let (judge, block) = sample();
    let root = judge.validate(&[], &context(1, GENESIS), payload)?;
    // What is accepted and is not the sample does something else.
    assert_eq!(root == block.state_root, payload == block.payload);
    Ok(())
}

fn assert_rejected(payload: &[u8]) {
    let first = judge(payload);
    assert!(matches!(first, Err(BlockExecutionError::Rejected { .. })), "{first:?}");
    // Every machine says the same.
    let other = executor().validate(&[], &context(1, GENESIS), payload);
    assert_eq!(other.map(|_| ()), first);
}

#[test]
fn a_payload_cut_anywhere_is_rejected() {
    let payload = &sample().1.payload;
    for end in 0..payload.len() {
        assert!(
            matches!(judge(&payload[..end]), Err(BlockExecutionError::Rejected { .. })),
            "{end}"
        );
    }
    assert_rejected(&[payload.as_slice(), &[0]].concat());
}

#[test]
fn claimed_lengths_are_not_believed() {
    assert_rejected(&[1, 0xff, 0xff, 0xff, 0xff]);
    assert_rejected(&[1, 0, 0, 0x10, 0]);
    assert_rejected(&[1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    assert_rejected(&[2, 0, 0, 0, 0]);
    judge(&[1, 0, 0, 0, 0]).unwrap();
}

/// Before a signature is looked at: the transactions here have none.
#[test]
fn more_transactions_than_a_block_has_gas_for_are_not_read() {
    let payload = |count: u32| {
        let mut payload = vec![1];
        payload.extend(count.to_be_bytes());
        payload.resize(5 + 4 * count as usize, 0);
        payload
    };
    let reason = |count| match judge(&payload(count)) {
        Err(BlockExecutionError::Rejected { reason }) => reason,
        judged => panic!("{judged:?}"),
    };
    let fit = u32::try_from(GAS_LIMIT / 21_000).unwrap();
    assert!(reason(fit).starts_with("transaction 0:"), "{}", reason(fit));
    let many = format!("the payload claims {} transactions, at most {fit} are read", fit + 1);
    assert_eq!(reason(fit + 1), many);
    assert_rejected(&payload(fit + 1));
}

/// What is claimed above assumes that each of them uses as much.
#[test]
fn as_many_transactions_as_a_block_has_gas_for_fit() {
    let limit = 3 * 21_000;
    let chain = || {
        let genesis = Genesis { gas_limit: limit, ..genesis() };
        LazVmExecutor::in_memory(genesis, devices()).unwrap()
    };
    let proposer = chain();
    for nonce in 0..4 {
        let request = TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
        submit(&proposer, "alice", nonce, request);
    }
    let block = build(&proposer, &[]);
    assert_eq!(proposer.transactions(&block.payload), 3);
    assert_eq!(validate(&chain(), &[], &block), block.state_root);
}

#[test]
fn transactions_that_cannot_run_make_the_block_invalid() {
    let wrap = |bytes: &[u8]| {
        let mut payload = vec![1, 0, 0, 0, 1];
        payload.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        payload.extend(bytes);
        payload
    };
    let transfer = || TransactionRequest::transfer(Address::repeat_byte(7), U256::from(1));
    let run = |name, nonce, request| judge(&wrap(&signed(name, nonce, request)));
    run("alice", 0, transfer()).unwrap();
    let rejected = |name, nonce, request| assert_rejected(&wrap(&signed(name, nonce, request)));
    rejected("alice", 1, transfer());
    rejected("nobody", 0, transfer());
    rejected("alice", 0, transfer().gas(20_999));
    rejected("alice", 0, transfer().gas(GAS_LIMIT + 1));
    rejected("alice", 0, TransactionRequest { max_fee: 1, tip: 0, ..transfer() });
    // One transaction twice.
    let (one, mut twice) = (signed("alice", 0, transfer()), vec![1, 0, 0, 0, 2]);
    for _ in 0..2 {
        twice.extend(u32::try_from(one.len()).unwrap().to_be_bytes());
        twice.extend(&one);
    }
    assert_rejected(&twice);
}

#[test]
fn other_kinds_chains_and_signatures_are_refused() {
    let read = |bytes: &[u8]| SignedTransaction::read(bytes, CHAIN).map(|read| read.sender());
    let signature = Signature::new(U256::from(1), U256::from(2), false);
    let encode = |envelope: TxEnvelope| envelope.encoded_2718();

    let kind =
        encode(TxEip2930 { chain_id: CHAIN, ..TxEip2930::default() }.into_signed(signature).into());
    assert_eq!(read(&kind), Err(TransactionError::Kind { got: 1 }));
    let unbound = encode(TxLegacy::default().into_signed(signature).into());
    assert_eq!(read(&unbound), Err(TransactionError::Chain { expected: CHAIN, got: None }));
    let request = TransactionRequest::transfer(Address::ZERO, U256::from(1));
    let good = signed("alice", 0, request);
    assert_eq!(read(&good), Ok(wallet("alice").address()));
    let other = SignedTransaction::read(&good, 1).unwrap_err();
    assert_eq!(other, TransactionError::Chain { expected: 1, got: Some(CHAIN) });

    // The other root of the same signature, which Ethereum refuses since EIP-2.
    let signed = SignedTransaction::read(&good, CHAIN).unwrap();
    let TxEnvelope::Eip1559(transaction) = signed.envelope().clone() else { unreachable!() };
    let (transaction, signature, _) = transaction.into_parts();
    let order = U256::from_be_slice(&[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36,
        0x41, 0x41,
    ]);
    let high = Signature::new(signature.r(), order - signature.s(), !signature.v());
    let high = encode(transaction.into_signed(high).into());
    assert_eq!(read(&high), Err(TransactionError::Signature));
    assert!(matches!(read(&vec![2; 200_000]), Err(TransactionError::TooLong { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let judged = judge(&bytes);
        let fault = matches!(judged, Err(BlockExecutionError::Fault { .. }));
        prop_assert!(!fault, "{:?}", judged);
    }

    #[test]
    fn a_changed_byte_is_rejected_or_does_something_else(at in any::<prop::sample::Index>(), by in 1..=255_u8) {
        let mut payload = sample().1.payload.clone();
        let at = at.index(payload.len());
        payload[at] ^= by;
        let judged = judge(&payload);
        let fault = matches!(judged, Err(BlockExecutionError::Fault { .. }));
        prop_assert!(!fault, "{:?}", judged);
    }

    #[test]
    fn transactions_that_are_read_are_canonical(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_u8) {
        let bytes = [&[kind], bytes.as_slice()].concat();
        if let Ok(read) = SignedTransaction::read(&bytes, CHAIN) {
            prop_assert_eq!(read.bytes().as_ref(), bytes.as_slice());
        }
    }
}
