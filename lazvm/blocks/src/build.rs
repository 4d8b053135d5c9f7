use std::sync::Arc;

use alloy_consensus::{
    Header, Transaction, TxEnvelope,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
    proofs,
    transaction::TxHashRef,
};
use alloy_eips::eip4895::Withdrawals;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::Encodable;
use lazai_gas::FeeRule;
use lazvm::{
    BuilderExecutor, FaultLog,
    alloy_consensus::{BlockBody, transaction::Recovered},
    alloy_evm::{
        EvmFactory,
        block::{
            BlockExecutionError, BlockExecutor, BlockExecutorFactory, BlockValidationError, StateDB,
        },
    },
};

use crate::{
    Block, BlockError, ChainSpec, MarketExecutor, MarketImporter, Outcome,
    body::MAX_BLOCK_BYTES_OF_OSAKA,
    import::{context, of_execution},
};

/// What a proposer decides of a block.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Seconds; above those of the parent.
    pub timestamp: u64,
    /// Who gets the tips.
    pub beneficiary: Address,
    /// The randomness that transactions see.
    pub prev_randao: B256,
    /// The gas limit, near that of the parent.
    pub gas_limit: u64,
    /// What the header says besides.
    pub extra_data: Bytes,
    /// The block of the beacon chain below, from Cancun on.
    pub parent_beacon_block_root: Option<B256>,
    /// Who is paid by the beacon chain, from Shanghai on.
    pub withdrawals: Option<Withdrawals>,
}

/// A block that was built.
#[derive(Debug)]
pub struct Built {
    /// The block; its header says what its execution gave.
    pub block: Block,
    /// What that was.
    pub outcome: Outcome,
    /// Candidates that are not in it, in their order.
    pub left_out: Vec<LeftOut>,
}

/// A candidate that is not in a block.
#[derive(Debug)]
pub struct LeftOut {
    /// Its hash.
    pub hash: B256,
    /// Why.
    pub error: BlockValidationError,
}

