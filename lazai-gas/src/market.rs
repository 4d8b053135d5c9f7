use core::cmp::Ordering;

use alloy_primitives::U256;

use crate::{
    Resource, Resources,
    rule::{Eip1559, FeeLevel, FeeRule},
    wide::{multiply_u64, multiply_u128},
};

/// The market of one resource: its rule, its supply in a block, and where its fee stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ResourceMarket<R = Eip1559> {
    /// How the fee follows demand; it also names target and minimum.
    pub rule: R,
    /// The most gas of this resource that a block may use; for [`Resource::Evm`], the most gas.
    pub limit: u64,
    /// Where the fee stands.
    pub level: FeeLevel,
}

impl<R: FeeRule> ResourceMarket<R> {
    /// Returns the base fee in wei for each gas.
    pub fn base_fee(&self) -> u128 {
        self.rule.base_fee(self.level)
    }

    /// Returns the gas of a block at which the fee stays.
    pub fn target(&self) -> u64 {
        self.rule.target(self.limit)
    }

    fn after(&self, used: u64) -> Self
    where
        R: Clone,
    {
        let level = self.rule.next(self.level, used, self.limit);
        Self { rule: self.rule.clone(), limit: self.limit, level }
    }

    /// Returns the part of `gas` that `used` is on its way from the target to the limit.
    fn share_above_target(&self, used: u64, gas: u64) -> u64 {
        let (target, limit) = (self.target(), self.limit);
        // Also where the target is the limit.
        if used >= limit {
            return gas;
        }
        if used <= target {
            return 0;
        }
        let share = multiply_u64(gas, used.saturating_sub(target));
        // `target < used < limit`, so the divisor is not 0 and the share below `gas`.
        let share = share.checked_div(u128::from(limit.saturating_sub(target)));
        share.and_then(|share| u64::try_from(share).ok()).unwrap_or(gas)
    }
}

/// Three resources, each with its own base fee, behind the one base fee of a block header.
///
/// A transaction is charged at the header's base fee, the maximum of the three, and gets the
/// difference back for each resource: it needs no new transaction type and no new header field.
/// Where the three fees are equal, nothing comes back, and the market is Ethereum's.
///
/// All gas takes time of a block, whatever resource it stands for. So the market of `evm` is the
/// market of the block: its limit is the header's gas limit and bounds the sum of the three, and
/// its fee follows the sum. `ai` and `inference` never cost less than that; each costs more as long
/// as blocks use more of it than its own target. A full block therefore lowers no fee, however its
/// gas is split.
///
/// # Examples
/// ```
/// use alloy_primitives::U256;
/// use lazai_gas::{Eip1559, FeeLevel, FeeMarket, ResourceMarket, Resources};
///
/// let market = FeeMarket::new(Resources { evm: 7, ai: 20, inference: 10 }.map(|fee| {
///     ResourceMarket { rule: Eip1559::ETHEREUM, limit: 30_000_000, level: FeeLevel(fee) }
/// }));
/// assert_eq!(market.header_base_fee(), 20);
///
/// let used = Resources { evm: 21_080, ai: 5_500, inference: 1_024 };
/// let owed = 21_080 * 7 + 5_500 * 20 + 1_024 * 10;
/// assert_eq!(market.refund(&used), U256::from(27_604 * 20 - owed));
///
/// let next = market.settle(&used)?; // Nearly empty: each fee falls by an eighth, rounded down.
/// assert_eq!(next.base_fees(), Resources { evm: 7, ai: 18, inference: 9 });
///
/// let full = Resources { evm: 10_000_000, ai: 10_000_000, inference: 10_000_000 };
/// let next = market.settle(&full)?; // Each resource is below its own target.
/// assert_eq!(next.base_fees(), Resources { evm: 8, ai: 20, inference: 10 });
/// # Ok::<(), lazai_gas::LimitExceeded>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct FeeMarket<R = Eip1559> {
    /// The market of each resource.
    pub resources: Resources<ResourceMarket<R>>,
}

impl<R: FeeRule> FeeMarket<R> {
    /// Makes a market of three resources.
    pub const fn new(resources: Resources<ResourceMarket<R>>) -> Self {
        Self { resources }
    }

