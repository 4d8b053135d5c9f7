use super::super::builder::{Builder, Int};

/// Bits of which exactly one is 1: a choice.
#[derive(Clone, Debug)]
pub(super) struct OneHot {
    bits: Vec<Int>,
}

impl OneHot {
    /// A choice among `count`; other constraints determine which.
    pub(super) fn new(builder: &mut Builder, chosen: usize, count: usize) -> Self {
        let bits: Vec<_> = (0..count).map(|index| builder.bit(index == chosen)).collect();
        let sum = builder.linear(0, bits.iter().map(|bit| (*bit, 1)));
        let one = builder.constant(1);
        builder.equal(sum, one);
        Self { bits }
    }

    /// The chosen one of constants.
    pub(super) fn select(&self, builder: &mut Builder, constants: impl Fn(usize) -> i128) -> Int {
        let terms = self.bits.iter().enumerate().map(|(index, bit)| (*bit, constants(index)));
        let terms: Vec<_> = terms.filter(|(_, factor)| *factor != 0).collect();
        builder.linear(0, terms)
    }

    /// The bits.
    pub(super) fn bits(&self) -> &[Int] {
        &self.bits
    }
}
