use crate::builder::{AssignedInt, Builder};

/// A one-hot vector: bits of which exactly one is 1.
#[derive(Clone, Debug)]
pub(super) struct OneHot {
    bits: Vec<AssignedInt>,
}

impl OneHot {
    /// Assigns a vector of `count` bits; other constraints determine which is 1.
    #[track_caller]
    pub(super) fn new(builder: &mut Builder, chosen: usize, count: usize) -> Self {
        builder.within("one_hot", |builder| {
            let bits: Vec<_> = (0..count).map(|index| builder.bit(index == chosen)).collect();
            let sum = builder.linear(0, bits.iter().map(|bit| (*bit, 1)));
            let one = builder.constant(1);
            builder.assert_equal(sum, one);
            Self { bits }
        })
    }

    /// Returns the constant at the index of the 1.
    #[track_caller]
    pub(super) fn select(
        &self,
        builder: &mut Builder,
        constants: impl Fn(usize) -> i128,
    ) -> AssignedInt {
        let terms = self.bits.iter().enumerate().map(|(index, bit)| (*bit, constants(index)));
        let terms: Vec<_> = terms.filter(|(_, factor)| *factor != 0).collect();
        builder.linear(0, terms)
    }

    /// Returns the bits.
    pub(super) fn bits(&self) -> &[AssignedInt] {
        &self.bits
    }
}
