use alloy_primitives::U256;
use lazai_api_types::Usage;

use crate::wide::multiply_u128;

/// The second reading of `P * T`: P is the price of a token and T counts tokens.
///
/// Nodes that answer requests off chain bill by it, because their users know tokens and not gas. It
/// never prices a call inside the EVM.
///
/// # Examples
/// ```
/// use alloy_primitives::U256;
/// use lazai_api_types::Usage;
/// use lazai_gas::TokenTariff;
///
/// let usage = Usage { prompt_tokens: 12, completion_tokens: 30 };
/// assert_eq!(TokenTariff::default().fee(usage), U256::from(4_200));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TokenTariff {
    /// P, in wei for each token.
    pub price_per_token: u128,
}

impl TokenTariff {
    /// Returns `P * T` in wei, with prompt and completion tokens at one price.
    ///
    /// Before a run, the usage of a [`Quote`](lazai_api_types::Quote) gives the highest fee; after
    /// it, that of the [`Outcome`](lazai_api_types::Outcome) gives the fee. The product is exact.
    #[must_use]
    pub fn fee(&self, usage: Usage) -> U256 {
        let tokens = u64::from(usage.prompt_tokens)
            // Two numbers of 32 bits: this never saturates.
            .saturating_add(u64::from(usage.completion_tokens));
        multiply_u128(self.price_per_token, tokens)
    }
}

impl Default for TokenTariff {
    fn default() -> Self {
        Self { price_per_token: 100 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(prompt_tokens: u32, completion_tokens: u32) -> Usage {
        Usage { prompt_tokens, completion_tokens }
    }

    #[test]
    fn extremes_are_exact() {
        let tariff = TokenTariff { price_per_token: u128::MAX };
        let tokens = U256::from(2 * u64::from(u32::MAX));
        assert_eq!(tariff.fee(usage(u32::MAX, u32::MAX)), U256::from(u128::MAX) * tokens);
        assert_eq!(tariff.fee(usage(0, 0)), U256::ZERO);
    }

    proptest! {
        #[test]
        fn fewer_tokens_never_cost_more(price: u128, prompt: u32, quoted: u32, unused: u32) {
            let tariff = TokenTariff { price_per_token: price };
            let produced = quoted.saturating_sub(unused);
            prop_assert!(tariff.fee(usage(prompt, produced)) <= tariff.fee(usage(prompt, quoted)));
        }
    }
}
