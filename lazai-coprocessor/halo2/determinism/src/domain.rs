use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

/// No solution is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Contradiction;

/// What is known of a variable: a set of elements of the field that holds the variable's value in
/// every solution.
///
/// The bounds of an interval are below `2^125` in magnitude, so that the sum of two of them is far
/// from wrapping around the order of the field: integers of an interval are equal as integers if
/// they are equal as elements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Domain {
    /// Any element.
    Any,
    /// One element that is no small integer.
    Element(Fr),
    /// An integer from the first to the second.
    Interval(i128, i128),
}

use Domain::{Any, Element, Interval};

impl Domain {
    /// The domain of 0 alone.
    pub(crate) const ZERO: Self = Interval(0, 0);

    /// Returns the domain of one element.
    #[must_use]
    pub fn exact(value: Fr) -> Self {
        match small(value) {
            Some(integer) => Interval(integer, integer),
            None => Element(value),
        }
    }

    /// Returns the element, if it is the only one.
    #[must_use]
    pub fn value(self) -> Option<Fr> {
        match self {
            Interval(low, high) if low == high => Some(field(low)),
            Element(value) => Some(value),
            _ => None,
        }
    }

    /// Returns whether there is one element.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        match self {
            Any => false,
            Element(_) => true,
            Interval(low, high) => low == high,
        }
    }

    /// Returns whether the domain holds the element.
    #[must_use]
    pub fn contains(self, value: Fr) -> bool {
        self.meet(Self::exact(value)).is_ok()
    }

    /// Returns whether the domain holds 0.
    pub(crate) const fn contains_zero(self) -> bool {
        match self {
            Any => true,
            Element(_) => false,
            Interval(low, high) => low <= 0 && 0 <= high,
        }
    }

    /// Returns the largest magnitude of the integers of an interval.
    pub(crate) const fn magnitude(self) -> Option<i128> {
        match self {
            Interval(low, high) => {
                let (low, high) = (low.abs(), high.abs());
                Some(if low > high { low } else { high })
            }
            _ => None,
        }
    }

    /// Returns the elements of both domains.
    pub(crate) fn meet(self, other: Self) -> Result<Self, Contradiction> {
        match (self, other) {
            (Any, domain) | (domain, Any) => Ok(domain),
            (Interval(a, b), Interval(c, d)) if a.max(c) <= b.min(d) => {
                Ok(Interval(a.max(c), b.min(d)))
            }
            (Element(a), Element(b)) if a == b => Ok(self),
            _ => Err(Contradiction),
        }
    }

    /// Returns a domain that holds all elements of both.
    pub(crate) fn hull(self, other: Self) -> Self {
        match (self, other) {
            (Interval(a, b), Interval(c, d)) => Interval(a.min(c), b.max(d)),
            (a, b) if a == b => a,
            _ => Any,
        }
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Any => Any,
            Element(value) => Element(-value),
            Interval(low, high) => Interval(-high, -low),
        }
    }

    /// Returns a domain that holds all sums.
    pub(crate) fn plus(self, other: Self) -> Self {
        if let (Interval(a, b), Interval(c, d)) = (self, other)
            && let Some(sum) = interval(a.checked_add(c), b.checked_add(d))
        {
            return sum;
        }
        match (self.value(), other.value()) {
            (Some(a), Some(b)) => Self::exact(a + b),
            _ => Any,
        }
    }

    /// Returns a domain that holds all products.
    pub(crate) fn times(self, other: Self) -> Self {
        if self == Self::ZERO || other == Self::ZERO {
            return Self::ZERO;
        }
        if let (Interval(a, b), Interval(c, d)) = (self, other) {
            let corners = [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| x.checked_mul(y));
            if let [Some(w), Some(x), Some(y), Some(z)] = corners {
                let (low, high) = (w.min(x).min(y).min(z), w.max(x).max(y).max(z));
                if let Some(product) = interval(Some(low), Some(high)) {
                    return product;
                }
            }
        }
        match (self.value(), other.value()) {
            (Some(a), Some(b)) => Self::exact(a * b),
            _ => Any,
        }
    }

    /// Returns a domain that holds all squares.
    pub(crate) fn squared(self) -> Self {
        let product = self.times(self);
        match (self, product) {
            (Interval(low, high), Interval(..)) => {
                let least = if low <= 0 && 0 <= high { 0 } else { low.abs().min(high.abs()) };
                let most = low.abs().max(high.abs());
                Interval(least * least, most * most)
            }
            _ => product,
        }
    }

    /// Returns the integers `n` of an interval with `n * by` in this interval, if no product of
    /// `within` wraps.
    pub(crate) fn divided(self, by: i128, within: Self) -> Result<Self, Contradiction> {
        let Interval(low, high) = self else { return Ok(Any) };
        let fits = within.magnitude().and_then(|most| most.checked_mul(by.checked_abs()?));
        if by == 0 || fits.is_none_or(|most| most >= LIMIT) {
            return Ok(Any);
        }
        let (low, high, by) = if by < 0 { (-high, -low, -by) } else { (low, high, by) };
        let (least, most) = (ceiling(low, by), high.div_euclid(by));
        if least > most { Err(Contradiction) } else { Ok(Interval(least, most)) }
    }

    /// Returns the integers `x` of `within` with `x * y` in this interval for some `y` of `other`,
    /// if no product wraps and `other` does not hold 0.
    pub(crate) fn quotient(self, other: Self, within: Self) -> Result<Self, Contradiction> {
        let (Interval(low, high), Interval(a, b)) = (self, other) else { return Ok(Any) };
        let (Some(x), Some(y)) = (within.magnitude(), other.magnitude()) else { return Ok(Any) };
        if other.contains_zero() || x.checked_mul(y).is_none_or(|most| most >= LIMIT) {
            return Ok(Any);
        }
        let (low, high, a, b) = if b < 0 { (-high, -low, -b, -a) } else { (low, high, a, b) };
        // 0 < a <= y <= b.
        let least = ceiling(low, if low < 0 { a } else { b });
        let most = high.div_euclid(if high < 0 { b } else { a });
        if least > most { Err(Contradiction) } else { Ok(Interval(least, most)) }
    }

    /// Returns the integers `x` of `within` with `x * x` in this interval, if no square wraps.
    pub(crate) fn square_root(self, within: Self) -> Result<Self, Contradiction> {
        let (Interval(low, high), Interval(a, b)) = (self, within) else { return Ok(Any) };
        if within.squared() == Any {
            return Ok(Any);
        }
        if high < 0 {
            return Err(Contradiction);
        }
        let most = floor_root(high);
        let least = if low <= 0 { 0 } else { floor_root(low - 1) + 1 };
        if least > most {
            return Err(Contradiction);
        }
        match (a > -least, b < least) {
            (true, true) if least > 0 => Err(Contradiction),
            (true, _) if least > 0 => Ok(Interval(least, most)),
            (_, true) if least > 0 => Ok(Interval(-most, -least)),
            _ => Ok(Interval(-most, most)),
        }
    }

    /// Returns the domain without 0, where that is a bound.
    pub(crate) const fn without_zero(self) -> Result<Self, Contradiction> {
        match self {
            Interval(0, 0) => Err(Contradiction),
            Interval(0, high) => Ok(Interval(1, high)),
            Interval(low, 0) => Ok(Interval(low, -1)),
            domain => Ok(domain),
        }
    }
}

