//! What a block lowers: a full one lowers nothing, however its gas is split.

use lazai_gas::{
    Eip1559, ExponentialExcess, FeeLevel, FeeMarket, FeeRule, ResourceMarket, Resources,
};
use proptest::prelude::*;

use crate::fixture::official_base_fees;

const GWEI: u128 = 1_000_000_000;
const LIMIT: u64 = 30_000_000;

/// Splits `total` gas in the proportions of `weights`.
fn split(total: u64, weights: [u64; 3]) -> Resources<u64> {
    let sum = weights.iter().map(|weight| u128::from(*weight)).sum::<u128>().max(1);
    let part = |weight: u64| (u128::from(total) * u128::from(weight) / sum) as u64;
    let [_, ai, inference] = weights.map(part);
    Resources { evm: total - ai - inference, ai, inference }
}

/// Draws proportions of every kind, single resources and nearly single ones among them.
fn weights() -> impl Strategy<Value = [u64; 3]> {
    let weight = prop_oneof![Just(0), 0..4_u64, 0..1_000_u64, 0..1_000_000_000_u64];
    prop::array::uniform3(weight)
}

fn levels() -> impl Strategy<Value = [u128; 3]> {
    (prop::array::uniform3(any::<u128>()), prop::array::uniform3(0..128_u32))
        .prop_map(|(levels, shifts)| core::array::from_fn(|i| levels[i] >> shifts[i]))
}

fn rules() -> impl Strategy<Value = [Eip1559; 3]> {
    prop::array::uniform3((1..10_u64, 1..100_u64, 0..100_u128)).prop_map(|rules| {
        rules.map(|(elasticity, denominator, minimum)| {
            Eip1559::new(elasticity, denominator, minimum).unwrap()
        })
    })
}

fn excesses() -> impl Strategy<Value = [ExponentialExcess; 3]> {
    prop::array::uniform3((1..10_u64, 1_000_000..1_000_000_000_u64, 1..100_u128)).prop_map(
        |rules| {
            rules.map(|(elasticity, fraction, minimum)| {
                ExponentialExcess::new(elasticity, fraction, minimum).unwrap()
            })
        },
    )
}

fn market<R: FeeRule>(rules: [R; 3], levels: [u128; 3], limit: u64) -> FeeMarket<R> {
    let mut levels = levels.into_iter();
    let [evm, ai, inference] = rules.map(|rule| {
        let level = FeeLevel(levels.next().unwrap_or_default());
        ResourceMarket { rule, limit, level }
    });
    FeeMarket::new(Resources { evm, ai, inference })
}

/// Checks that a full block lowers no fee, and returns the market after it.
fn fill<R: FeeRule + Clone>(
    market: &FeeMarket<R>,
    weights: [u64; 3],
) -> Result<FeeMarket<R>, TestCaseError> {
    let used = split(market.resources.evm.limit, weights);
    let next = market.settle(&used).unwrap();
    prop_assert!(
        next.header_base_fee() >= market.header_base_fee(),
        "{used:?}: {:?} became {:?}",
        market.base_fees(),
        next.base_fees()
    );
    let pairs = market.base_fees().zip(next.base_fees());
    for (resource, (before, after)) in pairs.into_array() {
        prop_assert!(after >= before, "{resource}: {before} became {after} after {used:?}");
    }
    Ok(next)
}

