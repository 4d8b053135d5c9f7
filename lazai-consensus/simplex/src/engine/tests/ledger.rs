use std::sync::{Mutex, MutexGuard};

use alloy_primitives::{B256, keccak256};
use lazai_api_types::chain::{Block, BlockBody, BlockContext, BlockExecutionError, BlockExecutor};

/// An executor whose state is the hash of all payloads so far, each of which names its block. It
/// survives what is called a crash.
#[derive(Debug, Default)]
pub(in super::super) struct Ledger {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    committed: Vec<Block>,
    /// How often each height was committed anew.
    fault: bool,
    /// What this node puts into its blocks, if not what is right.
    payload: Option<Vec<u8>>,
}

impl Ledger {
    /// The committed blocks, ascending.
    pub(in super::super) fn blocks(&self) -> Vec<Block> {
        self.state().committed.clone()
    }

    /// Forgets all but the first `height` blocks, as if restored from an old copy.
    pub(in super::super) fn roll_back(&self, height: usize) {
        self.state().committed.truncate(height);
    }

    /// A copy as another machine's.
    pub(in super::super) fn copy(&self) -> Self {
        Self { state: Mutex::new(self.state().clone()) }
    }

    /// Makes this machine unable to execute.
    pub(in super::super) fn break_down(&self) {
        self.state().fault = true;
    }

    /// Makes this machine propose a payload that the others refuse.
    pub(in super::super) fn propose_nonsense(&self) {
        self.state().payload = Some(b"nonsense".to_vec());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn root(&self, pending: &[Block]) -> Result<B256, BlockExecutionError> {
        if self.fault {
            return Err(BlockExecutionError::Fault { reason: "broken".into() });
        }
        let last = self.committed.last();
        let digest = last.map_or(Block::genesis(B256::ZERO).digest(), Block::digest);
        let height = last.map_or(0, |block| block.height);
        let mut expected = (digest, height + 1);
        // The engine promises that the open blocks stand on the committed one without gaps.
        for block in pending {
            assert_eq!((block.parent, block.height), expected);
            expected = (block.digest(), block.height + 1);
        }
        let root = last.map_or(B256::ZERO, |block| block.state_root);
        Ok(pending.iter().fold(root, |root, block| step(root, &block.payload)))
    }
}

fn step(root: B256, payload: &[u8]) -> B256 {
    keccak256([root.as_slice(), payload].concat())
}

fn right(context: &BlockContext) -> Vec<u8> {
    [context.parent.as_slice(), &context.height.to_be_bytes()].concat()
}

impl BlockExecutor for Ledger {
    fn genesis_state_root(&self) -> B256 {
        B256::ZERO
    }

    fn build(
        &self,
        pending: &[Block],
        context: &BlockContext,
        _: usize,
    ) -> Result<BlockBody, BlockExecutionError> {
        let state = self.state();
        let payload = state.payload.clone().unwrap_or_else(|| right(context));
        Ok(BlockBody { state_root: step(state.root(pending)?, &payload), payload })
    }

    fn validate(
        &self,
        pending: &[Block],
        context: &BlockContext,
        payload: &[u8],
    ) -> Result<B256, BlockExecutionError> {
        let root = self.state().root(pending)?;
        if payload != right(context) {
            return Err(BlockExecutionError::Rejected { reason: "nonsense".into() });
        }
        Ok(step(root, payload))
    }

    fn commit(&self, block: &Block) -> Result<(), BlockExecutionError> {
        let mut state = self.state();
        let root = state.root(&[])?;
        assert_eq!(step(root, &block.payload), block.state_root);
        state.committed.push(block.clone());
        Ok(())
    }

    fn committed(&self) -> Result<Option<(u64, B256)>, BlockExecutionError> {
        Ok(self.state().committed.last().map(|block| (block.height, block.digest())))
    }
}
