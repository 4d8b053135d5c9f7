use alloy_primitives::U256;
use lazai_gas::{Resources, refund};

/// What a transaction paid for its gas, to the wei.
///
/// Arithmetic, with sums over the three resources and differences below zero counted as zero:
/// - `refund = Σ gas_r · min(header - base_fee_r, price)`
/// - `fee = price · Σ gas_r - refund`
/// - `tip = (price - header) · Σ gas_r`
/// - `burned = fee - tip`
///
/// Fees of blobs are not gas and not in here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settlement {
    /// Gas that the transaction was charged for, by resource.
    pub gas: Resources<u64>,
    /// P: wei taken for each unit of gas before the refund.
    pub price: u128,
    /// Wei returned because a resource is cheaper than the header's base fee.
    pub refund: U256,
    /// Wei that the sender paid in the end.
    pub fee: U256,
    /// The part of `fee` that the block's beneficiary got.
    pub tip: U256,
    /// The part of `fee` that was destroyed.
    pub burned: U256,
}

impl Settlement {
    /// Settles `gas` at `price`, with the base fee of the block's header and those of the
    /// resources.
    ///
    /// Without `base_fees` every resource costs the header's base fee, as on Ethereum.
    #[must_use]
    pub fn new(
        gas: Resources<u64>,
        price: u128,
        header: u64,
        base_fees: Option<Resources<u64>>,
    ) -> Self {
        let refund = base_fees.map_or(U256::ZERO, |fees| {
            refund(&gas, price, u128::from(header), &fees.map(u128::from))
        });
        let units: U256 = gas.into_array().iter().map(|(_, gas)| U256::from(*gas)).sum();
        let fee = (U256::from(price) * units).saturating_sub(refund);
        let tip = (U256::from(price.saturating_sub(u128::from(header))) * units).min(fee);
        Self { gas, price, refund, fee, tip, burned: fee.saturating_sub(tip) }
    }

    /// Returns T, the gas of all resources, as the receipt shows it.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        self.gas.into_array().iter().fold(0, |sum, (_, gas)| sum.saturating_add(*gas))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resources() -> impl Strategy<Value = Resources<u64>> {
        let value = || (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift);
        (value(), value(), value()).prop_map(|(evm, ai, inference)| Resources {
            evm,
            ai,
            inference,
        })
    }

    #[test]
    fn each_resource_pays_its_own_fee() {
        let gas = Resources { evm: 21_080, ai: 5_500, inference: 1_024 };
        let fees = Resources { evm: 7, ai: 20, inference: 10 };
        let settled = Settlement::new(gas, 23, 20, Some(fees));
        let burned = 21_080 * 7 + 5_500 * 20 + 1_024 * 10;
        assert_eq!(settled.burned, U256::from(burned));
        assert_eq!(settled.tip, U256::from(3 * (21_080 + 5_500 + 1_024)));
        assert_eq!(settled.fee, settled.burned + settled.tip);
    }

    #[test]
    fn a_price_below_the_base_fee_creates_no_money() {
        let gas = Resources { evm: 21_000, ai: 5, inference: 7 };
        let settled = Settlement::new(gas, 0, 20, Some(Resources::uniform(1)));
        assert_eq!((settled.refund, settled.fee, settled.tip), Default::default());
    }

    proptest! {
        #[test]
        fn paid_is_burned_and_tipped(gas in resources(), fees in resources(), tip: u64) {
            let header = fees.highest();
            let price = u128::from(header) + u128::from(tip);
            let settled = Settlement::new(gas, price, header, Some(fees));
            let own: U256 = gas
                .zip(fees)
                .into_array()
                .iter()
                .map(|(_, (gas, fee))| U256::from(*gas) * U256::from(*fee))
                .sum();
            prop_assert_eq!(settled.burned, own);
            prop_assert_eq!(settled.fee, settled.burned + settled.tip);
            let plain = Settlement::new(gas, price, header, None);
            prop_assert_eq!(plain.fee, settled.fee + settled.refund);
            prop_assert_eq!(plain.tip, settled.tip);
        }

        #[test]
        fn equal_fees_refund_nothing(gas in resources(), header: u64, price: u64) {
            let fees = Some(Resources::uniform(header));
            let equal = Settlement::new(gas, price.into(), header, fees);
            prop_assert_eq!(equal, Settlement::new(gas, price.into(), header, None));
        }

        #[test]
        fn a_refund_never_exceeds_the_payment(
            gas in resources(),
            fees in resources(),
            header: u64,
            price: u64,
        ) {
            let settled = Settlement::new(gas, price.into(), header, Some(fees));
            let units: U256 = gas.into_array().iter().map(|(_, gas)| U256::from(*gas)).sum();
            prop_assert!(settled.refund <= U256::from(price) * units);
            prop_assert_eq!(settled.fee, settled.burned + settled.tip);
        }
    }
}
