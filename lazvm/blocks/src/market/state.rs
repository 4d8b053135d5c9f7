use alloy_primitives::{Address, Bytes, U256, address, keccak256};
use lazai_gas::{Eip1559, FeeLevel, FeeMarket, FeeRule, Resources};
use lazvm::revm::Database;
use lazvm_contracts::{market::LazMarket, sol_types::SolCall};

/// The market of a chain: what its fees follow, and where they start.
///
/// Where they stand is part of the state: the storage of the contract `LazMarket` at
/// [`ADDRESS`](Self::ADDRESS), which the genesis block holds. A state without it has no market, and
/// its blocks are Ethereum's.
#[derive(Clone, Copy, Debug)]
pub struct Market<R = Eip1559> {
    start: FeeMarket<R>,
}

impl Market {
    /// Where the contract stands.
    pub const ADDRESS: Address = address!("000000000000000000000000000000000000a1fe");

    /// Returns the code of the contract, for the genesis block.
    #[must_use]
    pub fn code() -> Bytes {
        LazMarket::DEPLOYED_BYTECODE.clone()
    }
}

impl<R: Clone + FeeRule> Market<R> {
    /// Begins with the rules and fees of `start`. Its limits hold where a block's header has the
    /// gas limit of `start`, and move with it.
    #[must_use]
    pub const fn new(start: FeeMarket<R>) -> Self {
        Self { start }
    }

    /// Reads the market of the block above a state, whose header has this gas limit; none where the
    /// state has no contract of a market.
    ///
    /// # Errors
    /// Those of the state.
    pub fn read<DB: Database>(
        &self,
        db: &mut DB,
        gas_limit: u64,
    ) -> Result<Option<FeeMarket<R>>, DB::Error> {
        let account = db.basic(Market::ADDRESS)?;
        if account.is_none_or(|account| account.code_hash != keccak256(Market::code())) {
            return Ok(None);
        }
        let mut market = self.start.clone();
        let settled = db.storage(Market::ADDRESS, U256::from(USED_SLOT))?;
        // Nothing was settled below the first block.
        if settled >> 192 != U256::ZERO {
            let Resources { evm, ai, inference } = &mut market.resources;
            for (slot, resource) in (0_u64..).zip([evm, ai, inference]) {
                let fee = db.storage(Market::ADDRESS, U256::from(slot))?;
                resource.level = FeeLevel((fee & U256::from(u128::MAX)).to());
            }
        }
        Ok(Some(market.with_gas_limit(gas_limit)))
    }

    /// Returns the call that writes the market of the next block, after one that used `used`.
    pub(super) fn settling(next: &FeeMarket<R>, used: &Resources<u64>) -> Bytes {
        let in_order = |values: Resources<u128>| [values.evm, values.ai, values.inference];
        let levels = in_order(next.resources.as_ref().map(|market| market.level.0));
        let gas = [used.evm, used.ai, used.inference];
        let call = LazMarket::settleCall { levels, baseFees_: in_order(next.base_fees()), gas };
        call.abi_encode().into()
    }
}

/// Returns the base fees as the EVM has them. Above eight bytes no fee is reached: the first is
/// below, and a block adds an eighth at most.
pub(super) fn fees<R: FeeRule>(market: &FeeMarket<R>) -> Resources<u64> {
    market.base_fees().map(|fee| u64::try_from(fee).unwrap_or(u64::MAX))
}

/// The slot of the gas that was used, and of the block that used it.
const USED_SLOT: u64 = 3;
