use alloc::string::ToString;

use proptest::prelude::*;

use super::*;

fn governance() -> Governance {
    Governance::new(GasSchedule::default(), ChangeLimits::default())
}

fn gamma(gamma: u64) -> GasSchedule {
    GasSchedule { gamma, ..GasSchedule::default() }
}

#[test]
fn a_change_holds_from_its_block_on() {
    let mut governance = governance();
    governance.propose(0, 7_200, gamma(3_000)).unwrap();
    governance.propose(7_200, 20_000, gamma(1_500)).unwrap();
    for (block, expected) in [
        (0, 2_000),
        (7_199, 2_000),
        (7_200, 3_000),
        (19_999, 3_000),
        (20_000, 1_500),
        (u64::MAX, 1_500),
    ] {
        assert_eq!(governance.schedule_at(block).gamma, expected, "block {block}");
    }
}

#[test]
fn a_change_needs_its_delay() {
    let mut governance = governance();
    for (now, activation, expected) in [
        (100, 99, 7_300),
        (100, 100, 7_300),
        (100, 7_299, 7_300),
        (u64::MAX - 1, u64::MAX, u64::MAX),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let error = governance.propose(now, activation, gamma(3_000)).unwrap_err();
        assert_eq!(error, GovernanceError::TooEarly { expected, got: activation });
        assert!(governance.changes().is_empty());
    }
    assert_eq!(
        governance.propose(100, 101, gamma(3_000)).unwrap_err().to_string(),
        "expected activation at block 7300 or later, got 101"
    );
}

#[test]
fn one_change_is_pending_at_most() {
    let mut governance = governance();
    governance.propose(0, 10_000, gamma(3_000)).unwrap();
    let refused = GovernanceError::ChangePending { activation: 10_000, now: 9_999 };
    assert_eq!(governance.propose(9_999, 30_000, gamma(2_500)), Err(refused));
    assert_eq!(governance.pending(9_999).map(|change| change.activation), Some(10_000));
    assert_eq!(governance.pending(10_000), None);
    governance.propose(10_000, 30_000, gamma(2_500)).unwrap();
}

#[test]
fn only_a_pending_change_is_withdrawn() {
    let mut governance = governance();
    assert_eq!(governance.cancel(0), Err(GovernanceError::NothingPending { now: 0 }));
    governance.propose(0, 10_000, gamma(3_000)).unwrap();
    assert_eq!(governance.cancel(10_000), Err(GovernanceError::NothingPending { now: 10_000 }));
    assert_eq!(governance.cancel(9_999).unwrap().schedule, gamma(3_000));
    assert_eq!(governance.schedule_at(u64::MAX).gamma, 2_000);
    governance.propose(9_999, 20_000, gamma(2_500)).unwrap();
}

#[test]
fn every_coefficient_moves_by_a_bounded_step() {
    let rate = |n, d| Rate::new(n, d).unwrap();
    let old = GasSchedule::default();
    let alpha = |alpha| GasSchedule { alpha, ..old };
    let beta = |beta| GasSchedule { beta, ..old };
    for (schedule, parameter) in [
        (alpha(rate(6, 10_000)), None),
        (alpha(rate(15, 100_000)), None),
        (alpha(rate(60_001, 100_000_000)), Some(Parameter::Alpha)),
        (alpha(rate(14_999, 100_000_000)), Some(Parameter::Alpha)),
        (alpha(rate(0, 1)), Some(Parameter::Alpha)),
        (beta(rate(1, 512)), None),
        (beta(rate(1, 2_048)), None),
        (beta(rate(1, 511)), Some(Parameter::Beta)),
        (beta(rate(1, 2_049)), Some(Parameter::Beta)),
        (gamma(4_000), None),
        (gamma(1_000), None),
        (gamma(4_001), Some(Parameter::Gamma)),
        (gamma(999), Some(Parameter::Gamma)),
        (gamma(u64::MAX), Some(Parameter::Gamma)),
    ] {
        let refused = governance().propose(0, 7_200, schedule).err().map(|error| match error {
            GovernanceError::StepTooLarge { parameter, .. } => parameter,
            other => panic!("{other}"),
        });
        assert_eq!(refused, parameter, "{schedule:?}");
    }
    assert_eq!(
        governance().propose(0, 7_200, gamma(4_001)).unwrap_err().to_string(),
        "expected gamma within a factor of 2 of 2000/1, got 4001/1"
    );
}

#[test]
fn a_coefficient_of_zero_stays() {
    let free = GasSchedule { alpha: Rate::whole(0), ..GasSchedule::default() };
    let mut governance = Governance::new(free, ChangeLimits::default());
    assert!(governance.propose(0, 7_200, GasSchedule::default()).is_err());
    governance.propose(0, 7_200, GasSchedule { gamma: 3_000, ..free }).unwrap();
}

proptest! {
    #[test]
    fn whatever_is_asked_prices_move_by_bounded_announced_steps(
        asked in prop::collection::vec((0..40_000_u64, 0..20_000_u64, 0..3_u64, 1..6_u64, 0..9_000_u64), 0..40),
    ) {
        let mut governance = governance();
        let mut now = 0;
        for (later, ahead, n, d, gamma) in asked {
            now += later;
            let old = *governance.schedule_at(now);
            let alpha = Rate::new(old.alpha.numerator * n, old.alpha.denominator.get() * d).unwrap_or(old.alpha);
            let _ = governance.propose(now, now + ahead, GasSchedule { alpha, gamma, ..old });
            prop_assert_eq!(*governance.schedule_at(now), old, "no decision has effect at once");
        }
        let limits = *governance.limits();
        let mut before = (0, GasSchedule::default());
        for change in governance.changes() {
            prop_assert!(change.decided >= before.0);
            prop_assert!(change.activation - change.decided >= limits.min_delay.get());
            prop_assert!(limits.check_step(&before.1, &change.schedule).is_ok());
            prop_assert_eq!(governance.schedule_at(change.activation - 1), &before.1);
            prop_assert_eq!(governance.schedule_at(change.activation), &change.schedule);
            before = (change.activation, change.schedule);
        }
    }
}