const fn ceiling(value: i128, by: i128) -> i128 {
    -(-value).div_euclid(by)
}

/// Returns the largest integer whose square is not above `value`, which is not negative.
pub(crate) const fn floor_root(value: i128) -> i128 {
    value.isqrt()
}

/// Returns the interval if its bounds are small.
fn interval(low: Option<i128>, high: Option<i128>) -> Option<Domain> {
    let (low, high) = (low?, high?);
    (low > -LIMIT && high < LIMIT).then_some(Interval(low, high))
}

/// Returns the integer of small magnitude that the element is, if it is one.
#[must_use]
pub(crate) fn small(value: Fr) -> Option<i128> {
    let below = |value: Fr| {
        let bytes = value.to_repr();
        let (low, high) = bytes.split_at(16);
        let low = u128::from_le_bytes(low.try_into().ok()?);
        (high.iter().all(|byte| *byte == 0) && low < LIMIT.unsigned_abs()).then_some(low as i128)
    };
    below(value).or_else(|| below(-value).map(|integer| -integer))
}

/// Returns the element that an integer is.
#[must_use]
pub(crate) fn field(value: i128) -> Fr {
    let size = value.unsigned_abs();
    // `from_u128` doubles bit by bit.
    let size = Fr::from_raw([size as u64, (size >> 64) as u64, 0, 0]);
    if value < 0 { -size } else { size }
}

/// Returns `value / by` for a divisor that is not 0.
pub(crate) fn ratio(value: Fr, by: Fr) -> Fr {
    if by == Fr::ONE {
        return value;
    }
    if by == -Fr::ONE {
        return -value;
    }
    match (small(value), small(by)) {
        (Some(value), Some(by)) if value % by == 0 => field(value / by),
        _ => value * by.invert().unwrap_or(Fr::ZERO),
    }
}

/// Bound of the magnitude of integers in intervals.
pub(crate) const LIMIT: i128 = 1 << 125;
