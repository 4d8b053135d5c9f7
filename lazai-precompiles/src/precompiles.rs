use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::Bytes;
use lazai_api_types::{
    Coprocessor, DuplicateVerifier, Job, PortError, ProofVerifier, ProofVerifiers, Quote, Work,
};

use crate::{
    Call, CallFault, ChainState, Missing, Mode, Reply, Settings, Status, answer,
    listed::{ListedDevice, listed_verifier},
    meter::{Meter, Stop, internal, reading_work},
    price,
    proofs::Proofs,
    request::{OutputFormat, Request},
    revert::RevertReason,
};

/// The AI precompiles: what a contract can ask of a [`Coprocessor`] and of proof verifiers.
#[derive(Clone, Debug)]
pub struct AiPrecompiles {
    coprocessor: Arc<dyn Coprocessor>,
    /// The device of calls that are in no block; that of blocks, if absent.
    queries: Option<Arc<dyn Coprocessor>>,
    verifiers: ProofVerifiers,
    settings: Settings,
}

impl AiPrecompiles {
    /// Puts the precompiles over a device and any number of proof systems.
    ///
    /// # Errors
    /// [`DuplicateVerifier`] if two verifiers claim one id.
    pub fn new(
        coprocessor: Arc<dyn Coprocessor>,
        verifiers: Vec<Arc<dyn ProofVerifier>>,
        settings: Settings,
    ) -> Result<Self, DuplicateVerifier> {
        let mut by_system = ProofVerifiers::default();
        for verifier in verifiers {
            by_system.insert(verifier)?;
        }
        Ok(Self { coprocessor, queries: None, verifiers: by_system, settings })
    }

    /// Makes the same precompiles with a device of their own for [`query`](Self::query), so that
    /// nobody who asks delays a block. It must answer as the device of blocks does.
    #[must_use]
    pub fn with_queries(mut self, coprocessor: Arc<dyn Coprocessor>) -> Self {
        self.queries = Some(coprocessor);
        self
    }

    /// Returns what the operator of the chain decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what the chain lists and this machine lacks: each call of it would end in a fault.
    ///
    /// The device is asked for the price of an empty text, once for each listed model. One that
    /// fails to tell lacks nothing.
    #[must_use]
    pub fn missing(&self) -> Missing {
        Missing::new(&self.settings, &*self.coprocessor, &self.verifiers)
    }

    /// Answers `call` over `state`, in a block.
    ///
    /// Only a successful reply may have changed `state`.
    ///
    /// # Errors
    /// [`CallFault`] if this machine failed. Other machines may not have, so the transaction must
    /// be aborted and must never become a receipt.
    pub fn call(&self, call: &Call<'_>, state: &mut dyn ChainState) -> Result<Reply, CallFault> {
        self.call_on(&*self.coprocessor, call, state)
    }

    /// Answers a `call` that is in no block, on the device of [queries](Self::with_queries).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn query(&self, call: &Call<'_>, state: &mut dyn ChainState) -> Result<Reply, CallFault> {
        self.call_on(self.queries.as_deref().unwrap_or(&*self.coprocessor), call, state)
    }

    /// Answers `call` on another `device`, which must answer as that of blocks does.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_on(
        &self,
        device: &dyn Coprocessor,
        call: &Call<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Reply, CallFault> {
        let mut meter = Meter::new(call);
        let device = ListedDevice::new(device, &self.settings);
        let (status, output) = match self.answer(device, call, &mut meter, state) {
            Ok(output) => (Status::Success, output),
            Err(Stop::Fault(fault)) => return Err(CallFault { fault, charged: meter.total() }),
            Err(Stop::OutOfGas) => (Status::OutOfGas, Bytes::new()),
            Err(Stop::Revert(reason)) => (Status::Revert, reason.encode()),
        };
        Ok(Reply {
            status,
            output,
            charged: meter.paid(),
            charged_evm: meter.paid_evm(),
            quoted: meter.quoted(),
            work: meter.work(),
        })
    }

    fn answer(
        &self,
        device: ListedDevice<'_>,
        call: &Call<'_>,
        meter: &mut Meter<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Bytes, Stop> {
        meter.charge(Work::default())?;
        match self.read(call) {
            Ok(Request::Prices) => Ok(price::encode_prices(&call.prices)),
            Ok(Request::Quote(job)) => {
                let reading = charge_reading(device, meter, &job)?;
                price::encode_price(call, checked(reading, device.quote(&job)?)?.work)
            }
            Ok(Request::Proof(request)) => {
                let systems = &self.settings.proof_systems;
                let verifier = listed_verifier(&self.verifiers, systems, request.system)?;
                Proofs::answer(verifier, call, request, meter, state)
            }
            Ok(Request::Run(job, format)) => {
                let reading = charge_reading(device, meter, &job)?;
                run(device, call.mode, meter, &job, reading, format)
            }
            Err(reason @ (RevertReason::DelegateCall | RevertReason::Value { .. })) => {
                Err(reason.into())
            }
            // It was read as far as it was right; and some hosts copy calldata of any length.
            Err(reason) => {
                meter.charge(reading_work(call.input.len() as u64))?;
                Err(reason.into())
            }
        }
    }

    fn read<'a>(&self, call: &Call<'a>) -> Result<Request<'a>, RevertReason> {
        let (got, max) = (call.input.len(), self.settings.max_input_bytes);
        if call.is_delegate {
            return Err(RevertReason::DelegateCall);
        }
        if !call.value.is_zero() {
            return Err(RevertReason::Value { value: call.value });
        }
        if got > max {
            return Err(RevertReason::InputTooLong { got: got as u64, max: max as u64 });
        }
        Request::read(call.precompile, call.input, &self.settings)
    }
}

/// Charges for the length of a job, then for what the device says that reading it costs.
fn charge_reading(
    device: ListedDevice<'_>,
    meter: &mut Meter<'_>,
    job: &Job,
) -> Result<Work, Stop> {
    let intrinsic = job.intrinsic_work();
    meter.charge(intrinsic)?;
    let reading = device.reading_work(job)?;
    if reading.flops < intrinsic.flops {
        return Err(internal("the work of reading a job does not contain its intrinsic work"));
    }
    meter.charge(reading)?;
    Ok(reading)
}

fn run(
    device: ListedDevice<'_>,
    mode: Mode,
    meter: &mut Meter<'_>,
    job: &Job,
    reading: Work,
    format: OutputFormat,
) -> Result<Bytes, Stop> {
    let prepared = device.prepare(job)?;
    let quote = checked(reading, prepared.quote())?;
    meter.charge_quote(quote)?;
    let (output, usage) = match mode {
        Mode::Execute => {
            let outcome = prepared.run().map_err(|error| match error {
                PortError::Fault(fault) => Stop::Fault(fault),
                PortError::Rejected(_) => internal("a job that was quoted was rejected"),
            })?;
            meter.settle(outcome.work)?;
            if answer::vector_length(&outcome.output) != quote.output_values as usize {
                return Err(internal("the vector of a run is not as long as its quote"));
            }
            (outcome.output, outcome.usage)
        }
        Mode::Simulate => (answer::placeholder(&job.task, &quote), quote.usage),
    };
    answer::encode(&job.task, format, output, usage)
        .ok_or_else(|| internal("the output is not what the task asks for"))
}

/// Returns `quote`, if it contains the work of reading that was charged for before.
fn checked(reading: Work, quote: Quote) -> Result<Quote, Stop> {
    if quote.work.flops < reading.flops || quote.work.peak_bytes < reading.peak_bytes {
        return Err(internal("a quote does not contain the work of reading its job"));
    }
    Ok(quote)
}