    /// Returns the base fee of each resource, in wei for each gas; none is below that of `evm`.
    pub fn base_fees(&self) -> Resources<u128> {
        let floor = self.resources.evm.base_fee();
        self.resources.as_ref().map(|market| market.base_fee().max(floor))
    }

    /// Returns the base fee of the block header: the maximum of the three.
    pub fn header_base_fee(&self) -> u128 {
        self.base_fees().highest()
    }

    /// Returns what the gas of a transaction costs in base fees, in wei.
    ///
    /// With [`refund`](Self::refund), it adds up to all the gas at the header's base fee.
    pub fn owed(&self, used: &Resources<u64>) -> U256 {
        total(*used, self.base_fees())
    }

    /// Returns the part that comes back of the base fees that a transaction was charged, in wei.
    ///
    /// As [`refund`], at a price that pays the header's base fee. `used` must be all the gas of the
    /// transaction, as [`Resources::apportion`] splits it.
    pub fn refund(&self, used: &Resources<u64>) -> U256 {
        let header = self.header_base_fee();
        refund(used, header, header, &self.base_fees())
    }

    /// Checks that a block which used `used` gas is allowed: `evm` bounds the sum of the three.
    ///
    /// A builder asks this before it adds a transaction and leaves the transaction out where it
    /// does not fit; a limit never reverts one.
    ///
    /// # Errors
    /// [`LimitExceeded`] names the first resource above its limit.
    pub fn admit(&self, used: &Resources<u64>) -> Result<(), LimitExceeded> {
        // A sum of more than 64 bits is above a limit of 64 bits, even after saturating.
        let (sum, exact) = (used.saturating_total(), used.checked_total().is_some());
        let limit = self.resources.evm.limit;
        if sum > limit || !exact {
            return Err(LimitExceeded { resource: Resource::Evm, limit, used: sum });
        }
        let pairs =
            Resources { evm: sum, ..*used }.zip(self.resources.as_ref().map(|market| market.limit));
        for (resource, (used, limit)) in pairs.into_array() {
            if used > limit {
                return Err(LimitExceeded { resource, limit, used });
            }
        }
        Ok(())
    }

    /// Makes the same market for a block whose header has another gas limit, as a proposer of
    /// Ethereum may choose it; [`settle`](Self::settle) the block on that.
    ///
    /// The limits of `ai` and `inference` keep their share of the header's, rounded down; those of
    /// the [default market](FeeMarket::uniform) stay equal to it. Targets follow, fees stay.
    #[must_use]
    pub fn with_gas_limit(mut self, gas_limit: u64) -> Self {
        let Resources { evm, ai, inference } = &mut self.resources;
        for market in [ai, inference] {
            // What is above the header's limit means as much as that limit.
            let share = multiply_u64(gas_limit, market.limit.min(evm.limit));
            let share = share.checked_div(u128::from(evm.limit));
            market.limit = share.and_then(|share| u64::try_from(share).ok()).unwrap_or(gas_limit);
        }
        evm.limit = gas_limit;
        self
    }

