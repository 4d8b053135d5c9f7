use core::cmp::Ordering;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

/// A polynomial in challenges and variables, the latter of degree two at most.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Polynomial {
    /// Ascending, with coefficients other than 0.
    terms: Vec<(Monomial, Fr)>,
    /// Whether a product of more than two variables was left out.
    pub(crate) too_high: bool,
}

/// A product of powers of challenges and of at most two variables.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Monomial {
    pub(crate) powers: [u16; CHALLENGES],
    degree: u8,
    symbols: [u32; 2],
}

impl Monomial {
    /// Returns the variables, ascending.
    pub(crate) fn symbols(&self) -> &[u32] {
        &self.symbols[..usize::from(self.degree)]
    }

    fn times(self, other: Self) -> Option<Self> {
        let mut product = self;
        for (power, added) in product.powers.iter_mut().zip(other.powers) {
            *power = power.checked_add(added)?;
        }
        for symbol in other.symbols() {
            *product.symbols.get_mut(usize::from(product.degree))? = *symbol;
            product.degree += 1;
        }
        if product.degree == 2 {
            product.symbols.sort_unstable();
        }
        Some(product)
    }
}

impl Polynomial {
    pub(crate) fn constant(value: Fr) -> Self {
        Self::of(Monomial::default(), value)
    }

    pub(crate) fn variable(symbol: u32) -> Self {
        Self::of(Monomial { degree: 1, symbols: [symbol, 0], ..Monomial::default() }, Fr::ONE)
    }

    /// Returns the challenge with this number.
    pub(crate) fn challenge(index: usize) -> Self {
        let mut powers = [0; CHALLENGES];
        match powers.get_mut(index) {
            Some(power) => *power = 1,
            None => return Self { too_high: true, ..Self::default() },
        }
        Self::of(Monomial { powers, ..Monomial::default() }, Fr::ONE)
    }

    fn of(monomial: Monomial, coefficient: Fr) -> Self {
        let terms = if coefficient == Fr::ZERO { vec![] } else { vec![(monomial, coefficient)] };
        Self { terms, too_high: false }
    }

    pub(crate) fn terms(&self) -> &[(Monomial, Fr)] {
        &self.terms
    }

    pub(crate) const fn is_zero(&self) -> bool {
        self.terms.is_empty() && !self.too_high
    }

    pub(crate) fn scaled(mut self, by: Fr) -> Self {
        if by == Fr::ZERO {
            return Self::default();
        }
        self.terms.iter_mut().for_each(|(_, coefficient)| *coefficient *= by);
        self
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let too_high = self.too_high || other.too_high;
        if other.terms.is_empty() {
            return Self { too_high, ..self };
        }
        if self.terms.is_empty() {
            return Self { too_high, ..other };
        }
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut left, mut right) = (self.terms.into_iter(), other.terms.into_iter());
        let (mut a, mut b) = (left.next(), right.next());
        loop {
            match (a, b) {
                (Some(x), Some(y)) => match x.0.cmp(&y.0) {
                    Ordering::Less => {
                        terms.push(x);
                        a = left.next();
                    }
                    Ordering::Greater => {
                        terms.push(y);
                        b = right.next();
                    }
                    Ordering::Equal => {
                        let sum = x.1 + y.1;
                        if sum != Fr::ZERO {
                            terms.push((x.0, sum));
                        }
                        (a, b) = (left.next(), right.next());
                    }
                },
                (Some(x), None) => {
                    terms.push(x);
                    a = left.next();
                }
                (None, Some(y)) => {
                    terms.push(y);
                    b = right.next();
                }
                (None, None) => return Self { terms, too_high },
            }
        }
    }

    pub(crate) fn times(self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self::default();
        }
        let mut too_high = self.too_high || other.too_high;
        let mut terms = Vec::with_capacity(self.terms.len() * other.terms.len());
        for (x, a) in &self.terms {
            for (y, b) in &other.terms {
                match x.times(*y) {
                    Some(monomial) => terms.push((monomial, *a * *b)),
                    None => too_high = true,
                }
            }
        }
        terms.sort_unstable_by_key(|(monomial, _)| *monomial);
        terms.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        terms.retain(|(_, coefficient)| *coefficient != Fr::ZERO);
        Self { terms, too_high }
    }

    /// Splits the polynomial into the coefficients of the powers of challenges.
    pub(crate) fn coefficients(&self) -> Vec<Self> {
        // Powers are compared first, so equal ones are neighbours.
        self.terms
            .chunk_by(|(a, _), (b, _)| a.powers == b.powers)
            .map(|terms| {
                let without = |(monomial, coefficient): &(Monomial, Fr)| {
                    (Monomial { powers: [0; CHALLENGES], ..*monomial }, *coefficient)
                };
                Self { terms: terms.iter().map(without).collect(), too_high: false }
            })
            .collect()
    }
}

/// Largest number of challenges.
pub(crate) const CHALLENGES: usize = 4;
