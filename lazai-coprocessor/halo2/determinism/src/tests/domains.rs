//! Arithmetic of domains against all elements of small intervals.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use proptest::prelude::*;

use crate::{
    Domain,
    domain::{LIMIT, field, ratio, small},
};

fn interval() -> impl Strategy<Value = (i128, i128)> {
    (-12_i128..13, 0_i128..9).prop_map(|(low, width)| (low, low + width))
}

fn domain((low, high): (i128, i128)) -> Domain {
    Domain::Interval(low, high)
}

fn holds(domain: Result<Domain, crate::domain::Contradiction>, value: i128) -> bool {
    domain.is_ok_and(|domain| domain.contains(field(value)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_and_products_hold_those_of_all_elements(x in interval(), y in interval()) {
        let (sum, product) = (domain(x).plus(domain(y)), domain(x).times(domain(y)));
        for a in x.0..=x.1 {
            prop_assert!(domain(x).squared().contains(field(a * a)));
            prop_assert!(domain(x).negated().contains(field(-a)));
            for b in y.0..=y.1 {
                prop_assert!(sum.contains(field(a + b)));
                prop_assert!(product.contains(field(a * b)));
            }
        }
        prop_assert!(domain(x).hull(domain(y)).contains(field(x.0)));
        prop_assert!(domain(x).hull(domain(y)).contains(field(y.1)));
    }

    #[test]
    fn quotients_and_roots_lose_none(x in interval(), y in interval(), target in interval()) {
        let target_domain = domain(target);
        for a in x.0..=x.1 {
            for b in y.0..=y.1 {
                if target.0 <= a * b && a * b <= target.1 {
                    prop_assert!(holds(target_domain.divided(b, domain(x)), a) || b == 0);
                    prop_assert!(holds(target_domain.quotient(domain(y), domain(x)), a));
                }
            }
            if target.0 <= a * a && a * a <= target.1 {
                prop_assert!(holds(target_domain.square_root(domain(x)), a));
            }
            if a != 0 {
                prop_assert!(holds(domain(x).without_zero(), a));
            }
        }
    }
}

/// What lies beyond the limit is no interval: it might wrap around the order of the field.
#[test]
fn large_bounds_become_any() {
    let large = Domain::Interval(0, LIMIT - 1);
    assert_eq!(large.plus(large), Domain::Any);
    assert_eq!(large.times(Domain::Interval(0, 2)), Domain::Any);
    assert_eq!(Domain::Interval(0, 5).divided(LIMIT, large), Ok(Domain::Any));
    // One element stays one element.
    let most = Domain::exact(field(LIMIT - 1));
    let sum = most.plus(most);
    assert_eq!(sum.value(), Some(field(LIMIT - 1).double()));
    assert!(matches!(sum, Domain::Element(_)));
    assert_eq!(small(field(LIMIT)), None);
    assert_eq!(small(field(1 - LIMIT)), Some(1 - LIMIT));
}

#[test]
fn fractions_are_elements() {
    let half = ratio(Fr::ONE, Fr::from(2));
    assert_eq!(half.double(), Fr::ONE);
    assert!(matches!(Domain::exact(half), Domain::Element(_)));
    assert!(!Domain::Interval(-5, 5).contains(half));
    assert_eq!(ratio(Fr::from(6), -Fr::from(2)), -Fr::from(3));
}
