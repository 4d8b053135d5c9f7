use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use lazvm::{
    Coprocessor, Fault, FaultKind, Job, LazEvmFactory, LazVm, Outcome, PortError, Quote, Resources,
    Work,
};

/// What cases are run by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engines {
    /// LazVM and Ethereum's own EVM beside each other: a case passes if both say the same, whatever
    /// it expects.
    Both,
    /// LazVM with half of the base fee for the EVM: another chain than Ethereum, on which most
    /// cases must fail.
    Control,
    /// Ethereum's own EVM.
    Ethereum,
    /// LazVM with its AI precompiles.
    Laz,
}

/// Makes EVMs that run AI calls on a device that there is none of: no official test asks for one.
pub(crate) fn laz(device: &Arc<NoDevice>) -> LazEvmFactory {
    let builder = LazVm::builder().coprocessor(Arc::clone(device) as _);
    builder.factory().expect("a device is all that has no default")
}

/// The same in a block with this base fee, of which the EVM charges half.
pub(crate) fn control(factory: &LazEvmFactory, base_fee: u64) -> LazEvmFactory {
    let fees = Resources { evm: base_fee / 2, ..Resources::uniform(base_fee) };
    factory.clone().with_base_fees(Some(fees))
}

/// A device that counts who asks for it.
#[derive(Debug, Default)]
pub(crate) struct NoDevice(AtomicU64);

impl NoDevice {
    pub(crate) fn asked(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn fault(&self) -> PortError {
        self.0.fetch_add(1, Relaxed);
        Fault { kind: FaultKind::Device, message: "there is no device".into() }.into()
    }
}

impl Coprocessor for NoDevice {
    fn reading_work(&self, _: &Job) -> Result<Work, PortError> {
        Err(self.fault())
    }

    fn quote(&self, _: &Job) -> Result<Quote, PortError> {
        Err(self.fault())
    }

    fn run(&self, _: &Job) -> Result<Outcome, PortError> {
        Err(self.fault())
    }
}
