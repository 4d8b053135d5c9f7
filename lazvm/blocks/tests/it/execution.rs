//! What comes of blocks.

use std::sync::Arc;

use alloy_eips::{eip7002, eip7251};
use alloy_primitives::{Address, B256, Bytes, U256};
use lazvm::alloy_consensus::{Header, Transaction, proofs::calculate_transaction_root};
use lazvm::{
    LazEvmFactory,
    revm::{
        bytecode::Bytecode,
        database::{InMemoryDB, State, states::bundle_state::BundleRetention},
        state::AccountInfo,
    },
};
use lazvm_blocks::{
    BlockError, ChainSpec, EthExecutors, EthereumExecutors, Field, Importer, LazExecutors, Outcome,
    alloy_hardforks::EthereumHardfork as Fork,
};
use proptest::prelude::*;

use crate::support::{ancestor, child, genesis, sealed, spec, transaction};

/// A device that there is none of: no block here asks for it.
#[derive(Debug)]
struct NoDevice;

impl lazvm::Coprocessor for NoDevice {
    fn reading_work(&self, _: &lazvm::Job) -> Result<lazvm::Work, lazvm::PortError> {
        unreachable!("no block asks")
    }

    fn quote(&self, _: &lazvm::Job) -> Result<lazvm::Quote, lazvm::PortError> {
        unreachable!("no block asks")
    }

    fn run(&self, _: &lazvm::Job) -> Result<lazvm::Outcome, lazvm::PortError> {
        unreachable!("no block asks")
    }
}

fn laz_evms() -> LazEvmFactory {
    lazvm::LazVm::builder().coprocessor(Arc::new(NoDevice)).factory().unwrap()
}

/// Returns nothing, as the contracts that collect requests do when there are none.
const STOP: &[u8] = &[0];

fn state(contracts: &[Address]) -> State<InMemoryDB> {
    let mut db = InMemoryDB::default();
    for contract in contracts {
        let code = Bytecode::new_raw(Bytes::from_static(STOP));
        let info = AccountInfo {
            code_hash: code.hash_slow(),
            code: Some(code),
            nonce: 1,
            ..AccountInfo::default()
        };
        db.insert_account_info(*contract, info);
    }
    State::builder().with_database(db).with_bundle_update().build()
}

const REQUESTS: [Address; 2] = [
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
];

fn import<F: EthereumExecutors>(
    importer: &Importer<F>,
    header: Header,
    contracts: &[Address],
) -> Result<Outcome, BlockError> {
    let parent = genesis(importer.spec());
    let block = importer.check(sealed(header, Vec::new()), &[ancestor(&parent)])?;
    importer.execute(&block, &mut state(contracts), None)
}

fn ethereum(spec: &Arc<ChainSpec>) -> Importer<impl EthereumExecutors> {
    Importer::new(EthExecutors::ethereum(Arc::clone(spec)))
}

#[test]
fn an_empty_block_is_valid_on_every_fork() {
    for fork in [
        Fork::Byzantium,
        Fork::London,
        Fork::Paris,
        Fork::Shanghai,
        Fork::Cancun,
        Fork::Prague,
        Fork::Osaka,
    ] {
        let spec = spec(fork);
        let header = child(&spec, &genesis(&spec));
        let outcome = import(&ethereum(&spec), header.clone(), &REQUESTS).unwrap();
        assert_eq!(
            outcome,
            import(&Importer::new(LazExecutors::new(spec, laz_evms())), header, &REQUESTS).unwrap()
        );
        assert_eq!((outcome.gas_used, outcome.receipts.len()), (0, 0));
    }
}

#[test]
fn a_block_without_the_contracts_of_requests_is_invalid() {
    let spec = spec(Fork::Prague);
    let header = child(&spec, &genesis(&spec));
    for (there, missing) in [(&REQUESTS[1..], REQUESTS[0]), (&REQUESTS[..1], REQUESTS[1])] {
        let error = import(&ethereum(&spec), header.clone(), there).unwrap_err();
        let BlockError::SystemContract { contract } = error else { panic!("{error}") };
        assert_eq!(contract, missing);
    }
}

#[test]
fn a_header_that_says_another_outcome_is_refused() {
    let spec = spec(Fork::Prague);
    let parent = genesis(&spec);
    type Change = fn(&mut Header);
    let cases: [(Field, Change); 4] = [
        (Field::GasUsed, |header| header.gas_used = 1),
        (Field::ReceiptsRoot, |header| header.receipts_root = B256::ZERO),
        (Field::Bloom, |header| header.logs_bloom.0[0] = 1),
        (Field::RequestsHash, |header| header.requests_hash = Some(B256::ZERO)),
    ];
    for (field, change) in cases {
        let mut header = child(&spec, &parent);
        change(&mut header);
        let error = import(&ethereum(&spec), header, &REQUESTS).unwrap_err();
        let BlockError::Mismatch(mismatch) = error else { panic!("{error}") };
        assert_eq!(mismatch.field, field);
    }
}

#[test]
fn a_block_above_nothing_is_refused() {
    let spec = spec(Fork::Prague);
    let header = child(&spec, &genesis(&spec));
    let error = ethereum(&spec).check(sealed(header, Vec::new()), &[]).unwrap_err();
    assert!(matches!(error, BlockError::Mismatch(mismatch) if mismatch.field == Field::ParentHash));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Without an AI call LazVM's blocks are Ethereum's: outcome and changes of the state.
    #[test]
    fn blocks_without_ai_calls_are_those_of_ethereum(
        payments in prop::collection::vec((0_u8..6, 0_u64..1 << 50, 0_u128..40), 0..8),
        fork in prop::sample::select(vec![Fork::Byzantium, Fork::London, Fork::Cancun, Fork::Osaka]),
    ) {
        use lazvm::alloy_consensus::transaction::SignerRecoverable;
        let spec = spec(fork);
        let parent = genesis(&spec);
        let transactions: Vec<_> = payments
            .iter()
            .enumerate()
            .map(|(nonce, (to, value, tip))| {
                let price = u128::from(crate::support::GWEI) + tip;
                transaction(nonce as u64, Address::repeat_byte(*to), *value, price)
            })
            .filter(|transaction| transaction.recover_signer().is_ok())
            .collect();
        let header = Header {
            transactions_root: calculate_transaction_root(&transactions),
            ..child(&spec, &parent)
        };
        let run = |laz: bool| {
            let mut state = state(&REQUESTS);
            for transaction in &transactions {
                let signer = transaction.recover_signer().unwrap();
                let info = AccountInfo { balance: U256::from(u64::MAX), nonce: transaction.nonce(), ..AccountInfo::default() };
                state.insert_account(signer, info);
            }
            let block = sealed(header.clone(), transactions.clone());
            let error = if laz {
                let importer = Importer::new(LazExecutors::new(Arc::clone(&spec), laz_evms()));
                let block = importer.check(block, &[ancestor(&parent)]).unwrap();
                importer.execute(&block, &mut state, None).map_err(|error| error.to_string())
            } else {
                let importer = ethereum(&spec);
                let block = importer.check(block, &[ancestor(&parent)]).unwrap();
                importer.execute(&block, &mut state, None).map_err(|error| error.to_string())
            };
            state.merge_transitions(BundleRetention::PlainState);
            (error, state.take_bundle())
        };
        let (laz, ethereum) = (run(true), run(false));
        prop_assert_eq!(&laz.0, &ethereum.0);
        prop_assert_eq!(laz.1, ethereum.1);
        // The header says that no gas was used.
        prop_assert_eq!(laz.0.is_ok(), transactions.is_empty());
    }
}