impl<R: Clone + FeeRule> MarketImporter<R> {
    /// Builds a block above `parent` of the candidates, in their order. What is invalid now, what
    /// is beyond a limit of the block and what this node cannot run is left out, and the next one
    /// tried; no transaction reverts for a limit of the block.
    ///
    /// `root_of` returns the root of the state when all is executed. The changes are in `db`.
    ///
    /// # Errors
    /// [`BlockError`] if the block itself cannot be executed, whatever is in it.
    pub fn build<DB>(
        &self,
        parent: &Header,
        parent_hash: B256,
        attributes: Attributes,
        candidates: impl IntoIterator<Item = Recovered<TxEnvelope>>,
        faults: &Arc<FaultLog>,
        db: &mut DB,
        root_of: impl FnOnce(&mut DB) -> B256,
    ) -> Result<Built, BlockError>
    where
        DB: StateDB + core::fmt::Debug,
    {
        let spec = self.spec();
        let market = self.market(db, attributes.gas_limit)?;
        let mut block = empty(spec, parent, parent_hash, attributes);
        block.header.base_fee_per_gas = self.base_fee(market.as_ref(), parent);
        let executors = self.executors(market.as_ref());
        let evm = executors.evm_factory().create_evm(&mut *db, spec.evm_env(&block.header));
        let executor = executors.create_executor(evm, context(&block));
        let executor = MarketExecutor::new(executor, market, self.treasury());
        let mut executor = BuilderExecutor::new(executor, faults);
        executor.apply_pre_execution_changes()?;
        let mut room = Room::new(spec, &block);
        let (mut transactions, mut left_out) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let hash = *candidate.tx_hash();
            let tried = match room.check(&candidate) {
                Ok(()) => executor.execute_transaction(&candidate),
                Err(error) => Err(error.into()),
            };
            match tried {
                Ok(_) => {
                    room.take(&candidate);
                    transactions.push(candidate.into_inner());
                }
                Err(BlockExecutionError::Validation(error)) => {
                    left_out.push(LeftOut { hash, error });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (evm, result) = executor.finish().map_err(of_execution)?;
        drop(evm);
        let outcome = Outcome::new(result);
        drop(executors);
        block.body.transactions = transactions;
        let block = complete(spec, block, &outcome, root_of(db));
        Ok(Built { block, outcome, left_out })
    }
}

/// A block without transactions, and without what its execution gives.
fn empty(spec: &ChainSpec, parent: &Header, parent_hash: B256, attributes: Attributes) -> Block {
    let Attributes {
        timestamp,
        beneficiary,
        prev_randao,
        gas_limit,
        extra_data,
        parent_beacon_block_root,
        withdrawals,
    } = attributes;
    let blobs = spec.blob_params(timestamp);
    let excess = blobs.map(|params| {
        params.next_block_excess_blob_gas_osaka(
            parent.excess_blob_gas.unwrap_or_default(),
            parent.blob_gas_used.unwrap_or_default(),
            parent.base_fee_per_gas.unwrap_or_default(),
        )
    });
    let header = Header {
        parent_hash,
        number: parent.number.saturating_add(1),
        timestamp,
        beneficiary,
        mix_hash: prev_randao,
        gas_limit,
        extra_data,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        parent_beacon_block_root,
        excess_blob_gas: excess,
        blob_gas_used: blobs.map(|_| 0),
        ..Header::default()
    };
    let is_paid = spec.is_shanghai_active_at_timestamp(timestamp);
    let withdrawals = is_paid.then(|| withdrawals.unwrap_or_default());
    Block { header, body: BlockBody { transactions: Vec::new(), ommers: Vec::new(), withdrawals } }
}

/// Writes what body and execution gave into the header.
fn complete(spec: &ChainSpec, mut block: Block, outcome: &Outcome, state_root: B256) -> Block {
    let Block { header, body } = &mut block;
    header.state_root = state_root;
    header.transactions_root = proofs::calculate_transaction_root(&body.transactions);
    header.receipts_root = proofs::calculate_receipt_root(&outcome.receipts);
    header.logs_bloom = outcome.bloom();
    header.gas_used = outcome.gas_used;
    header.withdrawals_root = body.withdrawals.as_ref().map(|all| match all.as_slice() {
        [] => EMPTY_WITHDRAWALS,
        all => proofs::calculate_withdrawals_root(all),
    });
    if header.blob_gas_used.is_some() {
        header.blob_gas_used = Some(outcome.blob_gas_used);
    }
    if spec.is_prague_active_at_timestamp(header.timestamp) {
        header.requests_hash = Some(outcome.requests.requests_hash());
    }
    block
}

/// What a block has left besides gas.
struct Room {
    blob_gas: u64,
    bytes: usize,
}

impl Room {
    fn new(spec: &ChainSpec, block: &Block) -> Self {
        let time = block.header.timestamp;
        let blob_gas = spec.blob_params(time).map_or(0, |params| params.max_blob_gas_per_block());
        let max = if spec.is_osaka_active_at_timestamp(time) {
            MAX_BLOCK_BYTES_OF_OSAKA
        } else {
            crate::MAX_BLOCK_BYTES
        };
        // What is behind the length of the list of transactions is counted as the longest length.
        let bytes = max.saturating_sub(block.length()).saturating_sub(MAX_FIELDS_BYTES);
        Self { blob_gas, bytes }
    }

    fn check(&self, candidate: &TxEnvelope) -> Result<(), BlockValidationError> {
        let blobs = Transaction::blob_gas_used(candidate).unwrap_or_default();
        if blobs > self.blob_gas || candidate.length() > self.bytes {
            return Err(BlockValidationError::msg("the block has no room for its blobs or bytes"));
        }
        Ok(())
    }

    fn take(&mut self, taken: &TxEnvelope) {
        let blobs = Transaction::blob_gas_used(taken).unwrap_or_default();
        self.blob_gas = self.blob_gas.saturating_sub(blobs);
        self.bytes = self.bytes.saturating_sub(taken.length());
    }
}

/// Bytes by which the fields of a header and the lengths of lists may grow while a block is built.
const MAX_FIELDS_BYTES: usize = 256;
