use core::fmt::Debug;

/// What a job costs a machine, computed from shapes before the run and never measured.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Work {
    /// Arithmetic operations; a multiply and an add count as two.
    pub flops: u64,
    /// High-water mark of the memory that the job itself needs, in bytes; weights are shared and
    /// not counted.
    pub peak_bytes: u64,
}

impl Work {
    /// The most work that can be told: no gas pays for it.
    pub const MAX: Self = Self { flops: u64::MAX, peak_bytes: u64::MAX };

    /// Adds the work of a step that runs after this one: operations add up, memory is the maximum.
    ///
    /// # Errors
    /// [`WorkOverflow`] if the operations exceed 64 bits.
    pub fn then(self, next: Self) -> Result<Self, WorkOverflow> {
        let flops = self.flops.checked_add(next.flops).ok_or(WorkOverflow)?;
        Ok(Self { flops, peak_bytes: self.peak_bytes.max(next.peak_bytes) })
    }
}

/// A count of work or its price does not fit in 64 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("work or its price exceeds 64 bits")]
pub struct WorkOverflow;

/// The price of a job in gas, by its two parts.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct GasCost {
    /// `GasAI = ceil(alpha * FLOPs) + gamma`.
    pub gas_ai: u64,
    /// `GasInference = ceil(beta * peak bytes)`.
    pub gas_inference: u64,
}

impl GasCost {
    /// The highest cost that can be told: its total exceeds 64 bits, so no gas limit pays it.
    pub const MAX: Self = Self { gas_ai: u64::MAX, gas_inference: u64::MAX };

    /// Returns `T = GasAI + GasInference`.
    ///
    /// # Errors
    /// [`WorkOverflow`] if the sum exceeds 64 bits.
    pub fn total(&self) -> Result<u64, WorkOverflow> {
        self.gas_ai.checked_add(self.gas_inference).ok_or(WorkOverflow)
    }
}

/// Turns work into gas. An implementation must be pure and monotonic in both fields of [`Work`].
pub trait GasPricing: Debug + Send + Sync {
    /// Returns the price of `work`.
    ///
    /// # Errors
    /// [`WorkOverflow`] if the price exceeds 64 bits.
    fn gas(&self, work: &Work) -> Result<GasCost, WorkOverflow>;

    /// Returns the price of a call that does no work: gamma.
    fn base(&self) -> GasCost {
        self.gas(&Work::default()).unwrap_or(GasCost { gas_ai: u64::MAX, gas_inference: 0 })
    }
}
