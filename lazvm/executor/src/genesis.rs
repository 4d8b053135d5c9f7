use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};
use lazai_api_types::{ModelId, ProofSystemId};
use lazai_gas::{FeeMarket, Governance};
use lazvm::revm::primitives::hardfork::SpecId;

use crate::world::{Account, World};

/// What every node of a chain agrees on: before its first block, and what is decided since.
///
/// Prices, models and proof systems are decided by height. A later decision is added here, on every
/// node and before its height, when the node is started the next time; how a chain takes its
/// decisions is its own matter. The root of the genesis block commits to everything that holds in
/// the first block, and each block to the rules of the next one. So a folder opens with more
/// decisions than before, but not with one about a block that it has; and a node without a decision
/// refuses the block before the one that the decision is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Genesis {
    /// The id that transactions are signed for.
    pub chain_id: u64,
    /// The most gas of a block, all resources together, and of one transaction.
    pub gas_limit: u64,
    /// The base fee of each resource in the first block, in wei.
    pub base_fee: u64,
    /// The model that answers raw prompts; contracts may always name it.
    pub model: ModelId,
    /// Tokens that a raw prompt may produce.
    pub prompt_max_tokens: u32,
    /// The height of the first block with AI precompiles; before, their addresses are accounts like
    /// any other.
    pub ai_from: u64,
    /// The prices of work: those of the first block, and every change of them that is decided. As
    /// the two lists below, it grows while the chain lives: see [`Genesis`].
    pub prices: Governance,
    /// The models besides `model` that contracts may name, from each height on: a list replaces the
    /// one before. A node that lacks one of them abstains from blocks that ask it; a model that is
    /// not listed does not exist, whatever files a node has.
    pub models: BTreeMap<u64, BTreeSet<ModelId>>,
    /// The proof systems that contracts may name, likewise.
    pub proof_systems: BTreeMap<u64, BTreeSet<ProofSystemId>>,
    /// Who gets the tips of the blocks of each seat; the zero address, where a seat has none.
    pub beneficiaries: Vec<Address>,
    /// The first accounts.
    pub accounts: BTreeMap<Address, GenesisAccount>,
}

/// An account of the genesis block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GenesisAccount {
    /// The balance in wei.
    pub balance: U256,
    /// Its code, if it is a contract; or a delegation (EIP-7702): 0xef0100 and an address.
    pub code: Bytes,
    /// The storage of a contract, by slot.
    pub storage: BTreeMap<U256, U256>,
}

impl GenesisAccount {
    /// Creates an account that owns `balance` wei and nothing else.
    #[must_use]
    pub fn rich(balance: U256) -> Self {
        Self { balance, ..Self::default() }
    }
}

impl Genesis {
    /// Returns the first accounts.
    ///
    /// # Errors
    /// [`GenesisError`] if an account has code that no account can have.
    pub(crate) fn world(&self) -> Result<World, GenesisError> {
        let mut world = World::default();
        for (address, account) in &self.accounts {
            let code = world.insert_code(account.code.clone());
            let hash = code.map_err(|_| GenesisError::Delegation { address: *address })?;
            // Contracts have a nonce of one, as those that transactions make (EIP-161).
            let nonce = u64::from(!account.code.is_empty());
            let storage = account.storage.iter().filter(|(_, value)| !value.is_zero());
            let storage = storage.map(|(slot, value)| (*slot, *value)).collect();
            if nonce > 0 || !account.balance.is_zero() {
                world.insert(*address, Account::new(nonce, account.balance, hash, storage));
            }
        }
        Ok(world)
    }

    pub(crate) fn market(&self) -> FeeMarket {
        FeeMarket::uniform(self.gas_limit, u128::from(self.base_fee))
    }

    pub(crate) fn beneficiary(&self, seat: u32) -> Address {
        let index = usize::try_from(seat).unwrap_or(usize::MAX);
        self.beneficiaries.get(index).copied().unwrap_or_default()
    }
}

/// The hard fork of Ethereum by whose rules contracts run, in every block. It is named here, and
/// not left to the newest that revm knows: each block commits to it with the rules of the next one,
/// and a chain that shall move to another needs a height for it.
pub const SPEC: SpecId = SpecId::OSAKA;

/// Why a genesis makes no chain.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GenesisError {
    /// The code of an account begins as a delegation (EIP-7702) and is none.
    #[error("the code of {address} begins with 0xef01, and is no delegation of EIP-7702")]
    Delegation {
        /// The account.
        address: Address,
    },
}
