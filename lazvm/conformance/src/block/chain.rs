use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{B256, U256};
use lazvm::revm::{
    bytecode::Bytecode,
    database::{CacheState, State},
    state::AccountInfo,
};
use lazvm_blocks::{Ancestor, EthereumExecutors, Importer, decode_block};

use super::{
    fixture::Case,
    node::{Hashes, Node, above},
};
use crate::{Verdict, root::root};

/// All blocks of a case that were accepted.
pub(super) struct Chain {
    nodes: BTreeMap<B256, Node>,
    /// The last block of the longest branch.
    last: B256,
}

impl Chain {
    /// Begins with the genesis block of a case.
    pub(super) fn new(case: &Case) -> Result<Self, String> {
        let bytes = case.genesis_rlp.as_ref().ok_or("no genesis block")?;
        let block = decode_block(bytes).map_err(|error| format!("genesis: {error}"))?;
        let (hash, header) = (block.hash(), block.header.clone());
        let state = genesis(case);
        let got = root(&state);
        if got != header.state_root {
            return Err(format!("genesis: expected root {}, got {got}", header.state_root));
        }
        let work = header.difficulty;
        let block = Ancestor { header, hash, ommers: Vec::new() };
        let nodes = BTreeMap::from([(hash, Node { block, state, work })]);
        Ok(Self { nodes, last: hash })
    }

    /// Takes a block in, if it is valid, by the importer of blocks with its base fee.
    pub(super) fn import<F: EthereumExecutors>(
        &mut self,
        bytes: &[u8],
        importer: impl FnOnce(u64) -> Importer<F>,
    ) -> Verdict {
        let block = match decode_block(bytes) {
            Ok(block) => block,
            Err(error) => return Verdict::refused(error),
        };
        let Some(parent) = self.nodes.get(&block.header.parent_hash) else {
            return Verdict::refused("its parent is not known");
        };
        let importer = importer(block.header.base_fee_per_gas.unwrap_or_default());
        let ancestors = self.ancestors(parent);
        let mut state = above(parent, self.hashes(parent));
        let recovered = match importer.check(block, &ancestors) {
            Ok(recovered) => recovered,
            Err(error) => return Verdict::refused(error),
        };
        let mut root_of = |state: &&mut State<Hashes>| root(&state.cache);
        if let Err(error) = importer.execute(&recovered, &mut state, Some(&mut root_of)) {
            return Verdict::refused(error);
        }
        let got = root(&state.cache);
        let block = recovered.ancestor();
        if got != block.header.state_root {
            return Verdict::refused(format_args!(
                "expected root {}, got {got}",
                block.header.state_root
            ));
        }
        self.accept(block, parent.work, state.cache);
        Verdict::Accepted { root: got, digest: recovered.hash() }
    }

    /// Checks which block is the last.
    pub(super) fn check_last(&self, case: &Case) -> Result<(), String> {
        if self.last == case.lastblockhash {
            return Ok(());
        }
        Err(format!("expected the last block {}, got {}", case.lastblockhash, self.last))
    }

    fn accept(&mut self, block: Ancestor, work_before: U256, state: CacheState) {
        let work = work_before.saturating_add(block.header.difficulty);
        let last = self.nodes.get(&self.last).map_or(U256::ZERO, |node| node.work);
        // Of proof of work the heaviest branch counts, and afterwards what was chosen last.
        if work > last || block.header.difficulty.is_zero() {
            self.last = block.hash;
        }
        self.nodes.insert(block.hash, Node { block, state, work });
    }

    /// A block and those before it, as many as one above it is checked by.
    fn ancestors(&self, node: &Node) -> Vec<Ancestor> {
        self.branch(node).take(7).map(|node| node.block.clone()).collect()
    }

    /// The hashes of the last 256 blocks.
    fn hashes(&self, node: &Node) -> Hashes {
        let blocks = self.branch(node).take(256);
        Hashes(blocks.map(|node| (node.block.header.number, node.block.hash)).collect())
    }

    fn branch<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        let parent = |node: &&'a Node| self.nodes.get(&parent_of(&node.block.header));
        core::iter::successors(Some(node), parent)
    }
}

const fn parent_of(header: &Header) -> B256 {
    header.parent_hash
}

fn genesis(case: &Case) -> CacheState {
    let mut state = CacheState::default();
    for (address, account) in &case.pre {
        let code = Bytecode::new_raw(account.code.clone());
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce.saturating_to(),
            code_hash: code.hash_slow(),
            code: Some(code),
            ..AccountInfo::default()
        };
        let storage = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let storage = storage.map(|(slot, value)| (*slot, *value)).collect();
        state.insert_account_with_storage(*address, info, storage);
    }
    state
}
