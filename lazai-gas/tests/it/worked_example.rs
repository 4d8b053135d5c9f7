//! The figures of `docs/gas.md`, "Worked example" and "The default schedule".

use alloy_primitives::U256;
use lazai_api_types::{GasPricing, INTRINSIC_FLOPS_PER_BYTE, Usage, Work};
use lazai_gas::{
    Eip1559, FeeLevel, FeeMarket, GasPrice, GasSchedule, ResourceMarket, Resources, TokenTariff,
};

const MILLI_GWEI: u128 = 1_000_000;

#[test]
fn a_contract_asks_for_a_hundred_tokens() {
    let flops = 8_000_000_000 + 64 * INTRINSIC_FLOPS_PER_BYTE;
    assert_eq!(flops, 8_000_065_536);

    let fees = Resources { evm: 500, ai: 1_000, inference: 800 };
    let market = FeeMarket::new(fees.map(|fee| ResourceMarket {
        rule: Eip1559::ETHEREUM,
        limit: 30_000_000,
        level: FeeLevel(fee * MILLI_GWEI),
    }));
    let price = GasPrice { base_fee: market.header_base_fee(), tip: 50 * MILLI_GWEI };
    let work = Work { flops, peak_bytes: 3 << 20 };
    let estimate = GasSchedule::default().estimate(&work, price).unwrap();
    assert_eq!(estimate.cost.gas_ai, 2_402_020);
    assert_eq!(estimate.cost.gas_inference, 3_072);
    assert_eq!(estimate.gas, 2_405_092);
    assert_eq!(estimate.price, 1_050 * MILLI_GWEI);
    assert_eq!(estimate.fee, U256::from(2_525_346_600 * MILLI_GWEI));

    let total = 45_000 + estimate.gas;
    let used = Resources::apportion(total, estimate.cost);
    assert_eq!(used, Resources { evm: 45_000, ai: 2_402_020, inference: 3_072 });
    let charged = U256::from(u128::from(total) * estimate.price);
    assert_eq!(charged, U256::from(2_572_596_600 * MILLI_GWEI));
    assert_eq!(market.refund(&used), U256::from(23_114_400 * MILLI_GWEI));
    assert_eq!(charged - market.refund(&used), U256::from(2_549_482_200 * MILLI_GWEI));

    let usage = Usage { prompt_tokens: 16, completion_tokens: 100 };
    assert_eq!(TokenTariff::default().fee(usage), U256::from(11_600));
}

#[test]
fn small_models_fit_into_a_transaction() {
    let transaction = (1_u64 << 24) - GasSchedule::default().gamma;
    for (parameters, read, written, tokens) in [
        (8_000_000, 4_800, 14_400, 1_164),
        (110_000_000, 66_000, 198_000, 84),
        (1_100_000_000, 660_000, 1_980_000, 8),
    ] {
        let gas = |flops| {
            let cost = GasSchedule::default().gas(&Work { flops, peak_bytes: 0 }).unwrap();
            cost.gas_ai - GasSchedule::default().gamma
        };
        assert_eq!((gas(2 * parameters), gas(6 * parameters)), (read, written));
        assert_eq!(transaction / written, tokens);
    }
}
