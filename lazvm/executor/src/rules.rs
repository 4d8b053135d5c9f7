use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use lazai_api_types::{ModelId, ProofSystemId};
use lazai_gas::{GasSchedule, Rate};
use lazai_precompiles::{Listing, Settings};

use crate::Genesis;

/// What governs the AI calls of the blocks of one height.
///
/// It is decided while the chain lives, so the root of the genesis block does not name it but for
/// the first block. Each block commits to the rules of the next one: nodes that have other
/// decisions refuse each other's blocks before anything is executed by them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rules {
    prices: GasSchedule,
    models: BTreeSet<ModelId>,
    proof_systems: BTreeSet<ProofSystemId>,
}

impl Rules {
    /// Returns `keccak256("lazvm/rules/1" ‖ prices ‖ number of models ‖ models… ‖ number of proof
    /// systems ‖ proof systems…)`, in ascending order.
    ///
    /// Prices are alpha and beta, each as numerator and denominator in lowest terms, and gamma.
    /// Numbers and proof systems are words of 8 bytes.
    pub(crate) fn commitment(&self) -> B256 {
        let GasSchedule { alpha, beta, gamma } = self.prices;
        let [alpha, beta] = [alpha, beta].map(lowest_terms);
        let prices = [alpha[0], alpha[1], beta[0], beta[1], gamma];
        let mut bytes = b"lazvm/rules/1".to_vec();
        bytes.extend(prices.into_iter().flat_map(u64::to_be_bytes));
        bytes.extend((self.models.len() as u64).to_be_bytes());
        bytes.extend(self.models.iter().flat_map(|model| model.0));
        bytes.extend((self.proof_systems.len() as u64).to_be_bytes());
        let systems = self.proof_systems.iter().map(|system| u64::from(system.0));
        bytes.extend(systems.flat_map(u64::to_be_bytes));
        keccak256(bytes)
    }
}

impl Genesis {
    /// Returns what is decided for the block of `height`.
    pub(crate) fn rules_at(&self, height: u64) -> Rules {
        let mut models = latest(&self.models, height);
        models.insert(self.model);
        let proof_systems = latest(&self.proof_systems, height);
        Rules { prices: *self.prices.schedule_at(height), models, proof_systems }
    }

    /// Returns the settings of the AI precompiles in the block of `height`.
    pub(crate) fn settings_at(&self, height: u64) -> Settings {
        let Rules { models, proof_systems, .. } = self.rules_at(height);
        Settings {
            default_model: Some(self.model),
            prompt_max_tokens: self.prompt_max_tokens,
            models: Listing::Only(models),
            proof_systems: Listing::Only(proof_systems),
            ..Settings::default()
        }
    }
}

/// Returns numerator and denominator: equal rates have the same.
const fn lowest_terms(rate: Rate) -> [u64; 2] {
    let (mut divisor, mut rest) = (rate.denominator.get(), rate.numerator);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    [rate.numerator / divisor, rate.denominator.get() / divisor]
}

/// The list that holds at `height`: the last one that has begun.
fn latest<T: Clone>(lists: &BTreeMap<u64, BTreeSet<T>>, height: u64) -> BTreeSet<T> {
    let begun = lists.range(..=height).next_back();
    begun.map(|(_, list)| list.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_prices_have_one_commitment() {
        let with = |numerator, denominator| {
            let alpha = Rate::new(numerator, denominator).unwrap();
            let prices = GasSchedule { alpha, ..GasSchedule::default() };
            Rules { prices, models: BTreeSet::new(), proof_systems: BTreeSet::new() }
        };
        assert_eq!(with(3, 10_000), with(6, 20_000));
        assert_eq!(with(3, 10_000).commitment(), with(6, 20_000).commitment());
        assert_ne!(with(3, 10_000).commitment(), with(3, 10_001).commitment());
        assert_eq!(lowest_terms(Rate::new(0, 7).unwrap()), [0, 1]);
    }
}