    /// Returns the market of the next block, after one that used `used` gas.
    ///
    /// The limits are those of that block, whose header may have [moved](Self::with_gas_limit)
    /// them.
    ///
    /// Arithmetic, with `sum` the gas of all three, `limit` and `target` those of `evm`, and the
    /// division rounded down:
    /// ```text
    /// level'_evm = next_evm(level_evm, sum, limit)
    /// counted_r  = used_r + (target_r - used_r) * (sum - target) / (limit - target)
    ///                where used_r < target_r and sum > target
    ///            = target_r + (used_r - target_r) * target_r / (limit_r - target_r)
    ///                where used_r > target_r and limit_r > 2 * target_r
    ///            = used_r elsewhere
    /// level'_r   = next_r(level_r, counted_r, limit_r), raised to the lowest level of a fee that
    ///              is not below fee'_evm, for r = ai, inference
    /// ```
    /// A resource that a block hardly used becomes cheaper, the less so the fuller the block: in a
    /// full one it counts as used to its target, where fees stay. However low a target is, a block
    /// at the limit counts as twice the target, so that it adds no more than on Ethereum.
    ///
    /// # Errors
    /// [`LimitExceeded`] if the block is not allowed.
    pub fn settle(&self, used: &Resources<u64>) -> Result<Self, LimitExceeded>
    where
        R: Clone,
    {
        self.admit(used)?;
        let sum = used.saturating_total();
        let Resources { evm, ai, inference } = &self.resources;
        let block = evm.after(sum);
        let floor = block.base_fee();
        let next = |market: &ResourceMarket<R>, used: u64| {
            let target = market.target();
            let counted = match used.cmp(&target) {
                // At most the target.
                Ordering::Less => {
                    used.saturating_add(evm.share_above_target(sum, target.saturating_sub(used)))
                }
                Ordering::Equal => used,
                // At most what was used.
                Ordering::Greater => {
                    target.saturating_add(market.share_above_target(used, target)).min(used)
                }
            };
            let next = market.after(counted);
            if next.base_fee() >= floor {
                return next;
            }
            ResourceMarket { level: next.rule.level_of(floor), ..next }
        };
        let (ai, inference) = (next(ai, used.ai), next(inference, used.inference));
        Ok(Self { resources: Resources { evm: block, ai, inference } })
    }
}

impl FeeMarket {
    /// Makes the default market: one limit and one fee for the three, so that no transaction
    /// exceeds a limit that it could not know, and nothing comes back until their demand differs.
    ///
    /// `evm` follows [`Eip1559::ETHEREUM`], and so does a chain without AI calls. The targets of
    /// `ai` and `inference` are a quarter and an eighth of the limit: whatever runs the models
    /// serves more than blocks. No fee rises or falls by more than an eighth in a block.
    #[must_use]
    pub const fn uniform(limit: u64, base_fee: u128) -> Self {
        const fn market(rule: Eip1559, limit: u64, base_fee: u128) -> ResourceMarket {
            ResourceMarket { rule, limit, level: FeeLevel(base_fee) }
        }
        Self::new(Resources {
            evm: market(Eip1559::ETHEREUM, limit, base_fee),
            ai: market(Eip1559::AI, limit, base_fee),
            inference: market(Eip1559::INFERENCE, limit, base_fee),
        })
    }
}

/// A block uses more of a resource than it may; of `evm`, more gas than its header may show.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a block to use at most {limit} {resource} gas, got {used}")]
pub struct LimitExceeded {
    /// The resource.
    pub resource: Resource,
    /// The most that a block may use.
    pub limit: u64,
    /// What the block uses.
    pub used: u64,
}

/// Returns what comes back to a sender who paid `price` for each unit of gas, in wei.
///
/// Arithmetic: the sum over the resources of `used * min(header - base fee, price)`, with
/// differences below zero counted as zero; never above what the gas was charged. The price caps the
/// difference where only a simulation gets, below the header's base fee, so that no money is
/// created.
pub fn refund(
    used: &Resources<u64>,
    price: u128,
    header: u128,
    base_fees: &Resources<u128>,
) -> U256 {
    total(*used, base_fees.map(|fee| header.saturating_sub(fee).min(price)))
}

/// Returns the sum of gas times fee; three products of 192 bits never saturate.
fn total(gas: Resources<u64>, fees: Resources<u128>) -> U256 {
    let Resources { evm, ai, inference } = fees.zip(gas).map(|(fee, gas)| multiply_u128(fee, gas));
    evm.saturating_add(ai).saturating_add(inference)
}

#[cfg(test)]
mod tests {
    use alloc::{boxed::Box, string::ToString, sync::Arc};

    use proptest::prelude::*;

    use super::*;
    use crate::ExponentialExcess;

    fn market(fees: [u128; 3]) -> FeeMarket {
        let [evm, ai, inference] = fees;
        FeeMarket::new(Resources { evm, ai, inference }.map(|fee| ResourceMarket {
            rule: Eip1559::ETHEREUM,
            limit: 1_000,
            level: FeeLevel(fee),
        }))
    }

