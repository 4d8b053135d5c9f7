use std::collections::BTreeMap;

use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use lazai_api_types::ModelId;
use lazai_gas::{FeeMarket, GasSchedule, Governance, Resources, ScheduledChange};
use lazvm::revm::bytecode::Bytecode;

use crate::{
    state::ChainState,
    world::{Account, World},
};

/// What every node of a chain agrees on before its first block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Genesis {
    /// The id that transactions are signed for.
    pub chain_id: u64,
    /// The most gas of a block, all resources together, and of one transaction.
    pub gas_limit: u64,
    /// The base fee of each resource in the first block, in wei.
    pub base_fee: u64,
    /// The model that answers raw prompts.
    pub model: ModelId,
    /// Tokens that a raw prompt may produce.
    pub prompt_max_tokens: u32,
    /// The height of the first block with AI precompiles; before, their addresses are accounts like
    /// any other.
    pub ai_from: u64,
    /// The prices of work, and every change of them that is decided.
    pub prices: Governance,
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
    /// Its code, if it is a contract.
    pub code: Bytes,
    /// The storage of a contract, by slot.
    pub storage: BTreeMap<U256, U256>,
}

/// Every number of a schedule.
fn price_words(schedule: &GasSchedule) -> [u64; 5] {
    let GasSchedule { alpha, beta, gamma } = schedule;
    let [alpha, beta] = [alpha, beta].map(|rate| [rate.numerator, rate.denominator.get()]);
    [alpha[0], alpha[1], beta[0], beta[1], *gamma]
}

impl GenesisAccount {
    /// Creates an account that owns `balance` wei and nothing else.
    #[must_use]
    pub fn rich(balance: U256) -> Self {
        Self { balance, ..Self::default() }
    }
}

impl Genesis {
    pub(crate) fn world(&self) -> World {
        let mut world = World::default();
        for (address, account) in &self.accounts {
            let hash = world.insert_code(Bytecode::new_legacy(account.code.clone()));
            // Contracts have a nonce of one, as those that transactions make (EIP-161).
            let nonce = u64::from(!account.code.is_empty());
            let storage = account.storage.iter().filter(|(_, value)| !value.is_zero());
            let storage = storage.map(|(slot, value)| (*slot, *value)).collect();
            if nonce > 0 || !account.balance.is_zero() {
                world.insert(*address, Account::new(nonce, account.balance, hash, storage));
            }
        }
        world
    }

    /// Returns the state that the first block is executed on.
    pub(crate) fn state(&self) -> ChainState {
        ChainState {
            height: 0,
            world: self.world(),
            market: self.market(),
            gas_used: Resources::uniform(0),
            receipts_root: EMPTY_ROOT_HASH,
        }
    }

    /// Returns what the genesis block carries as its state root: all that nodes must agree on
    /// before the first block, so that nodes that do not are on different chains.
    ///
    /// `keccak256("lazvm/genesis/1" ‖ chain id u64 ‖ gas limit u64 ‖ model ‖ tokens of a prompt u32
    /// ‖ state ‖ beneficiaries)`, where the state is committed to as after any block. Upgrades and
    /// prices of the chain's own are in front: `"lazvm/genesis/2" ‖ first height with precompiles
    /// ‖ prices ‖ number of changes ‖ (height of the decision ‖ of its activation ‖ prices)… ‖
    /// largest factor ‖ shortest delay ‖` and the rest as above, where prices are alpha and beta,
    /// each as numerator and denominator, and gamma, in words of 8 bytes as all these.
    pub(crate) fn commitment(&self) -> B256 {
        let mut bytes = self.upgrades();
        for word in [self.chain_id, self.gas_limit] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        bytes.extend_from_slice(self.model.0.as_slice());
        bytes.extend_from_slice(&self.prompt_max_tokens.to_be_bytes());
        bytes.extend_from_slice(self.state().commitment().as_slice());
        for beneficiary in &self.beneficiaries {
            bytes.extend_from_slice(beneficiary.as_slice());
        }
        keccak256(bytes)
    }

    /// What the commitment begins with.
    fn upgrades(&self) -> Vec<u8> {
        if self.ai_from == 0 && self.prices == Governance::default() {
            return b"lazvm/genesis/1".to_vec();
        }
        let mut words = vec![self.ai_from];
        words.extend(price_words(self.prices.schedule_at(0)));
        let changes = self.prices.changes();
        words.push(changes.len() as u64);
        for ScheduledChange { decided, activation, schedule } in changes {
            words.extend([*decided, *activation]);
            words.extend(price_words(schedule));
        }
        let limits = self.prices.limits();
        words.extend([limits.max_factor.get(), limits.min_delay.get()]);
        let mut bytes = b"lazvm/genesis/2".to_vec();
        bytes.extend(words.into_iter().flat_map(u64::to_be_bytes));
        bytes
    }

    pub(crate) fn market(&self) -> FeeMarket {
        FeeMarket::uniform(self.gas_limit, u128::from(self.base_fee))
    }

    pub(crate) fn beneficiary(&self, seat: u32) -> Address {
        let index = usize::try_from(seat).unwrap_or(usize::MAX);
        self.beneficiaries.get(index).copied().unwrap_or_default()
    }
}
