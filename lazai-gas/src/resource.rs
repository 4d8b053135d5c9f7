use core::fmt;

use lazai_api_types::GasCost;

/// What a block has a limited supply of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Resource {
    /// Arithmetic: the gas of `GasAI`.
    Ai,
    /// Everything that Ethereum prices; of a block, all its gas.
    Evm,
    /// Peak memory: the gas of `GasInference`.
    Inference,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ai => "ai",
            Self::Evm => "evm",
            Self::Inference => "inference",
        })
    }
}

/// One value for each [`Resource`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Resources<T> {
    /// For [`Resource::Evm`].
    pub evm: T,
    /// For [`Resource::Ai`].
    pub ai: T,
    /// For [`Resource::Inference`].
    pub inference: T,
}

impl<T> Resources<T> {
    /// Makes three equal values.
    #[must_use]
    pub fn uniform(value: T) -> Self
    where
        T: Clone,
    {
        Self { evm: value.clone(), ai: value.clone(), inference: value }
    }

    /// References to the values.
    pub const fn as_ref(&self) -> Resources<&T> {
        Resources { evm: &self.evm, ai: &self.ai, inference: &self.inference }
    }

    /// Applies `function` to each value.
    pub fn map<U>(self, mut function: impl FnMut(T) -> U) -> Resources<U> {
        Resources {
            evm: function(self.evm),
            ai: function(self.ai),
            inference: function(self.inference),
        }
    }

    /// Pairs the values with those of `other`.
    pub fn zip<U>(self, other: Resources<U>) -> Resources<(T, U)> {
        Resources {
            evm: (self.evm, other.evm),
            ai: (self.ai, other.ai),
            inference: (self.inference, other.inference),
        }
    }

    /// Returns the highest of the three values.
    #[must_use]
    pub fn highest(self) -> T
    where
        T: Ord,
    {
        self.evm.max(self.ai).max(self.inference)
    }

    /// Returns the values with their names.
    pub fn into_array(self) -> [(Resource, T); 3] {
        [(Resource::Evm, self.evm), (Resource::Ai, self.ai), (Resource::Inference, self.inference)]
    }
}

impl Resources<u64> {
    /// Splits the gas that a transaction is charged for by resource; the parts add up to `total`.
    ///
    /// `cost` is the gas of its AI calls. What remains is EVM gas, so a refund of the EVM lowers
    /// that part first, and then memory.
    #[must_use]
    pub fn apportion(total: u64, cost: GasCost) -> Self {
        let ai = cost.gas_ai.min(total);
        let rest = total.saturating_sub(ai);
        let inference = cost.gas_inference.min(rest);
        Self { evm: rest.saturating_sub(inference), ai, inference }
    }

    /// Returns the sum of the three.
    ///
    /// Returns `None` if it exceeds 64 bits.
    #[must_use]
    pub fn checked_total(self) -> Option<u64> {
        self.evm.checked_add(self.ai)?.checked_add(self.inference)
    }

    pub(crate) const fn saturating_total(self) -> u64 {
        self.evm.saturating_add(self.ai).saturating_add(self.inference)
    }

    /// Adds the gas of the next transaction.
    ///
    /// Returns `None` if a sum exceeds 64 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            evm: self.evm.checked_add(other.evm)?,
            ai: self.ai.checked_add(other.ai)?,
            inference: self.inference.checked_add(other.inference)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_remains_is_evm_gas() {
        let cost = GasCost { gas_ai: 5_500, gas_inference: 1_024 };
        assert_eq!(
            Resources::apportion(27_604, cost),
            Resources { evm: 21_080, ai: 5_500, inference: 1_024 }
        );
    }

    #[test]
    fn a_sum_above_64_bits_is_none() {
        let used = Resources { evm: 1, ai: 2, inference: 3 };
        assert_eq!(used.checked_add(used), Some(Resources { evm: 2, ai: 4, inference: 6 }));
        assert_eq!(used.checked_add(Resources { inference: u64::MAX, ..used }), None);
        assert_eq!(used.checked_total(), Some(6));
        assert_eq!(Resources { inference: u64::MAX - 3, ..used }.checked_total(), Some(u64::MAX));
        assert_eq!(Resources { inference: u64::MAX - 2, ..used }.checked_total(), None);
    }

    proptest! {
        #[test]
        fn parts_add_up(total: u64, gas_ai: u64, gas_inference: u64, a in 0..64_u32, b in 0..64_u32) {
            let cost = GasCost { gas_ai: gas_ai >> a, gas_inference: gas_inference >> b };
            let parts = Resources::apportion(total, cost);
            let sum: u128 = parts.into_array().iter().map(|(_, gas)| u128::from(*gas)).sum();
            prop_assert_eq!(sum, u128::from(total));
            prop_assert!(parts.ai <= cost.gas_ai && parts.inference <= cost.gas_inference);
        }
    }
}