    #[test]
    fn each_resource_has_its_own_demand() {
        let used = Resources { evm: 100, ai: 400, inference: 0 };
        let next = market([800, 800, 1_600]).settle(&used).unwrap();
        assert_eq!(next.base_fees(), Resources { evm: 800, ai: 800, inference: 1_400 });
        let scarce = |limit, rule| {
            let mut market = market([800, 800, 1_600]);
            (market.resources.ai.limit, market.resources.ai.rule) = (limit, rule);
            market.settle(&used).unwrap().base_fees()
        };
        let dearer = scarce(400, Eip1559::ETHEREUM);
        assert_eq!(dearer, Resources { evm: 800, ai: 900, inference: 1_400 });
        assert_eq!(scarce(600, Eip1559::ETHEREUM).ai, 833);
        assert_eq!(scarce(800, Eip1559::ETHEREUM).ai, 800);
        // A limit of four or eight times the target adds no more than one of twice the target.
        assert_eq!(scarce(400, Eip1559::AI).ai, 900);
        assert_eq!(scarce(400, Eip1559::INFERENCE).ai, 900);
        assert_eq!(scarce(1_000, Eip1559::AI).ai, 820);
    }

    #[test]
    fn the_fuller_a_block_the_less_falls() {
        let fees = |evm| {
            let used = Resources { evm, ai: 0, inference: 0 };
            market([800, 1_600, 800]).settle(&used).unwrap().base_fees()
        };
        assert_eq!(fees(0), Resources { evm: 700, ai: 1_400, inference: 700 });
        assert_eq!(fees(500), Resources { evm: 800, ai: 1_400, inference: 800 });
        assert_eq!(fees(750), Resources { evm: 850, ai: 1_500, inference: 850 });
        assert_eq!(fees(1_000), Resources { evm: 900, ai: 1_600, inference: 900 });
    }

