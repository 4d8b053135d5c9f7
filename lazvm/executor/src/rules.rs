use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use lazai_api_types::{ModelId, ProofSystemId};
use lazai_gas::{GasSchedule, Rate};
use lazai_precompiles::{Listing, Settings, WORK_RULES};
use lazvm::revm::primitives::hardfork::SpecId;

use crate::{Genesis, SPEC};

/// What governs the transactions of the blocks of one height.
///
/// It changes while the chain lives, by decision or by another version of this crate, so the root
/// of the genesis block does not name it but for the first block. Each block commits to the rules
/// of the next one: nodes that have others refuse each other's blocks before anything is executed
/// by them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rules {
    /// The hard fork of the EVM.
    spec: SpecId,
    /// The number of the rules by which work is measured.
    work: u32,
    prices: GasSchedule,
    models: BTreeSet<ModelId>,
    proof_systems: BTreeSet<ProofSystemId>,
}

impl Rules {
    /// Returns `keccak256("lazvm/rules/1" ‖ length of the fork's name ‖ name ‖ number of the rules
    /// of work ‖ prices ‖ number of models ‖ models… ‖ number of proof systems ‖ proof systems…)`,
    /// in ascending order.
    ///
    /// The name of the fork is revm's: its numbers may move. Prices are alpha and beta, each as
    /// numerator and denominator in lowest terms, and gamma. Numbers and proof systems are words of
    /// 8 bytes.
    pub(crate) fn commitment(&self) -> B256 {
        let GasSchedule { alpha, beta, gamma } = self.prices;
        let [alpha, beta] = [alpha, beta].map(lowest_terms);
        let prices = [alpha[0], alpha[1], beta[0], beta[1], gamma];
        let mut bytes = b"lazvm/rules/1".to_vec();
        let name: &str = self.spec.into();
        bytes.extend((name.len() as u64).to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend(u64::from(self.work).to_be_bytes());
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
        let prices = *self.prices.schedule_at(height);
        Rules { spec: SPEC, work: WORK_RULES, prices, models, proof_systems }
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

    fn rules() -> Rules {
        Rules {
            spec: SPEC,
            work: WORK_RULES,
            prices: GasSchedule::default(),
            models: BTreeSet::new(),
            proof_systems: BTreeSet::new(),
        }
    }

    #[test]
    fn equal_prices_have_one_commitment() {
        let with = |numerator, denominator| {
            let alpha = Rate::new(numerator, denominator).unwrap();
            Rules { prices: GasSchedule { alpha, ..GasSchedule::default() }, ..rules() }
        };
        assert_eq!(with(3, 10_000), with(6, 20_000));
        assert_eq!(with(3, 10_000).commitment(), with(6, 20_000).commitment());
        assert_ne!(with(3, 10_000).commitment(), with(3, 10_001).commitment());
        assert_eq!(lowest_terms(Rate::new(0, 7).unwrap()), [0, 1]);
    }

    /// Nodes of another version are on another chain from the first block that they would execute
    /// otherwise.
    #[test]
    fn what_is_compiled_in_is_committed_to() {
        let next = Rules { spec: SpecId::AMSTERDAM, ..rules() };
        let before = Rules { spec: SpecId::PRAGUE, ..rules() };
        let measured = Rules { work: WORK_RULES + 1, ..rules() };
        let all = [rules(), next, before, measured].map(|rules| rules.commitment());
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
    }
}