proptest! {
    #[test]
    fn a_full_block_lowers_no_fee(
        rules in rules(),
        excesses in excesses(),
        levels in levels(),
        weights in weights(),
        limit: u64,
        shift in 0..64_u32,
    ) {
        let limit = limit >> shift;
        fill(&market(rules, levels, limit), weights)?;
        fill(&market(excesses, levels.map(|level| level >> 1), limit), weights)?;
        let [evm, ..] = levels;
        fill(&FeeMarket::uniform(limit, evm), weights)?;
    }

    #[test]
    fn a_resource_that_may_fill_no_block_lowers_no_fee_either(
        levels in levels(),
        weights in weights(),
        ai in 1..=LIMIT,
        inference in 1..=LIMIT,
    ) {
        let mut market = market([Eip1559::ETHEREUM; 3], levels, LIMIT);
        (market.resources.ai.limit, market.resources.inference.limit) = (ai, inference);
        let mut used = split(LIMIT, weights);
        (used.ai, used.inference) = (used.ai.min(ai), used.inference.min(inference));
        used.evm = LIMIT - used.ai - used.inference;
        let next = market.settle(&used).unwrap();
        prop_assert!(next.header_base_fee() >= market.header_base_fee());
    }

    /// Gas never costs less than Ethereum would charge a block of the same size.
    #[test]
    fn no_split_undercuts_ethereum(
        blocks in prop::collection::vec((weights(), 0..=LIMIT), 1..200),
    ) {
        let mut market = FeeMarket::uniform(LIMIT, GWEI);
        let mut ethereum = FeeLevel(GWEI);
        for (weights, total) in blocks {
            let before = market.header_base_fee();
            market = market.settle(&split(total, weights)).unwrap();
            ethereum = Eip1559::ETHEREUM.next(ethereum, total, LIMIT);
            let fees = market.base_fees();
            prop_assert_eq!(fees.evm, ethereum.0);
            prop_assert!(fees.ai >= fees.evm && fees.inference >= fees.evm);
            // Wallets allow for an eighth in each block.
            prop_assert!(market.header_base_fee() <= before + (before / 8).max(1));
        }
    }

    #[test]
    fn without_ai_nothing_comes_back(blocks in prop::collection::vec(0..=LIMIT, 1..200)) {
        let mut market = FeeMarket::uniform(LIMIT, GWEI);
        let mut ethereum = FeeLevel(GWEI);
        for evm in blocks {
            market = market.settle(&Resources { evm, ai: 0, inference: 0 }).unwrap();
            ethereum = Eip1559::ETHEREUM.next(ethereum, evm, LIMIT);
            prop_assert_eq!(market.base_fees(), Resources::uniform(ethereum.0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn two_hundred_full_blocks_cost_what_ethereum_asks(
        splits in prop::collection::vec(weights(), 200),
        excesses in excesses(),
    ) {
        let mut uniform = FeeMarket::uniform(LIMIT, GWEI);
        let mut excess = market(excesses, [0; 3], LIMIT);
        for weights in splits {
            uniform = fill(&uniform, weights)?;
            excess = fill(&excess, weights)?;
        }
        let full = |fee, _| Eip1559::ETHEREUM.next(fee, LIMIT, LIMIT);
        let ethereum = (0..200).fold(FeeLevel(GWEI), full);
        prop_assert!(ethereum.0 > 10_u128.pow(19));
        prop_assert!(uniform.base_fees().into_array().iter().all(|(_, fee)| *fee >= ethereum.0));
    }
}

/// An eighth for each of 200 full blocks, whether one resource fills them or all three.
#[test]
fn equal_parts_cost_as_much_as_one_resource() {
    let after = |weights| {
        let full = split(LIMIT, weights);
        (0..200).fold(FeeMarket::uniform(LIMIT, GWEI), |market, _| market.settle(&full).unwrap())
    };
    let alone = after([100, 0, 0]).header_base_fee();
    for weights in [[34, 33, 33], [49, 49, 2], [0, 50, 50], [0, 100, 0], [0, 0, 100]] {
        assert!(after(weights).header_base_fee() >= alone, "{weights:?}");
    }
}

/// What nobody uses is for sale at the fee of the block, never at a few wei.
#[test]
fn an_idle_resource_comes_back_at_the_fee_of_the_block() {
    let mut market = FeeMarket::uniform(LIMIT, GWEI);
    for _ in 0..300 {
        market = market.settle(&Resources { evm: LIMIT / 2, ai: 0, inference: 0 }).unwrap();
    }
    assert_eq!(market.base_fees(), Resources::uniform(GWEI));
    // Twice the target of ai, and still a block at its target.
    let used = Resources { evm: 0, ai: LIMIT / 2, inference: 0 };
    let fees = market.settle(&used).unwrap().base_fees();
    assert_eq!(fees, Resources { ai: GWEI + GWEI / 24, ..Resources::uniform(GWEI) });
}

/// A surcharge goes as it came, while blocks are at their target.
#[test]
fn a_surcharge_falls_when_its_demand_is_over() {
    let mut market = FeeMarket::uniform(LIMIT, GWEI);
    for _ in 0..30 {
        market = market.settle(&Resources { evm: 0, ai: LIMIT / 2, inference: 0 }).unwrap();
    }
    assert!(market.base_fees().ai > 3 * GWEI);
    for _ in 0..60 {
        market = market.settle(&Resources { evm: LIMIT / 2, ai: 0, inference: 0 }).unwrap();
    }
    assert_eq!(market.base_fees(), Resources::uniform(GWEI));
}

/// Ethereum's own headers, whatever part of their gas were AI gas.
#[test]
fn official_block_headers_hold_for_every_split() {
    let Some(rows) = official_base_fees() else { return };
    for [used, limit, base_fee, expected] in rows {
        let market = FeeMarket::uniform(limit, base_fee.into());
        let next = |weights| market.settle(&split(used, weights)).unwrap();
        assert_eq!(next([1, 0, 0]).base_fees(), Resources::uniform(expected.into()));
        for weights in [[34, 33, 33], [49, 49, 2], [0, 1, 0], [0, 0, 1], [9, 1, 0]] {
            let fees = next(weights).base_fees();
            assert_eq!(fees.evm, u128::from(expected), "{used} of {limit} at {base_fee} wei");
            assert!(fees.highest() >= u128::from(expected));
        }
    }
}
