//! Schedules as configuration files.

use lazai_gas::{ChangeLimits, Eip1559, FeeMarket, GasSchedule, Governance, Rate, TokenTariff};
use serde_json::{Value, from_value, json, to_value};

fn schedule(gamma: u64) -> Value {
    json!({
        "alpha": { "numerator": 3, "denominator": 10_000 },
        "beta": { "numerator": 1, "denominator": 1_024 },
        "gamma": gamma,
    })
}

#[test]
fn the_default_schedule_reads_and_writes() {
    assert_eq!(to_value(GasSchedule::default()).unwrap(), schedule(2_000));
    assert_eq!(from_value::<GasSchedule>(schedule(2_000)).unwrap(), GasSchedule::default());
}

#[test]
fn a_zero_denominator_is_refused() {
    let error = from_value::<Rate>(json!({ "numerator": 3, "denominator": 0 })).unwrap_err();
    assert_eq!(error.to_string(), "invalid value: integer `0`, expected a nonzero u64");
}

#[test]
fn a_misspelt_or_missing_field_is_refused() {
    let mut misspelt = schedule(2_000);
    misspelt["gama"] = json!(1);
    let error = from_value::<GasSchedule>(misspelt).unwrap_err().to_string();
    assert!(error.contains("unknown field `gama`"), "{error}");
    let error = from_value::<GasSchedule>(json!({ "gamma": 1 })).unwrap_err().to_string();
    assert!(error.contains("missing field `alpha`"), "{error}");
}

#[test]
fn a_history_is_checked_decision_by_decision() {
    let mut governance = Governance::new(GasSchedule::default(), ChangeLimits::default());
    let dearer = GasSchedule { gamma: 4_000, ..GasSchedule::default() };
    governance.propose(10, 8_000, dearer).unwrap();
    let written = to_value(&governance).unwrap();
    assert_eq!(from_value::<Governance>(written.clone()).unwrap(), governance);

    let refuse = |edit: fn(&mut Value)| {
        let mut forged = written.clone();
        edit(&mut forged);
        from_value::<Governance>(forged).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(|history| history["changes"][0]["schedule"] = schedule(4_001)),
        "expected gamma within a factor of 2 of 2000/1, got 4001/1"
    );
    assert_eq!(
        refuse(|history| history["changes"][0]["activation"] = json!(11)),
        "expected activation at block 7210 or later, got 11"
    );
    assert_eq!(
        refuse(|history| {
            let again = history["changes"][0].clone();
            history["changes"].as_array_mut().unwrap().push(again);
        }),
        "expected no pending change at block 10, got one that activates at 8000"
    );
}

#[test]
fn markets_and_tariffs_survive_a_round_trip() {
    let market = FeeMarket::uniform(30_000_000, u128::MAX);
    let text = serde_json::to_string(&market).unwrap();
    assert_eq!(serde_json::from_str::<FeeMarket>(&text).unwrap(), market);
    assert!(
        from_value::<Eip1559>(json!({ "elasticity": 2, "denominator": 0, "minimum": 0 })).is_err()
    );
    let tariff: TokenTariff = from_value(json!({ "price_per_token": 100 })).unwrap();
    assert_eq!(tariff, TokenTariff::default());
}
