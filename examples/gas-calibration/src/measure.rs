//! What a second of this machine does.

use core::{hint::black_box, time::Duration};
use std::sync::Arc;

use alloy_primitives::{Address, U256};
use lazai_api_types::{
    Coprocessor, Generation, Job, PortError, Prompt, Sampling, Task, TokenId, Work,
};
use lazai_gas::GasSchedule;
use lazai_precompiles::{
    AiPrecompiles, Call, MemoryState, Mode, Precompile, ResourcePrices, Settings,
};

use crate::{clock::fastest, error::Error, models::Loaded};

/// One kind of work, and how long this machine takes for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) model: &'static str,
    pub(crate) priced_by: Coefficient,
    /// What is paid for.
    pub(crate) work: Work,
    /// Processor time of the calling thread.
    pub(crate) nanoseconds: u64,
}

/// The coefficient that pays for a kind of work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Coefficient {
    /// Operations.
    Alpha,
    /// Bytes of memory.
    Beta,
    /// Whole calls.
    Gamma,
}

/// Measures prefill, decoding, and tokenizing of one model.
pub(crate) fn model(loaded: &Loaded, budget: Duration) -> Result<Vec<Measurement>, Error> {
    let tokens = |count: u32| (0..count).map(|index| TokenId(3 + index % 200)).collect::<Vec<_>>();
    let generation = |max_tokens| {
        Task::Generate(Generation {
            prompt: Prompt::Tokens(tokens(1)),
            max_tokens,
            sampling: Sampling { temperature_milli: 1_000, ..Sampling::default() },
            stop: Vec::new(),
        })
    };
    let text = "A fox and an owl met at the old well, and it rained. ".repeat(8);
    [
        ("prefill of 200 tokens", Task::Logits { prompt: Prompt::Tokens(tokens(200)) }),
        ("prefill of 1 token", Task::Logits { prompt: Prompt::Tokens(tokens(1)) }),
        ("decoding of 200 tokens", generation(200)),
        ("tokens of a text", Task::Count { text }),
        ("text of 200 tokens", Task::Decode { tokens: tokens(200) }),
    ]
    .into_iter()
    .map(|(name, task)| {
        let job = Job { model: loaded.id, task };
        let failed = |source| Error::Job { job: name, source };
        let mut outcome = loaded.device.run(&job).map_err(failed)?;
        let nanoseconds = fastest(budget, || {
            outcome = black_box(loaded.device.run(&job))?;
            Ok::<_, PortError>(())
        })
        .map_err(failed)?;
        // An answer that ends early is paid by what it did.
        let work = outcome.work;
        let priced_by = Coefficient::Alpha;
        Ok(Measurement { name, model: loaded.name, priced_by, work, nanoseconds })
    })
    .collect()
}

/// Measures memory: each byte is written and read once, in a buffer that no cache holds.
pub(crate) fn memory(budget: Duration, bytes: usize) -> Measurement {
    let mut buffer = vec![0_u64; bytes / 8];
    let mut round = 0;
    let time = fastest(budget, || {
        round += 1;
        black_box(&mut buffer[..]).fill(round);
        let sum = black_box(&buffer[..]).iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        black_box(sum);
        Ok::<_, core::convert::Infallible>(())
    });
    let Ok(nanoseconds) = time;
    let work = Work { flops: 0, peak_bytes: 8 * buffer.len() as u64 };
    let (name, model, priced_by) = ("memory, written and read", "", Coefficient::Beta);
    Measurement { name, model, priced_by, work, nanoseconds }
}

/// Measures the cheapest calls: what gamma alone pays for.
pub(crate) fn calls(loaded: &Loaded, budget: Duration) -> Result<Vec<Measurement>, Error> {
    let settings = Settings { default_model: Some(loaded.id), ..Settings::default() };
    let device = Arc::new(loaded.device.clone());
    let precompiles = AiPrecompiles::new(device, vec![], settings)?;
    let schedule = GasSchedule::default();
    [
        ("call of no function", &[0xff, 0xff, 0xff, 0xff][..]),
        ("call that asks the prices", &PRICES[..]),
    ]
    .into_iter()
    .map(|(name, input)| {
        let call = Call {
            precompile: Precompile::Quote,
            caller: Address::ZERO,
            input,
            gas_limit: 1_000_000,
            value: U256::ZERO,
            is_static: true,
            is_delegate: false,
            mode: Mode::Execute,
            pricing: &schedule,
            prices: ResourcePrices::default(),
        };
        let mut state = MemoryState::default();
        let run = || precompiles.call(&call, &mut state).map(|reply| drop(black_box(reply)));
        let nanoseconds = fastest(budget, run)
            .map_err(|ended| Error::Job { job: name, source: PortError::Fault(ended.fault) })?;
        let priced_by = Coefficient::Gamma;
        Ok(Measurement { name, model: "", priced_by, work: Work::default(), nanoseconds })
    })
    .collect()
}

/// The selector of `prices()`.
const PRICES: [u8; 4] = [0xd3, 0x41, 0x9b, 0xf3];
