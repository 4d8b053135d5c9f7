//! The figures of `docs/gas.md`, "Worked example" and "The default schedule".

use alloy_primitives::U256;
use lazai_api_types::{GasPricing, INTRINSIC_FLOPS_PER_BYTE, Usage, Work};
use lazai_gas::{
    Eip1559, FeeLevel, FeeMarket, GasPrice, GasSchedule, ResourceMarket, Resources, TokenTariff,
};

const MILLI_GWEI: u128 = 1_000_000;

#[test]
fn a_contract_asks_for_a_hundred_tokens() {
    let flops = 1_600_000_000 + 64 * INTRINSIC_FLOPS_PER_BYTE;
    assert_eq!(flops, 1_600_065_536);

    let fees = Resources { evm: 500, ai: 1_000, inference: 800 };
    let market = FeeMarket::new(fees.map(|fee| ResourceMarket {
        rule: Eip1559::ETHEREUM,
        limit: 30_000_000,
        level: FeeLevel(fee * MILLI_GWEI),
    }));
    let price = GasPrice { base_fee: market.header_base_fee(), tip: 50 * MILLI_GWEI };
    let work = Work { flops, peak_bytes: 3 << 20 };
    let estimate = GasSchedule::default().estimate(&work, price).unwrap();
    assert_eq!(estimate.cost.gas_ai, 482_020);
    assert_eq!(estimate.cost.gas_inference, 3_072);
    assert_eq!(estimate.gas, 485_092);
    assert_eq!(estimate.price, 1_050 * MILLI_GWEI);
    assert_eq!(estimate.fee, U256::from(509_346_600 * MILLI_GWEI));

    let total = 45_000 + estimate.gas;
    let used = Resources::apportion(total, estimate.cost);
    assert_eq!(used, Resources { evm: 45_000, ai: 482_020, inference: 3_072 });
    let charged = U256::from(u128::from(total) * estimate.price);
    assert_eq!(charged, U256::from(556_596_600 * MILLI_GWEI));
    assert_eq!(market.refund(&used), U256::from(23_114_400 * MILLI_GWEI));
    assert_eq!(charged - market.refund(&used), U256::from(533_482_200 * MILLI_GWEI));

    let usage = Usage { prompt_tokens: 16, completion_tokens: 100 };
    assert_eq!(TokenTariff::default().fee(usage), U256::from(11_600));
}

#[test]
fn small_models_fit_into_a_transaction() {
    let transaction = (1_u64 << 24) - GasSchedule::default().gamma;
    for (parameters, gas_per_token, tokens) in
        [(8_000_000, 4_800, 3_494), (110_000_000, 66_000, 254), (1_100_000_000, 660_000, 25)]
    {
        let work = Work { flops: 2 * parameters, peak_bytes: 0 };
        let gas = GasSchedule::default().gas(&work).unwrap().gas_ai - GasSchedule::default().gamma;
        assert_eq!((gas, transaction / gas), (gas_per_token, tokens));
    }
}