    #[test]
    fn a_block_above_a_limit_is_refused() {
        let refuse = |market: FeeMarket, evm, ai, inference| {
            market.settle(&Resources { evm, ai, inference }).unwrap_err()
        };
        let error = refuse(market([1, 1, 1]), 300, 300, 401);
        let expected = LimitExceeded { resource: Resource::Evm, limit: 1_000, used: 1_001 };
        assert_eq!(error, expected);

        let mut scarce = market([1, 1, 1]);
        scarce.resources.ai.limit = 200;
        let error = refuse(scarce, 0, 201, 0);
        let expected = LimitExceeded { resource: Resource::Ai, limit: 200, used: 201 };
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), "expected a block to use at most 200 ai gas, got 201");

        let mut endless = market([1, 1, 1]);
        endless.resources.evm.limit = u64::MAX;
        let used = Resources { evm: u64::MAX, ai: 0, inference: 0 };
        assert!(endless.settle(&used).is_ok());
        assert_eq!(refuse(endless, u64::MAX, 1, 0).resource, Resource::Evm);
    }

    #[test]
    fn without_ai_the_header_follows_ethereum() {
        let mut market = FeeMarket::uniform(30_000_000, 1_000_000_000);
        let mut ethereum = FeeLevel(1_000_000_000);
        for used in [30_000_000, 15_000_000, 0, 21_000, 29_999_999, 14_999_999, 1] {
            market = market.settle(&Resources { evm: used, ai: 0, inference: 0 }).unwrap();
            ethereum = Eip1559::ETHEREUM.next(ethereum, used, 30_000_000);
            assert_eq!(market.base_fees(), Resources::uniform(ethereum.0));
        }
    }

    #[test]
    fn the_market_follows_a_gas_limit_that_moves() {
        let limits = |market: &FeeMarket| market.resources.map(|market| market.limit);
        let mut market = FeeMarket::uniform(30_000_000, 1_000_000_000);
        let mut ethereum = FeeLevel(1_000_000_000);
        // Each at most 1/1,024 from the one before, as on Ethereum, and a jump.
        for (limit, gas) in [
            (30_029_295, 30_029_295),
            (30_058_619, 15_029_310),
            (30_029_266, 1),
            (60_000_000, 60_000_000),
            (36_000_000, 30_000_000),
        ] {
            market = market.with_gas_limit(limit);
            assert_eq!(limits(&market), Resources::uniform(limit));
            // A block that Ethereum allows is allowed, and the next one is not.
            let used = |evm| Resources { evm, ai: 0, inference: 0 };
            assert!(market.admit(&used(limit)).is_ok() && market.admit(&used(limit + 1)).is_err());
            market = market.settle(&used(gas)).unwrap();
            ethereum = Eip1559::ETHEREUM.next(ethereum, gas, limit);
            assert_eq!(market.base_fees(), Resources::uniform(ethereum.0));
        }
        let mut scarce = FeeMarket::uniform(1_000, 8);
        (scarce.resources.ai.limit, scarce.resources.inference.limit) = (250, u64::MAX);
        let moved = |limit| limits(&scarce.with_gas_limit(limit));
        assert_eq!(moved(2_001), Resources { evm: 2_001, ai: 500, inference: 2_001 });
        assert_eq!(moved(u64::MAX).ai, u64::MAX / 4);
        assert_eq!(moved(0), Resources::uniform(0));
        let empty = scarce.with_gas_limit(0);
        assert_eq!(limits(&empty.with_gas_limit(9)), Resources::uniform(9));
    }

    #[test]
    fn rules_may_differ() {
        let linear: Arc<dyn FeeRule> = Arc::new(Eip1559::ETHEREUM);
        let excess: Arc<dyn FeeRule> = Arc::new(ExponentialExcess::new(2, 4_245, 100).unwrap());
        let market = FeeMarket::new(Resources {
            evm: ResourceMarket { rule: linear, limit: 1_000, level: FeeLevel(80) },
            ai: ResourceMarket { rule: excess.clone(), limit: 1_000, level: FeeLevel(0) },
            inference: ResourceMarket { rule: excess, limit: 1_000, level: FeeLevel(0) },
        });
        let full = market.settle(&Resources { evm: 0, ai: 1_000, inference: 0 }).unwrap();
        // e^(500 / 4,245) = 1.125
        assert_eq!(full.base_fees(), Resources { evm: 90, ai: 112, inference: 100 });
        let boxed: Box<dyn FeeRule> = Box::new(Eip1559::ETHEREUM);
        assert_eq!(boxed.next(FeeLevel(80), 1_000, 1_000), FeeLevel(90));
    }

    proptest! {
        #[test]
        fn a_refund_is_never_negative_nor_above_the_charge(fees: [u128; 3], shift in 0..128_u32, gas: [u64; 3]) {
            let market = market(fees.map(|fee| fee >> shift));
            let [evm, ai, inference] = gas;
            let used = Resources { evm, ai, inference };
            let header = U256::from(market.header_base_fee());
            let charged = gas.iter().map(|gas| header * U256::from(*gas)).fold(U256::ZERO, |a, b| a + b);
            let refund = market.refund(&used);
            prop_assert!(refund <= charged);
            prop_assert_eq!(market.owed(&used) + refund, charged);
        }

        #[test]
        fn no_price_gets_more_back_than_it_paid(price: u128, shift in 0..128_u32, header: u128, fees: [u128; 3], gas: [u64; 3]) {
            let price = price >> shift;
            let [evm, ai, inference] = fees;
            let fees = Resources { evm, ai, inference };
            let charged = gas.iter().map(|gas| U256::from(price) * U256::from(*gas)).fold(U256::ZERO, |a, b| a + b);
            let [evm, ai, inference] = gas;
            let used = Resources { evm, ai, inference };
            prop_assert!(refund(&used, price, header, &fees) <= charged);
        }

        #[test]
        fn equal_fees_refund_nothing(fee: u128, gas: [u64; 3]) {
            let [evm, ai, inference] = gas;
            let used = Resources { evm, ai, inference };
            prop_assert_eq!(market([fee; 3]).refund(&used), U256::ZERO);
        }

        #[test]
        fn the_header_is_the_dearest(fees: [u128; 3], gas in prop::array::uniform3(0..=333_u64)) {
            let [evm, ai, inference] = gas;
            let next = market(fees).settle(&Resources { evm, ai, inference }).unwrap();
            let fees = next.base_fees().into_array().map(|(_, fee)| fee);
            prop_assert_eq!(Some(next.header_base_fee()), fees.into_iter().max());
        }
    }
}
