use std::{borrow::Cow, sync::Arc};

use alloy_consensus::{ReceiptEnvelope, Sealable, TxEnvelope};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B256, Sealed};
use lazvm::{
    alloy_consensus::transaction::Recovered as AlloyRecovered,
    alloy_evm::{
        Evm, EvmFactory,
        block::{
            BlockExecutionError, BlockExecutor, BlockExecutorFactory, BlockValidationError, StateDB,
        },
        eth::EthBlockExecutionCtx,
    },
    revm::context::TxEnv,
};

use crate::{
    Ancestor, Block, BlockError, ChainSpec, EthereumExecutors, LazBlockExecutors, Outcome,
    check_body, check_header, check_ommers, check_outcome, decode, executor::Departure,
};

/// A block whose senders are known.
#[derive(Clone, Debug)]
pub struct Recovered {
    block: Sealed<Block>,
    transactions: Vec<AlloyRecovered<TxEnvelope>>,
}

/// Judges blocks of one chain: what their headers say of their parents, of their bodies and of what
/// their execution gives.
///
/// The root of the state is for whoever holds the state to check, and so is whether a block comes
/// from the future.
#[derive(Clone, Debug)]
pub struct Importer<F> {
    executors: LazBlockExecutors<F>,
}

/// Returns the root of a state between two transactions.
pub type RootOf<'a, DB> = &'a mut dyn FnMut(&DB) -> B256;

impl Recovered {
    /// Returns the block.
    #[must_use]
    pub const fn block(&self) -> &Block {
        self.block.inner()
    }

    /// Returns its hash.
    #[must_use]
    pub const fn hash(&self) -> B256 {
        self.block.hash()
    }

    /// Returns its transactions with their senders.
    #[must_use]
    pub fn transactions(&self) -> &[AlloyRecovered<TxEnvelope>] {
        &self.transactions
    }

    /// Returns the block as those above it see it.
    #[must_use]
    pub fn ancestor(&self) -> Ancestor {
        let block = self.block();
        let ommers = block.body.ommers.iter().map(Sealable::hash_slow).collect();
        Ancestor { header: block.header.clone(), hash: self.hash(), ommers }
    }
}

impl<F> Importer<F> {
    /// Judges by the executors of a chain.
    #[must_use]
    pub const fn new(executors: LazBlockExecutors<F>) -> Self {
        Self { executors }
    }

    /// Returns the rules of the chain.
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        self.executors.spec()
    }

    /// Checks a block by its ancestors, from its parent on, and recovers its senders. Nothing is
    /// executed. The hash is that of its bytes, as [`decode_block`](crate::decode_block) gives it.
    ///
    /// Seven ancestors are needed for blocks of proof of work, and otherwise the parent.
    ///
    /// # Errors
    /// [`BlockError`] for the first rule that the block breaks.
    pub fn check(
        &self,
        block: Sealed<Block>,
        ancestors: &[Ancestor],
    ) -> Result<Recovered, BlockError> {
        check(self.spec(), block, ancestors)
    }
}

impl<F: EthereumExecutors> Importer<F> {
    /// Executes a block on the state of its parent, and checks what its header says of the outcome.
    /// The changes are in `db`, also where the block is refused.
    ///
    /// Receipts before Byzantium hold roots of the state: without `root_of` such blocks are
    /// refused by their receipts.
    ///
    /// # Errors
    /// [`BlockError`] for the first rule that the block breaks, or a fault of this node.
    pub fn execute<DB>(
        &self,
        block: &Recovered,
        db: DB,
        root_of: Option<RootOf<'_, DB>>,
    ) -> Result<Outcome, BlockError>
    where
        DB: StateDB + core::fmt::Debug,
    {
        let spec = self.spec();
        let evm = self.executors.evm_factory().create_evm(db, spec.evm_env(&block.block().header));
        let executor = self.executors.create_executor(evm, context(block.block()));
        run(spec, block, executor, root_of).map(|(_, outcome)| outcome)
    }
}

/// Checks a block by its ancestors, and recovers its senders.
pub(crate) fn check(
    spec: &ChainSpec,
    block: Sealed<Block>,
    ancestors: &[Ancestor],
) -> Result<Recovered, BlockError> {
    let header = &block.header;
    // A block without a parent names one that is not known.
    let parent = ancestors.first().ok_or(crate::Mismatch {
        field: crate::Field::ParentHash,
        expected: crate::Value::Absent,
        got: header.parent_hash.into(),
    })?;
    check_header(spec, header, &parent.header, parent.hash)?;
    check_body(spec, &block)?;
    check_ommers(spec, header, &block.body.ommers, ancestors)?;
    let is_strict = spec.is_homestead_active_at_block(header.number);
    let mut transactions = Vec::with_capacity(block.body.transactions.len());
    for (index, transaction) in block.body.transactions.iter().enumerate() {
        let sender = decode::sender(transaction, is_strict);
        let sender = sender.ok_or(BlockError::Signature { index })?;
        transactions.push(AlloyRecovered::new_unchecked(transaction.clone(), sender));
    }
    Ok(Recovered { block, transactions })
}

/// Executes the transactions of a block, and checks what its header says of the outcome.
pub(crate) fn run<E>(
    spec: &ChainSpec,
    block: &Recovered,
    mut executor: E,
    mut root_of: Option<RootOf<'_, <E::Evm as Evm>::DB>>,
) -> Result<(E::Evm, Outcome), BlockError>
where
    E: BlockExecutor<Evm: Evm<Tx = TxEnv>, Receipt = ReceiptEnvelope, Transaction = TxEnvelope>,
{
    let header = &block.block().header;
    executor.apply_pre_execution_changes()?;
    let mut roots = Vec::new();
    let has_roots = !spec.is_byzantium_active_at_block(header.number);
    for transaction in block.transactions() {
        executor.execute_transaction(transaction)?;
        if let (true, Some(root_of)) = (has_roots, root_of.as_mut()) {
            roots.push(root_of(executor.evm().db()));
        }
    }
    let (evm, result) = executor.finish().map_err(of_execution)?;
    let outcome = Outcome::new(result).with_roots(&roots);
    check_outcome(spec, header, &outcome)?;
    Ok((evm, outcome))
}

/// What the executor of a block is told of it besides its environment.
pub(crate) fn context(block: &Block) -> EthBlockExecutionCtx<'_> {
    let Block { header, body } = block;
    EthBlockExecutionCtx {
        parent_hash: header.parent_hash,
        parent_beacon_block_root: header.parent_beacon_block_root,
        ommers: &body.ommers,
        withdrawals: body.withdrawals.as_ref().map(|all| Cow::Borrowed(all.as_slice())),
        extra_data: header.extra_data.clone(),
        tx_count_hint: Some(body.transactions.len()),
        slot_number: header.slot_number,
    }
}

pub(crate) fn of_execution(error: BlockExecutionError) -> BlockError {
    if let BlockExecutionError::Validation(BlockValidationError::Other(other)) = &error {
        match other.downcast_ref() {
            Some(Departure::Deposit) => return BlockError::Deposit,
            Some(Departure::MissingContract { contract }) => {
                return BlockError::SystemContract { contract: *contract };
            }
            None => {}
        }
    }
    error.into()
}
